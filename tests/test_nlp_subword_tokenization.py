"""Subword tokenization: laws of merges, equality with the library, lossless text, files to be refused."""

import json
import unicodedata
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers.pre_tokenizers import ByteLevel

from journey.nlp import subword_tokenization as page
from journey.nlp.subword_tokenization import BPETokenizer, learn_merges, merge_pair, split_text

FEW = settings(deadline=None, derandomize=True, max_examples=50)
MANY = settings(deadline=None, derandomize=True, max_examples=200)
CORPUS = (
    "The king is dead, long live the king! We're here; they've gone, he'd said it'll be 1599 or 1606.\n"
    "  naïve café, Übermut: 人人生而自由 🦜🦜🦜  banana bandana anagram  aaaa aaaaaaa  \t\n\n"
) * 3


@pytest.fixture(scope="module")
def trained():
    return BPETokenizer.train(CORPUS, 90)


def library(texts, n_merges):
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    theirs.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=True)
    theirs.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=256 + n_merges,
        initial_alphabet=sorted(ByteLevel.alphabet()),
        special_tokens=[],
        show_progress=False,
    )
    theirs.train_from_iterator(texts, trainer)
    return theirs


def library_merges(theirs):
    model = json.loads(theirs.to_str())["model"]
    return [(model["vocab"][a], model["vocab"][b]) for a, b in model["merges"]]


def recount(words, n_merges):
    """Equation eq-bpe-pair, with nothing kept from one merge to the next."""
    texts = [([page._ID_OF_BYTE[b] for b in word.encode()], n) for word, n in words.items()]
    merges = []
    for new in range(256, 256 + n_merges):
        pairs = Counter()
        for ids, n in texts:
            for i in range(len(ids) - 1):
                pairs[ids[i], ids[i + 1]] += n
        if not pairs:
            break
        merges.append(min(pairs, key=lambda pair: (-pairs[pair], pair)))
        texts = [(merge_pair(ids, merges[-1], new), n) for ids, n in texts]
    return merges


def assigned(text):
    """Without characters that are in one edition of Unicode and not in the other."""
    return "".join(c for c in text if unicodedata.category(c) != "Cn")


# merging


@FEW
@given(st.lists(st.integers(0, 2), max_size=20))
def test_merge_pair_shortens_and_can_be_undone(ids):
    merged = merge_pair(ids, (1, 1), 9)
    undone = [part for symbol in merged for part in ((1, 1) if symbol == 9 else (symbol,))]
    assert undone == ids
    assert len(merged) == len(ids) - merged.count(9)
    assert (1, 1) not in pairwise(merged)


def test_merge_pair_runs_from_the_left_and_keeps_its_input():
    ids = [5, 5, 5]
    assert merge_pair(ids, (5, 5), 7) == [7, 5]
    assert ids == [5, 5, 5]
    assert merge_pair([], (1, 2), 3) == []
    assert merge_pair((1, 2), (1, 2), 3) == [3]


@MANY
@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=9), st.integers(1, 4), max_size=6), st.integers(0, 12)
)
@example({"abab": 3, "ba": 2}, 4)
@example({"aaaa": 2, "aab": 3}, 4)
def test_kept_counts_equal_a_recount(words, n_merges):
    merges, visits = learn_merges(words, n_merges)
    assert merges == recount(words, n_merges)
    assert len(visits) == len(merges)
    assert all(visit <= sum(map(len, words)) for visit in visits)


@FEW
@given(st.lists(st.text("ab é ", max_size=25), min_size=1, max_size=5), st.integers(0, 30))
def test_merges_equal_the_librarys(texts, n_merges):
    assert BPETokenizer.train(texts, n_merges).merges == library_merges(library(texts, n_merges))


def test_ties_go_to_the_smaller_numbers():
    merges, _ = learn_merges({"ba": 1, "ab": 1, "ac": 1}, 3)
    a, b, c = (page._ID_OF_BYTE[ord(letter)] for letter in "abc")
    assert merges == [(a, b), (a, c), (b, a)]


def test_no_two_merges_spell_the_same_bytes(trained):
    assert len(set(trained.vocabulary)) == len(trained.vocabulary) == 256 + 90


def test_a_corpus_that_is_used_up_gives_fewer_merges():
    assert learn_merges({"abc": 1}, 10)[0] == [(64, 65), (256, 66)]
    assert learn_merges({}, 3) == ([], [])
    assert len(BPETokenizer.train("", 5)) == len(BPETokenizer.train([], 5)) == 256


@pytest.mark.parametrize("n_merges", [-1, 2.0, True, "3", None, float("nan")])
def test_numbers_of_merges_that_are_none(n_merges):
    with pytest.raises(ValueError, match="n_merges"):
        learn_merges({"ab": 1}, n_merges)


def test_words_that_never_occur_are_refused():
    with pytest.raises(ValueError, match="at least once"):
        learn_merges({"ab": 1, "cd": 0}, 1)


# cutting


@MANY
@given(st.text().map(assigned))
@example("What's  done\n\n can't \t be undone:  1606½ ")
@example("x\x1c\x1d\x85\u200b\u3000\u180e_y²Ⅷ")
def test_cuts_equal_the_librarys_and_lose_nothing(text):
    pieces = split_text(text)
    assert "".join(pieces) == text
    theirs = ByteLevel(add_prefix_space=False, use_regex=True).pre_tokenize_str(text)
    assert pieces == [text[a:b] for _, (a, b) in theirs]


def test_a_blank_belongs_to_the_word_that_follows():
    assert split_text("we'll  go, 12a") == ["we", "'ll", " ", " go", ",", " 12", "a"]
    assert split_text("") == []


@pytest.mark.parametrize("text", [None, b"bytes", 3, ["a"]])
def test_what_is_no_text_is_refused(trained, text):
    with pytest.raises(ValueError, match="must be a str"):
        split_text(text)
    with pytest.raises(ValueError, match="must be a str"):
        trained.encode(text)
    with pytest.raises(ValueError, match="must be a str"):
        BPETokenizer([], ["<e>"]).encode(text, special=True)


# encoding


@MANY
@given(st.text())
def test_every_text_is_restored(trained, text):
    ids = trained.encode(text)
    assert trained.decode(ids) == text
    assert trained.decode_bytes(ids) == text.encode()
    assert len(ids) <= len(text.encode())
    assert trained.encode(text) == ids  # from the cache


@MANY
@given(st.text("aban kingéu🦜 \n", max_size=40))
def test_tokens_equal_the_merges_one_after_the_other(trained, text):
    by_rank = []
    for word in split_text(text):
        ids = [page._ID_OF_BYTE[byte] for byte in word.encode()]
        for rank, pair in enumerate(trained.merges):
            ids = merge_pair(ids, pair, 256 + rank)
        by_rank += ids
    assert trained.encode(text) == by_rank


def test_tokens_equal_the_librarys(trained):
    theirs = library([CORPUS], 90)
    rng = np.random.default_rng(0)
    letters = sorted(set(CORPUS))
    for text in ["", CORPUS, *("".join(rng.choice(letters, 30)) for _ in range(300))]:
        ids = trained.encode(text)
        assert ids == theirs.encode(text).ids
        assert theirs.decode(ids) == trained.decode(ids)


def test_a_smaller_tokenizer_is_a_prefix(trained):
    assert BPETokenizer.train(CORPUS, 40).merges == trained.merges[:40]


def test_long_words_without_blanks_are_merged_as_short_ones_are(trained):
    runs = BPETokenizer.train("a" * 64, 6)
    assert runs.vocabulary[-1] == b"a" * 64
    assert len(runs.encode("a" * (64 * 3000 + 5))) == 3002
    word = "banana" * 20_000
    assert trained.decode(trained.encode(word)) == word


def test_the_cache_does_not_change_results_when_it_is_emptied(trained):
    small = BPETokenizer(trained.merges)
    small._cache = {str(i): [] for i in range(2**17)}
    assert small.encode("banana king") == trained.encode("banana king")
    assert len(small._cache) < 2**17


def test_results_do_not_share_memory_with_the_cache(trained):
    ids = trained.encode("king")
    ids.append(0)
    assert trained.encode("king") == ids[:-1]


def test_lone_surrogates_are_refused(trained):
    for work in (trained.encode, BPETokenizer.train, lambda text: BPETokenizer([], [text])):
        with pytest.raises(ValueError, match="surrogates"):
            work("a\ud800b")


# decoding


@FEW
@given(st.lists(st.integers(0, 345), max_size=12))
def test_any_numbers_have_a_text(trained, ids):
    assert trained.decode(np.array(ids, dtype=np.int64)) == trained.decode(ids)
    assert trained.decode_bytes(iter(ids)) == b"".join(trained.vocabulary[i] for i in ids)


def test_half_a_character_is_marked(trained):
    assert trained.decode(BPETokenizer().encode("é")[:1]) == "\ufffd"


@pytest.mark.parametrize("ids", [[-1], [346], [1.0], ["a"], [None], [float("nan")], [2**70]])
def test_numbers_that_spell_nothing_are_refused(trained, ids):
    with pytest.raises(ValueError, match="from 0 to 345"):
        trained.decode(ids)


# special tokens


@FEW
@given(
    st.lists(st.sampled_from(["<|end|>", "<|end|>!", "king", " ", "<|", "|>", "é"]), max_size=8).map("".join)
)
def test_markers_are_text_unless_asked_for(trained, text):
    marked = BPETokenizer(trained.merges, ["<|end|>", "<|end|>!"])
    assert marked.encode(text) == trained.encode(text)
    ids = marked.encode(text, special=True)
    assert marked.decode(ids) == text
    assert ids.count(347) == text.count("<|end|>!")  # the longer marker wins
    assert ids.count(346) == text.count("<|end|>") - text.count("<|end|>!")


def test_markers_are_no_patterns():
    marked = BPETokenizer([], [".*", "(a|b)"])
    assert marked.encode("x.*(a|b)", special=True) == [page._ID_OF_BYTE[ord("x")], 256, 257]
    assert BPETokenizer().encode("x", special=True) == [page._ID_OF_BYTE[ord("x")]]


@pytest.mark.parametrize("markers", ["<e>", [""], ["a", "a"], [3], [None]])
def test_impossible_markers(markers):
    with pytest.raises(ValueError, match="special_tokens"):
        BPETokenizer([], markers)


# files


@FEW
@given(text=st.text(max_size=30), markers=st.lists(st.text(min_size=1, max_size=5), unique=True, max_size=3))
def test_a_saved_tokenizer_comes_back(trained, tmp_path_factory, text, markers):
    path = tmp_path_factory.getbasetemp() / "tokenizer.json"
    before = BPETokenizer(trained.merges, markers)
    before.save(path)
    after = BPETokenizer.load(str(path))
    assert after.vocabulary == before.vocabulary
    assert after.special_tokens == markers
    assert after.encode(text, special=True) == before.encode(text, special=True)


def written(merges=(), special=(), kind="journey-bpe-1", **more):
    return json.dumps({"format": kind, "merges": merges, "special_tokens": special} | more)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a JSON file"),
        ("{", "not a JSON file"),
        (b"\xff\xfe", "not a JSON file"),
        ("[" * 100_000, "not a JSON file"),
        ("[]", "an object with"),
        ("{}", "an object with"),
        (written(extra=1), "an object with"),
        (written(kind="gpt"), "unknown format"),
        (written(kind=None), "unknown format"),
        (written(merges={}), "must be lists"),
        (written(special="<e>"), "must be lists"),
        (written(merges=[[1]]), "merge 0 must be a pair"),
        (written(merges=["ab"]), "merge 0 must be a pair"),
        (written(merges=[5]), "merge 0 must be a pair"),
        (written(merges=[[1, 2], [1, 257]]), "merge 1 must join two numbers from 0 to 256"),
        (written(merges=[[-1, 2]]), "merge 0 must join"),
        (written(merges=[[1.0, 2]]), "merge 0 must join"),
        (written(merges=[[True, 2]]), "merge 0 must join"),
        (written(merges=[[None, 2]]), "merge 0 must join"),
        (written(merges=[[1, 2], [1, 2]]), "merged twice"),
        (written(merges=[[0, 0], *([256 + k, 256 + k] for k in range(90))]), "exceed"),
        (written(special=["a", "a"]), "differ"),
        (written(special=[""]), "non-empty"),
        (written(special=[1]), "non-empty"),
        (written(special=["\ud800"]), "surrogates"),
    ],
)
def test_malformed_files_are_refused(tmp_path, content, message):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        BPETokenizer.load(path)


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        BPETokenizer.load(tmp_path / "none.json")
