"""Groups and joins: pandas and SQL as the oracles, cardinalities, luck, and what is refused."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.python_foundations.pandas import explained_share, group_apply_combine, join

quick = settings(deadline=None, derandomize=True, max_examples=50)
texts = st.sampled_from(["a", "b", "ä", ""])
texts_or_gaps = st.one_of(texts, st.none())
numbers = st.one_of(st.integers(-99, 99).map(float), st.just(float("nan")))


small = st.integers(0, 2)


def table(keys, values, name="x"):
    """Tables with a text key that may be missing, a whole-number key, and a column of values."""
    rows = st.lists(st.tuples(keys, small, values), max_size=14)
    return rows.map(
        lambda r: pd.DataFrame(
            {
                "key": pd.Series([k for k, _, _ in r], dtype="str"),
                "part": pd.Series([p for _, p, _ in r], dtype="int64"),
                name: pd.Series([v for _, _, v in r], dtype="float64"),
            }
        )
    )


# --- group_apply_combine -------------------------------------------------------------------------


@given(table(texts_or_gaps, numbers), st.sampled_from([["key"], ["part"], ["key", "part"], ["part", "key"]]))
@quick
def test_groups_agree_with_pandas(rows, by):
    ours = group_apply_combine(
        rows, by, n=("x", len), gaps=("x", lambda x: int(np.isnan(x).sum())), first=("x", lambda x: x[0])
    )
    theirs = rows.groupby(by)["x"]
    assert list(ours.columns) == ["n", "gaps", "first"]
    assert ours.index.names == by
    if ours.empty:
        assert rows[by].isna().any(axis=1).all()
        return
    assert ours.index.tolist() == theirs.size().index.tolist()
    np.testing.assert_array_equal(ours["n"], theirs.size())
    np.testing.assert_array_equal(ours["gaps"], theirs.size() - theirs.count())
    np.testing.assert_array_equal(ours["first"], theirs.nth(0).groupby([rows[k] for k in by]).first())


@given(table(texts, st.integers(-99, 99).map(float)))
@quick
def test_groups_are_a_partition_and_their_order_does_not_depend_on_the_rows(rows):
    ours = group_apply_combine(rows, ["key", "part"], n=("x", len), total=("x", np.sum))
    assert ours["n"].sum() == len(rows)
    assert ours["total"].sum() == rows["x"].sum()
    backwards = group_apply_combine(rows[::-1], ["key", "part"], n=("x", len), total=("x", np.sum))
    pd.testing.assert_frame_equal(ours, backwards)


def test_each_function_sees_the_values_of_its_group_in_the_order_of_the_rows():
    rows = pd.DataFrame({"k": [2, 1, 2, 1, 2], "x": [10, 20, 30, 40, 50]}, index=[5, 5, 1, 0, 9])
    ours = group_apply_combine(rows, "k", values=("x", lambda x: x.tolist()))
    assert ours["values"].to_dict() == {1: [20, 40], 2: [10, 30, 50]}


def test_moments_categories_and_truth_values_are_keys():
    day = pd.to_datetime(["2013-01-02", "2013-01-01", None, "2013-01-02"])
    rows = pd.DataFrame(
        {"day": day, "kind": pd.Categorical(list("abab")), "yes": [True, False] * 2, "x": range(4)}
    )
    assert group_apply_combine(rows, "day", n=("x", len))["n"].tolist() == [1, 2]
    assert group_apply_combine(rows, "kind", n=("x", len)).index.tolist() == ["a", "b"]
    assert group_apply_combine(rows, "yes", n=("x", np.sum))["n"].to_dict() == {False: 4, True: 2}


def test_the_table_is_left_alone():
    rows = pd.DataFrame({"k": ["b", "a"], "x": [1.0, 2.0]})
    copy = rows.copy(deep=True)
    group_apply_combine(rows, "k", smallest=("x", np.min))
    join(rows, pd.DataFrame({"k": ["a"], "y": [1]}), "k", how="left")
    pd.testing.assert_frame_equal(rows, copy)


@pytest.mark.parametrize(
    ("by", "results", "message"),
    [
        ("z", {"n": ("x", len)}, "need columns"),
        ([], {"n": ("x", len)}, "need columns"),
        (["k", "k"], {"n": ("x", len)}, "each once"),
        ("k", {"n": ("z", len)}, "need columns"),
        ("k", {}, "at least one result"),
    ],
)
def test_groups_refuse(by, results, message):
    rows = pd.DataFrame({"k": ["a"], "x": [1.0]})
    with pytest.raises(ValueError, match=message):
        group_apply_combine(rows, by, **results)


# --- explained_share -----------------------------------------------------------------------------


@given(table(texts, st.integers(-99, 99).map(float)).filter(lambda t: t["x"].nunique() > 1))
@quick
def test_the_share_is_one_minus_the_variance_within(rows):
    share = explained_share(rows, "key", "x")
    within = rows["x"] - rows.groupby("key")["x"].transform("mean")
    assert share.explained == pytest.approx(
        1 - (within**2).sum() / (rows["x"].var(ddof=0) * len(rows)), abs=1e-12
    )
    assert -1e-12 <= share.explained <= 1 + 1e-12
    finer = explained_share(rows, ["key", "part"], "x")
    assert finer.explained >= share.explained - 1e-12
    assert finer.by_luck >= share.by_luck


def test_known_shares():
    rows = pd.DataFrame({"k": ["a", "a", "b", "b"], "x": [1.0, 1.0, 5.0, 5.0], "id": range(4)})
    assert explained_share(rows, "k", "x") == pytest.approx((1.0, 1 / 3))
    assert explained_share(rows, "id", "x") == pytest.approx((1.0, 1.0))
    assert explained_share(rows.assign(k="a"), "k", "x") == (0.0, 0.0)
    gaps = pd.concat([rows, pd.DataFrame({"k": [None, "a"], "x": [99.0, np.nan], "id": [4, 5]})])
    assert explained_share(gaps, "k", "x") == explained_share(rows, "k", "x")


def test_random_groups_explain_what_the_formula_says():
    rng = np.random.default_rng(0)
    x = rng.exponential(size=60)
    shares = [
        explained_share(pd.DataFrame({"k": rng.permutation(np.arange(60) % 7), "x": x}), "k", "x")
        for _ in range(200)
    ]
    assert np.mean([share.explained for share in shares]) == pytest.approx(shares[0].by_luck, rel=0.1)


@pytest.mark.parametrize("values", [[], [3.0], [2.0, 2.0], [np.nan, 1.0]])
def test_a_share_needs_two_values(values):
    rows = pd.DataFrame({"k": ["a"] * len(values), "x": pd.Series(values, dtype=float)})
    with pytest.raises(ValueError, match="two different values"):
        explained_share(rows, "k", "x")


# --- join ----------------------------------------------------------------------------------------


@given(
    table(texts_or_gaps, numbers),
    table(texts_or_gaps, numbers, name="y"),
    st.sampled_from([["key"], ["key", "part"]]),
    st.sampled_from(["inner", "left"]),
)
@settings(quick, max_examples=120)
def test_joins_agree_with_pandas_when_missing_keys_cannot_meet(left, right, on, how):
    if "part" not in on:
        right = right.drop(columns="part")
    ours = join(left, right, on, how=how, validate=None)
    theirs = left.merge(right.dropna(subset=on), on=on, how=how)
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=not theirs.empty)


@given(table(texts_or_gaps, numbers), table(texts_or_gaps, numbers, name="y"))
@settings(quick, max_examples=25)
def test_joins_have_as_many_rows_as_sql_and_the_formula_say(one, two):
    for how in ("inner", "left"):
        n = len(join(one, two, ["key", "part"], how=how, validate=None))
        assert n == len(duckdb.sql(f"SELECT * FROM one {how} JOIN two USING (key, part)").df())
    counts = [t.dropna(subset=["key"]).groupby(["key", "part"]).size() for t in (one, two)]
    assert len(join(one, two, ["key", "part"], validate=None)) == counts[0].mul(counts[1], fill_value=0).sum()


@given(table(texts_or_gaps, numbers), table(texts_or_gaps, numbers, name="y"))
@quick
def test_validation_is_exactly_the_uniqueness_of_the_keys(left, right):
    right = right.drop(columns="part")
    unique = {
        "left": not left["key"].dropna().duplicated().any(),
        "right": not right["key"].dropna().duplicated().any(),
    }
    wanted = {"many_to_one": ["right"], "one_to_many": ["left"], "one_to_one": ["left", "right"]}
    for validate, sides in wanted.items():
        if all(unique[side] for side in sides):
            join(left, right, "key", validate=validate)
        else:
            with pytest.raises(ValueError, match=f"not {validate}.*times on the"):
                join(left, right, "key", validate=validate)


def test_a_many_to_one_left_join_keeps_every_row_once_in_order_with_types():
    left = pd.DataFrame({"k": [3, 1, 2, 1], "x": [10, 20, 30, 40]}, index=[9, 9, 9, 9])
    right = pd.DataFrame({"k": [1, 2, 3], "y": [1, 2, 3]}, index=[7, 7, 7])
    ours = join(left, right, "k", how="left")
    assert ours.to_dict("list") == {"k": [3, 1, 2, 1], "x": [10, 20, 30, 40], "y": [3, 1, 2, 1]}
    assert ours["y"].dtype == np.int64  # no gap, so no float
    assert ours.index.tolist() == [0, 1, 2, 3]
    missing = join(left, right.iloc[:1], "k", how="left")["y"]
    assert missing.isna().tolist() == [True, False, True, False]


def test_missing_keys_meet_nobody():
    gaps = pd.DataFrame({"k": [np.nan, np.nan, 1.0], "x": range(3)})
    assert len(join(gaps, gaps.rename(columns={"x": "y"}), "k")) == 1
    assert join(gaps, gaps.rename(columns={"x": "y"}), "k", how="left")["y"].isna().sum() == 2


LEFT = pd.DataFrame({"k": [1, 1], "x": [1, 2]})
RIGHT = pd.DataFrame({"k": [1, 1], "y": [1, 2]})


@pytest.mark.parametrize(
    ("right", "options", "message"),
    [
        (RIGHT, {"on": "z"}, "need columns"),
        (RIGHT.rename(columns={"k": "j"}), {"on": "k"}, "need columns"),
        (RIGHT, {"on": []}, "need columns"),
        (RIGHT.rename(columns={"y": "x"}), {"on": "k"}, r"both tables have \['x'\]"),
        (RIGHT, {"on": "k", "how": "outer"}, "unknown option"),
        (RIGHT, {"on": "k", "validate": "m:1"}, "unknown option"),
        (RIGHT, {"on": "k"}, r"not many_to_one: \(1,\) occurs 2 times on the right"),
    ],
)
def test_joins_refuse(right, options, message):
    with pytest.raises(ValueError, match=message):
        join(LEFT, right, **options)
