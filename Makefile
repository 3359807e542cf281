# Everything needs only make and Python >= 3.11; the rest goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOWEST := $(VENV)/lowest
WORKERS ?= 2
PORT ?= 5000

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow check lint docs wheel lowest bench clean

help: ## say what there is
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.example ## install, prepare and serve the example on PORT (5000)
	@PORT=$(PORT) exec $(BIN)/python -m example_app  # exec: so that stopping make stops it

test: $(VENV)/.test ## all tests; says what was skipped for want of a server
	$(BIN)/pytest -n $(WORKERS) -m "not slow" $(ARGS)

test-slow: $(VENV)/.test ## tests that take minutes: attacks on a real server, fresh installations
	$(BIN)/pytest -n $(WORKERS) -m slow -o faulthandler_timeout=1200 $(ARGS)

check: lint docs wheel lowest ## style, types, floors, docs' code, the wheel, the lowest versions

lint: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/basedpyright

docs: $(VENV)/.test
	$(BIN)/pytest -q -m "not slow" tests/docs

wheel: $(VENV)/.test
	$(BIN)/python scripts/check_wheel.py

# $(VENV) itself holds the newest versions that setup.cfg admits, such as marshmallow 4; these are the oldest, such as
# marshmallow 3.
lowest: $(LOWEST)/.done
	$(LOWEST)/bin/pytest -q -n $(WORKERS) -m "not slow" tests/core tests/access tests/agents tests/credentials tests/execution tests/llm tests/web tests/openapi tests/cli tests/panel/test_panel_base.py tests/panel/test_panel_agents.py

bench: $(VENV)/.test ## measure; prints a table
	$(BIN)/python benchmarks/run.py $(ARGS)

clean: ## take away what make made; instance/ stays
	rm -rf $(VENV) build .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

# One stamp for each extra of setup.cfg: installed again only when setup.cfg changed.
$(VENV)/.example $(VENV)/.test $(VENV)/.check: $(VENV)/.%: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$*]'
	@touch $@

$(LOWEST)/.done: setup.cfg pyproject.toml scripts/lowest.py | $(BIN)/python
	$(BIN)/python -m venv $(LOWEST)
	$(BIN)/python scripts/lowest.py > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check -c $(LOWEST)/constraints.txt -e '.[test]'
	@touch $@
