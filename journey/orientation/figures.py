"""How the book draws.

Built in the page `scripts/00_Orientation/04_figures.py`: edit the page, not this file.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

__all__ = [
    "COLORS",
    "CYCLE",
    "DASHES",
    "DIVERGING",
    "MARKERS",
    "SEQUENTIAL",
    "draw_vectors",
    "label_lines",
    "show_images",
    "use_journey_style",
]

# Okabe and Ito's palette, ordered so that neighbours differ in lightness as well as in hue.
COLORS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "sky": "#56B4E9",
    "purple": "#A8578A",
    "ink": "#22303C",
    "gray": "#8A949E",
    "light": "#DDE2E7",
}
CYCLE = [COLORS[name] for name in ("blue", "orange", "red", "sky", "green", "purple")]
DASHES = ["-", (0, (6, 2)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (10, 3)), (0, (3, 1))]
MARKERS = ["o", "s", "^", "D", "v", "P"]
SEQUENTIAL, DIVERGING = "cividis", "PuOr_r"


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
    """Write each line's label at its right end, in its colour, instead of a legend.

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
            color=line.get_color(),
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
            arrowprops={"arrowstyle": "-|>", "color": paint, "lw": 2, "shrinkA": 0, "shrinkB": 0},
        )
        side = arrow / max(float(np.linalg.norm(arrow)), 1e-12)
        axes.annotate(
            name, tip, xytext=9 * side, textcoords="offset points", ha="center", va="center", color=paint
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

# seal: af72a544c1420d3b
