"""journey.mathematics.vectors: laws, exact references, nasty inputs, refusals."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import pairwise

from journey.mathematics.vectors import angle, cosine_similarity, dot, norm, normalize, project

LAWS = settings(deadline=None, derandomize=True, max_examples=60)
ORDERS = [1, 2, np.inf]
COMPONENT = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: x if abs(x) > 1e-6 else 0.0)


def vectors(d: int):
    return arrays(np.float64, d, elements=COMPONENT)


def exact(x) -> list[Fraction]:
    return [Fraction(float(value)) for value in x]


def exact_dot(u, v) -> Fraction:
    return sum((a * b for a, b in zip(exact(u), exact(v), strict=True)), Fraction(0))


def exact_angle(u, v) -> float:
    uv, uu, vv = exact_dot(u, v), exact_dot(u, u), exact_dot(v, v)
    cosine2 = uv**2 / (uu * vv)
    return math.atan2(math.sqrt(1 - cosine2), math.copysign(math.sqrt(cosine2), uv))


# Against references that do not round, or that others wrote


@LAWS
@given(vectors(5), vectors(5))
def test_dot_agrees_with_exact_arithmetic(u, v):
    allowed = 5 * np.finfo(float).eps * float(np.abs(u) @ np.abs(v))
    assert abs(Fraction(float(dot(u, v))) - exact_dot(u, v)) <= Fraction(allowed)


@LAWS
@given(vectors(5), st.integers(-1000, 900))
def test_norm_agrees_with_exact_arithmetic_at_every_scale(x, exponent):
    x = np.ldexp(x, exponent)
    for value, truth in (
        (norm(x), math.sqrt(exact_dot(np.ldexp(x, -exponent), np.ldexp(x, -exponent)))),
        (norm(x, 1), float(sum(abs(a) for a in exact(np.ldexp(x, -exponent))))),
    ):
        assert math.isclose(math.ldexp(value, -exponent), truth, rel_tol=1e-14, abs_tol=1e-12)
    assert norm(x, np.inf) == max(abs(x))


@LAWS
@given(vectors(4), vectors(4))
def test_angle_agrees_with_exact_arithmetic(u, v):
    assume(u.any() and v.any())
    assert abs(angle(u, v) - exact_angle(u, v)) <= 4e-15


@pytest.mark.parametrize("turn", [1e-300, 1e-18, 1e-12, 1e-8, 1e-3, 1.0])
def test_angle_keeps_small_angles_and_angles_near_pi(turn):
    u, v = np.array([1.0, 0.0]), np.array([1.0, math.tan(turn)])
    assert angle(u, v) == pytest.approx(turn, rel=1e-15)
    assert angle(u, -v) == pytest.approx(math.pi - turn, rel=1e-15)


def test_angle_of_a_vector_with_itself_is_zero_and_with_its_negative_pi():
    x = np.random.default_rng(0).normal(size=(1000, 7))
    assert (angle(x, x) == 0).all()
    assert (angle(x, -4 * x) == math.pi).all()


def test_cosine_similarity_agrees_with_sklearn():
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(40, 9)), rng.normal(size=(25, 9))
    np.testing.assert_allclose(cosine_similarity(X, Y), pairwise.cosine_similarity(X, Y), atol=1e-14)
    np.testing.assert_allclose(cosine_similarity(X), pairwise.cosine_similarity(X), atol=1e-14)


def test_cosine_similarity_of_a_square_table_divides_rows_not_columns():
    X = np.array([[1.0, 0.0], [3.0, 4.0]])
    np.testing.assert_allclose(cosine_similarity(X), [[1, 0.6], [0.6, 1]], atol=1e-15)


@LAWS
@given(vectors(6), vectors(6))
def test_project_agrees_with_least_squares(u, v):
    assume(v.any())
    c = np.linalg.lstsq(v[:, None], u)[0]
    np.testing.assert_allclose(project(u, v), c * v, rtol=1e-9, atol=1e-9 * max(norm(u), 1e-300))


def test_by_hand():
    assert dot([2, 4], [4, 3]) == 20
    assert [norm([2, 4], order) for order in ORDERS] == [6, math.sqrt(20), 4]
    assert angle([2, 4], [4, 3]) == pytest.approx(math.acos(20 / (5 * math.sqrt(20))))
    np.testing.assert_allclose(project([2, 4], [4, 3]), [3.2, 2.4], rtol=1e-15)


# Laws


@LAWS
@given(vectors(4), vectors(4), vectors(4), st.floats(-100, 100))
def test_dot_is_symmetric_and_linear(u, v, w, c):
    scale = (norm(u) + norm(w) + 1) * (norm(v) + 1) * (abs(c) + 1)
    assert dot(u, v) == dot(v, u)
    assert abs(dot(c * u + w, v) - (c * dot(u, v) + dot(w, v))) <= 1e-14 * scale


@LAWS
@given(vectors(4), vectors(4), st.floats(-100, 100))
@pytest.mark.parametrize("order", ORDERS)
def test_norm_is_a_norm(order, u, v, c):
    assert norm(u + v, order) <= (norm(u, order) + norm(v, order)) * (1 + 1e-14)
    assert norm(c * u, order) == pytest.approx(abs(c) * norm(u, order), rel=1e-13, abs=1e-300)
    assert (norm(u, order) == 0) == (not u.any())


@LAWS
@given(vectors(6))
def test_norms_are_ordered(x):
    largest, euclidean, total = norm(x, np.inf), norm(x), norm(x, 1)
    assert largest <= euclidean * (1 + 1e-15)
    assert euclidean <= total * (1 + 1e-14)
    assert total <= math.sqrt(6) * euclidean * (1 + 1e-14)


@LAWS
@given(vectors(3), st.floats(-1000, 1000))
def test_cauchy_schwarz_up_to_rounding_with_equality_for_parallel_vectors(u, c):
    v = c * u
    assert abs(dot(u, v)) <= norm(u) * norm(v) * (1 + 1e-14)
    assert abs(dot(u, v)) == pytest.approx(norm(u) * norm(v), rel=1e-13)


@LAWS
@given(vectors(5), vectors(5))
def test_projection_is_closest_orthogonal_and_idempotent(u, v):
    assume(v.any())
    shadow, size = project(u, v), max(float(norm(u)), 1e-300)
    assert abs(dot(u - shadow, normalize(v))) <= 1e-14 * size
    np.testing.assert_allclose(project(shadow, v), shadow, rtol=1e-13, atol=1e-14 * size)
    for step in (-1e-3, 1e-3):
        assert norm(u - shadow) <= norm(u - shadow - step * size * normalize(v)) + 1e-14 * size


@LAWS
@given(vectors(5), vectors(5), st.floats(1e-100, 1e100), st.floats(1e-100, 1e100))
def test_angle_and_cosine_forget_lengths(u, v, a, b):
    assume(u.any() and v.any())
    assert angle(a * u, b * v) == pytest.approx(angle(u, v), abs=4e-15)
    np.testing.assert_allclose(
        cosine_similarity([a * u], [b * v]), cosine_similarity([u], [v]), atol=1e-14, rtol=0
    )


@LAWS
@given(vectors(3), vectors(3), vectors(3))
def test_angles_obey_the_triangle_inequality(u, v, w):
    assume(u.any() and v.any() and w.any())
    assert angle(u, w) <= angle(u, v) + angle(v, w) + 1e-14


# Shapes and types


def test_the_last_axis_is_the_vector():
    rng = np.random.default_rng(2)
    U, v = rng.normal(size=(2, 3, 4)), rng.normal(size=4)
    for function in (dot, angle, project):
        batch = function(U, v)
        single = [[function(U[i, j], v) for j in range(3)] for i in range(2)]
        np.testing.assert_allclose(batch, single, rtol=1e-15)
    for order in ORDERS:
        assert norm(U, order).shape == (2, 3)
        assert norm(U, order)[1, 2] == norm(U[1, 2], order)
    assert normalize(U).shape == U.shape


@pytest.mark.parametrize("function", [dot, angle])
def test_two_vectors_give_a_float(function):
    assert isinstance(function([1, 2], [3, 4]), float)
    assert all(isinstance(norm([1, 2], order), float) for order in ORDERS)


def test_integers_do_not_wrap_around():
    black = np.array([16, 16], dtype=np.uint8)
    assert dot(black, black) == 512
    assert norm(black) == math.sqrt(512)
    assert norm(np.array([-128], dtype=np.int8), 1) == 128
    assert angle(np.array([0, 1], dtype=np.uint8), np.array([1, 0], dtype=np.uint8)) == math.pi / 2


def test_read_only_and_strided_inputs_are_neither_refused_nor_changed():
    table = np.arange(1.0, 25.0).reshape(4, 6)
    strided, before = table[::-1, ::2], table.copy()
    table.flags.writeable = False
    np.testing.assert_array_equal(normalize(strided), normalize(strided.copy()))
    np.testing.assert_array_equal(project(strided, strided[0]), project(strided.copy(), strided[0].copy()))
    np.testing.assert_array_equal(cosine_similarity(strided), cosine_similarity(strided.copy()))
    normalize(table)
    np.testing.assert_array_equal(table, before)


def test_a_batch_without_vectors_gives_a_batch_without_results():
    none = np.zeros((0, 3))
    assert norm(none).shape == (0,)
    assert angle(none, [1, 2, 3]).shape == (0,)
    assert cosine_similarity(none, [[1, 2, 3]]).shape == (0, 1)


# Extremes


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1e200, 1e307])
def test_nothing_overflows_or_underflows_on_the_way(size):
    u, v = size * np.array([2.0, 4.0]), size * np.array([4.0, 3.0])
    tolerance = 1e-3 if size < 1e-300 else 1e-14  # a subnormal number has few digits
    assert norm(v) == pytest.approx(5 * size, rel=tolerance)
    assert angle(u, v) == pytest.approx(angle([2, 4], [4, 3]), rel=tolerance)
    np.testing.assert_allclose(normalize(v), [0.8, 0.6], rtol=tolerance)
    np.testing.assert_allclose(project(u, v), 0.8 * v, rtol=tolerance)
    np.testing.assert_allclose(cosine_similarity([u], [v]), [[20 / (5 * math.sqrt(20))]], rtol=tolerance)


def test_length_beyond_the_largest_float_is_infinite():
    with np.errstate(over="ignore"):
        assert norm([1.7e308, 1.7e308]) == np.inf
    assert angle([1.7e308, 1.7e308], [1, 1]) <= 4e-16


def test_zero_vectors_where_they_are_allowed():
    assert [norm([0, 0], order) for order in ORDERS] == [0, 0, 0]
    assert dot([0, 0], [1, 2]) == 0
    np.testing.assert_array_equal(project([0, 0], [1, 2]), [0, 0])


def test_cosines_stay_within_one():
    x = np.random.default_rng(3).normal(size=(300, 3))
    table = cosine_similarity(np.vstack([x, 3 * x, -7 * x]))
    assert table.max() <= 1
    assert table.min() >= -1


# Refusals

TWO = [1.0, 2.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dot(TWO, [1, 2, 3]), "equally many"),
        (lambda: dot([1], TWO), "equally many"),
        (lambda: dot(TWO, [[1], [2]]), "equally many"),
        (lambda: angle(TWO, [1, 2, 3]), "equally many"),
        (lambda: project(TWO, [1, 2, 3]), "equally many"),
        (lambda: cosine_similarity([TWO], [[1, 2, 3]]), "equally many"),
        (lambda: norm([]), "d > 0"),
        (lambda: norm(3.0), "d > 0"),
        (lambda: dot([], []), "d > 0"),
        (lambda: norm([1, np.nan]), "x must be finite"),
        (lambda: normalize([1, np.inf]), "x must be finite"),
        (lambda: dot(TWO, [1, np.nan]), "v must be finite"),
        (lambda: angle([np.nan, 1], TWO), "u must be finite"),
        (lambda: project(TWO, [1, -np.inf]), "onto must be finite"),
        (lambda: cosine_similarity([TWO], [[np.nan, 1]]), "Y must be finite"),
        (lambda: norm([1j, 2]), "real numbers"),
        (lambda: norm(["1", "2"]), "real numbers"),
        (lambda: norm([1, None]), "real numbers"),
        (lambda: norm(TWO, 3), "order must be"),
        (lambda: norm(TWO, np.nan), "order must be"),
        (lambda: normalize([0, 0]), "zero vector"),
        (lambda: normalize([TWO, [0, 0]]), r"index \(1,\)"),
        (lambda: angle(TWO, [0, 0]), "zero vector"),
        (lambda: project(TWO, [0, 0]), "zero vector"),
        (lambda: cosine_similarity([TWO, [0, 0]]), "zero vector"),
        (lambda: cosine_similarity(TWO), r"X must have shape \(n, d\)"),
        (lambda: cosine_similarity([TWO], TWO), r"Y must have shape \(n, d\)"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()
