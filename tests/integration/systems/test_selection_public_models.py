"""MMSemCom with a ResNet and a CLIP by folder: the path of the public models."""

import json

import pytest
from tiny_transformers import save_tiny_clip, save_tiny_resnet

from scenarios import generated_awgn


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Options that name both folders."""
    folder = tmp_path_factory.mktemp("public")
    save_tiny_resnet(folder / "resnet")
    save_tiny_clip(folder / "clip")
    told = ["--cnn", str(folder / "resnet"), "--dual-encoder", str(folder / "clip")]
    return [*told, "--candidates-folder", str(folder / "candidates")]


def test_weights_are_trained_for_them_and_used(models, tmp_path, capsys):
    train = ["train", "--system", "mmsemcom", "--data", "sample", "--steps", "2"]
    train += ["--batch-size", "8", "--label", "public", "--out", str(tmp_path)]
    assert generated_awgn.main([*train, *models[:4]]) == 0  # no candidates to train
    record = json.loads((tmp_path / "public.json").read_text())
    sizes = record["config"]["encoder"]
    trained = record["data"]["features"]
    assert "resnet" in str(trained["cnn"]) and "clip" in str(trained["dual_encoder"])
    use = ["--weights", str(tmp_path / "public"), "--images", "4", "--snr", "20"]
    use += ["--candidates", "4", "--systems", "mmsemcom_sequential"]
    assert generated_awgn.main([*use, *models, "--out", str(tmp_path / "out")]) == 0
    result = json.loads((tmp_path / "out" / "mmsemcom_sequential.json").read_text())
    values = 3 * sizes["text_width"] + 32
    assert result["description"]["values"] == values
    assert result["description"]["bytes_as_floats"] == 4 * values
    capsys.readouterr()
    # Weights of other models are refused by name, in one line.
    wrong = [*use, *models[4:], "--out", str(tmp_path / "wrong")]
    assert generated_awgn.main(wrong) == 2
    *_, said = capsys.readouterr().err.strip().splitlines()  # behind progress bars
    assert "were trained on features of 'resnet'" in said
