"""What a call costs: weights that it runs through and floating-point operations.

Operations are those of matrix products and convolutions, a multiplication and an
addition being two, of one picture; all others are left out, save where TensorFlow's
profiler counts additions of biases as well.
"""

from typing import NamedTuple

import keras


class Cost(NamedTuple):
    """Of a call, or of the networks of several.

    Attributes
    ----------
    parameters : `int`

    flops : `float`
    """

    parameters: int = 0
    flops: float = 0.0

    def plus(self, other):
        return Cost(self.parameters + other.parameters, self.flops + other.flops)

    def minus(self, other):
        return Cost(self.parameters - other.parameters, self.flops - other.flops)


def torch_cost(call):
    """Of the torch modules that a call of no arguments runs through."""
    from torch.nn.modules.module import register_module_forward_pre_hook
    from torch.utils.flop_counter import FlopCounterMode

    met = {}

    def note(module, _):
        for weight in module.parameters():
            met[id(weight)] = weight.numel()

    handle = register_module_forward_pre_hook(note)
    try:
        with FlopCounterMode(display=False) as counter:
            call()
    finally:
        handle.remove()
    return Cost(sum(met.values()), float(counter.get_total_flops()))


def keras_flops(function, *inputs):
    """Of a function of tensors whose first dimension is 1, on Keras' backend."""
    if keras.backend.backend() == "torch":
        return torch_cost(lambda: function(*inputs)).flops
    import tensorflow as tf

    profiler = tf.compat.v1.profiler
    specs = [tf.TensorSpec(each.shape, each.dtype) for each in inputs]
    graph = tf.function(function).get_concrete_function(*specs).graph
    options = profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return float(profiler.profile(graph, options=options).total_float_ops)
