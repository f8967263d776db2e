"""Evaluation.

Built in the page `scripts/03_Machine_Learning/13_evaluation.py`: edit the page, not this file.
"""

import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_random_state

from journey.mathematics.statistics import Interval

__all__ = [
    "SCORERS",
    "GroupKFold",
    "KFold",
    "Metric",
    "Scorer",
    "StratifiedKFold",
    "accuracy_score",
    "auc",
    "average_precision_score",
    "balanced_accuracy_score",
    "bootstrap_score",
    "brier_score_loss",
    "calibration_curve",
    "compare_scores",
    "confusion_matrix",
    "corrected_t_test",
    "cross_validate",
    "f1_score",
    "get_scorer",
    "log_loss",
    "mcnemar_test",
    "precision_recall_curve",
    "precision_recall_fscore_support",
    "precision_score",
    "recall_score",
    "roc_auc_score",
    "roc_curve",
    "shared_rows",
    "shuffled_label_check",
    "splits_of",
    "take_rows",
]


def _vector(values: ArrayLike, name: str) -> np.ndarray:
    """A finite, non-empty column as an array of shape (n,)."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name} must have shape (n,) with n >= 1, got {array.shape}")
    if array.dtype.kind == "O" and not pd.isna(array).any():
        array = np.array(array.tolist())
    if array.dtype.kind not in "biufUS" or not pd.notna(array).all():
        raise ValueError(f"{name} must hold numbers or words, and no NaN")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name} contains infinity")
    return array


def _classes(values: ArrayLike, name: str) -> np.ndarray:
    array = _vector(values, name)
    if array.dtype.kind == "f" and (array != np.floor(array)).any():
        raise ValueError(f"{name} holds fractions: scores, not classes")
    return array


def _weights(sample_weight: ArrayLike | None, *others: np.ndarray) -> np.ndarray | None:
    """Check that all lengths agree; the weights as an array, None for equal ones."""
    lengths = [len(array) for array in others]
    weight = None
    if sample_weight is not None:
        weight = _vector(sample_weight, "sample_weight")
        lengths.append(len(weight))
        if weight.dtype.kind not in "biuf" or weight.min() < 0 or not weight.any():
            raise ValueError("sample_weight must be numbers >= 0, not all zero")
    if len(set(lengths)) > 1:
        raise ValueError(f"arrays of different lengths: {lengths}")
    return weight


def _table(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sorted classes of both, those of ``y_true``, and the matrix over all classes."""
    true, called = _classes(y_true, "y_true"), _classes(y_pred, "y_pred")
    weight = _weights(sample_weight, true, called)
    if (true.dtype.kind in "US") != (called.dtype.kind in "US"):
        raise ValueError("y_true and y_pred mix words and numbers")
    classes, code = np.unique(np.concatenate([true, called]), return_inverse=True)
    K, i, j = len(classes), code[: len(true)], code[len(true) :]
    counts = np.bincount(K * i + j, weights=weight, minlength=K * K).reshape(K, K)
    if weight is not None and weight.dtype.kind in "biu":
        counts = counts.astype(np.int64)
    return classes, classes[np.unique(i)], counts


def _places(classes: np.ndarray, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Where each label stands among the classes, and whether it is there at all."""
    place = {value: k for k, value in enumerate(classes.tolist())}
    wanted = _vector(labels, "labels").tolist()
    if len(set(wanted)) < len(wanted):
        raise ValueError(f"labels must not repeat: {wanted}")
    spot = np.array([place.get(value, -1) for value in wanted])
    return spot, spot >= 0


def confusion_matrix(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    normalize: str | None = None,
) -> np.ndarray:
    """Count the samples of each class (row) by what they were called (column).

    Parameters
    ----------
    y_true, y_pred : array_like of shape (n,)
        Classes: integers, Booleans or words.
    labels : array_like of shape (K,), optional
        Which classes, in which order; by default all that occur, sorted.
    sample_weight : array_like of shape (n,), optional
    normalize : {"true", "pred", "all"}, optional
        Divide by the sums of the rows, of the columns, or of everything.

    Returns
    -------
    ndarray of shape (K, K)

    Raises
    ------
    ValueError
        If shapes do not fit, labels repeat or none of them occurs in ``y_true``.
    """
    classes, present, counts = _table(y_true, y_pred, sample_weight)
    if labels is not None:
        spot, known = _places(classes, labels)
        if not np.isin(spot[known], np.searchsorted(classes, present)).any():
            raise ValueError("at least one of the labels must occur in y_true")
        counts = counts[np.ix_(spot, spot)] * np.outer(known, known)
    if normalize is None:
        return counts
    axes: dict[str, Any] = {"true": 1, "pred": 0, "all": None}
    if normalize not in axes:
        raise ValueError(f"normalize must be one of {list(axes)}, got {normalize!r}")
    total = counts.sum(axis=axes[normalize], keepdims=True)
    return counts / np.where(total == 0, 1, total)


def accuracy_score(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Share of samples that were called what they are."""
    _, _, counts = _table(y_true, y_pred, sample_weight)
    return float(np.trace(counts) / counts.sum())


def balanced_accuracy_score(
    y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Mean recall over the classes that occur in ``y_true``: chance gives ``1 / K``."""
    _, _, counts = _table(y_true, y_pred, sample_weight)
    rows = counts.sum(axis=1)
    return float(np.mean(np.diag(counts)[rows > 0] / rows[rows > 0]))


def _ratio(top: np.ndarray, bottom: np.ndarray, zero_division: Any, what: str, warn_for: tuple) -> np.ndarray:
    if zero_division not in ("warn", 0, 1):
        raise ValueError(f"zero_division must be 'warn', 0 or 1, got {zero_division!r}")
    empty = bottom == 0
    if empty.any() and zero_division == "warn" and what in warn_for:
        message = f"{what} is 0/0 for {int(empty.sum())} class(es); 0 is returned"
        warnings.warn(message, UndefinedMetricWarning, stacklevel=4)
    fill = 0.0 if zero_division == "warn" else float(zero_division)
    return np.where(empty, fill, top / np.where(empty, 1, bottom))


def precision_recall_fscore_support(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    beta: float = 1.0,
    labels: ArrayLike | None = None,
    pos_label: Any = 1,
    average: str | None = None,
    sample_weight: ArrayLike | None = None,
    zero_division: Any = "warn",
    warn_for: tuple[str, ...] = ("precision", "recall", "f-score"),
) -> tuple[Any, Any, Any, Any]:
    """Precision, recall, F and support of each class, equation eq-evaluation-prf.

    Parameters
    ----------
    y_true, y_pred : array_like of shape (n,)
    beta : float
        Weight of recall against precision in F; not negative.
    labels : array_like of shape (K,), optional
        Which classes, in which order; ignored for ``average="binary"``.
    pos_label : int, str or bool
        The class reported for ``average="binary"``.
    average : {"binary", "macro", "micro", "weighted"}, optional
        How to make one number of K; None returns arrays of shape (K,).
    sample_weight : array_like of shape (n,), optional
    zero_division : {"warn", 0, 1}
        What 0/0 is; "warn" returns 0 with an ``UndefinedMetricWarning``, for those
        named in ``warn_for``.
    warn_for : tuple of str

    Returns
    -------
    precision, recall, fscore, support
        Four arrays, or three numbers and None.

    Raises
    ------
    ValueError
        If shapes or options do not fit, or "binary" meets more than two classes.
    """
    if not beta >= 0 or average not in (None, "binary", "macro", "micro", "weighted"):
        raise ValueError(f"beta >= 0 and a known average, got {beta} and {average!r}")
    classes, _, counts = _table(y_true, y_pred, sample_weight)
    if average == "binary":
        if len(classes) > 2 or (len(classes) == 2 and pos_label not in classes.tolist()):
            found = f"average='binary', pos_label={pos_label!r} and classes {classes}"
            raise ValueError(f"{found}: choose another average or pos_label")
        labels = [pos_label]
    spot, known = _places(classes, classes if labels is None else labels)
    sums = np.array([np.diag(counts), counts.sum(axis=0), counts.sum(axis=1)])
    hits, called, support = sums[:, spot] * known  # each of shape (K,)
    total = support
    if average == "micro":
        hits, called, total = (np.array([v.sum()]) for v in (hits, called, support))
    both = beta**2 * total + called
    precision = _ratio(hits, called, zero_division, "precision", warn_for)
    recall = _ratio(hits, total, zero_division, "recall", warn_for)
    fscore = _ratio((1 + beta**2) * hits, both, zero_division, "f-score", warn_for)
    if average is None:
        return precision, recall, fscore, support
    share = support if average == "weighted" and support.any() else None
    scores = [float(np.average(v, weights=share)) for v in (precision, recall, fscore)]
    return scores[0], scores[1], scores[2], None


def precision_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    average: str | None = "binary",
    **options: Any,
) -> Any:
    """Precision, with the options of ``precision_recall_fscore_support``."""
    options |= {"average": average, "warn_for": ("precision",)}
    return precision_recall_fscore_support(y_true, y_pred, **options)[0]


def recall_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    average: str | None = "binary",
    **options: Any,
) -> Any:
    """Recall, with the options of ``precision_recall_fscore_support``."""
    options |= {"average": average, "warn_for": ("recall",)}
    return precision_recall_fscore_support(y_true, y_pred, **options)[1]


def f1_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    average: str | None = "binary",
    **options: Any,
) -> Any:
    """F with beta 1, with the options of ``precision_recall_fscore_support``."""
    options |= {"average": average, "warn_for": ("f-score",)}
    return precision_recall_fscore_support(y_true, y_pred, **options)[2]


def _binary(y_true: ArrayLike, pos_label: Any = None) -> np.ndarray:
    """Booleans: which samples are positive."""
    true = _classes(y_true, "y_true")
    found = np.unique(true).tolist()
    if pos_label is None:
        if not (set(found) <= {0, 1} or set(found) <= {-1, 1}):
            raise ValueError(f"pos_label must be given: the classes are {found}")
        pos_label = 1
    elif pos_label not in found and len(found) > 1:
        raise ValueError(f"pos_label={pos_label!r} is none of the classes {found}")
    return np.asarray(true == pos_label)


def _passed(
    positive: np.ndarray, score: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight of negatives and of positives at or above each distinct score."""
    s = _vector(score, "y_score")
    if s.dtype.kind not in "biuf":
        raise ValueError("y_score must be numbers")
    weight = _weights(sample_weight, positive, s)
    if weight is not None:
        some = weight > 0
        positive, s, weight = positive[some], s[some], weight[some]
    order = np.argsort(-s.astype(float), kind="stable")
    s, positive = s[order], positive[order]
    last = np.append(np.flatnonzero(s[1:] != s[:-1]), len(s) - 1)  # ends of the ties
    if weight is None:
        up = np.cumsum(positive)[last].astype(float)
        return last + 1 - up, up, s[last]
    weight = weight[order].astype(float)
    up, right = (np.cumsum(np.where(w, weight, 0.0)) for w in (positive, ~positive))
    return right[last], up[last], s[last]


def auc(x: ArrayLike, y: ArrayLike) -> float:
    """Area under a curve through points with monotone x, by the trapezoidal rule."""
    across, height = _vector(x, "x"), _vector(y, "y")
    _weights(None, across, height)
    steps = np.diff(across)
    if len(across) < 2 or not ((steps >= 0).all() or (steps <= 0).all()):
        raise ValueError("x must have at least two points and be monotone")
    return float(abs(np.trapezoid(height, across)))


def roc_curve(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
    drop_intermediate: bool = True,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """False and true positive rates at every threshold, equation eq-evaluation-roc.

    Parameters
    ----------
    y_true : array_like of shape (n,)
        Two classes, {0, 1} or {-1, 1} unless ``pos_label`` is given.
    y_score : array_like of shape (n,)
        Higher means more likely positive.
    drop_intermediate : bool
        Leave out points in the middle of straight stretches.

    Returns
    -------
    fpr, tpr, thresholds : ndarrays of shape (k,)
        ``y_score >= thresholds[i]`` gives the rates i; the first threshold is infinite.
        A rate without samples is NaN, with an ``UndefinedMetricWarning``.
    """
    right, up, thresholds = _passed(_binary(y_true, pos_label), y_score, sample_weight)
    if drop_intermediate and len(right) > 2:
        bend = (np.diff(right, 2) != 0) | (np.diff(up, 2) != 0)
        kept = np.r_[True, bend, True]
        right, up, thresholds = right[kept], up[kept], thresholds[kept]
    rates = []
    for name, counts in (("negative", right), ("positive", up)):
        if counts[-1] == 0:
            message = f"no {name} samples: their rate is undefined"
            warnings.warn(message, UndefinedMetricWarning, stacklevel=2)
        total = counts[-1] or np.nan
        rates.append(np.append(0.0, counts) / total)
    return rates[0], rates[1], np.append(np.inf, thresholds)


def roc_auc_score(y_true: ArrayLike, y_score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Share of pairs in the right order, equation eq-evaluation-auc; two classes.

    The greater of two labels is the positive one. With one class the result is NaN,
    with an ``UndefinedMetricWarning``.
    """
    classes = np.unique(_classes(y_true, "y_true"))
    if len(classes) > 2:
        raise ValueError(f"two classes are needed, got {len(classes)}")
    positive = np.asarray(_classes(y_true, "y_true") == classes[-1])
    right, up, _ = _passed(positive, y_score, sample_weight)
    if len(classes) == 1 or not right[-1] or not up[-1]:
        message = "only one class is present: AUC is undefined"
        warnings.warn(message, UndefinedMetricWarning, stacklevel=2)
        return float("nan")
    return auc(np.append(0.0, right), np.append(0.0, up)) / float(right[-1] * up[-1])


def precision_recall_curve(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision and recall at every threshold, in order of rising thresholds.

    Parameters
    ----------
    y_true, y_score, pos_label, sample_weight
        As for ``roc_curve``.

    Returns
    -------
    precision, recall : ndarrays of shape (k + 1,)
        The last point is (1, 0) by convention and belongs to no threshold. Without
        positives, recall is 1, with an ``UndefinedMetricWarning``.
    thresholds : ndarray of shape (k,)
    """
    right, up, thresholds = _passed(_binary(y_true, pos_label), y_score, sample_weight)
    precision, recall = up / (up + right), np.ones(len(up))
    if up[-1]:
        recall = up / up[-1]
    else:
        message = "no positive samples: recall is set to one"
        warnings.warn(message, UndefinedMetricWarning, stacklevel=2)
    both = np.append(precision[::-1], 1.0), np.append(recall[::-1], 0.0)
    return both[0], both[1], thresholds[::-1]


def average_precision_score(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    pos_label: Any = 1,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Mean precision over the gains in recall, equation eq-evaluation-ap."""
    precision, recall, _ = precision_recall_curve(
        y_true, y_score, pos_label=pos_label, sample_weight=sample_weight
    )
    return float(max(0.0, -np.sum(np.diff(recall) * precision[:-1])))


def log_loss(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Mean negative logarithm of the probability given to what happened.

    Parameters
    ----------
    y_true : array_like of shape (n,)
    y_proba : array_like of shape (n, K) or (n,)
        Probabilities of the classes in sorted order; one column means the last of two
        classes. Rows must sum to one.
    labels : array_like of shape (K,), optional
        All classes; needed where some do not occur in ``y_true``.

    Raises
    ------
    ValueError
        If probabilities are no probabilities, or columns and classes do not agree.

    References
    ----------
    Equation eq-evaluation-logloss of the page.
    """
    true, proba = _classes(y_true, "y_true"), np.asarray(y_proba, dtype=float)
    weight = _weights(sample_weight, true, proba)
    if proba.ndim == 1 or proba.shape[1:] == (1,):
        proba = np.column_stack([1 - proba.ravel(), proba.ravel()])
    if proba.ndim != 2 or not (proba.min() >= 0 and proba.max() <= 1):
        raise ValueError("y_proba must hold probabilities of shape (n, K) or (n,)")
    if not np.allclose(proba.sum(axis=1), 1, rtol=1.5e-8, atol=0):
        raise ValueError("the rows of y_proba must sum to one")
    classes = np.unique(true if labels is None else _vector(labels, "labels"))
    if len(classes) < 2 or len(classes) != proba.shape[1]:
        found = f"{proba.shape[1]} columns and the classes {classes}"
        raise ValueError(f"{found} do not agree; give all classes as labels")
    column = np.searchsorted(classes, true).clip(max=len(classes) - 1)
    if (classes[column] != true).any():
        raise ValueError("y_true holds classes that are not among the labels")
    tiny = np.finfo(float).eps
    given = proba[np.arange(len(true)), column].clip(tiny, 1 - tiny)
    return float(-np.average(np.log(given), weights=weight))


def brier_score_loss(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Mean squared error of the positive class's probability, shape (n,)."""
    positive, proba = _binary(y_true, pos_label), _vector(y_proba, "y_proba")
    weight = _weights(sample_weight, positive, proba)
    if not (proba.min() >= 0 and proba.max() <= 1):
        raise ValueError("y_proba must lie between 0 and 1")
    return float(np.average((proba - positive) ** 2, weights=weight))


def calibration_curve(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    pos_label: Any = None,
    n_bins: int = 5,
    strategy: str = "uniform",
) -> tuple[np.ndarray, np.ndarray]:
    """Share of positives and mean prediction in bins of the prediction.

    Parameters
    ----------
    y_true : array_like of shape (n,)
    y_prob : array_like of shape (n,)
        Probabilities of the positive class.
    strategy : {"uniform", "quantile"}
        Bins of equal width, or of equal counts.

    Returns
    -------
    prob_true, prob_pred : ndarrays of shape (k,)
        Empty bins are left out.
    """
    positive, proba = _binary(y_true, pos_label), _vector(y_prob, "y_prob")
    _weights(None, positive, proba)
    if not (proba.min() >= 0 and proba.max() <= 1) or n_bins < 1:
        raise ValueError("need probabilities between 0 and 1 and n_bins >= 1")
    edges = np.linspace(0, 1, n_bins + 1)
    if strategy == "quantile":
        edges = np.percentile(proba, edges * 100)
    elif strategy != "uniform":
        raise ValueError(f"strategy must be uniform or quantile, got {strategy!r}")
    bins = np.searchsorted(edges[1:-1], proba)
    counts = np.bincount(bins, minlength=n_bins)
    sums = [np.bincount(bins, weights=v, minlength=n_bins) for v in (positive, proba)]
    some = counts > 0
    return sums[0][some] / counts[some], sums[1][some] / counts[some]


class _Folds(BaseEstimator):
    """Split rows by the number of their fold, which the subclass decides."""

    def __init__(self, n_splits: int = 5, *, shuffle: bool = False, random_state: Any = None) -> None:
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def _fold_of_rows(self, n_samples: int, y: Any, groups: Any) -> np.ndarray:
        raise NotImplementedError

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds."""
        return self.n_splits

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the row numbers for fitting and for scoring, once for each fold."""
        n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
        if not 2 <= self.n_splits <= n_samples:
            raise ValueError(f"n_splits={self.n_splits} with {n_samples} samples")
        fold = self._fold_of_rows(n_samples, y, groups)
        for k in range(self.n_splits):
            yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)


class KFold(_Folds):
    """Blocks of rows in their order, or shuffled rows; sizes differ by at most one."""

    def _fold_of_rows(self, n_samples: int, y: Any, groups: Any) -> np.ndarray:
        fold = np.sort(np.arange(n_samples) % self.n_splits)
        if self.shuffle:
            order = np.arange(n_samples)
            check_random_state(self.random_state).shuffle(order)
            fold[order] = fold.copy()
        return fold


class StratifiedKFold(_Folds):
    """Folds that each hold nearly the same share of each class."""

    def _fold_of_rows(self, n_samples: int, y: Any, groups: Any) -> np.ndarray:
        label = _classes(y, "y")
        _weights(None, np.empty(n_samples), label)
        _, first, code = np.unique(label, return_index=True, return_inverse=True)
        code = np.argsort(np.argsort(first))[code]  # numbered as they appear
        sizes = np.bincount(code)
        if sizes.max() < self.n_splits:
            raise ValueError(f"no class has n_splits={self.n_splits} members")
        if sizes.min() < self.n_splits:
            message = f"a class has {sizes.min()} members, fewer than n_splits"
            warnings.warn(f"{message}={self.n_splits}", UserWarning, stacklevel=3)
        # deal the sorted labels like cards: how many of each class each fold gets
        dealt = np.arange(n_samples) % self.n_splits
        shape = (len(sizes), self.n_splits)
        share = np.zeros(shape, dtype=int)
        np.add.at(share, (np.sort(code), dealt), 1)
        rng, fold = (
            check_random_state(self.random_state),
            np.empty(n_samples, dtype=int),
        )
        for k in range(len(sizes)):
            of_class = np.repeat(np.arange(self.n_splits), share[k])
            if self.shuffle:
                rng.shuffle(of_class)
            fold[code == k] = of_class
        return fold


class GroupKFold(_Folds):
    """Folds that never divide a group: the largest groups first, to the lightest fold."""

    def __init__(self, n_splits: int = 5) -> None:
        super().__init__(n_splits)

    def _fold_of_rows(self, n_samples: int, y: Any, groups: Any) -> np.ndarray:
        if groups is None:
            raise ValueError("groups must be given, one for each row")
        group = _vector(groups, "groups")
        _weights(None, np.empty(n_samples), group)
        _, code, sizes = np.unique(group, return_inverse=True, return_counts=True)
        if len(sizes) < self.n_splits:
            raise ValueError(f"{len(sizes)} groups for n_splits={self.n_splits}")
        load, fold = np.zeros(self.n_splits), np.empty(len(sizes), dtype=int)
        for g in np.argsort(sizes)[::-1]:
            fold[g] = load.argmin()
            load[fold[g]] += sizes[g]
        return fold[code]


Scorer = Callable[[Any, Any, Any], float]


def _decision(model: Any, X: Any) -> np.ndarray:
    if hasattr(model, "decision_function"):
        return np.asarray(model.decision_function(X))
    return np.asarray(model.predict_proba(X))[:, 1]


SCORERS: dict[str, Scorer] = {
    "accuracy": lambda m, X, y: accuracy_score(y, m.predict(X)),
    "balanced_accuracy": lambda m, X, y: balanced_accuracy_score(y, m.predict(X)),
    "f1": lambda m, X, y: f1_score(y, m.predict(X)),
    "roc_auc": lambda m, X, y: roc_auc_score(y, _decision(m, X)),
    "average_precision": lambda m, X, y: average_precision_score(y, _decision(m, X)),
    "neg_log_loss": lambda m, X, y: -log_loss(y, m.predict_proba(X), labels=m.classes_),
    "neg_brier_score": lambda m, X, y: -brier_score_loss(y, m.predict_proba(X)[:, 1]),
}


def get_scorer(scoring: str | Scorer | None) -> Scorer:
    """The function ``(model, X, y) -> float`` behind a name; None is ``model.score``."""
    if scoring is None:
        return lambda m, X, y: float(m.score(X, y))
    if callable(scoring):
        return scoring
    if scoring not in SCORERS:
        raise ValueError(f"scoring must be one of {sorted(SCORERS)}, got {scoring!r}")
    return SCORERS[scoring]


def take_rows(table: Any, rows: np.ndarray) -> Any:
    """Rows of an array, a sparse matrix, a DataFrame or a list, by number."""
    if table is None:
        return None
    if hasattr(table, "iloc"):
        return table.iloc[rows]
    return table[rows] if hasattr(table, "shape") else [table[k] for k in rows]


def splits_of(
    cv: Any, X: Any, y: Any = None, groups: Any = None, classifier: bool = False
) -> list[tuple[np.ndarray, np.ndarray]]:
    """List the pairs of row numbers for a number of folds, a splitter, or pairs."""
    if isinstance(cv, (int, np.integer)):
        cv = (StratifiedKFold if classifier else KFold)(int(cv))
    if hasattr(cv, "split"):
        return list(cv.split(X, y, groups))
    return list(cv)


def cross_validate(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: ArrayLike | None = None,
    scoring: str | Scorer | Iterable[str] | dict[str, Any] | None = None,
    cv: Any = 5,
    return_train_score: bool = False,
    return_estimator: bool = False,
) -> dict[str, Any]:
    """Fit clones on all folds but one, and score each on the fold left out.

    Parameters
    ----------
    estimator : object with ``fit``
        Everything that learns from data belongs in here, preprocessing included.
    X : array, sparse matrix or DataFrame with n rows
    y : array_like of shape (n,), optional
    groups : array_like of shape (n,), optional
        Handed to the splitter.
    scoring : str, callable, list of str, dict or None
        Names of ``SCORERS``, or functions of (model, X, y); None is the model's own.
    cv : int, splitter or iterable of (train, test)
        A number means ``StratifiedKFold`` for classifiers, ``KFold`` for others.

    Returns
    -------
    dict
        Arrays of length k: "fit_time", "score_time" (seconds), "test_score" or
        "test_<name>" for several scores, the same with "train_" and the list
        "estimator" on request.

    Raises
    ------
    ValueError
        For an unknown score, folds that do not fit, or a fold without rows.
    """
    if scoring is None or isinstance(scoring, str) or callable(scoring):
        scorers = {"score": get_scorer(scoring)}
    elif isinstance(scoring, dict):
        scorers = {name: get_scorer(s) for name, s in scoring.items()}
    else:
        scorers = {name: get_scorer(name) for name in scoring}
    y = np.asarray(y) if isinstance(y, list) else y
    splits = splits_of(cv, X, y, groups, is_classifier(estimator))
    if not splits or any(not len(part) for pair in splits for part in pair):
        raise ValueError("each split needs rows to fit and rows to score")
    result: dict[str, Any] = {"fit_time": [], "score_time": []}
    for train, test in splits:
        model, start = clone(estimator), time.perf_counter()
        model.fit(take_rows(X, train), take_rows(y, train))
        fitted_at = time.perf_counter()
        for name, scorer in scorers.items():
            score = scorer(model, take_rows(X, test), take_rows(y, test))
            result.setdefault(f"test_{name}", []).append(score)
        result["fit_time"].append(fitted_at - start)
        result["score_time"].append(time.perf_counter() - fitted_at)
        if return_train_score:
            for name, scorer in scorers.items():
                score = scorer(model, take_rows(X, train), take_rows(y, train))
                result.setdefault(f"train_{name}", []).append(score)
        if return_estimator:
            result.setdefault("estimator", []).append(model)
    return {k: v if k == "estimator" else np.array(v) for k, v in result.items()}


def shuffled_label_check(
    procedure: Callable[[np.ndarray], float],
    y: ArrayLike,
    rng: np.random.Generator,
    *,
    n_shuffles: int = 20,
) -> np.ndarray:
    """Scores of a whole procedure on shuffled labels; above chance, it leaks.

    Parameters
    ----------
    procedure : callable, labels of shape (n,) to float
        Everything from raw data to the score: selection, tuning, cross-validation.
    y : array_like of shape (n,)
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n_shuffles,)

    References
    ----------
    Ojala and Garriga (2010), for the test; a leak is read off the scores' mean.
    """
    label = _vector(y, "y")
    if n_shuffles < 1:
        raise ValueError(f"n_shuffles must be at least 1, got {n_shuffles}")
    scores = [float(procedure(rng.permutation(label))) for _ in range(n_shuffles)]
    return np.array(scores)


def shared_rows(train: Any, test: Any) -> float:
    """Share of the rows of ``test`` that have an identical row in ``train``."""
    first, second = pd.DataFrame(train), pd.DataFrame(test)
    if first.shape[1] != second.shape[1] or not len(second):
        raise ValueError(f"shapes {first.shape} and {second.shape} cannot be compared")
    second.columns = first.columns
    keys = [pd.util.hash_pandas_object(t, index=False) for t in (first, second)]
    return float(np.isin(keys[1], keys[0]).mean())


Metric = Callable[..., float]


def _bootstrap(
    score: Callable[[np.ndarray], float],
    n_samples: int,
    groups: ArrayLike | None,
    rng: np.random.Generator,
    level: float,
    n_resamples: int,
) -> Interval:
    if not 0 < level < 1 or n_resamples < 1:
        found = f"level={level}, n_resamples={n_resamples}"
        raise ValueError(f"need 0 < level < 1 and n_resamples >= 1, got {found}")
    code = np.arange(n_samples)
    if groups is not None:
        group = _vector(groups, "groups")
        _weights(None, code, group)
        code = np.unique(group, return_inverse=True)[1]
    size = int(code.max()) + 1
    values = np.empty(n_resamples)
    for b in range(n_resamples):
        values[b] = score(np.bincount(rng.integers(0, size, size), minlength=size)[code])
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), score(np.ones(n_samples, dtype=int)), float(high))


def bootstrap_score(
    metric: Metric,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    rng: np.random.Generator,
    *,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    n_resamples: int = 1000,
) -> Interval:
    """Percentile bootstrap interval for a score of fixed predictions.

    It covers the chance of the judged rows, not that of the training.

    Parameters
    ----------
    metric : callable
        Called as ``metric(y_true, y_pred, sample_weight=counts)``.
    y_true, y_pred : array_like of shape (n,) or (n, K)
    rng : numpy.random.Generator
    groups : array_like of shape (n,), optional
        Draw whole groups, for rows that are not independent within them.
    level : float
        Promised coverage, between 0 and 1.
    """
    true, called = np.asarray(y_true), np.asarray(y_pred)
    return _bootstrap(
        lambda w: metric(true, called, sample_weight=w),
        *(len(true), groups, rng, level, n_resamples),
    )


def compare_scores(
    metric: Metric,
    y_true: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    rng: np.random.Generator,
    *,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    n_resamples: int = 1000,
) -> Interval:
    """Bootstrap interval for ``first`` minus ``second``, on the same rows each time.

    Parameters are those of ``bootstrap_score``.
    """
    true, a, b = np.asarray(y_true), np.asarray(first), np.asarray(second)
    return _bootstrap(
        lambda w: metric(true, a, sample_weight=w) - metric(true, b, sample_weight=w),
        *(len(true), groups, rng, level, n_resamples),
    )


def mcnemar_test(y_true: ArrayLike, first: ArrayLike, second: ArrayLike) -> float:
    """Exact two-sided p-value for equal accuracy of two models on the same samples."""
    true, a, b = (_classes(v, "labels") for v in (y_true, first, second))
    _weights(None, true, a, b)
    only_first = int(((a == true) & (b != true)).sum())
    only_second = int(((a != true) & (b == true)).sum())
    n_apart = only_first + only_second
    if n_apart == 0:
        return 1.0
    return float(min(1, 2 * stats.binom.cdf(min(only_first, only_second), n_apart, 0.5)))


def corrected_t_test(differences: ArrayLike, test_share: float) -> float:
    """Two-sided p-value for equal scores, from differences over random splits.

    Parameters
    ----------
    differences : array_like of shape (k,)
        First score minus second, one for each of k >= 2 splits.
    test_share : float
        Share of the rows that each split leaves out; 0 gives the usual t-test.
    """
    d = _vector(differences, "differences").astype(float)
    if len(d) < 2 or not 0 <= test_share < 1:
        found = f"{len(d)} differences and test_share={test_share}"
        raise ValueError(f"need two differences and 0 <= test_share < 1, got {found}")
    variance = d.var(ddof=1) * (1 / len(d) + test_share / (1 - test_share))
    if variance == 0:
        return float(d.mean() == 0)
    return float(2 * stats.t.sf(abs(d.mean()) / variance**0.5, len(d) - 1))


# seal: 753b1fabbf3adfb6
