"""Samples: everything that travels with an image stays with it."""

import numpy as np
import pytest

from semcom_phy.sources.samples import Samples, hashes_beside

IMAGES = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), np.uint8)
TEXTS = (("a", "b"), ("c",), ("d",))
MASKS = (IMAGES[..., 0] > 99).astype(np.uint8)
SAMPLES = Samples(
    IMAGES, ("x", "y", "x"), {"seed": 1}, TEXTS, np.array([4, 5, 6]), masks=MASKS
)


def test_what_is_taken_belongs_together():
    """In the order asked for, twice where asked twice (exact)."""
    taken = SAMPLES.take([2, 0, 2])
    np.testing.assert_array_equal(taken.images, IMAGES[[2, 0, 2]])
    assert taken.groups == ("x", "x", "x") and taken.texts == (
        TEXTS[2],
        TEXTS[0],
        TEXTS[2],
    )
    assert taken.labels.tolist() == [6, 4, 6] and taken.provenance == {"seed": 1}
    np.testing.assert_array_equal(taken.masks, MASKS[[2, 0, 2]])
    bare = Samples(IMAGES, None, {}).take([1])
    assert (bare.groups, bare.texts, bare.labels) == (None, None, None)
    assert bare.masks is None


@pytest.mark.parametrize(
    "masks, told",
    [
        (MASKS[:2], r"masks are uint8 \(2, 16, 16\) beside images \(3, 16, 16, 3\)"),
        (MASKS[:, :8], r"masks are uint8 \(3, 8, 16\)"),
        (MASKS.astype(float), "masks are float64"),
        (MASKS.astype(bool), "masks are bool"),
        (MASKS * 255, "masks hold values up to 255; give 1 for the foreground"),
    ],
)
def test_masks_are_zeros_and_ones_of_every_pixel(masks, told):
    """What is wrong is in the message; no foreground at all is none of it (exact)."""
    with pytest.raises(ValueError, match=told):
        Samples(IMAGES, None, {}, masks=masks)
    assert not Samples(IMAGES, None, {}, masks=0 * MASKS).masks.any()


@pytest.mark.parametrize("name", ["groups", "texts", "labels"])
def test_there_is_one_for_every_image(name):
    """Both numbers are in the message (exact)."""
    with pytest.raises(ValueError, match=f"{name} holds 2 entries for 3 images"):
        Samples(IMAGES, **({"groups": None, "provenance": {}} | {name: (1, 2)}))


def test_hashes_tell_captions_and_labels_apart():
    """Other words, other captions of an image, other labels or types have other hashes;
    nothing has none (exact)."""
    assert hashes_beside() == {}
    hashes = [hashes_beside(texts) for texts in (TEXTS, (("a",), ("b",), ("c",)))]
    hashes.append(hashes_beside((("a", "b"), ("c", "d"), ())))
    hashes += [hashes_beside(labels=np.arange(3, dtype=t)) for t in ("uint8", "int16")]
    hashes.append(hashes_beside(labels=np.arange(1, 4, dtype="uint8")))
    hashes += [hashes_beside(masks=own) for own in (MASKS, 1 - MASKS)]
    values = [tuple(found.items()) for found in hashes]
    assert len(set(values)) == len(values)
    assert hashes_beside(TEXTS, np.arange(3), MASKS) == (
        hashes_beside(TEXTS)
        | hashes_beside(labels=np.arange(3))
        | hashes_beside(masks=MASKS)
    )
