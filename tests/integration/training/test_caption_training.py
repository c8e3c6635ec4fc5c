"""Training VLM-CSC in turn, and its trained codec as a system."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from keras import ops

import link_models.training.trainer as trainer_module
from link_models.codecs import CODECS
from link_models.links.radio import build_channel
from link_models.systems.entries import Semantic
from link_models.systems.table import build_system
from link_models.training.commands.caption import caption_task
from link_models.training.recipe import Recipe, make_optimizer
from link_models.training.tasks.caption import (
    ROOM,
    caption_data,
    previous_tokens,
    token_rows,
)
from link_models.training.tasks.mutual_information import MutualInformationCritic
from link_models.training.trainer import Trainer
from scenarios import caption_awgn, mimo_2x2, runner, siso_awgn
from semcom_phy.backend import compile_fn, train_step_fn
from semcom_phy.language.caption_tokens import BEGIN
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.sources.samples import Samples

TEXTS = [f"a {one} {two}" for one in ("dog", "cat", "man") for two in ("runs", "sits")]
SMALL = {"width": 16, "word_width": 16, "num_layers": 1, "num_heads": 2, "hidden": 16}
SIXTH = Fraction(1, 6)
AWGN = replace(siso_awgn.SCENARIO, csi="perfect", snr_db=(0.0, 10.0), cbr=SIXTH)
FADING = replace(mimo_2x2.SCENARIO, snr_db=(0.0, 20.0), cbr=SIXTH)


@pytest.fixture(scope="module", autouse=True)
def plain_graphs():
    """The same functions without XLA, which takes ten seconds for each of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            trainer_module, "compile_fn", lambda fn, jit: compile_fn(fn, False)
        )
        patch.setattr(
            trainer_module,
            "train_step_fn",
            lambda *args, jit, **more: train_step_fn(*args, jit=False, **more),
        )
        yield


def trainer(folder, steps, scenario=AWGN, joint=False, label="captions"):
    encoder = CODECS["vlm_csc"].encoder(**SMALL)
    task = caption_task(scenario, encoder, joint)
    recipe = Recipe(
        steps=steps,
        batch_size=8,
        warmup_steps=2,
        learning_rate=1e-2,
        min_snr_db=scenario.snr_db[0],
        max_snr_db=scenario.snr_db[-1],
        checkpoint_steps=max(steps, 1),
        average_decay=0.9,
    )
    data = caption_data(TEXTS * 2, "six sentences")
    return Trainer("vlm_csc", SMALL, SMALL, [task], data, recipe, folder, label)


def values(variables):
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def moved(run, before):
    """Names of the parts whose variables a step changed."""
    link = run.links[0]
    parts = {}
    for variable, old in zip(link.trainable_variables, before, strict=True):
        part = "channel" if "channel_" in variable.path else "semantic"
        changed = not np.array_equal(ops.convert_to_numpy(variable), old)
        parts.setdefault(part, []).append(changed)
    return {part: np.mean(changed) for part, changed in parts.items()}


@pytest.mark.parametrize("joint", [False, True])
def test_phases_train_in_turn(tmp_path, joint):
    """The first moves the channel codec alone, the second all the rest (or all)."""
    run = trainer(tmp_path, 20, joint=joint)
    for step in range(2):  # at a learning rate of 0
        run.step_fns[step](*run.batches.at(step))
    for step, expected in enumerate(
        ({"channel": 1, "semantic": 0}, {"channel": joint, "semantic": 1})
    ):
        before = values(run.links[0].trainable_variables)
        run.step_fns[step](*run.batches.at(step + 2))
        found = moved(run, before)
        for part, share in expected.items():
            assert found[part] >= 0.8 if share else found[part] == 0


def test_training_learns_and_the_weights_serve_a_system(tmp_path):
    """Six sentences are learnt; the system sends them over AWGN, and the number of
    symbols is that of the tokens and of the length message."""
    path = trainer(tmp_path, 240, joint=True).fit(progress=False)
    record = path.read_text()
    assert '"token_accuracy"' in record and "six sentences" in record
    scenario = replace(AWGN, image_size=32)
    system = Semantic("VLM-CSC", "vlm_csc", str(path)).build("vlm_csc", scenario)
    samples = Samples(
        np.zeros((6, 32, 32, 3), np.uint8), None, {}, tuple((t,) for t in TEXTS)
    )
    seeds = image_seeds(1, 0, range(6))
    h = sample_fades(build_channel(scenario), seeds)
    sent = system.transmit(samples, 10.0, h, seeds)
    assert sent.delivered.texts == TEXTS
    assert sent.spent.data.tolist() == [24.0] * 6
    assert sent.spent.side.tolist() == [12.0] * 6
    assert system.describe()["parameters"] > 0


def test_letters_that_training_never_spelled_are_refused(tmp_path):
    """Those of the training are in the JSON; others would come out wrong."""
    path = trainer(tmp_path, 2).fit(progress=False)
    record = json.loads(path.read_text())
    assert record["data"]["spelled_bytes"] == []
    system = Semantic("VLM-CSC", "vlm_csc", str(path)).build(
        "vlm_csc", replace(AWGN, image_size=32)
    )
    samples = Samples(np.zeros((1, 32, 32, 3), np.uint8), None, {}, (("a 猫 sits",),))
    seeds = image_seeds(1, 0, [0])
    h = sample_fades(build_channel(AWGN), seeds)
    with pytest.raises(ValueError, match="'a 猫 sits' has letters that the training"):
        system.transmit(samples, 10.0, h, seeds)


def test_lost_length_is_an_outage_with_an_empty_caption(tmp_path):
    path = trainer(tmp_path, 2, FADING).fit(progress=False)
    scenario = replace(FADING, image_size=32)
    system = Semantic("VLM-CSC", "vlm_csc", str(path)).build("vlm_csc", scenario)
    texts = tuple((t,) for t in TEXTS)
    samples = Samples(np.zeros((6, 32, 32, 3), np.uint8), None, {}, texts)
    seeds = image_seeds(1, 0, range(6))
    h = np.array(ops.convert_to_numpy(sample_fades(build_channel(scenario), seeds)))
    h[2] *= 1e-3
    sent = system.transmit(samples, 20.0, ops.convert_to_tensor(h), seeds)
    assert sent.outage.tolist() == [False, False, True, False, False, False]
    assert sent.delivered.texts[2] == "" and sent.lost["side"][2]


def test_resumed_run_ends_as_if_not_interrupted(tmp_path):
    """Both optimisers and the critic are in the checkpoint (equal to the last bit)."""
    whole = trainer(tmp_path / "whole", 6)
    whole.fit(progress=False)
    part = trainer(tmp_path / "part", 6)
    for step in range(3):
        part.step_fns[step % 2](*part.batches.at(step))
    part.step = 3
    part.save_checkpoint()
    again = trainer(tmp_path / "part", 6)
    again.resume()
    again.fit(progress=False)
    for one, other in zip(values(whole._state()), values(again._state()), strict=True):
        np.testing.assert_array_equal(one, other)


def test_bound_grows_towards_the_mutual_information():
    """Of Gaussian pairs of correlation 0.9 in two dimensions, -log(1 - 0.81) nat; the
    bound of a trained critic lies within a quarter of it, and 0 for independent ones
    (0.15)."""

    for rho, expected in ((0.9, -np.log(1 - 0.81)), (0.0, 0.0)):
        rng, critic = np.random.default_rng(0), MutualInformationCritic(2, 64)
        recipe = Recipe(steps=150, warmup_steps=5, learning_rate=5e-3, optimizer="adam")
        step = train_step_fn(
            lambda f, g, mask, critic=critic: -critic(f, g, mask),
            critic.trainable_variables,
            make_optimizer(recipe),
        )
        bounds = []
        for _ in range(150):
            f, noise = rng.standard_normal((2, 64, 8, 2)).astype("float32")
            g = (rho * f + np.sqrt(1 - rho**2) * noise).astype("float32")
            batch = map(ops.convert_to_tensor, (f, g, np.ones((64, 8), "float32")))
            bounds.append(-float(step(*batch)))
        assert np.mean(bounds[-20:]) == pytest.approx(expected, abs=0.15 + expected / 4)


def test_rows_and_the_words_before():
    rows = token_rows([*TEXTS, "x" * ROOM], ROOM)
    assert rows.shape == (6, ROOM) and (rows > 0).sum(axis=1).tolist() == [3] * 6
    before = previous_tokens(rows)
    assert (before[:, 0] == BEGIN).all()
    np.testing.assert_array_equal(before[:, 1:], rows[:, :-1])
    with pytest.raises(ValueError, match="at least 5 captions, got 4"):
        caption_data(TEXTS[:4], "four")


def test_shipped_weights_send_captions():
    """At 10 dB AWGN all but one of eight plain sentences arrive word for word."""
    scenario = caption_awgn.SCENARIO
    texts = [
        "a man in a red shirt rides a bike down the street",
        "two dogs run through the snow",
        "a girl jumps into a swimming pool",
        "children play soccer on a green field",
        "a woman is sitting on a bench with her dog",
        "a brown dog with a ball in its mouth",
        "people walk along the beach at sunset",
        "a boy named xerxes climbs a rock",
    ]
    samples = Samples(
        np.zeros((8, 32, 32, 3), np.uint8), None, {}, tuple((t,) for t in texts)
    )
    seeds = image_seeds(1, 0, range(8))
    h = sample_fades(build_channel(scenario), seeds)
    sent = build_system("vlm_csc", scenario).transmit(samples, 10.0, h, seeds)
    right = sum(a == b for a, b in zip(sent.delivered.texts, texts, strict=True))
    assert right >= 7


def test_a_caption_codec_by_its_command(tmp_path, monkeypatch, capsys):
    """Captions of a file in, weights out; a file that is not there is named."""
    lines = [f"a {colour} dog runs on the grass" for colour in ("red", "brown", "old")]
    (tmp_path / "mine.txt").write_text("\n".join(30 * lines), encoding="utf-8")
    train = ["train", "--system", "vlm_csc", "--steps", "1", "--batch-size", "4"]
    train += ["--out", str(tmp_path), "--label", "tiny", "--snr", "10"]
    train += ["--codec-config", json.dumps(SMALL), "--data"]
    assert runner.main([*train, str(tmp_path / "mine.txt")], caption_awgn.SCENARIO) == 0
    record = json.loads((tmp_path / "tiny.json").read_text(encoding="utf-8"))
    assert record["data"]["source"] == "mine.txt"
    assert (tmp_path / "tiny.weights.h5").is_file()
    assert runner.main([*train, "nosuch.txt", "--restart"], caption_awgn.SCENARIO) == 2
    assert "--data nosuch.txt is no file" in capsys.readouterr().err
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    assert runner.main([*train[:-1], "--restart"], caption_awgn.SCENARIO) == 2
    assert "captions" in capsys.readouterr().err
