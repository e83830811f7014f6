# `make demo` and `make test` do everything on a fresh machine: each sets up what it needs.
export OMP_WAIT_POLICY := PASSIVE
BIN := .venv/bin
SOURCES := src tests tools benchmarks
PROSE := docs README.md CHANGELOG.md CONTRIBUTING.md
# The first Python that Vitruve runs on; choose another with `make PYTHON=...`.
SUITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(SUITS)' 2>/dev/null && echo $$python && break; done)

.PHONY: demo test lint types contract docs tables clean

demo: .venv/.demo
	$(BIN)/vitruve demo --out out/demo

test: .venv/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 $(PYTEST)

lint: .venv/.dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/codespell $(SOURCES) $(PROSE)
	$(BIN)/python tools/sizes.py
	$(BIN)/python tools/make_tables.py --check

types: .venv/.dev
	$(BIN)/pyright

contract: .venv/.dev
	$(BIN)/lint-imports

docs: .venv/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

tables: .venv/.dev
	$(BIN)/python tools/make_tables.py

# Made anew whenever what is to be installed has changed.
.venv/.demo: EXTRAS := detect
.venv/.dev: EXTRAS := detect,dev
.venv/.docs: EXTRAS := docs
.venv/.demo .venv/.dev .venv/.docs: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Vitruve needs Python 3.11, 3.12 or 3.13; say which: make PYTHON=..."; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
		-c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

clean:
	rm -rf .venv build dist site out runs
