"""Regularization.

Built in the page `scripts/04_Deep_Learning/07_regularization.py`: edit the page, not this file.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from journey.deep_learning.autograd import Tensor
from journey.deep_learning.neural_network_library import Module

__all__ = ["Dropout", "EarlyStopping", "random_shift"]


class Dropout(Module):
    """In training, zero each number with probability p and divide the others by 1 − p.

    Parameters
    ----------
    p : float in [0, 1)
    rng : numpy.random.Generator
        Draws the masks; give it to the trainer too, so that a run can be resumed.

    Raises
    ------
    ValueError
        If p is not in [0, 1).

    References
    ----------
    Srivastava et al. (2014).
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"p must be in [0, 1), got {p}")
        self.p, self.rng = p, rng or np.random.default_rng()

    def forward(self, x: Tensor) -> Tensor:
        """Any shape; the input itself when not training."""
        if not self.training or self.p == 0:
            return x
        kept = self.rng.random(x.shape) >= self.p
        return x * (kept / (1 - self.p)).astype(x.dtype)

    def extra_repr(self) -> str:
        """Probability."""
        return f"p={self.p}"


def random_shift(x: np.ndarray, rng: np.random.Generator, pixels: int = 2) -> np.ndarray:
    """Move each picture by up to that many pixels, each way; zeros come in from outside.

    Parameters
    ----------
    x : ndarray of shape (n, h, w)
    rng : numpy.random.Generator
    pixels : int

    Raises
    ------
    ValueError
        If x is no stack of pictures, or pixels is negative.
    """
    if x.ndim != 3 or pixels < 0:
        raise ValueError(f"need pictures (n, h, w) and pixels >= 0, got {x.shape} and {pixels}")
    n, h, w = x.shape
    wide = np.pad(x, [(0, 0), (pixels, pixels), (pixels, pixels)])
    down, right = rng.integers(0, 2 * pixels + 1, (2, n))
    rows = down[:, None] + np.arange(h)  # (n, h)
    columns = right[:, None] + np.arange(w)
    return wide[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


class EarlyStopping:
    """Remember the weights of the best epoch and say when to stop.

    Parameters
    ----------
    patience : int
        Epochs without a better loss after which to stop.

    Attributes
    ----------
    best_loss : float
    best_epoch : int
        Counted from 0; -1 before the first.

    Raises
    ------
    ValueError
        If patience is below 1.
    """

    def __init__(self, patience: int = 10) -> None:
        if patience < 1:
            raise ValueError(f"patience must be at least 1, got {patience}")
        self.patience = patience
        self.best_loss, self.best_epoch, self.epoch = float("inf"), -1, -1
        self._best: dict[str, Any] | None = None

    def update(self, model: Module, loss: float) -> bool:
        """Take note of an epoch's loss; True if it is time to stop."""
        self.epoch += 1
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, self.epoch
            self._best = model.state_dict()
        return self.epoch - self.best_epoch >= self.patience

    def restore(self, model: Module) -> None:
        """Give the model the weights of the best epoch.

        Raises
        ------
        ValueError
            If no epoch had a loss that is a number.
        """
        if self._best is None:
            raise ValueError("no epoch has been seen with a loss that is a number")
        model.load_state_dict(self._best)


# seal: 8a6e2925de46eef7
