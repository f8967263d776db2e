"""The flight-delay system: quarantine, no future in a feature, the service's contract, and kills."""

import http.client
import json
import math
import random
import re
import sqlite3
import threading
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from scipy import stats
from sklearn.metrics import roc_auc_score

import journey
from journey.machine_learning.gradient_boosting import GradientBoostingClassifier
from journey.orientation import datasets
from journey.projects import flight_delays as system
from journey.projects.flight_delays import (
    CONTAINERFILE,
    FEATURES,
    THRESHOLD,
    Flight,
    Flights,
    History,
    JobStore,
    NoHistory,
    Registry,
    ServedModel,
    Service,
    bin_shares,
    call_service,
    cost,
    create_app,
    digest,
    ingest,
    ks_distance,
    load_history,
    load_table,
    main,
    open_service,
    psi,
    quarantine,
    should_retrain,
    start_service,
    train,
)

ROOT = Path(journey.__file__).parent.parent
GOOD = {"day": "2013-02-20", "departure": "17:30", "carrier": "B6", "origin": "JFK", "dest": "BOS"}


@pytest.fixture(scope="module")
def tables():
    """The five tables, flights and weather of January and February."""
    names = ("airlines", "airports", "planes", "weather", "flights")
    found = {name: getattr(datasets, f"load_{name}")() for name in names}
    for name in ("weather", "flights"):
        found[name] = found[name][found[name]["month"] <= 2].reset_index(drop=True)
    return found


@pytest.fixture(scope="module")
def home(tables, tmp_path_factory):
    """A folder as ``build`` leaves it, with a small model."""
    folder = tmp_path_factory.mktemp("home")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as warehouse:
        ingest(warehouse, tables)
        history, table = load_history(warehouse), load_table(warehouse)
    table = table[table["day"] >= history.first_decision.toordinal()]
    X, y = history.features(table), table["late"].to_numpy(int)
    registry = Registry(folder / "registry.sqlite")
    model = train(X, y, every=4, n_estimators=8)
    registry.point("champion", registry.log(model, data="d", code="c", parameters={}, scores={}))
    registry.close()
    return folder


@pytest.fixture(scope="module")
def opened(home):
    return open_service(home, ":memory:")


@pytest.fixture
def service(opened):
    """A service with an empty queue; history and model are read once."""
    made = Service(opened.history, opened.version, opened.model, JobStore(":memory:"))
    yield made
    made.jobs.close()


@pytest.fixture
def client(service):
    with TestClient(create_app(service, limit=100_000), raise_server_exceptions=False) as made:
        yield made


def wait_until(happened, what, seconds=60.0):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if happened():
            return
        time.sleep(0.01)
    raise AssertionError(f"did not happen: {what}")


# --- Ingestion ---------------------------------------------------------------------------------------------


FAULTS = {
    "an unknown airport": ("origin", "SFO", "origin: expected EWR|JFK|LGA"),
    "a month that is none": ("month", 13, "month: expected 1 to 12"),
    "a day that is none": ("day", 0, "day: expected 1 to 31"),
    "a word among numbers": ("distance", "far", "distance: expected a whole number"),
    "a gap": ("month", math.nan, "month: expected a whole number"),
    "half a month": ("month", 1.5, "month: expected a whole number"),
    "a number for a word": ("carrier", 5, "carrier: expected a word"),
    "no word at all": ("dest", None, "dest: expected a word"),
    "a word for a delay": ("arr_delay", "late", "arr_delay: expected a number"),
    "a short distance": ("distance", 17, "distance: expected 50 to 6000"),
    "infinite delay": ("dep_delay", math.inf, "dep_delay: expected -120 to 2880"),
    "arrived without departing": ("dep_delay", math.nan, "an arrival without a departure"),
    "clock against clock": ("hour", 23, "hour and minute contradict sched_dep_time"),
    "lower case": ("carrier", "ua", "carrier: expected [A-Z0-9]{2}"),
    "a line end": ("dest", "IAH\n", "dest: expected [A-Z]{3}"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_row_that_cannot_be_true_is_put_aside_with_its_reason(tables, fault):
    column, value, reason = FAULTS[fault]
    frame = tables["flights"].head(5).astype({column: object})
    frame.loc[2, column] = value
    accepted, rejected = quarantine(frame, "flights")
    assert accepted.index.tolist() == [0, 1, 3, 4]
    assert rejected["row"].tolist() == [2]
    assert reason in rejected["reason"][0]
    assert json.loads(rejected["record"][0])["flight"] == int(frame.loc[2, "flight"])


def test_a_row_with_two_faults_names_both(tables):
    frame = tables["flights"].head(3).copy()
    frame.loc[1, ["month", "origin"]] = [0, "XXX"]
    _, rejected = quarantine(frame, "flights")
    assert "month" in rejected["reason"][0]
    assert "origin" in rejected["reason"][0]


def test_a_repeated_row_is_put_aside_and_the_first_stays(tables):
    frame = pd.concat([tables["flights"].head(3)] * 2)
    accepted, rejected = quarantine(frame, "flights")
    assert len(accepted) == 3
    assert rejected["row"].tolist() == [3, 4, 5]
    assert rejected["reason"].str.startswith("repeats an earlier row").all()


@pytest.fixture(scope="module")
def forty(tables):
    return tables["flights"].head(40)


@given(rows=st.lists(st.integers(0, 39), unique=True, max_size=12), fault=st.sampled_from(sorted(FAULTS)))
@settings(deadline=None, derandomize=True, max_examples=15)
def test_accepted_and_rejected_are_all_rows_once(forty, rows, fault):
    column, value, _ = FAULTS[fault]
    frame = forty.astype({column: object})
    for row in rows:
        frame.loc[row, column] = value
    accepted, rejected = quarantine(frame, "flights")
    assert sorted([*accepted.index, *rejected["row"]]) == list(range(40))
    assert set(rejected["row"]) == set(rows)


def test_a_table_that_is_not_the_table_is_refused_whole(tables):
    with pytest.raises(ValueError, match=r"flights: columns missing: carrier, hour"):
        quarantine(tables["flights"].drop(columns=["carrier", "hour"]), "flights")
    with pytest.raises(ValueError, match="table must be one of"):
        quarantine(tables["flights"], "trains")
    with duckdb.connect() as warehouse, pytest.raises(ValueError, match="tables missing: airlines"):
        ingest(warehouse, {})


def test_empty_tables_pass(tables):
    accepted, rejected = quarantine(tables["flights"].head(0), "flights")
    assert len(accepted) == len(rejected) == 0


def test_ingestion_is_whole_or_nothing_and_can_be_repeated(tables):
    with duckdb.connect() as warehouse:
        small = {**tables, "flights": tables["flights"].head(100)}
        counts = ingest(warehouse, small)
        assert counts["flights"] == (100, 0)
        assert counts["weather"][1] == 1  # a wind of 1,048 miles an hour
        assert ingest(warehouse, small) == counts
        broken = {**small, "flights": tables["flights"].head(50).drop(columns="origin")}
        with pytest.raises(ValueError, match="origin"):
            ingest(warehouse, broken)
        assert warehouse.execute("SELECT count(*) FROM flights").fetchall() == [(100,)]
        (reason,) = warehouse.execute("SELECT reason FROM quarantine").fetchall()[0]
        assert reason == "wind_speed: expected 0 to 150"


# --- Features ----------------------------------------------------------------------------------------------


def history_of(tables):
    with duckdb.connect() as warehouse:
        for name in ("flights", "weather"):
            warehouse.register(name, tables[name].drop(columns="time_hour"))
        return load_history(warehouse), load_table(warehouse)


def ordinals(frame):
    return pd.to_datetime(frame[["year", "month", "day"]]).map(date.toordinal)


@pytest.mark.parametrize("seed", range(3))
def test_shuffling_the_future_changes_no_feature(tables, seed):
    history, table = history_of(tables)
    cutoff = date(2013, 2, 5 + 7 * seed).toordinal()
    until = table["day"].between(history.first_decision.toordinal(), cutoff).to_numpy()
    after = (table["day"] > cutoff).to_numpy()
    before, beyond = (history.features(table[rows]) for rows in (until, after))

    rng = np.random.default_rng(seed)
    flights, weather = tables["flights"].copy(), tables["weather"].copy()
    later = (ordinals(flights) + np.where(flights["hour"] < 20, 1, 2) > cutoff).to_numpy()
    flights.loc[later, "arr_delay"] = rng.permutation(flights.loc[later, "arr_delay"].to_numpy())
    sky = (ordinals(weather) + weather["hour"] / 24 > cutoff + 4 / 24).to_numpy()
    columns = list(system.AIR)
    weather.loc[sky, columns] = weather.loc[sky, columns].to_numpy()[rng.permutation(sky.sum())]
    shuffled, _ = history_of({"flights": flights, "weather": weather})
    np.testing.assert_array_equal(shuffled.features(table[until]), before)
    assert (shuffled.features(table[after]) != beyond).any(axis=1).mean() > 0.9


def test_the_rates_are_those_of_the_definition(tables):
    history, table = history_of(tables)
    day = date(2013, 2, 10).toordinal()
    mine = {"day": [day], "minute": [1050], "carrier": ["UA"], "origin": ["EWR"], "dest": ["SFO"]}
    found = dict(zip(FEATURES, history.features(mine)[0]))
    known_on = table["day"] + np.where(table["minute"] < 1200, 1, 2)
    usual = table[known_on.between(day - 27, day)]["late"].mean()
    for name, same, window in (
        ("carrier_28", table["carrier"] == "UA", 28),
        ("carrier_1", table["carrier"] == "UA", 1),
        ("dest_7", table["dest"] == "SFO", 7),
        ("slot_28", (table["origin"] == "EWR") & (table["minute"] // 60 == 17), 28),
    ):
        late = table[same & known_on.between(day - window + 1, day)]["late"]
        assert found[name] == pytest.approx((late.sum() + 10 * usual) / (len(late) + 10), rel=1e-12), name
    assert found["weekday"] == date(2013, 2, 10).weekday()
    assert found["minute"] == 1050


def test_one_flight_gets_the_features_that_it_gets_in_a_batch(tables):
    history, table = history_of(tables)
    some = table[table["day"] > date(2013, 2, 1).toordinal()].sample(40, random_state=0)
    together = history.features(some)
    for row in range(40):
        np.testing.assert_array_equal(history.features(some.iloc[[row]])[0], together[row])


def test_an_unknown_airline_or_route_gets_the_usual_rate(tables):
    history, _ = history_of(tables)
    day = date(2013, 2, 10).toordinal()
    odd = {"day": [day], "minute": [600], "carrier": ["ZZ"], "origin": ["JFK"], "dest": ["QQQ"]}
    found = dict(zip(FEATURES, history.features(odd)[0]))
    assert math.isnan(found["distance"])
    assert found["carrier_28"] == found["dest_7"] == found["carrier_1"]


@pytest.mark.parametrize(
    ("day", "fine"),
    [("2013-01-28", False), ("2013-01-29", True), ("2013-03-01", True), ("2013-03-02", False)],
)
def test_days_without_a_history_are_refused(service, day, fine):
    flights = [Flight(**GOOD), Flight(**{**GOOD, "day": day})]
    if fine:
        assert len(service.predict(flights)) == 2
        return
    with pytest.raises(NoHistory, match="2013-01-29 to 2013-03-01") as refused:
        service.predict(flights)
    assert refused.value.row == 1


def test_a_history_needs_outcomes():
    nothing = pd.DataFrame(
        {name: [] for name in ("carrier", "origin", "dest", "hour", "day", "flights", "late")}
    )
    with pytest.raises(ValueError, match="needs outcomes"):
        History(nothing, nothing, nothing)


# --- Model, cost, registry ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, len(FEATURES)))
    X[rng.random(X.shape) < 0.05] = np.nan
    y = (np.nan_to_num(X[:, 0]) + rng.normal(size=600) > 0).astype(int)
    return X, y, train(X, y, every=1, n_estimators=12, max_depth=4, min_samples_leaf=5)


def test_the_tables_predict_what_the_estimator_predicts(fitted):
    X, y, model = fitted
    estimator = GradientBoostingClassifier(n_estimators=12, max_depth=4, min_samples_leaf=5).fit(X, y)
    strange = np.vstack([X, np.full((1, X.shape[1]), np.nan), np.full((1, X.shape[1]), 1e300)])
    np.testing.assert_allclose(model.predict(strange), estimator.predict_proba(strange)[:, 1], atol=1e-12)
    assert roc_auc_score(y, model.predict(X)) > 0.8
    np.testing.assert_array_equal(model.predict(X[3]), model.predict(X)[3:4])
    np.testing.assert_array_equal(model.predict(X, block=7), model.predict(X))
    assert model.predict(X[:0]).shape == (0,)


def test_a_model_survives_text_and_is_the_same_text(fitted):
    X, _, model = fitted
    again = ServedModel.from_json(model.to_json())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.to_json() == model.to_json()


def test_a_model_for_other_features_is_refused(fitted):
    X, _, model = fitted
    parts = json.loads(model.to_json()) | {"features": ["dep_delay"]}
    with pytest.raises(ValueError, match="other features"):
        ServedModel.from_json(json.dumps(parts))
    with pytest.raises(ValueError, match="expected 14 features"):
        model.predict(X[:, :3])
    with pytest.raises(ValueError, match="needs trees"):
        ServedModel([[0.0]], 0.0, [])


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=30))
@settings(deadline=None, derandomize=True, max_examples=50)
def test_the_cost_counts_calls_and_uncalled_late_flights(flights):
    late, p = [f[0] for f in flights], [f[1] for f in flights]
    by_hand = sum(5 if q > THRESHOLD else 30 * was for was, q in flights) / len(flights)
    assert cost(late, p) == pytest.approx(by_hand)
    assert cost(late, p, sample_weight=[2] * len(p)) == pytest.approx(by_hand)


@pytest.mark.parametrize(("late", "p"), [([1], [0.1, 0.2]), ([], []), ([1], [1.5]), ([0], [math.nan])])
def test_the_cost_of_nonsense_is_refused(late, p):
    with pytest.raises(ValueError):
        cost(late, p)


def test_the_registry_remembers_refuses_and_goes_back(fitted, tmp_path):
    X, _, model = fitted
    path = tmp_path / "registry.sqlite"
    registry = Registry(path)
    origin = {"data": digest(X.tobytes()), "code": "c", "parameters": {"n": 12}, "scores": {"cost": 3.5}}
    with pytest.raises(ValueError, match="no version is called"):
        registry.load("champion")
    first, second = (registry.log(model, **origin) for _ in range(2))
    for version in (first, second, first):
        registry.point("champion", version)
    assert registry.versions("champion") == [first, second, first]
    with pytest.raises(ValueError, match="no version 99"):
        registry.point("champion", 99)
    assert json.loads(registry.runs()["parameters"][0]) == {"n": 12}
    registry.close()

    with sqlite3.connect(path) as other:  # somebody changes a leaf
        other.execute("UPDATE models SET artefact = replace(artefact, '0.', '1.')")
    other.close()
    registry = Registry(path)
    with pytest.raises(ValueError, match="not what was registered"):
        registry.load("champion")
    registry.close()


def test_digests_do_not_run_together():
    assert digest(b"ab", b"c") != digest(b"a", b"bc")
    assert re.fullmatch("[0-9a-f]{64}", digest())


# --- Drift -------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.floats(-2, 2), st.floats(0.2, 3))
@settings(deadline=None, derandomize=True, max_examples=25)
def test_the_distance_is_scipys_and_psi_is_symmetric_about_nothing(seed, shift, scale):
    rng = np.random.default_rng(seed)
    old, new = rng.normal(size=300), np.round(rng.normal(shift, scale, size=200), 1)
    assert ks_distance(old, new) == pytest.approx(stats.ks_2samp(old, new).statistic, abs=1e-12)
    a, c = bin_shares(old, new)
    assert a.sum() == pytest.approx(1)
    assert c.sum() == pytest.approx(1)
    assert psi(old, new) >= 0
    assert psi(old, old) == pytest.approx(0, abs=1e-15)
    assert psi(1e9 * old, 1e9 * new) == pytest.approx(psi(old, new))


def test_missing_values_are_drift():
    full, holes = np.arange(100.0), np.where(np.arange(100) % 2, np.nan, np.arange(100.0))
    assert psi(full, holes) > 0.25
    assert psi(np.full(9, np.nan), np.full(9, np.nan)) == pytest.approx(0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: psi([], [1]),
        lambda: psi([[1]], [1]),
        lambda: psi([1], [math.inf]),
        lambda: psi([1], [1], 1),
        lambda: ks_distance([math.nan], [1]),
    ],
)
def test_drift_of_nonsense_is_refused(call):
    with pytest.raises(ValueError):
        call()


@pytest.mark.parametrize(
    ("came", "promised", "asked"), [(0.2, 0.2, False), (0.2, 0.3, True), (0.3, 0.2, True), (0.24, 0.2, False)]
)
def test_the_rule_of_retraining(came, promised, asked):
    assert should_retrain([came] * 5, [promised] * 5) is asked


# --- The service's contract --------------------------------------------------------------------------------


def test_health_prediction_batch_and_job_agree(client):
    health = client.get("/health").json()
    assert health["status"] == "ok"
    assert (health["first_day"], health["last_day"]) == ("2013-01-29", "2013-03-01")
    flights = [GOOD, {**GOOD, "dest": "QQQ", "carrier": "ZZ"}, {**GOOD, "departure": "06:05"}]
    one_by_one = [client.post("/predict", json=flight).json() for flight in flights]
    assert all(0 <= p["probability"] <= 1 and p["call"] == (p["probability"] > THRESHOLD) for p in one_by_one)
    batch = client.post("/predict/batch", json={"flights": flights}).json()
    accepted = client.post("/jobs", json={"flights": flights})
    assert accepted.status_code == 202
    where = accepted.headers["location"]
    wait_until(lambda: client.get(where).json()["state"] == "done", "the job is done")
    job = client.get(where).json()["predictions"]
    for found in (batch, job):
        assert [p["call"] for p in found] == [p["call"] for p in one_by_one]
        given_ = [p["probability"] for p in found]
        assert given_ == pytest.approx([p["probability"] for p in one_by_one], abs=1e-12)


def test_the_same_job_twice_is_one_job(client, service):
    first, second = (client.post("/jobs", json={"flights": [GOOD]}).json()["id"] for _ in range(2))
    assert first == second
    wait_until(lambda: service.jobs.queued() == 0, "the queue is empty")
    assert service.jobs._ask("SELECT count(*) FROM jobs") == [(1,)]


WRONG = {
    "departure": ["24:00", "7:30", "07:60", "", 730, None, "07:30\n", "٠٧:٣٠"],
    "day": ["2013-02-30", "20130220", 1361318400, "2013-02-20T00:00", "", None, "２013-02-20"],
    "carrier": ["b6", "B", "B66", 6, None, "B\u0000"],
    "origin": ["SFO", "jfk", "", 1, None],
    "dest": ["BO", "bos", 1, None, "BOSS"],
}


@pytest.mark.parametrize(("field", "value"), [(name, v) for name, values in WRONG.items() for v in values])
def test_an_error_names_the_field_alone_and_in_a_batch(client, field, value):
    wrong = {**GOOD, field: value}
    answer = client.post("/predict", json=wrong)
    assert answer.status_code == 422, answer.text
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]
    for path in ("/predict/batch", "/jobs"):
        answer = client.post(path, json={"flights": [GOOD, GOOD, wrong]})
        assert answer.status_code == 422
        assert [fault["field"] for fault in answer.json()["errors"]] == [f"flights.2.{field}"]


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_field_and_an_unknown_one_are_named(client, name):
    answer = client.post("/predict", json={k: v for k, v in GOOD.items() if k != name})
    assert answer.json()["errors"] == [{"field": name, "problem": "Field required"}]
    answer = client.post("/predict", json={**GOOD, name + "x": 1})
    assert [fault["field"] for fault in answer.json()["errors"]] == [name + "x"]


HOSTILE = {
    "not a number": b'{"day": NaN}',
    "infinity": b'{"day": 1e999}',
    "half a character": b'{"day": "\\ud800"}',
    "half a character as a name": b'{"\\udfff": 1}',
    "deep lists": b"[" * 50_000,
    "deep objects": b'{"a":' * 15_000,
    "many digits": b'{"day": ' + b"9" * 5000 + b"}",
    "not UTF-8": b"\xff\xfe{",
    "nothing": b"",
    "null": b"null",
    "a word": b'"flight"',
    "a list": b"[]",
    "zero bytes": b"\x00" * 100,
    "the same name twice": b'{"day": "2013-02-20", "day": 1}',
    "too large": b" " * 200_000,
    "too many": json.dumps({"flights": [{}] * 1001}).encode(),
}


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/jobs"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_get_a_short_answer_in_the_400s(client, path, name):
    answer = client.post(path, content=HOSTILE[name], headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/json"
    assert 1 <= len(answer.json()["errors"]) <= 20
    assert len(answer.content) < 6000
    assert answer.status_code == (413 if name == "too large" else answer.status_code)


def test_the_input_is_not_repeated(client):
    answer = client.post("/predict", json={**GOOD, "carrier": "<script>secret</script>"})
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/predict", 405),
        ("DELETE", "/jobs", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/jobs/" + "0" * 64, 404),
        ("GET", "/jobs/..%2f..%2fetc", 404),
        ("GET", "/jobs/xyz", 422),
        ("BREW", "/health", 405),
    ],
)
def test_what_is_not_there_is_said_in_the_same_shape(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert list(answer.json()) == ["errors"]


@pytest.mark.parametrize("path", ["/predict/batch", "/jobs"])
def test_a_day_without_history_is_a_conflict_that_names_the_flight(client, service, path):
    answer = client.post(path, json={"flights": [GOOD, {**GOOD, "day": "2014-07-01"}]})
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["field"] == "flights.1.day"
    assert service.jobs.queued() == 0, "what cannot be done must not be accepted"


def test_a_full_queue_says_when_to_come_back(service):
    client = TestClient(create_app(service, max_queued=1))  # not entered: no worker takes the job
    assert client.post("/jobs", json={"flights": [GOOD]}).status_code == 202
    answer = client.post("/jobs", json={"flights": [GOOD, GOOD]})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "5"


def test_a_job_that_fails_says_so_and_does_not_stop_the_next(service):
    service.jobs.add("a" * 64, "not a schedule")
    name = service.accept(Flights(flights=[Flight(**GOOD)]))
    assert service.work()
    assert service.work()
    assert not service.work()
    assert service.state("a" * 64).state == "failed"
    assert service.state(name).state == "done"
    assert service.state("b" * 64) is None


def test_metrics_count_by_route_and_not_by_address(client):
    for n in range(30):
        client.get(f"/nowhere/{n}")
        client.get("/jobs/" + f"{n:064x}")
    client.post("/predict", json=GOOD)
    text = client.get("/metrics").text
    assert 'requests_total{route="/jobs/{name}",status="404"} 30.0' in text
    assert 'requests_total{route="none",status="404"} 30.0' in text
    assert 'requests_total{route="/predict",status="200"} 1.0' in text
    assert "probability_count 1.0" in text
    assert len(text.splitlines()) < 200


def test_a_slow_client_is_told_and_dropped(service):
    import asyncio

    sent = []

    async def never():
        await asyncio.sleep(3600)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": [], "query_string": b""}
    asyncio.run(create_app(service, patience=0.05)(scope, never, send))
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["errors"][0]["field"] == "body"


# --- The description against the service -------------------------------------------------------------------


@pytest.fixture(scope="module")
def api(home):
    """The OpenAPI description, and the application that it describes."""
    made = open_service(home, ":memory:")
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(made, max_queued=10**6))


def fuzz(operation, mode, answers):
    """Requests for one route, invented from the description; every answer is held against it."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        deadline=None,
        derandomize=True,
        max_examples=40,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def keeps(case):
        body = case.body if isinstance(case.body, dict) else {}
        if body and mode is GenerationMode.POSITIVE and sum(answers.values()) % 2:
            for flight in body.get("flights", [body]):
                flight["day"] = GOOD["day"]  # every other one on a day that has a history
        response = case.call_and_validate()
        answers[response.status_code] += 1

    keeps()


def test_the_service_keeps_its_own_description(api):
    """Right and wrong requests: no 500, and no answer that the description does not allow."""
    answers: Counter = Counter()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for found in api.get_all_operations():
            operation = found.ok()
            if mode is GenerationMode.POSITIVE or operation.path not in ("/health", "/metrics"):
                fuzz(operation, mode, answers)  # those two have no input that could be wrong
    print(dict(answers))
    assert max(answers) < 500
    assert sum(answers.values()) >= 200
    assert {200, 202, 404, 409, 422} <= set(answers)


# --- Kills -------------------------------------------------------------------------------------------------


def schedule(n):
    """A different schedule of 200 flights for each number."""
    day = date(2013, 2, 1) + timedelta(days=n % 28)
    return {
        "flights": [
            {**GOOD, "day": day.isoformat(), "departure": f"{6 + k % 17:02}:{(n + k) % 60:02}"}
            for k in range(200)
        ]
    }


def test_no_accepted_job_is_lost_when_the_process_is_killed_at_random_moments(home):
    rng = random.Random(0)
    accepted, numbers = {}, iter(range(10_000))
    for _ in range(3):
        process, port = start_service(home)
        alarm = threading.Timer(rng.uniform(0.02, 0.3), process.kill)
        alarm.start()
        try:
            while process.poll() is None:
                body = schedule(next(numbers))
                status, job = call_service(port, "POST", "/jobs", body)
                assert status == 202
                accepted[job["id"]] = body
        except (OSError, http.client.HTTPException):
            pass
        finally:
            alarm.join()
            process.kill()
            process.wait()
            process.stdout.close()
    assert accepted, "no job was accepted before the kills"
    process, port = start_service(home)
    try:
        wait_until(lambda: call_service(port, "GET", "/health")[1]["queued"] == 0, "all jobs are done")
        states = {name: call_service(port, "GET", f"/jobs/{name}")[1] for name in accepted}
        _, twice = call_service(port, "POST", "/jobs", next(iter(accepted.values())))
        assert twice["state"] == "done", "sent again, it is the same job"
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
    reference = open_service(home, ":memory:")
    for name, body in accepted.items():
        assert states[name]["state"] == "done", name
        expected = [p.model_dump() for p in reference.predict(Flights(**body).flights)]
        assert states[name]["predictions"] == expected, name
    reference.jobs.close()


def test_a_job_is_in_the_file_before_it_is_accepted(tmp_path):
    store = JobStore(tmp_path / "jobs.sqlite")
    store.add("a", "{}")
    other = sqlite3.connect(tmp_path / "jobs.sqlite")
    assert other.execute("SELECT id FROM jobs").fetchall() == [("a",)]
    assert store._ask("PRAGMA synchronous") == [(2,)]
    assert store._ask("PRAGMA journal_mode") == [("wal",)]
    assert store.begin() == ("a", "{}")
    assert store.begin() == ("a", "{}"), "begun and not finished: begun again"
    store.finish("a", "1")
    store.finish("a", "2")
    assert store.result("a") == (True, "1"), "the first result stays"
    assert store.begin() is None
    other.close()
    store.close()


def test_a_service_that_cannot_start_is_reported(tmp_path):
    (tmp_path / "registry.sqlite").mkdir()
    with pytest.raises(RuntimeError, match="did not become healthy"):
        start_service(tmp_path, deadline=20)


# --- One command -------------------------------------------------------------------------------------------


def test_build_makes_what_is_missing_and_then_leaves_it(tables, tmp_path, monkeypatch, capsys):
    for name, frame in tables.items():
        monkeypatch.setattr(datasets, f"load_{name}", lambda frame=frame: frame)
    assert main(["build", "--home", str(tmp_path / "new" / "home")]) == 0
    made = open_service(tmp_path / "new" / "home", ":memory:")
    assert made.version == 1
    assert 0 < made.predict([Flight(**GOOD)])[0].probability < 1
    made.jobs.close()
    before = (tmp_path / "new" / "home" / "registry.sqlite").read_bytes()
    assert main(["build", "--home", str(tmp_path / "new" / "home")]) == 0
    assert (tmp_path / "new" / "home" / "registry.sqlite").read_bytes() == before
    assert main(["containerfile"]) == 0
    assert capsys.readouterr().out == CONTAINERFILE


def test_the_container_file_names_what_exists():
    lines = CONTAINERFILE.replace("\\\n", " ").splitlines()
    for line in lines:
        if line.startswith("COPY"):
            assert all((ROOT / name).exists() for name in line.split()[1:-1]), line
    packages = next(line for line in lines if "fastapi" in line).split()
    pins = (ROOT / "requirements/pages.txt").read_text()
    wanted = packages[packages.index("requirements/constraints.txt") + 1 :]
    assert all(f"\n{name}==" in f"\n{pins}" for name in wanted), wanted
    command = json.loads(lines[-1].removeprefix("CMD "))
    assert command[:3] == ["python", "-m", "journey.projects.flight_delays"]
    assert next(i for i, line in enumerate(lines) if line.startswith("USER")) < len(lines) - 1
    assert "serve-flights" in (ROOT / "Makefile").read_text()


def test_a_service_that_is_told_to_stop_finishes(home):
    process, port = start_service(home, "--jobs", ":memory:")
    status, answer = call_service(port, "POST", "/predict", GOOD)
    assert status == 200
    assert set(answer) == {"probability", "call", "version"}
    assert call_service(port, "GET", "/metrics")[1].startswith("# HELP")
    process.terminate()
    assert process.wait(30) in (0, -15)
    process.stdout.close()
