# make demo        - private environment with TensorFlow, then the main job
# make test        - private environment with TensorFlow, then the tests
# make demo-torch  - the same with torch, in an environment of its own
# make test-torch
# make docs        - the documentation as a site in docs/_build/html; NOTEBOOKS=off shows
#                    the notebooks without running them
# make coverage    - lines that tests run, into docs/coverage.md; fails below 80 % of a module
# make lint        - style, layout and types
# make browser-test - the report in a headless Chromium, which has to be on PATH
PYTHON ?= python3
# Installed by pip before the rest, so that pip's configuration or options given here
# (TORCH="torch==2.13.0 --index-url ...") choose the wheels: those for CPUs alone save
# several GB of CUDA libraries.
TORCH ?= torch==2.13.0
VENV := .venv
RUN := $(VENV)/bin/python
VENV_TORCH := .venv-torch
RUN_TORCH := $(VENV_TORCH)/bin/python
export UV_COMPILE_BYTECODE := 1
# The environments are this project's own, whatever is active outside.
unexport PYTHONPATH
unexport PYTHONDONTWRITEBYTECODE
unexport KERAS_BACKEND

# Three processes: what XLA compiles for all tests together exhausts the memory maps that
# one may have, and ends it with a segmentation fault.
TEST_PARTS := test-integration test-systems test-unit

.PHONY: demo test $(TEST_PARTS) slow-test coverage browser-test demo-torch test-torch lint docs clean

demo: $(VENV)/.installed
	$(RUN) -m scenarios.mimo_2x2

test: $(TEST_PARTS)

$(TEST_PARTS): $(VENV)/.generative

test-integration:
	$(RUN) -m pytest tests/integration/commands tests/integration/continual \
	    tests/integration/edited tests/integration/pages

test-systems:
	$(RUN) -m pytest tests/integration/links tests/integration/systems \
	    tests/integration/training tests/reference

test-unit:
	$(RUN) -m pytest tests/unit

slow-test: $(VENV)/.generative
	$(RUN) -m pytest -m slow

# The integration tests that reach what unit tests do not; with torch, what knows the
# backends apart.
COVERED := tests/unit tests/integration/continual tests/integration/edited \
	tests/integration/commands tests/integration/links tests/integration/pages \
	tests/integration/systems tests/integration/training
COVERED_TORCH := tests/unit/test_backend.py tests/unit/test_generation.py \
	tests/unit/test_seeding.py tests/unit/phy/estimation/test_interpolation_error.py \
	tests/unit/knowledge_base/importance
COVERAGE := results/coverage

coverage: $(VENV)/.generative $(VENV_TORCH)/.generative
	rm -rf $(COVERAGE)
	mkdir -p $(COVERAGE)
	for tests in $(foreach part,$(COVERED),'$(part)'); do \
	    $(RUN) -m coverage run -m pytest $$tests || exit 1; done
	$(RUN_TORCH) -m coverage run -m pytest $(COVERED_TORCH)
	$(RUN) -m coverage combine --quiet
	$(RUN) -m coverage json --quiet -o $(COVERAGE)/report.json
	$(RUN) tests/coverage_table.py $(COVERAGE)/report.json docs/coverage.md \
	    $(foreach part,$(COVERED),'$(part)') $(foreach part,$(COVERED_TORCH),'torch: $(part)')

browser-test: $(VENV)/.generative
	$(RUN) -m pytest -m browser tests/integration/commands/test_report_in_browser.py

demo-torch: $(VENV_TORCH)/.installed
	$(RUN_TORCH) -m scenarios.mimo_2x2

test-torch: $(VENV_TORCH)/.generative
	$(RUN_TORCH) -m pytest

lint: $(VENV)/.installed
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

# Warnings are errors. TensorFlow and PyTorch are there: the API reference imports
# every module.
docs: $(VENV)/.generative
	TF_CPP_MIN_LOG_LEVEL=3 $(RUN) -m sphinx -q -W --keep-going docs docs/_build/html

%/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $*
	@echo "installing into $* ($(EXTRA), Sionna and what they need): some minutes, about 3 GB"
	$*/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.8.5"
	$(if $(FIRST),$*/bin/python -m pip install --quiet --disable-pip-version-check $(FIRST))
	$*/bin/python -m uv pip install --quiet --python $*/bin/python --editable ".[$(EXTRA),dev]"
	touch $@

# The tests need the frozen models that both ends hold, and PyTorch with them.
%/.generative: %/.installed
	$*/bin/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$*/bin/python -m uv pip install --quiet --python $*/bin/python --editable ".[$(EXTRA),generative,dev]"
	touch $@

$(VENV)/.installed $(VENV)/.generative: EXTRA := tensorflow
$(VENV_TORCH)/.installed $(VENV_TORCH)/.generative: EXTRA := torch
$(VENV_TORCH)/.installed: FIRST := $(TORCH)

clean:
	rm -rf $(VENV) $(VENV_TORCH) results docs/_build docs/api
