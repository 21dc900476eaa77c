# Everything from a bare machine: Python 3.11.5 (or a later 3.11) and make are all that must be there.
#   make install   the command .venv/bin/faldone        make demo   the main job on the sample documents
#   make test      the whole test suite                 make lint   style, types, layers
#   make test-fast the quick part, about a minute    make hooks  the same tools before each commit
#   make coverage  what the tests run, by folder      make coverage-all  with whole platforms, half an hour
#   make bench     the benchmarks                       make up / make down   the lasting platform on this machine
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# two workers; the tests of a file share costly fixtures and stay together; tests/conftest.py puts the long files first
BESIDE := -n 2 --dist loadfile --no-loadscope-reorder
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONDONTWRITEBYTECODE  # else every child process compiles the sources again

.PHONY: install demo test test-fast coverage coverage-all hooks lint bench up down lock clean

install: $(VENV)/.installed
	@[ -z "$(LIBREOFFICE)" ] || bash infra/system-packages.sh use

$(VENV)/.installed: requirements.lock pyproject.toml infra/system-packages.sh
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11, 5) <= sys.version_info < (3, 12))' || { echo "Faldone needs Python 3.11.5 or a later 3.11: install it, or run make PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet "torch==$$(sed -n 's/^torch==//p' requirements.lock)"
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -c 'from infra import multilingual; multilingual.installed() and multilingual.folder()'
	bash infra/system-packages.sh use
	$(BIN)/python -m deployments.api.embedded
	touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	$(BIN)/pip install --quiet --requirement requirements-dev.lock
	bash infra/system-packages.sh test
	touch $@

demo: install
	$(BIN)/python samples/demo.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(BESIDE) -m "not e2e"
	$(BIN)/python -m pytest $(BESIDE) -m e2e

# What a change is tried with while it is made: no server, no OCR, no kills; a minute on two cores.
test-fast: $(VENV)/.dev
	$(BIN)/python -m pytest $(BESIDE) --hypothesis-profile fast -m "not e2e and not server and not slow" -x

# Lines and branches that the tests run, by folder; without the whole platforms of the e2e tests.
coverage: $(VENV)/.dev
	rm -rf build/coverage && mkdir -p build/coverage
	$(BIN)/coverage run -m pytest $(BESIDE) -m "not e2e"
	$(BIN)/coverage combine --quiet
	$(BIN)/python tests/counted/folders.py

# The same with the e2e tests: daemon, server, workers, runners and engines of whole platforms count themselves. Half an hour.
coverage-all: $(VENV)/.dev
	rm -rf build/coverage && mkdir -p build/coverage
	$(BIN)/coverage run -m pytest $(BESIDE) -m "not e2e"
	$(BIN)/coverage run -m pytest $(BESIDE) -m e2e
	$(BIN)/coverage combine --quiet
	$(BIN)/python tests/counted/folders.py

hooks: $(VENV)/.dev
	$(BIN)/pre-commit install

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	@echo "See docs/benchmarks.md for what each needs:"; ls benchmarks/*.py

up: install
	$(BIN)/faldone up

down:
	$(BIN)/faldone down

# The locks are what pip resolves in an empty environment, written down whole.
lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet "torch==$$(sed -n 's/.*"torch==\([^"]*\)".*/\1/p' pyproject.toml)"
	build/lock/bin/pip install --quiet "setuptools>=77" wheel .
	build/lock/bin/pip freeze --exclude faldone --all | grep -v '^pip==' > requirements.lock
	build/lock/bin/pip install --quiet '.[hosts]'
	build/lock/bin/pip freeze --exclude faldone --all | grep -v '^pip==' | grep -vxFf requirements.lock > requirements-hosts.lock
	build/lock/bin/pip install --quiet '.[dev,s3]'
	build/lock/bin/pip freeze --exclude faldone --all | grep -v -e '^pip==' -e '^prefect-redis==' > requirements-dev.lock
	rm -rf build/lock

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
