"""Benchmark.

Built in the page `scripts/03_Machine_Learning/15_benchmark.py`: edit the page, not this file.
"""

from __future__ import annotations

import ctypes
import math
import time
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sklearn.cluster
import sklearn.decomposition
import sklearn.ensemble
import sklearn.linear_model
import sklearn.manifold
import sklearn.mixture
import sklearn.naive_bayes
import sklearn.neighbors
import sklearn.svm
import sklearn.tree
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import adjusted_rand_score

from journey.machine_learning.clustering import DBSCAN, AgglomerativeClustering, KMeans
from journey.machine_learning.decision_trees import DecisionTreeClassifier, DecisionTreeRegressor
from journey.machine_learning.dimensionality_reduction import PCA, TSNE
from journey.machine_learning.gradient_boosting import GradientBoostingClassifier, GradientBoostingRegressor
from journey.machine_learning.linear_regression import Lasso, LinearRegression, Ridge
from journey.machine_learning.logistic_regression import LogisticRegression
from journey.machine_learning.mixture_models import GaussianMixture
from journey.machine_learning.naive_bayes import GaussianNB, MultinomialNB
from journey.machine_learning.nearest_neighbors import KNeighborsClassifier
from journey.machine_learning.random_forests import RandomForestClassifier
from journey.machine_learning.support_vector_machines import SVC, LinearSVC
from journey.orientation.datasets import load_flights

__all__ = [
    "MOST_ROWS",
    "Duel",
    "cost_model",
    "duel",
    "estimator_pairs",
    "fit_and_score",
    "geometric_mean",
    "peak_growth_mb",
    "time_in_turns",
]


def time_in_turns(
    works: Sequence[Callable[[], object]],
    repeats: int = 5,
    *,
    warm_up: int = 1,
    clock: Callable[[], float] = time.process_time,
) -> list[list[float]]:
    """Seconds of several pieces of work that take turns; the order is reversed every round.

    Parameters
    ----------
    works : sequence of callables without arguments
    repeats : int
        Rounds that count.
    warm_up : int
        Rounds before them that do not: libraries load, caches fill.
    clock : callable
        Time in seconds. The default counts this process's processor time only.

    Returns
    -------
    list of list of float
        For each piece of work its ``repeats`` times.

    Raises
    ------
    ValueError
        If there is nothing to time.
    """
    if not works or repeats < 1 or warm_up < 0:
        raise ValueError(f"need works, repeats >= 1 and warm_up >= 0, got {len(works)}, {repeats}, {warm_up}")
    times: list[list[float]] = [[] for _ in works]
    for n in range(warm_up + repeats):
        order = range(len(works)) if n % 2 else reversed(range(len(works)))
        for k in order:
            start = clock()
            works[k]()
            seconds = clock() - start
            if n >= warm_up:
                times[k].append(seconds)
    return times


def geometric_mean(ratios: Sequence[float] | np.ndarray) -> float:
    """The mean of ratios that turns over when they do, equation eq-benchmark-geometric.

    Raises
    ------
    ValueError
        If there is none, or one is not positive and finite.
    """
    values = np.asarray(ratios, dtype=float)
    if values.size == 0 or not np.all((values > 0) & np.isfinite(values)):
        raise ValueError(f"need ratios that are positive and finite, got {ratios}")
    return float(np.exp(np.log(values).mean()))


def estimator_pairs() -> dict[str, tuple[BaseEstimator, BaseEstimator]]:
    """Ours and scikit-learn's, with equal settings, by name."""
    linear, naive = sklearn.linear_model, sklearn.naive_bayes
    tree = {"max_depth": 8, "random_state": 0}
    boosted = {"max_depth": 5, "max_leaf_nodes": None, "early_stopping": False}
    hist = sklearn.ensemble.HistGradientBoostingRegressor
    hist_classifier = sklearn.ensemble.HistGradientBoostingClassifier
    groups = sklearn.cluster
    return {
        "LinearRegression": (LinearRegression(), linear.LinearRegression()),
        "Ridge": (Ridge(), linear.Ridge()),
        "Lasso": (Lasso(0.01), linear.Lasso(0.01, tol=1e-8, max_iter=10_000)),
        "LogisticRegression": (LogisticRegression(), linear.LogisticRegression()),
        "KNeighborsClassifier": (
            KNeighborsClassifier(),
            sklearn.neighbors.KNeighborsClassifier(),
        ),
        "GaussianNB": (GaussianNB(), naive.GaussianNB()),
        "MultinomialNB": (MultinomialNB(), naive.MultinomialNB()),
        "DecisionTreeClassifier": (
            DecisionTreeClassifier(**tree),
            sklearn.tree.DecisionTreeClassifier(**tree),
        ),
        "DecisionTreeRegressor": (
            DecisionTreeRegressor(**tree),
            sklearn.tree.DecisionTreeRegressor(**tree),
        ),
        "RandomForestClassifier": (
            RandomForestClassifier(20, random_state=0),
            sklearn.ensemble.RandomForestClassifier(20, random_state=0),
        ),
        "GradientBoostingRegressor": (
            GradientBoostingRegressor(n_estimators=20),
            hist(max_iter=20, **boosted),
        ),
        "GradientBoostingClassifier": (
            GradientBoostingClassifier(n_estimators=5),
            hist_classifier(max_iter=5, **boosted),
        ),
        "SVC": (SVC(), sklearn.svm.SVC()),
        "LinearSVC": (LinearSVC(tol=1e-4), sklearn.svm.LinearSVC(tol=1e-4)),
        "KMeans": (KMeans(8, random_state=0), groups.KMeans(8, random_state=0)),
        "DBSCAN": (DBSCAN(), groups.DBSCAN()),
        **_pairs_of_unsupervised(),
    }


def _pairs_of_unsupervised() -> dict[str, tuple[BaseEstimator, BaseEstimator]]:
    steps: dict[str, Any] = {
        "max_iter": 10,
        "tol": 1e-12,
        "reg_covar": 0.01,
        "random_state": 0,
    }
    return {
        "AgglomerativeClustering": (
            AgglomerativeClustering(8),
            sklearn.cluster.AgglomerativeClustering(8),
        ),
        "GaussianMixture": (
            GaussianMixture(3, **steps),
            sklearn.mixture.GaussianMixture(3, **steps),
        ),
        "PCA": (PCA(2), sklearn.decomposition.PCA(2)),
        "TSNE": (
            TSNE(max_iter=300),
            sklearn.manifold.TSNE(max_iter=300, method="exact"),
        ),
    }


MOST_ROWS = {"SVC": 3000, "AgglomerativeClustering": 2000, "TSNE": 400}


@cache
def _tables() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    flights = load_flights().dropna(subset=["arr_delay"])
    flights = flights.sample(20_000, random_state=0)
    names = ["month", "day", "sched_dep_time", "sched_arr_time", "distance"]
    late = (flights["arr_delay"] > 15).to_numpy(int)
    return {
        "digits": load_digits(return_X_y=True),
        "tumours": load_breast_cancer(return_X_y=True),
        "flights": (flights[names].to_numpy(float), late),
    }


class Duel(NamedTuple):
    """Two estimators and the rows (old to learn from, new to answer) they meet on."""

    ours: BaseEstimator
    theirs: BaseEstimator
    old: tuple[np.ndarray, np.ndarray]
    new: tuple[np.ndarray, np.ndarray]


def duel(estimator: str, table: str) -> Duel:
    """A pair by the name of the estimator, on digits, tumours or flights."""
    X, y = _tables()[table]
    if estimator != "MultinomialNB":
        X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-12)
    rows = np.random.default_rng(0).permutation(len(X))[: MOST_ROWS.get(estimator)]
    cut = 2 * len(rows) // 3
    old, new = rows[:cut], rows[cut:]
    ours, theirs = estimator_pairs()[estimator]
    if estimator == "DBSCAN":
        for model in (ours, theirs):
            model.set_params(eps={"digits": 5, "tumours": 3, "flights": 0.4}[table])
    return Duel(ours, theirs, (X[old], y[old]), (X[new], y[new]))


def fit_and_score(
    model: BaseEstimator,
    old: tuple[np.ndarray, np.ndarray],
    new: tuple[np.ndarray, np.ndarray],
) -> float:
    """Fit a fresh copy on the old rows, answer the new ones, and return the score."""
    fitted: Any = clone(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a maximum number of steps
        fitted.fit(*old)
    if isinstance(model, (PCA, sklearn.decomposition.PCA)):
        fitted.transform(new[0])
        return float(fitted.explained_variance_ratio_.sum())
    if hasattr(fitted, "kl_divergence_"):
        return float(fitted.kl_divergence_)
    if isinstance(model, (KMeans, sklearn.cluster.KMeans)):
        return float(fitted.score(new[0])) / len(new[0])
    if hasattr(fitted, "score"):
        return float(fitted.score(*new))
    return float(adjusted_rand_score(old[1], fitted.labels_))


def cost_model(
    sizes: Sequence[float] | np.ndarray, seconds: Sequence[float] | np.ndarray
) -> tuple[float, float]:
    """Fixed price a and price per item b of t(n) = a + b n, least squares of relative errors.

    Parameters
    ----------
    sizes, seconds : sequences of positive numbers, shape (m,), m ≥ 2
        At least two different sizes.

    Returns
    -------
    a, b : float
        Seconds, and seconds per item; neither is below zero.

    Raises
    ------
    ValueError
        If shapes differ, a number is not positive, or all sizes are equal.
    """
    n, t = np.asarray(sizes, float), np.asarray(seconds, float)
    if n.ndim != 1 or n.shape != t.shape:
        raise ValueError(f"need two rows of equal length, got {n.shape} and {t.shape}")
    if not (n > 0).all() or not (t > 0).all() or len(set(n.tolist())) < 2:
        raise ValueError("need positive seconds of at least two different sizes")
    A = np.stack([1 / t, n / t], axis=1)  # a/t + b n/t = 1
    a, b = np.linalg.lstsq(A, np.ones(len(t)))[0]
    if a < 0:  # a price is no gift: the best with a = 0, or with b = 0
        a, b = 0.0, A[:, 1].sum() / (A[:, 1] ** 2).sum()
    elif b < 0:
        a, b = A[:, 0].sum() / (A[:, 0] ** 2).sum(), 0.0
    return float(a), float(b)


def peak_growth_mb(work: Callable[[], object]) -> float:
    """How far a piece of work raises the resident memory of this process at its peak, MB.

    It runs once before, so that what loads at first use does not count. NaN where the
    system keeps no peak that can be reset, as Linux does.
    """

    def peak_kb() -> int:
        status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

    try:
        work()
        ctypes.CDLL(None).malloc_trim(0)  # give back what is free
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        before = peak_kb()
        work()
        return (peak_kb() - before) / 2**10
    except (OSError, AttributeError, StopIteration):
        return math.nan


# seal: 90b4e4ca3f4a04f3
