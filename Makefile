# The two commands: `make certify` and `make test`. Both set up .venv first, from the lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
OUT ?= certify-out

.PHONY: setup certify test lint qualify bench docs clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || \
	  { echo "Kandian needs Python 3.11 to 3.14 (PYTHON=python3.x make ...)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "This Python cannot make virtual environments. On Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

certify: setup
	$(BIN)/kandian certify --out $(OUT)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/kandian specs lint

test: lint
	$(BIN)/pytest tests

qualify: setup
	$(BIN)/kandian qualify

bench: setup
	@for file in rtp_statistics plan verify signer storage_checks cameras_per_core rejudge onvif_client first_verdict fleet; do $(BIN)/python benchmarks/$$file.py || exit 1; done

docs: setup
	$(BIN)/sphinx-build -q -b html docs docs/_build/html

clean:
	rm -rf $(VENV) $(OUT) docs/_build
