"""Runs, their log and their origin: processes, kills, round trips, fingerprints, the best of n, aliases."""

from __future__ import annotations

import itertools
import json
import math
import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.mlops.experiment_tracking import (
    Run,
    Tracker,
    canonical,
    code_version,
    data_fingerprint,
    decide,
    environment,
    expected_best,
    file_digest,
    lineage,
    move_alias,
    verify_lineage,
)

some = settings(deadline=None, derandomize=True, max_examples=30)
texts = st.text(max_size=40)
numbers = st.floats(allow_nan=True, allow_infinity=True)


# --- The tracker ---------------------------------------------------------------------------------------


@given(st.dictionaries(texts, texts, max_size=5), st.lists(st.tuples(texts, numbers, st.integers(0, 99))))
@some
def test_what_is_logged_is_read_back_by_another_tracker(tmp_path_factory, params, metrics):
    folder = tmp_path_factory.mktemp("runs")
    tracker = Tracker(folder)
    run_id = tracker.start_run(author="Ann\nand others")
    for key, value in params.items():
        tracker.log_param(run_id, key, value)
    for key, value, step in metrics:
        tracker.log_metric(run_id, key, value, step)
    tracker.end_run(run_id)
    (run,) = Tracker(folder).runs()
    assert (run.status, run.tags, run.params) == ("FINISHED", {"author": "Ann\nand others"}, params)
    found = [(k, v, step) for k, seen in run.history.items() for step, _, v in seen]
    assert sorted(map(repr, found)) == sorted(map(repr, metrics))
    assert run.started <= run.ended


@given(st.permutations(range(6)))
@some
def test_events_of_different_runs_commute(order):
    events = [("a", ("metric", "loss", 0.5, 1, 7)), ("b", ("metric", "loss", 0.2, 1, 7))]
    events += [("a", ("param", "k", "1", 0, 0)), ("b", ("param", "k", "2", 0, 0))]
    events += [("a", ("end", "", "FINISHED", 0, 9)), ("b", ("tag", "t", "x", 0, 0))]
    runs = {name: Run(name) for name in "ab"}
    for place in order:
        name, event = events[place]
        runs[name].apply(*event)
    assert (runs["a"].metrics, runs["b"].metrics) == ({"loss": 0.5}, {"loss": 0.2})
    assert (runs["a"].params, runs["b"].params) == ({"k": "1"}, {"k": "2"})
    assert (runs["a"].status, runs["b"].status) == ("FINISHED", "RUNNING")


def test_the_present_value_is_that_of_the_last_step(tmp_path):
    tracker = Tracker(tmp_path)
    run_id = tracker.start_run()
    for step, value in ((20, 0.3), (10, 0.1), (20, 0.4)):
        tracker.log_metric(run_id, "loss", value, step, at=5)
    assert tracker.runs()[0].metrics == {"loss": 0.4}


def test_a_parameter_stays_and_a_tag_does_not(tmp_path):
    tracker = Tracker(tmp_path)
    run_id = tracker.start_run(stage="draft")
    tracker.log_param(run_id, "depth", 3)
    tracker.log_param(run_id, "depth", 3)
    with pytest.raises(ValueError, match="'depth' stays '3', got 4"):
        tracker.log_param(run_id, "depth", 4)
    tracker.set_tag(run_id, "stage", "done")
    (run,) = Tracker(tmp_path).runs()
    assert run.params == {"depth": "3"}
    assert run.tags == {"stage": "done"}


def test_artefacts_are_copies_with_their_digest(tmp_path):
    tracker, source = Tracker(tmp_path / "runs"), tmp_path / "model.bin"
    run_id = tracker.start_run()
    source.write_bytes(b"first")
    tracker.log_artifact(run_id, source)
    digest = file_digest(source)
    source.write_bytes(b"second")
    kept = tmp_path / "runs" / "artifacts" / run_id / "model.bin"
    assert kept.read_bytes() == b"first"
    assert tracker.runs()[0].artifacts == {"model.bin": digest}
    assert [file.name for file in kept.parent.iterdir()] == ["model.bin"]


def test_search_selects_and_sorts_with_nan_last(tmp_path):
    tracker = Tracker(tmp_path)
    for name, loss in (("a", 0.5), ("b", math.nan), ("c", 0.1), ("d", None)):
        run_id = tracker.start_run(name=name)
        if loss is not None:
            tracker.log_metric(run_id, "loss", loss)
    names = [run.tags["name"] for run in tracker.search(order_by="loss")]
    assert names[:2] == ["c", "a"]
    assert sorted(names[2:]) == ["b", "d"]
    assert [r.tags["name"] for r in tracker.search(lambda r: r.tags["name"] > "b", "loss")] == ["c", "d"]


def test_the_tracker_refuses(tmp_path):
    tracker = Tracker(tmp_path)
    run_id = tracker.start_run()
    with pytest.raises(ValueError, match="existing run, got 'loss', 'nobody'"):
        tracker.log_metric("nobody", "loss", 1.0)
    with pytest.raises(ValueError, match="need a key"):
        tracker.log_metric(run_id, 3, 1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="FINISHED, FAILED or KILLED, got 'OK'"):
        tracker.end_run(run_id, "OK")
    assert [run.status for run in tracker.runs()] == ["RUNNING"]


WRITER = """
import sys
from journey.mlops.experiment_tracking import Tracker
tracker = Tracker(sys.argv[1])
run_id = tracker.start_run(process=sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for number in range(200):
    tracker.log_metric(run_id, "loss", number, step=number)
    if number == int(sys.argv[3]):
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
tracker.end_run(run_id)
"""


@pytest.mark.parametrize("stop", [-1, 100])
def test_two_processes_lose_nothing_and_a_killed_one_only_what_it_had_not_written(tmp_path, stop):
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([*command, name, end], **pipes) for name, end in (("A", "-1"), ("B", str(stop)))]
    assert [process.stdout.readline() for process in both] == ["ready\n"] * 2
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in both:
        process.communicate(timeout=60)
    runs = {run.tags["process"]: run for run in Tracker(tmp_path).runs()}
    steps = {name: [step for step, *_ in run.history["loss"]] for name, run in runs.items()}
    assert steps["A"] == list(range(200))
    assert steps["B"] == list(range(200 if stop < 0 else stop + 1))
    assert runs["B"].status == ("FINISHED" if stop < 0 else "RUNNING")
    assert both[1].returncode == (0 if stop < 0 else -signal.SIGKILL)


@given(st.integers(1, 60))
@some
def test_a_torn_record_costs_no_other(tmp_path_factory, length):
    folder = tmp_path_factory.mktemp("torn")
    tracker = Tracker(folder)
    run_id = tracker.start_run()
    tracker.log_metric(run_id, "loss", 1.0, 1)
    record = f"\n{json.dumps([run_id, 'metric', 'loss', 9.0, 2, 0])}\n".encode()
    file = os.open(folder / "events.jsonl", os.O_WRONLY | os.O_APPEND)
    os.write(file, record[:length])
    os.close(file)
    Tracker(folder).log_metric(run_id, "loss", 3.0, 3)
    (run,) = Tracker(folder).runs()
    assert [value for *_, value in run.history["loss"]] == [1.0, 3.0]


def test_canonical_forgets_the_identifier_and_nothing_else():
    first, second = Run("a", "FINISHED", 1, 2, {"k": "v"}), Run("b", "FINISHED", 1, 2, {"k": "v"})
    assert canonical(first) == canonical(second)
    second.apply("metric", "loss", 0.1, 0, 0)
    assert canonical(first) != canonical(second)


# --- Where a model comes from --------------------------------------------------------------------------


def small():
    return pd.DataFrame({"n": [1, 2, 3], "w": ["ab", "c", None], "x": [0.5, np.nan, -0.0]})


SAME = {
    "index": lambda t: t.set_axis([7, 8, 9]),
    "wide numbers": lambda t: t.astype({"n": "float64"}),
    "nullable": lambda t: t.astype({"n": "Int32"}),
    "category": lambda t: t.astype({"w": "category"}),
    "object": lambda t: t.astype({"w": "object"}),
    "sign of zero": lambda t: t.assign(x=t["x"].replace(0.0, 0.0).abs()),
    "copy": lambda t: t.copy(),
}
OTHER = {
    "a value": lambda t: t.assign(n=[1, 2, 4]),
    "a text": lambda t: t.assign(w=["a", "bc", None]),
    "a gap": lambda t: t.assign(x=[0.5, 0.0, 0.0]),
    "order of rows": lambda t: t.iloc[[1, 0, 2]],
    "order of columns": lambda t: t[["w", "n", "x"]],
    "a name": lambda t: t.rename(columns={"n": "m"}),
    "a row less": lambda t: t.iloc[:2],
    "numbers as texts": lambda t: t.assign(n=["1", "2", "3"]),
    "a last digit": lambda t: t.assign(x=[np.nextafter(0.5, 1), np.nan, 0.0]),
}


@pytest.mark.parametrize("change", SAME)
def test_the_fingerprint_does_not_see_how_values_are_kept(change):
    assert data_fingerprint(SAME[change](small())) == data_fingerprint(small())


@pytest.mark.parametrize("change", OTHER)
def test_the_fingerprint_sees_every_value_name_and_order(change):
    assert data_fingerprint(OTHER[change](small())) != data_fingerprint(small())


def test_the_fingerprint_keeps_the_last_digit_of_large_identifiers():
    tables = [pd.DataFrame({"id": [2**60 + k]}) for k in (0, 1)]
    assert data_fingerprint(tables[0]) != data_fingerprint(tables[1])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([[1]], "need a DataFrame, got list"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "different texts"),
        (pd.DataFrame([[1]]), "different texts"),
        (pd.DataFrame({"a": [1, "x"]}), "'a' holds more than"),
    ],
)
def test_the_fingerprint_refuses(table, words):
    with pytest.raises(ValueError, match=words):
        data_fingerprint(table)


def test_the_code_is_a_commit_or_a_reason(tmp_path):
    assert code_version(tmp_path).startswith("unknown: ")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=A", "-c", "user.email=a@example.com"]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "train.py").write_text("one")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    clean = code_version(tmp_path)
    assert len(clean) == 40
    versions = {clean}
    for text in ("two", "three"):
        (tmp_path / "train.py").write_text(text)
        versions.add(code_version(tmp_path))
    assert len(versions) == 3
    assert all(version.startswith(clean) for version in versions)


def test_the_environment_says_what_is_absent():
    found = environment("numpy", "no-such-package")
    assert found["numpy"] == np.__version__
    assert found["no-such-package"] == "absent"


def rebuild(data, slope=1.0):
    return slope * data["n"].to_numpy(dtype=float)


def test_a_model_is_made_again_from_its_record_and_a_changed_row_is_told():
    record = lineage(small(), {"slope": 2.0}, rebuild(small(), 2.0), code="c1")
    good = verify_lineage(record, small(), rebuild, code="c1")
    assert good == (True, True, True, 0.0, True)
    changed = small().assign(n=[1, 2, 4])
    bad = verify_lineage(record, changed, rebuild, code="c2")
    assert (bad.data, bad.code, bad.reproduced) == (False, False, False)
    assert bad.deviation == 2.0
    assert not verify_lineage(
        dict(record, **{"lineage.code": "unknown: x"}), small(), rebuild, code="unknown: x"
    ).code


def test_lineage_refuses():
    with pytest.raises(ValueError, match="finite numbers"):
        lineage(small(), {}, [math.nan], code="c")
    with pytest.raises(ValueError, match="survive JSON"):
        lineage(small(), {"sizes": (1, 2)}, [1.0], code="c")
    record = lineage(small(), {}, [1.0, 2.0], code="c")
    with pytest.raises(ValueError, match=r"shape \(2,\), got \(3,\)"):
        verify_lineage(record, small(), rebuild, code="c")
    del record["lineage.data"]
    with pytest.raises(ValueError, match="has no data"):
        verify_lineage(record, small(), rebuild, code="c")


# --- What a sweep promises, and what goes into service -------------------------------------------------


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=7, unique_by=lambda p: p[0]
    )
)
@some
def test_the_expected_best_is_the_mean_over_all_subsets(pairs):
    losses, others = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    for n in range(1, len(pairs) + 1):
        subsets = list(itertools.combinations(range(len(pairs)), n))
        best = [min(subset, key=lambda k: losses[k]) for subset in subsets]
        assert expected_best(losses)[n - 1] == pytest.approx(losses[best].mean())
        assert expected_best(losses, others)[n - 1] == pytest.approx(others[best].mean())
    assert (np.diff(expected_best(losses)) <= 1e-9).all()


@pytest.mark.parametrize("bad", [([],), ([1.0, math.nan],), ([1.0], [1.0, 2.0]), ([[1.0]],)])
def test_the_expected_best_refuses(bad):
    with pytest.raises(ValueError, match=r"two equal columns|finite"):
        expected_best(*bad)


def test_only_a_clear_gain_is_promoted():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 800)
    vague, sharp = np.full(800, 0.5), np.where(y == 1, 0.9, 0.1)
    assert decide(y, vague, sharp, np.random.default_rng(1)).promote
    assert not decide(y, sharp, vague, np.random.default_rng(1)).promote
    assert not decide(y, vague, vague, np.random.default_rng(1)).promote
    assert not decide(y, vague, sharp, np.random.default_rng(1), least=5.0).promote
    with pytest.raises(ValueError, match="least must be finite"):
        decide(y, vague, sharp, np.random.default_rng(1), least=math.inf)


class Registry:
    """As much of MLflow's client as an alias needs."""

    def __init__(self):
        self.aliases = {}

    def get_model_version(self, name, version):
        if version not in ("1", "2"):
            raise LookupError(version)

    def get_registered_model(self, name):
        return self

    def set_registered_model_alias(self, name, alias, version):
        self.aliases[alias] = version


def test_an_alias_moves_and_the_way_back_is_kept():
    registry = Registry()
    assert move_alias(registry, "m", "champion", 1) is None
    assert move_alias(registry, "m", "champion", 2) == "1"
    assert registry.aliases == {"champion": "2", "champion-before": "1"}
    assert move_alias(registry, "m", "champion", 2) == "2"
    assert registry.aliases["champion-before"] == "1"
    with pytest.raises(LookupError):
        move_alias(registry, "m", "champion", 3)
    assert registry.aliases["champion"] == "2"
