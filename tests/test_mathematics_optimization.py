"""journey.mathematics.optimization: predicted rates, references, nasty inputs, refusals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, rosen, rosen_der, rosen_hess

from journey.mathematics.optimization import (
    backtracking_line_search,
    gradient_descent,
    newton,
)

LAWS = settings(deadline=None, derandomize=True, max_examples=50)
SEEDS = st.integers(0, 10_000)
CURVATURES = st.lists(st.floats(0.1, 100), min_size=1, max_size=5).map(np.array)


def identity(x):
    return x


def bowl(seed, d=4):
    """A positive definite matrix, a right-hand side and a start, all random."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(d + 2, d))
    return factor.T @ factor + 0.1 * np.eye(d), rng.normal(size=d), rng.normal(size=d)


# Gradient descent


@LAWS
@given(SEEDS)
def test_descent_and_momentum_find_what_a_solver_finds(seed):
    A, b, start = bowl(seed)
    m, M = np.linalg.eigvalsh(A)[[0, -1]]
    root = math.sqrt(M / m)
    settings_of = [(2 / (m + M), 0.0), (4 / (m**0.5 + M**0.5) ** 2, ((root - 1) / (root + 1)) ** 2)]
    for rate, momentum in settings_of:
        run = gradient_descent(lambda x: A @ x - b, start, rate, 50_000, momentum)
        assert run.converged
        assert np.abs(A @ run.x - b).max() <= 1e-8
        np.testing.assert_allclose(run.x, np.linalg.solve(A, b), atol=1e-6)


@LAWS
@given(SEEDS)
def test_the_error_shrinks_at_least_by_the_predicted_factor(seed):
    A, b, start = bowl(seed)
    m, M = np.linalg.eigvalsh(A)[[0, -1]]
    run = gradient_descent(lambda x: A @ x - b, start, 2 / (m + M), 50)
    errors = np.linalg.norm(run.path - np.linalg.solve(A, b), axis=1)
    assert (errors[1:] <= (M - m) / (M + m) * errors[:-1] * (1 + 1e-9) + 1e-13).all()


@LAWS
@given(CURVATURES, st.floats(0.01, 0.99), st.floats(1.01, 3))
def test_the_limit_is_two_over_the_largest_curvature(curvatures, below, above):
    start = np.ones(curvatures.size)
    limit = 2 / curvatures.max()
    good = gradient_descent(lambda x: curvatures * x, start, below * limit, 20).path
    bad = gradient_descent(lambda x: curvatures * x, start, above * limit, 20).path
    k = curvatures.argmax()
    assert abs(good[-1, k]) < 1
    assert abs(bad[-1, k]) > 1
    assert abs(bad[1, k]) == pytest.approx(2 * above - 1)


@LAWS
@given(SEEDS, st.floats(0, 0.99), st.floats(0.001, 0.05))
def test_momentum_is_the_recurrence(seed, momentum, rate):
    A, b, start = bowl(seed)
    path = gradient_descent(lambda x: A @ x - b, start, rate, 10, momentum, 0).path
    padded = np.vstack([path[:1], path])
    for t in range(len(path) - 1):
        step = -rate * (A @ path[t] - b) + momentum * (padded[t + 1] - padded[t])
        np.testing.assert_allclose(path[t + 1], path[t] + step, rtol=1e-12, atol=1e-12)


@LAWS
@given(st.integers(-900, 900))
def test_descent_at_every_scale(exponent):
    """Scaling f and x by a power of two moves no digit of the path."""
    scale = 2.0**exponent
    usual = gradient_descent(lambda x: np.array([1, 9]) * x, [9, 1], 0.2, 30, tolerance=0).path
    scaled = gradient_descent(lambda x: np.array([1, 9]) * x, np.array([9, 1]) * scale, 0.2, 30, tolerance=0)
    assert (scaled.path == usual * scale).all()


def test_the_result_says_what_happened():
    run = gradient_descent(identity, [1, 2], 0.5, 3)
    assert run.path.shape == (4, 2)
    assert run.n_steps == 3
    assert not run.converged
    assert (run.x == run.path[-1]).all()
    assert (run.path[0] == [1, 2]).all()
    there = gradient_descent(identity, [0.0], 0.5)
    assert there.converged
    assert there.n_steps == 0
    assert gradient_descent(identity, [1.0], 0.5, 0).n_steps == 0


def test_the_number_of_steps_is_exact():
    assert gradient_descent(identity, [1.0], 0.5, 100, tolerance=2.0**-10).n_steps == 10


@pytest.mark.parametrize("method", ["descent", "newton"])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32, bool])
def test_integers_become_floats_and_the_start_is_left_alone(method, dtype):
    start = np.array([9, 1]).astype(dtype)
    before = start.copy()
    start.flags.writeable = False
    if method == "descent":
        run = gradient_descent(lambda x: 2 * x, start, 0.1)
    else:
        run = newton(lambda x: 2 * x, lambda x: 2 * np.eye(2), start)
    assert run.converged
    assert run.path.dtype == np.float64
    assert (start == before).all()


def test_a_start_that_is_not_contiguous():
    start = np.arange(8.0)[::2]
    assert (gradient_descent(identity, start, 0.5, 1).path[1] == start / 2).all()


def test_divergence_is_reported_without_a_warning():
    run = gradient_descent(lambda x: 4 * x**3, [10.0], 1.0, 1000)
    assert not run.converged
    assert np.isfinite(run.path).all()
    assert len(run.path) == run.n_steps + 1


def test_a_vanishing_gradient_out_of_range_is_no_convergence():
    run = gradient_descent(lambda x: np.where(np.isfinite(x), -1e308, 0.0), [0.0], 1e300)
    assert not run.converged
    assert run.x == 0


def test_a_gradient_that_turns_nan_stops_the_walk():
    run = gradient_descent(lambda x: np.where(x < 0.5, np.nan, 1.0), [1.0], 0.2)
    assert not run.converged
    assert run.x == pytest.approx(0.6)


def test_the_learning_rate_may_be_a_search():
    run = gradient_descent(
        rosen_der, [-1.2, 1], lambda x: backtracking_line_search(rosen, rosen_der, x), 30_000
    )
    assert run.converged
    values = np.array([rosen(x) for x in run.path])
    assert (np.diff(values) <= 0).all()
    np.testing.assert_allclose(run.x, 1, atol=1e-6)


# The line search


@LAWS
@given(SEEDS, st.floats(0.01, 1000))
def test_the_step_satisfies_armijo_and_twice_the_step_does_not(seed, first):
    A, b, x = bowl(seed)

    def f(x):
        return x @ A @ x / 2 - b @ x

    slope = A @ x - b
    step = backtracking_line_search(f, lambda x: A @ x - b, x, first=first)

    def falls(s):
        return f(x - s * slope) <= f(x) - 1e-4 * s * slope @ slope

    assert falls(step)
    assert step == first or not falls(2 * step)
    assert step >= min(first, (1 - 1e-4) / np.linalg.eigvalsh(A)[-1] * (1 - 1e-6))


def test_the_step_stays_where_the_function_is_defined():
    step = backtracking_line_search(
        lambda x: -math.log(x[0]) if x[0] > 0 else math.nan, lambda x: -1 / x, [1.0], [-2.0 * -1], first=8
    )
    assert step == 8
    step = backtracking_line_search(
        lambda x: x[0] - math.log(x[0]) if x[0] > 0 else math.nan, lambda x: 1 - 1 / x, [4.0], first=16
    )
    assert 0 < step < 16


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("finite", (rosen, rosen_der, [np.nan, 1])),
        ("shape", (rosen, rosen_der, [])),
        ("downhill", (rosen, rosen_der, [1.0, 1.0])),
        ("downhill", (rosen, rosen_der, [0.0, 0.0], [-1.0, 0.0])),
        ("shape", (rosen, rosen_der, [0.0, 0.0], [1.0])),
        ("first", (rosen, rosen_der, [0.0, 0.0], None, 0)),
        ("first", (rosen, rosen_der, [0.0, 0.0], None, np.nan)),
        ("pair", (lambda x: -float(x @ x), lambda x: 2 * x, [1.0, 1.0])),
        ("finite value", (lambda x: np.nan, lambda x: 2 * x, [1.0, 1.0])),
        ("gradient must return", (rosen, lambda x: 1.0, [0.0, 0.0])),
    ],
)
def test_line_search_refuses(message, arguments):
    with pytest.raises(ValueError, match=message):
        backtracking_line_search(*arguments)


# Newton


@LAWS
@given(SEEDS)
def test_newton_needs_one_step_on_a_bowl(seed):
    A, b, start = bowl(seed)
    run = newton(lambda x: A @ x - b, lambda x: A, start, 1)
    np.testing.assert_allclose(run.x, np.linalg.solve(A, b), atol=1e-9)


@LAWS
@given(SEEDS)
def test_newton_does_not_feel_units(seed):
    rng = np.random.default_rng(seed)
    start, units = rng.uniform(-2, 2, 3), 2.0 ** rng.integers(-40, 40, 3)
    usual = newton(rosen_der, rosen_hess, start, 5)
    scaled = newton(
        lambda z: units * rosen_der(units * z),
        lambda z: np.outer(units, units) * rosen_hess(units * z),
        start / units,
        5,
        tolerance=0,
    )
    steps = min(usual.n_steps, 3)
    np.testing.assert_allclose(
        scaled.path[: steps + 1] * units, usual.path[: steps + 1], rtol=1e-6, atol=1e-9
    )


def test_newton_agrees_with_scipy_on_rosenbrock():
    start = np.array([-1.2, 1.0])
    run = newton(rosen_der, rosen_hess, start)
    theirs = minimize(rosen, start, jac=rosen_der, hess=rosen_hess, method="trust-exact", tol=1e-12)
    assert run.converged
    assert 6 <= run.n_steps <= 7
    np.testing.assert_allclose(run.x, theirs.x, atol=1e-7)


@LAWS
@given(st.floats(0.1, 100), st.floats(0.5, 50))
def test_newton_on_the_root_squares_the_error(a, start):
    path = newton(lambda x: x * x - a, lambda x: np.diag(2 * x), [start], 3, 0).path[:, 0]
    error = path - math.sqrt(a)
    predicted = error[:-1] ** 2 / (2 * path[:-1])
    np.testing.assert_allclose(error[1:], predicted, rtol=1e-6, atol=1e-13 * max(a, 1))


def test_newton_is_drawn_to_a_saddle_and_descent_leaves_it():
    def gradient(p):
        return np.array([p[0], p[1] ** 3 - p[1]])

    def hessian(p):
        return np.diag([1.0, 3 * p[1] ** 2 - 1])

    drawn = newton(gradient, hessian, [0.5, 0.3])
    assert drawn.converged
    np.testing.assert_allclose(drawn.x, 0, atol=1e-9)
    left = gradient_descent(gradient, [0.5, 1e-6], 0.1, 1000)
    np.testing.assert_allclose(left.x, [0, 1], atol=1e-6)
    assert left.path[60, 1] / left.path[59, 1] == pytest.approx(1.1, rel=1e-4)


@pytest.mark.parametrize("scale", [1e-150, 1e-20, 1.0, 1e20, 1e150])
def test_newton_at_every_scale_of_the_function(scale):
    hessian = scale * np.array([[0.0, 1.0], [1.0, 0.0]])
    run = newton(lambda x: hessian @ x, lambda x: hessian, [3.0, -2.0], 1, 0)
    np.testing.assert_allclose(run.x, 0, atol=1e-14)
    units = np.diag([scale, 1 / scale])
    run = newton(lambda x: units @ x, lambda x: units, [3.0, -2.0], 1, 0)
    np.testing.assert_allclose(run.x, 0, atol=1e-14)


@pytest.mark.parametrize(
    "hessian",
    [
        np.zeros((2, 2)),
        np.ones((2, 2)),
        np.array([[1.0, 0.0], [0.0, 0.0]]),
        np.array([[0.01, 0.1 * 0.3], [0.1 * 0.3, 0.09]]) * 1e-200,
    ],
)
def test_a_singular_hessian_is_refused(hessian):
    with pytest.raises(ValueError, match="singular"):
        newton(lambda x: np.array([1.0, 1.0]), lambda x: hessian, [1.0, 2.0])


def test_a_singular_hessian_does_not_matter_where_the_gradient_vanishes():
    assert newton(lambda x: 0 * x, lambda x: np.zeros((2, 2)), [1, 2]).converged


def test_newton_that_overflows_is_not_converged():
    run = newton(lambda x: x * 1e308, lambda x: np.array([[1e-300]]), [1.0])
    assert not run.converged
    assert run.n_steps == 0


# What both refuse

STARTS = [
    ([], "shape"),
    ([[1.0, 2.0]], "shape"),
    (3.0, "shape"),
    ([np.nan, 1], "finite"),
    ([np.inf, 1], "finite"),
    ([1j, 0], "real"),
    (["a", "b"], "real"),
]


@pytest.mark.parametrize(("start", "message"), STARTS)
def test_a_start_that_is_no_vector_is_refused(start, message):
    with pytest.raises(ValueError, match=f"start must .*{message}"):
        gradient_descent(identity, start, 0.1)
    with pytest.raises(ValueError, match=f"start must .*{message}"):
        newton(identity, lambda x: np.eye(2), start)


@pytest.mark.parametrize("n_steps", [-1, 2.5, np.inf, np.nan])
def test_a_number_of_steps_that_makes_no_sense_is_refused(n_steps):
    with pytest.raises(ValueError, match="n_steps"):
        gradient_descent(identity, [1.0], 0.1, n_steps)
    with pytest.raises(ValueError, match="n_steps"):
        newton(identity, lambda x: np.eye(1), [1.0], n_steps)


@pytest.mark.parametrize("tolerance", [-1e-9, np.nan, np.inf])
def test_a_tolerance_that_makes_no_sense_is_refused(tolerance):
    with pytest.raises(ValueError, match="tolerance"):
        gradient_descent(identity, [1.0], 0.1, tolerance=tolerance)
    with pytest.raises(ValueError, match="tolerance"):
        newton(identity, lambda x: np.eye(1), [1.0], tolerance=tolerance)


@pytest.mark.parametrize("learning_rate", [0, -0.1, np.nan, np.inf])
def test_a_learning_rate_that_makes_no_sense_is_refused(learning_rate):
    with pytest.raises(ValueError, match="learning_rate"):
        gradient_descent(identity, [1.0], learning_rate)


@pytest.mark.parametrize("momentum", [-0.1, 1, np.nan])
def test_a_momentum_that_makes_no_sense_is_refused(momentum):
    with pytest.raises(ValueError, match="momentum"):
        gradient_descent(identity, [1.0], 0.1, momentum=momentum)


def test_a_gradient_of_the_wrong_shape_or_not_finite_is_refused():
    for gradient, message in ((lambda x: x[:1], "shape"), (lambda x: x * np.nan, "finite")):
        with pytest.raises(ValueError, match=message):
            gradient_descent(gradient, [1.0, 2.0], 0.1)
        with pytest.raises(ValueError, match=message):
            newton(gradient, lambda x: np.eye(2), [1.0, 2.0])


def test_a_hessian_of_the_wrong_shape_or_not_finite_is_refused():
    with pytest.raises(ValueError, match="hessian must return"):
        newton(identity, lambda x: np.eye(3), [1.0, 2.0])
    with pytest.raises(ValueError, match="not finite"):
        newton(identity, lambda x: np.full((2, 2), np.nan), [1.0, 2.0])
