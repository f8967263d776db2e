"""journey.mathematics.probability: laws, exact references, nasty inputs, refusals."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special, stats

from journey.mathematics.probability import (
    bayes,
    box_muller,
    expectation,
    inverse_transform_sample,
    log_bayes,
    rejection_sample,
)

LAWS = settings(deadline=None, derandomize=True, max_examples=60)
WEIGHTS = arrays(np.float64, 4, elements=st.floats(1e-3, 1.0))
LIKELIHOODS = arrays(np.float64, 4, elements=st.floats(1e-6, 1e6))
VALUES = arrays(np.float64, 4, elements=st.floats(-1e6, 1e6))


def distribution(weights):
    return weights / weights.sum()


def generator(seed=0):
    return np.random.default_rng(seed)


def on_unit_interval(n, rng):
    return rng.random(n)


def one(x):
    return np.ones(len(x))


def ramp(x):
    return 2 * x


# Bayes' rule


@LAWS
@given(WEIGHTS, LIKELIHOODS)
def test_bayes_agrees_with_exact_arithmetic(weights, likelihood):
    prior = distribution(weights)
    joint = [Fraction(float(p)) * Fraction(float(f)) for p, f in zip(prior, likelihood)]
    truth = [float(part / sum(joint)) for part in joint]
    np.testing.assert_allclose(bayes(prior, likelihood), truth, rtol=1e-12)


@LAWS
@given(WEIGHTS, LIKELIHOODS, LIKELIHOODS)
def test_two_updates_are_one_in_either_order(weights, first, second):
    prior = distribution(weights)
    together = bayes(prior, first * second)
    np.testing.assert_allclose(bayes(bayes(prior, first), second), together, rtol=1e-10)
    np.testing.assert_allclose(bayes(bayes(prior, second), first), together, rtol=1e-10)


@LAWS
@given(WEIGHTS, LIKELIHOODS, st.integers(-900, 900))
def test_a_common_factor_of_the_likelihoods_cancels(weights, likelihood, exponent):
    prior = distribution(weights)
    scaled = np.ldexp(likelihood, exponent)
    np.testing.assert_allclose(bayes(prior, scaled), bayes(prior, likelihood), rtol=1e-11)


@LAWS
@given(arrays(np.float64, (3, 5), elements=st.floats(-1e5, 1e5)))
def test_log_bayes_agrees_with_log_softmax(log_likelihood):
    flat = np.zeros(5)
    expected = special.log_softmax(log_likelihood, axis=-1)
    np.testing.assert_allclose(log_bayes(flat, log_likelihood), expected, rtol=1e-12, atol=1e-9)


def test_an_impossible_hypothesis_stays_impossible():
    np.testing.assert_array_equal(bayes([0.0, 0.5, 0.5], [1.0, 0.0, 2.0]), [0, 0, 1])


def test_tiny_numbers_do_not_underflow():
    np.testing.assert_allclose(bayes([1e-300, 1.0], [1.0, 1e-300]), [0.5, 0.5], rtol=1e-12)


def test_one_posterior_for_each_row():
    likelihood = np.array([[1.0, 3.0], [5.0, 0.5], [2.0, 2.0]])
    rows = [bayes([0.25, 0.75], row) for row in likelihood]
    np.testing.assert_array_equal(bayes([0.25, 0.75], likelihood), rows)


def test_integer_read_only_and_strided_input():
    likelihood = np.arange(1, 9)[::2]
    likelihood.flags.writeable = False
    np.testing.assert_allclose(bayes([0.25] * 4, likelihood), likelihood / 16)
    np.testing.assert_array_equal(likelihood, [1, 3, 5, 7])


@pytest.mark.parametrize(
    ("prior", "likelihood", "message"),
    [
        ([0.5, 0.6], [1, 1], "sum to 1"),
        ([-0.5, 1.5], [1, 1], "negative"),
        ([0.5, np.nan], [1, 1], "NaN"),
        ([np.inf, 0.0], [1, 1], "sum to 1"),
        ([], [], "k > 0"),
        (1.0, 1.0, "k > 0"),
        (["a", "b"], [1, 1], "real numbers"),
        ([0.5, 0.5], [1, 1, 1], "equal last axes"),
        ([0.5, 0.5], [1], "equal last axes"),
        ([0.5, 0.5], [1, -1], "not negative"),
        ([0.5, 0.5], [1, np.inf], "finite"),
        ([0.5, 0.5], [1, np.nan], "NaN"),
        ([0.5, 0.5], [0, 0], "impossible"),
        ([0.0, 1.0], [1, 0], "impossible"),
    ],
)
def test_bayes_refuses(prior, likelihood, message):
    with pytest.raises(ValueError, match=message):
        bayes(prior, likelihood)


def test_log_bayes_refuses():
    with pytest.raises(ValueError, match="plus infinity"):
        log_bayes([0.0, np.inf], [0.0, 0.0])
    with pytest.raises(ValueError, match="impossible"):
        log_bayes([0.0, -np.inf], [-np.inf, 0.0])
    with pytest.raises(ValueError, match="NaN"):
        log_bayes([0.0, 0.0], [0.0, np.nan])


# Expectation


@LAWS
@given(VALUES, VALUES, WEIGHTS, st.floats(-100, 100))
def test_expectation_is_linear_and_between_the_extremes(x, y, weights, a):
    p = distribution(weights)
    scale = 1e-12 * (1 + abs(a)) * (np.abs(x).max() + np.abs(y).max() + 1)
    assert abs(expectation(a * x + y, p) - a * expectation(x, p) - expectation(y, p)) <= scale
    assert x.min() - scale <= expectation(x, p) <= x.max() + scale


@LAWS
@given(VALUES, WEIGHTS)
def test_expectation_agrees_with_exact_arithmetic(x, weights):
    p = distribution(weights)
    truth = sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(x, p))
    assert abs(Fraction(float(expectation(x, p))) - truth) <= Fraction(1e-15) * 4 * Fraction(
        float(np.abs(x).max()) + 1e-300
    )


@pytest.mark.parametrize(
    ("values", "probabilities", "message"),
    [
        ([1, np.inf], [0.5, 0.5], "finite"),
        ([1, np.nan], [0.5, 0.5], "NaN"),
        ([1, 2, 3], [0.5, 0.5], "equal last axes"),
        ([1, 2], [0.5, 0.4], "sum to 1"),
        ([], [], "k > 0"),
    ],
)
def test_expectation_refuses(values, probabilities, message):
    with pytest.raises(ValueError, match=message):
        expectation(values, probabilities)


# Samplers: laws by the distance of Kolmogorov and Smirnov, one false alarm in a thousand


@pytest.mark.parametrize("law", [stats.norm, stats.cauchy, stats.gamma(0.5), stats.poisson(3)])
def test_inverse_transform_follows_the_law(law):
    draws = inverse_transform_sample(law.ppf, 20_000, generator())
    grid = np.unique(np.concatenate([np.quantile(draws, np.linspace(0, 1, 400)), np.arange(10.0)]))
    shares = np.searchsorted(np.sort(draws), grid, side="right") / draws.size
    assert np.abs(shares - law.cdf(grid)).max() * draws.size**0.5 < 1.95


def test_the_uniform_numbers_are_strictly_inside():
    class Lowest(np.random.Generator):
        def integers(self, low, high, size=None):
            return np.full(size, self.value)

    rng = Lowest(np.random.PCG64(0))
    for rng.value, expected in ((0, 2.0**-53), (2**52 - 1, 1 - 2.0**-53)):
        u = inverse_transform_sample(lambda u: u, 3, rng)
        assert (u == expected).all()
        assert np.isfinite(box_muller(3, rng)).all()


@pytest.mark.parametrize("seed", range(3))
def test_box_muller_is_normal_and_independent(seed):
    x, y = box_muller((2, 40_000), generator(seed))
    both = np.concatenate([x, y])
    assert stats.kstest(both, "norm").statistic * both.size**0.5 < 1.95
    assert stats.kstest(x**2 + y**2, stats.expon(0, 2).cdf).statistic * x.size**0.5 < 1.95
    for a in (x, x**2):
        for b in (y, y**2):
            assert abs(np.corrcoef(a, b)[0, 1]) * x.size**0.5 < 4


@pytest.mark.parametrize("size", [0, 1, 2, 5, (3, 5), (0, 4), (), (2, 3, 1)])
def test_shapes_and_seeds(size):
    shape = size if isinstance(size, tuple) else (size,)
    for sample in (box_muller, lambda size, rng: inverse_transform_sample(np.log, size, rng)):
        draws = sample(size, generator(3))
        assert (draws.shape, draws.dtype) == (shape, np.float64)
        np.testing.assert_array_equal(draws, sample(size, generator(3)))


@pytest.mark.parametrize("bound", [2.0, 3.0, 8.0])
def test_rejection_follows_the_density_at_the_rate_one_over_the_bound(bound):
    draws = rejection_sample(ramp, on_unit_interval, one, bound, 10_000, generator(1))
    assert stats.kstest(draws.values**2, "uniform").statistic * 100 < 1.95
    deviation = math.sqrt(bound * (bound - 1) / 10_000)  # of 1 / rate: geometric waiting times
    assert abs(1 / draws.acceptance_rate - bound) < 4 * deviation


def test_rejection_measures_the_integral():
    def bump(x):
        return 1e-200 * x * (1 - x)

    draws = rejection_sample(bump, on_unit_interval, one, 0.25e-200, 20_000, generator())
    assert draws.acceptance_rate * 0.25 == pytest.approx(1 / 6, rel=0.03)


def test_rejection_draws_vectors():
    def square(n, rng):
        return rng.uniform(-1, 1, (n, 2))

    def disc(x):
        return (x**2).sum(axis=1) <= 1

    draws = rejection_sample(disc, square, one, 1.0, 5_000, generator())
    assert draws.values.shape == (5_000, 2)
    assert disc(draws.values).all()
    assert draws.acceptance_rate == pytest.approx(math.pi / 4, abs=0.02)


def test_rejection_of_nothing():
    draws = rejection_sample(ramp, on_unit_interval, one, 2.0, 0, generator())
    assert (draws.values.shape, draws.n_proposed) == ((0,), 0)
    assert math.isnan(draws.acceptance_rate)


def test_rejection_gives_up():
    with pytest.raises(RuntimeError, match="0 of 5 after 300"):
        rejection_sample(
            lambda x: np.zeros(len(x)), on_unit_interval, one, 1.0, 5, generator(), max_proposals=300
        )


@pytest.mark.parametrize(
    ("density", "proposal_density", "bound", "size", "message"),
    [
        (ramp, one, 1.5, 100, "bound 1.5 is too small"),
        (ramp, one, 0.0, 100, "positive and finite"),
        (ramp, one, np.nan, 100, "positive and finite"),
        (ramp, one, np.inf, 100, "positive and finite"),
        (ramp, one, 2.0, -1, "size must be a count"),
        (ramp, one, 2.0, 2.5, "size must be a count"),
        (ramp, one, 2.0, (2, 2), "one count"),
        (lambda x: -x, one, 2.0, 100, "not negative"),
        (lambda x: x * np.nan, one, 2.0, 100, "finite"),
        (lambda x: 1.0, one, 2.0, 100, "one number for each"),
        (ramp, lambda x: 0 * x, 2.0, 100, "the proposal's > 0"),
    ],
)
def test_rejection_refuses(density, proposal_density, bound, size, message):
    with pytest.raises(ValueError, match=message):
        rejection_sample(density, on_unit_interval, proposal_density, bound, size, generator())


@pytest.mark.parametrize("sample", [box_muller, lambda n, rng: inverse_transform_sample(np.log, n, rng)])
def test_samplers_refuse_sizes_and_generators(sample):
    for size in (-1, 2.5, (3, -1), "3", None):
        with pytest.raises(ValueError, match="size must be a count"):
            sample(size, generator())
    for rng in (None, 0, np.random.RandomState(0)):
        with pytest.raises(ValueError, match="numpy Generator"):
            sample(3, rng)


def test_inverse_transform_refuses_bad_quantiles():
    with pytest.raises(ValueError, match="shape"):
        inverse_transform_sample(lambda u: 0.0, 3, generator())
    with pytest.raises(ValueError, match="NaN"):
        inverse_transform_sample(lambda u: u * np.nan, 3, generator())
