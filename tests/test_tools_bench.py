"""``tools.bench``: the runner itself; no test looks at a speed."""

import time

import pytest

from tools import bench


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(bench, "REGISTRY", {})
    monkeypatch.setattr(
        bench, "memory_in_fresh_process", lambda name, side: {"ours": 6.0, "reference": 2.0}[side]
    )
    return bench.REGISTRY


def test_names_are_unique(registry):
    bench.benchmark("one", reference="nothing")(lambda side: lambda: None)
    with pytest.raises(ValueError, match="'one' already"):
        bench.benchmark("one", reference="nothing")(lambda side: lambda: None)


def test_sides_take_turns_and_the_slower_has_the_longer_time():
    calls = []

    def ours():
        calls.append("ours")
        time.sleep(0.003)

    slow, fast = bench.time_pair(ours, lambda: calls.append("reference"), repeats=6, warm_up=2)
    assert slow > fast
    assert [sorted(pair) for pair in zip(calls[::2], calls[1::2])] == [["ours", "reference"]] * 8


def test_the_table_has_ratios(registry):
    prepared = []

    @bench.benchmark("small sum", reference="the same")
    def _(side):
        prepared.append(side)
        return lambda: sum(range(100))

    text = bench.run("sum")
    assert prepared == ["ours", "reference"]
    assert "small sum" in text
    assert "3.00" in text  # 6 MB against 2 MB
    with pytest.raises(ValueError, match="small sum"):
        bench.run("product")


def test_scores_are_shown_and_ratios_averaged(registry):
    for name, score in (("one", 0.25), ("two", 0.5)):
        bench.benchmark(name, reference="the same", repeats=3, scored=True)(
            lambda side, score=score: lambda: score if side == "ours" else 0.75
        )
    text = bench.run()
    assert [line.split()[1:4] for line in text.splitlines() if " score " in line] == [
        ["score", "0.250", "0.750"],
        ["score", "0.500", "0.750"],
    ]
    assert "time, 2 pairs: geometric mean" in text


def test_long_work_runs_once_and_its_memory_is_not_asked_for(registry):
    calls = []

    @bench.benchmark("long", reference="the same", repeats=1, scored=True, memory=False)
    def _(side):
        return lambda: calls.append(side) or 0.5

    text = bench.run()
    assert sorted(calls) == ["ours", "reference"]
    assert "score" in text
    assert " memory " not in text


def test_peak_growth_sees_an_allocation():
    growth = bench.peak_growth_mb(lambda: bytearray(b"x") * (200 * 2**20), repeats=1)
    assert growth != growth or 150 < growth < 300  # NaN where the system does not tell


def test_load_registers_the_books_benchmarks():
    bench.load()
    assert any("mlp" in name for name in bench.REGISTRY)
    assert sum("GaussianNB" in name for name in bench.REGISTRY) == 3
    step = bench.REGISTRY["mlp step, batch 128"]
    ours, reference = (step.prepare(side) for side in bench.SIDES)
    for _ in range(3):
        assert ours() == pytest.approx(reference(), rel=1e-4)
