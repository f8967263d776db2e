"""The library: PyTorch's values and names, the tree of arrays, bad input, runs that a kill cannot change."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.deep_learning.autograd import Tensor, gradcheck
from journey.deep_learning.neural_network_library import (
    CrossEntropyLoss,
    DataLoader,
    Flatten,
    Linear,
    Module,
    ModuleList,
    MSELoss,
    Parameter,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    TensorDataset,
    Trainer,
    load_checkpoint,
    save_checkpoint,
)

quick = settings(deadline=None, derandomize=True, max_examples=30)
sizes = st.integers(1, 6)


class Momentum:
    def __init__(self, parameters, lr=0.1):
        self.parameters, self.lr = list(parameters), lr
        self.velocity = [np.zeros_like(p.data) for p in self.parameters]

    def zero_grad(self):
        for p in self.parameters:
            p.grad = None

    def step(self):
        for p, v in zip(self.parameters, self.velocity):
            v *= 0.9
            v += p.grad
            p.data -= self.lr * v

    def state_dict(self):
        return {"velocity": self.velocity}

    def load_state_dict(self, state):
        for v, old in zip(self.velocity, state["velocity"], strict=True):
            v[...] = old


class Noise(Module):
    """Multiplies by chance in training, as dropout does; has a buffer."""

    def __init__(self, rng):
        super().__init__()
        self.rng = rng
        self.register_buffer("seen", np.zeros(1))

    def forward(self, x):
        if not self.training:
            return x
        self.seen += 1
        return x * self.rng.uniform(0.5, 1.5, x.shape)


def network(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return Sequential(Linear(5, 4, rng=rng, dtype=dtype), Tanh(), Linear(4, 3, rng=rng, dtype=dtype))


# Layers and losses against PyTorch


@quick
@given(sizes, sizes, sizes, st.booleans(), st.lists(st.integers(0, 3), max_size=2), st.integers(0, 99))
def test_linear_and_its_gradients_equal_pytorch(n, d, k, bias, before, seed):
    rng = np.random.default_rng(seed)
    ours = Linear(d, k, bias, rng=rng, dtype=np.float64)
    theirs = torch.nn.Linear(d, k, bias=bias).double()
    theirs.load_state_dict({name: torch.tensor(a) for name, a in ours.state_dict().items()})
    x = rng.normal(size=(*before, n, d))
    a, b = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = ours(a), theirs(b)
    np.testing.assert_allclose(y.data, z.detach().numpy(), atol=1e-12)
    y.sum().backward()
    z.sum().backward()
    np.testing.assert_allclose(a.grad, b.grad.numpy(), atol=1e-12)
    for name, p in ours.named_parameters():
        np.testing.assert_allclose(p.grad, dict(theirs.named_parameters())[name].grad.numpy(), atol=1e-12)


@quick
@given(sizes, st.integers(1, 7), st.sampled_from([0.0, 0.2]), st.sampled_from([1.0, 1e3]), st.integers(0, 99))
def test_cross_entropy_equals_pytorch(n, k, smoothing, scale, seed):
    rng = np.random.default_rng(seed)
    z, t = rng.normal(size=(n, k)) * scale, rng.integers(k, size=n)
    a, b = Tensor(z, requires_grad=True), torch.tensor(z, requires_grad=True)
    ours = CrossEntropyLoss(smoothing)(a, t)
    theirs = torch.nn.CrossEntropyLoss(label_smoothing=smoothing)(b, torch.tensor(t))
    ours.backward()
    theirs.backward()
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(a.grad, b.grad.numpy(), atol=1e-13)


def test_losses_have_the_gradients_of_differences():
    rng = np.random.default_rng(0)
    t = rng.integers(4, size=3)
    gradcheck(lambda z: CrossEntropyLoss(0.3)(z, t), [rng.normal(size=(3, 4))])
    target = rng.normal(size=(3, 4))
    gradcheck(lambda z: MSELoss()(z, target), [rng.normal(size=(3, 4))])


@pytest.mark.parametrize(
    ("ours", "theirs"), [(ReLU(), torch.relu), (Tanh(), torch.tanh), (Sigmoid(), torch.sigmoid)]
)
def test_activations_equal_pytorch(ours, theirs):
    x = np.array([[-800.0, -1, 0], [1, 2, 800]])
    np.testing.assert_allclose(ours(Tensor(x)).data, theirs(torch.tensor(x)).numpy(), rtol=1e-12)


@quick
@given(st.floats(-1e4, 1e4))
def test_cross_entropy_ignores_a_shift_of_all_scores(shift):
    z, t = np.array([[1.0, 2, 3], [0, -1, 5]]), [0, 2]
    loss = CrossEntropyLoss()
    assert loss(Tensor(z + shift), t).item() == pytest.approx(loss(Tensor(z), t).item(), abs=1e-9)


def test_masked_scores_are_fine_unless_masked_is_right():
    z = Tensor([[0.0, -np.inf, 1.0]])
    assert CrossEntropyLoss()(z, [2]).item() == pytest.approx(np.log1p(np.exp(-1)))
    with pytest.raises(ValueError, match="the loss is inf"):
        CrossEntropyLoss()(z, [1])


# Refusals


@pytest.mark.parametrize(
    ("scores", "targets", "message"),
    [
        (np.ones((0, 3)), np.zeros(0, int), r"\(0, 3\) and \(0,\)"),
        (np.ones((2, 3)), [1], r"\(2, 3\) and \(1,\)"),
        (np.ones(3), [1, 1, 1], r"\(3,\) and \(3,\)"),
        (np.ones((1, 3)), [3], "from 0 to 2, got int64 from 3"),
        (np.ones((1, 3)), [-1], "from -1"),
        (np.ones((1, 3)), [0.5], "float64"),
        (np.full((2, 2), np.nan), [0, 1], "4 of 4 outputs"),
    ],
)
def test_cross_entropy_refuses(scores, targets, message):
    with pytest.raises(ValueError, match=message):
        CrossEntropyLoss()(Tensor(scores), targets)


def test_other_refusals():
    with pytest.raises(ValueError, match=r"\(2, 4\) does not fit weight of shape \(3, 5\)"):
        Linear(5, 3)(Tensor(np.ones((2, 4))))
    with pytest.raises(ValueError, match="at least 1"):
        Linear(0, 3)
    with pytest.raises(ValueError, match="label_smoothing"):
        CrossEntropyLoss(1.0)
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        MSELoss()(Tensor(np.ones(2)), np.ones(3))
    with pytest.raises(ValueError, match="the loss is nan"):
        MSELoss()(Tensor([np.nan]), [1.0])
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        Module()(1)
    with pytest.raises(RuntimeError, match="float"):
        Parameter([1, 2])


# The tree


def test_names_are_pytorchs():
    ours = Sequential(Linear(5, 4), Sequential(ReLU(), Linear(4, 3)), Flatten())
    theirs = torch.nn.Sequential(
        torch.nn.Linear(5, 4), torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(4, 3)), torch.nn.Flatten()
    )
    assert [(n, p.shape) for n, p in ours.named_parameters()] == [
        (n, tuple(p.shape)) for n, p in theirs.named_parameters()
    ]
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_modules()] == ["0", "1", "2", "1.0", "1.1"]
    assert repr(ours).startswith(
        "Sequential(\n  (0): Linear(5, 4, bias=True)\n  (1): Sequential(\n    (0): ReLU()"
    )
    assert ours.state_dict()["0.weight"].dtype == np.float32


def test_weights_move_through_a_file_in_both_directions(tmp_path):
    ours, theirs = (
        network(dtype=np.float32),
        torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3)),
    )
    x = np.random.default_rng(1).normal(size=(7, 5)).astype(np.float32)
    safetensors.numpy.save_file(ours.state_dict(), tmp_path / "a")
    theirs.load_state_dict(safetensors.torch.load_file(tmp_path / "a"))
    np.testing.assert_allclose(ours(Tensor(x)).data, theirs(torch.tensor(x)).detach().numpy(), atol=1e-6)
    other = network(seed=5, dtype=np.float32)
    safetensors.torch.save_file(theirs.state_dict(), tmp_path / "b")
    other.load_state_dict(safetensors.numpy.load_file(tmp_path / "b"))
    np.testing.assert_array_equal(other(Tensor(x)).data, ours(Tensor(x)).data)


def test_a_state_that_does_not_fit_changes_nothing():
    model = network()
    before = model.state_dict()
    bad = {**before, "0.weight": np.ones((5, 4)), "extra": np.ones(1)}
    del bad["2.bias"]
    with pytest.raises(ValueError, match="nothing was loaded") as error:
        model.load_state_dict(bad)
    for line in (
        "missing: 2.bias",
        "unknown: extra",
        "0.weight: the module has shape (4, 5), the state (5, 4)",
    ):
        assert line in str(error.value)
    after = model.state_dict()
    assert all(np.array_equal(before[n], after[n]) for n in before)


def test_state_dict_is_a_snapshot():
    model = network()
    state = model.state_dict()
    for p in model.parameters():
        p.data += 1
    assert not np.array_equal(state["0.weight"], model[0].weight.data)
    model.load_state_dict(state)
    np.testing.assert_array_equal(state["0.weight"], model[0].weight.data)
    state["0.weight"][:] = 9
    assert model[0].weight.data.max() < 9


def test_tied_weights_have_two_names_and_are_stepped_once():
    model = Sequential(Linear(3, 3, dtype=np.float64), Linear(3, 3, dtype=np.float64))
    model[1].weight = model[0].weight
    assert len(list(model.parameters())) == 3
    assert {"0.weight", "1.weight"} <= set(model.state_dict())
    model(Tensor(np.ones((1, 3)))).sum().backward()
    assert model[0].weight.grad.shape == (3, 3)


def test_a_list_hides_modules_and_a_module_list_does_not():
    class Net(Module):
        def __init__(self, kind):
            super().__init__()
            self.layers = kind([Linear(2, 2), Linear(2, 1)])

    assert not list(Net(list).parameters())
    assert len(list(Net(ModuleList).parameters())) == 4
    layers = ModuleList([ReLU()])
    layers.append(Tanh())
    assert [type(m) for m in layers] == [ReLU, Tanh]
    assert isinstance(layers[-1], Tanh)
    with pytest.raises(IndexError):
        layers[2]


def test_assignments_that_would_stop_learning_are_refused():
    layer = Linear(2, 2)
    with pytest.raises(TypeError, match=r"write to weight\.data"):
        layer.weight = layer.weight * 2
    layer.bias = None
    assert list(layer.state_dict()) == ["weight"]
    assert layer(Tensor(np.ones((1, 2), np.float32))).shape == (1, 2)

    class Forgot(Module):
        def __init__(self):
            self.layer = Linear(1, 1)

    with pytest.raises(AttributeError, match=r"super\(\)"):
        Forgot()


def test_modes_types_and_gradients():
    model = Sequential(Linear(5, 4), Noise(np.random.default_rng(0)))
    assert not model.eval()[1].training
    x = Tensor(np.ones((2, 5), np.float32))
    np.testing.assert_array_equal(model(x).data, model(x).data)
    assert model.train()[1].training
    assert model.to(np.float64)[0].weight.dtype == np.float64
    model(Tensor(np.ones((2, 5)))).sum().backward()
    assert model[0].weight.grad.dtype == np.float64
    model.zero_grad()
    assert model[0].weight.grad is None
    assert model.state_dict()["1.seen"] == [1]


# Data


@quick
@given(st.integers(1, 40), st.integers(1, 12), st.booleans(), st.booleans())
def test_a_pass_has_every_row_once(n, size, shuffle, drop_last):
    loader = DataLoader(TensorDataset(np.arange(n), np.arange(n) * 2), size, shuffle, drop_last=drop_last)
    batches = list(loader)
    assert len(batches) == len(loader)
    rows = np.concatenate([b[0] for b in batches]) if batches else np.zeros(0, int)
    assert len(set(rows.tolist())) == len(rows) == (n // size * size if drop_last else n)
    assert all(np.array_equal(2 * a, b) for a, b in batches)
    if not shuffle:
        np.testing.assert_array_equal(rows, np.arange(len(rows)))


def test_loader_takes_any_data_set_and_refuses_none():
    class Squares:
        def __len__(self):
            return 5

        def __getitem__(self, i):
            return np.array([i, i * i]), np.array(i)

    batches = list(DataLoader(Squares(), 2))
    assert batches[2][0].tolist() == [[4, 16]]
    assert batches[0][1].tolist() == [0, 1]
    for data, size in ((Squares(), 0), (TensorDataset(np.zeros((0, 2))), 1)):
        with pytest.raises(ValueError, match="batch_size >= 1"):
            DataLoader(data, size)
    for arrays in ((), (np.ones(2), np.ones(3))):
        with pytest.raises(ValueError, match="equal length"):
            TensorDataset(*arrays)


# Checkpoints

trees = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**130), 2**130)
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from([np.arange(3), np.ones((0, 2)), np.array(2.5, np.float32), np.eye(2)[:, ::-1]]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=8,
)


def same(a, b):
    if isinstance(a, np.ndarray):
        return (
            isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b)
        )
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@settings(quick, max_examples=60)
@given(trees)
def test_checkpoints_come_back(tmp_path_factory, tree):
    path = tmp_path_factory.mktemp("c") / "x"
    save_checkpoint(path, tree)
    assert same(tree, load_checkpoint(path))


def test_checkpoints_refuse_and_lose_nothing(tmp_path):
    path = tmp_path / "run"
    save_checkpoint(path, {"a": 1})
    with pytest.raises(ValueError, match=r"/model is a Linear"):
        save_checkpoint(path, {"model": Linear(1, 1)})
    assert load_checkpoint(path) == {"a": 1}
    whole = path.read_bytes()
    for damaged in (whole[:20], b"", b"garbage" * 9):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="not a checkpoint, or damaged"):
            load_checkpoint(path)
    safetensors.numpy.save_file({"a": np.ones(1)}, path)
    with pytest.raises(ValueError, match="not a checkpoint"):
        load_checkpoint(path)
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "nowhere")


# Training


class Killed(Exception):
    pass


def trainer(path=None, every=0, kill_at=None):
    noise = np.random.default_rng(3)
    rng = np.random.default_rng(0)
    model = Sequential(Linear(5, 4, rng=rng), Noise(noise), Linear(4, 3, rng=rng))
    X = np.random.default_rng(1).normal(size=(23, 5)).astype(np.float32)
    y = X[:, :3].argmax(axis=1)
    loss = CrossEntropyLoss()
    calls = []

    def loss_function(scores, targets):
        if kill_at is not None and run.step == kill_at:
            raise Killed
        calls.append(1)
        return loss(scores, targets)

    run = Trainer(
        model,
        loss_function,
        Momentum(model.parameters(), 0.02),
        DataLoader(TensorDataset(X, y), 4, shuffle=True),
        evaluate=lambda m: {"right": float((m(Tensor(X)).argmax(1) == y).mean())},
        generators=[noise],
        checkpoint=path,
        every=every,
    )
    return run


def bits(run):
    return b"".join(a.tobytes() for a in run.model.state_dict().values())


@settings(quick, max_examples=12)
@given(st.lists(st.integers(0, 23), max_size=3), st.integers(0, 5))
def test_interrupted_runs_end_in_the_same_bits(tmp_path_factory, kills, every):
    path = tmp_path_factory.mktemp("c") / "run"
    alone = trainer()
    alone.fit(4)
    for kill_at in kills:
        run = trainer(path, every, kill_at)
        with contextlib.suppress(Killed):
            run.fit(4)
    run = trainer(path, every)
    history = run.fit(4)
    assert bits(run) == bits(alone)
    assert history == alone.history
    assert run.step == 24
    assert len(history) == 4


def test_training_more_epochs_later_is_training_at_once(tmp_path):
    first = trainer(tmp_path / "run")
    first.fit(2)
    later = trainer(tmp_path / "run")
    assert len(later.fit(5)) == 5
    at_once = trainer()
    at_once.fit(3)
    at_once.fit(5)
    assert bits(later) == bits(at_once)


def test_training_learns_and_evaluates_without_noise():
    run = trainer()
    history = run.fit(30)
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["right"] > 0.8
    assert run.model[1].seen == 30 * 6


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    run = trainer(tmp_path / "run")
    run.fit(1)
    other = trainer(tmp_path / "run")
    other.generators = []
    with pytest.raises(ValueError, match="1 generators, this run 0"):
        other.fit(2)


PROGRAM = """
import sys, zlib
import numpy as np
sys.path.insert(0, sys.argv[2])
from test_deep_learning_neural_network_library import trainer, bits
run = trainer(sys.argv[1], 1)
print("ready", flush=True)
run.fit(60)
print(zlib.crc32(bits(run)), flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a signal that cannot be caught")
def test_sigkill_at_any_moment_changes_nothing(tmp_path):
    def start(name):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / name), str(Path(__file__).parent)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ})

    alone, _ = start("alone").communicate()
    killed = 0
    for _ in range(3):
        process = start("run")
        assert process.stdout.readline() == "ready\n"
        # wait for a checkpoint of this process, not for some time
        deadline = time.monotonic() + 20
        before = (tmp_path / "run").stat().st_mtime_ns if (tmp_path / "run").exists() else 0
        while process.poll() is None and time.monotonic() < deadline:
            if (tmp_path / "run").exists() and (tmp_path / "run").stat().st_mtime_ns > before:
                break
        process.kill()
        process.communicate()
        killed += process.returncode != 0
        if (tmp_path / "run").exists():
            load_checkpoint(tmp_path / "run")  # never half
    last, _ = start("run").communicate()
    assert killed >= 1
    assert last.splitlines()[-1] == alone.splitlines()[-1]
