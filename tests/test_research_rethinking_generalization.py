"""Zhang et al. (2017): corruption, the memorising network of Theorem 1, and the batched trainer."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_triangular

from journey.research_implementations.rethinking_generalization import (
    Memory,
    corrupt_images,
    corrupt_labels,
    error_rate,
    fit_networks,
    initial_networks,
    memorise,
    recall,
)

QUIET = settings(deadline=None, derandomize=True, max_examples=30)
SEED = st.integers(0, 10_000)


def toy(seed, s=2, n=30, d=5, classes=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(s, n, d)).astype(np.float32), rng.integers(0, classes, (s, n))


@QUIET
@given(seed=SEED, p=st.floats(0, 1), classes=st.integers(2, 12))
def test_corrupted_share(seed, p, classes):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, 4000)
    after = corrupt_labels(labels, p, rng, classes)
    assert after.shape == labels.shape
    assert after.min() >= 0
    assert after.max() < classes
    share, expected = (after != labels).mean(), p * (1 - 1 / classes)
    assert abs(share - expected) < 5 * (0.25 / 4000) ** 0.5


def test_corruption_ends_and_keeps_its_input():
    labels = np.arange(10).repeat(100)
    copy = labels.copy()
    assert (corrupt_labels(labels, 0.0, np.random.default_rng(0)) == labels).all()
    assert (corrupt_labels(labels, 1.0, np.random.default_rng(0)) == labels).mean() < 0.2
    assert (labels == copy).all()
    assert corrupt_labels(np.array([], dtype=int), 0.5, np.random.default_rng(0)).shape == (0,)


@pytest.mark.parametrize(
    ("labels", "p"),
    [([0, 1], 1.1), ([0, 1], -0.1), ([0, 1], np.nan), ([0, 10], 0.5), ([-1], 0.5), ([0.5], 0.5)],
)
def test_corruption_refuses(labels, p):
    with pytest.raises(ValueError, match=r"p must|labels"):
        corrupt_labels(labels, p, np.random.default_rng(0))


def test_images_keep_what_they_should():
    rng = np.random.default_rng(0)
    array = rng.normal(3, 2, (50, 40)).astype(np.float32)
    shuffled, random = (corrupt_images(array, kind, rng) for kind in ("shuffled", "random"))
    for kind in (shuffled, random):
        np.testing.assert_array_equal(np.sort(kind, axis=1), np.sort(array, axis=1))
    np.testing.assert_array_equal(np.sort(shuffled.T, axis=0)[0], np.sort(array.T, axis=0)[0])
    columns = {tuple(c) for c in array.T}
    assert {tuple(c) for c in shuffled.T} == columns
    assert {tuple(c) for c in random.T} != columns
    noise = corrupt_images(array, "gaussian", rng)
    assert noise.dtype == array.dtype
    assert abs(noise.mean() - 3) < 0.2
    assert abs(noise.std() - 2) < 0.2
    assert corrupt_images(np.arange(6).reshape(2, 3), "gaussian", rng).dtype == float


@pytest.mark.parametrize(
    ("array", "kind"), [(np.zeros(3), "random"), (np.zeros((0, 3)), "random"), ([[1.0]], "x")]
)
def test_images_refuse(array, kind):
    with pytest.raises(ValueError, match=r"shape|kind"):
        corrupt_images(array, kind, np.random.default_rng(0))


@QUIET
@given(seed=SEED, n=st.integers(1, 60), d=st.integers(1, 8), scale=st.sampled_from([1e-6, 1.0, 1e6]))
def test_theorem_fits_any_labels(seed, n, d, scale):
    rng = np.random.default_rng(seed)
    points, answers = scale * rng.normal(size=(n, d)), rng.normal(size=n)
    memory = memorise(points, answers, rng)
    assert sum(part.size for part in memory) == 2 * n + d
    gap = np.diff(np.sort(points @ memory.direction)).min(initial=np.inf)
    spread = np.ptp(points @ memory.direction) + 1
    rounding = 1e-13 * n * (1 + spread / min(gap, 1.0))
    np.testing.assert_allclose(recall(memory, points), answers, atol=rounding)


@QUIET
@given(seed=SEED, n=st.integers(2, 40))
def test_theorem_against_interpolation_and_the_triangular_system(seed, n):
    rng = np.random.default_rng(seed)
    points, answers = rng.permutation(5 * n)[:n, None].astype(float), rng.normal(size=n)
    memory = memorise(points, answers, rng)
    z = points[:, 0] * memory.direction[0]
    order = np.argsort(z)
    new = rng.uniform(points.min(), points.max(), (30, 1))
    line = np.interp(new[:, 0] * memory.direction[0], z[order], answers[order])
    np.testing.assert_allclose(recall(memory, new), line, atol=1e-8)
    A = np.maximum(z[order][:, None] - memory.thresholds, 0)
    np.testing.assert_allclose(solve_triangular(A, answers[order], lower=True), memory.weights, atol=1e-6)


def test_theorem_by_hand_and_awkward_arrays():
    by_hand = Memory(np.ones(1), np.array([0.0, 1, 2]), np.array([5.0, -11, 8.5]))
    np.testing.assert_allclose(recall(by_hand, [[1], [2], [4]]), [5, -1, 4])
    points = np.arange(24).reshape(4, 6).T[::2]
    points.setflags(write=False)
    memory = memorise(points, [1, 0, 1], np.random.default_rng(0))
    np.testing.assert_allclose(recall(memory, points), [1, 0, 1], atol=1e-9)
    assert recall(memory, np.zeros((0, 4))).shape == (0,)


@pytest.mark.parametrize(
    ("points", "answers"),
    [
        (np.zeros((0, 2)), np.zeros(0)),
        (np.zeros(3), np.zeros(3)),
        (np.eye(3), np.zeros(2)),
        (np.array([[1.0, 2], [1, 2]]), np.array([0.0, 1])),
        (np.array([[np.nan], [1.0]]), np.zeros(2)),
        (np.array([[0.0], [1.0]]), np.array([0, np.inf])),
    ],
)
def test_theorem_refuses(points, answers):
    with pytest.raises(ValueError, match=r"need|finite|equal"):
        memorise(points, answers, np.random.default_rng(0))


def test_recall_refuses_another_dimension():
    memory = memorise(np.eye(3), np.arange(3), np.random.default_rng(0))
    with pytest.raises(ValueError, match="need"):
        recall(memory, np.zeros((2, 4)))
    with pytest.raises(ValueError, match="at least 1"):
        memorise(np.eye(3), np.arange(3), np.random.default_rng(0), n_tries=0)


def test_one_full_batch_step_is_a_gradient_step():
    X, y = toy(0)
    start = initial_networks([1, 2], 5, 7, 3)
    run = fit_networks(X, y, start, learning_rate=0.3, batch_size=30, max_epochs=1, weight_decay=0.1)
    for s in range(2):
        weights = [torch.tensor(array[s], requires_grad=True) for array in start]
        scores = torch.relu(torch.tensor(X[s]) @ weights[0] + weights[1]) @ weights[2] + weights[3]
        torch.nn.functional.cross_entropy(scores, torch.tensor(y[s])).backward()
        for after, before in zip(run.weights, weights, strict=True):
            expected = before - 0.3 * (before.grad + 0.1 * before)
            np.testing.assert_allclose(after[s], expected.detach().numpy(), atol=1e-6)


def test_training_stops_when_all_is_fitted_and_remembers_when():
    X, y = toy(1)
    run = fit_networks(X, y, initial_networks([1, 2], 5, 64, 3), max_epochs=300, batch_size=10)
    assert (run.accuracy[-1] == 1).all()
    assert len(run.loss) == len(run.accuracy) < 300
    for s, first in enumerate(run.epochs):
        assert run.accuracy[int(first) - 1, s] == 1
        assert (run.accuracy[: int(first) - 1, s] < 1).all()
    np.testing.assert_array_equal(error_rate(run.weights, X, y), 0)
    short = fit_networks(X, y, initial_networks([1, 2], 5, 2, 3), max_epochs=1)
    assert np.isinf(short.epochs).all()


def test_training_repeats_and_keeps_its_inputs():
    X, y = toy(2)
    start = initial_networks([0, 1], 5, 8, 3)
    copies = [array.copy() for array in start]
    versions = np.stack([X, X + 0.1, X - 0.1], axis=1)
    settings_ = {"max_epochs": 3, "dropout": 0.5, "versions": versions, "batch_size": 7}
    first, second = (fit_networks(X, y, start, seed=4, **settings_) for _ in range(2))
    np.testing.assert_array_equal(first.loss, second.loss)
    for before, after in zip(copies, start, strict=True):
        np.testing.assert_array_equal(before, after)
    other = fit_networks(X, y, start, seed=5, **settings_)
    assert (first.loss != other.loss).any()


def test_one_version_is_no_augmentation():
    X, y = toy(3)
    start = initial_networks([0, 1], 5, 8, 3)
    plain = fit_networks(X, y, start, batch_size=30, max_epochs=2)
    same = fit_networks(X, y, start, batch_size=30, max_epochs=2, versions=X[:, None])
    np.testing.assert_allclose(plain.loss, same.loss, rtol=1e-5)


def test_permuted_columns_change_nothing():
    X, y = toy(4)
    start = initial_networks([0, 1], 5, 8, 3)
    order = [3, 0, 4, 1, 2]
    plain = fit_networks(X, y, start, max_epochs=3)
    moved = fit_networks(X[:, :, order], y, (start[0][:, order], *start[1:]), max_epochs=3)
    np.testing.assert_allclose(plain.loss, moved.loss, rtol=1e-4)


def test_initial_networks():
    weights = initial_networks(range(3), 100, 20, 4)
    assert [w.shape for w in weights] == [(3, 100, 20), (3, 1, 20), (3, 20, 4), (3, 1, 4)]
    assert all(w.dtype == np.float32 for w in weights)
    assert 0.095 < np.abs(weights[0]).max() <= 0.1
    np.testing.assert_array_equal(initial_networks([2], 100, 20, 4)[0][0], weights[0][2])
    for bad in (([],), ([0], 0), ([0], 3, 0), ([0], 3, 2, 0)):
        with pytest.raises(ValueError, match="at least"):
            initial_networks(*(bad if len(bad) > 1 else (bad[0], 3)))


@pytest.mark.parametrize(
    "setting",
    [
        {"learning_rate": 0},
        {"momentum": 1},
        {"dropout": 1},
        {"dropout": -0.1},
        {"batch_size": 0},
        {"max_epochs": 0},
        {"weight_decay": -1},
        {"decay": 0},
        {"decay": 1.5},
        {"versions": np.zeros((2, 3, 29, 5))},
        {"versions": np.zeros((2, 30, 5))},
    ],
)
def test_training_refuses_settings(setting):
    X, y = toy(0)
    with pytest.raises(ValueError, match=r"need|versions"):
        fit_networks(X, y, initial_networks([0, 1], 5, 4, 3), **setting)


def test_training_refuses_shapes_and_labels():
    X, y = toy(0)
    start = initial_networks([0, 1], 5, 4, 3)
    for bad in ((X[0], y[0]), (X, y[:, :-1]), (X[:, :0], y[:, :0]), (X[:1], y[:1]), (X, y + 1), (X, y - 1)):
        with pytest.raises(ValueError, match=r"need|fit|labels"):
            fit_networks(*bad, start)
