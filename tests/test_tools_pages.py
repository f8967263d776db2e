"""``tools.pages``: names, cells, lines, the table of contents, and what each refuses."""

from __future__ import annotations

import ast

import pytest
from conftest import TinyBook, code, markdown

from tools.pages import (
    ROOT,
    BookError,
    Page,
    all_pages,
    find_page,
    journey_imports,
    one_page,
    read_script,
    table_of_contents,
    write_script,
)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("01_Mathematics/01_vectors", "journey.mathematics.vectors"),
        ("06_NLP/12_Word2Vec", "journey.nlp.word2vec"),
        ("02_Python_Foundations/00_numpy_1_2", "journey.python_foundations.numpy_1_2"),
    ],
)
def test_a_page_is_found_by_one_name_in_all_three_trees(name, module):
    page = Page(name)
    assert page.module == module
    assert page.script == ROOT / "scripts" / f"{name}.py"
    assert page.notebook == ROOT / "book" / f"{name}.ipynb"
    assert page.module_file == ROOT / (module.replace(".", "/") + ".py")
    assert page.where == f"scripts/{name}.py"


def test_cells_carry_the_line_on_which_their_source_begins(tiny_book: TinyBook):
    page = tiny_book.page("01_Numbers/01_squares")
    lines = page.text.splitlines()
    assert [cell.kind for cell in page.cells] == ["markdown", "code", "code", "code"]
    assert [cell.tags for cell in page.cells] == [[], [], ["export"], []]
    for cell in page.code_cells:
        assert lines[cell.line - 1 :][: cell.source.count("\n") + 1] == cell.source.split("\n")
    assert page.title == 'What is "a square"?'


def test_lines_hold_for_a_cell_that_begins_with_blank_lines(tiny_book: TinyBook):
    page = tiny_book.write("a", "# %%\n\n\nx = 1", canonical=False)
    [node] = page.parsed(page.code_cells[0]).body
    assert page.text.splitlines()[node.lineno - 1] == "x = 1"


@pytest.mark.parametrize(
    "comment", ["# cat the arrays", "# ls", "# %timeit f(x)", "# !pip install x", "# cd into it", "# mv a b"]
)
def test_a_comment_that_reads_like_a_command_stays_a_comment(tiny_book: TinyBook, comment):
    page = tiny_book.write("a", code(f"{comment}\nx = 1"), canonical=False)
    assert page.code_cells[0].source == f"{comment}\nx = 1"
    assert write_script(read_script(page.text)) == page.text


def test_a_name_that_is_a_command_stays_code(tiny_book: TinyBook):
    page = tiny_book.write("a", code("ls = 2\nls"), canonical=False)
    assert write_script(page.without_outputs) == page.text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1\n", 1),
        ('# %% [markdown]\n# # T\n\n# %%\ns = """\n# %% not a cell\n"""\n\n# %%\ny = 1\n', 6),
        ('# %% [markdown]\n# # T\n\n# %%\ns = """\n# %%\n"""\n', 6),
        ("\ufeff# %% [markdown]\n# # T\n", 1),
    ],
)
def test_a_cell_that_cannot_be_told_from_text_is_refused_with_its_line(tiny_book: TinyBook, text, line):
    page = tiny_book.page("a")
    page.script.write_text(text, encoding="utf-8")
    with pytest.raises(BookError, match=rf"^scripts/a\.py:{line}: not a cell's beginning\. Begin every cell"):
        _ = page.cells


def test_a_page_without_a_title_is_refused(tiny_book: TinyBook):
    page = tiny_book.write("a", markdown("## A section"), code("# # no title, either\nx = 1"))
    with pytest.raises(BookError, match=r"^scripts/a\.py:1: no title"):
        _ = page.title


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("x = (1,\ny = 2", 7, "was never closed|invalid syntax"),
        ("def f():\n    return = 1", 8, "invalid syntax"),
        ("x = 1\nreturn x", 8, "'return' outside function"),
        ("%matplotlib inline", 7, "invalid syntax"),
        ("!ls", 7, "invalid syntax"),
        ("x = 1\nawait x", 8, "'await' outside function"),
        ("x = 1\ny = '\\d'", 8, "invalid escape sequence"),
        ("x = 1\nassert (x, 'always true')", 8, "assertion is always true"),
        ("from __future__ import annotations", 7, "from __future__ imports must occur at the beginning"),
    ],
)
def test_a_syntax_error_is_told_with_the_script_line(tiny_book: TinyBook, source, line, message):
    page = tiny_book.write("a", markdown("# T"), "# %%\nbefore = 1\n# %%\n" + source, canonical=False)
    with pytest.raises(BookError, match=rf"^scripts/a\.py:{line}: syntax error: .*({message})"):
        page.parsed(page.code_cells[0])


def test_a_statement_split_over_two_cells_is_a_syntax_error(tiny_book: TinyBook):
    page = tiny_book.write("a", "# %%\nif True:\n# %%\n    x = 1", canonical=False)
    with pytest.raises(BookError, match=r"^scripts/a\.py:5: syntax error: expected an indented block"):
        page.parsed(page.code_cells[0])


def test_a_script_that_is_missing_or_not_utf8_is_told(tiny_book: TinyBook):
    with pytest.raises(BookError, match=r"^scripts/none\.py: does not exist"):
        _ = tiny_book.page("none").text
    page = tiny_book.page("latin")
    page.script.write_bytes("# %%\n# Übung\n".encode("latin-1"))
    with pytest.raises(BookError, match=r"^scripts/latin\.py: not UTF-8"):
        _ = page.text


@pytest.mark.parametrize(
    ("statement", "modules"),
    [
        ("from journey.mathematics.vectors import norm, dot", ["journey.mathematics.vectors"]),
        ("from journey.mathematics import vectors", ["journey.mathematics.vectors"]),
        ("from journey.m import (\n    a,\n    b as c,\n)", ["journey.m.a", "journey.m.b"]),
        ("import journey.mathematics.vectors", ["journey.mathematics.vectors"]),
        ("import journey.mathematics.vectors as v, numpy", ["journey.mathematics.vectors"]),
        ("def f():\n    from journey.a.b import c\n    return c", ["journey.a.b"]),
        ("if TYPE_CHECKING:\n    import journey.a.b", ["journey.a.b"]),
        ("import journeyman\nfrom journeys.a.b import c\nfrom .journey import d", []),
        ("import journey", ["journey"]),
    ],
)
def test_every_form_of_import_is_seen(statement, modules):
    assert [module for module, _ in journey_imports(ast.parse(statement))] == modules


def test_imports_tell_the_script_line(tiny_book: TinyBook):
    page = tiny_book.page("02_Sums/01_sums")
    [(module, line)] = page.imports()
    assert module == "journey.numbers.squares"
    assert page.text.splitlines()[line - 1] == "from journey.numbers.squares import square"
    assert list(page.imports(exported_only=True)) == []


def test_reading_order_is_that_of_the_table_of_contents(tiny_book: TinyBook):
    (tiny_book.root / "_toc.yml").write_text(
        "format: jb-book\nroot: index\nparts:\n"
        "  - caption: One\n    chapters:\n      - file: b\n        sections:\n          - file: c\n"
        "  - caption: Two\n    chapters:\n      - file: a\n      - url: https://example.org\n"
    )
    assert table_of_contents(tiny_book.root) == ["index", "b", "c", "a"]


@pytest.mark.parametrize("text", ["", "root: [", "chapters: []", "- a"])
def test_a_malformed_table_of_contents_is_told(tiny_book: TinyBook, text):
    (tiny_book.root / "_toc.yml").write_text(text)
    with pytest.raises(BookError, match=r"^_toc\.yml: cannot be read"):
        all_pages(tiny_book.root)
    (tiny_book.root / "_toc.yml").unlink()
    with pytest.raises(BookError, match=r"^_toc\.yml: cannot be read"):
        all_pages(tiny_book.root)


def test_a_sound_book_lists_its_pages_in_order(tiny_book: TinyBook):
    assert [page.name for page in all_pages(tiny_book.root)] == [
        "index",
        "01_Numbers/01_squares",
        "02_Sums/01_sums",
    ]


def test_all_that_is_wrong_with_the_table_of_contents_is_told_at_once(tiny_book: TinyBook):
    tiny_book.write("02_Sums/02_unlisted")
    tiny_book.write("02_Sums/03_what-now")
    tiny_book.write("02_Sums/04_class")
    tiny_book.write("02_Sums/05_sums")
    tiny_book.toc(
        "02_Sums/01_sums", "02_Sums/01_sums", "gone", "01_Numbers/01_squares",
        "02_Sums/03_what-now", "02_Sums/04_class", "02_Sums/05_sums",
    )  # fmt: skip
    with pytest.raises(BookError) as error:
        all_pages(tiny_book.root)
    assert str(error.value).splitlines() == [
        "_toc.yml: 02_Sums/01_sums is listed twice. Keep one.",
        "_toc.yml: gone is listed, but scripts/gone.py does not exist. Write it or remove the entry.",
        "scripts/02_Sums/03_what-now.py: journey.sums.what-now is no module's name. "
        "Use letters, digits and _.",
        "scripts/02_Sums/04_class.py: journey.sums.class is no module's name. Use letters, digits and _.",
        "scripts/02_Sums/05_sums.py: exports to journey.sums.sums, as scripts/02_Sums/01_sums.py does. "
        "Rename one of the pages.",
        "scripts/02_Sums/02_unlisted.py: not in _toc.yml. "
        "Add '- file: 02_Sums/02_unlisted' where it belongs, or delete the script.",
    ]


def test_checkpoints_of_an_editor_are_no_pages(tiny_book: TinyBook):
    hidden = tiny_book.root / "scripts" / ".ipynb_checkpoints"
    hidden.mkdir()
    (hidden / "index-checkpoint.py").write_text("")
    assert len(all_pages(tiny_book.root)) == 3


def test_one_page_does_not_mind_what_is_wrong_with_the_others(tiny_book: TinyBook):
    tiny_book.write("02_Sums/02_unlisted")
    tiny_book.toc("gone", "01_Numbers/01_squares", "02_Sums/01_sums", "gone")
    assert one_page("02/01", tiny_book.root)[0].name == "02_Sums/01_sums"
    with pytest.raises(BookError, match=r"02_unlisted\.py: not in _toc\.yml"):
        one_page("02/02", tiny_book.root)
    with pytest.raises(
        BookError, match=r"^_toc\.yml: gone is listed twice.*\n_toc\.yml: gone is listed, but"
    ):
        one_page("gone", tiny_book.root)


@pytest.mark.parametrize(
    "key",
    [
        "01/01",
        "01_Numbers/01_squares",
        "scripts/01_Numbers/01_squares.py",
        "book/01_Numbers/01_squares.ipynb",
        " 01/01 ",
    ],
)
def test_a_page_is_found_by_number_name_or_path(tiny_book: TinyBook, key):
    assert find_page(key, all_pages(tiny_book.root)).name == "01_Numbers/01_squares"


@pytest.mark.parametrize("key", ["01", "1/1", "01/02", "01/01/01", "squares", "", "01/", "02/0"])
def test_a_key_that_fits_no_page_says_how_to_write_one(tiny_book: TinyBook, key):
    with pytest.raises(BookError, match=r"no page\. Say it as 01/01"):
        find_page(key, all_pages(tiny_book.root))


def test_a_key_that_fits_two_pages_names_both(tiny_book: TinyBook):
    tiny_book.write("01_Numbers/01_cubes")
    tiny_book.toc("01_Numbers/01_cubes", "01_Numbers/01_squares", "02_Sums/01_sums")
    with pytest.raises(BookError, match="01_Numbers/01_cubes, 01_Numbers/01_squares"):
        find_page("01/01", all_pages(tiny_book.root))
