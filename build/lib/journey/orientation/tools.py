"""Tools, or how to find the one thing that is wrong.

Built in the page `scripts/00_Orientation/06_tools.py`: edit the page, not this file.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["Item", "first_bad", "shrink"]


def first_bad(good: int, bad: int, is_bad: Callable[[int], bool]) -> int:
    """The first bad position between a good and a bad one, by bisection.

    Parameters
    ----------
    good, bad : int
        A position known to be good, and a later one known to be bad; neither is tested.
    is_bad : callable, int to bool
        Must be monotone: false up to some position and true from there on.

    Returns
    -------
    int
        The smallest bad position, after at most ``ceil(log2(bad - good))`` tests.

    Raises
    ------
    ValueError
        If ``bad`` does not come after ``good``.
    """
    if bad <= good:
        raise ValueError(f"bad must come after good, got good={good}, bad={bad}")
    while bad - good > 1:
        middle = (good + bad) // 2
        if is_bad(middle):
            bad = middle
        else:
            good = middle
    return bad


Item = TypeVar("Item")


def shrink(items: Sequence[Item], fails: Callable[[list[Item]], bool]) -> list[Item]:
    """Cut a failing input down until no single element can be left out (the algorithm ``ddmin``).

    Parameters
    ----------
    items : sequence
        An input on which ``fails`` is true.
    fails : callable, list to bool
        Whether a part of the input, in order, still fails.

    Returns
    -------
    list
        A failing part of the items, in order, that passes if any one element is taken out.

    Raises
    ------
    ValueError
        If the input does not fail in the first place.

    References
    ----------
    Zeller & Hildebrandt (2002), Simplifying and isolating failure-inducing input.
    """
    rest = list(items)
    if not fails(rest):
        raise ValueError("the whole input does not fail: there is nothing to shrink")
    pieces = 2
    while len(rest) > 1:
        edges = [len(rest) * n // pieces for n in range(pieces + 1)]
        cuts = list(itertools.pairwise(edges))
        smaller = next((rest[a:b] for a, b in cuts if fails(rest[a:b])), None)
        if smaller is not None:  # one piece fails alone
            rest, pieces = smaller, 2
            continue
        smaller = next((rest[:a] + rest[b:] for a, b in cuts if fails(rest[:a] + rest[b:])), None)
        if smaller is not None:  # all but one piece still fail
            rest, pieces = smaller, max(pieces - 1, 2)
        elif pieces < len(rest):
            pieces = min(2 * pieces, len(rest))
        else:
            break
    return rest


# seal: a6b6704f0687c53c
