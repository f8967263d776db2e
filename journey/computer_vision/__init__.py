"""05 Computer Vision: what the pages of this stage of the book build.

Written by `make sync`."""
