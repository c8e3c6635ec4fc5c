"""The only module that knows which tensor library runs under Keras and Sionna.

Sionna 1.x runs on TensorFlow and Sionna 2.x on torch; Keras runs on both. Import
this module before the others: it loads the library without its start-up messages.
"""

import contextlib
import logging
import os
import sys
import tempfile
import warnings

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
    """Compiles a function of tensors, where the backend gains from it.

    Parameters
    ----------
    fn : `callable`
        Function of tensors that returns tensors

    jit : `bool`, (default `True`)
        On TensorFlow, compile the graph with XLA; `False` gives a plain graph

    Output
    ------
    : `callable`
        On TensorFlow a `tf.function`. On torch ``fn`` itself: its compiler does not
        support complex tensors
    """
    if keras.backend.backend() == "tensorflow":
        return tf.function(fn, jit_compile=True if jit else None, autograph=False)
    return fn


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

    else:

        def gradient(x):
            x = keras.ops.convert_to_tensor(x).detach().requires_grad_(True)
            return torch.autograd.grad(loss_fn(x), x)[0]

    return compile_fn(gradient, jit=jit) if compiled else gradient


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


def device():
    """Name of the device that computes, "GPU" or "CPU"."""
    if keras.backend.backend() == "tensorflow":
        return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    return "GPU" if torch.cuda.is_available() else "CPU"


def train_step_fn(loss_fn, variables, optimizer, jit=True):
    """Compiles one optimisation step, the optimiser's update included.

    An update outside the compiled function costs many times the step itself.

    Parameters
    ----------
    loss_fn : `callable`
        Function of tensors that returns a real scalar

    variables : list of `keras.Variable`
        What is trained

    optimizer : `keras.optimizers.Optimizer`
        Built here for ``variables``

    jit : `bool`, (default `True`)
        Compile with XLA, on TensorFlow

    Output
    ------
    : `callable`
        Takes the arguments of ``loss_fn``, updates, and returns the loss before
    """
    optimizer.build(variables)
    if keras.backend.backend() == "tensorflow":

        def step(*inputs):
            with tf.GradientTape() as tape:
                loss = loss_fn(*inputs)
            optimizer.apply(tape.gradient(loss, variables), variables)
            return loss

        return compile_fn(step, jit)

    def torch_step(*inputs):
        for variable in variables:
            variable.value.grad = None
        loss = loss_fn(*inputs)
        loss.backward()
        with torch.no_grad():
            optimizer.apply([v.value.grad for v in variables], variables)
        return loss.detach()

    return torch_step


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

    else:

        def gradients(*inputs):
            values = [v.value for v in variables]
            return torch.autograd.grad(loss_fn(*inputs), values, allow_unused=True)

    return compile_fn(gradients, jit=jit) if compiled else gradients


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
