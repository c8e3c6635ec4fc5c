"""The only module that knows which tensor library runs under Keras and Sionna.

Sionna 1.x runs on TensorFlow and Sionna 2.x on torch; Keras runs on both. Import
this module before the others: it loads the library without its start-up messages.
"""

import contextlib
import ctypes
import logging
import os
import sys
import tempfile
import warnings
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@contextlib.contextmanager
def _quiet_stderr():
    """Holds back what native code writes to stderr; shown only if the block raises."""
    try:
        saved = os.dup(2)
    except OSError:  # stderr is closed: nothing to hold back
        yield
        return
    with tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


class _CastFilter(logging.Filter):
    """Drops TensorFlow's warning on complex-to-real casts (Sionna makes them)."""

    def filter(self, record):
        return "You are casting an input of type complex" not in record.getMessage()


with _quiet_stderr():
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.list_physical_devices()
        for _name in ("tensorflow", "absl"):
            logging.getLogger(_name).addFilter(_CastFilter())
    else:
        import torch

        warnings.filterwarnings("ignore", "Casting complex values to real")
    from sionna.phy import config as sionna_config
    from sionna.phy.utils import complex_normal as _sionna_complex_normal


def compile_fn(fn, jit=True):
    """Compiles a function of tensors for use without gradients.

    Parameters
    ----------
    fn : `callable`
        Function of tensors that returns tensors

    jit : `bool`, (default `True`)
        On TensorFlow, compile the graph with XLA; `False` gives a plain graph

    Output
    ------
    : `callable`
        On TensorFlow a `tf.function`. On torch ``fn`` without a record for gradients;
        its compiler does not support complex tensors
    """
    if keras.backend.backend() == "tensorflow":
        return tf.function(fn, jit_compile=True if jit else None, autograph=False)
    return torch.no_grad()(fn)


def gradient_fn(loss_fn, compiled=True, jit=False):
    """Turns a scalar loss of one tensor into a function that returns its gradient.

    Parameters
    ----------
    loss_fn : `callable`
        Function of one tensor that returns a real scalar

    compiled, jit : `bool`
        Compile the result, with XLA if ``jit``; see :func:`compile_fn`

    Output
    ------
    : `callable`
        Function of one tensor that returns the gradient, in the tensor's shape
    """
    if keras.backend.backend() == "tensorflow":

        def gradient(x):
            x = tf.convert_to_tensor(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = loss_fn(x)
            return tape.gradient(loss, x)

        return compile_fn(gradient, jit=jit) if compiled else gradient

    def torch_gradient(x):
        x = keras.ops.convert_to_tensor(x).detach().requires_grad_(True)
        return torch.autograd.grad(loss_fn(x), x)[0]

    return torch_gradient


def complex_normal(shape):
    """Draws circularly-symmetric complex normals from Sionna's seeded stream.

    Input
    -----
    shape : sequence of `int` or scalar tensors
        Shape of the output

    Output
    ------
    : [*shape], `complex64`
        Independent CN(0, 1) entries [linear, E|.|^2 = 1]; drawn anew at every run
        of a compiled function
    """
    return _sionna_complex_normal(shape)


def uniform(shape):
    """Draws real numbers, uniform on [0, 1), from Sionna's seeded stream.

    Input
    -----
    shape : sequence of `int` or scalar tensors
        Shape of the output

    Output
    ------
    : [*shape], `float32`
    """
    if keras.backend.backend() == "tensorflow":
        return sionna_config.tf_rng.uniform(shape)
    rng = sionna_config.torch_rng()
    return torch.rand(*shape, generator=rng, device=sionna_config.device)


def sionna_streams():
    """States of the streams that Sionna draws from, on torch torch's own as well.

    Output
    ------
    : `tuple`
        For :func:`restore_sionna_streams`
    """
    states = sionna_config.py_rng.getstate(), sionna_config.np_rng.bit_generator.state
    if keras.backend.backend() == "tensorflow":
        return *states, tf.identity(sionna_config.tf_rng.state)
    own = {name: rng.get_state() for name, rng in _torch_streams().items()}
    return *states, own, torch.get_rng_state(), torch.cuda.get_rng_state_all()


def restore_sionna_streams(states):
    """Puts the streams where :func:`sionna_streams` found them."""
    python, numpy, *tensors = states
    sionna_config.py_rng.setstate(python)
    sionna_config.np_rng.bit_generator.state = numpy
    if keras.backend.backend() == "tensorflow":
        sionna_config.tf_rng.reset(tensors[0])
        return
    own, cpu, cuda = tensors
    for name, rng in _torch_streams().items():
        rng.set_state(own[name])
    torch.set_rng_state(cpu)
    torch.cuda.set_rng_state_all(cuda)


def seed_sionna_streams(seed):
    """Seeds the streams of :func:`sionna_streams` in place.

    Unlike the setter of Sionna's seed, which makes new generators and forgets the seed
    that the user gave.

    Parameters
    ----------
    seed : `int`, 0 to 2**63 - 1
        Seed
    """
    sionna_config.py_rng.seed(seed)
    fresh = np.random.default_rng(seed).bit_generator.state
    sionna_config.np_rng.bit_generator.state = fresh
    if keras.backend.backend() == "tensorflow":
        sionna_config.tf_rng.reset_from_seed(seed)
        return
    for rng in _torch_streams().values():
        rng.manual_seed(seed)
    torch.manual_seed(seed)


def _torch_streams():
    """Sionna's torch generators by device."""
    return {n: sionna_config.torch_rng(n) for n in sionna_config.available_devices}


@contextlib.contextmanager
def own_stream():
    """Work of the block does not wait for what else the device is doing.

    A copy to a GPU otherwise waits for all steps that were launched before it, so that
    the next batch would be made after them and not meanwhile. What the block makes is
    complete when it ends; a thread that goes on with it calls :func:`take_over`. On a
    CPU, and on TensorFlow, which has streams for copies, nothing is done.
    """
    if keras.backend.backend() == "tensorflow" or not torch.cuda.is_available():
        yield
        return
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        yield
    stream.synchronize()


def take_over(tensors):
    """The same tensors, made in an :func:`own_stream`, for use outside.

    Their memory is kept until what uses them here has run: torch gives it back to the
    stream that it was made in, which knows nothing of this one.
    """
    if keras.backend.backend() == "torch":
        for tensor in tensors:
            if tensor.is_cuda:
                tensor.record_stream(torch.cuda.current_stream())
    return tensors


def device():
    """Name of the device that computes, "GPU" or "CPU"."""
    if keras.backend.backend() == "tensorflow":
        return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    return "GPU" if torch.cuda.is_available() else "CPU"


def conv2d(x, kernel, bias):
    """Convolution, same padding, stride 1.

    On torch without the copies between layouts that `keras.ops.conv` makes.

    Input
    -----
    x : [batch, height, width, channels], `float32`
        Feature map

    kernel : [size, size, channels, filters], `float32`
        Kernel

    bias : [filters], `float32`
        Added to every position

    Output
    ------
    : [batch, height, width, filters], `float32`
    """
    if keras.backend.backend() == "torch" and kernel.shape[0] % 2:
        x, kernel, bias = (keras.ops.convert_to_tensor(v) for v in (x, kernel, bias))
        x, kernel = x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1)
        kernel = kernel.contiguous(memory_format=torch.channels_last)
        y = torch.nn.functional.conv2d(x, kernel, bias, padding=kernel.shape[-1] // 2)
        return y.permute(0, 2, 3, 1)
    y = keras.ops.conv(x, kernel, padding="same", data_format="channels_last")
    return y + bias


def dense(x, kernel, bias):
    """Product with a matrix plus a vector, in one kernel where torch has one.

    Input
    -----
    x : [..., inputs], `float32`
        Features

    kernel : [inputs, units], `float32`
        Matrix

    bias : [units], `float32`
        Added to every row

    Output
    ------
    : [..., units], `float32`
    """
    if keras.backend.backend() == "torch":
        x, kernel, bias = (keras.ops.convert_to_tensor(v) for v in (x, kernel, bias))
        return torch.nn.functional.linear(x, kernel.T, bias)
    return keras.ops.matmul(x, kernel) + bias


def train_step_fn(
    loss_fn, variables, optimizer, jit=True, after_update=None, clip_norm=None
):
    """Compiles one optimisation step, the optimiser's update included.

    An update outside the compiled function costs many times the step itself. On torch
    the step is traced once into a flat list of kernels with their backward pass, which
    leaves out what Keras does in Python for every layer; a loss that draws random
    numbers or branches on values is run as it is. On a GPU the list is recorded as a
    graph and launched as one.

    Parameters
    ----------
    loss_fn : `callable`
        Function of tensors that returns a real scalar

    variables : list of `keras.Variable`
        What is trained

    optimizer : `keras.optimizers.Optimizer`
        Built here for ``variables``; its loss scale, if it has one, is applied

    jit : `bool`, (default `True`)
        Compile with XLA on TensorFlow, trace on torch

    after_update : `callable`, optional
        Further assignments to variables, made at the end of the step

    clip_norm : `float`, optional
        Bound on the norm of all gradients together. Torch does this in three kernels;
        an optimiser's own ``global_clipnorm`` takes four for every variable

    Output
    ------
    : `callable`
        Takes the arguments of ``loss_fn``, updates, and returns the loss before
    """
    optimizer.build(variables)
    after_update = after_update or (lambda: None)
    _keep_freed_memory()
    if keras.backend.backend() == "tensorflow":

        def step(*inputs):
            with tf.GradientTape() as tape:
                loss = loss_fn(*inputs)
                scaled = optimizer.scale_loss(loss)
            gradients = tape.gradient(scaled, variables)
            if clip_norm:
                limit = optimizer.scale_loss(clip_norm)
                gradients, _ = tf.clip_by_global_norm(gradients, limit)
            optimizer.apply(gradients, variables)
            after_update()
            return loss

        return compile_fn(step, jit)

    def torch_step(*inputs):
        values = [variable.value for variable in variables]
        loss = loss_fn(*inputs)
        gradients = torch.autograd.grad(
            optimizer.scale_loss(loss), values, allow_unused=True
        )
        with torch.no_grad():
            if clip_norm:
                limit = optimizer.scale_loss(clip_norm)
                gradients = _clip_by_global_norm(gradients, limit)
            optimizer.apply(list(gradients), variables)
            after_update()
        return loss.detach()

    return _Traced(torch_step) if jit else torch_step


def _keep_freed_memory():
    """Has glibc's malloc keep what is freed.

    It gives large blocks back to the system, so that the activations of every step are
    mapped and cleared anew, page by page. Elsewhere than on glibc nothing is done.
    """
    mmap_threshold, trim_threshold = -3, -1  # of malloc.h
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(mmap_threshold, 32 * 1024**2)  # the largest that is accepted
    mallopt(trim_threshold, 2**31 - 1)


def _clip_by_global_norm(gradients, limit):
    """Scales torch tensors (`None`: no gradient) to a joint norm of ``limit``."""
    present = [g for g in gradients if g is not None]
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(present)))
    scaled = iter(torch._foreach_mul(present, torch.clamp(limit / norm, max=1.0)))
    return [None if g is None else next(scaled) for g in gradients]


class _Traced:
    """Replays a torch function of tensors as the kernels that one call of it ran.

    The first call is watched: a function that draws random numbers or reads values
    (to branch on them) may run other kernels next time, and is never traced. The
    second call is noted, the others replay it. Tensors that the function reads or
    writes in place (variables) are referred to, not copied. Every set of input shapes
    and types has a trace of its own.
    """

    def __init__(self, fn):
        self._fn = fn
        self._runs = {}  # what runs the next call: None for a second one

    def __call__(self, *inputs):
        inputs = [keras.ops.convert_to_tensor(x) for x in inputs]
        key = tuple((tuple(x.shape), x.dtype, x.device) for x in inputs)
        if key not in self._runs:
            with _watcher() as watched:
                result = self._fn(*inputs)
            self._runs[key] = self._fn if watched.found else None
            return result
        if self._runs[key] is None:
            return self._trace(key, inputs)
        return self._runs[key](*inputs)

    def _trace(self, key, inputs):
        """Runs the function once more while noting its kernels."""
        from torch.fx.experimental.proxy_tensor import make_fx

        noted = []

        def run(*traced):
            noted.append(self._fn(*traced))
            return noted[0]

        graph = make_fx(run)(*inputs)

        # The backward pass is among the kernels.
        replay = torch.inference_mode()(graph.__call__)
        if all(x.is_cuda for x in inputs):
            _move_constants(graph, inputs[0].device)
            replay = _Recorded(replay, inputs)
        self._runs[key] = replay
        return noted[0]


def _move_constants(graph, device):
    """Moves what a trace makes on the CPU, its constants, to the device for good.

    A step makes them on the CPU and copies them every time, which the device waits for.
    """
    for name, constant in list(graph.named_buffers()):
        setattr(graph, name, constant.to(device))
    for node in graph.graph.nodes:
        if "device" in node.kwargs:
            node.update_kwarg("device", device)
    graph.recompile()


class _Recorded:
    """Launches a fixed list of CUDA kernels as one graph.

    A step is thousands of kernels, most of them shorter than the microseconds that
    Python takes to launch one, so that the GPU would wait for the launches most of the
    time. A graph reads and writes the same memory every time: inputs are copied into
    tensors of its own, and the result is copied out.

    The first calls run kernel by kernel, in the stream that records: libraries choose
    algorithms and take working memory in them, which must not happen while recording.
    Recording runs nothing.
    """

    NUM_FIRST = 3

    def __init__(self, fn, inputs):
        self._fn = fn
        self._inputs = [torch.empty_like(x) for x in inputs]
        self._stream = torch.cuda.Stream()
        self._num_first = self.NUM_FIRST
        self._graph: Any = None
        self._result: Any = None

    def __call__(self, *inputs):
        for own, given in zip(self._inputs, inputs, strict=True):
            own.copy_(given)
        if self._num_first:
            self._num_first -= 1
            return self._run()
        if self._graph is None:
            self._record()
        self._graph.replay()
        return self._result.clone()

    def _run(self):
        """Kernel by kernel."""
        outside = torch.cuda.current_stream()
        self._stream.wait_stream(outside)
        with torch.cuda.stream(self._stream):
            result = self._fn(*self._inputs)
        outside.wait_stream(self._stream)
        return result

    def _record(self):
        self._graph = torch.cuda.CUDAGraph()
        # Other threads make batches meanwhile, and take memory for them.
        mode = {"capture_error_mode": "thread_local"}
        with torch.cuda.graph(self._graph, stream=self._stream, **mode):
            self._result = self._fn(*self._inputs)


def _watcher():
    """Context that notes whether kernels draw random numbers or hand out values."""
    from torch.utils._python_dispatch import TorchDispatchMode

    parts = ("rand", "normal", "bernoulli", "dropout", "uniform", "multinomial")
    parts += ("_local_scalar_dense", "is_nonzero", "aten.equal")

    class Watcher(TorchDispatchMode):
        found = False

        def __torch_dispatch__(self, kernel, types, args=(), kwargs=None):
            self.found = self.found or any(part in str(kernel) for part in parts)
            return kernel(*args, **(kwargs or {}))

    return Watcher()


def move_towards(variables, targets, share):
    """Moves variables a share of the way to others, in place.

    Parameters
    ----------
    variables, targets : list of `keras.Variable`
        As many, of the same shapes

    share : scalar tensor, `float32`, in [0, 1]
        1 copies the targets
    """
    if keras.backend.backend() == "torch":
        with torch.no_grad():
            values = [v.value for v in variables]
            gaps = torch._foreach_sub([v.value for v in targets], values)
            torch._foreach_add_(values, torch._foreach_mul(gaps, share))
        return
    for variable, target in zip(variables, targets, strict=True):
        variable.assign(variable + share * (target - variable))


def gradients_fn(loss_fn, variables, compiled=True, jit=False):
    """Turns a scalar loss into a function that returns its gradient per variable.

    Parameters
    ----------
    loss_fn : `callable`
        Function of tensors that returns a real scalar

    variables : list of `keras.Variable`
        What the gradient is taken for

    compiled, jit : `bool`
        Compile the result, with XLA if ``jit``; see :func:`compile_fn`

    Output
    ------
    : `callable`
        Takes the arguments of ``loss_fn``; returns a list of tensors, `None` for a
        variable that the loss does not depend on
    """
    if keras.backend.backend() == "tensorflow":

        def gradients(*inputs):
            with tf.GradientTape() as tape:
                loss = loss_fn(*inputs)
            return tape.gradient(loss, variables)

        return compile_fn(gradients, jit=jit) if compiled else gradients

    def torch_gradients(*inputs):
        values = [v.value for v in variables]
        return torch.autograd.grad(loss_fn(*inputs), values, allow_unused=True)

    return torch_gradients


def scalar_logger(folder):
    """Opens a TensorBoard log.

    Parameters
    ----------
    folder : `str` or path
        Where the event file goes

    Output
    ------
    : `callable`, (name, value, step)
        Writes one scalar
    """
    if keras.backend.backend() == "tensorflow":
        writer = tf.summary.create_file_writer(str(folder))

        def log(name, value, step):
            with writer.as_default():
                tf.summary.scalar(name, value, step)
            writer.flush()

        return log
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder)).add_scalar
