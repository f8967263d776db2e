"""Recurrent networks: PyTorch's values and gradients, laws of time, padding, hostile input."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.deep_learning.autograd import Tensor, gradcheck, no_grad
from journey.deep_learning.recurrent_networks import (
    RNN,
    CharacterModel,
    Embedding,
    RNNCell,
    backward_through_time,
    encode_names,
    orthogonal_,
)

quick = settings(deadline=None, derandomize=True, max_examples=25)
KINDS = st.sampled_from(["tanh", "relu"])


def generator(seed=0):
    return np.random.default_rng(seed)


def twins(d, H, layers=1, kind="tanh", bias=True, first=False, seed=0):
    ours = RNN(d, H, layers, kind, bias, first, rng=generator(seed), dtype=np.float64)
    theirs = torch.nn.RNN(d, H, layers, kind, bias, first, dtype=torch.float64)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    return ours, theirs


@quick
@given(
    st.integers(1, 7), st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(1, 3),
    KINDS, st.booleans(), st.booleans(), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_rnn_equals_pytorch(T, B, d, H, layers, kind, bias, first, start, seed):
    ours, theirs = twins(d, H, layers, kind, bias, first, seed)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    rng = generator(seed + 1)
    x = Tensor(rng.normal(size=(B, T, d) if first else (T, B, d)), requires_grad=True)
    h = Tensor(rng.normal(size=(layers, B, H)), requires_grad=True)
    x_torch, h_torch = (torch.tensor(a.data, requires_grad=True) for a in (x, h))
    found = ours(x, h) if start else ours(x)
    wanted = theirs(x_torch, h_torch) if start else theirs(x_torch)
    seeds = [rng.normal(size=a.shape) for a in found]
    ((found[0] * seeds[0]).sum() + (found[1] * seeds[1]).sum()).backward()
    sum((b * torch.tensor(g)).sum() for b, g in zip(wanted, seeds, strict=True)).backward()
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(x.grad, x_torch.grad.numpy(), rtol=1e-10, atol=1e-12)
    if start:
        np.testing.assert_allclose(h.grad, h_torch.grad.numpy(), rtol=1e-10, atol=1e-12)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("layers", [1, 2])
def test_rnn_reads_one_sequence_without_a_batch_as_pytorch(layers):
    ours, theirs = twins(3, 4, layers, first=True)
    x, h = generator().normal(size=(5, 3)), generator(1).normal(size=(layers, 4))
    for args in ((x,), (x, h)):
        found = ours(*map(Tensor, args))
        for a, b in zip(found, theirs(*map(torch.tensor, args)), strict=True):
            assert a.shape == tuple(b.shape)
            np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-12)


@quick
@given(st.integers(1, 4), st.integers(1, 5), KINDS, st.booleans(), st.booleans(), st.integers(0, 99))
def test_cell_equals_pytorch(d, H, kind, bias, batch, seed):
    cell = RNNCell(d, H, bias, kind, rng=generator(seed), dtype=np.float64)
    theirs = torch.nn.RNNCell(d, H, bias, kind, dtype=torch.float64)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in cell.state_dict().items()})
    lead = (3,) if batch else ()
    x, h = (generator(seed).normal(size=(*lead, n)) for n in (d, H))
    for args in ((x,), (x, h)):
        out, wanted = cell(*map(Tensor, args)), theirs(*map(torch.tensor, args))
        np.testing.assert_allclose(out.data, wanted.detach().numpy(), rtol=1e-11, atol=1e-13)
        cell.zero_grad()
        theirs.zero_grad()
        out.sum().backward()
        wanted.sum().backward()
        for p, q in zip(cell.parameters(), theirs.parameters(), strict=True):
            np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-11, atol=1e-12)


@quick
@given(st.integers(1, 6), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), KINDS, st.integers(0, 99))
def test_by_hand_equals_the_engine(T, B, d, H, kind, seed):
    rng = generator(seed)
    rnn = RNN(d, H, 1, kind, rng=rng, dtype=np.float64)
    x, h = Tensor(rng.normal(size=(T, B, d)), requires_grad=True), Tensor(rng.normal(size=(1, B, H)), True)
    g = rng.normal(size=(T, B, H))
    out, _ = rnn(x, h)
    out.backward(g)
    bias = rnn.bias_ih_l0.data + rnn.bias_hh_l0.data
    found = backward_through_time(
        x.data, h.data[0], rnn.weight_ih_l0.data, rnn.weight_hh_l0.data, bias, g, kind
    )
    pairs = {
        "states": out.data, "inputs": x.grad, "h0": h.grad[0], "weight_ih": rnn.weight_ih_l0.grad,
        "weight_hh": rnn.weight_hh_l0.grad, "bias": rnn.bias_hh_l0.grad,
    }  # fmt: skip
    assert set(found) == set(pairs)
    for name, wanted in pairs.items():
        np.testing.assert_allclose(found[name], wanted, rtol=1e-10, atol=1e-12, err_msg=name)


def test_by_hand_on_four_numbers_and_hostile_arrays():
    ones, g = np.ones((3, 1, 1), dtype=int), np.zeros((3, 1, 1))
    g[-1] = 1
    for array in (ones, np.ones((3, 1, 2))[..., :1]):  # integers; not contiguous
        array.setflags(write=False)
        found = backward_through_time(array, [[0]], [[1]], [[2]], [0], g, "relu")
        assert found["states"].ravel().tolist() == [1, 3, 7]
        assert found["weight_hh"].item() == 5
        assert found["inputs"].ravel().tolist() == [4, 2, 1]
        assert found["weight_ih"].item() == 7
        assert found["h0"].item() == 8


def test_by_hand_refuses():
    good = [
        np.ones((2, 1, 3)),
        np.ones((1, 4)),
        np.ones((4, 3)),
        np.ones((4, 4)),
        np.ones(4),
        np.ones((2, 1, 4)),
    ]
    backward_through_time(*good)
    with pytest.raises(ValueError, match="nonlinearity"):
        backward_through_time(*good, "sigmoid")
    with pytest.raises(ValueError, match="T ≥ 1"):
        backward_through_time(np.ones((0, 1, 3)), *good[1:])
    with pytest.raises(ValueError, match="T ≥ 1"):
        backward_through_time(np.ones((2, 3)), *good[1:])
    for k in range(1, 6):
        bad = list(good)
        bad[k] = np.ones(tuple(n + 1 for n in good[k].shape))
        with pytest.raises(ValueError, match="shapes of"):
            backward_through_time(*bad)


@quick
@given(st.integers(2, 8), st.integers(1, 7), st.integers(0, 99))
def test_a_sequence_may_be_read_in_two_pieces(T, cut, seed):
    cut, rng = min(cut, T - 1), generator(seed)
    rnn = RNN(2, 3, 2, rng=rng, dtype=np.float64)
    x = Tensor(rng.normal(size=(T, 2, 2)))
    whole, end = rnn(x)
    first, state = rnn(x[:cut])
    second, end_too = rnn(x[cut:], state)
    np.testing.assert_allclose(np.concatenate([first.data, second.data]), whole.data, rtol=1e-12)
    np.testing.assert_allclose(end_too.data, end.data, rtol=1e-12)
    np.testing.assert_allclose(end.data[-1], whole.data[-1], rtol=0)


@quick
@given(st.integers(2, 6), st.integers(0, 99))
def test_the_future_does_not_act_on_the_past(T, seed):
    rng = generator(seed)
    rnn, x = RNN(2, 3, rng=rng, dtype=np.float64), rng.normal(size=(T, 1, 2))
    other = x.copy()
    other[-1] += 1
    a, b = rnn(Tensor(x))[0].data, rnn(Tensor(other))[0].data
    assert np.array_equal(a[:-1], b[:-1])
    assert not np.array_equal(a[-1], b[-1])


def test_detach_cuts_the_gradient_and_nothing_else():
    rnn = RNN(2, 3, rng=generator(), dtype=np.float64)
    x = Tensor(generator(1).normal(size=(6, 1, 2)), requires_grad=True)
    _, state = rnn(x[:3])
    out, _ = rnn(x[3:], state.detach())
    np.testing.assert_allclose(out.data, rnn(x)[0].data[3:], rtol=1e-12)
    out.sum().backward()
    assert not x.grad[:3].any()
    assert (x.grad[3:] != 0).all()


def test_two_walks_back_through_one_graph_add_up():
    rnn, x = RNN(2, 3, rng=generator(), dtype=np.float64), Tensor(generator(1).normal(size=(4, 2, 2)))
    g, k = generator(2).normal(size=(2, 4, 2, 3))
    out, _ = rnn(x)
    out.backward(g, retain_graph=True)
    out.backward(k)
    both = rnn.weight_hh_l0.grad.copy()
    rnn.zero_grad()
    rnn(x)[0].backward(g + k)
    np.testing.assert_allclose(both, rnn.weight_hh_l0.grad, rtol=1e-10)


def test_dtypes_and_huge_numbers():
    rnn = RNN(2, 3, rng=generator())
    out, last = rnn(Tensor(np.full((4, 1, 2), 1e30, dtype=np.float32)))
    assert out.data.dtype == last.data.dtype == np.float32
    assert np.isfinite(out.data).all()
    assert np.abs(out.data).max() <= 1
    assert np.isnan(rnn(Tensor(np.full((2, 1, 2), np.nan, dtype=np.float32)))[0].data).all()
    assert rnn(Tensor(np.ones((2, 0, 2), dtype=np.float32)))[0].shape == (2, 0, 3)
    assert "2, 3" in repr(rnn)


def test_rnn_refuses():
    rnn = RNN(2, 3)
    for bad in (0, -1):
        with pytest.raises(ValueError, match="at least 1"):
            RNN(bad, 3)
        with pytest.raises(ValueError, match="at least 1"):
            RNNCell(2, bad)
        with pytest.raises(ValueError, match="num_layers"):
            RNN(2, 3, bad)
    with pytest.raises(ValueError, match="nonlinearity"):
        RNN(2, 3, nonlinearity="sigmoid")
    for shape in ((4, 1, 3), (2,), (1, 1, 1, 2)):
        with pytest.raises(ValueError, match="need input"):
            rnn(Tensor(np.ones(shape)))
    with pytest.raises(ValueError, match="no steps"):
        rnn(Tensor(np.ones((0, 1, 2))))
    x = Tensor(np.ones((4, 5, 2)))
    for shape in ((1, 4, 3), (2, 5, 3), (1, 5, 2)):
        with pytest.raises(ValueError, match="first state"):
            rnn(x, Tensor(np.ones(shape)))
    with pytest.raises(ValueError, match="no batch"):
        rnn(x, Tensor(np.ones((1, 3))))


def test_cell_refuses():
    cell = RNNCell(2, 3)
    with pytest.raises(ValueError, match="need input"):
        cell(Tensor(np.ones((4, 3))))
    with pytest.raises(ValueError, match="need input"):
        cell(Tensor(np.ones((4, 1, 2))))
    with pytest.raises(ValueError, match="state must"):
        cell(Tensor(np.ones((4, 2))), Tensor(np.ones((3, 3))))


def test_first_weights_are_pytorchs_law():
    rnn = RNN(40, 100, 2, rng=generator())
    for p in rnn.parameters():
        assert np.abs(p.data).max() <= 0.1
        assert p.data.std() == pytest.approx(0.1 / 3**0.5, rel=0.15)
    again = RNN(40, 100, 2, rng=generator())
    assert all(
        np.array_equal(p.data, q.data) for p, q in zip(rnn.parameters(), again.parameters(), strict=True)
    )


@quick
@given(st.integers(1, 9), st.integers(1, 9), st.floats(0.1, 3), st.integers(0, 99))
def test_orthogonal(m, n, gain, seed):
    w = Tensor(np.full((m, n), np.nan))
    assert orthogonal_(w, gain, rng=generator(seed)) is w
    product = w.data @ w.data.T if m <= n else w.data.T @ w.data
    np.testing.assert_allclose(product, gain**2 * np.eye(min(m, n)), atol=1e-12)


def test_orthogonal_is_uniform_in_sign_and_refuses():
    signs = [orthogonal_(Tensor(np.empty((2, 2))), rng=generator(s)).data[0, 0] > 0 for s in range(200)]
    assert 70 < sum(signs) < 130
    with pytest.raises(ValueError, match=r"\(m, n\)"):
        orthogonal_(Tensor(np.ones(3)), rng=generator())


@quick
@given(st.integers(1, 6), st.integers(1, 4), st.lists(st.integers(0, 5), max_size=12), st.integers(0, 99))
def test_embedding_equals_pytorch(n, d, picked, seed):
    index = np.array([i % n for i in picked], dtype=int)
    table = Embedding(n, d, rng=generator(seed), dtype=np.float64)
    theirs = torch.nn.Embedding(n, d, dtype=torch.float64)
    theirs.load_state_dict({"weight": torch.tensor(table.weight.data)})
    out, wanted = table(index), theirs(torch.tensor(index))
    g = generator(seed).normal(size=out.shape)
    out.backward(g)
    wanted.backward(torch.tensor(g))
    assert np.array_equal(out.data, wanted.detach().numpy())
    np.testing.assert_allclose(table.weight.grad, theirs.weight.grad.numpy(), rtol=1e-12, atol=1e-14)


def test_embedding_shapes_and_refusals():
    table = Embedding(5, 3, rng=generator())
    assert table(2).shape == (3,)
    assert table(np.zeros((4, 2), dtype=np.uint8)).shape == (4, 2, 3)
    assert "5, 3" in repr(table)
    for bad in ([5], [-1], [0.5], [True]):
        with pytest.raises(ValueError, match="from 0 to 4"):
            table(bad)
    with pytest.raises(ValueError, match="at least 1"):
        Embedding(0, 3)
    with pytest.raises(ValueError, match="at least 1"):
        Embedding(3, 0)


@quick
@given(st.lists(st.text("abc", max_size=6), min_size=1, max_size=5))
def test_encoded_names_can_be_read_again(names):
    inputs, targets, mask = encode_names(names, "abc")
    assert inputs.shape == targets.shape == mask.shape == (max(map(len, names)) + 1, len(names))
    assert not inputs[0].any()
    assert np.array_equal(inputs[1:], targets[:-1])
    for j, name in enumerate(names):
        assert mask[:, j].sum() == len(name) + 1
        assert "".join(".abc"[t] for t in targets[mask[:, j], j]) == name + "."


def test_encode_refuses():
    with pytest.raises(ValueError, match="no names"):
        encode_names([], "abc")
    with pytest.raises(ValueError, match="'xé'"):
        encode_names(["axé"], "abc")


def test_padding_and_neighbours_do_not_change_the_scores():
    model = CharacterModel("abc", 4, 6, rng=generator()).to(np.float64)
    both, alone = encode_names(["ab", "abcabc"], "abc")[0], encode_names(["ab"], "abc")[0]
    np.testing.assert_allclose(model(both)[0].data[:3, :1], model(alone)[0].data, rtol=1e-12)


def test_character_model_gradients():
    model = CharacterModel("ab", 2, 3, rng=generator()).to(np.float64)
    inputs, _, mask = encode_names(["ab", "b"], "ab")
    assert gradcheck(lambda table: _scores(model, table, inputs)[mask], [model.embedding.weight])


def _scores(model, table, inputs):
    return model.head(model.rnn(table[inputs])[0])


def test_samples_follow_the_distribution():
    model = CharacterModel("ab", 2, 3, rng=generator())
    with no_grad():
        p = model(np.zeros((1, 1), dtype=int))[0][0, 0].softmax(0).data
    words = model.sample(4000, rng=generator(1))
    firsts = np.array([[w == "", w[:1] == "a", w[:1] == "b"] for w in words]).mean(axis=0)
    np.testing.assert_allclose(firsts, p, atol=0.03)
    assert words == model.sample(4000, rng=generator(1))
    assert max(map(len, words)) <= 20
    assert all(p.grad is None for p in model.parameters())


def test_temperature():
    model = CharacterModel("abc", 4, 8, rng=generator())
    cold = model.sample(50, 1e-4, rng=generator(), max_length=5)
    assert len(set(cold)) == 1, "at zero temperature only the likeliest letter is drawn"
    hot = model.sample(3000, 1e6, rng=generator(), max_length=1)
    shares = [np.mean([w == c for w in hot]) for c in ("", "a", "b", "c")]
    np.testing.assert_allclose(shares, 0.25, atol=0.04)
    for bad in (0, -1, np.nan):
        with pytest.raises(ValueError, match="temperature"):
            model.sample(3, bad, rng=generator())
    assert model.sample(0, rng=generator()) == []


def test_character_model_refuses():
    for bad in ("aa", ""):
        with pytest.raises(ValueError, match="once each"):
            CharacterModel(bad)
