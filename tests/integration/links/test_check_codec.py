"""What a codec of a user's gets wrong is named before it is trained or sent."""

import numpy as np
import pytest
from keras import ops

from link_models.codecs import Codec, build_link
from link_models.links.radio import build_channel
from scenarios.mimo_2x2 import SCENARIO
from semcom_phy.codecs.contract import Packet, SemanticDecoder, SemanticEncoder
from semcom_phy.phy.segments import Analogue
from semcom_phy.sources.samples import Delivered

SIZES = {"image_shape": (32, 32, 3), "num_symbols": 768}
STEP = 96


class Encoder(SemanticEncoder):
    """Sends the first values of an image, as many as its brightness says."""

    side_values = 8

    def __init__(self, image_shape, num_symbols):
        super().__init__()
        self.image_shape, self.num_symbols = tuple(image_shape), num_symbols

    def z(self, source):
        pairs = ops.reshape(source, (-1, 1536, 2))[:, : self.num_symbols]
        return ops.view_as_complex(pairs)

    def level(self, source):
        return ops.cast(7 * ops.mean(source, axis=(1, 2, 3)), "int32")

    def count(self, level):
        return STEP * (level + 1)

    def encode(self, source, known):
        level = self.level(source)
        return Packet(Analogue(self.z(source), self.count(level)), level)

    def side_to_bytes(self, side):
        return [bytes([level]) for level in side]


class Decoder(SemanticDecoder):
    def __init__(self, image_shape, num_symbols):
        super().__init__()

    def side_from_bytes(self, payloads):
        return np.array([payload[0] for payload in payloads], "int32")

    def count_symbols(self, side, known):
        return STEP * (side + 1)

    def decode(self, received, known, training=False):
        grey = ops.mean(ops.real(received.z_hat), axis=1)
        return Delivered(grey[:, None, None, None] * ops.ones((1, 32, 32, 3)))


def built(encoder=Encoder, decoder=Decoder):
    return build_link(Codec(encoder, decoder), [SIZES, SIZES], build_channel(SCENARIO))


def test_the_codec_itself_is_right():
    """What the others get wrong it does not."""
    assert built().num_symbols == 768


def encoder_with(**members):
    return type("Wrong", (Encoder,), members)


def decoder_with(**members):
    return type("Wrong", (Decoder,), members)


def without_super(self, image_shape, num_symbols):
    pass


def without_shape(self, image_shape, num_symbols):
    SemanticEncoder.__init__(self)


WRONG = {
    "z is not finite": (
        encoder_with(z=lambda self, s: np.nan * Encoder.z(self, s)),
        r"Wrong.encode\(\) gives values that are not finite",
    ),
    "pictures that are not finite": (
        decoder_with(
            decode=lambda self, r, k, training=False: Delivered(
                np.inf * Decoder.decode(self, r, k).images
            )
        ),
        r"Wrong.decode\(\) gives values that are not finite",
    ),
    "z is real": (
        encoder_with(z=lambda self, s: ops.reshape(s, (-1, 3072))[:, :768]),
        "complex64",
    ),
    "count of 0": (encoder_with(count=lambda self, n: 0 * n), "counts from 1 to 768"),
    "count beyond z": (encoder_with(count=lambda self, n: 0 * n + 769), "1 to 768"),
    "count is real": (
        encoder_with(count=lambda self, n: ops.cast(n, "float32")),
        "count as int32",
    ),
    "counts differ": (encoder_with(count=lambda self, n: STEP * (n + 2)), "expects"),
    "no packet": (encoder_with(encode=lambda self, s, k: self.z(s)), "return Packet"),
    "side unsaid": (encoder_with(side_values=None), "how it is sent"),
    "side too long": (
        encoder_with(
            side_values=None,
            side_bytes=1,
            side_to_bytes=lambda self, side: [bytes([n, 0]) for n in side],
        ),
        "2 bytes, more than side_bytes = 1",
    ),
    "number too large": (encoder_with(side_values=2), "below side_values = 2"),
    "no bytes": (
        encoder_with(side_to_bytes=lambda self, side: side),
        "a list of bytes",
    ),
    "no constructor of layers": (
        encoder_with(__init__=without_super),
        "call super",
    ),
    "no image_shape": (encoder_with(__init__=without_shape), "must keep image_shape"),
    "constructor takes less": (
        encoder_with(__init__=lambda self, image_shape: None),
        "made with image_shape, num_symbols",
    ),
    "side read as text": (
        decoder_with(
            side_from_bytes=lambda self, p: np.array([x[0] + 48 for x in p], "int32")
        ),
        "was written",
    ),
    "side of another type": (
        decoder_with(side_from_bytes=lambda self, p: np.array([x[0] for x in p], "f8")),
        r"here int32 \[2\], got float64 \[2\]",
    ),
    "nothing delivered": (
        decoder_with(decode=lambda self, r, k, training=False: r.z_hat),
        "must return Delivered",
    ),
    "pictures of another size": (
        decoder_with(
            decode=lambda self, r, k, training=False: Delivered(ops.zeros((2, 8, 8, 3)))
        ),
        "must deliver images of shape",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_mistakes_are_named(mistake):
    """A `ValueError` that names the method and what it should do."""
    half, message = WRONG[mistake]
    kind = "encoder" if issubclass(half, SemanticEncoder) else "decoder"
    with pytest.raises(ValueError, match=message):
        built(**{kind: half})


def test_errors_of_the_codec_say_when_they_came():
    """They go through as they are, with a note (exact)."""

    def crash(self, source, known):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as caught:
        built(encoder_with(encode=crash))
    (note,) = caught.value.__notes__
    assert "while Wrong and " in note and "two random images" in note


def test_what_is_not_there_is_named():
    """An encoder with side information and no bytes for it."""
    with pytest.raises(NotImplementedError, match="gives no side_to_bytes"):
        built(encoder_with(side_to_bytes=SemanticEncoder.side_to_bytes))


def of_the_batch(self, source, known):
    """Subtracts the mean over the images of the batch."""
    return Encoder.encode(self, source - ops.mean(source, axis=0), known)


def drawn_anew(self, source, known):
    noise = np.random.default_rng().random(source.shape, dtype="float32")
    return Encoder.encode(self, source + 0.1 * noise, known)


def decoded_by_the_batch(self, received, known, training=False):
    images = Decoder.decode(self, received, known).images
    return Delivered(images - ops.mean(images, axis=0))


@pytest.mark.parametrize("encode", [of_the_batch, drawn_anew])
def test_symbols_of_an_image_are_its_own(encode):
    """Neither of the other images of the batch, nor another time others."""
    with pytest.raises(ValueError, match="encode.. makes something else of image 0"):
        built(encoder_with(encode=encode))


def test_a_decoded_image_is_its_own():
    """Of its own symbols alone."""
    with pytest.raises(ValueError, match="decode.. makes something else of image 0"):
        built(decoder=decoder_with(decode=decoded_by_the_batch))


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda images: 255 * images, "images in .0, 1.; the mean magnitude"),
        (lambda images: ops.cast(255 * images, "uint8"), "float32 .*, got uint8"),
    ],
)
def test_images_are_floats_from_0_to_1(change, told):
    """Not those of files."""

    def decode(self, received, known, training=False):
        images = Decoder.decode(self, received, known).images
        return Delivered(change(0.5 + 0 * images))

    with pytest.raises(ValueError, match=told):
        built(decoder=decoder_with(decode=decode))


def test_a_decoder_takes_whether_it_is_trained():
    """Told by the names of what it must take."""

    def decode(self, received, known):
        return Decoder.decode(self, received, known)

    with pytest.raises(
        ValueError, match="decode.. must take received, known, training"
    ):
        built(decoder=decoder_with(decode=decode))
