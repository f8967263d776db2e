"""Regularization: masks right on average, shifts that only lose the border, a memory of the best."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.deep_learning.autograd import Tensor
from journey.deep_learning.neural_network_library import Linear
from journey.deep_learning.regularization import Dropout, EarlyStopping, random_shift

quick = settings(deadline=None, derandomize=True, max_examples=30)


@quick
@given(st.floats(0, 0.95), st.integers(0, 99))
def test_dropout_zeroes_a_share_and_keeps_the_mean(p, seed):
    drop = Dropout(p, rng=np.random.default_rng(seed))
    y = drop(Tensor(np.ones((200, 100)))).data
    assert set(np.round(np.unique(y), 9)) <= {0.0, round(1 / (1 - p), 9)}
    assert (y == 0).mean() == pytest.approx(p, abs=5 * np.sqrt(max(p * (1 - p), 1e-9) / 20_000))
    assert y.mean() == pytest.approx(1, abs=5 * np.sqrt(p / (1 - p) / 20_000) + 1e-9)
    assert p in (0,) or p < 0.02 or (y != y[0]).any(), "each row has a mask of its own"


@quick
@given(st.floats(0, 0.9), st.integers(0, 99))
def test_dropout_sends_gradients_through_the_same_mask(p, seed):
    x = Tensor(np.random.default_rng(seed).normal(size=(4, 5)) + 10, requires_grad=True)
    y = Dropout(p, rng=np.random.default_rng(seed))(x)
    y.sum().backward()
    np.testing.assert_allclose(x.grad, y.data / x.data)


def test_dropout_in_use_is_nothing_and_types_stay():
    drop = Dropout(0.9)
    x = Tensor(np.ones(5, np.float32))
    assert drop(x).dtype == np.float32
    assert drop.eval()(x) is x
    theirs = torch.nn.Dropout(0.9).eval()
    np.testing.assert_array_equal(drop(x).data, theirs(torch.ones(5)).numpy())
    for bad in (-0.1, 1.0):
        with pytest.raises(ValueError, match=r"\[0, 1\)"):
            Dropout(bad)


def test_dropout_can_be_repeated_from_its_generator():
    rng = np.random.default_rng(3)
    drop, x = Dropout(0.5, rng=rng), Tensor(np.ones(50))
    state = rng.bit_generator.state
    first = drop(x).data
    assert not np.array_equal(drop(x).data, first)
    rng.bit_generator.state = state
    np.testing.assert_array_equal(drop(x).data, first)


@quick
@given(st.integers(0, 3), st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_shifts_are_shifts(pixels, h, w, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(6, h, w))
    before = x.copy()
    moved = random_shift(x, rng, pixels)
    assert moved.shape == x.shape
    np.testing.assert_array_equal(x, before)
    wide = np.pad(x, [(0, 0), (pixels, pixels), (pixels, pixels)])
    steps = range(2 * pixels + 1)
    for old, new in zip(wide, moved):
        assert any(np.array_equal(old[i : i + h, j : j + w], new) for i in steps for j in steps)


def test_shifts_go_everywhere_alike_and_refuse():
    x = np.zeros((9000, 5, 5))
    x[:, 2, 2] = 1
    counts = random_shift(x, np.random.default_rng(0), 1).sum(axis=0)
    assert counts.sum() == 9000
    np.testing.assert_allclose(counts[1:4, 1:4], 1000, atol=160)
    for bad, pixels in ((np.zeros((5, 5)), 1), (x, -1)):
        with pytest.raises(ValueError, match="pixels >= 0"):
            random_shift(bad, np.random.default_rng(0), pixels)


@quick
@given(st.lists(st.floats(0, 10), min_size=1, max_size=20), st.integers(1, 6))
def test_early_stopping_keeps_the_best_epoch(losses, patience):
    model, stop = Linear(1, 1), EarlyStopping(patience)
    seen = 0
    for n, loss in enumerate(losses):
        model.weight.data[...] = n
        seen = n
        if stop.update(model, loss):
            break
    best = int(np.argmin(losses[: seen + 1]))
    assert stop.best_epoch == best
    assert seen - best <= patience
    stop.restore(model)
    assert model.weight.data.item() == best


def test_early_stopping_refuses():
    with pytest.raises(ValueError, match="at least 1"):
        EarlyStopping(0)
    stop, model = EarlyStopping(2), Linear(1, 1)
    stop.update(model, float("nan"))
    with pytest.raises(ValueError, match="no epoch"):
        stop.restore(model)
