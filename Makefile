# Learning the Blues. `make help` lists what can be made; Python 3.11 or newer is all it needs.
#
# Everything happens inside the checkout: packages go to .venv, the book to _build/html.

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
NOTEBOOKS ?= $(sort $(wildcard notebooks/*.ipynb))
PAGE_TESTS := $(sort $(wildcard tests/test_book*.py))

# SOLUTIONS=no builds the book without them, into _build/html-no-solutions.
SOLUTIONS ?= yes

# Set PYTHON=... to choose the Python that .venv is made from; otherwise the first good one is taken.
PYTHON ?=
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3 python3.13 python3.12 python3.11 python3.14 python)

# The kernels choose how to draw; a setting of the shell must not choose for them.
unexport MPLBACKEND
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYDEVD_DISABLE_FILE_VALIDATION := 1

.PHONY: help book pdf test unit quick ci notebooks study studies bench fuzz lint format clean distclean

help:  ## list what can be made
	@echo "make COMMAND, where COMMAND is one of"
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */\1|/' \
		| awk -F '|' '{ printf "  %-10s %s\n", $$1, $$2 }'

book: $(VENV)/installed  ## install, execute every notebook, build the book (SOLUTIONS=no for a class)
	@$(BIN)/python tools/build_book.py $(if $(filter no,$(SOLUTIONS)),--without-solutions)

pdf: book  ## print the whole book into one PDF (needs Chromium or Chrome)
	@$(BIN)/python tools/print_book.py

test: $(VENV)/installed unit  ## run every test: the module, the notebooks, the built pages
	@$(BIN)/python tools/build_book.py
	$(BIN)/python -m pytest -n 2 --dist loadscope $(PAGE_TESTS)

unit: $(VENV)/installed  ## the part of the tests that needs no built book
	@$(BIN)/python tools/run_tests.py $(NOTEBOOKS)

quick: $(VENV)/installed  ## test what you have touched since the last commit, a minute at most
	@$(BIN)/python tools/quick.py

ci:  ## everything that must pass before a change is taken, in order: style, tests, book, pages
	@$(MAKE) --no-print-directory lint
	@CI=true $(MAKE) --no-print-directory test

notebooks: $(VENV)/installed  ## execute the notebooks anew and store them (NOTEBOOKS=... for some)
	@$(BIN)/python tools/fingerprint.py --clean-stale
	@$(BIN)/python tools/store_notebooks.py $(NOTEBOOKS)

study: $(VENV)/installed  ## make some runs of each stored study again, say where they differ (minutes)
	@$(BIN)/python -m lstm_from_scratch.study --check

studies: $(VENV)/installed  ## go on with the studies; what is in results/ is done (hours from nothing)
	@$(BIN)/python -m lstm_from_scratch.study --all

bench: $(VENV)/installed  ## measure the speed of training (a minute)
	@$(BIN)/python tools/bench.py

fuzz: $(VENV)/installed  ## feed what nobody meant to all readers and signatures (five minutes)
	@$(BIN)/python tools/fuzz.py

lint: $(VENV)/installed  ## check the style of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/installed  ## put the code into that style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove the built book and all caches, keep .venv
	rm -rf _build .pytest_cache .ruff_cache
	find lstm_from_scratch tests tools book -name __pycache__ -prune -exec rm -rf {} +

distclean: clean  ## remove .venv too
	rm -rf $(VENV) lstm_from_scratch.egg-info

# The stamp is newer than what it was made from, so nothing is installed twice.
$(VENV)/installed: requirements.txt pyproject.toml
	@python=; \
	for candidate in $(CANDIDATES); do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			python="$$candidate"; break; \
		fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "No Python 3.11 or newer among: $(CANDIDATES)." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.11 ..." >&2; \
		exit 1; \
	fi; \
	if ! $(BIN)/python -c 'import pip' 2>/dev/null; then \
		echo "Making .venv with $$("$$python" --version)"; \
		"$$python" -m venv --clear $(VENV) || { \
			echo "Could not make a virtual environment." >&2; \
			echo "On Debian and Ubuntu it needs: apt install python3-venv" >&2; exit 1; }; \
	fi
	@echo "Installing the packages into .venv (a minute or two, only this once)"
	@$(BIN)/python -m pip install --quiet -r requirements.txt -e .
	@touch $@
