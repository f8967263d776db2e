"""What the page *NumPy* measures: a loop beside one line, and sums of products beside NumPy's."""

from __future__ import annotations

import numpy as np

from journey.python_foundations.numpy import einsum
from tools.bench import Work, benchmark

WEIGHTS = (0.299, 0.587, 0.114)


@benchmark("grey picture, loop", reference="one line of NumPy, photo @ weights, for 60 × 80 points")
def grey_picture(side: str) -> Work:
    photo = np.random.default_rng(0).integers(0, 256, size=(60, 80, 3)).astype(np.uint8)
    weights = np.array(WEIGHTS)

    def loop() -> np.ndarray:
        grey = np.empty(photo.shape[:2])
        for i in range(photo.shape[0]):
            for j in range(photo.shape[1]):
                red, green, blue = photo[i, j]
                grey[i, j] = WEIGHTS[0] * red + WEIGHTS[1] * green + WEIGHTS[2] * blue
        return grey

    return loop if side == "ours" else lambda: photo @ weights


@benchmark("einsum ij,jk,kl->il", reference="np.einsum(…, optimize=True) on matrices of 24 rows")
def three_matrices(side: str) -> Work:
    matrices = np.random.default_rng(0).normal(size=(3, 24, 24))
    if side == "ours":
        return lambda: einsum("ij,jk,kl->il", *matrices)
    return lambda: np.einsum("ij,jk,kl->il", *matrices, optimize=True)
