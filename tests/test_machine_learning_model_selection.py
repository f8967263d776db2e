"""Model selection: scikit-learn as the oracle, axioms of Shapley values, searches on nasty tables."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.inspection
import sklearn.model_selection
import sklearn.preprocessing
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from journey.machine_learning.model_selection import (
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    TargetEncoder,
    nested_cross_validate,
    partial_dependence,
    permutation_importance,
    sample_parameters,
    shapley_values,
)

quick = settings(deadline=None, derandomize=True, max_examples=25)
ridge = {"alpha": [0.1, 1.0]}


def expected(estimator):
    if not isinstance(estimator, TargetEncoder):
        return {}
    reason = "in training, a row is encoded without its own label"
    return dict.fromkeys(("check_transformer_general", "check_transformer_data_not_an_array"), reason)


@parametrize_with_checks(
    [
        RandomizedSearchCV(Ridge(), ridge, n_iter=2, cv=2, random_state=0),
        RandomizedSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, n_iter=2, cv=2, random_state=0),
        HalvingRandomSearchCV(Ridge(), ridge, n_candidates=3, cv=2, random_state=0),
        TargetEncoder(),
    ],
    expected_failed_checks=expected,
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_contract(estimator, check):
    check(estimator)


def table(seed, n=60, d=4):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, X @ np.arange(d) + np.sin(3 * X[:, 0]) + 0.1 * rng.normal(size=n)


# Searches


def test_draws_follow_their_distributions():
    spec = {"a": [1, 2, 3], "b": stats.loguniform(1e-3, 1e3), "c": stats.randint(2, 5)}
    draws = sample_parameters(spec, 3000, 0)
    assert draws == sample_parameters(spec, 3000, 0) != sample_parameters(spec, 3000, 1)
    share = np.bincount([d["a"] for d in draws])[1:] / 3000
    np.testing.assert_allclose(share, 1 / 3, atol=0.04)
    logs = np.log10([d["b"] for d in draws])
    assert stats.kstest(logs, stats.uniform(-3, 6).cdf).pvalue > 1e-3
    assert {d["c"] for d in draws} == {2, 3, 4}


@pytest.mark.parametrize("bad", [({}, 3), ({"a": [1]}, 0), ({"a": []}, 2), ({"a": 7}, 2)])
def test_draws_refuse(bad):
    with pytest.raises(ValueError, match=r"need draws|must be a list"):
        sample_parameters(*bad)


@quick
@given(st.integers(0, 1000), st.integers(2, 6))
def test_search_equals_grid_search_on_its_candidates(seed, k):
    X, y = table(seed)
    ours = RandomizedSearchCV(
        Ridge(), {"alpha": stats.loguniform(1e-3, 1e3)}, n_iter=5, cv=k, random_state=seed
    )
    ours.fit(X, y)
    listed = [{"alpha": [p["alpha"]]} for p in ours.cv_results_["params"]]
    theirs = sklearn.model_selection.GridSearchCV(Ridge(), listed, cv=k).fit(X, y)
    for column in ("mean_test_score", "std_test_score", "rank_test_score"):
        np.testing.assert_allclose(ours.cv_results_[column], theirs.cv_results_[column], atol=1e-12)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X))
    assert ours.best_score_ == ours.cv_results_["mean_test_score"].max()


@quick
@given(st.integers(0, 1000), st.integers(2, 30), st.integers(2, 4))
def test_halving_keeps_its_account(seed, n_candidates, factor):
    X, y = table(seed, n=90)
    search = HalvingRandomSearchCV(
        Ridge(),
        {"alpha": stats.loguniform(1e-3, 1e3)},
        n_candidates=n_candidates,
        factor=factor,
        cv=3,
        min_resources=5,
    )
    search.set_params(random_state=seed).fit(X, y)
    counts, rows = search.n_candidates_, search.n_resources_
    assert counts[0] == n_candidates and rows[-1] == 60  # noqa: PT018
    assert all(b == max(1, a // factor) for a, b in itertools.pairwise(counts))
    assert all(a < b for a, b in itertools.pairwise(rows))
    last = search.cv_results_["iter"]
    assert last[search.best_index_] == last.max()
    assert [int((last >= k).sum()) for k in range(len(counts))] == counts


def test_halving_with_one_rung_is_a_random_search():
    X, y = table(0)
    options = {"cv": 3, "random_state": 4}
    halving = HalvingRandomSearchCV(Ridge(), ridge, n_candidates=4, min_resources=10**6, **options).fit(X, y)
    assert halving.n_candidates_ == [4]
    assert (
        halving.best_params_ == RandomizedSearchCV(Ridge(), ridge, n_iter=4, **options).fit(X, y).best_params_
    )


@pytest.mark.parametrize("bad", [{"factor": 1}, {"min_resources": 0}, {"n_candidates": 0}])
def test_halving_refuses(bad):
    X, y = table(0)
    with pytest.raises(ValueError, match=r"need factor|need draws"):
        HalvingRandomSearchCV(Ridge(), ridge, **bad).fit(X, y)


def test_searches_speak_for_their_model():
    X, y = table(1)
    words = np.where(y > 0, "yes", "no")
    search = RandomizedSearchCV(
        KNeighborsClassifier(), {"n_neighbors": [1, 5]}, n_iter=4, cv=3, random_state=0
    )
    search.fit(pd.DataFrame(X, columns=list("abcd")), words)
    assert list(search.classes_) == ["no", "yes"]
    assert list(search.feature_names_in_) == list("abcd")
    assert search.predict_proba(pd.DataFrame(X, columns=list("abcd"))).shape == (60, 2)
    assert not hasattr(search, "decision_function")  # its model has none
    with pytest.raises(ValueError, match="sparse"):
        search.fit(scipy.sparse.csr_matrix(X), words)


def test_a_pipeline_is_searched_through():
    X, y = table(2)
    pipe = make_pipeline(StandardScaler(), KNeighborsRegressor())
    search = RandomizedSearchCV(
        pipe, {"kneighborsregressor__n_neighbors": [3, 40]}, n_iter=6, cv=3, random_state=0
    )
    assert search.fit(X, y).best_params_ == {"kneighborsregressor__n_neighbors": 3}


def test_a_score_that_is_not_finite_is_refused():
    X, y = table(3)
    search = RandomizedSearchCV(Ridge(), ridge, n_iter=2, cv=2, scoring=lambda *_: np.nan, random_state=0)
    with pytest.raises(ValueError, match="finite"):
        search.fit(X, y)


def test_nested_scores_are_those_of_an_outer_loop_by_hand():
    X, y = table(5)
    search = RandomizedSearchCV(Ridge(), {"alpha": [1e-3, 1e3]}, n_iter=4, cv=3, random_state=0)
    nested = nested_cross_validate(search, X, y, cv=3)
    theirs = sklearn.model_selection.cross_val_score(search, X, y, cv=3)
    np.testing.assert_allclose(nested["test_score"], theirs)
    assert len(nested["best_params"]) == 3
    assert nested["inner_score"].shape == (3,)


# Target encoding


@quick
@given(st.integers(0, 1000), st.floats(0, 20), st.integers(2, 8))
def test_encoder_equals_sklearn(seed, smooth, n_categories):
    rng = np.random.default_rng(seed)
    X = rng.integers(n_categories, size=(50, 2)).astype(str)
    X = pd.DataFrame(X, columns=["a", "b"])
    y = rng.normal(size=50)
    smooth = max(smooth, 1e-3)
    theirs = sklearn.preprocessing.TargetEncoder(smooth=smooth, cv=sklearn.model_selection.KFold(5))
    ours = TargetEncoder(smooth=smooth)
    np.testing.assert_allclose(ours.fit_transform(X, y), theirs.fit_transform(X, y), atol=1e-12)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-12)


def test_encoder_with_missing_and_unknown_words():
    X = pd.DataFrame({"w": ["a", "a", None, None, "b"]})
    y = np.array([1.0, 3, 5, 7, 9])
    encoder = TargetEncoder(smooth=0).fit(X, y)
    codes = encoder.transform(pd.DataFrame({"w": ["a", None, "b", "new"]}))
    np.testing.assert_allclose(codes[:, 0], [2, 6, 9, 5])


def test_a_label_does_not_encode_its_own_row():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"w": [str(k) for k in range(40)]})  # every category once
    y = rng.normal(size=40)
    encoder = TargetEncoder(smooth=0.5)
    trusting = encoder.fit(X, y).transform(X)[:, 0]
    assert np.corrcoef(trusting, y)[0, 1] > 0.99
    assert abs(np.corrcoef(encoder.fit_transform(X, y)[:, 0], y)[0, 1]) < 0.9


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y"),
        ([1.0, np.nan, 2], "finite"),
        (["a", "b", "c"], "two classes"),
        ([1.0, 2], "3 finite"),
    ],
)
def test_encoder_refuses(y, message):
    with pytest.raises(ValueError, match=message):
        TargetEncoder().fit(pd.DataFrame({"w": list("abc")}), y)
    with pytest.raises(ValueError, match="smooth"):
        TargetEncoder(smooth=-1).fit(pd.DataFrame({"w": list("abc")}), [1.0, 2, 3])


# Inspection


@quick
@given(st.integers(0, 1000), st.integers(1, 4))
def test_importance_equals_sklearn(seed, n_repeats):
    X, y = table(seed)
    model = DecisionTreeRegressor(max_depth=4, random_state=0).fit(X, y)
    options = {"n_repeats": n_repeats, "random_state": seed}
    ours = permutation_importance(model, X, y, **options)
    theirs = sklearn.inspection.permutation_importance(model, X, y, **options)
    np.testing.assert_allclose(ours, theirs.importances, atol=1e-12)


def test_importance_of_what_is_not_used_is_zero_and_the_table_is_kept():
    X, y = table(0)
    model = LinearRegression().fit(X * [1, 1, 1, 0], y)
    before = X.copy()
    before.flags.writeable = False
    parts = permutation_importance(model, before, y, random_state=0)
    np.testing.assert_allclose(parts[3], 0, atol=1e-12)
    np.testing.assert_array_equal(before, X)


@quick
@given(st.integers(0, 1000), st.integers(0, 3))
def test_dependence_equals_sklearn(seed, column):
    X, y = table(seed)
    model = DecisionTreeRegressor(max_depth=4, random_state=0).fit(X, y)
    grid = np.linspace(-2, 2, 9)
    theirs = sklearn.inspection.partial_dependence(
        model, X, [column], custom_values={column: grid}, method="brute", kind="both"
    )
    ours = partial_dependence(model.predict, X, column, grid)
    np.testing.assert_allclose(ours, theirs["individual"][0], atol=1e-12)
    np.testing.assert_allclose(ours.mean(axis=0), theirs["average"][0], atol=1e-12)


def permutation_definition(predict, x, background):
    """Shapley values from all orders of joining: slow and obviously right."""
    d = len(x)
    phi = np.zeros(d)
    for order in itertools.permutations(range(d)):
        mixed = background.copy()
        before = predict(mixed).mean()
        for j in order:
            mixed[:, j] = x[j]
            after = predict(mixed).mean()
            phi[j] += after - before
            before = after
    return phi / math.factorial(d)


@quick
@given(st.integers(0, 1000), st.integers(1, 4), st.integers(1, 5))
def test_shapley_equals_its_definition(seed, d, m):
    rng = np.random.default_rng(seed)
    A, b = rng.normal(size=(d, 3)), rng.normal(size=3)

    def predict(table):
        return np.tanh(table @ A + b).prod(axis=1)

    X, background = rng.normal(size=(2, d)), rng.normal(size=(m, d))
    phi = shapley_values(predict, X, background)
    np.testing.assert_allclose(phi[1], permutation_definition(predict, X[1], background), atol=1e-12)
    np.testing.assert_allclose(phi.sum(axis=1), predict(X) - predict(background).mean(), atol=1e-12)


@quick
@given(st.integers(0, 1000))
def test_shapley_axioms(seed):
    rng = np.random.default_rng(seed)
    X, background = rng.normal(size=(3, 4)), rng.normal(size=(6, 4))

    def f(table):
        return table[:, 0] * table[:, 1] + np.sin(table[:, 2])

    def g(table):
        return table[:, 1] ** 2

    phi = shapley_values(f, X, background)
    np.testing.assert_allclose(phi[:, 3], 0, atol=1e-12)  # a dummy
    both = shapley_values(lambda t: 2 * f(t) - g(t), X, background)
    np.testing.assert_allclose(both, 2 * phi - shapley_values(g, X, background), atol=1e-12)
    same = X.copy()
    same[:, 1] = same[:, 0]
    mirrored = background.copy()
    mirrored[:, 1] = mirrored[:, 0]
    pair = shapley_values(lambda t: t[:, 0] * t[:, 1], same, mirrored)
    np.testing.assert_allclose(pair[:, 0], pair[:, 1], atol=1e-12)  # symmetry


def test_inspection_refuses():
    X, y = table(0)
    model = LinearRegression().fit(X, y)
    for call in (
        lambda: permutation_importance(model, X, y[:5]),
        lambda: permutation_importance(model, X, y, n_repeats=0),
        lambda: partial_dependence(model.predict, X, 4, [0.0]),
        lambda: partial_dependence(model.predict, X, 0, [np.nan]),
        lambda: partial_dependence(model.predict, X[:, 0], 0, [0.0]),
        lambda: shapley_values(model.predict, X[0], X),
        lambda: shapley_values(model.predict, X, X[:0]),
        lambda: shapley_values(model.predict, np.zeros((1, 13)), np.zeros((1, 13))),
    ):
        with pytest.raises(ValueError, match=r"need|column|grid"):
            call()
