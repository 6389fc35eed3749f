# The only set-up is make itself, git and a Python from 3.11 on: every target makes what it needs.
.DELETE_ON_ERROR:
.PHONY: help demo test compiled torture mutants lint docs picture bench lock clean

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-virtualenv

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

demo: .venv/run  ## a simulated history, marked as such, and its report in demo-output/
	$(BIN)/hashcanary demo --dir demo-output

# tests are compiled once, beside lint, and not by each worker; neighbours share what they set up
test: .venv/test  ## lint, types, import contracts, then every test with coverage
	$(MAKE) --no-print-directory -j2 lint compiled
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term --durations=10

# what cannot be collected is told by the run itself
compiled: .venv/test
	-$(BIN)/python -m pytest --collect-only -qq >/dev/null

torture: .venv/test  ## every fault test in full: kills, bit flips, reorganisations (half an hour)
	$(BIN)/python -m pytest -n auto -m "torture or fuzz" --no-cov -o faulthandler_timeout=7500 \
		--faults-page docs/faults.md

mutants: .venv/test  ## make lines of the package wrong, one at a time: do tests notice? (an hour)
	$(BIN)/python tests/mutants.py

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/test  ## write the pages of docs/ that come from the code
	$(BIN)/python docs/generate.py

picture: .venv/test  ## take README's picture from the demo (needs chromium)
	$(BIN)/python docs/take_picture.py

bench: .venv/test  ## run every benchmark and write docs/benchmarks.md
	$(BIN)/python benchmarks/run_all.py --write

# extras stay in the lock: older pips take a package for another one where they are stripped
lock:  ## pin versions and hashes anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --no-annotate --no-strip-extras --extra build pyproject.toml -o requirements/run.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --no-annotate --no-strip-extras --extra dev -c requirements/run.lock \
		pyproject.toml -o requirements/test.lock

clean:  ## remove the environment and everything that was made
	rm -rf .venv demo-output build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

.venv/python:
	@test -n "$(PYTHON)" || { echo "expected Python 3.11, 3.12 or 3.13 with venv on PATH, found none: install one, or run make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/run: requirements/run.lock pyproject.toml | .venv/python
	$(INSTALL) --require-hashes -r requirements/run.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv/test: requirements/test.lock pyproject.toml | .venv/python
	$(INSTALL) --require-hashes -r requirements/test.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@
