"""How to use this book.

Built in the page `scripts/00_Orientation/01_how_to_use_this_book.py`: edit the page, not this file.
"""

import importlib.metadata
import re

__all__ = ["compare_pins"]


def compare_pins(text: str) -> dict[str, tuple[str, str | None]]:
    """Compare pinned requirements with what is installed.

    Parameters
    ----------
    text : str
        Lines such as ``numpy==2.4.6``; comments, options and blank lines are passed over.

    Returns
    -------
    dict
        For each package that differs: the pinned version and the installed one, None if it is missing.
        A local label such as ``+cpu`` does not count as a difference.

    Raises
    ------
    ValueError
        If a line is neither a pin nor one of those passed over.
    """
    different: dict[str, tuple[str, str | None]] = {}
    for line in text.splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if not line or line.startswith("-"):
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([^\s;]+)", line)
        if match is None:
            raise ValueError(f"expected name==version, got {line!r}")
        name, pinned = match.groups()
        try:
            installed: str | None = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            installed = None
        if installed is None or installed.split("+")[0] != pinned.split("+")[0]:
            different[name] = (pinned, installed)
    return different


# seal: 869a211bd475ca38
