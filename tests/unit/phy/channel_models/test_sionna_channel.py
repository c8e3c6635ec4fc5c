"""Any model of Sionna's interface as a channel, and models of a user's own."""

import numpy as np
import pytest
from keras import ops
from sionna.phy.channel import RayleighBlockFading, tr38901

from semcom_phy.backend import complex_normal
from semcom_phy.phy.channel_models.channel_statistics import mean_power
from semcom_phy.phy.channel_models.sionna_channel import SionnaChannel
from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.channel_models.user_channel import user_channel
from semcom_phy.phy.channels import AWGN, ChannelModel
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.seeding import set_seed

GRID = OFDMGrid(fft_size=24, num_guard_carriers=(2, 3), dc_null=True)
SPEED, DELAY_SPREAD = 30.0, 300e-9


def arrays(values):
    return [np.asarray(ops.convert_to_numpy(v)) for v in values]


def sionna_tdl(num_rx_ant=2, num_tx_ant=2, profile="C"):
    return tr38901.TDL(
        profile,
        DELAY_SPREAD,
        3.5e9,
        los_angle_of_arrival=np.pi / 4,
        min_speed=SPEED,
        max_speed=SPEED,
        num_rx_ant=num_rx_ant,
        num_tx_ant=num_tx_ant,
    )


class TwoPaths:
    """Two Rayleigh paths of a given power, drawn with NumPy."""

    def __init__(self, power=1.0, delay=1e-6, num_rx=1, generator=None):
        self.power, self.delay, self.num_rx = power, delay, num_rx
        self.generator = generator

    def __call__(self, batch_size, num_time_steps, sampling_frequency):
        draw = np.random if self.generator is None else self.generator
        shape = (batch_size, self.num_rx, 1, 1, 1, 2, 1)
        a = draw.normal(size=shape) + 1j * draw.normal(size=shape)
        a = np.tile(a * np.sqrt(self.power / 4), (1,) * 6 + (num_time_steps,))
        return a, np.tile([0.0, self.delay], (batch_size, self.num_rx, 1, 1))


def test_a_model_of_sionna_is_that_of_the_project():
    """TDL-C given as Sionna's object: the fades of our TDL from the same seeds, image
    by image (1e-5), whatever the other images, and nobody's streams are touched."""
    ours = TDL("C", GRID, 2, 2, delay_spread=DELAY_SPREAD, speed=SPEED)
    given = SionnaChannel(sionna_tdl(), GRID, 2, 2)
    one, two = arrays(m.sample_each([3, 4], 2) for m in (ours, given))
    assert two.shape == (2, 2, 2, 2, 14, 18) and two.dtype == np.complex64
    np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(arrays([given.sample_each([4], 2)])[0], two[1:])
    draws = []
    for between in (False, True):
        set_seed(1)
        if between:
            given.sample_each([8])
            SionnaChannel(sionna_tdl(), GRID, 2, 2)
        draws += arrays([given.sample(2)])
    np.testing.assert_array_equal(*draws)


def test_measured_covariances_are_those_of_the_model():
    """Over 512 draws of 2x2 the measured correlations are TDL-C's own (0.06: some four
    standard errors), and the error that the receiver is told of its interpolation is
    what it is of the model that knows its covariances (10 %)."""
    ours = TDL("C", GRID, 2, 2, delay_spread=DELAY_SPREAD, speed=SPEED)
    given = SionnaChannel(sionna_tdl(), GRID, 2, 2)
    for own, measured in zip(
        arrays(ours.covariances(GRID)), given.covariances(GRID), strict=True
    ):
        assert measured.dtype == np.complex64
        np.testing.assert_allclose(measured, own, atol=0.06)
        np.testing.assert_allclose(np.diag(measured), 1, rtol=1e-5)
    no_eff = []
    x = np.ones((8, 200), np.complex64)
    for model in (ours, given):
        channel = EqualizedOFDMChannel(model, Framing(200, 2, GRID), LSEstimator())
        h, noise = channel.sample_each(range(8)), channel.draw_noise(range(8))
        no_eff += arrays([channel(x, h, 1e-3, noise)[1]])
    np.testing.assert_allclose(no_eff[1].mean(), no_eff[0].mean(), rtol=0.1)


def test_flat_models_and_those_without_movement():
    """Block fading of Sionna's is constant over the grid; `moves=False` takes one time
    step (exact)."""
    model = RayleighBlockFading(1, 2, 1, 1)
    moving = SionnaChannel(model, GRID, 2, 1)
    still = SionnaChannel(model, GRID, 2, 1, moves=False)
    h, one = arrays(m.sample_each([1, 2], 3) for m in (moving, still))
    assert h.shape == (2, 3, 2, 1, 14, 18) and one.shape == (2, 1, 2, 1, 1, 18)
    np.testing.assert_array_equal(h, np.broadcast_to(one, h.shape))
    np.testing.assert_allclose(moving.covariances(GRID)[0], np.ones((14, 14)), 1e-5)


def test_another_mean_power_is_refused_or_normalised():
    """A model at power 2 is refused with the measured value; normalised it has mean
    power 1 (4 standard errors and the 1 % of the measurement) and the same fades."""
    with pytest.raises(ValueError, match=r"TwoPaths .*power (1\.9|2\.|2 ).*normalize="):
        SionnaChannel(TwoPaths(2.0), GRID)
    plain = SionnaChannel(TwoPaths(1.0), GRID, moves=False)
    normalised = SionnaChannel(TwoPaths(2.0), GRID, moves=False, normalize=True)
    one, two = arrays(m.sample_each(range(400)) for m in (plain, normalised))
    power = np.mean(np.abs(two) ** 2, axis=(1, 2, 3, 4, 5))
    assert abs(power.mean() - 1) < 4 * power.std() / 20 + 0.01
    ratio = two / one
    np.testing.assert_allclose(ratio, ratio.ravel()[0], rtol=1e-4)
    assert SionnaChannel(TwoPaths(1.03), GRID).normalized


@pytest.mark.parametrize(
    "model, message",
    [
        (
            TwoPaths(num_rx=2),
            r"gains of shape \(1, 2, 1, 1, 1, 2, 14\), .*\[1, 1, 1, 1",
        ),
        (TwoPaths(delay=9e-6), r"[45]\d\.\d % of the power .*prefix of 8.33e-06 s"),
        (TwoPaths(generator=np.random.default_rng(1)), "another channel from the same"),
        (TwoPaths(np.nan), "not finite"),
    ],
    ids=["receivers", "delays", "generator", "nan"],
)
def test_what_the_link_cannot_use_is_refused(model, message):
    """Two receivers, paths behind the cyclic prefix, draws of a generator of its own,
    and gains that are no numbers."""
    with pytest.raises(ValueError, match=message):
        SionnaChannel(model, GRID)


class Nakagami(ChannelModel):
    """Flat fades of a user's own; only ``sample`` is given."""

    def __init__(self, num_rx_ant, num_tx_ant, grid, power=1.0):
        super().__init__(num_rx_ant, num_tx_ant)
        self.power = power

    def sample(self, batch, num_slots=1):
        fades = complex_normal((batch, 1, self.num_rx_ant, self.num_tx_ant, 1, 1))
        return fades * self.power**0.5


def test_a_channel_model_is_taken_as_it_is():
    """Its seeds work without a word of the user's, and it is made once for all systems
    of a comparison (exact)."""
    model = user_channel(Nakagami, 2, 2, GRID)
    assert type(model) is Nakagami and model.made_by is Nakagami
    assert user_channel(Nakagami, 2, 2, GRID) is model
    h = arrays([model.sample_each([7, 8, 7])])[0]
    assert h.shape == (3, 1, 2, 2, 1, 1)
    np.testing.assert_array_equal(h[0], h[2])
    assert not np.isclose(h[0], h[1]).any()


def test_a_model_of_sionna_is_adapted():
    """The factory's object is wrapped with the antennas and grid of the scenario."""
    model = user_channel(lambda nr, nt, grid: sionna_tdl(nr, nt), 2, 1, GRID)
    assert type(model) is SionnaChannel
    assert (model.num_rx_ant, model.num_tx_ant, model.grid) == (2, 1, GRID)


@pytest.mark.parametrize(
    "factory, message",
    [
        (3, "called with num_rx_ant, num_tx_ant and grid, got 3"),
        (lambda nr, nt, grid: "h", "channel returned 'h', neither"),
        (lambda nr, nt, grid: AWGN(3), "3 receive and 3 transmit antennas, .* 2 and 2"),
        (lambda nr, nt, grid: Nakagami(nr, nt, grid, 4.0), "power [34].*divide"),
    ],
)
def test_what_makes_no_channel_is_refused(factory, message):
    """No function, another object, other antennas, another power."""
    with pytest.raises(ValueError, match=message):
        user_channel(factory, 2, 2, GRID)


def test_mean_power_of_known_channels():
    """1 for AWGN (exact, few draws), and Rayleigh fades to 1 %."""
    drawn = []

    def draw(batch):
        drawn.append(batch)
        return AWGN(2).sample(batch)

    assert mean_power(draw) == pytest.approx((1.0, 0.0), abs=1e-6)
    assert sum(drawn) < 600
    power, error = mean_power(lambda batch: complex_normal((batch, 1)))
    assert error == pytest.approx(0.01, rel=0.05) and abs(power - 1) < 4 * error
