"""Model selection.

Built in the page `scripts/03_Machine_Learning/14_model_selection.py`: edit the page, not this file.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone, is_classifier
from sklearn.utils import assert_all_finite, check_random_state, get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from journey.machine_learning.evaluation import cross_validate, get_scorer, splits_of, take_rows

__all__ = [
    "HalvingRandomSearchCV",
    "RandomizedSearchCV",
    "TargetEncoder",
    "nested_cross_validate",
    "partial_dependence",
    "permutation_importance",
    "sample_parameters",
    "shapley_values",
]


def _model_has(method: str) -> Callable[[Any], bool]:
    def check(search: Any) -> bool:
        model = getattr(search, "best_estimator_", search.estimator)
        getattr(model, method)  # the model's own AttributeError says what is missing
        return True

    return check


class _Chosen(MetaEstimatorMixin, BaseEstimator):
    """What a search hands on to the model that it has chosen."""

    estimator: Any
    scoring: Any
    best_estimator_: Any

    @available_if(_model_has("predict"))
    def predict(self, X: Any) -> np.ndarray:
        """Predictions of the chosen model."""
        check_is_fitted(self)
        return np.asarray(self.best_estimator_.predict(X))

    @available_if(_model_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the chosen model."""
        check_is_fitted(self)
        return np.asarray(self.best_estimator_.predict_proba(X))

    @available_if(_model_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Scores of the chosen model."""
        check_is_fitted(self)
        return np.asarray(self.best_estimator_.decision_function(X))

    def score(self, X: Any, y: Any = None) -> float:
        """The score that was searched for, on other data."""
        check_is_fitted(self)
        return get_scorer(self.scoring)(self.best_estimator_, X, y)

    def __getattr__(self, name: str) -> Any:
        of_model = ("classes_", "n_features_in_", "feature_names_in_")
        if name in of_model and "best_estimator_" in vars(self):
            return getattr(self.best_estimator_, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __sklearn_tags__(self) -> Any:
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.input_tags, tags.target_tags = inner.input_tags, inner.target_tags
        tags.input_tags.sparse = False
        return tags


class _Search(_Chosen):
    """Score candidates, refit the best; the subclass says which and on how much."""

    cv: Any

    def _score_candidates(self, X: Any, y: Any, groups: Any) -> dict[str, Any]:
        raise NotImplementedError

    def fit(self, X: Any, y: Any = None, *, groups: ArrayLike | None = None) -> "_Search":
        """Choose by cross-validation, then fit the chosen candidate to all rows."""
        if issparse(X):
            raise ValueError("sparse input is not supported, pass a dense table")
        if y is None and get_tags(self).target_tags.required:
            raise ValueError("requires y to be passed, but the target y is None")
        X, y, groups = indexable(X, y, groups)
        if np.iscomplexobj(X) or np.iscomplexobj(y):
            raise ValueError("Complex data not supported")
        if is_classifier(self.estimator):
            assert_all_finite(y, input_name="y")
            check_classification_targets(y)
        results = self._score_candidates(X, y, groups)
        self.cv_results_ = results
        self.best_index_ = int(np.argmin(results["rank_test_score"]))
        self.best_params_ = results["params"][self.best_index_]
        self.best_score_ = float(results["mean_test_score"][self.best_index_])
        self.best_estimator_ = clone(self.estimator).set_params(**self.best_params_)
        self.best_estimator_.fit(X, y)
        return self

    def _cross_validated(self, candidates: Sequence[dict], X: Any, y: Any, splits: list) -> np.ndarray:
        """Scores of shape (n_candidates, n_splits)."""
        scores = []
        for parameters in candidates:
            model = clone(self.estimator).set_params(**parameters)
            judge = get_scorer(self.scoring)
            fold = cross_validate(model, X, y, cv=splits, scoring=judge)
            scores.append(fold["test_score"])
        return np.array(scores)

    def _splits(self, X: Any, y: Any, groups: Any) -> list:
        return splits_of(self.cv, X, y, groups, is_classifier(self.estimator))


def sample_parameters(
    distributions: dict[str, Any], n_draws: int, random_state: Any = None
) -> list[dict[str, Any]]:
    """Draw candidates: from a list evenly, from anything with ``rvs`` by it.

    Raises
    ------
    ValueError
        If there is nothing to draw, or an entry is neither a list nor a distribution.
    """
    if n_draws < 1 or not distributions:
        raise ValueError(f"need draws and parameters, got {n_draws} of {distributions}")
    random = check_random_state(random_state)
    draws: list[dict[str, Any]] = [{} for _ in range(n_draws)]
    for draw in draws:
        for name, values in sorted(distributions.items()):
            if hasattr(values, "rvs"):
                draw[name] = values.rvs(random_state=random)
            elif isinstance(values, (list, tuple, np.ndarray)) and len(values):
                draw[name] = values[random.randint(len(values))]
            else:
                raise ValueError(f"{name} must be a list or have rvs, got {values!r}")
    return draws


def _as_results(candidates: list, scores: np.ndarray) -> dict[str, Any]:
    """The table ``cv_results_`` for scores of shape (n_candidates, n_splits)."""
    if not np.isfinite(scores).all():
        raise ValueError("a score is not finite: the candidates cannot be ranked")
    mean = scores.mean(axis=1)
    table: dict[str, Any] = {"params": candidates, "mean_test_score": mean}
    table["std_test_score"] = scores.std(axis=1)
    table["rank_test_score"] = stats.rankdata(-mean, method="min").astype(int)
    return table | {f"split{k}_test_score": column for k, column in enumerate(scores.T)}


class RandomizedSearchCV(_Search):
    """Choose among randomly drawn parameters by cross-validation.

    Parameters
    ----------
    estimator : estimator
        Everything that learns from data, so that it is fitted anew in each fold.
    param_distributions : dict of str to list or distribution
        Names as in ``estimator.get_params``, so ``step__parameter`` inside a pipeline.
    n_iter : int
        Number of candidates.
    scoring, cv
        As in ``cross_validate``.
    random_state : int, RandomState or None

    Attributes
    ----------
    best_params_, best_score_, best_estimator_, best_index_, cv_results_
        ``best_score_`` is the maximum of noisy scores: too good, by
        equation eq-selection-curse.
    """

    def __init__(
        self,
        estimator: Any,
        param_distributions: dict[str, Any],
        *,
        n_iter: int = 10,
        scoring: Any = None,
        cv: Any = 5,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.scoring = scoring
        self.cv = cv
        self.random_state = random_state

    def _score_candidates(self, X: Any, y: Any, groups: Any) -> dict[str, Any]:
        drawn = sample_parameters(self.param_distributions, self.n_iter, self.random_state)
        splits = self._splits(X, y, groups)
        return _as_results(drawn, self._cross_validated(drawn, X, y, splits))


def nested_cross_validate(
    search: Any, X: Any, y: Any = None, *, groups: Any = None, cv: Any = 5
) -> dict[str, Any]:
    """Judge a whole search: it chooses anew on each outer training set.

    Returns
    -------
    dict
        What ``cross_validate`` returns, with "inner_score" of shape (k,), the best
        score that each search saw, and "best_params", a list of k.
    """
    args = {"groups": groups, "cv": cv, "return_estimator": True}
    result = cross_validate(search, X, y, **args)
    searches = result.pop("estimator")
    result["inner_score"] = np.array([model.best_score_ for model in searches])
    return result | {"best_params": [model.best_params_ for model in searches]}


def _mixed(rows: np.ndarray, labels: Any, random: Any) -> np.ndarray:
    """Shuffle rows; with labels, every prefix has each class in its share."""
    rows = random.permutation(rows)
    if labels is None:
        return rows
    _, label = np.unique(np.asarray(take_rows(labels, rows)), return_inverse=True)
    by_class = np.argsort(label.ravel(), kind="stable")
    sizes = np.bincount(label.ravel())
    within = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = np.empty(len(rows))
    place[by_class] = (within + 0.5) / sizes[label.ravel()[by_class]]
    return rows[np.argsort(place, kind="stable")]


class HalvingRandomSearchCV(_Search):
    """Choose among random parameters, dropping most of them on few rows.

    Parameters
    ----------
    estimator, param_distributions, scoring, cv, random_state
        As for ``RandomizedSearchCV``.
    n_candidates : int
        On the first rung.
    factor : int
        Each rung keeps one candidate in ``factor``, on ``factor`` times the rows.
    min_resources : int
        Rows of the first rung, at least; there are fewer rungs where it demands it.

    Attributes
    ----------
    n_resources_, n_candidates_ : list of int
        Rows and candidates of each rung.
    cv_results_, best_params_, best_score_, best_estimator_
        As for ``RandomizedSearchCV``; of each candidate its last rung, "iter".

    References
    ----------
    Jamieson and Talwalkar (2016), algorithm 1.
    """

    def __init__(
        self,
        estimator: Any,
        param_distributions: dict[str, Any],
        *,
        n_candidates: int = 27,
        factor: int = 3,
        min_resources: int = 30,
        scoring: Any = None,
        cv: Any = 5,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.n_candidates = n_candidates
        self.factor = factor
        self.min_resources = min_resources
        self.scoring = scoring
        self.cv = cv
        self.random_state = random_state

    def _score_candidates(self, X: Any, y: Any, groups: Any) -> dict[str, Any]:
        if self.factor < 2 or self.min_resources < 1:
            found = f"factor={self.factor}, min_resources={self.min_resources}"
            raise ValueError(f"need factor >= 2 and min_resources >= 1, got {found}")
        random = check_random_state(self.random_state)
        drawn = sample_parameters(self.param_distributions, self.n_candidates, random)
        splits = self._splits(X, y, groups)
        labels = y if is_classifier(self.estimator) else None
        mixed = [(_mixed(train, labels, random), test) for train, test in splits]
        n_rows = min(len(train) for train, _ in splits)
        rungs = 1
        while self.factor**rungs <= self.n_candidates and n_rows // self.factor**rungs >= self.min_resources:
            rungs += 1
        alive, last = np.arange(len(drawn)), np.zeros(len(drawn), dtype=int)
        scores = np.empty((len(drawn), len(splits)))
        self.n_resources_, self.n_candidates_ = [], []
        for rung in range(rungs):
            size = n_rows // self.factor ** (rungs - 1 - rung)
            short = [(t[:size] if rung < rungs - 1 else t, test) for t, test in mixed]
            chosen = [drawn[k] for k in alive]
            scores[alive], last[alive] = (
                self._cross_validated(chosen, X, y, short),
                rung,
            )
            self.n_resources_.append(size)
            self.n_candidates_.append(len(alive))
            ranked = alive[np.argsort(-scores[alive].mean(axis=1), kind="stable")]
            alive = ranked[: max(1, len(ranked) // self.factor)]
        table = _as_results(drawn, scores)
        by_rung = np.lexsort([-table["mean_test_score"], -last])  # last rung first
        table["rank_test_score"] = np.argsort(by_rung) + 1
        return table | {"iter": last}


def _label_numbers(y: Any, n_samples: int) -> np.ndarray:
    """Labels as numbers: two words become 0 and 1."""
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    target = np.asarray(y).ravel()
    if target.dtype.kind not in "biuf":
        type_of_target(target, raise_unknown=True)
        names, target = np.unique(target, return_inverse=True)
        if len(names) > 2:
            raise ValueError(f"two classes or numbers, got {len(names)}")
    if len(target) != n_samples or not np.isfinite(target.astype(float)).all():
        raise ValueError(f"y must hold {n_samples} finite numbers, no NaN or inf")
    return target.astype(float)


class TargetEncoder(TransformerMixin, BaseEstimator):
    """Replace categories by shrunken means of the label, cross-fitted in training.

    Parameters
    ----------
    smooth : float
        How many average rows are added to each category, not negative.
    cv : int or splitter
        Folds of ``fit_transform``; a number means unshuffled folds, stratified for
        two classes.

    Attributes
    ----------
    encodings_ : list of pandas.Series
        For each column the code of each category; missing values are a category.
    target_mean_ : float
        The code of a category that was not there.

    References
    ----------
    Equation eq-selection-encoding of the page.
    """

    def __init__(self, smooth: float = 2.0, cv: Any = 5) -> None:
        self.smooth = smooth
        self.cv = cv

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.categorical = tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags

    def _columns(self, X: Any, reset: bool) -> list[pd.Series]:
        frame = X if isinstance(X, pd.DataFrame) else None
        options = {"dtype": None, "ensure_all_finite": "allow-nan", "reset": reset}
        if frame is not None:
            validate_data(self, X, skip_check_array=True, reset=reset)
            return [frame.iloc[:, j].astype(object) for j in range(frame.shape[1])]
        table = validate_data(self, X, **options)
        return [pd.Series(table[:, j]).astype(object) for j in range(table.shape[1])]

    def _learn(self, column: pd.Series, target: np.ndarray) -> pd.Series:
        code, names = pd.factorize(column, use_na_sentinel=False)
        sums, counts = np.bincount(code, weights=target), np.bincount(code)
        mean = (sums + self.smooth * target.mean()) / (counts + self.smooth)
        return pd.Series(mean, index=pd.Index(names, dtype=object))

    def _encode(self, columns: list, encodings: list, unknown: float) -> np.ndarray:
        pairs = zip(columns, encodings)
        return np.column_stack([c.map(e).astype(float).fillna(unknown) for c, e in pairs])

    def fit(self, X: Any, y: Any = None) -> "TargetEncoder":
        """Learn the codes from all rows."""
        if not self.smooth >= 0:
            raise ValueError(f"smooth must not be negative, got {self.smooth}")
        columns = self._columns(X, reset=True)
        target = _label_numbers(y, len(columns[0]))
        self.target_mean_ = float(target.mean())
        self.encodings_ = [self._learn(column, target) for column in columns]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Codes of shape (n, d), from all training rows: for rows not in training."""
        check_is_fitted(self)
        columns = self._columns(X, reset=False)
        return self._encode(columns, self.encodings_, self.target_mean_)

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> np.ndarray:
        """Learn the codes, and encode each fold by the labels of the others."""
        self.fit(X, y)
        columns = self._columns(X, reset=False)
        target = _label_numbers(y, len(columns[0]))
        two = type_of_target(target) == "binary"
        codes = np.empty((len(target), len(columns)))
        for train, test in splits_of(self.cv, codes, target, classifier=two):
            known = [self._learn(c.iloc[train], target[train]) for c in columns]
            parts = [c.iloc[test] for c in columns]
            codes[test] = self._encode(parts, known, target[train].mean())
        return codes


def permutation_importance(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    n_repeats: int = 5,
    scoring: Any = None,
    random_state: Any = None,
) -> np.ndarray:
    """Loss of score when a column is shuffled, equation eq-selection-importance.

    Parameters
    ----------
    model : fitted estimator
    X : array_like of shape (n, d)
        Rows that the model was not trained on.
    y : array_like of shape (n,)
    n_repeats : int
        Permutations; the same for every column.
    scoring : str, callable or None
        As in ``cross_validate``.
    random_state : int, RandomState or None

    Returns
    -------
    ndarray of shape (d, n_repeats)

    Raises
    ------
    ValueError
        If X is not a table with as many rows as y, or n_repeats < 1.
    """
    table, score = np.array(X, dtype=float), get_scorer(scoring)
    if table.ndim != 2 or len(table) != len(np.asarray(y)) or n_repeats < 1:
        raise ValueError(
            f"need X (n, d), y (n,) and n_repeats >= 1, got {table.shape}, {np.shape(y)}, {n_repeats}"
        )
    random = check_random_state(check_random_state(random_state).randint(2**31))
    shuffled = np.arange(len(table))
    orders = [np.arange(len(table))]
    for _ in range(n_repeats):
        random.shuffle(shuffled)
        orders.append(orders[-1][shuffled])  # shuffle what is shuffled
    whole, importances = score(model, table, y), np.empty((table.shape[1], n_repeats))
    for j in range(table.shape[1]):
        kept = table[:, j].copy()
        for k, permutation in enumerate(orders[1:]):
            table[:, j] = kept[permutation]
            importances[j, k] = whole - score(model, table, y)
        table[:, j] = kept
    return importances


def partial_dependence(
    predict: Callable[[np.ndarray], np.ndarray],
    X: ArrayLike,
    column: int,
    grid: ArrayLike,
) -> np.ndarray:
    """What a model says when one column is set, row by row.

    Parameters
    ----------
    predict : callable
        From (n, d) to (n,), for example ``model.predict``.
    X : array_like of shape (n, d)
    column : int
    grid : array_like of shape (m,)
        The values to set.

    Returns
    -------
    ndarray of shape (n, m)
        One curve for each row; their mean over rows is equation
        eq-selection-dependence.

    Raises
    ------
    ValueError
        If X is not a table, the column does not exist, or a grid value is not finite.
    """
    table, values = np.array(X, dtype=float), np.asarray(grid, dtype=float)
    if table.ndim != 2 or not -table.shape[1] <= column < table.shape[1]:
        raise ValueError(f"no column {column} in a table of shape {table.shape}")
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("the grid must be a list of finite numbers")
    curves = np.empty((len(table), len(values)))
    for k, value in enumerate(values):
        table[:, column] = value
        curves[:, k] = predict(table)
    return curves


def shapley_values(
    predict: Callable[[np.ndarray], np.ndarray], X: ArrayLike, background: ArrayLike
) -> np.ndarray:
    """Exact Shapley values of predictions, over all 2**d coalitions of columns.

    Parameters
    ----------
    predict : callable
        From (n, d) to (n,).
    X : array_like of shape (n, d)
        Rows to explain; d is 12 at most.
    background : array_like of shape (m, d)
        Rows that stand in for columns that are not known.

    Returns
    -------
    ndarray of shape (n, d)
        Row sums are the predictions minus the mean prediction of the background.

    Raises
    ------
    ValueError
        If the tables do not fit, are empty, or have more than 12 columns.

    References
    ----------
    Equation eq-selection-shapley of the page; Lundberg & Lee (2017).
    """
    rows, others = np.asarray(X, dtype=float), np.asarray(background, dtype=float)
    if rows.ndim != 2 or others.ndim != 2 or rows.shape[1] != others.shape[1]:
        raise ValueError(f"need (n, d) and (m, d), got {rows.shape}, {others.shape}")
    d = rows.shape[1]
    if not 1 <= d <= 12 or not len(others):
        raise ValueError(f"need 1 to 12 columns and a background, got {d}, {len(others)}")
    known = (np.arange(2**d)[:, None] >> np.arange(d)) & 1 == 1  # (2**d, d)
    size = known.sum(axis=1)
    orders = [math.factorial(k) * math.factorial(d - k - 1) for k in range(d)]
    share = np.array([*orders, 0.0]) / math.factorial(d)
    phi = np.zeros(rows.shape)
    for i, row in enumerate(rows):
        mixed = np.where(known[:, None, :], row, others)  # (2**d, m, d)
        worth = np.asarray(predict(mixed.reshape(-1, d))).reshape(2**d, -1).mean(axis=1)
        for j in range(d):
            without = np.flatnonzero(~known[:, j])
            gain = worth[without + 2**j] - worth[without]
            phi[i, j] = share[size[without]] @ gain
    return phi


# seal: 2e933beaa0172a99
