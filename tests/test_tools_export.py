"""``tools.export``: what becomes of exported cells, what is refused; and the repository's own ``journey``."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TinyBook, code, markdown

from tools import export
from tools.pages import ROOT, BookError, Page, all_pages

A_PAGE = "01_Numbers/02_page"


def module_of(book: TinyBook, *cells: str) -> str:
    """The module of a page with these cells."""
    page = book.write(A_PAGE, *cells)
    return export.module_text(page) or ""


def body_of(text: str) -> str:
    """A module without its docstring and seal."""
    return text.split('"""\n\n', 1)[1].split("\n\n\n# seal", 1)[0]


def run(text: str) -> dict[str, object]:
    """Execute a module's text; return its names."""
    names: dict[str, object] = {"__name__": "module"}
    exec(compile(text, "module", "exec"), names)
    return names


def test_a_module_is_docstring_imports_names_code_and_seal(tiny_book: TinyBook):
    page = tiny_book.page("01_Numbers/01_squares")
    text = export.module_text(page)
    assert text is not None
    assert text.startswith(
        '"""What is "a square"?\n\n'
        'Built in the page `scripts/01_Numbers/01_squares.py`: edit the page, not this file.\n"""\n'
    )
    assert body_of(text) == (
        "from fractions import Fraction\n\n"
        '__all__ = ["square"]\n\n\n'
        "def square(number: Fraction | float) -> Fraction | float:\n"
        '    """The number times itself."""\n'
        "    return number * number"
    )


def test_a_page_that_exports_nothing_has_no_module(tiny_book: TinyBook):
    pages = all_pages(tiny_book.root)
    assert export.module_text(pages[0]) is None
    assert sorted(str(path.relative_to(tiny_book.root)) for path in export.modules(pages)) == [
        "journey/__init__.py",
        "journey/numbers/__init__.py",
        "journey/numbers/squares.py",
        "journey/py.typed",
    ]


@pytest.mark.parametrize(
    ("title", "first_line"),
    [
        ("Vectors", "Vectors."),
        ("Why so slow?", "Why so slow?"),
        ('What "verified" means', 'What "verified" means.'),
        (r"The $\ell_2$ norm", r"The $\ell_2$ norm."),
        ("Naïve – and fast", "Naïve – and fast."),
    ],
)
def test_the_docstring_says_the_title_and_points_back(tiny_book: TinyBook, title, first_line):
    text = module_of(tiny_book, markdown(f"# {title}"), code("x = 1", "export"))
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring is not None
    assert docstring.splitlines()[0] == first_line
    assert f"scripts/{A_PAGE}.py" in docstring


@pytest.mark.parametrize("last", ["x = 1", "def f() -> int:\n    return 1", "class A:\n    x: int = 1"])
def test_a_module_is_as_ruff_would_format_it(tiny_book: TinyBook, last):
    text = module_of(
        tiny_book,
        code("import numpy as np\nimport json"),
        code("y = json.dumps( {'a':1} )", "export"),
        code(last, "export"),
    )
    assert export.ruff("format", text=text) == (0, text)
    status, _ = export.ruff("check", text=text)
    assert status == 0


IMPORTS = {
    "used": ("import json", "def f(x: str) -> object:\n    return json.loads(x)", ["import json"]),
    "not used": ("import json\nimport os", "def f() -> str:\n    return os.sep", ["import os"]),
    "one of a parenthesised list": (
        "from collections import (\n    Counter,\n    deque,  # a comment\n)",
        "def f() -> object:\n    return deque()",
        ["from collections import deque"],
    ),
    "under another name": (
        "import xml.dom.minidom as dom",
        "def f() -> object:\n    return dom.Document()",
        ["import xml.dom.minidom as dom"],
    ),
    "two parts of one package": (
        "import xml.dom.minidom\nimport xml.sax.handler",
        "def f() -> object:\n    return xml.dom.minidom.Document(), xml.sax.handler.feature_validation",
        ["import xml.dom.minidom", "import xml.sax.handler"],
    ),
    "one part of a package": (
        "import importlib.util\nimport importlib.metadata",
        "def f(name: str) -> str:\n    return importlib.metadata.version(name)",
        ["import importlib.metadata"],
    ),
    "in an annotation": (
        "from fractions import Fraction",
        "def f(x: Fraction) -> None: ...",
        ["from fractions import Fraction"],
    ),
    "in an annotation written as text": (
        "from fractions import Fraction",
        'def f(x: "Fraction | None") -> "None": ...',
        ["from fractions import Fraction"],
    ),
    "in a default": ("import math", "def f(x: float = math.pi) -> float:\n    return x", ["import math"]),
    "in a decorator": (
        "import functools",
        "@functools.cache\ndef f() -> int:\n    return 1",
        ["import functools"],
    ),
    "in a base class": ("from enum import Enum", "class A(Enum):\n    B = 1", ["from enum import Enum"]),
    "in a comprehension": (
        "import math",
        "TABLE = [math.sqrt(math_) for math_ in range(3)]",
        ["import math"],
    ),
    "in a constant": ("import math", "TAU = 2 * math.pi", ["import math"]),
    "named in a docstring only": ("import json", 'def f() -> None:\n    """json"""', []),
    "hidden by an argument": ("import json", "def f(json: int) -> int:\n    return json", []),
    "for typing": (
        "from typing import TYPE_CHECKING",
        "if TYPE_CHECKING:\n    from fractions import Fraction\n\n\ndef f(x: 'Fraction') -> None: ...",
        ["from typing import TYPE_CHECKING"],
    ),
    "of the future": (
        "from __future__ import annotations\n\nimport json",
        "def f(x: json.JSONDecoder) -> None: ...",
        ["from __future__ import annotations", "import json"],
    ),
    "within a function": ("x = 1", "def f() -> str:\n    import json\n\n    return json.dumps(1)", []),
}


@pytest.mark.parametrize("case", IMPORTS)
def test_exported_code_takes_the_imports_that_it_needs(tiny_book: TinyBook, case):
    above, exported, expected = IMPORTS[case]
    text = module_of(tiny_book, code(above), code(exported, "export"))
    tree = ast.parse(text)
    found = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert found == expected
    run(text)


def test_an_import_may_stand_in_a_later_cell_or_in_an_exported_one(tiny_book: TinyBook):
    text = module_of(
        tiny_book,
        code("import os\n\n\ndef f() -> str:\n    return os.sep + json.dumps(1)", "export"),
        code("import json"),
    )
    assert body_of(text).startswith('import json\nimport os\n\n__all__ = ["f"]\n\n\ndef f()')
    assert run(text)["f"]() == os.sep + "1"  # type: ignore[operator]


def test_an_exported_definition_wins_over_an_import_of_its_name(tiny_book: TinyBook):
    text = module_of(
        tiny_book,
        code(
            "def sqrt(x: float) -> float:\n    return x**0.5\n\n\ndef f() -> float:\n    return sqrt(4)",
            "export",
        ),
        code("from math import sqrt"),
    )
    assert "import" not in body_of(text)


def test_two_imports_under_one_name_are_refused(tiny_book: TinyBook):
    with pytest.raises(
        BookError,
        match=r"02_page\.py:11: imports cmath\.sqrt as sqrt, but line 5 imports math\.sqrt under that name",
    ):
        module_of(
            tiny_book,
            code("from math import sqrt"),
            code("ROOT = sqrt(2)", "export"),
            code("from cmath import sqrt"),
        )


def test_the_same_import_twice_is_one(tiny_book: TinyBook):
    text = module_of(
        tiny_book, code("import math"), code("import math\nPI = math.pi", "export"), code("import math")
    )
    assert text.count("import math") == 1


def test_public_names_are_sorted_and_private_ones_left_out(tiny_book: TinyBook):
    text = module_of(
        tiny_book,
        code("_scale = 2\nZETA, (ALPHA, *REST) = 1, (2, 3)\nname: str = 'x'", "export"),
        code(
            "REST += [4]\n\n\nclass Box:\n    size = _scale\n\n\n"
            "Box.colour = 'red'\n\n\nasync def f() -> None: ...",
            "export",
        ),
        code("try:\n    import nothing_at_all as engine\nexcept ImportError:\n    engine = None", "export"),
    )
    names = run(text)
    assert names["__all__"] == ["ALPHA", "REST", "ZETA", "Box", "engine", "f", "name"]
    assert all(name in names for name in names["__all__"])  # type: ignore[attr-defined]


def test_constants_and_comments_keep_their_order(tiny_book: TinyBook):
    text = module_of(
        tiny_book,
        code("# The first.\nB = 1  # one\n", "export"),
        code("print(B)"),
        code("A = B + 1\nC = A + 1", "export"),
    )
    assert body_of(text) == '__all__ = ["A", "B", "C"]\n\n# The first.\nB = 1  # one\n\nA = B + 1\nC = A + 1'


def test_a_module_may_have_private_names_only(tiny_book: TinyBook):
    assert run(module_of(tiny_book, code("_x = 1", "export")))["__all__"] == []


@pytest.mark.parametrize(
    ("cells", "line", "name"),
    [
        ((code("SCALE = 2"), code("def f(x):\n    return SCALE * x", "export")), 9, "SCALE"),
        ((code("def g():\n    import os"), code("def f():\n    return os.sep", "export")), 10, "os"),
        ((code("x = 1"), code("import math\n\n\ndef f(y=x):\n    return y + math.pi", "export")), 11, "x"),
        ((code("def f():\n    return LATER", "export"), code("LATER = 1")), 6, "LATER"),
        ((code("A = B", "export"), code("B = 1", "export")), 5, "B"),
        ((code("class A:\n    def f(self) -> 'Tensor': ...", "export"),), 6, "Tensor"),
        ((code("import math"), code("import json\nX = [\n    json,\n    loads,\n]", "export")), 11, "loads"),
    ],
)  # fmt: skip
def test_a_name_that_no_exported_cell_defines_is_refused_with_its_line(
    tiny_book: TinyBook, cells, line, name
):
    with pytest.raises(
        BookError,
        match=rf"^scripts/{A_PAGE}\.py:{line}: Undefined name `{name}` among the exported cells\. Define",
    ):
        module_of(tiny_book, *cells)


def test_a_name_exported_twice_is_refused(tiny_book: TinyBook):
    with pytest.raises(
        BookError, match=r"02_page\.py:12: f is exported a second time, after line 5\. Tag only"
    ):
        module_of(
            tiny_book,
            code("def f():\n    return 1", "export"),
            code("f()"),
            code("def f():\n    return 2", "export"),
        )


@pytest.mark.parametrize("statement", ["f(1)", "print(f(1))", "f(1).real", "assert f(1) == 1", "f"])
def test_an_exported_cell_only_defines(tiny_book: TinyBook, statement):
    with pytest.raises(BookError, match=r"02_page\.py:9: an exported cell only defines\. Move"):
        module_of(tiny_book, code(f"def f(x):\n    return x\n\n\n{statement}", "export"))


def test_only_a_page_of_a_stage_exports(tiny_book: TinyBook):
    tiny_book.write("index", markdown("# T"), code("x = 1", "export"))
    with pytest.raises(BookError, match=r"^scripts/index\.py:5: only a page of a stage exports"):
        export.modules(all_pages(tiny_book.root))


@pytest.mark.parametrize(
    "statement",
    [
        "from journey.sums.sums import total",
        "from journey.sums import sums",
        "import journey.sums.sums as s",
        "def f():\n    import journey.sums.sums",
    ],
)
def test_an_import_of_a_later_page_is_refused(tiny_book: TinyBook, statement):
    tiny_book.write("02_Sums/01_sums", code("total = 1", "export"))
    tiny_book.write("01_Numbers/01_squares", code(statement))
    line = 5 + statement.count("\n")
    with pytest.raises(
        BookError,
        match=rf"^scripts/01_Numbers/01_squares\.py:{line}: imports journey\.sums\.sums, "
        r"which is built later, in scripts/02_Sums/01_sums\.py\. "
        r"Import only from earlier pages, or move the page in _toc\.yml\.$",
    ):
        export.modules(all_pages(tiny_book.root))


@pytest.mark.parametrize(
    "module", ["journey.numbers.cubes", "journey", "journey.numbers", "journey.sums.sums", "journey.index"]
)
def test_an_import_of_what_no_page_exports_is_refused(tiny_book: TinyBook, module):
    tiny_book.write("02_Sums/02_more", code(f"import {module}"))
    tiny_book.toc("01_Numbers/01_squares", "02_Sums/01_sums", "02_Sums/02_more")
    with pytest.raises(
        BookError, match=rf"^scripts/02_Sums/02_more\.py:5: imports {module}, which no page exports"
    ):
        export.modules(all_pages(tiny_book.root))


def test_an_exported_cell_does_not_import_its_own_module_but_others_may(tiny_book: TinyBook):
    cells = (code("x = 1", "export"), code("from journey.numbers.squares import x as again"))
    tiny_book.write("01_Numbers/01_squares", *cells)
    tiny_book.write("02_Sums/01_sums")
    export.modules(all_pages(tiny_book.root))
    tiny_book.write(
        "01_Numbers/01_squares", cells[0], code("from journey.numbers.squares import x\ny = x", "export")
    )
    with pytest.raises(BookError, match=r"01_squares\.py:8: an exported cell imports its own module"):
        export.modules(all_pages(tiny_book.root))


def test_the_problems_of_all_pages_are_told_at_once(tiny_book: TinyBook):
    tiny_book.write("01_Numbers/01_squares", code("x = y", "export"))
    tiny_book.write("02_Sums/01_sums", code("import journey.nothing.here"), code("a = b", "export"))
    with pytest.raises(BookError) as error:
        export.modules(all_pages(tiny_book.root))
    assert [line.split(":")[0] for line in str(error.value).splitlines()] == [
        "scripts/01_Numbers/01_squares.py",
        "scripts/02_Sums/01_sums.py",
        "scripts/02_Sums/01_sums.py",
    ]


def test_needed_pages_are_those_that_an_import_reaches(tiny_book: TinyBook):
    tiny_book.write("01_Numbers/02_cubes", code("cube = 1", "export"))
    tiny_book.write(
        "02_Sums/01_sums",
        code("from journey.numbers.squares import square"),
        code("sums = square", "export"),
        code("from journey.numbers import cubes"),
    )
    tiny_book.write("02_Sums/02_more", code("import journey.sums.sums"))
    tiny_book.toc("01_Numbers/01_squares", "01_Numbers/02_cubes", "02_Sums/01_sums", "02_Sums/02_more")
    pages = all_pages(tiny_book.root)
    assert [page.name for page in export.needed(pages[-1], pages)] == [
        "01_Numbers/01_squares",  # sums.py imports it; cubes is used only on the page of sums
        "02_Sums/01_sums",
        "02_Sums/02_more",
    ]


def test_a_seal_shows_every_edit(tmp_path: Path):
    text = export.seal('"""Doc."""\n\nx = 1\n')
    path = tmp_path / "module.py"
    path.write_text(text)
    assert export.is_generated(path)
    lines = text.splitlines(keepends=True)
    edits = [
        text + "y = 2\n",
        text.replace("x = 1", "x = 2"),
        "import os\n" + text,
        "".join(lines[:-1]),
        text.replace("seal: ", "seal: 0"),
        "",
        text + text,
    ]
    for edit in edits:
        path.write_text(edit)
        assert not export.is_generated(path), edit
    path.write_bytes(b"\xff")
    assert not export.is_generated(path)


@pytest.mark.parametrize(
    ("text", "generated"),
    [
        ('"""Doc."""\n', True),
        ("", True),
        ("import os\n", False),
        ("x = 1\n", False),
        ("f()", False),
        ("(", False),
    ],
)
def test_a_package_file_holds_a_docstring_and_nothing_else(tmp_path: Path, text, generated):
    path = tmp_path / "__init__.py"
    path.write_text(text)
    assert export.is_generated(path) is generated


def test_an_exported_module_is_clean_for_mypy(tiny_book: TinyBook):
    tiny_book.write(
        "01_Numbers/02_typed",
        code("from typing import TypeVar\nfrom collections.abc import Sequence"),
        code("from journey.numbers.squares import square"),
        code("T = TypeVar('T')\nPair = tuple[T, T]\n_cache: dict[int, int] = {}", "export"),
        code(
            "def first(items: Sequence[T]) -> Pair[T]:\n    return items[0], items[0]\n\n\n"
            "def four() -> object:\n    global _cache\n    _cache = {1: 1}\n    return square(2)",
            "export",
        ),
    )
    tiny_book.write("02_Sums/01_sums", code("_x = 1", "export"))
    tiny_book.toc("01_Numbers/01_squares", "01_Numbers/02_typed", "02_Sums/01_sums")
    for path, text in export.modules(all_pages(tiny_book.root)).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    settings = ["--strict", "--config-file", "", "--cache-dir", str(tiny_book.root / ".cache")]
    command = [sys.executable, "-m", "mypy", *settings, "-p", "journey"]
    done = subprocess.run(command, cwd=tiny_book.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# The repository's own journey


def own_pages() -> list[Page]:
    return [page for page in all_pages(ROOT) if export.exported_cells(page)]


def test_every_page_that_exports_has_its_module_and_no_other_file_is_there():
    there = {path for path in (ROOT / "journey").rglob("*.py") if path.name != "__init__.py"}
    assert there == {page.module_file for page in own_pages()}
    assert all(export.is_generated(path) for path in there)


@pytest.mark.parametrize("page", own_pages(), ids=lambda page: page.module)
def test_every_module_imports_and_its_public_names_are_documented_and_typed(page: Page):
    module = importlib.import_module(page.module)
    assert Path(str(module.__file__)) == page.module_file
    assert page.where in (module.__doc__ or "")
    assert sorted(module.__all__) == sorted(export.exported_names(page))
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), f"{page.where}: {name} has no docstring"
        if inspect.isfunction(thing):
            hints = inspect.get_annotations(thing)
            wanted = {*inspect.signature(thing).parameters, "return"}
            assert wanted <= hints.keys(), (
                f"{page.where}: {name} lacks type hints for {wanted - hints.keys()}"
            )


def test_imports_go_forward_only_in_the_order_of_the_book():
    order = {page.module: n for n, page in enumerate(all_pages(ROOT))}
    for page in own_pages():
        tree = ast.parse(page.module_file.read_text(encoding="utf-8"))
        for module, line in export.journey_imports(tree):
            assert order[module] < order[page.module], f"{page.module_file}:{line}"


def test_importing_everything_from_any_folder_changes_and_prints_nothing(tmp_path: Path):
    modules = [page.module for page in own_pages()]
    program = (
        "import importlib, os, sys, matplotlib\n"
        "state = lambda: (dict(matplotlib.rcParams), dict(os.environ), sys.path[:])\n"
        "before = state()\n"
        f"for name in {modules}: importlib.import_module(name)\n"
        "assert state() == before\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
