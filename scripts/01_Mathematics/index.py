# %% [markdown]
# # Mathematics
#
# The mathematics that the rest of the book stands on, each piece built, proved where a proof fits on a page, and measured.
#
# **This stage builds** small, safe functions for vectors and matrices, for searching and optimising, for chance and information, and the habits that go with them: a formula is run as well as derived, and it is tried on the numbers that break it.
#
# **It assumes** school algebra, a little Python, and from the first stage what a claim is ({doc}`../00_Orientation/03_checks`).
#
# | Page | What it answers | What it builds |
# |---|---|---|
# | {doc}`01_vectors` | How alike are two lists of numbers? | `dot`, `norm`, `normalize`, `angle`, `project`, `cosine_similarity` |
# | {doc}`02_matrices` | What does a table of numbers do to a vector, and what is lost on the way? | `matmul`, `rotation`, `shear`, `projection_onto`, `rank` |
# | {doc}`03_linear_systems` | Which input gave this output, and how many digits can be believed? | `lu_decomposition`, `solve`, `determinant`, `inverse`, `condition_number` |
# | {doc}`04_eigenvalues_and_svd` | Which directions does a matrix only stretch, and how few of them does a table need? | `power_iteration`, `qr_decomposition`, `eigh`, `svd`, `low_rank` |
# | {doc}`05_derivatives` | What is a slope in many directions, and how does a program compute it exactly? | `Dual`, `derivative`, `gradient`, `directional_derivative`, `jacobian`, `hessian` |
# | {doc}`06_integration_and_series` | How is an area known to twelve digits from nine numbers, and what is left of that in thirty dimensions? | `Series`, `trapezoid`, `simpson`, `gauss_legendre`, `adaptive_simpson`, `monte_carlo` |
# | {doc}`07_optimization` | How many steps does it take to walk down to a minimum? | `gradient_descent`, `backtracking_line_search`, `newton` |
# | {doc}`08_probability` | What does an observation tell, and how far can an average be trusted? | `bayes`, `log_bayes`, `expectation`, `inverse_transform_sample`, `rejection_sample`, `box_muller` |
# | {doc}`09_statistics` | What can a sample say about the rest, and how often does it say something that is not there? | `maximum_likelihood`, `bootstrap_interval`, `permutation_test`, `benjamini_hochberg` |
# | {doc}`10_information_theory` | How many bits does a message need, and why is log loss the loss? | `entropy`, `cross_entropy`, `kl_divergence`, `mutual_information`, `huffman_code` |
# | {doc}`11_discrete_mathematics` | How many are there, and how likely do two coincide? | `is_tautology`, `union_size`, `fibonacci`, `modular_inverse`, `collision_probability` |
# | {doc}`12_graphs_and_complexity` | How do you search a network that is too large to try everything, and what will it cost? | `bfs`, `depth_first_order`, `topological_sort`, `dijkstra` |
