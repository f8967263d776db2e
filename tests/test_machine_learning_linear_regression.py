"""`journey.machine_learning.linear_regression`: laws, references, refusals."""

import warnings

import numpy as np
import pytest
import sklearn.linear_model
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from journey.machine_learning.linear_regression import (
    Lasso,
    LinearRegression,
    Ridge,
    exact_least_squares,
    fit_least_squares,
    solve_gradient,
    solve_normal,
    solve_qr,
)

SOLVERS = [solve_normal, solve_qr, solve_gradient, exact_least_squares]
seeds = st.integers(0, 10_000)
few = settings(deadline=None, derandomize=True, max_examples=25)


def problem(seed: int, n: int = 30, d: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + rng.normal(size=d), rng.normal(size=n) + 3


@parametrize_with_checks(
    [
        LinearRegression(),
        LinearRegression(fit_intercept=False),
        Ridge(),
        Ridge(alpha=0.0),
        Lasso(),
        Lasso(alpha=0.01, fit_intercept=False),
    ]
)
def test_contract(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        check(estimator)


@few
@given(seeds)
@pytest.mark.parametrize("solver", SOLVERS)
def test_residual_is_orthogonal_to_every_column(solver, seed):
    X, y = problem(seed)
    assert np.abs(X.T @ (y - X @ solver(X, y))).max() < 1e-8


@few
@given(seeds, st.integers(1, 40), st.integers(1, 8), st.integers(1, 8))
def test_qr_gives_the_shortest_solution_at_any_rank(seed, n, d, rank):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, min(rank, n, d))) @ rng.normal(size=(min(rank, n, d), d))
    y = rng.normal(size=n)
    np.testing.assert_allclose(solve_qr(X, y), np.linalg.pinv(X, rcond=1e-11) @ y, rtol=1e-5, atol=1e-7)


def test_descent_from_zero_ends_in_the_shortest_solution():
    X, y = problem(0)
    X = np.column_stack([X, X[:, 0] + X[:, 1]])
    np.testing.assert_allclose(solve_gradient(X, y), np.linalg.pinv(X) @ y, atol=1e-9)


def test_exact_solution_of_the_worked_example():
    assert exact_least_squares([[1, 0], [1, 1], [1, 2]], [1, 0, 5]).tolist() == [0.0, 2.0]


def test_exact_solution_survives_where_float64_does_not():
    X = np.array([[1, 1], [1e-9, 0], [0, 1e-9]])
    np.testing.assert_allclose(exact_least_squares(X, X @ [2.0, 3.0]), [2, 3], rtol=1e-6)
    with pytest.raises(ValueError, match="solve_qr"):
        solve_normal(X, X @ [2.0, 3.0])


def test_exact_solution_refuses_dependent_columns():
    with pytest.raises(ValueError, match="column 1 is a combination"):
        exact_least_squares([[1.0, 2.0], [2.0, 4.0]], [1.0, 2.0])


@pytest.mark.parametrize("solver", [*SOLVERS, fit_least_squares])
@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.ones((3, 2)), np.ones(4)),
        (np.ones(3), np.ones(3)),
        (np.ones((3, 2)), np.ones((3, 1))),
        (np.empty((0, 2)), np.empty(0)),
        (np.empty((3, 0)), np.ones(3)),
        ([[1.0], [np.nan]], [1.0, 2.0]),
        ([[1.0], [2.0]], [1.0, np.inf]),
    ],
)
def test_solvers_refuse_bad_input(solver, X, y):
    with pytest.raises(ValueError, match=r"shape|finite"):
        solver(X, y)


@pytest.mark.parametrize("rate", [0.0, -0.1, np.nan])
def test_descent_refuses_a_rate_that_is_not_positive(rate):
    with pytest.raises(ValueError, match="learning_rate"):
        solve_gradient(*problem(0), learning_rate=rate)


def test_descent_refuses_a_rate_that_diverges_and_takes_one_below():
    X, y = problem(1)
    limit = 2 * len(y) / np.linalg.norm(X, 2) ** 2
    with pytest.raises(ValueError, match="2/λmax"):
        solve_gradient(X, y, learning_rate=1.001 * limit)
    np.testing.assert_allclose(solve_gradient(X, y, learning_rate=0.9 * limit), solve_qr(X, y), atol=1e-9)


def test_descent_warns_when_it_runs_out_of_steps():
    with pytest.warns(ConvergenceWarning, match="7 steps"):
        solve_gradient(*problem(0), max_iter=7)


@pytest.mark.parametrize("solver", [solve_qr, solve_gradient])
def test_zero_columns_get_zero_weights(solver):
    assert solver(np.zeros((4, 2)), np.arange(4.0)).tolist() == [0, 0]


@few
@given(seeds, st.booleans())
def test_equal_to_scikit_learn(seed, fit_intercept):
    X, y = problem(seed)
    pairs = [
        (LinearRegression(fit_intercept), sklearn.linear_model.LinearRegression(fit_intercept=fit_intercept)),
        (Ridge(0.7, fit_intercept), sklearn.linear_model.Ridge(0.7, fit_intercept=fit_intercept)),
        (
            Lasso(0.05, fit_intercept, tol=1e-12),
            sklearn.linear_model.Lasso(0.05, fit_intercept=fit_intercept, tol=1e-15, max_iter=10_000),
        ),
    ]
    for ours, theirs in pairs:
        ours.fit(X, y), theirs.fit(X, y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-8)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-8)
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-8)


@pytest.mark.parametrize("method", ["qr", "normal", "gradient"])
def test_methods_agree(method):
    X, y = problem(3)
    reference = sklearn.linear_model.LinearRegression().fit(X, y)
    np.testing.assert_allclose(LinearRegression(method=method).fit(X, y).coef_, reference.coef_, atol=1e-9)


def test_dummy_trap_has_scikit_learns_answer():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.eye(3)[rng.integers(0, 3, 50)], rng.normal(size=50)])
    y = X @ [1.0, 2.0, 3.0, 4.0] + rng.normal(size=50)
    reference = sklearn.linear_model.LinearRegression().fit(X, y)
    np.testing.assert_allclose(LinearRegression().fit(X, y).coef_, reference.coef_, atol=1e-10)
    with pytest.raises(ValueError, match="positive definite"):
        LinearRegression(method="normal").fit(X[:, [0, 0]], y)


@pytest.mark.parametrize("value", [0.1, 1e-8, 1e12, -1 / 3])
@pytest.mark.parametrize("model", [LinearRegression(), Ridge(1e-12), Lasso(1e-9)])
def test_a_constant_column_gets_weight_zero(model, value):
    X, y = problem(5, n=1001, d=1)
    model.fit(np.column_stack([X, np.full(len(X), value)]), y)
    assert model.coef_[1] == 0


@few
@given(seeds, st.floats(1e-6, 1e6))
def test_least_squares_is_equivariant_under_units(seed, scale):
    X, y = problem(seed)
    plain, scaled = LinearRegression().fit(X, y), LinearRegression().fit(X * [scale, 1, 1, 1], y)
    np.testing.assert_allclose(scaled.predict(X * [scale, 1, 1, 1]), plain.predict(X), atol=1e-7)


@few
@given(seeds)
def test_ridge_shrinks_monotonically_and_ends_at_the_mean(seed):
    X, y = problem(seed)
    lengths = [np.linalg.norm(Ridge(alpha).fit(X, y).coef_) for alpha in (0, 0.1, 1, 10, 1e3)]
    assert all(np.diff(lengths) < 0)
    np.testing.assert_allclose(Ridge(1e12).fit(X, y).predict(X), y.mean(), atol=1e-6)


@few
@given(seeds, st.floats(0.001, 0.5))
def test_lasso_meets_its_optimality_conditions(seed, alpha):
    X, y = problem(seed)
    model = Lasso(alpha, tol=1e-11).fit(X, y)
    pull = X.T @ (y - model.predict(X)) / len(y)
    active = model.coef_ != 0
    np.testing.assert_allclose(pull[active], alpha * np.sign(model.coef_[active]), atol=1e-9)
    assert np.all(np.abs(pull[~active]) <= alpha + 1e-9)


def test_lasso_is_empty_from_alpha_max_on_and_not_before():
    X, y = problem(2)
    alpha_max = np.abs((X - X.mean(axis=0)).T @ (y - y.mean())).max() / len(y)
    assert not Lasso(1.0001 * alpha_max).fit(X, y).coef_.any()
    assert np.count_nonzero(Lasso(0.999 * alpha_max).fit(X, y).coef_) == 1


def test_lasso_warns_when_it_runs_out_of_sweeps():
    X, y = problem(0)
    with pytest.warns(ConvergenceWarning, match="1 sweeps"):
        Lasso(0.001, max_iter=1, tol=1e-12).fit(X, y)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LinearRegression(method="svd"), "method"),
        (Ridge(-1.0), "alpha"),
        (Ridge(np.nan), "alpha"),
        (Lasso(np.inf), "alpha"),
        (Lasso(max_iter=0), "max_iter"),
        (Lasso(tol=0.0), "tol"),
    ],
)
def test_estimators_refuse_bad_parameters(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(*problem(0))


def test_estimators_refuse_bad_data_and_early_predictions():
    with pytest.raises(NotFittedError):
        LinearRegression().predict(np.ones((2, 2)))
    with pytest.raises(ValueError, match="NaN"):
        Lasso().fit([[np.nan], [1.0]], [1.0, 2.0])
    with pytest.raises(ValueError, match="features"):
        Ridge().fit(*problem(0)).predict(np.ones((2, 3)))


@pytest.mark.parametrize("model", [LinearRegression(), Ridge(), Lasso(0.1)])
def test_awkward_arrays(model):
    rng = np.random.default_rng(0)
    X = rng.integers(-50, 50, size=(20, 6))
    y = rng.integers(-50, 50, size=20)
    X.flags.writeable = y.flags.writeable = False
    expected = model.fit(X[:, ::2].astype(float).copy(), y.astype(float)).coef_
    np.testing.assert_allclose(model.fit(X[:, ::2], y).coef_, expected, rtol=1e-12)
    np.testing.assert_allclose(model.fit(np.asfortranarray(X[:, ::2]), y).coef_, expected, rtol=1e-9)


@pytest.fixture(scope="module")
def diabetes_fits():
    X, y = load_diabetes(return_X_y=True)
    X = np.column_stack([np.ones(len(X)), X])
    return X, fit_least_squares(X, y), sm.OLS(y, X).fit()


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_intervals_equal_statsmodels(diabetes_fits, level):
    X, ours, theirs = diabetes_fits
    frame = theirs.get_prediction(X).summary_frame(alpha=1 - level)
    np.testing.assert_allclose(ours.coefficient_intervals(level), theirs.conf_int(1 - level), rtol=1e-7)
    for kind, prefix in (("observation", "obs"), ("mean", "mean")):
        expected = frame[[f"{prefix}_ci_lower", f"{prefix}_ci_upper"]]
        np.testing.assert_allclose(ours.interval(X, level, kind), expected, rtol=1e-7)


def test_diagnostics_equal_statsmodels(diabetes_fits):
    _, ours, theirs = diabetes_fits
    influence = theirs.get_influence()
    np.testing.assert_allclose(ours.standard_errors, theirs.bse, rtol=1e-9)
    np.testing.assert_allclose(ours.leverage, influence.hat_matrix_diag, rtol=1e-9)
    np.testing.assert_allclose(ours.cooks_distance, influence.cooks_distance[0], rtol=1e-8)
    assert ours.degrees_of_freedom == theirs.df_resid


@few
@given(seeds, st.integers(1, 6))
def test_leverages_lie_in_the_unit_interval_and_sum_to_the_columns(seed, p):
    fit = fit_least_squares(*problem(seed, d=p))
    assert fit.leverage.min() >= 0
    assert fit.leverage.max() <= 1 + 1e-12
    assert fit.leverage.sum() == pytest.approx(p)


def test_cooks_distance_is_what_leaving_out_does():
    X, y = problem(4)
    fit = fit_least_squares(X, y)
    for i in (0, 7, 29):
        moved = X @ (solve_qr(np.delete(X, i, 0), np.delete(y, i)) - fit.weights)
        assert moved @ moved / (4 * fit.sigma**2) == pytest.approx(fit.cooks_distance[i])


def test_a_perfect_fit_has_no_width():
    X, _ = problem(0)
    fit = fit_least_squares(X, X @ np.ones(4))
    assert np.abs(fit.interval(X)[:, 1] - fit.interval(X)[:, 0]).max() < 1e-12
    assert np.isfinite(fit.cooks_distance).all()


def test_inference_refuses():
    X, y = problem(0)
    with pytest.raises(ValueError, match="more samples"):
        fit_least_squares(X[:4], y[:4])
    with pytest.raises(ValueError, match="linearly dependent"):
        fit_least_squares(X[:, [0, 1, 0]], y)
    fit = fit_least_squares(X, y)
    for level in (0, 1, -0.1, np.nan):
        with pytest.raises(ValueError, match="level"):
            fit.coefficient_intervals(level)
    with pytest.raises(ValueError, match="kind"):
        fit.interval(X, kind="prediction")
    with pytest.raises(ValueError, match="shape"):
        fit.interval(X[:, :3])
    with pytest.raises(ValueError, match="shape"):
        fit.interval(X[0])
