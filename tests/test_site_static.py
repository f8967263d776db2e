"""The built site, read as files: links, resources, addresses, metadata."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
from docutils import nodes
from docutils.utils import new_document
from site_server import parsed, require_site

from tools import site
from tools.pages import ROOT, BookError, Page, table_of_contents

PAGES = table_of_contents()
STAGES = [
    "Orientation",
    "Mathematics",
    "Python Foundations",
    "Machine Learning",
    "Deep Learning",
    "Computer Vision",
    "NLP",
    "LLMs",
    "MLOps",
    "Research Implementations",
    "Projects",
]
MATHJAX_LIMIT = 3_000_000
# Text that a reader sees only if a role, a directive or a reference was not understood.
RAW_MARKUP = [
    r"\{(ref|doc|eq|numref|term|cite(:\w+)?|prf:ref|exercise|solution-start|admonition|figure)\}",
    r"```|:::|^\(\w[\w-]*\)=$",
    r"\[image:|\$\$|\\\(|\\begin\{",
    r"\?\?\?|system-message|Unknown interpreted text role",
]


@pytest.fixture(scope="module", autouse=True)
def built() -> Path:
    return require_site()


def every_html() -> list[Path]:
    folder = ROOT / "_build" / "html"
    return [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]


def page_path(page: str) -> Path:
    return ROOT / "_build" / "html" / f"{page}.html"


# --- Pages, links, resources ---------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_there_under_its_title_and_number(page):
    heading = " ".join(parsed(page_path(page)).h1.replace("#", " ").split())
    number = ".".join(map(str, site.page_number(page)))
    plain_title = re.sub(r"[`*_$\"“”'’]", "", Page(page).title)
    assert re.sub(r"[\"“”'’_]", "", heading).startswith(f"{number} ".lstrip() + plain_title[:20].strip())


def test_no_page_is_there_that_the_table_of_contents_does_not_list():
    found = {str(path.relative_to(page_path("x").parent).with_suffix("")) for path in every_html()}
    assert found == {*PAGES, "404", "search"}


def test_every_internal_link_leads_somewhere():
    broken = []
    for path in every_html():
        base = page_path("x").parent if path.name == "404.html" else path.parent
        for link in parsed(path).all("a"):
            href = link.get("href", "")
            parts = urlsplit(href)
            if parts.scheme or href.startswith("//") or "href" not in link:
                continue
            target = (base / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.is_file():
                broken.append(f"{path.name}: {href} (no such file)")
            elif anchor and target.suffix == ".html" and anchor not in parsed(target).ids:
                broken.append(f"{path.name}: {href} (no such anchor)")
    assert not broken, "\n".join(broken)


def test_every_resource_is_the_sites_own_and_there():
    wrong = []
    for path in every_html():
        base = page_path("x").parent if path.name == "404.html" else path.parent
        for tag, attributes in parsed(path).elements:
            if tag == "link" and attributes.get("rel") in ("canonical", "next", "prev", "search", "index"):
                continue
            for name in ("src", "srcset", "data", "poster") + (("href",) if tag == "link" else ()):
                address = attributes.get(name, "") if tag != "a" else ""
                if address.startswith("data:") or not address:
                    continue
                if urlsplit(address).netloc or not (base / urlsplit(address).path).is_file():
                    wrong.append(f"{path.name}: <{tag} {name}={address!r}>")
    for path in page_path("x").parent.rglob("*.css"):
        for address in re.findall(
            r"(?:url\(|@import\s+)['\"]?([^'\")\s]+)", path.read_text(encoding="utf-8", errors="replace")
        ):
            if address.startswith(("http:", "https:", "//")):
                wrong.append(f"{path.name}: {address}")
    assert not wrong, "\n".join(wrong)


def test_no_markup_is_left_in_the_text():
    left = []
    for path in every_html():
        text = parsed(path).text
        for pattern in RAW_MARKUP:
            for match in re.finditer(pattern, text, re.MULTILINE):
                around = text[max(0, match.start() - 40) : match.end() + 40]
                left.append(f"{path.name}: {match.group(0)!r} in {around!r}")
    assert not left, "\n".join(left)


def test_no_page_holds_an_error_of_the_build():
    for path in map(page_path, PAGES):
        for tag, attributes in parsed(path).elements:
            classes = attributes.get("class", "").split()
            assert not {"error", "system-message", "problematic", "stderr", "traceback"} & set(classes), (
                f"{path.name}: <{tag} class={attributes['class']!r}>"
            )


def test_there_is_one_search_box():
    for page in PAGES:
        html = parsed(page_path(page))
        assert len(html.all("button", class_="search-button__button")) == 1, page
        assert len(html.all("input", type="search")) == 1, page


def test_every_picture_says_what_it_shows():
    for page in PAGES:
        for image in parsed(page_path(page)).all("img"):
            logo = "logo__image" in image.get("class", "")
            assert logo or image.get("alt", "").strip(), f"{page}: {image['src']} has no alternative text"


def test_figures_equations_and_exercises_carry_the_pages_number():
    for page in PAGES:
        number = ".".join(map(str, site.page_number(page)))
        text = page_path(page).read_text(encoding="utf-8")
        found = re.findall(
            r'class="caption-number">(?:Figure|Table|Exercise|Definition|Theorem) ([\d.]+)', text
        )
        found += re.findall(r'class="eqno">\(([\d.]+)\)', text)
        assert all(item.startswith(f"{number}.") for item in found if number), (page, found)


# --- Addresses of a page -------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_links_open_the_right_files(page):
    hrefs = [link.get("href", "") for link in parsed(page_path(page)).all("a")]
    owner, name = site.repository().removeprefix("https://github.com/").split("/")
    assert f"https://mybinder.org/v2/gh/{owner}/{name}/main?urlpath=lab/tree/book/{page}.ipynb" in hrefs
    assert f"{site.repository()}/edit/main/scripts/{page}.py" in hrefs
    assert not [href for href in hrefs if "/edit/" in href and not href.endswith(f"scripts/{page}.py")]
    sources = page_path("x").parent / "_sources"
    assert (sources / f"{page}.py").read_bytes() == Page(page).script.read_bytes()
    assert (sources / f"{page}.ipynb").read_bytes() == Page(page).notebook.read_bytes()
    downloads = [link["href"] for link in parsed(page_path(page)).all("a") if "download" in link]
    assert [Path(href).suffix for href in downloads] == [".ipynb", ".py"]


@pytest.mark.parametrize("page", [page for page in PAGES if "journey-card" in Page(page).text])
def test_the_card_says_what_was_measured_and_what_the_page_adds(page):
    html = parsed(page_path(page))
    assert len(html.all("div", class_="journey-card")) == 1
    seconds = json.loads(Page(page).notebook.read_text(encoding="utf-8"))["metadata"]["journey"]["seconds"]
    assert f"under {seconds} s on two cores" in html.text
    text = page_path(page).read_text(encoding="utf-8")
    if any("export" in cell.tags for cell in Page(page).code_cells):
        assert f'<span class="pre">{Page(page).module}</span>' in text


def test_the_address_of_the_repository_is_written_once():
    text = site.repository().removeprefix("https://")
    owner = text.split("/")[1]
    written = [
        path.name
        for pattern in ("_config.yml", "tools/**/*.py", "tools/**/*.html", "scripts/**/*.py")
        for path in ROOT.glob(pattern)
        if owner in path.read_text(encoding="utf-8")
    ]
    assert written == ["_config.yml"]


# --- What search engines and forges read ---------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_metadata_describes_the_page(page):
    tags = parsed(page_path(page)).all("meta")
    meta = {tag.get("property") or tag.get("name"): tag.get("content", "") for tag in tags}
    assert 20 < len(meta["description"]) <= site.DESCRIPTION_LENGTH + 2
    assert meta["og:description"] == meta["description"]
    assert meta["og:url"] == f"{site.site_url()}{page}.html"
    assert meta["og:title"]
    image = meta["og:image"].removeprefix(site.site_url())
    assert (page_path("x").parent / image).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    canonical = parsed(page_path(page)).all("link", rel="canonical")
    assert [link["href"] for link in canonical] == [f"{site.site_url()}{page}.html"]
    assert parsed(page_path(page)).all("link", rel="icon")[0]["href"].endswith("favicon.svg")


def test_the_sitemap_lists_every_page():
    tree = ElementTree.parse(page_path("x").parent / "sitemap.xml")
    found = [element.text for element in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert sorted(found) == sorted(f"{site.site_url()}{page}.html" for page in PAGES)


def test_the_page_for_wrong_addresses_works_at_any_depth():
    html = parsed(page_path("404"))
    assert [base["href"] for base in html.all("base")] == [site.site_path()]
    assert "There is no page here" in html.h1


def test_mathjax_is_small_and_nothing_is_left_over():
    folder = page_path("x").parent / "_static"
    files = [path for path in (folder / "mathjax").rglob("*") if path.is_file()]
    assert 500_000 < sum(path.stat().st_size for path in files) <= MATHJAX_LIMIT
    assert not list(folder.rglob("*.map"))
    assert not list((ROOT / "book" / "_static").rglob("*.js")), "jupyter-book would load it on every page"


# --- The cover -----------------------------------------------------------------------------------------


def test_the_cover_shows_the_stages_and_links_those_that_exist():
    text = (ROOT / "scripts" / "index.py").read_text(encoding="utf-8")
    cards = re.findall(r"^# ::::\{grid-item-card\} (.+)\n((?:# :[\w-]+:.*\n)*)", text, re.MULTILINE)
    assert [title for title, _ in cards] == STAGES
    for number, (title, options) in enumerate(cards):
        index = f"{number:02d}_{title.replace(' ', '_')}/index"
        links = re.findall(r":link: (\S+)", options)
        assert links == ([index] if index in PAGES else []), f"{title}: link its card to {index} if it exists"


# --- The parts of tools.site ---------------------------------------------------------------------------


def test_page_numbers_are_those_of_the_files():
    assert site.page_number("04_Deep_Learning/03_autograd") == (4, 3)
    assert site.page_number("00_Orientation/index") == (0,)
    assert site.page_number("index") == ()


def test_addresses_follow_from_the_repository(tmp_path):
    (tmp_path / "_config.yml").write_text(
        "repository: {url: 'https://github.com/Some-One/book/', branch: trunk}", encoding="utf-8"
    )
    assert site.site_url(tmp_path) == "https://some-one.github.io/book/"
    assert site.site_path(tmp_path) == "/book/"
    assert site.binder_url("a/b", tmp_path) == (
        "https://mybinder.org/v2/gh/Some-One/book/trunk?urlpath=lab/tree/book/a/b.ipynb"
    )
    assert site.edit_url("a/b", tmp_path) == "https://github.com/Some-One/book/edit/trunk/scripts/a/b.py"
    assert "title=scripts%2Fa%2Fb.py" in site.issue_url("a/b", tmp_path)


def test_a_repository_elsewhere_is_refused(tmp_path):
    (tmp_path / "_config.yml").write_text(
        "repository: {url: 'https://example.org/x/y', branch: main}", encoding="utf-8"
    )
    with pytest.raises(BookError, match=r"expected https://github\.com"):
        site.site_url(tmp_path)


def test_a_long_description_is_cut_at_a_word():
    document = new_document("x")
    document += nodes.paragraph("", "word " * 100)
    text = site.description(document)
    assert text.endswith("word …")
    assert len(text) <= site.DESCRIPTION_LENGTH + 2
    assert site.description(None) == ""


def test_the_sitemap_escapes_addresses():
    assert "<loc>https://x/a&amp;b.html</loc>" in site.sitemap(["a&b"], "https://x/")


@pytest.mark.parametrize(
    ("line", "marked"),
    [
        ("claim page-rate: 1.98 (at least 1.9) holds\n", "holds"),
        ("claim page-rate: nan (at least 1.9) DOES NOT HOLD\n", None),
        ("test_it: passed\n", "passed"),
        ("test_it: not yet (NotImplementedError: x)\n", "not yet"),
        ("a claim that holds\n", None),
    ],
)
def test_printed_verdicts_are_marked(line, marked):
    tokens = list(site.OutputLexer().get_tokens(line))
    assert "".join(text for _, text in tokens) == line
    found = [text for kind, text in tokens if kind in (site.GOOD, site.NOT_YET)]
    assert found == ([marked] if marked else [])


def test_missing_mathjax_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "find_spec", lambda name: None)
    with pytest.raises(BookError, match=r"requirements/book\.txt"):
        site.copy_mathjax(tmp_path)
