# Two commands matter: `make demo` shows the product at work, `make test` proves it.
.PHONY: install demo test test-all check bench lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# How many processes run the tests; 0 runs them in one, for a debugger.
WORKERS ?= auto

install: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps -e .; \
	else \
		$(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .; \
	fi
	@touch $@

demo: install
	@$(BIN)/shiftlead demo $(ARGS)

test: install
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

test-all: install
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "slow or not slow" $(ARGS)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install
	$(BIN)/python benchmarks/spine.py $(ARGS)

# Exact versions and hashes for every platform; no index addresses, so that the file names no download host.
lock: install
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--no-annotate --extra postgres --group dev --output-file requirements.lock

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
