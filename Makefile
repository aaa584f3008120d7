# `make help` lists the targets.

VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
WORKERS ?= 3

ifdef UV
INSTALL = $(UV) pip install --quiet --python $(BIN)/python
else
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

.DEFAULT_GOAL := all
.PHONY: all run test format format-check lint types pytest docs bench soak clean help

all: format lint types pytest ## format, lint, types and tests (what `make` alone does)

run: $(VENV)/.rekku ## install Rekku if need be, and start it
	@exec $(BIN)/rekku run

test: format-check lint types pytest ## install what tests need; check format, lint, types; run the tests

format: $(VENV)/.dev ## put all code into its form
	@$(BIN)/ruff format --quiet
	@$(BIN)/ruff check --quiet --fix --exit-zero

format-check: $(VENV)/.dev
	@$(BIN)/ruff format --check

lint: $(VENV)/.dev ## look for mistakes without running anything
	@$(BIN)/ruff check

types: $(VENV)/.dev ## check the types, strictly
	@$(BIN)/mypy

pytest: $(VENV)/.dev ## the tests alone; ARGS go to pytest
	@$(BIN)/pytest -q -n $(WORKERS) $(ARGS)

docs: $(VENV)/.dev ## write what is generated: .env.example and the table of settings
	@$(BIN)/python scripts/generate.py

bench: $(VENV)/.dev ## what a message costs (benchmarks/README.md)
	@$(BIN)/python -m benchmarks $(ARGS)

soak: $(VENV)/.dev ## hours of killing it at the worst moments (docs/reliability.md)
	@$(BIN)/python -m tests.crash.soak $(ARGS)
	@REKKU_SOAK_SEQUENCES=10000 REKKU_SOAK_MEGABYTES=2000 REKKU_SOAK_COMMANDS=1000 \
		$(BIN)/pytest -q --timeout 3600 tests/plugins/test_terminal_hostile.py tests/plugins/test_terminal_sequences.py
	@$(BIN)/python -m benchmarks.diary --limit 20

clean: ## remove the virtual environment and the caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | awk -F '\t' '{printf "  make %-8s %s\n", $$1, $$2}'

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Rekku needs Python 3.11 or newer; install it, or say PYTHON=/path/to/python3." >&2; exit 1; }
ifdef UV
	@$(UV) venv --quiet --allow-existing --python "$(PYTHON)" $(VENV)
else
	@"$(PYTHON)" -m venv $(VENV)
	@$(INSTALL) --upgrade pip
endif

$(VENV)/.rekku: pyproject.toml | $(BIN)/python
	@echo "Installing Rekku into $(VENV) …" >&2
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing Rekku and what its tests need into $(VENV) …" >&2
	@$(INSTALL) --editable . --group dev
	@touch $@ $(VENV)/.rekku
