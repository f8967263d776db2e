"""Checks of a training run: right runs pass, each planted fault is found; graphs, traffic, seeds."""

import math
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from journey.deep_learning import neural_network_library as ours
from journey.deep_learning import optimizers as our_optimizers
from journey.deep_learning.autograd import Tensor
from journey.deep_learning.pytorch import (
    CHECKS,
    Run,
    captured_graphs,
    find_faults,
    memory_traffic,
    overfit_one_batch,
    predict_scores,
    seed_everything,
    train_step,
)

torch.set_num_threads(1)
quick = settings(deadline=None, derandomize=True, max_examples=25)
rng = np.random.default_rng(0)
CENTRES = rng.normal(size=(4, 12)) * 0.8
LABELS = torch.tensor(rng.integers(0, 4, 200))
ROWS = torch.tensor(CENTRES[LABELS] + 0.3 * rng.normal(size=(200, 12)), dtype=torch.float32)


class Hidden(nn.Module):
    """A hidden layer that is registered, kept in a list, or cut off from its gradient."""

    def __init__(self, how="right"):
        super().__init__()
        layer = nn.Linear(12, 16)
        self.hidden = [layer] if how == "list" else layer
        self.out = nn.Sequential(nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 4))
        self.how = how

    def forward(self, x):
        h = self.hidden[0](x) if self.how == "list" else self.hidden(x)
        if self.how == "detach":
            h = h.detach()
        if self.how == "centre":  # every row sees the others
            h = h - h.mean(0)
        return self.out(h)


def right(
    model=None, data=(ROWS, LABELS), delivered=None, loss=F.cross_entropy, chance=None, size=20, **parts
):
    model = Hidden() if model is None else model
    order = torch.Generator().manual_seed(0)
    loader = DataLoader(TensorDataset(*(delivered or data)), size, shuffle=True, generator=order)
    optimizer = torch.optim.SGD(model.parameters(), 0.3)
    return Run(model, loss, optimizer, loader, chance or math.log(4), data, **parts)


def failed(make):
    return {found.check for found in find_faults(make) if not found.passed}


def step_without_reset(run, X, y):
    run.model.train()
    loss = run.loss_function(run.model(X), y)
    loss.backward()
    run.optimizer.step()
    return loss.detach()


def step_in_evaluation(run, X, y):
    run.optimizer.zero_grad()
    loss = run.loss_function(run.model(X), y)
    loss.backward()
    run.optimizer.step()
    return loss.detach()


def step_that_cools(run, X, y):
    loss = train_step(run, X, y)
    run.optimizer.param_groups[0]["lr"] *= 0.7
    return loss


def step_then_reset(run, X, y):
    loss = step_without_reset(run, X, y)
    run.optimizer.zero_grad()
    return loss


def predict_in_training(run, X):
    with torch.no_grad():
        return run.model(X)


def predict_and_return(run, X):
    scores = predict_scores(run, X)
    run.model.train()
    return scores


def squared(p, t):
    return ((p - t) ** 2).mean()


def regression(loss):
    model = nn.Sequential(nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 1))
    targets = (LABELS.float() - LABELS.float().mean()) / LABELS.float().std()
    return right(model, data=(ROWS, targets), loss=loss, chance=1.0, size=50)


FAULTS = {
    "one batch can be learned": lambda: right(step=step_that_cools),
    "gradient is of this step": lambda: right(step=step_without_reset),
    "scores are not probabilities": lambda: right(nn.Sequential(Hidden(), nn.Softmax(1))),
    "labels stay with rows": lambda: right(delivered=(ROWS, LABELS.roll(1))),
    "modes are set": lambda: right(step=step_in_evaluation),
    "a prediction repeats": lambda: right(predict=predict_in_training),
    "rows stay apart": lambda: right(Hidden("centre")),
    "rate survives twenty steps": lambda: right(step=step_that_cools),
    "first loss is that of chance": lambda: right(data=(ROWS * 255, LABELS)),
    "every tensor moves": lambda: right(Hidden("list")),
    "loss is a mean over rows": lambda: regression(squared),
}


def test_right_runs_pass_everything():
    assert failed(right) == set()
    assert failed(lambda: regression(lambda p, t: squared(p[:, 0], t))) == set()
    assert [found.check for found in find_faults(right)] == list(CHECKS)


@pytest.mark.parametrize("check", list(CHECKS))
def test_each_check_finds_its_fault(check):
    torch.manual_seed(0)
    passed, detail = CHECKS[check](FAULTS[check]())
    assert not passed, detail


def test_habits_that_are_right_are_not_blamed():
    assert failed(lambda: right(step=step_then_reset)) == set()
    assert failed(lambda: right(predict=predict_and_return)) == set()
    run = right()
    run.dataset = None
    assert CHECKS["labels stay with rows"](run)[0]


def test_detached_layer_and_labels_of_neighbours():
    assert "every tensor moves" in failed(lambda: right(Hidden("detach")))
    report = find_faults(lambda: right(delivered=(ROWS, LABELS.roll(1))))
    assert [f.check for f in report if not f.passed][-1] == "labels stay with rows"


def test_find_faults_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = find_faults(right)
    assert torch.equal(torch.rand(3), expected)
    assert find_faults(right) == first


def test_find_faults_refuses_and_reports():
    model = Hidden()
    with pytest.raises(ValueError, match="new model"):
        find_faults(lambda: right(model))
    with pytest.raises(ValueError, match="no batch"):
        find_faults(
            lambda: Run(m := Hidden(), F.cross_entropy, torch.optim.SGD(m.parameters(), 0.1), [], 1.0)
        )
    findings = find_faults(lambda: right(nn.Linear(11, 4)))
    assert "shapes" in findings[0].detail
    assert not findings[0].passed


@quick
@given(st.integers(2, 50), st.integers(0, 100))
def test_two_softmaxes_have_a_floor(k, seed):
    torch.manual_seed(seed)
    scores = torch.randn(8, k, dtype=torch.float64) * 10
    loss = F.cross_entropy(torch.softmax(scores, 1), torch.randint(k, (8,)))
    assert loss.item() >= math.log(1 + (k - 1) / math.e) - 1e-12


@quick
@given(st.integers(1, 20), st.integers(0, 100))
def test_broadcast_loss_splits_into_two_variances(n, seed):
    torch.manual_seed(seed)
    p, t = torch.randn(n, 1, dtype=torch.float64), torch.randn(n, dtype=torch.float64)
    split = squared(p[:, 0], t.mean()) + squared(t, t.mean())
    assert squared(p, t).item() == pytest.approx(split.item(), rel=1e-10)


@settings(deadline=None, derandomize=True, max_examples=10)
@given(st.integers(0, 1000), st.sampled_from([0.0, 0.9]))
def test_our_library_and_pytorch_have_equal_losses(seed, momentum):
    draw = np.random.default_rng(seed)
    here = ours.Sequential(
        ours.Linear(5, 7, rng=draw, dtype=np.float64),
        ours.ReLU(),
        ours.Linear(7, 3, rng=draw, dtype=np.float64),
    )
    there = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3)).double()
    there.load_state_dict({n: torch.from_numpy(a) for n, a in here.state_dict().items()})
    X, y = draw.normal(size=(6, 5)), draw.integers(0, 3, 6)
    first = our_optimizers.SGD(here.parameters(), lr=0.1, momentum=momentum)
    second = torch.optim.SGD(there.parameters(), lr=0.1, momentum=momentum)
    a = overfit_one_batch(here, ours.CrossEntropyLoss(), first, (Tensor(X), y), 20)
    b = overfit_one_batch(there, F.cross_entropy, second, (torch.tensor(X), torch.tensor(y)), 20)
    assert a.shape == (20,)
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)
    assert a[-1] < a[0]


def test_overfit_one_batch_refuses():
    model = nn.Linear(12, 4)
    sgd = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.raises(ValueError, match="at least 1"):
        overfit_one_batch(model, F.cross_entropy, sgd, (ROWS, LABELS), 0)
    before = model.weight.detach().clone()
    with pytest.raises(ValueError, match="nan at step 0"):
        overfit_one_batch(model, F.cross_entropy, sgd, (ROWS * math.nan, LABELS), 3)
    assert torch.equal(model.weight, before)


def test_graphs_break_at_values_and_not_at_where():
    def branch(x):
        x = torch.sin(x)
        if x.sum() > 0:
            x = x + 1
        return torch.cos(x)

    assert len(captured_graphs(branch, (torch.ones(3),))) == 2
    assert len(captured_graphs(torch.nn.Linear(3, 2), (torch.ones(4, 3),))) == 1
    assert captured_graphs(torch.sin) == []


@settings(deadline=None, derandomize=True, max_examples=6)
@given(st.integers(1, 6), st.integers(2, 50))
def test_traffic_of_a_chain(length, n):
    def chain(x):
        for _ in range(length):
            x = torch.tanh(x)
        return x

    (graph,) = captured_graphs(chain, (torch.ones(n),))
    assert memory_traffic(graph) == (2 * n * length, 2 * n)


def test_traffic_stops_at_a_product():
    (graph,) = captured_graphs(lambda x: torch.tanh((x * 2) @ x).exp(), (torch.ones(4, 4),))
    assert memory_traffic(graph) == ((2 + 3 + 2 + 2) * 16, (2 + 3 + 2) * 16)


def test_traffic_counts_a_result_that_is_used_twice():
    def both(x):
        s = torch.sin(x)
        return s + 1, s @ x

    (graph,) = captured_graphs(both, (torch.ones(4, 4),))
    apart, merged = memory_traffic(graph)
    assert apart == (2 + 2 + 3) * 16
    assert merged == (3 + 3) * 16


def test_seed_everything_repeats_and_its_generator_is_its_own():
    def draw(extra):
        order = seed_everything(3)
        numbers = (random.random(), np.random.random(), torch.rand(1).item())  # noqa: NPY002
        torch.rand(extra)
        return numbers, torch.randperm(20, generator=order).tolist()

    assert draw(0) == draw(7)
    assert seed_everything(4).initial_seed() == 4


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seed_out_of_range(seed):
    with pytest.raises(ValueError, match="seed"):
        seed_everything(seed)
