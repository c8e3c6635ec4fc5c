"""Captions of pictures: files as Flickr8k and its copies have them."""

import numpy as np
import pytest
from PIL import Image

from semcom_phy.sources.captions import find_captions, read_captions
from semcom_phy.sources.images import load_images, load_samples

EXPECTED = {"a.jpg": ("A dog, running", "Zwei Hündchen"), "b_1.jpg": ("a cat",)}
FORMS = {
    "captions.txt": "image,caption\n"
    'a.jpg,"A dog, running ."\na.jpg,Zwei Hündchen\nb_1.jpg,  a  cat \n',
    "captions.csv": "image,caption\r\n"
    'a.jpg,"A dog, running ."\r\nb_1.jpg,a cat\r\na.jpg,Zwei Hündchen\r\n',
    "Flickr8k.token.txt": "a.jpg#1\tZwei Hündchen\na.jpg#0\tA dog, running .\n"
    "b_1.jpg#0\ta cat\n\n",
    "test_captions.txt": "a.jpg\t0\tA dog, running .\na.jpg\t1\tZwei Hündchen\n"
    "b_1.jpg\t0\ta cat\n",
}


def pictures(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        pixels = np.random.default_rng(seed).integers(0, 256, (40, 48, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)


@pytest.mark.parametrize("name", FORMS)
def test_all_forms_give_the_same_captions(tmp_path, name):
    """By file name, in the order of their numbers or of the file; commas in quotes,
    letters of other languages and blanks are as one expects; a final stop is none of
    the caption's words (exact)."""
    (tmp_path / name).write_text(FORMS[name], encoding="utf-8")
    assert read_captions(tmp_path / name) == EXPECTED
    assert find_captions((tmp_path / "none", tmp_path), "test") == (name, EXPECTED)


def test_only_a_stop_that_stands_alone_is_taken_away(tmp_path):
    """The one of an abbreviation, or amid the words, belongs to them (exact)."""
    path = tmp_path / "captions.txt"
    path.write_text("image,caption\na.jpg,A man . He ran .  \na.jpg,In D.C.\n")
    assert read_captions(path) == {"a.jpg": ("A man . He ran", "In D.C.")}


def test_captions_of_a_split_are_those_of_its_name(tmp_path):
    """``test_captions.txt`` is for the test split, before a file for all (exact)."""
    (tmp_path / "test_captions.txt").write_text("a.jpg\t0\tof test\n")
    assert (
        find_captions((tmp_path,)) is None and find_captions((tmp_path,), "x") is None
    )
    (tmp_path / "captions.txt").write_text("image,caption\na.jpg,of all\n")
    assert find_captions((tmp_path,), "test")[1] == {"a.jpg": ("of test",)}
    assert find_captions((tmp_path,), "train")[1] == {"a.jpg": ("of all",)}


@pytest.mark.parametrize(
    "text, told",
    [
        (
            b"image,caption\na.jpg,one,two\n",
            "line 2 is 'a.jpg,one,two'; expected image,",
        ),
        (b"image,caption\na.jpg,  \n", "line 2 is 'a.jpg'; expected a caption"),
        (b"a.jpg#0\tone\nb.jpg two\n", "line 2 is 'b.jpg two'; expected NAME.jpg#0"),
        (b"a.jpg#x\tone\n", "line 1 is 'a.jpg#x.*; expected NAME.jpg#0"),
        (b"a.jpg\tzero\tone\n", "line 1 is"),
        (b"image,caption\n", "holds no caption"),
        (b"", "holds no caption"),
        (b"image,caption\na.jpg,\xff\xfe\n", "is no text in UTF-8"),
    ],
)
def test_files_of_another_form_are_refused(tmp_path, text, told):
    """The file, the first line that does not fit and what is expected are in the
    message (exact)."""
    (tmp_path / "captions.txt").write_bytes(text)
    with pytest.raises(ValueError, match=f"captions.txt.*{told}"):
        read_captions(tmp_path / "captions.txt")


def test_a_folder_with_captions_gives_texts(tmp_path):
    """Every picture drawn has its own captions, wherever in the folder it lies;
    pictures without any are left out and counted; the hash tells other captions
    (exact)."""
    pictures(tmp_path / "Images", ["a.png", "b.png", "c.png", "d.png"])
    lines = [f"{name}.png,{name} {k}" for name in "abc" for k in (0, 1)]
    file = tmp_path / "captions.txt"
    file.write_text("\n".join(["image,caption", *lines, "z.png,not there"]))
    samples = load_samples(tmp_path)
    assert samples.texts == tuple((f"{n} 0", f"{n} 1") for n in "abc")
    about = samples.provenance
    assert "folder of 3 files, captions of captions.txt (1 pictures" in about["source"]
    drawn = load_samples(tmp_path, 3, seed=2)
    for image, own in zip(drawn.images, drawn.texts, strict=True):
        place = samples.texts.index(own)
        np.testing.assert_array_equal(image, samples.images[place])
    assert drawn.texts != samples.texts
    file.write_text(file.read_text().replace("b 1", "b 2"))
    other = load_samples(tmp_path).provenance
    assert other["sha256"] == about["sha256"]
    assert other["texts_sha256"] != about["texts_sha256"]
    file.unlink()
    plain = load_samples(tmp_path)
    assert plain.texts is None and "texts_sha256" not in plain.provenance
    assert len(plain) == 4


def test_captions_of_other_pictures_are_refused(tmp_path):
    """A file that names none of the pictures is a mistake (exact)."""
    pictures(tmp_path, ["a.png"])
    (tmp_path / "captions.txt").write_text("image,caption\nb.png,two\n")
    with pytest.raises(ValueError, match="captions.txt has no caption of a.png or any"):
        load_images(tmp_path)


def test_groups_and_splits_of_captioned_folders(tmp_path):
    """Captions beside the split folders serve both; groups are of what is left
    (exact)."""
    pictures(tmp_path / "train", ["a.png"])
    pictures(tmp_path / "test", ["b_0.png", "b_1.png", "c_0.png", "d_0.png"])
    names = ("a", "b_0", "b_1", "d_0")
    lines = [f"{name}.png,{name}" for name in names]
    (tmp_path / "captions.txt").write_text("\n".join(["image,caption", *lines]))
    samples = load_samples(tmp_path, group_by="name")
    assert samples.texts == (("b_0",), ("b_1",), ("d_0",))
    assert samples.groups == ("b", "b", "d")
    assert load_samples(tmp_path, split="train").texts == (("a",),)
