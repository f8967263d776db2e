"""The project around the book: pins, links, workflows, Binder, and what nbval compares."""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbval.plugin import get_sanitize_patterns

from tools.build import dead_links
from tools.pages import ROOT, table_of_contents
from tools.site import binder_url, repository, site_url

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;#]+)")


def pins(path):
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in path.read_text().splitlines())
    return dict(PIN.fullmatch(line).groups() for line in lines if line and not line.startswith("-"))


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_requirements_are_exact_pins(path):
    assert pins(path), "every line must read name==version"


@pytest.mark.parametrize("name", ["pages", "book", "checks"])
def test_the_constraints_hold_every_pin(name):
    complete = {
        key.lower().replace("_", "-"): version
        for key, version in pins(ROOT / "requirements/constraints.txt").items()
    }
    wanted = pins(ROOT / f"requirements/{name}.txt")
    assert {key: complete.get(key.lower().replace("_", "-")) for key in wanted} == wanted


def test_binder_installs_what_the_pages_need():
    binder = {key: version.split("+")[0] for key, version in pins(ROOT / "binder/requirements.txt").items()}
    assert binder.pop("jupyterlab-myst") == pins(ROOT / "requirements/lab.txt")["jupyterlab-myst"]
    assert binder == pins(ROOT / "requirements/pages.txt")
    assert (ROOT / "binder/runtime.txt").read_text().strip() == "python-3.11"
    post_build = ROOT / "binder/postBuild"
    assert "set -e" in post_build.read_text()
    assert os.access(post_build, os.X_OK)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CITATION.cff"])
def test_addresses_derive_from_the_one_setting(name):
    text = (ROOT / name).read_text()
    ours = re.findall(r"https://(?:github\.com/|mybinder\.org/|[\w-]+\.github\.io/)[^\s)\"`]+", text)
    pages = [binder_url(page) for page in table_of_contents()]
    assert ours
    assert not [url for url in ours if url not in pages and not url.startswith((repository(), site_url()))]


def test_files_named_in_the_readme_exist():
    for name in ("README.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\((?!https?:|#)([^)]+)\)", (ROOT / name).read_text()):
            assert (ROOT / link).exists(), f"{name}: {link}"


def test_the_readme_counts_the_pages_of_each_stage():
    text = (ROOT / "README.md").read_text()
    names = [name for name in table_of_contents() if "/" in name and not name.endswith("/index")]
    for stage in sorted({name.split("/")[0] for name in names}):
        row = next(line for line in text.splitlines() if line.startswith(f"| {stage.replace('_', ' ')} "))
        count = sum(name.startswith(stage + "/") for name in names)
        assert f"badge/pages-{count}-" in row, f"{stage} has {count} pages"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_pinned_and_call_only_make(path):
    text = path.read_text()
    uses = re.findall(r"uses: (.+)", text)
    assert uses
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d[\d.]*", line) for line in uses)
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 90
        for step in job["steps"]:
            assert re.fullmatch(r"make [\w-]+|bash \.ci/run", step.get("run", "make x"))


def make(*arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, env=environment
    )


def test_make_alone_prints_every_command():
    done = make()
    assert done.returncode == 0
    listed = set(re.findall(r"make ([\w-]+)", done.stdout))
    documented = set(re.findall(r"^([\w-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert documented <= listed
    assert {"book", "test", "sync", "page", "new", "run", "serve", "lab", "check", "bench", "clean"} <= listed


def test_commands_in_the_documents_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md", "scripts/00_Orientation/01_how_to_use_this_book.py"):
        for target in re.findall(r"(?:`|^(?:# )?)make ([a-z-]+)", (ROOT / name).read_text(), re.MULTILINE):
            assert target in targets, f"{name}: make {target}"


def test_a_page_command_without_a_page_says_so():
    done = make("page")
    assert done.returncode != 0
    assert "PAGE=01/01" in done.stdout + done.stderr


CLAIM = "claim a-b: 1.25e-09 (at most 1e-06) holds"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("claim a-b: 7.5 (at most 1e-06) holds", True),
        ("claim a-b: nan (at most 1e-06) holds", True),
        ("claim a-c: 1.25e-09 (at most 1e-06) holds", False),
        ("claim a-b: 1.25e-09 (at most 1e-05) holds", False),
        ("claim a-b: 1.25e-09 (at most 1e-06) DOES NOT HOLD", False),
        ("a claim a-b: 7.5 (at most 1e-06) holds", False),
        ("mean 7.5", False),
    ],
)
def test_nbval_ignores_the_value_of_a_claim_and_nothing_else(other, same):
    patterns = get_sanitize_patterns((ROOT / "tests/nbval_sanitize.cfg").read_text())

    def sanitized(text):
        for regex, replacement in patterns:
            text = re.sub(regex, replacement, text)
        return text

    assert (sanitized(f"before\n{CLAIM}\nafter\n") == sanitized(f"before\n{other}\nafter\n")) is same


def test_only_links_that_are_gone_are_dead():
    line = '{{"filename": "a", "lineno": 3, "uri": "https://x", "status": "{}", "info": "{}"}}'
    report = [
        line.format("working", ""),
        line.format("broken", "403 Client Error"),
        line.format("redirected", "404"),
    ]
    assert dead_links(report) == []
    assert dead_links([*report, line.format("broken", "404 Client Error: Not Found")]) == [
        "a:3: https://x (404 Client Error: Not Found)"
    ]


FRESH_PAGES = ("01_Mathematics/01_vectors", "04_Deep_Learning/03_autograd")


@pytest.fixture(scope="module")
def fresh_python(tmp_path_factory):
    """A new environment made from Binder's files; PyTorch's CPU build from TORCH_INDEX, if that is set."""
    folder = tmp_path_factory.mktemp("binder")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    constraints = ["-c", ROOT / "requirements/constraints.txt"]
    index = ["--index-url", os.environ["TORCH_INDEX"]] if os.environ.get("TORCH_INDEX") else []
    wanted = pins(ROOT / "binder/requirements.txt")
    subprocess.run([*pip, *index, f"torch=={wanted.pop('torch').split('+')[0]}"], check=True)
    subprocess.run(
        [*pip, *constraints, *(f"{name}=={version}" for name, version in wanted.items())], check=True
    )
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    post_build = (
        (ROOT / "binder/postBuild").read_text().replace(" -e .", f" {ROOT}")
    )  # leave the checkout clean
    subprocess.run(
        ["bash", "-c", post_build],
        cwd=ROOT,
        check=True,
        env={**os.environ, "PATH": path},
        stdout=subprocess.DEVNULL,
    )
    return python


@pytest.mark.fresh
@pytest.mark.parametrize("page", FRESH_PAGES)
def test_a_page_executes_in_binders_environment_within_two_gigabytes(fresh_python, page, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30, 2 * 2**30))

    notebook = nbformat.read(ROOT / "book" / f"{page}.ipynb", as_version=4)
    copy = tmp_path / f"{Path(page).name}.ipynb"
    nbformat.write(notebook, copy)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [fresh_python, "-m", "jupyter", "execute", "--inplace", "--kernel_name=python3", str(copy)],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    printed = "\n".join(
        output.get("text", "")
        for cell in nbformat.read(copy, as_version=4).cells
        for output in cell.get("outputs", [])
    )
    assert len(re.findall(r"^claim .* holds$", printed, re.MULTILINE)) >= 8
