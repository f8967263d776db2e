"""AI/ML Engineering Journey: what the pages of the book build, importable.

Each module is written by `make sync` from the cells tagged `export` of one page under `scripts/`;
its docstring says which. Edit the page, never a file in this folder.
"""
