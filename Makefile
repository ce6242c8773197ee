# Concord. `make demo` shows it, `make test` checks it; `make help` lists the rest.
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
STAMP := .venv/.setup

.PHONY: help setup demo run test test-long lint format bench secrets up down clean

help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## .venv with everything in it, as locked in uv.lock

$(STAMP): uv.lock pyproject.toml client/pyproject.toml formats/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than 3.11" >&2; echo "hint: make setup PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -m venv .tools || \
	  { echo "error: $(PYTHON) has no venv module" >&2; echo "hint: on Debian: apt-get install python3-venv" >&2; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@UV_PYTHON_DOWNLOADS=never .tools/bin/uv sync --quiet --locked --python .tools/bin/python
	@touch $@

demo: setup ## The first letter, end to end, on the embedded default
	@$(BIN)/python -m demo

run: setup ## The embedded services, kept up at http://127.0.0.1:8080
	@$(BIN)/concord-server local

test: setup ## All tests that take seconds
	$(BIN)/pytest -m "not long" --numprocesses=2 --dist=loadgroup

test-long: setup ## The tests that take minutes
	$(BIN)/pytest -m long

lint: setup ## Format, lint, types, import rules
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## Mend what the formatter and the linter can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: setup ## Ratios against the limits of this machine
	$(BIN)/python -m bench

secrets: setup ## Every secret of a deployment, as files in .secrets
	$(BIN)/python -m deploy.make_secrets .secrets

up: secrets ## The deployed services, with docker compose, at https://localhost:8443
	docker compose up --build --detach --wait

down: ## Stop them; their data stays
	docker compose down

clean: ## Remove what the targets above made
	rm -rf .venv .tools .demo .run .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
