# make demo  - private environment, then the main job
# make test  - private environment, then the tests
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
export UV_COMPILE_BYTECODE := 1
# The environment is this project's own, whatever is active outside.
unexport PYTHONPATH
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test slow-test lint clean

demo: $(VENV)/.installed
	$(RUN) -m scenarios.mimo_2x2

test: $(VENV)/.installed
	$(RUN) -m pytest

slow-test: $(VENV)/.installed
	$(RUN) -m pytest -m slow

lint: $(VENV)/.installed
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check "uv>=0.8.5"
	$(RUN) -m uv pip install --quiet --python $(RUN) --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) results
