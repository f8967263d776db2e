# %% [markdown]
# # The journal
#
# Where does the journey stand, and what happened along the way?
#
# {doc}`02_goals` says how growth is to be measured. The table below measures the book; the record after it is kept by hand, month by month.

# %%
import ast
from collections import defaultdict

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

from journey.orientation.checks import claim
from journey.orientation.claims_ledger import stored_claims, stored_pages
from journey.orientation.figures import COLORS, use_journey_style

use_journey_style()

# %% [markdown]
# ## Where the book stands
#
# Everything in this table is read from the stored pages: a name counts if a cell tagged `export` defines it and it does not begin with an underscore; an exercise counts if its worked solution passes its tests.

# %%
pages = stored_pages()
claims = stored_claims(pages)


def exported_names(page):
    names = set()
    for cell in page.cells:
        if "export" in cell["metadata"].get("tags", []):
            for node in ast.parse("".join(cell["source"])).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    names.add(node.name)
                elif isinstance(node, ast.Assign):
                    names |= {
                        name.id
                        for target in node.targets
                        for name in ast.walk(target)
                        if isinstance(name, ast.Name)
                    }
    return {name for name in names if not name.startswith("_")}


# %%
def printed(page):
    texts = (
        "".join(output.get("text", ""))
        for cell in page.cells
        for output in cell.get("outputs", [])
    )
    return "\n".join(texts)


table = defaultdict(lambda: [0, 0, 0, 0, 0])
for page in pages:
    if "/" not in page.name or page.name.endswith("/index"):
        continue
    stage = page.name.split("/")[0].replace("_", " ")
    mine = sum(item.page == page.name for item in claims)
    solved = sum(line.endswith(": passed") for line in printed(page).splitlines())
    for column, number in enumerate(
        (1, len(exported_names(page)), mine, solved, page.seconds)
    ):
        table[stage][column] += number

# %%
columns = [
    "pages",
    "exported names",
    "claims",
    "exercises solved",
    "run time, at most (s)",
]
book = pd.DataFrame(table, index=columns).T
book.loc["all"] = book.sum()
display(book)
claim(
    "journal-claims-counted-twice-or-lost",
    book.loc["all", "claims"] - len(claims),
    equal_to=0,
)
claim(
    "journal-claims-per-page",
    book.loc["all", "claims"] / book.loc["all", "pages"],
    at_least=3,
)

# %% mystnb={"figure": {"caption": "Claims by stage: numbers that the text leans on and that are checked whenever a page runs.", "name": "fig-journal-claims"}, "image": {"alt": "Horizontal bar chart of the number of claims in each stage that exists."}} tags=["hide-input"]
stages = book.drop("all")
figure, axes = plt.subplots(figsize=(7.2, 0.9 + 0.42 * len(stages)))
axes.barh(stages.index, stages["claims"], color=COLORS["blue"], height=0.6)
for row, (claims_here, pages_here) in enumerate(zip(stages["claims"], stages["pages"])):
    axes.annotate(
        f"{claims_here} on {pages_here} pages",
        (claims_here, row),
        (5, 0),
        textcoords="offset points",
        va="center",
    )
axes.invert_yaxis()
axes.grid(axis="y", visible=False)
axes.set(
    xlabel="claims",
    title="Checked numbers, by stage",
    xlim=(0, 1.25 * stages["claims"].max()),
)
plt.show()

# %% [markdown]
# ## The record
#
# ### January: the foundation
#
# *Python, from fundamentals to advanced.* Objects and mutability, functions and closures, iterators and generators, modules and tests.
#
# *Object-oriented programming.* Classes, composition, protocols; ended in the **Library Management System**: books and copies, members, loans, reservations and fines, with a domain that knows nothing of its database.
#
# *Mathematics for machine learning.* Linear algebra from the vector to the singular value decomposition; calculus from the limit to the gradient and the first descent.
#
# *NumPy.* Arrays as buffers with strides, broadcasting, vectorisation.
#
# **Outcome:** the foundation for machine-learning engineering. What each stage assumes from here on was built in this month.
#
# ### How to keep a journal of your own
#
# One line a day is enough, if it has three parts: what you built, how you checked it, and what surprised you. The third part is the one that you will want to read again.
