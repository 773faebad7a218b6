# What a person needs: `make run` (Python 3.11 or newer and make are enough) and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCKED := --require-hashes
NODE_PARTS := tests/js/node_modules/.package-lock.json clients/js/node_modules/.package-lock.json

.PHONY: help run test test-cluster fuzz chaos mutants bench bench-cluster soak siege lint format docs requirements clean

help: ## say what there is
	@sed -nE 's/^([a-z-]+):.*## /make \1\t/p' Makefile

run: $(VENV)/run.stamp ## a node with demo data on http://127.0.0.1:8000
	@exec $(BIN)/useby demo

test: $(VENV)/dev.stamp $(NODE_PARTS) ## every test
	$(BIN)/pytest $(ARGS)

test-cluster: $(VENV)/dev.stamp ## of these, the ones with a whole cluster
	$(BIN)/pytest -n 2 tests/cluster $(ARGS)

fuzz: $(VENV)/dev.stamp ## ten minutes of bytes that nobody should send (SECONDS=60 for fewer)
	FUZZ_SECONDS=$(or $(SECONDS),600) $(BIN)/pytest -p no:randomly --timeout 0 tests/fuzz $(ARGS)

chaos: $(VENV)/dev.stamp clients/js/node_modules/.package-lock.json ## ten minutes of both client libraries while everything goes wrong (SECONDS=60, SEED=1)
	CHAOS_SECONDS=$(or $(SECONDS),600) CHAOS_SEED=$(SEED) $(BIN)/pytest -n 0 -s tests/clients/test_chaos.py $(ARGS)

mutants: $(VENV)/dev.stamp ## of the tests, those that make a line of the Python client wrong, to be noticed by another
	$(BIN)/pytest tests/clients/test_mutations.py $(ARGS)

lint: $(VENV)/dev.stamp clients/js/node_modules/.package-lock.json ## ruff, mypy --strict, import-linter, tsc
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/mypy --strict examples/*.py tests/typing/*.py
	$(BIN)/lint-imports
	clients/js/node_modules/.bin/tsc --project clients/js
	clients/js/node_modules/.bin/tsc --project tests/web

bench: $(VENV)/bench.stamp bench/peers/node_modules/.package-lock.json ## measure useby beside its peers (ARGS="idle storm --peers useby,ws")
	@command -v nginx >/dev/null && command -v redis-server >/dev/null && test -e /usr/lib/nginx/modules/ngx_nchan_module.so || \
	  { echo "the peers need more; on Debian: apt-get install nginx libnginx-mod-nchan redis-server" >&2; exit 1; }
	$(BIN)/python -m bench $(ARGS)

bench-cluster: $(VENV)/bench.stamp $(VENV)/dev.stamp ## one, two and three nodes on PostgreSQL and NATS
	PYTHONPATH=tests $(BIN)/python -m bench.cluster $(ARGS)

soak: $(VENV)/bench.stamp ## a quarter of an hour of comings and goings, and what a node holds meanwhile
	$(BIN)/python -m bench.soak $(ARGS)

siege: $(VENV)/bench.stamp $(VENV)/dev.stamp ## ten minutes of eight hostile visitors at once, and what others notice (SECONDS=60 for fewer)
	PYTHONPATH=tests $(BIN)/python -m bench.siege --seconds $(or $(SECONDS),600) $(ARGS)

format: $(VENV)/dev.stamp ## put the sources into their one form
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs: $(VENV)/dev.stamp ## write the pages that are made from the code
	$(BIN)/python docs/make_settings.py
	$(BIN)/python docs/make_picture.py

# The machine's own pip settings (indexes, links) stay out of the files; every hash goes in.
COMPILE := PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= \
  CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/pip-compile --quiet --upgrade --strip-extras \
  --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-find-links \
  --no-emit-trusted-host --no-emit-options

requirements: $(VENV)/dev.stamp ## pin the newest of everything pyproject.toml asks for
	$(COMPILE) --output-file requirements/build.txt requirements/build.in
	$(COMPILE) --output-file requirements/run.txt pyproject.toml
	$(COMPILE) --output-file requirements/dev.txt --extra dev --constraint requirements/run.txt pyproject.toml
	$(COMPILE) --output-file requirements/bench.txt --extra bench --constraint requirements/run.txt --constraint requirements/dev.txt pyproject.toml

clean: ## remove what the targets above have made
	rm -rf $(VENV) tests/js/node_modules clients/js/node_modules bench/peers/node_modules

$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "useby needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "no virtual environment could be made; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/run.stamp: requirements/run.txt requirements/build.txt pyproject.toml | $(VENV)/made.stamp
	@echo "installing what useby stands on ..."
	@$(PIP) install $(LOCKED) -r requirements/build.txt
	@$(PIP) install $(LOCKED) -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo "installing what its tests stand on ..."
	@$(PIP) install $(LOCKED) -r requirements/dev.txt
	@touch $@

$(VENV)/bench.stamp: requirements/bench.txt $(VENV)/run.stamp
	@echo "installing what it is measured with and beside ..."
	@$(PIP) install $(LOCKED) -r requirements/bench.txt
	@touch $@

bench/peers/node_modules/.package-lock.json: bench/peers/package.json bench/peers/package-lock.json
	@command -v node npm >/dev/null || \
	  { echo "the bench measures peers under Node.js; on Debian: apt-get install nodejs npm" >&2; exit 1; }
	cd bench/peers && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(NODE_PARTS): %/node_modules/.package-lock.json: %/package.json %/package-lock.json
	@command -v node npm >/dev/null || \
	  { echo "the tests need Node.js and npm, for WebSocket clients; on Debian: apt-get install nodejs npm" >&2; exit 1; }
	cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@
