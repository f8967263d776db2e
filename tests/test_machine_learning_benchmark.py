"""Benchmark: a clock whose truth is known, laws of means and lines, pairs of equal questions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.machine_learning.benchmark import (
    MOST_ROWS,
    cost_model,
    duel,
    estimator_pairs,
    fit_and_score,
    geometric_mean,
    peak_growth_mb,
    time_in_turns,
)

quick = settings(deadline=None, derandomize=True, max_examples=50)
positive = st.floats(1e-6, 1e6)


class Clock:
    def __init__(self, drift=0.0):
        self.now, self.runs, self.drift = 0.0, 0, drift
        self.log = []

    def work(self, name, cost):
        def run():
            self.log.append(name)
            self.now += cost * (1 + self.drift * self.runs)
            self.runs += 1

        return run

    def read(self):
        return self.now


@quick
@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=4), st.integers(1, 8), st.integers(0, 3))
def test_time_in_turns_measures_each_alike(costs, repeats, warm_up):
    clock = Clock()
    works = [clock.work(k, cost) for k, cost in enumerate(costs)]
    times = time_in_turns(works, repeats, warm_up=warm_up, clock=clock.read)
    assert [len(t) for t in times] == [repeats] * len(costs)
    for cost, measured in zip(costs, times):
        np.testing.assert_allclose(measured, cost, rtol=1e-6)
    assert sorted(clock.log) == sorted(list(range(len(costs))) * (repeats + warm_up))


@quick
@given(st.floats(0, 0.2), st.integers(1, 10))
def test_a_steady_drift_meets_both_sides_alike(drift, pairs_of_rounds):
    clock = Clock(drift)
    times = time_in_turns(
        [clock.work("a", 1), clock.work("b", 1)], 2 * pairs_of_rounds, warm_up=0, clock=clock.read
    )
    assert sum(times[0]) == pytest.approx(sum(times[1]), rel=1e-9)


@pytest.mark.parametrize(("works", "repeats", "warm_up"), [([], 5, 1), ([int], 0, 1), ([int], 3, -1)])
def test_time_in_turns_refuses(works, repeats, warm_up):
    with pytest.raises(ValueError, match="repeats >= 1"):
        time_in_turns(works, repeats, warm_up=warm_up)


@quick
@given(st.lists(positive, min_size=1, max_size=20), positive)
def test_geometric_mean_turns_over_and_scales(ratios, factor):
    mean = geometric_mean(ratios)
    assert min(ratios) * (1 - 1e-9) <= mean <= max(ratios) * (1 + 1e-9)
    assert geometric_mean(1 / np.array(ratios)) == pytest.approx(1 / mean)
    assert geometric_mean(factor * np.array(ratios)) == pytest.approx(factor * mean)


@pytest.mark.parametrize("bad", [[], [1, 0], [1, -2], [math.nan], [math.inf]])
def test_geometric_mean_refuses(bad):
    with pytest.raises(ValueError, match="positive and finite"):
        geometric_mean(bad)


@quick
@given(st.floats(1e-7, 1e-3), st.floats(1e-10, 1e-5), st.integers(2, 8))
def test_cost_model_finds_a_line_again(a, b, m):
    sizes = np.geomspace(1, 1e5, m)
    found = cost_model(sizes, a + b * sizes)
    np.testing.assert_allclose(found[0] + found[1] * sizes, a + b * sizes, rtol=1e-6)


@quick
@given(st.lists(st.floats(1e-6, 1), min_size=2, max_size=8))
def test_cost_model_never_pays_back(seconds):
    sizes = np.arange(1, len(seconds) + 1) * 10.0
    a, b = cost_model(sizes, seconds)
    assert a >= 0
    assert b >= 0
    error = np.sum(((a + b * sizes) / seconds - 1) ** 2)
    for wiggle in (0.97, 1.03):  # no better line nearby
        for c, d in ((a * wiggle, b), (a, b * wiggle), (a + 1e-9, b), (a, b + 1e-11)):
            assert error <= np.sum(((c + d * sizes) / seconds - 1) ** 2) + 1e-9 * (1 + error)


@pytest.mark.parametrize(
    ("sizes", "seconds"),
    [
        ([1, 2], [1]),
        ([1], [1]),
        ([5, 5], [1, 2]),
        ([0, 1], [1, 1]),
        ([1, 2], [1, 0]),
        ([1, math.nan], [1, 2]),
    ],
)
def test_cost_model_refuses(sizes, seconds):
    with pytest.raises(ValueError, match="need"):
        cost_model(sizes, seconds)


def test_pairs_ask_the_same_question():
    pairs = estimator_pairs()
    assert len(pairs) == 20
    assert set(MOST_ROWS) <= set(pairs)
    for name, (ours, theirs) in pairs.items():
        assert type(ours).__module__.startswith("journey.")
        assert type(theirs).__module__.startswith("sklearn.")
        assert type(theirs).__name__.removeprefix("Hist") == type(ours).__name__ == name


@pytest.mark.parametrize(
    "name", ["Ridge", "Lasso", "LogisticRegression", "GaussianNB", "SVC", "KMeans", "DBSCAN"]
)
def test_both_sides_answer_alike(name):
    pair = duel(name, "tumours")
    scores = [fit_and_score(model, pair.old, pair.new) for model in (pair.ours, pair.theirs)]
    assert scores[0] == pytest.approx(scores[1], rel=5e-3, abs=5e-3)
    assert not hasattr(pair.ours, "n_features_in_"), "a copy is fitted, not the model itself"


def test_duel_keeps_old_and_new_apart():
    old, new = duel("KMeans", "digits")[2:]
    assert len(old[0]) + len(new[0]) == 1797
    assert not {row.tobytes() for row in old[0]} & {row.tobytes() for row in new[0]}
    assert len(duel("SVC", "flights").old[0]) == 2000
    with pytest.raises(KeyError):
        duel("SVC", "nowhere")


def test_peak_growth_sees_what_was_held():
    growth = peak_growth_mb(lambda: np.ones(60 * 2**17).sum())
    assert math.isnan(growth) or 45 < growth < 90
