"""Learning theory: identities, closed forms, brute force."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.stats import binom
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from journey.machine_learning.learning_theory import (
    bias_variance_decomposition,
    count_separable_labelings,
    hoeffding_bound,
)

quick = settings(deadline=None, derandomize=True, max_examples=30)


def draw_line(n, sigma):
    def draw(rng):
        x = rng.uniform(-1, 1, size=(n, 1))
        return x, 2 * x[:, 0] + sigma * rng.normal(size=n)

    return draw


GRID = np.linspace(-1, 1, 11)[:, None]


@quick
@given(st.integers(2, 20), st.integers(5, 30), st.integers(0, 1000), st.booleans())
def test_the_parts_sum_to_the_error(n_repeats, n, seed, weighted):
    rng = np.random.default_rng(seed)
    weight = rng.random(11) if weighted else None
    parts = bias_variance_decomposition(
        DecisionTreeRegressor(max_depth=2, random_state=0),
        draw_line(n, 1),
        GRID,
        2 * GRID[:, 0],
        weight=weight,
        n_repeats=n_repeats,
        rng=rng,
    )
    assert parts.bias >= 0
    assert parts.variance >= 0
    assert parts.bias + parts.variance == pytest.approx(parts.error, rel=1e-9, abs=1e-12)


def test_a_mean_has_the_variance_of_a_mean():
    def draw(rng):
        return np.zeros((25, 1)), 7 + 5 * rng.normal(size=25)

    parts = bias_variance_decomposition(DummyRegressor(), draw, [[0.0]], [7.0], n_repeats=4000)
    assert parts.variance == pytest.approx(1, rel=0.1)
    assert parts.bias < 0.01


def test_a_stiff_model_has_bias_and_a_right_one_has_none():
    stiff = bias_variance_decomposition(DummyRegressor(), draw_line(50, 0.1), GRID, 2 * GRID[:, 0])
    right = bias_variance_decomposition(LinearRegression(), draw_line(50, 0.1), GRID, 2 * GRID[:, 0])
    assert stiff.bias == pytest.approx(np.mean((2 * GRID) ** 2), rel=0.02)
    assert right.bias < 1e-4


def test_the_same_generator_gives_the_same_parts_and_leaves_the_model_alone():
    model = LinearRegression()
    results = [
        bias_variance_decomposition(model, draw_line(9, 1), GRID, GRID[:, 0], rng=np.random.default_rng(4))
        for _ in range(2)
    ]
    assert results[0] == results[1]
    assert not hasattr(model, "coef_")


def test_weights_choose_where_to_look():
    only = np.zeros(11)
    only[3] = 5.0
    one = bias_variance_decomposition(LinearRegression(), draw_line(9, 1), GRID, GRID[:, 0], weight=only)
    same = bias_variance_decomposition(LinearRegression(), draw_line(9, 1), GRID[3:4], GRID[3:4, 0])
    np.testing.assert_allclose(one, same, rtol=1e-9)


@pytest.mark.parametrize(
    "bad",
    [
        {"truth": [1.0, 2.0]},
        {"n_repeats": 1},
        {"weight": np.ones(3)},
        {"weight": np.zeros(11)},
        {"weight": -np.ones(11)},
    ],
)
def test_bad_input(bad):
    arguments = {"truth": GRID[:, 0], **bad}
    with pytest.raises(ValueError, match=r"need one truth|weights"):
        bias_variance_decomposition(LinearRegression(), draw_line(9, 1), GRID, **arguments)


@quick
@given(st.integers(1, 400), st.floats(0.01, 0.99), st.floats(0.01, 0.5))
def test_the_bound_holds_for_binomials(n, p, delta):
    gap = hoeffding_bound(n, delta=delta)
    outside = binom.cdf(math.ceil(n * (p - gap)) - 1, n, p) + binom.sf(math.floor(n * (p + gap)), n, p)
    assert outside <= delta + 1e-12


@quick
@given(st.integers(1, 10_000), st.integers(1, 10_000), st.floats(0.001, 0.9))
def test_the_bound_inverts_the_inequality(n, n_models, delta):
    gap = hoeffding_bound(n, n_models, delta=delta)
    assert 2 * n_models * math.exp(-2 * n * gap**2) == pytest.approx(delta)
    assert hoeffding_bound(4 * n, n_models, delta=delta) == pytest.approx(gap / 2)
    assert hoeffding_bound(n, n_models + 1, delta=delta) > gap


@pytest.mark.parametrize("bad", [(0, 1, 0.05), (5, 0, 0.05), (5, 1, 0), (5, 1, 1)])
def test_bound_refuses(bad):
    with pytest.raises(ValueError, match="need n >= 1"):
        hoeffding_bound(bad[0], bad[1], delta=bad[2])


@pytest.mark.parametrize(("n", "d"), [(1, 1), (3, 1), (5, 1), (4, 2), (6, 2), (5, 3), (6, 4)])
def test_count_by_brute_force(n, d):
    X = np.random.default_rng(n * 10 + d).normal(size=(n, d))
    B = np.column_stack([X, np.ones(n)])
    count = sum(
        linprog(np.zeros(d + 1), -np.array(s)[:, None] * B, -np.ones(n), bounds=(None, None)).status == 0
        for s in itertools.product((-1, 1), repeat=n)
    )
    assert count == count_separable_labelings(n, d)


@quick
@given(st.integers(1, 40), st.integers(1, 20))
def test_laws_of_the_count(n, d):
    count = count_separable_labelings(n, d)
    assert (count == 2**n) == (n <= d + 1)
    assert count_separable_labelings(2 * (d + 1), d) * 2 == 2 ** (2 * (d + 1))
    if d > 1:  # Cover's recursion
        assert count_separable_labelings(n + 1, d) == count + count_separable_labelings(n, d - 1)


@pytest.mark.parametrize("bad", [(0, 2), (3, 0)])
def test_count_refuses(bad):
    with pytest.raises(ValueError, match="need n >= 1"):
        count_separable_labelings(*bad)
