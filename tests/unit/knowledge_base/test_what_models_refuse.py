"""What every embedded model refuses: pictures and texts of another kind."""

import numpy as np
import pytest

from semcom_phy.knowledge_base.captioner import find_captioner
from semcom_phy.knowledge_base.classifier import find_classifier
from semcom_phy.knowledge_base.dual_encoder import find_dual_encoder
from semcom_phy.knowledge_base.editor import find_editor
from semcom_phy.knowledge_base.sentence_encoder import sentence_encoder

PICTURES = np.random.default_rng(0).integers(0, 256, (2, 40, 56, 3), "uint8")
LOOKING = {
    "captioner": lambda x: find_captioner("embedded").caption(x),
    "tags": lambda x: find_captioner("tags").caption(x),
    "images": lambda x: find_dual_encoder("embedded").image_features(x),
    "patches": lambda x: find_dual_encoder("embedded").patch_features(x),
    "classifier": lambda x: find_classifier("cifar10").probabilities(x),
    "probe": lambda x: find_classifier("probe:cifar10").probabilities(x),
    "editor": lambda x: find_editor("embedded").edit(x, [""] * len(x), 1),
}
READING = {
    "texts": lambda t: find_dual_encoder("embedded").text_features(t),
    "sentences": lambda t: sentence_encoder().encode(t),
}


@pytest.mark.parametrize("name", LOOKING)
def test_pictures_of_another_kind_are_refused(name):
    """Values in [0, 1] would be seen as darkness: they are refused as grey pictures
    and single ones are, with their type and shape; none at all gives nothing."""
    look = LOOKING[name]
    for wrong in (PICTURES / 255, PICTURES[..., 0], PICTURES[0], PICTURES[:, :5]):
        with pytest.raises(ValueError, match="images are"):
            look(wrong)
    assert len(look(PICTURES[:0])) == 0
    assert len(look(PICTURES)) == 2


@pytest.mark.parametrize("name", READING)
def test_texts_of_another_kind_are_refused(name):
    """One text is not a list of letters, and what is no text is named."""
    read = READING[name]
    with pytest.raises(ValueError, match="texts is one text, 'a dog'"):
        read("a dog")
    with pytest.raises(ValueError, match="texts holds None"):
        read(["a dog", None])
    assert len(read([])) == 0
    assert read(["", "a dog \U0001f415", "собака"]).shape[0] == 3
