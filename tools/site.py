"""The book's own Sphinx extension, and the addresses of the site.

``repository.url`` in ``_config.yml`` is the one place that knows where the book lives; ``repository``,
``site_url``, ``binder_url``, ``edit_url`` derive every other address from it.

The extension numbers pages by stage and page (figure 4.3.2 is the second of page 04/03), completes the card
at the top of a page, sets the header's links, describes each page to search engines, and adds to the built
site what Sphinx does not: MathJax, the scripts to download, ``sitemap.xml`` and ``404.html``.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape

import yaml
from docutils import nodes
from pygments.lexer import RegexLexer, bygroups
from pygments.token import Generic, Text
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx_external_toc.collectors import TocTreeCollectorWithStyles

from tools.export import exported_names
from tools.pages import ROOT, BookError, Page

TEMPLATES = Path(__file__).parent / "templates"
DESCRIPTION_LENGTH = 200
EXERCISE_FACTS = re.compile(r"(check|extend|break|build) · (difficulty \d of \d) · (\d+ minutes)")
# Kinds of printed text, classes g-… in the style sheet.
GREY, GOOD, NOT_YET = Generic.Grey, Generic.Good, Generic.NotYet
# What pages need of MathJax: the program, the TeX packages it loads when a page uses them, the fonts.
MATHJAX_FILES = ("tex-chtml.js", "input/tex/extensions/*.js", "output/chtml/fonts/woff-v2/*.woff")
MATHJAX_UNUSED = ("all-packages.js", "mhchem.js", "physics.js", "bussproofs.js")
# What scrolls sideways can be reached by keyboard; the theme sees to code and tables, this to equations.
SCROLLABLE = """
addEventListener("load", () => {
  const mark = () => document.querySelectorAll("div.math > mjx-container").forEach((math) => {
    if (math.scrollWidth > math.clientWidth) math.tabIndex = 0;
    else math.removeAttribute("tabindex");
  });
  if (window.MathJax?.startup?.promise) MathJax.startup.promise.then(mark);
  addEventListener("resize", mark);
});
"""
# What packages put into every site and no page of this one asks for.
SPARE_FILES = (
    "_static/locales",
    "_static/scripts/fontawesome.js",
    "_static/vendor/fontawesome/webfonts/*.ttf",
    "_static/images/logo_*",
    "_static/webpack-macros.html",
    "_static/sbt-webpack-macros.html",
    "_static/**/*.map",
    "_static/**/*.LICENSE.txt",
)


# --- Addresses -----------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _repository_settings(root: Path) -> dict[str, str]:
    settings: dict[str, str] = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))[
        "repository"
    ]
    return settings


def repository(root: Path = ROOT) -> str:
    """The repository's address, without a slash at its end."""
    return _repository_settings(root)["url"].rstrip("/")


def branch(root: Path = ROOT) -> str:
    """The branch that readers see."""
    return _repository_settings(root)["branch"]


def site_url(root: Path = ROOT) -> str:
    """The address of the hosted book, with a slash at its end: ``https://OWNER.github.io/NAME/``.

    Raises
    ------
    BookError
        If the repository does not lie at github.com, whose pages this address follows.
    """
    match = re.fullmatch(r"https://github\.com/([^/]+)/([^/]+)", repository(root))
    if match is None:
        raise BookError(
            f"_config.yml: repository.url is {repository(root)}; expected https://github.com/OWNER/NAME"
        )
    return f"https://{match[1].lower()}.github.io/{match[2]}/"


def site_path(root: Path = ROOT) -> str:
    """The path at which the site is served, with a slash at both ends."""
    return urlsplit(site_url(root)).path


def binder_url(page: str, root: Path = ROOT) -> str:
    """The address that opens a page's notebook in JupyterLab on Binder."""
    owner, name = urlsplit(repository(root)).path.strip("/").split("/")
    return (
        f"https://mybinder.org/v2/gh/{owner}/{name}/{branch(root)}"
        f"?urlpath={quote(f'lab/tree/book/{page}.ipynb')}"
    )


def edit_url(page: str, root: Path = ROOT) -> str:
    """The address at which a page's script, the only file that a person edits, is edited."""
    return f"{repository(root)}/edit/{branch(root)}/scripts/{page}.py"


def issue_url(page: str, root: Path = ROOT) -> str:
    """The address at which a reader reports a fault of a page."""
    return f"{repository(root)}/issues/new?title={quote(f'scripts/{page}.py: ', safe='')}"


# --- Numbers -------------------------------------------------------------------------------------------


def page_number(page: str) -> tuple[int, ...]:
    """The numbers of stage and page: (4, 3) for ``04_Deep_Learning/03_autograd``, (4,) for its index."""
    numbers = [re.match(r"(\d+)_", part) for part in page.split("/")]
    return tuple(int(match[1]) for match in numbers if match)


def assign_section_numbers(_collector: TocTreeCollectorWithStyles, env: BuildEnvironment) -> list[str]:
    """Number each page as its file is numbered, so that adding a page changes no other page's numbers.

    Takes the place of the method that counts. Figures, equations, exercises and definitions
    take the page's number as their prefix. Returns the pages whose number changed.
    """
    before, env.toc_secnumbers = env.toc_secnumbers, {}
    changed = []
    for page in sorted(env.found_docs):
        number = page_number(page)
        if not number or page not in env.tocs:
            continue
        anchors = [reference["anchorname"] for reference in env.tocs[page].findall(nodes.reference)]
        env.toc_secnumbers[page] = {anchor: () if anchor else number for anchor in anchors}
        env.titles[page]["secnumber"] = number  # in "previous" and "next"
        for reference in env.tocs[page].findall(nodes.reference):  # in lists of pages
            if not reference["anchorname"]:
                reference["secnumber"] = number
        if env.toc_secnumbers[page] != before.get(page):
            changed.append(page)
    return changed


# --- A page while it is read ---------------------------------------------------------------------------


def complete_card(app: Sphinx, doctree: nodes.document) -> None:
    """Add to the card at the top of a page what was measured: its run time and the module it adds."""
    root, page = Path(app.srcdir).parent, app.env.docname
    for card in doctree.findall(nodes.admonition):
        if "journey-card" not in card["classes"]:
            continue
        items = next(iter(card.findall(nodes.bullet_list)), None)
        if items is None:
            raise BookError(f"scripts/{page}.py: the card holds no list. See docs of the page standard.")
        for name, content in card_items(page, root):
            paragraph = nodes.paragraph("", "", nodes.strong(name, name), nodes.Text(" "), *content)
            items += nodes.list_item("", paragraph)


def exercise_facts(_app: Sphinx, doctree: nodes.document) -> None:
    """Split the line "kind · difficulty · minutes" below an exercise's title, so that it can be styled."""
    for emphasis in list(doctree.findall(nodes.emphasis)):
        facts, paragraph = EXERCISE_FACTS.fullmatch(emphasis.astext()), emphasis.parent
        if facts and isinstance(paragraph, nodes.paragraph) and len(paragraph) == 1:
            kind, *others = facts.groups()
            paragraph["classes"].append("exercise-facts")
            paragraph.children.clear()
            paragraph += nodes.inline(kind, kind, classes=["exercise-kind"])
            for fact in others:
                paragraph += [nodes.Text(" "), nodes.inline(fact, fact)]


def card_items(page: str, root: Path = ROOT) -> Iterator[tuple[str, list[nodes.Node]]]:
    """What the build knows of a page: pairs of a name and the content that follows it."""
    notebook = json.loads((root / "book" / f"{page}.ipynb").read_text(encoding="utf-8"))
    seconds = notebook["metadata"].get("journey", {}).get("seconds")
    if seconds is not None:
        yield "Runs in", [nodes.Text(f"under {seconds} s on two cores")]
    names = exported_names(Page(page, root))
    if names:
        content: list[nodes.Node] = [nodes.literal("", Page(page, root).module), nodes.Text(": ")]
        for name in names:
            content += [nodes.literal("", name), nodes.Text(", ")]
        yield "Adds", content[:-1]


class OutputLexer(RegexLexer):
    """Marks in printed output what a reader looks for: claims and answers to exercises."""

    name = "Output of the book"
    aliases: ClassVar[list[str]] = ["journey-output"]
    flags = re.MULTILINE
    tokens: ClassVar[dict[str, list]] = {
        "root": [
            (
                r"^(claim )([a-z0-9-]+)(: )(\S+)( \([^()\n]+\) )(holds)$",
                bygroups(GREY, GREY.Name, GREY, Text, GREY, GOOD),
            ),
            (r"^(\w+)(: )(passed)$", bygroups(Text, GREY, GOOD)),
            (r"^(\w+)(: )(not yet)(.*)$", bygroups(Text, GREY, NOT_YET, GREY)),
            (r".+\n?|\n", Text),
        ]
    }


# --- A page while it is written ------------------------------------------------------------------------


def description(doctree: nodes.document | None) -> str:
    """The first paragraph of a page, which says what question the page answers, cut at a word."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree is not None else ():
        text = " ".join(paragraph.astext().split())
        if text:
            short = text[:DESCRIPTION_LENGTH].rsplit(" ", 1)[0]
            return text if len(text) <= DESCRIPTION_LENGTH else f"{short} …"
    return ""


def describe_page(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give a page its header links and its description for search engines and social networks."""
    root = Path(app.srcdir).parent
    context["book_repository"] = repository(root)
    context["book_is_page"] = doctree is not None
    context["book_base"] = site_path(root) if page == "404" else ""
    if doctree is None:
        return
    # Readers' software knows items of a list, not entries of a bibliography (ARIA 1.2 dropped that role).
    context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')
    context["book_binder_url"] = binder_url(page, root)
    context["book_edit_url"] = edit_url(page, root)
    context["book_issue_url"] = issue_url(page, root)
    about = description(doctree)
    name = str(app.config.html_title)
    title = name if page == app.config.root_doc else f"{app.env.titles[page].astext()} – {name}"
    tags = [
        ("name", "description", about),
        ("property", "og:type", "website" if page == app.config.root_doc else "article"),
        ("property", "og:site_name", name),
        ("property", "og:title", title),
        ("property", "og:description", about),
        ("property", "og:url", f"{site_url(root)}{page}.html"),
        ("property", "og:image", f"{site_url(root)}_static/social.png"),
        ("property", "og:image:alt", name),
        ("name", "twitter:card", "summary_large_image"),
    ]
    context["metatags"] = context.get("metatags", "") + "".join(
        f'\n<meta {kind}="{key}" content="{html.escape(value)}" />' for kind, key, value in tags if value
    )


def extra_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The page for addresses that do not exist, and what a forge needs to find it."""
    body = (
        "<h1>There is no page here</h1>\n"
        "<p>The address may be old or mistyped. The list of pages is on the left, and the search finds "
        f'any word of the book; or begin at <a href="{app.config.root_doc}.html">the first page</a>.</p>'
    )
    yield "404", {"title": "No page here", "body": body}, "page.html"


# --- The site when it is done --------------------------------------------------------------------------


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Add to the site what Sphinx does not, and remove what no page asks for."""
    if exception is not None or app.builder.name != "html":
        return
    root, out = Path(app.srcdir).parent, Path(app.outdir)
    copy_mathjax(out / "_static" / "mathjax")
    for path in (root / "book" / "_static").iterdir():  # Sphinx copies them only if a page has changed, too
        copy_if_newer(path, out / "_static" / path.name)
    for page in app.env.found_docs:
        script = root / "scripts" / f"{page}.py"
        if script.exists():
            copy_if_newer(script, out / "_sources" / f"{page}.py")
    (out / "sitemap.xml").write_text(sitemap(sorted(app.env.found_docs), site_url(root)), encoding="utf-8")
    (out / ".nojekyll").touch()  # else GitHub Pages would leave out _static
    for pattern in SPARE_FILES:
        for path in sorted(out.glob(pattern), reverse=True):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    known = {out / f"{page}.html" for page in (*app.env.found_docs, "404", "search")}
    for path in set(out.rglob("*.html")) - known:  # of pages that were renamed or removed
        path.unlink()


def copy_mathjax(target: Path) -> None:
    """Copy what pages need of MathJax from the pip package, if it is not there yet.

    Raises
    ------
    BookError
        If the package is not installed.
    """
    spec = find_spec("mathjax")
    if spec is None or not spec.submodule_search_locations:
        raise BookError("MathJax is missing: pip install -r requirements/book.txt")
    source = Path(next(iter(spec.submodule_search_locations))) / "static" / "mathjax" / "es5"
    for pattern in MATHJAX_FILES:
        for path in source.glob(pattern):
            if path.name not in MATHJAX_UNUSED:
                copy_if_newer(path, target / path.relative_to(source))


def copy_if_newer(source: Path, target: Path) -> None:
    """Copy a file unless the copy is as new and as long."""
    if target.exists():
        ours, theirs = source.stat(), target.stat()
        if ours.st_size == theirs.st_size and ours.st_mtime <= theirs.st_mtime:
            return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def sitemap(pages: list[str], base: str) -> str:
    """The list of all pages for search engines."""
    rows = "".join(f"  <url><loc>{escape(f'{base}{page}.html')}</loc></url>\n" for page in pages)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{rows}</urlset>\n'
    )


# --- Sphinx --------------------------------------------------------------------------------------------


def configure(app: Sphinx, config: Config) -> None:
    """Set what follows from the repository's address, and put the book's templates before the theme's."""
    config.html_baseurl = site_url(Path(app.srcdir).parent)
    config.templates_path = [str(TEMPLATES), *config.templates_path]


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register the extension."""
    setattr(TocTreeCollectorWithStyles, "assign_section_numbers", assign_section_numbers)  # noqa: B010
    app.connect("config-inited", configure)
    app.add_js_file(None, body=SCROLLABLE)
    app.add_lexer("journey-output", OutputLexer)
    app.connect("doctree-read", complete_card)
    app.connect("doctree-read", exercise_facts)
    app.connect("html-page-context", describe_page, priority=900)
    app.connect("html-collect-pages", extra_pages)
    app.connect("build-finished", finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
