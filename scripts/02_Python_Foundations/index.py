# %% [markdown]
# # Python Foundations
#
# How does a script that works once become software that others can trust, change and build on?
#
# **This stage builds** the craft that the rest of the book stands on: what Python's objects are and what they cost,
# functions that stream, tests that find bugs, classes that keep their promises, one complete system with a database
# and a command line, and the three libraries through which all data of this book passes. **It assumes** that you can
# write a loop and a function, and the checks of {doc}`../00_Orientation/03_checks`.
#
# | page | question | you take along |
# |---|---|---|
# | {doc}`01_core_python` | What is a value, what do containers cost, and what breaks their promises? | `HashTable`, `object_graph` |
# | {doc}`02_functions_and_iteration` | What does a function carry with it, and how is more read than fits into memory? | `memoize`, `timed`, `group_means`, `atomic_write` |
# | {doc}`03_modules_and_testing` | How does a script become a program that others can run, trust and change? | `load_module`, `import_graph`, `mutate` |
# | {doc}`04_object_oriented_programming` | When is a class worth its weight, and what does it promise? | `Quantity`, `Unit`, `parse_unit`, `find_attribute` |
# | {doc}`05_library_management_system` | How is a program built that lends the last copy to exactly one of two people, and still knows it after its process was killed? | `Library`, `Repository`, `SqliteRepository`, `audit`, a command line |
# | {doc}`06_numpy` | What is an array, so that one line on it does the work of a loop? | `StridedArray`, `broadcast_shapes`, `einsum`, `pcg64` |
# | {doc}`07_pandas` | Which flights are late, and why, and was the answer made by the tool? | `group_apply_combine`, `join`, `explained_share` |
# | {doc}`08_visualization` | How does a table become a picture, how much of it does a reader get back, and can a program find the faults on the way? | `check_figure`, `data_to_pixels`, `nice_ticks`, `to_lab`, `lie_factor` |
#
# Everything that these pages say about speed or memory is measured on the page, as a ratio between two ways of doing
# the same thing in the same run.
