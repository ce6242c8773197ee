# Concord. `make demo` shows it, `make test` checks it; `make help` lists the rest.
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
STAMP := .venv/.setup

.PHONY: help setup demo run test test-long lint format bench secrets settings up down logs ps doctor backup restore upgrade promote \
  rotate-passwords reload-certificate sbom clean

help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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
	@$(BIN)/python -m deploy.make_secrets .secrets

settings: setup
	@$(BIN)/python -m deploy.env_file

up: settings secrets ## The deployed services, with docker compose, at https://localhost:8443
	@docker compose up --build --detach --wait || { \
	  docker compose logs --no-color --tail 2 directory-migrate consent-migrate messaging-migrate >&2; \
	  echo "error: not everything came up: the lines above, or \`make ps\` and \`make logs\`, say why" >&2; \
	  echo "hint: mend it and run make up again; what runs goes on running" >&2; exit 1; }

down: ## Stop them; their data stays
	docker compose down

logs: ## What they write, as it comes: JSON lines
	docker compose logs --follow --tail 100

ps: ## Which containers run, and how they are
	docker compose ps --all

doctor: ## What is wrong with them, and what to do
	@$(BIN)/python -m deploy.doctor

backup: setup ## One consistent copy of the three databases, in backups/ or TO=folder
	@$(BIN)/python -m deploy.backup "$(or $(TO),backups)" $(if $(KEEP),--keep "$(KEEP)")

restore: secrets ## From a backup, forward to the last commit: FROM=backups/TIME YES=1
	@test -n "$(FROM)" || { echo "error: FROM names no backup" >&2; echo "hint: make restore FROM=backups/TIME YES=1" >&2; exit 1; }
	@$(BIN)/python -m deploy.restore "$(FROM)" $(if $(filter 1,$(YES)),--yes) $(if $(filter 1,$(ACCEPT_LOSS)),--accept-loss)

upgrade: settings secrets ## The version that is checked out, without a letter lost or a minute off
	@$(BIN)/python -m deploy.upgrade "$(or $(TO),backups)"

promote: ## The standby takes over from a primary that is lost for good: YES=1
	@$(BIN)/python -m deploy.promote $(if $(filter 1,$(YES)),--yes) $(if $(filter 1,$(ACCEPT_LOSS)),--accept-loss)

rotate-passwords: secrets ## Another password for every role of PostgreSQL and every user of RabbitMQ
	@$(BIN)/python -m deploy.rotate_passwords

reload-certificate: ## The gateway reads .secrets/gateway again
	docker compose exec -T gateway nginx -c /etc/concord/nginx.conf -s reload

sbom: ## What the image is made of (CycloneDX), on standard output
	@docker compose run --rm --no-deps -T --entrypoint cat directory-api /opt/concord/sbom.cdx.json

clean: ## Remove what the targets above made
	rm -rf .venv .tools .demo .run .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
