# %% [markdown]
# # The claims ledger
#
# Which numbers does this book promise, and how close is each to breaking its promise?
#
# Whenever the text of a page leans on a measured number, the page makes a {term}`claim`: a name, a value and a band, as {doc}`03_checks` explains. This page reads the stored
# outputs of all other pages and lists every claim that it finds. Nobody types this list.

# %%
import html
import importlib.util
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, display

from journey.orientation.checks import claim
from journey.orientation.figures import COLORS, use_journey_style

use_journey_style()

# %% [markdown]
# ## Reading the stored pages
#
# A notebook is a JSON file, and a claim is a printed line. The first function finds the notebooks, the second the lines.


# %% tags=["export"]
class StoredPage(NamedTuple):
    """A page as it is stored: its path without suffix, its title, its run time (rounded up) and its cells."""

    name: str
    title: str
    seconds: int
    date: str
    cells: list[dict[str, Any]]


def stored_pages() -> list[StoredPage]:
    """All executed pages of the book in order of their paths, except those that call this function.

    Raises
    ------
    FileNotFoundError
        If the notebooks are not there: they belong to the repository, not to the installed package.
    """
    spec = importlib.util.find_spec("journey")
    places = (spec.submodule_search_locations if spec else None) or []
    book = Path(next(iter(places), ".")).resolve().parent / "book"
    if not book.is_dir():
        raise FileNotFoundError(
            "no folder book/ beside the package journey: run this in a clone of the repository"
        )
    pages = []
    for path in sorted(book.rglob("*.ipynb")):
        if {"_build", ".ipynb_checkpoints"} & set(path.parts):
            continue
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = notebook["cells"]
        if any(
            cell["cell_type"] == "code" and "stored_pages(" in "".join(cell["source"])
            for cell in cells
        ):
            continue
        heading = re.search(r"^# (.+)$", "".join(cells[0]["source"]), re.MULTILINE)
        note = notebook["metadata"]["journey"]
        name = path.relative_to(book).with_suffix("").as_posix()
        pages.append(
            StoredPage(
                name,
                heading.group(1) if heading else name,
                note["seconds"],
                note["date"],
                cells,
            )
        )
    return pages


# %% tags=["export"]
class StoredClaim(NamedTuple):
    """A claim found in a stored page; ``value`` and ``band`` are as they were printed."""

    page: str
    name: str
    value: str
    band: str


CLAIM_LINE = re.compile(
    r"^claim (?P<name>[a-z0-9-]+): (?P<value>\S+) \((?P<band>.+)\) holds$", re.MULTILINE
)


def stored_claims(pages: list[StoredPage]) -> list[StoredClaim]:
    """Every claim that the given pages print, in order."""
    return [
        StoredClaim(page.name, match["name"], match["value"], match["band"])
        for page in pages
        for cell in page.cells
        for output in cell.get("outputs", [])
        for match in CLAIM_LINE.finditer("".join(output.get("text", "")))
    ]


# %%
pages = stored_pages()
claims = stored_claims(pages)
print(f"{len(claims)} claims on {len({item.page for item in claims})} pages")

# %% [markdown]
# The ledger makes promises of its own: no name is used twice, and each page that makes claims makes enough of them to be worth checking.

# %%
names = Counter(item.name for item in claims)
per_page = Counter(item.page for item in claims)
claim("ledger-names-used-twice", sum(count > 1 for count in names.values()), equal_to=0)
claim("ledger-smallest-number-on-a-page", min(per_page.values()), at_least=3)

# %% [markdown]
# ## How much room is left
#
# A claim `at most 1e-6` with the value `1e-14` has eight decades of room; with `9e-7` it has almost none, and may break on another processor. For every one-sided claim with positive
# numbers, the room is the logarithm of the ratio between bound and value.


# %%
def decades_of_room(item):
    kind, _, bound = item.band.rpartition(" ")
    value = float(item.value)
    if kind not in ("at most", "at least") or value <= 0 or float(bound) <= 0:
        return None
    return abs(np.log10(float(bound) / value))


room = {
    item.name: decades
    for item in claims
    if (decades := decades_of_room(item)) is not None
}
claim("ledger-least-room-in-decades", min(room.values()), at_least=0)

# %% mystnb={"figure": {"caption": "Room between value and bound for all one-sided claims of the book, in decades. Comparisons with a reference have many decades of room; statements about data live close to their bounds, because there the bound is the statement.", "name": "fig-ledger-room"}, "image": {"alt": "Histogram of the room of claims in decades: most claims within one decade of their bound, a long tail up to ten decades and more."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.0))
values = np.array(list(room.values()))
axes.hist(
    values,
    bins=np.arange(0, max(values.max(), 1) + 0.5, 0.5),
    color=COLORS["blue"],
    edgecolor="white",
)
axes.axvline(np.median(values), color=COLORS["ink"], ls="--", lw=1.5)
axes.annotate(
    f"median {np.median(values):.1f}",
    (np.median(values), axes.get_ylim()[1] * 0.92),
    xytext=(6, 0),
    textcoords="offset points",
)
axes.set(
    xlabel="decades between value and bound",
    ylabel="claims",
    title="Most bounds are near, as a statement's should be",
)
plt.show()

# %% [markdown]
# ## All claims

# %% tags=["hide-input"]
rows = []
for page in pages:
    mine = [item for item in claims if item.page == page.name]
    for number, item in enumerate(mine):
        head = f'<th scope="rowgroup" rowspan="{len(mine)}"><a href="../{page.name}.html">{html.escape(page.title)}</a><br>{page.date}</th>'
        cells = f"<td><code>{item.name}</code></td><td>{item.value}</td><td>{html.escape(item.band)}</td>"
        rows.append(f"<tr>{head if number == 0 else ''}{cells}</tr>")
header = (
    "<thead><tr>"
    + "".join(
        f'<th scope="col">{label}</th>' for label in ("page", "claim", "value", "band")
    )
    + "</tr></thead>"
)
display(
    HTML(f'<table class="claims-ledger">{header}<tbody>{"".join(rows)}</tbody></table>')
)

# %% [markdown]
# The date is the day on which these outputs were made. Values change in their last digits from one processor to another, so the comparison that runs on every change ignores them; it compares the
# name, the band and the verdict of each line.
