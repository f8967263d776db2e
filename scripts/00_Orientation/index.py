# %% [markdown]
# # Orientation
#
# Before the journey begins: how this book is read, how it is checked, how it draws, and where its data come from.
#
# **This stage builds** the instruments that every later page uses: `journey.orientation.checks` with the `claim`, the style of all figures, and the loaders of all data sets. **It assumes** that you can
# read a Python function and have met the word "derivative".
#
# | page | question | you take along |
# |---|---|---|
# | {doc}`01_how_to_use_this_book` | How is this book read and run? | a checked environment |
# | {doc}`02_goals` | What is this book for, and by which rules? | an agreement |
# | {doc}`03_checks` | What could have shown that the code is wrong? | `claim`, `check_close`, `check_gradient`, `seed_band` |
# | {doc}`04_figures` | When is a figure readable for everyone? | the style sheet, `draw_vectors`, `show_images` |
# | {doc}`07_notation` | What does a symbol mean, everywhere in the book? | one notation |
# | {doc}`09_glossary` | What does a word mean? | one vocabulary |
# | {doc}`10_claims_ledger` | Which numbers does the book promise? | all of them, with their bands |
# | {doc}`11_roadmap` | What must I read before what? | the map, and a path to any page |
# | {doc}`12_journal` | Where does the journey stand? | the record |
#
# If you are in a hurry, read the first two and go to {doc}`../01_Mathematics/index`.
