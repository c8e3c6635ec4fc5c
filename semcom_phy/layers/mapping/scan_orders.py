"""Coefficients of a patch in the order that suits it: one of several per length."""

import keras
import numpy as np
from keras import ops

ITERATIONS = 12  # of the search for orders
LEAST_SAMPLES = 32  # patches of an order below which there is nothing to learn


@keras.saving.register_keras_serializable(package="semcom_phy")
class ScanOrders(keras.layers.Layer):
    r"""Orders of the coefficients of patches, several for each length.

    A layout of symbols for the n-th strongest coefficient of a patch fits the better,
    the better the order is known: an edge has its energy elsewhere than a meadow. Of
    each length there are ``num_orders`` classes of patches, with mean energies
    :math:`E_c`; a patch belongs to the class under which its coefficients are most
    likely, as Gaussian numbers beside what is lost anyway,

    .. math::
        c = \arg\min_c \frac{Q_c}{g} + \sum_j \log(E_{cj} + \theta), \qquad
        Q_c = \sum_j \frac{x_j^2}{E_{cj} + \theta}

    with :math:`\theta` the mean energy of the first coefficient that a patch of that
    length has no symbol for. A patch that is stronger than its length lets expect, as
    all are of a picture that is hard to send, would belong to no class: of the ratios
    of Q_c to its mean in class c, g is the least, if that is above 1. The transmitter
    tells the class. Where bits have a price
    (``price``), it is added: of classes that are nearly as likely the one is taken that
    is told in fewer bits.

    Parameters
    ----------
    num_lengths, num_orders : `int`

    size : `int`
        Coefficients of a patch

    Input
    -----
    latents : [batch, rows, columns, size], `float32`
        Coefficients in units of their standard deviation in an image

    rate_index, order : [batch, rows, columns], `int32`
        Index of the length, and of its order

    Output
    ------
    : [batch, rows, columns, size], `float32`
        The coefficients, the strongest of the class first, in units of their standard
        deviation in the class

    References
    ----------
    Classified transform coding: W.-H. Chen, C. H. Smith, "Adaptive coding of
    monochrome and color images", IEEE Trans. Commun. 1977; here the class gives the
    order alone.
    """

    def __init__(self, num_lengths, num_orders, size, **kwargs):
        super().__init__(**kwargs)
        self.num_lengths = int(num_lengths)
        self.num_orders = int(num_orders)
        self.size = int(size)
        shape = (self.num_lengths * self.num_orders, self.size)
        self.precision = self._constant("precision", shape)
        self.deviation = self._constant("deviation", shape)
        self.order = self._constant("order", shape, "int32")
        self.order.assign(np.tile(np.arange(self.size), (shape[0], 1)))
        self.price = ops.zeros((self.num_lengths, self.num_orders), "float32")
        self.built = True

    def set_price(self, bits, per_bit):
        """What telling an order costs.

        Parameters
        ----------
        bits : [num_lengths, num_orders], `float`
            That tell an order of each length

        per_bit : `float`
            Bits of the patch's content that one of them is worth
        """
        # Twice a logarithmic likelihood, natural: the unit of the classes.
        price = 2.0 * np.log(2.0) * per_bit * bits
        self.price = ops.convert_to_tensor(price.astype("float32"))

    def fit(self, samples, std, counts):
        """Finds the orders.

        Parameters
        ----------
        samples : for each length [n, size], `float`
            Latents of patches that have it

        std : [size], `float`
            Standard deviations that they are units of

        counts : for each length, `int`
            Coefficients that it has symbols for
        """
        shape = self.num_lengths, self.num_orders, self.size
        energy = np.ones(shape)
        floor = np.ones(self.num_lengths)
        for i, (x, count) in enumerate(zip(samples, counts, strict=True)):
            if len(x) >= LEAST_SAMPLES:
                energies = np.square(x * std)
                last = np.sort(energies.mean(axis=0))[::-1][min(count, self.size - 1)]
                floor[i] = last + 1e-9
                energy[i] = _classes(energies, self.num_orders, floor[i]) / std**2
        order = np.argsort(-energy * std**2, axis=-1, kind="stable")
        deviation = np.sqrt(np.take_along_axis(energy, order, axis=-1) + 1e-6)
        precision = 1.0 / (energy + floor[:, None, None] / std**2)
        for weight, values in (
            (self.precision, precision),
            (self.deviation, deviation),
            (self.order, order),
        ):
            weight.assign(values.reshape(-1, self.size))

    def copy_start(self, other):
        """Takes over what :meth:`fit` of another found."""
        self.set_weights(other.get_weights())

    def choose(self, latents, rate_index):
        """Classes of patches, [batch, rows, columns] `int32`."""
        # Products of matrices: for all lengths, of which each patch has one.
        shape = (*ops.shape(rate_index), self.num_lengths, self.num_orders)
        own = ops.one_hot(rate_index, self.num_lengths, dtype="float32")[..., None]

        def of_length(table):
            return ops.sum(ops.reshape(table, shape[-2:]) * own, axis=-2)

        distance = ops.matmul(ops.square(latents), ops.transpose(self.precision))
        distance = ops.sum(ops.reshape(distance, shape) * own, axis=-2)
        deviation = ops.take_along_axis(self.deviation, self._places(), axis=-1)
        mean = ops.sum(ops.square(deviation) * self.precision, axis=-1)
        excess = ops.min(distance / of_length(mean), axis=-1, keepdims=True)
        volume = ops.reshape(-ops.sum(ops.log(self.precision), axis=-1), shape[-2:])
        cost = distance / ops.maximum(excess, 1.0) + of_length(volume + self.price)
        return ops.cast(ops.argmin(cost, axis=-1), "int32")

    def call(self, latents, rate_index, order):
        row = self.row(rate_index, order)
        return self.arranged(latents, row) / ops.take(self.deviation, row, axis=0)

    def arranged(self, latents, row):
        """Latents in the order of a row of the tables, in the units that they have."""
        places = ops.take(self.order, row, axis=0)
        return ops.take_along_axis(latents, places, axis=-1)

    def restore(self, arranged, rate_index, order):
        """Inverse of the call."""
        row = self.row(rate_index, order)
        latents = arranged * ops.take(self.deviation, row, axis=0)
        places = ops.take(self._places(), row, axis=0)
        return ops.take_along_axis(latents, places, axis=-1)

    def _places(self):
        """Where every coefficient is in each order."""
        return ops.argsort(self.order, axis=-1)

    def row(self, rate_index, order):
        return rate_index * self.num_orders + order

    def _constant(self, name, shape, dtype="float32"):
        return self.add_weight(
            name=name, shape=shape, initializer="ones", dtype=dtype, trainable=False
        )

    def get_config(self):
        names = ("num_lengths", "num_orders", "size")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _classes(energies, number, floor):
    """Mean energies of so many classes of patches, [number, size]: k-means under the
    likelihood, from a split along the principal axes of their logarithms."""
    rng = np.random.default_rng(0)
    logs = np.log(energies + floor)
    logs = logs - logs.mean(axis=0)
    axes = np.linalg.eigh(logs.T @ logs)[1][:, ::-1]
    splits = logs @ axes[:, : max(number - 1, 1).bit_length()]
    label = (splits > np.median(splits, axis=0)) @ 2 ** np.arange(splits.shape[1])
    label = label % number
    for _ in range(ITERATIONS):
        found = []
        for i in range(number):
            of = np.flatnonzero(label == i)
            if len(of) < LEAST_SAMPLES:  # a class that has died begins anew
                of = rng.integers(len(energies), size=LEAST_SAMPLES)
            found.append(energies[of].mean(axis=0))
        found = np.array(found)
        precision = 1.0 / (found + floor)
        cost = energies @ precision.T - np.log(precision).sum(axis=-1)
        label = cost.argmin(axis=-1)
    return found
