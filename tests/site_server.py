"""The built site for tests: where it lies, its pages parsed, and a server as strict as a host can be."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tools.pages import ROOT
from tools.site import site_path

SITE = ROOT / "_build" / "html"
# Everything from the site itself; inline scripts and styles because the theme has some; no eval.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:"
)


def require_site() -> Path:
    """The folder of the built site. Without one: a failure in CI, a skipped test elsewhere."""
    if (SITE / "index.html").exists():
        return SITE
    message = "the site is not built: run 'make book' first"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


class ParsedPage(HTMLParser):
    """A page's elements, the anchors in it, and its text outside code, scripts and mathematics."""

    SILENT = ("script", "style", "pre", "code", "title")

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.ids: set[str] = set()
        self.text = ""
        self.h1 = ""
        self._open: list[str] = []
        self._silent = 0
        self._math = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if "id" in attributes:
            self.ids.add(attributes["id"])
        if tag in ("meta", "link", "img", "input", "br", "hr", "base", "source", "path", "wbr"):
            return
        self._open.append(tag)
        if tag in self.SILENT or "math" in attributes.get("class", "").split():
            self._silent += 1
            self._open[-1] = f"silent {tag}"

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            last = self._open.pop()
            self._silent -= last.startswith("silent ")
            if last.removeprefix("silent ") == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text += data
            if "h1" in self._open:
                self.h1 += data

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """The attributes of all elements of a tag; ``class_`` asks for one class among several."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            found
            for name, found in self.elements
            if name == tag
            and all(
                value in found.get(key, "").split() if key == "class" else found.get(key) == value
                for key, value in wanted.items()
            )
        ]


@cache
def parsed(path: Path) -> ParsedPage:
    """A page of the site, parsed once."""
    return ParsedPage(path)


class Handler(SimpleHTTPRequestHandler):
    """Serves the site below its path, as GitHub Pages does, with 404.html for what is not there."""

    def translate_path(self, path: str) -> str:
        inside = unquote(urlsplit(path).path)
        return str(SITE / inside.removeprefix(site_path())) if inside.startswith(site_path()) else "/nowhere"

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        if code != 404 or not self.path.split("?")[0].endswith((".html", "/")):
            super().send_error(code, message, explain)
            return
        body = (SITE / "404.html").read_bytes()
        self.send_response(404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def served() -> Iterator[str]:
    """The site on a free port of this machine; gives its address with the slash at its end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{site_path()}"
    finally:
        server.shutdown()
        server.server_close()
