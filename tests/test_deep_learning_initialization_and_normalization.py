"""Initial weights and normalization: PyTorch's values and modes, laws of invariance, hostile columns."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.deep_learning.autograd import Tensor, gradcheck
from journey.deep_learning.initialization_and_normalization import (
    BatchNorm1d,
    LayerNorm,
    calculate_gain,
    fans,
    kaiming_normal_,
    xavier_uniform_,
)

quick = settings(deadline=None, derandomize=True, max_examples=30)
shapes = st.tuples(st.integers(2, 9), st.integers(1, 6))


def rows(shape, seed=0, scale=3.0):
    return np.random.default_rng(seed).normal(1, scale, shape)


@pytest.mark.parametrize("name", ["linear", "sigmoid", "tanh", "relu", "leaky_relu"])
def test_gains_are_pytorchs(name):
    assert calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))
    if name == "leaky_relu":
        assert calculate_gain(name, 0.3) == pytest.approx(torch.nn.init.calculate_gain(name, 0.3))


@quick
@given(st.integers(1, 9), st.integers(1, 9), st.lists(st.integers(1, 4), max_size=2))
def test_fans_are_pytorchs(out, into, field):
    shape = (out, into, *field)
    assert fans(Tensor(np.empty(shape))) == torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))


@quick
@given(st.sampled_from([(80, 90), (30, 10, 4, 4)]), st.floats(0.5, 3), st.integers(0, 99))
def test_initial_weights_have_their_variance(shape, gain, seed):
    rng, w = np.random.default_rng(seed), Tensor(np.full(shape, np.nan))
    fan_in, fan_out = fans(w)
    assert xavier_uniform_(w, gain, rng=rng) is w
    assert w.data.std() == pytest.approx(gain * math.sqrt(2 / (fan_in + fan_out)), rel=0.06)
    assert np.abs(w.data).max() <= gain * math.sqrt(6 / (fan_in + fan_out))
    for mode, fan in (("fan_in", fan_in), ("fan_out", fan_out)):
        kaiming_normal_(w, mode, rng=rng)
        assert w.data.std() == pytest.approx(math.sqrt(2 / fan), rel=0.06)
        assert abs(w.data.mean()) < 5 * math.sqrt(2 / fan / w.data.size)


def test_initial_weights_refuse():
    w, rng = Tensor(np.ones((2, 2))), np.random.default_rng(0)
    with pytest.raises(ValueError, match="mode must be"):
        kaiming_normal_(w, "fan", rng=rng)
    with pytest.raises(ValueError, match="nonlinearity must be one of linear"):
        kaiming_normal_(w, nonlinearity="swish", rng=rng)
    with pytest.raises(ValueError, match=r"\(3,\)"):
        xavier_uniform_(Tensor(np.ones(3)), rng=rng)
    assert (w.data == 1).all()


@quick
@given(
    st.integers(2, 8),
    st.integers(1, 5),
    st.integers(0, 4),
    st.integers(0, 99),
    st.sampled_from([1e-3, 1, 1e3]),
)
def test_batch_norm_equals_pytorch_in_both_modes(n, d, length, seed, scale):
    shape = (n, d, length) if length else (n, d)
    ours, theirs = BatchNorm1d(d), torch.nn.BatchNorm1d(d).double()
    weight = rows(d, seed + 7)
    ours.weight.data[...], theirs.weight.data[...] = weight, torch.tensor(weight)
    for step, training in enumerate((True, True, False)):
        ours.train(training)
        theirs.train(training)
        x = rows(shape, seed + step, scale)
        x[:, 0] = 5.0  # variance zero
        a, b = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        y, z = ours(a), theirs(b)
        np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-8, atol=1e-8)
        g = rows(shape, seed + 50)
        y.backward(g)
        z.backward(torch.tensor(g))
        np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-7, atol=1e-6)
    np.testing.assert_allclose(ours.weight.grad, theirs.weight.grad.numpy(), rtol=1e-7, atol=1e-6)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name], value.numpy(), rtol=1e-9, atol=1e-9)


@quick
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 2), st.integers(0, 99))
def test_layer_norm_equals_pytorch(shape, last, seed):
    normalized = tuple(shape[-last:])
    ours, theirs = LayerNorm(normalized), torch.nn.LayerNorm(normalized).double()
    x = rows(tuple(shape), seed)
    a, b = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = ours(a), theirs(b)
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-9, atol=1e-9)
    g = rows(tuple(shape), seed + 1)
    y.backward(g)
    z.backward(torch.tensor(g))
    np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-6, atol=1e-8)


@quick
@given(shapes, st.floats(0.1, 100), st.floats(-50, 50))
def test_what_scale_and_shift_do_not_change(shape, scale, shift):
    x = rows(shape)
    batch, layer = BatchNorm1d(shape[1], eps=0.0), LayerNorm(shape[1], eps=1e-12)
    np.testing.assert_allclose(batch(Tensor(scale * x + shift)).data, batch(Tensor(x)).data, atol=1e-8)
    if shape[1] > 1:
        moved = scale * x + shift * np.arange(shape[0])[:, None]
        np.testing.assert_allclose(layer(Tensor(moved)).data, layer(Tensor(x)).data, atol=1e-5)


@quick
@given(shapes)
def test_rows_of_layer_norm_are_alone_and_of_batch_norm_are_not(shape):
    x = rows(shape)
    layer = LayerNorm(shape[1])
    np.testing.assert_allclose(layer(Tensor(x[:1])).data, layer(Tensor(x)).data[:1], atol=1e-12)
    batch = BatchNorm1d(shape[1])
    in_use = batch.eval()
    np.testing.assert_allclose(in_use(Tensor(x[:1])).data, in_use(Tensor(x)).data[:1], atol=1e-12)
    other = x.copy()
    other[1:] += 10
    batch.train()
    assert not np.allclose(batch(Tensor(x)).data[0], batch(Tensor(other)).data[0])


def test_gradients_are_those_of_differences():
    batch, layer = BatchNorm1d(3), LayerNorm((2, 3))
    gradcheck(lambda x: batch(x) ** 3, [rows((5, 3))], tolerance=1e-5)
    gradcheck(lambda x: layer(x) ** 3, [rows((4, 2, 3))], tolerance=1e-5)


def test_types_and_buffers():
    norm = BatchNorm1d(2, dtype=np.float32)
    assert norm(Tensor(rows((4, 2)).astype(np.float32))).dtype == np.float32
    assert norm.num_batches_tracked == 1
    assert len(list(norm.parameters())) == 2
    other = BatchNorm1d(2)
    other.load_state_dict(norm.state_dict())
    np.testing.assert_allclose(other.running_mean, norm.running_mean)
    assert other.num_batches_tracked == 1


def test_refusals_print_both_shapes():
    with pytest.raises(ValueError, match=r"\(n, 3\) or \(n, 3, length\), got \(4, 2\)"):
        BatchNorm1d(3)(Tensor(rows((4, 2))))
    with pytest.raises(ValueError, match=r"more than one value for each feature, got shape \(1, 3\)"):
        BatchNorm1d(3)(Tensor(rows((1, 3))))
    assert BatchNorm1d(3).eval()(Tensor(rows((1, 3)))).shape == (1, 3)
    with pytest.raises(ValueError, match=r"\(2, 3\)\), got \(5, 3, 2\)"):
        LayerNorm((2, 3))(Tensor(rows((5, 3, 2))))
