# Everything is set up inside the project: .venv for Python, build/ for what is made. Run `make` for the list.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
NODE := node_modules/.installed

.PHONY: help setup demo test faults faults-table check reference bench bench-backup full action bench-start bench-gates bench-backtest mutants clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## a virtual environment with everything

$(STAMP): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

demo: $(STAMP) ## a good release, a bad one, the way back
	@$(BIN)/python examples/demo.py

$(NODE): package-lock.json
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund && touch $@; \
	else echo "npm is missing: the tests that need GitHub's own description will be skipped"; fi

test: $(STAMP) $(NODE) ## all tests
	$(BIN)/python -m pytest

full: $(STAMP) $(NODE) ## all tests, the long variants too
	DHASH_GUARD_FULL=1 $(BIN)/python -m pytest --full --timeout 0

FAULTS = tests/faults/test_killed_create.py tests/faults/test_killed_prune.py tests/faults/test_killed_restore.py \
	tests/faults/test_killed_workers.py tests/faults/test_syscalls.py tests/faults/test_full_disk.py \
	tests/faults/test_broken_archives.py tests/faults/test_concurrent.py tests/faults/test_clock_jumps.py \
	tests/faults/test_power_cuts.py tests/faults/test_killed_release.py

faults: $(STAMP) ## backups and releases killed, starved, cut off and raced at chosen steps
	$(BIN)/python -m pytest $(FAULTS)

faults-table: $(STAMP) ## the same at every step, and docs/reference/faults.md from it
	@mkdir -p build && rm -f build/faults.jsonl
	DHASH_GUARD_FAULTS=$(CURDIR)/build/faults.jsonl $(BIN)/python -m pytest --full --timeout 0 $(FAULTS); failed=$$?; \
	PYTHONPATH=tests $(BIN)/python -m faults.table build/faults.jsonl > docs/reference/faults.md && exit $$failed

check: $(STAMP) ## types, lint, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src examples/mobius-dhash examples/demo.py tests benchmarks tools
	$(BIN)/mypy action/run.py
	$(BIN)/mypy action/install.py
	$(BIN)/lint-imports

reference: $(STAMP) ## the generated part of docs/reference
	$(BIN)/python tools/reference.py

bench: bench-backup ## the same as bench-backup

bench-backup: $(STAMP) ## backups against zip, restic, borg, cp and plain hashing (BENCH="--scale 0.02 --rounds 1")
	$(BIN)/python -m benchmarks.backup $(BENCH)

action: $(STAMP) ## build/action: what a release tag holds
	$(BIN)/python tools/assemble_action.py

bench-start: action ## how long a step waits before it runs, against node and against pip
	$(BIN)/python benchmarks/start.py

bench-gates: $(STAMP) ## false rollbacks, detection and delay, against the rules of named peers
	$(BIN)/python -m benchmarks.gates

bench-backtest: $(STAMP) ## a day of looks judged again, against only parsing it
	$(BIN)/python benchmarks/backtest.py

mutants: $(STAMP) ## which small changes of the judge no test notices (SAMPLE=0: all of them)
	$(BIN)/python tools/mutants.py

clean: ## remove what was set up and made
	rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
