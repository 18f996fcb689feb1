# Needs Python >= 3.11 with venv and a package index; every target sets up what it uses in .venv.
# Kept to GNU make 3.81, which macOS has, and to a POSIX shell.

SHELL := /bin/sh
# The interpreter to make .venv with; one that does not serve is passed over.
PYTHON ?=
# Arguments for pytest, as in: make test ARGS="-k retries"; with ARGS=-n0 in one process.
ARGS ?=
# Each file of tests runs in one process, so that what its tests share is made once. In the order of
# tests/conftest.py, which puts the longest files first, and the many short ones of tests/unit last,
# which keep all processes busy to the end. There is one process more than processors, since some
# tests mostly wait.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# The tests that are to reach all of hooks/, but the command and the embedded server.
COVERING := tests/unit tests/integration/client tests/integration/frameworks \
    tests/integration/resilience \
    --ignore=tests/unit/cli --ignore=tests/unit/local --ignore=tests/unit/scripts
# What make sync reads: a file or an https URL; upstream's own if it is empty.
SOURCE ?=

RUNTIME := -e '.[cli,eval,local]'
DEVELOPMENT := --group dev
PYTHONS := python3 python3.13 python3.12 python3.11 python3.14 python
# Prints the interpreter below any virtual environment; fails, having printed, without venv.
PROBE := import sys; sys.version_info < (3, 11) and sys.exit(1); \
    print(getattr(sys, "_base_executable", sys.executable)); import venv, ensurepip
USABLE := import sys, pip; sys.exit(sys.version_info < (3, 11))

# What belongs to the caller's shell must not reach into .venv, nor choose pyright's version.
unexport PYTHONHOME PYTHONPATH PYRIGHT_PYTHON_FORCE_VERSION PYRIGHT_PYTHON_PYLANCE_VERSION
# Without bytecode, every process that a test starts would compile the whole client again.
unexport PYTHONDONTWRITEBYTECODE
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-unit test-all test-lowest coverage docs sync generate drift check bench clean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-11s %s\n", $$1, $$2 }' Makefile

demo: .venv/.runtime ## rerank a small corpus on this machine; needs no key
	@.venv/bin/openrouter-rerank demo

test: .venv/.development ## run the tests; ARGS goes to pytest
	@.venv/bin/python -m pytest $(PARALLEL) $(ARGS)

test-unit: .venv/.development ## run the tests of single modules, in less than a minute
	@.venv/bin/python -m pytest $(PARALLEL) tests/unit $(ARGS)

coverage: .venv/.development ## fail unless the tests reach every branch of hooks/, cli/ and local/ aside
	@rm -f .coverage .coverage.*
	@.venv/bin/python -m coverage run -m pytest $(PARALLEL) -q $(COVERING)
	@.venv/bin/python -m coverage combine --quiet
	@.venv/bin/python -m coverage report --fail-under=100 --omit='*/cli/*,*/local/*'

test-all: .venv/.development ## run the tests on every Python >= 3.11 of this machine
	@.venv/bin/python -m nox -- $(ARGS)

test-lowest: .venv/.development ## run the tests with the lowest versions that pyproject.toml allows
	@.venv/bin/python -m nox --session lowest -- $(ARGS)

docs: .venv/.development ## build the documentation's site in build/site, offline
	@NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build

sync: .venv/.development ## write openapi.yaml from upstream's document, or from SOURCE
	@.venv/bin/python scripts/sync.py $(if $(SOURCE),'$(SOURCE)')

generate: .venv/.development ## write generated/ from openapi.yaml
	@.venv/bin/python scripts/generate.py

drift: .venv/.development ## tell where generated/ or hooks/ no longer fit openapi.yaml
	@.venv/bin/python scripts/drift.py

check: .venv/.development ## lint, type-check, and look for drift
	.venv/bin/python -m ruff check
	.venv/bin/python -m ruff format --check
	.venv/bin/lint-imports
	.venv/bin/python scripts/drift.py
	.venv/bin/python -m mypy
	.venv/bin/python -m pyright

bench: benchmarks/.venv/.installed ## measure the client beside others; ARGS goes to run.py
	@benchmarks/.venv/bin/python benchmarks/run.py $(ARGS)

clean: ## remove .venv and everything else that the targets made
	rm -rf .venv benchmarks/.venv .nox build dist .coverage .coverage.* .hypothesis .import_linter_cache \
	    .mypy_cache .pytest_cache .ruff_cache
	find generated hooks scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

# .venv/.incomplete is there while .venv is being changed. Found at the start, it tells of a set-up
# that was cut off, which may have left a package half written: .venv is then made anew.

define make_venv
found=; lacking=; \
for candidate in "$(PYTHON)" $(PYTHONS) "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/*/bin/python; do \
    base=`"$$candidate" -c '$(PROBE)' 2>/dev/null` && found=$$base && break; \
    lacking=$${lacking:-$$base}; \
done; \
if [ -z "$$found" ] && [ -n "$$lacking" ]; then \
    echo "$$lacking has no venv with ensurepip; install it (Debian: python3-venv)" >&2; exit 1; \
elif [ -z "$$found" ]; then \
    echo "no Python >= 3.11 found; install one or name it: make PYTHON=/path/to/python" >&2; exit 1; \
fi; \
echo "making .venv with `"$$found" -V` ($$found)"; \
rm -rf .venv; mkdir .venv; : > .venv/.incomplete; \
"$$found" -m venv .venv > .venv/setup.log 2>&1 || \
    { echo "$$found cannot make .venv: `tail -n 1 .venv/setup.log`" >&2; exit 1; }; \
rm .venv/.incomplete
endef

define pip_install
trap 'exit 130' HUP INT TERM; \
echo "installing "$(1)" into .venv"; \
: > .venv/.incomplete; \
.venv/bin/python -m pip install --quiet $(1) 2> .venv/setup.log; status=$$?; \
rm .venv/.incomplete; \
[ $$status -eq 0 ] || { \
    echo "pip could not install "$(1)": `grep -i '^ *error: ' .venv/setup.log | tail -n 1`" \
        "(is the package index reachable? .venv/setup.log has it all)" >&2; \
    exit 1; \
}
endef

# Made anew too when its Python went away, or when it was moved here: its commands and the editable
# install name the old place. The recipe always runs, but changes the stamp only with .venv.
.venv/.base: FORCE
	@trap 'exit 130' HUP INT TERM; \
	[ ! -e .venv/.incomplete ] && .venv/bin/python -c '$(USABLE)' 2>/dev/null && \
	    { [ ! -e $@ ] || [ "`cat $@`" = "`pwd -P`" ]; } || { $(make_venv); }
	@[ -e $@ ] || { $(call pip_install,'pip>=25.1'); }
	@[ -e $@ ] || pwd -P > $@

.venv/.runtime: .venv/.base pyproject.toml hooks/openrouter_rerank/_version.py
	@$(call pip_install,$(RUNTIME))
	@touch $@

.venv/.development: .venv/.runtime
	@$(call pip_install,$(DEVELOPMENT))
	@touch $@

# What the peers bring along must not reach into .venv, hence a venv of their own, always made anew.
benchmarks/.venv/.installed: .venv/.base pyproject.toml benchmarks/requirements.txt
	@echo "installing what is measured into benchmarks/.venv"; \
	rm -rf benchmarks/.venv; \
	.venv/bin/python -m venv benchmarks/.venv && \
	benchmarks/.venv/bin/python -m pip install --quiet -e '.[local]' \
	    -r benchmarks/requirements.txt 2> benchmarks/.venv/setup.log || { \
	    echo "cannot make benchmarks/.venv:" \
	        "`grep -i '^ *error: ' benchmarks/.venv/setup.log | tail -n 1`" \
	        "(is the package index reachable?)" >&2; \
	    exit 1; \
	}
	@touch $@
