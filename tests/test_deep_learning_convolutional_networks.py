"""Convolution and pooling: PyTorch's values and gradients, the adjoint law, shifts, misfits."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.deep_learning.autograd import Tensor, apply, gradcheck
from journey.deep_learning.convolutional_networks import (
    Conv2d,
    LeNet,
    MaxPool2d,
    _conv2d,
    col2im,
    im2col,
    receptive_field,
)

quick = settings(deadline=None, derandomize=True, max_examples=40)
small = st.integers(1, 4)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@quick
@given(
    small,
    small,
    small,
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(0, 5),
    st.integers(0, 99),
)
def test_convolution_equals_pytorch(n, c, f, k, stride, padding, more, seed):
    x, w, b = (
        normal(n, c, k + more, k + 2, seed=seed),
        normal(f, c, k, k, seed=seed + 1),
        normal(f, seed=seed + 2),
    )
    ours = [Tensor(a, requires_grad=True) for a in (x, w, b)]
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    y = apply(_conv2d, *ours, stride=stride, padding=padding)
    z = torch.nn.functional.conv2d(*theirs, stride=stride, padding=padding)
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-10, atol=1e-11)
    g = normal(*y.shape, seed=seed + 3)
    y.backward(g)
    z.backward(torch.tensor(g))
    for a, t in zip(ours, theirs):
        np.testing.assert_allclose(a.grad, t.grad.numpy(), rtol=1e-9, atol=1e-10)


@quick
@given(
    small, small, st.integers(1, 4), st.integers(1, 4), st.integers(0, 5), st.booleans(), st.integers(0, 99)
)
def test_pooling_equals_pytorch(n, c, k, stride, more, ties, seed):
    x = normal(n, c, k + more, k + 1, seed=seed)
    x = np.round(x) if ties else x
    a, t = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = MaxPool2d(k, stride)(a), torch.nn.functional.max_pool2d(t, k, stride)
    np.testing.assert_array_equal(y.data, z.detach().numpy())
    g = normal(*y.shape, seed=seed + 1)
    y.backward(g)
    z.backward(torch.tensor(g))
    np.testing.assert_allclose(a.grad, t.grad.numpy(), atol=1e-12)


@quick
@given(small, small, st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(0, 4))
def test_col2im_is_the_adjoint_of_im2col(n, c, k, stride, padding, more):
    x = normal(n, c, k + more, k + 3)
    columns = im2col(x, (k, k), stride, padding)
    other = normal(*columns.shape, seed=1)
    left, right = (columns * other).sum(), (x * col2im(other, x.shape, (k, k), stride, padding)).sum()
    assert left == pytest.approx(right, rel=1e-9, abs=1e-9)


@quick
@given(st.integers(1, 3), st.integers(0, 99))
def test_convolution_moves_with_its_input(pixels, seed):
    conv = Conv2d(2, 3, 3, rng=np.random.default_rng(seed), dtype=np.float64)
    x = normal(1, 2, 10, 12, seed=seed)
    moved = np.roll(x, pixels, axis=3)
    before, after = conv(Tensor(x)).data, conv(Tensor(moved)).data
    np.testing.assert_allclose(after[..., pixels:], before[..., :-pixels], atol=1e-12)


def test_convolution_is_linear_and_a_kernel_of_one_is_a_product():
    conv = Conv2d(3, 2, 1, rng=np.random.default_rng(0), dtype=np.float64)
    x = normal(2, 3, 4, 5)
    np.testing.assert_allclose(
        conv(Tensor(x)).data, np.einsum("fc,nchv->nfhv", conv.weight.data[:, :, 0, 0], x), atol=1e-12
    )
    twice = conv(Tensor(2 * x)).data
    np.testing.assert_allclose(twice, 2 * conv(Tensor(x)).data, atol=1e-12)


def test_gradients_of_differences():
    x, w, b = normal(1, 2, 5, 4), normal(2, 2, 3, 3, seed=1), normal(2, seed=2)
    gradcheck(lambda *t: apply(_conv2d, *t, stride=1, padding=1) ** 2, [x, w, b], tolerance=1e-5)
    gradcheck(lambda t: MaxPool2d(2)(t) ** 2, [x], tolerance=1e-5)


@quick
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 2)), min_size=1, max_size=4))
def test_receptive_field_is_what_the_gradient_reaches(layers):
    field, jump = receptive_field(layers)
    size = field + 2 * jump + 6
    x = Tensor(np.zeros((1, 1, size, size)), requires_grad=True)
    y = x
    for kernel, stride in layers:
        y = apply(_conv2d, y, np.ones((1, 1, kernel, kernel)), np.zeros(1), stride=stride, padding=0)
    y[0, 0, 1, 1].backward()
    reach = np.flatnonzero(x.grad[0, 0].any(axis=0))
    dense = all(stride <= kernel for kernel, stride in layers)
    assert reach[-1] - reach[0] + 1 == field
    assert reach[0] == jump
    if dense:
        assert len(reach) == field


def test_lenet_names_and_shapes_are_those_of_pytorch():
    ours = LeNet(rng=np.random.default_rng(0))
    nn = torch.nn
    theirs = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )
    theirs.load_state_dict({name: torch.tensor(a) for name, a in ours.state_dict().items()})
    x = normal(3, 1, 28, 28).astype(np.float32)
    np.testing.assert_allclose(ours(Tensor(x)).data, theirs(torch.tensor(x)).detach().numpy(), atol=1e-4)
    assert sum(p.data.size for p in ours.parameters()) == 61_706


def test_types_stay_and_arrays_may_be_anything():
    conv = Conv2d(1, 2, 3, rng=np.random.default_rng(0))
    x = normal(2, 8, 7, 1).astype(np.float32).transpose(0, 3, 1, 2)  # not contiguous
    x.flags.writeable = False
    y = conv(Tensor(x))
    assert y.dtype == np.float32
    y.sum().backward()
    assert conv.weight.grad.dtype == np.float32
    assert conv(Tensor(np.zeros((0, 1, 8, 8), np.float32))).shape == (0, 2, 6, 6)


def test_refusals_print_both_shapes():
    with pytest.raises(ValueError, match=r"\(2, 3, 8, 8\) does not fit kernels of shape \(4, 1, 3, 3\)"):
        Conv2d(1, 4, 3)(Tensor(np.ones((2, 3, 8, 8))))
    with pytest.raises(ValueError, match=r"\(2, 1, 2, 8\) does not fit"):
        Conv2d(1, 4, 3)(Tensor(np.ones((2, 1, 2, 8))))
    with pytest.raises(ValueError, match=r"\(1, 8, 8\) does not fit"):
        Conv2d(1, 4, 3)(Tensor(np.ones((1, 8, 8))))
    with pytest.raises(ValueError, match="too small for windows of 3"):
        MaxPool2d(3)(Tensor(np.ones((1, 1, 2, 5))))
    for bad in ((0, 1, 1), (1, 1, 0), (1, 1, 3, 0), (1, 1, 3, 1, -1)):
        with pytest.raises(ValueError, match="at least"):
            Conv2d(*bad)
    for bad in ((0,), (2, 0)):
        with pytest.raises(ValueError, match="at least 1"):
            MaxPool2d(*bad)
    with pytest.raises(ValueError, match="at least 1"):
        receptive_field([(3, 0)])
