"""Functions and iteration: the standard library as the oracle, and failures at every place."""

import functools
import itertools
import math
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.python_foundations.functions_and_iteration import (
    MalformedRow,
    atomic_write,
    batched,
    columns_of,
    group_means,
    memoize,
    timed,
    to_numbers,
)

quick = settings(deadline=None, derandomize=True, max_examples=60)
keys = st.lists(st.integers(0, 12), max_size=80)


@quick
@given(keys, st.one_of(st.none(), st.integers(0, 14)))
def test_cache_keeps_the_accounts_of_lru_cache(requests, maxsize):
    ours, theirs = memoize(maxsize)(lambda k: k + 1), functools.lru_cache(maxsize)(lambda k: k + 1)
    for k in requests:
        assert ours(k) == theirs(k)
        assert tuple(ours.cache_info()) == tuple(theirs.cache_info())
    ours.cache_clear()
    assert tuple(ours.cache_info()) == (0, 0, maxsize, 0)


@quick
@given(keys, st.integers(0, 10))
def test_a_larger_lru_cache_never_misses_more(requests, size):
    def misses(n):
        f = memoize(n)(lambda k: k)
        for k in requests:
            f(k)
        return f.cache_info().misses

    assert misses(size + 1) <= misses(size)


def test_cache_of_a_function_that_calls_itself():
    @memoize(3)
    def fibonacci(n):
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    assert fibonacci(50) == 12_586_269_025
    assert fibonacci.cache_info().currsize == 3


def test_cache_keeps_arguments_apart_and_the_name():
    @memoize()
    def f(*args, **kwargs):
        """Say what came."""
        return args, kwargs

    assert f(1, 2) == ((1, 2), {})
    assert f(1, b=2) == ((1,), {"b": 2})
    assert f() == ((), {})
    assert f((1, 2)) == (((1, 2),), {})
    assert (f.__name__, f.__doc__) == ("f", "Say what came.")


def test_cache_does_not_remember_failures_and_refuses():
    attempts = []

    @memoize()
    def fail(k):
        attempts.append(k)
        raise KeyError(k)

    for _ in range(2):
        with pytest.raises(KeyError):
            fail(1)
    assert attempts == [1, 1]
    with pytest.raises(TypeError, match="unhashable"):
        memoize()(len)([1])
    with pytest.raises(ValueError, match="not negative"):
        memoize(-1)


def test_timed_reports_every_way_out():
    clock, log = iter(range(0, 100, 7)), []

    @timed(lambda *entry: log.append(entry), clock=lambda: next(clock))
    def invert(x, *, sign=1):
        """Invert."""
        return sign / x

    assert invert(2, sign=-1) == -0.5
    with pytest.raises(ZeroDivisionError):
        invert(0)
    assert log == [("invert", 7), ("invert", 7)]
    assert invert.__doc__ == "Invert."


@quick
@given(st.lists(st.integers(), max_size=30), st.integers(1, 8))
def test_batches_are_slices(items, size):
    parts = list(batched(iter(items), size))
    assert list(itertools.chain(*parts)) == items
    assert all(len(part) == size for part in parts[:-1])
    assert not parts or 1 <= len(parts[-1]) <= size


def test_batches_are_lazy_and_refuse():
    assert next(batched(itertools.count(), 3)) == (0, 1, 2)
    with pytest.raises(ValueError, match="at least one"):
        next(batched([1], 0))


numbers = st.floats(-1e6, 1e6)


@quick
@given(st.lists(st.tuples(st.sampled_from("abc"), numbers), max_size=60))
def test_group_means_are_means_of_groups(pairs):
    found = group_means(iter(pairs))
    assert set(found) == {key for key, _ in pairs}
    for key, summary in found.items():
        values = np.array([value for k, value in pairs if k == key])
        assert summary.n == len(values)
        assert summary.mean == pytest.approx(values.mean(), rel=1e-9, abs=1e-6)
        if len(values) > 1:
            assert summary.variance == pytest.approx(values.var(ddof=1), rel=1e-6, abs=1e-4)
        else:
            assert math.isnan(summary.variance)


def test_variance_survives_a_large_offset():
    values = 1e9 + np.array([4.0, 7, 13, 16])
    assert group_means(("x", v) for v in values)["x"].variance == pytest.approx(30, rel=1e-6)
    assert group_means([]) == {}


def test_columns():
    text = ["a,b,c\n", '1,"x,y",3\n', "4,,6\n"]
    assert list(columns_of(iter(text), "c", "b")) == [("3", "x,y"), ("6", "")]
    assert list(columns_of(["a\n"], "a")) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [([], "no column 'a'"), (["b\n"], "no column 'a'"), (["a,b\n", "1,2\n", "3\n"], "line 3: 1 fields")],
)
def test_columns_refuse(text, message):
    with pytest.raises(ValueError, match=message):
        list(columns_of(text, "a"))


def test_columns_are_read_one_by_one():
    def lines():
        yield "a,b\n"
        yield "1,2\n"
        raise AssertionError("asked for too much")

    assert next(columns_of(lines(), "b")) == ("2",)


@quick
@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), max_size=30))
def test_numbers_round_trip(values):
    texts = ["NA" if v is None else repr(v) for v in values]
    assert list(to_numbers(iter(texts))) == values


def test_numbers_name_the_row():
    stream = to_numbers(["1", "", "x"])
    assert [next(stream), next(stream)] == [1.0, None]
    with pytest.raises(MalformedRow, match="row 3: 'x'") as caught:
        next(stream)
    assert caught.value.number == 3
    assert isinstance(caught.value.__cause__, ValueError)


def test_atomic_write_replaces_at_the_end(tmp_path):
    path = tmp_path / "report.txt"
    path.write_text("old")
    with atomic_write(path) as file:
        file.write("né\n")
        assert path.read_text() == "old"
    assert path.read_text(encoding="utf-8") == "né\n"
    assert os.listdir(tmp_path) == ["report.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_atomic_write_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "report.txt"
    path.write_text("old")

    def half_a_report():
        with atomic_write(path) as file:
            file.write("new")
            raise error

    with pytest.raises(error):
        half_a_report()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.txt"]


def test_atomic_write_to_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(OSError), atomic_write(tmp_path / "missing" / "x"):
        pass
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "kept").write_text("k")
    with pytest.raises(OSError), atomic_write(folder) as file:
        file.write("x")
    assert os.listdir(tmp_path) == ["folder"]
    assert os.listdir(folder) == ["kept"]
