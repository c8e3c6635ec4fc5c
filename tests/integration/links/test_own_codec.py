"""Codecs of a user's own module: trained, gone on with, loaded by their name."""

import json
import shutil

import numpy as np
import pytest
from keras import ops

from link_models.codecs import load_link
from link_models.training.data import split_data
from link_models.training.recipe import Recipe
from link_models.training.tasks.image import ImageTask
from link_models.training.trainer import Trainer
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator
from semcom_phy.phy.framing import Framing
from semcom_phy.sources.images import load_images

NAME = "own_cells:Sender,Receiver"
SHAPE, NUM_SYMBOLS = (16, 16, 3), 64
MODULE = """
import keras
import numpy as np
from keras import ops

from semcom_phy.codecs.contract import Packet, SemanticDecoder, SemanticEncoder
from semcom_phy.phy.segments import Analogue
from semcom_phy.sources.samples import Delivered


class Sender(SemanticEncoder):
    side_values = 2

    def __init__(self, image_shape, num_symbols, price=0.0, **kwargs):
        super().__init__(**kwargs)
        self.image_shape, self.num_symbols = tuple(image_shape), num_symbols
        self.price = price
        self.dense = keras.layers.Dense(2 * num_symbols, name="mix")

    def build(self, shape):
        self.dense.build((None, int(np.prod(self.image_shape))))

    def encode(self, source, known, uniform=None):
        flat = ops.reshape(source, (-1, self.dense.kernel.shape[0]))
        pairs = ops.reshape(self.dense(flat - 0.5), (-1, self.num_symbols, 2))
        whole = ops.cast(ops.mean(source, axis=(1, 2, 3)) > 0.5, "int32")
        count = self.num_symbols // 2 * (1 + whole)
        return Packet(Analogue(ops.view_as_complex(pairs), count), whole, count)

    def side_to_bytes(self, side):
        return [bytes([whole]) for whole in side]

    def extra_loss(self, packet, known):
        assert known.snr_db.shape == packet.details.shape
        return self.price * ops.cast(packet.details, "float32")

    def get_config(self):
        names = ("image_shape", "num_symbols", "price")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}


class Receiver(SemanticDecoder):
    def __init__(self, image_shape, num_symbols, **kwargs):
        super().__init__(**kwargs)
        self.image_shape, self.num_symbols = tuple(image_shape), num_symbols
        self.dense = keras.layers.Dense(int(np.prod(image_shape)), name="mix")

    def build(self, shape):
        self.dense.build((None, 2 * self.num_symbols))

    def side_from_bytes(self, payloads):
        return np.array([payload[0] for payload in payloads], "int32")

    def count_symbols(self, side, known):
        return self.num_symbols // 2 * (1 + side)

    def decode(self, received, known, training=False):
        count = self.count_symbols(received.side, known)
        sent = ops.arange(self.num_symbols) < count[:, None]
        z = received.z_hat * ops.cast(sent, "complex64")
        flat = ops.reshape(ops.view_as_real(z), (-1, 2 * self.num_symbols))
        return Delivered(ops.reshape(0.5 + self.dense(flat), (-1, *self.image_shape)))
"""
RECIPE = Recipe(
    steps=60,
    batch_size=8,
    learning_rate=5e-3,
    warmup_steps=5,
    optimizer="adam",
    checkpoint_steps=30,
)


@pytest.fixture(scope="module", autouse=True)
def module(tmp_path_factory):
    """The user's file in a folder that Python looks through."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_cells.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


@pytest.fixture(scope="module")
def data():
    images, provenance = load_images("sample", 60, size=16)
    return split_data(images, images[:0], provenance)


def trainer(data, folder, start_from=None, price=0.0):
    config = {"image_shape": list(SHAPE), "num_symbols": NUM_SYMBOLS}
    channel = EqualizedOFDMChannel(
        BlockRayleigh(2, 1), Framing(NUM_SYMBOLS, 1), LSEstimator()
    )
    task = ImageTask("fading", channel, "log")
    configs = config | {"price": price}, config
    return Trainer(
        NAME, *configs, [task], data, RECIPE, folder, "own", start_from=start_from
    )


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A finished run, its loss before, its JSON, and its checkpoint of half way."""
    folder = tmp_path_factory.mktemp("run")
    run = trainer(data, folder)
    batch, save, halfway = run.batches.at(10**6), run.save_checkpoint, folder / "half"

    def save_and_keep():
        save()
        if run.step == 30:
            shutil.copy(run.checkpoint, halfway)

    run.save_checkpoint = save_and_keep
    before = float(run.losses[0](*batch))
    path = run.fit(progress=False)
    assert float(run.losses[0](*batch)) < before - 0.5
    return run, path, halfway


def test_it_leaves_weights_of_its_name(trained):
    """They load by the name of the codec alone: no code runs because a JSON says so;
    the rate that was chosen is in the figures (exact)."""
    run, path, _ = trained
    record = json.loads(path.read_text())
    assert record["config"]["codec"] == NAME
    figures = record["validation"]["fading"]
    half, whole = (2 * n / np.prod(SHAPE) for n in (NUM_SYMBOLS // 2, NUM_SYMBOLS))
    assert all(half < rate < whole for rate in figures["cr_real"])
    channel = run.tasks[0].channel
    with pytest.raises(ValueError, match=f"of codec '{NAME}': name it with --codec"):
        load_link(path, channel, SHAPE)
    with pytest.raises(ValueError, match=f"are of codec '{NAME}', not 'adjscc'"):
        load_link(path, channel, SHAPE, name="adjscc")
    link, _ = load_link(path, channel, SHAPE, name=NAME)
    assert run.best["step"] == 60
    with run.average.applied():
        expected = run.links[0].get_weights()
    for one, two in zip(link.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, two)


def test_it_is_gone_on_with_and_started_from(trained, data, tmp_path):
    """From the checkpoint of step 30 to the same weights at 60 (bit for bit, CPU), and
    a new run from the weights."""
    run, path, halfway = trained
    again = trainer(data, tmp_path)
    shutil.copy(halfway, again.checkpoint)
    again.resume()
    assert again.step == 30
    again.fit(progress=False)
    for one, two in zip(
        again.links[0].get_weights(), run.links[0].get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, two)
    with run.average.applied():
        expected = run.links[0].get_weights()
    for price in (0.0, 1e-3):  # of the same configuration, and of another one
        started = trainer(data, tmp_path, start_from=path, price=price)
        for one, two in zip(started.links[0].get_weights(), expected, strict=True):
            np.testing.assert_array_equal(one, two)


def test_its_own_price_is_added_to_the_loss(data, tmp_path):
    """The mean of ``extra_loss`` over the batch, at its price (1e-5)."""
    free, priced = (trainer(data, tmp_path, price=price) for price in (0.0, 0.01))
    batch = free.batches.at(0)
    packet, _ = free.links[0].run(*batch[:4])
    count = ops.convert_to_numpy(packet.data.count)
    assert set(count) == {32, 64}
    added = float(priced.losses[0](*batch)) - float(free.losses[0](*batch))
    assert added == pytest.approx(0.01 * count.mean(), abs=1e-5)
