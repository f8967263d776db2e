"""Verdicts on papers, and the graph of the book."""

import graphlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.orientation.checks import SeedBand
from journey.orientation.claims_ledger import StoredPage, stored_pages
from journey.orientation.reading_papers import PaperClaim, verdict
from journey.orientation.roadmap import import_graph, learning_path, module_of

quick = settings(deadline=None, derandomize=True, max_examples=100)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.0, 2.0, "reproduced"),
        (0.0, 3.0, "reproduced"),
        (-1.0, 1.0, "undecided"),
        (2.5, 3.1, "undecided"),
        (-1.0, 4.0, "undecided"),
        (3.1, 4.0, "not reproduced"),
        (-2.0, -0.1, "not reproduced"),
    ],
)
def test_verdict(low, high, expected):
    band = SeedBand((low + high) / 2, low, high, np.array([low, high]))
    assert verdict(PaperClaim("p", "s", "q", 0.0, 3.0), band) == expected


def test_verdict_refuses_what_decides_nothing():
    band = SeedBand(0.0, -1.0, 1.0, np.zeros(2))
    with pytest.raises(ValueError, match="empty"):
        verdict(PaperClaim("p", "s", "q", 1.0, 0.0), band)
    with pytest.raises(ValueError, match="finite"):
        verdict(PaperClaim("p", "s", "q", 0.0, 1.0), band._replace(high=float("nan")))


@given(st.integers(1, 8).flatmap(lambda n: st.lists(st.sets(st.integers(0, n - 1)), min_size=n, max_size=n)))
@quick
def test_learning_path_is_a_topological_order_of_the_ancestors(earlier):
    graph = {str(n): {str(m) for m in before if m < n} for n, before in enumerate(earlier)}
    target = str(len(graph) - 1)
    path = learning_path(graph, target)
    assert path[-1] == target
    assert len(set(path)) == len(path)
    assert all(path.index(m) < path.index(n) for n in path for m in graph[n])
    assert list(graphlib.TopologicalSorter({n: graph[n] for n in path}).static_order())


def test_learning_path_refuses_circles_and_strangers():
    with pytest.raises(ValueError, match="circle"):
        learning_path({"a": {"b"}, "b": {"a"}}, "a")
    with pytest.raises(ValueError, match="no page"):
        learning_path({"a": set()}, "b")


def test_import_graph_reads_all_forms_of_import():
    def page(name, code):
        return StoredPage(name, name, 1, "", [{"cell_type": "code", "source": [code]}])

    users = [
        "from journey.maths.a import x",
        "import journey.maths.a as a",
        "from journey.maths import a",
        "def f():\n    from journey.maths.a import x",
    ]
    pages = [
        page("01_Maths/01_a", "x = 1"),
        *(page(f"02_Use/0{n}_u{n}", code) for n, code in enumerate(users)),
    ]
    graph = import_graph(pages)
    assert graph.pop("01_Maths/01_a") == set()
    assert set(map(frozenset, graph.values())) == {frozenset({"01_Maths/01_a"})}


def test_modules_are_named_as_the_package_has_them():
    import importlib

    for page in stored_pages():
        if any("export" in cell["metadata"].get("tags", []) for cell in page.cells):
            assert importlib.import_module(module_of(page.name)).__all__
