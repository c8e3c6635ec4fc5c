"""What theory promises of the radio link, measured on it.

Tolerances are 4 standard errors of the measured mean; where symbols share a fade the
error is that of the means per image, which are independent.
"""

import numpy as np
import pytest
from keras import ops
from scipy.stats import norm

from semcom_phy.phy.channel_models.path_loss import LogDistance, PathLoss
from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.channels import AWGN, BlockRayleigh, Rician
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator, PerfectCSI
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.phy.power import PowerNormalization
from semcom_phy.seeding import set_seed
from semcom_phy.snr import snr_db_to_no

# Few resource elements and pilots: many fades for little work, and visible LS errors.
TINY = OFDMGrid(4, num_ofdm_symbols=3, pilot_ofdm_symbols=(1,), cyclic_prefix_length=0)


def _link(model, csi, num_symbols, grid=None):
    framing = Framing(num_symbols, model.num_tx_ant, grid or OFDMGrid())
    return EqualizedOFDMChannel(model, framing, csi)


def _assert_mean(samples, expected):
    """The mean of independent samples is within 4 standard errors of a value."""
    samples = np.asarray(samples, np.float64).ravel()
    error = np.std(samples) / np.sqrt(samples.size)
    assert np.mean(samples) == pytest.approx(expected, abs=4 * error)


def _qpsk(rng, shape):
    bits = rng.integers(0, 2, (*shape, 2))
    return bits, ((1 - 2 * bits) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)


def _bit_error_rate(channel, batch, no, seed=1):
    """Bit error rate of uncoded QPSK per image, [batch]."""
    set_seed(seed)
    rng = np.random.default_rng(seed)
    bits, x = _qpsk(rng, (batch, channel.framing.num_symbols))
    noise = channel.draw_noise(range(batch))
    x_hat = ops.convert_to_numpy(channel(x, channel.sample(batch), no, noise)[0])
    wrong = np.stack([x_hat.real < 0, x_hat.imag < 0], axis=-1) != bits
    return wrong.mean(axis=(1, 2))


def _rayleigh_qpsk_error(no, err_var=0.0):
    """Bit error rate of QPSK on 1x1 Rayleigh fading with a noisy channel estimate.

    Decisions are signs of a quadratic form in the jointly Gaussian y and h_hat, whose
    correlation has real and imaginary part r (Proakis, appendix B).
    """
    r_squared = 1 / (2 * (1 + no) * (1 + err_var))
    return 0.5 * (1 - np.sqrt(r_squared / (1 - r_squared)))


@pytest.mark.parametrize("snr_db", [-2.0, 4.0, 9.0])
@pytest.mark.parametrize("num_ant", [1, 2])
def test_qpsk_over_awgn(num_ant, snr_db):
    """Bit error rate is Q(sqrt(SNR)) (4 s.e., n = 1.5e6 bits, seed 1)."""
    no = snr_db_to_no(snr_db, num_ant)
    rate = _bit_error_rate(_link(AWGN(num_ant), PerfectCSI(), 768), 1000, no)
    _assert_mean(rate, norm.sf(np.sqrt(10 ** (snr_db / 10))))


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 20.0])
def test_qpsk_over_rayleigh(snr_db):
    """Bit error rate is (1 - sqrt(SNR / (2 + SNR))) / 2 (4 s.e., 30000 fades)."""
    snr = 10 ** (snr_db / 10)
    channel = _link(BlockRayleigh(), PerfectCSI(), 8, TINY)
    rate = _bit_error_rate(channel, 30000, snr_db_to_no(snr_db, 1))
    _assert_mean(rate, 0.5 * (1 - np.sqrt(snr / (2 + snr))))


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 20.0])
def test_estimated_csi_costs_what_theory_says(snr_db):
    """QPSK on 1x1 Rayleigh with LS over 4 pilots: the closed form (4 s.e.)."""
    no = float(snr_db_to_no(snr_db, 1))
    channel = _link(BlockRayleigh(), LSEstimator(), 8, TINY)
    rate = _bit_error_rate(channel, 30000, no)
    expected = _rayleigh_qpsk_error(no, err_var=no / TINY.num_pilot_res)
    _assert_mean(rate, expected)
    perfect = _rayleigh_qpsk_error(no)
    assert expected > 1.05 * perfect  # there is a cost to see


@pytest.mark.parametrize(
    "model, grid",
    [
        (BlockRayleigh(2, 2), None),
        (BlockRayleigh(8, 8), None),
        (BlockRayleigh(1, 1), None),
        (Rician(5.0, 4, 2), None),
        (TDL("C", OFDMGrid(), 2, 2, speed=10.0), None),
    ],
    ids=lambda m: type(m).__name__,
)
def test_symbol_error_matches_no_eff(model, grid):
    """|x_hat - x|^2 / no_eff averages 1 with perfect CSI (4 s.e., 256 fades)."""
    channel = _link(model, PerfectCSI(), 256 * model.num_tx_ant, grid)
    set_seed(1)
    rng = np.random.default_rng(1)
    _, x = _qpsk(rng, (256, channel.framing.num_symbols))
    no = snr_db_to_no(10.0, model.num_tx_ant)
    x_hat, no_eff = channel(x, channel.sample(256), no, channel.draw_noise(range(256)))
    ratio = np.abs(ops.convert_to_numpy(x_hat) - x) ** 2 / ops.convert_to_numpy(no_eff)
    _assert_mean(ratio.mean(axis=1), 1.0)


def test_identity_codec_gives_the_lmmse_error():
    """x_hat / (1 + no_eff) has mean squared error no_eff / (1 + no_eff) (4 s.e.)."""
    channel = _link(BlockRayleigh(2, 2), PerfectCSI(), 768)
    set_seed(2)
    rng = np.random.default_rng(2)
    z = rng.standard_normal((512, 768, 2), dtype=np.float32).view(np.complex64)[..., 0]
    x = ops.convert_to_numpy(PowerNormalization()(z))
    no = snr_db_to_no(5.0, 2)
    x_hat, no_eff = channel(x, channel.sample(512), no, channel.draw_noise(range(512)))
    no_eff = ops.convert_to_numpy(no_eff)
    biased = ops.convert_to_numpy(x_hat) / (1 + no_eff)
    excess = np.abs(biased - x) ** 2 - no_eff / (1 + no_eff)
    _assert_mean(excess.mean(axis=1), 0.0)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_ls_error_variance_over_the_whole_pilot_block(size):
    """Flat fading: error variance is no over a stream's pilot energy (4 s.e.)."""
    channel = _link(BlockRayleigh(size, size), LSEstimator(), 4)
    set_seed(3)
    h = channel.sample(2000)
    no = snr_db_to_no(3.0, size)
    x = np.zeros((2000, 4), np.complex64)
    h_hat = channel.receive(x, h, no, channel.draw_noise(range(2000))).h_hat
    error = np.abs(ops.convert_to_numpy(h_hat) - ops.convert_to_numpy(h)) ** 2
    assert channel.framing.num_pilot_res == 144
    _assert_mean(error, float(no) / 144)


def test_slots_of_one_fade_pool_their_pilots():
    """Three slots under one fade give the estimate three times the pilots (4 s.e.)."""
    channel = _link(BlockRayleigh(2, 2), LSEstimator(), 2 * 24, TINY)
    assert channel.framing.num_slots == 3
    set_seed(4)
    h = channel.sample(4000)
    h_hat, _ = channel.sound(h, 0.5)
    error = np.abs(ops.convert_to_numpy(h_hat) - ops.convert_to_numpy(h)) ** 2
    _assert_mean(error, 0.5 / (3 * 4))


def test_detection_with_estimated_csi_errs_as_theory_says():
    """2x2 QPSK: the error given h_hat, from h | h_hat Gaussian (4 s.e., 4000 fades)."""
    channel = _link(BlockRayleigh(2, 2), LSEstimator(), 16, TINY)
    set_seed(5)
    rng = np.random.default_rng(5)
    no, err_var = 0.2, 0.2 / 4
    _, x = _qpsk(rng, (4000, 16))
    noise = channel.draw_noise(range(4000))
    reception = channel.receive(x, channel.sample(4000), no, noise)
    h_hat = ops.convert_to_numpy(reception.h_hat)[:, 0, :, :, 0, 0]
    h_h = np.conj(np.swapaxes(h_hat, 1, 2))
    g = np.linalg.solve(h_h @ h_hat + (no + 2 * err_var) * np.eye(2), h_h)
    w = g / np.diagonal(g @ h_hat, axis1=1, axis2=2)[:, :, None]
    # h = h_hat / (1 + err_var) + remainder; QPSK has |x|^2 = 1 on every element.
    mean = w @ h_hat / (1 + err_var) - np.eye(2)
    remainder = no + 2 * err_var / (1 + err_var)
    expected = np.sum(np.abs(mean) ** 2, axis=2)
    expected += remainder * np.sum(np.abs(w) ** 2, axis=2)
    error = np.abs(ops.convert_to_numpy(reception.x_hat) - x) ** 2
    error = error.reshape(4000, 8, 2).mean(axis=1)
    _assert_mean(np.mean(error / expected, axis=1), 1.0)


def test_noise_variance_equals_no():
    """Silence over AWGN comes out with variance no, per quadrature half (4 s.e.)."""
    channel = _link(AWGN(), PerfectCSI(), 500)
    set_seed(6)
    x_hat, _ = channel(np.zeros((400, 500), np.complex64), channel.sample(400), 0.3)
    x_hat = ops.convert_to_numpy(x_hat)
    _assert_mean(x_hat.real**2, 0.15)
    _assert_mean(x_hat.imag**2, 0.15)


def test_average_received_snr_is_the_nominal_one():
    """Received signal power per antenna over no is the SNR asked for (4 s.e.)."""
    channel = _link(BlockRayleigh(4, 2), PerfectCSI(), 2, TINY)
    set_seed(7)
    h = ops.convert_to_numpy(channel.sample(20000))
    received = np.sum(np.abs(h) ** 2, axis=3).mean(axis=(1, 2, 3, 4))
    _assert_mean(received / snr_db_to_no(7.0, 2), 10**0.7)


@pytest.mark.parametrize("num_streams", [1, 2, 4])
def test_mean_power_per_stream_is_one(num_streams):
    """Normalised symbols give every stream mean power 1 on the grid (4 s.e.)."""
    rng = np.random.default_rng(8)
    z = rng.standard_normal((200, 120, 2), dtype=np.float32).view(np.complex64)[..., 0]
    framing = Framing(120, num_streams)
    streams = framing.to_streams(PowerNormalization()(5 * z))
    power = np.abs(ops.convert_to_numpy(streams)) ** 2
    for stream in range(num_streams):
        _assert_mean(power[:, :, stream].mean(axis=1), 1.0)


@pytest.mark.parametrize(
    "model",
    [AWGN(), BlockRayleigh(2, 2), BlockRayleigh(2, 2, per_slot=True)],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize("snr_db", [0.0, 15.0])
def test_sounded_snr_is_unbiased(model, snr_db):
    """The SNR from the pilots averages the true one in dB (4 s.e., 4000 soundings)."""
    grid = OFDMGrid(fft_size=8, num_ofdm_symbols=4, pilot_ofdm_symbols=(1,))
    channel = _link(model, LSEstimator(), 60, grid)
    set_seed(9)
    noise = channel.draw_noise(range(4000), sounding=True)
    no = snr_db_to_no(snr_db, model.num_tx_ant)
    _, measured = channel.sound(channel.sample(4000), no, noise)
    assert tuple(measured.shape) == (4000,)
    _assert_mean(ops.convert_to_numpy(measured), snr_db)


def test_sounded_snr_on_a_selective_channel():
    """On slow TDL-A the mean in dB is the true one (4 s.e., 400 soundings)."""
    grid = OFDMGrid()
    channel = _link(TDL("A", grid, 2, 2, speed=3.0), LSEstimator(), 8, grid)
    set_seed(10)
    _, measured = channel.sound(channel.sample(400), snr_db_to_no(12.0, 2))
    _assert_mean(ops.convert_to_numpy(measured), 12.0)


def test_snr_is_an_output_under_path_loss():
    """Sounding follows the received SNR of each image (4 s.e. in dB, 400 images)."""
    model = PathLoss(BlockRayleigh(2, 2), LogDistance(), (10.0, 100.0))
    sounded, true = _link(model, LSEstimator(), 8), _link(model, PerfectCSI(), 8)
    set_seed(11)
    h = sounded.sample(400)
    no = 1e-12
    measured = ops.convert_to_numpy(sounded.sound(h, no)[1])
    expected = ops.convert_to_numpy(true.sound(h, no)[1])
    assert expected.min() > 5 and np.ptp(expected) > 20
    _assert_mean(measured - expected, 0.0)


def test_perfect_csi_sounds_the_channel_itself():
    """With perfect CSI sounding returns h and the nominal SNR (1e-5)."""
    channel = _link(BlockRayleigh(2, 2), PerfectCSI(), 8)
    h = channel.sample(3)
    h_hat, snr_db = channel.sound(h, snr_db_to_no(4.0, 2))
    np.testing.assert_array_equal(*map(ops.convert_to_numpy, (h_hat, h)))
    np.testing.assert_allclose(ops.convert_to_numpy(snr_db), 4.0, atol=1e-5)
