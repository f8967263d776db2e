# %% [markdown]
# # Tools, or how to find the one thing that is wrong
#
# Something worked last week and fails today. How do you find the cause in ten steps instead of a thousand?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** `first_bad` and `shrink`: bisection over history and over input
# - **You need** {doc}`03_checks`; a terminal with `git`
# - **Checked against** `git bisect`, exhaustive search
# - **Time** 30 minutes to read, 40 to code
# - **Data** digits (1,797 × 64), scikit-learn, BSD-3
# ````

# %%
import itertools
import os
import subprocess
import sys
import tempfile
import traceback
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from journey.orientation.checks import claim, try_answer
from journey.orientation.figures import COLORS, MARKERS, readable, use_journey_style

use_journey_style()

# %% [markdown]
# ## A report that helps nobody
#
# "Your function does not work on my data." The data are 1,797 pictures of digits, the function computes each picture's contrast, and somewhere a number turns into
# NaN. Nothing is raised, the mean of everything is NaN, and nobody knows why.

# %%
digits = load_digits().data.copy()  # (1797, 64)
digits[[613, 1204]] = 7.0  # two blank grey pictures, scanned with the lid closed


def contrast(picture):
    with np.errstate(invalid="ignore"):
        return np.std(picture) / (picture.max() - picture.min())


def report_fails(rows):
    return bool(np.isnan(np.mean([contrast(digits[row]) for row in rows])))


print("fails on all", len(digits), "pictures:", report_fails(range(len(digits))))

# %% [markdown]
# Looking at 1,797 pictures is no plan. The tools of this page are searches: each halves something, the history of a program, the input of a function, or the state of a notebook, and asks again.
#
# ## Predict
#
# 1. A bug crept in somewhere among 100 commits. How many of them must be tried to find it?
# 2. How many runs of `report_fails` does it take to find *one* picture that makes it fail, if all you can do is run it on subsets?
# 3. A notebook has three cells. In how many of the six orders of running them does it end with the same result?
#
# ## Environments: which Python is this?
#
# Half of all "it does not work on my machine" is another Python, or another version of a package, than the one you think of. A *virtual environment* is a folder with its own Python and its own packages. The cell makes one and asks it for
# NumPy.


# %%
def run(command, **options):
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, **options
    )
    return done.returncode, (done.stdout + done.stderr).strip()


with tempfile.TemporaryDirectory() as folder:
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = Path(folder) / ("Scripts" if os.name == "nt" else "bin") / "python"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    status, answer = run([str(python), "-c", "import numpy"], env=clean)
print("in the new environment:", answer.splitlines()[-1])
claim("tools-new-environment-has-numpy", status == 0, equal_to=0)

# %% [markdown]
# The packages of one environment do not leak into another. In a terminal the same takes two lines, `python3 -m venv .venv` and `.venv/bin/pip install -r requirements.txt`, and when something is strange, `which python` is the first question.
#
# ## Bisection over history
#
# Let the commits be numbered $0,\dots,n$; commit $0$ is good, commit $n$ is bad, and once bad, it stays bad. Test the middle. If it is bad, the first bad commit lies at or before it; if it is good, after it. Either way half of the
# candidates are gone: after $k$ tests $n/2^k$ are left, and one remains after
#
# $$
# k = \lceil\log_2 n\rceil
# $$ (eq-tools-bisect)
#
# tests. With $n=8$ and the bug in commit 6: test 4 (good), 6 (bad), 5 (good), found. Three tests, $2^3=8$.


# %% tags=["export"]
def first_bad(good: int, bad: int, is_bad: Callable[[int], bool]) -> int:
    """The first bad position between a good and a bad one, by bisection.

    Parameters
    ----------
    good, bad : int
        A position known to be good, and a later one known to be bad; neither is tested.
    is_bad : callable, int to bool
        Must be monotone: false up to some position and true from there on.

    Returns
    -------
    int
        The smallest bad position, after at most ``ceil(log2(bad - good))`` tests.

    Raises
    ------
    ValueError
        If ``bad`` does not come after ``good``.
    """
    if bad <= good:
        raise ValueError(f"bad must come after good, got good={good}, bad={bad}")
    while bad - good > 1:
        middle = (good + bad) // 2
        if is_bad(middle):
            bad = middle
        else:
            good = middle
    return bad


# %%
tested = []
found = first_bad(0, 8, lambda commit: tested.append(commit) or commit >= 6)
print("tested", tested, "found", found)

# %% [markdown]
# `git bisect` is this loop for real commits. The cell writes a small repository with 100 commits, of which one breaks `area.py`, and lets git search.


# %%
def git(folder, *arguments):
    names = {
        f"GIT_{who}_{what}": "reader"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    status, output = run(
        ["git", *arguments], cwd=folder, env={**os.environ, **names, **quiet}
    )
    assert status == 0, output
    return output


def write_history(folder, n_commits, broken_at):
    git(folder, "init", "--quiet", "--initial-branch=main")
    stream = []
    for number in range(n_commits + 1):
        formula = "width + height" if number >= broken_at else "width * height"
        source = f"def area(width, height):\n    return {formula}  # version {number}\n"
        stream += [
            f"commit refs/heads/main\ncommitter reader <reader> {number} +0000\ndata 8\ncommit  "
        ]
        stream += [f"M 644 inline area.py\ndata {len(source)}\n{source}"]
    text = "\n".join(stream) + "\n"
    subprocess.run(
        ["git", "fast-import", "--quiet"], input=text, text=True, cwd=folder, check=True
    )
    git(folder, "reset", "--quiet", "--hard", "main")


# %%
with tempfile.TemporaryDirectory() as folder:
    write_history(folder, n_commits=100, broken_at=73)
    git(folder, "bisect", "start", "main", "main~100")
    test = "import area; assert area.area(3, 4) == 12"
    log = git(folder, "bisect", "run", sys.executable, "-B", "-c", test)
    culprit = git(folder, "show", "bisect/bad:area.py").split("# ")[-1]
steps = log.count("running")
print("git bisect found:", culprit)
claim("tools-commits-tried-by-git-bisect", steps, within=(6, 8))
claim(
    "tools-first-bad-agrees-with-git",
    first_bad(0, 100, lambda commit: commit >= 73),
    equal_to=73,
)

# %% [markdown]
# Prediction 1: seven, by {eq}`eq-tools-bisect`. It works because each commit can be tested on its own; a commit that mixes two changes, or does not run, takes the lever away. That is the practical reason for small commits.
#
# ## Bisection over input
#
# Back to the pictures. "Fails on this subset" is a question that can be asked of any half. If one half fails, go on with it, as before. But a failure may need *two* rows together, one from each half, and then neither half fails alone.
# The answer of {cite:t}`zeller2002simplifying` is to cut into more and smaller pieces and to try leaving out one piece at a time: if the rest still fails, that piece was not needed. When pieces have become single elements and none can be left out, the result is
# **1-minimal**: every element matters.

# %% tags=["export"]
Item = TypeVar("Item")


def shrink(items: Sequence[Item], fails: Callable[[list[Item]], bool]) -> list[Item]:
    """Cut a failing input down until no single element can be left out (the algorithm ``ddmin``).

    Parameters
    ----------
    items : sequence
        An input on which ``fails`` is true.
    fails : callable, list to bool
        Whether a part of the input, in order, still fails.

    Returns
    -------
    list
        A failing part of the items, in order, that passes if any one element is taken out.

    Raises
    ------
    ValueError
        If the input does not fail in the first place.

    References
    ----------
    Zeller & Hildebrandt (2002), Simplifying and isolating failure-inducing input.
    """
    rest = list(items)
    if not fails(rest):
        raise ValueError("the whole input does not fail: there is nothing to shrink")
    pieces = 2
    while len(rest) > 1:
        edges = [len(rest) * n // pieces for n in range(pieces + 1)]
        cuts = list(itertools.pairwise(edges))
        smaller = next((rest[a:b] for a, b in cuts if fails(rest[a:b])), None)
        if smaller is not None:  # one piece fails alone
            rest, pieces = smaller, 2
            continue
        smaller = next(
            (rest[:a] + rest[b:] for a, b in cuts if fails(rest[:a] + rest[b:])), None
        )
        if smaller is not None:  # all but one piece still fail
            rest, pieces = smaller, max(pieces - 1, 2)
        elif pieces < len(rest):
            pieces = min(2 * pieces, len(rest))
        else:
            break
    return rest


# %% [markdown]
# On the report from the beginning, counting the calls:

# %%
calls = []


def counted(rows):
    calls.append(len(rows))
    return report_fails(rows)


culprits = shrink(range(len(digits)), counted)
print("one picture is enough to fail:", culprits)
claim("tools-pictures-left", len(culprits), equal_to=1)
claim("tools-runs-to-find-the-picture", len(calls), at_most=25)

# %% [markdown]
# Prediction 2: some twenty runs instead of 1,797. The picture is constant, its largest and smallest pixels are equal, and zero is divided by zero. *Now* there is something to report: a **minimal example** that anyone can run,
# `contrast(np.full(64, 7.0))`. A question that contains it is usually answered by writing it.

# %%
minimal = np.isnan(contrast(np.full(64, 7.0)))
claim("tools-minimal-example-fails", minimal, equal_to=1)

# %% [markdown]
# ### Is the result minimal, always?
#
# The check that could fail: random failures that need one, two or three elements together, and for each result the definition itself, tested element by element; plus the true answer by exhaustive search.


# %%
def is_one_minimal(part, fails):
    return fails(part) and not any(
        fails(part[:n] + part[n + 1 :]) for n in range(len(part))
    )


rng = np.random.default_rng(0)
violations, too_large = 0, 0
for _ in range(300):
    needed = set(rng.choice(40, size=rng.integers(1, 4), replace=False).tolist())
    part = shrink(range(40), lambda rows, needed=needed: needed <= set(rows))
    violations += not is_one_minimal(
        part, lambda rows, needed=needed: needed <= set(rows)
    )
    too_large += len(part) > len(needed)
claim("tools-shrink-not-one-minimal", violations, equal_to=0)
claim("tools-shrink-larger-than-needed", too_large, equal_to=0)

# %% [markdown]
# How many runs does it take? One culprit costs about $2\log_2 n$, as two pieces may have to be tried at each halving; several culprits that lie apart cost up to $O(n^2)$ in the worst case, since pieces become single elements before any can be left out. Memory is $O(n)$. Measured:


# %%
def runs_needed(n, needed):
    count = []
    shrink(range(n), lambda rows: count.append(1) or needed <= set(rows))
    return len(count)


sizes = [2**k for k in range(4, 13)]
single = [
    np.mean([runs_needed(n, {int(x)}) for x in rng.integers(n, size=15)]) for n in sizes
]
pair = [
    np.mean(
        [
            runs_needed(n, set(rng.choice(n, 2, replace=False).tolist()))
            for _ in range(15)
        ]
    )
    for n in sizes
]
many = [runs_needed(n, set(range(n))) for n in sizes[:5]]
claim("tools-single-runs-over-log2", single[-1] / np.log2(sizes[-1]), within=(1.2, 2.5))
claim("tools-all-needed-growth-for-double-size", many[-1] / many[-2], within=(1.8, 2.2))

# %% mystnb={"figure": {"caption": "Runs needed to shrink a failing input of n elements. One culprit costs a logarithm, two a few logarithms more; if every element is needed, no search can help, and all of them are tried.", "name": "fig-tools-runs"}, "image": {"alt": "Log-log plot of runs against input size. Curves for one and two culprits rise slowly from about 8 to a few dozen; the curve for all elements needed rises steeply with slope one."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.5))
shown = {
    "one culprit": (sizes, single),
    "two culprits": (sizes, pair),
    "every element needed": (sizes[:5], many),
}
for n, (label, (x, y)) in enumerate(shown.items()):
    (line,) = axes.loglog(x, y, marker=MARKERS[n], base=2)
    axes.annotate(
        label,
        (x[-1], y[-1]),
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
        color=readable(line.get_color()),
        annotation_clip=False,
    )
axes.loglog(sizes, sizes, ls=":", color=COLORS["gray"], lw=1.2, base=2)
axes.annotate(
    "one run per element", (300, 300), (330, 190), color=readable(COLORS["gray"])
)
axes.set(
    xlabel="elements in the failing input",
    ylabel="runs",
    title="Asking halves is cheap until everything matters",
    xlim=(14, 4200),
)
plt.show()

# %% [markdown]
# ## State: the order in which cells were run
#
# A notebook lets you run cells in any order, and keeps every name alive. Here are three innocent cells; below, all six orders.

# %%
cells = [
    "prices = [3, 4, 5]",
    "prices = [price * 2 for price in prices]",
    "total = sum(prices)",
]
results = {}
for order in itertools.permutations(range(3)):
    state = {"prices": [10]}  # left over from an experiment an hour ago
    for number in order:
        exec(cells[number], state)
    results[order] = state["total"]
print({"".join(str(n + 1) for n in order): total for order, total in results.items()})
claim(
    "tools-orders-with-the-intended-total",
    sum(total == 24 for total in results.values()),
    equal_to=1,
)

# %% [markdown]
# Prediction 3: in one order of six. The others print a number as well, without an error. The remedy is one habit: *restart and run all* before you believe a result. In this book it is not a habit but a rule: every stored output comes from a fresh process that ran the page from
# top to bottom.
#
# ## Reading a traceback
#
# Python says where it was when it gave up: the last line names the error, the lines above tell how it got there, innermost last. Read it from below: what happened, in which line, called by whom. The code of *your* file that is lowest in the list is where to look first.


# %%
def mean_of_ratio(values, divisors):
    return sum(
        divide(value, divisor) for value, divisor in zip(values, divisors)
    ) / len(values)


def divide(value, divisor):
    return value / divisor


try:
    mean_of_ratio([1, 2, 3], [4, 0, 5])
except ZeroDivisionError as error:
    frames = traceback.extract_tb(error.__traceback__)
    print(
        " -> ".join(frame.name for frame in frames if not frame.name.startswith("<")),
        "|",
        error,
    )
    frame = error.__traceback__
    while frame.tb_next:
        frame = frame.tb_next
    print(
        "there, value =",
        frame.tb_frame.f_locals["value"],
        "and divisor =",
        frame.tb_frame.f_locals["divisor"],
    )

# %% [markdown]
# The innermost frame still holds its variables, as the last line shows. That is all that a debugger does: `python -m pdb script.py`, or `%debug` in a notebook after an error, opens a prompt *in that frame*. Type `p divisor`, `up`, `down`, `q`.
#
# ## In practice
#
# | question | tool |
# |---|---|
# | which Python, which packages? | `which python`, `pip list`; one `.venv` a project |
# | what did I change? | `git diff`, `git stash`; small commits with a reason |
# | since when is it broken? | `git bisect run pytest tests/test_x.py` |
# | which input breaks it? | `shrink`; `hypothesis` shrinks by itself |
# | where did it stop, with what values? | the traceback from below; `pdb` |
# | what does this name do? | an editor that jumps to the definition; `help(name)`, `inspect.getsource(name)` |
# | whom can I ask? | anyone, with a minimal example, what you expected, what happened, and the versions |
#
# | what people believe | what exposes it |
# |---|---|
# | Staring at the code finds the bug. | Seven tests find it among a hundred commits. |
# | The notebook shows the result, so the code gives it. | One order in six. |
# | A bigger example is a better report. | 1,796 of the 1,797 pictures had nothing to do with it. |
# | The last line of the traceback is the bug. | It is the place where the bug became visible. |
#
# ## Exercises
#
# ```{exercise} How many tests?
# :label: ex-tools-tests
#
# *check · difficulty 1 of 3 · 5 minutes*
#
# A project has had 5,000 commits since the last known good one. One test takes three minutes. How many minutes does bisection take at most, and how many does trying all from the oldest take at most? Answer as a tuple of two integers.
# ```


# %%
def test_tests(answer):
    bisect, one_by_one = answer
    assert bisect == 39, "the next power of two above 5000 is 8192, so 13 tests"
    assert one_by_one == 3 * 4999, (
        "the last commit is known to be bad and need not be tried"
    )


my_minutes = None  # your answer
_ = try_answer(test_tests, my_minutes)

# %% [markdown]
# ```{solution-start} ex-tools-tests
# :class: dropdown
# ```
# $\lceil\log_2 5000\rceil=13$ tests of three minutes. One by one, commits 1 to 4,999 may have to be tried.

# %%
_ = try_answer(test_tests, (3 * int(np.ceil(np.log2(5000))), 3 * 4999))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Some commits cannot be tested
# :label: ex-tools-skip
#
# *extend · difficulty 2 of 3 · 25 minutes*
#
# Some commits do not even run. Write `first_bad_with_skips(good, bad, state)`, where `state(commit)` returns `"good"`, `"bad"` or `"skip"`. Return the list of commits that may be the first bad one: a single commit, or, if skipped ones lie between the last good and the
# first bad commit, those and the bad one, in order. When the middle must be skipped, try the nearest untested commits in between.
# ```


# %%
def test_skips(first_bad_with_skips):
    def history(first, skipped):
        return lambda c: "skip" if c in skipped else ("bad" if c >= first else "good")

    assert first_bad_with_skips(0, 100, history(73, set())) == [73]
    assert first_bad_with_skips(0, 100, history(73, {50, 25, 75})) == [73], (
        "skipped commits elsewhere must not matter"
    )
    assert first_bad_with_skips(0, 10, history(5, {4, 5, 6})) == [4, 5, 6, 7], (
        "nobody can tell these apart"
    )
    assert first_bad_with_skips(0, 3, history(1, {1, 2})) == [1, 2, 3], (
        "nothing can be tested"
    )


def first_bad_with_skips(
    good, bad, state
):  # replace the body with your own, then run this cell again
    return [first_bad(good, bad, lambda commit: state(commit) == "bad")]


_ = try_answer(test_skips, first_bad_with_skips)

# %% [markdown]
# ```{solution-start} ex-tools-skip
# :class: dropdown
# ```
# Keep the good and the bad end; among the commits in between, try them in the order of their distance from the middle until one is not skipped. If all are, the answer is the whole gap.


# %%
def first_bad_with_skips_solution(good, bad, state):
    while True:
        middle = (good + bad) / 2
        for commit in sorted(range(good + 1, bad), key=lambda c: abs(c - middle)):
            verdict = state(commit)
            if verdict == "bad":
                bad = commit
                break
            if verdict == "good":
                good = commit
                break
        else:
            return list(range(good + 1, bad + 1))


_ = try_answer(test_skips, first_bad_with_skips_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A failure that bisection gets wrong
# :label: ex-tools-flaky
#
# *break · difficulty 3 of 3 · 20 minutes*
#
# `first_bad` promises the *first* bad commit if the history is monotone. Find a history (a list of 17 Booleans, `True` for bad, first `False`, last `True`) for which it returns a commit that is *good after a bad one went before it*; that is, some earlier commit is bad, and the commit before the returned one is good.
# Moreover, at most 3 of the 17 may be bad.
# ```


# %%
def test_flaky(history):
    assert len(history) == 17 and not history[0] and history[-1], (
        "17 commits, good first, bad last"
    )
    assert sum(history) <= 3, "at most three bad commits"
    returned = first_bad(0, 16, lambda commit: history[commit])
    assert any(history[:returned]), (
        "the commit that was returned is the first bad one: bisection was right"
    )


my_history = [False] * 16 + [True]  # your answer
_ = try_answer(test_flaky, my_history)

# %% [markdown]
# ```{solution-start} ex-tools-flaky
# :class: dropdown
# ```
# A bug that came, was repaired and came back: bad at 3, good at 8 where the search looks first, bad at 16. Bisection then reports a commit of the second half. It has found *a* change from good to bad, which is all that it can promise without monotony; a test that fails at random
# (a flaky test) makes every history non-monotone.

# %%
_ = try_answer(test_flaky, [commit in (3, 16) for commit in range(17)])

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Shrink a number
# :label: ex-tools-number
#
# *build · difficulty 2 of 3 · 20 minutes*
#
# Minimal inputs are easier to read if their *values* are small, too. Write `shrink_integer(value, fails)`: for a non-negative integer on which `fails` is true, return the smallest integer that can be reached from it by these steps, taken while the new value still fails: replace it by 0, halve it
# (rounding down), or subtract 1, always trying them in that order.
# ```


# %%
def test_shrink_integer(shrink_integer):
    assert shrink_integer(1000, lambda n: n >= 17) == 17, (
        "monotone failures end at the edge"
    )
    assert shrink_integer(1000, lambda n: True) == 0
    assert shrink_integer(96, lambda n: n % 3 == 0 and n > 0) == 3, (
        "halving alone reaches 3"
    )
    assert shrink_integer(7, lambda n: n == 7) == 7, "nothing smaller fails"


def shrink_integer(
    value, fails
):  # replace the body with your own, then run this cell again
    return value


_ = try_answer(test_shrink_integer, shrink_integer)

# %% [markdown]
# ```{solution-start} ex-tools-number
# :class: dropdown
# ```
# Big steps first, small steps last: the idea of every shrinker, `hypothesis` included.


# %%
def shrink_integer_solution(value, fails):
    while True:
        smaller = next(
            (n for n in (0, value // 2, value - 1) if 0 <= n < value and fails(n)), None
        )
        if smaller is None:
            return value
        value = smaller


_ = try_answer(test_shrink_integer, shrink_integer_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-tools-runs`, why does the curve "every element needed" have slope one?
#
# (a) Pieces are halved. (b) In the end every single element is tried, and none can be left out. (c) The algorithm is quadratic. (d) Failures are rare.
#
# ```{admonition} Answer
# :class: dropdown
# **(b).** The pieces shrink to single elements in a logarithm of rounds whose cost doubles each time, so that the last round, with $2n$ trials, dominates. (a) is why the other curves are flat. (c) needs elements that can be left out only one after another. (d) has no influence here: every part but the whole passes.
# ```
#
# **2.** `git bisect run` reports a commit that changed only a comment. What happened?
#
# (a) Comments can break code. (b) git is wrong. (c) The test does not depend on the code alone: it is flaky, or reads something from outside. (d) The commit is too small.
#
# ```{admonition} Answer
# :class: dropdown
# **(c).** Bisection believes each answer; one false answer sends it into the wrong half for good. (a) is possible in theory (an encoding line) and rarer than (c). (b) is rarer still. (d) Small commits are what makes the answer useful.
# ```
#
# **3.** A cell of a notebook works, and fails after "restart and run all". Which explanation fits?
#
# (a) It used a name that a deleted cell had defined. (b) Python is non-deterministic. (c) The kernel is too old. (d) The machine is too slow.
#
# ```{admonition} Answer
# :class: dropdown
# **(a).** Names outlive the cells that made them. (b) Python's own results are the same on each run, but for set order of strings and random numbers without a seed. (c) and (d) would not depend on restarting.
# ```
#
# ## What to remember
#
# Debugging is a search, and a search should halve. Bisection over commits needs small commits and a test that is always right; bisection over input ends in a minimal example, which is also the best question. Results count after a restart. Read tracebacks from below.
#
# Next: {doc}`07_notation`, one meaning for each symbol.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
