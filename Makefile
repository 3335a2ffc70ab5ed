# The menu: `make help`. Everything runs from .venv, which `make setup` builds from requirements/dev.txt.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
BENCH_STAMP := $(VENV)/.bench-stamp
SIZES := 10000,100000,1000000,10000000
FIGURES := build/figures.jsonl
LOCK_OPTIONS := --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format types floors docs-check proto proto-check buf node-test mutants quarter bench-setup bench bench-full bench-page lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Build .venv from the locks (any Python from 3.11 on; PYTHON=... chooses one)

demo: $(STAMP)  ## Serve a small shop app and show memberships coming and going
	$(BIN)/python examples/shop/demo.py

test: $(STAMP)  ## Run the tests on all cores, with as many examples as the gate does
	HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-ci} $(BIN)/python -m pytest --numprocesses auto $(ARGS)

lint: $(STAMP)  ## Check style and format of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP)  ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMP)  ## Check types with mypy --strict
	$(BIN)/mypy

floors: $(STAMP)  ## Check that imports go down the floors
	$(BIN)/lint-imports --no-cache

docs-check: $(STAMP)  ## Compare the documents with the code
	$(BIN)/python -m pytest tests/docs

proto: $(STAMP)  ## Generate src/segmentd/v1 from protos/
	$(BIN)/python protos/generate.py

proto-check: $(STAMP)  ## Check that src/segmentd/v1 is what protos/ generates
	$(BIN)/python protos/generate.py --check

buf: protos/node_modules/.package-lock.json  ## Lint the protos and check their format (needs npm)
	cd protos && npx --no-install buf lint && npx --no-install buf format --diff --exit-code

node-test: $(STAMP)  ## Call a server that it starts from Node (needs npm)
	cd tests/node && npm ci --no-audit --no-fund
	cd tests/node && env -u SEGMENTD_SERVER PYTHON="$(CURDIR)/$(BIN)/python" node client.mjs

mutants: $(STAMP)  ## Plant faults in the engine, one at a time, and see that its tests notice
	$(BIN)/python tests/engine/run_mutants.py

quarter: $(STAMP)  ## Live through a simulated quarter of 100,000 users, each step judged from scratch
	$(BIN)/python -m tests.quarter

bench-setup: $(BENCH_STAMP)  ## Install the peers of the benchmarks

bench: $(BENCH_STAMP)  ## Run the benchmarks in a reduced size, one JSON object a figure (some 20 minutes)
	$(BIN)/python benchmarks/run_all.py --out $(FIGURES) $(ARGS)

bench-full: $(BENCH_STAMP)  ## Run the benchmarks at all sizes (hours; SIZES=10000,100000 takes fewer)
	$(BIN)/python benchmarks/run_all.py --sizes $(SIZES) --out $(FIGURES) $(ARGS)

bench-page: $(BENCH_STAMP)  ## Write the tables and plots of docs/performance.md
	$(BIN)/python benchmarks/performance_page.py docs/figures.jsonl

lock: $(STAMP)  ## Remake requirements/*.txt with the newest versions
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --upgrade --extra dev pyproject.toml --output-file requirements/dev.txt
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --upgrade --constraint requirements/dev.txt pyproject.toml \
	    --output-file requirements/runtime.txt
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --upgrade --constraint requirements/dev.txt --extra bench pyproject.toml \
	    --output-file requirements/bench.txt

clean:  ## Remove .venv, caches and what was built
	rm -rf $(VENV) build dist protos/node_modules tests/node/node_modules
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src plugins tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

# Nothing is fetched that the lock does not name: hashes are required, and the build backend is in the lock.
$(STAMP): requirements/dev.txt pyproject.toml
	@python="$$(sh requirements/find_python.sh)" && echo "Setting up $(VENV) with $$python" && "$$python" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

# What benchmarks run beside, and what draws their plots. h2load and redis-server come from Debian.
$(BENCH_STAMP): requirements/bench.txt $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $(BENCH_STAMP)

protos/node_modules/.package-lock.json: protos/package-lock.json
	cd protos && npm ci --no-audit --no-fund
