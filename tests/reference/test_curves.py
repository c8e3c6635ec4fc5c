"""Every shipped system against its stored curve (see `make_curves.py`)."""

import json

import numpy as np
import pytest
from make_curves import FOLDER, NAMES, NOT_SHIPPED, curve, small_world

from link_models.systems.table import SYSTEMS

# Same images, fades and noise: what differs is rounding of another platform. It may
# move one of four images over a step of a codec that chooses by rounded numbers.
TOLERANCE_DB = 0.05
OF_INTERVAL = 0.02
# Variants of systems that are run by default, a network of five seconds each.
VARIANTS = ("eca_", "swinjscc_")


def is_variant(name):
    return name.startswith(VARIANTS) or name.endswith("_free")


@pytest.fixture(scope="module", autouse=True)
def world():
    with small_world():
        yield


def test_every_shipped_system_has_a_curve():
    """No system is left out but those that the table names, and no curve is of a system
    that is gone (exact)."""
    assert {*NAMES, *NOT_SHIPPED} == {*SYSTEMS}
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(NAMES)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] * is_variant(n)) for n in NAMES],
)
def test_a_curve_is_as_it_was(name):
    """Mean PSNR within 0.05 dB, or a fiftieth of its interval if that is more; ends of
    the interval within three times that; what was spent within 1 %; outages exactly."""
    stored = json.loads((FOLDER / f"{name}.json").read_text())
    now = json.loads(json.dumps(curve(name)))
    for key in ("system", "scenario", "num_images", "snr_db", "outage"):
        assert now[key] == stored[key], key
    assert now["figures"].keys() == stored["figures"].keys()
    for was, found in zip(stored["psnr_db"], now["psnr_db"], strict=True):
        low, high = was["ci95"]
        tolerance = max(TOLERANCE_DB, OF_INTERVAL * (high - low))
        assert abs(found["mean"] - was["mean"]) < tolerance
        np.testing.assert_allclose(found["ci95"], was["ci95"], atol=3 * tolerance)
    for key, values in stored["figures"].items():
        for was, found in zip(values, now["figures"][key], strict=True):
            assert (was is None) == (found is None), key
            if was is not None:
                assert abs(found - was) <= 0.01 * abs(was) + 1e-6, (key, was, found)
