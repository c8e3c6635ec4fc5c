"""The running Sionna generation against what the first one computed.

`parity_vectors.npz` comes from TensorFlow with Sionna 1.2.2; on that generation this is
a regression test, on the other one the proof that both compute the same link.
"""

from functools import cache

import numpy as np
import pytest
from make_parity_vectors import CASES, FILE, compute

TRAINING = {"gradient", "optimiser_steps"}


@cache
def stored():
    with np.load(FILE, allow_pickle=False) as file:
        return dict(file)


def expected(name):
    prefix = name + "."
    return {
        k.removeprefix(prefix): v for k, v in stored().items() if k.startswith(prefix)
    }


def assert_same(ours, theirs, key, tolerance=1e-4):
    """Integers exactly. Real numbers to ``tolerance``, relative to the entry and the
    array's RMS together: what is near 0 carries the rounding of larger terms. Error
    variances relative to the entry alone, because they span decades."""
    assert ours.shape == theirs.shape, key
    if theirs.dtype.kind not in "fc":
        np.testing.assert_array_equal(ours, theirs, err_msg=key)
        return
    rms = 0.0 if key.startswith("no") else np.sqrt(np.mean(np.abs(theirs) ** 2))
    bound = tolerance * (np.abs(theirs) + rms)
    excess = np.max(np.abs(ours - theirs) / bound)
    assert excess <= 1, f"{key} is off by {excess:.3g} times the tolerance"


@pytest.mark.parametrize("name", sorted(set(CASES) - TRAINING))
def test_same_as_the_first_generation(name):
    """Estimates, error variances, channel estimates, LLRs and reconstructions of the
    same symbols, fades and noise (1e-4: float32 sums in another order); PSNR of 8-bit
    images (0.01 dB); bits, CRC and iterations (exact)."""
    ours, theirs = compute(name), expected(name)
    assert set(ours) == set(theirs)
    for key in theirs:
        if key == "psnr_db":
            np.testing.assert_allclose(ours[key], theirs[key], atol=0.01)
        elif key == "images_8bit":  # rounding may fall to either side of a half
            step = np.abs(ours[key].astype(int) - theirs[key])
            assert step.max() <= 1 and np.mean(step) < 1e-3
        else:
            assert_same(ours[key], theirs[key], key)


@pytest.mark.parametrize("name", sorted(TRAINING))
def test_training_is_the_same(name):
    """Gradients of the squared error through LS and L-MMSE, and losses over three
    steps of Adam (1e-3: longer sums, and Adam divides by small ones)."""
    ours, theirs = compute(name), expected(name)
    assert set(ours) == set(theirs)
    for key in theirs:
        assert np.all(np.isfinite(theirs[key])) and np.any(theirs[key]), key
        assert_same(ours[key], theirs[key], key, tolerance=1e-3)


def test_vectors_say_something():
    """Of every code and transport some words arrive and some do not; images are
    reconstructed, estimated channels differ from perfect ones; the file is small."""
    for name in CASES:
        vectors = expected(name)
        if name.startswith("transport"):
            assert 0 < vectors["crc_ok"].sum() < len(vectors["crc_ok"])
        elif name.startswith("ldpc"):
            lost = vectors["num_iterations"] == 20
            assert 0 < lost.sum() < len(lost)
        elif name.startswith("adjscc"):
            assert np.all(vectors["psnr_db"] > 20)
    assert "sionna-no-rt 1." in str(stored()["versions"])
    flat = [stored()[f"flat_2x2_{csi}.h_hat"] for csi in ("perfect", "estimated")]
    assert np.min(np.abs(flat[0] - flat[1])) > 1e-3
    assert FILE.stat().st_size < 500_000
