"""Encoders and decoders called with arrays, as a link calls them."""

import numpy as np
from keras import ops

from semcom_phy.codecs.contract import Received
from semcom_phy.phy.knowledge import RxKnowledge, TxKnowledge


def tensor(values, dtype="float32"):
    if ops.is_tensor(values):
        return values
    return ops.convert_to_tensor(np.asarray(values, dtype))


def built(codec):
    """Encoder or decoder with its weights made."""
    if not codec.built:
        codec.build((None, *codec.image_shape))
    return codec


def encode(encoder, source, snr_db, num_symbols=0, **more):
    """The packet of images at an SNR; ``more`` is what else is known."""
    known = TxKnowledge(tensor(snr_db), num_symbols=num_symbols, **more)
    return encoder.encode(tensor(source), known)


def decode(decoder, z_hat, no_eff, snr_db, side=None, detected_no_eff=None):
    """The images of symbols received."""
    no_eff = tensor(no_eff)
    detected = no_eff if detected_no_eff is None else tensor(detected_no_eff)
    known = RxKnowledge(tensor(snr_db), fed_back=TxKnowledge(tensor(snr_db)))
    received = Received(tensor(z_hat, "complex64"), no_eff, detected, side)
    return decoder.decode(received, known).images
