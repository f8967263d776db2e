"""pandas.

Built in the page `scripts/02_Python_Foundations/07_pandas.py`: edit the page, not this file.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

__all__ = ["Share", "explained_share", "group_apply_combine", "join"]


def _columns(table: pd.DataFrame, names: str | list[str]) -> list[str]:
    """A list of at least one column of a table, each once, or a ValueError."""
    chosen = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in chosen if name not in table.columns]
    if unknown or not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"need columns of {list(table.columns)}, each once, got {chosen}")
    return chosen


def _key_codes(table: pd.DataFrame, names: list[str], seen: dict[Any, int]) -> np.ndarray:
    """A whole number for each row (n,), equal for equal keys, -1 where a part of the key is missing.

    ``seen`` numbers the keys in the order in which they appear; new ones are added to it.
    """
    whole = table[names].notna().all(axis=1)
    keys = zip(*(table[name].tolist() for name in names))
    codes = [seen.setdefault(key, len(seen)) if ok else -1 for key, ok in zip(keys, whole)]
    return np.array(codes, dtype=np.int64)


def group_apply_combine(
    table: pd.DataFrame,
    by: str | list[str],
    **results: tuple[str, Callable[[np.ndarray], Any]],
) -> pd.DataFrame:
    """For each key, functions of the values that belong to it.

    Parameters
    ----------
    table : DataFrame
    by : str or list of str
        The columns that make the key; rows in which one of them is missing are left out.
    **results : (column, function)
        Name of the result = the column, and a function from an array (m,) to one value.

    Returns
    -------
    DataFrame
        One row for each key, in order; the keys are the index.

    Raises
    ------
    ValueError
        If a column is not there, or no result is asked for.

    References
    ----------
    Equation eq-pandas-group of the page.
    """
    names = _columns(table, by)
    if not results:
        raise ValueError("ask for at least one result, name=(column, function)")
    _columns(table, list({column for column, _ in results.values()}))
    seen: dict[Any, int] = {}
    codes = _key_codes(table, names, seen)
    rows = np.argsort(codes, kind="stable")[np.sum(codes < 0) :]  # grouped by key
    cuts = np.cumsum(np.bincount(codes[codes >= 0], minlength=len(seen)))
    slices = [rows[start:stop] for start, stop in zip([0, *cuts], cuts)]
    keys = sorted(seen)
    combined = {}
    for name, (column, function) in results.items():
        values = table[column].to_numpy()
        combined[name] = [function(values[slices[seen[key]]]) for key in keys]
    index: pd.Index = pd.MultiIndex.from_tuples(keys, names=names)
    if len(names) == 1:
        index = index.get_level_values(0)
    return pd.DataFrame(combined, index=index)


class Share(NamedTuple):
    """The share of a variance that lies between groups, and what random groups would reach."""

    explained: float
    by_luck: float


def explained_share(table: pd.DataFrame, by: str | list[str], column: str) -> Share:
    """How much of a column's variance goes away if the key is known, and how much by luck.

    Rows with a missing key or value are left out.

    Raises
    ------
    ValueError
        If a column is not there, or fewer than two different values are left.

    References
    ----------
    Equations eq-pandas-share and eq-pandas-luck of the page.
    """
    names = _columns(table, by)
    rows = table[list(dict.fromkeys([*names, column]))].dropna()
    values = rows[column].to_numpy(dtype=float)
    total = np.sum((values - values.mean()) ** 2) if len(values) else 0.0
    if not total > 0:
        raise ValueError(f"{column!r} needs at least two different values")
    groups = group_apply_combine(rows, names, n=(column, len), mean=(column, np.mean))
    between = np.sum(groups["n"] * (groups["mean"] - values.mean()) ** 2)
    return Share(float(between / total), (len(groups) - 1) / (len(values) - 1))


def _row_pairs(left: np.ndarray, right: np.ndarray, keep: bool) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the left and right rows with equal codes; a code of -1 equals none.

    With ``keep``, a left row without a partner stays, paired with the right row -1.
    """
    n_codes = max(left.max(initial=-1), right.max(initial=-1)) + 1
    times = np.bincount(right[right >= 0], minlength=n_codes + 1)  # the last is for -1
    first = np.cumsum(times) - times
    by_code = np.argsort(right, kind="stable")[np.sum(right < 0) :]
    found = times[left]  # partners of each left row
    repeats = np.maximum(found, 1) if keep else found
    left_rows = np.repeat(np.arange(len(left)), repeats)
    place = np.arange(len(left_rows)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    paired = found[left_rows] > 0
    right_rows = np.full(len(left_rows), -1)
    right_rows[paired] = by_code[(first[left[left_rows]] + place)[paired]]
    return left_rows, right_rows


_UNIQUE: dict[str | None, tuple[str, ...]] = {  # which sides must not repeat a key
    None: (),
    "one_to_one": ("left", "right"),
    "one_to_many": ("left",),
    "many_to_one": ("right",),
}


def join(
    left: pd.DataFrame,
    right: pd.DataFrame,
    on: str | list[str],
    *,
    how: str = "inner",
    validate: str | None = "many_to_one",
) -> pd.DataFrame:
    """The pairs of rows with equal keys, in the order of the left table.

    Parameters
    ----------
    left, right : DataFrame
        Beside the key they share no column.
    on : str or list of str
        The columns of the key. A key with a missing part equals none, as in SQL.
    how : {"inner", "left"}
        Whether left rows without a partner are dropped, or kept with missing values.
    validate : {"many_to_one", "one_to_many", "one_to_one", None}
        Which side may repeat a key; None allows both.

    Raises
    ------
    ValueError
        If a column is missing or shared, a key is repeated where it must not be, or an option is unknown.

    References
    ----------
    Equation eq-pandas-join of the page.
    """
    names = _columns(left, on)
    shared = [c for c in left.columns.intersection(right.columns) if c not in names]
    if _columns(right, on) and shared:
        raise ValueError(f"both tables have {shared}: join on them, rename or drop them")
    if how not in ("inner", "left") or validate not in _UNIQUE:
        raise ValueError(f"unknown option: how={how!r}, validate={validate!r}")
    seen: dict[Any, int] = {}
    codes = {"left": _key_codes(left, names, seen)}
    codes["right"] = _key_codes(right, names, seen)
    for side in _UNIQUE[validate]:
        times = np.bincount(codes[side][codes[side] >= 0], minlength=1)
        if times.max() > 1:
            key = list(seen)[times.argmax()]
            raise ValueError(f"not {validate}: {key} occurs {times.max()} times on the {side}")
    left_rows, right_rows = _row_pairs(codes["left"], codes["right"], how == "left")
    added = right.drop(columns=names).reset_index(drop=True).reindex(right_rows)
    parts = [left.iloc[left_rows].reset_index(drop=True), added.reset_index(drop=True)]
    return pd.concat(parts, axis=1)


# seal: 848f395263199d2d
