"""SwinJSCC and WITT against what their authors' code computes
(`make_published_vectors`)."""

import numpy as np
import pytest
from make_published_vectors import FOLDER, MODELS, STORED, differences, read

# The decoder ends in LayerNorms of small numbers: the authors' own float32 is up to
# 4e-5 from their float64 there, and 2e-6 everywhere else.
TOLERANCE, OF_DECODER = 1e-5, 3e-4
PARTS = {
    *("enc/patch_embed", "enc/stage0", "enc/stage1", "enc/norm", "enc/output"),
    *("chan/avg_power", "chan/symbols_re", "chan/symbols_im", "received"),
    *("dec/stage0_input", "dec/stage0", "dec/output"),
}
OF_SA = {"enc/snr_mod", "dec/snr_mod"}
OF_RA = {"enc/rate_mod", "enc/before_mask", "enc/channel_score", "enc/mask"}


@pytest.mark.parametrize("name", STORED)
def test_every_part_is_that_of_the_authors(name):
    """Every intermediate of encoder, channel (AWGN and the authors' Rayleigh) and
    decoder, two SNRs and rates, with four stages also an image of another size (1e-5,
    behind the decoder 3e-4; masks exactly)."""
    state, io, config = read(FOLDER / f"{name}.npz")
    found = differences(state, io, config)
    model = MODELS[config["model"]]
    expected = PARTS | (OF_SA if "sa" in model or model == "witt" else set())
    expected |= OF_RA if "ra" in model else {"dec/head"}
    assert expected <= found.keys()
    assert found.get("enc/mask", 0.0) == 0.0
    for part, error in found.items():
        assert error < (OF_DECODER if part.startswith("dec/") else TOLERANCE), part


def test_another_pairing_of_symbols_would_be_found():
    """Neighbours in the place of the halves of the batch: symbols differ by their own
    size (a check of the check)."""
    _, io, _ = read(FOLDER / "tiny2_w_SA.npz")
    half = len(io["c0/chan/noise_re"])
    assert half * 2 == 2 * 64 * 8
    real, imaginary = io["c0/chan/symbols_re"], io["c0/chan/symbols_im"]
    assert np.abs(real[1:] - imaginary[:-1]).max() > 0.5


def test_every_variant_is_there():
    """No variant of the importer is without vectors (exact)."""
    models = {read(FOLDER / f"{name}.npz")[2]["model"] for name in STORED}
    assert {MODELS[model] for model in models} == set(MODELS.values())
