"""Feedback with an age: correlation, statistics of the older channel, prediction."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.channels import AWGN, BlockRayleigh, Rician
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator, PerfectCSI
from semcom_phy.phy.feedback import AgedFeedback, jakes_correlation
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.seeding import image_seeds, sample_fades

COUNT = 4000
SEEDS = image_seeds(3, 0, range(COUNT))
RHOS = (1.0, 0.72, 0.11, 0.0, -0.4)


def make_feedback(rho, model=None, csi=None):
    grid = OFDMGrid(24, 10, (0,))
    model = model or BlockRayleigh(2, 2)
    framing = Framing(40, model.num_tx_ant, grid)
    return AgedFeedback(EqualizedOFDMChannel(model, framing, csi or PerfectCSI()), rho)


def array(value):
    return np.asarray(ops.convert_to_numpy(value))


def mean_is(values, expected):
    """Means over images (entries of an image are summed up first) by 4 standard
    errors."""
    values = values.reshape(len(values), -1).mean(1)
    error = values.std() / np.sqrt(len(values))
    np.testing.assert_allclose(values.mean(), expected, atol=4 * error + 1e-6)


def test_correlation_of_the_issue():
    """At 3.5 GHz and 3 m/s: 1, .99, .72 and .11 after 0, 1, 5 and 10 ms (rounded); a
    terminal that stands still sees no change."""
    found = [jakes_correlation(1e-3 * t, 3.0, 3.5e9) for t in (0, 1, 5, 10)]
    assert np.round(found, 2).tolist() == [1.0, 0.99, 0.72, 0.11]
    assert jakes_correlation(1.0, 0.0, 3.5e9) == 1.0
    with pytest.raises(ValueError, match="delay must be finite.*got -1"):
        jakes_correlation(-1, 3.0, 3.5e9)


@pytest.mark.parametrize("rho", RHOS)
@pytest.mark.parametrize("model", (BlockRayleigh(2, 2), Rician(3.0, 2, 2)))
def test_older_channel_has_the_same_statistics(model, rho):
    """Scattered parts of then and now correlate by rho and have the same power, by 4
    standard errors (4,000 images); the line of sight is what it is."""
    feedback = make_feedback(rho, model)
    h = array(sample_fades(feedback.channel, SEEDS))
    sight = array(model.line_of_sight(SEEDS))
    now, then = h - sight, feedback.older(h, SEEDS) - sight
    mean_is(np.abs(now) ** 2, model.scattered_power)
    mean_is(np.abs(then) ** 2, model.scattered_power)
    mean_is((then * now.conj()).real, rho * model.scattered_power)
    mean_is((then * now.conj()).imag, 0)
    mean_is(np.abs(then + sight) ** 2, 1)


def test_older_channel_is_a_function_of_the_seed():
    """Whatever stands beside an image in a batch (exact)."""
    feedback = make_feedback(0.72)
    h = array(sample_fades(feedback.channel, SEEDS[:5]))
    whole = feedback.older(h, SEEDS[:5])
    part = feedback.older(h[[3, 1]], [SEEDS[3], SEEDS[1]])
    np.testing.assert_array_equal(part, whole[[3, 1]])
    noise = [
        array(feedback.sound(h[i], 0.1, s)[0])
        for i, s in (((slice(0, 5)), SEEDS[:5]), ([3], [SEEDS[3]]))
    ]
    np.testing.assert_allclose(noise[1][0], noise[0][3], rtol=1e-6)


@pytest.mark.parametrize("csi", (PerfectCSI(), LSEstimator()))
@pytest.mark.parametrize("model", (BlockRayleigh(2, 2), Rician(3.0, 2, 2)))
@pytest.mark.parametrize("rho", (0.99, 0.72, 0.0))
def test_prediction_is_calibrated(csi, model, rho):
    """The error of the mean is that of the variance, and has nothing in common with
    what was fed back, by 4 standard errors (4,000 images, N0 = 2)."""
    feedback = make_feedback(rho, model, csi)
    h = array(sample_fades(feedback.channel, SEEDS))
    h_hat, _ = feedback.sound(h, 2.0, SEEDS)
    known = feedback.predict(h_hat, 2.0, SEEDS)
    error = h - known.mean
    mean_is(np.abs(error) ** 2 / known.variance, 1)
    sight = array(model.line_of_sight(SEEDS))
    mean_is((error * (array(h_hat) - sight).conj()).real, 0)


def test_draws_follow_the_prediction():
    """Draws have its mean and variance, by 4 standard errors (4,000 draws); where
    nothing is known they are the fades themselves (exact)."""
    feedback = make_feedback(0.72)
    h = array(sample_fades(feedback.channel, SEEDS[:2]))
    known = feedback.predict(h, 0.1, SEEDS[:2])
    draws = feedback.fades(known, SEEDS)
    assert draws.shape == (2, COUNT, 1, 2, 2, 1, 1)
    away = draws[:, :, 0] - known.mean
    for entry in np.moveaxis(away[0, :, :, :, 0, 0].reshape(COUNT, 4), 1, 0):
        mean_is(entry.real, 0)
        mean_is(np.abs(entry) ** 2, float(known.variance[0, 0, 0, 0, 0, 0]))
    np.testing.assert_allclose(away[0], away[1], atol=1e-6)
    nothing = make_feedback(0.0)
    draws = nothing.fades(nothing.predict(h, 0.1, SEEDS[:2]), SEEDS[:50])
    fades = array(sample_fades(nothing.channel, SEEDS[:50]))
    np.testing.assert_array_equal(draws[1], fades)


def test_awgn_does_not_age():
    """A channel without scattered paths is known for good (exact)."""
    feedback = make_feedback(0.3, AWGN(2))
    h = array(sample_fades(feedback.channel, SEEDS[:3]))
    np.testing.assert_array_equal(feedback.older(h, SEEDS[:3]), h)
    known = feedback.predict(h, 0.1, SEEDS[:3])
    np.testing.assert_array_equal(known.mean, h)
    assert not np.any(known.variance)


def test_what_cannot_age_is_refused():
    """Selective channels, several fades per image, and impossible correlations."""
    grid = OFDMGrid(72, 14, (2, 11))
    tdl = EqualizedOFDMChannel(TDL("A", grid, 2, 2), Framing(40, 2, grid))
    with pytest.raises(ValueError, match="one fade per image alone"):
        AgedFeedback(tdl, 0.5)
    with pytest.raises(ValueError, match="correlation must be from -1 to 1, got 2"):
        make_feedback(2)
    feedback = make_feedback(0.5)
    with pytest.raises(ValueError, match="received h of shape"):
        feedback.older(np.zeros((1, 2, 2, 2, 1, 1)), SEEDS[:1])
