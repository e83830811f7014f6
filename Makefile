# `make demo` and `make test` do everything on a fresh machine: each sets up what it needs.
export OMP_WAIT_POLICY := PASSIVE
PYTHON ?= python3
BIN := .venv/bin
SOURCES := src tests tools

.PHONY: demo test lint types contract docs clean

demo: .venv/.demo
	$(BIN)/vitruve demo --out out/demo

test: .venv/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 $(PYTEST)

lint: .venv/.dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/codespell src tests tools docs README.md CHANGELOG.md CONTRIBUTING.md
	$(BIN)/python tools/sizes.py

types: .venv/.dev
	$(BIN)/pyright

contract: .venv/.dev
	$(BIN)/lint-imports

docs: .venv/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.venv/.demo .venv/.dev .venv/.docs: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@

.venv/.demo: EXTRAS := detect
.venv/.dev: EXTRAS := detect,dev
.venv/.docs: EXTRAS := docs

clean:
	rm -rf .venv build dist site out runs
