"""Trained weights: stored whole, loaded only where they belong."""

import json
import shutil
from dataclasses import replace

import h5py
import keras
import numpy as np
import pytest
from keras import ops

from link_models.codecs import CODECS, build_link, load_link
from link_models.systems.table import build_system
from link_models.training import __main__ as training_command
from link_models.training.ship import STORED_AS, ship
from link_models.weights import store
from scenarios import mimo_2x2
from scenarios.command.options import scenario_parser
from scenarios.scenario import Scenario
from semcom_phy.knowledge_base.embedded_weights import load_weights, save_weights
from semcom_phy.phy.channels import AWGN
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing

SHAPE = (16, 16, 3)
CONFIG = {"image_shape": SHAPE, "symbol_counts": (64,), "filters": 4, "num_blocks": 2}


def channel(num_symbols=64):
    return EqualizedOFDMChannel(AWGN(), Framing(num_symbols, 1))


def link(**changes):
    config = CONFIG | changes
    return build_link(CODECS["adjscc"], (config, config), channel())


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A link with random weights and where they are stored."""
    model, rng = link(), np.random.default_rng(0)
    model.set_weights(
        [rng.integers(0, 9, w.shape).astype(w.dtype) for w in model.get_weights()]
    )
    config = {"codec": "adjscc", "encoder": CONFIG, "decoder": CONFIG}
    folder = tmp_path_factory.mktemp("weights")
    return model, store.save(model, folder, "mine", {"config": config})


@pytest.fixture
def copies(stored, tmp_path):
    """JSON and weights file to be damaged."""
    for path in stored[1].parent.iterdir():
        shutil.copy(path, tmp_path)
    return tmp_path / "mine.json", tmp_path / "mine.weights.h5"


@pytest.mark.parametrize("suffix", ["", ".json", ".weights.h5"])
def test_weights_come_back(stored, suffix):
    """Every variable, by label or by either file; no temporary file stays (exact)."""
    model, path = stored
    again, record = load_link(f"{path.parent}/mine{suffix}", channel(), SHAPE)
    for one, two in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, two, err_msg=one.path)
    assert record["label"] == "mine"
    assert {p.name for p in path.parent.iterdir()} == {"mine.json", "mine.weights.h5"}


def test_files_lying_about_do_not_take_the_place_of_shipped_weights(
    copies, tmp_path, monkeypatch
):
    """A label of the table is that of the project's files; the user names others as a
    file, with or without suffix, or by an option as a plain name (exact)."""
    for path in copies:
        path.rename(tmp_path / path.name.replace("mine", "adjscc_32x32"))
    monkeypatch.chdir(tmp_path)
    shipped = store.SHIPPED / "adjscc_32x32.json"
    assert store.find("adjscc_32x32") == shipped
    here = ("./adjscc_32x32", "adjscc_32x32.json", "adjscc_32x32.weights.h5")
    given = scenario_parser(mimo_2x2.SCENARIO).parse_args
    options = [given(["--weights", name]).weights for name in ("adjscc_32x32", *here)]
    started = given(["train", "--start-from", "adjscc_32x32"]).start_from
    for name in (*here, *options, started):
        assert store.find(name).resolve() == tmp_path / "adjscc_32x32.json", name
    assert given(["--weights", "eca_2x2_c16"]).weights == "eca_2x2_c16"
    for path in tmp_path.iterdir():
        path.rename(path.name.replace("adjscc_32x32", "mine"))
    assert given(["--weights", "mine"]).weights == "mine"
    assert store.find("mine").resolve() == tmp_path / "mine.json"


def test_shipped_weights_take_half_the_room(tmp_path, capsys):
    """Matrices within half a unit of their eleventh bit, vectors and integers as they
    are; the JSON says so and belongs to the new file (exact)."""
    model, rng = link(filters=16), np.random.default_rng(0)
    model.set_weights(
        [rng.normal(size=w.shape).astype(w.dtype) for w in model.get_weights()]
    )
    config = CONFIG | {"filters": 16}
    about = {"config": {"codec": "adjscc", "encoder": config, "decoder": config}}
    path = store.save(model, tmp_path / "runs", "mine", about)
    shipped = tmp_path / "shipped" / "mine.json"
    argv = ["ship", str(path), "--out", str(shipped.parent)]
    assert training_command.main(argv) == 0
    assert capsys.readouterr().out == f"wrote {shipped}\n"
    again, record = load_link(shipped, channel(), SHAPE)
    for one, two in zip(model.weights, again.weights, strict=True):
        one, two = ops.convert_to_numpy(one), ops.convert_to_numpy(two)
        tolerance = 2.0**-11 * np.abs(one) + 2.0**-25 if one.ndim > 1 else 0.0
        assert np.all(np.abs(one - two) <= tolerance)
    assert record["stored_as"] == STORED_AS.format("")
    sizes = [store.weights_path(p).stat().st_size for p in (shipped, path)]
    assert sizes[0] < 0.6 * sizes[1]


def test_every_shipped_file_can_be_read():
    """By the HDF5 of either generation: that of TensorFlow's environment is older, and
    Keras takes a part that it cannot read for one that is not there."""
    files = sorted(store.SHIPPED.glob("*.weights.h5"))
    assert files
    for path in files:
        found = []
        with h5py.File(path) as file:
            file.visititems(lambda name, item, found=found: found.append(name))
        assert found, path.name


def test_numbers_beyond_half_precision_are_not_shipped(tmp_path, capsys):
    """65504 is the largest; nothing is written in place of shipped weights (exact)."""
    model = link()
    model.set_weights([np.full_like(w, 7e4) for w in model.get_weights()])
    path = store.save(model, tmp_path, "mine", {"config": {}})
    with pytest.raises(ValueError, match="holds 70000, which does not fit into 16"):
        ship(path, tmp_path / "shipped")
    assert training_command.main(["ship", str(path), "--out", str(path.parent)]) == 2
    assert "does not fit into 16 bits" in capsys.readouterr().err
    assert not list((tmp_path / "shipped").iterdir())


def test_embedded_models_are_shipped_with_fewer_bits(tmp_path, capsys):
    """By the path of their files without endings; the JSON says so and belongs to the
    new file (half of the last bit). Bits out of range are refused."""
    rng = np.random.default_rng(0)
    tensors = {"weight": rng.normal(size=(40, 50)).astype("float32")}
    save_weights("mine", tensors, {"config": {}, "command": "none"}, tmp_path)
    argv = ["ship", "--embedded", str(tmp_path / "mine"), "--out"]
    argv += [str(tmp_path / "shipped"), "--mantissa-bits"]
    assert training_command.main([*argv, "7"]) == 0
    shipped = tmp_path / "shipped" / "mine.json"
    assert capsys.readouterr().out == f"wrote {shipped}\n"
    found, record = load_weights("mine", shipped.parent)
    np.testing.assert_allclose(found["weight"], tensors["weight"], rtol=2.0**-7)
    assert (found["weight"].view(np.uint32) & (2 ** (23 - 7) - 1) == 0).all()
    assert record["stored_as"] == STORED_AS.format(" of 7 mantissa bits")
    assert training_command.main([*argv, "11"]) == 2
    assert "must be from 1 to 10, got 11" in capsys.readouterr().err
    assert load_weights("mine", shipped.parent)[1] == record


def test_missing_files_are_named(copies):
    """An unknown label, with one that is like it or those of its folder, and a JSON
    without its weights (exact)."""
    folder, near = copies[0].parent, copies[0].parent / "mine"
    for label, told in {
        "nobody": "'nobody': there is no nobody.json, and there are .*adjscc_32x32,",
        "adjsc_32x32": "'adjsc_32x32'; did you mean 'adjscc_32x32'. Train others",
        folder / "mime": f"/mime'; did you mean '{near}'",
        "runs_of/no": "there is no runs_of/no.json, and runs_of holds none; train some",
    }.items():
        with pytest.raises(FileNotFoundError, match=f"no weights .*{told}"):
            load_link(label, channel(), SHAPE)
    copies[1].unlink()
    with pytest.raises(FileNotFoundError, match="mine.weights.h5 is missing beside"):
        load_link(copies[0], channel(), SHAPE)


@pytest.mark.parametrize("damage", ["truncated", "altered", "empty"])
def test_damaged_weights_are_refused(copies, damage):
    """One bit is enough: the SHA-256 tells (exact)."""
    data = bytearray(copies[1].read_bytes())
    data[len(data) // 2] ^= damage == "altered"
    size = {"truncated": len(data) // 2, "altered": len(data), "empty": 0}[damage]
    copies[1].write_bytes(data[:size])
    with pytest.raises(ValueError, match="truncated or altered"):
        load_link(copies[0], channel(), SHAPE)


@pytest.mark.parametrize(
    "changes",
    [{"num_blocks": 1}, {"num_blocks": 3}, {"filters": 5}, {"symbol_counts": (32, 64)}],
)
def test_weights_of_another_configuration_are_refused(stored, changes):
    """Also those that Keras would load in part: fewer or more blocks (exact)."""
    with pytest.raises(ValueError, match="weights of another configuration.*filters"):
        store.load(link(**changes), stored[1])


def test_another_image_size_or_rate_is_refused(stored):
    """What they were made for is named, with the remedy (exact)."""
    with pytest.raises(ValueError, match="made for images of 16x16, not 32x32"):
        load_link(stored[1], channel(), (32, 32, 3))
    with pytest.raises(ValueError, match="received 96: give the cbr 64/"):
        load_link(stored[1], channel(96), SHAPE)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"label": "mine", "config": {}, "sha256": ""}'],
)
def test_a_json_that_is_none_is_refused(copies, text):
    """Broken JSON and other files (exact)."""
    copies[0].write_text(text)
    with pytest.raises(ValueError, match="does not describe weights"):
        load_link(copies[0], channel(), SHAPE)


def test_a_json_without_a_codec_is_refused(copies):
    """The missing key is named (exact)."""
    record = json.loads(copies[0].read_text())
    del record["config"]["decoder"]
    copies[0].write_text(json.dumps(record))
    with pytest.raises(ValueError, match="describes no codec.*decoder"):
        load_link(copies[0], channel(), SHAPE)


def test_systems_take_only_weights_of_their_codec(stored):
    """Weights of ADJSCC are none of DeepJSCC, which has no default (exact)."""
    scenario = Scenario("test", channel="awgn", image_size=16, cbr="1/12")
    assert scenario.num_symbols == 64
    with pytest.raises(ValueError, match="are of codec 'adjscc', not 'deepjscc'"):
        build_system("deepjscc", replace(scenario, weights=str(stored[1])))
    with pytest.raises(ValueError, match="no weights are shipped for 'deepjscc'"):
        build_system("deepjscc", scenario)


def scrambled(model, seed):
    """The model with other numbers in every variable."""
    rng = np.random.default_rng(seed)
    model.set_weights(
        [rng.integers(0, 99, w.shape).astype(w.dtype) for w in model.get_weights()]
    )
    return model


def values(model):
    return [ops.convert_to_numpy(w) for w in model.weights]


def fresh_names():
    """The next model and its parts get names without numbers, as in a new process."""
    keras.utils.clear_session()


@pytest.mark.parametrize("forwards", [True, False])
def test_transfer_between_equal_models(forwards):
    """All weights are copied, each to its own place, whichever model was made first,
    also those of encoder and decoder that share a path (exact)."""
    fresh_names()
    one, two = (scrambled(link(), seed) for seed in (1, 2))
    paths = [w.path for w in one.weights]
    assert len(set(paths)) < len(paths) and paths != [w.path for w in two.weights]
    source, target = (one, two) if forwards else (two, one)
    before = values(source)
    assert store.transfer(source, target) == []
    for kept, copied, original in zip(
        values(source), values(target), before, strict=True
    ):
        np.testing.assert_array_equal(kept, original)
        np.testing.assert_array_equal(copied, original)


@pytest.mark.parametrize("forwards", [True, False])
def test_transfer_tells_what_is_missing(forwards):
    """A block more and other rates: what has another name or shape keeps its values and
    is named, the rest is copied (exact)."""
    fresh_names()
    changes = {"num_blocks": 3, "symbol_counts": (32, 64)}
    if forwards:
        source, target = scrambled(link(), 1), scrambled(link(**changes), 2)
    else:
        target, source = scrambled(link(**changes), 2), scrambled(link(), 1)
    before = values(target)
    missing = store.transfer(source, target)
    new_block = [place for place in missing if "_2/" in place]
    parts = ("conv_a_2/", "conv_b_2/", "attention_2/hidden/", "attention_2/factor/")
    assert sorted(new_block) == sorted(
        f"{half}/trunk/{part}{kind}"
        for half in ("encoder", "decoder")
        for part in parts
        for kind in ("kernel", "bias")
    )
    ours = dict(zip((w.path for w in source.weights), values(source), strict=True))
    kept = 0
    for weight, old in zip(target.weights, before, strict=True):
        tail = weight.path.split("/", 1)[-1]
        new = ops.convert_to_numpy(weight)
        if any(place.endswith(tail) and "spectrum" not in place for place in missing):
            np.testing.assert_array_equal(new, old, err_msg=weight.path)
            kept += 1
    assert kept == len(missing) < len(target.weights)
    for tail in ("trunk/conv_a_0/kernel", "trunk/conv_b_1/bias", "trunk/stem/kernel"):
        for half in ("encoder", "decoder"):
            (copied,) = (
                ops.convert_to_numpy(w)
                for w in target.weights
                if w.path.endswith(tail) and half in w.path
            )
            (original,) = (
                value
                for path, value in ours.items()
                if path.endswith(tail) and half in path
            )
            np.testing.assert_array_equal(copied, original, err_msg=tail)
