"""Series against closed forms and dual numbers; quadrature by its laws and against SciPy; Monte Carlo."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from journey.mathematics.derivatives import derivative
from journey.mathematics.derivatives import exp as dual_exp
from journey.mathematics.derivatives import log as dual_log
from journey.mathematics.integration_and_series import (
    Series,
    adaptive_simpson,
    gauss_legendre,
    monte_carlo,
    series_exp,
    series_log,
    simpson,
    trapezoid,
)

quick = settings(deadline=None, derandomize=True, max_examples=40)
numbers = st.floats(-2, 2)
rows = st.lists(numbers, min_size=5, max_size=5).map(np.array)


def same(a, b, **kwargs):
    np.testing.assert_allclose(a.coefficients, b.coefficients, **{"rtol": 1e-9, "atol": 1e-9, **kwargs})


@quick
@given(rows, rows, rows)
def test_series_form_a_commutative_ring(a, b, c):
    a, b, c = Series(a), Series(b), Series(c)
    same(a * b, b * a)
    same(a * (b * c), (a * b) * c)
    same(a * (b + c), a * b + a * c)
    same(a - a, 0 * a)
    same(3 - a, -(a - 3))


@quick
@given(rows, rows)
def test_product_is_that_of_polynomials_truncated(a, b):
    expected = np.polynomial.polynomial.polymul(np.r_[a, 1.0], np.r_[b, 1.0])  # keeps trailing zeros
    ours = (Series(np.r_[a, 1.0]) * Series(np.r_[b, 1.0])).coefficients
    np.testing.assert_allclose(ours, expected[:6], atol=1e-12)


@quick
@given(rows, rows)
def test_division_undoes_multiplication(a, b):
    b[0] = 1 + abs(b[0])
    same(Series(a) * Series(b) / Series(b), Series(a), atol=1e-7)


@quick
@given(rows, rows)
def test_exp_turns_sums_into_products_and_log_undoes_it(a, b):
    same(
        series_exp(Series(a) + Series(b)), series_exp(Series(a)) * series_exp(Series(b)), rtol=1e-8, atol=1e-6
    )
    same(series_log(series_exp(Series(a))), Series(a), atol=1e-8)


@quick
@given(st.floats(0.2, 2))
def test_coefficients_are_derivatives_over_factorials(point):
    def program(x, exp, log):
        return exp(x * x / 4) / (1 + x) + log(x) * x

    def nested(n):
        def f(x):
            return program(x, dual_exp, dual_log)

        for _ in range(n):
            f = (lambda inner: lambda x: derivative(inner, x))(f)
        return f(point)

    ours = program(Series.variable(point, 3), series_exp, series_log).coefficients
    expected = [nested(n) / math.factorial(n) for n in range(4)]
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)


def test_the_remainder_bound_holds():
    step = np.linspace(-1, 1, 41)
    for order in range(8):
        polynomial = series_exp(Series.variable(0.0, order))(step)
        bound = math.e * np.abs(step) ** (order + 1) / math.factorial(order + 1)
        assert (np.abs(polynomial - np.exp(step)) <= bound + 1e-15).all()


def test_order_zero_is_a_constant():
    x = Series.variable(3.0, 0)
    assert (x * x + 1).coefficients.tolist() == [10.0]
    assert series_exp(x).coefficients == pytest.approx([math.exp(3)])


def test_a_numpy_number_on_the_left_is_a_constant():
    same(np.float64(2) * Series([1, 2]), Series([2, 4]))


@pytest.mark.parametrize("bad", [[], [[1.0]], ["a"], [math.nan], [math.inf, 1], [1j]])
def test_series_refuses(bad):
    with pytest.raises(ValueError, match="coefficients"):
        Series(bad)


def test_series_refuses_what_has_no_series():
    x = Series.variable(0.0, 3)
    with pytest.raises(ZeroDivisionError, match="divisor is 0"):
        1 / x
    with pytest.raises(ValueError, match="logarithm"):
        series_log(x)
    with pytest.raises(ValueError, match="4 and 3"):
        x + Series([1, 2, 3])
    with pytest.raises(ValueError, match="order"):
        Series.variable(0.0, -1)
    with pytest.raises(ValueError, match="overflows"):
        series_exp(Series.variable(1e4, 2))


RULES = {"trapezoid": (trapezoid, 1), "simpson": (simpson, 3)}


@quick
@given(rows, st.integers(1, 9), st.sampled_from(sorted(RULES)), numbers, numbers)
def test_rules_are_exact_up_to_their_degree(c, n, name, a, b):
    rule, degree = RULES[name]
    polynomial = np.polynomial.Polynomial(c[: degree + 1])
    primitive = polynomial.integ()
    assert rule(polynomial, a, b, n) == pytest.approx(primitive(b) - primitive(a), abs=1e-11)


@quick
@given(st.integers(1, 20), numbers, numbers, numbers, st.sampled_from(sorted(RULES)))
def test_rules_are_linear_and_turn_round(n, a, b, factor, name):
    rule, _ = RULES[name]
    both = rule(lambda x: np.sin(x) + factor * np.exp(x), a, b, n)
    assert both == pytest.approx(rule(np.sin, a, b, n) + factor * rule(np.exp, a, b, n), abs=1e-10)
    assert rule(np.exp, b, a, n) == pytest.approx(-rule(np.exp, a, b, n), abs=1e-11)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 33])
def test_rules_agree_with_scipy(n):
    x, fine = np.linspace(0, 2, n + 1), np.linspace(0, 2, 2 * n + 1)
    assert trapezoid(np.exp, 0, 2, n) == pytest.approx(integrate.trapezoid(np.exp(x), x), rel=1e-14)
    assert simpson(np.exp, 0, 2, n) == pytest.approx(integrate.simpson(np.exp(fine), x=fine), rel=1e-14)


def test_a_constant_function_may_return_a_number():
    assert trapezoid(lambda x: 3, 0, 2, 4) == 6 == simpson(lambda x: 3, 0, 2, 4)


@pytest.mark.parametrize(
    "rule", [trapezoid, simpson, lambda f, a, b, n: adaptive_simpson(lambda x: f(np.float64(x)), a, b)]
)
def test_rules_refuse_infinite_limits_and_values(rule):
    with pytest.raises(ValueError, match="finite"):
        rule(np.exp, 0, math.inf, 3)
    with pytest.raises(ValueError, match="not finite at x = 0"), np.errstate(divide="ignore"):
        rule(lambda x: 1 / x, 0, 1, 3)


@pytest.mark.parametrize("rule", [trapezoid, simpson])
def test_rules_need_a_panel(rule):
    with pytest.raises(ValueError, match="n = 0"):
        rule(np.exp, 0, 1, 0)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 20, 64])
def test_gauss_nodes_weights_and_degree(n):
    nodes, weights = gauss_legendre(n)
    expected = np.polynomial.legendre.leggauss(n)
    np.testing.assert_allclose(nodes, expected[0], atol=1e-13)
    np.testing.assert_allclose(weights, expected[1], atol=1e-13)
    top = np.r_[np.zeros(2 * n - 2), 1.0, 1.0]  # x^(2n-2) + x^(2n-1)
    assert weights @ np.polynomial.polynomial.polyval(nodes, top) == pytest.approx(2 / (2 * n - 1), rel=1e-11)


def test_gauss_is_not_exact_beyond_its_degree():
    nodes, weights = gauss_legendre(2)
    assert abs(weights @ nodes**4 - 2 / 5) > 0.1
    with pytest.raises(ValueError, match="n = 0"):
        gauss_legendre(0)


@pytest.mark.parametrize("f", [math.exp, math.cos, lambda x: abs(x - 0.3), lambda x: 1 / (1e-3 + x * x)])
def test_adaptive_meets_its_tolerance(f):
    area, n_evaluations = adaptive_simpson(f, -1, 2, tolerance=1e-9)
    expected, _ = integrate.quad(f, -1, 2, points=[0, 0.3], epsabs=1e-12, epsrel=1e-12)
    assert abs(area - expected) < 1e-8
    assert n_evaluations >= 5


def test_adaptive_counts_what_it_evaluates():
    calls = []
    _, n_evaluations = adaptive_simpson(lambda x: calls.append(x) or math.sqrt(x), 0, 1, tolerance=1e-6)
    assert n_evaluations == len(calls) == len(set(calls))  # no place is looked at twice


def test_adaptive_says_when_it_cannot():
    with pytest.raises(ValueError, match="no convergence near"):
        adaptive_simpson(lambda x: 1 / math.sqrt(abs(x - 1 / 3)), 0, 1, tolerance=1e-12, max_depth=12)
    with pytest.raises(ValueError, match="tolerance"):
        adaptive_simpson(math.exp, 0, 1, tolerance=0)


def test_monte_carlo_covers_at_the_rate_of_a_normal_error():
    def interval_holds(seed):
        rng = np.random.default_rng(seed)
        mean, error = monte_carlo(lambda x: np.exp(x[:, 0]), lambda n: rng.uniform(size=(n, 1)), 500)
        return abs(mean - (math.e - 1)) < 1.96 * error

    assert 0.9 < np.mean([interval_holds(seed) for seed in range(300)]) < 0.99


def test_monte_carlo_error_halves_with_four_times_the_points():
    rng = np.random.default_rng(0)
    errors = [
        monte_carlo(lambda x: (x**2).sum(axis=1), lambda n: rng.normal(size=(n, 5)), n)[1]
        for n in (2_000, 8_000)
    ]
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)


def test_monte_carlo_refuses():
    def points(n):
        return np.ones((n, 2))

    with pytest.raises(ValueError, match="at least 2"):
        monte_carlo(lambda x: x[:, 0], points, 1)
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        monte_carlo(lambda x: x, points, 3)
    with pytest.raises(ValueError, match="not finite"):
        monte_carlo(lambda x: x[:, 0] * np.nan, points, 3)
