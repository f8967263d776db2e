"""Support vector machines.

Built in the page `scripts/03_Machine_Learning/09_support_vector_machines.py`: edit the page, not this file.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["SVC", "DualSolution", "KernelRows", "LinearSVC", "kernel_matrix", "smo", "squared_hinge_newton"]


def kernel_matrix(
    X: np.ndarray,
    Z: np.ndarray,
    kernel: str | Callable[[np.ndarray, np.ndarray], ArrayLike] = "rbf",
    *,
    gamma: float = 1.0,
    degree: float = 3,
    coef0: float = 0.0,
) -> np.ndarray:
    """Inner products of two sets of rows, after the map that a kernel stands for.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    Z : ndarray of shape (m, d)
    kernel : {"linear", "poly", "rbf", "sigmoid"} or callable
        A callable takes X and Z and returns a matrix of shape (n, m).
    gamma, degree, coef0 : float
        The numbers of equation eq-svm-kernels.

    Returns
    -------
    ndarray of shape (n, m)

    Raises
    ------
    ValueError
        If the kernel is unknown, or a callable does not return finite numbers of
        shape (n, m).
    """
    if callable(kernel):
        K = np.array(kernel(X, Z), dtype=float)
        if K.shape != (len(X), len(Z)) or not np.isfinite(K).all():
            wanted = f"finite numbers of shape {(len(X), len(Z))}"
            raise ValueError(f"kernel must return {wanted}, got shape {K.shape}")
        return K
    if kernel == "rbf":
        centre = Z.mean(axis=0)  # a common offset would cost digits
        A, B = X - centre, Z - centre
        K = A @ B.T
        K *= 2.0
        K -= (A * A).sum(axis=1)[:, None]
        K -= (B * B).sum(axis=1)  # minus the squared distances
        np.minimum(K, 0.0, out=K)
        K *= gamma
        return np.exp(K, out=K)
    if kernel not in ("linear", "poly", "sigmoid"):
        known = "linear, poly, rbf, sigmoid or a callable"
        raise ValueError(f"kernel must be {known}, got {kernel!r}")
    K = X @ Z.T
    if kernel == "linear":
        return K
    K = gamma * K + coef0
    return K**degree if kernel == "poly" else np.tanh(K)


class KernelRows:
    """Rows of the matrix of a kernel, computed when asked for and kept.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    kernel : callable
        Takes (a, d) and (b, d), returns (a, b).
    limit : int
        Rows that are kept at a time; with n or more, all are computed at once.
    matrix : ndarray of shape (n, n), optional
        The whole matrix, where it is known.

    Attributes
    ----------
    diagonal : ndarray of shape (n,)
    """

    def __init__(
        self,
        X: np.ndarray,
        kernel: Callable[[np.ndarray, np.ndarray], np.ndarray],
        limit: int,
        matrix: np.ndarray | None = None,
    ) -> None:
        if matrix is None and len(X) <= limit:
            matrix = kernel(X, X)
        self._X, self._kernel, self._limit = X, kernel, max(2, limit)
        self._rows = {} if matrix is None else dict(enumerate(matrix))
        self._scales: dict[int, np.ndarray] = {}
        if matrix is None:
            single = (X[i : i + 1] for i in range(len(X)))
            self.diagonal = np.array([kernel(x, x)[0, 0] for x in single])
        else:
            self.diagonal = matrix.diagonal().copy()

    def __getitem__(self, i: int) -> np.ndarray:
        """Row i of the matrix, shape (n,)."""
        if i not in self._rows:
            if len(self._rows) >= self._limit:
                del self._rows[next(iter(self._rows))]  # the oldest
            self._rows[i] = self._kernel(self._X[i : i + 1], self._X)[0]
        return self._rows[i]

    def scale(self, i: int) -> np.ndarray:
        """One over the distances of row i from all rows (eq-svm-pair), shape (n,)."""
        if i not in self._scales:
            if len(self._scales) >= self._limit:
                del self._scales[next(iter(self._scales))]
            a = self.diagonal[i] + self.diagonal - 2 * self[i]
            self._scales[i] = 1 / np.sqrt(np.maximum(a, 1e-12))
        return self._scales[i]


def _leap(
    rows: KernelRows,
    beta: list,
    low: list,
    high: list,
    up: np.ndarray,
    down: np.ndarray,
) -> None:
    """Move all free multipliers at once (eq-svm-leap); the arguments are changed."""
    free = np.flatnonzero(np.isfinite(up) & np.isfinite(down))
    if not 2 < len(free) <= 500:
        return
    K = np.array([rows[i] for i in free.tolist()])  # (|S|, n)
    system = np.ones((len(free) + 1, len(free) + 1))
    system[:-1, :-1] = K[:, free]
    system.flat[:: len(free) + 2] += 1e-10 * np.abs(rows.diagonal[free]).max()
    system[-1, -1] = 0.0
    try:
        direction = np.linalg.solve(system, np.append(up[free], 0.0))[:-1]
    except np.linalg.LinAlgError:
        return
    direction -= direction.mean()
    rise, bend = direction @ up[free], direction @ K[:, free] @ direction
    if not (rise > 0 and np.isfinite(bend)):
        return
    old = np.array([beta[i] for i in free])
    ends = np.array([(high if d > 0 else low)[i] for i, d in zip(free, direction)])
    room = np.full(len(free), np.inf)
    np.divide(ends - old, direction, out=room, where=direction != 0)
    length = min(room.min(), rise / bend if bend > 0 else np.inf)
    new = np.where(room <= length, ends, old + length * direction)
    shift = (new - old) @ K
    up -= shift
    down -= shift
    for i, value in zip(free.tolist(), new.tolist()):
        beta[i] = value
        _sort_in(i, up[i], beta, low, high, up, down)


def _sort_in(
    i: int,
    F: float,
    beta: list,
    low: list,
    high: list,
    up: np.ndarray,
    down: np.ndarray,
) -> None:
    """Note whether multiplier i, whose slope is F, may rise and may fall."""
    up[i] = F if beta[i] < high[i] else -np.inf
    down[i] = F if beta[i] > low[i] else np.inf


class DualSolution(NamedTuple):
    """Signed multipliers (n,), intercept, steps taken, and the gap that remains."""

    beta: np.ndarray
    bias: float
    n_iter: int
    gap: float


def smo(
    rows: KernelRows,
    y: np.ndarray,
    bound: np.ndarray,
    *,
    tol: float = 1e-3,
    max_iter: int = 100_000,
    leap_every: int = 200,
) -> DualSolution:
    """Maximise the dual eq-svm-dual by sequential minimal optimisation.

    Parameters
    ----------
    rows : KernelRows
    y : ndarray of shape (n,)
        Labels, +1 and -1.
    bound : ndarray of shape (n,)
        Largest multiplier of each row, C in the equation.
    tol : float
        Gap between the two sides of eq-svm-gap at which to stop.
    max_iter : int
        Steps after which to stop anyway.
    leap_every : int
        Steps between two moves of all free multipliers together; 0 for none.

    References
    ----------
    Fan, Chen and Lin (2005), working-set selection 2.
    """
    low, high = np.minimum(0, y * bound).tolist(), np.maximum(0, y * bound).tolist()
    beta = [0.0] * len(y)  # lists: single numbers are faster than in an array
    up, down = np.where(y > 0, y, -np.inf), np.where(y > 0, np.inf, y)
    slope, gain = np.empty(len(y)), np.empty(len(y))
    n_iter = 0
    while True:
        i = int(up.argmax())
        np.subtract(up[i], down, out=slope)
        np.multiply(slope, rows.scale(i), out=gain)
        j = int(gain.argmax())
        steep = float(slope[j])
        if n_iter >= max_iter or (steep < tol and slope.max() < tol):
            break
        n_iter += 1
        if leap_every and n_iter % leap_every == 0:
            _leap(rows, beta, low, high, up, down)
            continue
        room_i, room_j = high[i] - beta[i], beta[j] - low[j]
        step = min(steep * float(rows.scale(i)[j]) ** 2, room_i, room_j)
        beta[i] = high[i] if step == room_i else beta[i] + step
        beta[j] = low[j] if step == room_j else beta[j] - step
        np.subtract(rows[i], rows[j], out=slope)
        slope *= step
        up -= slope
        down -= slope
        _sort_in(i, up[i], beta, low, high, up, down)
        _sort_in(j, down[j], beta, low, high, up, down)
    free = np.isfinite(up) & np.isfinite(down)
    bias = up[free].mean() if free.any() else (up.max() + down.min()) / 2
    return DualSolution(np.array(beta), float(bias), n_iter, float(up.max() - down.min()))


class _PairwiseVotes(ClassifierMixin, BaseEstimator):
    """Decisions of an SVC after its fit."""

    def _pair_values(self, X: ArrayLike) -> np.ndarray:
        """Value of each pair's f, positive for the first class; shape (m, pairs)."""
        check_is_fitted(self)
        A = validate_data(self, X, dtype=np.float64, reset=False)
        blocks = len(A) * len(self.support_) // 2_000_000 + 1
        return np.concatenate(
            [
                self._kernel(block, self.support_vectors_) @ self._betas + self._biases
                for block in np.array_split(A, blocks)
            ]
        )

    def _votes(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Votes and summed values of each class, both (m, K)."""
        pairs = list(combinations(range(len(self.classes_)), 2))
        first, second = np.zeros((2, len(pairs), len(self.classes_)))
        for p, (i, j) in enumerate(pairs):
            first[p, i] = second[p, j] = 1.0
        won = (values > 0).astype(float)
        return won @ first + (1 - won) @ second, values @ (first - second)

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Values of f, shape (m,) for two classes, else (m, K) or (m, pairs)."""
        values = self._pair_values(X)
        if len(self.classes_) == 2:
            return -values[:, 0]  # positive for the second class
        if self.decision_function_shape == "ovo":
            return values
        votes, sums = self._votes(values)
        return votes + sums / (3 * (np.abs(sums) + 1))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the class with most votes; of equal ones the first."""
        votes, _ = self._votes(self._pair_values(X))
        return self.classes_[votes.argmax(axis=1)]

    @property
    def coef_(self) -> np.ndarray:
        """Weights of each pair, for the linear kernel."""
        if self.kernel != "linear":
            raise AttributeError("coef_ exists for kernel='linear' only")
        turn = -1.0 if len(self.classes_) == 2 else 1.0
        return turn * self._betas.T @ self.support_vectors_


class SVC(_PairwiseVotes):
    """Support vector classifier with kernels, solved by SMO.

    Parameters
    ----------
    C : float
        Price of breaking the rule, equation eq-svm-primal.
    kernel : {"linear", "poly", "rbf", "sigmoid"} or callable (X, Z) to (n, m)
    degree, coef0 : float
    gamma : {"scale", "auto"} or float
        "scale" is 1 / (d * X.var()), "auto" is 1 / d.
    tol : float
        Gap of the optimality conditions at which to stop, between 0 and 1.
    cache_size : float
        Megabytes for rows of the kernel.
    max_iter : int
        Steps for each pair of classes; -1 for max(200,000, 100 n).
    decision_function_shape : {"ovr", "ovo"}

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    support_, support_vectors_, n_support_ : ndarray
        Rows (ordered by class), their columns, and their number in each class.
    dual_coef_ : ndarray of shape (K - 1, n_SV)
        Signed multipliers, laid out as in scikit-learn.
    intercept_, n_iter_ : ndarray of shape (K (K - 1) / 2,)
    coef_ : ndarray of shape (K (K - 1) / 2, d)
        For the linear kernel only.

    References
    ----------
    Equations eq-svm-dual and eq-svm-gap of the page; Chang and Lin (2011).
    """

    def __init__(
        self,
        *,
        C: float = 1.0,
        kernel: str | Callable = "rbf",
        degree: float = 3,
        gamma: str | float = "scale",
        coef0: float = 0.0,
        tol: float = 1e-3,
        cache_size: float = 200,
        max_iter: int = -1,
        decision_function_shape: str = "ovr",
    ) -> None:
        self.C = C
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.tol = tol
        self.cache_size = cache_size
        self.max_iter = max_iter
        self.decision_function_shape = decision_function_shape

    def fit(self, X: ArrayLike, y: ArrayLike) -> SVC:
        """Solve one dual for each pair of classes; X (n, d), y (n,)."""
        A, codes = _checked(self, X, y)
        _check_svc(self)
        self._gamma = _gamma(self.gamma, A)
        pairs = list(combinations(range(len(self.classes_)), 2))
        limit = int(self.cache_size * 2**20 / (8 * len(A)))
        whole = self._kernel(A, A) if len(A) <= limit else None
        betas, solutions = np.zeros((len(A), len(pairs))), []
        for p, (i, j) in enumerate(pairs):
            rows = np.flatnonzero((codes == i) | (codes == j))
            if whole is None or len(pairs) == 1:
                table = KernelRows(A[rows], self._kernel, limit, whole)
            else:
                part = whole[np.ix_(rows, rows)]
                table = KernelRows(A[rows], self._kernel, limit, part)
            solutions.append(self._solve(table, np.where(codes[rows] == i, 1.0, -1.0)))
            betas[rows, p] = solutions[-1].beta
        self._biases = np.array([s.bias for s in solutions])
        self.n_iter_ = np.array([s.n_iter for s in solutions])
        _lay_out(self, A, codes, betas)
        return self

    def _kernel(self, X: np.ndarray, Z: np.ndarray) -> np.ndarray:
        numbers = {"degree": self.degree, "coef0": self.coef0, "gamma": self._gamma}
        return kernel_matrix(X, Z, self.kernel, **numbers)

    def _solve(self, rows: KernelRows, y: np.ndarray) -> DualSolution:
        n = len(y)
        most = max(200_000, 100 * n) if self.max_iter == -1 else self.max_iter
        found = smo(rows, y, np.full(n, self.C), tol=self.tol, max_iter=most)
        if not found.gap < self.tol:
            advice = "scale the columns or lower C"
            text = f"gap {found.gap:.2g} after {found.n_iter} steps: {advice}"
            warnings.warn(text, ConvergenceWarning, stacklevel=3)
        return found


def _checked(model: BaseEstimator, X: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Table and class numbers; sets ``classes_``."""
    A, target = validate_data(model, X, y, dtype=np.float64)
    check_classification_targets(target)
    model.classes_, codes = np.unique(target, return_inverse=True)
    if len(model.classes_) < 2:
        raise ValueError("need samples of at least 2 classes, got 1 class")
    if not (np.isfinite(model.C) and model.C > 0):
        raise ValueError(f"C must be a positive number, got {model.C!r}")
    if not 0 < model.tol < 1:
        raise ValueError(f"tol must be between 0 and 1, got {model.tol!r}")
    return A, codes


def _lay_out(model: SVC, A: np.ndarray, codes: np.ndarray, betas: np.ndarray) -> None:
    """Set what scikit-learn keeps of the multipliers betas (n, pairs)."""
    used = np.flatnonzero(betas.any(axis=1))
    model.support_ = used[np.argsort(codes[used], kind="stable")]
    model.support_vectors_ = A[model.support_]
    of = codes[model.support_]
    model.n_support_ = np.bincount(of, minlength=len(model.classes_))
    model._betas = betas[model.support_]  # (n_SV, pairs)
    model.dual_coef_ = np.zeros((len(model.classes_) - 1, len(of)))
    for p, (i, j) in enumerate(combinations(range(len(model.classes_)), 2)):
        model.dual_coef_[j - 1, of == i] = model._betas[of == i, p]
        model.dual_coef_[i, of == j] = model._betas[of == j, p]
    turn = -1.0 if len(model.classes_) == 2 else 1.0
    model.dual_coef_ *= turn
    model.intercept_ = turn * model._biases


def _check_svc(model: SVC) -> None:
    if model.decision_function_shape not in ("ovr", "ovo"):
        shape = model.decision_function_shape
        raise ValueError(f"decision_function_shape must be ovr or ovo, got {shape!r}")
    if model.max_iter < -1 or not model.cache_size > 0:
        raise ValueError("max_iter must be -1 or more and cache_size positive")


def _gamma(gamma: str | float, X: np.ndarray) -> float:
    if isinstance(gamma, str):
        if gamma not in ("scale", "auto"):
            raise ValueError(f"gamma must be scale, auto or a number, got {gamma!r}")
        spread = X.var() if gamma == "scale" else 1.0
        return 1.0 / (X.shape[1] * spread) if spread else 1.0
    if not (np.isfinite(gamma) and gamma >= 0):
        raise ValueError(f"gamma must be at least 0, got {gamma!r}")
    return float(gamma)


def squared_hinge_newton(
    X: np.ndarray, y: np.ndarray, C: float, *, tol: float = 1e-8, max_iter: int = 1000
) -> tuple[np.ndarray, int, bool]:
    """Minimise eq-svm-squared-hinge; return weights (d,), steps, and whether it ended.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        With its column for the intercept, if there is to be one.
    y : ndarray of shape (n,)
        Labels, +1 and -1.
    C : float
    tol : float
        Size of the gradient, relative to that at zero, at which to stop.

    References
    ----------
    Equation eq-svm-newton of the page; Keerthi and DeCoste (2005).
    """
    B = X * y[:, None]
    w, slack = np.zeros(X.shape[1]), np.ones(len(X))
    value = C * len(X)
    start = np.linalg.norm(2 * C * B.sum(axis=0))
    for n_iter in range(1, max_iter + 1):
        active = slack > 0
        step = _ridge(B[active], C) - w
        change, length = -(B @ step), 1.0
        gradient = w - 2 * C * (slack[active] @ B[active])
        if np.linalg.norm(gradient) <= tol * start:
            return w, n_iter, True
        while True:
            new, left = w + length * step, slack + length * change
            now = 0.5 * new @ new + C * (np.maximum(left, 0) ** 2).sum()
            if now <= value + 1e-4 * length * (gradient @ step) or length < 1e-9:
                break
            length /= 2
        w, slack, value = new, left, now
        if length == 1.0 and ((slack > 0) == active).all():
            return w, n_iter, True
    return w, max_iter, False


def _ridge(B: np.ndarray, C: float) -> np.ndarray:
    """Weights of eq-svm-newton for signed rows B (a, d), by the smaller system."""
    a, d = B.shape
    if a == 0:
        return np.zeros(d)
    small = B if d <= a else B.T
    system = 2 * C * small.T @ small
    system.flat[:: len(system) + 1] += 1.0
    right = 2 * C * (B.sum(axis=0) if d <= a else np.ones(a))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = solve(system, right, assume_a="pos")
        return found if d <= a else B.T @ found
    except (np.linalg.LinAlgError, Warning):  # columns of very different size
        tall = np.vstack([np.sqrt(2 * C) * B, np.eye(d)])
        ones = np.r_[np.full(a, np.sqrt(2 * C)), np.zeros(d)]
        return np.linalg.lstsq(tall, ones, rcond=None)[0]


class LinearSVC(ClassifierMixin, BaseEstimator):
    """Linear support vector classifier with squared hinge, one class against the rest.

    Parameters
    ----------
    C : float
    tol : float
        Size of the gradient, relative to that at zero, at which to stop.
    fit_intercept : bool
    intercept_scaling : float
        Value of the extra column; the larger, the less the intercept is kept small.
    max_iter : int

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    coef_ : ndarray of shape (1, d) or (K, d)
    intercept_ : ndarray of shape (1,) or (K,)
    n_iter_ : int

    References
    ----------
    Equation eq-svm-squared-hinge of the page; the optimum is that of LIBLINEAR
    (Fan et al. 2008) with ``loss="squared_hinge"``.
    """

    def __init__(
        self,
        *,
        C: float = 1.0,
        tol: float = 1e-8,
        fit_intercept: bool = True,
        intercept_scaling: float = 1.0,
        max_iter: int = 1000,
    ) -> None:
        self.C = C
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: ArrayLike) -> LinearSVC:
        """Minimise once for two classes, else once for each class; X (n, d), y (n,)."""
        A, codes = _checked(self, X, y)
        if not (np.isfinite(self.intercept_scaling) and self.intercept_scaling > 0):
            raise ValueError("intercept_scaling must be a positive number")
        if self.fit_intercept:
            A = np.column_stack([A, np.full(len(A), float(self.intercept_scaling))])
        targets = range(len(self.classes_)) if len(self.classes_) > 2 else [1]
        fits = [
            squared_hinge_newton(
                A,
                np.where(codes == k, 1.0, -1.0),
                self.C,
                tol=self.tol,
                max_iter=self.max_iter,
            )
            for k in targets
        ]
        if not all(ended for _, _, ended in fits):
            warnings.warn("no convergence", ConvergenceWarning, stacklevel=2)
        weights = np.array([w for w, _, _ in fits])
        d = self.n_features_in_
        self.coef_ = weights[:, :d]
        self.intercept_ = weights[:, d:].sum(axis=1) * self.intercept_scaling
        self.n_iter_ = max(n for _, n, _ in fits)
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Values of f, shape (m,) for two classes, else (m, K)."""
        check_is_fitted(self)
        A = validate_data(self, X, dtype=np.float64, reset=False)
        values = A @ self.coef_.T + self.intercept_
        return values[:, 0] if len(self.classes_) == 2 else values

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the class with the largest value."""
        values = self.decision_function(X)
        best = (values > 0).astype(int) if values.ndim == 1 else values.argmax(axis=1)
        return self.classes_[best]


# seal: 424a4a25dd4bc67b
