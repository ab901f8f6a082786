# `make` lists the targets. Each sets up what it needs, once.
# The first Python that runs and is new enough (a name on PATH may be a shim without a Python).
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# A Python named on the command line (PYTHON=python3.12) gets a separate virtual environment.
ifneq (,$(filter command environment,$(firstword $(origin PYTHON))))
VENV ?= .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
endif
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.photosd-ready
PHOTOS ?=
MINUTES ?= 20
# Number of parallel test processes. Most tests wait for a daemon; each process may use a gigabyte.
JOBS ?= 3
QUERY ?=
VERSION ?=
DIALOGS ?=

.PHONY: help setup demo test test-as-mac coverage lint types bench bench-full chaos soak wire docs golden readme-picture audit smoke walk release macos-check macos-volumes clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## create .venv with everything for use and development; PYTHON=python3.12

# uv installs in seconds from its cache, pip in minutes. Bytecode is compiled at once, so that the first
# start is as fast as the second.
EDITABLE = -e '.[mcp,tui,web]'
define install
UV=$$(command -v uv || echo $(BIN)/uv); \
if $$UV --version >/dev/null 2>&1 && $$UV pip install -q --compile-bytecode --python $(BIN)/python $(1); \
then :; else $(BIN)/python -m pip install -q 'pip>=25.1' && $(BIN)/python -m pip install -q $(1); fi
endef

# Created again if its Python was removed, as by an upgrade: then bin/python is a broken link.
$(BIN)/python:
	@test -n "$(PYTHON)" || { \
	  echo "photosd needs Python 3.11 or newer; none is on PATH." >&2; \
	  echo "  install one and run:  make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "$(PYTHON) does not run, or is older than Python 3.11." >&2; \
	  echo "  run:  make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python has no venv module." >&2; \
	  echo "  on Debian and Ubuntu:  sudo apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)

$(READY): pyproject.toml | $(BIN)/python
	@echo "Installing photosd and its dependencies; the first time this takes some minutes."
	@command -v uv >/dev/null || test -x $(BIN)/uv || $(BIN)/python -m pip install -q uv || true
	@$(call install,$(EDITABLE) --group dev)
	@touch $@

demo: setup  ## show it at work: pictures, queries, a new photo, a hung encoder; PHOTOS=DIR QUERY="sunset"
	@$(BIN)/photosd demo $(if $(PHOTOS),--photos "$(PHOTOS)") $(if $(QUERY),--query "$(QUERY)")

test: setup lint types  ## run linter, type checker and every quick test
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile -m "not slow and not chaos and not real_weights"

coverage: setup  ## measure lines and branches that the quick tests run (half an hour)
	@rm -rf .coverage .coverage.*
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --cov --cov-report= \
	  -m "not slow and not chaos and not real_weights"
	@$(BIN)/python -m coverage report --include='cli/*' --skip-covered --fail-under=0 | tail -1
	@$(BIN)/python -m coverage report --include='daemon/*' --skip-covered

lint: setup  ## check style and the imports between packages
	@$(BIN)/ruff check . && $(BIN)/ruff format --check -q .
	@found=$$($(BIN)/lint-imports --no-cache); code=$$?; echo "$$found" | tail -$$((code ? 40 : 3)); exit $$code

types: setup  ## run mypy --strict for Linux and for macOS
	@$(BIN)/mypy --platform linux
	@$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin daemon cli tests

test-as-mac: setup  ## run the quick tests in processes that pretend to be macOS (tests/darwin)
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile -p tests.darwin.plugin -m "not slow and not chaos and not real_weights"

chaos: setup  ## kill and hang processes, corrupt files, fill disks at random; 100,000 files (hours)
	@$(BIN)/python -m pytest -q -m "chaos or slow"

soak: setup  ## use it for MINUTES=20: adds, renames, queries, kills; as root also a hung share and a full disk
	@$(BIN)/python -m tests.chaos.soak --minutes $(MINUTES)

wire: setup  ## check every socket of a day's use with strace; MINUTES=60
	@PHOTOSD_TEST_MINUTES=$(MINUTES) $(BIN)/python -m pytest -q -s -m chaos tests/gemini/test_mixed_use.py

bench: setup  ## compare speed and memory with the machine's limits (minutes)
	@$(BIN)/python -m benchmarks --quick

bench-full: setup  ## measure 1k to 1M photos; write docs/performance.md and its plot
	@$(BIN)/python -m benchmarks --curve --json benchmarks/runs/full.json
	@$(BIN)/python -m benchmarks.report benchmarks/runs/full.json

docs: setup  ## generate the reference pages
	@$(BIN)/python -m release.protocol_page docs/protocol.md
	@$(BIN)/python -m release.reference docs
	@$(BIN)/python -m release.licences docs

golden: setup  ## write what commands print at 40, 80 and 120 columns; read the difference before a commit
	@$(BIN)/python -m tests.cli.golden

readme-picture: setup  ## take the README's screenshots of a contact sheet (needs Chromium)
	@$(BIN)/python -m release.readme_picture docs

audit: setup  ## check installed packages for vulnerabilities and licences (needs the internet)
	@$(call install,--group audit)
	@$(BIN)/python -m release.licences
	@mkdir -p dist
	@$(BIN)/python -m pip list --format=freeze --exclude-editable > dist/installed.txt
	@$(BIN)/python -m pip_audit --strict --no-deps --disable-pip -r dist/installed.txt --progress-spinner off

smoke: setup  ## build the wheel, test it in an empty environment and home directory
	@$(BIN)/python -m hatchling build -d dist
	@$(BIN)/python -m release.smoke dist/photosd-$$($(BIN)/python -m hatchling version)-*.whl

walk: setup  ## run the README in an empty home directory, check leftovers (15 minutes)
	@$(BIN)/python -m release.walk

release: setup  ## VERSION=0.2.0: date the changelog, test, audit, build, smoke-test, commit, tag
	@$(BIN)/python -m release "$(VERSION)"

macos-check: setup  ## on a Mac: test start, indexing, restart, launchd (5 minutes); DIALOGS=--dialogs: and dialogs
	@tests/darwin/macos-check.sh "$(CURDIR)/$(BIN)/photosd" $(DIALOGS)

macos-volumes: setup  ## on a Mac: test names by case and form, and disk images (5 minutes)
	@tests/darwin/macos-volumes.sh "$(CURDIR)/$(BIN)/photosd"

clean:  ## delete everything that make created
	rm -rf .venv .venv-* dist .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
