"""Rumelhart, Hinton and Williams (1986): patterns, gradients, training, and what was found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.orientation.checks import check_gradient
from journey.research_implementations.learning_representations import (
    backprop_gradients,
    first_success,
    initial_weights,
    mirror_solution,
    symmetry_patterns,
    train_backprop,
)

QUIET = settings(deadline=None, derandomize=True, max_examples=25)
X, Y = symmetry_patterns()


@pytest.mark.parametrize("n_bits", [2, 4, 6, 10])
def test_patterns_are_all_different_and_as_many_symmetric_as_halves(n_bits):
    patterns, target = symmetry_patterns(n_bits)
    assert patterns.shape == (2**n_bits, n_bits)
    assert set(np.unique(patterns)) == {0.0, 1.0}
    assert len(np.unique(patterns, axis=0)) == 2**n_bits
    assert target.sum() == 2 ** (n_bits // 2)
    for row, answer in zip(patterns.astype(int).tolist(), target, strict=True):
        assert (row == row[::-1]) == bool(answer)


@pytest.mark.parametrize("n_bits", [0, 1, 3, 18, -2])
def test_patterns_refuse_odd_and_large(n_bits):
    with pytest.raises(ValueError, match="even number"):
        symmetry_patterns(n_bits)


@QUIET
@given(seed=st.integers(0, 10_000), n=st.integers(1, 5), h=st.integers(1, 4), cases=st.integers(1, 9))
def test_gradient_against_differences(seed, n, h, cases):
    rng = np.random.default_rng(seed)
    inputs, target = rng.normal(size=(cases, n)), rng.random(cases)
    hidden, output = initial_weights([seed], n, h, scale=2.0)

    def split(flat):
        return flat[: hidden.size].reshape(hidden.shape), flat[hidden.size :].reshape(output.shape)

    def gradient(flat):
        return np.concatenate([g.ravel() for g in backprop_gradients(inputs, target, *split(flat))[1:]])

    point = np.concatenate([hidden.ravel(), output.ravel()])
    check_gradient(
        lambda v: backprop_gradients(inputs, target, *split(v))[0][0], gradient, point, tolerance=1e-5
    )


@QUIET
@given(seed=st.integers(0, 10_000), s=st.integers(1, 4), h=st.integers(1, 3))
def test_networks_do_not_see_each_other(seed, s, h):
    hidden, output = initial_weights(range(seed, seed + s), 6, h)
    together = train_backprop(X, Y, hidden, output, n_sweeps=20)
    for k in range(s):
        alone = train_backprop(X, Y, hidden[k : k + 1], output[k : k + 1], n_sweeps=20)
        np.testing.assert_allclose(alone.hidden[0], together.hidden[k], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(alone.error[:, 0], together.error[:, k], rtol=1e-9)


def test_one_update_is_the_gradient_and_the_second_carries_momentum():
    hidden, output = initial_weights([3])
    _, down_hidden, _ = backprop_gradients(X, Y, hidden, output)
    one = train_backprop(X, Y, hidden, output, learning_rate=0.01, momentum=0.5, n_sweeps=1)
    np.testing.assert_allclose(one.hidden, hidden - 0.01 * down_hidden, rtol=1e-12)
    _, again, _ = backprop_gradients(X, Y, one.hidden, one.output)
    two = train_backprop(X, Y, hidden, output, learning_rate=0.01, momentum=0.5, n_sweeps=2)
    expected = one.hidden - 0.01 * again - 0.005 * down_hidden
    np.testing.assert_allclose(two.hidden, expected, rtol=1e-12)


def test_training_keeps_its_inputs_and_its_history():
    hidden, output = initial_weights(range(3))
    copies = hidden.copy(), output.copy()
    for array in (hidden, output):
        array.setflags(write=False)
    run = train_backprop(X, Y, hidden, output, n_sweeps=7)
    assert (hidden == copies[0]).all()
    assert (output == copies[1]).all()
    assert run.error.shape == run.wrong.shape == run.net.shape == (8, 3)
    np.testing.assert_allclose(run.error[0], backprop_gradients(X, Y, hidden, output)[0])
    np.testing.assert_allclose(run.error[-1], backprop_gradients(X, Y, run.hidden, run.output)[0])
    assert run.wrong.dtype.kind == "i"
    assert run.wrong.max() <= 64


def test_no_sweeps_return_the_start_and_integers_are_accepted():
    hidden, output = initial_weights([0])
    run = train_backprop(X.astype(int), Y.astype(bool), hidden, output, n_sweeps=0)
    assert (run.hidden == hidden).all()
    assert run.error.shape == (1, 1)
    with np.errstate(all="raise"):
        nothing_on = train_backprop(X[:4], np.zeros(4), hidden, output, n_sweeps=3)
    assert np.isnan(nothing_on.net).all()


def test_huge_weights_do_not_overflow():
    hidden, output = initial_weights([0], scale=1e6)
    with np.errstate(over="raise", invalid="raise"):
        run = train_backprop(X, Y, hidden, output, n_sweeps=3)
    assert np.isfinite(run.error).all()


def test_a_found_solution_is_mirrored():
    hidden, output = initial_weights(range(4))
    output[:, -1] = -8.0
    run = train_backprop(X, Y, hidden, output, n_sweeps=1425)
    assert (run.wrong[-1] == 0).sum() >= 3
    defect, ratios = mirror_solution(run.hidden[run.wrong[-1] == 0])
    assert defect.max() < 0.05
    sizes = np.array([[1, 2, 4], [1, 1.5, 2]])
    assert (np.abs(ratios[:, 0, None] / sizes - 1).max(axis=2).min(axis=1) < 0.1).all()


@QUIET
@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=5), st.integers(1, 3))
def test_mirror_solution_reads_what_was_built(sizes, h):
    row = np.concatenate([sizes, -np.array(sizes[::-1]), [-1.0]])
    hidden = np.broadcast_to(row, (2, h, len(row)))
    defect, ratios = mirror_solution(hidden)
    np.testing.assert_allclose(defect, 0, atol=1e-15)
    np.testing.assert_allclose(ratios[1, -1], np.sort(sizes) / min(sizes))


def test_mirror_solution_measures_the_defect():
    defect, _ = mirror_solution([[[4.0, 1.0, -1.0, -3.0, 9.0]]])
    assert defect[0] == pytest.approx(0.25)


def test_first_success():
    wrong = np.array([[3, 0, 5], [0, 1, 5], [2, 0, 5]])
    assert first_success(wrong).tolist() == [1.0, 0.0, np.inf]


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros((0, 2)), np.zeros((2, 2, 2))])
def test_first_success_refuses(bad):
    with pytest.raises(ValueError, match="shape"):
        first_success(bad)


@pytest.mark.parametrize(
    "bad",
    [np.ones((2, 7)), np.ones((1, 2, 6)), np.ones((1, 2, 1)), np.ones((1, 2, 7)), np.full((1, 1, 3), np.nan)],
)
def test_mirror_solution_refuses(bad):
    with pytest.raises(ValueError, match=r"shape|pair"):
        mirror_solution(bad)


@pytest.mark.parametrize(
    ("inputs", "target", "hidden", "output"),
    [
        (np.zeros((0, 6)), np.zeros(0), np.zeros((1, 2, 7)), np.zeros((1, 3))),
        (X, Y[:-1], np.zeros((1, 2, 7)), np.zeros((1, 3))),
        (X, Y, np.zeros((2, 7)), np.zeros((1, 3))),
        (X, Y, np.zeros((1, 2, 6)), np.zeros((1, 3))),
        (X, Y, np.zeros((1, 2, 7)), np.zeros((2, 3))),
        (X * np.nan, Y, np.zeros((1, 2, 7)), np.zeros((1, 3))),
        (X, Y, np.full((1, 2, 7), np.inf), np.zeros((1, 3))),
    ],
)
def test_training_refuses_bad_arrays(inputs, target, hidden, output):
    with pytest.raises(ValueError, match=r"need|finite"):
        train_backprop(inputs, target, hidden, output)
    with pytest.raises(ValueError, match=r"need|finite"):
        backprop_gradients(inputs, target, hidden, output)


@pytest.mark.parametrize(
    "setting",
    [{"learning_rate": 0}, {"learning_rate": np.nan}, {"momentum": 1}, {"momentum": -0.1}, {"n_sweeps": -1}],
)
def test_training_refuses_bad_settings(setting):
    with pytest.raises(ValueError, match="learning_rate"):
        train_backprop(X, Y, *initial_weights([0]), **setting)


def test_initial_weights():
    hidden, output = initial_weights(range(50), 6, 2, 0.3)
    assert hidden.shape == (50, 2, 7)
    assert output.shape == (50, 3)
    assert 0.29 < np.abs(hidden).max() <= 0.3
    assert abs(hidden.mean()) < 0.03
    again = initial_weights([49])
    assert (again[0][0] == hidden[49]).all()
    assert (again[1][0] == output[49]).all()
    for bad in (([],), ([0], 0), ([0], 6, 0), ([0], 6, 2, -1.0), ([0], 6, 2, np.inf)):
        with pytest.raises(ValueError, match=r"need|scale"):
            initial_weights(*bad)
