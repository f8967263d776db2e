# %% [markdown]
# # Machine Learning
#
# How does a program get better at a task by looking at data, and how does one find out whether it did?
#
# **This stage builds** the models that learn from tables, each from its equation to an estimator with `fit` and
# `predict` that passes scikit-learn's own examination, and the measurements that tell a good model from a lucky
# one. **It assumes** matrix products, derivatives, means and variances from the mathematics stage, NumPy and
# pandas, and the checks of {doc}`../00_Orientation/03_checks`.
#
# | page | question | you take along |
# |---|---|---|
# | {doc}`01_learning_theory` | What may be concluded from seen data about unseen? | `bias_variance_decomposition`, `hoeffding_bound` |
# | {doc}`02_linear_regression` | Which weighted sum comes closest, and how far can it be trusted? | `LinearRegression`, `Ridge`, `Lasso`, `fit_least_squares` |
# | {doc}`03_logistic_regression` | Which weights make the answers most likely, and when are there none? | `LogisticRegression`, `sigmoid` |
# | {doc}`04_nearest_neighbors` | How far does asking the most similar cases get, and why does finding them become hard? | `KNeighborsClassifier`, `KDTree` |
# | {doc}`05_naive_bayes` | How can a model that is wrong about its assumptions be right about the answer? | `GaussianNB`, `MultinomialNB` |
# | {doc}`06_decision_trees` | Which questions tell the classes apart, and when should one stop asking? | `DecisionTreeClassifier`, `DecisionTreeRegressor`, `grow` |
# | {doc}`07_random_forests` | Why are a hundred mediocre trees a good witness, and what do they say of the columns? | `RandomForestClassifier` |
# | {doc}`08_gradient_boosting` | How do small trees mend each other, and when should they stop? | `GradientBoostingRegressor`, `GradientBoostingClassifier` |
# | {doc}`09_support_vector_machines` | Which of all separating lines should be kept, and how much of the data does it remember? | `SVC`, `LinearSVC`, `kernel_matrix`, `smo` |
# | {doc}`10_clustering` | Which groups are in unlabelled data, and would they have been found in noise too? | `KMeans`, `DBSCAN`, `AgglomerativeClustering`, `silhouette_score`, `gap_statistic` |
# | {doc}`11_mixture_models` | How are overlapping groups found that nobody has labelled, and how sure is each membership? | `GaussianMixture`, `bic`, `sample` |
# | {doc}`12_dimensionality_reduction` | How is a thing of 64 numbers seen on paper, and what may be read off the picture? | `PCA`, `TSNE`, `joint_probabilities` |
# | {doc}`13_evaluation` | How good is a classifier, how sure is that number, and how does it lie? | `roc_curve`, `log_loss`, `cross_validate`, `bootstrap_score`, `compare_scores` |
# | {doc}`14_model_selection` | Which model should be taken, what may be said of it, and what does it look at? | `RandomizedSearchCV`, `TargetEncoder`, `permutation_importance`, `shapley_values` |
# | {doc}`15_benchmark` | How slow is NumPy beside compiled code, and how is that measured without fooling oneself? | `time_in_turns`, `geometric_mean`, `cost_model`, `duel` |
#
# Every page works on real data, holds some of it out, and shows one input on which its method fails.
