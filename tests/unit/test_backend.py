"""The backend's few functions."""

import logging
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from semcom_phy import backend
from semcom_phy.seeding import set_seed

TENSORFLOW = keras.backend.backend() == "tensorflow"


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


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_convolution_against_numpy(size):
    """Zeros around the map, one more after it for even kernels (1e-5)."""
    rng = np.random.default_rng(size)
    x, kernel, bias = (
        rng.standard_normal(shape).astype("float32")
        for shape in ((2, 6, 5, 3), (size, size, 3, 4), (4,))
    )
    before = (size - 1) // 2
    edges = (before, size - 1 - before)
    padded = np.pad(x, ((0, 0), edges, edges, (0, 0)))
    expected = np.zeros((2, 6, 5, 4)) + bias
    for row, column in np.ndindex(size, size):
        part = padded[:, row : row + 6, column : column + 5]
        expected += part @ kernel[row, column]
    kernel, bias = keras.Variable(kernel), keras.Variable(bias)
    y = ops.convert_to_numpy(backend.conv2d(ops.convert_to_tensor(x), kernel, bias))
    np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 5, 3)])
def test_dense_against_numpy(shape):
    """The last axis times the matrix, plus the vector (1e-6)."""
    rng = np.random.default_rng(0)
    x, kernel, bias = (
        rng.standard_normal(s).astype("float32") for s in (shape, (3, 2), (2,))
    )
    y = backend.dense(x, keras.Variable(kernel), keras.Variable(bias))
    np.testing.assert_allclose(ops.convert_to_numpy(y), x @ kernel + bias, atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_move_towards(share):
    """v + share (target - v) in place, eager and compiled; the targets stay (1e-6)."""
    rng = np.random.default_rng(0)
    starts, ends = (
        [rng.standard_normal(s).astype("float32") for s in ((2, 3), (4,), ())]
        for _ in range(2)
    )
    variables, targets = ([keras.Variable(v) for v in vs] for vs in (starts, ends))
    backend.move_towards(variables, targets, ops.convert_to_tensor(share))
    for variable, target, start, end in zip(
        variables, targets, starts, ends, strict=True
    ):
        expected = start + share * (end - start)
        np.testing.assert_allclose(ops.convert_to_numpy(variable), expected, atol=1e-6)
        np.testing.assert_array_equal(ops.convert_to_numpy(target), end)


@pytest.mark.skipif(TENSORFLOW, reason="TensorFlow records gradients by a tape")
def test_compiled_functions_keep_no_record_for_gradients():
    """What they return is cut off from the variables, which remain trained (exact)."""
    variable = keras.Variable(ops.ones((3,)))
    result = backend.compile_fn(lambda x: x * variable)(ops.ones((3,)))
    assert not result.requires_grad and variable.value.requires_grad


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_of_a_sum_of_squares(compiled):
    """2 x^T r and the sum of 2 r, `None` for a variable that has no part (1e-5)."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 3)).astype("float32")
    kernel, bias, other = (keras.Variable(np.float32(v)) for v in linear_start() + [1])
    residual = x @ ops.convert_to_numpy(kernel) + ops.convert_to_numpy(bias)
    found = backend.gradients_fn(
        lambda x: ops.sum(ops.square(ops.matmul(x, kernel) + bias)),
        [kernel, other, bias],
        compiled=compiled,
    )(ops.convert_to_tensor(x))
    assert found[1] is None
    for gradient, expected in (
        (found[0], 2 * x.T @ residual),
        (found[2], 2 * residual.sum(0)),
    ):
        np.testing.assert_allclose(
            ops.convert_to_numpy(gradient), expected, rtol=1e-5, atol=1e-5
        )


def linear_start():
    rng = np.random.default_rng(7)
    return [rng.standard_normal((3, 2)), rng.standard_normal(2)]


def trained(jit, loss=None, optimizer=None, sizes=(6, 6, 6, 6), **options):
    """Losses and final weights of a linear fit, one step per batch size."""
    kernel, bias = (keras.Variable(np.float32(v)) for v in linear_start())
    optimizer = optimizer or keras.optimizers.Adam(0.1)

    def fit(x):
        error = ops.matmul(x, kernel) + bias - ops.sin(x[:, :2])
        return ops.mean(ops.square(error))

    step = backend.train_step_fn(
        (lambda x: loss(x, fit)) if loss else fit,
        [kernel, bias],
        optimizer,
        jit,
        **options,
    )
    losses = []
    for i, size in enumerate(sizes):
        x = np.random.default_rng(i).standard_normal((size, 3)).astype("float32")
        losses.append(float(step(ops.convert_to_tensor(x))))
    return losses, *(ops.convert_to_numpy(v) for v in (kernel, bias))


def assert_same(one, two, tolerance):
    for first, second in zip(one, two, strict=True):
        np.testing.assert_allclose(first, second, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("sizes", [(6, 6, 6, 6), (6, 3, 6, 3, 3, 6)])
def test_compiled_steps_are_the_same_steps(sizes):
    """Losses and weights of steps run as they are, for batches of one size and of two
    in turn (1e-6, float32 rounding); the loss is that before the update."""
    plain, compiled = (trained(jit, sizes=sizes) for jit in (False, True))
    assert_same(plain, compiled, 2e-6)
    kernel, bias = linear_start()
    x = np.random.default_rng(0).standard_normal((6, 3))
    first = np.mean((x @ kernel + bias - np.sin(x[:, :2])) ** 2)
    assert plain[0][0] == pytest.approx(first, rel=1e-5)
    assert len(set(plain[0])) == len(sizes)


def test_compiled_steps_leave_python_out():
    """Of eight steps of two sizes at most the first two of each size go through the
    loss (torch watches one call and notes another)."""
    calls = []
    trained(True, lambda x, fit: calls.append(1) or fit(x), sizes=(6, 3) * 4)
    assert len(calls) <= 4


@pytest.mark.skipif(TENSORFLOW, reason="recorded on torch alone")
def test_a_recorded_step_makes_nothing_on_the_cpu():
    """Constants of a trace, and what its kernels make, go where it is recorded (to
    torch's meta device here)."""
    from torch.fx.experimental.proxy_tensor import make_fx

    def fn(x):
        return x * ops.convert_to_tensor([1.0, 2.0]) + ops.arange(2, dtype="float32")

    graph = make_fx(fn)(ops.ones((2,)))
    assert len(list(graph.buffers())) == 1
    backend._move_constants(graph, "meta")
    assert {b.device.type for b in graph.buffers()} == {"meta"}
    assert graph(ops.ones((2,)).to("meta")).is_meta


def test_work_in_a_stream_of_its_own_is_handed_over():
    """The same tensors come out (exact)."""
    with backend.own_stream():
        made = [ops.ones((3,)), ops.zeros((2,))]
    taken = backend.take_over(made)
    assert all(one is two for one, two in zip(taken, made, strict=True))


def test_batches_may_be_numpy_arrays():
    """The second array is not taken for the first (2e-6, as tensors)."""
    results = []
    for convert in (lambda x: x, ops.convert_to_tensor):
        weight = keras.Variable(np.ones(3, "float32"))
        step = backend.train_step_fn(
            lambda x, w=weight: ops.sum(ops.square(x * w)),
            [weight],
            keras.optimizers.Adam(0.01),
        )
        batches = np.random.default_rng(0).standard_normal((4, 3)).astype("float32")
        results.append([float(step(convert(x))) for x in batches])
    assert_same(*results, 2e-6)


@pytest.mark.parametrize("jit", [False, True])
def test_update_afterwards_is_part_of_every_step(jit):
    """It runs once a step and sees the new weights (exact)."""
    weight, count, seen = (keras.Variable(float(i == 0)) for i in range(3))

    def after():
        count.assign(count + 1.0)
        seen.assign(weight)

    step = backend.train_step_fn(
        lambda x: weight * ops.sum(x),
        [weight],
        keras.optimizers.Adam(0.25),
        jit,
        after_update=after,
    )
    before = 1.0
    for done in range(1, 5):
        assert float(step(ops.ones((2,)))) == 2 * before
        now, counted, copied = (
            float(ops.convert_to_numpy(v)) for v in (weight, count, seen)
        )
        assert counted == done and copied == now < before
        before = now


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("stream", ["sionna", "keras"])
def test_every_step_draws_new_numbers(stream, jit):
    """With nothing to learn, losses of the same batch differ step by step, and a seed
    generator has moved on by one for each (exact)."""
    generator, weight = keras.random.SeedGenerator(1), keras.Variable(0.0)

    def loss(x):
        if stream == "sionna":
            noise = ops.real(backend.complex_normal((4,)))
        else:
            noise = keras.random.normal((4,), seed=generator)
        return ops.sum(noise * x) + weight

    step = backend.train_step_fn(loss, [weight], keras.optimizers.Adam(0.0), jit)
    start = ops.convert_to_numpy(generator.state)[1]
    losses = {float(step(ops.ones((4,)))) for _ in range(5)}
    assert len(losses) == 5 and np.ptp(list(losses)) > 1e-3
    drawn = int(ops.convert_to_numpy(generator.state)[1] - start)
    assert drawn == (5 if stream == "keras" else 0)


@pytest.mark.skipif(TENSORFLOW, reason="graphs do not branch in Python")
def test_python_may_branch_on_values():
    """Factors chosen by the batch, the loss, and a counter that is moved on after each
    update are chosen at every step, and no step is made twice (1e-6, as if not
    compiled)."""
    count = keras.Variable(0.0, trainable=False)

    def by_batch(x, fit):
        return fit(x) * (3.0 if float(ops.sum(x)) > 0 else 0.5)

    def by_loss(x, fit):
        value = fit(x)
        return value * (3.0 if bool(value > 2) else 0.5)

    def by_count(x, fit):
        return fit(x) * (3.0 if float(count) > 1 else 0.5)

    def move_on():
        count.assign(0.0 if float(count) > 2 else count + 1.0)

    for loss in (by_batch, by_loss, by_count):
        results = []
        for jit in (False, True):
            count.assign(0.0)
            results.append(trained(jit, loss, sizes=(6,) * 8, after_update=move_on))
        assert_same(*results, 1e-6)


@pytest.mark.parametrize("jit", [False, True])
def test_loss_scale_changes_nothing_but_overflows(jit):
    """Losses and weights as without, clipped or not (1e-5); a step whose gradients
    overflow is left out."""

    def scaled():
        return keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.1), 1024.0)

    for clip_norm in (None, 0.5):
        plain = trained(False, clip_norm=clip_norm)
        results = trained(jit, optimizer=scaled(), clip_norm=clip_norm)
        assert_same(plain, results, 1e-5)
    results = trained(jit, lambda x, fit: fit(x) * 1e38, scaled(), clip_norm=0.5)
    assert_same(results[1:], linear_start(), 1e-6)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("clip_norm", [None, 0, 0.3, 1e3])
def test_gradients_are_clipped_together(clip_norm, jit):
    """Adam's first step, g / (|g| + epsilon), with g shortened to the bound if it is
    longer (1e-5); 0 and `None` leave it as it is."""
    epsilon = 0.1
    optimizer = keras.optimizers.Adam(0.1, epsilon=epsilon)
    _, *weights = trained(jit, optimizer=optimizer, sizes=(6,), clip_norm=clip_norm)
    start = linear_start()
    x = np.random.default_rng(0).standard_normal((6, 3))
    error = (x @ start[0] + start[1] - np.sin(x[:, :2])) / 6
    gradients = [x.T @ error, error.sum(0)]
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    assert 0.6 < norm < 100
    share = min(1, clip_norm / norm) if clip_norm else 1
    for new, old, gradient in zip(weights, start, gradients, strict=True):
        slope = share * gradient * 0.001**0.5  # bias corrections: 1 - beta_2
        expected = old - 0.1 * slope / (np.abs(slope) + epsilon)
        np.testing.assert_allclose(new, expected, atol=1e-5)


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
