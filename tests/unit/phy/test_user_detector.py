"""A detector of one's own in the link."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.backend import compile_fn
from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.channels import BlockRayleigh
from semcom_phy.phy.detection import lmmse_detect
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator, PerfectCSI
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.seeding import set_seed

GRID = OFDMGrid(fft_size=16, num_ofdm_symbols=7, pilot_ofdm_symbols=(1, 5))
MODELS = [
    BlockRayleigh(2, 2),
    BlockRayleigh(3, 2, per_slot=True),
    TDL("A", GRID, 3, 2, speed=30.0),
]


def matched_filter(y, h_hat, error_variance, no):
    """Maximum ratio combining of every stream; the others count as noise."""
    h_h = ops.conj(ops.transpose(h_hat, (0, 2, 1)))
    gram = ops.matmul(h_h, h_hat)
    power = ops.diagonal(ops.real(gram), axis1=1, axis2=2)
    others = ops.sum(ops.square(ops.abs(gram)), axis=2) - ops.square(power)
    told = no + ops.mean(ops.sum(error_variance, axis=2), axis=1)
    x_hat = ops.matmul(h_h, y[..., None])[..., 0] / ops.cast(power, "complex64")
    return x_hat, others / ops.square(power) + told[:, None] / power


def arrays(values):
    return [np.asarray(ops.convert_to_numpy(v)) for v in values]


def case(model, csi, detector, batch=3, num_symbols=321):
    channel = EqualizedOFDMChannel(model, Framing(num_symbols, 2, GRID), csi, detector)
    set_seed(1)
    rng = np.random.default_rng(1)
    shape = (batch, num_symbols, 2)
    x = rng.standard_normal(shape, dtype=np.float32).view(np.complex64)[..., 0]
    no = np.linspace(0.1, 0.6, batch).astype(np.float32)
    noise = channel.draw_noise(range(batch))
    return channel, (x / np.sqrt(2), channel.sample(batch), no, noise)


@pytest.mark.parametrize("csi", [PerfectCSI(), LSEstimator()], ids=lambda c: c.label)
@pytest.mark.parametrize("model", MODELS, ids=["flat", "per slot", "tdl"])
def test_lmmse_as_a_detector_is_the_default(model, csi):
    """Element by element it gives what the link does by itself, of whole frames and of
    shorter ones, eager and compiled (relative 1e-4)."""
    default, inputs = case(model, csi, None)
    own, _ = case(model, csi, lmmse_detect)
    compiled = compile_fn(lambda *inputs: own(*inputs), jit=False)
    for count in (321, 30):
        x, *rest = inputs
        args = [ops.convert_to_tensor(v) for v in (x[:, :count], *rest)]
        expected = arrays(default(*args))
        for found in (arrays(own(*args)), arrays(compiled(*args))):
            for one, two in zip(found, expected, strict=True):
                np.testing.assert_allclose(one, two, rtol=2e-4, atol=2e-4)


def test_lmmse_as_a_detector_knows_of_precoders():
    """The error variance of a stream's entries grows with the power that the precoder
    gives it (relative 1e-4)."""
    inputs = case(BlockRayleigh(2, 2), LSEstimator(), None)[1]
    precoder = np.tile(np.complex64([[1.2, 0.3j], [0.4, 0.6]]), (3, 1, 1))
    precoder *= np.sqrt(2 / np.sum(np.abs(precoder[0]) ** 2))
    precoder = ops.convert_to_tensor(precoder)
    told = []

    def detector(y, h_hat, error_variance, no):
        told.append(np.asarray(ops.convert_to_numpy(error_variance)))
        return lmmse_detect(y, h_hat, error_variance, no)

    default, own = (
        case(BlockRayleigh(2, 2), LSEstimator(), d)[0] for d in (None, detector)
    )
    expected, found = (arrays(c.receive(*inputs, precoder)) for c in (default, own))
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=2e-4, atol=2e-4)
    power = np.sum(np.abs(np.asarray(precoder)[0]) ** 2, axis=0)
    np.testing.assert_allclose(
        told[-1][0, 0] / told[-1][0, 0].sum(), power / power.sum(), rtol=1e-4
    )


@pytest.mark.parametrize("model", MODELS, ids=["flat", "per slot", "tdl"])
def test_error_of_another_detector_matches_what_it_reports(model):
    """Matched filter: other estimates than those of L-MMSE; |e|^2 / no_eff averages 1
    (4 standard errors, 2000 fades)."""
    channel, (x, h, _, noise) = case(model, PerfectCSI(), matched_filter, 2000, 12)
    x_hat, no_eff = arrays(channel(x, h, 0.3, noise))
    lmmse, _ = arrays(case(model, PerfectCSI(), None, 2000, 12)[0](x, h, 0.3, noise))
    assert not np.allclose(x_hat, lmmse, rtol=0.1)
    ratio = (np.abs(x_hat - x) ** 2 / no_eff).mean(axis=1)
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(2000)


def test_the_detector_is_part_of_the_description():
    """By module and name; the default is not mentioned (exact)."""
    default, own = (
        case(MODELS[0], None, d)[0].describe() for d in (None, matched_filter)
    )
    assert own == default | {"detector": f"{__name__}.matched_filter"}


def _bad(change):
    def detector(y, h_hat, error_variance, no):
        return change(*lmmse_detect(y, h_hat, error_variance, no))

    return detector


@pytest.mark.parametrize(
    "detector, message",
    [
        ("lmmse", "detector must be a function .*got 'lmmse'"),
        (_bad(lambda x, no: x), r"must return \(x_hat, no_eff\), got"),
        (_bad(lambda x, no: (x[:, :1], no)), r"x_hat of shape \(8, 1\), .*\(8, 2\)"),
        (_bad(lambda x, no: (x, no[:4])), r"no_eff of shape \(4, 2\), .*\(8, 2\)"),
        (_bad(lambda x, no: (x, no[:, 0])), r"no_eff of shape \(8,\)"),
        (_bad(lambda x, no: (x * np.nan, no)), "not finite"),
        (_bad(lambda x, no: (x, no - 10)), "not real and positive"),
        (_bad(lambda x, no: (x, ops.cast(no, "complex64"))), "not real and positive"),
    ],
)
def test_what_is_no_detector_is_refused(detector, message):
    """When the link is made, with what was returned."""
    with pytest.raises(ValueError, match=message):
        EqualizedOFDMChannel(MODELS[0], Framing(8, 2, GRID), None, detector)


def test_shapes_are_checked_at_every_call():
    """A detector that returns another shape later is refused, compiled as well."""
    wrong = []

    def detector(y, h_hat, error_variance, no):
        x_hat, no_eff = lmmse_detect(y, h_hat, error_variance, no)
        return (x_hat, no_eff[:, :1]) if wrong else (x_hat, no_eff)

    channel, inputs = case(MODELS[0], None, detector)
    wrong.append(True)
    with pytest.raises(ValueError, match=r"no_eff of shape .*, 1\)"):
        channel(*inputs)
    args = [ops.convert_to_tensor(v) for v in inputs]
    with pytest.raises(ValueError, match=r"no_eff of shape .*, 1\)"):
        compile_fn(lambda *inputs: channel(*inputs), jit=False)(*args)
