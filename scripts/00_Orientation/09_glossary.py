# %% [markdown]
# # Glossary
#
# The words of the book in the sense in which it uses them, each with the page that earns it.
#
# ````{glossary}
# adjoint
#   The derivative of the final result by an intermediate value: what the result gains if that value grows.
#
# autograd
#   Automatic differentiation in reverse: a program records its operations and then applies the chain rule backwards.
#
# band
#   The interval in which a {term}`claim` must lie. Wide enough to hold on another computer, narrow enough to be false outside.
#
# bias (of an estimator)
#   The difference between the expectation of an estimate and the truth.
#
# broadcasting
#   The rule by which arrays of different shapes are combined as if the smaller were repeated.
#
# claim
#   A number that the text leans on, with a name and a band, checked whenever the page runs. Built in {doc}`03_checks`, listed in {doc}`10_claims_ledger`.
#
# condition number
#   The factor by which a problem may magnify a relative error of its input.
#
# coverage
#   The share of repetitions in which an interval contains the truth. A "95 %" interval promises 0.95; {doc}`03_checks` measures it.
#
# cross-validation
#   Estimating how a model does on new data by holding out each part of the data once.
#
# differential check
#   Running two independent implementations on the same input and comparing their results.
#
# estimator
#   In statistics, a rule that turns data into a number. In scikit-learn and in this book's code, an object with `fit`.
#
# export
#   The tag of a cell that becomes part of the package `journey`, so that later pages can import it.
#
# feature
#   One measured quantity of a sample, a column of the data matrix.
#
# gradient
#   The vector of partial derivatives; it points where a function grows fastest.
#
# gradient check
#   Comparing a gradient with differences of the function. Built in {doc}`03_checks`.
#
# learning rate
#   The factor between a gradient and the step that is taken against it.
#
# leakage
#   Information that reaches a model in training and is not there when it is used.
#
# loss
#   The number that training makes small.
#
# mutation testing
#   Planting mistakes in a program and counting how many of them its tests catch.
#
# overfitting
#   Doing better on the data of the training than on new data, by learning their noise.
#
# power (of a check)
#   The share of mistakes that a check catches.
#
# property-based test
#   A test that asserts a law for many generated inputs instead of a result for one.
#
# regularisation
#   Anything that trades some fit to the training data for a smaller error on new data.
#
# residual
#   Target minus prediction.
#
# seed
#   The number that fixes what a random generator produces.
#
# truncation error
#   The error of a formula even in exact arithmetic, such as that of a difference quotient with a finite step.
#
# unit roundoff
#   Half the distance between 1 and the next larger number, the largest relative error of rounding: $1.1\cdot10^{-16}$ in double precision.
# ````
