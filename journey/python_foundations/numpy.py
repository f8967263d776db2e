"""NumPy.

Built in the page `scripts/02_Python_Foundations/06_numpy.py`: edit the page, not this file.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import ArrayLike

__all__ = ["StridedArray", "broadcast_shapes", "broadcast_to", "byte_offset", "einsum", "pcg64"]


@dataclass(frozen=True)
class StridedArray:
    """Numbers in a buffer, found by offset and strides; slices and transposes share the buffer.

    Parameters
    ----------
    buffer : bytes-like
        Never copied.
    code : str
        Format of one element for the module ``struct``, such as "h" for int16 or "d" for float64.
    shape, strides : tuple of int
        Lengths in elements and steps in bytes, one for each axis.
    offset : int
        Byte where element (0, 0, ...) begins.

    Raises
    ------
    ValueError
        If shape and strides differ in length, a length is negative, or an element lies outside.

    References
    ----------
    Equation eq-numpy-address of the page.
    """

    buffer: bytes | bytearray | memoryview
    code: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    def __post_init__(self) -> None:
        if len(self.shape) != len(self.strides) or min(self.shape, default=0) < 0:
            raise ValueError(f"shape {self.shape} and strides {self.strides} must match")
        if 0 in self.shape:
            return
        spans = [(n - 1) * s for n, s in zip(self.shape, self.strides)]
        first = self.offset + sum(min(span, 0) for span in spans)
        last = self.offset + sum(max(span, 0) for span in spans)
        size = memoryview(self.buffer).nbytes
        if first < 0 or last + struct.calcsize(self.code) > size:
            raise ValueError(f"elements from byte {first} to {last} leave {size} bytes")

    def __getitem__(self, key: int | slice | tuple[int | slice, ...]) -> Any:
        """A number, or for fewer integers than axes an array on the same buffer."""
        keys = key if isinstance(key, tuple) else (key,)
        if len(keys) > len(self.shape):
            raise IndexError(f"{len(keys)} indices for {len(self.shape)} axes")
        keys += (slice(None),) * (len(self.shape) - len(keys))
        offset, axes = self.offset, []
        for k, n, stride in zip(keys, self.shape, self.strides):
            if isinstance(k, slice):
                chosen = range(*k.indices(n))
                offset += chosen.start * stride if chosen else 0
                axes.append((len(chosen), chosen.step * stride))
            elif -n <= k < n:
                offset += (k % n) * stride
            else:
                raise IndexError(f"index {k} for an axis of length {n}")
        if not axes:
            return struct.unpack_from(self.code, self.buffer, offset)[0]
        shape, strides = zip(*axes)
        return StridedArray(self.buffer, self.code, shape, strides, offset)

    @property
    def T(self) -> "StridedArray":
        """The axes in reverse order, on the same buffer."""
        axes = self.shape[::-1], self.strides[::-1]
        return StridedArray(self.buffer, self.code, *axes, self.offset)

    def tolist(self) -> Any:
        """The numbers as nested lists: the only method that looks at all of them."""
        rows = [self[i] for i in range(self.shape[0])] if self.shape else self[()]
        return [r.tolist() for r in rows] if len(self.shape) > 1 else rows


def byte_offset(view: np.ndarray, base: np.ndarray) -> int | None:
    """Bytes from the first element of ``base`` to that of ``view``; None if they share no memory.

    Raises
    ------
    ValueError
        If one of them is empty, since it then occupies no memory.
    """
    if view.size == 0 or base.size == 0:
        raise ValueError(f"empty arrays share nothing, got {view.shape}, {base.shape}")
    if not np.shares_memory(view, base):
        return None
    return view.__array_interface__["data"][0] - base.__array_interface__["data"][0]


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape of arrays of the given shapes.

    Raises
    ------
    ValueError
        If a length is negative, or two lengths at one position differ and neither is 1.

    References
    ----------
    Equation eq-numpy-broadcast of the page.
    """
    n_axes = max((len(shape) for shape in shapes), default=0)
    padded = [(1,) * (n_axes - len(shape)) + tuple(shape) for shape in shapes]
    common = []
    for lengths in zip(*padded):
        longer = set(lengths) - {1}
        if len(longer) > 1 or min(lengths) < 0:
            raise ValueError(f"shapes {shapes} do not fit: lengths {lengths} on one axis")
        common.append(longer.pop() if longer else 1)
    return tuple(common)


def broadcast_to(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A read-only view of an array that is repeated, without copying, to a shape.

    Raises
    ------
    ValueError
        If the array would have to shrink, or does not fit.

    References
    ----------
    Equation eq-numpy-broadcast of the page: repeated axes have stride 0.
    """
    if broadcast_shapes(array.shape, shape) != tuple(shape):
        raise ValueError(f"an array of shape {array.shape} cannot be repeated to {shape}")
    steps = [0 if n == 1 else s for n, s in zip(array.shape, array.strides)]
    strides = [0] * (len(shape) - array.ndim) + steps
    return as_strided(array, shape, strides, writeable=False)


def einsum(subscripts: str, *operands: ArrayLike) -> np.ndarray:
    """Sum of products over named axes, such as ``einsum("ij,jk->ik", A, B)``.

    Parameters
    ----------
    subscripts : str
        One letter for each axis of each operand, an arrow, and the letters of the result.
    operands : array_like

    Raises
    ------
    ValueError
        If the text has no arrow, does not match the operands, or a letter has two lengths.

    References
    ----------
    Equation eq-numpy-einsum of the page. Takes time and memory of the product of all lengths.
    """
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs, arrays = left.split(","), [np.asarray(operand) for operand in operands]
    letters_only = all(sign.isalpha() for sign in left if sign != ",")
    if not arrow or len(inputs) != len(arrays) or not letters_only:
        raise ValueError(f"need letters for {len(arrays)} operands and '->', got {subscripts!r}")
    lengths: dict[str, int] = {}
    for labels, array in zip(inputs, arrays):
        if len(labels) != array.ndim:
            raise ValueError(f"{labels!r} does not name the axes of shape {array.shape}")
        for letter, n in zip(labels, array.shape):
            if lengths.setdefault(letter, n) != n:
                raise ValueError(f"{letter!r} has the lengths {lengths[letter]} and {n}")
    if len(set(output)) < len(output) or not set(output) <= set(lengths):
        raise ValueError(f"the result {output!r} needs letters of the operands, each once")
    letters = output + "".join(sorted(set(lengths) - set(output)))
    shape = [lengths[letter] for letter in letters]
    product = np.ones((), dtype=np.result_type(*arrays))
    for labels, array in zip(inputs, arrays):
        steps = list(zip(labels, array.strides))
        strides = [sum(s for name, s in steps if name == letter) for letter in letters]
        product = product * as_strided(array, shape, strides, writeable=False)
    summed = tuple(range(len(output), len(letters)))
    return np.asarray(product.sum(axis=summed, dtype=product.dtype))


def pcg64(state: int, increment: int) -> Iterator[int]:
    """The 64-bit numbers of NumPy's default generator, without end.

    Parameters
    ----------
    state, increment : int
        128 bits each, the increment odd, as in ``rng.bit_generator.state["state"]``.

    Raises
    ------
    ValueError
        If a number has more than 128 bits or is negative, or the increment is even.

    References
    ----------
    Equation eq-numpy-pcg of the page; O'Neill (2014).
    """
    if not (0 <= state < 2**128 and 0 < increment < 2**128 and increment % 2):
        raise ValueError("state and increment have 128 bits, and the increment is odd")

    def numbers(s: int) -> Iterator[int]:
        while True:
            s = (s * 47026247687942121848144207491837523525 + increment) % 2**128
            folded, turn = (s >> 64 ^ s) % 2**64, s >> 122
            yield (folded >> turn | folded << (64 - turn)) % 2**64

    return numbers(state)


# seal: 5f70ce9f4f91cf30
