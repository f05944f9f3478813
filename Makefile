# Each of these works as the first command on a fresh clone.
.DEFAULT_GOAL := help
.PHONY: help run test test-all bench check format docs messages pins proto clean

PY := .venv/bin/python
UV := $(shell command -v uv 2>/dev/null)
TEST_WORKERS ?= auto

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Stamps, so that a second run installs nothing. uv is used where it is, plain venv and pip otherwise.
.venv/bin/python:
	@if [ -n "$(UV)" ]; then uv venv --quiet --python 3.11 .venv 2>/dev/null || uv venv --quiet .venv; else python3 -m venv .venv; fi

define install
	@echo "Installing $(1) ..."
	@if [ -n "$(UV)" ]; then uv pip install --quiet --python $(PY) --require-hashes -r $(1); \
	else $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); fi
	@touch $@
endef

.venv/.runtime: requirements.txt | .venv/bin/python
	$(call install,requirements.txt)

.venv/.dev: requirements-dev.txt | .venv/bin/python
	$(call install,requirements-dev.txt)

.env: | .venv/bin/python
	@$(PY) -m checkout.make_env

run: .venv/.runtime .env ## Serve Till with its sample shop on PORT (default 8000)
	@$(PY) manage.py migrate --verbosity 0
	@$(PY) manage.py collectstatic --noinput --verbosity 0
	@exec $(PY) manage.py serve --demo

test: .venv/.dev ## Run the fast tests on SQLite, customers' journeys in the browser included where there is Chromium
	@$(PY) -m pytest -n $(TEST_WORKERS) -m "not slow"

test-all: .venv/.dev ## Run everything on SQLite and on PostgreSQL (TEST_POSTGRES_URL)
	@bash tests/run_all.sh

bench: .venv/.dev ## Measure on PostgreSQL (TEST_POSTGRES_URL), against the floor of the same run
	@$(PY) -m tests.bench

check: .venv/.dev ## Format, lint, types, layers, migrations, deploy settings
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/djlint templates --lint --quiet
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache
	bash tests/check_generated.sh
	DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py makemigrations --check --dry-run
	bash tests/check_deploy.sh

format: .venv/.dev ## Format the code
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

docs: .venv/.dev ## Write the tables of docs/simulator.md from the simulator's inputs
	@$(PY) -m checkout.simulator.docs

messages: .venv/.dev ## Bring the translations' catalogues up to what the pages say
	@$(PY) -m checkout.messages

proto: .venv/.dev ## Generate code from checkout/rpc/payment.proto
	@$(PY) -m grpc_tools.protoc -I. --plugin=protoc-gen-connectrpc=.venv/bin/protoc-gen-connectrpc \
	  --python_out=. --pyi_out=. --connectrpc_out=. --connectrpc_opt=protobuf=google checkout/rpc/payment.proto

pins: ## Compile requirements.txt and requirements-dev.txt with hashes (needs uv)
	@for name in requirements requirements-dev; do \
	  uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-header $$name.in -o $$name.txt; done

clean: ## Remove everything that can be made again, and the demo's data
	@rm -rf .venv staticfiles var .pytest_cache .mypy_cache .ruff_cache .hypothesis
