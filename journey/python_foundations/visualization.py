"""Visualization.

Built in the page `scripts/02_Python_Foundations/08_visualization.py`: edit the page, not this file.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb, to_rgba
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import ArrayLike

from journey.orientation.figures import VISION, contrast, decode, simulate

__all__ = [
    "CHECKS",
    "NOTICEABLE",
    "Finding",
    "check_figure",
    "data_to_pixels",
    "judgement_error",
    "lie_factor",
    "nice_ticks",
    "to_lab",
]


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
        raise ValueError(f"need points (n, 2) and limits (2, 2), got {where.shape} and {view.shape}")
    columns = [_straighten(where[:, k], scales[k]) for k in (0, 1)]
    (x0, x1), (y0, y1) = (_straighten(view[k], scales[k]) for k in (0, 1))
    if not (np.isfinite(view).all() and x0 != x1 and y0 != y1):
        raise ValueError(f"limits must be finite and differ, got {view.tolist()}")
    to_axes = _affine((1 / (x1 - x0), 1 / (y1 - y0)), (-x0 / (x1 - x0), -y0 / (y1 - y0)))
    to_figure = _affine((box[2], box[3]), (box[0], box[1]))
    to_canvas = _affine((canvas[0], canvas[1]), (0, 0))
    homogeneous = np.stack([*columns, np.ones(len(where))])  # (3, n)
    return (to_canvas @ to_figure @ to_axes @ homogeneous)[:2].T


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
        raise ValueError(f"need finite low < high and n_intervals >= 1, got {low}, {high}, {n_intervals}")
    if width < 1e-12 * max(abs(low), abs(high)) or width < 1e-300:
        raise ValueError(f"{low} and {high} are too close for round numbers between")
    power = int(np.floor(np.log10(width / n_intervals)))
    round_steps = [m * 10.0**k for k in range(power - 3, power + 2) for m in (1, 2, 2.5, 5)]
    enough = width / n_intervals * (1 - 1e-10)
    n = next(k for k, step in enumerate(round_steps) if step >= enough)
    while True:
        step = round_steps[n]
        slack = 1e-10 * width / step  # a limit that is a multiple keeps its tick
        first, last = np.ceil(low / step - slack), np.floor(high / step + slack)
        if last > first:
            return np.arange(first, last + 1) * step + 0.0  # -0 becomes 0
        n -= 1


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
    t = np.where(share > (6 / 29) ** 3, np.cbrt(share), share * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = t[..., 0], t[..., 1], t[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


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
        raise ValueError(f"need two sizes and two values, got {shown.shape}, {meant.shape}")
    both = np.concatenate([shown, meant])
    if not (np.isfinite(both).all() and (both > 0).all()) or meant[0] == meant[1]:
        raise ValueError("sizes and values must be positive, and the values differ")
    return float((shown[1] / shown[0] - 1) / (meant[1] / meant[0] - 1))


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


def _unlabelled(figure: Figure) -> Iterator[Finding]:
    """Axes with numbers and no name."""
    shared = {"x": figure.get_supxlabel(), "y": figure.get_supylabel()}
    for axes in _all_axes(figure):
        for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
            if not (axes.axison and axis.get_visible()) or shared[name]:
                continue
            ticks = [t for t in _axis_texts(axis)[2:] if t.get_visible()]
            plain = [re.sub(r"\\[a-z]+", "", text.get_text()) for text in ticks]
            numbers = [t for t in plain if re.search(r"\d", t) and not re.search(r"[A-Za-z]", t)]
            if numbers and not axis.get_label_text().strip():
                yield Finding("unlabelled", _where(axes), f"the {name} axis has no label")


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
                yield Finding("baseline", _where(axes), "a logarithmic axis has no zero")
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
                yield Finding("two scales", _where(second), f"two {free} axes in one place")


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


# seal: a1c8e080ded3431d
