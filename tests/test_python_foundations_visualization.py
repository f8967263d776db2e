"""Pixels, ticks, colours and lies obey their laws; the linter finds what is planted, and nothing else."""

import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from colorspacious import cspace_convert
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from skimage.color import rgb2lab

from journey.orientation.figures import use_journey_style
from journey.python_foundations import visualization as vis

mpl.use("Agg")
quick = settings(deadline=None, derandomize=True, max_examples=40)
unit = st.floats(0.05, 0.9)
anywhere = st.floats(-1e6, 1e6)
positive = st.floats(1e-3, 1e3)
colors = hnp.arrays(float, (4, 3), elements=st.floats(0, 1))


@pytest.fixture(autouse=True)
def _style():
    with mpl.rc_context():
        use_journey_style()
        yield
    plt.close("all")


# ---- data to pixels


@given(
    hnp.arrays(float, (5, 2), elements=positive),
    st.tuples(positive, positive, positive, positive),
    st.tuples(unit, unit, unit, unit),
    st.sampled_from(["linear", "log"]),
    st.sampled_from(["linear", "log"]),
)
@quick
def test_pixels_agree_with_matplotlib(points, ends, box, first, second):
    assume(abs(ends[0] - ends[1]) > 0.01 * ends[0] and abs(ends[2] - ends[3]) > 0.01 * ends[2])
    figure = Figure(figsize=(6, 4), dpi=100)
    axes = figure.add_axes(box)
    axes.set(xscale=first, yscale=second, xlim=ends[:2], ylim=ends[2:])
    ours = vis.data_to_pixels(points, (ends[:2], ends[2:]), box, (600, 400), scales=(first, second))
    np.testing.assert_allclose(ours, axes.transData.transform(points), rtol=1e-9, atol=1e-6)


@given(anywhere, anywhere, st.tuples(unit, unit, unit, unit))
@quick
def test_the_corners_of_the_limits_are_the_corners_of_the_box(low, width, box):
    assume(abs(width) > 1e-3)
    limits = [(low, low + width), (low, low + width)]
    corners = vis.data_to_pixels([[low, low], [low + width] * 2], limits, box, (800, 500))
    expected = [[800 * box[0], 500 * box[1]], [800 * (box[0] + box[2]), 500 * (box[1] + box[3])]]
    np.testing.assert_allclose(corners, expected, atol=1e-4)


def test_pixels_of_hand_example_and_of_odd_arrays():
    box, canvas = (0.1, 0.2, 0.8, 0.7), (720, 360)
    limits = [(0, 10), (0, 100)]
    np.testing.assert_allclose(vis.data_to_pixels([[5, 50]], limits, box, canvas), [[360, 198]])
    assert vis.data_to_pixels(np.empty((0, 2)), limits, box, canvas).shape == (0, 2)
    frozen = np.array([[5, 50], [1, 1]], dtype=np.int32, order="F")[:1]
    frozen.flags.writeable = False
    np.testing.assert_allclose(vis.data_to_pixels(frozen, limits, box, canvas), [[360, 198]])


def test_a_point_without_a_coordinate_has_no_place_as_in_matplotlib():
    figure = Figure(figsize=(6, 4), dpi=100)
    axes = figure.add_axes((0.1, 0.2, 0.8, 0.7))
    points = [[np.nan, 0.5], [0.5, 0.5]]
    ours = vis.data_to_pixels(points, [(0, 1), (0, 1)], (0.1, 0.2, 0.8, 0.7), (600, 400))
    np.testing.assert_allclose(ours, axes.transData.transform(points))


@pytest.mark.parametrize(
    ("points", "limits", "scales"),
    [
        ([1, 2], [(0, 1), (0, 1)], ("linear", "linear")),
        ([[1, 2, 3]], [(0, 1), (0, 1)], ("linear", "linear")),
        ([[1, 2]], [(0, 1)], ("linear", "linear")),
        ([[1, 2]], [(1, 1), (0, 1)], ("linear", "linear")),
        ([[1, 2]], [(0, np.inf), (0, 1)], ("linear", "linear")),
        ([[0, 2]], [(1, 2), (1, 2)], ("log", "linear")),
        ([[1, 2]], [(-1, 2), (1, 2)], ("log", "linear")),
        ([[1, 2]], [(0, 1), (0, 1)], ("linear", "square")),
    ],
)
def test_pixels_refuse(points, limits, scales):
    with pytest.raises(ValueError, match=r"need points|limits must|logarithmic|a scale is"):
        vis.data_to_pixels(points, limits, (0.1, 0.1, 0.8, 0.8), (100, 100), scales=scales)


# ---- ticks


@given(st.floats(-1e5, 1e5), st.floats(-6, 6), st.integers(1, 15))
@quick
def test_ticks_are_round_inside_and_evenly_spaced(low, exponent, n):
    width = 10**exponent
    assume(width > 1e-8 * abs(low))
    ticks = vis.nice_ticks(low, low + width, n)
    slack = 1e-9 * width + 1e-12 * abs(low)
    assert len(ticks) >= 2
    assert ticks[0] >= low - slack
    assert ticks[-1] <= low + width + slack
    step = (ticks[-1] - ticks[0]) / (len(ticks) - 1)
    np.testing.assert_allclose(np.diff(ticks), step, rtol=1e-4)
    mantissa = step / 10 ** np.floor(np.log10(step) + 1e-6)
    assert min(abs(mantissa - m) for m in (1, 2, 2.5, 5, 10)) < 1e-3
    assert ticks[0] - step < low + slack, "a tick is missing below"
    assert ticks[-1] + step > low + width - slack, "a tick is missing above"


@given(st.floats(-1e3, 1e3), st.floats(0.01, 1e4), st.integers(1, 12))
@quick
def test_ticks_agree_with_the_locator(low, width, n):
    theirs = MaxNLocator(n, steps=[1, 2, 2.5, 5, 10]).tick_values(low, low + width)
    inside = theirs[(theirs >= low - 1e-9 * width) & (theirs <= low + width * (1 + 1e-9))]
    np.testing.assert_allclose(vis.nice_ticks(low, low + width, n), inside, rtol=1e-9, atol=1e-8 * width)


def test_ticks_at_the_borders():
    assert vis.nice_ticks(0, 1, 5).tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert vis.nice_ticks(0, 10, 1).tolist() == [0, 10]
    assert vis.nice_ticks(4, 16, 1).tolist() == [5, 10, 15]  # a step of 20 has no two multiples inside
    assert not np.signbit(vis.nice_ticks(-1, 1, 4)).all()
    assert not np.signbit(vis.nice_ticks(-1, 1, 4)[2])  # 0, not -0
    assert len(vis.nice_ticks(1e-200, 3e-200, 4)) >= 2
    assert len(vis.nice_ticks(-1e300, 1e300, 4)) >= 2


@pytest.mark.parametrize(
    ("low", "high", "n"),
    [
        (1, 1, 5),
        (2, 1, 5),
        (0, np.inf, 5),
        (np.nan, 1, 5),
        (0, 1, 0),
        (1e9, 1e9 + 1e-6, 5),
        (-1.7e308, 1.7e308, 5),
    ],
)
def test_ticks_refuse(low, high, n):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"need finite|too close"):
            vis.nice_ticks(low, high, n)


# ---- perception and colour


def test_judgement_error_is_minus_three_for_the_truth_and_grows_by_one_for_twice_the_error():
    assert vis.judgement_error(40, 40) == -3
    assert vis.judgement_error([50, 30], [40, 40]).tolist() == pytest.approx([np.log2(10.125)] * 2)
    assert vis.judgement_error(40 + 7.875, 40) == 3
    with pytest.raises(ValueError, match="finite"):
        vis.judgement_error([np.nan], [3])


@given(colors)
@quick
def test_lab_agrees_with_two_libraries(rgb):
    np.testing.assert_allclose(vis.to_lab(rgb), rgb2lab(rgb), atol=0.02)
    np.testing.assert_allclose(vis.to_lab(rgb), cspace_convert(rgb, "sRGB1", "CIELab"), atol=0.1)


@given(st.floats(0, 1))
@quick
def test_grey_has_no_hue(value):
    lab = vis.to_lab([value] * 3)
    np.testing.assert_allclose(lab[1:], 0, atol=1e-9)
    assert -1e-9 <= lab[0] <= 100 + 1e-9


def test_lab_keeps_shape_and_refuses():
    assert vis.to_lab(np.zeros((2, 5, 3))).shape == (2, 5, 3)
    assert vis.to_lab(np.empty((0, 3))).shape == (0, 3)
    np.testing.assert_allclose(vis.to_lab([1, 1, 1]), [100, 0, 0], atol=1e-9)
    for bad in (0.5, [0.1, 0.2], [0.1, 0.2, 1.5], [0.1, np.nan, 0.2]):
        with pytest.raises(ValueError, match=r"three numbers|between 0 and 1"):
            vis.to_lab(bad)


# ---- lies


@given(st.floats(1, 100), st.floats(1.01, 10), st.floats(0, 0.9))
@quick
def test_the_base_line_alone_chooses_the_lie(first, ratio, share):
    second, base = first * ratio, first * share
    lie = vis.lie_factor((first - base, second - base), (first, second))
    assert lie == pytest.approx(first / (first - base), rel=1e-9)


@given(st.floats(0.1, 10), st.floats(1.01, 10), st.floats(0.01, 100))
@quick
def test_lie_of_areas_and_of_the_truth(first, ratio, unit_of_drawing):
    values = np.array([first, first * ratio])
    assert vis.lie_factor(values * unit_of_drawing, values) == pytest.approx(1)
    assert vis.lie_factor(values**2, values) == pytest.approx(ratio + 1)


@pytest.mark.parametrize(
    ("sizes", "values"),
    [
        ((1, 2), (1, 1)),
        ((0, 2), (1, 2)),
        ((1, 2), (-1, 2)),
        ((1, np.nan), (1, 2)),
        ((1, 2, 3), (1, 2)),
        ((1, 2), 1),
    ],
)
def test_lie_refuses(sizes, values):
    with pytest.raises(ValueError, match=r"positive|two sizes"):
        vis.lie_factor(sizes, values)


# ---- the linter


def clean():
    figure, axes = plt.subplots(figsize=(4, 2.6))
    axes.plot([0, 1], [0, 1], label="a")
    axes.plot([0, 1], [1, 2], label="b")
    axes.set(xlabel="time (h)", ylabel="delay (min)", title="A title")
    return figure, axes


def kinds(figure):
    return sorted({finding.kind for finding in vis.check_figure(figure)})


def test_a_clean_figure_has_no_finding_and_an_empty_one_neither():
    assert vis.check_figure(clean()[0]) == []
    assert vis.check_figure(Figure()) == []  # no canvas of pyplot
    figure, axes = clean()
    axes.legend()
    assert kinds(figure) == []
    axes.set_visible(False)
    assert kinds(figure) == []


def test_overlap():
    figure, axes = clean()
    axes.text(0.3, 1.0, "one label")
    assert kinds(figure) == []
    other = axes.text(0.32, 1.02, "another")
    [finding] = vis.check_figure(figure)
    assert finding.kind == "overlap"
    assert finding.where == "A title"
    assert "one label" in finding.detail
    assert "another" in finding.detail
    other.set_visible(False)
    assert kinds(figure) == []
    figure, axes = clean()
    axes.set_xticks([0.5, 0.51], ["Monday", "Tuesday"])
    assert kinds(figure) == ["overlap"], "tick labels collide"


def test_ticks_outside_of_the_limits_are_not_drawn():
    figure, axes = clean()
    axes.set_xticks([0.2, 5.0, 5.001], ["here", "far", "away"])
    axes.set_xlim(0, 1)
    assert kinds(figure) == []


def test_clipped():
    figure, _ = clean()
    text = figure.text(0.98, 0.5, "reaches too far")
    assert kinds(figure) == ["clipped"]
    text.set_ha("right")
    text.set_position((0.98, 0.9))
    assert "clipped" not in kinds(figure)


@pytest.mark.parametrize("name", ["x", "y"])
def test_unlabelled(name):
    figure, axes = clean()
    axes.set(**{f"{name}label": "  "})
    [finding] = vis.check_figure(figure)
    assert finding.kind == "unlabelled"
    assert f"the {name} axis" in finding.detail
    axes.set(**{f"{name}ticks": [0, 1]})
    getattr(axes, f"{name}axis").set_ticklabels(["Newark", "Kennedy"])
    assert kinds(figure) == [], "names explain themselves"


def test_unlabelled_knows_shared_labels_inner_panels_and_logarithms():
    figure, grid = plt.subplots(2, 2, sharex=True, sharey=True, figsize=(5, 4))
    for axes in grid.flat:
        axes.plot([1, 10], [1, 10])
    for axes in grid[:, 0]:
        axes.set_ylabel("y (m)")
    for axes in grid[1]:
        axes.set_xlabel("x (m)")
    assert kinds(figure) == []
    grid[1, 0].set_xlabel("")
    assert kinds(figure) == ["unlabelled"]
    figure.supxlabel("x (m)")
    assert kinds(figure) == []
    figure, axes = clean()
    axes.set(xscale="log", xlim=(1, 1000), xlabel="")
    assert kinds(figure) == ["unlabelled"]
    axes.axis("off")
    assert kinds(figure) == []


def test_contrast_sees_canvas_axes_bars_and_boxes():
    figure, axes = clean()
    axes.text(0.2, 1.5, "pale", color="#AAAAAA")
    assert kinds(figure) == ["contrast"]
    axes.set_facecolor("black")
    assert kinds(figure) == []
    figure, axes = plt.subplots(figsize=(4, 2.6))
    axes.bar(["a", "b"], [3, 4], color="#0072B2")
    axes.set_ylabel("number")
    label = axes.text(0, 1.5, "3", color="white", ha="center")
    assert kinds(figure) == [], "white on a blue bar"
    label.set_position((0.5, 1.5))
    assert kinds(figure) == ["contrast"], "white beside it"
    label.set_bbox({"facecolor": "black"})
    assert kinds(figure) == []


def test_contrast_of_transparent_text():
    figure, axes = clean()
    text = axes.text(0.2, 1.5, "faded", color="black")
    assert kinds(figure) == []
    text.set_alpha(0.3)
    assert kinds(figure) == ["contrast"]


@pytest.mark.parametrize("method", ["bar", "barh"])
def test_baseline(method):
    figure, axes = plt.subplots(figsize=(4, 2.6))
    getattr(axes, method)(["a", "b"], [3, 4])
    limits, label = ("set_ylim", "set_ylabel") if method == "bar" else ("set_xlim", "set_xlabel")
    getattr(axes, label)("number")
    assert kinds(figure) == []
    getattr(axes, limits)(2, 5)
    assert kinds(figure) == ["baseline"]
    getattr(axes, limits)(5, 0)
    assert kinds(figure) == [], "turned around, but with zero"


def test_baseline_on_a_logarithmic_axis_and_for_floating_bars():
    figure, axes = plt.subplots(figsize=(4, 2.6))
    axes.bar(["a", "b"], [30, 400])
    axes.set(yscale="log", ylabel="number", ylim=(1, 1000))
    assert kinds(figure) == ["baseline"]
    figure, axes = plt.subplots(figsize=(4, 2.6))
    axes.bar(["a", "b"], [1, 2], bottom=[5, 6])
    axes.set(ylabel="hours of day", ylim=(4, 9))
    assert kinds(figure) == [], "a span from 5 to 6 needs no zero"


def test_two_scales():
    figure, axes = clean()
    other = axes.twinx()
    other.set(ylabel="rain (mm)")
    assert kinds(figure) == ["two scales"]
    figure, axes = clean()
    axes.secondary_yaxis("right", functions=(lambda y: 60 * y, lambda y: y / 60)).set_ylabel("delay (s)")
    assert kinds(figure) == [], "another unit of the same scale"


@pytest.mark.parametrize("name", ["jet", "turbo", "rainbow", "hsv", "gist_rainbow", "nipy_spectral"])
def test_rainbow(name):
    figure, axes = clean()
    axes.imshow(np.eye(4), cmap=name, aspect="auto", extent=(0, 1, 0, 2))
    assert kinds(figure) == ["rainbow"]


@pytest.mark.parametrize(
    "name", ["viridis", "cividis", "magma", "gray", "PuOr", "coolwarm", "RdBu", "Spectral", "tab10"]
)
def test_no_rainbow(name):
    figure, axes = clean()
    axes.scatter([0, 1, 0.5], [0, 1, 1], c=[1, 2, 3], cmap=name)
    assert kinds(figure) == []


def test_rainbow_leaves_photographs_and_plain_colours_alone():
    figure, axes = clean()
    axes.imshow(np.zeros((3, 3, 3)), aspect="auto", extent=(0, 1, 0, 2))
    axes.fill_between([0, 1], [0, 1], color="red")
    assert kinds(figure) == []


def test_twins():
    figure, axes = clean()
    first, second = axes.get_lines()
    second.set(linestyle=first.get_linestyle(), color=first.get_color())
    assert kinds(figure) == ["twins"]
    second.set_label("_helper")
    assert kinds(figure) == [], "a line without a name need not be told"
    second.set(label="b", marker="s")
    assert kinds(figure) == []


def test_twins_for_some_eyes_only():
    figure, axes = clean()
    first, second = axes.get_lines()
    first.set(linestyle="-", color="#1f77b4")
    second.set(linestyle="-", color="#d62728")
    assert kinds(figure) == ["twins"], "the default blue and red are one grey"
    second.set(color="#F0E442")
    assert kinds(figure) == []


def test_the_linter_reads_and_does_not_change():
    figure, axes = clean()
    before = [type(child).__name__ for child in axes.get_children()], axes.get_xlim(), axes.get_ylim()
    assert vis.check_figure(figure) == vis.check_figure(figure)
    assert before == (
        [type(child).__name__ for child in axes.get_children()],
        axes.get_xlim(),
        axes.get_ylim(),
    )
    with pytest.raises(ValueError, match="need a Figure"):
        vis.check_figure(axes)


def test_subfigures_are_read():
    figure = plt.figure(figsize=(6, 3))
    left, right = figure.subfigures(1, 2)
    for part in (left, right):
        axes = part.subplots()
        axes.plot([0, 1], [0, 1])
        axes.set(xlabel="x (m)", ylabel="y (m)")
    assert kinds(figure) == []
    left.text(0.5, 0.5, "pale", color="#CCCCCC")
    assert kinds(figure) == ["contrast"]
