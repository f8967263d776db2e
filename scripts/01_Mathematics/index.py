# %% [markdown]
# # Mathematics
#
# The mathematics that the rest of the book stands on, each piece built, proved where a proof fits on a page, and measured.
#
# **This stage builds** small, safe functions for vectors, and the habits that go with them: a formula is run as well as derived, and it is tried on the numbers that break it.
#
# **It assumes** school algebra, a little Python, and from the first stage what a claim is ({doc}`../00_Orientation/03_checks`).
#
# | Page | What it answers | What it builds |
# |---|---|---|
# | {doc}`01_vectors` | How alike are two lists of numbers? | `dot`, `norm`, `normalize`, `angle`, `project`, `cosine_similarity` |
# | {doc}`02_matrices` | What does a table of numbers do to a vector, and what is lost on the way? | `matmul`, `rotation`, `shear`, `projection_onto`, `rank` |
# | {doc}`04_eigenvalues_and_svd` | Which directions does a matrix only stretch, and how few of them does a table need? | `power_iteration`, `qr_decomposition`, `eigh`, `svd`, `low_rank` |
# | {doc}`11_discrete_mathematics` | How many are there, and how likely do two coincide? | `is_tautology`, `union_size`, `fibonacci`, `modular_inverse`, `collision_probability` |
# | {doc}`12_graphs_and_complexity` | How do you search a network that is too large to try everything, and what will it cost? | `bfs`, `depth_first_order`, `topological_sort`, `dijkstra` |
