"""03 Machine Learning: what the pages of this stage of the book build.

Written by `make sync`."""
