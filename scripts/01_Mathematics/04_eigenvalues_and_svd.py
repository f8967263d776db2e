# %% [markdown]
# # Eigenvalues and singular values
#
# Which directions does a matrix only stretch, and how few of them does a table of data need?
#
# ````{admonition} On this page
# :class: journey-card
#
# - **You build** `power_iteration`, `qr_decomposition`, `eigh`, `svd` and `low_rank`
# - **You need** dot products, lengths and projections ({doc}`01_vectors`); matrix products, orthogonal matrices,
#   rank ({doc}`02_matrices`), rounding errors ({doc}`03_linear_systems`)
# - **Checked against** NumPy, the closed form of a vibrating chain, the theorem of Eckart and Young
# - **Time** 40 minutes to read, 60 to code
# - **Data** a photograph (by danielbuechele, CC BY 2.0), handwritten digits and breast cancer (BSD-3), scikit-learn
# ````

# %%
from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import spearmanr
from sklearn.datasets import load_breast_cancer, load_digits, load_sample_image

from journey.mathematics.vectors import cosine_similarity, norm, project
from journey.orientation.checks import check_close, claim, seed_band, try_answer
from journey.orientation.figures import COLORS, DASHES, draw_vectors, use_journey_style

use_journey_style()

# %% [markdown]
# ## A picture that a stranger shuffled
#
# A photograph in grey is a table of 213 × 318 numbers. Somebody has shuffled its rows and its columns, and it
# must be stored in a ninth of the numbers. Any table of data is in this state: customers and products come in no
# order. The usual way to shrink a picture is to average blocks of 3 × 3 pixels.

# %%
photograph = load_sample_image("china.jpg")[:426, :636].mean(axis=2) / 255
picture = photograph.reshape(213, 2, 318, 2).mean(axis=(1, 3))  # (213, 318)
rng = np.random.default_rng(0)
row_order, column_order = rng.permutation(213), rng.permutation(318)
shuffled = picture[np.ix_(row_order, column_order)]
back = np.ix_(row_order.argsort(), column_order.argsort())


# %%
def block_means(A):
    means = A.reshape(71, 3, 106, 3).mean(axis=(1, 3))  # (71, 106): a ninth
    return means.repeat(3, axis=0).repeat(3, axis=1)


def error(approximation, A):
    return np.sqrt(np.mean((A - approximation) ** 2))


# %% [markdown]
# The other way is the subject of this page: write the table as a sum of $k$ products, a column of 213 numbers
# times a row of 318. For $k = 14$ that takes $14 \cdot 531 = 7434$ numbers, fewer than the blocks. NumPy finds
# the products until the page's own code can.

# %%
U, sigma, Vt = np.linalg.svd(shuffled, full_matrices=False)
by_products = (U[:, :14] * sigma[:14]) @ Vt[:14]
by_blocks = block_means(shuffled)
ratio = error(by_blocks, shuffled) / error(by_products, shuffled)
claim("eigen-blocks-lose-more-on-shuffled", ratio, at_least=3)

# %% mystnb={"figure": {"caption": "Stored shuffled in a ninth of the numbers, then put back in order: block means have destroyed the picture, fourteen products of a column and a row have kept it.", "name": "fig-eigen-shuffled"}, "image": {"alt": "Four grey pictures. A pavilion above trees and water; the same with rows and columns shuffled, a weave of stripes; the block means put back in order, a grey weave with hardly a shadow of the pavilion; the sum of fourteen products put back in order, the pavilion clearly visible and somewhat smeared."}} tags=["hide-input"]
shown = {
    "The picture": picture,
    "As it arrives": shuffled,
    "From block means": by_blocks[back],
    "From 14 products": by_products[back],
}
figure, grid = plt.subplots(2, 2, figsize=(4.8, 3.7))
for axes, (title, image) in zip(grid.flat, shown.items()):
    levels = np.rint(15 * np.clip(image, 0, 1))  # few greys make a small file
    axes.imshow(levels, cmap="gray", vmin=0, vmax=15)
    axes.axis("off")
    axes.set_title(title)
plt.show()

# %% [markdown]
# Nobody told the second method where the rows belong. How does it find the products, why are there none better,
# and what does it pay for its blindness?
#
# ## Predict
#
# 1. Fourteen products are computed for the shuffled picture and for the original. By how much do the errors differ?
#    And what wins on the *original*: the best fourteen products, or block means?
# 2. Take any vector and multiply it by a matrix again and again. The largest eigenvalue is 1, the next 0.9. How many
#    multiplications does one more correct digit of the direction cost? And if the two are 1 and −1?
# 3. A matrix has a singular value that is $10^{-9}$ times the largest one, and it is computed as the root of an
#    eigenvalue of $\mathbf{A}^\top \mathbf{A}$. How many of its sixteen digits are right?
#
# ## Directions that are only stretched
#
# An **eigenvector** of a square matrix is a vector $\mathbf{q} \neq \mathbf{0}$ that the matrix stretches
# without turning, $\mathbf{S}\,\mathbf{q} = \lambda\,\mathbf{q}$, and the **eigenvalue** $\lambda$ is the
# stretch. For $\mathbf{S} = \bigl(\begin{smallmatrix} 25 & 20 \\ 20 & 25 \end{smallmatrix}\bigr)$ they can be
# guessed: $\mathbf{S}\,(1, 1) = (45, 45)$ and $\mathbf{S}\,(1, -1) = (5, -5)$. That the two are orthogonal is no
# accident.
#
# **Every symmetric matrix has $n$ orthogonal eigenvectors.** Let $\mathbf{x}$ be the unit vector for which
# $\mathbf{x}^\top \mathbf{S}\,\mathbf{x}$ is largest, and $\mathbf{w}$ any unit vector orthogonal to it. Turn
# $\mathbf{x}$ towards $\mathbf{w}$: $\mathbf{x}_\theta = \mathbf{x}\cos\theta + \mathbf{w}\sin\theta$ is again a
# unit vector. Because $\mathbf{S} = \mathbf{S}^\top$,
#
# $$
# \frac{\mathrm{d}}{\mathrm{d}\theta}\,\mathbf{x}_\theta^\top \mathbf{S}\,\mathbf{x}_\theta \Big|_{\theta=0}
# = 2\,\mathbf{w}^\top \mathbf{S}\,\mathbf{x} ,
# $$ (eq-eigen-maximum)
#
# and at a maximum this is zero. So $\mathbf{S}\,\mathbf{x}$ is orthogonal to *everything* that is orthogonal to
# $\mathbf{x}$: it is a multiple of $\mathbf{x}$. And
# $\mathbf{x}^\top (\mathbf{S}\,\mathbf{w}) = \lambda\,\mathbf{x}^\top \mathbf{w} = 0$: what is orthogonal to
# $\mathbf{x}$ stays so. Repeat the argument there, in one dimension less, until none is left. With the eigenvectors
# as columns of $\mathbf{Q}$,
#
# $$
# \mathbf{S} = \mathbf{Q}\,\boldsymbol\Lambda\,\mathbf{Q}^\top = \sum_i \lambda_i\,\mathbf{q}_i \mathbf{q}_i^\top ,
# \qquad \mathbf{Q}^\top\mathbf{Q} = \mathbf{I} .
# $$ (eq-eigen-spectral)
#
# **Every matrix has singular vectors.** A table $\mathbf{A} \in \mathbb{R}^{m \times n}$ need not even be square.
# But $\mathbf{A}^\top\mathbf{A}$ is symmetric, and
# $\mathbf{v}^\top\mathbf{A}^\top\mathbf{A}\,\mathbf{v} = \lVert \mathbf{A}\mathbf{v} \rVert^2 \geq 0$, so its
# eigenvalues may be written $\sigma_1^2 \geq \sigma_2^2 \geq \dots \geq 0$, with orthonormal eigenvectors
# $\mathbf{v}_i$. Then
# $(\mathbf{A}\mathbf{v}_i)^\top(\mathbf{A}\mathbf{v}_j) = \sigma_j^2\,\mathbf{v}_i^\top\mathbf{v}_j = 0$ for
# $i \neq j$: *orthogonal directions whose images are orthogonal too*. The **singular value**
# $\sigma_i = \lVert\mathbf{A}\mathbf{v}_i\rVert$ is the length of an image and
# $\mathbf{u}_i = \mathbf{A}\mathbf{v}_i / \sigma_i$ its direction. That
# $\mathbf{A}\mathbf{v}_i = \sigma_i \mathbf{u}_i$ for all $i$ is the **singular value decomposition**:
#
# $$
# \mathbf{A} = \mathbf{U}\,\boldsymbol\Sigma\,\mathbf{V}^\top = \sum_i \sigma_i\,\mathbf{u}_i \mathbf{v}_i^\top ,
# $$ (eq-eigen-svd)
#
# a sum of columns times rows. By hand, for
# $\mathbf{A} = \bigl(\begin{smallmatrix} 3 & 0 \\ 4 & 5 \end{smallmatrix}\bigr)$: $\mathbf{A}^\top\mathbf{A}$ is
# the matrix $\mathbf{S}$ above, so $\sigma_1 = \sqrt{45}$, $\sigma_2 = \sqrt{5}$, and the images
# $\mathbf{A}(1, 1) = (3, 9)$ and $\mathbf{A}(1, -1) = (3, -1)$ are orthogonal: $9 - 9 = 0$.

# %% mystnb={"figure": {"caption": "Every matrix maps the unit circle to an ellipse. The singular vectors v are the pair of orthogonal directions that become the two axes; the singular values are the half-axes.", "name": "fig-eigen-ellipse"}, "image": {"alt": "Left: a unit circle with twelve dots and two orthogonal arrows v1 along (1, 1) and v2 along (1, -1). Right: the image, a tilted slender ellipse with the dots moved along it; the images of the arrows are its half-axes, of length 6.71 and 2.24, at a right angle."}} tags=["hide-input"]
A = np.array([[3.0, 0.0], [4.0, 5.0]])
turn = np.linspace(0, 2 * np.pi, 145)
circle = np.array([np.cos(turn), np.sin(turn)])  # (2, 145)
V = np.array([[1, 1], [1, -1]]).T / np.sqrt(2)
figure, (left, right) = plt.subplots(1, 2, figsize=(6.4, 3.3))
names = [["$v_1$", "$v_2$"], ["$σ_1u_1$", ""]]
paint = [COLORS["blue"], COLORS["red"]]
for axes, M, labels in zip((left, right), (np.eye(2), A), names):
    axes.plot(*(M @ circle), color=COLORS["gray"], ls="-", lw=1.3)
    axes.plot(*(M @ circle)[:, ::12], "o", color=COLORS["gray"], ms=4)
    draw_vectors(axes, (M @ V).T, labels=labels, colors=paint)
    axes.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
right.annotate("$σ_2u_2$", (3.1, -1.6), color=COLORS["red"])
left.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), title="Before: a circle")
right.set(xlim=(-8, 8), ylim=(-8, 8), title="After A: an ellipse")
plt.show()

# %% [markdown]
# ## Multiply, normalise, repeat
#
# How to find $\mathbf{q}_1$ without guessing? Write a start as $\mathbf{x} = \sum_i c_i\,\mathbf{q}_i$. After
# $t$ multiplications it is
#
# $$
# \mathbf{S}^t\,\mathbf{x} = \sum_i c_i\,\lambda_i^t\,\mathbf{q}_i
# = c_1\lambda_1^t\,\Bigl(\mathbf{q}_1 + \sum_{i>1} \frac{c_i}{c_1} \Bigl(\frac{\lambda_i}{\lambda_1}\Bigr)^{t} \mathbf{q}_i\Bigr) .
# $$ (eq-eigen-power)
#
# If $\lvert\lambda_1\rvert$ is strictly the largest modulus, everything but $\mathbf{q}_1$ dies out, and each
# step multiplies the error of the direction by $\lvert\lambda_2/\lambda_1\rvert$. For the ratio 0.9 that is
# $1/\log_{10}(1/0.9) \approx 22$ steps a digit. Below, matrices with known eigenvectors, which differ in the
# second eigenvalue.


# %%
def with_spectrum(eigenvalues):
    Q, _ = np.linalg.qr(rng.normal(size=(len(eigenvalues),) * 2))
    return (Q * eigenvalues) @ Q.T, Q


# %%
def power_errors(second, n_steps=120):
    S, Q = with_spectrum([1, second, 0.4, 0.3, -0.2, 0.1])
    x, errors = rng.normal(size=6), []
    for _ in range(n_steps):
        x = S @ x
        x = x / norm(x)
        errors.append(norm(x - project(x, Q[:, 0])))  # distance to the line of q1
    return np.array(errors)


# %%
errors = {second: power_errors(second) for second in (0.5, 0.9, -1.0)}
for second, name in ((0.5, "half"), (0.9, "nine-tenths")):
    rate = (errors[second][45] / errors[second][30]) ** (1 / 15)
    claim(f"eigen-power-rate-{name}", rate, equal_to=second, tolerance=0.005)
claim("eigen-power-stuck-for-minus-one", errors[-1.0].min(), at_least=0.01)

# %% [markdown]
# *Prediction 2.* The ratio of the eigenvalues *is* the rate, 22 steps a digit for 0.9. With $1$ and $-1$ nothing
# converges: the part along $\mathbf{q}_2$ changes its sign and never shrinks. So the version for use stops when
# $\mathbf{A}\mathbf{x}$ is a multiple of $\mathbf{x}$ up to a tolerance, and says so if that does not come
# about. Like all functions below, it first scales by a power of two, which costs no digit and keeps squares from
# overflowing.


# %% tags=["export"]
def _matrix(A: ArrayLike, *, square: bool = False) -> tuple[np.ndarray, int]:
    """A matrix scaled by 2**-e to a largest entry in [1/2, 1), and e; or ValueError."""
    values = np.asarray(A)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"A must hold real numbers, got dtype {values.dtype}")
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"A must be a matrix, not empty, got shape {values.shape}")
    if square and values.shape[0] != values.shape[1]:
        raise ValueError(f"A must be square, got shape {values.shape}")
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("A must be finite, but holds NaN or infinity")
    exponent = int(np.frexp(np.abs(values).max())[1])
    return np.ldexp(values, -exponent), exponent


# %% tags=["export"]
def power_iteration(
    A: ArrayLike, *, tolerance: float = 1e-10, max_steps: int = 10_000, seed: int = 0
) -> tuple[float, np.ndarray]:
    """Eigenvalue of largest modulus and its eigenvector, equation eq-eigen-power.

    Parameters
    ----------
    A : array_like of shape (n, n)
        Finite real numbers, symmetric or not; one eigenvalue must be strictly the
        largest in modulus.
    tolerance : float
        Stop when ``A x - value x`` is at most this part of ``A x`` in length.
    max_steps, seed : int
        Multiplications allowed, and the seed of the random start.

    Returns
    -------
    value : float
    vector : ndarray of shape (n,)
        Of length 1, its largest component positive.

    Raises
    ------
    ValueError
        If A is not a finite square matrix, or the iteration does not settle.
    """
    scaled, exponent = _matrix(A, square=True)
    if not tolerance > 0 or max_steps < 1:
        raise ValueError("tolerance and max_steps must be positive")
    x = np.random.default_rng(seed).normal(size=len(scaled))
    x /= np.linalg.norm(x)
    for _ in range(max_steps):
        y = scaled @ x
        value, length = x @ y, np.linalg.norm(y)
        if np.linalg.norm(y - value * x) <= tolerance * length:
            sign = np.sign(x[np.abs(x).argmax()])
            return float(np.ldexp(value, exponent)), sign * x
        x = y / length
    raise ValueError(
        f"not settled after {max_steps} steps: the largest eigenvalues are complex, "
        "or (nearly) equal in modulus"
    )


# %%
value, vector = power_iteration([[25, 20], [20, 25]])
print(f"eigenvalue {value:.6f}, eigenvector {vector.round(6)}")
try:
    power_iteration([[0, 1], [1, 0]])
except ValueError as problem:
    print(problem)

# %% [markdown]
# ## All directions at once
#
# Several vectors iterated side by side all fall into $\mathbf{q}_1$. They are kept apart by making them
# orthonormal after each multiplication. That is the **QR decomposition** $\mathbf{A} = \mathbf{Q}\mathbf{R}$:
# orthonormal columns times an upper triangle. It is built from mirrors {cite:p}`householder1958unitary`: with
# the unit vector $\mathbf{v}$ along $\mathbf{x} - \mathbf{y}$, the reflection
# $\mathbf{I} - 2\,\mathbf{v}\mathbf{v}^\top$ swaps $\mathbf{x}$ and a $\mathbf{y}$ of equal length. Taking
# $\mathbf{y} = \mp\lVert\mathbf{x}\rVert\,\mathbf{e}_1$ clears a column below its first entry; the sign is
# opposite to that of $x_1$, so that nothing cancels.


# %% tags=["export"]
def _mirror(x: np.ndarray) -> np.ndarray:
    """Unit v for which ``(I - 2 v vᵀ) x`` has only a first component; 0 if x has."""
    if not x[1:].any():
        return np.zeros_like(x)
    v = x / np.abs(x).max()  # so that no square underflows
    v[0] += np.copysign(np.linalg.norm(v), v[0])
    return v / np.linalg.norm(v)


def _qr(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Householder's QR decomposition of a float matrix of moderate scale."""
    R, mirrors = A.copy(), []
    for k in range(min(A.shape)):
        v = _mirror(R[k:, k])
        R[k:, k:] -= 2 * np.outer(v, v @ R[k:, k:])
        mirrors.append(v)
    Q = np.eye(A.shape[0], min(A.shape))
    for k, v in reversed(list(enumerate(mirrors))):
        Q[k:, k:] -= 2 * np.outer(v, v @ Q[k:, k:])
    return Q, np.triu(R[: min(A.shape)])


# %% tags=["export"]
def qr_decomposition(A: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal columns times an upper triangle, by Householder's mirrors (1958).

    Parameters
    ----------
    A : array_like of shape (m, n)
        Finite real numbers, of any rank.

    Returns
    -------
    Q : ndarray of shape (m, p), p = min(m, n)
        Orthonormal columns, also where those of A are dependent.
    R : ndarray of shape (p, n)
        Upper triangular, with the signs of ``numpy.linalg.qr``.

    Raises
    ------
    ValueError
        If A is not a finite real matrix, or is empty.
    """
    scaled, exponent = _matrix(A)
    Q, R = _qr(scaled)
    return Q, np.ldexp(R, exponent)


# %%
Q, R = qr_decomposition(picture.T)  # (318, 213), (213, 213)
theirs = np.linalg.qr(picture.T)
claim("eigen-qr-r-against-numpy", check_close(R, theirs[1], atol=1e-11), at_most=1e-11)
claim("eigen-qr-orthonormal", np.abs(Q.T @ Q - np.eye(213)).max(), at_most=1e-13)

# %% [markdown]
# Now the trick {cite:p}`francis1961qr`. Decompose, multiply in the *other* order, repeat:
#
# $$
# \mathbf{A}_t - \mu\mathbf{I} = \mathbf{Q}_t\mathbf{R}_t, \qquad
# \mathbf{A}_{t+1} = \mathbf{R}_t\mathbf{Q}_t + \mu\mathbf{I} = \mathbf{Q}_t^\top\mathbf{A}_t\,\mathbf{Q}_t .
# $$ (eq-eigen-qr)
#
# By the last form the eigenvalues stay what they are. With $\mu = 0$, the product
# $\mathbf{Q}_1 \cdots \mathbf{Q}_t$ is what orthonormalising the columns of $\mathbf{S}^t$ gives: power
# iteration on all columns at once, and a symmetric $\mathbf{A}_t$ becomes diagonal. What stands beside the
# diagonal in its last row falls by $\lvert\lambda_n/\lambda_{n-1}\rvert$ a step, the ratio of the two
# *smallest*. The shift makes this $\lvert\lambda_n - \mu\rvert / \lvert\lambda_{n-1} - \mu\rvert$, and the
# corner entry is an ever better guess $\mu$ of $\lambda_n$.


# %%
def last_row_history(S, shift, n_steps):
    history = []
    for _ in range(n_steps):
        mu = shift(S) * np.eye(len(S))
        Q, R = qr_decomposition(S - mu)
        S = R @ Q + mu
        history.append(norm(S[-1, :-1]))
    return np.array(history)


# %%
S, _ = with_spectrum([1, 0.9, 0.5, 0.4, 0.2, 0.15])
plain = last_row_history(S, lambda S: 0.0, 120)
shifted = last_row_history(S, lambda S: S[-1, -1], 8)
rate = (plain[80] / plain[40]) ** (1 / 40)
claim("eigen-qr-rate-without-shift", rate, equal_to=0.75, tolerance=0.01)
claim("eigen-qr-last-row-after-8-shifted-steps", shifted[-1], at_most=1e-14)

# %% mystnb={"figure": {"caption": "The ratio of two eigenvalues sets the speed (dotted: predicted). Left: power iteration, stuck when two moduli are equal. Right: the last row of the QR algorithm; shifted by its own corner entry, it needs a handful of steps.", "name": "fig-eigen-rates"}, "image": {"alt": "Two panels, error on a logarithmic scale against steps. Left: for a second eigenvalue 0.5 a steep straight line down to rounding, for 0.9 a shallow one, for -1 a horizontal one; dotted predictions lie on the lines. Right: without shift a straight line falling along the dotted prediction 0.75 to the power t; with shift the curve drops below 1e-16 within five steps."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.3), sharey=True)
t, dots = np.arange(1, 121), {"color": COLORS["ink"], "ls": DASHES[2], "lw": 1}
for axes, curve, rate in (
    (left, errors[0.5], 0.5),
    (left, errors[0.9], 0.9),
    (left, errors[-1.0], 1.0),
    (right, plain, 0.75),
):
    color = COLORS["red" if rate == 1 else "orange"]
    axes.semilogy(t, curve, color=color, ls="-")
    axes.semilogy(t, curve[40] * rate ** (t - 41.0), **dots)
right.semilogy(t[:8], shifted, color=COLORS["blue"], marker="o", ls="-")
places = {"0.5": (29, 1e-8), "0.9": (70, 1e-5), "−1": (95, 0.3)}
for name, place in places.items():
    left.annotate(f"$λ_2$ = {name}", place)
right.annotate("no shift: 0.75 a step", (48, 1e-5))
right.annotate("shifted", (9, 1e-14), color=COLORS["blue"])
left.set(xlabel="multiplications", ylabel="error", ylim=(1e-17, 5))
right.set(xlabel="QR steps")
left.set_title("Power iteration: direction")
right.set_title("QR algorithm: last row")
plt.show()

# %% [markdown]
# Three additions make a program of it. *Deflation*: when the last row is done, its corner is an eigenvalue, and the
# rest goes on alone. *A better guess*: for $\bigl(\begin{smallmatrix} 0 & 1 \\ 1 & 0 \end{smallmatrix}\bigr)$ the
# corner is 0, then $\mathbf{Q} = \mathbf{S}$, $\mathbf{R} = \mathbf{I}$, and no step changes anything. Wilkinson's
# shift, the eigenvalue of the last 2 × 2 block that is closer to the corner, breaks the tie. *Three diagonals*:
# mirrors from both sides first bring $\mathbf{S}$ to a matrix that is zero but for three diagonals. QR steps keep
# that form, and in it Wilkinson's shift provably converges {cite:p}`wilkinson1968global`.


# %% tags=["export"]
def _tridiagonal(S: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Q and ``T = Qᵀ S Q``, symmetric and zero outside of three diagonals."""
    T, Q = S.copy(), np.eye(len(S))
    for k in range(len(S) - 2):
        v = _mirror(T[k + 1 :, k])
        T[k + 1 :] -= 2 * np.outer(v, v @ T[k + 1 :])
        for M in (T, Q):
            M[:, k + 1 :] -= 2 * np.outer(M[:, k + 1 :] @ v, v)
    return Q, _three_diagonals(T)


def _three_diagonals(T: np.ndarray) -> np.ndarray:
    """Remove what rounding left outside of the diagonals, or made unsymmetric."""
    T = np.triu(np.tril(T, 1), -1)
    return (T + T.T) / 2


def _wilkinson_shift(corner: np.ndarray) -> float:
    """Eigenvalue of a symmetric 2 × 2 matrix that is closer to its last entry."""
    (a, b), (_, c) = corner
    half = (a - c) / 2
    return float(c - np.copysign(b * b, half) / (abs(half) + np.hypot(half, b)))


# %% tags=["export"]
def eigh(A: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors of a symmetric matrix: QR steps, eq-eigen-qr.

    Parameters
    ----------
    A : array_like of shape (n, n)
        Finite real numbers, symmetric up to 1e-10 of the largest entry.

    Returns
    -------
    values : ndarray of shape (n,)
        Ascending; in error by a few roundings of the largest modulus.
    vectors : ndarray of shape (n, n)
        Orthonormal; column i belongs to ``values[i]``.

    Raises
    ------
    ValueError
        If A is not a finite square matrix, or not symmetric.
    """
    S, exponent = _matrix(A, square=True)
    if np.abs(S - S.T).max() > 1e-10:
        raise ValueError("A must be symmetric, but differs from its transpose")
    Q, T = _tridiagonal((S + S.T) / 2)
    tiny, end = np.finfo(float).eps * np.abs(T).max(), len(T)
    for _ in range(50 * len(T)):  # about three for each eigenvalue are needed
        cuts = np.flatnonzero(np.abs(np.diag(T, 1)[: end - 1]) <= tiny)
        begin = int(cuts[-1]) + 1 if len(cuts) else 0
        if begin < end - 1:
            block = slice(begin, end)
            mu = _wilkinson_shift(T[end - 2 : end, end - 2 : end])
            shift = mu * np.eye(end - begin)
            Z, R = _qr(T[block, block] - shift)
            T[block, block] = _three_diagonals(R @ Z + shift)
            Q[:, block] = Q[:, block] @ Z
        elif (end := begin) == 0:  # deflation, down to nothing
            break
    else:
        raise ValueError("the QR steps did not converge")
    order = np.argsort(np.diag(T))
    return np.ldexp(np.diag(T)[order], exponent), Q[:, order]


# %% [markdown]
# ## The bead that is too light
#
# A referee that is no program: 41 beads of mass 1 on a string, neighbours joined by equal springs, both ends
# fixed. Bead $i$ at height $x_i$ feels the force $x_{i-1} - 2x_i + x_{i+1}$, so a vibration of frequency
# $\omega$ is an eigenvector, $\mathbf{K}\mathbf{x} = \omega^2\mathbf{x}$, of the matrix with 2 on the diagonal
# and −1 beside it. The modes are sine waves, $x_i \propto \sin\frac{\pi i j}{42}$, with
# $\omega_j^2 = 4\sin^2\frac{\pi j}{84}$.

# %%
n, j = 41, np.arange(1, 42)
K = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
squares, modes = eigh(K)
waves = np.sin(np.pi * np.outer(j, j) / 42) / np.sqrt(21)
off = check_close(squares, 4 * np.sin(np.pi * j / 84) ** 2, atol=1e-13)
claim("eigen-chain-frequencies-against-closed-form", off, at_most=1e-13)
off = check_close(np.abs(modes), np.abs(waves), atol=1e-11)
claim("eigen-chain-modes-against-sine-waves", off, at_most=1e-11)

# %% [markdown]
# Now one bead is replaced by one of half the mass. Can it be heard? The law becomes
# $\mathbf{K}\mathbf{x} = \omega^2\mathbf{M}\mathbf{x}$ with the masses in $\mathbf{M}$, and
# $\mathbf{M}^{-1/2}\mathbf{K}\mathbf{M}^{-1/2}$ is symmetric again. By hand: try a mode that dies out on both
# sides of the light bead, $x_i = (-r)^{\lvert i \rvert}$. Elsewhere $\omega^2 = 2 + r + 1/r$; at the light bead
# $\omega^2/2 = 2 + 2r$. Together $3r^2 + 2r - 1 = 0$, so $r = 1/3$ and $\omega^2 = 16/3$, above 4, where all
# tones of the whole chain end.

# %%
root_mass = np.ones(n)
root_mass[26] = np.sqrt(0.5)
light_squares, light_modes = eigh(K / np.outer(root_mass, root_mass))
light_modes = light_modes / root_mass[:, None]  # back to heights
local = light_modes[:, -1] / light_modes[26, -1]
claim("eigen-light-bead-tone", light_squares[-1], equal_to=16 / 3, tolerance=1e-10)
claim("eigen-light-bead-decay", local[30] / local[29], equal_to=-1 / 3, tolerance=1e-6)

# %% mystnb={"figure": {"caption": "The eigenvectors of a chain of equal beads are sine waves. One bead of half the mass adds a tone that lives on this bead alone, three times weaker from bead to bead.", "name": "fig-eigen-chain"}, "image": {"alt": "Four rows of 41 beads: modes 1 and 2, sine waves with one and two bows; mode 41, neighbours in opposite directions under one long bow; and the highest mode with the light bead, flat except for a spike at bead 27 with alternating beads a third as high on each side."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.4, 3.3))
shown = [*(modes[:, [0, 1, 40]].T / 0.22), local]
for place, wave in enumerate(shown):
    color = COLORS["red" if place == 3 else "blue"]
    high = 0.42 * wave * np.sign(wave[26]) - place
    axes.plot(j, high, "-", color=color, marker="o", ms=3, lw=1)
names = ["mode 1", "mode 2", "mode 41", "mode 41,\nbead 27 light"]
axes.set_yticks([0, -1, -2, -3], names)
axes.set(xlabel="bead")
axes.set_title("A light bead has a tone of its own")
plt.show()

# %% [markdown]
# The highest tone says that a bead is too light, and its eigenvector says which. In data, too, an eigenvector
# that sits on few coordinates has found something exceptional about them.
#
# ## The square that loses half of the digits
#
# For the singular values, {eq}`eq-eigen-svd` suggests: form $\mathbf{A}^\top\mathbf{A}$, take eigenvalues, take
# roots. But an eigenvalue comes with an error of about $u\,\sigma_1^2$, the unit roundoff times the *largest*.
# The root turns an error $\delta$ of $\sigma^2$ into $\delta / 2\sigma$:
#
# $$
# \frac{\lvert\hat\sigma_i - \sigma_i\rvert}{\sigma_i} \approx \frac{u}{2}\Bigl(\frac{\sigma_1}{\sigma_i}\Bigr)^{2} ,
# \qquad \text{against} \quad u\,\frac{\sigma_1}{\sigma_i} \quad \text{without the square.}
# $$ (eq-eigen-gram)
#
# Below $10^{-8}\,\sigma_1$ no digit is left.


# %%
def gram_singular_values(A):
    values, _ = eigh(A.T @ A)
    return np.sqrt(np.maximum(values[::-1], 0))


# %% [markdown]
# The cure is never to form the product {cite:p}`hestenes1958inversion`. Take two columns $\mathbf{a}$,
# $\mathbf{b}$ of $\mathbf{A}$ and turn them in their plane, $\mathbf{a}' = c\,\mathbf{a} - s\,\mathbf{b}$ and
# $\mathbf{b}' = s\,\mathbf{a} + c\,\mathbf{b}$ with $c^2 + s^2 = 1$, until they are orthogonal. With
# $\delta = \lVert\mathbf{b}\rVert^2 - \lVert\mathbf{a}\rVert^2$ and $\gamma = \mathbf{a}\cdot\mathbf{b}$,
# $\mathbf{a}'\cdot\mathbf{b}' = (c^2 - s^2)\,\gamma - cs\,\delta$ vanishes for the tangent $t = s/c$ with
# $t^2\gamma + t\,\delta - \gamma = 0$. The smaller root, written without cancellation, is
#
# $$
# t = \frac{\pm 2\gamma}{\lvert\delta\rvert + \sqrt{\delta^2 + 4\gamma^2}} , \qquad \text{with the sign of } \delta .
# $$ (eq-eigen-jacobi)
#
# Turning one pair spoils others, but less each time. When all columns are orthogonal, the rotations together are
# $\mathbf{V}$, the columns are $\sigma_i\mathbf{u}_i$, and their lengths are the singular values. As in a
# tournament, $n/2$ disjoint pairs play in each round, so NumPy turns them all at once.


# %% tags=["export"]
def _rounds(n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Disjoint pairs of 0 … n-1, in rounds in which each meets each once."""
    order = np.arange(n + n % 2)  # an odd one out plays against n, and rests
    half = len(order) // 2
    for _ in range(len(order) - 1):
        p, q = order[:half], order[half:][::-1]
        plays = (p < n) & (q < n)
        yield p[plays], q[plays]
        order[1:] = np.roll(order[1:], 1)


def _sweep(rows: np.ndarray, m: int, tolerance: float) -> float:
    """Turn each pair of rows once, in place; the largest |cosine| met before turning.

    Row i holds column i of A (m numbers) and then what the rotations did to it.
    """
    worst = 0.0
    for p, q in _rounds(len(rows)):
        a, b = rows[p], rows[q]
        alpha, beta = (a[:, :m] ** 2).sum(axis=1), (b[:, :m] ** 2).sum(axis=1)
        gamma = (a[:, :m] * b[:, :m]).sum(axis=1)
        live = np.minimum(alpha, beta) > 1e-290  # else as good as zero
        size = np.where(live, np.sqrt(alpha) * np.sqrt(beta), np.inf)
        cosine = np.abs(gamma) / size
        worst = max(worst, cosine.max(initial=0.0))
        turn = cosine > tolerance
        delta, gamma = (beta - alpha)[turn], gamma[turn]
        t = np.copysign(2, delta) * gamma / (np.abs(delta) + np.hypot(delta, 2 * gamma))
        c = (1 / np.hypot(1, t))[:, None]
        s = c * t[:, None]
        rows[p[turn]] = c * a[turn] - s * b[turn]
        rows[q[turn]] = s * a[turn] + c * b[turn]
    return worst


# %% [markdown]
# If a singular value is zero, its column is too and has no direction. The QR decomposition of the orthogonal
# columns supplies one: its $\mathbf{Q}$ is orthonormal whatever happens, and equals $\mathbf{U}$, up to signs,
# wherever there is one.


# %% tags=["export"]
def svd(A: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thin singular value decomposition, by one-sided rotations, eq-eigen-jacobi.

    Parameters
    ----------
    A : array_like of shape (m, n)
        Finite real numbers, of any rank.

    Returns
    -------
    U : ndarray of shape (m, p), p = min(m, n)
        Orthonormal columns.
    sigma : ndarray of shape (p,)
        Singular values, descending; zero if below 1e-150 of the first.
    Vt : ndarray of shape (p, n)
        Orthonormal rows; ``A = (U * sigma) @ Vt``.

    Raises
    ------
    ValueError
        If A is not a finite real matrix, or is empty.
    """
    scaled, exponent = _matrix(A)
    m, n = scaled.shape
    if m < n:
        U, sigma, Vt = svd(scaled.T)
        return Vt.T, np.ldexp(sigma, exponent), U.T
    rows = np.hstack([scaled.T, np.eye(n)])  # (n, m + n)
    tolerance = m * np.finfo(float).eps
    for _ in range(60):
        if _sweep(rows, m, tolerance) <= tolerance:
            break
    else:
        raise ValueError("the rotations did not converge")
    sigma = np.linalg.norm(rows[:, :m], axis=1)
    order = np.argsort(-sigma, kind="stable")
    Q, R = _qr(rows[order, :m].T)
    U = Q * np.where(np.diag(R) < 0, -1, 1)
    return U, np.ldexp(sigma[order], exponent), rows[order, m:]


# %% [markdown]
# The referee: singular values $1, 10^{-1}, \dots, 10^{-14}$ between random orthonormal vectors.

# %%
exact = 10.0 ** -np.arange(15)
left_vectors, _ = qr_decomposition(rng.normal(size=(40, 15)))
right_vectors, _ = qr_decomposition(rng.normal(size=(15, 15)))
A = (left_vectors * exact) @ right_vectors.T
relative = {
    "root of AᵀA": np.abs(gram_singular_values(A) / exact - 1),
    "Jacobi": np.abs(svd(A)[1] / exact - 1),
    "NumPy": np.abs(np.linalg.svd(A)[1] / exact - 1),
}

# %% mystnb={"figure": {"caption": "The detour through the square loses two digits for each digit that a singular value is smaller, and below a hundred-millionth all of them. Lines: predicted; marks: measured.", "name": "fig-eigen-digits-lost"}, "image": {"alt": "Relative error against singular value, both logarithmic, large singular values at the left. Squares for the root of the Gram matrix follow a steep line and reach 1 at 1e-8, where they stay or exceed it; circles for Jacobi and triangles for NumPy follow a line half as steep and reach 1e-2 at 1e-14."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.4, 3.3))
looks = {
    "root of AᵀA": ("red", "s", 7),
    "Jacobi": ("blue", "o", 9),
    "NumPy": ("sky", "^", 5),
}
for name, (color, marker, size) in looks.items():
    seen = relative[name] > 0
    marks = {"color": COLORS[color], "marker": marker, "ls": "none", "ms": size}
    axes.loglog(exact[seen], relative[name][seen], **marks)
unit = np.finfo(float).eps / 2
axes.loglog(exact[:9], unit / 2 / exact[:9] ** 2, color=COLORS["red"], ls=DASHES[1])
axes.loglog(exact, unit / exact, color=COLORS["blue"], ls="-", lw=1.3)
axes.annotate("root of $A^T A$", (3e-3, 3e-6), color=COLORS["red"])
axes.annotate("rotations (NumPy: triangles)", (3e-9, 1e-13), color=COLORS["blue"])
axes.set(xlabel="true singular value", ylabel="relative error", ylim=(3e-17, 1e5))
axes.invert_xaxis()
axes.set_title("Squaring doubles the loss")
plt.show()

# %%
claim("eigen-gram-error-at-1e-6", relative["root of AᵀA"][6], within=(1e-8, 1e-3))
lost = np.median(relative["root of AᵀA"][9:])
claim("eigen-gram-error-below-1e-8", lost, at_least=0.5)
claim("eigen-jacobi-error-at-1e-9", relative["Jacobi"][9], at_most=1e-5)

# %% [markdown]
# *Prediction 3.* None, while the rotations have at least five digits at $10^{-9}$. It happens to real tables:
# the breast-cancer data mix units, and their singular values span six decades.

# %%
cells = load_breast_cancer().data  # (569, 30)
theirs = np.linalg.svd(cells)[1]
loss = np.abs(gram_singular_values(cells) / theirs - 1).max()
claim("eigen-cancer-table-condition", theirs[0] / theirs[-1], within=(1e6, 2e6))
claim("eigen-cancer-table-gram-error", loss, within=(1e-12, 1e-5))
loss = np.abs(svd(cells)[1] / theirs - 1).max()
claim("eigen-cancer-table-jacobi-error", loss, at_most=1e-11)

# %% [markdown]
# On the picture, our `svd` against NumPy's and against its own definition. Three pixels of the digits never hold
# ink, so three singular values are zero, and $\mathbf{U}$ must be orthonormal all the same. As for cost, a sweep
# over all pairs makes $n(n-1)/2$ rotations of $O(m + n)$ work, $O(mn^2)$ for $m \geq n$, with a copy of
# $\mathbf{A}$ and of $\mathbf{V}$ in memory. The last cell counts the sweeps.

# %%
U, sigma, Vt = svd(picture)  # (213, 213), (213,), (213, 318)
theirs = np.linalg.svd(picture)[1]
claim("eigen-svd-against-numpy", check_close(sigma, theirs, atol=1e-11), at_most=1e-11)
off = check_close((U * sigma) @ Vt, picture, atol=1e-12)
claim("eigen-svd-rebuilds-picture", off, at_most=1e-12)

# %%
digits = load_digits().data  # (1797, 64)
U_digits, sigma_digits, _ = svd(digits)
claim("eigen-zero-singular-values-of-digits", (sigma_digits < 1e-9).sum(), equal_to=3)
off = np.abs(U_digits.T @ U_digits - np.eye(64)).max()
claim("eigen-svd-orthonormal-at-rank-61", off, at_most=1e-13)

# %%
rows, sweeps = np.hstack([picture, np.eye(213)]), 1
while _sweep(rows, 318, 1e-13) > 1e-13:
    sweeps += 1
claim("eigen-sweeps-for-picture", sweeps, within=(8, 20))

# %% [markdown]
# ## Nothing of rank k is closer
#
# Keep the $k$ largest terms of {eq}`eq-eigen-svd` and drop the rest:
# $\mathbf{A}_k = \sum_{i \leq k} \sigma_i\,\mathbf{u}_i\mathbf{v}_i^\top$. {cite:t}`eckart1936approximation` showed
# that no matrix of rank $k$ is closer to $\mathbf{A}$. The proof counts dimensions.
#
# *Largest stretch.* Write $\lVert\mathbf{A}\rVert_2 = \sigma_1$ for the largest stretch. Let $\mathbf{B}$ have
# rank $k$. Its null space has at least $n - k$ dimensions and $\mathbf{v}_1, \dots, \mathbf{v}_{k+1}$ span
# $k + 1$; together more than $n$, so they share a unit vector $\mathbf{z}$. There $\mathbf{B}$ sees nothing, and
# $\mathbf{A}$ stretches by at least $\sigma_{k+1}$:
#
# $$
# \lVert \mathbf{A} - \mathbf{B} \rVert_2 \geq \lVert (\mathbf{A} - \mathbf{B})\,\mathbf{z} \rVert
# = \lVert \mathbf{A}\,\mathbf{z} \rVert \geq \sigma_{k+1} = \lVert \mathbf{A} - \mathbf{A}_k \rVert_2 .
# $$ (eq-eigen-spectral-bound)
#
# *Sum of squares.* Let $\mathbf{C} = \mathbf{A} - \mathbf{B}$, and let $\mathbf{C}_{i-1}$ be its own first $i - 1$
# terms. Then $\mathbf{B} + \mathbf{C}_{i-1}$ has rank at most $k + i - 1$, so {eq}`eq-eigen-spectral-bound` says
# $\sigma_{k+i}(\mathbf{A}) \leq \lVert \mathbf{A} - \mathbf{B} - \mathbf{C}_{i-1} \rVert_2 = \sigma_i(\mathbf{C})$:
# every singular value of the error is at least the one $k$ places further down in $\mathbf{A}$. Sum the squares,
# which in any matrix add up to the sum of all squared entries (the trace of $\mathbf{C}^\top\mathbf{C}$):
#
# $$
# \lVert \mathbf{A} - \mathbf{B} \rVert_F^2 = \sum_i \sigma_i(\mathbf{C})^2
# \;\geq\; \sum_{i > k} \sigma_i^2 = \lVert \mathbf{A} - \mathbf{A}_k \rVert_F^2 .
# $$ (eq-eigen-eckart-young)


# %% tags=["export"]
def low_rank(A: ArrayLike, k: int) -> np.ndarray:
    """Closest matrix of rank at most k, equation eq-eigen-eckart-young.

    Parameters
    ----------
    A : array_like of shape (m, n)
        Finite real numbers.
    k : int
        From 0 to min(m, n).

    Returns
    -------
    ndarray of shape (m, n)

    Raises
    ------
    ValueError
        If A is not a finite real matrix, or k is not an integer in that range.
    """
    U, sigma, Vt = svd(A)
    if not isinstance(k, (int, np.integer)) or not 0 <= k <= len(sigma):
        raise ValueError(f"k must be an integer from 0 to {len(sigma)}, got {k}")
    return (U[:, :k] * sigma[:k]) @ Vt[:k]


# %%
best = low_rank(picture, 14)
tail = np.sqrt((sigma[14:] ** 2).sum())
off = abs(np.linalg.norm(picture - best) / tail - 1)
claim("eigen-eckart-young-frobenius", off, at_most=1e-12)
off = abs(np.linalg.norm(picture - best, 2) / sigma[14] - 1)
claim("eigen-eckart-young-spectral", off, at_most=1e-10)

# %% [markdown]
# Now try to beat it: with the best fit in 14 random columns of the picture, and with an optimiser that starts
# from noise and improves the column factors and the row factors in turn, fifty times. Five seeds each.


# %%
def excess(columns):  # of the best fit in these columns, over the bound
    Q, _ = qr_decomposition(columns)
    return np.linalg.norm(picture - Q @ (Q.T @ picture)) / tail - 1


def optimised(columns):
    for _ in range(50):
        rows, _ = qr_decomposition(picture.T @ qr_decomposition(columns)[0])
        columns = picture @ rows
    return columns


# %%
def with_random_columns(seed):
    choice = np.random.default_rng(seed).choice(318, 14, replace=False)
    return excess(picture[:, choice])


def with_optimiser(seed):
    return excess(optimised(np.random.default_rng(seed).normal(size=(213, 14))))


# %%
optimiser = seed_band(with_optimiser, range(5))
columns = seed_band(with_random_columns, range(5))
claim("eigen-random-columns-excess", columns.mean, within=(0.3, 0.6))
claim("eigen-optimiser-excess-worst", optimiser.values.max(), at_most=1e-3)
claim("eigen-optimiser-excess-best", optimiser.values.min(), at_least=-1e-12)

# %% [markdown]
# Random columns are worse by two fifths; the optimiser arrives at the bound of {eq}`eq-eigen-eckart-young`, and
# not below.
#
# ## What it cannot see
#
# Shuffling rows and columns multiplies by permutation matrices, which are orthogonal:
# $\mathbf{P}\mathbf{A}\mathbf{P}'$ has the decomposition
# $(\mathbf{P}\mathbf{U})\,\boldsymbol\Sigma\,(\mathbf{V}^\top\mathbf{P}')$. The singular values do not notice.

# %%
off = check_close(svd(shuffled)[1], sigma, atol=1e-11)
claim("eigen-shuffle-changes-singular-values", off, at_most=1e-11)
ordered_ratio = error(block_means(picture), picture) / error(best, picture)
claim("eigen-blocks-against-products-in-order", ordered_ratio, within=(0.9, 0.99))

# %% [markdown]
# *Prediction 1.* The errors are equal, to rounding; and on the original, block means are slightly *better*. "The
# best of rank $k$" is the best in a class that knows nothing about pictures. That neighbours are alike, which
# block means use (and JPEG), the SVD cannot see. Where order means nothing, as in most tables of data, it has
# nothing to miss.
#
# ## Where the 13 dimensions come from
#
# In {doc}`01_vectors`, the angles between 1,797 pictures of digits were spread like those of random directions
# in about 13 dimensions. That number is made of singular values. Centre the pictures and scale each to length 1:
# row $i$ of $\mathbf{X}$. The cosines are the entries of $\mathbf{X}\mathbf{X}^\top$, whose eigenvalues are
# $\sigma_i^2$. So the sum of all squared cosines is $\sum\sigma_i^4$; on the diagonal stand $n$ ones, and
#
# $$
# \frac{1}{\mathbb{E}[\cos^2\theta]} = \frac{n(n-1)}{\sum_i \sigma_i^4 - n}
# \;\approx\; \frac{\bigl(\sum_i \sigma_i^2\bigr)^2}{\sum_i \sigma_i^4} .
# $$ (eq-eigen-effective)
#
# The right side counts: $d$ equal singular values and zeros otherwise give exactly $d$.

# %%
X = digits - digits.mean(axis=0)
X = X / norm(X)[:, None]
strengths, pairs = svd(X)[1] ** 2, np.triu_indices(1797, k=1)
by_angles = 1 / np.mean(cosine_similarity(X)[pairs] ** 2)
by_values = 1797 * 1796 / ((strengths**2).sum() - 1797)
claim("eigen-dimension-from-singular-values", by_values, within=(12, 15))
claim("eigen-dimension-by-angles", by_angles - by_values, within=(-1e-9, 1e-9))
kept = strengths[:13].sum() / strengths.sum()
claim("eigen-share-of-13-directions", kept, within=(0.77, 0.87))

# %% [markdown]
# Sixty-four numbers replace 1.6 million angles. Thirteen directions of 64 hold four fifths of the squared
# length; choosing directions by this rule is principal component analysis, to which the machine-learning stage
# comes back.
#
# ## In practice
#
# For full matrices use `numpy.linalg.eigh`, `svd` and `qr`: the same results, in compiled code. The defaults
# that matter: `numpy.linalg.svd` returns all $m$ columns of $\mathbf{U}$ unless `full_matrices=False`; its third
# result is $\mathbf{V}^\top$, not $\mathbf{V}$; and `numpy.linalg.eigh` reads only the lower triangle, so it
# answers for a matrix that is not symmetric.
#
# For the few largest of a huge or sparse matrix use `scipy.sparse.linalg.eigsh` and `svds`, refined forms of
# power iteration. Where columns differ by many orders of magnitude, Jacobi keeps digits of small singular values
# that other methods lose {cite:p}`demmel1992jacobi`.
#
# | What people believe | What exposes it |
# |---|---|
# | Singular values are roots of eigenvalues of $\mathbf{A}^\top\mathbf{A}$, so compute them so | {numref}`fig-eigen-digits-lost`; the breast-cancer table |
# | Power iteration finds the largest eigenvalue | $1$ and $-1$: it never settles |
# | Left and right singular vectors may be computed separately | {ref}`ex-eigen-pairs` |
# | The SVD is the best way to compress a picture | Block means beat it, while the pixels are in order |
#
# ## Exercises
#
# ```{exercise} Two by two
# :label: ex-eigen-hand
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# Let $\mathbf{A} = \bigl(\begin{smallmatrix} 2 & 2 \\ -1 & 1 \end{smallmatrix}\bigr)$. With pen and paper: (i)
# $\sigma_1$ and $\sigma_2$; (ii) the Frobenius distance from $\mathbf{A}$ to the nearest matrix of rank 1; (iii)
# how many steps of power iteration on $\mathbf{A}^\top\mathbf{A}$ bring the error of the direction below
# $10^{-6}$ of what it was. Set `answer` to the tuple of the four numbers.
# ```


# %%
def test_hand(answer):
    assert answer is not None, "no answer yet"
    first, second, distance, steps = answer
    assert np.allclose([first, second], [8**0.5, 2**0.5]), "roots of 8 and 2"
    assert np.isclose(distance, 2**0.5), "the distance is what is dropped"
    assert steps != 20, "the rate on AᵀA is the ratio of the squares"
    assert steps == 10


answer = None  # replace with (…, …, …, …), then run this cell again
_ = try_answer(test_hand, answer)

# %% [markdown]
# ```{solution-start} ex-eigen-hand
# :class: dropdown
# ```
#
# $\mathbf{A}^\top\mathbf{A} = \bigl(\begin{smallmatrix} 5 & 3 \\ 3 & 5 \end{smallmatrix}\bigr)$ has the
# eigenvectors $(1, 1)$ and $(1, -1)$ with eigenvalues 8 and 2. So $\sigma_1 = \sqrt 8$, $\sigma_2 = \sqrt 2$,
# and dropping the second term is an error of $\sqrt 2$. Each step multiplies the error by $2/8$, and
# $4^{-10} < 10^{-6} < 4^{-9}$.

# %%
_ = try_answer(test_hand, (8**0.5, 2**0.5, 2**0.5, 10))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The eigenvalue nearest to a guess
# :label: ex-eigen-inverse
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Power iteration finds only the largest. Write `nearest_eigenvalue(S, guess)`: for a symmetric array `S` of
# shape `(n, n)` and a float that is not itself an eigenvalue, return the eigenvalue of `S` closest to `guess`,
# as a float. Use `power_iteration` on another matrix; `np.linalg.inv` is allowed, `eigh` is not. You may assume
# that one eigenvalue is strictly closest.
# ```


# %%
def test_nearest(nearest_eigenvalue):
    for guess in (-1.0, 0.31, 1.7, 4.5):
        truth = min(squares, key=lambda value: abs(value - guess))
        found = nearest_eigenvalue(K, guess)
        assert abs(found - truth) < 1e-8, f"near {guess} lies {truth:.4f}"


def nearest_eigenvalue(S, guess):  # replace the body, then run this cell again
    raise NotImplementedError


_ = try_answer(test_nearest, nearest_eigenvalue)

# %% [markdown]
# ```{solution-start} ex-eigen-inverse
# :class: dropdown
# ```
#
# $(\mathbf{S} - \mu\mathbf{I})^{-1}$ has the same eigenvectors, with eigenvalues $1/(\lambda_i - \mu)$: the
# largest modulus belongs to the $\lambda_i$ closest to $\mu$. The closer the guess, the faster; that is why the
# shift in {numref}`fig-eigen-rates` works so well.


# %%
def nearest_eigenvalue_solution(S, guess):
    value, _ = power_iteration(np.linalg.inv(S - guess * np.eye(len(S))))
    return guess + 1 / value


_ = try_answer(test_nearest, nearest_eigenvalue_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The pairs that do not match
# :label: ex-eigen-pairs
#
# *break · difficulty 3 of 3 · 30 minutes*
#
# `planted` takes the left vectors from $\mathbf{A}\mathbf{A}^\top$, the right ones from
# $\mathbf{A}^\top\mathbf{A}$, and mends the signs. For random matrices it is right. Find a 2 × 2 array `A`
# without a zero in it for which both bases are orthonormal and the singular values right, and yet
# `(U * sigma) @ Vt` is wrong by more than 1 somewhere.
# ```


# %%
def planted(A):
    U, V = (np.linalg.eigh(S)[1][:, ::-1] for S in (A @ A.T, A.T @ A))
    sigma = norm((A @ V).T)  # lengths of the images
    signs = np.where((U * (A @ V)).sum(axis=0) < 0, -1, 1)
    return U * signs, sigma, V.T


def test_pairs(A):
    assert A is not None, "no answer yet"
    assert np.shape(A) == (2, 2), "the shape must be (2, 2)"
    assert np.all(A), "no entry may be zero"
    U, sigma, Vt = planted(np.asarray(A, dtype=float))
    assert np.allclose([U.T @ U, Vt @ Vt.T], np.eye(2)), "a basis is not orthonormal"
    assert np.allclose(sigma, svd(A)[1]), "the singular values are wrong"
    assert np.abs((U * sigma) @ Vt - A).max() > 1, "the product is right, or nearly so"


answer = None  # replace with an array, then run this cell again
_ = try_answer(test_pairs, answer)

# %% [markdown]
# ```{solution-start} ex-eigen-pairs
# :class: dropdown
# ```
#
# Where two singular values are equal, *any* orthonormal pair of the plane is a pair of eigenvectors, on the left
# and on the right; but $\mathbf{u}_i$ must be the image of its own $\mathbf{v}_i$. So take a matrix that
# stretches all directions alike and turns them: then both products are multiples of $\mathbf{I}$, both bases the
# axes, and the turn is lost.

# %%
_ = try_answer(test_pairs, np.array([[3.0, -4.0], [4.0, 3.0]]))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Put the rows back
# :label: ex-eigen-rows
#
# *build · difficulty 3 of 3 · 40 minutes*
#
# The SVD cannot see the order of rows, but an eigenvector can find it. Write `row_sequence(X)`: for an array of
# shape `(n, d)` return a permutation of `range(n)`, so that `X[row_sequence(X)]` has similar rows next to each
# other, from either end. Give two rows at squared distance $\Delta$ the weight
# $w = \exp(-10\,\Delta / \text{median of all } \Delta)$, join them by a spring of strength $w$, and sort by the
# slowest mode of that structure that is not constant, as in {numref}`fig-eigen-chain`.
# ```

# %%
scrambled = rng.permutation(71)
every_third = picture[::3][scrambled]  # (71, 318), rows in random order


def test_rows(row_sequence):
    order = np.asarray(row_sequence(every_third))
    assert sorted(order) == list(range(71)), "not a permutation of the rows"
    agreement = abs(spearmanr(scrambled[order], range(71)).statistic)
    assert agreement > 0.97, f"rank correlation with the true order {agreement:.2f}"


def row_sequence(X):  # replace the body, then run this cell again
    raise NotImplementedError


_ = try_answer(test_rows, row_sequence)

# %% [markdown]
# ```{solution-start} ex-eigen-rows
# :class: dropdown
# ```
#
# The force on bead $i$ is $\sum_j w_{ij}(x_j - x_i)$, so the matrix is
# $\operatorname{diag}(\sum_j w_{ij}) - \mathbf{W}$. Its slowest mode is constant (everything moves together,
# eigenvalue 0). The next one bends once, like mode 1 of a chain, so it rises from one end to the other
# {cite:p}`atkins1998spectral`.


# %%
def row_sequence_solution(X):
    gaps = ((X[:, None] - X[None]) ** 2).sum(axis=2)  # (n, n)
    W = np.exp(-10 * gaps / np.median(gaps))
    _, shapes = eigh(np.diag(W.sum(axis=1)) - W)
    return np.argsort(shapes[:, 1])


_ = try_answer(test_rows, row_sequence_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** On the left of {numref}`fig-eigen-rates`, another matrix gives a straight line that falls by a factor of
# 10 in five steps. Its largest eigenvalue is 1. What is the modulus of the second?
#
# (a) 0.2 · (b) 0.63 · (c) 0.1 · (d) It cannot be said without the start
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: 1/5 mixes up the number of steps and the ratio. (b) Yes: $r^5 = 1/10$, so $r = 10^{-1/5} \approx 0.63$.
# (c) No: that would be a factor of 10 in *one* step. (d) No: the start sets the height of the line; the slope is
# the ratio of the eigenvalues.
# ```
#
# **2.** By {numref}`fig-eigen-digits-lost`, how many digits of $\sigma_n = 10^{-5}\,\sigma_1$ survive the detour
# through $\mathbf{A}^\top\mathbf{A}$?
#
# (a) About 11 · (b) About 6 · (c) All 16 · (d) None
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: that is what the rotations keep. (b) Yes: the relative error is about
# $10^{-16} \cdot 10^{10} = 10^{-6}$. (c) No: only $\sigma_1$ keeps all its digits. (d) No: that happens below
# $10^{-8}$.
# ```
#
# **3.** All rows of a table are multiplied by one orthogonal matrix from the right. What changes in the
# decomposition?
#
# (a) $\boldsymbol\Sigma$ · (b) $\mathbf{U}$ · (c) $\mathbf{V}$ · (d) Nothing
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: lengths of images stay. (b) No:
# $\mathbf{A}\mathbf{P} = \mathbf{U}\boldsymbol\Sigma(\mathbf{V}^\top\mathbf{P})$ keeps $\mathbf{U}$. (c) Yes:
# $\mathbf{V}^\top$ becomes $\mathbf{V}^\top\mathbf{P}$. (d) No: then $\mathbf{A}\mathbf{P} = \mathbf{A}$, which
# holds only for special cases.
# ```
#
# ## What to remember
#
# A symmetric matrix stretches along orthogonal directions; any matrix maps one orthogonal set of directions to
# another. Repeated multiplication finds them, at a rate that is a ratio of eigenvalues, and a shift makes the
# ratio small. Never square a matrix to get its singular values: rotate its columns. The first $k$ terms are the
# best that rank $k$ can do, blind to the order of rows and columns.
#
# Next come derivatives, and with them matrices of second derivatives, whose eigenvalues decide how fast learning
# can go.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
