"""Optimisers: PyTorch step by step, laws of scale, a memory that can be stored, bad gradients refused."""

import math
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.deep_learning.neural_network_library import Parameter, load_checkpoint, save_checkpoint
from journey.deep_learning.optimizers import (
    SGD,
    Adam,
    AdamW,
    LambdaLR,
    Optimizer,
    RMSprop,
    clip_grad_norm_,
    warmup_cosine,
)

quick = settings(deadline=None, derandomize=True, max_examples=25)
rates = st.floats(1e-4, 0.3)
decays = st.sampled_from([0.0, 0.1])


def compare(ours_class, theirs_class, seed, steps=100, **options):
    rng = np.random.default_rng(seed)
    starts = [rng.normal(size=shape) for shape in ((3, 2), (2,), ())]
    ours = [Parameter(s) for s in starts]
    theirs = [torch.tensor(s, requires_grad=True) for s in starts]
    a, b = ours_class(ours, **options), theirs_class(theirs, **options)
    for n in range(steps):
        for k, (p, q) in enumerate(zip(ours, theirs)):
            missing = k == 1 and n % 7 == 3  # a parameter that this batch did not use
            g = np.sin(3 * p.data) + p.data + rng.normal(size=p.shape)
            p.grad = None if missing else np.asarray(g)
            q.grad = None if missing else torch.tensor(g)
        a.step()
        b.step()
    for p, q in zip(ours, theirs):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-10, atol=1e-10)


@quick
@given(
    rates,
    st.sampled_from([0.0, 0.5, 0.95]),
    st.sampled_from([0.0, 0.3]),
    decays,
    st.booleans(),
    st.integers(0, 99),
)
def test_sgd_is_pytorchs(lr, momentum, dampening, decay, nesterov, seed):
    nesterov = nesterov and momentum > 0 and dampening == 0
    compare(
        SGD,
        torch.optim.SGD,
        seed,
        lr=min(lr, 0.05),
        momentum=momentum,
        dampening=dampening,
        weight_decay=decay,
        nesterov=nesterov,
    )


@quick
@given(rates, st.floats(0, 0.999), decays, st.integers(0, 99))
def test_rmsprop_is_pytorchs(lr, alpha, decay, seed):
    compare(RMSprop, torch.optim.RMSprop, seed, lr=lr, alpha=alpha, weight_decay=decay)


@quick
@given(rates, st.floats(0, 0.99), st.floats(0, 0.9999), decays, st.booleans(), st.integers(0, 99))
def test_adam_and_adamw_are_pytorchs(lr, b1, b2, decay, amsgrad, seed):
    options = {"lr": lr, "betas": (b1, b2), "weight_decay": decay, "amsgrad": amsgrad}
    compare(Adam, torch.optim.Adam, seed, **options)
    compare(AdamW, torch.optim.AdamW, seed, **options)


def walk(make, gradients):
    p = Parameter(np.zeros(3))
    optimizer = make([p])
    for g in gradients:
        p.grad = g
        optimizer.step()
    return p.data


@quick
@given(st.sampled_from([1e-3, 10.0, 1e4]), st.integers(0, 99))
def test_what_a_scale_of_all_gradients_does(factor, seed):
    g = np.random.default_rng(seed).normal(size=(20, 3))
    for make in (
        lambda p: Adam(p, eps=0.0),
        lambda p: Adam(p, eps=0.0, amsgrad=True),
        lambda p: RMSprop(p, eps=0.0),
    ):
        np.testing.assert_allclose(walk(make, factor * g), walk(make, g), rtol=1e-7, atol=1e-12)
    for make in (lambda p: SGD(p, lr=0.1), lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True)):
        np.testing.assert_allclose(walk(make, factor * g), factor * walk(make, g), rtol=1e-9)


@pytest.mark.parametrize(
    "make", [lambda p: SGD(p, momentum=0.9), RMSprop, Adam, lambda p: AdamW(p, amsgrad=True)]
)
def test_a_stored_memory_continues_the_run(make, tmp_path):
    g = np.random.default_rng(0).normal(size=(20, 3))
    whole = walk(make, g)
    p = Parameter(np.zeros(3))
    optimizer = make([p])
    for row in g[:9]:
        p.grad = row
        optimizer.step()
    save_checkpoint(tmp_path / "o", {"weights": p.data, "optimizer": optimizer.state_dict()})
    snapshot = optimizer.state_dict()
    p.grad = g[9]
    optimizer.step()
    assert not np.array_equal(
        *(
            next(v for v in s["state"][0].values() if isinstance(v, np.ndarray))
            for s in (snapshot, optimizer.state_dict())
        )
    )
    stored = load_checkpoint(tmp_path / "o")
    q = Parameter(stored["weights"])
    other = make([q])
    other.load_state_dict(stored["optimizer"])
    for row in g[9:]:
        q.grad = row
        other.step()
    np.testing.assert_array_equal(q.data, whole)


def test_a_gradient_that_is_not_finite_moves_nothing():
    for bad in (np.nan, np.inf):
        p, q = Parameter(np.ones(2)), Parameter(np.ones(2))
        optimizer = Adam([p, q])
        p.grad, q.grad = np.ones(2), np.array([1.0, bad])
        with pytest.raises(ValueError, match=r"parameter 1, of shape \(2,\), is not finite"):
            optimizer.step()
        assert (p.data == 1).all()
        assert optimizer.state == [{}, {}]
        with pytest.raises(ValueError, match="norm of the gradients"):
            clip_grad_norm_([p, q], 1.0)


def test_refusals():
    p = Parameter(np.ones(1))
    for params in ([], [p, p]):
        with pytest.raises(ValueError, match="each once"):
            SGD(params)
    with pytest.raises(ValueError, match="lr must not be negative"):
        Adam([p], lr=-1)
    with pytest.raises(ValueError, match="lr must not be negative"):
        Adam([p], lr=math.nan)
    with pytest.raises(ValueError, match="betas"):
        Adam([p], betas=(0.9, 1.0))
    for options in ({"nesterov": True}, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}):
        with pytest.raises(ValueError, match="nesterov needs"):
            SGD([p], **options)
    with pytest.raises(ValueError, match="the state is of 1 parameters"):
        Adam([p]).load_state_dict(SGD([p]).state_dict())
    with pytest.raises(ValueError, match="max_norm"):
        clip_grad_norm_([p], 0)
    for warmup, total in ((5, 5), (-1, 5)):
        with pytest.raises(ValueError, match="0 <= warmup < total"):
            warmup_cosine(warmup, total)
    p.grad = np.ones(1)
    with pytest.raises(NotImplementedError, match="Optimizer has no update"):
        Optimizer([p], lr=1.0).step()


def test_types_stay():
    p = Parameter(np.ones(3, np.float32))
    for make in (SGD, RMSprop, Adam, AdamW):
        p.grad = np.ones(3, np.float32)
        optimizer = make([p])
        optimizer.step()
        assert p.data.dtype == np.float32
        assert all(v.dtype == np.float32 for v in optimizer.state[0].values() if isinstance(v, np.ndarray))
        optimizer.zero_grad()
        assert p.grad is None


@quick
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=6), st.floats(0.1, 50))
def test_clipping_shortens_and_keeps_the_direction(values, limit):
    g = np.array(values)
    p, empty = Parameter(np.zeros(len(g))), Parameter(np.zeros(2))
    p.grad = g.copy()
    assert clip_grad_norm_([p, empty], limit) == pytest.approx(np.linalg.norm(g))
    after = np.linalg.norm(p.grad)
    assert after <= limit * (1 + 1e-9) or after == pytest.approx(np.linalg.norm(g))
    assert abs(p.grad @ g - after * np.linalg.norm(g)) < 1e-6 * (1 + np.linalg.norm(g) ** 2)
    if np.linalg.norm(g) <= limit - 2e-6:  # within a millionth of the limit PyTorch's guard shrinks a little
        np.testing.assert_array_equal(p.grad, g)
    twin = torch.zeros(len(g), dtype=torch.float64)
    twin.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_([twin], limit)
    np.testing.assert_allclose(p.grad, twin.grad, rtol=1e-10)


@quick
@given(st.integers(0, 20), st.integers(1, 60), st.floats(0, 0.5))
def test_schedule_rises_falls_and_continues(warmup, more, final):
    total = warmup + more
    factor = warmup_cosine(warmup, total, final)
    values = np.array([factor(n) for n in range(total + 5)])
    assert (np.diff(values[: warmup + 1]) > 0).all()
    assert values[warmup] == pytest.approx(1)
    assert (np.diff(values[warmup:]) <= 1e-12).all()
    np.testing.assert_allclose(values[total:], final, atol=1e-12)
    optimizer = SGD([Parameter(np.zeros(1))], lr=0.3)
    schedule = LambdaLR(optimizer, factor)
    for _ in range(total // 2):
        schedule.step()
    other = SGD([Parameter(np.zeros(1))], lr=0.3)
    again = LambdaLR(other, factor)
    again.load_state_dict(schedule.state_dict())
    for _ in range(3):
        schedule.step()
        again.step()
        assert optimizer.lr == other.lr == 0.3 * factor(schedule.last_step)


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e38), (np.float64, 1e307), (np.float32, 1e-30)])
def test_gradients_of_any_finite_size_are_taken(dtype, size):
    # a sum of absolute values or of squares leaves the range, the gradient does not
    p = Parameter(np.zeros(9, dtype))
    p.grad = np.full(9, size, dtype)
    with np.errstate(all="raise", under="ignore"):
        SGD([p], lr=1.0).step()
        np.testing.assert_allclose(p.data, -p.grad, rtol=1e-6)
        assert clip_grad_norm_([p], 1.0) == pytest.approx(3 * size, rel=1e-6)
    np.testing.assert_allclose(p.grad, 1 / 3 if size > 1 else size, rtol=1e-5)


def test_clipping_without_gradients_and_of_zeros():
    p = Parameter(np.zeros(2))
    assert clip_grad_norm_([p], 1.0) == 0
    p.grad = np.zeros(2)
    assert clip_grad_norm_((q for q in [p]), 1.0) == 0
    assert (p.grad == 0).all()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda p: SGD(p, momentum=-0.5), "momentum"),
        (lambda p: SGD(p, momentum=math.nan), "momentum"),
        (lambda p: SGD(p, weight_decay=-1), "weight_decay"),
        (lambda p: SGD(p, lr=math.inf), "lr"),
        (lambda p: RMSprop(p, eps=-1), "eps"),
        (lambda p: RMSprop(p, alpha=1.0), "alpha"),
        (lambda p: RMSprop(p, alpha=math.nan), "alpha"),
        (lambda p: Adam(p, betas=(0.9, math.nan)), "betas"),
        (lambda p: Adam(p, betas=(0.9,)), "betas"),
    ],
)
def test_settings_that_make_no_sense(make, name):
    with pytest.raises(ValueError, match=name):
        make([Parameter(np.ones(1))])


def test_shapes_that_do_not_fit():
    p, q = Parameter(np.ones((3, 2))), Parameter(np.ones(2))
    optimizer = Adam([q, p])
    q.grad, p.grad = np.ones(2), np.ones(2)  # would broadcast without a word
    with pytest.raises(ValueError, match=r"parameter 1 is \(3, 2\), its gradient \(2,\)"):
        optimizer.step()
    assert (q.data == 1).all()
    other = Adam([p, q])
    p.grad = np.ones((3, 2))
    optimizer.step()
    with pytest.raises(ValueError, match=r"mean of parameter 0 is \(2,\), not \(3, 2\)"):
        other.load_state_dict(optimizer.state_dict())
    assert other.state == [{}, {}]


every = [
    lambda p: SGD(p, weight_decay=0.1),
    lambda p: SGD(p, momentum=0.9, dampening=0.1, weight_decay=0.1),
    lambda p: SGD(p, momentum=0.9, nesterov=True),
    lambda p: RMSprop(p, weight_decay=0.1),
    lambda p: Adam(p, weight_decay=0.1, amsgrad=True),
    AdamW,
]


@pytest.mark.parametrize("make", every)
def test_a_step_takes_no_memory_and_leaves_the_gradient(make):
    sizes = [(50_000,), (200, 300), ()]
    params = [Parameter(np.ones(size)) for size in sizes]
    arrays = [p.data for p in params]
    gradients = [np.asarray(np.random.default_rng(0).normal(size=size)) for size in sizes]
    for p, g in zip(params, gradients):
        p.grad = np.array(g)
    optimizer = make(params)
    optimizer.step()
    tracemalloc.start()
    optimizer.step()
    extra = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert extra < 50_000, "a temporary of the size of a parameter"
    for p, g, x in zip(params, gradients, arrays):
        assert p.data is x, "a new array in place of the old one"
        np.testing.assert_array_equal(p.grad, g)


@pytest.mark.parametrize("make", every)
def test_views_and_empty_parameters(make):
    g = np.random.default_rng(1).normal(size=(4, 3))
    straight, turned, empty = Parameter(np.ones((4, 3))), Parameter(np.ones(1)), Parameter(np.zeros((0, 2)))
    turned.data = np.ones((3, 4)).T  # not contiguous
    empty.grad = np.zeros((0, 2))
    a, b = make([straight]), make([turned, empty])
    for _ in range(3):
        straight.grad, turned.grad = g, np.asfortranarray(g)
        a.step()
        b.step()
    np.testing.assert_allclose(turned.data, straight.data, rtol=1e-14)
