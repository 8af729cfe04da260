# Start with `make demo`. `make help` lists every target.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python .ci/install.py
FAST := -m "not slow"
PARALLEL := -n 2 --dist loadfile
COVERED := --cov --cov-fail-under=80

.PHONY: help demo test test-fast coverage check fix docs docs-check site build wheel-check wheels lock bench clients stores ray spark clean

demo: .venv/installed  ## install the locked packages, and show both stages on one query
	@$(BIN)/shortlist demo

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{printf "  make %-11s %s\n", $$1, $$2}'

test: .venv/installed-dev  ## run every test once, and fail if the fast ones cover less of the code than before
	$(BIN)/python -m pytest $(PARALLEL) $(FAST) $(COVERED) --cov-report=
	$(BIN)/python -m pytest $(PARALLEL) -m slow

test-fast: .venv/installed-dev  ## run the tests that load no model
	$(BIN)/python -m pytest $(PARALLEL) $(FAST)

coverage: .venv/installed-dev  ## show how much of each file the fast tests run
	$(BIN)/python -m pytest $(PARALLEL) $(FAST) $(COVERED) --cov-report=term:skip-covered

check: .venv/installed-dev  ## check format, lint, layers and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/mypy tests/user_types.py

fix: .venv/installed-dev  ## format, and repair what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/installed-dev  ## write docs/cli.md from the commands, and the tables of docs/results.md from the saved results
	$(BIN)/python -m shortlist.cli.reference docs/cli.md
	$(BIN)/python benchmarks/table.py

docs-check: .venv/installed-dev  ## run the examples, commands and links of the documentation
	$(BIN)/python -m pytest tests/test_docs.py tests/test_readme.py tests/test_examples.py tests/test_house.py tests/cli/test_reference.py

site: .venv-site/installed  ## build the site of the documentation with its search into site/, and fail on a broken link
	NO_MKDOCS_2_WARNING=1 $(<D)/bin/mkdocs build --strict

build: .venv/bin/python  ## build the wheel and the source distribution into dist/
	@$(INSTALL) build
	rm -rf build dist
	$(BIN)/python -m build --outdir dist .

wheel-check: build  ## install the wheel into an empty environment and run the demonstration there
	$(BIN)/python .ci/wheel_check.py

wheels: .venv/bin/python  ## write the table of binary wheels in docs/install.md; asks PyPI about the locked packages
	@$(INSTALL) uv packaging
	$(BIN)/python .ci/wheels.py

lock: .venv/installed-dev  ## resolve the dependencies again
	@$(INSTALL) uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header --no-emit-index-url pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header --no-emit-index-url pyproject.toml --extra dev -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header --no-emit-index-url pyproject.toml --extra server --extra mcp --extra files --extra tracing --constraint requirements-dev.lock -o requirements-server.lock

bench: .venv/installed-dev  ## measure the quality of both stages, see benchmarks/README.md
	$(BIN)/python benchmarks/quality.py

clients: stores ray .venv/installed-dev .venv-clients/installed .venv-clients-others/installed  ## run the clients of the vendors, the frameworks, the stores and Ray
	cd tests/clients && SHORTLIST_PYTHON=$(CURDIR)/$(BIN)/python $(CURDIR)/.venv-clients/bin/python -m pytest -c pytest.ini -rs .
	cd tests/clients && SHORTLIST_PYTHON=$(CURDIR)/$(BIN)/python $(CURDIR)/.venv-clients-others/bin/python -m pytest -c pytest.ini .

stores: .venv-stores/installed  ## run the tests of stores, and of indexes on a server, with the packages of the vendors
	$(<D)/bin/python -m pytest -rs tests/stores tests/indexes tests/contracts/test_store_contract.py \
		tests/contracts/test_index_contract.py tests/collection/test_server_index.py tests/collection/test_server_kill.py \
		tests/collection/test_copy.py tests/cli/test_server_index_commands.py tests/test_examples.py

ray: .venv-ray/installed  ## run the tests of workers on a Ray cluster of two nodes on this machine
	$(<D)/bin/python -m pytest -rs tests/workers tests/bulk

spark: .venv-clients-spark/installed  ## run the example for Spark; needs Java
	$(<D)/bin/python -m pytest -rs tests/test_examples.py

clean:  ## remove the environments and what was built
	rm -rf .venv .venv-clients* .venv-stores .venv-ray .venv-site build dist site src/*.egg-info

.venv/bin/python:
	@echo "Creating the environment .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv

.venv/installed: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing the locked packages into .venv: up to 150 MB of downloads, one line for each"
	@$(INSTALL) --require-hashes -r requirements.lock
	@echo "Installing shortlist itself"
	@$(INSTALL) --no-deps -e .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	@echo "Installing the packages for tests and checks"
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

.venv-clients/installed: tests/clients/requirements.txt | .venv/bin/python
	@echo "Installing the clients of the vendors into $(@D)"
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python .ci/install.py --no-deps -r $<
	@touch $@

.venv-clients-others/installed: tests/clients/requirements-others.txt | .venv/bin/python
	@echo "Installing more clients into $(@D)"
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python .ci/install.py -r $<
	@touch $@

.venv-clients-spark/installed: tests/clients/requirements-spark.txt requirements.lock requirements-dev.lock
	@echo "Installing Spark into $(@D): about 600 MB of downloads"
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python .ci/install.py --require-hashes -r requirements.lock
	@$(@D)/bin/python .ci/install.py --require-hashes -r requirements-dev.lock
	@$(@D)/bin/python .ci/install.py -r $<
	@$(@D)/bin/python .ci/install.py --no-deps -e .
	@touch $@

.venv-stores/installed: tests/stores/requirements.txt requirements.lock requirements-dev.lock pyproject.toml
	@echo "Installing the packages of the stores into $(@D): about 600 MB of downloads"
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python .ci/install.py --require-hashes -r requirements.lock
	@$(@D)/bin/python .ci/install.py --require-hashes -r requirements-dev.lock
	@$(@D)/bin/python .ci/install.py -r $<
	@$(@D)/bin/python .ci/install.py --no-deps -e .
	@touch $@

.venv-site/installed: docs/requirements.txt
	@echo "Installing MkDocs into $(@D)"
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python .ci/install.py -r $<
	@touch $@

.venv-ray/installed: tests/workers/requirements.txt requirements.lock requirements-dev.lock pyproject.toml
	@echo "Installing Ray and its packages into $(@D): about 350 MB of downloads"
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python .ci/install.py --require-hashes -r requirements.lock
	@$(@D)/bin/python .ci/install.py --require-hashes -r requirements-dev.lock
	@$(@D)/bin/python .ci/install.py -r $<
	@$(@D)/bin/python .ci/install.py --no-deps -e .
	@touch $@
