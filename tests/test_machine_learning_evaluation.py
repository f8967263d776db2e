"""`journey.machine_learning.evaluation`: equal to scikit-learn, laws, degenerate input, refusals."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.calibration
import sklearn.metrics as reference
import sklearn.model_selection
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from statsmodels.stats.contingency_tables import mcnemar

from journey.machine_learning import evaluation as ours

few = settings(deadline=None, derandomize=True, max_examples=50)
seeds = st.integers(0, 10_000)
EXACT = {"rtol": 0, "atol": 1e-12}
NAMES = [np.array(["b", "a", "e", "d"]), np.array([7, -1, 1000, 3]), np.array([True, False])]


def decisions(seed):
    rng = np.random.default_rng(seed)
    n, names = int(rng.integers(1, 50)), NAMES[seed % 3]
    K = int(rng.integers(1, len(names) + 1))
    weight = [None, rng.integers(0, 3, n) + np.eye(n, dtype=int)[0], rng.random(n) * 1e6 + 1e-9][
        seed // 3 % 3
    ]
    return names[rng.integers(0, K, n)], names[rng.integers(0, len(names), n)], weight


def scores(seed, n_classes=2):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 80))
    true = np.append(np.arange(n_classes), rng.integers(0, n_classes, n))
    score = rng.integers(0, rng.integers(1, 100), len(true)) * 10.0 ** rng.integers(-9, 9) - 3
    weight = np.append(np.ones(n_classes), rng.integers(0, 3, n)) if seed % 2 else None
    return true, score, weight


@few
@given(seeds)
@pytest.mark.parametrize("average", [None, "macro", "micro", "weighted"])
def test_decisions_equal_scikit_learn(average, seed):
    true, called, weight = decisions(seed)
    options = {"average": average, "sample_weight": weight, "zero_division": seed % 2}
    for beta in (0, 0.5, 2):
        pair = [
            m.precision_recall_fscore_support(true, called, beta=beta, **options) for m in (ours, reference)
        ]
        for a, b in zip(*pair):
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    for name in ("precision_score", "recall_score", "f1_score"):
        a, b = (getattr(m, name)(true, called, **options) for m in (ours, reference))
        np.testing.assert_allclose(a, b, **EXACT)


@few
@given(seeds)
def test_tables_equal_scikit_learn(seed):
    true, called, weight = decisions(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for normalize in (None, "true", "pred", "all"):
            options = {"normalize": normalize, "sample_weight": weight}
            a, b = (m.confusion_matrix(true, called, **options) for m in (ours, reference))
            np.testing.assert_allclose(a, b, rtol=1e-12)
            assert a.dtype.kind == b.dtype.kind
        labels = np.append(np.unique(true)[::-1][:2], np.unique(called)[:0])
        a, b = (m.confusion_matrix(true, called, labels=labels) for m in (ours, reference))
        np.testing.assert_array_equal(a, b)
        for name in ("accuracy_score", "balanced_accuracy_score"):
            a, b = (getattr(m, name)(true, called, sample_weight=weight) for m in (ours, reference))
            np.testing.assert_allclose(a, b, **EXACT)


@few
@given(seeds)
def test_labels_select_and_order_the_scores(seed):
    true, called, _ = decisions(3 * seed + 1)
    labels = np.array([1000, 7, 55])
    options = {"labels": labels, "average": None, "zero_division": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        a, b = (m.precision_recall_fscore_support(true, called, **options) for m in (ours, reference))
    np.testing.assert_allclose(a[:3], b[:3], **EXACT)
    np.testing.assert_array_equal(a[3], b[3])


@pytest.mark.parametrize("pos_label", ["no", "yes"])
def test_binary_average_reports_the_asked_class(pos_label):
    true, called = ["no", "yes", "yes", "no"], ["yes", "yes", "no", "no"]
    for name in ("precision_score", "recall_score", "f1_score"):
        a, b = (getattr(m, name)(true, called, pos_label=pos_label) for m in (ours, reference))
        assert a == b


def test_zero_over_zero_warns_only_for_what_was_asked():
    with pytest.warns(UndefinedMetricWarning, match="precision"):
        assert ours.precision_score([0, 1], [0, 0]) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ours.recall_score([0, 1], [0, 0]) == 0
        assert ours.precision_score([0, 1], [0, 0], zero_division=1) == 1


@few
@given(seeds)
def test_curves_equal_scikit_learn(seed):
    true, score, weight = scores(seed)
    true = 2 * true - 1 if seed % 3 == 0 else true
    options = {"sample_weight": weight}
    for drop in (True, False):
        for a, b in zip(
            ours.roc_curve(true, score, drop_intermediate=drop, **options),
            reference.roc_curve(true, score, drop_intermediate=drop, **options),
        ):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    for a, b in zip(
        ours.precision_recall_curve(true, score, **options),
        reference.precision_recall_curve(true, score, **options),
    ):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    for name in ("roc_auc_score", "average_precision_score"):
        a, b = (getattr(m, name)(true, score, **options) for m in (ours, reference))
        np.testing.assert_allclose(a, b, **EXACT)


@few
@given(seeds)
def test_auc_counts_pairs_and_is_the_mann_whitney_statistic(seed):
    true, score, _ = scores(2 * seed)
    up, down = score[true == 1], score[true == 0]
    pairs = (np.sign(up[:, None] - down) + 1).mean() / 2
    assert ours.roc_auc_score(true, score) == pytest.approx(pairs, abs=1e-12)
    statistic = stats.mannwhitneyu(up, down).statistic
    assert ours.roc_auc_score(true, score) == pytest.approx(statistic / up.size / down.size, abs=1e-12)


@few
@given(seeds)
def test_a_monotone_map_keeps_the_curve_and_a_sign_mirrors_the_area(seed):
    true, score, _ = scores(seed)
    score = score / np.abs(score).max()
    for a, b in zip(ours.roc_curve(true, score)[:2], ours.roc_curve(true, np.exp(score))[:2]):
        np.testing.assert_array_equal(a, b)
    assert ours.roc_auc_score(true, score) + ours.roc_auc_score(true, -score) == pytest.approx(1)


@few
@given(seeds)
def test_integer_weights_are_repeated_rows(seed):
    true, score, _ = scores(seed)
    times = np.append([1, 1], np.random.default_rng(seed).integers(0, 4, len(true) - 2))
    for metric in (ours.roc_auc_score, ours.average_precision_score):
        repeated = metric(np.repeat(true, times), np.repeat(score, times))
        assert metric(true, score, sample_weight=times) == pytest.approx(repeated, abs=1e-12)


@few
@given(seeds, st.integers(2, 5))
def test_probabilities_equal_scikit_learn(seed, n_classes):
    true, _, weight = scores(seed, n_classes)
    proba = np.random.default_rng(seed).dirichlet(np.full(n_classes, 0.05), len(true))
    a, b = (m.log_loss(true, proba, sample_weight=weight) for m in (ours, reference))
    np.testing.assert_allclose(a, b, rtol=1e-12)
    if n_classes == 2:
        p = proba[:, 1]
        for name in ("log_loss", "brier_score_loss"):
            a, b = (getattr(m, name)(true, p, sample_weight=weight) for m in (ours, reference))
            np.testing.assert_allclose(a, b, rtol=1e-12)
        for strategy in ("uniform", "quantile"):
            options = {"n_bins": 1 + seed % 9, "strategy": strategy}
            a = ours.calibration_curve(true, p, **options)
            b = sklearn.calibration.calibration_curve(true, p, **options)
            np.testing.assert_allclose(a, b, **EXACT)


def test_log_loss_of_certain_errors_and_missing_classes():
    assert ours.log_loss([0, 1], [1.0, 0.0]) == pytest.approx(-np.log(np.finfo(float).eps))
    assert ours.log_loss(["b", "b"], [0.5, 0.25], labels=["a", "b"]) == pytest.approx(np.log(8) / 2)
    with pytest.raises(ValueError, match="labels"):
        ours.log_loss([1, 1], [0.5, 0.25])


@few
@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_the_log_loss_is_proper(belief, said):
    weights = [1 - belief, belief]
    assert ours.log_loss([0, 1], [said] * 2, sample_weight=weights) >= (
        ours.log_loss([0, 1], [belief] * 2, sample_weight=weights) - 1e-12
    )


def test_one_class_only():
    with pytest.warns(UndefinedMetricWarning, match="one class"):
        assert np.isnan(ours.roc_auc_score([1, 1], [0.1, 0.2]))
    with pytest.warns(UndefinedMetricWarning, match="no negative"):
        fpr, tpr, _ = ours.roc_curve([1, 1], [0.1, 0.2])
    assert np.isnan(fpr).all()
    assert tpr[-1] == 1
    with pytest.warns(UndefinedMetricWarning, match="no positive"):
        assert ours.average_precision_score([0, 0], [0.1, 0.2]) == 0
    assert ours.average_precision_score([1], [0.3]) == 1
    assert ours.confusion_matrix(["x"], ["x"]).tolist() == [[1]]


def test_awkward_containers():
    true, score, _ = scores(4)
    expected = ours.roc_auc_score(true, score)
    wide = np.zeros((len(true), 3))
    wide[:, 1] = score
    wide.flags.writeable = False
    for s in (
        wide[:, 1],
        pd.Series(score, index=np.arange(len(score))[::-1]),
        score.tolist(),
        score[:, None],
    ):
        assert ours.roc_auc_score(pd.Series(true), s) == expected
    words = pd.Series(np.where(true, "yes", "no")).astype("category")
    assert ours.accuracy_score(words, words.astype(str)) == 1
    assert ours.accuracy_score(np.array(["a", "b"], dtype=object), ["a", "a"]) == 0.5
    assert not wide.flags.writeable


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ours.accuracy_score([], []), "shape"),
        (lambda: ours.accuracy_score([0, 1], [0]), "lengths"),
        (lambda: ours.accuracy_score([0, 1], [0.2, 0.7]), "fractions"),
        (lambda: ours.accuracy_score([0, 1], ["0", "1"]), "mix"),
        (lambda: ours.accuracy_score(["a", None], ["a", "b"]), "NaN"),
        (lambda: ours.accuracy_score(sparse.eye(3), [0, 1, 1]), "shape"),
        (lambda: ours.accuracy_score([0, 1], [0, 1], sample_weight=[-1, 1]), "weight"),
        (lambda: ours.accuracy_score([0, 1], [0, 1], sample_weight=[0, 0]), "weight"),
        (lambda: ours.confusion_matrix([0, 1], [0, 1], labels=[5]), "labels"),
        (lambda: ours.confusion_matrix([0, 1], [0, 1], labels=[1, 1]), "repeat"),
        (lambda: ours.confusion_matrix([0, 1], [0, 1], normalize="rows"), "normalize"),
        (lambda: ours.f1_score([0, 1, 2], [0, 1, 2]), "average"),
        (lambda: ours.f1_score(["a", "b"], ["a", "b"]), "pos_label"),
        (lambda: ours.f1_score([0, 1], [0, 1], average="mean"), "average"),
        (lambda: ours.f1_score([0, 1], [0, 1], zero_division=0.5), "zero_division"),
        (lambda: ours.precision_recall_fscore_support([0, 1], [0, 1], beta=-1), "beta"),
        (lambda: ours.roc_auc_score([0, 1, 2], [0.1, 0.2, 0.3]), "two classes"),
        (lambda: ours.roc_auc_score([0, 1], [0.1, np.nan]), "NaN"),
        (lambda: ours.roc_auc_score([0, 1], [0.1, np.inf]), "infinity"),
        (lambda: ours.roc_auc_score([0, 1], ["a", "b"]), "numbers"),
        (lambda: ours.roc_curve(["a", "b"], [0.1, 0.2]), "pos_label"),
        (lambda: ours.roc_curve(["a", "b"], [0.1, 0.2], pos_label="c"), "pos_label"),
        (lambda: ours.auc([0, 1, 0.5], [0, 1, 1]), "monotone"),
        (lambda: ours.auc([0], [0]), "two points"),
        (lambda: ours.log_loss([0, 1], [0.5, 1.5]), "probabilities"),
        (lambda: ours.log_loss([0, 1], [[0.5, 0.2], [0.5, 0.5]]), "sum to one"),
        (lambda: ours.log_loss([0, 1], np.full((2, 3), 1 / 3)), "agree"),
        (lambda: ours.log_loss([0, 5], [0.5, 0.5], labels=[0, 1]), "not among"),
        (lambda: ours.brier_score_loss([0, 1], [0.5, -0.1]), "between"),
        (lambda: ours.calibration_curve([0, 1], [0.5, 1.1]), "between"),
        (lambda: ours.calibration_curve([0, 1], [0.5, 1.0], strategy="equal"), "strategy"),
        (lambda: ours.corrected_t_test([0.1], 0.2), "two differences"),
        (lambda: ours.corrected_t_test([0.1, 0.2], 1.0), "test_share"),
        (lambda: ours.mcnemar_test([0, 1], [0, 1], [1]), "lengths"),
        (lambda: ours.shared_rows(np.eye(2), np.eye(3)), "compared"),
        (lambda: ours.get_scorer("auc"), "scoring"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@few
@given(seeds)
def test_folds_equal_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(12, 60)), int(rng.integers(2, 6))
    y, groups = rng.choice(["c", "a", "b"], n), rng.permutation(n) % (k + int(rng.integers(5)))
    X = np.zeros((n, 1))
    for shuffle in ({}, {"shuffle": True, "random_state": seed}):
        for name in ("KFold", "StratifiedKFold"):
            mine, theirs = (getattr(m, name)(k, **shuffle) for m in (ours, sklearn.model_selection))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pairs = list(zip(mine.split(X, y), theirs.split(X, y), strict=True))
            for a, b in pairs:
                np.testing.assert_array_equal(a[0], b[0])
                np.testing.assert_array_equal(a[1], b[1])
    sizes = [len(ours.GroupKFold(k).get_n_splits() * [0])]
    assert sizes == [k]
    for train, test in ours.GroupKFold(k).split(X, y, groups):
        assert not set(groups[train]) & set(groups[test])
    tests = [test for _, test in ours.GroupKFold(k).split(X, y, groups)]
    assert sorted(np.concatenate(tests)) == list(range(n))
    theirs = sklearn.model_selection.GroupKFold(k).split(X, y, groups)
    assert sorted(map(len, tests)) == sorted(len(test) for _, test in theirs)


@pytest.mark.parametrize(
    ("splitter", "y", "groups", "message"),
    [
        (ours.KFold(1), None, None, "n_splits"),
        (ours.KFold(9), None, None, "n_splits"),
        (ours.StratifiedKFold(4), [0, 0, 0, 1, 1, 1], None, "members"),
        (ours.GroupKFold(2), None, None, "groups"),
        (ours.GroupKFold(3), None, [0, 0, 0, 1, 1, 1], "2 groups"),
    ],
)
def test_folds_refuse(splitter, y, groups, message):
    with pytest.raises(ValueError, match=message):
        list(splitter.split(np.zeros((6, 1)), y, groups))


def test_a_small_class_is_announced():
    with pytest.warns(UserWarning, match="1 members"):
        list(ours.StratifiedKFold(2).split(np.zeros((5, 1)), [0, 0, 0, 0, 1]))


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, sparse.csr_array])
def test_cross_validate_equals_scikit_learn(container):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(90, 3)), rng.integers(0, 2, 90)
    names = ["accuracy", "balanced_accuracy", "f1", "roc_auc", "average_precision"]
    names += ["neg_log_loss", "neg_brier_score"]
    options = {"scoring": names, "cv": 3, "return_train_score": True}
    mine = ours.cross_validate(LogisticRegression(), container(X), y, **options)
    theirs = sklearn.model_selection.cross_validate(LogisticRegression(), container(X), y, **options)
    assert set(mine) == set(theirs)
    for name in set(mine) - {"fit_time", "score_time"}:
        np.testing.assert_allclose(mine[name], theirs[name], **EXACT)


def test_cross_validate_options():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    result = ours.cross_validate(LinearRegression(), X.tolist(), y.tolist(), return_estimator=True)
    assert result["test_score"].shape == (5,)
    assert len({id(model) for model in result["estimator"]}) == 5
    expected = sklearn.model_selection.cross_validate(LinearRegression(), X, y)["test_score"]
    np.testing.assert_allclose(result["test_score"], expected, **EXACT)
    pairs = [(np.arange(20), np.arange(20, 40))]
    named = {"size": lambda model, X, y: float(len(X)), "r2": None}
    result = ours.cross_validate(LinearRegression(), X, y, scoring=named, cv=pairs)
    assert result["test_size"].tolist() == [20]
    assert result["test_r2"].shape == (1,)
    model = LinearRegression()
    ours.cross_validate(model, X, y)
    assert not hasattr(model, "coef_"), "only clones are fitted"
    with pytest.raises(ValueError, match="rows"):
        ours.cross_validate(LinearRegression(), X, y, cv=[(np.arange(9), [])])
    with pytest.raises(ValueError, match="scoring"):
        ours.cross_validate(LinearRegression(), X, y, scoring="speed")


def test_shuffled_labels_find_a_leak_and_clear_a_clean_procedure():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 400)), np.repeat([0, 1], 30)

    def leaky(label):
        best = np.argsort(np.abs(X.T @ (label - 0.5)))[-5:]
        return ours.cross_validate(LogisticRegression(), X[:, best], label)["test_score"].mean()

    def clean(label):
        return ours.cross_validate(LogisticRegression(), X[:, :5], label)["test_score"].mean()

    assert ours.shuffled_label_check(leaky, y, rng, n_shuffles=5).mean() > 0.7
    assert abs(ours.shuffled_label_check(clean, y, rng, n_shuffles=5).mean() - 0.5) < 0.12
    with pytest.raises(ValueError, match="n_shuffles"):
        ours.shuffled_label_check(clean, y, rng, n_shuffles=0)


def test_shared_rows():
    table = pd.DataFrame({"a": [1, 2, 2], "b": ["x", "y", "y"]})
    assert ours.shared_rows(table.iloc[:2], table.iloc[2:]) == 1
    assert ours.shared_rows(np.eye(3), np.array([[0, 1.0, 0], [1, 1, 1]])) == 0.5


def test_bootstrap_intervals():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 2, 400)
    called = np.where(rng.random(400) < 0.8, true, 1 - true)
    low, middle, high = ours.bootstrap_score(ours.accuracy_score, true, called, rng)
    assert middle == ours.accuracy_score(true, called)
    assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(middle * (1 - middle) / 400), rel=0.15)
    twice = np.repeat(np.arange(400), 25)
    args = (ours.accuracy_score, true[twice], called[twice], rng)
    wide = ours.bootstrap_score(*args, groups=twice, n_resamples=300)
    narrow = ours.bootstrap_score(*args, n_resamples=300)
    assert (wide.high - wide.low) / (narrow.high - narrow.low) == pytest.approx(5, rel=0.25)
    same = ours.compare_scores(ours.accuracy_score, true, called, called, rng, n_resamples=20)
    assert tuple(same) == (0, 0, 0)
    for bad in ({"level": 1.0}, {"n_resamples": 0}, {"groups": [1, 2]}):
        with pytest.raises(ValueError, match=r"level|lengths"):
            ours.bootstrap_score(ours.accuracy_score, true, called, rng, **bad)


@few
@given(st.integers(0, 30), st.integers(0, 30))
def test_mcnemar_equals_statsmodels(b, c):
    true = np.ones(b + c + 3, dtype=int)
    first = np.repeat([1, 0, 1], [b, c, 3])
    second = np.repeat([0, 1, 1], [b, c, 3])
    expected = mcnemar(np.array([[3, b], [c, 0]]), exact=True).pvalue if b + c else 1.0
    assert ours.mcnemar_test(true, first, second) == pytest.approx(min(expected, 1), abs=1e-12)


def test_corrected_t_test():
    d = np.random.default_rng(3).normal(0.5, 1, 12)
    assert ours.corrected_t_test(d, 0) == pytest.approx(stats.ttest_1samp(d, 0).pvalue)
    assert ours.corrected_t_test(d, 0.2) > ours.corrected_t_test(d, 0)
    assert ours.corrected_t_test([0.0, 0.0], 0.2) == 1
    assert ours.corrected_t_test([0.1, 0.1], 0.2) == 0
