"""What "verified" means.

Built in the page `scripts/00_Orientation/03_checks.py`: edit the page, not this file.
"""

import re
import traceback
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

__all__ = ["SeedBand", "check_close", "check_gradient", "claim", "seed_band", "try_answer"]


def claim(
    name: str,
    value: float,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    within: tuple[float, float] | None = None,
    equal_to: float | None = None,
    tolerance: float = 0.0,
) -> None:
    """Print a number with the band that it must lie in, and fail if it does not.

    Parameters
    ----------
    name : str
        Lower-case words joined by hyphens, unique on the page.
    value : float
        The measured number; a Boolean counts as 0 or 1.
    at_least, at_most, within, equal_to : float or (float, float)
        The band; exactly one of them. ``tolerance`` widens ``equal_to`` on both sides.

    Raises
    ------
    AssertionError
        If the value lies outside its band or is not a number (NaN lies in no band).
    ValueError
        If the name is malformed, or not exactly one band is given, or it is empty.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"name must be lower-case words joined by hyphens, got {name!r}")
    given = [band for band in (at_least, at_most, within, equal_to) if band is not None]
    if len(given) != 1:
        raise ValueError(f"give exactly one of at_least, at_most, within, equal_to; got {len(given)}")
    low, high = -float("inf"), float("inf")
    if at_least is not None:
        low, band = at_least, f"at least {at_least:g}"
    elif at_most is not None:
        high, band = at_most, f"at most {at_most:g}"
    elif within is not None:
        (low, high), band = within, f"within {within[0]:g} to {within[1]:g}"
    else:
        assert equal_to is not None
        low, high, band = (
            equal_to - tolerance,
            equal_to + tolerance,
            f"equal to {equal_to:g} ± {tolerance:g}",
        )
    if not low <= high:
        raise ValueError(f"the band of {name!r} is empty: {band}")
    number = float(value)
    if not low <= number <= high:
        raise AssertionError(f"claim {name}: {number:.4g} ({band}) DOES NOT HOLD")
    print(f"claim {name}: {number:.4g} ({band}) holds")


def check_close(actual: ArrayLike, expected: ArrayLike, *, rtol: float = 1e-7, atol: float = 0.0) -> float:
    """Compare two arrays element by element; return the largest absolute deviation.

    Parameters
    ----------
    actual, expected : array_like of the same shape
    rtol, atol : float
        Each element may deviate by ``atol + rtol * |expected|``.

    Returns
    -------
    float
        The largest absolute deviation, 0.0 for empty arrays.

    Raises
    ------
    AssertionError
        If the shapes differ, one array has a NaN where the other has none, or an element deviates
        by more than is allowed; the message names the worst element.
    """
    ours, theirs = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    if ours.shape != theirs.shape:
        raise AssertionError(f"shapes differ: {ours.shape} against {theirs.shape}")
    if ours.size == 0:
        return 0.0
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))  # equal infinities count as equal
    with np.errstate(invalid="ignore"):
        deviation = np.where(same, 0.0, np.abs(ours - theirs))
        excess = np.where(same, 0.0, deviation - (atol + rtol * np.abs(theirs)))
    excess[np.isnan(excess)] = np.inf
    if excess.max() > 0:
        worst = np.unravel_index(int(excess.argmax()), excess.shape)
        where = tuple(int(index) for index in worst)
        raise AssertionError(
            f"{int((excess > 0).sum())} of {ours.size} elements differ; worst at {where}: "
            f"{ours[worst]:.6g} against {theirs[worst]:.6g}"
        )
    return float(deviation.max())


def check_gradient(
    function: Callable[[np.ndarray], float],
    gradient: Callable[[np.ndarray], ArrayLike],
    point: ArrayLike,
    *,
    step: float | None = None,
    tolerance: float = 1e-6,
) -> float:
    """Compare a gradient with central differences at a point; return the relative error.

    The error is ``‖g − d‖ / max(‖g‖ + ‖d‖, tiny)`` for the gradient g and the differences d.

    Parameters
    ----------
    function : callable, array of shape (…) to float
    gradient : callable, array of shape (…) to array of shape (…)
    point : array_like of shape (…)
        Where to compare; converted to float64.
    step : float, optional
        Half the width of a difference, relative to ``max(1, |x|)``; by default the cube root of
        the machine epsilon, where the error of a central difference is least.
    tolerance : float
        The largest relative error that passes.

    Raises
    ------
    AssertionError
        If the shapes differ or the relative error is above the tolerance or not a number.
    """
    x = np.array(point, dtype=float)
    analytic = np.asarray(gradient(x.copy()), dtype=float)
    if analytic.shape != x.shape:
        raise AssertionError(f"gradient has shape {analytic.shape}, the point has {x.shape}")
    relative_step = float(np.cbrt(np.finfo(float).eps)) if step is None else step
    numeric = np.empty_like(x)
    for index in np.ndindex(x.shape):
        h = relative_step * max(1.0, abs(float(x[index])))
        above, below = x.copy(), x.copy()
        above[index] += h
        below[index] -= h
        numeric[index] = (float(function(above)) - float(function(below))) / (above[index] - below[index])
    scale = max(
        float(np.linalg.norm(analytic) + np.linalg.norm(numeric)),
        float(np.finfo(float).tiny),
    )
    error = float(np.linalg.norm(analytic - numeric)) / scale
    if not error <= tolerance:
        difference = np.abs(analytic - numeric)
        worst = np.unravel_index(int(np.nan_to_num(difference, nan=np.inf).argmax()), x.shape)
        where = tuple(int(index) for index in worst)
        raise AssertionError(
            f"relative error {error:.3g} is above {tolerance:g}; worst at {where}: "
            f"gradient {analytic[worst]:.6g}, differences {numeric[worst]:.6g}"
        )
    return error


class SeedBand(NamedTuple):
    """What a measurement gave over several seeds.

    ``low`` and ``high`` bound the *mean* (Student's t interval); ``values`` has shape (n_seeds,).
    """

    mean: float
    low: float
    high: float
    values: np.ndarray


def seed_band(run: Callable[[int], float], seeds: Iterable[int], *, level: float = 0.95) -> SeedBand:
    """Run an experiment once for each seed; return the mean and an interval for it.

    Parameters
    ----------
    run : callable, int to float
        The experiment; its only chance is the seed.
    seeds : iterable of int
        At least two, all different.
    level : float
        Coverage of the interval, between 0 and 1.

    Raises
    ------
    ValueError
        If there are fewer than two seeds, a seed occurs twice, or the level is not between 0 and 1.
    """
    chosen = list(seeds)
    if len(chosen) < 2 or len(set(chosen)) < len(chosen):
        raise ValueError(f"seeds must be at least two, all different; got {chosen}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    values = np.array([float(run(seed)) for seed in chosen])
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    half: float = float(stats.t.ppf((1 + level) / 2, len(values) - 1)) * deviation / len(values) ** 0.5
    return SeedBand(mean, mean - half, mean + half, values)


def try_answer(tests: Callable[[Any], None], answer: Any) -> bool:
    """Run an exercise's tests on an answer and say in one line whether it passes.

    Parameters
    ----------
    tests : callable
        Takes the answer (a number, a function, a class) and asserts what must hold of it.
    answer : object
        The reader's answer.

    Returns
    -------
    bool
        Whether every assertion held.
    """
    try:
        tests(answer)
    except Exception as error:
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if frame.name == tests.__name__
        ]
        line = str(error) or (frames[-1].line if frames else "") or type(error).__name__
        print(f"{tests.__name__}: not yet ({type(error).__name__}: {line.splitlines()[0]})")
        return False
    print(f"{tests.__name__}: passed")
    return True


# seal: a2f2a06a2e0b892c
