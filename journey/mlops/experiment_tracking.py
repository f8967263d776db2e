"""Experiment tracking.

Built in the page `scripts/08_MLOps/01_experiment_tracking.py`: edit the page, not this file.
"""

import hashlib
import importlib.metadata
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import gammaln

from journey.machine_learning.evaluation import compare_scores, log_loss
from journey.mathematics.statistics import Interval

__all__ = [
    "Decision",
    "Run",
    "Tracker",
    "Verdict",
    "canonical",
    "code_version",
    "data_fingerprint",
    "decide",
    "environment",
    "expected_best",
    "file_digest",
    "from_mlflow",
    "lineage",
    "move_alias",
    "to_mlflow",
    "verify_lineage",
]


@dataclass
class Run:
    """One run: what went in and what was measured; times in milliseconds since 1970."""

    run_id: str
    status: str = "RUNNING"
    started: int | None = None
    ended: int | None = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)  # name: SHA-256
    history: dict[str, list[tuple[int, int, float]]] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric: by step, then time, then value."""
        return {key: max(seen, key=_age)[2] for key, seen in self.history.items()}

    def apply(self, kind: str, key: str, value: Any, step: int, at: int) -> None:
        """Add one event, equation eq-tracking-commute."""
        if kind == "param":
            self.params.setdefault(key, value)
        elif kind == "metric":
            self.history.setdefault(key, []).append((step, at, value))
        elif kind in ("tag", "artifact"):
            (self.tags if kind == "tag" else self.artifacts)[key] = value
        elif kind == "start":
            self.started = at
        else:
            self.status, self.ended = value, at


def _age(entry: tuple[int, int, float]) -> tuple[int, int, float]:
    step, at, value = entry
    return step, at, 0.0 if math.isnan(value) else value


def _nan_last(value: float) -> tuple[bool, float]:
    return math.isnan(value), value


def file_digest(path: Path | str) -> str:
    """SHA-256 of the bytes of a file, 64 hexadecimal digits."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


_APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND


class Tracker:
    """Runs as an append-only file of JSON lines, beside a folder of artefacts.

    Parameters
    ----------
    folder : path
        On a local disk: network file systems do not promise to append atomically.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        (self.folder / "artifacts").mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.folder / "events.jsonl", _APPEND, 0o644)
        self._params: dict[str, dict[str, str]] = {}  # of the runs met so far

    def _append(self, run_id: str, kind: str, key: str, value: Any, *when: Any) -> None:
        if run_id not in self._params:
            self._params |= {run.run_id: run.params for run in self.runs()}
        if not isinstance(key, str) or not (kind == "start" or run_id in self._params):
            raise ValueError(f"need a key and an existing run, got {key!r}, {run_id!r}")
        step, at = when or (0, None)
        at = time.time_ns() // 10**6 if at is None else int(at)
        line = f"\n{json.dumps([run_id, kind, key, value, int(step), at])}\n".encode()
        if os.write(self._file, line) < len(line):  # one call: all, or an error
            raise OSError("the record was not written whole: is the disk full?")

    def start_run(self, *, at: int | None = None, **tags: str) -> str:
        """Begin a run; return its identifier."""
        run_id = uuid.uuid4().hex
        self._append(run_id, "start", "", None, 0, at)
        self._params[run_id] = {}
        for key, text in tags.items():
            self.set_tag(run_id, key, text)
        return run_id

    def end_run(self, run_id: str, status: str = "FINISHED", at: Any = None) -> None:
        """Say how a run ended."""
        if status not in ("FINISHED", "FAILED", "KILLED"):
            raise ValueError(f"a run ends FINISHED, FAILED or KILLED, got {status!r}")
        self._append(run_id, "end", "", status, 0, at)

    def log_param(self, run_id: str, key: str, value: Any) -> None:
        """Write a parameter once; ValueError if it has another value already."""
        self._append(run_id, "param", key, str(value))
        kept = self._params[run_id].setdefault(key, str(value))
        if kept != str(value):
            raise ValueError(f"parameter {key!r} stays {kept!r}, got {value!r}")

    def log_metric(self, run_id: str, key: str, value: float, step: int = 0, at: Any = None) -> None:
        """Append a value of a metric; NaN and infinities are values, too."""
        self._append(run_id, "metric", key, float(value), step, at)

    def set_tag(self, run_id: str, key: str, text: str) -> None:
        """Set or replace a tag."""
        self._append(run_id, "tag", key, str(text))

    def log_artifact(self, run_id: str, path: Path | str) -> None:
        """Keep a copy of a file: first the whole file, then the record of it."""
        kept = self.folder / "artifacts" / run_id / Path(path).name
        kept.parent.mkdir(exist_ok=True)
        half = kept.with_name(f".{uuid.uuid4().hex}")
        os.replace(shutil.copyfile(path, half), kept)
        self._append(run_id, "artifact", kept.name, file_digest(kept))

    def runs(self) -> list[Run]:
        """All runs in the order of their first event; torn lines are left out."""
        found: dict[str, Run] = {}
        for line in (self.folder / "events.jsonl").read_bytes().splitlines():
            try:
                run_id, *event = json.loads(line)
            except ValueError:  # an empty line, or one that a kill has torn
                continue
            found.setdefault(run_id, Run(run_id)).apply(*event)
        return list(found.values())

    def search(self, where: Callable = bool, order_by: str | None = None) -> list[Run]:
        """Runs that satisfy a condition, by rising value of a metric (NaN last)."""
        chosen = [run for run in self.runs() if where(run)]
        if order_by is not None:
            chosen.sort(key=lambda r: _nan_last(r.metrics.get(order_by, math.nan)))
        return chosen


def _numbers(column: pd.Series) -> bytes:
    """Two doubles for each number: the nearest one, and what an integer has beyond."""
    nearest = column.to_numpy(dtype=float) + 0.0  # -0.0 becomes 0.0
    rest = np.zeros(len(nearest))
    for place in np.flatnonzero(np.isfinite(nearest) & (np.abs(nearest) >= 2.0**53)):
        rest[place] = int(column.iloc[place]) - int(nearest[place])
    return np.column_stack([nearest, rest]).astype(">f8").tobytes()


def _cells(column: pd.Series) -> tuple[str, bytes]:
    """The kind of the values of a column without gaps, and their bytes."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if column.empty:
        return "missing", b""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        zone = "instant" if column.dt.tz is not None else "time"
        return zone, column.dt.as_unit("ns").astype("int64").to_numpy(">i8").tobytes()
    values = column.tolist()
    if all(isinstance(value, str) for value in values):
        texts = [value.encode("utf-8", "surrogatepass") for value in values]
        return "text", np.array([*map(len, texts)], ">i8").tobytes() + b"".join(texts)
    if all(isinstance(value, bool | int | float | np.number) for value in values):
        return "number", _numbers(column)
    raise ValueError(f"column {column.name!r} holds more than numbers, texts or times")


def data_fingerprint(table: pd.DataFrame) -> str:
    """SHA-256 of the values of a table, whatever the types that keep them.

    It depends on every value, on where values are missing, on the order of rows and
    columns and on the columns' names. It does not depend on the index, on the width of a
    number (1, 1.0 and True are equal), on how texts or gaps are kept, or on the sign of zero.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        Each column numbers, texts or times, and gaps.

    Raises
    ------
    ValueError
        If it is no table, a name is no text or occurs twice, or a column mixes kinds.
    """
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"need a DataFrame, got {type(table).__name__}")
    names = list(table.columns)
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError(f"names of columns must be different texts, got {names}")
    total = hashlib.sha256(repr(table.shape).encode())
    for name in names:
        missing = table[name].isna().to_numpy()
        kind, cells = _cells(table[name][~missing])
        gaps = np.packbits(missing).tobytes()
        for part in (name.encode("utf-8", "surrogatepass"), kind.encode(), gaps, cells):
            total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()


def code_version(folder: Path | str = ".") -> str:
    """The commit of a folder; ``commit+digest`` if it was changed; or ``unknown: why``."""

    def git(*arguments: str) -> bytes:
        command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, check=True).stdout

    try:
        commit = git("rev-parse", "HEAD").decode().strip()
        changes = git("status", "--porcelain") + git("diff", "--no-ext-diff", "HEAD")
    except FileNotFoundError:
        return "unknown: git is not installed"
    except subprocess.CalledProcessError:
        return "unknown: not a git repository with a commit"
    return f"{commit}+{hashlib.sha256(changes).hexdigest()[:12]}" if changes else commit


def environment(*packages: str) -> dict[str, str]:
    """Versions of Python and of some packages; "absent" where one is not installed."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def expected_best(losses: ArrayLike, companions: ArrayLike | None = None) -> np.ndarray:
    """What the best of n recorded runs is expected to score, for n = 1, …, N.

    Parameters
    ----------
    losses : array_like of shape (N,)
        The smallest wins.
    companions : array_like of shape (N,), optional
        Another number of each run, for example its loss on a test set; then the winner's
        companion is averaged. By default the loss itself.

    Returns
    -------
    ndarray of shape (N,)
        Entry n - 1 averages over all subsets of n runs, equation eq-tracking-best.

    Raises
    ------
    ValueError
        If there is no run, or a value is not finite, or the lengths differ.
    """
    key = np.asarray(losses, dtype=float)
    value = key if companions is None else np.asarray(companions, dtype=float)
    if key.ndim != 1 or not key.size or value.shape != key.shape:
        raise ValueError(f"need two equal columns, got {key.shape} and {value.shape}")
    if not (np.isfinite(key).all() and np.isfinite(value).all()):
        raise ValueError("losses and companions must be finite")
    N, i = len(key), np.arange(1, len(key) + 1)
    n = i[:, None]
    log_ways = gammaln(N - i + 1) - gammaln(n) - gammaln(N - i - n + 2)  # -inf: none
    log_all = gammaln(N + 1) - gammaln(n + 1) - gammaln(N - n + 1)
    return np.exp(log_ways - log_all) @ value[np.argsort(key, kind="stable")]


def to_mlflow(run: Run, client: Any, experiment_id: str, artifacts: Path | None = None) -> str:
    """Log a run into MLflow; return its identifier there.

    Parameters
    ----------
    run : Run
    client : mlflow.tracking.MlflowClient
    experiment_id : str
    artifacts : path, optional
        The folder that holds the run's artefacts, ``tracker.folder / "artifacts" / run_id``.
    """
    from mlflow.entities import Metric, Param, RunTag  # here: a tracker needs no MLflow

    there = client.create_run(experiment_id, start_time=run.started).info.run_id
    metrics = [
        Metric(key, value, at, step) for key, entries in run.history.items() for step, at, value in entries
    ]
    params = [Param(key, value) for key, value in run.params.items()]
    tags = [RunTag(key, text) for key, text in run.tags.items()]
    for begin in range(0, max(len(metrics), len(params), len(tags)), 100):
        part = slice(begin, begin + 100)  # MLflow takes so many at once
        client.log_batch(there, metrics[part], params[part], tags[part])
    files = [] if artifacts is None else [artifacts / name for name in run.artifacts]
    for file in files:
        client.log_artifact(there, file)
    if run.ended is not None:
        client.set_terminated(there, run.status, end_time=run.ended)
    return there


def from_mlflow(client: Any, run_id: str) -> Run:
    """Read a run from MLflow; the tags that MLflow adds of itself are left out."""
    found = client.get_run(run_id)
    info, data = found.info, found.data
    run = Run(run_id, info.status, info.start_time, info.end_time, data.params)
    run.tags = {k: v for k, v in data.tags.items() if not k.startswith("mlflow.")}
    for key in data.metrics:
        entries = client.get_metric_history(run_id, key)
        run.history[key] = [(m.step, m.timestamp, m.value) for m in entries]
    if client.list_artifacts(run_id):
        with tempfile.TemporaryDirectory() as folder:
            here = Path(client.download_artifacts(run_id, "", folder))
            files = [file for file in here.rglob("*") if file.is_file()]
            run.artifacts = {file.relative_to(here).as_posix(): file_digest(file) for file in files}
    return run


def canonical(run: Run) -> str:
    """A run without its identifier as one text: equal texts, equal runs.

    Repeated entries of a metric (same step, time and value) count once, as in MLflow.
    """
    content = dict(vars(run), run_id="")
    content["history"] = {
        key: sorted({json.dumps(entry) for entry in entries}) for key, entries in run.history.items()
    }
    return json.dumps(content, sort_keys=True)


def lineage(
    data: pd.DataFrame,
    parameters: Mapping[str, Any],
    witness: ArrayLike,
    *,
    code: str,
    packages: tuple[str, ...] = ("numpy", "pandas", "scikit-learn"),
) -> dict[str, str]:
    """The arguments of a training as tags, equation eq-tracking-run.

    Parameters
    ----------
    data : DataFrame
        The training rows, in their order.
    parameters : mapping
        Everything else that the training takes, the seed too; must survive JSON.
    witness : array_like of shape (n,)
        Predictions of the model for a few fixed rows.
    code : str
        What ``code_version`` says.
    """
    rows = np.asarray(witness, dtype=float)
    if rows.ndim != 1 or not rows.size or not np.isfinite(rows).all():
        raise ValueError(f"the witness must be finite numbers, got shape {rows.shape}")
    text = json.dumps(dict(parameters), sort_keys=True)
    if json.loads(text) != dict(parameters):
        raise ValueError(f"parameters must survive JSON, got {dict(parameters)}")
    return {
        "lineage.data": data_fingerprint(data),
        "lineage.code": code,
        "lineage.parameters": text,
        "lineage.environment": json.dumps(environment(*packages)),
        "lineage.witness": json.dumps(rows.tolist()),
    }


class Verdict(NamedTuple):
    """Which arguments are those of the record, and whether the model came out again."""

    data: bool
    code: bool  # False also if either is unknown
    environment: bool
    deviation: float  # largest difference of the witness's predictions
    reproduced: bool


def verify_lineage(
    record: Mapping[str, str],
    data: pd.DataFrame,
    rebuild: Callable[..., ArrayLike],
    *,
    code: str,
    tolerance: float = 1e-9,
) -> Verdict:
    """Make a model again from its record and compare its predictions.

    Parameters
    ----------
    record : mapping
        Tags that ``lineage`` has written; others are ignored.
    data : DataFrame
        The training rows as they are today.
    rebuild : callable
        ``rebuild(data, **parameters)`` trains and returns the predictions for the witness.
    code : str
        What ``code_version`` says today.

    Raises
    ------
    ValueError
        If the record is incomplete, or the witness has another length.
    """
    keys = ("data", "code", "parameters", "environment", "witness")
    missing = [key for key in keys if f"lineage.{key}" not in record]
    if missing:
        raise ValueError(f"the record has no {', '.join(missing)}")
    was = {key: record[f"lineage.{key}"] for key in keys}
    packages = json.loads(was["environment"])
    then = np.array(json.loads(was["witness"]))
    now = np.asarray(rebuild(data, **json.loads(was["parameters"])), dtype=float)
    if now.shape != then.shape:
        raise ValueError(f"the witness has shape {then.shape}, got {now.shape}")
    deviation = float(np.abs(now - then).max())
    same_data = data_fingerprint(data) == was["data"]
    same_code = code == was["code"] and not code.startswith("unknown")
    same_packages = environment(*(set(packages) - {"python"})) == packages
    close = deviation <= tolerance  # False for NaN
    return Verdict(same_data, same_code, same_packages, deviation, same_data and close)


def move_alias(client: Any, name: str, alias: str, version: int | str) -> str | None:
    """Point an alias to a version of a model; return the version that it left.

    That version keeps the alias ``<alias>-before``, so that the way back is known.

    Parameters
    ----------
    client : mlflow.tracking.MlflowClient
    name : str
        A registered model.
    alias : str
    version : int or str
        A version that exists; otherwise MLflow raises, and nothing was moved.
    """
    client.get_model_version(name, str(version))
    before = client.get_registered_model(name).aliases.get(alias)
    if before is not None and str(before) != str(version):
        client.set_registered_model_alias(name, f"{alias}-before", str(before))
    client.set_registered_model_alias(name, alias, str(version))
    return None if before is None else str(before)


class Decision(NamedTuple):
    """Whether the challenger takes over, and by how much its loss is smaller."""

    promote: bool
    gain: Interval


def decide(
    y: ArrayLike,
    champion: ArrayLike,
    challenger: ArrayLike,
    rng: np.random.Generator,
    *,
    least: float = 0.0,
) -> Decision:
    """Promote if the whole interval of the gain lies above ``least``, on fresh rows.

    Parameters
    ----------
    y : array_like of shape (n,)
        Labels of rows that neither model was trained on or chosen by.
    champion, challenger : array_like of shape (n,)
        Probabilities of the last class.
    rng : numpy.random.Generator
    least : float
        The log loss that a change must save to be worth it, in nats.
    """
    if not np.isfinite(least):
        raise ValueError(f"least must be finite, got {least}")
    options: dict[str, Any] = {"n_resamples": 500}
    gain = compare_scores(log_loss, y, champion, challenger, rng, **options)
    return Decision(gain.low > least, gain)


# seal: 6c08b5b82bcc6f8e
