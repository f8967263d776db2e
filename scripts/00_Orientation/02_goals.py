# %% [markdown]
# # Goals and rules
#
# What is this book for, by which rules is it written, and how would we know that it, or its reader, has grown?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** nothing yet: an agreement
# - **You need** a reason to be here
# - **Checked against** the book itself, in {doc}`10_claims_ledger`
# - **Time** 8 minutes to read
# ````
#
# ## The mission
#
# To take one reader from the first vector to a model that is served, watched and retrained, in eleven stages, such that at the end nothing in between is magic. Whoever finishes can build each part, say why
# it works, show that it works, and name the point at which it stops working.
#
# Four people meet on the way, and all of them are you: the **student** asks why, the **practitioner** makes it run on real data, the **engineer** makes it survive a second user, and the **systems thinker**
# knows which part to change. {doc}`11_roadmap` draws the path between them.
#
# ## The philosophy
#
# | we prefer | to | and so, in this book |
# |---|---|---|
# | fundamentals | hype | every algorithm is derived and built from nothing before a library is used; what is new is explained by what is old |
# | clarity | memorisation | one notation, one vocabulary, one question per page; a figure that carries the idea |
# | implementation | theory only | each equation names the line that implements it, and the line is run |
# | systems thinking | isolated scripts | a page imports what earlier pages built; the last projects stand on the first vector |
# | consistency | intensity | pages of half an hour; a check that runs every day; a journal that is kept |
#
# ## The rules
#
# 1. **A claim is checked or it is cut.** A number in the text comes from a cell of the page, with a band.
# 2. **Two checks with different blind spots.** {doc}`03_checks` shows why one is not enough.
# 3. **Every method is broken once.** A page that shows only success has hidden the half that you will meet.
# 4. **Real data first.** Synthetic data only where the truth must be known.
# 5. **If a method loses, the page says so.** If a paper does not reproduce at our scale, it is reported as it came out.
# 6. **No stubs.** What is not finished is not in the table of contents.
#
# ## How growth is measured
#
# The book's growth is counted by a program and not by its authors: pages, exported names, claims and run time of each stage are computed from the repository in {doc}`12_journal`.
#
# Yours is harder to count, and easier to fake. These four questions have served well; ask them of each page a week after you read it.
#
# | level | question | evidence |
# |---|---|---|
# | student | Can you explain it to a friend without the page? | a paragraph, written |
# | practitioner | Can you rebuild its code from an empty file? | the page's tests pass |
# | engineer | Can you break it, and say in advance how? | the *break* exercise, solved |
# | systems thinker | Can you name a page that would have to change if this one did? | the map in {doc}`11_roadmap` |
#
# A page counts as learned when all four are answered. Pages read do not count.
