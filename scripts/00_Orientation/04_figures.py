# %% [markdown]
# # How the book draws
#
# Which choices make a figure readable on a grey printer, on a dark screen, and for the one man in twelve who
# does not see red and green as you do?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** the style sheet of the book and its helpers; a simulation of colour blindness; measures of contrast
# - **You need** {doc}`03_checks`; a first acquaintance with Matplotlib
# - **Checked against** the `colorspacious` library, the definitions of WCAG 2 and CIE 1976
# - **Time** 25 minutes to read, 25 to code
# - **Data** digits (1,797 × 8 × 8), scikit-learn, BSD-3
# ````

# %%
from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from colorspacious import cspace_convert
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from sklearn.datasets import load_digits

from journey.orientation.checks import check_close, claim, try_answer

# %% [markdown]
# ## The red line is gone
#
# Six lines in Matplotlib's first six default colours. On the left as drawn, on the right as a grey printer
# gives them back. Which line is which?

# %%
DEFAULT = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b"]
days = np.arange(0, 30)


def six_lines(axes, colors, dashes=("-",) * 6, markers=("",) * 6):
    for n, (color, dash, marker) in enumerate(zip(colors, dashes, markers)):
        curve = np.sin(days / 6 + n) + 0.45 * n
        axes.plot(
            days,
            curve,
            color=color,
            linestyle=dash,
            marker=marker,
            markevery=(2 + n, 9),
            lw=2,
            ms=5,
        )
    axes.set(xticks=[], yticks=[])


# %% mystnb={"figure": {"caption": "The default colours were chosen for hue. Without hue, several of them are the same grey.", "name": "fig-figures-default"}, "image": {"alt": "Two panels with six wavy lines. On the left in six colours, on the right in grey: the blue and the red line cannot be told apart."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 2, figsize=(7.2, 2.8), dpi=130, layout="constrained")
light = ((np.array([to_rgb(color) for color in DEFAULT]) + 0.055) / 1.055) ** 2.4 @ [
    0.2126,
    0.7152,
    0.0722,
]
greys = [
    str(grey) for grey in 1.055 * light ** (1 / 2.4) - 0.055
]  # these two lines are explained below
for axes, paints, title in zip(
    panels, (DEFAULT, greys), ("as drawn", "as printed in grey")
):
    six_lines(axes, paints)
    axes.set_title(title, loc="left", fontsize=11)
plt.show()

# %% [markdown]
# ## Predict
#
# 1. Two of the six default colours have the same lightness. Which two: blue and orange, blue and red, or green and purple?
# 2. The rainbow map `jet` runs from dark blue to dark red. How often does its lightness turn around on the way?
# 3. Can six colours be chosen so well that lines need no second mark (a dash, a marker, a label), on any printer and for any eye?
#
# ## What an eye measures
#
# A colour on a screen is three numbers $(R,G,B)$ between 0 and 1, but they are not amounts of light. They are *encoded*: the light $l$ that the
# screen emits for an encoded value $c$ is
#
# $$
# l(c) = \begin{cases} c/12.92 & c\le0.04045\\ \big((c+0.055)/1.055\big)^{2.4} & \text{else.}\end{cases}
# $$ (eq-figures-linear)
#
# Take $c=0.5$: the light is $0.214$, not one half. Averages, greys and simulations are right only in $l$; that is the commonest mistake in
# colour arithmetic. The eye's three receptors differ in sensitivity, so that the *luminance* is a weighted sum,
# and perceived *lightness* grows like its cube root (CIE 1976):
#
# $$
# Y = 0.2126\,l(R)+0.7152\,l(G)+0.0722\,l(B), \qquad L^* = 116\,Y^{1/3}-16 \quad (Y>0.0089).
# $$ (eq-figures-lightness)
#
# A grey printer keeps $Y$ and throws the rest away, so that two colours can be told apart in grey exactly as far as their $L^*$ differ.


# %% tags=["export"]
def decode(rgb: ArrayLike) -> np.ndarray:
    """Light emitted for encoded sRGB values between 0 and 1 (any shape), equation eq-figures-linear."""
    c = np.asarray(rgb, dtype=float)
    if c.size and not (np.nanmin(c) >= 0 and np.nanmax(c) <= 1):
        raise ValueError(
            f"sRGB values lie between 0 and 1, got {np.nanmin(c):g} to {np.nanmax(c):g}"
        )
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def encode(light: ArrayLike) -> np.ndarray:
    """Encoded sRGB values for amounts of light, the inverse of ``decode``; clipped to what a screen shows."""
    l = np.clip(np.asarray(light, dtype=float), 0, 1)
    return np.where(l <= 0.0031308, 12.92 * l, 1.055 * l ** (1 / 2.4) - 0.055)


def luminance(rgb: ArrayLike) -> np.ndarray:
    """Relative luminance Y between 0 and 1 of sRGB colours (..., 3), equation eq-figures-lightness."""
    return decode(rgb) @ np.array([0.2126, 0.7152, 0.0722])


def lightness(rgb: ArrayLike) -> np.ndarray:
    """CIE 1976 lightness between 0 (black) and 100 (white) of sRGB colours of shape (..., 3)."""
    y = luminance(rgb)
    return np.where(y > (6 / 29) ** 3, 116 * np.cbrt(y) - 16, y * (29 / 3) ** 3)


# %% [markdown]
# The hand example, then the answer to the picture above: the lightness of each default colour.

# %%
claim("figures-light-of-half", decode(0.5), equal_to=0.214, tolerance=0.0005)
default_lightness = lightness([to_rgb(color) for color in DEFAULT])
print(
    dict(
        zip(
            ["blue", "orange", "green", "red", "purple", "brown"],
            default_lightness.round(1).tolist(),
        )
    )
)
claim(
    "figures-default-blue-minus-red-lightness",
    default_lightness[0] - default_lightness[3],
    within=(0, 2),
)

# %% [markdown]
# Prediction 1: blue and red. A difference of about 2 in $L^*$ is the least that a trained eye notices between large areas side by side; on thin
# lines that do not touch, nobody does.
#
# ## Seeing with other eyes
#
# About one man in twelve, and one woman in two hundred, lacks one type of colour receptor or has one that is shifted. What remains of a colour can
# be computed: in *linear light* it is a matrix, published for each type by {cite:t}`machado2009physiologically`. Deuteranopia, without the receptor for
# medium wavelengths, is the commonest:
#
# $$
# \begin{pmatrix}R'\\G'\\B'\end{pmatrix}=
# \begin{pmatrix}0.367&0.861&-0.228\\0.280&0.673&0.047\\-0.012&0.043&0.969\end{pmatrix}
# \begin{pmatrix}R\\G\\B\end{pmatrix}.
# $$ (eq-figures-machado)
#
# The first two rows are nearly proportional: red and green arrive as almost the same number, which is the whole disability in one look at a
# matrix. The rows sum to 1, so that grey stays grey.

# %% tags=["export"]
VISION = {
    "grey": [[0.2126, 0.7152, 0.0722]] * 3,
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}


def simulate(rgb: ArrayLike, vision: str) -> np.ndarray:
    """Show sRGB colours as they look in grey or to an eye that lacks one receptor.

    Parameters
    ----------
    rgb : array_like of shape (..., 3)
        Between 0 and 1; a picture or a list of colours.
    vision : {"grey", "protanopia", "deuteranopia", "tritanopia"}

    Returns
    -------
    ndarray of the same shape

    References
    ----------
    Machado, Oliveira & Fernandes (2009), matrices of severity 1.0.
    """
    if vision not in VISION:
        raise ValueError(f"vision must be one of {', '.join(VISION)}, got {vision!r}")
    return encode(decode(rgb) @ np.array(VISION[vision]).T)


# %% [markdown]
# Is it right? The library `colorspacious` implements the same model. On 500 random colours:

# %%
rng = np.random.default_rng(0)
colors = rng.random((500, 3))
for vision in ("protanopia", "deuteranopia", "tritanopia"):
    space = {
        "name": "sRGB1+CVD",
        "cvd_type": vision.replace("opia", "omaly"),
        "severity": 100,
    }
    theirs = np.clip(cspace_convert(colors, space, "sRGB1"), 0, 1)
    claim(
        f"figures-{vision}-deviation",
        check_close(simulate(colors, vision), theirs, atol=1e-6),
        at_most=1e-6,
    )
theirs = cspace_convert(colors, "sRGB1", "CIELab")[:, 0]
claim(
    "figures-lightness-deviation",
    check_close(lightness(colors), theirs, atol=0.05),
    at_most=0.05,
)

# %% [markdown]
# What goes wrong if the matrix is applied to encoded values, without {eq}`eq-figures-linear`? A saturated green shows it:

# %%
green = np.array([0.0, 0.6, 0.1])
shortcut = np.clip(green @ np.array(VISION["grey"]).T, 0, 1)
error = lightness(shortcut) - lightness(simulate(green, "grey"))
claim("figures-shortcut-lightness-error", error, within=(-15, -5))

# %% [markdown]
# The shortcut prints this green much too dark, by some eight steps of lightness where two can be seen.
#
# ## A palette, measured
#
# How far apart are two colours? In the space CIELAB, distance is roughly perceived difference, and 2 is roughly one just
# noticeable step. For a palette, what counts is its *worst pair*, under each kind of vision.


# %%
def worst_pair(palette, vision=None):
    rgb = np.array([to_rgb(color) for color in palette])
    seen = rgb if vision is None else simulate(rgb, vision)
    lab = cspace_convert(seen, "sRGB1", "CIELab")
    distance = np.linalg.norm(lab[:, None] - lab[None], axis=-1)  # (n, n)
    return float(distance[np.triu_indices(len(lab), 1)].min())


# %% [markdown]
# The book's colours. Blue, orange, green and sky follow {cite:t}`okabe2008color`; purple and ink are darkened, and the order is chosen so
# that the first four differ most without hue.

# %% tags=["export"]
COLORS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "purple": "#7A1F4B",
    "green": "#119E78",
    "sky": "#8CCBF0",
    "red": "#D55E00",
    "ink": "#1C2833",
    "gray": "#7A8590",
    "light": "#DDE2E7",
}
CYCLE = [COLORS[name] for name in ("blue", "orange", "purple", "green", "ink", "sky")]
DASHES = [
    "-",
    (0, (6, 2)),
    (0, (1, 1.2)),
    (0, (6, 1.5, 1, 1.5)),
    (0, (10, 3)),
    (0, (3, 1)),
]
MARKERS = ["o", "s", "^", "D", "v", "P"]
SEQUENTIAL, DIVERGING = "cividis", "PuOr_r"

# %%
kinds = [None, "grey", "protanopia", "deuteranopia", "tritanopia"]
palettes = {"default, six": DEFAULT, "book, six": CYCLE, "book, four": CYCLE[:4]}
worst = {
    name: [worst_pair(palette, kind) for kind in kinds]
    for name, palette in palettes.items()
}
for name, values in worst.items():
    print(
        f"{name:13}",
        "  ".join(
            f"{kind or 'full'} {value:.1f}" for kind, value in zip(kinds, values)
        ),
    )

# %% mystnb={"figure": {"caption": "The distance between the two most similar colours of a palette, under five kinds of vision. The default palette collapses in grey; the book's keeps its distance, but six colours can never keep much.", "name": "fig-figures-worst"}, "image": {"alt": "Dot plot with five rows, one for each kind of vision, and three markers a row. In grey the default palette lies at 1, the six book colours at 8, the first four at 12."}} tags=["hide-input"]
use_looks = {
    "default, six": ("s", COLORS["gray"]),
    "book, six": ("o", COLORS["blue"]),
    "book, four": ("D", COLORS["ink"]),
}
figure, axes = plt.subplots(figsize=(7.2, 3.0), dpi=130, layout="constrained")
rows = ["full colour", "grey", "protanopia", "deuteranopia", "tritanopia"]
for name, (marker, color) in use_looks.items():
    axes.plot(
        worst[name],
        range(5),
        marker,
        color=color,
        ms=8,
        mfc="white" if marker == "s" else color,
        mew=1.8,
        label=name,
    )
axes.axvline(2, color=COLORS["red"], ls=":", lw=1.5)
axes.annotate("just noticeable", (2, 4.42), (3.2, 4.42), va="center", fontsize=9)
axes.set_yticks(range(5), rows)
axes.invert_yaxis()
axes.set(
    xlabel="distance of the two most similar colours (CIELAB)",
    xlim=(0, 65),
    ylim=(4.7, -0.5),
)
axes.grid(axis="x", color=COLORS["light"])
axes.set_axisbelow(True)
axes.spines[["top", "right", "left"]].set_visible(False)
axes.legend(frameon=False, loc="lower right")
axes.set_title(
    "In grey, two default colours are one", loc="left", fontweight="bold", fontsize=11.5
)
plt.show()

# %%
claim("figures-default-worst-pair-grey", worst["default, six"][1], at_most=2)
claim("figures-book-worst-pair-grey", worst["book, six"][1], at_least=7)
claim("figures-book-four-worst-pair", min(worst["book, four"]), at_least=11)
best_possible = 100 / 5
claim(
    "figures-six-colours-share-of-possible",
    worst["book, six"][1] / best_possible,
    within=(0.3, 0.6),
)

# %% [markdown]
# Prediction 3: no. In grey only $L^*$ is left, between 0 and 100, so six colours are at best 20 apart, and then one of them is
# white paper. That is why every line of this book has a dash, every point a marker, and most a label at its end: colour is the second
# channel, never the only one.
#
# ### Colour maps turn around
#
# A map for ordered data must grow in lightness, or larger values look smaller. Count the turns:

# %% mystnb={"figure": {"caption": "Lightness along three colour maps. The rainbow jet rises and falls: it draws edges where the data have none. Cividis, the book's map, rises evenly.", "name": "fig-figures-maps"}, "image": {"alt": "Three curves of lightness against position in the map. Cividis is a straight rising line, viridis too, jet rises to a plateau, dips, and falls steeply."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.0), dpi=130, layout="constrained")
position = np.linspace(0, 1, 256)
for name, dash, color in (
    ("jet", "--", COLORS["red"]),
    ("viridis", ":", COLORS["green"]),
    ("cividis", "-", COLORS["blue"]),
):
    curve = lightness(mpl.colormaps[name](position)[:, :3])
    axes.plot(position, curve, dash, color=color, lw=2)
    shift = {"jet": 0, "viridis": -4, "cividis": 4}[name]
    axes.annotate(
        name,
        (1.02, curve[-1] + shift),
        color=COLORS["ink"],
        va="center",
        annotation_clip=False,
    )
axes.set(
    xlabel="position in the map", ylabel="lightness $L^*$", xlim=(0, 1), ylim=(0, 100)
)
axes.grid(color=COLORS["light"])
axes.set_axisbelow(True)
axes.spines[["top", "right"]].set_visible(False)
axes.set_title(
    "A rainbow goes up and down", loc="left", fontweight="bold", fontsize=11.5
)
plt.show()


# %%
def turns(name):
    steps = np.diff(lightness(mpl.colormaps[name](np.linspace(0, 1, 256))[:, :3]))
    signs = np.sign(steps[np.abs(steps) > 1e-9])
    return int((np.diff(signs) != 0).sum())


claim("figures-turns-of-jet", turns("jet"), at_least=2)
claim("figures-turns-of-cividis", turns(SEQUENTIAL), equal_to=0)

# %% [markdown]
# Prediction 2: it turns several times, and its two ends are both dark. The field has known this for long {cite:p}`crameri2020misuse`.
#
# ## Text needs contrast
#
# Orange lines are easily seen; orange *letters* are not. The accessibility guidelines WCAG 2 define the contrast of two colours by their luminances,
#
# $$
# C = \frac{Y_\text{lighter}+0.05}{Y_\text{darker}+0.05},
# $$ (eq-figures-contrast)
#
# from 1 to 21, and ask for at least 4.5 for text. The helper `readable` darkens a colour, keeping its hue, until it is reached.


# %% tags=["export"]
def contrast(first: str, second: str) -> float:
    """Contrast ratio of two Matplotlib colours by WCAG 2, between 1 and 21, equation eq-figures-contrast."""
    low, high = sorted(float(luminance(to_rgb(color))) for color in (first, second))
    return (high + 0.05) / (low + 0.05)


def readable(color: str, *, ratio: float = 4.5) -> str:
    """Darken a colour until text in it can be read on white paper.

    Parameters
    ----------
    color : str
        Any Matplotlib colour.
    ratio : float
        The contrast to reach, between 1 and 21.
    """
    if not 1 <= ratio <= 21:
        raise ValueError(f"a contrast ratio lies between 1 and 21, got {ratio:g}")
    light = decode(to_rgb(color))
    allowed = (
        1.05 / ratio - 0.05
    )  # the luminance that gives the ratio against white, whose luminance is 1
    scale = min(1.0, allowed / max(float(luminance(to_rgb(color))), 1e-12))
    dark = (
        np.floor(encode(light * scale) * 255) / 255
    )  # rounding down never loses contrast
    return color if scale == 1.0 else to_hex(dark)


# %%
claim(
    "figures-contrast-black-white",
    contrast("black", "white"),
    equal_to=21,
    tolerance=1e-9,
)
claim("figures-contrast-orange", contrast(COLORS["orange"], "white"), at_most=2.5)
claim(
    "figures-contrast-readable",
    min(contrast(readable(color), "white") for color in CYCLE),
    at_least=4.5,
)

# %% [markdown]
# ## The style sheet and its helpers
#
# All of it in one place: lines that differ in dash as well as in colour, titles at the left that say the answer, a faint grid *behind* the data, no
# frame that encloses nothing.


# %% tags=["export"]
def use_journey_style() -> None:
    """Set the style sheet of the book for every figure drawn from now on."""
    plt.rcParams.update(
        {
            "figure.figsize": (7.2, 3.6),
            "figure.dpi": 130,
            "figure.constrained_layout.use": True,
            "savefig.dpi": "figure",
            "font.size": 10.5,
            "mathtext.fontset": "dejavusans",
            "axes.titlesize": 11.5,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.titlepad": 9,
            "axes.titlecolor": COLORS["ink"],
            "axes.labelcolor": COLORS["ink"],
            "axes.edgecolor": COLORS["gray"],
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.grid": True,
            "axes.prop_cycle": cycler(color=CYCLE, linestyle=DASHES),
            "grid.color": COLORS["light"],
            "grid.linewidth": 0.7,
            "xtick.color": COLORS["ink"],
            "ytick.color": COLORS["ink"],
            "xtick.labelsize": 9.5,
            "ytick.labelsize": 9.5,
            "text.color": COLORS["ink"],
            "legend.frameon": False,
            "legend.fontsize": 9.5,
            "lines.linewidth": 2.0,
            "lines.markersize": 5.5,
            "image.cmap": SEQUENTIAL,
            "image.interpolation": "nearest",
        }
    )


# %% [markdown]
# Three helpers serve many pages: labels at the ends of lines instead of a legend, arrows for vectors, and a grid of small pictures on one scale.


# %% tags=["export"]
def label_lines(axes: Axes, *, pad: float = 6) -> None:
    """Write each line's label at its right end, in its colour (darkened where needed), instead of a legend.

    Parameters
    ----------
    axes : Axes
        Its lines' labels are used; a label that begins with "_" is left out.
    pad : float
        Distance from the end of the line, in points.
    """
    for line in axes.get_lines():
        label = str(line.get_label())
        x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
        finite = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        if label.startswith("_") or not finite.size:
            continue
        end = finite[-1]
        axes.annotate(
            label,
            (x[end], y[end]),
            xytext=(pad, 0),
            textcoords="offset points",
            va="center",
            color=readable(to_hex(line.get_color())),
            annotation_clip=False,
        )


# %% tags=["export"]
def draw_vectors(
    axes: Axes,
    vectors: ArrayLike,
    *,
    labels: Sequence[str] | None = None,
    colors: Sequence[str] | None = None,
    origin: ArrayLike = (0.0, 0.0),
) -> None:
    """Draw vectors of the plane as arrows, each with its label beside its tip.

    Parameters
    ----------
    axes : Axes
    vectors : array_like of shape (n, 2) or (2,)
    labels, colors : sequence of n str, optional
    origin : array_like of shape (2,) or (n, 2)
        Where the arrows begin.

    Raises
    ------
    ValueError
        If the vectors are not of the plane, or labels or colours are not one for each.
    """
    arrows = np.atleast_2d(np.asarray(vectors, dtype=float))
    if arrows.ndim != 2 or arrows.shape[1] != 2:
        raise ValueError(f"vectors must have shape (n, 2), got {np.shape(vectors)}")
    starts = np.broadcast_to(np.asarray(origin, dtype=float), arrows.shape)
    names = [""] * len(arrows) if labels is None else list(labels)
    paints = (
        [CYCLE[n % len(CYCLE)] for n in range(len(arrows))]
        if colors is None
        else list(colors)
    )
    if len(names) != len(arrows) or len(paints) != len(arrows):
        raise ValueError(
            f"need one label and one colour for each of {len(arrows)} vectors"
        )
    for start, arrow, name, paint in zip(starts, arrows, names, paints):
        tip = start + arrow
        axes.annotate(
            "",
            tip,
            start,
            arrowprops={
                "arrowstyle": "-|>",
                "color": paint,
                "lw": 2,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
        side = arrow / max(float(np.linalg.norm(arrow)), 1e-12)
        axes.annotate(
            name,
            tip,
            xytext=9 * side,
            textcoords="offset points",
            ha="center",
            va="center",
            color=paint,
        )
    corners = np.vstack([starts, starts + arrows])
    axes.update_datalim(corners)
    axes.autoscale_view()


# %% tags=["export"]
def show_images(
    images: ArrayLike,
    titles: Sequence[str] | None = None,
    *,
    n_columns: int = 8,
    cmap: str = "gray_r",
    size: float = 0.95,
) -> Figure:
    """Draw a grid of small pictures on one common grey scale.

    Parameters
    ----------
    images : array_like of shape (n, height, width) or (n, height, width, 3)
    titles : sequence of n str, optional
    n_columns : int
    cmap : str
        Colour map for pictures of one channel.
    size : float
        Width of one picture in inches.

    Raises
    ------
    ValueError
        If there is no picture, or titles are not one for each.
    """
    pictures = np.asarray(images)
    if pictures.ndim not in (3, 4) or not len(pictures):
        raise ValueError(
            f"images must have shape (n, height, width[, 3]) with n > 0, got {pictures.shape}"
        )
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(
            f"need one title for each of {len(pictures)} images, got {len(titles)}"
        )
    n_columns = min(n_columns, len(pictures))
    n_rows = -(-len(pictures) // n_columns)
    height = size * pictures.shape[1] / pictures.shape[2] + (
        0.3 if titles is not None else 0.05
    )
    figure, grid = plt.subplots(
        n_rows, n_columns, figsize=(size * n_columns, height * n_rows), squeeze=False
    )
    for axes in grid.flat:
        axes.axis("off")
    for n, (axes, picture) in enumerate(zip(grid.flat, pictures)):
        axes.imshow(picture, cmap=cmap, vmin=pictures.min(), vmax=pictures.max())
        if titles is not None:
            axes.set_title(
                titles[n], fontsize=9, fontweight="normal", loc="center", pad=3
            )
    return figure


# %% [markdown]
# The opening figure again, with the style. Every line is found in every panel.

# %%
use_journey_style()

# %% mystnb={"figure": {"caption": "The same six lines with dashes, markers and the book's palette: in full colour, in grey, and with deuteranopia. Nothing is lost, because colour was never alone.", "name": "fig-figures-book"}, "image": {"alt": "Three panels with six wavy lines that differ in dash and marker: coloured, grey, and in blue and ochre as a deuteranope sees them. All six can be followed in each."}} tags=["hide-input"]
figure, panels = plt.subplots(1, 3, figsize=(7.2, 2.7))
book = np.array([to_rgb(color) for color in CYCLE])
for axes, vision in zip(panels, (None, "grey", "deuteranopia")):
    six_lines(axes, book if vision is None else simulate(book, vision), DASHES, MARKERS)
    axes.set_title(vision or "full colour")
plt.show()

# %% mystnb={"figure": {"caption": "What show_images gives: sixteen digits on one grey scale, with their labels.", "name": "fig-figures-digits"}, "image": {"alt": "Two rows of eight handwritten digits, eight by eight pixels each, titled with their labels 0 to 9."}}
digits = load_digits()
figure = show_images(
    digits.images[:16], titles=[str(label) for label in digits.target[:16]]
)
plt.show()

# %% [markdown]
# ### When the grid of pictures misleads
#
# `show_images` uses one scale for all pictures. Many tools stretch each picture to its own darkest and brightest value, and then an almost empty
# picture looks as rich as a full one. Compare a digit with the same digit at one per cent of its contrast:

# %%
faint = digits.images[0] * 0.01
stretched = (faint - faint.min()) / (faint.max() - faint.min())
original = digits.images[0] / digits.images[0].max()
claim(
    "figures-stretched-faint-equals-original",
    check_close(stretched, original, atol=1e-12),
    at_most=1e-12,
)

# %% [markdown]
# After stretching they are *identical*: the picture no longer says that one is a hundred times fainter. Stretching is right for looking at
# shapes, wrong for comparing amounts.
#
# ## In practice
#
# | need | use |
# |---|---|
# | a style for a whole project | `matplotlib.style.use` with a `.mplstyle` file, or `rcParams` as here |
# | categories | `seaborn.color_palette("colorblind")`, Okabe–Ito; at most four, with dashes or markers |
# | ordered values | `cividis`, `viridis`; for deviations from a middle `PuOr`, with the middle at the meaningful zero |
# | check a figure | `simulate` on the saved picture, `colorspacious`; print it in grey |
#
# | what people believe | what exposes it |
# |---|---|
# | Ten colours make ten lines distinguishable. | {numref}`fig-figures-worst`, row "grey" |
# | A brighter map shows more. | {numref}`fig-figures-maps`: more edges, not more data |
# | Grey is the average of R, G and B. | the shortcut above, some eight steps of lightness off |
# | A legend explains the lines. | it makes the eye travel; a label at the line does not |
#
# ## Exercises
#
# ```{exercise} Contrast by hand
# :label: ex-figures-contrast
#
# *check · difficulty 1 of 3 · 5 minutes*
#
# A grey has luminance $Y=0.2$. What is its contrast {eq}`eq-figures-contrast` on white ($Y=1$) and on black ($Y=0$)? Answer as a tuple, two decimals.
# ```


# %%
def test_contrast(answer):
    on_white, on_black = answer
    assert abs(on_white - 4.2) < 0.005, "the 0.05 is added to both luminances"
    assert abs(on_black - 5.0) < 0.005, "the lighter colour stands above"


my_contrast = None  # your answer: (on white, on black)
_ = try_answer(test_contrast, my_contrast)

# %% [markdown]
# ```{solution-start} ex-figures-contrast
# :class: dropdown
# ```
# On white $1.05/0.25=4.2$, on black $0.25/0.05=5$. Although this grey emits only a fifth of white's light, it reads *better* on black: the scale is one of ratios, and its middle lies at
# $Y=\sqrt{1.05\cdot0.05}-0.05\approx0.179$.

# %%
_ = try_answer(test_contrast, (1.05 / 0.25, 0.25 / 0.05))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Black or white on this?
# :label: ex-figures-ink
#
# *extend · difficulty 1 of 3 · 10 minutes*
#
# Numbers are to be written into the cells of a heat map. Write `ink_on(color)` that returns `"black"` or `"white"`, whichever has the larger contrast on the
# Matplotlib colour `color`; `"black"` if they are equal.
# ```


# %%
def test_ink_on(ink_on):
    assert ink_on("#000080") == "white", "navy is dark"
    assert ink_on("#00E000") == "black", "green carries most of the luminance"
    assert ink_on("#808080") == "black", (
        "middle grey has a luminance of 0.216, above the middle of the ratios"
    )
    assert ink_on("0.4") == "white", "the encoded 0.4 is only 0.133 of the light"


def ink_on(color):  # replace the body with your own, then run this cell again
    return "white" if np.mean(to_rgb(color)) < 0.5 else "black"


_ = try_answer(test_ink_on, ink_on)

# %% [markdown]
# ```{solution-start} ex-figures-ink
# :class: dropdown
# ```
# The mean of the encoded values, as in the stub, treats blue like green and encoded values like light. The contrast does neither.


# %%
def ink_on_solution(color):
    return "black" if contrast(color, "black") >= contrast(color, "white") else "white"


_ = try_answer(test_ink_on, ink_on_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Two colours that become one
# :label: ex-figures-metamers
#
# *break · difficulty 3 of 3 · 25 minutes*
#
# Find two colours, as a pair of hex strings, whose distance in CIELAB is more than 70 for full colour vision and less than 3 under deuteranopia. Searching is allowed; thinking about the
# matrix {eq}`eq-figures-machado` is faster.
# ```


# %%
def test_metamers(pair):
    assert worst_pair(pair) > 70, "they are not different enough to begin with"
    assert worst_pair(pair, "deuteranopia") < 3, "a deuteranope still sees a difference"


my_pair = ("#d62728", "#2ca02c")  # your answer
_ = try_answer(test_metamers, my_pair)

# %% [markdown]
# ```{solution-start} ex-figures-metamers
# :class: dropdown
# ```
# The matrix has nearly lost one direction: its singular vector of the smallest singular value. Start from a middle colour in linear light and go as far as the screen allows in both
# senses of that direction; the simulation hardly moves. {doc}`../01_Mathematics/index` builds the singular value decomposition.

# %%
direction = np.linalg.svd(np.array(VISION["deuteranopia"]))[2][
    -1
]  # (3,): what a deuteranope cannot see
middle = np.array([0.26, 0.26, 0.2])
reach = 0.98 * min(value / abs(slope) for value, slope in zip(middle, direction))
pair = [to_hex(encode(middle + sign * reach * direction)) for sign in (-1, 1)]
print(pair, round(worst_pair(pair)), round(worst_pair(pair, "deuteranopia"), 1))
_ = try_answer(test_metamers, pair)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A palette of your own
# :label: ex-figures-palette
#
# *build · difficulty 2 of 3 · 25 minutes*
#
# Write `greedy_palette(candidates, n)`: from a list of hex colours choose `n`, beginning with the first, always adding the candidate whose smallest distance (over all five `kinds` of vision, by
# `worst_pair` of two colours) to those already chosen is largest. Return a list of `n` strings; raise `ValueError` if there are too few candidates.
# ```


# %%
def test_greedy(greedy_palette):
    candidates = [
        "#0072B2",
        "#1f77b4",
        "#d62728",
        "#E69F00",
        "#1C2833",
        "#2ca02c",
        "#8CCBF0",
    ]
    chosen = greedy_palette(candidates, 4)
    assert chosen[0] == "#0072B2" and len(set(chosen)) == 4, (
        "begin with the first, and choose no colour twice"
    )
    assert "#1f77b4" not in chosen, "almost the same blue was chosen"
    assert min(worst_pair(chosen, kind) for kind in kinds) > 9, (
        "some eye confuses two of them"
    )
    try:
        greedy_palette(candidates, 8)
    except ValueError:
        return
    raise AssertionError("eight colours from seven candidates must raise ValueError")


def greedy_palette(
    candidates, n
):  # replace the body with your own, then run this cell again
    return candidates[:n]


_ = try_answer(test_greedy, greedy_palette)

# %% [markdown]
# ```{solution-start} ex-figures-palette
# :class: dropdown
# ```
# Greedy choice is not optimal, but it never adds a colour that collides while a better one is left.


# %%
def greedy_palette_solution(candidates, n):
    if n > len(candidates):
        raise ValueError(f"{n} colours wanted, {len(candidates)} candidates given")

    def nearest(color, chosen):
        return min(
            worst_pair([color, other], kind) for other in chosen for kind in kinds
        )

    chosen = [candidates[0]]
    while len(chosen) < n:
        rest = [color for color in candidates if color not in chosen]
        chosen.append(max(rest, key=lambda color: nearest(color, chosen)))
    return chosen


_ = try_answer(test_greedy, greedy_palette_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-figures-maps`, a heat map in `jet` shows a bright ring around a maximum. What may the data be doing there?
#
# (a) They have a ridge. (b) They rise smoothly through the middle of the range. (c) They are missing. (d) They are noisy.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** The lightness of `jet` peaks in the middle of the map, so every smooth slope through the middle values gets a bright ring. (a) is what the ring *suggests*, wrongly. (c) is drawn by the colour for bad
# values, if one was set. (d) would give speckles, not a ring.
# ```
#
# **2.** A figure uses four of the book's colours for four lines, and no dashes. For whom does it fail?
#
# (a) For nobody. (b) For readers with deuteranopia. (c) For a poor grey printer. (d) For everybody.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** By {numref}`fig-figures-worst` the worst pair of the four is about a dozen apart in grey: visible on a good print, at risk on a poor one. (b) is the case that the palette was chosen for, and its distance
# there is larger. (a) forgets the printer, (d) everything else.
# ```
#
# **3.** Why does `simulate` decode before it multiplies?
#
# (a) For speed. (b) Because encoded values are not amounts of light, and only light adds. (c) Because the matrix has negative entries. (d) To avoid clipping.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Receptors sum light; the encoding {eq}`eq-figures-linear` is a power law, and sums do not pass through a power law. (a) is the reverse: it takes time. (c) is true of the matrix and beside the point. (d) clipping is still needed,
# since some colours seen by one eye do not exist on a screen.
# ```
#
# ## What to remember
#
# Colour is the second channel: whatever it says must also be said by position, dash, marker or label. Lightness is what survives a printer, and it is computed from light, not from encoded values. A palette is as good as its worst pair
# under the worst vision, and that can be measured. Text needs a contrast of 4.5. A figure's title says the answer.
#
# Next: {doc}`05_datasets`, the data of the book.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
