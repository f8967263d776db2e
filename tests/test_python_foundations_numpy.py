"""Arrays rebuilt: values, shapes, strides and errors as NumPy's own, and what is refused."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.lib.stride_tricks import as_strided

from journey.python_foundations.numpy import (
    StridedArray,
    broadcast_shapes,
    broadcast_to,
    byte_offset,
    einsum,
    pcg64,
)

quick = settings(deadline=None, derandomize=True, max_examples=40)
shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
any_shape = st.lists(st.sampled_from([0, 1, 1, 2, 3]), max_size=4).map(tuple)
CODES = {"int8": "b", "uint16": "H", "int32": "i", "float64": "d"}


def wrap(array):
    """The StridedArray on the bytes of a row-major array."""
    return StridedArray(array.tobytes(), CODES[array.dtype.name], array.shape, array.strides)


def same(ours, theirs):
    if not isinstance(ours, StridedArray):
        return ours == theirs and np.ndim(theirs) == 0
    strides = ours.strides == theirs.strides or theirs.size == 0
    return strides and ours.shape == theirs.shape and ours.tolist() == theirs.tolist()


# --- StridedArray --------------------------------------------------------------------------------


@given(st.data(), st.sampled_from(sorted(CODES)), shapes)
@quick
def test_every_chain_of_basic_indices_and_transposes_agrees_with_numpy(data, dtype, shape):
    theirs = data.draw(hnp.arrays(dtype, shape, elements=st.integers(0, 99)))
    ours = wrap(theirs)
    buffer = ours.buffer
    for _ in range(2):
        key = data.draw(hnp.basic_indices(theirs.shape, allow_newaxis=False, allow_ellipsis=False))
        ours, theirs = ours[key], theirs[key]
        assert same(ours, theirs)
        if not isinstance(ours, StridedArray):
            break
        assert ours.buffer is buffer
        ours, theirs = ours.T, theirs.T
        assert same(ours, theirs)


def test_a_view_sees_what_is_written_to_the_buffer():
    buffer = bytearray(np.arange(6, dtype=np.int32).tobytes())
    whole = StridedArray(buffer, "i", (2, 3), (12, 4))
    corner = whole[1:, ::-2]
    buffer[20:24] = np.int32(77).tobytes()
    assert corner.tolist() == [[77, 3]]


def test_strides_that_no_slice_makes():
    line = np.arange(5, dtype=np.int32)
    overlap = StridedArray(line.tobytes(), "i", (3, 3), (4, 4))
    assert overlap.tolist() == as_strided(line, (3, 3), (4, 4)).tolist()
    assert StridedArray(line.tobytes(), "i", (4,), (0,), 8).tolist() == [2, 2, 2, 2]
    assert StridedArray(b"", "i", (0, 3), (12, 4)).tolist() == []
    assert StridedArray(line.tobytes(), "i", (), (), 4).tolist() == 1


def test_a_read_only_memoryview_will_do():
    view = memoryview(np.arange(4, dtype=np.float64)).toreadonly()
    assert StridedArray(view, "d", (4,), (-8,), 24).tolist() == [3.0, 2.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("shape", "strides", "offset", "message"),
    [
        ((4,), (4, 4), 0, "must match"),
        ((-1,), (4,), 0, "must match"),
        ((4,), (4,), 4, "leave 16 bytes"),
        ((2,), (-4,), 0, "leave 16 bytes"),
        ((2, 2), (12, 4), 0, "leave 16 bytes"),
        ((1,), (4,), 13, "leave 16 bytes"),
    ],
)
def test_elements_outside_of_the_buffer_are_refused(shape, strides, offset, message):
    with pytest.raises(ValueError, match=message):
        StridedArray(bytes(16), "i", shape, strides, offset)


@pytest.mark.parametrize("key", [4, -5, (0, 3), (0, 0, 0)])
def test_an_index_out_of_range_raises_as_for_lists(key):
    array = wrap(np.zeros((4, 3), dtype=np.int8))
    with pytest.raises(IndexError):
        array[key]


# --- byte_offset ---------------------------------------------------------------------------------


def test_offsets_tell_views_from_copies():
    A = np.arange(24.0).reshape(4, 6)
    assert byte_offset(A[1:, ::-1], A) == 48 + 40
    assert byte_offset(A, A[2:]) == -96
    assert byte_offset(A.T, A) == byte_offset(A.reshape(-1), A) == 0
    assert byte_offset(A[[0, 1]], A) is None
    assert byte_offset(A[::2, ::2], A[1::2, 1::2]) is None  # interleaved, no byte in common
    with pytest.raises(ValueError, match="empty"):
        byte_offset(A[:0], A)


# --- Broadcasting --------------------------------------------------------------------------------


@given(st.lists(any_shape, max_size=4))
@settings(quick, max_examples=200)
def test_broadcast_shapes_agrees_with_numpy_errors_included(shapes):
    try:
        expected = np.broadcast_shapes(*shapes)
    except ValueError:
        with pytest.raises(ValueError, match="do not fit"):
            broadcast_shapes(*shapes)
    else:
        assert broadcast_shapes(*shapes) == expected


@given(any_shape, any_shape, any_shape)
@settings(quick, max_examples=80)
def test_broadcasting_is_commutative_associative_and_has_a_neutral_shape(a, b, c):
    def common(*shapes):
        try:
            return broadcast_shapes(*shapes)
        except ValueError:
            return None

    assert common(a, b) == common(b, a)
    assert common(a, ()) == a
    grouped = [
        common(*pair, r) if None not in (pair := (common(p, q),)) else None
        for p, q, r in itertools.permutations((a, b, c))
    ]
    assert set(grouped) == {common(a, b, c)}


@given(st.data(), any_shape, any_shape)
@settings(quick, max_examples=80)
def test_broadcast_to_agrees_with_numpy_and_copies_nothing(data, shape, target):
    array = np.arange(np.prod(shape), dtype=float).reshape(shape)
    array = array.copy(order=data.draw(st.sampled_from("CF")))
    try:
        expected = np.broadcast_to(array, target)
    except ValueError:
        with pytest.raises(ValueError, match=r"cannot be repeated|do not fit"):
            broadcast_to(array, target)
        return
    ours = broadcast_to(array, target)
    np.testing.assert_array_equal(ours, expected)
    assert not ours.flags.writeable
    if ours.size:
        assert np.shares_memory(ours, array)


def test_repeated_axes_have_stride_zero():
    assert broadcast_to(np.ones((3, 1)), (2, 3, 4)).strides == (0, 8, 0)
    huge = broadcast_to(np.float64(7), (10**6, 10**6))  # eight terabytes, if it were copied
    assert huge[-1, -1] == 7
    assert huge.strides == (0, 0)


def test_negative_lengths_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        broadcast_shapes((2, -1), (2, 1))


# --- einsum --------------------------------------------------------------------------------------


@st.composite
def einsum_calls(draw, dtype):
    lengths = dict(zip("ijkl", draw(st.lists(st.integers(0, 3), min_size=4, max_size=4))))
    inputs = draw(st.lists(st.text("ijkl", max_size=3), min_size=1, max_size=3))
    used = sorted(set("".join(inputs)))
    output = "".join(draw(st.permutations(used))[: draw(st.integers(0, len(used)))])
    arrays = []
    for labels in inputs:
        array = draw(hnp.arrays(dtype, [lengths[c] for c in labels], elements=st.integers(-4, 4)))
        arrays.append(array.copy(order=draw(st.sampled_from("CF"))))
    return f"{','.join(inputs)}->{output}", arrays


@given(einsum_calls("float64"))
@settings(quick, max_examples=120)
def test_einsum_agrees_with_numpy_for_any_letters(call):
    text, arrays = call
    ours, theirs = einsum(text, *arrays), np.einsum(text, *arrays)
    np.testing.assert_array_equal(ours, theirs)  # small integers: exact in any order
    assert ours.shape == np.shape(theirs)


@given(einsum_calls("int8"))
@quick
def test_einsum_keeps_the_dtype_as_numpy_does(call):
    text, arrays = call
    assert einsum(text, *arrays).dtype == np.einsum(text, *arrays).dtype
    np.testing.assert_array_equal(einsum(text, *arrays), np.einsum(text, *arrays))


def test_einsum_takes_lists_views_and_read_only_arrays_and_leaves_them_alone():
    A = np.arange(12.0).reshape(3, 4)
    A.setflags(write=False)
    np.testing.assert_allclose(einsum("ij, kj -> ik", A[::-1, ::2], A[:, ::2]), A[::-1, ::2] @ A[:, ::2].T)
    assert einsum("i,i->", [1, 2], [3, 4]) == 11
    result = einsum("ij->ji", A)
    result[0, 0] = 99  # a copy, so it may be written to
    assert A[0, 0] == 0


def test_einsum_lets_nan_and_infinity_through():
    assert np.isnan(einsum("i,i->", [np.nan, 0.0], [0.0, 1.0]))
    assert einsum("i->", [np.inf, 1.0]) == np.inf


@pytest.mark.parametrize(
    ("text", "arrays", "message"),
    [
        ("ij,jk", [np.ones((2, 2))] * 2, "'->'"),
        ("ij->ij", [np.ones((2, 2))] * 2, "2 operands"),
        ("i1->i", [np.ones((2, 2))], "letters"),
        ("i...->i", [np.ones((2, 2))], "letters"),
        ("i->i", [np.ones((2, 2))], "does not name the axes"),
        ("ij,jk->ik", [np.ones((2, 3)), np.ones((4, 2))], "lengths 3 and 4"),
        ("ii->i", [np.ones((2, 3))], "lengths 2 and 3"),
        ("i,i->", [np.ones(3), np.ones(1)], "lengths 3 and 1"),
        ("ij->ii", [np.ones((2, 2))], "each once"),
        ("ij->k", [np.ones((2, 2))], "needs letters of the operands"),
    ],
)
def test_einsum_refuses(text, arrays, message):
    with pytest.raises(ValueError, match=message):
        einsum(text, *arrays)


# --- pcg64 ---------------------------------------------------------------------------------------


@given(st.integers(0, 2**63), st.integers(1, 40))
@quick
def test_pcg64_gives_numpys_bits_for_any_seed(seed, n):
    generator = np.random.PCG64(seed)
    state = generator.state["state"]
    ours = list(itertools.islice(pcg64(state["state"], state["inc"]), n))
    assert ours == [int(bits) for bits in generator.random_raw(n)]


def test_spawned_streams_differ_and_are_reproducible():
    first, second = np.random.default_rng(5).spawn(2)
    streams = []
    for child in (first, second):
        state = child.bit_generator.state["state"]
        streams.append(list(itertools.islice(pcg64(state["state"], state["inc"]), 4)))
        assert streams[-1] == [int(bits) for bits in child.bit_generator.random_raw(4)]
    assert not set(streams[0]) & set(streams[1])


@pytest.mark.parametrize(("state", "increment"), [(0, 2), (-1, 1), (2**128, 1), (0, 2**128 + 1), (0, -1)])
def test_pcg64_refuses_at_once_not_at_the_first_number(state, increment):
    with pytest.raises(ValueError, match="128 bits"):
        pcg64(state, increment)
