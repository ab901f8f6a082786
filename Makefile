# `make` alone lists what there is. Each target sets up what it needs, once.
# The first Python that runs and is new enough (a name on PATH may be a shim without a Python).
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# Each Python that is named on the command line (PYTHON=python3.12) has a virtual environment of its own.
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

.PHONY: help setup demo test test-as-mac coverage lint types bench bench-full chaos soak wire docs readme-picture audit smoke walk release macos-check macos-volumes clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## a virtual environment in .venv with everything for use and development; PYTHON=python3.12

# uv installs in seconds from its cache; where it is not available, pip does the same in minutes. Compiled
# at once, as pip does: the first start must not be slower than the second.
define install
UV=$$(command -v uv || echo $(BIN)/uv); \
if $$UV --version >/dev/null 2>&1 && $$UV pip install -q --compile-bytecode --python $(BIN)/python $(1); \
then :; else $(BIN)/python -m pip install -q 'pip>=25.1' && $(BIN)/python -m pip install -q $(1); fi
endef

# Made again when its Python was removed, as by an upgrade: then bin/python leads nowhere.
$(BIN)/python:
	@test -n "$(PYTHON)" || { \
	  echo "photosd needs Python 3.11 or newer, and there is none on PATH." >&2; \
	  echo "  install one and run:  make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "$(PYTHON) does not run, or is older than Python 3.11." >&2; \
	  echo "  run:  make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python has no venv module." >&2; \
	  echo "  on Debian and Ubuntu:  sudo apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)

$(READY): pyproject.toml | $(BIN)/python
	@echo "Installing photosd and what it needs; the first time this takes some minutes."
	@command -v uv >/dev/null || test -x $(BIN)/uv || $(BIN)/python -m pip install -q uv || true
	@$(call install,-e '.[mcp]' --group dev)
	@touch $@

demo: setup  ## see it work: pictures, queries, a new photo, a hung encoder; PHOTOS=DIR QUERY="sunset"
	@$(BIN)/photosd demo $(if $(PHOTOS),--photos "$(PHOTOS)") $(if $(QUERY),--query "$(QUERY)")

test: setup lint types  ## linter, types, and every quick test
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile -m "not slow and not chaos and not real_weights"

coverage: setup  ## which lines and branches of daemon/ and cli/ the quick tests run (half an hour)
	@rm -rf .coverage .coverage.*
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --cov --cov-report= \
	  -m "not slow and not chaos and not real_weights"
	@$(BIN)/python -m coverage report --include='cli/*' --skip-covered --fail-under=0 | tail -1
	@$(BIN)/python -m coverage report --include='daemon/*' --skip-covered

lint: setup  ## style and the walls between packages
	@$(BIN)/ruff check . && $(BIN)/ruff format --check -q . && $(BIN)/lint-imports --no-cache | tail -3

types: setup  ## mypy --strict, for Linux and for macOS
	@$(BIN)/mypy --platform linux
	@$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin daemon cli tests

test-as-mac: setup  ## every quick test in processes that pretend to be macOS (tests/darwin)
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile -p tests.darwin.plugin -m "not slow and not chaos and not real_weights"

chaos: setup  ## kill, hang and corrupt things at random, fault walks, 100,000 files (hours)
	@$(BIN)/python -m pytest -q -m "chaos or slow"

soak: setup  ## a long steady life: adds, renames, queries, kills; as root a hung share and a full disk, too; MINUTES=180
	@$(BIN)/python -m tests.chaos.soak --minutes $(MINUTES)

wire: setup  ## a day's use below strace: what the kernel saw of sockets; MINUTES=60
	@PHOTOSD_TEST_MINUTES=$(MINUTES) $(BIN)/python -m pytest -q -s -m chaos tests/gemini/test_mixed_use.py

bench: setup  ## speed and memory beside the machine's limits (minutes)
	@$(BIN)/python -m benchmarks --quick

bench-full: setup  ## longer, from 1k to 1M photos; writes docs/performance.md and its plot
	@$(BIN)/python -m benchmarks --curve --json benchmarks/runs/full.json
	@$(BIN)/python -m benchmarks.report benchmarks/runs/full.json

docs: setup  ## write the generated reference pages
	@$(BIN)/python -m release.protocol_page docs/protocol.md
	@$(BIN)/python -m release.reference docs
	@$(BIN)/python -m release.licences docs

readme-picture: setup  ## take the README's pictures of a contact sheet (needs Chromium)
	@$(BIN)/python -m release.readme_picture docs

audit: setup  ## known weaknesses and licences of everything installed (needs the internet)
	@$(call install,--group audit)
	@$(BIN)/python -m release.licences
	@mkdir -p dist
	@$(BIN)/python -m pip list --format=freeze --exclude-editable > dist/installed.txt
	@$(BIN)/python -m pip_audit --strict --no-deps --disable-pip -r dist/installed.txt --progress-spinner off

smoke: setup  ## build the wheel and try it in an empty environment and an empty home
	@$(BIN)/python -m hatchling build -d dist
	@$(BIN)/python -m release.smoke dist/photosd-$$($(BIN)/python -m hatchling version)-*.whl

walk: setup  ## the README from top to bottom in an empty home, and nothing left afterwards (a quarter of an hour)
	@$(BIN)/python -m release.walk

release: setup  ## VERSION=0.2.0: changelog, all tests, audit, archives, smoke test, commit and tag
	@$(BIN)/python -m release "$(VERSION)"

macos-check: setup  ## on a Mac: start, index, restart, launchd (five minutes); DIALOGS=--dialogs asks you to look
	@.ci/macos-check.sh "$(CURDIR)/$(BIN)/photosd" $(DIALOGS)

macos-volumes: setup  ## on a Mac: names in another case or form, disk images that come and go (five minutes)
	@.ci/macos-volumes.sh "$(CURDIR)/$(BIN)/photosd"

clean:  ## remove what was built
	rm -rf .venv .venv-* dist .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
