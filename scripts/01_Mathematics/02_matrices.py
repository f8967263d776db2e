# %% [markdown]
# # Matrices
#
# What does a table of numbers do to a vector, what do two of them do one after the other, and what is lost on the way?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `matmul`, `rotation`, `shear`, `projection_onto` and `rank`
# - **You need** {doc}`01_vectors`: dot product, length, projection
# - **Checked against** NumPy, exact integers, the laws of linear maps
# - **Time** 35 minutes to read, 40 to code
# - **Data** digits (1,797 pictures of 8 × 8 pixels), scikit-learn, BSD-3
# ````

# %%
import itertools
from time import thread_time

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike
from sklearn.datasets import load_digits

from journey.mathematics.vectors import dot, norm, normalize
from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.figures import (
    COLORS,
    MARKERS,
    draw_vectors,
    readable,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## Turn, then stretch, is not stretch, then turn
#
# A picture of a digit is to be turned by 30° and made twice as wide. Somebody does it in one order, somebody else in the other.

# %%
digits = load_digits()
picture = digits.images[3]  # (8, 8): a three
rows, columns = np.nonzero(picture > 4)
ink = (
    np.column_stack([columns - 3.5, 3.5 - rows]) / 4
)  # (n, 2): its dark pixels as points


def turn(points, degrees=30):
    t = np.radians(degrees)
    x, y = points.T
    return np.column_stack(
        [np.cos(t) * x - np.sin(t) * y, np.sin(t) * x + np.cos(t) * y]
    )


def widen(points):
    return points * [2.0, 1.0]


# %%
one, other = widen(turn(ink)), turn(widen(ink))
claim("matrices-orders-differ-by", np.abs(one - other).max(), at_least=0.3)

# %% mystnb={"figure": {"caption": "The same two steps in two orders. Turning first and widening then slants the digit; widening first keeps its shape.", "name": "fig-matrices-order"}, "image": {"alt": "Three panels of dots that form a three: the original, the one turned then widened, which looks slanted, and the one widened then turned, which looks like a wide three that leans."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 3, figsize=(7.4, 2.7))
shown = (
    (ink, "as it is"),
    (one, "turned, then widened"),
    (other, "widened, then turned"),
)
for axes, (points, title) in zip(panels, shown):
    axes.scatter(*points.T, s=46, marker="s", color=COLORS["blue"])
    axes.set(xlim=(-2.3, 2.3), ylim=(-1.9, 1.9), aspect="equal", xticks=[], yticks=[])
    axes.set_title(title, fontsize=10.5)
plt.show()

# %% [markdown]
# Numbers may be multiplied in any order; steps may not. Both steps move thousands of points by the same simple rule, so it should be possible to compute with the *rules*: to multiply them, to undo them, to ask what they lose. That is what a matrix is for, and a layer of a neural network is one.
#
# ## Predict
#
# 1. Three matrices, $1000\times10$, $10\times1000$ and $1000\times10$, are to be multiplied. One may begin on the left or on the right. By what factor do the numbers of multiplications differ?
# 2. $(\mathbf{AB})\mathbf{C}=\mathbf{A}(\mathbf{BC})$ is a theorem. On a computer, for random $20\times20$ matrices, does it hold to the last digit: always, mostly, or never?
# 3. The 1,797 pictures of digits have 64 pixels each. How many numbers are needed, at least, to describe each of them without any loss?
#
# (sec-matrices-columns)=
# ## The columns are where the axes go
#
# Call a map $f$ from vectors to vectors **linear** if it respects the two operations that make a vector: $f(\mathbf u+\mathbf v)=f(\mathbf u)+f(\mathbf v)$ and $f(c\,\mathbf v)=c\,f(\mathbf v)$. Turning and stretching do. Now take any vector of the plane, $\mathbf x=x_1\mathbf e_1+x_2\mathbf e_2$ with $\mathbf e_1=(1,0)$ and $\mathbf e_2=(0,1)$. Linearity gives
#
# $$
# f(\mathbf x) = x_1\,f(\mathbf e_1)+x_2\,f(\mathbf e_2) .
# $$ (eq-matrices-columns)
#
# So two vectors say everything about $f$: *where the axes go*. Write them side by side as columns and call the table a **matrix** $\mathbf A$; then {eq}`eq-matrices-columns` defines $\mathbf{Ax}$. In general, $\mathbf A\in\mathbb R^{m\times n}$ has $n$ columns of $m$ numbers and maps $\mathbb R^n$ to $\mathbb R^m$. By hand: if $\mathbf e_1$ goes to $(2,1)$ and $\mathbf e_2$ to $(-1,1)$, then $(3,2)$ goes to
# $3\,(2,1)+2\,(-1,1)=(4,5)$.

# %%
A = np.array([[2.0, -1.0], [1.0, 1.0]])
by_columns = 3 * A[:, 0] + 2 * A[:, 1]
print("by columns:", by_columns, " by NumPy:", A @ [3, 2])


# %% tags=["export"]
def _matrix(values: ArrayLike, name: str) -> np.ndarray:
    """A table of finite real numbers as float64, not empty, or a ValueError that names it."""
    table = np.asarray(values)
    if table.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got dtype {table.dtype}")
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"{name} must have shape (m, n), not empty, got {table.shape}")
    table = table.astype(np.float64)
    if not np.isfinite(table).all():
        raise ValueError(f"{name} must be finite")
    return table


def rotation(angle: float) -> np.ndarray:
    """The matrix (2, 2) that turns the plane by an angle in radians, counter-clockwise."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def shear(factor: float) -> np.ndarray:
    """The matrix (2, 2) that pushes (x, y) to (x + factor * y, y): the vertical axis leans over."""
    return np.array([[1.0, factor], [0.0, 1.0]])


# %% tags=["export"]
def projection_onto(direction: ArrayLike) -> np.ndarray:
    """The matrix (n, n) that sends every vector to its shadow on the line of ``direction``.

    Parameters
    ----------
    direction : array_like of shape (n,)
        Not zero; only its direction matters.

    Raises
    ------
    ValueError
        If the direction is zero, empty, not finite, or not one vector.

    References
    ----------
    Equation eq-matrices-projection of the page.
    """
    unit = normalize(direction)
    if unit.ndim != 1:
        raise ValueError(f"direction must have shape (n,), got {unit.shape}")
    return np.outer(unit, unit)


# %% [markdown]
# Rotation and shear are read off from where the axes go. The projection onto the line of a unit vector $\mathbf u$ is, by {doc}`01_vectors`, $(\mathbf u\cdot\mathbf x)\,\mathbf u$, which is linear in $\mathbf x$; its $j$-th column is $u_j\mathbf u$, so
#
# $$
# \mathbf P = \mathbf u\mathbf u^\top,\qquad P_{ij}=u_iu_j .
# $$ (eq-matrices-projection)

# %% mystnb={"figure": {"caption": "Four matrices at work on the grid and on the digit. The two arrows are the columns: where the axes have gone. The projection flattens the plane; what it has flattened cannot be told apart any more.", "name": "fig-matrices-maps"}, "image": {"alt": "Four panels: the plane grid turned, sheared, stretched to double width, and collapsed to a line. The dots of a digit move with the grid; in the last panel all lie on one line."}} tags=["hide-input"]
maps = {
    "rotation by 30°": rotation(np.radians(30)),
    "shear by 0.8": shear(0.8),
    "stretch (2, 1)": np.diag([2.0, 1.0]),
    "projection": projection_onto([2.0, 1.0]),
}
figure, panels = plt.subplots(1, 4, figsize=(9.0, 2.7))
lines = [np.array([[k, -3], [k, 3]]) for k in range(-3, 4)]
lines += [line[:, ::-1] for line in lines]
for axes, (name, M) in zip(panels, maps.items()):
    for line in lines:
        axes.plot(*(M @ line.T), color=COLORS["light"], lw=1, ls="-")
    axes.scatter(*(M @ ink.T), s=13, color=COLORS["sky"], zorder=2)
    arrows = {"colors": [COLORS["blue"], COLORS["purple"]]}
    draw_vectors(axes, M.T, **arrows)
    axes.set(xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), aspect="equal", xticks=[], yticks=[])
    axes.set_title(name, fontsize=10.5)
    axes.spines[:].set_visible(False)
plt.show()

# %% [markdown]
# ## Composition is a product, and the product is forced
#
# First $\mathbf B$, then $\mathbf A$: the composed map is linear too, so it has a matrix. Which one? Its columns are where the axes go. The $k$-th axis goes to the $k$-th column $\mathbf b_k$ of $\mathbf B$, and from there to $\mathbf{Ab}_k$. Hence
#
# $$
# \mathbf{AB} = \bigl(\mathbf{Ab}_1,\dots,\mathbf{Ab}_p\bigr),\qquad
# (\mathbf{AB})_{ik} = \sum_{j=1}^{n}A_{ij}B_{jk} .
# $$ (eq-matrices-product)
#
# There was no choice: whoever wants a product that means "one after the other" gets this formula. It also explains the shapes, $(m\times n)(n\times p)$: what $\mathbf B$ delivers, $\mathbf A$ must accept. And since "first $\mathbf C$, then $\mathbf B$, then $\mathbf A$" needs no brackets, $(\mathbf{AB})\mathbf C=\mathbf A(\mathbf{BC})$ needs no proof.
#
# The double index in {eq}`eq-matrices-product` can be walked in four ways, each with a picture of its own: an *entry* is a row of $\mathbf A$ times a column of $\mathbf B$; a *column* of the product is $\mathbf A$ applied to a column; a *row* is a mixture of the rows of $\mathbf B$; and the *whole* is a sum over $j$ of column times row.


# %%
def by_entries(A, B):
    (m, n), p = A.shape, B.shape[1]
    C = np.zeros((m, p))
    for i, k in itertools.product(range(m), range(p)):
        for j in range(n):
            C[i, k] += A[i, j] * B[j, k]
    return C


# %%
def by_columns_of_b(A, B):
    return np.column_stack([A @ column for column in B.T])


def by_rows_of_a(A, B):
    return np.vstack([row @ B for row in A])


def by_outer_products(A, B):
    return sum(np.outer(column, row) for column, row in zip(A.T, B))


# %%
rng = np.random.default_rng(0)
left, right = rng.normal(size=(7, 5)), rng.normal(size=(5, 6))
ways = (by_entries, by_columns_of_b, by_rows_of_a, by_outer_products)
worst = max(check_close(way(left, right), left @ right, atol=1e-12) for way in ways)
claim("matrices-four-ways-deviation", worst, at_most=1e-13)

# %% [markdown]
# The exported version checks what goes wrong in practice, names both shapes when they do not fit, and leaves the loop to NumPy.


# %% tags=["export"]
def matmul(A: ArrayLike, B: ArrayLike) -> np.ndarray:
    """The product of two matrices: first B, then A.

    Parameters
    ----------
    A : array_like of shape (m, n)
    B : array_like of shape (n, p)

    Returns
    -------
    ndarray of shape (m, p), float64

    Raises
    ------
    ValueError
        If an input is not a table of finite real numbers, or the inner sizes differ.

    References
    ----------
    Equation eq-matrices-product of the page.
    """
    first, second = _matrix(A, "A"), _matrix(B, "B")
    if first.shape[1] != second.shape[0]:
        raise ValueError(
            f"the columns of A {first.shape} must be as many as the rows of B {second.shape}"
        )
    return first @ second


# %%
wide, turned = np.diag([2.0, 1.0]), rotation(np.radians(30))
claim(
    "matrices-product-is-composition",
    check_close(ink @ matmul(wide, turned).T, one, atol=1e-12),
    at_most=1e-12,
)
turns = matmul(rotation(0.3), rotation(0.4))
claim(
    "matrices-angles-add", check_close(turns, rotation(0.7), atol=1e-14), at_most=1e-14
)

# %% [markdown]
# The last claim is the addition theorem of sine and cosine, for free: the columns of both sides say where the axes go.
#
# ### What it costs
#
# The product {eq}`eq-matrices-product` takes $mnp$ multiplications and about as many additions: $O(n^3)$ time for square matrices and $O(n^2)$ memory. For a chain, the *order* decides. With the sizes of prediction 1, from the left $1000\cdot10\cdot1000+1000\cdot1000\cdot10=2\cdot10^7$ multiplications; from the right $10\cdot1000\cdot10+1000\cdot10\cdot10=2\cdot10^5$. A factor of 100, for the same result.


# %%
def seconds(function, repeats=7):
    times = []
    for _ in range(repeats):
        start = thread_time()
        function()
        times.append(thread_time() - start)
    return min(times)


U, V, W = (rng.normal(size=shape) for shape in ((1000, 10), (10, 1000), (1000, 10)))
slow, fast = seconds(lambda: (U @ V) @ W), seconds(lambda: U @ (V @ W))
claim("matrices-order-of-a-chain-costs", slow / fast, at_least=5)

# %% [markdown]
# The same brackets decide how a gradient is computed: a chain of Jacobian matrices ends in a single row for the loss, and multiplying from that side is what {doc}`12_graphs_and_complexity` and automatic differentiation do.
#
# ### Where associativity ends
#
# In floating point, each product rounds. The brackets then matter in the last digits:

# %%
agree = 0
largest = 0.0
for _ in range(200):
    P, Q, R = rng.normal(size=(3, 20, 20))
    first, second = matmul(matmul(P, Q), R), matmul(P, matmul(Q, R))
    agree += np.array_equal(first, second)
    largest = max(largest, np.abs(first - second).max() / np.abs(first).max())
claim("matrices-associative-to-the-last-digit", agree / 200, at_most=0.02)
claim("matrices-associative-up-to", largest, within=(1e-17, 1e-13))

# %% [markdown]
# Prediction 2: never, and the difference is tiny. Two programs that bracket differently print different last digits; that is why this book compares numbers with a band ({doc}`../00_Orientation/03_checks`). With integers in floats nothing rounds, and the law holds exactly:

# %%
whole = rng.integers(-9, 10, size=(3, 20, 20)).astype(float)
exact = np.array_equal(
    matmul(matmul(*whole[:2]), whole[2]), matmul(whole[0], matmul(*whole[1:]))
)
claim("matrices-associative-for-integers", exact, equal_to=1)

# %% [markdown]
# ## The transpose moves a matrix across the dot product
#
# Mirror the table at its diagonal: $(\mathbf A^\top)_{ij}=A_{ji}$. What does that mean for the map? Write out both sides and exchange the sums:
#
# $$
# (\mathbf{Ax})\cdot\mathbf y=\sum_i\Bigl(\sum_jA_{ij}x_j\Bigr)y_i=\sum_jx_j\Bigl(\sum_iA_{ij}y_i\Bigr)=\mathbf x\cdot(\mathbf A^\top\mathbf y) .
# $$ (eq-matrices-transpose)
#
# The transpose answers: *I can only measure outputs by $\mathbf y$. Which measurement of the inputs is that?* It is why gradients flow back through a layer by $\mathbf A^\top$. Applied twice, {eq}`eq-matrices-transpose` gives $(\mathbf{AB})^\top=\mathbf B^\top\mathbf A^\top$: whoever goes back takes the last step first. A rotation keeps all dot products, $\mathbf{Qx}\cdot\mathbf{Qy}=\mathbf x\cdot\mathbf y$, hence $\mathbf Q^\top\mathbf Q=\mathbf I$: its transpose turns back.

# %%
x, y = rng.normal(size=5), rng.normal(size=7)
gap = check_close(dot(left @ x, y), dot(x, left.T @ y), atol=1e-12)
claim("matrices-transpose-across-the-dot", gap, at_most=1e-12)
back = matmul(turned.T, turned)
claim(
    "matrices-rotation-turned-back",
    check_close(back, np.eye(2), atol=1e-15),
    at_most=1e-15,
)

# %% [markdown]
# (sec-matrices-rank)=
# ## What survives: the rank
#
# The projection flattened the plane to a line. The **rank** of a matrix is the dimension of what is left: the number of columns that are not mixtures of others. It is at most the smaller side, and a product's rank is at most that of each factor: what one step has lost, no later step brings back.
#
# To find it, eliminate. Subtracting a multiple of one row from another does not change which mixtures of columns vanish. Take the largest entry that is left as *pivot*, clear the column below it, and go on with the rest of the table; the number of pivots is the rank. By hand: in
# $\begin{pmatrix}1&2\\3&6\end{pmatrix}$ the pivot is 6; a third of the second row taken from the first leaves zeros. Rank 1.


# %% tags=["export"]
def rank(A: ArrayLike, tolerance: float | None = None) -> int:
    """Number of linearly independent columns, by elimination with complete pivoting.

    Parameters
    ----------
    A : array_like of shape (m, n)
    tolerance : float, optional
        A pivot of at most ``tolerance`` times the largest entry counts as zero; by default
        ``max(m, n)`` times the machine epsilon.

    Raises
    ------
    ValueError
        If A is not a table of finite real numbers, or the tolerance is not between 0 and 1.
    """
    rest = _matrix(A, "A")
    if tolerance is None:
        tolerance = max(rest.shape) * np.finfo(float).eps
    if not 0 <= tolerance < 1:
        raise ValueError(f"tolerance must lie between 0 and 1, got {tolerance}")
    largest = np.abs(rest).max()
    if largest == 0:
        return 0
    rest = rest / largest
    for found in range(min(rest.shape)):
        row, column = np.unravel_index(
            np.abs(rest[found:, found:]).argmax(), rest[found:, found:].shape
        )
        rest[[found, found + row]] = rest[[found + row, found]]
        rest[:, [found, found + column]] = rest[:, [found + column, found]]
        pivot = rest[found, found]
        if abs(pivot) <= tolerance:
            return found
        factors = (
            rest[found + 1 :, found] / pivot
        )  # what to subtract from each row below
        rest[found + 1 :, found:] -= np.outer(factors, rest[found, found:])
    return min(rest.shape)


# %%
print(
    "by hand:",
    rank([[1, 2], [3, 6]]),
    " projection:",
    rank(projection_onto([2.0, 1.0])),
)
wrong = 0
for _ in range(300):
    m, n, r = rng.integers(1, 9, size=3)
    r = min(m, n, r)
    product = rng.normal(size=(m, r)) @ rng.normal(size=(r, n))
    wrong += rank(product) != r or rank(product) != np.linalg.matrix_rank(product)
claim("matrices-wrong-ranks-of-random-products", wrong, equal_to=0)

# %% [markdown]
# Now the pictures of digits, as a table of 1,797 rows and 64 columns.

# %%
X = digits.data  # (1797, 64)
constant = (X.std(axis=0) == 0).sum()
print("columns:", X.shape[1], " always the same:", constant, " rank:", rank(X))
claim("matrices-rank-of-digits", rank(X), equal_to=61)

# %% [markdown]
# Prediction 3: 61. Three pixels at the margin are white in every picture, and nothing else is redundant, *exactly*. But the question was naive, because rank knows only all or nothing. Add the faintest noise, and the white pixels count in full:

# %%
noise = rng.normal(size=X.shape)
levels = 10.0 ** np.arange(-18, 1)
ranks = {level: rank(X + level * noise) for level in levels}
claim("matrices-rank-with-noise-of-1e-10", ranks[levels[8]], equal_to=64)
claim("matrices-rank-with-noise-of-1e-18", ranks[levels[0]], equal_to=61)


# %% mystnb={"figure": {"caption": "The pivots of the digits table in order of elimination, with no noise, and with noise of one billionth. Noise lifts the last three off zero, and the rank jumps; where the pivots fall smoothly there is no natural place to cut.", "name": "fig-matrices-pivots"}, "image": {"alt": "Pivot size on a logarithmic axis against its number, 1 to 64. Both curves fall slowly together over 61 pivots; the last three fall to 1e-9 with noise and vanish from the plot without."}} tags=["hide-input"]
def pivots(table):
    rest, sizes = table / np.abs(table).max(), []
    for k in range(min(table.shape)):
        i, j = np.unravel_index(np.abs(rest[k:, k:]).argmax(), rest[k:, k:].shape)
        rest[[k, k + i]] = rest[[k + i, k]]
        rest[:, [k, k + j]] = rest[:, [k + j, k]]
        sizes.append(abs(rest[k, k]))
        if sizes[-1] > 0:
            rest[k + 1 :, k:] -= np.outer(rest[k + 1 :, k] / rest[k, k], rest[k, k:])
    return np.array(sizes)


figure, axes = plt.subplots(figsize=(7.2, 3.3))
for k, (label, level) in enumerate(
    {"with noise of 1e-9": 1e-9, "as they are": 0.0}.items()
):
    sizes = pivots(X + level * noise)
    color = COLORS["orange"] if k == 0 else COLORS["blue"]
    axes.semilogy(
        np.arange(1, 65)[sizes > 1e-16],
        sizes[sizes > 1e-16],
        ls="none",
        marker=MARKERS[k],
        color=color,
        ms=4,
    )
    spot = (57, 4e-9) if k == 0 else (30, 1.2e-1)
    axes.annotate(label, spot, color=readable(color), ha="right" if k == 0 else "left")
axes.set(xlabel="pivot", ylabel="size, relative to the largest entry", ylim=(1e-11, 10))
axes.set_title("The rank is 61, or 64")
plt.show()

# %% [markdown]
# So rank is a fact about exact tables and a decision about measured ones. The question "how many dimensions do the data *use*?" has no jump in it: {doc}`01_vectors` found about 13 by the angles, and {doc}`04_eigenvalues_and_svd` will measure how much each direction carries.
#
# ## A layer is a matrix
#
# A batch of $n$ pictures is a matrix $\mathbf X\in\mathbb R^{n\times d}$, one row each. A layer with $h$ units holds $\mathbf W\in\mathbb R^{h\times d}$, one row of weights for each unit, and computes $\mathbf{XW}^\top\in\mathbb R^{n\times h}$: every picture's dot product with every row. Two layers without anything in between collapse into one, because the product of two matrices is a matrix:

# %%
W1, W2 = rng.normal(size=(32, 64)), rng.normal(size=(10, 32))
two_layers = matmul(matmul(X, W1.T), W2.T)  # (1797, 64) -> (1797, 32) -> (1797, 10)
one_layer = matmul(X, matmul(W2, W1).T)  # (1797, 64) -> (1797, 10)
relative = np.abs(two_layers - one_layer).max() / norm(two_layers, np.inf).max()
claim("matrices-two-layers-are-one", relative, at_most=1e-12)
bent = np.maximum(matmul(X, W1.T), 0) @ W2.T
claim(
    "matrices-a-bend-is-not-linear",
    np.abs(bent - one_layer).max() / np.abs(one_layer).max(),
    at_least=0.1,
)

# %% [markdown]
# Depth is worth nothing without a bend between the layers. That is the reason why networks have activation functions.
#
# ## In practice
#
# | task | in the field |
# |---|---|
# | product | `A @ B`; a stack of them: `np.matmul` on the last two axes, or `np.einsum` |
# | a chain | `np.linalg.multi_dot`, which finds the cheapest brackets |
# | rank | `np.linalg.matrix_rank`, by singular values: slower and safer than elimination |
# | pictures | `scipy.ndimage.affine_transform`, `skimage.transform` |
#
# Equality with NumPy's product and rank was shown above. The default that matters: `matrix_rank` cuts at the machine epsilon times the larger side; for measured data, pass `tol` with the size of your noise.
#
# | what people believe | what exposes it |
# |---|---|
# | Order does not matter for "simple" steps. | {numref}`fig-matrices-order` |
# | Brackets do not matter. | A factor of 100 in cost; the last digits |
# | The rank says how many dimensions the data have. | Noise of a billionth changes it from 61 to 64 |
# | More layers make a network more powerful. | Without a bend, two are one |
#
# ## Exercises
#
# ```{exercise} One matrix for two steps
# :label: ex-matrices-hand
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# First reflect the plane at the diagonal (so that $(x,y)$ becomes $(y,x)$), then turn it by 90° counter-clockwise. Give the matrix of the whole, as a list of two rows, and name for yourself what it does.
# ```


# %%
def test_hand(answer):
    assert answer is not None, "no answer yet"
    assert not np.allclose(answer, [[1, 0], [0, -1]]), (
        "that is the other order: first turned, then reflected"
    )
    assert np.allclose(answer, [[-1, 0], [0, 1]]), (
        "where does (1, 0) go in two steps? That is the first column"
    )


my_matrix = None  # your answer: [[…, …], […, …]]
_ = try_answer(test_hand, my_matrix)

# %% [markdown]
# ```{solution-start} ex-matrices-hand
# :class: dropdown
# ```
# $\mathbf e_1\to(0,1)\to(-1,0)$ and $\mathbf e_2\to(1,0)\to(0,1)$. The columns are $(-1,0)$ and $(0,1)$: a reflection at the vertical axis. Two reflections would have made a rotation; a reflection and a rotation make a reflection.

# %%
_ = try_answer(test_hand, matmul(rotation(np.pi / 2), [[0, 1], [1, 0]]).round(12))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The cheapest brackets
# :label: ex-matrices-chain
#
# *extend · difficulty 2 of 3 · 30 minutes*
#
# Write `cheapest(sizes)`: for a chain of $k$ matrices, the $i$-th of shape `(sizes[i], sizes[i + 1])`, return the smallest number of multiplications, as an integer. It must answer for 60 matrices at once. Raise `ValueError` for fewer than two sizes.
# ```


# %%
def test_chain(cheapest):
    assert cheapest([1000, 10, 1000, 10]) == 200_000
    assert cheapest([4, 5]) == 0, "one matrix needs no product"
    assert cheapest([2, 3, 4, 5]) == 64, "from the left: 2·3·4 + 2·4·5"
    assert cheapest([30, 35, 15, 5, 10, 20, 25]) == 15_125
    assert cheapest([7] * 61) == 59 * 7**3, (
        "sixty matrices: try each last product once, not each bracketing"
    )
    try:
        cheapest([3])
    except ValueError:
        return
    raise AssertionError("a single size must raise ValueError")


def cheapest(sizes):  # replace the body with your own, then run this cell again
    return sum(sizes[0] * b * c for b, c in itertools.pairwise(sizes[1:]))


_ = try_answer(test_chain, cheapest)

# %% [markdown]
# ```{solution-start} ex-matrices-chain
# :class: dropdown
# ```
# The *last* product splits the chain in two; both parts must be done in their own cheapest way. There are $O(k^2)$ parts and $O(k)$ splits of each, so $O(k^3)$ steps, where the number of bracketings grows like $4^k$.


# %%
def cheapest_solution(sizes):
    if len(sizes) < 2:
        raise ValueError(f"a chain needs at least two sizes, got {len(sizes)}")
    k = len(sizes) - 1
    cost = {(i, i + 1): 0 for i in range(k)}
    for length in range(2, k + 1):
        for i in range(k - length + 1):
            j = i + length
            cost[i, j] = min(
                cost[i, s] + cost[s, j] + sizes[i] * sizes[s] * sizes[j]
                for s in range(i + 1, j)
            )
    return cost[0, k]


_ = try_answer(test_chain, cheapest_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A rank that elimination gets wrong
# :label: ex-matrices-kahan
#
# *break · difficulty 3 of 3 · 40 minutes*
#
# Elimination without pivoting is worse than `rank`, but even pivots are no measure of how nearly a table is flat. Find a square upper triangular table of at most 60 rows, all of whose diagonal entries are *exactly 1*, so that elimination without exchanges finds 60 healthy pivots, and which nevertheless maps some vector of length 1 to a vector shorter than $10^{-12}$. Answer with the pair `(A, x)`.
# ```


# %%
def test_flat(answer):
    A, x = (np.asarray(part, dtype=float) for part in answer)
    assert A.ndim == 2 and A.shape[0] == A.shape[1] <= 60 and x.shape == A.shape[:1]
    assert np.array_equal(A, np.triu(A)) and (np.diag(A) == 1).all(), (
        "upper triangular, with ones"
    )
    assert np.abs(A).max() <= 1, "no entry may be larger than 1 in size"
    assert np.isclose(norm(x), 1), "x must have length 1"
    assert norm(A @ x) < 1e-12, "this vector survives"


my_table = (np.eye(2), np.array([1.0, 0.0]))  # your answer
_ = try_answer(test_flat, my_table)

# %% [markdown]
# ```{solution-start} ex-matrices-kahan
# :class: dropdown
# ```
# Put $-1$ everywhere above the diagonal. To make all rows but the last vanish, each component must be the sum of those after it: $\mathbf x=(2^{n-2},\dots,4,2,1,1)$. The last row gives 1, and the length of $\mathbf x$ is about $2^{n-1}$: relative to it, $2^{-58}\approx3\cdot10^{-18}$ is left. All pivots are 1, and the table is flat for every practical purpose. Such matrices are why careful programs use singular values.

# %%
n = 60
table = np.triu(-np.ones((n, n)), 1) + np.eye(n)
vector = np.concatenate([2.0 ** np.arange(n - 2, -1, -1), [1.0]])
_ = try_answer(test_flat, (table, normalize(vector)))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A picture, turned
# :label: ex-matrices-picture
#
# *build · difficulty 2 of 3 · 30 minutes*
#
# Write `transform(picture, A)` for a square picture of shape `(n, n)` and a matrix `(2, 2)`: each pixel of the *result* asks where it came from, by the inverse of `A` about the picture's centre, and takes the nearest pixel there, or 0 outside. Let $x$ point to the right and $y$ up. Use `np.linalg.inv`.
# ```


# %%
def test_transform(transform):
    three = digits.images[3]
    assert np.array_equal(transform(three, np.eye(2)), three)
    assert np.array_equal(transform(three, rotation(np.pi / 2)), np.rot90(three)), (
        "y points up, rows go down"
    )
    assert np.array_equal(transform(three, np.diag([-1.0, 1.0])), three[:, ::-1])
    larger = transform(three, 2 * np.eye(2))
    assert larger.min() >= 0 and (larger > 0).mean() > 0.5, (
        "every pixel of the result asks; none may stay empty"
    )
    assert transform(three, 0.5 * np.eye(2))[0].sum() == 0, (
        "outside of the picture there is paper"
    )


def transform(picture, A):  # replace the body with your own, then run this cell again
    return picture


_ = try_answer(test_transform, transform)

# %% [markdown]
# ```{solution-start} ex-matrices-picture
# :class: dropdown
# ```
# Going forwards, pixels of the original would land between those of the result and leave holes. Going backwards, each pixel of the result finds exactly one.


# %%
def transform_solution(picture, A):
    n = len(picture)
    centre = (n - 1) / 2
    row, column = np.indices(picture.shape)
    target = np.stack([column - centre, centre - row])  # (2, n, n)
    x, y = np.tensordot(np.linalg.inv(A), target, axes=1)
    i, j = np.rint(centre - y).astype(int), np.rint(centre + x).astype(int)
    inside = (i >= 0) & (i < n) & (j >= 0) & (j < n)
    return np.where(inside, picture[i.clip(0, n - 1), j.clip(0, n - 1)], 0)


_ = try_answer(test_transform, transform_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-matrices-maps`, the projection is applied a second time. What changes?
#
# - (a) The line becomes a point
# - (b) The line turns
# - (c) Nothing
# - (d) The plane comes back
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: points on the line are their own shadows. (b) No, for the same reason. (c) Yes: $\mathbf P^2=\mathbf u(\mathbf u^\top\mathbf u)\mathbf u^\top=\mathbf P$. (d) No: what is lost stays lost, the rank is 1.
# ```
#
# **2.** $\mathbf A$ is $5\times3$ and $\mathbf B$ is $3\times5$. What is the largest rank that $\mathbf{AB}$, a $5\times5$ matrix, can have?
#
# - (a) 5
# - (b) 3
# - (c) 9
# - (d) 1
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: everything passes through three numbers. (b) Yes: a product has at most the rank of each factor. (c) No: ranks do not multiply. (d) No: that is the rank of a single column times row; three of them are added.
# ```
#
# **3.** A layer computes $\mathbf{XW}^\top$. The loss has the gradient $\mathbf G$ with respect to this output. By {eq}`eq-matrices-transpose`, what is the gradient with respect to $\mathbf X$?
#
# - (a) $\mathbf G\mathbf W$
# - (b) $\mathbf G\mathbf W^\top$
# - (c) $\mathbf W\mathbf G$
# - (d) $\mathbf G\mathbf W^{-1}$
#
# ```{admonition} Answer
# :class: dropdown
# (a) Yes: the layer multiplied by $\mathbf W^\top$ from the right, so going back multiplies by its transpose, $\mathbf W$; the shapes $(n\times h)(h\times d)$ agree. (b) No: that would go forwards twice, and the shapes do not fit. (c) No: the rows of $\mathbf G$ are pictures, not units. (d) No: nothing is undone; a measurement is carried back.
# ```
#
# ## What to remember
#
# A matrix is a linear map, and its columns are where the axes go. Composition forces the product, and the product has an order; its brackets change the cost and the last digits, nothing else. The transpose carries a measurement back across the dot product. Rank counts what survives, exactly, and noise fills it up. Linear steps in a row are one linear step.
#
# Next in this stage: which directions a matrix only stretches, {doc}`04_eigenvalues_and_svd`. {cite:t}`strang2016introduction` tells the whole story of linear algebra at length.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
