"""Inference: promises kept on simulated data, references, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from journey.mathematics.statistics import (
    benjamini_hochberg,
    bootstrap_interval,
    maximum_likelihood,
    permutation_test,
    update_beta,
)

quick = settings(deadline=None, derandomize=True, max_examples=100)
numbers = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=15)


def exponential_log_density(x, parameters):
    rate = parameters[0]
    return np.log(rate) - rate * x if rate > 0 else np.full(len(x), -np.inf)


def test_likelihood_finds_the_closed_form_of_the_exponential():
    x = np.random.default_rng(0).exponential(3.0, size=200)
    assert maximum_likelihood(exponential_log_density, x, [1.0])[0] == pytest.approx(1 / x.mean(), rel=1e-6)


def test_likelihood_needs_a_start_that_is_possible():
    with pytest.raises(ValueError, match="no finite likelihood"):
        maximum_likelihood(exponential_log_density, [1.0, 2.0], [-1.0])
    with pytest.raises(ValueError, match="finite"):
        maximum_likelihood(exponential_log_density, [1.0, np.nan], [1.0])


@given(numbers, st.integers(0, 99), st.floats(-100, 100))
@quick
def test_intervals_move_and_scale_with_the_data(values, seed, shift):
    x = np.array(values)
    here = bootstrap_interval(x, np.mean, np.random.default_rng(seed), n_resamples=50)
    there = bootstrap_interval(2 * x + shift, np.mean, np.random.default_rng(seed), n_resamples=50)
    np.testing.assert_allclose(there, 2 * np.array(here) + shift, rtol=1e-9, atol=1e-9)
    assert here.low <= here.high
    assert x.min() - 1e-9 <= here.low <= here.high <= x.max() + 1e-9


def test_a_higher_level_is_wider_and_a_constant_sample_has_no_width():
    x = np.random.default_rng(0).normal(size=40)
    wide, narrow = (
        bootstrap_interval(x, np.mean, np.random.default_rng(1), level=level) for level in (0.99, 0.5)
    )
    assert wide.low < narrow.low < narrow.high < wide.high
    assert tuple(bootstrap_interval([2.0, 2.0], np.median, np.random.default_rng(0))) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize(
    ("sample", "options"),
    [
        ([1.0], {}),
        ([], {}),
        ([1.0, np.inf], {}),
        ([1.0, 2.0], {"level": 1.0}),
        ([1.0, 2.0], {"n_resamples": 0}),
    ],
)
def test_bootstrap_refuses(sample, options):
    with pytest.raises(ValueError, match=r"shape|finite|need"):
        bootstrap_interval(sample, np.mean, np.random.default_rng(0), **options)


@given(numbers, numbers, st.integers(0, 99))
@quick
def test_p_values_are_symmetric_up_to_chance_and_never_zero(a, b, seed):
    p = permutation_test(a, b, np.random.default_rng(seed), n_shuffles=99)
    assert 0.01 <= p <= 1


def test_equal_groups_are_never_surprising_and_distant_ones_always():
    rng = np.random.default_rng(0)
    assert permutation_test([1, 2, 3], [3, 2, 1], rng) == 1
    assert permutation_test(np.full(9, 0.1), np.full(7, 0.1), rng) == 1
    assert permutation_test(np.arange(10), np.arange(10) + 100, rng, n_shuffles=999) == 1 / 1000


def test_the_exact_p_value_of_a_small_case():
    a, b = [1.0, 2.0, 3.0], [4.0, 5.0]
    exact = stats.permutation_test(
        (a, b), lambda x, y, axis: x.mean(axis) - y.mean(axis), vectorized=True, n_resamples=np.inf
    )
    p = permutation_test(a, b, np.random.default_rng(0), n_shuffles=20_000)
    assert p == pytest.approx(exact.pvalue, abs=0.01)


@pytest.mark.parametrize(("a", "b", "n"), [([], [1.0], 9), ([1.0], [np.nan], 9), ([1.0], [2.0], 0)])
def test_permutation_test_refuses(a, b, n):
    with pytest.raises(ValueError, match=r"shape|finite|at least 1"):
        permutation_test(a, b, np.random.default_rng(0), n_shuffles=n)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0.01, 0.5))
@quick
def test_benjamini_hochberg_agrees_with_scipy_and_ignores_the_order(p, alpha):
    chosen = benjamini_hochberg(p, alpha)
    adjusted = stats.false_discovery_control(p)
    clear = np.abs(adjusted - alpha) > 1e-9
    np.testing.assert_array_equal(chosen[clear], (adjusted <= alpha)[clear])
    np.testing.assert_array_equal(benjamini_hochberg(p[::-1], alpha), chosen[::-1])


@pytest.mark.parametrize(("p", "alpha"), [([1.1], 0.05), ([-0.1], 0.05), ([0.5], 0), ([0.5], 1), ([], 0.05)])
def test_benjamini_hochberg_refuses(p, alpha):
    with pytest.raises(ValueError, match=r"between 0 and 1|shape"):
        benjamini_hochberg(p, alpha)


@given(*[st.floats(0.1, 50)] * 2, *[st.integers(0, 50)] * 4)
@quick
def test_beta_updates_may_be_made_in_any_order_and_in_parts(a, b, s1, f1, s2, f2):
    together = update_beta(a, b, s1 + s2, f1 + f2)
    assert update_beta(*update_beta(a, b, s1, f1), s2, f2) == pytest.approx(together)
    assert update_beta(*update_beta(a, b, s2, f2), s1, f1) == pytest.approx(together)


@pytest.mark.parametrize("arguments", [(0, 1, 1, 1), (1, -1, 1, 1), (1, 1, -1, 0), (1, 1, 0, float("nan"))])
def test_beta_refuses(arguments):
    with pytest.raises(ValueError, match="counts >= 0"):
        update_beta(*arguments)
