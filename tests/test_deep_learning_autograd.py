"""``journey.deep_learning.autograd`` against PyTorch, against its own laws, and on nasty input."""

import gc
import threading
import weakref
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays, broadcastable_shapes, mutually_broadcastable_shapes

from journey.deep_learning.autograd import (
    Tensor,
    apply,
    cat,
    draw_graph,
    gradcheck,
    is_grad_enabled,
    maximum,
    no_grad,
    stack,
    topological_order,
    unbroadcast,
    where,
)

HERE = SimpleNamespace(cat=cat, stack=stack, where=where, maximum=maximum)
modest = settings(deadline=None, derandomize=True, max_examples=10)
seeds = st.integers(0, 2**31)


def compare(operation, *values, dtype=np.float64, tolerance=1e-10):
    """Value and gradients of one expression, in both libraries."""
    ours = [Tensor(value, requires_grad=True, dtype=dtype) for value in values]
    theirs = [torch.tensor(np.array(value, dtype=dtype), requires_grad=True) for value in values]
    result, expected = operation(HERE, *ours), operation(torch, *theirs)
    assert result.shape == tuple(expected.shape)
    assert result.dtype == dtype
    adjoint = np.random.default_rng(0).normal(size=result.shape).astype(dtype)
    result.backward(adjoint)
    expected.backward(torch.tensor(adjoint))
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=tolerance, atol=tolerance)
    for one, other in zip(ours, theirs):
        if other.grad is None:
            assert one.grad is None
        else:
            assert one.grad.dtype == dtype
            np.testing.assert_allclose(one.grad, other.grad.numpy(), rtol=tolerance, atol=tolerance)


BINARY = {
    "add": lambda m, x, y: x + y,
    "sub": lambda m, x, y: x - y,
    "mul": lambda m, x, y: x * y,
    "div": lambda m, x, y: x / (y.abs() + 0.5),
    "pow": lambda m, x, y: (x.abs() + 0.5) ** y,
    "maximum": lambda m, x, y: m.maximum(x, y),
    "where": lambda m, x, y: m.where(x > 0.1, x, y),
    "used twice": lambda m, x, y: (x + y) * x + y,
}


@pytest.mark.parametrize("name", BINARY)
@modest
@given(shapes=mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4), seed=seeds)
def test_binary_operations_equal_pytorch(name, shapes, seed):
    rng = np.random.default_rng(seed)
    compare(BINARY[name], *(rng.normal(size=shape) for shape in shapes.input_shapes))


UNARY = {
    "exp": lambda m, x: x.exp(),
    "log": lambda m, x: (x.abs() + 0.1).log(),
    "sqrt": lambda m, x: (x.abs() + 0.1).sqrt(),
    "tanh": lambda m, x: x.tanh(),
    "relu": lambda m, x: x.relu(),
    "sigmoid": lambda m, x: (10 * x).sigmoid(),
    "abs": lambda m, x: x.abs(),
    "neg": lambda m, x: -x,
    "numbers": lambda m, x: (2 - x) / 3 + 0.5 / (x.abs() + 1) - x**3 + 2**x + (1 + x) * 2 - 1,
    "powers": lambda m, x: x**2 + x**0 + x**1 + (x.abs() + 0.1) ** -1.5 + (x.abs() + 0.1) ** 0.5,
    "cat": lambda m, x: m.cat([x, x * 2, x], -1),
    "stack": lambda m, x: m.stack([x, x.exp()], -1),
    "sum": lambda m, x: x.sum() * x.sum(-1, keepdim=True) * x.sum(0, keepdim=True),
    "mean": lambda m, x: x.mean() * x.mean(0),
    "amax": lambda m, x: x.amax(-1, keepdim=True) * x.amax(0, keepdim=True),
    "amin": lambda m, x: x.amin(-1) * x.amin(),
    "max": lambda m, x: x.max() - x.min(),
    "var": lambda m, x: x.var(-1, correction=0, keepdim=True) * x.var(correction=0),
    "softmax": lambda m, x: x.softmax(-1) * x.softmax(0),
    "log_softmax": lambda m, x: x.log_softmax(-1) * x.log_softmax(0),
    "logsumexp": lambda m, x: x.logsumexp(-1, keepdim=True) * x.logsumexp(0, keepdim=True),
    "reshape": lambda m, x: x.reshape(-1) * 2,
    "view": lambda m, x: x.view(-1, 1),
    "permute": lambda m, x: x.permute(*range(x.ndim)[::-1]).exp(),
    "transpose": lambda m, x: x.transpose(0, -1).exp(),
    "flatten": lambda m, x: x.flatten() * x.flatten().exp(),
    "squeeze": lambda m, x: x.unsqueeze(0).unsqueeze(-1).squeeze() * x.squeeze(0).sum(),
    "expand": lambda m, x: x.unsqueeze(1).expand(-1, 3, *x.shape[1:]).exp(),
    "slice": lambda m, x: x[..., ::2] * 2,
    "newaxis": lambda m, x: x[None, 0] * x[-1],
    "mask": lambda m, x: x[x > 0],
    "list of rows": lambda m, x: x[[0, 0, -1]],
}


@pytest.mark.parametrize("name", UNARY)
@modest
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), seed=seeds)
def test_unary_operations_equal_pytorch(name, shape, seed):
    compare(UNARY[name], np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize("name", UNARY)
def test_float32_stays_float32(name):
    compare(UNARY[name], np.random.default_rng(0).normal(size=(3, 4)), dtype=np.float32, tolerance=2e-5)


@modest
@given(data=st.data(), seed=seeds)
def test_products_equal_pytorch(data, seed):
    n, k, m = (data.draw(st.integers(1, 4)) for _ in range(3))
    batches = data.draw(mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3)).input_shapes
    first = data.draw(st.sampled_from([(k,), (*batches[0], n, k)]))
    second = data.draw(st.sampled_from([(k,), (k, m), (*batches[1], k, m)]))
    rng = np.random.default_rng(seed)
    compare(lambda _, x, y: x @ y, rng.normal(size=first), rng.normal(size=second))


@pytest.mark.parametrize(
    "index",
    [
        np.array([0, 2, 2, -1, -4]),
        np.array([[0, 1], [1, 1]]),
        np.array([], dtype=int),
        (np.array([0, 0, 3]), np.array([1, 1, 2])),
        (slice(None), np.array([0, 0])),
        (np.array([1, 1]), slice(1, 3)),
        (1, slice(None, None, 2), None),
        (..., 1),
        (2, 2, 1),
        np.int64(1),
    ],
)
def test_index_equals_pytorch(index):
    def turn(part):
        return torch.tensor(part) if isinstance(part, np.ndarray) else part

    def pick(library, x):
        if library is HERE:
            return x[index]
        return x[tuple(map(turn, index)) if isinstance(index, tuple) else turn(index)]

    compare(pick, np.random.default_rng(0).normal(size=(4, 3, 2)))


def test_index_may_be_a_tensor():
    table = Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    table[Tensor([1, 1, 0])].sum().backward()
    np.testing.assert_array_equal(table.grad, [[1, 1], [2, 2], [0, 0]])


def test_ties_and_kinks_follow_pytorch():
    ties = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    for operation in (
        lambda m, x: x.amax(1),
        lambda m, x: x.amin(0),
        lambda m, x: x.max(),
        lambda m, x: m.maximum(x, x * 1),
        lambda m, x: (x - 2).relu(),
        lambda m, x: (x - 2).abs(),
        lambda m, x: (x - 2) ** 0,
        lambda m, x: (x - 2) ** 2,
        lambda m, x: (x - 2) ** (x * 0 + 3),
    ):
        compare(operation, ties)
    compare(lambda m, x, y: m.maximum(x, y), ties, ties[:, ::-1])


def test_dimensions_may_be_several():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    compare(lambda m, x: x.sum((0, 2)) * x.mean((0, -1)) * x.var((0, 2)) * x.amax((0, 2)), x)
    compare(lambda m, x: x.logsumexp((0, 2)), x)
    compare(lambda m, x: x.flatten(1) @ x.flatten(1).T, x)


@modest
@given(data=st.data(), shape=st.lists(st.integers(1, 3), max_size=3), seed=seeds)
def test_unbroadcast_is_the_transpose_of_broadcasting(data, shape, seed):
    small = tuple(shape)
    large = data.draw(broadcastable_shapes(small, max_dims=4, max_side=3))
    large = np.broadcast_shapes(small, large)
    rng = np.random.default_rng(seed)
    u, g = rng.normal(size=small), rng.normal(size=large)
    back = unbroadcast(g, small)
    assert back.shape == small
    np.testing.assert_allclose(np.vdot(back, u), np.vdot(g, np.broadcast_to(u, large)), atol=1e-12)


def test_unbroadcast_refuses_what_does_not_broadcast():
    for shape in ((2,), (1, 4, 3), (4, 2)):
        with pytest.raises(ValueError, match=r"\(4, 3\)"):
            unbroadcast(np.ones((4, 3)), shape)


@modest
@given(arrays(np.float64, (3,), elements=st.floats(-3, 3)), st.floats(-2, 2), st.floats(-2, 2))
def test_gradient_is_linear(values, a, b):
    def gradient(weigh_f, weigh_g):
        x = Tensor(values, requires_grad=True)
        (weigh_f * x.tanh().sum() + weigh_g * (x * x).sum()).backward()
        return x.grad

    np.testing.assert_allclose(gradient(a, b), a * gradient(1, 0) + b * gradient(0, 1), atol=1e-12)


# ---- the walk back ----------------------------------------------------------------------------------


def test_gradients_are_none_then_add():
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert x.grad is None
    (x * 3).sum().backward()
    (x * 4).sum().backward()
    np.testing.assert_array_equal(x.grad, [7, 7])


def test_gradients_do_not_share_memory():
    a, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0], requires_grad=True)
    seed = np.ones(2)
    (a + b).backward(seed)
    a.grad *= 0
    np.testing.assert_array_equal(b.grad, [1, 1])
    np.testing.assert_array_equal(seed, [1, 1])
    c = Tensor([1.0, 2.0], requires_grad=True)
    c.sum().backward()
    c.grad += 1  # a broadcast gradient would be read-only


def test_shared_gradient_arrays_do_not_mix():
    compare(lambda m, x: (x + x.exp()) + x, np.array([0.5, 1.0]))
    compare(lambda m, x: x * x + x, np.array([0.5, 1.0]))


@pytest.mark.parametrize("depth", [10_000, 20_000])
def test_chains_may_be_deep(depth):
    x = Tensor(1.0, requires_grad=True)
    total = x
    for _ in range(depth):
        total = total + x
    total.backward()
    assert x.grad == depth + 1
    for _ in range(depth):
        total = total * 1.0 + x
    del total  # a long record is freed without recursion, too


def test_backward_needs_a_graph_and_a_gradient():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="does not require grad"):
        Tensor(1.0).backward()
    with pytest.raises(RuntimeError, match=r"\(2,\) needs a gradient"):
        (x * 2).backward()
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        (x * 2).backward(np.ones(3))
    y = (x * 2).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="freed"):
        y.backward()
    assert np.array_equal(x.grad, [2, 2])  # the refused walk left nothing


def test_two_results_of_one_freed_part():
    x = Tensor(2.0, requires_grad=True)
    shared = x.exp()
    first, second = shared * 2, shared * 3
    first.backward()
    before = x.grad.copy()
    with pytest.raises(RuntimeError, match="'exp' was freed"):
        second.backward()
    assert x.grad == before


def test_retain_graph_and_retain_grad():
    x = Tensor(3.0, requires_grad=True)
    y = x * x
    y.retain_grad()
    z = y * 2
    z.backward(retain_graph=True)
    z.backward()
    assert x.grad == 24
    assert y.grad == 4
    assert z.grad is None


def test_leaf_backward():
    x = Tensor(3.0, requires_grad=True)
    x.backward()
    x.backward()
    assert x.grad == 2


def test_the_graph_keeps_no_tensor_alive():
    x = Tensor(np.ones(3), requires_grad=True)
    middle = x * 2
    result = (middle + 1).sum()
    gone = weakref.ref(middle)
    del middle
    assert gone() is None
    result.backward()
    np.testing.assert_array_equal(x.grad, [2, 2, 2])


def test_no_cycles_for_the_collector():
    gc.collect()
    gc.disable()
    try:
        x = Tensor(np.ones(3), requires_grad=True)
        result = (x.exp() * x.softmax(0)).sum()
        nodes = [weakref.ref(node) for node in topological_order(result.grad_fn)[1:]]
        del result
        assert all(node() is None for node in nodes)
    finally:
        gc.enable()


def test_no_grad_records_nothing_and_recovers():
    x = Tensor(1.0, requires_grad=True)
    with no_grad():
        assert not is_grad_enabled()
        with no_grad():
            assert not (x * 2).requires_grad
        assert not (x * 2).requires_grad
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert is_grad_enabled()
    assert (x * 2).requires_grad

    @no_grad()
    def evaluate():
        return x * 2

    assert not evaluate().requires_grad
    assert not evaluate().requires_grad  # the decorator may be used again


def test_no_grad_is_of_one_thread():
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_pullbacks_that_nobody_needs_do_not_run():
    def primitive(a, b):
        def never(g):
            raise AssertionError("not needed")

        return a * b, (lambda g: g * b, never)

    x = Tensor([1.0, 2.0], requires_grad=True)
    apply(primitive, x, np.array([3.0, 4.0])).sum().backward()
    np.testing.assert_array_equal(x.grad, [3, 4])


def test_pullbacks_that_nobody_needs_hold_no_memory():
    class Big:
        pass

    held = []

    def primitive(a, b):
        big = Big()
        held.append(weakref.ref(big))
        return a * b, (lambda g: g * b, lambda g: (big, g * a)[1])

    result = apply(primitive, Tensor(1.0, requires_grad=True), Tensor(2.0))
    assert held[0]() is None
    result.backward()


# ---- new operations ---------------------------------------------------------------------------------


def test_apply_says_what_is_wrong_with_a_primitive():
    x = Tensor(np.ones((2, 3)), requires_grad=True)

    def one_short(a, b):
        return a + b, (lambda g: g,)

    def bad_shape(a):
        return a * 2, (lambda g: g[0],)

    with pytest.raises(ValueError, match="one_short returned 1 pullbacks for 2 inputs"):
        apply(one_short, x, x)
    with pytest.raises(ValueError, match=r"bad_shape.*\(3,\).*\(2, 3\)"):
        apply(bad_shape, x).sum().backward()


def test_apply_takes_settings_and_constants():
    def scale(a, b, factor):
        return factor * a, (lambda g: factor * g, None)

    x, y = Tensor(2.0, requires_grad=True), Tensor(1.0, requires_grad=True)
    apply(scale, x, y, factor=3).backward()
    assert x.grad == 3
    assert y.grad is None


def test_gradcheck_catches_wrong_pullbacks():
    def wrong(a):
        return np.tanh(a), (lambda g: g * (1 - a),)

    with pytest.raises(AssertionError, match="input 0: relative error"):
        gradcheck(lambda x: apply(wrong, x), [np.array([0.3, 0.7])])
    assert gradcheck(lambda x, y: x.tanh() @ y, [np.eye(3) + 0.1, np.ones((3, 2))]) < 1e-9
    assert gradcheck(lambda x, y: x * 2, [np.ones(2), np.ones(2)]) < 1e-9  # y is not used


def test_gradcheck_needs_float64():
    for inputs in ([Tensor([1.0], dtype=np.float32)], [np.array([1])], []):
        with pytest.raises(ValueError, match="float64"):
            gradcheck(lambda x: x * 2, inputs)


# ---- the class --------------------------------------------------------------------------------------


def test_construction():
    array = np.arange(6).reshape(2, 3)[:, ::2]
    tensor = Tensor(array)
    array[:] = 9
    np.testing.assert_array_equal(tensor.data, [[0, 2], [3, 5]])  # a copy
    assert (tensor.shape, tensor.ndim, tensor.dtype, len(tensor)) == ((2, 2), 2, np.int64, 2)
    assert Tensor([1.0]).dtype == np.float64
    assert Tensor([1], dtype=np.float32).dtype == np.float32
    assert Tensor(Tensor([1.0])).shape == (1,)
    assert [float(one) for one in Tensor([1.0, 2.0])] == [1, 2]
    assert "requires_grad=True" in repr(Tensor([1.0], requires_grad=True))
    assert "grad_fn=exp" in repr(Tensor([1.0], requires_grad=True).exp())
    for bad in ("text", [object()], [1j]):
        with pytest.raises(ValueError, match="real numbers"):
            Tensor(bad)
    with pytest.raises(RuntimeError, match="int64"):
        Tensor([1], requires_grad=True)


def test_numbers_take_the_tensors_dtype():
    x = Tensor([1.0], requires_grad=True, dtype=np.float32)
    for result in (x * 2.5, 2 - x, x / np.float64(3), np.sqrt(2.0) * x, x**0.5, 2.0**x, maximum(x, 0.5)):
        assert result.dtype == np.float32
    assert (Tensor([1, 2]) * 0.5).dtype == np.float64
    mixed = x * Tensor([1.0], dtype=np.float64)
    mixed.backward()
    assert (mixed.dtype, x.grad.dtype) == (np.float64, np.float32)


def test_arrays_on_the_left():
    x = Tensor(np.ones((2, 2)), requires_grad=True)
    for result in (np.eye(2) + x, np.eye(2) - x, np.eye(2) * x, np.eye(2) / x, np.eye(2) @ x, np.eye(2) ** x):
        assert isinstance(result, Tensor)
        assert result.requires_grad
    np.testing.assert_array_equal((np.array([[1.0, 2.0], [3.0, 4.0]]) @ x).data, [[3, 3], [7, 7]])


def test_leaving_the_graph():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="detach"):
        x.numpy()
    with pytest.raises(RuntimeError, match="detach"):
        np.asarray(x)
    cut = (x * 2).detach()
    assert not cut.requires_grad
    np.testing.assert_array_equal(np.asarray(cut), [2, 4])
    assert np.shares_memory(x.detach().data, x.data)
    assert Tensor([3.0]).item() == 3.0
    with pytest.raises(ValueError, match=r"\(2,\)"):
        x.item()


def test_requires_grad_can_be_switched_on_leaves():
    x = Tensor(1.0)
    assert x.requires_grad_().requires_grad
    y = x * 2
    assert not y.is_leaf
    with pytest.raises(RuntimeError, match="leaf"):
        y.requires_grad = False
    x.requires_grad = False
    assert not (x * 2).requires_grad


def test_in_place_arithmetic_is_refused():
    x = Tensor([1.0, 2.0])
    with pytest.raises(RuntimeError, match="in-place"):
        x += 1
    with pytest.raises(RuntimeError, match="in-place"):
        x[0] = 3


@pytest.mark.parametrize(
    ("mistake", "shapes"),
    [
        (lambda x, y: x + y, r"\(2, 3\) and \(4,\)"),
        (lambda x, y: x @ y, r"\(2, 3\) and \(4,\)"),
        (lambda x, y: x @ Tensor(1.0), r"\(2, 3\) and \(\)"),
        (lambda x, y: x.reshape(4, 2), r"\(2, 3\)"),
        (lambda x, y: x.T.view(6), r"\(3, 2\)"),
        (lambda x, y: x.sum(2), r"\(2, 3\)"),
        (lambda x, y: x.permute(0, 0), r"\(2, 3\)"),
        (lambda x, y: x.expand(2, 4), r"\(2, 3\)"),
        (lambda x, y: cat([x, y]), r"\(2, 3\) and \(4,\)"),
        (lambda x, y: stack([x, y]), r"\(2, 3\), \(4,\)"),
        (lambda x, y: cat([]), "at least one"),
        (lambda x, y: stack([]), "one shape"),
        (lambda x, y: x.flatten(1, 0), r"\(2, 3\)"),
        (lambda x, y: y.var(correction=4), "correction=4"),
        (lambda x, y: x[:0].max(), r"\(0, 3\)"),
        (lambda x, y: where(np.ones(5, bool), x, y), r"\(2, 3\) and \(4,\)"),
    ],
)
def test_errors_name_the_shapes(mistake, shapes):
    with pytest.raises(ValueError, match=shapes):
        mistake(Tensor(np.ones((2, 3))), Tensor(np.ones(4)))


# ---- nasty numbers ----------------------------------------------------------------------------------


def test_softmax_of_extreme_scores():
    compare(lambda m, x: x.softmax(-1), np.array([1e4, 0.0, -1e4]))
    compare(lambda m, x: x.log_softmax(-1), np.array([1e4, 0.0, -1e4]))
    compare(lambda m, x: x.logsumexp(0), np.array([1e4, 1e4, -1e4]))
    masked = Tensor([[1.0, -np.inf], [0.0, 0.0]], requires_grad=True)
    result = masked.softmax(1)
    result[:, 0].sum().backward()
    np.testing.assert_allclose(result.data, [[1, 0], [0.5, 0.5]])
    assert np.isfinite(masked.grad).all()
    assert Tensor([-np.inf, -np.inf]).logsumexp(0).item() == -np.inf


def test_sigmoid_neither_overflows_nor_loses_digits():
    with np.errstate(over="raise", invalid="raise"):
        compare(lambda m, x: x.sigmoid(), np.array([-700.0, -40.0, 0.0, 40.0, 700.0]))
    assert Tensor(-40.0).sigmoid().item() == pytest.approx(np.exp(-40.0), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_scale(scale):
    compare(
        lambda m, x: (x / scale).tanh().sum() + (x / x).sum() + x.amax() / scale,
        np.array([1.0, -2.0]) * scale,
    )


def test_nan_and_inf_come_through():
    x = Tensor([np.nan, 1.0, np.inf], requires_grad=True)
    y = x.relu() + x * 2
    assert np.isnan(y.data[0])
    assert np.isinf(y.data[2])
    assert np.isnan(x.max().item())


def test_empty_tensors():
    x = Tensor(np.zeros((0, 3)), requires_grad=True)
    (x @ Tensor(np.ones((3, 2)), requires_grad=True)).sum().backward()
    assert x.grad.shape == (0, 3)
    w = Tensor(np.ones((3, 2)), requires_grad=True)
    (x @ w + Tensor(np.ones(2))).sum().backward()
    np.testing.assert_array_equal(w.grad, np.zeros((3, 2)))
    b = Tensor(np.ones(3), requires_grad=True)
    (x + b).sum().backward()
    np.testing.assert_array_equal(b.grad, np.zeros(3))
    assert cat([x, x]).shape == (0, 3)


def test_read_only_and_strided_data():
    frozen = np.arange(12.0).reshape(3, 4)
    frozen.flags.writeable = False
    compare(lambda m, x, y: x.T @ y.flatten()[:3], frozen, frozen.T[::2, ::-1])


# ---- the drawing ------------------------------------------------------------------------------------


def test_draw_graph_draws_one_box_for_each_node():
    a, b = Tensor(2.0, requires_grad=True), Tensor(np.ones(3), requires_grad=True)
    loss = ((a * b + a).exp().sum() + b.sum()) ** 2
    figure, axes = plt.subplots()
    draw_graph(axes, loss, {"a": a, "b": b})
    figure.canvas.draw()
    boxes = [text for text in axes.texts if text.get_bbox_patch() is not None]
    assert len(boxes) == len(topological_order(loss.grad_fn))
    assert len({text.get_position() for text in boxes}) == len(boxes)
    plt.close(figure)
    with pytest.raises(ValueError, match="no graph"):
        draw_graph(axes, a)


def test_topological_order_puts_inputs_first():
    x = Tensor(1.0, requires_grad=True)
    order = topological_order(((x * 2).exp() + x * x.tanh()).grad_fn)
    place = {node: n for n, node in enumerate(order)}
    assert len(place) == len(order)
    assert all(place[parent] < place[node] for node in order for parent in node.parents if parent is not None)
