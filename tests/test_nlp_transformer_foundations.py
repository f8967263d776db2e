"""Attention, masks, positions and the encoder block: laws, PyTorch, and what is refused."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from journey.deep_learning.autograd import Tensor, gradcheck
from journey.nlp.transformer_foundations import (
    GELU,
    MultiheadAttention,
    TransformerEncoderLayer,
    attention_weights,
    padding_mask,
    scaled_dot_product_attention,
    sinusoidal_positions,
)

quick = settings(deadline=None, derandomize=True, max_examples=30)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)


def draw(seed, *shapes, scale=1.0):
    rng = np.random.default_rng(seed)
    return [scale * rng.normal(size=shape) for shape in shapes]


def some_mask(seed, n, m):
    mask = np.random.default_rng(seed).random((n, m)) < 0.5
    mask[np.arange(n), np.random.default_rng(seed + 1).integers(0, m, n)] = True
    return mask


def numbers(module):
    return {name: t.numpy().copy() for name, t in module.state_dict().items()}


@quick
@given(seeds, sizes, sizes, sizes, st.sampled_from([1e-6, 1.0, 1e3]))
def test_rows_sum_to_one_and_masked_weights_are_zero(seed, n, m, d, scale):
    q, k = draw(seed, (2, n, d), (2, m, d), scale=scale)
    mask = some_mask(seed, n, m)
    p = attention_weights(Tensor(q), Tensor(k), mask).data
    assert np.allclose(p.sum(axis=-1), 1, atol=1e-12)
    assert (p >= 0).all()
    assert not p[:, ~mask].any()


@quick
@given(seeds, sizes, sizes, sizes)
def test_masked_is_removed(seed, n, m, d):
    q, k, v = draw(seed, (n, d), (m, d), (m, 3))
    keep = some_mask(seed, 1, m)[0]
    masked = scaled_dot_product_attention(Tensor(q), Tensor(k), Tensor(v), keep).data
    removed = scaled_dot_product_attention(Tensor(q), Tensor(k[keep]), Tensor(v[keep])).data
    assert np.allclose(masked, removed, atol=1e-12)


@quick
@given(seeds, st.integers(2, 7), st.data(), st.floats(0.1, 1e6))
def test_the_future_has_no_influence(seed, n, data, size):
    cut = data.draw(st.integers(1, n - 1))
    x, other = draw(seed, (1, n, 4), (1, n, 4))
    y = x.copy()
    y[:, cut:] = size * other[:, cut:]
    layer = TransformerEncoderLayer(4, 2, 8, rng=np.random.default_rng(seed), dtype=np.float64)
    a, b = (layer(Tensor(z), None, True).data for z in (x, y))
    assert np.allclose(a[:, :cut], b[:, :cut], rtol=0, atol=1e-12)
    assert np.abs(a[:, cut:] - b[:, cut:]).max() > 0


@quick
@given(seeds, st.integers(1, 7))
def test_a_layer_is_permutation_equivariant(seed, n):
    (x,) = draw(seed, (2, n, 6))
    order = np.random.default_rng(seed).permutation(n)
    layer = TransformerEncoderLayer(
        6, 3, 5, activation="gelu", norm_first=True, rng=np.random.default_rng(1), dtype=np.float64
    )
    assert np.allclose(layer(Tensor(x[:, order])).data, layer(Tensor(x)).data[:, order], atol=1e-11)


@quick
@given(seeds, sizes, sizes, sizes, st.booleans())
def test_attention_equals_pytorch(seed, n, m, d, is_causal):
    arrays = draw(seed, (2, 3, n, d), (2, 3, m, d), (2, 3, m, 4))
    ours = [Tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    mask = None if is_causal else some_mask(seed, n, m)
    a = scaled_dot_product_attention(*ours, mask, is_causal)
    given_mask = None if mask is None else torch.tensor(mask)
    b = F.scaled_dot_product_attention(*theirs, attn_mask=given_mask, is_causal=is_causal)
    assert np.allclose(a.data, b.detach(), atol=1e-10)
    g = np.random.default_rng(seed).normal(size=a.shape)
    a.backward(g)
    b.backward(torch.tensor(g))
    for x, y in zip(ours, theirs):
        assert np.allclose(x.grad, y.grad, atol=1e-10)


def test_mask_and_causal_are_combined():
    (x,) = draw(0, (4, 3))
    mask = np.ones((4, 4), bool)
    mask[3, 1] = False
    p = attention_weights(Tensor(x), Tensor(x), mask, True).data
    assert np.array_equal(p > 0, np.tril(mask))


def test_scores_are_divided_by_the_root_of_d():
    d = 512
    q, k = draw(0, (400, d), (400, d))
    p = attention_weights(Tensor(q), Tensor(k)).data
    assert np.log(p).var(axis=1).mean() == pytest.approx(1, abs=0.05)


def test_gradients_through_a_mask():
    q, k, v = draw(1, (2, 3, 4), (2, 5, 4), (2, 5, 2))
    mask = some_mask(3, 3, 5)
    gradcheck(lambda *t: scaled_dot_product_attention(*t, mask), [q, k, v])
    t = Tensor(v, requires_grad=True)
    column = np.array([True, True, False, True, True])
    scaled_dot_product_attention(Tensor(q), Tensor(k), t, column).sum().backward()
    assert not t.grad[:, 2].any()


def test_huge_scores_stay_finite_and_float32_stays_float32():
    q = Tensor(np.array([[1e4], [-1e4]], dtype=np.float32))
    out = scaled_dot_product_attention(q, q, q, is_causal=True)
    assert out.dtype == np.float32
    assert np.array_equal(out.data, q.data)


def test_unusual_memory_layouts():
    (x,) = draw(2, (8, 6))
    expected = scaled_dot_product_attention(*[Tensor(x[::2].copy())] * 3).data
    view = x[::2]
    view.flags.writeable = False
    assert np.array_equal(scaled_dot_product_attention(*[Tensor(view)] * 3).data, expected)
    mask = np.tri(4, dtype=bool)
    mask.flags.writeable = False
    scaled_dot_product_attention(*[Tensor(view)] * 3, mask, True)
    assert np.array_equal(mask, np.tri(4, dtype=bool))


def test_nan_of_a_looked_at_token_is_not_hidden():
    x = np.ones((1, 3, 2))
    x[0, 2] = np.nan
    out = scaled_dot_product_attention(*[Tensor(x)] * 3, is_causal=True).data
    assert np.isnan(out[0, 2]).all()


@pytest.mark.parametrize(
    ("shapes", "mask", "words"),
    [
        (((3, 4), (5, 3), (5, 2)), None, "need queries"),
        (((3, 4), (5, 4), (4, 2)), None, "one value for each key"),
        (((4,), (5, 4), (5, 2)), None, "need queries"),
        (((0, 4), (5, 4), (5, 2)), None, "need queries"),
        (((3, 4), (0, 4), (0, 2)), None, "need queries"),
        (((3, 4), (5, 4), (5, 2)), np.ones((3, 5)), "truth values"),
        (((3, 4), (5, 4), (5, 2)), np.ones((2, 3, 5), bool), "does not fit"),
        (((3, 4), (5, 4), (5, 2)), np.ones((5, 3), bool), "broadcast"),
        (((3, 4), (5, 4), (5, 2)), np.eye(3, 5, -1, dtype=bool), "no key"),
    ],
)
def test_attention_refuses(shapes, mask, words):
    with pytest.raises(ValueError, match=words):
        scaled_dot_product_attention(*(Tensor(np.ones(s)) for s in shapes), mask)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_multihead_equals_pytorch(heads):
    theirs = torch.nn.MultiheadAttention(8, heads, batch_first=True, dtype=torch.float64)
    ours = MultiheadAttention(8, heads, dtype=np.float64)
    ours.load_state_dict(numbers(theirs))
    x, y = draw(heads, (3, 4, 8), (3, 6, 8))
    allowed = padding_mask([6, 1, 3], 6)
    a, p = ours(Tensor(x), Tensor(y), Tensor(y), allowed)
    b, q = theirs(
        *(torch.tensor(z) for z in (x, y, y)),
        key_padding_mask=torch.tensor(~allowed[:, 0, 0]),
        average_attn_weights=False,
    )
    assert p.shape == (3, heads, 4, 6)
    assert np.allclose(p.data, q.detach(), atol=1e-10)
    g = draw(9, a.shape)[0]
    a.backward(g)
    b.backward(torch.tensor(g))
    assert np.allclose(a.data, b.detach(), atol=1e-10)
    for (name, s), (other, t) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other
        assert np.allclose(s.grad, t.grad, atol=1e-10)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("is_causal", [False, True])
def test_layer_equals_pytorch(norm_first, activation, is_causal):
    theirs = torch.nn.TransformerEncoderLayer(
        8, 2, 12, 0.0, activation, batch_first=True, norm_first=norm_first, dtype=torch.float64
    )
    ours = TransformerEncoderLayer(8, 2, 12, activation=activation, norm_first=norm_first, dtype=np.float64)
    ours.load_state_dict(numbers(theirs))
    (x,) = draw(4, (3, 5, 8))
    s, t = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    forbidden = torch.ones(5, 5, dtype=torch.bool).triu(1) if is_causal else None
    a, b = ours(s, None, is_causal), theirs(t, src_mask=forbidden)
    g = draw(5, a.shape)[0]
    a.backward(g)
    b.backward(torch.tensor(g))
    assert np.allclose(a.data, b.detach(), atol=1e-10)
    assert np.allclose(s.grad, t.grad, atol=1e-10)
    for (name, p), (other, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other
        assert np.allclose(p.grad, q.grad, atol=1e-10)


def test_padding_does_not_reach_the_other_tokens():
    layer = TransformerEncoderLayer(4, 2, 8, rng=np.random.default_rng(0), dtype=np.float64)
    x, other = draw(6, (2, 5, 4), (2, 5, 4))
    mask = padding_mask([3, 5], 5)
    y = x.copy()
    y[0, 3:] = other[0, 3:]
    a, b = layer(Tensor(x), mask).data, layer(Tensor(y), mask).data
    assert np.allclose(a[0, :3], b[0, :3], atol=1e-12)
    assert np.allclose(a[1], b[1], atol=1e-12)
    short = layer(Tensor(x[:1, :3])).data
    assert np.allclose(a[:1, :3], short, atol=1e-12)


def test_a_generator_repeats_the_first_weights_and_float32_is_the_default():
    a, b = (TransformerEncoderLayer(4, 1, 6, rng=np.random.default_rng(3)) for _ in range(2))
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert p.dtype == np.float32
        assert np.array_equal(p.data, q.data)
    limit = math.sqrt(6 / 16)
    assert np.abs(a.self_attn.in_proj_weight.data).max() <= limit
    assert not a.self_attn.in_proj_bias.data.any()


def test_modules_refuse():
    for sizes_ in ((6, 4), (0, 1), (4, 0)):
        with pytest.raises(ValueError, match="multiple"):
            MultiheadAttention(*sizes_)
    with pytest.raises(ValueError, match="activation"):
        TransformerEncoderLayer(4, 2, activation="tanh")
    attention = MultiheadAttention(4, 2)
    good = Tensor(np.ones((2, 3, 4), np.float32))
    for bad in (np.ones((3, 4)), np.ones((2, 3, 5))):
        with pytest.raises(ValueError, match="expected input"):
            attention(good, Tensor(bad), good)
    with pytest.raises(ValueError, match="do not fit"):
        attention(good, good, Tensor(np.ones((2, 2, 4))))
    with pytest.raises(ValueError, match="do not fit"):
        attention(good, Tensor(np.ones((1, 3, 4))), Tensor(np.ones((1, 3, 4))))


def test_gelu():
    x = np.concatenate([np.linspace(-6, 6, 41), [1e3, -1e3, 0.0]])
    s, t = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    a, b = GELU()(s), F.gelu(t)
    a.sum().backward()
    b.sum().backward()
    assert np.allclose(a.data, b.detach(), atol=1e-14)
    assert np.allclose(s.grad, t.grad, atol=1e-14)
    assert GELU()(Tensor(np.ones(2, np.float32))).dtype == np.float32


@quick
@given(st.integers(2, 40), st.integers(1, 20), st.integers(0, 20))
def test_products_of_positions_know_only_the_distance(n, half, shift):
    waves = sinusoidal_positions(n + shift, 2 * half)
    assert waves.shape == (n + shift, 2 * half)
    assert np.allclose(waves[:n] @ waves[:n].T, waves[shift:] @ waves[shift:].T, atol=1e-10)
    assert np.allclose((waves**2).sum(axis=1), half)


def test_positions_by_the_formula():
    waves = sinusoidal_positions(5, 4)
    assert waves[3] == pytest.approx([math.sin(3), math.cos(3), math.sin(0.03), math.cos(0.03)])
    for bad in ((0, 4), (3, 5), (3, 0), (3, 4, 1.0), (3, 4, math.nan)):
        with pytest.raises(ValueError, match="even d_model"):
            sinusoidal_positions(*bad)


def test_padding_mask():
    mask = padding_mask([1, 3], 3)
    assert mask.shape == (2, 1, 1, 3)
    assert np.array_equal(mask[:, 0, 0], [[True, False, False], [True, True, True]])
    for lengths in ([0, 2], [4], [], [1.5], 2):
        with pytest.raises(ValueError, match="lengths"):
            padding_mask(lengths, 3)
