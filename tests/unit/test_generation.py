"""The Keras backend follows the installed Sionna."""

import os
import subprocess
import sys
from types import SimpleNamespace

import keras
import pytest

from semcom_phy.generation import choose_backend, installed_sionna

SIONNA = {"tensorflow": "1.2.2", "torch": "2.2.0"}
BACKENDS = (*SIONNA, "jax", "numpy", "openvino")
MISMATCHES = [(needed, b) for needed in SIONNA for b in BACKENDS if b != needed]
pairs = pytest.mark.parametrize("backend, sionna", SIONNA.items())


def loaded(backend):
    """The table of modules after Keras was imported."""
    return {"keras": SimpleNamespace(backend=SimpleNamespace(backend=lambda: backend))}


@pairs
@pytest.mark.parametrize("before", [{}, {"KERAS_BACKEND": ""}, None])
def test_backend_of_each_sionna(backend, sionna, before):
    """Unset, empty or right: the variable names Sionna's backend afterwards (exact)."""
    environ = {"KERAS_BACKEND": backend} if before is None else dict(before)
    assert choose_backend(sionna, environ, {}) == backend
    assert environ == {"KERAS_BACKEND": backend}


@pairs
def test_keras_that_is_already_there(backend, sionna):
    """Its own backend counts, whatever the variable says; nothing is set (exact)."""
    environ = {"KERAS_BACKEND": "jax"}
    assert choose_backend(sionna, environ, loaded(backend)) == backend
    assert environ == {"KERAS_BACKEND": "jax"}


@pytest.mark.parametrize("backend, chosen", MISMATCHES)
@pytest.mark.parametrize("imported", [False, True])
def test_other_backends_are_refused(backend, chosen, imported):
    """One sentence with version, both backends and what to do; an environment of its
    own is offered where a Sionna for it exists; nothing is set (exact)."""
    environ = {} if imported else {"KERAS_BACKEND": chosen}
    before, modules = dict(environ), loaded(chosen) if imported else {}
    with pytest.raises(ImportError) as caught:
        choose_backend(SIONNA[backend], environ, modules)
    message = str(caught.value)
    assert f"Sionna {SIONNA[backend]} runs on {backend}, but" in message
    assert (f"imported on {chosen}" if imported else f"is {chosen}") in message
    assert "KERAS_BACKEND" in message and "\n" not in message
    remedy = f"install semcom-phy[{chosen}] in an environment of its own"
    assert message.endswith(remedy) if chosen in SIONNA else "install" not in message
    assert environ == before


def test_without_sionna():
    """The error names both extras (exact)."""
    with pytest.raises(ImportError, match=r"\[tensorflow\] or semcom-phy\[torch\]"):
        choose_backend(None, {}, {})


def test_these_tests_run_on_sionnas_backend():
    """Keras, as imported here, runs on the library of the Sionna found (exact)."""
    assert keras.backend.backend() == choose_backend(installed_sionna())


def test_command_line_says_it_in_one_line():
    """A backend that does not fit: one line on stderr, exit code 2 (exact)."""
    done = subprocess.run(
        [sys.executable, "-m", "scenarios.mimo_2x2"],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("scenarios.mimo_2x2: error: Sionna ")
    assert done.stderr.count("\n") == 1
