"""The importer of published weights: what it writes, and what it refuses."""

import json
import os
import pickle
import sys

import numpy as np
import pytest
import torch
from keras import ops
from published_state import SIZES, entries_of, halves, random_state

from link_models.codecs import load_link
from link_models.training.__main__ import main
from link_models.training.published.fill import check_entries, fill
from link_models.training.published.swinjscc_entries import (
    VARIANTS,
    is_buffer,
    sizes_of,
)
from semcom_phy.phy.channels import AWGN
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.framing import Framing


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def save(state, name="official.pth"):
    torch.save({n: torch.from_numpy(a) for n, a in state.items()}, name)
    return name


def refused(capsys, name, variant="swinjscc_sa_ra"):
    """Lines of a refusal, after which nothing is written."""
    before = sorted(os.listdir())
    assert main(["import", name, "--as", variant]) == 2
    assert sorted(os.listdir()) == before
    lines = capsys.readouterr().err.splitlines()
    start = "link_models.training import: error: "
    assert lines and all(line.startswith(start) for line in lines)
    return [line.removeprefix(start) for line in lines]


@pytest.mark.parametrize("variant", ["swinjscc_wo", "swinjscc_sa_ra", "witt"])
def test_imported_weights_are_the_codec(variant, capsys):
    """Loaded by their label over a link they compute what the entries do (exact); the
    JSON tells sizes, file and SNRs."""
    state = random_state(variant)
    command = ["import", save(state), "--as", variant, "--trained-snr", "1", "13"]
    assert main(command) == 0
    assert f"wrote runs/{variant}.json" in capsys.readouterr().out
    record = json.loads(open(f"runs/{variant}.json").read())
    assert record["label"] == variant and record["published"]["as"] == variant
    assert record["recipe"] == {"min_snr_db": 1.0, "max_snr_db": 13.0}
    for key, value in SIZES.items():
        assert record["config"]["encoder"][key] == list(value)
    encoder, decoder = halves(variant)
    fill(state, entries_of(variant))
    channel = EqualizedOFDMChannel(AWGN(), Framing(encoder.most_symbols, 1))
    link, _ = load_link(f"runs/{variant}", channel, (32, 32, 3))
    assert link.snr_range == (1.0, 13.0)
    for ours, imported in ((encoder, link.encoder), (decoder, link.decoder)):
        for one, two in zip(ours.weights, imported.weights, strict=True):
            np.testing.assert_array_equal(*map(ops.convert_to_numpy, (one, two)))


def test_parts_that_a_variant_does_not_use_are_left_out(capsys):
    """ModNets are in checkpoints of the variant without them (exact)."""
    assert main(["import", save(random_state("swinjscc_sa")), "--as", "witt_wo"]) == 0
    assert "left out: 116 entries" in capsys.readouterr().out


def test_every_entry_is_checked(capsys):
    """One line each for a missing, an extra, a wrongly shaped one and one that is not
    finite (exact)."""
    state = random_state("swinjscc_sa_ra")
    del state["encoder.norm.weight"]
    state["encoder.surplus"] = np.zeros((3, 4), "float32")
    state["decoder.layers.0.blocks.1.attn.qkv.weight"] = np.zeros((5, 5), "float32")
    state["encoder.sm_list1.7.bias"][0] = np.nan
    assert sorted(refused(capsys, save(state))) == [
        "extra: encoder.surplus, of shape 3x4",
        "missing: encoder.norm.weight, of shape 10",
        "wrong shape: decoder.layers.0.blocks.1.attn.qkv.weight has 5x5, must have "
        "30x10",
        "wrong values: encoder.sm_list1.7.bias must hold finite floats",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "encoder.patch_embed.proj.weight",
        "encoder.layers.0.blocks.0.attn.proj.bias",
        "encoder.layers.1.blocks.1.norm1.bias",
        "encoder.layers.0.blocks.1.attn.relative_position_bias_table",
        "encoder.layers.1.downsample.reduction.weight",
        "encoder.head_list.weight",
        "decoder.head_list.weight",
        "decoder.layers.1.upsample.increment.weight",
    ],
)
def test_one_wrong_entry_does_not_blame_the_others(name):
    """Sizes are those that most entries have (exact)."""
    state = random_state("swinjscc_wo")
    sizes = sizes_of(state, "swinjscc_wo")
    state[name] = np.zeros([n + 1 for n in state[name].shape], "float32")
    assert sizes_of(state, "swinjscc_wo") == sizes
    (line,) = check_entries(state, entries_of("swinjscc_wo"), is_buffer)
    assert line.startswith(f"wrong shape: {name} has ")


def test_sizes_of_every_variant():
    """Read off the entries of each (exact)."""
    for variant in VARIANTS:
        state = random_state(variant)
        sizes = sizes_of(state, variant)
        config = halves(variant)[0].get_config()
        assert {name: config[name] for name in sizes} == sizes


def test_another_variant_is_refused(capsys):
    """Entries of SA&RA that RA has not, and at most twenty lines of them (exact)."""
    lines = refused(capsys, save(random_state("swinjscc_sa_ra")), "swinjscc_ra")
    assert all(line.startswith("extra: ") for line in lines[:-1])
    assert len(lines) == 21 and lines[-1].startswith("... and ")


class Code:
    """Runs a command when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_code_in_a_pickle_is_not_run(how, capsys):
    """One line, nothing executed; the file is dangerous to who trusts it."""
    if how == "torch":
        torch.save({"encoder.norm.weight": Code()}, "bad.pth")
    else:
        with open("bad.pth", "wb") as file:
            pickle.dump({"encoder.norm.weight": Code()}, file)
    (line,) = refused(capsys, "bad.pth")
    assert line.startswith("bad.pth is refused, nothing in it was run: it holds code")
    assert not os.path.exists("executed")
    if how == "pickle":
        with open("bad.pth", "rb") as file:
            pickle.load(file)
        assert os.path.exists("executed")


def test_files_that_are_no_checkpoints_are_refused(capsys):
    """One line each (exact)."""
    whole = open(save(random_state("swinjscc_wo")), "rb").read()
    for name, content, message in (
        ("cut.pth", whole[: len(whole) // 2], "or cut off"),
        ("text.pth", b"hello", "or cut off"),
        ("empty.pth", b"", "or cut off"),
        ("wrapped.pth", {"model": {"a": torch.zeros(2)}}, "a dict under 'model'"),
        ("list.pth", [torch.zeros(2)], "holds a list, not tensors by their names"),
        ("sparse.pth", {"a": torch.eye(2).to_sparse()}, "'a' as a sparse or quantised"),
    ):
        if isinstance(content, bytes):
            with open(name, "wb") as file:
                file.write(content)
        else:
            torch.save(content, name)
        (line,) = refused(capsys, name)
        assert line.startswith(name) and message in line
    torch.save({"fc.weight": torch.zeros(2, 2)}, "other.pth")
    (line,) = refused(capsys, "other.pth")
    assert "no checkpoint of SwinJSCC or WITT" in line
    (line,) = refused(capsys, "absent.pth")
    assert "there is no checkpoint absent.pth" in line


def test_windows_that_nothing_tells_of_are_refused():
    """Without buffers it is not known which stages shift, without tables how large
    windows are (exact)."""
    state = random_state("swinjscc_wo")
    state = {n: a for n, a in state.items() if not n.endswith("attn_mask")}
    with pytest.raises(ValueError, match="no entry attn_mask"):
        sizes_of(state, "swinjscc_wo")
    state = {n: a for n, a in state.items() if not n.endswith("bias_table")}
    with pytest.raises(ValueError, match="no entry attn.relative_position_bias_table"):
        sizes_of(state, "swinjscc_wo")


def test_missing_torch_is_one_line(capsys, monkeypatch):
    """With the extra that has it (exact)."""
    name = save(random_state("swinjscc_wo"))
    monkeypatch.setitem(sys.modules, "torch", None)
    (line,) = refused(capsys, name, "swinjscc_wo")
    assert line.endswith("which is missing: install semcom-phy[generative]")


@pytest.mark.parametrize("command", ["import", "student", "continual"])
def test_a_label_is_no_path(command, capsys):
    """Before anything is computed: weights of a label with a folder in it would be lost
    when they are written."""
    argv = ["any.pth", "--as", "witt"] if command == "import" else []
    with pytest.raises(SystemExit) as stopped:
        main([command, *argv, "--label", "runs/mine"])
    assert stopped.value.code == 2
    assert "'runs/mine' must be a plain name" in capsys.readouterr().err


@pytest.mark.parametrize("low, high", [("13", "1"), ("nan", "5"), ("1", "inf")])
def test_ranges_of_snrs_are_checked(low, high, capsys):
    """Both ends finite, the lower one first (exact)."""
    name = save(random_state("swinjscc_wo"))
    argv = ["import", name, "--as", "swinjscc_wo", "--trained-snr", low, high]
    assert main(argv) == 2
    assert "--trained-snr must be two finite SNRs" in capsys.readouterr().err


def test_sizes_of_images_are_checked(capsys):
    """Those that do not fit the stages (exact)."""
    name = save(random_state("swinjscc_wo"))
    assert (
        main(["import", name, "--as", "swinjscc_wo", "--image-size", "34", "32"]) == 2
    )
    assert "multiples of 4 pixels" in capsys.readouterr().err
    assert (
        main(["import", name, "--as", "swinjscc_wo", "--image-size", "64", "32"]) == 0
    )
