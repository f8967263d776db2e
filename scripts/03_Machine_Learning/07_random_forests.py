# %% [markdown]
# # Random forests
#
# Trees that change with every sample are poor witnesses. Why is a hundred of them, averaged, a good one, and what may
# be concluded from its list of important columns?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `RandomForestClassifier`, many trees grown together, with out-of-bag scores and importances
# - **You need** the tree and `grow` ({doc}`06_decision_trees`), variance and correlation
#   ({doc}`../01_Mathematics/08_probability`), bias and variance ({doc}`01_learning_theory`)
# - **Checked against** scikit-learn (accuracy over seeds, `check_estimator`), the formula for correlated averages
# - **Time** 30 minutes to read, 45 to code
# - **Data** digits and breast cancer (scikit-learn, BSD-3), adults of the census of 1994 (UCI, CC BY 4.0), penguins
#   and flights (CC0)
# ````

# %%
from __future__ import annotations

import time
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import sklearn.ensemble
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from journey.machine_learning.decision_trees import (
    DecisionTreeClassifier,
    Nodes,
    grow,
    rank_columns,
)
from journey.orientation.checks import claim, seed_band, try_answer
from journey.orientation.datasets import load_adult, load_flights, load_penguins
from journey.orientation.figures import COLORS, DASHES, MARKERS, use_journey_style

use_journey_style()

# %% [markdown]
# ## A hundred mediocre trees
#
# Draw 900 digits *with replacement* from the 900 for training, grow a tree to its end, and do that a hundred times.
# Each tree is right on three new digits of four. Now let them vote:

# %%
images, digit = load_digits(return_X_y=True)
old, new, digit_old, digit_new = train_test_split(
    images, digit, train_size=900, random_state=0
)
rng = np.random.default_rng(0)
votes, alone = np.zeros((len(new), 10)), []
for _ in range(100):
    rows = rng.integers(900, size=900)
    tree = DecisionTreeClassifier(max_features=8, random_state=rng.integers(2**31))
    said = tree.fit(old[rows], digit_old[rows]).predict(new)
    alone.append((said == digit_new).mean())
    votes[np.arange(len(new)), said] += 1
together = (votes.argmax(axis=1) == digit_new).mean()

# %%
claim("forests-one-tree", np.mean(alone), within=(0.72, 0.86))
claim("forests-best-of-the-trees", max(alone), at_most=0.9)
claim("forests-a-hundred-trees", together, at_least=0.95)

# %% [markdown]
# No tree comes near what they know together. (They were also forbidden to look at all columns: each node could
# choose among eight drawn at random. Worse trees, better forest; why, is what this page is about.)
#
# ## Predict
#
# 1. Ten times as many trees: does the forest overfit?
# 2. A row is drawn with replacement $n$ times from $n$. Which share of the rows is never drawn?
# 3. A column of random numbers is added to the census. Where does it stand in the forest's list of importances,
#    among eleven
#    real columns?
#
# ## The arithmetic of averages
#
# Let $B$ models have the variance $\sigma^2$ each, and every two of them the correlation $\rho$. Then
#
# $$
# \operatorname{Var}\Bigl(\frac1B \sum_b f_b\Bigr)
# = \frac{1}{B^2} \bigl( B \sigma^2 + B (B - 1) \rho \sigma^2 \bigr)
# = \rho\, \sigma^2 + \frac{1 - \rho}{B}\, \sigma^2 .
# $$ (eq-forests-variance)
#
# By hand: $\sigma^2 = 1$, $\rho = \frac12$, $B = 4$ give $\frac12 + \frac18 = 0.625$. Independent models would give
# 0.25, and a million of ours never less than $\frac12$. More trees remove the second term only. The first is
# removed by making the trees *different*, even at the price of a larger $\sigma^2$ {cite:p}`breiman2001random`. Two
# means:
#
# **Another sample for each** ({term}`bagging`, {cite:p}`breiman1996bagging`). **Another view for each question**: a
# node may only choose among `max_features` columns drawn at random. The bias hardly changes, since deep trees have
# little.
#
# A row is missed by one draw with $1 - \frac1n$, and by all with $(1 - \frac1n)^n \to e^{-1} = 0.368$. For each
# tree, more than a third of the rows are new: the **out-of-bag** rows. Judge every row by the trees that have not
# seen it, and a test set comes for free.

# %%
n = 900
missed = (
    np.mean(
        [len(np.setdiff1d(np.arange(n), rng.integers(n, size=n))) for _ in range(200)]
    )
    / n
)
claim("forests-rows-never-drawn", missed, equal_to=(1 - 1 / n) ** n, tolerance=0.005)

# %% [markdown]
# **Prediction 2**: 37 %.
#
# ## Growing a forest
#
# `grow` of {doc}`06_decision_trees` takes several *roots*: the rows of all samples, laid end to end, and for each
# the tree it belongs to. A level of all these trees is then searched in the same NumPy calls. The ranks of the
# columns are computed once.


# %% tags=["export"]
def _owners(nodes: Nodes, n_trees: int) -> np.ndarray:
    """The tree to which each node belongs; tree t has the root t."""
    owner = np.full(len(nodes.feature), -1)
    level = np.arange(n_trees)
    owner[level] = level
    while len(level):
        inner = level[nodes.left[level] >= 0]
        for side in (nodes.left, nodes.right):
            owner[side[inner]] = owner[inner]
        level = np.concatenate([nodes.left[inner], nodes.right[inner]])
    return owner


def _descend_all(nodes: Nodes, X: np.ndarray, n_trees: int) -> np.ndarray:
    """The leaves (n_trees, n) that the rows reach in each tree."""
    at = np.repeat(np.arange(n_trees), len(X))
    row = np.tile(np.arange(len(X)), n_trees)
    active = np.flatnonzero(nodes.feature[at] >= 0)
    while len(active):
        here = at[active]
        goes_left = X[row[active], nodes.feature[here]] <= nodes.threshold[here]
        at[active] = np.where(goes_left, nodes.left[here], nodes.right[here])
        active = active[nodes.feature[at[active]] >= 0]
    return at.reshape(n_trees, len(X))


def _importances(nodes: Nodes, n_trees: int, n_features: int) -> np.ndarray:
    """Decrease of impurity by feature in each tree, shares, (n_trees, n_features)."""
    inner = np.flatnonzero(nodes.left >= 0)
    weighted = nodes.size * nodes.impurity
    drop = weighted[inner] - weighted[nodes.left[inner]] - weighted[nodes.right[inner]]
    place = _owners(nodes, n_trees)[inner] * n_features + nodes.feature[inner]
    sums = np.bincount(place, drop, n_trees * n_features).reshape(n_trees, -1)
    total = sums.sum(axis=1, keepdims=True)
    return np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)


# %% tags=["export"]
class _Forest(ClassifierMixin, BaseEstimator):
    """Asking a forest; the subclass grows it."""

    classes_: np.ndarray
    forest_: list[tuple[Nodes, int]]
    n_features_in_: int

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Shares of the classes in the leaves, averaged over trees, (n, K)."""
        check_is_fitted(self)
        data = validate_data(self, X, dtype=float, reset=False)
        total = np.zeros((len(data), len(self.classes_)))
        n_trees = sum(count for _nodes, count in self.forest_)
        for nodes, count in self.forest_:
            step = max(1, 2**20 // count)  # bounded memory
            for first in range(0, len(data), step):
                leaves = _descend_all(nodes, data[first : first + step], count)
                total[first : first + step] += nodes.value[leaves].sum(axis=0)
        return total / n_trees

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The class with the largest mean share, (n,)."""
        index = self.predict_proba(X).argmax(axis=1)
        return self.classes_[index]

    @property
    def feature_importances_(self) -> np.ndarray:
        """Decrease of impurity by column, averaged over trees, (d,); sums to one.

        It is computed on the training rows and favours columns with many values: see
        the page.
        """
        check_is_fitted(self)
        d = self.n_features_in_
        shares = [_importances(nodes, count, d) for nodes, count in self.forest_]
        mean = np.concatenate(shares).mean(axis=0)
        return mean / mean.sum() if mean.sum() > 0 else mean


# %% tags=["export"]
def _columns_per_node(forest: RandomForestClassifier, d: int) -> int:
    """How many columns a node may choose among, once all parameters are in range."""
    for name in ("n_estimators", "max_depth", "min_samples_leaf"):
        value = getattr(forest, name)
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    wanted = forest.max_features
    if wanted is None:
        return d
    if wanted == "sqrt":
        return max(1, int(d**0.5))
    if isinstance(wanted, str) or not 1 <= wanted <= d:
        raise ValueError(f"max_features is 'sqrt', None or 1 to {d}, got {wanted!r}")
    return int(wanted)


# %% tags=["export"]
class RandomForestClassifier(_Forest):
    """Trees on bootstrap samples, with random columns at each node, averaged.

    Parameters
    ----------
    n_estimators : int
        Trees.
    max_features : "sqrt", int or None
        Columns that a node may choose among; None is all.
    max_depth, min_samples_leaf
        As in `DecisionTreeClassifier`.
    oob_score : bool
        Whether to judge each row by the trees that have not seen it.
    random_state : int or None

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    forest_ : list of (Nodes, number of trees)
    oob_score_ : float
        Accuracy on out-of-bag rows.
    oob_decision_function_ : ndarray of shape (n, K)
        Probabilities for the training rows; NaN for a row that every tree has seen.

    Raises
    ------
    ValueError
        For parameters out of range, missing values, or a target that is not classes.

    References
    ----------
    Breiman (2001), doi:10.1023/A:1010933404324.
    """

    def __init__(
        self,
        n_estimators: int = 100,
        max_features: str | int | None = "sqrt",
        max_depth: int | None = None,
        min_samples_leaf: int = 1,
        oob_score: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_features = max_features
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.oob_score = oob_score
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> RandomForestClassifier:
        """Grow from X (n, d) and labels y (n,)."""
        data, labels = validate_data(self, X, y, dtype=float)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        n, d = data.shape
        T, (ranks, values) = np.eye(len(self.classes_))[codes], rank_columns(data)
        limits: dict[str, Any] = {
            "max_depth": self.max_depth,
            "min_samples_leaf": self.min_samples_leaf,
            "max_features": _columns_per_node(self, d),
        }
        rng = np.random.default_rng(self.random_state)
        self.forest_, seen_by_none = [], np.zeros((n, len(self.classes_)))
        together = max(1, 30_000 // n)  # trees that are grown at once
        for first in range(0, self.n_estimators, together):
            count = min(together, self.n_estimators - first)
            rows = rng.integers(n, size=(count, n))
            root = np.repeat(np.arange(count), n)
            nodes = grow(ranks, values, T, rows.ravel(), root, rng=rng, **limits)
            self.forest_.append((nodes, count))
            if self.oob_score:
                unseen = np.ones((count, n), dtype=bool)
                unseen[root, rows.ravel()] = False
                leaves = _descend_all(nodes, data, count)
                seen_by_none += (nodes.value[leaves] * unseen[:, :, None]).sum(axis=0)
        if self.oob_score:
            total = seen_by_none.sum(axis=1, keepdims=True)
            with np.errstate(invalid="ignore"):
                self.oob_decision_function_ = seen_by_none / total
            judged = total[:, 0] > 0
            right = seen_by_none.argmax(axis=1) == codes
            self.oob_score_ = float(right[judged].mean()) if judged.any() else np.nan
        return self


# %% [markdown]
# ## As good as the reference?
#
# Two random forests are never equal, not even two of scikit-learn's with different seeds. The right question is
# whether the *difference* is within what seeds do. Eight seeds each, on the digits held out above:


# %%
def accuracy(kind, seed, **options):
    model = kind(n_estimators=40, random_state=seed, **options).fit(old, digit_old)
    return model.score(new, digit_new)


mine = seed_band(lambda s: accuracy(RandomForestClassifier, s), range(8))
yours = seed_band(
    lambda s: accuracy(sklearn.ensemble.RandomForestClassifier, s), range(8)
)
noise = np.hypot(np.std(mine.values, ddof=1), np.std(yours.values, ddof=1)) / 8**0.5
print(f"ours {mine.mean:.3f}, scikit-learn {yours.mean:.3f}")
claim(
    "forests-difference-in-standard-errors",
    abs(mine.mean - yours.mean) / noise,
    at_most=3.5,
)

# %%
report = check_estimator(
    RandomForestClassifier(n_estimators=5), on_skip=None, on_fail=None
)
statuses = [r["status"] for r in report]
print({s: statuses.count(s) for s in sorted(set(statuses))})
claim("forests-checks-failed", statuses.count("failed"), at_most=0)

# %% [markdown]
# (What is skipped asks for arrays that are not NumPy's.) And is the out-of-bag score as good as held-out data?

# %%
gaps = []
for seed in range(4):
    rows = np.random.default_rng(seed).permutation(len(images))
    forest = RandomForestClassifier(60, oob_score=True, random_state=seed)
    forest.fit(images[rows[:900]], digit[rows[:900]])
    gaps.append(forest.oob_score_ - forest.score(images[rows[900:]], digit[rows[900:]]))
print("out-of-bag minus held-out:", *(f"{g:+.3f}" for g in gaps))
claim("forests-oob-minus-held-out", np.mean(gaps), within=(-0.03, 0.01))

# %% [markdown]
# A little too low on average: each row is judged by a third of the trees only, and a smaller forest is a worse one.
#
# ## More trees, other trees
#
# To measure {eq}`eq-forests-variance`, train forests on many samples of 300 digits, and look at the probability of
# the right class at 200 fixed digits. The variance of one tree, and the correlation of two trees grown from the
# *same* sample:

# %%
fixed, truth = new[:200], digit_new[:200]


def tree_answers(seed, max_features, n_trees=8):
    """Probability of the right class, (n_trees, 200), of trees from one new sample."""
    rows = np.random.default_rng(seed).choice(900, 300, replace=False)
    forest = RandomForestClassifier(
        n_trees, max_features=max_features, random_state=seed
    )
    forest.fit(old[rows], digit_old[rows])
    place = np.searchsorted(forest.classes_, truth)
    answers = [
        nodes.value[_descend_all(nodes, fixed, count), place]
        for nodes, count in forest.forest_
    ]
    return np.concatenate(answers)


# %%
anatomy = {}
for name, features in (("all 64", None), ("8, the root", 8), ("1", 1)):
    answers = np.array([tree_answers(s, features) for s in range(20)])  # (20, 8, 200)
    variance = answers.var(axis=(0, 1)).mean()
    between = answers.mean(axis=1).var(axis=0, ddof=1).mean()  # of averages of 8
    rho = (8 * between / variance - 1) / 7  # equation eq-forests-variance, solved
    anatomy[name] = variance, rho, (answers.mean(axis=(0, 1))).mean()
    print(
        f"{name:11}: variance of a tree {variance:.3f}, correlation {rho:.2f}, right {anatomy[name][2]:.2f}"
    )

# %%
claim("forests-correlation-all-columns", anatomy["all 64"][1], within=(0.05, 0.2))
claim(
    "forests-correlation-root",
    anatomy["8, the root"][1] / anatomy["all 64"][1],
    at_most=0.8,
)
claim(
    "forests-variance-root-over-all",
    anatomy["8, the root"][0] / anatomy["all 64"][0],
    within=(0.9, 1.3),
)

# %% [markdown]
# Fewer columns make the single tree a little worse and two trees much less alike: $\rho\sigma^2$, what remains of
# the variance when $B$ is large, falls. With one column per node the trees are hardly related, and too bad. The
# test error as the forest grows:

# %%
counts = np.array([1, 2, 4, 8, 16, 32, 64])
errors = {}
for name, features in (("all columns", None), ("8 of 64", 8), ("1 of 64", 1)):
    forest = RandomForestClassifier(64, max_features=features, random_state=0)
    forest.fit(old[:500], digit_old[:500])
    shares = [m.value[_descend_all(m, new, k)] for m, k in forest.forest_]
    summed = np.concatenate(shares).cumsum(axis=0)[counts - 1]  # (7, n, 10)
    errors[name] = (summed.argmax(axis=2) != digit_new).mean(axis=1)
# %%
claim(
    "forests-overfit-by-more-trees",
    errors["8 of 64"][-1] - errors["8 of 64"].min(),
    at_most=0.01,
)
claim(
    "forests-error-of-the-root",
    errors["8 of 64"][-1] / errors["all columns"][-1],
    at_most=0.9,
)

# %% mystnb={"figure": {"caption": "Error on new digits against the number of trees. It falls and stays; where it stays depends on how different the trees are.", "name": "fig-forests-size"}, "image": {"alt": "Three falling curves over the number of trees on a logarithmic axis. The curve of eight columns per node ends lowest, that of all columns well above it; that of one column begins highest and ends between or near them."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.6, 3.5))
for k, (name, values) in enumerate(errors.items()):
    color = ("orange", "blue", "purple")[k]
    axes.semilogx(
        counts, values, ls=DASHES[k], marker=MARKERS[k], ms=5, color=COLORS[color]
    )
    shade = "#a35b00" if color == "orange" else COLORS[color]
    place = ((1.1, 0.205), (1.1, 0.345), (1.25, 0.72))[k]
    axes.text(*place, name, color=shade, va="center")
axes.set(xlabel="trees", ylabel="error rate on new digits", ylim=(0, None))
axes.set_title("A forest does not overfit by growing")
plt.show()

# %% [markdown]
# **Prediction 1**: no. More trees estimate the same average better. A forest can overfit (deep trees on noisy
# labels do, each for itself), but not through their number; stop when the curve is flat, or the time is up.
#
# ## Importances, and three traps
#
# A forest has no story to tell, but it can say which columns lowered the impurity. The census, 2,000 people, with
# two columns that are worth nothing: a random number and a coin.

# %%
people = load_adult().drop(columns=["fnlwgt", "native_country", "education"])
rich = (people.pop("income") == ">50K").to_numpy().astype(int)
table = people.apply(lambda c: c if c.dtype.kind in "if" else pd.factorize(c)[0])
rng = np.random.default_rng(0)
table["random"] = rng.normal(size=len(table))
table["coin"] = rng.integers(2, size=len(table))
names = list(table)
A = table.to_numpy(float)  # (32561, 13)
rows = rng.permutation(len(A))
train, test = rows[:2000], rows[2000:5000]
forest = RandomForestClassifier(60, random_state=0).fit(A[train], rich[train])
impurity = forest.feature_importances_


# %%
def shuffled_loss(model, X, y, j, rng):
    mixed = X.copy()
    mixed[:, j] = rng.permutation(mixed[:, j])
    return model.score(X, y) - model.score(mixed, y)


permuted = np.array(
    [
        np.mean([shuffled_loss(forest, A[test], rich[test], j, rng) for _ in range(2)])
        for j in range(len(names))
    ]
)
rank = 1 + int((impurity > impurity[names.index("random")]).sum())
print(f"the random number is number {rank} of {len(names)} by impurity")

# %%
sex, chance = names.index("sex"), names.index("random")
claim(
    "forests-random-over-sex-by-impurity", impurity[chance] / impurity[sex], at_least=2
)
claim("forests-rank-of-random-by-impurity", rank, within=(2, 7))
claim("forests-random-by-permutation", abs(permuted[chance]), at_most=0.006)

# %% mystnb={"figure": {"caption": "The same forest, two lists. By impurity a column of random numbers beats half of the real ones; shuffled on new people it is worth nothing.", "name": "fig-forests-importance"}, "image": {"alt": "Two horizontal bar charts of the same thirteen columns. On the left, decrease of impurity, the random column is among the longest bars. On the right, loss of accuracy when shuffled, its bar is near zero."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(7.4, 4), sharey=True)
order = np.argsort(impurity)
for axes, values, title in (
    (panels[0], impurity, "decrease of impurity"),
    (panels[1], permuted, "loss when shuffled"),
):
    noise_columns = np.isin(np.array(names)[order], ["random", "coin"])
    bars = axes.barh(
        np.arange(len(names)),
        values[order],
        color=COLORS["sky"],
        ec=COLORS["ink"],
        lw=0.6,
    )
    for bar, fake in zip(bars, noise_columns, strict=True):
        if fake:
            bar.set(facecolor=COLORS["orange"], hatch="///")
    axes.set_title(title)
panels[0].set_yticks(
    np.arange(len(names)), [n.replace("_", " ") for n in np.array(names)[order]]
)
panels[0].set_xlabel("share")
panels[1].set_xlabel("accuracy")
plt.show()

# %% [markdown]
# **Prediction 3**: in the upper half. Deep in a tree, where few people are left, a column with many distinct values
# always offers a cut that happens to purify; the coin has only one cut and cannot {cite:p}`strobl2007bias`. The sum
# counts what was learnt by heart. That is trap one; shuffling on *new* rows avoids it. Trap two stays: columns that
# say the same share their importance, under both measures.

# %%
twin = A[:, names.index("age")] + rng.normal(0, 0.5, len(A))
doubled = np.column_stack([A, twin])
other = RandomForestClassifier(60, random_state=0).fit(doubled[train], rich[train])
age = names.index("age")
before = impurity[age]
after = other.feature_importances_[age], other.feature_importances_[-1]
claim("forests-age-importance-left-beside-a-twin", after[0] / before, at_most=0.8)
loss = np.mean(
    [shuffled_loss(other, doubled[test], rich[test], age, rng) for _ in range(3)]
)
claim("forests-age-permutation-left-beside-a-twin", loss / permuted[age], at_most=0.8)

# %% [markdown]
# Trap three: importance has no direction and is no cause. {doc}`14_model_selection` goes on from here.
#
# ## The needle
#
# Random columns help as long as a draw of $\sqrt d$ usually contains a useful one. Hide the penguins' four
# measurements among noise:

# %%
birds = load_penguins().dropna(subset=["bill_length_mm"])
P = birds[
    ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
].to_numpy(float)
species = birds["species"].to_numpy(str)
rng = np.random.default_rng(0)
shuffle = rng.permutation(len(P))
P, species = P[shuffle], species[shuffle]
needle = {}
for d in (0, 100, 1000):
    hidden = np.column_stack([P, rng.normal(size=(len(P), d))])
    for features in ("sqrt", None):
        model = RandomForestClassifier(20, max_features=features, random_state=0)
        model.fit(hidden[:150], species[:150])
        needle[d, features] = model.score(hidden[150:], species[150:])
    print(
        f"{d:4} columns of noise: sqrt {needle[d, 'sqrt']:.3f}, all {needle[d, None]:.3f}"
    )

# %%
claim(
    "forests-needle-lost-by-sqrt",
    needle[0, "sqrt"] - needle[1000, "sqrt"],
    at_least=0.03,
)
claim("forests-needle-lost-by-all", needle[0, None] - needle[1000, None], at_most=0.03)

# %% [markdown]
# Among a thousand and four columns a draw of 31 contains a real one in every ninth node only. `max_features` is a
# bet on how many columns are useful; it is the one parameter worth tuning.

# %% tags=["nbval-ignore-output"]
# Timings differ from run to run.
flights = load_flights().dropna(subset=["arr_delay"]).sample(20_000, random_state=0)
late = (flights["arr_delay"] > 15).to_numpy().astype(int)
columns = ["month", "day", "sched_dep_time", "sched_arr_time", "distance", "flight"]
cases = {
    "digits": (images, digit),
    "tumours": load_breast_cancer(return_X_y=True),
    "flights": (flights[columns].to_numpy(float), late),
}


def seconds(model, X, y):
    start = time.process_time()
    model.fit(X, y)
    return time.process_time() - start


ratios = {}
for name, case in cases.items():
    kinds = RandomForestClassifier, sklearn.ensemble.RandomForestClassifier
    pair = [min(seconds(kind(8), *case) for _ in range(2)) for kind in kinds]
    ratios[name] = pair[0] / pair[1]
    print(f"{name}: ours {ratios[name]:.1f} × scikit-learn's time")

# %%
claim("forests-time-over-sklearn-worst", max(ratios.values()), at_most=30)

# %% [markdown]
# The trees of a batch share every NumPy call, so small tables cost hardly more than scikit-learn's compiled loop.
# On large ones the sorting of keys counts: its trees sort values within a node and stop early. scikit-learn grows
# trees in parallel besides, `n_jobs=-1`, which costs nothing to write because trees do not know of each other.
#
# ## In practice
#
# A forest is the model to try second, after the linear one: no scaling, hardly any tuning, an honest score from its
# own bag. What it cannot do is extrapolate, and its size is that of all its trees. {term}`Boosting <boosting>`
# usually wins by a little and needs more care.
#
# | What people believe | What exposes it |
# |---|---|
# | More trees overfit | {numref}`fig-forests-size` |
# | Better trees make a better forest | All columns: better trees, worse forest |
# | A high importance means an important column | The random number, ahead of half of the real columns |
# | A low importance means a useless column | The twin of the age |
# | Out-of-bag is always honest | Copies of rows (an exercise) |
#
# ## Exercises
#
# ```{exercise} Averages of relatives
# :label: ex-forests-hand
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# Trees have variance 0.12 and correlation 0.25. As a tuple: (a) the variance of the average of 10, (b) of
# infinitely many, (c) how many
# *independent* trees would be as good as infinitely many of these.
# ```


# %%
def test_relatives(answer):
    assert answer is not None and len(answer) == 3, "three numbers"
    assert abs(answer[0] - 0.039) < 1e-4, "ρσ² + (1 - ρ)σ²/10"
    assert abs(answer[1] - 0.03) < 1e-4, "only ρσ² is left"
    assert abs(answer[2] - 4) < 1e-4, "σ²/B = ρσ²"


answer = None  # replace with a tuple, then run this cell again
_ = try_answer(test_relatives, answer)

# %% [markdown]
# ```{solution-start} ex-forests-hand
# :class: dropdown
# ```
#
# (a) $0.03 + 0.009$. (b) 0.03. (c) $1 / \rho = 4$: an infinite forest of these trees is worth four independent ones.

# %%
_ = try_answer(test_relatives, (0.039, 0.03, 4))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Who is like whom
# :label: ex-forests-proximity
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Two rows are alike, for a forest, if they often meet in a leaf. Write `proximity(forest, X)`: the matrix (n, n) of
# the shares of trees in which
# two rows end in the same leaf. The module's `_descend_all(nodes, X, count)` gives leaves.
# ```


# %%
def test_proximity(proximity):
    X, y = new[:300], digit_new[:300]
    model = RandomForestClassifier(40, random_state=0).fit(old, digit_old)
    near = proximity(model, X)
    assert near.shape == (300, 300) and np.allclose(near, near.T), "symmetric"
    assert np.allclose(np.diag(near), 1), "a row meets itself in every tree"
    trees = sum(count for _nodes, count in model.forest_)
    assert np.allclose((near * trees).round(), near * trees), "shares of trees"
    np.fill_diagonal(near, -1)
    assert (y[near.argmax(axis=1)] == y).mean() > 0.9, "its neighbours are of its class"


def proximity(forest, X):  # replace the body, then run this cell again
    return np.eye(len(X))


_ = try_answer(test_proximity, proximity)

# %% [markdown]
# ```{solution-start} ex-forests-proximity
# :class: dropdown
# ```
#
# A similarity that was learnt from labels and needs no units: with it one can cluster, find outliers, fill gaps.


# %%
def proximity_solution(forest, X):
    total, trees = np.zeros((len(X), len(X))), 0
    for nodes, count in forest.forest_:
        for leaves in _descend_all(nodes, X, count):
            total += leaves[:, None] == leaves
        trees += count
    return total / trees


_ = try_answer(test_proximity, proximity_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A bag that lies
# :label: ex-forests-oob
#
# *break · difficulty 2 of 3 · 15 minutes*
#
# Return `(X, y)`, at most 1,000 rows, labels 0 and 1, for which the out-of-bag accuracy of a forest is above 0.9,
# though the labels have
# *nothing to do* with the columns: on new rows made in the same way nobody can do better than chance. Do not use a
# rare class.
# ```


# %%
def test_bag(make):
    X, y = make()
    assert len(X) <= 1000 and set(y) == {0, 1} and 0.4 < y.mean() < 0.6, (
        "balanced, 1,000 rows"
    )
    forest = RandomForestClassifier(40, oob_score=True, random_state=0).fit(X, y)
    assert forest.oob_score_ > 0.9, f"the bag says {forest.oob_score_:.2f}"
    fresh = X + np.random.default_rng(1).normal(0, 10 * X.std(), X.shape)
    assert abs((forest.predict(fresh) == y).mean() - 0.5) < 0.1, (
        "the columns must not matter"
    )


def make():  # replace the body, then run this cell again
    rng = np.random.default_rng(0)
    return rng.normal(size=(1000, 5)), rng.integers(2, size=1000)


_ = try_answer(test_bag, make)

# %% [markdown]
# ```{solution-start} ex-forests-oob
# :class: dropdown
# ```
#
# Ten copies of a hundred random rows. A row is out of the bag, but its copies are in it. Patients with several
# pictures, days with several hours, products with several reviews do this to every out-of-bag score and every
# shuffled fold: sample by *group*.


# %%
def make_solution():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 5)), np.tile([0, 1], 50)
    return np.repeat(X, 10, axis=0), np.repeat(y, 10)


_ = try_answer(test_bag, make_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A forest for numbers
# :label: ex-forests-regression
#
# *build · difficulty 2 of 3 · 25 minutes*
#
# Write `forest_regression(X, y, X_new, n_trees, seed)` with `grow` and `rank_columns`: the mean prediction of trees
# on bootstrap samples, a third of
# the columns (rounded up) at each node, leaves of five rows at least.
# ```


# %%
def test_regression(forest_regression):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 6))
    y = 100 + 5 * np.sin(2 * X[:, 0]) + 3 * X[:, 1] * X[:, 2] + rng.normal(size=900)
    said = forest_regression(X[:500], y[:500], X[500:], 60, 0)
    assert said.shape == (400,), "one number for each new row"
    ours = 1 - np.mean((said - y[500:]) ** 2) / y[500:].var()
    theirs = sklearn.ensemble.RandomForestRegressor(
        60, max_features=2, min_samples_leaf=5, random_state=0
    )
    reference = theirs.fit(X[:500], y[:500]).score(X[500:], y[500:])
    assert ours > reference - 0.05, f"R² {ours:.2f}, scikit-learn {reference:.2f}"


def forest_regression(X, y, X_new, n_trees, seed):  # replace the body
    return np.full(len(X_new), y.mean())


_ = try_answer(test_regression, forest_regression)

# %% [markdown]
# ```{solution-start} ex-forests-regression
# :class: dropdown
# ```
#
# The target is one centred column instead of a table of zeros and ones; nothing else changes.


# %%
def forest_regression_solution(X, y, X_new, n_trees, seed):
    rng, n = np.random.default_rng(seed), len(X)
    rows = rng.integers(n, size=(n_trees, n)).ravel()
    nodes = grow(
        *rank_columns(X),
        (y - y.mean())[:, None],
        rows,
        np.repeat(np.arange(n_trees), n),
        max_features=-(-X.shape[1] // 3),
        min_samples_leaf=5,
        rng=rng,
    )
    leaves = _descend_all(nodes, X_new, n_trees)
    return y.mean() + nodes.value[leaves, 0].mean(axis=0)


_ = try_answer(test_regression, forest_regression_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-forests-size` the curve of all columns stays above that of eight. What would bring it down?
#
# (a) More trees. (b) Deeper trees. (c) Trees that differ more. (d) Fewer rows.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** What is left is $\rho \sigma^2$. (a) removes the other term. (b) They are grown to the end. (d) makes
# each tree worse.
# ```
#
# **2.** The out-of-bag accuracy is 0.81, on new data it is 0.62. What is the likeliest cause?
#
# (a) Too many trees. (b) Rows that belong together, copies or the same patient, or new data of another kind. (c)
# Too few columns per node. (d) Chance.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Out-of-bag rows are new rows only if rows are independent. (a) does not hurt. (c) lowers both. (d) The
# two agreed within two points above.
# ```
#
# **3.** Which of these does *not* change a forest's predictions, except by chance?
#
# (a) Taking the logarithm of a positive column. (b) Adding a copy of a column. (c) Dropping half of the rows. (d)
# Adding a thousand columns of noise.
#
# ```{admonition} Answer
# :class: dropdown
# **(a).** Trees see ranks. (b) makes its column twice as likely to be drawn. (c) makes trees worse. (d) hides the
# needle.
# ```
#
# ## What to remember
#
# The average of $B$ trees has the variance $\rho \sigma^2 + (1 - \rho) \sigma^2 / B$: more trees remove the second
# term, different trees the first. Samples with replacement and random columns make them different; the third of the
# rows that a tree has not seen judges it. Importance by impurity rewards columns with many values, and relatives
# share; shuffle on new rows, and still read with care.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
