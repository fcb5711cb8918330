# Every command sets up what it needs: python3 (3.11 or later), pip and make are enough to begin with.
PYTHON ?= python3
JOBS ?= 2
ARGS ?=

BIN := .venv/bin
RUN := $(BIN)/python
PIP := $(RUN) -m pip --disable-pip-version-check --quiet install --constraint constraints.txt
TYPING := build/typing/archc

.PHONY: help demo test check accept bench soak docs typing wheel clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1 # /p' $(MAKEFILE_LIST) | column -t -s '#'

demo: .venv/demo ## networks compiled and run on a photograph, wrong programs, a model held to a type
	@$(RUN) examples/demo.py

test: check ## everything that has to hold (runs check first)
	@$(RUN) -m pytest -q -n $(JOBS) --dist worksteal --timeout 300 -m "not soak" $(ARGS)

check: .venv/dev typing ## linter, layout and strict types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet || { echo "try  $(BIN)/ruff format"; exit 1; }
	@$(BIN)/mypy -p archc
	@$(BIN)/mypy examples benchmarks docs

accept: .venv/dev ## write what archc says now into tests/cases and tests/golden; read the diff
	@ARCHC_ACCEPT=1 $(RUN) -m pytest -q -m "not soak" tests/test_cases.py tests/test_examples.py tests/test_data_examples.py \
	    tests/test_readme.py tests/test_spaces_page.py $(ARGS)
	@git --no-pager diff --stat -- tests

bench: .venv/dev ## both sides of every figure; writes docs/benchmarks.md
	@$(RUN) benchmarks/run.py $(ARGS)

soak: .venv/dev ## the long tests; writes docs/soak.md
	@$(RUN) -m pytest -q -n $(JOBS) -m soak $(ARGS)
	@$(RUN) benchmarks/soak_text.py --jobs $(JOBS)

docs: .venv/demo ## write docs/ops.md from the library
	@$(RUN) docs/make_ops.py

wheel: .venv/dev ## build dist/archc-*.whl
	@$(RUN) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean: ## take away everything that make made
	@rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Type checkers do not see through setuptools' package-dir, so they get archc as a tree of links.
typing:
	@mkdir -p $(TYPING)
	@find $(TYPING) -xtype l -delete
	@for entry in compiler/*; do ln -sfn ../../../$$entry $(TYPING)/; done
	@ln -sfn ../../../grammar ../../../runtime $(TYPING)/
	@rm -f $(TYPING)/__pycache__

# Debian ships venv without ensurepip; virtualenv, which needs neither, takes over there.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "archc needs Python 3.11 or later and found $$($(PYTHON) -V); try  make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	@echo "making .venv with $$($(PYTHON) -V)"
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 || { \
	  rm -rf .venv; \
	  $(PYTHON) -m pip --quiet install --constraint constraints.txt --upgrade --target build/virtualenv virtualenv && \
	  PYTHONPATH=build/virtualenv $(PYTHON) -m virtualenv --quiet .venv; }

.venv/demo: $(BIN)/python pyproject.toml constraints.txt
	@echo "installing archc with torch (minutes the first time)"
	@$(PIP) setuptools
	@$(PIP) --no-build-isolation --editable '.[demo]'
	@touch $@

.venv/dev: .venv/demo
	@echo "installing what the tests use"
	@$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@
