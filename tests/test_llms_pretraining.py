"""The GPT of the page on pretraining: laws of its parts, the cache, the engine's twin, Muon, refusals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from journey.llms.pretraining import (
    GPT,
    MODERN,
    PLAIN,
    EngineGPT,
    GPTConfig,
    KeyValueCache,
    Muon,
    RMSNorm,
    cosine_factor,
    draw,
    linear_factor,
    orthogonalize,
    pretrain,
    rotary_table,
    rotate,
)

SMALL = GPTConfig(vocabulary=11, d=16, layers=2, heads=2, context=12)
some = settings(deadline=None, derandomize=True, max_examples=25)


def model(config=SMALL, seed=0):
    torch.manual_seed(seed)
    return GPT(config)


def tokens(n, length, seed=0):
    return torch.randint(0, 11, (n, length), generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


# --- Parts ---------------------------------------------------------------------------------------------


@given(st.integers(0, 1000), st.floats(1e-3, 1e3))
@some
def test_rms_norm_is_torchs_and_forgets_the_scale(seed, scale):
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    norm = RMSNorm(8, eps=1e-12).double()
    assert torch.allclose(norm(x), F.rms_norm(x, (8,), eps=1e-12), atol=1e-12)
    assert torch.allclose(norm(scale * x), norm(x), atol=1e-9)


@given(st.integers(0, 500), st.integers(0, 300), st.integers(0, 300), st.integers(0, 100))
@some
def test_rotary_scores_depend_on_the_distance_alone(seed, t, s, further):
    q, k = torch.randn(2, 1, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)

    def score(t, s):
        turned = [rotate(x, *(torch.tensor(a) for a in rotary_table(at, 1, 8))) for x, at in ((q, t), (k, s))]
        return (turned[0] * turned[1]).sum().item()

    assert score(t, s) == pytest.approx(score(t + further, s + further), abs=1e-9)


def test_rotation_keeps_lengths_and_position_zero_does_nothing():
    x = torch.randn(2, 5, 8, dtype=torch.float64)
    table = [torch.tensor(a) for a in rotary_table(0, 5, 8)]
    turned = rotate(x, *table)
    assert torch.allclose(turned.norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(turned[:, 0], x[:, 0])
    assert not torch.allclose(turned[:, 1], x[:, 1])


@pytest.mark.parametrize("bad", [(0, 3, 7), (-1, 3, 8), (0, 0, 8), (0, 3, 8, 1.0)])
def test_rotary_table_refuses(bad):
    with pytest.raises(ValueError, match="even d"):
        rotary_table(*bad)


# --- The model -----------------------------------------------------------------------------------------

KINDS = [SMALL, GPTConfig.plain(vocabulary=11, d=16, layers=2, heads=2, context=12)]
KINDS += [
    dataclasses.replace(SMALL, **{name: value})
    for name, value in (("norm", "layer"), ("positions", "learned"), ("feed", "gelu"), ("qk_norm", False))
]


@pytest.mark.parametrize("config", KINDS)
def test_the_future_has_no_influence_and_the_past_has(config):
    gpt = model(config)
    x = tokens(2, 10)
    changed = x.clone()
    changed[:, 6:] = (changed[:, 6:] + 1) % 11
    with torch.no_grad():
        a, b = gpt(x), gpt(changed)
    assert torch.allclose(a[:, :6], b[:, :6], atol=1e-6)
    assert (a[:, 6:] - b[:, 6:]).abs().amin(dim=(0, 2)).max() > 0


@pytest.mark.parametrize("config", KINDS)
@pytest.mark.parametrize("cuts", [(1,) * 10, (4, 6), (7, 1, 2), (10,)])
def test_the_cache_changes_nothing_however_the_text_is_cut(config, cuts):
    gpt, x = model(config), tokens(3, 10)
    cache = KeyValueCache(2)
    with torch.no_grad():
        whole = gpt(x)
        parts, at = [], 0
        for n in cuts:
            parts.append(gpt(x[:, at : at + n], cache))
            at += n
            assert cache.length == at
    assert torch.allclose(torch.cat(parts, dim=1), whole, atol=1e-5)


@given(st.integers(0, 100), st.sampled_from([0.0, 0.5, 1.0]))
@settings(deadline=None, derandomize=True, max_examples=10)
def test_generation_with_and_without_cache_draws_the_same(seed, temperature):
    gpt, prompt = model(seed=seed), tokens(2, 3, seed)

    def draw_with(use_cache):
        generator = torch.Generator().manual_seed(seed)
        return gpt.generate(prompt, 8, temperature=temperature, generator=generator, use_cache=use_cache)

    with_cache = draw_with(True)
    assert with_cache.shape == (2, 11)
    assert torch.equal(with_cache[:, :3], prompt)
    assert torch.equal(with_cache, draw_with(False))


def test_embedding_is_tied_to_the_scores():
    gpt = model()
    names = [name for name, _ in gpt.named_parameters()]
    assert "embedding.weight" in names
    assert not any("head" in name or "unembed" in name for name in names)
    gpt.loss(tokens(2, 8)).backward()
    unused = torch.ones(11, dtype=torch.bool)
    unused[tokens(2, 8)[:, :-1].flatten()] = False
    assert gpt.embedding.weight.grad[unused].abs().sum() > 0  # as scores, unused tokens have a gradient too


def test_an_untrained_model_knows_nothing():
    assert model().loss(tokens(8, 12)).item() == pytest.approx(np.log(11), abs=0.2)


def test_state_goes_round():
    first, second = model(seed=0), model(seed=1)
    x = tokens(2, 6)
    assert not torch.allclose(first(x), second(x))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(x), second(x))


def test_zero_init_begins_as_the_identity():
    gpt = model(dataclasses.replace(SMALL, zero_init=True))
    x = tokens(1, 5)
    with torch.no_grad():
        expected = F.linear(gpt.norm(gpt.embedding(x)), gpt.embedding.weight)
        assert torch.allclose(gpt(x), expected)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.zeros(3, dtype=torch.int64), "whole numbers"),
        (torch.zeros(1, 0, dtype=torch.int64), "whole numbers"),
        (torch.zeros(1, 3), "whole numbers"),
        (torch.full((1, 3), 11), "from 0 to 10"),
        (torch.full((1, 3), -1), "from 0 to 10"),
    ],
)
def test_the_model_refuses(x, words):
    with pytest.raises(ValueError, match=words):
        model()(x)


def test_learned_positions_end_and_rotary_ones_do_not():
    with pytest.raises(ValueError, match="13 tokens, but positions were learned for 12"):
        model(KINDS[1])(tokens(1, 13))
    assert torch.isfinite(model()(tokens(1, 40))).all()


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"layers": 0}, "at least 1"),
        ({"heads": 3}, "divide d"),
        ({"d": 6, "heads": 2}, "even"),
        ({"norm": "batch"}, "norm"),
        ({"positions": "none"}, "positions"),
        ({"feed": "relu"}, "feed"),
    ],
)
def test_the_configuration_refuses(settings_, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(SMALL, **settings_)


@pytest.mark.parametrize(("n", "temperature"), [(-1, 1.0), (2, -0.1), (2, float("nan"))])
def test_generate_refuses(n, temperature):
    with pytest.raises(ValueError, match="negative"):
        model().generate(tokens(1, 3), n, temperature=temperature)


# --- The engine's twin ---------------------------------------------------------------------------------


@given(st.integers(0, 50), st.sampled_from([(1, 8, 2), (2, 12, 3), (3, 16, 2)]))
@settings(deadline=None, derandomize=True, max_examples=8)
def test_the_engine_gives_the_same_loss_and_gradients(seed, sizes):
    layers, d, heads = sizes
    theirs = model(GPTConfig(vocabulary=7, d=d, layers=layers, heads=heads, context=9), seed).double()
    ours = EngineGPT(theirs.config)
    ours.read(theirs)
    x = np.random.default_rng(seed).integers(0, 7, (3, 8))
    a, b = ours.loss(x), theirs.loss(torch.tensor(x))
    a.backward()
    b.backward()
    assert a.item() == pytest.approx(b.item(), abs=1e-12)
    gradients = [p.grad.numpy() for p in theirs.parameters()]
    found = [p.grad for p in ours.parameters()]
    assert sorted(g.shape for g in found) == sorted(g.shape for g in gradients)
    total = sum(float((g**2).sum()) for g in gradients)
    assert sum(float((g**2).sum()) for g in found) == pytest.approx(total, rel=1e-9)
    assert np.abs(ours.embedding.grad - theirs.embedding.weight.grad.numpy()).max() < 1e-12


def test_the_engines_gradient_is_the_difference_quotient():
    theirs = model(GPTConfig(vocabulary=5, d=4, layers=1, heads=2, context=4)).double()
    ours = EngineGPT(theirs.config)
    ours.read(theirs)
    x = np.random.default_rng(0).integers(0, 5, (2, 4))
    ours.loss(x).backward()
    for p in ours.parameters():
        at = np.unravel_index(np.abs(p.grad).argmax(), p.shape)
        found, before = p.grad[at], p.data[at]
        p.data[at] = before + 1e-6
        up = ours.loss(x).item()
        p.data[at] = before - 1e-6
        assert found == pytest.approx((up - ours.loss(x).item()) / 2e-6, rel=1e-4, abs=1e-8)
        p.data[at] = before


def test_the_engine_has_the_default_parts_only():
    with pytest.raises(ValueError, match="default parts"):
        EngineGPT(GPTConfig.plain())


# --- Muon and training ---------------------------------------------------------------------------------


@given(st.integers(0, 1000), st.sampled_from([(8, 8), (20, 8), (8, 20), (3, 8, 8)]))
@some
def test_five_polynomials_give_the_polar_factor(seed, shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    u, s, v = torch.linalg.svd(x, full_matrices=False)
    close = s.amin(-1) > 0.02 * s.amax(-1)
    gap = (orthogonalize(x, 5) - u @ v).abs().amax(dim=(-2, -1))
    assert (gap[close] < 0.35).all()
    assert torch.allclose(orthogonalize(1000 * x), orthogonalize(x), atol=1e-4)


@pytest.mark.parametrize(("shape", "steps"), [((4,), 3), ((4, 4), 0), ((4, 4), 6)])
def test_orthogonalize_refuses(shape, steps):
    with pytest.raises(ValueError, match="1 to 5 steps"):
        orthogonalize(torch.ones(shape), steps)


def test_muon_steps_do_not_depend_on_the_size_of_the_gradient():
    steps = []
    for scale in (1.0, 1e4):
        p = torch.nn.Parameter(torch.zeros(6, 4))
        p.grad = scale * torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
        Muon([p], lr=0.1).step()
        steps.append(p.detach().clone())
    assert torch.allclose(*steps, atol=1e-5)
    assert steps[0].norm() > 0


def test_muon_takes_stacks_apart_and_leaves_parameters_without_gradient():
    together = torch.nn.Parameter(torch.zeros(12, 4))
    idle = torch.nn.Parameter(torch.ones(4, 4))
    together.grad = torch.randn(12, 4, generator=torch.Generator().manual_seed(0))
    Muon([together, idle], lr=0.1).step()
    for n in range(3):
        alone = torch.nn.Parameter(torch.zeros(4, 4))
        alone.grad = together.grad[4 * n : 4 * n + 4].clone()
        Muon([alone], lr=0.1).step()
        assert torch.allclose(together[4 * n : 4 * n + 4], alone, atol=1e-6)
    assert torch.equal(idle, torch.ones(4, 4))


@pytest.mark.parametrize("bad", [{"lr": -1}, {"momentum": 1.0}])
def test_muon_refuses_settings_and_vectors(bad):
    with pytest.raises(ValueError, match="Muon is for matrices"):
        Muon([torch.nn.Parameter(torch.ones(2, 2))], **bad)
    with pytest.raises(ValueError, match="Muon is for matrices"):
        Muon([torch.nn.Parameter(torch.ones(2))])


@pytest.mark.parametrize("recipe", [PLAIN, MODERN])
def test_training_learns_a_cycle_and_repeats_exactly(recipe):
    codes = np.tile(np.arange(11), 60)
    curves, wider = [], dataclasses.replace(SMALL, d=32)
    for _ in range(2):
        gpt = model(wider)
        curves.append(
            pretrain(gpt, codes, recipe, 120, watch=lambda m: m.loss(tokens(1, 12)).item(), every=60)
        )
    cycle = torch.arange(12).remainder(11)[None]
    assert gpt.loss(cycle).item() < 1.6  # untrained: 2.4
    assert [step for step, _, _ in curves[0]] == [60, 120]
    assert [loss for *_, loss in curves[0]] == [loss for *_, loss in curves[1]]


def test_training_refuses_and_stops_when_the_loss_is_lost():
    codes = np.zeros(50, dtype=np.int64)
    with pytest.raises(ValueError, match="steps and every"):
        pretrain(model(), codes, PLAIN, 0)
    with pytest.raises(ValueError, match="pieces of 13 tokens from a text of 12"):
        pretrain(model(), codes[:12], PLAIN, 1)
    lost = model()
    with torch.no_grad():
        lost.norm.weight.fill_(torch.nan)
    with pytest.raises(RuntimeError, match="lower the learning rate"):
        pretrain(lost, codes, PLAIN, 1)


@given(st.integers(1, 500))
@some
def test_schedules_stay_between_zero_and_one_and_end_low(steps):
    for factor in (cosine_factor, linear_factor):
        values = [factor(step, steps) for step in range(steps)]
        assert all(0 < value <= 1 for value in values)
    assert linear_factor(steps - 1, steps) <= 1 / (0.7 * steps) + 1e-12


@given(st.integers(0, 100), st.integers(1, 5), st.integers(1, 8))
@some
def test_draw_gives_pieces_of_the_text(seed, n, length):
    pieces = draw(np.arange(9), n, length, np.random.default_rng(seed))
    assert pieces.shape == (n, length + 1)
    assert (np.diff(pieces, axis=1) == 1).all()
