"""Neurons and perceptrons.

Built in the page `scripts/04_Deep_Learning/01_neurons_and_perceptrons.py`: edit the page, not this file.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = [
    "Margin",
    "MistakeLog",
    "Perceptron",
    "perceptron_bound",
    "run_perceptron",
    "signed_rows",
    "widest_margin",
]


def _rows(Z: ArrayLike) -> np.ndarray:
    A = np.asarray(Z, dtype=float)
    if A.ndim != 2 or 0 in A.shape or not np.isfinite(A).all():
        wanted = "a table (n, d) of finite numbers"
        raise ValueError(f"Z must be {wanted}, got shape {A.shape}")
    return A


def signed_rows(X: ArrayLike, y: ArrayLike, *, bias: bool = True) -> np.ndarray:
    """Rows times their labels, so that a positive product means a right answer.

    Parameters
    ----------
    X : array-like of shape (n, d)
    y : array-like of shape (n,)
        -1 or +1.
    bias : bool
        Append a constant 1 to each row, so that the last weight is the bias.

    Returns
    -------
    ndarray of shape (n, d + 1), or (n, d) without bias

    Raises
    ------
    ValueError
        If X is not a table of finite numbers or y not one label -1 or +1 for each row.

    References
    ----------
    Equation eq-perceptron-signed of the page.
    """
    A, label = _rows(X), np.asarray(y)
    if label.shape != (len(A),) or not np.isin(label, (-1, 1)).all():
        wanted = f"{len(A)} labels, each -1 or +1"
        raise ValueError(f"y must be {wanted}, got shape {label.shape}")
    if bias:
        A = np.column_stack([A, np.ones(len(A))])
    return A * label[:, None].astype(float)


class Margin(NamedTuple):
    """The widest margin, and what proves it: both sides of eq-perceptron-duality."""

    direction: np.ndarray  # unit vector u, shape (d,)
    width: float  # least u @ z over the rows: positive if and only if u separates
    at_most: float  # length of a point of the hull: no direction has more
    shares: np.ndarray  # the point's share of each row, shape (n,), sums to one


def widest_margin(Z: ArrayLike) -> Margin:
    """Find the direction whose least product with the rows is largest.

    Parameters
    ----------
    Z : array-like of shape (n, d)
        Signed rows, as ``signed_rows`` makes them.

    Raises
    ------
    ValueError
        If Z is not a table of finite numbers.

    Notes
    -----
    If no direction separates, ``shares @ Z`` is zero up to rounding: the proof.

    References
    ----------
    Equation eq-perceptron-duality of the page.
    """
    A = _rows(Z)
    largest = float(np.abs(A).max())
    if largest == 0:
        return Margin(np.zeros(A.shape[1]), 0.0, 0.0, np.full(len(A), 1 / len(A)))
    A = A / largest
    size = float(np.linalg.norm(A, axis=1).max())
    table = np.vstack([A.T / size, np.ones(len(A))])  # (d + 1, n)
    amounts, _ = nnls(table, np.append(np.zeros(A.shape[1]), 1.0))
    shares = amounts / amounts.sum()
    point = shares @ A
    length = float(np.linalg.norm(point))
    direction = point / length if length > 0 else point
    return Margin(direction, float((A @ direction).min()) * largest, length * largest, shares)


def perceptron_bound(Z: ArrayLike) -> float:
    """Largest number of mistakes that the perceptron can make on signed rows.

    Parameters
    ----------
    Z : array-like of shape (n, d)
        Signed rows, in any order and repeated as often as one likes.

    Returns
    -------
    float
        The square of the longest row over the widest margin; infinite if no
        direction separates.

    Raises
    ------
    ValueError
        If Z is not a table of finite numbers.

    References
    ----------
    Novikoff (1962); equation eq-perceptron-bound of the page.
    """
    A = _rows(Z)
    A = A / (np.abs(A).max() or 1.0)
    best = widest_margin(A)
    longest = float(np.linalg.norm(A, axis=1).max())
    # a width within rounding of zero proves nothing
    if best.width <= 1e-12 * longest:
        return np.inf
    return (longest / best.width) ** 2


class MistakeLog(NamedTuple):
    """What a perceptron did: where it ended, and each mistake on the way."""

    weights: np.ndarray  # after the last step, shape (d,)
    average: np.ndarray  # of the weights after every step, shape (d,)
    rows: np.ndarray  # the mistaken row of each mistake
    steps: np.ndarray  # how many rows had been visited before it
    n_epochs: int
    converged: bool  # the last pass was without a mistake


def run_perceptron(
    Z: ArrayLike,
    *,
    max_epochs: int = 100,
    rng: np.random.Generator | np.random.RandomState | None = None,
) -> MistakeLog:
    """Add each mistaken row to the weights until a pass is without mistakes.

    Parameters
    ----------
    Z : array-like of shape (n, d)
        Signed rows, as ``signed_rows`` makes them.
    max_epochs : int
        Passes after which to give up.
    rng : Generator or RandomState, optional
        Draws a new order for each pass; the order of the data without it.

    Raises
    ------
    ValueError
        If Z is not a table of finite numbers or max_epochs is below 1.

    References
    ----------
    Rosenblatt (1958); equations eq-perceptron-rule and eq-perceptron-average.
    """
    A = _rows(Z)
    if max_epochs < 1:
        raise ValueError(f"max_epochs must be at least 1, got {max_epochs}")
    n, (_, power) = len(A), np.frexp(np.abs(A).max())
    A = np.ldexp(A, -power)  # a power of two: exact, and nothing overflows
    weights = np.zeros(A.shape[1])
    rows: list[int] = []
    steps: list[int] = []
    for epoch in range(1, max_epochs + 1):
        order = np.arange(n) if rng is None else rng.permutation(n)
        before = len(rows)
        for place in _mistakes(A[order], weights):
            rows.append(int(order[place]))
            steps.append((epoch - 1) * n + place)
        if len(rows) == before:
            break
    amounts = np.bincount(rows, epoch * n - np.array(steps), minlength=n)
    average = (amounts / (epoch * n)) @ A if rows else weights.copy()
    return MistakeLog(
        np.ldexp(weights, power),
        np.ldexp(average, power),
        np.array(rows, dtype=int),
        np.array(steps, dtype=int),
        epoch,
        len(rows) == before,
    )


def _mistakes(A: np.ndarray, weights: np.ndarray) -> list[int]:
    """One pass over the rows; ``weights`` is changed in place."""
    places, place, size = [], 0, 8
    while place < len(A):
        right = A[place : place + size] @ weights
        first = int((right <= 0).argmax())
        if right[first] > 0:  # the whole block is right
            place, size = place + size, 2 * size
            continue
        weights += A[place + first]  # eq-perceptron-rule
        places.append(place + first)
        place, size = place + first + 1, 8
    return places


class Perceptron(ClassifierMixin, BaseEstimator):
    """Linear classifier that learns from its mistakes only.

    Parameters
    ----------
    fit_intercept : bool
    max_iter : int
        Passes after which to give up, with a warning unless ``average``.
    shuffle : bool
        A new order in each pass.
    average : bool
        Keep the average of the weights over all steps, not the last ones: the
        choice for data that no plane separates.
    random_state : int, RandomState or None

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    coef_ : ndarray of shape (1, d) for two classes, else (K, d)
    intercept_ : ndarray of shape (1,) or (K,)
    n_mistakes_ : ndarray of int, shape (1,) or (K,)
    n_iter_ : int
        Passes made, the largest over the classes.

    References
    ----------
    Rosenblatt (1958); Freund and Schapire (1999) for the average.
    """

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        max_iter: int = 100,
        shuffle: bool = True,
        average: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.average = average
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Perceptron:
        """Learn from X of shape (n, d) and y of shape (n,)."""
        A, target = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(target)
        self.classes_, codes = np.unique(target, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("Perceptron needs at least 2 classes, got 1 class")
        logs = []
        for k in range(len(self.classes_)) if len(self.classes_) > 2 else [1]:
            Z = signed_rows(A, np.where(codes == k, 1, -1), bias=self.fit_intercept)
            rng = check_random_state(self.random_state) if self.shuffle else None
            logs.append(run_perceptron(Z, max_epochs=self.max_iter, rng=rng))
        W = np.array([log.average if self.average else log.weights for log in logs])
        self.coef_ = W[:, : A.shape[1]]
        self.intercept_ = W[:, -1] if self.fit_intercept else np.zeros(len(W))
        self.n_mistakes_ = np.array([len(log.rows) for log in logs])
        self.n_iter_ = max(log.n_epochs for log in logs)
        if not self.average and not all(log.converged for log in logs):
            message = f"mistakes in pass {self.max_iter} still: average=True may help"
            warnings.warn(message, ConvergenceWarning, stacklevel=2)
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Weighted sums: shape (m,) for two classes, else (m, K)."""
        check_is_fitted(self)
        A = validate_data(self, X, dtype=np.float64, reset=False)
        sums = A @ self.coef_.T + self.intercept_
        return sums[:, 0] if len(self.classes_) == 2 else sums

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Class of the largest sum; for two classes the second if its sum is positive."""
        sums = self.decision_function(X)
        chosen = (sums > 0).astype(int) if sums.ndim == 1 else sums.argmax(axis=1)
        return self.classes_[chosen]


# seal: 4ca231f8032bf899
