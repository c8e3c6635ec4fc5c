"""SGDJSCC in outline: its denoiser trained on a network that stays as it is, and the
system, in whose frame edge map and caption are."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from keras import ops
from tiny_saliency import pictures_with_masks, save_untrained

from link_models.codecs import load_link
from link_models.links.radio import build_channel
from link_models.systems import semantic_coder
from link_models.systems.edited import saliency
from link_models.systems.table import build_system
from link_models.training import trainer as trainer_module
from link_models.training.denoising.task import DenoisingTask, GuidedData
from link_models.training.recipe import Recipe
from link_models.weights import store
from scenarios import edited_awgn, runner
from semcom_phy.backend import compile_fn, train_step_fn
from semcom_phy.knowledge_base import captioner as captioners
from semcom_phy.phy.segments import ReceivedDigital
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.sources.images import load_images
from semcom_phy.sources.samples import Samples

DATA, EDGES, CAPTION = 128, 144, 112
PLAIN, GUIDED = f"gened_sc_plain_{DATA}", f"sgdjscc_{DATA}"
SCENARIO = replace(edited_awgn.SCENARIO, image_size=32, cbr=Fraction(1, 8))
SAMPLES = Samples(
    load_images("sample", 4, size=32)[0], None, {}, (("a dog runs on the grass",),) * 4
)
CONFIG = {
    "num_symbols": DATA,
    "decoder": {"denoiser_channels": 16, "denoiser_blocks": 1},
}
STEPS = 60


class Named:
    """Says something of every picture."""

    identity = {"model": "named"}

    def caption(self, images):
        return ["a dog on the grass", "two men"] * (len(images) // 2) + [
            "a red bus" for _ in range(len(images) % 2)
        ]


@pytest.fixture(scope="module", autouse=True)
def small():
    """A captioner that takes no time, and functions without XLA, which takes ten
    seconds for each of them."""

    def plain_compile(fn, jit=True):
        return compile_fn(fn, False)

    def plain_step(*args, jit=True, **more):
        return train_step_fn(*args, jit=False, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(captioners.CAPTIONERS, "embedded", Named)
        for module in (trainer_module, semantic_coder):
            patch.setattr(module, "compile_fn", plain_compile)
        patch.setattr(trainer_module, "train_step_fn", plain_step)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures, and a network to stand on."""
    place = tmp_path_factory.mktemp("sgdjscc")
    pictures_with_masks(place / "data", 8)
    save_untrained(place, PLAIN, SCENARIO, DATA, mask="none")
    save_untrained(place, "routed", SCENARIO, DATA)
    return place


def train(folder, *options, out="runs"):
    argv = ["train", "--system", "sgdjscc", "--data", str(folder / "data")]
    argv += ["--codec-config", json.dumps(CONFIG), "--label", GUIDED]
    argv += ["--steps", str(STEPS), "--checkpoint-steps", str(STEPS // 2)]
    argv += ["--batch-size", "8", "--warmup-steps", "2", "--average-decay", "0.9"]
    argv += ["--learning-rate", "0.01"]
    argv += ["--out", str(folder / out), *map(str, options)]
    return runner.main(argv, SCENARIO)


@pytest.fixture(scope="module")
def trained(folder):
    """The label of the weights."""
    assert train(folder, "--start-from", folder / PLAIN) == 0
    return folder / "runs" / GUIDED


def test_training_moves_the_denoiser_alone(folder, trained):
    """All weights that the network has stay as they are (exact)."""
    channel = build_channel(SCENARIO, DATA)
    before, _ = load_link(folder / PLAIN, channel, (32, 32, 3))
    after, record = load_link(trained, channel, (32, 32, 3))
    assert record["config"]["encoder"]["channels"] == 8  # those of the network
    assert record["start_from"] == str(folder / PLAIN)
    for name in ("encoder", "decoder"):
        halves = [
            {_place(w): ops.convert_to_numpy(w) for w in getattr(link, name).weights}
            for link in (before, after)
        ]
        assert len(halves[0]) > 10
        for place, values in halves[0].items():
            np.testing.assert_array_equal(halves[1].pop(place), values)
        assert all("denoiser" in place for place in halves[1])
        assert all(values.any() for values in halves[1].values())


def _place(weight):
    return weight.path.split("/", 1)[1]


def test_a_trained_denoiser_leaves_less_error(folder, trained):
    """Of the pictures that it was trained on: a loss below that of the linear estimate,
    which a silent denoiser is (by more than 0.03, over 64 states)."""
    channel = build_channel(SCENARIO, DATA)
    link, _ = load_link(trained, channel, (32, 32, 3))
    images = load_images("sample", 8, 32)[0]
    embeddings = saliency.patch_embeddings(SCENARIO.dual_encoder)
    embedded = embeddings.of(images, (4, 4))
    captions = embeddings.of_texts(["a dog on the grass"] * 8)
    data = GuidedData(
        *(images, np.stack([embedded] * 2), captions, images, embedded, captions, {})
    )
    task = DenoisingTask("test", channel)
    batch = task.batch(data, Recipe(batch_size=64), 0.0, np.random.default_rng(0))
    batch = [ops.convert_to_tensor(values) for values in batch]
    loss = float(ops.convert_to_numpy(task.training_loss(link, *batch)))
    for weight in link.decoder.denoiser.weights:
        weight.assign(ops.zeros_like(weight))
    silent = float(ops.convert_to_numpy(task.training_loss(link, *batch)))
    assert loss < silent - 0.03


@pytest.mark.parametrize(
    "start, message",
    [((), "a denoiser alone"), (("routed",), "not gened_sc without routing")],
)
def test_training_needs_a_network_without_routing(folder, start, message, capsys):
    """None is named, or another one: one line that says which (exit 2)."""
    options = [word for name in start for word in ("--start-from", folder / name)]
    assert train(folder, *options, out="other") == 2
    error = capsys.readouterr().err
    assert message in error and "--start-from gened_sc_plain_1792" in error


@pytest.fixture
def system(trained):
    return build_system("sgdjscc", replace(SCENARIO, weights=str(trained)))


def transmit(system, snr_db=30.0):
    seeds = image_seeds(1, 0, range(4))
    h = sample_fades(system.channel, seeds)
    return system.transmit(SAMPLES, snr_db, h, seeds)


def losing(system, monkeypatch, *names):
    """Lets segments not arrive."""
    split = system.coder.frame.split

    def without(x_hat, no_eff, placed):
        gone = ReceivedDigital([None] * 4, np.zeros(4, bool))
        return split(x_hat, no_eff, placed) | dict.fromkeys(names, gone)

    monkeypatch.setattr(system.coder.frame, "split", without)


def test_all_of_the_guide_is_charged(system):
    """Rooms of the edge map and of the caption beside the data (exact); what the
    receiver holds is said."""
    sent = transmit(system)
    np.testing.assert_array_equal(sent.spent.data, DATA)
    np.testing.assert_array_equal(sent.spent.side, EDGES + CAPTION)
    assert sent.delivered.texts == ["a dog runs on the grass"] * 4
    assert not sent.lost["side"].any() and not sent.lost["caption"].any()
    about = system.describe()
    encoders = "dual encoder that finds the foreground", "captioner and text encoder"
    assert about["knows"] == ["average SNR", *encoders]
    assert about["edge_symbols"] == EDGES and about["steps"] == 4


@pytest.mark.parametrize("name", ["side", "caption"])
def test_what_is_lost_of_the_guide_is_no_outage(system, monkeypatch, name):
    """The images are others than with it, and no outage; the loss is noted (exact)."""
    whole = transmit(system, 4.0)
    losing(system, monkeypatch, name)
    sent = transmit(system, 4.0)
    assert sent.lost[name].all() and not sent.outage.any()
    assert (sent.delivered.images != whole.delivered.images).any()


def test_without_a_guide_the_source_tells_the_receiver_nothing(system, monkeypatch):
    """Neither arrives: the images are those of a decoder that is told zeros (exact)."""
    losing(system, monkeypatch, "side", "caption")
    sent = transmit(system, 4.0)
    heard = []
    decode = system.coder.coder.link.decoder.decode

    def listen(received, known, training=False):
        heard.append(received.side)
        return decode(received, known, training)

    monkeypatch.setattr(system.coder.coder.link.decoder, "decode", listen)
    again = build_again(system, monkeypatch)
    np.testing.assert_array_equal(sent.delivered.images, again.delivered.images)
    (guide,) = heard
    assert not ops.convert_to_numpy(guide.arrived).any()
    assert not ops.convert_to_numpy(guide.caption).any()


def build_again(system, monkeypatch):
    """The transmission with a decoder that is not compiled, and so heard."""
    coder = system.coder.coder
    monkeypatch.setattr(coder, "_decode", coder._decode_batch)
    return transmit(system, 4.0)


def test_a_rate_without_weights_is_refused(folder, monkeypatch):
    """What is shipped is named."""
    monkeypatch.setattr(saliency, "SHIPPED", folder / "runs")
    monkeypatch.setattr(store, "SHIPPED", folder / "runs")
    with pytest.raises(ValueError, match="is trained for .* data symbols, 2816"):
        build_system("sgdjscc", replace(SCENARIO, cbr=Fraction(1)))
