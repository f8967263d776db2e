"""LSTM and GRU on the book's engine: PyTorch, differences, cutting, laws of the gates, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.deep_learning.autograd import Tensor, gradcheck
from journey.deep_learning.lstm_and_gru import GRU, LSTM, GRUCell, LSTMCell, watch_gates
from journey.deep_learning.neural_network_library import MSELoss, load_checkpoint, save_checkpoint

some = settings(deadline=None, derandomize=True, max_examples=15)
sizes = st.integers(1, 5)
LAYERS = {"LSTM": LSTM, "GRU": GRU}
CELLS = {"LSTM": LSTMCell, "GRU": GRUCell}


def twins(kind, d, H, layers=1, seed=0, **options):
    """The same weights in ours and in PyTorch, float64."""
    ours = LAYERS[kind](d, H, layers, rng=np.random.default_rng(seed), dtype=np.float64, **options)
    theirs = getattr(torch.nn, kind)(d, H, layers, dtype=torch.float64, **options)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    return ours, theirs


def parts(state):
    return list(state) if isinstance(state, tuple) else [state]


def states(kind, shape, rng):
    """A first state for ours and for theirs."""
    arrays = [rng.normal(size=shape) for _ in range(2 if kind == "LSTM" else 1)]
    ours, theirs = [Tensor(a) for a in arrays], [torch.tensor(a) for a in arrays]
    return (tuple(ours), tuple(theirs)) if kind == "LSTM" else (ours[0], theirs[0])


@pytest.mark.parametrize("kind", LAYERS)
@given(sizes, sizes, sizes, sizes, st.integers(1, 3), st.booleans(), st.integers(0, 99))
@some
def test_layers_equal_torch_in_value_and_gradient(kind, T, B, d, H, layers, batch_first, seed):
    rng = np.random.default_rng(seed)
    ours, theirs = twins(kind, d, H, layers, seed, batch_first=batch_first)
    x = rng.normal(size=(B, T, d) if batch_first else (T, B, d))
    ours_state, their_state = states(kind, (layers, B, H), rng)
    x_ours, x_theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    a, a_last = ours(x_ours, ours_state)
    b, b_last = theirs(x_theirs, their_state)
    assert a.shape == tuple(b.shape)
    g = rng.normal(size=a.shape)
    sum(((s * s).sum() for s in parts(a_last)), (a * g).sum()).backward()
    sum(((s * s).sum() for s in parts(b_last)), (b * torch.tensor(g)).sum()).backward()
    np.testing.assert_allclose(a.data, b.detach().numpy(), atol=1e-12)
    for one, other in zip(parts(a_last), parts(b_last), strict=True):
        np.testing.assert_allclose(one.data, other.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(x_ours.grad, x_theirs.grad.numpy(), atol=1e-11)
    for (name, p), (other, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other
        np.testing.assert_allclose(p.grad, q.grad.numpy(), atol=1e-11)


@pytest.mark.parametrize("kind", CELLS)
@given(sizes, sizes, st.integers(0, 99), st.booleans())
@some
def test_cells_equal_torch(kind, d, H, seed, single):
    rng = np.random.default_rng(seed)
    ours = CELLS[kind](d, H, rng=rng, dtype=np.float64)
    theirs = getattr(torch.nn, f"{kind}Cell")(d, H, dtype=torch.float64)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    x = rng.normal(size=(d,) if single else (3, d))
    ours_state, their_state = states(kind, (H,) if single else (3, H), rng)
    for given_state, other in ((None, None), (ours_state, their_state)):
        a, b = ours(Tensor(x), given_state), theirs(torch.tensor(x), other)
        for one, two in zip(parts(a), parts(b), strict=True):
            np.testing.assert_allclose(one.data, two.detach().numpy(), atol=1e-13)


@pytest.mark.parametrize("kind", LAYERS)
def test_the_way_back_is_the_difference_quotient(kind):
    rng = np.random.default_rng(3)
    layer = LAYERS[kind](2, 3, rng=rng, dtype=np.float64)
    arrays = [rng.normal(size=(4, 2, 2)), *(rng.normal(size=(1, 2, 3)) for _ in range(2))]
    if kind == "LSTM":
        gradcheck(lambda x, h, c: layer(x, (h, c))[0], [Tensor(a) for a in arrays])
        gradcheck(lambda x, h, c: layer(x, (h, c))[1][1], [Tensor(a) for a in arrays])
    else:
        gradcheck(lambda x, h: layer(x, h)[0], [Tensor(a) for a in arrays[:2]])


@pytest.mark.parametrize("kind", LAYERS)
def test_a_sequence_may_be_cut(kind):
    rng = np.random.default_rng(0)
    layer = LAYERS[kind](3, 4, 2, rng=rng, dtype=np.float64)
    x = rng.normal(size=(9, 2, 3))
    whole, last = layer(Tensor(x))
    first, state = layer(Tensor(x[:5]))
    second, end = layer(Tensor(x[5:]), state)
    np.testing.assert_allclose(np.concatenate([first.data, second.data]), whole.data, atol=1e-13)
    for one, other in zip(parts(end), parts(last), strict=True):
        np.testing.assert_allclose(one.data, other.data, atol=1e-13)


@given(st.floats(-30, 30), st.floats(-5, 5))
@some
def test_with_nothing_written_the_belt_keeps_what_the_forget_gate_says(bias, c0):
    cell = LSTMCell(1, 1, dtype=np.float64)
    for p in cell.parameters():
        p.data[...] = 0
    cell.bias_ih.data[1] = bias
    state = (Tensor([0.0]), Tensor([c0]))
    for _ in range(5):
        state = cell(Tensor([1.0]), state)
    assert state[1].item() == pytest.approx(c0 / (1 + np.exp(-bias)) ** 5, abs=1e-12)


@given(st.integers(0, 50), st.floats(1, 1e4))
@some
def test_outputs_stay_between_minus_one_and_one_even_for_huge_inputs(seed, scale):
    rng = np.random.default_rng(seed)
    x = scale * rng.normal(size=(6, 2, 3))
    for kind in LAYERS.values():
        out = kind(3, 4, rng=rng, dtype=np.float64)(Tensor(x))[0].data
        assert np.isfinite(out).all()
        assert np.abs(out).max() <= 1


@pytest.mark.parametrize("kind", LAYERS)
def test_extreme_inputs_have_finite_gradients(kind):
    layer = LAYERS[kind](1, 2, rng=np.random.default_rng(0))
    out = layer(Tensor(np.array([[[1e30]], [[-1e30]], [[0.0]]], dtype=np.float32)))[0]
    out.sum().backward()
    assert all(np.isfinite(p.grad).all() for p in layer.parameters())
    assert out.data.dtype == np.float32


def test_a_nan_does_not_pass_silently():
    layer = LSTM(1, 2)
    out = layer(Tensor(np.full((3, 1, 1), np.nan, dtype=np.float32)))[0]
    with pytest.raises(ValueError, match=r"NaN|finite"):
        MSELoss()(out, np.zeros(out.shape, dtype=np.float32))


@pytest.mark.parametrize("kind", LAYERS)
def test_weights_survive_a_file(kind, tmp_path):
    layer, other = (LAYERS[kind](3, 4, 2, rng=np.random.default_rng(s)) for s in (0, 1))
    save_checkpoint(tmp_path / "layer", layer.state_dict())
    other.load_state_dict(load_checkpoint(tmp_path / "layer"))
    x = Tensor(np.random.default_rng(2).normal(size=(5, 2, 3)).astype(np.float32))
    np.testing.assert_array_equal(layer(x)[0].data, other(x)[0].data)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("shape", [(5, 3), (5, 2, 4), (0, 2, 3), (5, 0, 3)])
def test_inputs_that_do_not_fit_are_refused_with_both_shapes(kind, shape):
    with pytest.raises(ValueError, match=r"\(T, B, 3\).*got \(" + str(shape[0])):
        LAYERS[kind](3, 4)(Tensor(np.zeros(shape)))


def test_states_and_sizes_that_do_not_fit_are_refused():
    x, wrong = Tensor(np.zeros((5, 2, 3))), Tensor(np.zeros((1, 2, 5)))
    with pytest.raises(ValueError, match=r"\(1, 2, 4\), got \(1, 2, 5\)"):
        LSTM(3, 4)(x, (wrong, wrong))
    with pytest.raises(ValueError, match=r"\(1, 2, 4\), got \(1, 2, 5\)"):
        GRU(3, 4)(x, wrong)
    with pytest.raises(ValueError, match=r"\(2, 4\), got \(5,\)"):
        GRUCell(3, 4)(Tensor(np.zeros((2, 3))), Tensor(np.zeros(5)))
    with pytest.raises(ValueError, match=r"\(B, 3\), got \(2, 4\)"):
        LSTMCell(3, 4)(Tensor(np.zeros((2, 4))))
    for kind in (*LAYERS.values(), *CELLS.values()):
        with pytest.raises(ValueError, match="at least 1, got 3, 0"):
            kind(3, 0)
    with pytest.raises(ValueError, match="num_layers"):
        LSTM(3, 4, 0)


@given(st.integers(0, 99))
@some
def test_watched_gates_make_the_outputs(seed):
    rng = np.random.default_rng(seed)
    layer, x = LSTM(3, 4, rng=rng, dtype=np.float64), rng.normal(size=(6, 2, 3))
    seen = watch_gates(layer, x)
    out, (_, c) = layer(Tensor(x))
    np.testing.assert_allclose(seen["output"] * np.tanh(seen["cell"]), out.data, atol=1e-13)
    np.testing.assert_allclose(seen["cell"][-1], c.data[0], atol=1e-13)
    before = np.concatenate([np.zeros((1, 2, 4)), seen["cell"][:-1]])
    kept = seen["forget"] * before + seen["input"] * seen["candidate"]
    np.testing.assert_allclose(seen["cell"], kept, atol=1e-13)


def test_watching_refuses():
    with pytest.raises(ValueError, match="one layer"):
        watch_gates(LSTM(3, 4, 2), np.zeros((5, 1, 3)))
    with pytest.raises(ValueError, match=r"\(T, B, 3\), got \(5, 3\)"):
        watch_gates(LSTM(3, 4), np.zeros((5, 3)))
