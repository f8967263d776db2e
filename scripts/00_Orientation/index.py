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
# | {doc}`03_checks` | What could have shown that the code is wrong? | `claim`, `check_close`, `check_gradient`, `seed_band` |
# | {doc}`04_figures` | When is a figure readable for everyone? | the style sheet, `draw_vectors`, `show_images` |
# | {doc}`07_notation` | What does a symbol mean, everywhere in the book? | one notation |
# | {doc}`10_glossary` | What does a word mean? | one vocabulary |
# | {doc}`11_claims_ledger` | Which numbers does the book promise? | all of them, with their bands |
#
# If you are in a hurry, read the first two and go to {doc}`../01_Mathematics/index`.
