"""Core Python.

Built in the page `scripts/02_Python_Foundations/01_core_python.py`: edit the page, not this file.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

__all__ = ["HashTable", "object_graph"]


def object_graph(
    names: dict[str, Any],
) -> tuple[dict[str, int], list[tuple[Any, list[int]]]]:
    """Which object each name is tied to, and which objects hold which.

    Parameters
    ----------
    names : dict
        From names to objects; lists, tuples, sets and dicts (their values) are entered.

    Returns
    -------
    roots : dict
        From each name to the number of its object.
    objects : list of (object, list of int)
        Each object once, with the numbers of the objects that it holds.

    Raises
    ------
    ValueError
        If there are no names.
    """
    if not names:
        raise ValueError("give at least one name")
    numbers: dict[int, int] = {}
    objects: list[tuple[Any, list[int]]] = []

    def visit(thing: Any) -> int:
        if id(thing) not in numbers:
            numbers[id(thing)] = len(objects)
            held: list[int] = []
            objects.append((thing, held))
            inside = thing.values() if isinstance(thing, dict) else thing
            if isinstance(thing, (list, tuple, set, frozenset, dict)):
                held.extend(visit(part) for part in inside)
        return numbers[id(thing)]

    return {name: visit(thing) for name, thing in names.items()}, objects


class HashTable:
    """A mapping by open addressing with linear probing, which counts its probes.

    Parameters
    ----------
    max_load : float
        Share of filled slots at which the table doubles, between 0 and 1.

    Attributes
    ----------
    probes : int
        Slots looked at so far, moves at doubling not counted.

    Raises
    ------
    ValueError
        If max_load is not between 0 and 1.
    KeyError, TypeError
        As for a dict: for a missing key, for one that has no hash.

    References
    ----------
    Equation eq-core-probes of the page; Knuth (1998), section 6.4.
    """

    def __init__(self, max_load: float = 0.66) -> None:
        if not 0 < max_load < 1:
            raise ValueError(f"max_load must be between 0 and 1, got {max_load}")
        self.max_load, self.probes, self._used = max_load, 0, 0
        self._slots: list[tuple[Any, Any] | None] = [None] * 8

    def _find(self, key: Hashable) -> int:
        """The slot of a key, or the free one where it would go."""
        slot = hash(key) % len(self._slots)
        while True:
            self.probes += 1
            entry = self._slots[slot]
            if entry is None or entry[0] is key or entry[0] == key:
                return slot
            slot = (slot + 1) % len(self._slots)

    def __setitem__(self, key: Hashable, value: Any) -> None:
        slot = self._find(key)
        self._used += self._slots[slot] is None
        self._slots[slot] = (key, value)
        if self._used > self.max_load * len(self._slots):
            self._rebuild(2 * len(self._slots))

    def __getitem__(self, key: Hashable) -> Any:
        entry = self._slots[self._find(key)]
        if entry is None:
            raise KeyError(key)
        return entry[1]

    def __delitem__(self, key: Hashable) -> None:
        slot = self._find(key)
        if self._slots[slot] is None:
            raise KeyError(key)
        self._slots[slot] = None
        self._used -= 1
        follower = (slot + 1) % len(self._slots)
        while self._slots[follower] is not None:  # close the gap: put these in anew
            entry = self._slots[follower]
            self._slots[follower] = None
            if entry is not None:
                self._slots[self._find(entry[0])] = entry
            follower = (follower + 1) % len(self._slots)

    def _rebuild(self, size: int) -> None:
        entries, probes = [e for e in self._slots if e is not None], self.probes
        self._slots = [None] * size
        for entry in entries:
            self._slots[self._find(entry[0])] = entry
        self.probes = probes

    def __contains__(self, key: Hashable) -> bool:
        return self._slots[self._find(key)] is not None

    def __iter__(self) -> Iterator[Any]:
        return (entry[0] for entry in self._slots if entry is not None)

    def __len__(self) -> int:
        return self._used


# seal: 85205f6dc8e997fb
