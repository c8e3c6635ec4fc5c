"""Received images that are edited by the caption that came with them."""

import base64
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from model_server import Server
from PIL import Image
from tiny_edited import TinyEdited, captioned_samples

from link_models.systems.edited import entries
from link_models.systems.edited.edited_images import (
    PROMPT,
    EditedImages,
    editing_prompt,
)
from link_models.systems.edited.editing import Editing, find_editing
from link_models.systems.edited.entries import Captioned
from link_models.systems.entries import Semantic
from semcom_phy.knowledge_base.editor import find_editor
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.simulation.system import Spent, Transmission
from semcom_phy.sources.samples import Delivered

SAMPLES = captioned_samples()
SEEDS = image_seeds(1, 0, range(4))


class Inverter:
    """Shows what it was asked."""

    identity = {"model": "inverter"}

    def __init__(self):
        self.asked = []

    def edit(self, images, prompts, seed):
        self.asked += [(prompt, seed) for prompt in prompts]
        return 255 - images


class Images:
    """Delivers every image one step brighter, and no text."""

    name, title = "pixels", "Pixels"

    def describe(self):
        return {"title": self.title, "knows": ["average SNR"], "bandwidth": {}}

    def shared(self, spreading, how):
        other = type(self)()
        other.title = f"{self.title}, {how}"
        return other

    def transmit(self, samples, snr_db, h, seeds):
        none = np.zeros(len(samples), bool)
        return Transmission(
            Delivered(samples.images + np.uint8(1)), none, Spent(none * 1.0, none * 1.0)
        )


class ImagesAndTexts(Images):
    """And the caption of the first one; the last is an outage."""

    def transmit(self, samples, snr_db, h, seeds):
        sent = super().transmit(samples, snr_db, h, seeds)
        texts = [samples.texts[0][0], "", "x", "y"]
        outage = np.array([False, False, False, True])
        delivered = sent.delivered._replace(texts=texts)
        return replace(sent, delivered=delivered, outage=outage)


@pytest.fixture
def system():
    return EditedImages(ImagesAndTexts(), Editing(Inverter()))


def transmit(system):
    return system.transmit(SAMPLES, 10.0, None, SEEDS)


def test_images_are_edited_by_their_captions_and_seeds(system):
    """The paper's prompt with the caption, and without a word on it where none arrived;
    the image before stands beside; an outage is left alone (exact)."""
    sent = transmit(system)
    before = transmit(ImagesAndTexts()).delivered.images
    np.testing.assert_array_equal(sent.delivered.details, before)
    np.testing.assert_array_equal(sent.delivered.images[:3], 255 - before[:3])
    np.testing.assert_array_equal(sent.delivered.images[3], before[3])
    np.testing.assert_array_equal(sent.figures["edited"], [1, 1, 1, np.nan])
    prompts = [
        f"{PROMPT} Use the following text to reconstruct: {SAMPLES.texts[0][0]}.",
        PROMPT,
        f"{PROMPT} Use the following text to reconstruct: x.",
    ]
    asked = system.editing.editor.asked
    assert asked == list(zip(prompts, SEEDS[:3], strict=True))


def test_a_caption_is_put_in_as_it_is():
    """Braces mean nothing, and a final stop stands once (exact)."""
    text = editing_prompt(" a {dog} in 50% shade. ")
    assert text.endswith("reconstruct: a {dog} in 50% shade.")


def test_a_system_without_texts_is_edited_as_well():
    sent = transmit(EditedImages(Images(), Editing(Inverter())))
    assert sent.figures["edited"].tolist() == [1, 1, 1, 1]
    assert sent.delivered.texts is None


def test_what_the_receiver_holds_is_told(system):
    """In words, by identity and prompt, as JSON; the same of users (exact)."""
    about = json.loads(json.dumps(system.describe()))
    assert about["knows"] == ["average SNR", "captioner and image editor"]
    assert about["editor"] == {"model": "inverter"}
    assert about["prompt"].endswith("reconstruct: {caption}.")
    shared = system.shared(None, "2 users")
    assert shared.describe()["editor"] == {"model": "inverter"}
    assert (shared.name, shared.title) == ("pixels", "Pixels, 2 users")
    assert system.title == "Pixels"


@pytest.fixture
def server():
    server = Server()
    yield server
    server.stop()


def answer_with(picture):
    with io.BytesIO() as file:
        Image.fromarray(picture).save(file, "PNG")
        return {"data": [{"b64_json": base64.b64encode(file.getvalue()).decode()}]}


@pytest.mark.parametrize("trouble", ["none", "429", "500", "silence", "gone"])
def test_a_host_that_fails_leaves_the_images(trouble, server, capsys):
    """One that answers edits all; one that refuses, breaks, is late or is not there
    leaves the images and marks them, and is one line on stderr (exact)."""
    blank = np.full((32, 32, 3), 7, np.uint8)
    server.says(answer_with(blank))
    if trouble in ("429", "500"):
        server.status = int(trouble)
        server.says({"error": {"message": "not now"}})
    if trouble == "silence":
        server.wait = 0.6
    editor = find_editor(f"{server.url}#edits")
    editor.endpoint.timeout = 0.2 if trouble == "silence" else 20
    if trouble == "gone":
        server.stop = lambda stop=server.stop: None
        Server.stop(server)
    system = EditedImages(Images(), Editing(editor))
    first, again = transmit(system), transmit(system)
    lines = capsys.readouterr().err.splitlines()
    if trouble == "none":
        assert np.all(first.delivered.images == 7) and lines == []
        assert first.figures["edited"].all() and len(server.asked) == 4
        return
    for sent in (first, again):
        assert not sent.figures["edited"].any()
        np.testing.assert_array_equal(sent.delivered.images, sent.delivered.details)
    (line,) = lines
    host = server.url.split("/")[2]
    reason = {
        "429": "answers 429 (not now): too many requests",
        "500": "answers 500 (not now): the host itself has failed",
        "silence": "is silent for 0.2 s",
        "gone": "cannot be reached",
    }[trouble]
    assert line.startswith(f"image editor: {host} {reason}") and "edited = 0" in line


def test_the_scenario_names_the_editor(monkeypatch):
    """A learned codec by its entry, edited as the scenario says and unedited beside it:
    the same images before (exact)."""
    monkeypatch.setattr(entries, "find_editing", lambda name: Editing(EDITORS[name]()))
    entry = Captioned(Semantic("ADJSCC", "adjscc", "adjscc_32x32"))
    scenario = TinyEdited(editor="inverter")
    sent = []
    for edited in (True, False):
        system = replace(entry, edited=edited).build("adjscc", scenario)
        h = sample_fades(entries.build_channel(scenario), SEEDS)
        sent.append(system.transmit(SAMPLES, 10.0, h, SEEDS))
    edited, plain = sent
    np.testing.assert_array_equal(edited.delivered.details, plain.delivered.images)
    np.testing.assert_array_equal(edited.delivered.images, 255 - plain.delivered.images)
    assert "edited" not in plain.figures and edited.figures["edited"].all()


EDITORS = {"inverter": Inverter}


def test_one_editing_serves_all_systems_of_a_process(monkeypatch):
    """So that nothing is edited twice."""
    from link_models.systems.edited import editing

    monkeypatch.setattr(editing, "find_editor", lambda name: Inverter())
    find_editing.cache_clear()
    assert find_editing("one") is find_editing("one")
    assert find_editing("one") is not find_editing("other")
    find_editing.cache_clear()
