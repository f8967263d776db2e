"""The project around the book: pins, links, workflows, Binder, and what nbval compares."""

import json
import os
import platform
import re
import resource
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbval.plugin import get_sanitize_patterns

from tools import readme
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


def test_the_readmes_table_of_stages_follows_the_book(capsys):
    assert readme.main(["--check"]) == 0, capsys.readouterr().err


def test_a_new_page_changes_its_stages_row_and_nothing_else(tmp_path):
    badge = "https://img.shields.io/badge/pages"
    before = (
        "# Book\n\n| stage | builds | pages |\n|---|---|---|\n"
        f"| [00 A](https://old/00_A/index.html) | tools | ![2 pages]({badge}-2-0072B2) |\n"
        "| 01 New Stage | things, and others | |\n| 02 C | more | |\n\n| 03 | other table |\n"
    )
    names = ["index", "00_A/index", "00_A/01_a", "01_New_Stage/01_x", "01_New_Stage/02_y"]
    after = readme.with_stages(before, names, "https://site/")
    assert after.splitlines()[4:] == [
        f"| [00 A](https://site/00_A/index.html) | tools | ![1 page]({badge}-1-0072B2) |",
        "| [01 New Stage](https://site/01_New_Stage/01_x.html) | things, and others "
        f"| ![2 pages]({badge}-2-0072B2) |",
        "| 02 C | more | |",
        "",
        "| 03 | other table |",
    ]
    assert readme.with_stages(after, names, "https://site/") == after
    assert readme.with_stages(after, ["index"], "https://site/").count("[") == 0

    (tmp_path / "README.md").write_text(before)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n- file: 00_A/01_a\n")
    (tmp_path / "_config.yml").write_text("repository: {url: https://github.com/o/n, branch: main}\n")
    assert readme.main(["--check", "--root", str(tmp_path)]) == 1
    assert (tmp_path / "README.md").read_text() == before
    assert readme.main(["--root", str(tmp_path)]) == 0
    assert "[00 A](https://o.github.io/n/00_A/01_a.html)" in (tmp_path / "README.md").read_text()
    assert readme.main(["--check", "--root", str(tmp_path)]) == 0


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
            if "run" in step:
                command = re.fullmatch(r"(?:make|bash \.ci/run)(?: ([\w-]+))?", step["run"])
                assert command
                assert command[1] is None or command[1] in makefile_targets()


def makefile_targets():
    return set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


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
    targets = makefile_targets()
    for name in ("README.md", "CONTRIBUTING.md", "scripts/00_Orientation/01_how_to_use_this_book.py"):
        for target in re.findall(r"(?:`|^(?:# )?)make ([a-z-]+)", (ROOT / name).read_text(), re.MULTILINE):
            assert target in targets, f"{name}: make {target}"


@pytest.mark.parametrize("command", ["page", "run", "new"])
def test_a_page_command_without_a_page_says_so_before_it_installs(command, tmp_path):
    done = make(command, f"VENV={tmp_path}/none")
    assert done.returncode != 0
    assert "PAGE=01/01" in done.stdout + done.stderr
    assert not (tmp_path / "none").exists()


def test_a_python_that_is_too_old_is_refused(tmp_path):
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = make("book", f"VENV={tmp_path}/none", f"PYTHON={old}")
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stdout
    assert not (tmp_path / "none").exists()


def test_a_failing_step_is_named_and_the_later_ones_do_not_run(tmp_path):
    done = make(
        "test",
        f"VENV={tmp_path}",
        f"PY={shutil.which('false')}",
        "STEPS=style sync",
        "-o",
        f"{tmp_path}/.all",
    )
    assert done.returncode != 0
    assert "FAILED: make test-style (run it alone" in done.stdout
    assert "test-sync" not in done.stdout


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the names are those of x86-64 processors")
def test_the_libraries_obey_the_other_cpus_settings():
    text = re.search(r"^OTHER_CPU := (.+?[^\\])$", (ROOT / "Makefile").read_text(), re.MULTILINE | re.DOTALL)[
        1
    ]
    settings = dict(word.split("=", 1) for word in shlex.split(text.replace("\\\n", " ")))
    program = (
        "import json, numpy, threadpoolctl, torch\n"
        "from numpy._core import _multiarray_umath as core\n"
        "on = [name for name in core.__cpu_dispatch__ if core.__cpu_features__[name]]\n"
        "pools = threadpoolctl.threadpool_info()\n"
        "blas = {pool['architecture'] for pool in pools if 'architecture' in pool}\n"
        "print(json.dumps([on, sorted(blas), torch.backends.cpu.get_cpu_capability()]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [[], ["Nehalem"], "DEFAULT"]


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


def test_nbval_fails_a_page_whose_band_name_verdict_or_other_output_changed(tmp_path):
    """The whole way: one stored output, and pages that print what it says or something else."""
    prints = {
        "same": CLAIM,
        "value": "claim a-b: 0.5 (at most 1e-06) holds",
        "name": "claim a-c: 1.25e-09 (at most 1e-06) holds",
        "band": "claim a-b: 1.25e-09 (at most 1e-05) holds",
        "verdict": "claim a-b: 1.25e-09 (at most 1e-06) DOES NOT HOLD",
        "other": f"{CLAIM}\nmean 7.5",
    }
    for name, printed in prints.items():
        stored = nbformat.v4.new_output("stream", name="stdout", text=f"{CLAIM}\n")
        cell = nbformat.v4.new_code_cell(f"print({printed!r})", execution_count=1, outputs=[stored])
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / f"{name}.ipynb")
    options = ["--nbval-current-env", "--nbval-sanitize-with", ROOT / "tests/nbval_sanitize.cfg"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--nbval",
            tmp_path,
            *options,
            "-q",
            "-p",
            "no:cacheprovider",
            "--color=no",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = set(re.findall(r"^FAILED \S*?(\w+)\.ipynb", done.stdout, re.MULTILINE))
    assert failed == {"name", "band", "verdict", "other"}
    assert "2 passed" in done.stdout


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
    copy = folder / "checkout"  # an installation leaves files behind, so not in this one
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "_build", "build", "book", "__pycache__"))
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [copy / "binder/postBuild"],
        cwd=copy,
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
