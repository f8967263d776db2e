"""Stored pictures are small, and still the pictures that the page drew."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tools.notebooks import _smaller


def encoded(pixels):
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PNG")
    return base64.b64encode(target.getvalue()).decode() + "\n"


def decoded(text):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA"))


@pytest.fixture
def drawing():
    rng = np.random.default_rng(0)
    colors = rng.integers(0, 256, size=(200, 4), dtype=np.uint8)
    colors[:, 3] = 255
    return colors[rng.integers(0, 200, size=(200, 300))]


def test_a_drawing_gets_smaller_and_stays_alike(drawing):
    before = encoded(drawing)
    after = _smaller(before)
    assert len(after) < len(before)
    assert np.abs(decoded(after).astype(int) - drawing).mean() < 1


def test_doing_it_again_changes_nothing(drawing):
    once = _smaller(encoded(drawing))
    assert _smaller(once) == once


def test_transparency_is_left_alone(drawing):
    drawing[:50, :, 3] = 0
    assert _smaller(encoded(drawing)) == encoded(drawing)
