"""The laws of entropy, divergence and prefix codes, against SciPy and scikit-learn, and what is refused."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mutual_info_score

from journey.mathematics.information_theory import (
    cross_entropy,
    decode,
    encode,
    entropy,
    huffman_code,
    kl_divergence,
    mutual_information,
)

quick = settings(deadline=None, derandomize=True, max_examples=80)
# Zeros and tiny numbers beside ordinary ones.
WEIGHTS = st.one_of(st.just(0.0), st.floats(1e-300, 1e-290), st.floats(1e-6, 1.0))


@st.composite
def distributions(draw, number=1, weights=WEIGHTS):
    k = draw(st.integers(1, 8))
    rows = draw(st.lists(st.lists(weights, min_size=k, max_size=k), min_size=number, max_size=number))
    table = np.array(rows) + (np.array(rows).sum(axis=1, keepdims=True) < 1e-6) * np.eye(k)[0]
    return table / table.sum(axis=1, keepdims=True)


@given(distributions())
@quick
def test_entropy_lies_between_zero_and_log_k_and_agrees_with_scipy(table):
    p = table[0]
    bits = entropy(p)
    assert 0 <= bits <= math.log2(len(p)) + 1e-12
    assert bits == pytest.approx(stats.entropy(p, base=2), abs=1e-12)
    assert entropy(p, base=math.e) == pytest.approx(bits * math.log(2), abs=1e-12)


@given(distributions(2))
@quick
def test_divergence_is_not_negative_and_is_the_excess(table):
    p, q = table
    divergence = kl_divergence(p, q)
    assert divergence >= 0
    if np.any((q == 0) & (p > 0)):
        assert divergence == np.inf == cross_entropy(p, q)
    else:
        assert cross_entropy(p, q) == pytest.approx(entropy(p) + divergence, rel=1e-12, abs=1e-11)
        assert divergence == pytest.approx(stats.entropy(p, q, base=2), rel=1e-9, abs=1e-9)
    assert kl_divergence(p, p) == 0


@given(distributions(2, st.floats(0.01, 1)), st.floats(0, 1))
@quick
def test_divergence_is_convex_in_what_is_believed(table, share):
    p, q = table
    mixed = kl_divergence(p, share * p + (1 - share) * q)
    assert mixed <= (1 - share) * kl_divergence(p, q) + 1e-12


@given(distributions(3))
@quick
def test_chain_rule_and_bounds_of_mutual_information(table):
    joint = table / 3  # the first variable chooses the row
    shared = mutual_information(joint)
    conditional = entropy(table).mean()
    assert entropy(joint.ravel()) == pytest.approx(math.log2(3) + conditional, abs=1e-10)
    assert shared == pytest.approx(entropy(joint.sum(axis=0)) - conditional, abs=1e-10)
    assert 0 <= shared <= min(math.log2(3), entropy(joint.sum(axis=0))) + 1e-10
    assert shared == pytest.approx(mutual_information(joint.T), abs=1e-12)


@given(distributions(2))
@quick
def test_independent_variables_share_nothing_and_copies_all(table):
    p, q = table
    assert mutual_information(np.outer(p, q)) == pytest.approx(0, abs=1e-12)
    assert mutual_information(np.diag(p)) == pytest.approx(entropy(p), abs=1e-12)


@given(st.lists(st.lists(st.integers(0, 20), min_size=3, max_size=3), min_size=2, max_size=5))
@quick
def test_mutual_information_agrees_with_scikit_learn(counts):
    table = np.array(counts)
    table[0, 0] += 1
    expected = mutual_info_score(None, None, contingency=table)
    assert mutual_information(table / table.sum(), base=math.e) == pytest.approx(expected, abs=1e-12)


FREQUENCIES = st.lists(st.one_of(st.integers(1, 10**6), st.floats(1e-9, 1e9)), min_size=2, max_size=30)


@given(FREQUENCIES)
@quick
def test_huffman_meets_kraft_with_equality_and_the_bound(counts):
    code = huffman_code(dict(enumerate(counts)))
    words = list(code.values())
    assert sum(2.0 ** -len(word) for word in words) == 1
    assert not any(b.startswith(a) for a, b in itertools.permutations(words, 2))
    p = np.array(counts, dtype=float) / np.sum(counts)
    mean = float(np.dot(p, [len(word) for word in words]))
    assert entropy(p) - 1e-9 <= mean < entropy(p) + 1


@given(st.lists(st.integers(1, 40), min_size=2, max_size=5))
@quick
def test_huffman_is_the_best_of_all_lengths_that_kraft_allows(counts):
    code = huffman_code(dict(enumerate(counts)))
    ours = sum(n * len(code[k]) for k, n in enumerate(counts))
    lengths = itertools.product(range(1, len(counts)), repeat=len(counts))
    allowed = (trial for trial in lengths if sum(2.0**-n for n in trial) <= 1)
    assert ours == min(sum(a * b for a, b in zip(counts, trial)) for trial in allowed)


@given(st.text(alphabet="abcdefg", min_size=1, max_size=200))
@quick
def test_what_is_encoded_can_be_decoded(message):
    code = huffman_code({symbol: message.count(symbol) for symbol in set(message)})
    assert "".join(decode(encode(message, code), code)) == message


def test_deep_trees_and_symbols_of_any_kind():
    fibonacci = [1, 1]
    while len(fibonacci) < 1500:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    fibonacci = [n // fibonacci[-1000] + 1 for n in fibonacci]
    assert max(map(len, huffman_code(dict(enumerate(fibonacci))).values())) > 500
    mixed = {"a": 1, 2: 1, (3, "x"): 1, None: 1}
    assert {len(word) for word in huffman_code(mixed).values()} == {2}
    assert huffman_code({"only": 3}) == {"only": "0"}
    assert decode(encode(["only"] * 3, {"only": "0"}), {"only": "0"}) == ["only"] * 3
    assert encode("", {"a": "0"}) == ""
    assert decode("", {"a": "0"}) == []


def test_shapes_broadcast_and_inputs_stay_as_they_are():
    rng = np.random.default_rng(0)
    table = rng.dirichlet(np.ones(4), (5, 3))
    table.flags.writeable = False
    q = np.full(4, 0.25)
    assert entropy(table).shape == kl_divergence(table, q).shape == (5, 3)
    np.testing.assert_allclose(2 - entropy(table), kl_divergence(table, q), atol=1e-12)
    strided = np.asfortranarray(table)[::2, ::-1]
    np.testing.assert_allclose(entropy(strided), entropy(table)[::2, ::-1])
    assert entropy([0, 1, 0]) == 0
    assert not np.signbit(entropy([0, 1, 0]))


def test_extreme_probabilities_do_not_overflow():
    tiny = 5e-324
    assert kl_divergence([1.0, 0.0], [tiny, 1.0]) == pytest.approx(1074)
    assert np.isfinite(kl_divergence([tiny, 1.0], [0.5, 0.5]))
    assert mutual_information([[tiny, 0], [0, 1.0]]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("p", "message"),
    [
        ([], "hold probabilities"),
        (0.5, "hold probabilities"),
        ([0.5, 0.6], "sum to 1"),
        ([0.0, 0.0], "sum to 1"),
        ([[0.5, 0.5], [0.5, 0.4]], "got 0.9"),
        ([1.5, -0.5], "not negative"),
        ([np.nan, 1.0], "finite"),
        ([np.inf, 0.0], "finite"),
    ],
)
def test_what_is_no_distribution_is_refused(p, message):
    for function in (entropy, lambda p: cross_entropy(p, [0.5, 0.5]), lambda p: kl_divergence([0.5, 0.5], p)):
        with pytest.raises(ValueError, match=message):
            function(p)


@pytest.mark.parametrize("base", [1, 0, -2, 0.5, np.nan, np.inf])
def test_a_base_must_exceed_one(base):
    p = [0.5, 0.5]
    for function in (entropy, lambda p, base: kl_divergence(p, p, base=base)):
        with pytest.raises(ValueError, match="base must be"):
            function(p, base=base)
    with pytest.raises(ValueError, match="base must be"):
        mutual_information([[0.5, 0.5]], base=base)


def test_other_refusals():
    with pytest.raises(ValueError, match="same outcomes, got 2 and 3"):
        cross_entropy([0.5, 0.5], [0.5, 0.5, 0])
    with pytest.raises(ValueError, match="same outcomes, got 1 and 2"):
        kl_divergence([1.0], [0.5, 0.5])
    with pytest.raises(ValueError, match=r"shape \(n, m\), got \(2,\)"):
        mutual_information([0.5, 0.5])
    with pytest.raises(ValueError, match="joint must sum to 1"):
        mutual_information([[3, 1], [2, 2]])
    with pytest.raises(ValueError, match="at least one symbol"):
        huffman_code({})
    for bad in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match="positive and finite; 'b'"):
            huffman_code({"a": 1, "b": bad})
    with pytest.raises(ValueError, match="no word for 'c'"):
        encode("abc", {"a": "0", "b": "1"})
    with pytest.raises(ValueError, match="'1' is left"):
        decode("01", {"a": "0", "b": "10"})
    for bad in ({"a": "0", "b": "01"}, {"a": "", "b": "1"}, {"a": "1", "b": "1"}):
        with pytest.raises(ValueError, match="prefix-free"):
            decode("0", bad)
