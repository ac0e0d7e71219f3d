# `make` alone lists the targets. Needs Python >= 3.11 and make; everything else comes from the lock files.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PYTEST := $(BIN)/python -m pytest
COVERED := $(BIN)/python -m coverage run -m pytest
# two workers: the machines this is made for have two cores, and the servers under test need their share
WORKERS ?= 2
PARALLEL := -n $(WORKERS) --dist loadfile

.PHONY: help setup run test check unit contract integration e2e simulate chaos bench fmt lint types proto schemas lock image clean covered

help: ## This list
	@echo "nineconnect: 'make run' shows it working, 'make test' proves it."
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

$(READY): requirements.lock requirements-uv.lock scripts/setup.sh
	@PYTHON="$(PYTHON)" sh scripts/setup.sh

setup: $(READY) ## The environment in .venv, from the lock files with hashes

run: $(READY) ## Start everything and show what happens; Ctrl-C stops it (SAMPLES=0, PORT_BASE=19000)
	@exec $(BIN)/python -m cli run

test: $(READY) check covered ## Everything that must pass, with coverage (chaos and simulate are run by themselves)

check: $(READY)
	@$(MAKE) -j2 --output-sync=target lint types

covered: $(READY)
	@$(BIN)/python -c "from cli.stack.kafka_jars import fetch; fetch()" # so that no test waits for a download
	@$(BIN)/python -m coverage erase
	$(COVERED) $(PARALLEL) tests/unit tests/contract
	$(COVERED) $(PARALLEL) tests/integration
	$(COVERED) tests/e2e
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report

unit: $(READY) ## Domain, handlers and kernel against fakes: seconds, no servers
	$(PYTEST) $(PARALLEL) tests/unit

contract: $(READY) ## Fakes and real adapters held to the same contract; contracts, manifests and documents fresh
	$(PYTEST) $(PARALLEL) tests/contract

integration: $(READY) ## Real Kafka, Redis, gRPC and carrier sandbox
	$(PYTEST) $(PARALLEL) tests/integration

e2e: $(READY) ## The whole stack, and its pages in a browser
	$(PYTEST) tests/e2e

simulate: $(READY) ## Seeded schedules of faults on virtual time (N=10000, SEED=0)
	$(BIN)/python -m tests.simulation --schedules $(or $(N),10000) --seed $(or $(SEED),0)

chaos: $(READY) ## Processes killed at every step, messages counted at the carrier (KILLS=20)
	$(PYTEST) tests/chaos

bench: $(READY) ## Speed, with ratios and spread
	$(BIN)/python -m tests.bench

fmt: $(READY) ## Format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

lint: $(READY) ## Format, lint, import contracts, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/python -m cli.env_example --check

types: $(READY) ## mypy --strict
	$(BIN)/mypy

proto: $(READY) ## Generate the gRPC stubs; lint and check for breaking changes
	$(BIN)/python -m cli.protos

schemas: $(READY) ## Generate JSON Schemas, the AsyncAPI document and .env.example
	$(BIN)/python -m common.events.generate
	$(BIN)/python -m cli.env_example

LOCK = .venv/tools/bin/uv pip compile $(UPGRADE) --universal --python-version 3.11 --generate-hashes --quiet \
  --custom-compile-command "make lock"

lock: $(READY) ## Lock the dependencies with hashes (UPGRADE=--upgrade for the newest that fit)
	echo uv | $(LOCK) - -o requirements-uv.lock
	$(LOCK) pyproject.toml --group local --group dev -o requirements.lock
	$(LOCK) pyproject.toml --constraint requirements.lock -o requirements-image.lock
	$(BIN)/python -m cli.stack.lock_kafka_jars

image: ## The one container image of all services (needs Docker)
	docker build -t nineconnect .

clean: ## Remove what runs and builds left: data of `make run`, caches, coverage
	rm -rf .run .coverage* htmlcov .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
