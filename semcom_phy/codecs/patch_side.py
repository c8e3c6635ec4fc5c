"""Side information of codecs that code an image patch by patch, and its bytes.

scale (2 bytes) | equal lengths (3 bytes) | range-coded lengths, range-coded orders
"""

import math
from typing import Any, NamedTuple

import numpy as np

from semcom_phy.codecs.feature_scale import SCALE_BYTES, check_scales
from semcom_phy.entropy_coding.conditional_code import ConditionalCode
from semcom_phy.entropy_coding.equal_lengths import (
    EQUAL_BYTES,
    equal_from_bytes,
    equal_to_bytes,
)
from semcom_phy.entropy_coding.length_code import LengthCode
from semcom_phy.entropy_coding.range_coder import Decoder, Encoder


class PatchSide(NamedTuple):
    """What is told of an image beside its symbols; `None` where a codec tells it not.

    Attributes
    ----------
    rate_index : [batch, rows, columns], `int32`
        Indices of the lengths

    order : [batch, rows, columns], `int32`, or `None`
        Of the coefficients, see
        :class:`~semcom_phy.layers.mapping.scan_orders.ScanOrders`

    scale : [batch], `float32`, or `None`
        Step of the scale, see :mod:`~semcom_phy.codecs.feature_scale`
    """

    rate_index: Any
    order: Any = None
    scale: Any = None


class PatchSideCode:
    """Which side information a codec has, and how it becomes bytes.

    ``length_code`` and ``order_code`` come from the JSON of the weights
    (:meth:`use_record`).

    Parameters
    ----------
    num_lengths : `int`

    num_orders : `int`
        1 where there is nothing to tell

    scale_sent, fixed : `bool`
        A scale is told; lengths are equal
    """

    def __init__(self, num_lengths, num_orders, scale_sent, fixed):
        self.num_lengths = num_lengths
        self.num_orders = num_orders
        self.scale_sent = scale_sent
        self.fixed = fixed
        self.length_code: Any = None
        self.order_code: Any = None

    def use_record(self, record):
        """Takes the codes of lengths and orders, where the JSON of weights has them."""
        if "length_code" in record:
            self.length_code = LengthCode.from_dict(record["length_code"])
        if "order_code" in record:
            self.order_code = ConditionalCode.from_dict(record["order_code"])

    def check(self):
        """Raises
        ------
        ValueError
            If a code is missing.
        """
        missing = not self.fixed and self.length_code is None
        if missing or (self.num_orders > 1 and self.order_code is None):
            raise ValueError(
                "lengths that are sent need a length code, which the JSON of these "
                "weights does not hold: fit one with python -m "
                "benchmarks.fit_length_code"
            )

    def parts(self, side):
        """What a codec's ``side`` consists of, a :class:`PatchSide`."""
        told = True, self.num_orders > 1, self.scale_sent
        values = iter(side if sum(told) > 1 else (side,))
        return PatchSide(*(next(values) if is_told else None for is_told in told))

    @staticmethod
    def side(parts):
        """Inverse of :meth:`parts`: the lengths alone, or a tuple of what is told."""
        told = tuple(part for part in parts if part is not None)
        return told if len(told) > 1 else told[0]

    def most_bytes(self, grid):
        """As many bits a patch as tell one of all lengths and orders; coded ones take
        less, but for a few bytes. Equal lengths take three bytes."""
        lengths = EQUAL_BYTES
        patches = math.prod(grid)
        if not self.fixed:
            bits = (self.num_lengths - 1).bit_length()
            lengths = math.ceil(bits * patches / 8)
        orders = math.ceil((self.num_orders - 1).bit_length() * patches / 8)
        return lengths + orders + SCALE_BYTES * self.scale_sent

    def to_bytes(self, side):
        """Bytes of every image: a list, from arrays."""
        self.check()
        parts = self.parts(side)
        return [
            self._image_to_bytes(*(None if part is None else part[i] for part in parts))
            for i in range(len(parts.rate_index))
        ]

    def _image_to_bytes(self, rate_index, order, scale):
        payload, encoder = b"", Encoder()
        if scale is not None:
            payload += int(scale).to_bytes(SCALE_BYTES, "big")
        if self.fixed:
            payload += equal_to_bytes(rate_index)
        else:
            self.length_code.write(encoder, rate_index)
        if order is not None:
            self.order_code.write(encoder, order.ravel(), rate_index.ravel())
        return payload + encoder.finish()

    def from_bytes(self, payloads, grid):
        """Inverse of :meth:`to_bytes`.

        Raises
        ------
        ValueError
            If bytes cannot be meant.
        """
        images = [self._image_from_bytes(payload, grid) for payload in payloads]
        types = "int32", "int32", "float32"
        parts = (
            None if values[0] is None else np.stack(values).astype(dtype)
            for values, dtype in zip(zip(*images, strict=True), types, strict=True)
        )
        return self.side(PatchSide(*parts))

    def _image_from_bytes(self, payload, grid):
        scale = order = None
        if self.scale_sent:
            scale = np.array(int.from_bytes(payload[:SCALE_BYTES], "big"))
            check_scales(scale)
            payload = payload[SCALE_BYTES:]
        if self.fixed:
            decoder = Decoder(payload[EQUAL_BYTES:])
            payload = payload[:EQUAL_BYTES]
            rate_index = equal_from_bytes(payload, grid, self.num_lengths)
        else:
            decoder = Decoder(payload)
            rate_index = self.length_code.read(decoder, grid)
        if self.num_orders > 1:
            order = self.order_code.read(decoder, rate_index.ravel()).reshape(grid)
        return PatchSide(rate_index, order, scale)
