# Everything a newcomer types. `make demo` and `make test` set up what they need by themselves.
SHELL := /bin/sh
.DEFAULT_GOAL := help
ARGS ?=
VENV := .venv/bin

# The first Python of 3.11 or newer, python3 preferred.
IS_NEW := 'import sys; sys.exit(sys.version_info < (3, 11))'
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c $(IS_NEW) 2>/dev/null && echo $$p && break; done)
endif
INSTALL := install it (Debian and Ubuntu: apt install python3 python3-venv) and try again.

help:  ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: help python demo test bench evidence fuzz lint check format appmanifest ready-demo ready-test

python:
	@[ -n "$(PYTHON)" ] || { echo "make: Python 3.11 or newer was not found; $(INSTALL)" >&2; exit 1; }
	@"$(PYTHON)" -c $(IS_NEW) 2>/dev/null || { echo "make: $(PYTHON) is not a Python of 3.11 or newer; $(INSTALL)" >&2; exit 1; }

# A PostgreSQL of its own is needed where none is named.
POSTGRES := $(if $(findstring --replicas,$(ARGS)),$(if $(findstring --database-url,$(ARGS)),,postgresql))

ready-demo: python
	@"$(PYTHON)" prepare.py demo $(POSTGRES)

ready-test: python
	@"$(PYTHON)" prepare.py test

demo: ready-demo  ## Run the bot against a sandbox of Azure and Teams (ARGS=--check: without a browser; ARGS=--help)
	@$(VENV)/python -m sandbox $(ARGS)

test: ready-test  ## Run every test (ARGS goes to pytest)
	@PATH="$(CURDIR)/$(VENV):$$PATH" $(VENV)/python -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

bench: ready-test  ## Run one row of docs/performance.md (NAME=send; SCALE=0.1 for a short run)
	@PATH="$(CURDIR)/$(VENV):$$PATH" $(VENV)/python -m bench $(NAME) --scale $(or $(SCALE),1)

evidence: ready-test  ## Compare the risk rules with other vendors' samples (ARGS=PATH of a file of samples)
	@$(VENV)/python -m bench.evidence $(ARGS)

fuzz: ready-test  ## Put 50,000 damaged lines through the chat's grammar (ARGS=COUNT)
	@$(VENV)/python -m tests.fuzz $(ARGS)

lint: ready-test  ## Format, lint, types and import contracts
	@$(VENV)/ruff format --check .
	@$(VENV)/ruff check .
	@$(VENV)/mypy
	@$(VENV)/lint-imports --no-cache

check: lint  ## What every commit passes: lint, and the fast tests
	@PATH="$(CURDIR)/$(VENV):$$PATH" $(VENV)/python -m pytest -q -n auto --maxprocesses 4 --dist worksteal -m "not browser and not demo and not postgres and not slow" $(ARGS)

format: ready-test  ## Format the code
	@$(VENV)/ruff check --fix -q . || true
	@$(VENV)/ruff format .

appmanifest: ready-demo  ## Write build/kubernetes-auditor.zip, the Teams app package (ARGS=--help)
	@$(VENV)/python -m appmanifest $(ARGS)
