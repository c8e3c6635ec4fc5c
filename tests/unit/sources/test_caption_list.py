"""Files of captions without pictures."""

import numpy as np
import pytest

from semcom_phy.sources.caption_list import load_caption_list
from semcom_phy.sources.images import load_samples

LINES = ["a dog runs", "two  men", "ein Hund läuft", "犬が走る", "a cat 🐈"]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "captions.txt"
    path.write_text("\n".join([*LINES, ""]), encoding="utf-8")
    return path


def test_every_line_is_a_caption_beside_a_grey_image(path):
    """Whatever its script, with single blanks; the samples say that there are no
    pictures (exact)."""
    samples = load_caption_list(path, (16, 24))
    assert samples.texts == tuple((" ".join(line.split()),) for line in LINES)
    assert samples.images.shape == (5, 16, 24, 3) and np.all(samples.images == 128)
    assert not samples.has_pictures and samples.groups is None
    assert not samples.take([0, 2]).has_pictures
    about = samples.provenance
    assert (about["num_images"], about["num_available"], about["seed"]) == (5, 5, None)
    assert str(path.parent) not in str(about) and about["has_pictures"] is False


def test_a_draw_depends_on_the_seed_and_begins_like_a_longer_one(path):
    """As of images (exact)."""
    few, more = (load_caption_list(path, 16, n, seed=3).texts for n in (2, 4))
    assert few == more[:2] and len(set(more)) == 4
    others = {load_caption_list(path, 16, 4, seed=s).texts for s in range(5)}
    assert len(others) > 1


def test_captions_by_names_of_images_belong_together(tmp_path):
    """Flickr8k's own captions.txt, whose pictures are elsewhere (exact)."""
    path = tmp_path / "captions.txt"
    path.write_text('image,caption\n1.jpg,"A dog , red ."\n1.jpg,Two\n2.jpg,A cat\n')
    assert load_caption_list(path).texts == (("A dog , red", "Two"), ("A cat",))
    path.write_text("1.jpg#0\tA dog\n1.jpg#1\tTwo dogs\n")
    assert load_caption_list(path).texts == (("A dog", "Two dogs"),)


@pytest.mark.parametrize(
    "content, told",
    [
        (b"a dog\n\na cat\n", "line 2 is empty"),
        (b"", "holds no caption"),
        (b" \n \n", "holds no caption"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
    ],
)
def test_bad_files_are_one_clear_line(tmp_path, content, told):
    path = tmp_path / "captions.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"captions.txt.*{told}"):
        load_caption_list(path)


def test_too_many_and_nothing(path):
    with pytest.raises(ValueError, match="num_images is 6, but .* captions of 5"):
        load_caption_list(path, num_images=6)
    with pytest.raises(FileNotFoundError, match="nowhere.txt: no such file of capt"):
        load_caption_list(path.with_name("nowhere.txt"))


def test_other_scenarios_have_no_use_for_it(path):
    """Images of a file of texts are none (the message of every other file)."""
    with pytest.raises(ValueError, match="is a file: give the folder .* or an .npz"):
        load_samples(path)
