# Everything a newcomer types. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= 2

$(READY): requirements/dev.lock pyproject.toml
	@echo "Setting up $(VENV) (once; a minute or two) …"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; PYTHON=/path/to/python3.11 make … picks another")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: help setup run test lint docs bench soak slow ray lock schema

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(READY) ## make or refresh the virtual environment

run: $(READY) ## everything on this machine: MongoDB, the agencies' sandbox, worker and API; Ctrl-C stops it
	@exec $(BIN)/tangrat up --with-parent

test: $(READY) lint ## lint, types and every test, against a real mongod
	@# Without ranges a traceback that is printed while a test is being parsed doesn't parse too, which Python 3.11 can't bear.
	@# In their order: the files with few tests are the long ones, and xdist would keep them for the end.
	@PYTHONNODEBUGRANGES=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(READY) ## ruff, mypy strict, the layers of the house, the printed schema
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/tangrat schema --check
	@$(BIN)/tangrat catalogue check

bench: $(READY) ## measured ratios; BENCH=name runs one, BENCH_JSON=file writes rows
	@$(BIN)/python -m benchmarks $(if $(BENCH),--only $(BENCH)) $(if $(BENCH_JSON),--json $(BENCH_JSON))

soak: $(READY) ## a whole system whose processes are killed again and again while events come in; KILLS=n
	@KILLS=$(or $(KILLS),30) $(BIN)/python -m pytest -m slow --timeout 3600 tests/journeys/test_soak.py -s

slow: $(READY) ## the long versions of the tests: every agency off in turn, every fault, 10,000 faulty calls
	@$(BIN)/python -m pytest -m slow --timeout 3600 --ignore tests/journeys/test_soak.py

ray: $(READY) ## a scan on a local Ray cluster of two machines that loses one (installs Ray, 200 MB, once)
	@$(BIN)/python -c 'import ray' 2>/dev/null || $(BIN)/pip install --quiet --disable-pip-version-check 'ray>=2.50'
	@$(BIN)/python -m pytest -m slow tests/lifeevents/scan/test_cluster.py

docs: $(READY) ## print the generated pages of docs/ anew
	@$(BIN)/tangrat schema --write
	@$(BIN)/tangrat catalogue docs

lock: $(READY) ## resolve the exact versions anew
	@$(BIN)/python -m venv .venv/lock && .venv/lock/bin/pip install --quiet uv
	@.venv/lock/bin/uv pip compile --upgrade --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra sandbox --group dev pyproject.toml -o requirements/dev.lock >/dev/null
	@.venv/lock/bin/uv pip compile --upgrade --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -c requirements/dev.lock -o requirements/production.lock >/dev/null
