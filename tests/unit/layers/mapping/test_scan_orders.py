"""Several orders of a patch's coefficients."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.layers.mapping.scan_orders import ScanOrders

SIZE, NUM_ORDERS = 12, 4
STD = np.linspace(3.0, 1.0, SIZE)
# Two kinds of patches: the energy of one is where the other has none.
PROFILE = np.array([[4.0, 0.1] * 6, [0.1, 4.0] * 6]) * np.linspace(2, 1, SIZE)


def tensor(values, dtype="float32"):
    return ops.convert_to_tensor(np.asarray(values, dtype))


def patches(count, seed=0):
    """Latents in units of ``STD``, and their kind."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(2, size=count)
    values = rng.standard_normal((count, SIZE)) * PROFILE[kind]
    return values / STD, kind


def fitted(num_orders=NUM_ORDERS):
    layer = ScanOrders(2, num_orders, SIZE)
    layer.fit([patches(400)[0], patches(400, 1)[0]], STD, [4, 8])
    return layer


def test_restore_undoes_the_call():
    """Of every length and order (1e-5)."""
    layer = fitted()
    latents = tensor(patches(2 * NUM_ORDERS)[0].reshape(2, NUM_ORDERS, 1, SIZE))
    index = tensor(np.repeat([[[0]], [[1]]], NUM_ORDERS, axis=1), "int32")
    order = tensor(np.tile(np.arange(NUM_ORDERS)[:, None], (2, 1, 1)), "int32")
    arranged = layer(latents, index, order)
    again = ops.convert_to_numpy(layer.restore(arranged, index, order))
    np.testing.assert_allclose(again, ops.convert_to_numpy(latents), atol=1e-5)
    assert not np.allclose(again, ops.convert_to_numpy(arranged), atol=0.1)


def test_kinds_of_patches_get_their_own_orders():
    """Of two kinds with two orders 95 % are told apart, and each finds its six strong
    coefficients in front (exact), of unit variance in their class (20 %)."""
    layer = fitted(2)
    latents, kind = patches(600, 7)
    latents = tensor(latents.reshape(600, 1, 1, SIZE))
    index = tensor(np.zeros((600, 1, 1)), "int32")
    order = layer.choose(latents, index)
    chosen = ops.convert_to_numpy(order).ravel()
    assert max(np.mean(chosen == kind), np.mean(chosen != kind)) > 0.95
    arranged = ops.convert_to_numpy(layer(latents, index, order))[:, 0, 0]
    for of in (chosen == 0, chosen == 1):
        np.testing.assert_allclose(np.std(arranged[of][:, :6], axis=0), 1.0, rtol=0.2)
    table = ops.convert_to_numpy(layer.order)[:2, :6]
    strong = {frozenset(row.tolist()) for row in table}
    assert strong == {frozenset(range(0, SIZE, 2)), frozenset(range(1, SIZE, 2))}


def test_the_likeliest_class_is_chosen():
    """As the sum of the docstring, from the tables (exact), also of patches that are
    ten times as strong, of which the same share has each order (10 %)."""
    layer = fitted()
    plain, _ = patches(300, 3)
    index = np.arange(300) % 2
    tables = layer.precision, layer.deviation, layer.order
    precision, deviation, order = (
        ops.convert_to_numpy(table).reshape(2, NUM_ORDERS, SIZE)[index]
        for table in tables
    )
    energy = np.take_along_axis(deviation, order.argsort(axis=-1), axis=-1) ** 2
    shares = []
    for latents in (plain, 10.0 * plain):
        found = layer.choose(
            tensor(latents.reshape(300, 1, 1, SIZE)),
            tensor(index[:, None, None], "int32"),
        )
        distance = np.sum(latents[:, None] ** 2 * precision, axis=-1)
        excess = np.min(distance / np.sum(energy * precision, axis=-1), axis=1)
        cost = distance / np.maximum(excess, 1.0)[:, None]
        cost -= np.sum(np.log(precision), axis=-1)
        np.testing.assert_array_equal(
            ops.convert_to_numpy(found).ravel(), cost.argmin(axis=1)
        )
        shares.append(np.bincount(cost.argmin(axis=1), minlength=NUM_ORDERS) / 300)
    assert np.abs(shares[0] - shares[1]).max() < 0.1 and shares[0].max() < 0.7


def test_an_order_that_takes_fewer_bits_is_preferred():
    """Of all patches as many or more have the order that is told for nothing, and all
    of them where bits are dear; another length has its own prices (exact)."""
    layer = fitted()
    latents = tensor(patches(200, 4)[0].reshape(200, 1, 1, SIZE))
    index = tensor(np.zeros((200, 1, 1)), "int32")
    bits = np.array([[9.0, 9.0, 0.0, 9.0], [0.0] * 4])
    shares = []
    for per_bit in (0.0, 0.2, 1e4):
        layer.set_price(bits, per_bit)
        chosen = ops.convert_to_numpy(layer.choose(latents, index))
        shares.append(np.mean(chosen == 2))
    assert shares[0] < shares[1] < shares[2] == 1.0
    other = ops.convert_to_numpy(layer.choose(latents, index + 1))
    assert len(np.unique(other)) > 1


def test_a_length_that_hardly_occurs_keeps_the_order_of_all():
    """No patches: the coefficients as they are, and always the first class (exact)."""
    layer = ScanOrders(2, NUM_ORDERS, SIZE)
    layer.fit([patches(400)[0], np.zeros((0, SIZE))], STD, [4, 8])
    latents = tensor(patches(9)[0].reshape(1, 3, 3, SIZE))
    index = tensor(np.ones((1, 3, 3)), "int32")
    order = layer.choose(latents, index)
    assert not np.any(ops.convert_to_numpy(order))
    arranged = ops.convert_to_numpy(layer(latents, index, order))
    np.testing.assert_allclose(arranged, ops.convert_to_numpy(latents), rtol=1e-4)


@pytest.mark.parametrize("num_orders", [2, 3])
def test_another_layer_takes_over_what_was_found(num_orders):
    """All tables (exact)."""
    layer, other = fitted(num_orders), ScanOrders(2, num_orders, SIZE)
    other.copy_start(layer)
    for ours, theirs in zip(layer.weights, other.weights, strict=True):
        np.testing.assert_array_equal(*map(ops.convert_to_numpy, (ours, theirs)))
