# %% [markdown]
# # MLOps
#
# A model was good once, on one machine. What does it take to know in a year what it was, and to run it for others?
#
# **This stage builds** the machinery around a model: the record of every run, the registry that says which model is
# in service, and what follows from both. **It assumes** honest scores ({doc}`../03_Machine_Learning/13_evaluation`,
# {doc}`../03_Machine_Learning/14_model_selection`), and processes, files and transactions
# ({doc}`../02_Python_Foundations/05_library_management_system`). What the book means by *checked* is in
# {doc}`../00_Orientation/03_checks`.
#
# | page | question | you take along |
# |---|---|---|
# | {doc}`01_experiment_tracking` | Which rows, which code and which settings made this model, and could it be made again? | `Tracker`, `data_fingerprint`, `lineage`, `verify_lineage`, `expected_best`, `decide` |
#
# Everything runs on one machine, in a temporary folder and without a network. Where a grown system needs a server,
# the page shows the commands and says when to change over.
