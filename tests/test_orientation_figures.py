"""Colour arithmetic has laws; the helpers draw what they are given and refuse the rest."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from colorspacious import cspace_convert
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.colors import to_rgb

from journey.orientation import figures

mpl.use("Agg")
quick = settings(deadline=None, derandomize=True, max_examples=100)
colors = hnp.arrays(float, (3,), elements=st.floats(0, 1))


@pytest.fixture(autouse=True)
def _style():
    with mpl.rc_context():
        figures.use_journey_style()
        yield
    plt.close("all")


@given(colors)
@quick
def test_encode_inverts_decode(rgb):
    # The constants of sRGB leave a step of 3e-8 where the two branches meet; a screen has steps of 4e-3.
    np.testing.assert_allclose(figures.encode(figures.decode(rgb)), rgb, atol=1e-6)


@given(colors)
@quick
def test_lightness_agrees_with_colorspacious(rgb):
    assert figures.lightness(rgb) == pytest.approx(cspace_convert(rgb, "sRGB1", "CIELab")[0], abs=0.05)


@given(st.floats(0, 1), st.sampled_from(sorted(figures.VISION)))
@quick
def test_grey_stays_grey(value, vision):
    np.testing.assert_allclose(figures.simulate([value] * 3, vision), value, atol=2e-3)


@given(colors)
@quick
def test_the_grey_simulation_keeps_luminance(rgb):
    assert figures.luminance(figures.simulate(rgb, "grey")) == pytest.approx(figures.luminance(rgb), abs=1e-6)


@given(colors, colors)
@quick
def test_contrast_is_symmetric_and_bounded(a, b):
    ratio = figures.contrast(tuple(a), tuple(b))
    assert 1 <= ratio <= 21
    assert ratio == figures.contrast(tuple(b), tuple(a))


@given(colors, st.floats(1, 21))
@quick
def test_readable_reaches_the_ratio(rgb, ratio):
    assert figures.contrast(figures.readable(mpl.colors.to_hex(rgb), ratio=ratio), "white") >= ratio - 1e-9


def test_readable_leaves_dark_colors_alone():
    assert figures.readable("#000080") == "#000080"


def test_pictures_of_any_shape_are_simulated():
    picture = np.random.default_rng(0).random((4, 5, 3))
    assert figures.simulate(picture, "deuteranopia").shape == (4, 5, 3)


def test_bad_colors_are_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        figures.decode([0, 128, 255])
    with pytest.raises(ValueError, match="vision must be one of grey"):
        figures.simulate([0, 0, 0], "sepia")
    with pytest.raises(ValueError, match="between 1 and 21"):
        figures.readable("red", ratio=22)


def test_the_palette_survives_grey():
    light = sorted(float(figures.lightness(to_rgb(color))) for color in figures.CYCLE[:4])
    assert min(np.diff(light)) > 11


def test_label_lines_writes_each_label_at_the_end_of_its_line():
    _, axes = plt.subplots()
    axes.plot([0, 1, 2], [0, 1, np.nan], label="one")
    axes.plot([0, 1], [1, 1], label="_hidden")
    axes.plot([], [], label="empty")
    figures.label_lines(axes)
    assert [(text.get_text(), text.xy) for text in axes.texts] == [("one", (1.0, 1.0))]


def test_draw_vectors_contains_its_arrows():
    _, axes = plt.subplots()
    figures.draw_vectors(axes, [[3, 1], [0, 0], [-2, 5]], labels=["u", "0", "v"])
    assert axes.get_xlim()[0] <= -2 < 3 <= axes.get_xlim()[1]
    assert [text.get_text() for text in axes.texts if text.get_text()] == ["u", "0", "v"]


@pytest.mark.parametrize(
    ("vectors", "options"),
    [([[1, 2, 3]], {}), ([[1, 2]], {"labels": ["a", "b"]}), ([[1, 2]], {"colors": []})],
)
def test_draw_vectors_refuses(vectors, options):
    _, axes = plt.subplots()
    with pytest.raises(ValueError, match=r"shape|one label"):
        figures.draw_vectors(axes, vectors, **options)


def test_show_images_uses_one_scale():
    figure = figures.show_images(np.arange(12.0).reshape(3, 2, 2), titles=["a", "b", "c"], n_columns=2)
    limits = {image.get_clim() for axes in figure.axes for image in axes.images}
    assert limits == {(0.0, 11.0)}
    assert len(figure.axes) == 4


@pytest.mark.parametrize(
    ("images", "titles"), [(np.ones((2, 2)), None), (np.ones((0, 2, 2)), None), (np.ones((2, 2, 2)), ["a"])]
)
def test_show_images_refuses(images, titles):
    with pytest.raises(ValueError, match=r"images|title"):
        figures.show_images(images, titles)
