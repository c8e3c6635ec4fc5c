"""The backend's few functions."""

import logging
import subprocess
import sys

import numpy as np
import pytest
from keras import ops

from semcom_phy import backend
from semcom_phy.seeding import set_seed


@pytest.mark.parametrize("jit", [False, True])
def test_compiled_function_gives_the_same(jit):
    """Compiled and eager results agree (float32 rounding)."""
    x = ops.convert_to_tensor(np.linspace(0, 1, 5, dtype=np.float32))

    def fn(value):
        return ops.exp(value) / 3.0

    compiled = ops.convert_to_numpy(backend.compile_fn(fn, jit=jit)(x))
    np.testing.assert_allclose(compiled, ops.convert_to_numpy(fn(x)), rtol=1e-6)


def test_compiled_draws_differ_between_runs():
    """A compiled function draws new noise at every run (exact)."""
    draw = backend.compile_fn(lambda: backend.complex_normal((4,)))
    one, two = (ops.convert_to_numpy(draw()) for _ in range(2))
    assert not np.array_equal(one, two)


def test_complex_normal_has_unit_variance():
    """Real and imaginary part carry power 1/2 each (4 s.e., n = 2^18, seed 1)."""
    set_seed(1)
    n = 2**18
    z = ops.convert_to_numpy(backend.complex_normal((n,)))
    for part in (z.real, z.imag):
        assert np.mean(part**2) == pytest.approx(0.5, abs=4 * np.sqrt(0.5 / n))
    assert abs(np.mean(z**2)) < 4 * np.sqrt(2 / n)


@pytest.mark.parametrize("compiled", [False, True])
def test_gradient(compiled):
    """The gradient of sum(x^2) is 2x (float32 rounding)."""
    x = np.array([1.0, -3.0], np.float32)
    gradient = backend.gradient_fn(lambda v: ops.sum(ops.square(v)), compiled=compiled)
    np.testing.assert_allclose(ops.convert_to_numpy(gradient(x)), 2 * x)


def test_import_is_silent():
    """Loading the backend writes nothing, so that command lines stay readable."""
    code = (
        "import semcom_phy.backend as b; from keras import ops;"
        "import numpy as np; ops.cast(np.complex64([1j]), 'float32'); b.device()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "" and done.stderr == ""


def test_other_warnings_pass_the_filter():
    """Only the complex cast warning is dropped."""
    log_filter = backend._CastFilter()
    for message, passes in (
        ("something else", True),
        ("You are casting an input of type complex64", False),
    ):
        record = logging.LogRecord("tensorflow", 30, "", 0, message, (), None)
        assert bool(log_filter.filter(record)) is passes
