"""Muon that updates variables of equal shape together."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="semcom_phy")
class BatchedMuon(keras.optimizers.Muon):
    """Keras' Muon, the same numbers in far fewer and larger operations.

    Muon orthogonalises every matrix by five Newton-Schulz iterations. A network of
    many small matrices spends its time on starting those products, so that matrices of
    one shape are stacked; so are vectors of one length, which AdamW updates.

    Parameters
    ----------
    learning_rate, weight_decay, global_clipnorm, ...
        As of `keras.optimizers.Muon`; it has the same variables in the same order

    References
    ----------
    K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024;
    J. Liu et al., "Muon is scalable for LLM training", arXiv:2502.16982.
    """

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        groups = {}
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            index = self._get_variable_index(variable)
            is_adam = self.adam_velocities[index] is not None
            key = (tuple(variable.shape), is_adam)
            groups.setdefault(key, []).append((gradient, variable, index))
        for (shape, is_adam), members in groups.items():
            gradients, variables, indices = zip(*members, strict=True)
            gradient = ops.stack(gradients)
            momenta = [self.momentums[i] for i in indices]
            if is_adam:
                rate = learning_rate * self.adam_lr_ratio
                velocities = [self.adam_velocities[i] for i in indices]
                change = self._adam_change(gradient, momenta, velocities, rate)
            else:
                rate = learning_rate
                if self.rms_rate is not None:
                    rate = rate * (self.rms_rate * math.sqrt(max(shape)))
                change = self._muon_change(gradient, momenta) * rate
            for variable, part in zip(variables, ops.unstack(change), strict=True):
                variable.assign_sub(part)

    def _muon_change(self, gradient, momenta):
        momentum = self.momentum * _stack(momenta) + gradient
        _assign(momenta, momentum)
        if self.nesterov:
            momentum = gradient + self.momentum * momentum
        return self.zeropower_via_newtonschulz5(momentum, self.ns_steps)

    def _adam_change(self, gradient, momenta, velocities, rate):
        one, two = self.adam_beta_1, self.adam_beta_2
        step = ops.cast(self.iterations + 1, "float32")
        rate = rate * ops.sqrt(1.0 - two**step) / (1.0 - one**step)
        momentum = one * _stack(momenta) + (1.0 - one) * gradient
        velocity = two * _stack(velocities) + (1.0 - two) * ops.square(gradient)
        _assign(momenta, momentum)
        _assign(velocities, velocity)
        return rate * momentum / (ops.sqrt(velocity) + self.epsilon)


def _stack(variables):
    return ops.stack([variable.value for variable in variables])


def _assign(variables, stacked):
    for variable, value in zip(variables, ops.unstack(stacked), strict=True):
        variable.assign(value)
