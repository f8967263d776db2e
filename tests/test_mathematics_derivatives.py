"""Dual numbers: the laws of differentiation on random and on nasty numbers, and every refusal."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import rosen, rosen_der, rosen_hess

from journey.mathematics.derivatives import (
    Dual,
    cos,
    derivative,
    directional_derivative,
    exp,
    gradient,
    hessian,
    jacobian,
    log,
    plain,
    sin,
    sqrt,
    tanh,
)

quick = settings(deadline=None, derandomize=True, max_examples=60)
number = st.floats(-20, 20).filter(lambda x: abs(x) > 1e-3 or x == 0)
positive = st.floats(1e-3, 1e3)
seeds = st.integers(0, 10_000)


# Smooth functions of one number: the page's spelling, and PyTorch's of the same function.
FUNCTIONS = {
    "exp": (exp, torch.exp),
    "sin": (sin, torch.sin),
    "cos": (cos, torch.cos),
    "tanh": (tanh, torch.tanh),
    "square": (lambda x: x**2, lambda x: x**2),
    "cubic": (lambda x: 2 - x * (x - 3) * x, lambda x: 2 - x * (x - 3) * x),
    "rational": (lambda x: (1 - x) / (x * x + 2), lambda x: (1 - x) / (x * x + 2)),
    "base": (lambda x: 3**x, lambda x: 3**x),
    "damped": (lambda x: exp(-x * x / 9) * sin(x), lambda x: torch.exp(-x * x / 9) * torch.sin(x)),
    "long way": (lambda x: sqrt(1 + x * x), lambda x: torch.sqrt(1 + x * x)),
    "log": (lambda x: log(5 + cos(x)), lambda x: torch.log(5 + torch.cos(x))),
}
smooth = st.sampled_from(sorted(FUNCTIONS))


def by_torch(f, x, order=1):
    for _ in range(order):
        f = torch.func.grad(f)
    return f(torch.tensor(float(x), dtype=torch.float64)).item()


def close(a, b, rtol=1e-11):
    return np.allclose(a, b, rtol=rtol, atol=rtol * (1 + np.abs(b).max()))


# --- One variable ---------------------------------------------------------------------------------------


@quick
@given(smooth, number)
def test_first_and_second_derivative_equal_torch(name, x):
    ours, theirs = FUNCTIONS[name]
    assert close(derivative(ours, x), by_torch(theirs, x))
    if not (name == "tanh" and abs(x) > 3):  # there PyTorch's 1 - tanh² has lost its digits
        second = derivative(lambda z: derivative(ours, z), x)
        assert close(second, by_torch(theirs, x, 2), 1e-10)


@quick
@given(smooth, smooth, number, number, number)
def test_linear(first, second, a, b, x):
    f, g = FUNCTIONS[first][0], FUNCTIONS[second][0]
    left = derivative(lambda z: a * f(z) + b * g(z), x)
    assert close(left, a * derivative(f, x) + b * derivative(g, x))


@quick
@given(smooth, smooth, st.floats(-3, 3))
def test_product_and_quotient_rule(first, second, x):
    f, g = FUNCTIONS[first][0], FUNCTIONS[second][0]
    df, dg, fx, gx = derivative(f, x), derivative(g, x), f(x), g(x)
    assert close(derivative(lambda z: f(z) * g(z), x), df * gx + fx * dg)
    assume(abs(gx) > 1e-2)
    assert close(derivative(lambda z: f(z) / g(z), x), (df * gx - fx * dg) / gx**2, 1e-9)


@quick
@given(smooth, smooth, st.floats(-3, 3))
def test_chain_rule(first, second, x):
    f, g = FUNCTIONS[first][0], FUNCTIONS[second][0]
    assume(abs(f(x)) < 20)
    assert close(derivative(lambda z: g(f(z)), x), derivative(g, f(x)) * derivative(f, x))


@quick
@given(positive, st.floats(-5, 5))
def test_powers_by_base_and_by_exponent(a, b):
    assert close(derivative(lambda z: z**b, a), b * a ** (b - 1))
    assert close(derivative(lambda z: a**z, b), a**b * math.log(a))
    assert close(derivative(lambda z: z**z, a / 100), (a / 100) ** (a / 100) * (math.log(a / 100) + 1))


@pytest.mark.parametrize("n", [0, 1, 2, 3, -1, -2])
def test_whole_powers_of_negative_numbers(n):
    assert derivative(lambda z: z**n, -2.0) == pytest.approx(n * (-2.0) ** (n - 1))


@pytest.mark.parametrize(("n", "slope", "bend"), [(0, 0, 0), (1, 1, 0), (2, 0, 2), (3, 0, 0)])
def test_powers_at_zero(n, slope, bend):
    assert derivative(lambda z: z**n, 0.0) == slope
    assert derivative(lambda z: derivative(lambda t: t**n, z), 0.0) == bend


def test_reflected_operators_and_constants():
    x = Dual(3.0, 1.0)
    for y, value, slope in [
        (2 + x, 5, 1), (2 - x, -1, -1), (2 * x, 6, 2), (6 / x, 2, -2 / 3), (x - 2, 1, 1), (x / 2, 1.5, 0.5),
        (-x, -3, -1), (abs(-x), 3, 1), (x + True, 4, 1), (np.float64(2) * x, 6, 2), (np.int64(2) - x, -1, -1),
    ]:  # fmt: skip
        assert isinstance(y, Dual)
        assert (y.value, y.derivative) == (pytest.approx(value), pytest.approx(slope))
    assert derivative(lambda z: 7, 3.0) == 0
    assert derivative(lambda z: z, 3) == 1


def test_comparisons_look_at_values_only():
    x, y = Dual(1.0, 5.0), Dual(1.0, -2.0)
    assert x == y
    assert (x != y) is False
    assert x <= y <= 1
    assert x < 2 < Dual(3.0)
    assert 2 > x >= 1
    assert max(x, 0) is x
    assert not Dual(0.0, 1.0)
    nested = Dual(Dual(1.0, 2.0, 1), 3.0, 2)
    assert nested == 1
    assert plain(nested) == 1


@quick
@given(st.floats(-700, 700))
def test_tanh_keeps_its_digits(x):
    expected = 4 * math.exp(-2 * abs(x)) / (1 + math.exp(-2 * abs(x))) ** 2
    assert derivative(tanh, x) == pytest.approx(expected, rel=1e-13)
    assert derivative(tanh, x) == derivative(tanh, -x)


@pytest.mark.parametrize("x", [1e-300, 1e-8, 1.0, 1e8, 1e150])
def test_extreme_scales(x):
    assert derivative(sqrt, x) == pytest.approx(0.5 / math.sqrt(x), rel=1e-15)
    assert derivative(log, x) == pytest.approx(1 / x, rel=1e-15)
    assert derivative(lambda z: z * z, x) == 2 * x


def test_plain_functions_accept_numbers_and_arrays():
    x = np.array([0.5, 1, 2])
    for ours, numpys in (
        (exp, np.exp),
        (log, np.log),
        (sin, np.sin),
        (cos, np.cos),
        (tanh, np.tanh),
        (sqrt, np.sqrt),
    ):
        assert np.array_equal(ours(x), numpys(x))
        assert ours(2) == numpys(2.0)
    assert sqrt(0) == 0


# --- Levels ---------------------------------------------------------------------------------------------


@quick
@given(number, number)
def test_no_perturbation_confusion(a, b):
    assert derivative(lambda x: x * derivative(lambda y: x + y, b), a) == 1
    assert derivative(lambda x: x * derivative(lambda y: x * y, b), a) == pytest.approx(2 * a)
    assert derivative(lambda x: derivative(lambda y: x * x * y, x), a) == pytest.approx(2 * a)
    assert derivative(lambda x: x * derivative(lambda y: 5 * x, b), a) == 0


def test_high_order():
    f = sin
    for order in range(1, 6):
        f = lambda x, g=f: derivative(g, x)  # noqa: E731
        assert f(0.7) == pytest.approx(math.sin(0.7 + order * math.pi / 2), rel=1e-13)


def test_levels_of_parts():
    assert Dual(Dual(1.0, 1.0, 1), 0.0, 2).level == 2
    with pytest.raises(ValueError, match="not below 1"):
        Dual(Dual(1.0, 1.0, 1), 0.0, 1)
    with pytest.raises(ValueError, match="not below 1"):
        Dual(1.0, Dual(1.0, 1.0, 2), 1)


# --- Many variables -------------------------------------------------------------------------------------


def network(W, V):
    return lambda x: V @ tanh(W @ x)


@quick
@given(seeds)
def test_chain_rule_is_a_matrix_product(seed):
    rng = np.random.default_rng(seed)
    d, k, m = rng.integers(1, 5, 3)
    f = network(rng.normal(size=(3, d)), rng.normal(size=(k, 3)))
    g = network(rng.normal(size=(2, k)), rng.normal(size=(m, 2)))
    x = rng.normal(size=d)
    whole = jacobian(lambda z: g(f(z)), x)
    assert whole.shape == (m, d)
    assert close(whole, jacobian(g, f(x)) @ jacobian(f, x))


@quick
@given(seeds)
def test_directional_derivative_is_linear_in_the_direction(seed):
    rng = np.random.default_rng(seed)
    f, x = network(rng.normal(size=(4, 3)), rng.normal(size=4)), rng.normal(size=3)
    u, v, (a, b) = rng.normal(size=3), rng.normal(size=3), rng.normal(size=2)
    along = directional_derivative(f, x, a * u + b * v)
    assert close(along, a * directional_derivative(f, x, u) + b * directional_derivative(f, x, v))
    assert close(along, gradient(f, x) @ (a * u + b * v))


@quick
@given(seeds, st.integers(2, 6))
def test_hessian_is_symmetric_and_equals_scipy(seed, d):
    x = np.random.default_rng(seed).normal(size=d)

    def rosenbrock(p):
        return (100 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2).sum()

    assert rosenbrock(x) == pytest.approx(rosen(x))
    assert close(gradient(rosenbrock, x), rosen_der(x))
    H = hessian(rosenbrock, x)
    assert close(H, rosen_hess(x))
    assert close(H, H.T)


@quick
@given(seeds)
def test_quadratic_form(seed):
    rng = np.random.default_rng(seed)
    A, x = rng.normal(size=(3, 3)), rng.normal(size=3)
    assert close(gradient(lambda p: p @ A @ p, x), (A + A.T) @ x)
    assert close(hessian(lambda p: p @ A @ p, x), A + A.T)
    assert close(jacobian(lambda p: A @ p, x), A)
    assert close(jacobian(lambda p: p @ A, x), A.T)


def test_lists_in_and_out():
    J = jacobian(lambda p: [p[0] * p[1], 3.0, sin(p[0])], [2, 5])
    assert close(J, [[5, 2], [0, 0], [math.cos(2), 0]])
    assert close(
        jacobian(lambda p: np.array([p[0], p[0] * p[1]], dtype=object), [2.0, 5.0]), [[1, 0], [5, 2]]
    )
    nested = derivative(lambda a: gradient(lambda p: a * p[0] ** 2, [a, 1.0])[0], 3.0)
    assert nested == pytest.approx(12)  # d/da (2 a · a)


def test_arrays_are_many_points_at_once():
    x = np.linspace(-2, 2, 7)
    assert close(derivative(sin, x), np.cos(x))
    assert close(derivative(lambda z: 4.0 * z, x), np.full(7, 4.0))
    grid = np.stack(np.meshgrid(x, x[:3]))
    slope = directional_derivative(lambda p: p[0] * p[1] ** 2, grid, np.reshape([0.0, 1.0], (2, 1, 1)))
    assert close(slope, 2 * grid[0] * grid[1])


@pytest.mark.parametrize("x", [np.array([1, 2, 3]), np.arange(6.0)[::2] + 1, np.float32([1, 2, 3])])
def test_dtypes_and_layouts(x):
    x.flags.writeable = False
    kept = x.copy()
    assert close(gradient(lambda p: (p * p).sum(), x), 2.0 * x)
    assert np.array_equal(x, kept)


def test_indexing_sums_and_shapes():
    x = Dual(np.arange(6.0).reshape(2, 3), np.ones((2, 3)))
    assert x.shape == (2, 3)
    assert len(x) == 2
    assert x.T.shape == (3, 2)
    assert np.array_equal(x.sum(axis=0).derivative, [2, 2, 2])
    assert [row.shape for row in x] == [(3,), (3,)]
    assert np.array_equal((np.ones(3) + x[0]).derivative, np.ones(3))
    assert (x + np.ones((4, 2, 3))).shape == (4, 2, 3)
    assert (x + Dual(1.0, 1.0)).derivative.tolist() == [[2.0] * 3] * 2
    assert repr(Dual(1.0, 2.0)) == "Dual(1.0, 2.0, level=0)"


# --- Where the program is not the function --------------------------------------------------------------


def test_branches_report_the_side_that_ran():
    assert derivative(lambda x: x if x > 0 else -x, 0.0) == -1
    assert derivative(lambda x: 1.0 if x == 0 else sin(x) / x, 0.0) == 0


def test_a_loop_that_does_not_run_has_no_slope():
    def root(a, x):
        while abs(plain(x * x - a)) > 1e-12:
            x = (x + a / x) / 2
        return x

    assert derivative(lambda a: root(a, 1.0), 2.0) == pytest.approx(0.5 / math.sqrt(2))
    assert derivative(lambda a: root(a, root(2.0, 1.0)), 2.0) == 0


# --- Refusals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [derivative, gradient, jacobian, hessian])
@pytest.mark.parametrize("bad", [math.nan, math.inf, "one", None, 1j])
def test_bad_points(f, bad):
    point = bad if f is derivative else [1.0, bad]
    with pytest.raises(ValueError, match=r"finite|real numbers"):
        f(lambda p: p, point)


@pytest.mark.parametrize("f", [gradient, jacobian, hessian])
@pytest.mark.parametrize("bad", [2.0, [], [[1.0, 2.0]]])
def test_points_must_be_vectors(f, bad):
    with pytest.raises(ValueError, match=r"shape \(d,\)"):
        f(lambda p: p, bad)


@pytest.mark.parametrize("v", [[1.0, 2.0], [math.nan] * 3, "up", [[1.0, 2.0, 3.0]]])
def test_bad_directions(v):
    with pytest.raises(ValueError, match=r"\bv\b"):
        directional_derivative(lambda p: p, [1.0, 2.0, 3.0], v)


def test_bad_results():
    for result in (None, "text", 1j, lambda y: y):
        with pytest.raises(ValueError, match="the result of f"):
            derivative(lambda x, result=result: result, 1.0)
    with pytest.raises(ValueError, match="jacobian"):
        gradient(lambda p: p, [1.0, 2.0])
    with pytest.raises(ValueError, match="jacobian"):
        hessian(lambda p: p, [1.0, 2.0])
    with pytest.raises(ValueError, match="gradient"):
        jacobian(lambda p: p[0], [1.0, 2.0])
    with pytest.raises(ValueError, match="shape of x"):
        derivative(lambda x: [x, x], 1.0)


@pytest.mark.parametrize(
    "f", [abs, sqrt, log, lambda x: x**0.5, lambda x: x**-1, lambda x: x**x, lambda x: (x - 1) ** 0.5]
)
def test_no_slope_at_zero(f):
    with pytest.raises(ValueError):
        derivative(f, 0.0)


def test_second_slope_that_is_infinite():
    assert derivative(lambda x: x**1.5, 0.0) == 0
    with pytest.raises(ValueError, match="power"):
        derivative(lambda x: derivative(lambda y: y**1.5, x), 0.0)


@pytest.mark.parametrize("f", [lambda x: 1 / x, lambda x: x / x, lambda x: x / 0])
def test_division_by_zero(f):
    with pytest.raises(ZeroDivisionError, match="divisor"):
        derivative(f, 0.0)


@pytest.mark.parametrize("f", [exp, log, sin, cos, tanh, sqrt, Dual])
@pytest.mark.parametrize("bad", ["one", None, 1j, [object()]])
def test_functions_refuse_what_is_not_real(f, bad):
    with pytest.raises(ValueError, match="real numbers"):
        f(bad)


@pytest.mark.parametrize(
    "f", [lambda: log(-1.0), lambda: log([1, 0]), lambda: sqrt(-1), lambda: sqrt([1, -1])]
)
def test_domains(f):
    with pytest.raises(ValueError, match="needs numbers"):
        f()


@pytest.mark.parametrize("f", [np.exp, np.maximum, math.exp, float, np.sin])
def test_what_would_drop_the_derivative_is_an_error(f):
    arguments = (Dual(1.0, 1.0), 2.0) if f is np.maximum else (Dual(1.0, 1.0),)
    with pytest.raises(TypeError):
        f(*arguments)


def test_shapes_of_parts():
    with pytest.raises(ValueError):
        Dual(1.0, [1.0, 2.0])
    with pytest.raises(ValueError):
        Dual(np.ones(3), np.ones(2))
    assert Dual(np.ones(3), 2).derivative.tolist() == [2, 2, 2]
    with pytest.raises(ValueError, match="operand"):
        Dual(1.0) + "one"


def test_nothing_is_changed_in_place():
    x = Dual(np.ones(2), np.ones(2))
    with pytest.raises(TypeError):
        x[0] = 3.0
    y = x
    y += 1
    assert np.array_equal(x.value, np.ones(2))
