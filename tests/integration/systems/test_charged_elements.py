"""Every system of the table is charged for what it occupies of the grid.

Systems with an ideal code are left out: they count bits, and send no symbols.
"""

import functools
import sys
from dataclasses import replace

import numpy as np
import pytest
from keras import ops
from seeded import samples_of

from link_models.codecs import CODECS, build_link
from link_models.links.radio import build_channel
from link_models.systems import entries
from link_models.systems.table import SYSTEMS, build_system
from link_models.weights import store
from scenarios import adaptive_rate, driving_scene, kodak_2x2, mimo_2x2
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.segments import DATA
from semcom_phy.seeding import set_seed
from semcom_phy.source_coding import shared_codec
from semcom_phy.sources.images import load_images
from semcom_phy.sources.samples import Samples

SNR_DB = 15.0
CAPTION = (" ".join(7 * ["a dog runs through the tall green grass"]),)  # 56 words
# Those that select among candidates: test_selection.py; with captions beside images or
# instead of them: tests/integration/edited; of weights that a user imports:
# test_published_systems.py, test_published_ntscc.py.
ELSEWHERE = (
    *("mmsemcom", "candidate", "caption_only"),
    *("swinjscc_wo", "swinjscc_sa", "swinjscc_ra", "witt", "ntscc_official"),
    *("gened_sc", "mask_and_caption", "sgdjscc", "hevc_ldpc_edited"),
    "hevc_ldpc_mask",
)
SENT = [n for n in SYSTEMS if "capacity" not in n and not n.startswith(ELSEWHERE)]
# One of each kind; the others of the table take minutes.
OF_EACH_KIND = {
    "adjscc",
    "deepjscc",
    "linear",
    "hevc_ldpc",
    "eca",
    "eca_low_svd_equal",
    "eca_svd",
    "hevc_ldpc_svd_matched",
    "swinjscc",
    "hevc_ldpc_matched",
    "sa_oosc",
    "ntscc_free",
    "deepjscc_patches",
    "deepjscc_photo",
    "text_polar",
}

OF_CHOSEN_MODES = ("hevc_ldpc_svd_matched",)


def scenario_of(name):
    """A scenario that the system is made for."""
    if name.endswith("_photo"):
        return replace(kodak_2x2.SCENARIO, image_size=(96, 144))
    of_scenes = ("deepjscc_patches", "hevc_ldpc_labels", "hevc_ldpc_student")
    if "oosc" in name or "ntscc" in name or name.startswith(of_scenes):
        return driving_scene.SCENARIO
    if "eca" in name or "swinjscc" in name or "matched" in name:
        return adaptive_rate.SCENARIO
    return mimo_2x2.SCENARIO


@pytest.fixture(scope="module", autouse=True)
def uncompiled():
    """Links as they are, each loaded once; HEVC in the place of BPG, which is the same
    coding in another container and needs a program."""
    load_link, links = entries.load_link, {}

    def load_once(label, channel, shape, num_symbols, codec):
        key = (str(label), channel.framing.num_symbols, num_symbols)
        if key not in links:
            links[key] = load_link(label, channel, shape, num_symbols, codec)
        return links[key]

    def codec(name, shape):
        return shared_codec("hevc" if name == "bpg" else name, shape)

    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.startswith("link_models.") and "compile_fn" in vars(module):
                patch.setattr(module, "compile_fn", lambda fn, jit=True: fn)
        patch.setattr(entries, "load_link", load_once)
        patch.setattr(entries, "shared_codec", codec)
        yield


@pytest.fixture(scope="module")
def deepjscc(tmp_path_factory):
    """Label of weights for DeepJSCC, of which none are shipped."""
    count = mimo_2x2.SCENARIO.num_symbols
    config = {"image_shape": (32, 32, 3), "num_symbols": count, "filters": (4, 4, 4, 4)}
    channel = build_channel(mimo_2x2.SCENARIO)
    link = build_link(CODECS["deepjscc"], [config, config], channel)
    config = {"codec": "deepjscc", "encoder": config, "decoder": config}
    folder = tmp_path_factory.mktemp("weights")
    return store.save(link, folder, "tiny", {"config": config})


@pytest.fixture(scope="module")
def scenes():
    """Pictures and label maps in the place of CamVid's."""
    coarse = np.random.default_rng(3).integers(0, 256, (2, 24, 32, 3)).astype("uint8")
    images = coarse.repeat(8, axis=1).repeat(8, axis=2)
    labels = np.random.default_rng(4).integers(0, 11, (2, 12, 16)).astype("uint8")
    labels = labels.repeat(16, axis=1).repeat(16, axis=2)
    return Samples(images, None, {}, labels=labels)


def sent_frames(monkeypatch):
    """Symbols of every frame that goes over any link, with its framing."""
    frames = []
    for method in ("__call__", "receive"):
        original = getattr(EqualizedOFDMChannel, method)

        @functools.wraps(original)
        def spy(self, x, *more, _original=original):
            frames.append((self.framing, ops.convert_to_numpy(x)))
            return _original(self, x, *more)

        monkeypatch.setattr(EqualizedOFDMChannel, method, spy)
    return frames


def occupied(framing, x):
    """Data resource elements of the grid that carry something, per image."""
    grid = ops.convert_to_numpy(framing.resource_grid(ops.convert_to_tensor(x)))
    data = grid[:, :, :, list(framing.grid.data_ofdm_symbols)]
    return np.any(data != 0, axis=2).sum(axis=(1, 2, 3))


def charged(framing, system, sent):
    """Symbols and resource elements that every image is charged for, and the symbols
    that the description says that it is charged for at most."""
    data, side = sent.spent
    coder = getattr(system, "at_lowest_snr", system).coder
    parts = (data, side)
    if coder.frame.rooms[DATA] is None:  # the data behind the side information
        parts = (data + side,)
    elements = sum(np.ceil(part / framing.num_streams) for part in parts)
    bandwidth = system.describe()["bandwidth"]
    most = bandwidth["data_symbols"] + bandwidth["side_info_symbols"]
    return data + side, elements, most


def check(name, monkeypatch, request):
    scenario = replace(scenario_of(name), csi="perfect")
    if name == "deepjscc":
        weights = str(request.getfixturevalue("deepjscc"))
        scenario = replace(scenario, weights=weights)
    if scenario.dataset == "camvid":
        samples = request.getfixturevalue("scenes")
    else:
        samples = samples_of(load_images("sample", 2, size=scenario.image_size)[0])
        samples = replace(samples, texts=(CAPTION, CAPTION))
    frames = sent_frames(monkeypatch)
    system = build_system(name, scenario)
    set_seed(1)
    h = build_channel(scenario).sample(len(samples))
    sent = system.transmit(samples, SNR_DB, h, range(len(samples)))
    framing, x = frames[-1]
    symbols, elements, most = charged(framing, system, sent)
    carrying, spread = np.count_nonzero(x, axis=1), 0.1
    if name in OF_CHOSEN_MODES:  # an eigenmode that is left empty is charged for
        spread = 0.15  # and half as many symbols of QAM are on average less alike
        assert np.all(np.isin(carrying / elements, range(1, framing.num_streams + 1)))
    else:
        np.testing.assert_array_equal(carrying, symbols)
    assert np.all(symbols <= most)
    np.testing.assert_array_equal(occupied(framing, x), elements)
    # What is on the air has the power of the definitions, 1 per symbol on average.
    power = np.sum(np.abs(x) ** 2, axis=1) / carrying
    np.testing.assert_allclose(power, 1.0, atol=spread)


@pytest.mark.parametrize("name", [n for n in SENT if n in OF_EACH_KIND])
def test_what_is_charged_is_occupied(name, monkeypatch, request):
    """Non-zero symbols and resource elements of the grid, side information included,
    are those that the system counts (exact); their mean power is 1 (0.1: QAM is not
    scaled per image)."""
    check(name, monkeypatch, request)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in SENT if n not in OF_EACH_KIND])
def test_what_is_charged_is_occupied_by_the_others(name, monkeypatch, request):
    """As above, the rest of the table."""
    check(name, monkeypatch, request)


def test_the_table_has_each_kind():
    """Names above are in the table (exact)."""
    assert OF_EACH_KIND <= set(SENT)
