# Everything from a fresh clone: Python 3.11 or later, pip and make are enough.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2# processes of the tests
MARKS ?=# of `make test-all`: a pytest marker expression, all tests if empty

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
# Waiting OpenMP threads that spin cost a hundredfold where processes share cores.
export OMP_WAIT_POLICY := PASSIVE
# Where this is set, each of the tests' hundreds of processes compiles the package anew.
unexport PYTHONDONTWRITEBYTECODE

# The first of these that is at least 3.11; the versions the lock is made for first.
find_python = for name in $(or $(PYTHON),python3 python3.11 python3.12 python3.13 python3.14); do \
    if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; \
    then python=$$name; break; fi; done; \
  if [ -z "$${python:-}" ]; then \
    echo "automl needs Python 3.11 or later and found none; install it, or say where" \
      "it is: make PYTHON=/path/to/python" >&2; \
    exit 1; fi

.PHONY: help
help: ## Print this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ------------------------------------------------------------------- environment
$(VENV)/run.stamp: requirements.lock pyproject.toml
	@$(find_python); echo "Installing into $(VENV) with $$("$$python" --version)"; \
	  [ -x $(BIN)/python ] || "$$python" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/run.stamp
	@$(BIN)/python -m pip install --quiet -r requirements-dev.lock
	@touch $@

.PHONY: install
install: $(VENV)/dev.stamp ## Make .venv with the package and all tools of development

# ----------------------------------------------------------------------- product
.PHONY: demo
demo: $(VENV)/run.stamp ## Fit the bank example for a minute: leaderboard and report
	rm -rf runs/demo
	$(BIN)/automl fit examples/data/bank.csv --target y --time-budget 60 --out runs/demo

# ------------------------------------------------------------------------- tests
.PHONY: test
test: $(VENV)/dev.stamp ## Run the fast tests (under five minutes)
	$(BIN)/python -m pytest -n $(WORKERS)

.PHONY: test-all
test-all: $(VENV)/dev.stamp ## Run all tests; MARKS=cleanenv for one kind
	$(BIN)/python -m pytest -n $(WORKERS) -m "$(MARKS)" --durations=20

.PHONY: boosters
boosters: $(VENV)/dev.stamp ## Add XGBoost and CatBoost to .venv and test them
	@$(BIN)/python -m pip install --quiet --no-build-isolation --constraint requirements.lock -e '.[boosters]'
	$(BIN)/python -m pytest -n $(WORKERS) tests/test_boosters.py tests/candidates -k "xgboost or catboost"

.PHONY: check
check: $(VENV)/dev.stamp ## Check format, style, types, import layers and the wheel
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist > /dev/null
	$(BIN)/check-wheel-contents dist/*.whl

.PHONY: format
format: $(VENV)/dev.stamp ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

.PHONY: bench
bench: $(VENV)/dev.stamp ## Measure speed and quality (benchmarks/)
	$(BIN)/python -m benchmarks

# ------------------------------------------------------------------ housekeeping
# A line of a lock is `name==version` and nothing else. Made on the oldest Python we
# support, as its newest versions install on the later ones too.
freeze = build/lock/bin/python -m pip freeze --exclude automl-pipelines | grep -E '^[A-Za-z0-9._-]+==[^ ]+$$' | LC_ALL=C sort -f

.PHONY: lock
lock: ## Renew requirements.lock and requirements-dev.lock (needs Python 3.11)
	rm -rf build/lock && mkdir -p build
	python3.11 -m venv build/lock
	build/lock/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	build/lock/bin/python -m pip install --quiet . 'hatchling>=1.27'
	@echo '# What automl runs on, and what builds it. Renew with `make lock`.' > requirements.lock
	$(freeze) >> requirements.lock
	build/lock/bin/python -m pip install --quiet --constraint requirements.lock --group dev
	@printf '%s\n' '# The tools of development. Renew with `make lock`.' '-r requirements.lock' > requirements-dev.lock
	$(freeze) | grep -vxFf requirements.lock >> requirements-dev.lock
	rm -rf build/lock

.PHONY: clean
clean: ## Remove the environment, builds and caches
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
