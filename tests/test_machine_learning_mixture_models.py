"""GaussianMixture: its law (no step goes down), scikit-learn as the oracle, and data that break it."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.mixture
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from journey.machine_learning.mixture_models import GaussianMixture, bic, n_parameters, sample

KINDS = ("full", "tied", "diag", "spherical")
quick = settings(deadline=None, derandomize=True, max_examples=25)
seeds = st.integers(0, 10_000)


@parametrize_with_checks([GaussianMixture(), GaussianMixture(2, covariance_type="diag", random_state=0)])
def test_contract(estimator, check):
    check(estimator)


def blobs(seed, n=60, d=3, spread=3.0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(scale=spread, size=(3, d))
    return centres[rng.integers(3, size=n)] + rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) / 2


def fit(X, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianMixture(*args, random_state=0, **options).fit(X)


@quick
@given(seeds, st.sampled_from(KINDS), st.integers(1, 4))
def test_no_step_lowers_the_likelihood(seed, kind, K):
    model = fit(blobs(seed), K, covariance_type=kind, tol=0, max_iter=40, reg_covar=1e-9)
    assert np.diff(model.log_likelihoods_).min() > -1e-7


@quick
@given(seeds, st.sampled_from(KINDS))
def test_equals_sklearn_from_the_same_parameters(seed, kind):
    X = blobs(seed)
    ours = fit(X, 3, covariance_type=kind, tol=0, max_iter=1)
    C = ours.covariances_
    precisions = np.linalg.inv(C) if kind in ("full", "tied") else 1 / C
    theirs = sklearn.mixture.GaussianMixture(
        3,
        covariance_type=kind,
        tol=0,
        max_iter=5,
        weights_init=ours.weights_,
        means_init=ours.means_,
        precisions_init=precisions,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(X)
    ours = fit(X, 3, covariance_type=kind, tol=0, max_iter=6)
    np.testing.assert_allclose(ours.means_, theirs.means_, atol=1e-6)
    np.testing.assert_allclose(ours.covariances_, theirs.covariances_, atol=1e-6)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), atol=1e-6)
    assert bic(ours, X) == pytest.approx(theirs.bic(X), rel=1e-8)
    assert n_parameters(ours) == theirs._n_parameters()


@quick
@given(seeds)
def test_one_component_is_maximum_likelihood(seed):
    X = blobs(seed)
    model = fit(X, 1, reg_covar=0)
    np.testing.assert_allclose(model.means_[0], X.mean(axis=0))
    np.testing.assert_allclose(model.covariances_[0], np.cov(X.T, bias=True), atol=1e-12)
    expected = multivariate_normal(X.mean(axis=0), np.cov(X.T, bias=True)).logpdf(X)
    np.testing.assert_allclose(model.score_samples(X), expected, rtol=1e-8)


@quick
@given(seeds, st.floats(-6, 6))
def test_an_affine_map_changes_no_membership(seed, exponent):
    X = blobs(seed, n=240)
    A = np.random.default_rng(seed + 1).normal(size=(3, 3)) + 3 * np.eye(3)
    moved = (X @ A + 5) * 10**exponent
    before, after = (fit(Z, 3, reg_covar=0, n_init=1, tol=1e-9, max_iter=25) for Z in (X, moved))
    np.testing.assert_allclose(before.predict_proba(X), after.predict_proba(moved), atol=1e-4)


@quick
@given(seeds, st.sampled_from(KINDS))
def test_responsibilities_are_probabilities_far_out_too(seed, kind):
    X = blobs(seed)
    model = fit(X, 3, covariance_type=kind)
    far = np.vstack([X, [[1e8] * 3, [-1e8, 0, 1e8]]])
    r = model.predict_proba(far)
    assert np.isfinite(r).all()
    np.testing.assert_allclose(r.sum(axis=1), 1)
    assert (r.argmax(axis=1) == model.predict(far)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_samples_follow_the_fit(kind):
    model = fit(blobs(3), 3, covariance_type=kind)
    rows, labels = sample(model, 40_000, random_state=0)
    np.testing.assert_allclose(np.bincount(labels, minlength=3) / 40_000, model.weights_, atol=0.015)
    for k in range(3):
        scale = rows[labels == k].std(axis=0)
        np.testing.assert_allclose(rows[labels == k].mean(axis=0), model.means_[k], atol=0.1 * scale.max())
    assert model.score(rows) == pytest.approx(model.score(sample(model, 40_000, random_state=1)[0]), abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_degenerate_data_stay_finite_with_a_floor(kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    for X in (
        np.column_stack([x, np.ones(40)]),  # a constant column
        np.column_stack([x, x[:, 0]]),  # collinear columns
        np.repeat(x[:4], 10, axis=0),  # duplicated rows
        np.ones((40, 2)),  # one point
        x * 1e6 + 1e9,  # huge
    ):
        model = fit(X, 2, covariance_type=kind, reg_covar=1e-3)
        assert np.isfinite(model.predict_proba(X)).all()
        assert np.isfinite(model.score(X))


def test_a_collapse_is_named_and_other_starts_are_tried():
    x = np.r_[np.zeros(5), np.linspace(1, 2, 30)][:, None]  # five equal rows
    with pytest.raises(ValueError, match=r"collapsed.*reg_covar"):
        GaussianMixture(2, means_init=[[0.0], [1.5]], reg_covar=0).fit(x)
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(60, 2)), np.zeros((3, 2)) + 9])
    model = fit(X, 2, reg_covar=0, n_init=30, covariance_type="tied")
    assert np.isfinite(model.score(X))


def test_more_starts_are_never_worse():
    X = blobs(5, n=120)
    one, ten = (fit(X, 4, n_init=n).log_likelihoods_[-1] for n in (1, 10))
    assert ten >= one


def test_memory_layout_and_tables_do_not_matter():
    X = blobs(1)
    expected = fit(X, 3).means_
    frozen = np.asfortranarray(X)
    frozen.flags.writeable = False
    np.testing.assert_allclose(fit(frozen, 3).means_, expected, rtol=1e-9)
    np.testing.assert_allclose(fit(np.repeat(X, 2, axis=1)[:, ::2], 3).means_, expected, rtol=1e-9)
    table = pd.DataFrame(X, columns=["a", "b", "c"])
    model = fit(table, 3)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(model.means_, expected)


def test_works_inside_a_grid_search():
    X = blobs(2, n=90)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), GaussianMixture(random_state=0, reg_covar=1e-2)),
        {"gaussianmixture__n_components": [1, 2, 3]},
        cv=3,
    ).fit(X)
    assert search.best_params_["gaussianmixture__n_components"] in (2, 3)


def test_does_not_converge_says_so():
    with pytest.warns(ConvergenceWarning, match="max_iter or tol"):
        GaussianMixture(3, max_iter=2, tol=0, random_state=0).fit(blobs(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariance_type": "round"}, "covariance_type must be one of"),
        ({"n_components": 0}, "n_components"),
        ({"n_components": 99}, "as many rows"),
        ({"max_iter": 0}, "max_iter"),
        ({"n_init": 0}, "n_init"),
        ({"reg_covar": -1.0}, "reg_covar"),
        ({"tol": float("nan")}, "tol"),
        ({"n_components": 2, "means_init": [[0.0, 0.0]]}, r"means_init must have shape \(2, 3\)"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture(**options).fit(blobs(0))


def test_refuses_to_sample_before_the_fit():
    with pytest.raises(NotFittedError):
        sample(GaussianMixture(), 3)
    with pytest.raises(ValueError, match="n_samples"):
        sample(fit(blobs(0)), 0)
