"""Linear regression.

Built in the page `scripts/03_Machine_Learning/02_linear_regression.py`: edit the page, not this file.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = [
    "Lasso",
    "LeastSquaresFit",
    "LinearRegression",
    "Ridge",
    "exact_least_squares",
    "fit_least_squares",
    "solve_gradient",
    "solve_normal",
    "solve_qr",
]


def solve_normal(X: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Least squares by the normal equations and Cholesky, ``n d² + d³/3`` operations.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Columns must be linearly independent, also after ``X.T @ X`` has been rounded.
    y : array_like of shape (n,)

    Returns
    -------
    ndarray of shape (d,)

    Raises
    ------
    ValueError
        If the shapes do not fit or a number is not finite, or ``X.T @ X`` is not
        positive definite.
    """
    A, b = _checked(X, y)
    try:
        return linalg.cho_solve(linalg.cho_factor(A.T @ A), A.T @ b)
    except linalg.LinAlgError as error:
        message = "X.T @ X is not positive definite in float64; use solve_qr"
        raise ValueError(message) from error


def _checked(X: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    A, b = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    if A.ndim != 2 or b.shape != A.shape[:1] or not A.size:
        wanted = "X must have shape (n, d) and y (n,), none empty"
        raise ValueError(f"{wanted}; got {A.shape} and {b.shape}")
    if not (np.isfinite(A).all() and np.isfinite(b).all()):
        raise ValueError("X and y must be finite")
    return A, b


def solve_qr(X: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Least squares by QR with column pivoting, about ``2 n d²`` operations.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Of any rank; a diagonal entry of R counts as zero below ``max(n, d) * eps`` of
        the largest.
    y : array_like of shape (n,)

    Returns
    -------
    ndarray of shape (d,)
        The shortest of all solutions.

    Raises
    ------
    ValueError
        If the shapes do not fit or a number is not finite.

    References
    ----------
    Å. Björck, *Numerical Methods for Least Squares Problems* (1996), section 2.7.
    """
    A, b = _checked(X, y)
    # Qᵀy, R and the order of the columns
    projected, R, order = linalg.qr_multiply(A, b, mode="right", pivoting=True)
    size = np.abs(np.diag(R))
    rank = int((size > size.max() * max(A.shape) * np.finfo(float).eps).sum())
    weights = np.zeros(A.shape[1])
    if rank == A.shape[1]:
        weights[order] = linalg.solve_triangular(R, projected)
    elif rank:  # R[:rank] = Tᵀ Zᵀ; the shortest solution lies in Z's span
        Z, T = linalg.qr(R[:rank].T, mode="economic")
        weights[order] = Z @ linalg.solve_triangular(T, projected[:rank], trans="T")
    return weights


def exact_least_squares(X: ArrayLike, y: ArrayLike) -> np.ndarray:
    """Solve the normal equations in rational arithmetic; only the result is rounded.

    Slow (the integers grow to thousands of digits): a judge for small problems, say
    n ≤ 100 and d ≤ 10.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Columns must be linearly independent.
    y : array_like of shape (n,)

    Returns
    -------
    ndarray of shape (d,)

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is not finite, or the columns are linearly
        dependent.
    """
    A, b = _checked(X, y)
    table = np.column_stack([A, b])
    columns = [[Fraction(value) for value in column] for column in table.T.tolist()]
    d, M = A.shape[1], []
    for u in columns[:d]:
        M.append([sum(map(Fraction.__mul__, u, v), Fraction()) for v in columns])
    for i in range(d):
        if M[i][i] == 0:  # exact: no tolerance, and positive definite needs no pivoting
            what = f"column {i} is a combination of those before"
            raise ValueError(f"the columns are linearly dependent: {what}")
        M[i] = [value / M[i][i] for value in M[i]]
        for k in range(d):
            if k != i:
                M[k] = [value - M[k][i] * pivot for value, pivot in zip(M[k], M[i])]
    return np.array([float(row[-1]) for row in M])


def solve_gradient(
    X: ArrayLike,
    y: ArrayLike,
    *,
    learning_rate: float | None = None,
    tol: float = 1e-13,
    max_iter: int = 100_000,
) -> np.ndarray:
    """Least squares by gradient descent from zero, ``4 n d`` operations a step.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Of any rank: started at zero, the descent ends in the shortest solution.
    y : array_like of shape (n,)
    learning_rate : float, optional
        Below ``2 / λmax`` of the Hessian ``X.T @ X / n``; by default ``1 / λmax``.
    tol : float
        Stop when the gradient's norm has fallen to this part of ``‖X‖ ‖y‖ / n``.
    max_iter : int
        Steps before a ``ConvergenceWarning``.

    Returns
    -------
    ndarray of shape (d,)

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is not finite, or the learning rate would not
        converge.
    """
    A, b = _checked(X, y)
    n_samples = len(b)
    steepest = float(np.linalg.norm(A, 2)) ** 2 / n_samples  # λmax of XᵀX/n
    if learning_rate is None:
        learning_rate = 1 / steepest if steepest else 1.0
    if not 0 < learning_rate * max(steepest, 1e-300) < 2:
        allowed = f"between 0 and 2/λmax = {2 / steepest:.4g}"
        raise ValueError(f"learning_rate must lie {allowed}, got {learning_rate}")
    weights = np.zeros(A.shape[1])
    enough = tol * float((steepest / n_samples) ** 0.5 * np.linalg.norm(b))
    for _ in range(max_iter):
        gradient = A.T @ (A @ weights - b) / n_samples  # equation (eq-linreg-loss)
        if np.linalg.norm(gradient) <= enough:
            return weights
        weights -= learning_rate * gradient
    message = f"gradient descent did not converge in {max_iter} steps"
    warnings.warn(message, ConvergenceWarning, stacklevel=2)
    return weights


class _LinearModel(RegressorMixin, BaseEstimator):
    """Check, centre, solve, add the intercept; the subclass says how to solve."""

    fit_intercept: bool

    def _solve(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _check_parameters(self) -> None:
        """Raise a ``ValueError`` for a parameter that cannot be meant."""

    def fit(self, X: ArrayLike, y: ArrayLike) -> "_LinearModel":
        """Fit to X of shape (n, d) and y of shape (n,); returns the model itself."""
        self._check_parameters()
        features, targets = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        x_mean, y_mean = np.zeros(features.shape[1]), 0.0
        if self.fit_intercept:
            x_mean, y_mean = features.mean(axis=0), float(targets.mean())
            constant = np.ptp(features, axis=0) == 0
            features = np.where(constant, 0.0, features - x_mean)
        self.coef_ = self._solve(features, targets - y_mean)  # (d,)
        self.intercept_ = float(y_mean - x_mean @ self.coef_)
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predictions of shape (n,) for X of shape (n, d)."""
        check_is_fitted(self)
        features = validate_data(self, X, dtype=np.float64, reset=False)
        return features @ self.coef_ + self.intercept_


_SOLVERS: dict[str, Callable[..., np.ndarray]] = {
    "qr": solve_qr,
    "normal": solve_normal,
    "gradient": solve_gradient,
}


class LinearRegression(_LinearModel):
    """Ordinary least squares, one target.

    Parameters
    ----------
    fit_intercept : bool
        Whether to add a constant; the columns are centred first.
    method : {"qr", "normal", "gradient"}
        ``"qr"`` is the accurate default and the only one to trust when columns depend
        on each other; ``"normal"`` is faster for tall tables; ``"gradient"`` wants
        scaled columns.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
        The shortest one if columns are linearly dependent (``method="normal"`` raises
        instead).
    intercept_ : float
    """

    def __init__(self, fit_intercept: bool = True, method: str = "qr") -> None:
        self.fit_intercept = fit_intercept
        self.method = method

    def _check_parameters(self) -> None:
        if self.method not in _SOLVERS:
            known = sorted(_SOLVERS)
            raise ValueError(f"method must be one of {known}, got {self.method!r}")

    def _solve(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return _SOLVERS[self.method](X, y)


class Ridge(_LinearModel):
    """Least squares with a penalty ``alpha * ‖w‖²``, one target.

    Parameters
    ----------
    alpha : float
        At least 0; at 0 it is `LinearRegression`. Scale the columns first: the penalty
        knows no units.
    fit_intercept : bool
        Whether to add a constant; it is not penalised.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
    intercept_ : float

    References
    ----------
    Hoerl & Kennard (1970), doi:10.1080/00401706.1970.10488634.
    """

    def __init__(self, alpha: float = 1.0, fit_intercept: bool = True) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept

    def _check_parameters(self) -> None:
        if not 0 <= self.alpha < np.inf:
            raise ValueError(f"alpha must be finite and at least 0, got {self.alpha}")

    def _solve(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        d = X.shape[1]
        longer = np.vstack([X, self.alpha**0.5 * np.eye(d)])  # (n + d, d)
        return solve_qr(longer, np.append(y, np.zeros(d)))


class Lasso(_LinearModel):
    """Least squares with a penalty on absolute weights, by coordinate descent.

    Minimises ``‖y - X w - b‖² / (2 n) + alpha * ‖w‖₁``, for one target.

    Parameters
    ----------
    alpha : float
        At least 0. Scale the columns first: the penalty knows no units.
    fit_intercept : bool
    max_iter : int
        Sweeps over all weights before a ``ConvergenceWarning``.
    tol : float
        Stop when no optimality condition is violated by more than this part of
        ``alpha_max``.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
    intercept_ : float
    n_iter_ : int
        Sweeps made.

    References
    ----------
    Tibshirani (1996), doi:10.1111/j.2517-6161.1996.tb02080.x.
    Friedman et al. (2010), doi:10.18637/jss.v033.i01.
    """

    def __init__(
        self,
        alpha: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 10_000,
        tol: float = 1e-8,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol

    def _check_parameters(self) -> None:
        if not 0 <= self.alpha < np.inf:
            raise ValueError(f"alpha must be finite and at least 0, got {self.alpha}")
        if self.max_iter < 1 or not self.tol > 0:
            wanted = "max_iter must be at least 1 and tol positive"
            raise ValueError(f"{wanted}, got {self.max_iter}, {self.tol}")

    def _solve(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        gram = X.T @ X / len(y)
        pull = X.T @ y / len(y)  # minus the gradient at the weights
        enough = self.tol * float(np.abs(pull).max())
        weights = np.zeros(X.shape[1])
        for sweep in range(1, self.max_iter + 1):
            self.n_iter_ = sweep
            for j in np.flatnonzero(np.diag(gram)):
                free = pull[j] + gram[j, j] * weights[j]
                size = max(abs(free) - self.alpha, 0.0)  # equation (eq-linreg-soft)
                new = np.sign(free) * size / gram[j, j]
                if new != weights[j]:
                    pull -= gram[:, j] * (new - weights[j])
                    weights[j] = new
            kept = np.abs(pull - self.alpha * np.sign(weights))
            excess = np.where(weights, kept, np.abs(pull) - self.alpha)
            if excess.max() <= enough:
                return weights
        message = f"Lasso did not converge in {self.max_iter} sweeps"
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
        return weights


@dataclass(frozen=True, eq=False)
class LeastSquaresFit:
    """A least-squares fit with what is needed to judge it, made by `fit_least_squares`.

    Attributes
    ----------
    weights : ndarray of shape (p,)
    standard_errors : ndarray of shape (p,)
        Valid if the errors are independent and of equal variance.
    residuals, leverage, cooks_distance : ndarray of shape (n,)
    sigma : float
        Residual standard deviation, in units of the target.
    degrees_of_freedom : int
        ``n - p``.
    factor : ndarray of shape (p, p)
        R of the QR factorisation.
    """

    weights: np.ndarray
    standard_errors: np.ndarray
    residuals: np.ndarray
    leverage: np.ndarray
    cooks_distance: np.ndarray
    sigma: float
    degrees_of_freedom: int
    factor: np.ndarray

    def coefficient_intervals(self, level: float = 0.95) -> np.ndarray:
        """Lower and upper ends for each weight, shape (p, 2)."""
        half = _quantile(level, self.degrees_of_freedom) * self.standard_errors
        return np.column_stack([self.weights - half, self.weights + half])

    def interval(self, X_new: ArrayLike, level: float = 0.95, kind: str = "observation") -> np.ndarray:
        """Ends for each row of X_new, shape (m, 2), equation (eq-linreg-intervals).

        ``kind`` is ``"observation"`` (a new value of the target) or ``"mean"`` (its
        expectation).
        """
        if kind not in ("observation", "mean"):
            raise ValueError(f"kind must be 'observation' or 'mean', got {kind!r}")
        rows, p = np.asarray(X_new, dtype=float), len(self.weights)
        if rows.ndim != 2 or rows.shape[1] != p:
            raise ValueError(f"X_new must have shape (m, {p}), got {rows.shape}")
        h = (linalg.solve_triangular(self.factor, rows.T, trans="T") ** 2).sum(axis=0)
        t = _quantile(level, self.degrees_of_freedom)
        half = t * self.sigma * np.sqrt(h + (kind == "observation"))
        centre = rows @ self.weights
        return np.column_stack([centre - half, centre + half])


def _quantile(level: float, degrees_of_freedom: int) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    return float(stats.t.ppf((1 + level) / 2, degrees_of_freedom))


def fit_least_squares(X: ArrayLike, y: ArrayLike) -> LeastSquaresFit:
    """Least squares on the columns as given, with leverage, errors, Cook's distance.

    Parameters
    ----------
    X : array_like of shape (n, p)
        Full column rank, n > p; add the column of ones yourself.
    y : array_like of shape (n,)

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is not finite, n ≤ p, or a column depends on
        the others.
    """
    A, b = _checked(X, y)
    (n, p), tiny = A.shape, np.finfo(float)
    if n <= p:
        raise ValueError(f"need more samples than columns, got {n} and {p}")
    Q, R = linalg.qr(A, mode="economic")
    if (np.abs(np.diag(R)) <= np.linalg.norm(A, axis=0) * n * tiny.eps).any():
        raise ValueError("the columns of X are linearly dependent; leave one out")
    weights = linalg.solve_triangular(R, Q.T @ b)
    residuals = b - A @ weights
    leverage = (Q**2).sum(axis=1)
    variance = float(residuals @ residuals) / (n - p)
    inverse = linalg.solve_triangular(R, np.eye(p))
    cook = residuals**2 * leverage / np.maximum(1 - leverage, tiny.eps) ** 2
    return LeastSquaresFit(
        weights=weights,
        standard_errors=np.sqrt(variance * (inverse**2).sum(axis=1)),
        residuals=residuals,
        leverage=leverage,
        cooks_distance=cook / (p * max(variance, tiny.tiny)),
        sigma=variance**0.5,
        degrees_of_freedom=n - p,
        factor=R,
    )


# seal: 08f4e49042c8ce9b
