"""How the book draws.

Built in the page `scripts/00_Orientation/04_figures.py`: edit the page, not this file.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

__all__ = [
    "COLORS",
    "CYCLE",
    "DASHES",
    "DIVERGING",
    "MARKERS",
    "SEQUENTIAL",
    "VISION",
    "contrast",
    "decode",
    "draw_vectors",
    "encode",
    "label_lines",
    "lightness",
    "luminance",
    "readable",
    "show_images",
    "simulate",
    "use_journey_style",
]


def decode(rgb: ArrayLike) -> np.ndarray:
    """Light emitted for encoded sRGB values between 0 and 1 (any shape), equation eq-figures-linear."""
    c = np.asarray(rgb, dtype=float)
    if c.size and not (np.nanmin(c) >= 0 and np.nanmax(c) <= 1):
        raise ValueError(f"sRGB values lie between 0 and 1, got {np.nanmin(c):g} to {np.nanmax(c):g}")
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
    allowed = 1.05 / ratio - 0.05  # the luminance that gives the ratio against white, whose luminance is 1
    scale = min(1.0, allowed / max(float(luminance(to_rgb(color))), 1e-12))
    dark = np.floor(encode(light * scale) * 255) / 255  # rounding down never loses contrast
    return color if scale == 1.0 else to_hex(dark)


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
    paints = [CYCLE[n % len(CYCLE)] for n in range(len(arrows))] if colors is None else list(colors)
    if len(names) != len(arrows) or len(paints) != len(arrows):
        raise ValueError(f"need one label and one colour for each of {len(arrows)} vectors")
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
        raise ValueError(f"images must have shape (n, height, width[, 3]) with n > 0, got {pictures.shape}")
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"need one title for each of {len(pictures)} images, got {len(titles)}")
    n_columns = min(n_columns, len(pictures))
    n_rows = -(-len(pictures) // n_columns)
    height = size * pictures.shape[1] / pictures.shape[2] + (0.3 if titles is not None else 0.05)
    figure, grid = plt.subplots(n_rows, n_columns, figsize=(size * n_columns, height * n_rows), squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for n, (axes, picture) in enumerate(zip(grid.flat, pictures)):
        axes.imshow(picture, cmap=cmap, vmin=pictures.min(), vmax=pictures.max())
        if titles is not None:
            axes.set_title(titles[n], fontsize=9, fontweight="normal", loc="center", pad=3)
    return figure


# seal: 27fa7ca1eee57bb8
