"""The helpers that decide what is right: they must fail on what is wrong."""

import re

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from journey.orientation.checks import check_close, check_gradient, claim, seed_band, try_answer

quick = settings(deadline=None, derandomize=True, max_examples=100)
numbers = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    ("value", "band"),
    [
        (2.0, {"at_least": 2}),
        (2.0, {"at_most": 2}),
        (2.0, {"within": (1, 2)}),
        (2.0, {"equal_to": 2}),
        (2.05, {"equal_to": 2, "tolerance": 0.1}),
        (True, {"equal_to": 1}),
        (np.float32(0.5), {"at_least": 0.5}),
    ],
)
def test_claim_prints_one_line_that_the_ledger_reads(value, band, capsys):
    claim("a-name-7", value, **band)
    assert re.fullmatch(r"claim a-name-7: \S+ \(.+\) holds\n", capsys.readouterr().out)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.5, 3.1])
@pytest.mark.parametrize("band", [{"within": (0, 3)}, {"equal_to": 1, "tolerance": 2}])
def test_claim_fails_outside_its_band(value, band):
    with pytest.raises(AssertionError, match=r"a-name.*DOES NOT HOLD"):
        claim("a-name", value, **band)


@pytest.mark.parametrize("band", [{"at_least": 0}, {"at_most": 1e300}])
def test_nan_lies_in_no_band(band):
    with pytest.raises(AssertionError):
        claim("a-name", float("nan"), **band)


@given(numbers, numbers, numbers)
@quick
def test_claim_within_agrees_with_the_definition(value, low, high):
    if low > high:
        with pytest.raises(ValueError, match="empty"):
            claim("a-name", value, within=(low, high))
    elif low <= value <= high:
        claim("a-name", value, within=(low, high))
    else:
        with pytest.raises(AssertionError):
            claim("a-name", value, within=(low, high))


@pytest.mark.parametrize("name", ["", "Upper", "two words", "-a", "a-", "a--b", "ä"])
def test_claim_refuses_malformed_names(name):
    with pytest.raises(ValueError, match="hyphens"):
        claim(name, 1, at_least=0)


@pytest.mark.parametrize("band", [{}, {"at_least": 0, "at_most": 1}])
def test_claim_wants_exactly_one_band(band):
    with pytest.raises(ValueError, match="exactly one"):
        claim("a-name", 1, **band)


arrays = hnp.arrays(
    float,
    hnp.array_shapes(max_dims=2, max_side=4),
    elements=st.sampled_from([0.0, 1.0, 1.0009, -2.0, np.nan, np.inf]),
)


@given(st.data())
@quick
def test_check_close_decides_as_numpy_does(data):
    expected = data.draw(arrays)
    actual = data.draw(
        hnp.arrays(float, expected.shape, elements=st.sampled_from([0.0, 1.0, -2.0, np.nan, np.inf]))
    )
    options = {"rtol": 1e-3, "atol": 1e-9}
    try:
        np.testing.assert_allclose(actual, expected, **options)
    except AssertionError:
        with pytest.raises(AssertionError):
            check_close(actual, expected, **options)
    else:
        assert check_close(actual, expected, **options) >= 0


def test_check_close_returns_the_largest_deviation():
    assert check_close([1.0, 2.5], [1.0, 2.0], atol=1) == 0.5
    assert check_close([], []) == 0.0
    assert check_close([np.inf, np.nan], [np.inf, np.nan]) == 0.0


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (np.ones((3, 1)), np.ones(3), r"\(3, 1\) against \(3,\)"),
        ([1.0, np.nan], [1.0, 1.0], r"worst at \(1,\)"),
        ([np.inf], [-np.inf], "differ"),
        ([1.0, 2.0, 9.0], [1.0, 2.0, 3.0], r"1 of 3.*9 against 3"),
    ],
)
def test_check_close_closes_the_known_holes(actual, expected, message):
    with pytest.raises(AssertionError, match=message):
        check_close(actual, expected, atol=0.5)


@given(hnp.arrays(float, st.integers(1, 5), elements=st.floats(-3, 3)))
@quick
def test_check_gradient_accepts_right_and_refuses_wrong_gradients(x):
    def f(v):
        return float(np.sum(np.sin(v) * np.arange(1, v.size + 1)))

    def gradient(v):
        return np.cos(v) * np.arange(1, v.size + 1)

    assert check_gradient(f, gradient, x) < 1e-8
    with pytest.raises(AssertionError, match="relative error"):
        check_gradient(f, lambda v: gradient(v) + 1e-3, x)


def test_check_gradient_agrees_with_scipy_and_keeps_the_point():
    point = np.array([[1.0, -2.0], [1e3, 0.0]])
    before = point.copy()
    error = check_gradient(lambda v: float((v**2).sum()), lambda v: 2 * v, point)
    assert error < 1e-6
    np.testing.assert_array_equal(point, before)
    theirs = scipy.optimize.check_grad(lambda v: float((v**2).sum()), lambda v: 2 * v, point[0])
    assert theirs < 1e-6


def test_check_gradient_sees_shape_nan_and_zero():
    with pytest.raises(AssertionError, match="shape"):
        check_gradient(lambda v: float(v.sum()), lambda v: np.ones(3), np.ones(2))
    with pytest.raises(AssertionError, match="above"):
        check_gradient(lambda v: float(v.sum()), lambda v: np.full(2, np.nan), np.ones(2))
    assert check_gradient(lambda v: 7.0, np.zeros_like, np.ones(2)) == 0.0
    assert check_gradient(lambda v: 1.0 * v[0], lambda v: np.ones(1), np.array([3], dtype=int)) < 1e-9


def test_seed_band_is_students_interval():
    values = {3: 1.0, 5: 2.0, 8: 6.0}
    band = seed_band(values.__getitem__, values)
    assert band.mean == pytest.approx(3.0)
    assert (band.low, band.high) == pytest.approx((3 - 6.5724, 3 + 6.5724), abs=1e-3)
    np.testing.assert_array_equal(band.values, [1.0, 2.0, 6.0])
    assert seed_band(values.__getitem__, values, level=0.5).high < band.high


@pytest.mark.parametrize(("seeds", "level"), [([], 0.9), ([1], 0.9), ([1, 1], 0.9), ([1, 2], 0), ([1, 2], 1)])
def test_seed_band_refuses(seeds, level):
    with pytest.raises(ValueError, match="must"):
        seed_band(float, seeds, level=level)


def test_try_answer_says_whether_and_why(capsys):
    def test_it(answer):
        assert answer > 0, "it must be positive"
        assert answer != 7

    assert try_answer(test_it, 1)
    assert not try_answer(test_it, -1)
    assert not try_answer(test_it, 7)
    assert not try_answer(test_it, None)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "test_it: passed"
    assert lines[1] == "test_it: not yet (AssertionError: it must be positive)"
    assert lines[2].startswith("test_it: not yet (AssertionError: assert ")
    assert lines[3].startswith("test_it: not yet (TypeError: ")
