"""09 Research Implementations: what the pages of this stage of the book build.

Written by `make sync`."""
