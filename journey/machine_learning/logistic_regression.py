"""Logistic regression.

Built in the page `scripts/03_Machine_Learning/03_logistic_regression.py`: edit the page, not this file.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

__all__ = ["LogisticRegression", "sigmoid"]


def sigmoid(z: ArrayLike) -> np.ndarray:
    """Probability of log-odds, equation eq-logistic-model, without overflow.

    Parameters
    ----------
    z : array_like of any shape
        Log-odds; infinities are allowed and give 0 and 1.

    Returns
    -------
    ndarray of the same shape, between 0 and 1
    """
    z = np.asarray(z, dtype=float)
    small = np.exp(-np.abs(z))  # at most 1
    return np.where(z >= 0, 1.0, small) / (1.0 + small)


def _two_classes(
    theta: np.ndarray,
    A: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    penalty: np.ndarray,
) -> tuple[float, np.ndarray, Callable]:
    """Loss, gradient (d,) and Hessian maker of equations eq-logistic-loss, -gradient."""
    z = A @ theta
    small = np.exp(-np.abs(z))  # serves the loss and the probabilities
    p = np.where(z >= 0, 1.0, small) / (1.0 + small)
    softplus = np.maximum(z, 0) + np.log1p(small)  # log(1 + exp(z))
    value = weight @ (softplus - y * z) + 0.5 * penalty @ theta**2
    gradient = A.T @ (weight * (p - y)) + penalty * theta

    def hessian() -> np.ndarray:
        return (A.T * (weight * p * (1 - p))) @ A + np.diag(penalty)

    return value, gradient, hessian


def _many_classes(
    theta: np.ndarray,
    A: np.ndarray,
    Y: np.ndarray,
    weight: np.ndarray,
    penalty: np.ndarray,
) -> tuple[float, np.ndarray, Callable]:
    """The same for K classes, equation eq-logistic-softmax; theta is (d * K,)."""
    d, K = A.shape[1], Y.shape[1]
    W = theta.reshape(d, K)
    Z = A @ W
    Z -= Z.max(axis=1, keepdims=True)
    P = np.exp(Z)
    total = P.sum(axis=1, keepdims=True)
    P /= total
    seen = np.einsum("nk,nk->n", Y, Z) - np.log(total[:, 0])  # log-probability of y
    value = -weight @ seen + 0.5 * penalty @ (W**2).sum(axis=1)
    gradient = A.T @ (weight[:, None] * (P - Y)) + penalty[:, None] * W

    def hessian() -> np.ndarray:
        H = np.empty((d, K, d, K))
        for k in range(K):
            for m in range(k + 1):
                s = weight * P[:, k] * ((k == m) - P[:, m])
                H[:, k, :, m] = H[:, m, :, k] = (A.T * s) @ A
            H[:, k, :, k] += np.diag(penalty)
        H[penalty == 0] += (penalty == 0).astype(float)[:, None]  # sum of free weights
        return H.reshape(d * K, d * K)

    return value, gradient.ravel(), hessian


def _newton(evaluate: Callable, theta: np.ndarray, tol: float, max_iter: int) -> tuple[np.ndarray, int, bool]:
    """Minimise a convex function; returns theta, iterations, whether it converged."""
    value, gradient, hessian = evaluate(theta)
    for iteration in range(max_iter):
        if np.abs(gradient).max() <= tol:
            return theta, iteration, True
        step = np.linalg.lstsq(hessian(), gradient, rcond=None)[0]
        fall, size = gradient @ step, 1.0
        rounding = 1e-14 * abs(value)  # near the minimum the loss cannot tell
        while True:
            there = evaluate(theta - size * step)
            if there[0] <= value + rounding - 1e-4 * size * fall or size < 1e-10:
                break
            size /= 2
        theta = theta - size * step
        value, gradient, hessian = there
    return theta, max_iter, bool(np.abs(gradient).max() <= tol)


def _lbfgs(evaluate: Callable, theta: np.ndarray, tol: float, max_iter: int) -> tuple[np.ndarray, int, bool]:
    """The same by SciPy's L-BFGS, which never sees a Hessian."""
    options = {"maxiter": max_iter, "gtol": tol, "ftol": 64 * np.finfo(float).eps}
    found = minimize(lambda t: evaluate(t)[:2], theta, jac=True, method="L-BFGS-B", options=options)
    return found.x, found.nit, bool(found.status != 1)


class _LinearClassifier(ClassifierMixin, BaseEstimator):
    """Probabilities and classes from ``coef_`` and ``intercept_``."""

    classes_: np.ndarray
    coef_: np.ndarray
    intercept_: np.ndarray

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Log-odds (n,) of the second class, or a weighted sum for each class (n, K)."""
        check_is_fitted(self)
        Z = validate_data(self, X, dtype=float, reset=False) @ self.coef_.T
        Z = Z + self.intercept_
        return Z[:, 0] if len(self.classes_) == 2 else Z

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Probabilities of shape (n, K); each row sums to one."""
        Z = self.decision_function(X)
        if Z.ndim == 1:
            return np.column_stack([sigmoid(-Z), sigmoid(Z)])
        E = np.exp(Z - Z.max(axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The most probable class of each row, (n,)."""
        Z = self.decision_function(X)
        index = (Z > 0).astype(int) if Z.ndim == 1 else Z.argmax(axis=1)
        return self.classes_[index]


class LogisticRegression(_LinearClassifier):
    """Log-odds as a weighted sum, equations eq-logistic-model and eq-logistic-penalty.

    Parameters
    ----------
    C : float
        Weight of the data against the penalty, positive; ``np.inf`` for no penalty.
        Scale the columns first: the penalty knows no units.
    solver : {"lbfgs", "newton"}
    fit_intercept : bool
        Whether to add a constant for each class; it is not penalised.
    tol : float
        Stop when no derivative of the mean objective is larger.
    max_iter : int
        Iterations before a ``ConvergenceWarning``.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    coef_ : ndarray of shape (1, d) for two classes, (K, d) for more
    intercept_ : ndarray of shape (1,) or (K,)
    n_iter_ : int

    Raises
    ------
    ValueError
        For parameters out of range, or fewer than two classes in ``y``.

    References
    ----------
    Cox (1958), doi:10.1111/j.2517-6161.1958.tb00292.x; Hastie, Tibshirani & Friedman
    (2009), section 4.4.
    """

    def __init__(
        self,
        C: float = 1.0,
        solver: str = "lbfgs",
        fit_intercept: bool = True,
        tol: float = 1e-4,
        max_iter: int = 100,
    ) -> None:
        self.C = C
        self.solver = solver
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter

    def _check_parameters(self) -> None:
        if not self.C > 0:
            raise ValueError(f"C must be positive, got {self.C}")
        if self.solver not in ("lbfgs", "newton"):
            raise ValueError(f"solver is 'lbfgs' or 'newton', got {self.solver!r}")
        if self.max_iter < 1 or not self.tol > 0:
            wanted = "max_iter must be at least 1 and tol positive"
            raise ValueError(f"{wanted}, got {self.max_iter}, {self.tol}")

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LogisticRegression:
        """Find the weights for X of shape (n, d) and labels y of shape (n,)."""
        self._check_parameters()
        table, labels = validate_data(self, X, y, dtype=float)
        check_classification_targets(labels)
        weight = _check_sample_weight(sample_weight, table, dtype=float)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        K, d = len(self.classes_), table.shape[1]
        if K < 2:
            raise ValueError(f"y needs two classes or more, got {K} class")
        A = np.hstack([table, np.ones((len(table), int(self.fit_intercept)))])
        penalty = np.full(A.shape[1], 1 / self.C / weight.sum())
        penalty[d:] = 0
        loss = _two_classes if K == 2 else _many_classes
        Y = codes.astype(float) if K == 2 else np.eye(K)[codes]
        solve = _newton if self.solver == "newton" else _lbfgs
        theta, self.n_iter_, done = solve(
            lambda t: loss(t, A, Y, weight / weight.sum(), penalty),
            np.zeros(A.shape[1] * (1 if K == 2 else K)),
            self.tol,
            self.max_iter,
        )
        if not done:
            hint = "scale the columns, lower C, or raise max_iter"
            warnings.warn(f"not converged: {hint}", ConvergenceWarning, stacklevel=2)
        W = theta.reshape(A.shape[1], -1).T
        self.coef_ = W[:, :d].copy()
        self.intercept_ = W[:, -1].copy() if self.fit_intercept else np.zeros(len(W))
        return self


# seal: aedfb2d036bde1c3
