# %% [markdown]
# # Research Implementations
#
# Does it come out the same when somebody else does it?
#
# **This stage builds** what papers describe, and reports what came of it: the claim in the paper's words with the figure
# or table it stands in, a band that was fixed before the result, all seeds, an ablation that should break the effect,
# and a verdict of one word. **It assumes** the form of a reproduction ({doc}`../00_Orientation/08_reading_papers`), the
# checks of {doc}`../00_Orientation/03_checks`, derivatives and momentum ({doc}`../01_Mathematics/07_optimization`), and
# what may be concluded from a fit ({doc}`../03_Machine_Learning/01_learning_theory`).
#
# | page | question | you take along |
# |---|---|---|
# | {doc}`01_learning_representations` | What do two hidden units find that are told which patterns are symmetric? | `train_backprop`, `mirror_solution`, `symmetry_patterns` |
# | {doc}`02_rethinking_generalization` | What has a network shown that fits its training set? | `fit_networks`, `memorise`, `corrupt_labels`, `corrupt_images` |
#
# Where a paper does not reproduce, the page says so and looks for the reason. That is not a defect of the page, and
# seldom one of the paper: it is what the figure could not show.
