"""Makes `published/*.npz` from vectors of the authors' code; from the repository root:

    python tests/reference/make_published_vectors.py FOLDER           thins and writes
    python tests/reference/make_published_vectors.py FOLDER --check   compares it all

FOLDER holds files `tiny*.npz`: state of a small network of random weights under the
names of its checkpoint, `io/...` with what enters and leaves every part of it, and
`config_json`, from the classes of semcomm/SwinJSCC a6d0e6d, KeYang8/WITT 2460db5 and
wsxtyrdd/NTSCC_JSAC22 dd3c745.
Weights are multiples of 1/2048 and images of 1/255, so that small integers hold them.
Of everything that comes out 64 values are kept, and all of masks.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from keras import ops
from ntscc_vectors import NtsccNetworks, ntscc_outputs, variant_of

from link_models.training.published.fill import check_entries, fill
from link_models.training.published.swinjscc_entries import (
    decoder_entries,
    encoder_entries,
    is_buffer,
    sizes_of,
)
from semcom_phy.codecs.swinjscc_official import (
    SwinJSCCOfficialDecoder,
    SwinJSCCOfficialEncoder,
)
from semcom_phy.phy.channel_models.batch_channel import send_over_batch

FOLDER = Path(__file__).parent / "published"
MODELS = {
    "SwinJSCC_w/o_SAandRA": "swinjscc_wo",
    "SwinJSCC_w/_SA": "swinjscc_sa",
    "SwinJSCC_w/_RA": "swinjscc_ra",
    "SwinJSCC_w/_SAandRA": "swinjscc_sa_ra",
    "WITT": "witt",
    "WITT_W/O": "witt_wo",
}
STORED = (  # one of each variant, and one of four stages with each kind of link
    "tiny2_wo_SAandRA",
    "tiny2_w_SA",
    "tiny2_w_RA",
    "tiny4_w_SAandRA",
    "tiny2_WITT",
    "tiny2_WITT_WO",
    "tiny_JSAC22_wo_z",
    "tiny_JSAC22_with_z",
)
NUM_KEPT = 64
RATES = "rate_choice_tensor"
WHOLE = ("image", "noise_re", "noise_im", "chan/h", "mask")
NOISE = "chan/noise_re"
WEIGHT_STEPS, PIXEL_STEPS = 2048, 255


def read(path):
    """State, ``io`` arrays and configuration of a file, thinned or not."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    config = json.loads(str(arrays.pop("config_json")))
    io = {n.removeprefix("io/"): a for n, a in arrays.items() if n.startswith("io/")}
    state = {n: a for n, a in arrays.items() if not n.startswith("io/")}
    if "used" not in config:  # the whole vectors
        return state, io, config
    start, packed = 0, state["packed"].astype("float32") / np.float32(WEIGHT_STEPS)
    for name, shape in config["used"].items():
        size = int(np.prod(shape))
        state[name] = packed[start : start + size].reshape(shape)
        start += size
    for name, shape in config["unused"].items():
        state[name] = np.zeros(shape, "float32")
        if name.endswith(RATES):
            state[name] = np.array(config["multiple_rate"])
    del state["packed"]
    for name, array in io.items():
        if name.endswith("image"):
            io[name] = array.astype("float32") / np.float32(PIXEL_STEPS)
    return state, io, config


def thin(state, io, config):
    """What is stored of them, a `dict` of arrays."""
    networks = networks_of(state, config, tuple(io["image"].shape[2:]))
    used = [e.name for e in networks.entries if e.variable is not None]
    used = list(dict.fromkeys(used))  # some go to both ends
    config = config | {
        "used": {name: state[name].shape for name in used},
        "unused": {n: a.shape for n, a in state.items() if n not in used},
    }
    weights = np.concatenate([state[name].ravel() for name in used])
    packed = np.rint(weights * WEIGHT_STEPS).astype("int16")
    np.testing.assert_array_equal(packed / WEIGHT_STEPS, weights)
    # In one array: an archive takes more for the name of a small one than for itself.
    arrays = {"config_json": np.array(json.dumps(config)), "packed": packed}
    whole = ["received"]
    if not is_ntscc(config):
        whole = [f"{c['name']}/received" for c in config["conditions"]]
        whole = [name for name in whole if name.replace("received", NOISE) not in io]
    for name, array in io.items():
        if name.endswith("image"):
            array = np.rint(array * PIXEL_STEPS).astype("uint8")
        elif not name.endswith(WHOLE) and name not in whole:
            array = array.ravel()[places(array.size, NUM_KEPT)]
        arrays["io/" + name] = array
    return arrays


def places(size, count):
    """Evenly spaced places of so many values, or all."""
    return np.linspace(0, size - 1, min(size, count)).astype(int)


def is_ntscc(config):
    """Whether vectors are of NTSCC."""
    return "use_side_info" in config


def model_of(config):
    """What vectors would be imported as."""
    return variant_of(config) if is_ntscc(config) else MODELS[config["model"]]


def networks_of(state, config, sides):
    """Encoder and decoder with the weights of a state, for images of a size."""
    return (NtsccNetworks if is_ntscc(config) else Networks)(state, config, sides)


class Networks:
    """Those of SwinJSCC and WITT."""

    def __init__(self, state, config, sides):
        sizes = sizes_of(state, model_of(config))
        sizes["image_shape"] = (*sides, 3)
        self.encoder = SwinJSCCOfficialEncoder(**sizes)
        self.decoder = SwinJSCCOfficialDecoder(**sizes)
        self.encoder.build(None)
        self.decoder.build(None)
        self.entries = [*encoder_entries(self.encoder), *decoder_entries(self.decoder)]
        assert not check_entries(state, self.entries, is_buffer)
        fill(state, self.entries)


def outputs(networks, condition, io):
    """Everything that a condition makes, as (name, array in the authors' layout)."""
    encoder, decoder, name = networks.encoder, networks.decoder, condition["name"]
    images = io[condition["image"].removeprefix("io/")]
    x = ops.convert_to_tensor(images.transpose(0, 2, 3, 1))
    snr_db = ops.full((len(images),), float(condition["snr_db"]))
    kept = None
    if condition["rate"] is not None:
        kept = ops.full((len(images),), condition["rate"], dtype="int32")
    common = f"{name}/enc" if name == "alt" else "enc"
    yield from _stages(encoder, x, common)
    yield from _modulated(encoder, x, snr_db, kept, f"{name}/enc")
    features, mask = encoder.features(x, snr_db, kept)
    yield f"{name}/enc/output", _tokens(features)
    if mask is not None:
        yield f"{name}/enc/mask", _array(mask)
    received = io[f"{name}/received"]
    if f"{name}/{NOISE}" in io:
        no = 10 ** (-condition["snr_db"] / 10)
        noise = io[f"{name}/chan/noise_re"] + 1j * io[f"{name}/chan/noise_im"]
        noise = ops.convert_to_tensor((noise / np.sqrt(no)).astype("complex64"))
        heard = send_over_batch(features, mask, no, noise, io.get(f"{name}/chan/h"))
        yield f"{name}/chan/avg_power", _array(heard.power)[None]
        yield f"{name}/chan/symbols_re", _array(heard.symbols).real
        yield f"{name}/chan/symbols_im", _array(heard.symbols).imag
        received = _tokens(heard.features)
        yield f"{name}/received", received
    received = received.reshape(len(images), *encoder.grid, -1)
    yield from _decoded(decoder, ops.convert_to_tensor(received), snr_db, name)


def _stages(encoder, x, name):
    x = encoder.embed(x)
    yield f"{name}/patch_embed", _tokens(x)
    for i, stage in enumerate(encoder.stages):
        if i:
            x = encoder.merges[i - 1](x)
            yield f"{name}/stage{i}.downsample", _tokens(x)
        for j, block in enumerate(stage.blocks):
            x = block(x)
            yield f"{name}/stage{i}.block{j}", _tokens(x)
        yield f"{name}/stage{i}", _tokens(x)
    yield f"{name}/norm", _tokens(encoder.norm(x))


def _modulated(encoder, x, snr_db, kept, name):
    x = encoder.analyse(x)
    if encoder.snr_adaptive:
        x, factors = encoder.snr_modnet(x, snr_db[:, None])
        yield f"{name}/snr_mod", _tokens(factors)
        yield f"{name}/after_snr_mod", _tokens(x)
        yield f"{name}/before_head", _tokens(x)
    if encoder.rate_adaptive:
        x, factors = encoder.rate_modnet(x, ops.cast(kept, "float32")[:, None])
        yield f"{name}/rate_mod", _tokens(factors)
        yield f"{name}/before_mask", _tokens(x)
        yield f"{name}/channel_score", _array(ops.sum(factors, axis=(1, 2)))


def _decoded(decoder, received, snr_db, name):
    x = received
    if not decoder.rate_adaptive:
        x = decoder.head(x)
        yield f"{name}/dec/head", _tokens(x)
    if decoder.snr_adaptive:
        x, factors = decoder.snr_modnet(x, snr_db[:, None])
        yield f"{name}/dec/snr_mod", _tokens(factors)
    yield f"{name}/dec/stage0_input", _tokens(x)
    for i, (stage, split) in enumerate(
        zip(decoder.stages, decoder.splits, strict=True)
    ):
        for j, block in enumerate(stage.blocks):
            x = block(x)
            yield f"{name}/dec/stage{i}.block{j}", _tokens(x)
        x = split(x)
        yield f"{name}/dec/stage{i}", _tokens(x)
    images = _array(decoder.reconstruct(received, snr_db))
    yield f"{name}/dec/output", images.transpose(0, 3, 1, 2)


def differences(state, io, config):
    """Largest difference of every part, relative to its largest value or 1.

    Output
    ------
    : `dict` of name without its condition -> `float`
        Of what is stored of the part, over all conditions
    """
    worst = {}
    for part, name, array in _parts(state, io, config):
        if name in io:
            stored = io[name].ravel()
            ours = array.ravel()[places(array.size, stored.size)]
            error = np.abs(ours - stored).max() / max(1.0, np.abs(stored).max())
            worst[part] = max(worst.get(part, 0.0), float(error))
    return worst


def _parts(state, io, config):
    """What is made, as (name without its condition, name, array)."""
    if is_ntscc(config):
        networks = networks_of(state, config, io["image"].shape[2:])
        for name, array in ntscc_outputs(networks, config, io):
            yield name, name, array
        return
    networks = {}
    for condition in config["conditions"]:
        sides = io[condition["image"].removeprefix("io/")].shape[2:]
        if sides not in networks:
            networks[sides] = networks_of(state, config, sides)
        for name, array in outputs(networks[sides], condition, io):
            yield name.removeprefix(condition["name"] + "/"), name, array


def _tokens(x):
    x = _array(x)
    return x.reshape(len(x), -1, x.shape[-1])


def _array(tensor):
    return np.asarray(ops.convert_to_numpy(tensor))


def main(argv=None):
    parser = argparse.ArgumentParser(prog="make_published_vectors")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args(argv)
    paths = sorted(
        path
        for pattern in ("tiny[24]_*.npz", "tiny_JSAC22_*.npz")
        for path in args.folder.rglob(pattern)
    )
    if not paths:
        print(f"{args.folder} holds no vectors tiny*.npz", file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    for path in paths:
        if args.check:
            found = differences(*read(path))
            print(path.stem, ", ".join(f"{n} {e:.0e}" for n, e in found.items()))
            print(path.stem, f"worst {max(found.values()):.1e}")
        elif path.stem in STORED:
            np.savez_compressed(FOLDER / path.name, **thin(*read(path)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
