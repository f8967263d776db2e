"""Every estimator of *Machine Learning* beside scikit-learn's, as on the page *Benchmark*: fit and answer."""

from __future__ import annotations

from functools import partial

from journey.machine_learning.benchmark import duel, estimator_pairs, fit_and_score
from tools.bench import Work, benchmark

TABLES = ("digits", "tumours", "flights")


def _prepare(estimator: str, table: str, side: str) -> Work:
    """The rows are read when the benchmark is run, not when it is registered."""
    pair = duel(estimator, table)
    return partial(fit_and_score, pair.ours if side == "ours" else pair.theirs, pair.old, pair.new)


for _name in estimator_pairs():
    for _table in TABLES:
        benchmark(f"{_name}, {_table}", reference="scikit-learn's of that name", repeats=5, scored=True)(
            partial(_prepare, _name, _table)
        )
