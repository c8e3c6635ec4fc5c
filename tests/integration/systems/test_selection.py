"""Systems that select among candidates, from training to a sweep."""

import json

import numpy as np
import pytest
from tiny_selection import CLASSES, TinyGenerator, tiny_models

from link_models.systems.table import SYSTEMS, build_system
from scenarios import generated_2x2, generated_awgn
from scenarios.kinds.generated import GeneratedScenario
from semcom_phy.knowledge_base.class_prompts import class_prompt
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.sources.samples import Samples

SELECTING = [n for n in SYSTEMS if n.startswith(("mmsemcom", "candidate"))]
BY_FEATURES = [n for n in SELECTING if n.startswith("mmsemcom")]
NUM = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("selection")


@pytest.fixture(scope="module")
def weights(folder):
    """Features of the tiny models, trained for a moment over both links."""
    with pytest.MonkeyPatch.context() as patch:
        tiny_models(patch)
        arguments = ["train", "--system", "mmsemcom", "--data", "sample"]
        arguments += ["--together-with", "generated_awgn", "--steps", "30"]
        arguments += ["--batch-size", "16", "--label", "tiny", "--out", str(folder)]
        assert generated_2x2.main(arguments) == 0
    return folder / "tiny.weights.h5"


@pytest.fixture
def tiny(monkeypatch):
    tiny_models(monkeypatch)


def scenario(folder, weights, **more):
    return GeneratedScenario(
        **{
            "name": "test",
            "channel": "awgn",
            "csi": "perfect",
            "dataset": "sample",
            "generator": "tiny",
            "class_names": CLASSES,
            "candidates": NUM,
            "top_by_text": 4,
            "candidates_folder": folder / "candidates",
            "weights": str(weights),
        }
        | more
    )


def targets(count=8):
    """Candidates themselves: what is sent can be selected without an error."""
    labels = np.arange(count) % len(CLASSES)
    images = np.stack(
        [
            TinyGenerator().generate([class_prompt(CLASSES[label])], 1, NUM)[0][i % NUM]
            for i, label in enumerate(labels)
        ]
    )
    return Samples(images, None, {}, labels=labels, class_names=CLASSES)


def transmitted(name, scene, snr_db, samples=None):
    system = build_system(name, scene)
    samples = samples or targets()
    seeds = image_seeds(3, 0, range(len(samples)))
    h = sample_fades(system.channel, seeds)
    return system.transmit(samples, snr_db, h, seeds)


def test_the_validation_of_training_says_what_share_is_right(weights):
    record = json.loads(weights.with_suffix("").with_suffix(".json").read_text())
    found = record["validation"]
    shares = str(found)
    assert "selected" in shares and "fused" in shares
    assert record["data"]["features"]["cnn"] == {"model": "tiny cnn"}


@pytest.mark.parametrize("name", SELECTING)
def test_without_noise_the_noiseless_choice_arrives(name, folder, weights, tiny):
    sent = transmitted(name, scenario(folder, weights), 50.0)
    assert not sent.outage.any()
    exact = name not in ("mmsemcom_text", "candidate_random")
    if exact and "digital" not in name:
        np.testing.assert_array_equal(sent.delivered.images, targets().images)
        assert (sent.figures["noiseless_psnr_db"] == 60).all()
    np.testing.assert_array_equal(sent.figures["as_noiseless"], 1)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("mmsemcom_sequential", (32 + 3 * 8) // 2),
        ("mmsemcom_simultaneous", 32),
        ("mmsemcom_simultaneous_repeated", (32 + 3 * 8) // 2),
        ("mmsemcom_sequential_digital", (32 + 3 * 8) // 2),
        ("mmsemcom_image", 16),
        ("mmsemcom_text", 12),
        ("mmsemcom_without_clip", 32),
        ("candidate_oracle", 0),
        ("candidate_random", 0),
    ],
)
def test_what_is_charged(name, data, folder, weights, tiny):
    sent = transmitted(name, scenario(folder, weights), 10.0)
    assert (sent.spent.data == data).all()
    assert (sent.spent.side >= 12).all()


def test_the_index_is_a_short_message(folder, weights, tiny):
    sent = transmitted("candidate_index", scenario(folder, weights), 20.0)
    assert (sent.spent.data == 12).all() and (sent.spent.side == 12).all()


def test_without_a_class_nothing_is_selected(folder, weights, tiny):
    sent = transmitted("candidate_oracle", scenario(folder, weights), -25.0)
    assert sent.outage.any() and (sent.outage == sent.lost["side"]).all()


@pytest.mark.parametrize("name", ["mmsemcom_image", "mmsemcom_sequential_digital"])
def test_noise_leads_to_other_candidates(name, folder, weights, tiny):
    scene = scenario(folder, weights)
    samples = targets(48)
    clean, noisy = (
        transmitted(name, scene, snr_db, samples).figures["as_noiseless"].mean()
        for snr_db in (40.0, -6.0)
    )
    assert clean == 1 and noisy < 0.9


def test_candidates_are_the_same_for_the_next_process(folder, weights, tiny):
    scene = scenario(folder, weights)
    first = transmitted("mmsemcom_image", scene, 5.0)
    files = {p: p.stat().st_mtime_ns for p in (folder / "candidates").iterdir()}
    from link_models.systems.selection import held_candidates

    held_candidates.find_held.cache_clear()  # as in another process
    again = transmitted("mmsemcom_image", scene, 5.0)
    np.testing.assert_array_equal(first.delivered.images, again.delivered.images)
    assert files == {p: p.stat().st_mtime_ns for p in (folder / "candidates").iterdir()}


def test_a_sweep_over_fading_says_what_is_measured(folder, weights, tiny, capsys):
    arguments = ["evaluate", "--dataset", "sample", "--generator", "tiny"]
    arguments += ["--candidates", "12", "--images", "6", "--snr", "5", "20"]
    arguments += ["--candidates-folder", str(folder / "candidates")]
    arguments += ["--class-names", *CLASSES, "--weights", str(weights)]
    arguments += ["--systems", "mmsemcom_sequential", "candidate_index"]
    assert generated_2x2.main([*arguments, "--out", str(folder / "sweep")]) == 0
    said = capsys.readouterr().out
    assert "12 of every class by the generator 'tiny'" in said
    result = json.loads((folder / "sweep" / "mmsemcom_sequential.json").read_text())
    assert "noiseless_psnr_db" in str(result)
    assert "candidates_folder" not in result["scenario"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--dataset", "seen"], "keeps no list of what it was trained on"),
        (["--prompts", "8"], "prompts must be a whole number from 1 to 7, got 8"),
        (["--class", "zebra"], "'zebra' is none of the generator's"),
        (["--candidates", "0"], "from 1 to 5000, got 0"),
        (["--image-size", "64"], "paint 32x32"),
        (["--prompt-list", "nowhere.txt"], "'nowhere.txt' is missing"),
    ],
)
def test_bad_options_are_one_line(wrong, message, folder, weights, tiny, capsys):
    arguments = ["evaluate", "--generator", "tiny", "--weights", str(weights)]
    arguments += ["--images", "2", "--out", str(folder / "x")]
    if "--dataset" not in wrong:
        arguments += ["--dataset", "sample"]
    assert generated_awgn.main([*arguments, *wrong]) == 2
    said = capsys.readouterr().err.strip()
    assert message in said and "\n" not in said


def test_weights_of_other_models_are_refused(folder, weights, tiny, monkeypatch):
    scene = scenario(folder, weights)
    features = scene.held_candidates().features
    other = features.identity | {"cnn": {"model": "another"}}
    monkeypatch.setattr(features, "identity", other)
    with pytest.raises(ValueError, match="trained on features of 'tiny cnn'"):
        build_system("mmsemcom_image", scene)


def test_scenarios_without_candidates_say_so():
    from scenarios.mimo_2x2 import SCENARIO

    with pytest.raises(ValueError, match="has no image generator to select from"):
        build_system("candidate_index", SCENARIO)
