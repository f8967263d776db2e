"""The ledger reads stored notebooks; the environment check reads pins."""

import importlib.metadata

import pytest

from journey.orientation import claims_ledger
from journey.orientation.claims_ledger import StoredPage, stored_claims, stored_pages
from journey.orientation.how_to_use_this_book import compare_pins


def page(*outputs):
    cells = [{"cell_type": "code", "source": [], "outputs": [{"text": [text]} for text in outputs]}]
    return StoredPage("00_A/01_b", "B", 1, "2026-01-01", cells)


def test_claims_are_read_from_printed_lines():
    found = stored_claims(
        [page("noise\nclaim a-b: 1e-09 (at most 1e-06) holds\nclaim c: 2 (equal to 2 ± 0.1) holds\n")]
    )
    assert [tuple(item) for item in found] == [
        ("00_A/01_b", "a-b", "1e-09", "at most 1e-06"),
        ("00_A/01_b", "c", "2", "equal to 2 ± 0.1"),
    ]


@pytest.mark.parametrize(
    "line", ["claim a: 1 (at most 0) DOES NOT HOLD", "a claim b: 1 (at most 2) holds", "claim a: 1"]
)
def test_other_lines_are_not_claims(line):
    assert stored_claims([page(line)]) == []


def test_stored_pages_leave_out_the_pages_that_read_them():
    names = [item.name for item in stored_pages()]
    assert "00_Orientation/03_checks" in names
    assert "00_Orientation/10_claims_ledger" not in names
    assert names == sorted(names)


def test_without_the_repository_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setattr(claims_ledger.importlib.util, "find_spec", lambda name: None)
    monkeypatch.chdir("/")
    with pytest.raises(FileNotFoundError, match="clone of the repository"):
        stored_pages()


def test_compare_pins_reports_only_differences():
    here = importlib.metadata.version("numpy")
    text = f"# comment\n-r other.txt\n\nnumpy=={here}  # fine\nnumpy==0.1\nno-such-package==1.0\n"
    assert compare_pins(text) == {"numpy": ("0.1", here), "no-such-package": ("1.0", None)}


def test_a_local_label_is_no_difference(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.13.0+cpu")
    assert compare_pins("torch==2.13.0") == {}


@pytest.mark.parametrize("line", ["numpy", "numpy>=2", "numpy 2"])
def test_compare_pins_refuses_what_is_not_a_pin(line):
    with pytest.raises(ValueError, match="expected name==version"):
        compare_pins(line)
