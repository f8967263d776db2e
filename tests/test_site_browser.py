"""The built site in a real browser, under a policy that allows nothing from elsewhere.

Each page is loaded once; everything that must hold of it is looked at during that visit.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from site_server import require_site, served

from tools.pages import Page, table_of_contents

pytestmark = pytest.mark.browser
PAGES = table_of_contents()
NARROW = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 900}
VISITOR = {"viewport": WIDE, "color_scheme": "light", "reduced_motion": "reduce"}  # no half-way colours
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Typeset means: each formula has become one container, none of them an error.
MATH = """async () => {
    if (!document.querySelector('.math')) return [0, 0, []];
    await MathJax.startup.promise;
    const errors = [...document.querySelectorAll('mjx-merror, [data-mjx-error]')];
    const count = what => document.querySelectorAll(what).length;
    const wrong = errors.map(e => e.closest('mjx-container').textContent);
    return [count('.math'), count('.math mjx-container'), wrong];
}"""
TOO_WIDE = """() => {
    const limit = document.documentElement.clientWidth + 1, found = [];
    if (document.documentElement.scrollWidth <= limit) return found;
    for (const e of document.querySelectorAll('main *')) {
        const box = e.getBoundingClientRect();
        if (box.width && box.right > limit) found.push(`<${e.tagName.toLowerCase()} class="${e.className}">`);
    }
    return found.length ? found : ['the page'];
}"""
# axe-core needs seconds for the thousands of pieces of highlighted code and inline formulas. They become
# plain text before it runs; CODE_CONTRAST looks at them by kind.
FLATTEN = """() => {
    for (const code of document.querySelectorAll('.highlight pre')) code.textContent = code.textContent;
    for (const math of document.querySelectorAll('mjx-container:not([display])')) math.textContent = 'x';
}"""
AXE = """async () => {
    const report = await axe.run(document,
        {resultTypes: ['violations'], preload: false, rules: {'color-contrast': {enabled: false}}});
    return report.violations.filter(v => ['serious', 'critical'].includes(v.impact)).flatMap(
        v => v.nodes.slice(0, 5).map(n => `${v.id}: ${n.html.slice(0, 160)}`));
}"""
CONTRAST = """async () => {
    const report = await axe.run(document,
        {resultTypes: ['violations'], preload: false, runOnly: {type: 'rule', values: ['color-contrast']}});
    return report.violations.flatMap(
        v => v.nodes.slice(0, 5).map(n => `${n.html.slice(0, 160)}: ${n.any[0].message}`));
}"""
# One piece of code for each kind of token, and the text around a formula, against the ground below it.
CODE_CONTRAST = """() => {
    const rgba = text => [...text.matchAll(/[\\d.]+/g)].map(m => Number(m[0]));
    const luminance = colour => {
        const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
        const [r, g, b] = rgba(colour).map(v => linear(v / 255));
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const ground = e => {
        for (; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor, parts = rgba(colour);
            if (parts.length === 3 || parts[3] === 1) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const seen = new Set(), found = [];
    for (const e of document.querySelectorAll('.highlight pre, .highlight span, mjx-container')) {
        const kind = `${e.className} in ${e.closest('.output, .cell_input, .math')?.className}`;
        if (seen.has(kind) || !e.textContent.trim()) continue;
        seen.add(kind);
        const both = [luminance(getComputedStyle(e).color), luminance(ground(e))].sort((a, b) => a - b);
        const ratio = (both[1] + .05) / (both[0] + .05);
        if (ratio < 4.5) found.push(`${kind}: ${ratio.toFixed(2)} for ${e.textContent.slice(0, 30)}`);
    }
    return found;
}"""


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    require_site()
    with served() as base:
        yield base


@pytest.fixture(scope="session")
def browser():
    """Chromium, from the path or as Playwright installed it. Without one: a failure in CI, else a skip."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("Playwright is not installed: pip install -r requirements/checks.txt")
    with sync_playwright() as playwright:
        found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
        if found is None and not Path(playwright.chromium.executable_path).exists():
            _missing("no Chromium on the path: install one, or run 'playwright install chromium'")
        chromium = playwright.chromium.launch(executable_path=found)
        yield chromium
        chromium.close()


def _missing(message: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    package = pytest.importorskip("axe_playwright_python")
    return next(Path(package.__file__).parent.rglob("axe.min.js")).read_text(encoding="utf-8")


@pytest.fixture
def visit(browser, address):
    """Open a page of the site; what the browser complains of or asks others for lands in ``complaints``."""
    contexts = []
    own = (address, "data:")

    def open_page(name: str, **options):
        context = browser.new_context(**{**VISITOR, **options})
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on(
            "console", lambda m: page.complaints.append(m.text) if m.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("requestfailed", lambda request: page.complaints.append(f"failed: {request.url}"))
        page.on("request", lambda r: r.url.startswith(own) or page.complaints.append(f"external: {r.url}"))
        page.goto(f"{address}{name}", wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", PAGES)
def test_page(visit, axe, name):
    page = visit(f"{name}.html")
    formulas, containers, errors = page.evaluate(MATH)
    assert errors == [], "formulas that MathJax does not understand"
    assert containers == formulas, "every formula is typeset"
    assert page.evaluate(CODE_CONTRAST) == [], "contrast of code, light"
    page.set_viewport_size(NARROW)
    assert page.evaluate(TOO_WIDE) == [], "wider than a telephone"
    page.set_viewport_size(WIDE)
    dark = page.locator("html[data-theme=dark]")
    page.emulate_media(color_scheme="dark")
    dark.wait_for(state="attached")
    assert page.evaluate(CODE_CONTRAST) == [], "contrast of code, dark"
    page.evaluate(FLATTEN)
    page.evaluate(axe)
    assert page.evaluate(CONTRAST) == [], "contrast, dark"
    page.emulate_media(color_scheme="light")
    dark.wait_for(state="detached")
    assert page.evaluate(CONTRAST) == [], "contrast, light"
    assert page.evaluate(AXE) == [], "axe-core"
    assert page.complaints == []


@pytest.mark.parametrize("name", ["index", "search"])
def test_narrow_pages_pass_axe_too(visit, axe, name):
    page = visit(f"{name}.html", viewport=NARROW)
    page.evaluate(axe)
    assert page.evaluate(AXE) + page.evaluate(CONTRAST) == []
    assert page.complaints == []


def test_the_colours_follow_the_button_and_stay(visit, address):
    page = visit("index.html")
    theme = "document.documentElement.dataset.theme"
    ground = "getComputedStyle(document.body).backgroundColor"
    seen = {page.evaluate(theme): page.evaluate(ground)}
    for _ in range(2):
        page.click(".theme-switch-button")
        seen[page.evaluate(theme)] = page.evaluate(ground)
    assert set(seen) == {"light", "dark"}
    assert seen["light"] != seen["dark"]
    chosen = page.evaluate("document.documentElement.dataset.mode")
    page.goto(f"{address}{PAGES[1]}.html")
    assert page.evaluate("document.documentElement.dataset.mode") == chosen


def test_the_search_finds_a_phrase(visit):
    wanted = PAGES[1]
    page = visit("index.html")
    page.keyboard.press("Control+k")
    box = page.locator("#pst-search-dialog input[type=search]")
    words = re.findall(r"[A-Za-z]{4,}", Page(wanted).title)
    box.fill(" ".join(words))
    box.press("Enter")
    page.wait_for_selector("#search-results li a")
    links = page.locator("#search-results li a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert any(link.split("?")[0].split("#")[0].endswith(f"{wanted}.html") for link in links), links
    assert page.complaints == []


def test_a_word_that_is_nowhere_is_not_found(visit):
    page = visit("search.html?q=zyzzyvaquux")
    page.wait_for_selector("#search-results p")
    assert page.locator("#search-results li a").count() == 0


def test_one_search_control_is_visible_at_any_width(visit):
    for viewport in (WIDE, {"width": 800, "height": 900}, NARROW):
        page = visit("index.html", viewport=viewport)
        visible = page.locator(".search-button__button:visible, input[type=search]:visible")
        assert visible.count() == 1, viewport


def _page_with(marker: str) -> str:
    for name in PAGES:
        if marker in Page(name).text:
            return name
    pytest.skip(f"no page holds {marker}")


def test_a_solution_unfolds(visit):
    page = visit(f"{_page_with('{solution-start}')}.html")
    solution = page.locator("div.solution").first
    inside = solution.locator(":scope > *:not(.admonition-title):not(button)").first
    assert not inside.is_visible()
    solution.locator(".admonition-title").click()
    inside.wait_for(state="visible")


def test_folded_code_unfolds(visit):
    page = visit(f"{_page_with('hide-input')}.html")
    folded = page.locator("details.hide").first
    assert not folded.locator("pre").first.is_visible()
    folded.locator("summary").click()
    assert folded.locator("pre").first.is_visible()


def test_the_menus_of_a_page_open(visit):
    page = visit(f"{PAGES[1]}.html")
    for label, item in (("Download this page", "Script (.py)"), ("Source of this page", "Edit the script")):
        entry = page.get_by_role("link", name=item)
        assert not entry.is_visible()
        page.get_by_role("button", name=label).click()
        entry.wait_for(state="visible")
        page.keyboard.press("Escape")


def test_a_wrong_address_deep_in_the_site_shows_the_book(visit):
    page = visit("04_Nowhere/at/all.html")
    assert "There is no page here" in page.inner_text("h1")
    page.click("article a")
    assert "AI/ML Engineering Journey" in page.inner_text("h1")
    assert [text for text in page.complaints if "404" not in text] == []


def test_a_page_can_be_read_without_scripts(visit):
    page = visit(f"{PAGES[1]}.html", java_script_enabled=False)
    assert page.locator("article h1").is_visible()
