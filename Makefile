# Two commands for a newcomer: `make demo` and `make test`. The rest is for work on the code.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes

.PHONY: demo test check fix lock bench clients clean

demo: .venv/installed  ## install what is locked, watch both stages answer one query
	@$(BIN)/shortlist demo

test: .venv/installed-dev  ## install what the tests need, run all of them
	$(BIN)/python -m pytest

check: .venv/installed-dev  ## format, lint, import floors, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

fix: .venv/installed-dev  ## format, and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/installed-dev  ## resolve the dependencies anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header --no-emit-index-url pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header --no-emit-index-url pyproject.toml --extra dev -o requirements-dev.lock

bench: .venv/installed-dev  ## quality of both stages on the test sets, see benchmarks/README.md
	$(BIN)/python benchmarks/quality.py

clients: .venv/installed-dev .venv-clients/installed .venv-clients-others/installed  ## the vendors' own clients against the server
	cd tests/clients && SHORTLIST_PYTHON=$(CURDIR)/$(BIN)/python $(CURDIR)/.venv-clients/bin/python -m pytest -c pytest.ini -rs .
	cd tests/clients && SHORTLIST_PYTHON=$(CURDIR)/$(BIN)/python $(CURDIR)/.venv-clients-others/bin/python -m pytest -c pytest.ini .

clean:
	rm -rf .venv .venv-clients .venv-clients-others build dist src/*.egg-info

.venv/installed: requirements.lock pyproject.toml
	@echo "Installing into .venv (about 150 MB of packages the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) -r requirements.lock
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps -e .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	@$(PIP) -r requirements-dev.lock
	@touch $@

.venv-clients/installed: tests/clients/requirements.txt
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps -r $<
	@touch $@

.venv-clients-others/installed: tests/clients/requirements-others.txt
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check install --quiet -r $<
	@touch $@
