# %% [markdown]
# # Linear systems
#
# Which input gave this output, and how many digits of the answer can be believed?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `lu_decomposition`, `solve`, `determinant`, `inverse` and `condition_number`
# - **You need** matrices as maps and elimination ({doc}`02_matrices`), rounding ({doc}`../00_Orientation/03_checks`)
# - **Checked against** SciPy, exact fractions, the bound of the condition number
# - **Time** 35 minutes to read, 45 to code
# - **Data** carbon dioxide at Mauna Loa, weekly since 1958 (statsmodels, public domain)
# ````

# %%
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike
from statsmodels.datasets import co2

from journey.mathematics.matrices import matmul, rotation, shear
from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    draw_vectors,
    readable,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## A curve through the air
#
# Carbon dioxide over Mauna Loa has been measured since 1958. How fast is it rising? Take one value every six years, lay the polynomial of degree seven through the eight
# points, and read its slope in 1980. The eight coefficients solve eight equations, one for each point.

# %%
weekly = co2.load_pandas().data["co2"].dropna()
yearly = weekly.groupby(weekly.index.year).mean()
years = np.arange(1959, 2002, 6)  # (8,): 1959, 1965, …, 2001
values = yearly[years].to_numpy()
powers = np.vander(
    years.astype(float), 8, increasing=True
)  # row i: 1, t_i, t_i², …, t_i⁷
coefficients = np.linalg.solve(powers, values)
missed = np.abs(powers @ coefficients - values).max()

# %% [markdown]
# The curve should pass through the points to the last digit. With the solver that every laptop trusts it misses one of them by more than the air changes in a year. The same curve written in powers of
# $(t-1980)/21$ solves to fifteen digits. Nothing is wrong with the data, with the curve, or with the solver.

# %%
centred = np.vander((years - 1980) / 21, 8, increasing=True)
good = np.linalg.solve(centred, values)
claim("systems-raw-years-miss", missed, at_least=0.5)
claim(
    "systems-centred-years-miss", np.abs(centred @ good - values).max(), at_most=1e-10
)
claim("systems-rise-in-1980-ppm-a-year", good[1] / 21, within=(1.2, 2.0))

# %% [markdown]
# This page builds the solver, finds the number that says in advance how many digits will be lost, and shows why no solver can save the first version.
#
# ## Predict
#
# 1. Elimination without exchanging rows solves $\begin{pmatrix}10^{-20}&1\\1&1\end{pmatrix}\mathbf x=\begin{pmatrix}1\\2\end{pmatrix}$, whose solution is very nearly $(1,1)$. What comes out?
# 2. A solution $\hat{\mathbf x}$ is put back: $\mathbf A\hat{\mathbf x}$ agrees with $\mathbf b$ to sixteen digits. How many digits of $\hat{\mathbf x}$ are right: sixteen, eight, or can it be none?
# 3. Solving with one right-hand side takes $\tfrac23n^3$ operations. How much longer does it take with a hundred right-hand sides, for $n=1000$?
#
# ## Elimination is a factorisation
#
# To solve $\mathbf{Ax}=\mathbf b$, remove one unknown from all equations but one, and repeat. Take
#
# $$
# \begin{pmatrix}2&1\\6&8\end{pmatrix}\begin{pmatrix}x_1\\x_2\end{pmatrix}=\begin{pmatrix}4\\22\end{pmatrix}:
# $$
#
# subtract three times the first row from the second, and $5x_2=10$ is left. So $x_2=2$, and then $x_1=1$. The *multiplier* 3 is all that the step needs. Collect multipliers in a lower triangle $\mathbf L$ with ones on its diagonal, and what is left over in an upper triangle $\mathbf U$:
#
# $$
# \begin{pmatrix}1&0\\3&1\end{pmatrix}\begin{pmatrix}2&1\\0&5\end{pmatrix}=\begin{pmatrix}2&1\\6&8\end{pmatrix}.
# $$
#
# That is no accident. Row $i$ of $\mathbf U$ is row $i$ of $\mathbf A$ minus multiples of the *finished* rows above it, $\mathbf u_i=\mathbf a_i-\sum_{k<i}\ell_{ik}\mathbf u_k$. Bring the sum to the other side:
#
# $$
# \mathbf a_i = \mathbf u_i+\sum_{k<i}\ell_{ik}\,\mathbf u_k ,\qquad\text{that is}\qquad \mathbf A=\mathbf{LU} .
# $$ (eq-systems-lu)
#
# Elimination *is* the factorisation, and it never looked at $\mathbf b$. With $\mathbf{L}$ and $\mathbf{U}$ stored, each right-hand side costs two triangles: $\mathbf{Ly}=\mathbf b$ from the top, $\mathbf{Ux}=\mathbf y$ from the bottom.


# %%
def naive_lu(A):
    U, L = np.array(A, dtype=float), np.eye(len(A))
    for k in range(len(U)):
        L[k + 1 :, k] = U[k + 1 :, k] / U[k, k]
        U[k + 1 :] -= np.outer(L[k + 1 :, k], U[k])
    return L, U


L, U = naive_lu([[2, 1], [6, 8]])
print("L", L.tolist(), " U", U.tolist())

# %% [markdown]
# ### The pivot that swallows everything
#
# Now the system of prediction 1. The multiplier is $10^{20}$, and the second row becomes $1-10^{20}$, which is rounded to $-10^{20}$: the 1 is gone, and with it everything that the second equation said.


# %%
def solve_by(L, U, b):
    y = scipy.linalg.solve_triangular(L, b, lower=True)
    return scipy.linalg.solve_triangular(U, y)


tiny = np.array([[1e-20, 1.0], [1.0, 1.0]])
wrong = solve_by(*naive_lu(tiny), [1.0, 2.0])
print("without exchange:", wrong, " truth: very nearly [1. 1.]")
claim("systems-tiny-pivot-error", np.abs(wrong - 1).max(), within=(0.5, 2))

# %% [markdown]
# Prediction 1: $(0,1)$, and no warning. The cure is to *exchange rows* so that the pivot is the largest entry left in its column. Then no multiplier exceeds 1, and nothing is swallowed. This is **partial pivoting**; the exchanges are kept as an order of the rows, $\mathbf A[p]=\mathbf{LU}$.


# %% tags=["export"]
class SingularMatrixError(ValueError):
    """The matrix maps some nonzero vector to zero, so that a system has no unique solution."""


def _square(A: ArrayLike) -> np.ndarray:
    table = np.asarray(A)
    if table.dtype.kind not in "biuf":
        raise ValueError(f"A must hold real numbers, got dtype {table.dtype}")
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not table.size:
        raise ValueError(f"A must be square and not empty, got shape {table.shape}")
    table = table.astype(np.float64)
    if not np.isfinite(table).all():
        raise ValueError("A must be finite")
    return table


# %% tags=["export"]
def lu_decomposition(A: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Elimination with partial pivoting: ``A[p] == L @ U`` up to rounding.

    Parameters
    ----------
    A : array_like of shape (n, n)

    Returns
    -------
    p : ndarray of shape (n,), int
        The order of the rows.
    L : ndarray of shape (n, n)
        Lower triangle, ones on the diagonal, no entry above 1 in size.
    U : ndarray of shape (n, n)
        Upper triangle; a zero on its diagonal means that A is singular.

    Raises
    ------
    ValueError
        If A is not a square table of finite real numbers.

    References
    ----------
    Equation eq-systems-lu of the page; Golub & Van Loan, Matrix Computations, section 3.4.
    """
    U = _square(A)
    n = len(U)
    p, L = np.arange(n), np.eye(n)
    for k in range(n):
        pivot = k + int(np.abs(U[k:, k]).argmax())
        if pivot != k:
            U[[k, pivot]] = U[[pivot, k]]
            p[[k, pivot]] = p[[pivot, k]]
            L[[k, pivot], :k] = L[[pivot, k], :k]
        if U[k, k] != 0:
            L[k + 1 :, k] = U[k + 1 :, k] / U[k, k]
            U[k + 1 :, k + 1 :] -= np.outer(L[k + 1 :, k], U[k, k + 1 :])
            U[k + 1 :, k] = 0
    return p, L, U


# %% tags=["export"]
def solve(A: ArrayLike, b: ArrayLike) -> np.ndarray:
    """The x with ``A @ x == b``, by elimination with partial pivoting.

    Parameters
    ----------
    A : array_like of shape (n, n)
    b : array_like of shape (n,) or (n, k)
        One right-hand side, or k of them as columns.

    Returns
    -------
    ndarray of the shape of b

    Raises
    ------
    SingularMatrixError
        If a pivot is exactly zero. A nearly singular matrix raises nothing: see condition_number.
    ValueError
        If the shapes do not fit or a number is not finite.
    """
    p, L, U = lu_decomposition(A)
    x = np.array(b, dtype=float)
    if x.ndim not in (1, 2) or len(x) != len(p):
        raise ValueError(
            f"b must have {len(p)} rows to fit A {U.shape}, got shape {x.shape}"
        )
    if not np.isfinite(x).all():
        raise ValueError("b must be finite")
    if (np.diag(U) == 0).any():
        raise SingularMatrixError(
            f"A is singular: pivot {int((np.diag(U) == 0).argmax())} is zero"
        )
    x = x[p]
    for k in range(len(p)):  # L y = b, from the top
        x[k] -= L[k, :k] @ x[:k]
    for k in reversed(range(len(p))):  # U x = y, from the bottom
        x[k] = (x[k] - U[k, k + 1 :] @ x[k + 1 :]) / U[k, k]
    return x


# %% [markdown]
# Against SciPy on random systems of all sizes, and on the one that defeated the naive version:

# %%
rng = np.random.default_rng(0)
deviations = []
for n in range(1, 40):
    A, b = rng.normal(size=(n, n)), rng.normal(size=(n, 3))
    p, L, U = lu_decomposition(A)
    theirs = scipy.linalg.lu(A, p_indices=True)
    check_close(A[p], L @ U, atol=1e-12)
    check_close(np.abs(L).max(), 1.0)
    deviations.append(check_close(U, theirs[2], atol=1e-10))
    check_close(matmul(A, solve(A, b)), b, atol=1e-8)
claim("systems-u-against-scipy", max(deviations), at_most=1e-10)
claim(
    "systems-tiny-pivot-solved",
    np.abs(solve(tiny, [1.0, 2.0]) - 1).max(),
    at_most=1e-15,
)

# %% [markdown]
# ### What it costs
#
# Clearing column $k$ updates a table of $(n-k)^2$ numbers, one multiplication and one subtraction each: together $\sum_k2(n-k)^2\approx\tfrac23n^3$ operations and $O(n^2)$ memory. Each right-hand side adds two triangles, $2n^2$. So a hundred of them cost $100\cdot2n^2$ on top, for $n=1000$ a factor of $1.3$ in all: prediction 3. The **inverse** is what one gets with the $n$ columns of $\mathbf I$ as right-hand sides. It costs three times the factorisation, and one rarely wants it: to solve, factor.


# %% tags=["export"]
def inverse(A: ArrayLike) -> np.ndarray:
    """The matrix that undoes A; raises as ``solve`` does, which is cheaper and safer for a system."""
    return solve(A, np.eye(len(_square(A))))


def determinant(A: ArrayLike) -> float:
    """Signed factor by which A changes volumes: the product of the pivots, and a sign for the exchanges.

    Zero for a singular matrix. May overflow to infinity or underflow to zero for large tables.
    """
    p, _, U = lu_decomposition(A)
    with np.errstate(over="ignore", under="ignore"):
        volume = float(np.prod(np.diag(U)))
    seen, sign = set(), 1
    for start in range(len(p)):  # a cycle of length m takes m - 1 exchanges
        place, length = start, 0
        while place not in seen:
            seen.add(place)
            place, length = int(p[place]), length + 1
        sign *= -1 if length and length % 2 == 0 else 1
    return sign * volume


# %% [markdown]
# ## The determinant is a signed volume
#
# The unit square goes to the parallelogram of the columns. Subtracting a multiple of one row from another is a shear, and a shear keeps areas: it pushes layers sideways. So the area of the parallelogram is that of the rectangle at the end of the elimination, the product of the pivots; an exchange of rows mirrors the picture and turns the sign. In $n$ dimensions it is the same, and since maps one after the other multiply volumes,
#
# $$
# \det(\mathbf{AB})=\det\mathbf A\cdot\det\mathbf B .
# $$ (eq-systems-det)

# %% mystnb={"figure": {"caption": "Elimination, seen. Each step shears the parallelogram without changing its area, until it is a rectangle whose sides are the pivots: 2 times 5 is 10.", "name": "fig-systems-volume"}, "image": {"alt": "Three parallelograms of equal area: the columns of the matrix, the figure after one shear with a corner on the axis, and a rectangle with sides 2 and 5."}} tags=["hide-input"]
steps = {
    "A": np.array([[2.0, 1.0], [6.0, 8.0]]),
    "after one row step": np.array([[2.0, 1.0], [0.0, 5.0]]),
    "after a shear: 2 × 5": np.array([[2.0, 0.0], [0.0, 5.0]]),
}
figure, panels = plt.subplots(1, 3, figsize=(7.6, 3.1), width_ratios=[1, 1, 1])
for axes, (title, M) in zip(panels, steps.items()):
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) @ M.T
    axes.fill(*corners.T, color=COLORS["sky"], alpha=0.5, lw=0)
    draw_vectors(axes, M.T, colors=[COLORS["blue"], COLORS["purple"]])
    axes.set(xlim=(-1.5, 5), ylim=(-0.8, 15), title=title, xticks=range(0, 6, 2))
    axes.annotate("area 10", corners.mean(axis=0), ha="center", va="center", fontsize=9)
plt.show()

# %%
tables = [rng.normal(size=(n, n)) for n in range(1, 12)]
dets = [determinant(table) for table in tables]
theirs = [np.linalg.det(table) for table in tables]
claim(
    "systems-determinant-against-numpy",
    check_close(np.divide(dets, theirs), np.ones(11), atol=1e-10),
    at_most=1e-10,
)
product = determinant(matmul(tables[5], tables[5] + 1)) / (
    dets[5] * determinant(tables[5] + 1)
)
claim("systems-determinant-of-a-product", product, equal_to=1, tolerance=1e-9)
claim(
    "systems-rotation-and-shear-keep-area",
    determinant(matmul(rotation(1.0), shear(3.0))),
    equal_to=1,
    tolerance=1e-12,
)

# %% [markdown]
# A determinant near zero does *not* mean nearly singular: $\det(0.1\,\mathbf I)=10^{-100}$ in a hundred dimensions, and that matrix is as easy to undo as any. What is needed is a number that does not change with the scale.
#
# (sec-systems-condition)=
# ## How many digits are lost
#
# Let $\hat{\mathbf x}$ be any approximate solution and $\mathbf r=\mathbf b-\mathbf A\hat{\mathbf x}$ its **residual**, which can be computed. The error $\mathbf x-\hat{\mathbf x}=\mathbf A^{-1}\mathbf r$ cannot, but with the norm of a matrix, $\lVert\mathbf A\rVert=\max_{\mathbf v\ne\mathbf0}\lVert\mathbf{Av}\rVert/\lVert\mathbf v\rVert$,
#
# $$
# \lVert\mathbf x-\hat{\mathbf x}\rVert\le\lVert\mathbf A^{-1}\rVert\,\lVert\mathbf r\rVert
# \quad\text{and}\quad
# \lVert\mathbf b\rVert=\lVert\mathbf{Ax}\rVert\le\lVert\mathbf A\rVert\,\lVert\mathbf x\rVert .
# $$
#
# Divide the first by $\lVert\mathbf x\rVert$, and use the second in the form $1/\lVert\mathbf x\rVert\le\lVert\mathbf A\rVert/\lVert\mathbf b\rVert$:
#
# $$
# \frac{\lVert\mathbf x-\hat{\mathbf x}\rVert}{\lVert\mathbf x\rVert}
# \le \underbrace{\lVert\mathbf A\rVert\,\lVert\mathbf A^{-1}\rVert}_{\kappa(\mathbf A)}\ \frac{\lVert\mathbf r\rVert}{\lVert\mathbf b\rVert} .
# $$ (eq-systems-condition)
#
# The **condition number** $\kappa\ge1$ is the factor between what one can see, the residual, and what one wants, the error. The data themselves are rounded to $u\approx10^{-16}$; so, whatever the solver, expect to lose $\log_{10}\kappa$ of sixteen digits. In the norm $\lVert\mathbf v\rVert_1=\sum\lvert v_i\rvert$, the norm of a matrix is its largest column sum, easy to compute.


# %% tags=["export"]
def condition_number(A: ArrayLike) -> float:
    """The condition number in the 1-norm: what a relative error may be magnified by; infinite if singular.

    References
    ----------
    Equation eq-systems-condition of the page.
    """
    table = _square(A)
    largest = np.abs(table).max()
    if largest == 0:
        return float("inf")
    try:
        undo = inverse(table / largest)  # the scale does not matter, and might overflow
    except SingularMatrixError:
        return float("inf")
    return float(
        np.abs(table / largest).sum(axis=0).max() * np.abs(undo).sum(axis=0).max()
    )


# %%
kappas = {"raw years": condition_number(powers), "centred": condition_number(centred)}
ratio = condition_number(centred) / np.linalg.cond(centred, 1)
claim("systems-condition-against-numpy", ratio, equal_to=1, tolerance=1e-8)
claim("systems-digits-lost-raw-years", np.log10(kappas["raw years"]), at_least=16)
claim("systems-digits-lost-centred", np.log10(kappas["centred"]), at_most=5)

# %% [markdown]
# That settles the opening. In raw years the columns of the table, $t^6$ and $t^7$ for $t$ between 1959 and 2001, are so nearly proportional that $\kappa$ exceeds $10^{16}$: the *question* depends on digits that the data do not have. Centred and scaled, it loses at most five digits. The cure was another basis, not another solver.
#
# ### Hilbert's matrices
#
# The standard example, $H_{ij}=1/(i+j-1)$, appears when a polynomial is fitted by least squares on $[0,1]$. Its inverse consists of integers, so that the truth is known: solve with exact fractions, and compare.


# %%
def hilbert(n):
    return 1 / (np.arange(1, n + 1)[:, None] + np.arange(n))


def exact_solution(A, b):
    rows = [[Fraction(x) for x in (*row, y)] for row, y in zip(A.tolist(), b.tolist())]
    for k in range(len(rows)):  # Gauss and Jordan, without rounding
        pivot = next(i for i in range(k, len(rows)) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in set(range(len(rows))) - {k}:
            rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k])]
    return np.array([float(row[-1]) for row in rows])


# %%
sizes = range(2, 15)
error, residual, kappa = [], [], []
for n in sizes:
    H = hilbert(n)
    b = H @ np.ones(n)
    x, truth = solve(H, b), exact_solution(H, b)  # of the system as it is stored
    error.append(np.abs(x - truth).sum() / np.abs(truth).sum())
    residual.append(np.abs(b - H @ x).sum() / np.abs(b).sum())
    kappa.append(condition_number(H))

# %% mystnb={"figure": {"caption": "Hilbert's matrices. The residual stays at the level of rounding for every size, while the error grows with the condition number until no digit is left. A small residual proves little.", "name": "fig-systems-hilbert"}, "image": {"alt": "Logarithmic plot against matrix size 2 to 14. The relative residual stays near 1e-16. The relative error rises along a dashed line, condition number times 1e-16, from 1e-16 to about 1 at size 13."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.7))
axes.semilogy(sizes, np.array(kappa) * 1.1e-16, color=COLORS["gray"], ls=DASHES[1])
axes.semilogy(sizes, error, color=COLORS["blue"], marker=MARKERS[0], ls="-")
axes.semilogy(sizes, residual, color=COLORS["purple"], marker=MARKERS[1], ls="-")
axes.annotate("error of the solution", (9.1, 2e-8), color=COLORS["blue"], ha="left")
axes.annotate("residual", (11, 6e-16), color=COLORS["purple"])
axes.annotate("κ · 10⁻¹⁶", (7.3, 1.5e-5), color=readable(COLORS["gray"]), ha="right")
axes.axhline(1, color=COLORS["ink"], lw=1, ls=":")
axes.annotate("no digit right", (2, 1.6))
axes.set(xlabel="size of the matrix", ylabel="relative size", ylim=(1e-18, 100))
axes.set_title("The residual sees nothing")
plt.show()

# %%
shift = np.polyfit(np.log10(kappa[:9]), np.log10(np.maximum(error[:9], 1e-17)), 1)[0]
claim("systems-hilbert-error-follows-condition", shift, within=(0.75, 1.25))
claim("systems-hilbert-largest-residual", max(residual), at_most=1e-14)
claim("systems-hilbert-worst-error", max(error), at_least=0.01)
worst_bound = max(
    e / (k * max(r, 1.1e-16)) for e, r, k in zip(error[:10], residual[:10], kappa[:10])
)
claim("systems-error-over-its-bound", worst_bound, at_most=3)

# %% [markdown]
# Prediction 2: it can be none. For size 14 the residual is perfect and the solution is not even nearly right. The method is not to blame: among all vectors with such a residual there are wildly different ones, and nothing in the data prefers the true one. The bound {eq}`eq-systems-condition` holds throughout, and {cite:t}`higham2002accuracy` proves that partial pivoting keeps the residual small for all matrices met in practice.
#
# ## In practice
#
# | task | in the field |
# |---|---|
# | solve | `np.linalg.solve`, `scipy.linalg.solve` (warns if $\kappa$ is near $1/u$) |
# | many right-hand sides, one after another | `scipy.linalg.lu_factor` once, `lu_solve` each time |
# | symmetric and positive definite | `scipy.linalg.cho_factor`: half the work |
# | large with few nonzeros | `scipy.sparse.linalg.spsolve` |
# | more equations than unknowns | least squares: {doc}`../03_Machine_Learning/02_linear_regression` |
#
# Equality with SciPy's factors and solutions was shown above. NumPy's `solve` says nothing about an ill-conditioned matrix; SciPy's warns.
#
# | what people believe | what exposes it |
# |---|---|
# | A small residual is a good solution. | {numref}`fig-systems-hilbert` |
# | A small determinant means nearly singular. | $0.1\,\mathbf I$ |
# | More precision in the solver would help. | Raw years: the digits are not in the data |
# | To solve, multiply by the inverse. | Three times the work |
#
# ## Exercises
#
# ```{exercise} Factor by hand
# :label: ex-systems-hand
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# Factor $\begin{pmatrix}1&2\\4&6\end{pmatrix}$ with partial pivoting. Give the order of the rows, the multiplier, the two pivots and the determinant, as `(p, multiplier, pivots, det)` with `p` and `pivots` as lists.
# ```


# %%
def test_factor(answer):
    assert answer is not None, "no answer yet"
    p, multiplier, pivots, det = answer
    assert list(p) == [1, 0], (
        "the largest entry of the first column is in the second row"
    )
    assert multiplier == 0.25, "with pivoting no multiplier exceeds 1"
    assert list(pivots) == [4, 0.5], "2 minus a quarter of 6"
    assert det == -2, "an exchange turns the sign of the product of the pivots"


my_factors = None  # your answer
_ = try_answer(test_factor, my_factors)

# %% [markdown]
# ```{solution-start} ex-systems-hand
# :class: dropdown
# ```
# Exchange the rows: $\begin{pmatrix}4&6\\1&2\end{pmatrix}$. The multiplier is $1/4$, and $2-6/4=1/2$ is left. The product of the pivots is 2, and one exchange makes it $-2=1\cdot6-2\cdot4$.

# %%
p, L, U = lu_decomposition([[1, 2], [4, 6]])
_ = try_answer(
    test_factor,
    (p.tolist(), L[1, 0], np.diag(U).tolist(), determinant([[1, 2], [4, 6]])),
)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Get digits back
# :label: ex-systems-refine
#
# *extend · difficulty 2 of 3 · 25 minutes*
#
# The residual can be computed exactly, and then the error solves $\mathbf{Ae}=\mathbf r$. Write `refine(A, b, n_steps=3)`: solve, then add the solution for the residual, `n_steps` times. Compute the residual with `Fraction` and convert it to floats, so that no digit of it is lost.
# ```


# %%
def test_refine(refine):
    H = hilbert(8)
    b = H @ np.ones(8)
    truth = exact_solution(H, b)
    assert np.abs(solve(H, b) - truth).max() > 1e-9, "(the plain solution is far off)"
    assert np.abs(refine(H, b) - truth).max() < 1e-13, (
        "residuals computed in floats are mostly rounding"
    )
    A = rng.normal(size=(5, 5))
    assert np.allclose(A @ refine(A, A @ np.arange(5.0)), A @ np.arange(5.0))


def refine(A, b, n_steps=3):  # replace the body with your own, then run this cell again
    return solve(A, b)


_ = try_answer(test_refine, refine)

# %% [markdown]
# ```{solution-start} ex-systems-refine
# :class: dropdown
# ```
# Each step removes a factor of about $\kappa u\approx10^{-6}$ from the error, as long as the residual is exact. It solves the *stored* system; if its entries were measured, those digits are still not there.


# %%
def refine_solution(A, b, n_steps=3):
    x = solve(A, b)
    for _ in range(n_steps):
        exact = [Fraction(z) for z in x.tolist()]
        r = [
            float(Fraction(y) - sum(Fraction(a) * z for a, z in zip(row, exact)))
            for row, y in zip(A.tolist(), b.tolist())
        ]
        x = x + solve(A, r)
    return x


_ = try_answer(test_refine, refine_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Partial pivoting, defeated
# :label: ex-systems-growth
#
# *break · difficulty 3 of 3 · 40 minutes*
#
# Partial pivoting keeps multipliers small, not the entries of $\mathbf U$. Find a matrix of at most 60 rows with entries no larger than 1 and a condition number below 100, for which `solve` returns a relative error above 0.01 for the right-hand side that belongs to $\mathbf x=(1,-1,1,-1,\dots)/3$. NumPy's solver fails on it as well.
# ```


# %%
def test_growth(A):
    A = np.asarray(A, dtype=float)
    n = len(A)
    assert A.shape == (n, n) and n <= 60 and np.abs(A).max() <= 1, (
        "at most 60 rows, entries at most 1"
    )
    assert np.linalg.cond(A, 1) < 100, "its condition is to blame, not the elimination"
    x = (-1.0) ** np.arange(n) / 3
    error = np.abs(solve(A, A @ x) - x).max() / np.abs(x).max()
    assert error > 0.01, "the solution is good"


my_matrix = np.eye(3)  # your answer
_ = try_answer(test_growth, my_matrix)

# %% [markdown]
# ```{solution-start} ex-systems-growth
# :class: dropdown
# ```
# Ones on the diagonal and in the last column, $-1$ below the diagonal (Wilkinson's example). Every multiplier is $-1$, no rows are exchanged, and in the last column each step adds the row above: $1,2,4,\dots,2^{n-1}$. With $n=60$ the last entries are beyond $10^{17}$, and everything else in that column is rounded away. Such growth is possible, and in seventy years of practice has hardly ever been met in a real problem.

# %%
n = 60
wilkinson = np.eye(n) - np.tril(np.ones((n, n)), -1)
wilkinson[:, -1] = 1
_ = try_answer(test_growth, wilkinson)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Heat in a rod
# :label: ex-systems-rod
#
# *build · difficulty 2 of 3 · 30 minutes*
#
# In a rod, each inner point's temperature is the mean of its neighbours' plus its share of heating: $-x_{i-1}+2x_i-x_{i+1}=h_i$, with ends at temperature 0. Most entries of this matrix are zero. Write `solve_rod(h)` in $O(n)$ time and memory, for an array of shape `(n,)`, without building the matrix; it must answer for $n=10^5$.
# ```


# %%
def test_rod(solve_rod):
    for n in (1, 2, 7):
        A = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
        h = rng.normal(size=n)
        assert np.allclose(solve_rod(h), solve(A, h)), "it must solve the same system"
    n = 100_000
    x = solve_rod(np.full(n, 1.0))
    i = np.arange(1, n + 1)
    assert np.allclose(x, i * (n + 1 - i) / 2, rtol=1e-6), (
        "even heating gives a parabola"
    )


def solve_rod(h):  # replace the body with your own, then run this cell again
    if len(h) > 1000:
        raise MemoryError("a full matrix of this size does not fit")
    n = len(h)
    return solve(2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1), h)


_ = try_answer(test_rod, solve_rod)

# %% [markdown]
# ```{solution-start} ex-systems-rod
# :class: dropdown
# ```
# Elimination only ever touches the next row: one multiplier and one pivot a step. The pivots are $2,\tfrac32,\tfrac43,\dots$, never small, so no exchange is needed.


# %%
def solve_rod_solution(h):
    n = len(h)
    pivot, y = np.empty(n), np.array(h, dtype=float)
    pivot[0] = 2.0
    for i in range(1, n):
        y[i] += y[i - 1] / pivot[i - 1]
        pivot[i] = 2 - 1 / pivot[i - 1]
    x = np.empty(n + 1)
    x[n] = 0.0
    for i in reversed(range(n)):
        x[i] = (y[i] + x[i + 1]) / pivot[i]
    return x[:n]


_ = try_answer(test_rod, solve_rod_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-systems-hilbert`, the same systems are solved in single precision, $u\approx6\cdot10^{-8}$. What changes?
#
# - (a) Only the residual rises
# - (b) Residual and error rise by about nine decades, until the error reaches 1
# - (c) Nothing: $\kappa$ is the same
# - (d) The error falls, since fewer digits can be wrong
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the error is $\kappa$ times it. (b) Yes: both are multiples of $u$; no digit is left from size 6 or so on. (c) $\kappa$ is the same, but it multiplies a larger $u$. (d) No: relative errors count, and they grow.
# ```
#
# **2.** Multiplying the first equation of a system by a million changes the solution not at all. What about partial pivoting?
#
# - (a) It makes the same choices
# - (b) The first row will be chosen as the first pivot, whether that is good or not
# - (c) The determinant stays the same
# - (d) The residual stays the same
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: it compares entries of different rows. (b) Yes: "largest" depends on the units of each equation, which is why equations should be scaled alike first. (c) No: it is multiplied by a million. (d) No: its first entry is.
# ```
#
# **3.** A determinant is $10^{-30}$. What follows?
#
# - (a) The matrix is singular
# - (b) The matrix is ill-conditioned
# - (c) Volumes shrink by this factor, and nothing else
# - (d) Solving loses 30 digits
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: it is not zero. (b) No: $10^{-3}\mathbf I$ in ten dimensions has it, with $\kappa=1$. (c) Yes. (d) No: that would be $\kappa=10^{30}$, another number.
# ```
#
# ## What to remember
#
# Elimination is a factorisation, and once factored every right-hand side is cheap. Exchange rows so that no multiplier exceeds one. The determinant is a volume; the condition number says how far error and residual can be apart, and $\log_{10}\kappa$ digits are lost before any solver begins. If $\kappa$ is too large, ask the question in another basis.
#
# Next: {doc}`04_eigenvalues_and_svd`, the directions that a matrix only stretches, from which $\kappa$ can be read off.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
