# Two commands from a fresh clone with python3, venv and make: `make run` and `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export DAGSTER_HOME := $(CURDIR)
export CAREGAPS_DAGSTER_STORAGE ?= $(CURDIR)/.dagster
export VIRTUAL_ENV := $(CURDIR)/.venv
export DAGSTER_DISABLE_TELEMETRY := 1

MEMBERS ?= 5000
SEED ?= 1
AS_OF ?= 2026-06-30
PORT ?= 3000
CORES ?= 2

.PHONY: help setup setup-dev run ui test test-slow check survive faults nights spark golden docs bench bench-adherence bench-access bench-outreach bench-delivery bench-csv bench-delta access-check backtest ranking-value mutate lock audit sbom clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.stamp-run: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.stamp-dev: .stamp-run requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

setup: .stamp-run ## the environment that `make run` needs
setup-dev: .stamp-dev ## the environment that `make test` needs

data/sample/.made-$(MEMBERS)-$(SEED): | .stamp-run
	rm -rf data/sample
	$(BIN)/caregaps sample --members $(MEMBERS) --seed $(SEED) --output data/sample
	@touch $@

run: .stamp-run data/sample/.made-$(MEMBERS)-$(SEED) ## sample data, one night, and where its lists are
	$(BIN)/caregaps run --input data/sample --output data/output --as-of $(AS_OF)

ui: .stamp-run data/sample/.made-$(MEMBERS)-$(SEED) ## the Dagster UI on 127.0.0.1:3000 over the same instance
	@mkdir -p $(CAREGAPS_DAGSTER_STORAGE)
	$(BIN)/dg dev --host 127.0.0.1 --port $(PORT)

SQL_CHECKS := $(addprefix check-sql-,$(notdir $(wildcard sql/*)))
CHECKS := $(SQL_CHECKS) check-types check-style check-definitions check-docs
.PHONY: $(CHECKS)

check: .stamp-dev ## formatting, lint, types and SQL style
	@$(MAKE) --no-print-directory --jobs $(CORES) --output-sync=target $(CHECKS)

$(SQL_CHECKS): check-sql-%:
	$(BIN)/sqlfluff lint sql/$*

check-types:
	$(BIN)/pyright

check-style:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

check-definitions:
	$(BIN)/dg check defs

check-docs:
	$(BIN)/caregaps docs --check

test: check ## the test suite, less the comparisons that take minutes
	$(BIN)/pytest -m "not slow" --numprocesses $(CORES)

test-slow: .stamp-dev ## the comparisons that take minutes
	$(BIN)/pytest -m slow --numprocesses $(CORES)

survive: .stamp-dev ## every case of what a night must survive, counted by area
	$(BIN)/pytest -m survival --numprocesses $(CORES) --quiet --durations=0 --durations-min=5

faults: .stamp-dev ## fail at every single write of a publication, in every way; eight minutes of one core
	CAREGAPS_THOROUGH=1 $(BIN)/pytest tests/integration/test_faults.py --quiet --capture=no

nights: .stamp-dev ## seventy consecutive nights of a small plan; prints time and disk use
	CAREGAPS_NIGHTS=70 $(BIN)/pytest tests/integration/test_consecutive_nights.py --quiet --capture=no

spark: .stamp-dev ## a night on Spark, on one machine and on workers, equal to DuckDB's table by table; needs Java, a quarter of an hour
	CAREGAPS_TEST_SPARK=1 $(BIN)/pytest tests/integration/test_spark.py --quiet

golden: .stamp-dev ## rewrite the golden lists; review the difference like code
	$(BIN)/pytest tests/golden --rewrite-golden

docs: .stamp-run ## rewrite the measure pages
	$(BIN)/caregaps docs

bench: .stamp-dev ## the cost of a whole night beside its floor; rewrites docs/performance.md
	$(BIN)/python bench/night.py --write

bench-adherence: .stamp-dev ## the cost of the adherence step; rewrites docs/performance-adherence.md
	$(BIN)/python bench/adherence.py --write

bench-access: .stamp-dev ## the cost of access to care; rewrites docs/performance-access.md
	$(BIN)/python bench/access.py --write

bench-outreach: .stamp-dev ## the cost of suppression to ranked list; rewrites docs/performance-outreach.md
	$(BIN)/python bench/outreach.py --write

bench-delivery: .stamp-dev ## the cost of per-pharmacy files; rewrites docs/performance-delivery.md
	$(BIN)/python bench/delivery.py --write

bench-delta: .stamp-dev ## the cost of a night that carries on; rewrites docs/performance-delta.md
	$(BIN)/python bench/delta.py --write

bench-csv: .stamp-dev ## the cost of CSV input beside DuckDB's own read; rewrites docs/performance-csv.md
	$(BIN)/python bench/csv_ingest.py --write

access-check: .stamp-dev ## distances of real pharmacies beside published ones; rewrites docs/access-check.md
	$(BIN)/python bench/access_check.py --write

backtest: .stamp-dev ## what later claims confirm of past pregnancies; rewrites docs/maternal-backtest.md
	$(BIN)/python bench/backtest.py --write

ranking-value: .stamp-dev ## what the order of a list is worth against other orders; rewrites docs/ranking-value.md
	$(BIN)/python bench/ranking.py --write

mutate: .stamp-dev ## break the SQL rule by rule and see a test fail
	$(BIN)/python -m tests.mutate

lock: ## both lock files, from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-strip-extras --quiet -o requirements.lock
	uv pip compile pyproject.toml --extra dev --extra spark --universal --python-version 3.11 --generate-hashes --no-strip-extras --quiet -c requirements.lock -o requirements-dev.lock

audit: .stamp-dev ## known vulnerabilities of every locked package; asks PyPI, and fails where it cannot
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r requirements.lock -r requirements-dev.lock

sbom: .stamp-dev ## the software bill of materials of what a night runs on, from the lock
	mkdir -p dist
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible --output-file dist/caregaps.cdx.json

clean: ## everything that make made
	rm -rf .venv .stamp-* .dagster data dist
