"""The two-layer network of the page on backpropagation, against loops, differences and PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.deep_learning.backpropagation import TwoLayerNet, softmax_cross_entropy
from journey.orientation.checks import check_gradient

few = settings(deadline=None, derandomize=True, max_examples=30)
sizes = st.integers(1, 6)
seeds = st.integers(0, 10_000)
kinds = st.sampled_from(["relu", "tanh", "sigmoid", "identity"])
TORCH = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "identity": lambda z: z}


def data(n, d, k, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.integers(k, size=n)


def torch_answers(net, X, y):
    arrays = {name: torch.tensor(value, requires_grad=True) for name, value in net.parameters.items()}
    hidden = TORCH[net.activation](torch.tensor(X) @ arrays["W1"] + arrays["b1"])
    loss = torch.nn.functional.cross_entropy(hidden @ arrays["W2"] + arrays["b2"], torch.tensor(y))
    loss.backward()
    return loss.item(), {name: tensor.grad.numpy() for name, tensor in arrays.items()}


@few
@given(n=sizes, d=sizes, m=sizes, k=sizes, seed=seeds, kind=kinds)
def test_loss_and_slopes_are_those_of_torch(n, d, m, k, seed, kind):
    X, y = data(n, d, k, seed)
    net = TwoLayerNet(d, m, k, activation=kind, random_state=seed)
    net.b1[...], net.b2[...] = 0.3, -0.2
    loss, slopes = torch_answers(net, X, y)
    assert net.loss(X, y) == pytest.approx(loss, abs=1e-12)
    ours = net.gradients(X, y)
    assert list(ours) == ["W1", "b1", "W2", "b2"]
    for name, slope in slopes.items():
        assert ours[name].shape == net.parameters[name].shape
        np.testing.assert_allclose(ours[name], slope, rtol=0, atol=1e-12)


@few
@given(n=sizes, k=st.integers(2, 6), seed=seeds, scale=st.sampled_from([1e-3, 1.0, 5.0]))
def test_slope_of_the_scores_by_differences(n, k, seed, scale):
    S, y = data(n, k, k, seed)
    S = scale * S
    check_gradient(lambda s: softmax_cross_entropy(s, y)[0], lambda s: softmax_cross_entropy(s, y)[1], S)


@few
@given(n=sizes, k=sizes, seed=seeds, shift=st.floats(-1e6, 1e6))
def test_only_differences_of_scores_matter(n, k, seed, shift):
    S, y = data(n, k, k, seed)
    loss, slope = softmax_cross_entropy(S, y)
    moved, moved_slope = softmax_cross_entropy(S + shift, y)
    assert moved == pytest.approx(loss, abs=1e-8)
    np.testing.assert_allclose(moved_slope, slope, atol=1e-8)
    np.testing.assert_allclose(slope.sum(axis=1), 0, atol=1e-15)  # said and seen both sum to one


def test_extreme_scores_stay_finite():
    S = np.array([[1e4, -1e4], [-1e4, 1e4]])
    loss, slope = softmax_cross_entropy(S, [0, 0])
    assert loss == pytest.approx(1e4)
    np.testing.assert_allclose(slope, [[0, 0], [-0.5, 0.5]])
    assert softmax_cross_entropy([[3]], [0])[0] == 0  # one class is certain


@few
@given(n=st.integers(2, 8), seed=seeds, kind=kinds)
def test_slopes_of_a_batch_are_the_mean_of_its_rows(n, seed, kind):
    X, y = data(n, 4, 3, seed)
    net = TwoLayerNet(4, 5, 3, activation=kind, random_state=seed)
    rows = [net.gradients(X[i : i + 1], y[i : i + 1]) for i in range(n)]
    for name, slope in net.gradients(X, y).items():
        np.testing.assert_allclose(slope, np.mean([row[name] for row in rows], axis=0), atol=1e-14)


@few
@given(seed=seeds, kind=kinds)
def test_order_of_hidden_neurons_does_not_matter(seed, kind):
    X, y = data(7, 4, 3, seed)
    net, other = (TwoLayerNet(4, 5, 3, activation=kind, random_state=seed) for _ in range(2))
    order = np.random.default_rng(seed).permutation(5)
    other.W1[...], other.W2[...] = net.W1[:, order], net.W2[order]
    ours, theirs = net.gradients(X, y), other.gradients(X, y)
    np.testing.assert_allclose(theirs["W1"], ours["W1"][:, order], atol=1e-14)
    np.testing.assert_allclose(theirs["W2"], ours["W2"][order], atol=1e-14)


def test_a_silent_neuron_gets_no_blame_at_the_kink_either():
    net = TwoLayerNet(2, 2, 2)
    net.W1[...] = [[1, 0], [0, 0]]
    net.b1[...] = [-100, 0]  # the first is cut off, the second stands at zero exactly
    slopes = net.gradients([[1.0, 1.0], [2.0, 3.0]], [0, 1])
    assert not slopes["W1"].any()
    assert not slopes["b1"].any()
    assert not slopes["W2"].any()
    assert net.forward([[1.0, 1.0]]).H.tolist() == [[0, 0]]


def test_equal_neurons_stay_equal():
    X, y = data(40, 3, 3, 0)
    net = TwoLayerNet(3, 4, 3)
    net.W1[...], net.W2[...] = 0.2, 0.2
    net.fit(X, y, n_epochs=5, batch_size=7)
    assert np.ptp(net.W1, axis=1).max() < 1e-12
    assert np.ptp(net.W2, axis=0).max() < 1e-12
    assert np.ptp(net.W2, axis=1).max() > 1e-3  # it did move


def test_steps_are_those_of_torch_sgd():
    X, y = data(50, 6, 3, 1)
    net = TwoLayerNet(6, 8, 3, activation="tanh", random_state=2)
    tensors = [torch.tensor(value.copy(), requires_grad=True) for value in net.parameters.values()]
    optimizer = torch.optim.SGD(tensors, lr=0.2)
    rng, losses = np.random.default_rng(5), []
    for _ in range(4):
        order = rng.permutation(50)
        for start in range(0, 50, 16):
            batch = order[start : start + 16]
            W1, b1, W2, b2 = tensors
            scores = torch.tanh(torch.tensor(X[batch]) @ W1 + b1) @ W2 + b2
            loss = torch.nn.functional.cross_entropy(scores, torch.tensor(y[batch]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    net.fit(X, y, n_epochs=4, batch_size=16, learning_rate=0.2, random_state=5)
    np.testing.assert_allclose(net.losses_, losses, atol=1e-12)
    np.testing.assert_allclose(net.W1, tensors[0].detach().numpy(), atol=1e-12)


def test_training_repeats_and_goes_on():
    X, y = data(30, 4, 2, 3)
    first, second = (TwoLayerNet(4, 3, 2, random_state=9).fit(X, y, n_epochs=3) for _ in range(2))
    assert first.losses_ == second.losses_
    assert (first.W1 == second.W1).all()
    assert len(first.fit(X, y, n_epochs=2, batch_size=10).losses_) == 3 + 6
    before = first.W1.copy()
    assert (before == first.fit(X, y, n_epochs=0).W1).all()


def test_it_learns_a_ring_that_no_plane_separates():
    X = np.random.default_rng(0).normal(size=(300, 2))
    y = (np.hypot(*X.T) > 1.2).astype(int)
    curved = TwoLayerNet(2, 16, 2).fit(X, y, n_epochs=60)
    flat = TwoLayerNet(2, 16, 2, activation="identity").fit(X, y, n_epochs=60)
    assert (curved.predict(X) == y).mean() > 0.95
    assert (flat.predict(X) == y).mean() < 0.75


def test_inputs_of_other_kinds():
    X, y = data(12, 4, 3, 4)
    net = TwoLayerNet(4, 5, 3)
    expected = net.gradients(X, y)["W1"]
    frozen = X.copy()
    frozen.setflags(write=False)
    wide = np.asfortranarray(np.hstack([X, X]))[:, :4]
    for rows in (frozen, wide, X.tolist()):
        np.testing.assert_allclose(net.gradients(rows, y.tolist())["W1"], expected, atol=1e-15)
    whole = np.arange(8).reshape(2, 4)
    assert net.loss(whole, [0, 1]) == net.loss(whole.astype(float), np.array([0, 1], dtype=np.uint8))
    untouched = X.copy()
    TwoLayerNet(4, 5, 3).fit(X, y, n_epochs=2)
    assert (untouched == X).all()
    assert net.predict(X).shape == (12,)
    assert set(net.predict(X)) <= {0, 1, 2}


def test_the_parameters_are_the_arrays_in_use():
    net = TwoLayerNet(3, 2, 2)
    net.parameters["W2"][...] = 0
    net.parameters["b2"][...] = [1, 2]
    assert net.forward(np.ones((1, 3))).S.tolist() == [[1, 2]]
    assert not (TwoLayerNet(3, 2, 2, random_state=1).W1 == net.W1).any()


@pytest.mark.parametrize(
    ("scores", "y", "text"),
    [
        ([1.0, 2.0], [0, 1], "shape"),
        (np.zeros((0, 3)), np.zeros(0, dtype=int), "n, K > 0"),
        ([[1.0, 2.0]], [0, 1], "1 integers"),
        ([[1.0, 2.0]], [0.0], "integers"),
        ([[1.0, 2.0]], [2], "0..1"),
        ([[1.0, 2.0]], [-1], "0..1"),
        ([[1.0, np.nan]], [0], "finite"),
        ([[1.0, np.inf]], [0], "finite"),
    ],
)
def test_loss_refuses(scores, y, text):
    with pytest.raises(ValueError, match=text):
        softmax_cross_entropy(scores, y)


@pytest.mark.parametrize(
    "rows", [[1.0, 2.0], np.zeros((2, 3)), np.zeros((0, 2)), [[np.nan, 1]], [[1, np.inf]]]
)
def test_network_refuses_rows(rows):
    net = TwoLayerNet(2, 3, 2)
    for call in (net.forward, net.predict, lambda X: net.fit(X, np.zeros(len(X), dtype=int))):
        with pytest.raises(ValueError, match="X must"):
            call(rows)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: TwoLayerNet(0, 1, 1), "at least 1"),
        (lambda: TwoLayerNet(2, -1, 2), "at least 1"),
        (lambda: TwoLayerNet(2, 2, 2, activation="step"), "activation must be one of"),
        (lambda: TwoLayerNet(2, 2, 2).fit(np.zeros((2, 2)), [0]), "2 rows, y has 1"),
        (lambda: TwoLayerNet(2, 2, 2).fit(np.zeros((2, 2)), [0, 1], batch_size=0), "batch_size"),
        (lambda: TwoLayerNet(2, 2, 2).fit(np.zeros((2, 2)), [0, 1], n_epochs=-1), "n_epochs"),
        (lambda: TwoLayerNet(2, 2, 2).fit(np.zeros((2, 2)), [0, 1], learning_rate=0), "learning_rate"),
        (lambda: TwoLayerNet(2, 2, 2).fit(np.zeros((2, 2)), [0, 1], learning_rate=np.nan), "learning_rate"),
        (lambda: TwoLayerNet(2, 2, 2).fit(np.zeros((2, 2)), [0, 2]), "labels"),
    ],
)
def test_network_refuses_settings(build, text):
    with pytest.raises(ValueError, match=text):
        build()
