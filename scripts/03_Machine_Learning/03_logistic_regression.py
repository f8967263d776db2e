# %% [markdown]
# # Logistic regression
#
# How does one predict a probability instead of a class, and which weights make the answers that were seen most
# likely?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `LogisticRegression`, for two classes and for many, solved by Newton's method and by L-BFGS
# - **You need** weighted sums ({doc}`02_linear_regression`), Newton's method
#   ({doc}`../01_Mathematics/07_optimization`), cross-entropy ({doc}`../01_Mathematics/10_information_theory`)
# - **Checked against** scikit-learn (weights, probabilities, `check_estimator`), statsmodels (standard errors)
# - **Time** 35 minutes to read, 50 to code
# - **Data** breast cancer (569 × 30), digits (1,797 × 64), scikit-learn, BSD-3; adults of the census of 1994
#   (32,561 × 15), UCI, CC BY 4.0
# ````

# %%
from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import sklearn.linear_model
import statsmodels.api as sm
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from journey.orientation.checks import check_close, check_gradient, claim, try_answer
from journey.orientation.datasets import load_adult
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    use_journey_style,
)

use_journey_style()

# %% [markdown]
# ## A straight line is no probability
#
# A tumour is benign or malignant. Code the two as 1 and 0, and fit the weighted sum that
# {doc}`02_linear_regression` builds. How many of its answers can be read as a probability of "benign"?

# %%
X, benign = load_breast_cancer(return_X_y=True)  # (569, 30)
X = StandardScaler().fit_transform(X)
A = np.column_stack([X, np.ones(len(X))])  # the last weight is the intercept
line = A @ np.linalg.lstsq(A, benign, rcond=None)[0]
outside = ((line < 0) | (line > 1)).mean()
claim("logistic-line-outside-zero-one", outside, within=(0.28, 0.34))

# %% [markdown]
# Nearly a third of the answers lie below 0 or above 1, and a loss that squares the distance to 1 pulls an answer of
# 1.4 *back*, though it is right and sure of it. With one column the reason can be seen:

# %% mystnb={"figure": {"caption": "A line leaves the range of a probability; the logistic curve stays in it and follows the share of benign tumours.", "name": "fig-logistic-line"}, "image": {"alt": "Share of benign tumours in ten groups of mean radius, falling from one to zero in an S shape. A straight dashed line passes above one and below zero, a solid S-shaped curve goes through the points."}} tags=["hide-input"]
radius = load_breast_cancer().data[:, 0]
groups = np.array_split(np.argsort(radius), 12)
middles = [radius[g].mean() for g in groups]
one = sm.Logit(benign, sm.add_constant(radius)).fit(disp=0).params
straight = np.polyfit(radius, benign, 1)
grid = np.linspace(6, 28, 200)
figure, axes = plt.subplots(figsize=(6.4, 3.6))
axes.axhspan(0, 1, color=COLORS["light"], alpha=0.4, lw=0)
axes.plot(grid, np.polyval(straight, grid), ls="--", color=COLORS["orange"])
axes.plot(grid, 1 / (1 + np.exp(-one[0] - one[1] * grid)), color=COLORS["blue"])
axes.plot(middles, [benign[g].mean() for g in groups], "o", color=COLORS["ink"])
axes.text(22.3, -0.22, "least squares", color="#a35b00")
axes.text(15.9, 0.55, "logistic curve", color=COLORS["blue"])
axes.text(6.2, 0.7, "points: share in\na group of 47", va="top")
axes.set(xlabel="mean radius (mm / 1000 of the picture's units)", ylabel="P(benign)")
axes.set_title("A probability bends where the line goes on")
axes.set_xlabel("mean radius of the cell nuclei")
plt.show()

# %% [markdown]
# ## Predict
#
# 1. Newton's method and gradient descent with the best safe step, on these tumours: how many steps does each need
#    until the loss is within a millionth of its minimum?
# 2. Without a penalty, what do the weights do on these 569 tumours?
# 3. Throw away nine tenths of the people who earn little from a census, and fit again. Which weights change?

# %% [markdown]
# ## A weighted sum of evidence
#
# A weighted sum can be any number; a probability cannot. Between them stand the **odds** $p / (1 - p)$, from 0 to
# infinity, and their logarithm, from minus to plus infinity. The model says that the **log-odds** are a weighted sum:
#
# $$
# \log \frac{p}{1 - p} = \mathbf{w}^\top \mathbf{x} + b = z
# \qquad\Longleftrightarrow\qquad
# p = \sigma(z) = \frac{1}{1 + e^{-z}} .
# $$ (eq-logistic-model)
#
# So a weight has a meaning: one unit more of $x_j$ adds $w_j$ to the log-odds, and *multiplies* the odds by
# $e^{w_j}$, whatever the other columns say.
#
# By hand: four patients, three recover, $\mathbf{y} = (1, 1, 1, 0)$, and there is only an intercept. The share is
# $\tfrac34$, the odds are 3, and $b = \log 3 = 1.0986$. Keep this number.
#
# ### Which weights?
#
# Those that make the answers most likely. Answer $i$ has the probability $p_i$ if $y_i = 1$ and $1 - p_i$ if not;
# take minus the logarithm of the product:
#
# $$
# L(\mathbf{w}, b) = -\sum_{i=1}^n \bigl[ y_i \log p_i + (1 - y_i) \log (1 - p_i) \bigr]
# = \sum_{i=1}^n \bigl[ \log(1 + e^{z_i}) - y_i z_i \bigr] .
# $$ (eq-logistic-loss)
#
# That is the {term}`cross-entropy` between what happened and what was said. Its derivatives carry the page. Since
# $\frac{d}{dz} \log(1 + e^z) = \frac{e^z}{1 + e^z} = \sigma(z)$, each term changes with $z_i$ by $p_i - y_i$: *said
# minus seen*. And since $\sigma'(z) = \sigma(z)(1 - \sigma(z))$, that changes by $p_i (1 - p_i)$. With the rows
# $(\mathbf{x}_i, 1)$ in a matrix $\mathbf{A}$ and weights and intercept in one vector $\boldsymbol\theta$, so that
# $\mathbf{z} = \mathbf{A} \boldsymbol\theta$, the chain rule gives
#
# $$
# \nabla L = \mathbf{A}^\top (\mathbf{p} - \mathbf{y}), \qquad
# \nabla^2 L = \mathbf{A}^\top \mathbf{S} \mathbf{A}, \quad \mathbf{S} = \operatorname{diag}\bigl(p_i (1 - p_i)\bigr) .
# $$ (eq-logistic-gradient)
#
# For every $\mathbf{v}$ is $\mathbf{v}^\top \mathbf{A}^\top \mathbf{S} \mathbf{A} \mathbf{v} = \sum_i p_i (1 - p_i)
# (\mathbf{A}\mathbf{v})_i^2 \ge 0$: the loss is convex, there are no false valleys. But no formula solves
# $\nabla L = 0$, since $\mathbf{p}$ depends on the weights. One has to iterate.

# %% [markdown]
# ## Newton's method is least squares, repeated
#
# Two functions, each from its equation. The naïve form of {eq}`eq-logistic-loss` meets $e^{1000}$; so both keep the
# exponent negative.


# %% tags=["export"]
def sigmoid(z: ArrayLike) -> np.ndarray:
    """Probability of log-odds, equation eq-logistic-model, without overflow.

    Parameters
    ----------
    z : array_like of any shape
        Log-odds; infinities are allowed and give 0 and 1.

    Returns
    -------
    ndarray of the same shape, between 0 and 1
    """
    z = np.asarray(z, dtype=float)
    small = np.exp(-np.abs(z))  # at most 1
    return np.where(z >= 0, 1.0, small) / (1.0 + small)


# %%
def loss(theta, A, y, penalty):
    z = A @ theta
    return (np.logaddexp(0, z) - y * z).sum() + 0.5 * (penalty * theta**2).sum()


def slope(theta, A, y, penalty):
    return A.T @ (sigmoid(A @ theta) - y) + penalty * theta


def curvature(theta, A, y, penalty):
    p = sigmoid(A @ theta)
    return (A.T * (p * (1 - p))) @ A + np.diag(penalty)


# %%
print(sigmoid([-1000, 0, np.log(3), 1000]).round(4))
penalty = np.append(np.ones(30), 0.0)  # all but the intercept; more on it below
start = np.random.default_rng(0).normal(size=31)
error = check_gradient(
    lambda t: loss(t, A, benign, penalty),
    lambda t: slope(t, A, benign, penalty),
    start,
)
claim("logistic-gradient-check", error, at_most=1e-7)

# %% [markdown]
# Newton's method goes to the minimum of the parabola that fits the loss best where one stands:
# $\boldsymbol\theta \leftarrow \boldsymbol\theta - (\nabla^2 L)^{-1} \nabla L$. Four patients, from $b = 0$:
# $p = \tfrac12$, the slope is $4 \cdot \tfrac12 - 3 = -1$, the curvature $4 \cdot \tfrac14 = 1$, so the first step
# leads to $b = 1$. Then:

# %%
ones, recovered = np.ones((4, 1)), np.array([1, 1, 1, 0])
b, path = np.zeros(1), [0.0]
for _step in range(4):
    b = b - slope(b, ones, recovered, 0) / curvature(b, ones, recovered, [0])[0]
    path.append(float(b[0]))
print("b:", *(f"{value:.8f}" for value in path))
claim("logistic-four-patients", path[-1], equal_to=np.log(3), tolerance=1e-12)

# %% mystnb={"figure": {"caption": "Each parabola touches the loss with the same slope and curvature; its lowest point is the next place to stand. The second is already hard to tell from the loss.", "name": "fig-logistic-newton"}, "image": {"alt": "Two panels with the loss of four patients as a curve over the intercept. In the first a dashed parabola touches it at zero and has its minimum at one. In the second the parabola that touches at one has its minimum at the minimum of the loss."}} tags=["hide-input"]
grid = np.linspace(-1, 3, 200)
curve = [loss(np.array([t]), ones, recovered, 0) for t in grid]
figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.3), sharey=True)
for axes, here, there in zip(panels, path[:2], path[1:3], strict=True):
    at = np.array([here])
    height = loss(at, ones, recovered, 0)
    first = slope(at, ones, recovered, 0)[0]
    second = curvature(at, ones, recovered, [0])[0, 0]
    parabola = height + first * (grid - here) + second / 2 * (grid - here) ** 2
    axes.plot(grid, curve, color=COLORS["blue"])
    axes.plot(grid, parabola, ls="--", color=COLORS["orange"])
    axes.plot(here, height, "o", color=COLORS["ink"])
    bottom = height - first**2 / (2 * second)
    axes.plot(there, bottom, "v", color=COLORS["orange"])
    axes.axvline(np.log(3), color=COLORS["gray"], lw=0.8, ls=":")
    axes.set(xlabel="intercept b", ylim=(2.0, 3.6))
    axes.set_title(f"from {here:.2f} to {there:.4f}")
panels[0].set_ylabel("loss (nats)")
panels[0].text(-1.05, 3.1, "loss", color=COLORS["blue"])
panels[0].text(1.05, 3.1, "parabola", color="#a35b00")
panels[1].text(1.14, 3.3, "log 3", color=COLORS["gray"])
plt.show()

# %% [markdown]
# Write the step out, with the curvature of {eq}`eq-logistic-gradient`:
#
# $$
# \boldsymbol\theta_{\text{new}} = (\mathbf{A}^\top \mathbf{S} \mathbf{A})^{-1} \mathbf{A}^\top \mathbf{S}\, \mathbf{r},
# \qquad r_i = z_i + \frac{y_i - p_i}{p_i (1 - p_i)} .
# $$ (eq-logistic-irls)
#
# These are the normal equations of a *weighted least-squares* problem with targets $\mathbf{r}$ and weights
# $p_i(1-p_i)$: unsure rows count most. Hence the method's other name, **iteratively reweighted least squares**. One
# step both ways:

# %%
theta = 0.1 * start
p = sigmoid(A @ theta)
root = np.sqrt(p * (1 - p))
target = A @ theta + (benign - p) / (p * (1 - p))
regression = np.linalg.lstsq(root[:, None] * A, root * target, rcond=None)[0]
none = np.zeros(31)
step = np.linalg.solve(curvature(theta, A, benign, none), slope(theta, A, benign, none))
difference = check_close(theta - step, regression, rtol=1e-8, atol=1e-9)
claim("logistic-newton-is-least-squares", difference, at_most=1e-9)

# %% [markdown]
# ## Steps that are too long
#
# Far from the minimum a parabola can be a poor picture: where $p (1 - p)$ is nearly 0 the loss is nearly a straight
# line, and the step to the bottom of its parabola is huge. The remedy is to halve the step until the loss falls. On
# convex losses that always ends.


# %%
def newton(A, y, penalty, n_steps=50, enough=1e-10):
    theta = np.zeros(A.shape[1])
    losses = [loss(theta, A, y, penalty)]
    for _ in range(n_steps):
        g = slope(theta, A, y, penalty)
        if np.abs(g).max() < enough:
            break
        step = np.linalg.lstsq(curvature(theta, A, y, penalty), g, rcond=None)[0]
        size = 1.0
        while loss(theta - size * step, A, y, penalty) > losses[-1] and size > 1e-9:
            size /= 2
        theta = theta - size * step
        losses.append(loss(theta, A, y, penalty))
    return theta, np.array(losses)


# %%
def descend(A, y, penalty, best, n_steps=40_000):
    theta, losses = np.zeros(A.shape[1]), []
    rate = 1 / (np.linalg.eigvalsh(A.T @ A)[-1] / 4 + penalty.max())
    for step in range(n_steps):
        theta = theta - rate * slope(theta, A, y, penalty)
        if step % 20 == 0:
            losses.append(loss(theta, A, y, penalty))
            if losses[-1] - best < 1e-6:
                break
    return theta, np.array(losses)


# %%
theta, falls = newton(A, benign, penalty)
_, slow = descend(A, benign, penalty, falls[-1])
newton_steps = int(np.argmax(falls - falls[-1] < 1e-6))
gradient_steps = 20 * len(slow)
claim("logistic-newton-steps", newton_steps, within=(6, 10))
claim("logistic-gradient-descent-steps", gradient_steps, within=(8_000, 14_000))

# %% [markdown]
# **Prediction 1**: eight steps against more than ten thousand. The rate of gradient descent is one over the largest
# curvature, which no row exceeds since $p(1-p) \le \tfrac14$; the flattest direction then needs many. Each Newton
# step costs a matrix of $d^2$ numbers in $O(n d^2)$ and a solution in $O(d^3)$, each {term}`gradient` $O(n d)$.
# **L-BFGS** {cite:p}`liu1989limited` lies between: it guesses the curvature from the last ten gradients, and costs
# little more than they do.

# %% mystnb={"figure": {"caption": "Newton's method doubles its correct digits at every step once it is near. Gradient descent takes a thousand times as many.", "name": "fig-logistic-steps"}, "image": {"alt": "Excess loss on a logarithmic axis against the number of steps on a logarithmic axis. One line drops to one billionth within nine steps; the other needs ten thousand for one millionth."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.2, 3.4))
axes.loglog(
    np.arange(1, len(falls) - 1),
    (falls - falls[-1])[1:-1].clip(1e-12),
    marker=MARKERS[0],
    color=COLORS["blue"],
    label="Newton",
)
steps = 20 * np.arange(len(slow)) + 1
axes.loglog(steps, slow - falls[-1], ls=DASHES[1], color=COLORS["orange"], label="_")
axes.text(100, 60, "gradient descent", color="#a35b00")
axes.text(9.5, 1e-7, "Newton", color=COLORS["blue"])
axes.set(xlabel="steps", ylabel="loss above its minimum (nats)", ylim=(1e-9, 1e3))
axes.set_title("Curvature is worth its matrix")
plt.show()

# %% [markdown]
# ## Many classes, one softmax
#
# For $K$ classes give each its own weighted sum $z_k$ and let the probabilities be $p_k = e^{z_k} / \sum_l e^{z_l}$.
# With the answers as a table $\mathbf{Y}$ of zeros and ones, $n \times K$, the gradient is the same sentence,
# said minus seen:
#
# $$
# L(\mathbf{W}) = -\sum_{i,k} Y_{ik} \log P_{ik}, \qquad \nabla L = \mathbf{A}^\top (\mathbf{P} - \mathbf{Y}), \qquad
# \frac{\partial^2 L}{\partial \mathbf{w}_k \partial \mathbf{w}_l} = \mathbf{A}^\top
# \operatorname{diag}\bigl(p_{ik} ([k = l] - p_{il})\bigr) \mathbf{A} .
# $$ (eq-logistic-softmax)
#
# Add the same number to all $z_k$, and no probability changes: one class too many. A **penalty** settles it,
#
# $$
# J = C\, L(\mathbf{W}) + \tfrac12 \lVert \mathbf{W}_{\text{without intercepts}} \rVert^2 ,
# $$ (eq-logistic-penalty)
#
# with scikit-learn's $C$, which multiplies the *loss*: a large $C$ is a weak penalty. Intercepts are free, for to
# shift the zero of a column must not change the answer. What is left undetermined is a constant added to
# all intercepts; the Newton solver pins their sum to zero. Both losses, divided by the number of rows so that
# tolerances mean the same on every table:


# %% tags=["export"]
def _two_classes(
    theta: np.ndarray,
    A: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    penalty: np.ndarray,
) -> tuple[float, np.ndarray, Callable]:
    """Loss, gradient (d,) and Hessian maker of equations eq-logistic-loss, -gradient."""
    z = A @ theta
    small = np.exp(-np.abs(z))  # serves the loss and the probabilities
    p = np.where(z >= 0, 1.0, small) / (1.0 + small)
    softplus = np.maximum(z, 0) + np.log1p(small)  # log(1 + exp(z))
    value = weight @ (softplus - y * z) + 0.5 * penalty @ theta**2
    gradient = A.T @ (weight * (p - y)) + penalty * theta

    def hessian() -> np.ndarray:
        return (A.T * (weight * p * (1 - p))) @ A + np.diag(penalty)

    return value, gradient, hessian


# %% tags=["export"]
def _many_classes(
    theta: np.ndarray,
    A: np.ndarray,
    Y: np.ndarray,
    weight: np.ndarray,
    penalty: np.ndarray,
) -> tuple[float, np.ndarray, Callable]:
    """The same for K classes, equation eq-logistic-softmax; theta is (d * K,)."""
    d, K = A.shape[1], Y.shape[1]
    W = theta.reshape(d, K)
    Z = A @ W
    Z -= Z.max(axis=1, keepdims=True)
    P = np.exp(Z)
    total = P.sum(axis=1, keepdims=True)
    P /= total
    seen = np.einsum("nk,nk->n", Y, Z) - np.log(total[:, 0])  # log-probability of y
    value = -weight @ seen + 0.5 * penalty @ (W**2).sum(axis=1)
    gradient = A.T @ (weight[:, None] * (P - Y)) + penalty[:, None] * W

    def hessian() -> np.ndarray:
        H = np.empty((d, K, d, K))
        for k in range(K):
            for m in range(k + 1):
                s = weight * P[:, k] * ((k == m) - P[:, m])
                H[:, k, :, m] = H[:, m, :, k] = (A.T * s) @ A
            H[:, k, :, k] += np.diag(penalty)
        H[penalty == 0] += (penalty == 0).astype(float)[:, None]  # sum of free weights
        return H.reshape(d * K, d * K)

    return value, gradient.ravel(), hessian


# %% [markdown]
# The line before the last adds a matrix of ones for the intercepts. It makes the Hessian invertible and moves
# nothing: the gradient has no part in that direction, so neither has the step.


# %% tags=["export"]
def _newton(
    evaluate: Callable, theta: np.ndarray, tol: float, max_iter: int
) -> tuple[np.ndarray, int, bool]:
    """Minimise a convex function; returns theta, iterations, whether it converged."""
    value, gradient, hessian = evaluate(theta)
    for iteration in range(max_iter):
        if np.abs(gradient).max() <= tol:
            return theta, iteration, True
        step = np.linalg.lstsq(hessian(), gradient, rcond=None)[0]
        fall, size = gradient @ step, 1.0
        rounding = 1e-14 * abs(value)  # near the minimum the loss cannot tell
        while True:
            there = evaluate(theta - size * step)
            if there[0] <= value + rounding - 1e-4 * size * fall or size < 1e-10:
                break
            size /= 2
        theta = theta - size * step
        value, gradient, hessian = there
    return theta, max_iter, bool(np.abs(gradient).max() <= tol)


# %% tags=["export"]
def _lbfgs(
    evaluate: Callable, theta: np.ndarray, tol: float, max_iter: int
) -> tuple[np.ndarray, int, bool]:
    """The same by SciPy's L-BFGS, which never sees a Hessian."""
    options = {"maxiter": max_iter, "gtol": tol, "ftol": 64 * np.finfo(float).eps}
    found = minimize(
        lambda t: evaluate(t)[:2], theta, jac=True, method="L-BFGS-B", options=options
    )
    return found.x, found.nit, bool(found.status != 1)


# %% tags=["export"]
class _LinearClassifier(ClassifierMixin, BaseEstimator):
    """Probabilities and classes from ``coef_`` and ``intercept_``."""

    classes_: np.ndarray
    coef_: np.ndarray
    intercept_: np.ndarray

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Log-odds (n,) of the second class, or a weighted sum for each class (n, K)."""
        check_is_fitted(self)
        Z = validate_data(self, X, dtype=float, reset=False) @ self.coef_.T
        Z = Z + self.intercept_
        return Z[:, 0] if len(self.classes_) == 2 else Z

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Probabilities of shape (n, K); each row sums to one."""
        Z = self.decision_function(X)
        if Z.ndim == 1:
            return np.column_stack([sigmoid(-Z), sigmoid(Z)])
        E = np.exp(Z - Z.max(axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The most probable class of each row, (n,)."""
        Z = self.decision_function(X)
        index = (Z > 0).astype(int) if Z.ndim == 1 else Z.argmax(axis=1)
        return self.classes_[index]


# %% tags=["export"]
class LogisticRegression(_LinearClassifier):
    """Log-odds as a weighted sum, equations eq-logistic-model and eq-logistic-penalty.

    Parameters
    ----------
    C : float
        Weight of the data against the penalty, positive; ``np.inf`` for no penalty.
        Scale the columns first: the penalty knows no units.
    solver : {"lbfgs", "newton"}
    fit_intercept : bool
        Whether to add a constant for each class; it is not penalised.
    tol : float
        Stop when no derivative of the mean objective is larger.
    max_iter : int
        Iterations before a ``ConvergenceWarning``.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    coef_ : ndarray of shape (1, d) for two classes, (K, d) for more
    intercept_ : ndarray of shape (1,) or (K,)
    n_iter_ : int

    Raises
    ------
    ValueError
        For parameters out of range, or fewer than two classes in ``y``.

    References
    ----------
    Cox (1958), doi:10.1111/j.2517-6161.1958.tb00292.x; Hastie, Tibshirani & Friedman
    (2009), section 4.4.
    """

    def __init__(
        self,
        C: float = 1.0,
        solver: str = "lbfgs",
        fit_intercept: bool = True,
        tol: float = 1e-4,
        max_iter: int = 100,
    ) -> None:
        self.C = C
        self.solver = solver
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter

    def _check_parameters(self) -> None:
        if not self.C > 0:
            raise ValueError(f"C must be positive, got {self.C}")
        if self.solver not in ("lbfgs", "newton"):
            raise ValueError(f"solver is 'lbfgs' or 'newton', got {self.solver!r}")
        if self.max_iter < 1 or not self.tol > 0:
            wanted = "max_iter must be at least 1 and tol positive"
            raise ValueError(f"{wanted}, got {self.max_iter}, {self.tol}")

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> LogisticRegression:
        """Find the weights for X of shape (n, d) and labels y of shape (n,)."""
        self._check_parameters()
        table, labels = validate_data(self, X, y, dtype=float)
        check_classification_targets(labels)
        weight = _check_sample_weight(sample_weight, table, dtype=float)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        K, d = len(self.classes_), table.shape[1]
        if K < 2:
            raise ValueError(f"y needs two classes or more, got {K} class")
        A = np.hstack([table, np.ones((len(table), int(self.fit_intercept)))])
        penalty = np.full(A.shape[1], 1 / self.C / weight.sum())
        penalty[d:] = 0
        loss = _two_classes if K == 2 else _many_classes
        Y = codes.astype(float) if K == 2 else np.eye(K)[codes]
        solve = _newton if self.solver == "newton" else _lbfgs
        theta, self.n_iter_, done = solve(
            lambda t: loss(t, A, Y, weight / weight.sum(), penalty),
            np.zeros(A.shape[1] * (1 if K == 2 else K)),
            self.tol,
            self.max_iter,
        )
        if not done:
            hint = "scale the columns, lower C, or raise max_iter"
            warnings.warn(f"not converged: {hint}", ConvergenceWarning, stacklevel=2)
        W = theta.reshape(A.shape[1], -1).T
        self.coef_ = W[:, :d].copy()
        self.intercept_ = W[:, -1].copy() if self.fit_intercept else np.zeros(len(W))
        return self


# %% [markdown]
# ## The same numbers from three directions
#
# Two solvers that share nothing but the loss must meet, and both must meet scikit-learn: on two classes and on the
# ten of digits, in weights and in probabilities.

# %%
images, digit = load_digits(return_X_y=True)
images = images / 16
worst = 0.0
for table, labels in ((X, benign), (images, digit)):
    exact = LogisticRegression(solver="newton", tol=1e-10).fit(table, labels)
    ours = LogisticRegression(tol=1e-9, max_iter=5000).fit(table, labels)
    theirs = sklearn.linear_model.LogisticRegression(tol=1e-9, max_iter=5000)
    theirs.fit(table, labels)
    for other in (exact, theirs):
        worst = max(worst, check_close(ours.coef_, other.coef_, rtol=0, atol=1e-4))
        p = other.predict_proba(table)
        worst = max(worst, check_close(ours.predict_proba(table), p, rtol=0, atol=1e-4))
claim("logistic-against-sklearn", worst, at_most=1e-4)
# %%
with warnings.catch_warnings():  # one check fits random labels to far too large numbers
    warnings.simplefilter("ignore", ConvergenceWarning)
    results = check_estimator(LogisticRegression(), on_skip=None, on_fail=None)
counts = {s: sum(r["status"] == s for r in results) for s in ("passed", "skipped")}
print(counts, {r["check_name"] for r in results if r["status"] != "passed"})
claim("logistic-check-estimator-passed", counts["passed"], at_least=50)
claim("logistic-check-estimator-failed", len(results) - sum(counts.values()), at_most=0)

# %% [markdown]
# Every check that applies is passed; the one left out asks for arrays that are not NumPy's. With rows and no penalty,
# there is a second reference: a statistics package, which reports for every weight how far it can be trusted. At the
# maximum of the likelihood the estimates scatter from sample to sample with the covariance
# $(\mathbf{A}^\top \mathbf{S} \mathbf{A})^{-1}$: the flatter the valley, the less the data say. The census has
# enough rows to see it.

# %%
people = load_adult()
rich = (people["income"] == ">50K").to_numpy().astype(int)
columns = ["age", "education_num", "hours_per_week"]
table = people[columns].to_numpy(float)
table = np.column_stack(
    [(table - table.mean(0)) / table.std(0), people["sex"] == "Male"]
)
names = ["age", "education", "hours", "male"]
census = LogisticRegression(C=np.inf, solver="newton", tol=1e-10).fit(table, rich)
# %%
B = np.column_stack([table, np.ones(len(table))])
weights = np.append(census.coef_, census.intercept_)
covariance = np.linalg.inv(curvature(weights, B, rich, np.zeros(5)))
errors = np.sqrt(np.diag(covariance))
reference = sm.Logit(rich, B).fit(disp=0)
check_close(weights, reference.params, rtol=1e-6)
deviation = check_close(errors, reference.bse, rtol=1e-6)
claim("logistic-standard-errors", deviation, at_most=1e-6)
# %%
for name, w, e in zip(names, weights, errors, strict=False):
    low, high = np.exp(w - 1.96 * e), np.exp(w + 1.96 * e)
    print(f"{name:9}: odds × {np.exp(w):.2f}   ({low:.2f} to {high:.2f})")

# %% [markdown]
# Thirteen years of age more (one standard deviation) nearly double the odds of earning over 50,000 dollars at equal
# education, hours and sex; to be a man multiplies them by more than three. This says how the groups *differ*, not
# what would happen if somebody changed: a coefficient is no cause.

# %% [markdown]
# ## When the classes can be told apart perfectly
#
# What is the most likely weight if every tumour can be classified correctly by some plane? Double all weights, and
# every right answer becomes surer; there is no reason to stop. The likelihood has no maximum
# {cite:p}`albert1984existence`. With 30 columns these tumours *are* separable, though it takes some patience to find
# out.

# %%
rows, held = train_test_split(np.arange(569), test_size=0.4, random_state=0)
strengths = 10.0 ** np.arange(-4, 9)
norms, train, test = [], [], []
for C in strengths:
    model = LogisticRegression(C, solver="newton", tol=1e-9, max_iter=300)
    model.fit(X[rows], benign[rows])
    norms.append(np.linalg.norm(model.coef_))
    train.append(log_loss(benign[rows], model.predict_proba(X[rows])))
    test.append(log_loss(benign[held], model.predict_proba(X[held])))
# %%
best = strengths[int(np.argmin(test))]
claim("logistic-separated-norm-grows", norms[-1] / norms[4], at_least=50)
claim("logistic-separated-training-loss", train[-1], at_most=1e-4)
claim("logistic-best-strength", np.log10(best), within=(-2, 1))
claim("logistic-no-penalty-test-loss", test[-1] / min(test), at_least=5)

# %% mystnb={"figure": {"caption": "Left: without a penalty the weights grow for ever. Right: the training loss goes to zero, and new tumours pay for the false certainty.", "name": "fig-logistic-separation"}, "image": {"alt": "Two panels over C on logarithmic axes. The length of the weights rises steadily. The training loss falls towards zero while the loss on held-out tumours falls, turns at about one tenth and rises."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.4))
left.loglog(strengths, norms, marker="o", ms=4, color=COLORS["ink"])
left.set(xlabel="C (weak penalty to the right)", ylabel="length of the weights")
left.set_title("No maximum to arrive at")
right.loglog(strengths, np.maximum(train, 1e-9), color=COLORS["blue"], ls=DASHES[1])
right.loglog(strengths, test, color=COLORS["orange"])
right.axvline(1, color=COLORS["gray"], lw=0.8, ls=":")
right.text(1.4, 1e-8, "scikit-learn's\ndefault", color=COLORS["gray"])
right.text(3e1, 2.5, "new tumours", color="#a35b00")
right.text(3e5, 1e-3, "training", color=COLORS["blue"])
right.set(xlabel="C", ylabel="log loss (nats)", ylim=(1e-9, 10))
right.set_title("Certainty that is paid for")
plt.show()

# %% [markdown]
# **Prediction 2**: they run away. The growth is visible in the left panel, and only the penalty holds it. So a
# logistic regression without one, on a table with many columns, reports whatever its iteration limit allowed; and
# its probabilities of 0.0000 and 1.0000 are wrong on new patients, which the log loss punishes without mercy. The
# *classes* suffer less:

# %%
wild = LogisticRegression(1e8, solver="newton", tol=1e-9, max_iter=300)
tame = LogisticRegression(float(best), solver="newton")
scores = [
    m.fit(X[rows], benign[rows]).score(X[held], benign[held]) for m in (wild, tame)
]
print(
    f"accuracy on new tumours: {scores[0]:.2f} without, {scores[1]:.2f} with a penalty"
)
claim(
    "logistic-accuracy-gained-by-penalty", scores[1] - scores[0], within=(0.005, 0.08)
)

# %% [markdown]
# ## Rows thrown away
#
# The rare class is often all there is of value: frauds, failures, the sick. Keep all of them and a tenth of the
# others, as one does to save work or "to balance the data". By Bayes' rule the odds of everybody are multiplied by
# the same number, ten:
#
# $$
# \frac{P(1 \mid \mathbf{x}, \text{kept})}{P(0 \mid \mathbf{x}, \text{kept})}
# = \frac{P(\text{kept} \mid 1)}{P(\text{kept} \mid 0)} \cdot \frac{P(1 \mid \mathbf{x})}{P(0 \mid \mathbf{x})}
# = 10 \cdot \frac{P(1 \mid \mathbf{x})}{P(0 \mid \mathbf{x})} .
# $$ (eq-logistic-kept)


# %%
def fit_fewer(labels, rng):
    keep = (labels == 1) | (rng.random(len(labels)) < 0.1)
    model = LogisticRegression(C=np.inf, solver="newton", tol=1e-10)
    return model.fit(table[keep], labels[keep]), keep


fewer, keep = fit_fewer(rich, np.random.default_rng(0))
shift = fewer.intercept_[0] - census.intercept_[0]
moved = np.abs(fewer.coef_ - census.coef_).max()
for name, change, e in zip(
    names, (fewer.coef_ - census.coef_)[0], errors, strict=False
):
    print(f"{name:9}: {change:+.2f}, {abs(change) / e:.0f} standard errors")
# %%
claim("logistic-intercept-shift", shift, equal_to=np.log(10), tolerance=0.15)
claim("logistic-weights-move", moved, within=(0.1, 0.3))
rng = np.random.default_rng(1)
invented = (rng.random(len(table)) < census.predict_proba(table)[:, 1]).astype(int)
true_model, _ = fit_fewer(invented, rng)
moved = np.abs(true_model.coef_ - census.coef_).max()
claim("logistic-weights-move-if-the-model-is-true", moved, at_most=0.12)
said = fewer.predict_proba(table)[:, 1].mean()
claim("logistic-undersampled-says", said, within=(0.6, 0.8))
claim("logistic-truth", rich.mean(), within=(0.24, 0.242))

# %% [markdown]
# **Prediction 3**: the intercept, by $\log 10 = 2.30$, and according to {eq}`eq-logistic-kept` nothing else. Yet age
# moves by 0.19, twelve standard errors. The equation is exact for the *true* odds; a weight that moves says that
# they are no plane. (Income rises with age and then falls; which part of the curve the line follows depends on the
# rows that are left.) Labels drawn from the model itself make the plane the truth, and then all weights stay within
# chance: the last claim above.
#
# The average probability is nonsense: six in ten are said to earn what a quarter earns.
# Balancing teaches the model nothing about the rare class; it moves the threshold and breaks the probabilities.
# Subtract $\log 10$, or leave the rows alone and choose another threshold.
#
# Are the probabilities of the full table to be trusted then? Sort the people by what was said, and look at what
# happened:

# %% mystnb={"figure": {"caption": "The model of all rows says what happens, nearly. The one of the balanced rows promises far too much, and a shift of its intercept repairs it.", "name": "fig-logistic-calibration"}, "image": {"alt": "Observed share against predicted probability for twenty groups of people. Circles of the full table lie near the diagonal. Squares of the balanced table lie far below it. Triangles of the shifted model lie near the diagonal again."}} tags=["hide-input"]
shifted = sigmoid(fewer.decision_function(table) - np.log(10))
cases = [
    ("all rows", census.predict_proba(table)[:, 1], "blue", "o"),
    ("a tenth of the zeros", fewer.predict_proba(table)[:, 1], "orange", "s"),
    ("shifted by log 10", shifted, "purple", "^"),
]
figure, axes = plt.subplots(figsize=(4.8, 4.4))
axes.plot([0, 1], [0, 1], color=COLORS["gray"], lw=0.8, ls=":")
for _name, said_, color, marker in cases:
    groups = np.array_split(np.argsort(said_), 20)
    points = [(said_[g].mean(), rich[g].mean()) for g in groups]
    fill = COLORS[color] if marker != "^" else "none"
    axes.plot(*zip(*points, strict=True), marker, color=COLORS[color], mfc=fill, ms=6)
axes.text(0.08, 0.7, "all rows (discs),\nshifted (triangles)", color=COLORS["blue"])
axes.text(0.62, 0.05, "a tenth of the zeros", color="#a35b00")
axes.set(xlabel="probability said", ylabel="share that earns over 50,000")
axes.set_title("Balanced rows, broken promises")
plt.show()

# %% [markdown]
# Not on the diagonal everywhere: weighted sums of four columns are not the whole truth, and the circles bend around
# it. That is a fault of the *features*. How far it goes:
#
# ## A plane cannot go round

# %%
rng = np.random.default_rng(1)
angle, ring = rng.uniform(0, 2 * np.pi, 600), rng.integers(2, size=600)
distance = 1 + ring + 0.2 * rng.normal(size=600)
disc = np.column_stack([distance * np.cos(angle), distance * np.sin(angle)])
plain = LogisticRegression().fit(disc[:300], ring[:300]).score(disc[300:], ring[300:])
bent = make_pipeline(PolynomialFeatures(2), LogisticRegression())
squares = bent.fit(disc[:300], ring[:300]).score(disc[300:], ring[300:])
claim("logistic-rings-plain", plain, within=(0.4, 0.62))
claim("logistic-rings-squares", squares, at_least=0.97)

# %% [markdown]
# A ring within a ring is chance for the model of $x_1$ and $x_2$, and easy with $x_1^2$ and $x_2^2$: the model is
# linear in what it is *given*. Trees, kernels and networks, later, are ways to have such columns found.

# %% [markdown]
# ## In practice
#
# The whole census: categories become columns of zeros and ones, missing entries (1,836 workclasses) a category of
# their own, since *not to answer* may itself say something; numbers are scaled. Ours fits into scikit-learn's
# pipeline.

# %%
numbers = ["age", "education_num", "hours_per_week", "capital_gain", "capital_loss"]
words = ["workclass", "marital_status", "occupation", "relationship", "sex"]
features = people[numbers + words]
prepare = make_column_transformer(
    (StandardScaler(), numbers),
    (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
)
seen, new, rich_seen, rich_new = train_test_split(features, rich, random_state=0)
# %%
logits = {}
kinds = (LogisticRegression, sklearn.linear_model.LogisticRegression)
for name, kind in zip(("ours", "scikit-learn"), kinds, strict=True):
    model = make_pipeline(prepare, kind(tol=1e-6, max_iter=1000)).fit(seen, rich_seen)
    logits[name] = model.decision_function(new)
    p = model.predict_proba(new)[:, 1]
    scores = log_loss(rich_new, p), roc_auc_score(rich_new, p)
    print(f"{name}: log loss {scores[0]:.3f}, AUC {scores[1]:.3f}")
# %%
check_close(logits["ours"], logits["scikit-learn"], rtol=0, atol=0.02)
claim("logistic-census-log-loss", scores[0], within=(0.31, 0.35))
claim("logistic-census-auc", scores[1], within=(0.89, 0.92))


# %% tags=["nbval-ignore-output"]
# Timings differ from run to run.
def seconds(model, table, labels, n=5):
    times = []
    for _ in range(n):
        start = time.process_time()
        model.fit(table, labels)
        times.append(time.process_time() - start)
    return np.median(times)


cases = {"tumours": (X, benign), "digits": (images, digit), "census": (table, rich)}
ratios = {}
for name, case in cases.items():
    pair = [seconds(kind(max_iter=1000), *case) for kind in kinds]
    ratios[name] = pair[0] / pair[1]
    print(f"{name}: ours {ratios[name]:.1f} × scikit-learn's time")

# %%
claim("logistic-time-over-sklearn", max(ratios.values()), at_most=10)
folds = cross_val_score(LogisticRegression(0.1), X, benign, cv=5)
claim("logistic-tumours-cross-validated", folds.mean(), within=(0.965, 0.99))

# %% [markdown]
# There is nothing for compiled code to gain: both spend their time in the same products $\mathbf{A} \mathbf{W}$ and
# $\mathbf{A}^\top(\mathbf{P} - \mathbf{Y})$, inside the same L-BFGS. scikit-learn also fits sparse tables (`saga`),
# which for words in texts is the difference between possible and not. Which solver? Newton's if the columns are few
# (up to some hundreds), then it is exact in ten steps; L-BFGS otherwise.
#
# | What people believe | What exposes it |
# |---|---|
# | scikit-learn fits the textbook model | Its default has a penalty, $C = 1$, and so depends on units |
# | A failure to converge calls for more iterations | Separable classes: there is nothing to converge to |
# | Imbalance must be cured by dropping rows | The intercept moves, and the probabilities break |
# | The threshold is 0.5 | It depends on what the two errors cost |
# | A large weight marks an important column | Units, and columns that share their work |
# | Odds ratios say what would happen if … | They compare people, they change none |
#
# ## Exercises
#
# ```{exercise} From log-odds and back
# :label: ex-logistic-hand
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# A model says $z = -1 + 0.6931\,x$ with $0.6931 = \log 2$. Give (a) the odds at $x = 1$, (b) the factor by which the
# odds grow from $x = 1$ to $x = 4$, (c) the $x$ at which the probability is one half, as a tuple of three numbers
# to two decimals.
# ```


# %%
def test_log_odds(answer):
    assert answer is not None and len(answer) == 3, "three numbers"
    assert abs(answer[0] - 2 / np.e) < 0.006, "odds are exp(z), not the probability"
    assert abs(answer[1] - 8) < 0.006, "each unit multiplies by two"
    assert abs(answer[2] - 1 / np.log(2)) < 0.006, "one half is z = 0"


answer = None  # replace with a tuple, then run this cell again
_ = try_answer(test_log_odds, answer)

# %% [markdown]
# ```{solution-start} ex-logistic-hand
# :class: dropdown
# ```
#
# (a) $e^{-1 + \log 2} = 2 / e = 0.74$. (b) Three units, $2^3 = 8$, wherever one begins. (c) $z = 0$ at $x = 1 /
# \log 2
# = 1.44$.

# %%
_ = try_answer(test_log_odds, (2 / np.e, 8, 1 / np.log(2)))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Put the rows back
# :label: ex-logistic-correct
#
# *extend · difficulty 2 of 3 · 15 minutes*
#
# Write `correct(p, sampled_share, true_share)`: probabilities `p` (an array) come from a model trained on a sample
# in which the share of ones was `sampled_share`; return what they would be in a population with `true_share`. The
# shares lie strictly between 0 and 1, otherwise raise a `ValueError`. `p` may contain 0 and 1.
# ```


# %%
def test_correct(correct):
    p = np.array([0, 0.2, 0.5, 0.9, 1])
    assert np.allclose(correct(p, 0.3, 0.3), p), "equal shares change nothing"
    assert np.isclose(correct(np.array([0.5]), 0.5, 0.01)[0], 0.01), "prior odds"
    assert np.isfinite(correct(p, 0.5, 0.1)).all(), "0 and 1 stay 0 and 1"
    back = correct(correct(p, 0.5, 0.1), 0.1, 0.5)
    assert np.allclose(back, p), "there and back again"
    ours = correct(fewer.predict_proba(table)[:, 1], rich[keep].mean(), rich.mean())
    assert abs(ours.mean() - rich.mean()) < 0.01, "the census's share comes back"
    for bad in (0, 1, -0.1):
        try:
            correct(p, bad, 0.5)
        except ValueError:
            continue
        raise AssertionError(f"a share of {bad} must be refused")


def correct(p, sampled_share, true_share):  # replace the body, then run this cell again
    return p


_ = try_answer(test_correct, correct)

# %% [markdown]
# ```{solution-start} ex-logistic-correct
# :class: dropdown
# ```
#
# Odds are multiplied by the ratio of prior odds, {eq}`eq-logistic-kept`. Written without dividing by $1 - p$, zero
# and one take care of themselves.


# %%
def correct_solution(p, sampled_share, true_share):
    for share in (sampled_share, true_share):
        if not 0 < share < 1:
            raise ValueError(f"a share lies strictly between 0 and 1, got {share}")
    odds = true_share / (1 - true_share) * (1 - sampled_share) / sampled_share
    return p * odds / (p * odds + 1 - p)


_ = try_answer(test_correct, correct_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Where Newton's method runs away
# :label: ex-logistic-basin
#
# *break · difficulty 3 of 3 · 25 minutes*
#
# The four patients again, $\mathbf{y} = (1, 1, 1, 0)$, intercept only, and *plain* Newton steps that are never
# halved. From $b = 0$ they arrive. Find the largest interval around $\log 3$ from which they arrive: return
# `(low, high)`, each to within 0.001.
# ```


# %%
def arrives(b, n_steps=60):
    for _ in range(n_steps):
        p = sigmoid(b)
        if p * (1 - p) == 0:
            return False
        b = b - (p - 0.75) / (p * (1 - p))
    return bool(abs(b - np.log(3)) < 1e-6)


def test_interval(answer):
    assert answer is not None and len(answer) == 2, "two ends"
    low, high = answer
    inside = np.linspace(low + 0.002, high - 0.002, 300)
    assert all(map(arrives, inside)), "from some place inside it runs away"
    assert not arrives(low - 0.002), "it arrives from further left, too"
    assert not arrives(high + 0.002), "it arrives from further right, too"


answer = (0.0, 2.0)  # replace with yours, then run this cell again
_ = try_answer(test_interval, answer)

# %% [markdown]
# ```{solution-start} ex-logistic-basin
# :class: dropdown
# ```
#
# Bisect for each end, between a place that arrives and one that does not. At the ends the method jumps from one end
# to the other and back, for ever: inside them the swing shrinks, outside it grows.


# %%
def end(inside, outside):
    while abs(outside - inside) > 1e-5:
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if arrives(middle) else (inside, middle)
    return inside


ends = end(np.log(3), -5), end(np.log(3), 8)
_ = try_answer(test_interval, ends)
step = -(sigmoid(ends[0]) - 0.75) / (sigmoid(ends[0]) * sigmoid(-ends[0]))
claim("logistic-runaway-swing", ends[0] + step, equal_to=ends[1], tolerance=0.01)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A score for the bedside
# :label: ex-logistic-points
#
# *build · difficulty 2 of 3 · 30 minutes*
#
# Clinics like scores that are added without a computer. Write `points(model, X, y, n_columns)`: an integer vector of
# shape (d,), values from −5 to 5, with at most `n_columns` non-zero entries, such that `X @ points` ranks
# the rows well. Use the fitted `LogisticRegression` as a guide. `X` has scaled columns.
# ```


# %%
def test_points(points):
    model = LogisticRegression(0.1).fit(X[rows], benign[rows])
    score = points(model, X[rows], benign[rows], 6)
    assert score.shape == (30,) and np.issubdtype(score.dtype, np.integer), (
        "whole numbers"
    )
    assert np.abs(score).max() <= 5, "points go from -5 to 5"
    assert 0 < np.count_nonzero(score) <= 6, "six columns at most"
    auc = roc_auc_score(benign[held], X[held] @ score)
    assert auc > 0.985, f"AUC {auc:.3f} on new tumours; refit on the chosen columns"


def points(model, X, y, n_columns):  # replace the body, then run this cell again
    return np.round(model.coef_[0]).astype(int)


_ = try_answer(test_points, points)

# %% [markdown]
# ```{solution-start} ex-logistic-points
# :class: dropdown
# ```
#
# Take the largest weights (columns are scaled, so they compare), fit again on those columns alone so that each takes
# over what its dropped neighbours said, and scale the largest to 5. Rounding costs little: a ranking needs no
# digits.


# %%
def points_solution(model, X, y, n_columns):
    chosen = np.argsort(-np.abs(model.coef_[0]))[:n_columns]
    again = LogisticRegression(0.1).fit(X[:, chosen], y).coef_[0]
    score = np.zeros(X.shape[1], dtype=int)
    score[chosen] = np.round(5 * again / np.abs(again).max()).astype(int)
    return score


_ = try_answer(test_points, points_solution)
guide = LogisticRegression(0.1).fit(X[rows], benign[rows])
score = points_solution(guide, X[rows], benign[rows], 6)
full = roc_auc_score(benign[held], guide.decision_function(X[held]))
lost = full - roc_auc_score(benign[held], X[held] @ score)
claim("logistic-lost-by-points", lost, within=(-0.01, 0.015))

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-logistic-separation` the training loss at the far right is almost zero. What does the model
# say about a new tumour that it gets wrong?
#
# (a) A probability near one half. (b) A probability near 0 or 1, on the wrong side. (c) Nothing, it did not
# converge. (d) The share of the class in the training set.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Long weights make every log-odds large, the wrong ones too: that is the loss of new tumours. (a) is what
# a penalised model says near its border. (c) A model that has not converged still predicts. (d) is what it says at
# $C \to 0$.
# ```
#
# **2.** A column in kilometres is given in metres instead. What happens to the fitted model?
#
# (a) Nothing. (b) Without a penalty the weight becomes a thousandth and the probabilities stay; with a penalty they
# change. (c) The weight becomes a thousandth in both cases. (d) Newton's method no longer converges.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** A small weight is cheap under the penalty, so the column in metres is penalised a million times less. (a)
# and (c) overlook the penalty. (d) Newton's steps do not depend on units; L-BFGS would suffer.
# ```
#
# **3.** Two models rank all people alike, and one says twice the odds of the other for everybody. Which number tells
# them apart?
#
# (a) AUC. (b) Log loss. (c) The weights of the columns. (d) Accuracy at the best threshold of each.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** Only a score of probabilities notices a shifted intercept. (a) and (d) depend on the ranking alone. (c)
# The weights are equal; the intercepts differ by $\log 2$.
# ```
#
# ## What to remember
#
# Logistic regression makes the log-odds a weighted sum, and the most likely weights are found where *said minus
# seen* balances in every column. The loss is convex; Newton's method is least squares repeated, and needs ten steps.
# Perfectly separable data have no best weights, so a penalty is not a luxury. Dropping rows of a class shifts the
# intercept, and nothing else if the model is right. The border is a plane in the columns given.
#
# The same loss and the same gradient end every classifying network of the deep-learning stage; there the columns are
# learned. Next, {doc}`04_nearest_neighbors` does without weights.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
