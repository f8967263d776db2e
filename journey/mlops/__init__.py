"""08 MLOps: what the pages of this stage of the book build.

Written by `make sync`."""
