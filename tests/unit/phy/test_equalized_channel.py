"""The radio link against independent computations."""

import numpy as np
import pytest
from keras import ops
from sionna.phy.channel import ApplyOFDMChannel
from sionna.phy.mimo import StreamManagement
from sionna.phy.ofdm import LMMSEEqualizer, LSChannelEstimator, ResourceGridMapper

from semcom_phy.backend import compile_fn, gradient_fn
from semcom_phy.phy.channel_models.path_loss import LogDistance, PathLoss
from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.channels import AWGN, BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import LSEstimator, PerfectCSI
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.phy.precoding import svd_precoder
from semcom_phy.seeding import set_seed

SMALL = OFDMGrid(fft_size=16, num_ofdm_symbols=7, pilot_ofdm_symbols=(1, 5))
CSI = [PerfectCSI(), LSEstimator()]


def _case(channel, batch=3, num_symbols=None, seed=1):
    """Symbols, fades, noise variances and noise for a channel."""
    set_seed(seed)
    rng = np.random.default_rng(seed)
    shape = (batch, num_symbols or channel.framing.num_symbols, 2)
    x = rng.standard_normal(shape, dtype=np.float32).view(np.complex64)[..., 0]
    no = np.linspace(0.1, 0.6, batch).astype(np.float32)
    return x / np.sqrt(2), channel.sample(batch), no, channel.draw_noise(range(batch))


def _numpy(values):
    return [ops.convert_to_numpy(v) for v in values]


def _lmmse_reference(y, h, no):
    """x_hat and no_eff of one resource element in float64."""
    h_h = h.conj().T
    g = np.linalg.solve(h_h @ h + no * np.eye(h.shape[1]), h_h)
    d = np.diag(g @ h).real
    return g @ y / d, 1 / d - 1


def _flat_reference(channel, x, h, no, noise):
    """The flat link in NumPy, resource element by resource element."""
    nt, blocks = channel.num_tx_ant, h.shape[1]
    grid, slots = channel.framing.grid, channel.framing.num_slots
    pilots = grid.pilots(nt).astype(complex)
    num_pilots = pilots.shape[1]
    x_hat, no_eff = np.zeros(x.shape, complex), np.zeros(x.shape)
    for image in range(len(x)):
        h_hat, err_var = h[image, ..., 0, 0].astype(complex), 0.0
        if channel.csi.uses_pilots:
            repeats = slots // blocks
            block_noise = noise[image, : slots * num_pilots].reshape(
                blocks, -1, len(h_hat[0])
            )
            sent = np.tile(pilots, repeats)
            energy = np.sum(np.abs(sent[0]) ** 2)
            estimate = []
            for block in range(blocks):
                y = h_hat[block] @ sent + np.sqrt(no[image]) * block_noise[block].T
                estimate.append(y @ sent.conj().T / energy)
            h_hat, err_var = np.array(estimate), nt * no[image] / energy
        for start in range(0, x.shape[1], nt):
            res = start // nt
            block = res // grid.num_data_res if blocks > 1 else 0
            sent = np.zeros(nt, complex)
            sent[: len(x[image, start : start + nt])] = x[image, start : start + nt]
            received = h[image, block, :, :, 0, 0] @ sent
            received = (
                received + np.sqrt(no[image]) * noise[image, slots * num_pilots + res]
            )
            one, two = _lmmse_reference(received, h_hat[block], no[image] + err_var)
            span = slice(start, min(start + nt, x.shape[1]))
            x_hat[image, span] = one[: span.stop - start]
            no_eff[image, span] = two[: span.stop - start]
    return x_hat, no_eff


@pytest.mark.parametrize("csi", CSI, ids=lambda c: c.label)
@pytest.mark.parametrize(
    "model, num_symbols",
    [
        (AWGN(), 80),
        (BlockRayleigh(1, 1), 100),
        (BlockRayleigh(2, 2), 321),
        (BlockRayleigh(2, 2, per_slot=True), 321),
        (BlockRayleigh(4, 2, per_slot=True), 161),
        (BlockRayleigh(8, 8), 100),
        (PathLoss(BlockRayleigh(2, 1), LogDistance(), 1.0), 80),
    ],
    ids=str,
)
def test_flat_link_equals_numpy(model, num_symbols, csi):
    """x_hat and no_eff equal an independent float64 reference (relative 1e-4)."""
    framing = Framing(num_symbols, model.num_tx_ant, SMALL)
    channel = EqualizedOFDMChannel(model, framing, csi)
    x, h, no, noise = _case(channel)
    if not model.normalized:
        no = no * 1e-4
    x_hat, no_eff = _numpy(channel(x, h, no, noise))
    expected, expected_eff = _flat_reference(channel, x, _numpy([h])[0], no, noise)
    assert x_hat.shape == no_eff.shape == x.shape
    assert x_hat.dtype == np.complex64 and no_eff.dtype == np.float32
    np.testing.assert_allclose(no_eff, expected_eff, rtol=1e-4)
    scale = 1 + np.abs(expected)
    np.testing.assert_allclose(x_hat / scale, expected / scale, atol=1e-4)


@pytest.mark.parametrize("csi", CSI, ids=lambda c: c.label)
def test_flat_link_equals_the_sionna_blocks(csi):
    """The same numbers as mapper, channel, LS and L-MMSE of Sionna (relative 1e-4)."""
    model, framing = BlockRayleigh(2, 2), Framing(160, 2, SMALL)
    channel = EqualizedOFDMChannel(model, framing, csi)
    x, h, no, noise = _case(channel, batch=4)
    ours, ours_eff = _numpy(channel(x, h, no, noise))

    grid = SMALL.resource_grid(2)
    slots = ops.transpose(framing.to_slots(framing.to_streams(x)), (0, 2, 1))
    x_grid = ResourceGridMapper(grid)(slots[:, None])
    h_grid = np.broadcast_to(_numpy([h])[0][:, 0, :, :, None], (4, 2, 2, 1, 1, 1))
    h_grid = np.broadcast_to(h_grid[:, None, :, None, :, 0], (4, 1, 2, 1, 2, 7, 16))
    noise_grid = np.zeros((4, 2, 7, 16), np.complex64)
    pilots = list(SMALL.pilot_ofdm_symbols)
    data = list(SMALL.data_ofdm_symbols)
    as_grid = np.swapaxes(noise, 1, 2)
    noise_grid[:, :, pilots] = as_grid[..., :32].reshape(4, 2, 2, 16)
    noise_grid[:, :, data] = as_grid[..., 32:].reshape(4, 2, 5, 16)
    scale = np.sqrt(no)[:, None, None, None, None]
    y = ops.add(
        ApplyOFDMChannel()(x_grid, ops.convert_to_tensor(h_grid)),
        scale * noise_grid[:, None],
    )
    if csi.uses_pilots:  # mean of the LS estimates over each stream's own comb
        estimator = LSChannelEstimator(grid)
        y_pilots = ops.stack([y[:, :, :, i] for i in pilots], axis=3)
        y_pilots = ops.reshape(y_pilots, (4, 1, 2, 1, 1, 32))
        ls, _ = estimator.estimate_at_pilot_locations(
            ops.repeat(y_pilots, 2, axis=4), ops.convert_to_tensor(no)
        )
        ls = _numpy([ls])[0]
        h_grid = np.stack([ls[..., t, t::2].mean(axis=-1) for t in range(2)], axis=-1)
        h_grid = np.broadcast_to(h_grid[..., None, None], (4, 1, 2, 1, 2, 7, 16))
        err_var = np.broadcast_to(
            no[:, None, None, None, None, None, None] / 32, h_grid.shape
        )
    else:
        err_var = np.zeros(h_grid.shape, np.float32)
    equalizer = LMMSEEqualizer(grid, StreamManagement(np.array([[1]]), 2))
    x_hat, no_eff = _numpy(
        equalizer(y, h_grid.astype(np.complex64), err_var.astype(np.float32), no)
    )
    in_order = np.swapaxes(x_hat[:, 0], 1, 2).reshape(4, 160)
    in_order_eff = np.swapaxes(no_eff[:, 0], 1, 2).reshape(4, 160)
    np.testing.assert_allclose(ours_eff, in_order_eff, rtol=1e-4)
    magnitude = 1 + np.abs(in_order)
    np.testing.assert_allclose(ours / magnitude, in_order / magnitude, atol=1e-4)


def test_selective_link_equals_numpy():
    """Guards, two slots and movement: equal to a float64 reference (relative 1e-4)."""
    grid = OFDMGrid(8, 4, (1,), num_guard_carriers=(1, 1), dc_null=False)
    model = TDL("A", grid, 3, 2, delay_spread=1e-6, speed=100.0)
    channel = EqualizedOFDMChannel(model, Framing(51, 2, grid))
    x, h, no, noise = _case(channel)
    x_hat, no_eff = _numpy(channel(x, h, no, noise))
    h = _numpy([h])[0]
    assert h.shape == (3, 2, 3, 2, 4, 6) and x_hat.shape == (3, 51)
    elements = [(s, t, f) for s in range(2) for t in (0, 2, 3) for f in range(6)]
    for image in range(3):
        for res, (s, t, f) in enumerate(elements[: -(-51 // 2)]):
            sent = np.zeros(2, complex)
            span = slice(2 * res, min(2 * res + 2, 51))
            sent[: span.stop - span.start] = x[image, span]
            matrix = h[image, s, :, :, t, f].astype(complex)
            y = matrix @ sent + np.sqrt(no[image]) * noise[image, s, :, t, f]
            expected, expected_eff = _lmmse_reference(y, matrix, no[image])
            count = span.stop - span.start
            np.testing.assert_allclose(
                x_hat[image, span],
                expected[:count],
                atol=1e-4 * (1 + abs(expected).max()),
            )
            np.testing.assert_allclose(no_eff[image, span], expected_eff[:count], 1e-4)


@pytest.mark.parametrize(
    "interpolation", ["nearest", "linear", "time_average", "lmmse"]
)
def test_every_interpolation_runs_and_compiles(interpolation):
    """Estimates of the documented shape; a compiled graph gives the same (1e-3)."""
    model = TDL("A", SMALL, 2, 2)
    channel = EqualizedOFDMChannel(
        model, Framing(400, 2, SMALL), LSEstimator(interpolation)
    )
    x, h, no, noise = _case(channel)
    eager = channel.receive(x, h, no, noise)
    assert tuple(eager.h_hat.shape) == (3, 3, 2, 2, 7, 16)
    assert tuple(eager.snr_db.shape) == (3,)
    fn = compile_fn(lambda x, h, no, noise: channel(x, h, no, noise), jit=False)
    tensors = [ops.convert_to_tensor(v) for v in (x, h, no, noise)]
    for one, two in zip(_numpy(eager[:2]), _numpy(fn(*tensors)), strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-3, atol=1e-3)


def test_lmmse_interpolation_beats_nearest_and_linear():
    """On TDL-A at 10 dB its mean squared error is less than half theirs (seed 1)."""
    error = {}
    for interpolation in ("nearest", "linear", "lmmse"):
        channel = EqualizedOFDMChannel(
            TDL("A", OFDMGrid(), 2, 2, speed=3.0),
            Framing(768, 2),
            LSEstimator(interpolation),
        )
        x, h, _, noise = _case(channel, batch=16)
        h_hat = channel.receive(x, h, 0.2, noise).h_hat
        error[interpolation] = np.mean(np.abs(np.subtract(*_numpy([h_hat, h]))) ** 2)
    assert error["lmmse"] < 0.5 * min(error["nearest"], error["linear"])


@pytest.mark.parametrize("csi", CSI, ids=lambda c: c.label)
@pytest.mark.parametrize("jit", [False, True])
def test_compiled_equals_eager(csi, jit):
    """Plain graph and XLA give the eager numbers on the flat path (1e-4)."""
    channel = EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(64, 2, SMALL), csi)
    x, h, no, noise = _case(channel)
    tensors = [ops.convert_to_tensor(v) for v in (x, h, no, noise)]
    fn = compile_fn(lambda x, h, no, noise: channel(x, h, no, noise), jit=jit)
    eager, compiled = _numpy(channel(*tensors)), _numpy(fn(*tensors))
    for one, two in zip(eager, compiled, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("compiled, jit", [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("csi", CSI, ids=lambda c: c.label)
def test_gradient_with_respect_to_the_symbols(csi, compiled, jit):
    """The gradient of |x_hat - x0|^2 is what the filter's matrices say (1e-3)."""
    channel = EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(64, 2, SMALL), csi)
    x, h, no, noise = _case(channel)
    parts = np.stack([x.real, x.imag], axis=-1)

    def loss(parts):
        x_hat, _ = channel(ops.view_as_complex(parts), h, no, noise)
        return ops.sum(ops.square(ops.real(x_hat)) + ops.square(ops.imag(x_hat)))

    gradient = gradient_fn(loss, compiled=compiled, jit=jit)(
        ops.convert_to_tensor(parts)
    )
    gradient = _numpy([gradient])[0]
    step = np.random.default_rng(0).standard_normal(parts.shape).astype(np.float32)
    # The loss is quadratic in x, so a central difference is exact.
    ahead, behind = (
        float(loss(ops.convert_to_tensor(parts + s * step))) for s in (1, -1)
    )
    assert np.sum(gradient * step) == pytest.approx((ahead - behind) / 2, rel=1e-3)
    assert np.all(np.isfinite(gradient)) and np.all(gradient != 0)


def test_channel_estimate_has_a_gradient():
    """The gradient reaches h through LS and L-MMSE and is finite and non-zero."""
    channel = EqualizedOFDMChannel(
        BlockRayleigh(2, 2), Framing(64, 2, SMALL), LSEstimator()
    )
    x, h, no, noise = _case(channel)
    h = _numpy([h])[0]

    def loss(parts):
        x_hat, no_eff = channel(x, ops.view_as_complex(parts), no, noise)
        return ops.sum(ops.square(ops.real(x_hat))) + ops.sum(no_eff)

    parts = ops.convert_to_tensor(np.stack([h.real, h.imag], axis=-1))
    gradient = _numpy([gradient_fn(loss, compiled=False)(parts)])[0]
    assert np.all(np.isfinite(gradient)) and np.all(gradient != 0)


def test_shorter_transmissions_share_the_noise():
    """Fewer symbols than the frame holds see the noise of the first ones (1e-5)."""
    channel = EqualizedOFDMChannel(
        BlockRayleigh(2, 2), Framing(100, 2, SMALL), LSEstimator()
    )
    x, h, no, noise = _case(channel)
    whole, part = (_numpy(channel(v, h, no, noise)) for v in (x, x[:, :30]))
    assert part[0].shape == (3, 30)
    for one, two in zip(whole, part, strict=True):
        np.testing.assert_allclose(two, one[:, :30], rtol=1e-5, atol=1e-5)


def test_noise_of_an_image_follows_its_seed_alone():
    """Not the other images; a longer frame begins with the noise of a shorter one, the
    pilots' as well, and a sounding has noise of its own (exact)."""
    for model in (BlockRayleigh(2, 2), TDL("A", SMALL, 2, 2)):
        short, long = (
            EqualizedOFDMChannel(model, Framing(n, 2, SMALL)) for n in (8, 200)
        )
        assert long.framing.num_slots > short.framing.num_slots
        noise, more = short.draw_noise([3, 4, 5]), long.draw_noise([5])
        np.testing.assert_array_equal(noise[2:], short.draw_noise([5]))
        assert len(np.unique(noise)) == noise.size
        pilots = short.framing.num_pilot_res if model.is_flat else 0
        skipped = long.framing.num_pilot_res if model.is_flat else 0
        np.testing.assert_array_equal(more[0, :pilots], noise[2, :pilots])
        data = noise[2, pilots:]
        np.testing.assert_array_equal(more[0, skipped:][: len(data)], data)
        sounding = short.draw_noise([5], sounding=True)
        assert not np.isin(sounding, noise).any()


def test_drawn_noise_follows_the_seed_of_all():
    """Noise that is not given comes from the streams of set_seed (exact)."""
    channel = EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(8, 2, SMALL))
    x, h, no, _ = _case(channel)
    runs = []
    for seed in (7, 7, 8):
        set_seed(seed)
        runs.append(_numpy(channel(x, h, no))[0])
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_scalar_and_batched_noise_variance_agree():
    """A scalar no means the same for every image (exact)."""
    channel = EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(8, 2, SMALL))
    x, h, _, noise = _case(channel)
    one = _numpy(channel(x, h, 0.25, noise))
    two = _numpy(channel(x, h, np.full(3, 0.25, np.float32), noise))
    for scalar, batched in zip(one, two, strict=True):
        np.testing.assert_allclose(scalar, batched, rtol=1e-6)


def test_high_snr_gives_back_the_symbols():
    """At no = 1e-10 the symbols return and no_eff goes to 0 (1e-3)."""
    for csi in CSI:
        channel = EqualizedOFDMChannel(BlockRayleigh(4, 2), Framing(64, 2, SMALL), csi)
        x, h, _, noise = _case(channel)
        x_hat, no_eff = _numpy(channel(x, h, 1e-10, noise))
        np.testing.assert_allclose(x_hat, x, atol=1e-3)
        assert 0 < no_eff.max() < 1e-7


@pytest.mark.parametrize("model", [BlockRayleigh(2, 2), TDL("A", SMALL, 2, 2)], ids=str)
def test_bad_input_is_an_error(model):
    """Wrong antennas, symbols, channels, noise and no are refused with their shapes."""
    channel = EqualizedOFDMChannel(model, Framing(8, 2, SMALL), LSEstimator())
    x, h, no, noise = _case(channel)
    with pytest.raises(ValueError, match="1 to 8 symbols"):
        channel(np.zeros((3, 9), np.complex64), h, no)
    with pytest.raises(ValueError, match="Expected h"):
        channel(x, h[:, :, :1], no)
    with pytest.raises(ValueError, match="Expected h"):
        channel.sound(h[:, 0], no)
    with pytest.raises(ValueError, match="draw_noise"):
        channel(x, h, no, noise[:, :-1])
    with pytest.raises(ValueError, match="scalar or"):
        channel(x, h, no[:, None], noise)


def test_impossible_links_are_errors():
    """Fewer receive than transmit antennas and mismatched streams are refused."""
    with pytest.raises(ValueError, match="cannot separate"):
        EqualizedOFDMChannel(BlockRayleigh(1, 2), Framing(8, 2))
    with pytest.raises(ValueError, match="must be equal"):
        EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(8, 1))
    with pytest.raises(ValueError, match="interpolation"):
        LSEstimator("cubic")
    with pytest.raises(ValueError, match="covariance"):
        EqualizedOFDMChannel(
            TDL("A", SMALL),
            Framing(8, 1, SMALL),
            LSEstimator("lmmse", cov_time=np.eye(3)),
        )


def _precoders(batch, num_streams, seed=2):
    """Random full-rank precoders of energy num_streams."""
    parts = np.random.default_rng(seed).standard_normal(
        (2, batch, num_streams, num_streams)
    )
    w = parts[0] + 1j * parts[1]
    energy = np.sum(np.abs(w) ** 2, axis=(1, 2), keepdims=True)
    return (w * np.sqrt(num_streams / energy)).astype(np.complex64)


def test_precoder_is_part_of_a_known_channel():
    """With perfect CSI a precoded frame is received as over the channel H W (1e-5);
    what is reported of the channel stays H (exact)."""
    channel = EqualizedOFDMChannel(BlockRayleigh(3, 2), Framing(50, 2, SMALL))
    x, h, no, noise = _case(channel)
    w = _precoders(3, 2)
    matrices = _numpy([h])[0][:, 0, :, :, 0, 0] @ w
    product = ops.convert_to_tensor(matrices[:, None, :, :, None, None])
    precoded = channel.receive(x, h, no, noise, ops.convert_to_tensor(w))
    expected = channel.receive(x, product, no, noise)
    plain = channel.receive(x, h, no, noise)
    for name in ("x_hat", "no_eff"):
        one, two = _numpy([getattr(precoded, name), getattr(expected, name)])
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5)
    assert not np.allclose(*_numpy([precoded.no_eff, plain.no_eff]), rtol=0.1)
    np.testing.assert_array_equal(*_numpy([precoded.h_hat, h]))
    np.testing.assert_array_equal(*_numpy([precoded.snr_db, plain.snr_db]))


def test_pilots_are_not_precoded():
    """With LS estimates h_hat and the SNR are those without a precoder (exact), and the
    data are detected with h_hat W and the error variance of the estimate added to no
    (float64 reference, relative 1e-4)."""
    channel = EqualizedOFDMChannel(
        BlockRayleigh(2, 2), Framing(50, 2, SMALL), LSEstimator()
    )
    x, h, no, noise = _case(channel)
    w = _precoders(3, 2)
    precoded = channel.receive(x, h, no, noise, ops.convert_to_tensor(w))
    plain = channel.receive(x, h, no, noise)
    for name in ("h_hat", "snr_db"):
        np.testing.assert_array_equal(
            *_numpy([getattr(precoded, name), getattr(plain, name)])
        )
    x_hat, no_eff, h_hat, true = _numpy([*precoded[:3], h])
    num_pilots = channel.framing.num_pilot_res
    energy = np.sum(np.abs(SMALL.pilots(2)[0]) ** 2) * channel.framing.num_slots
    for image, res in np.ndindex(3, 25):
        span = slice(2 * res, 2 * res + 2)
        sent = w[image].astype(complex) @ x[image, span]
        y = true[image, 0, :, :, 0, 0] @ sent
        y = y + np.sqrt(no[image]) * noise[image, num_pilots + res]
        seen = h_hat[image, 0, :, :, 0, 0].astype(complex) @ w[image]
        one, two = _lmmse_reference(y, seen, no[image] * (1 + 2 / energy))
        np.testing.assert_allclose(no_eff[image, span], two, rtol=1e-4)
        scale = 1 + np.abs(one)
        np.testing.assert_allclose(x_hat[image, span] / scale, one / scale, atol=1e-4)


@pytest.mark.parametrize("power", ["equal", "waterfilling"])
def test_error_after_a_precoder_matches_no_eff(power):
    """|error|^2 / no_eff averages 1 on every stream, modes without power included
    (4 standard errors, n = 2000 fades at -3 dB, seed 1)."""
    channel = EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(16, 2, SMALL))
    x, h, _, noise = _case(channel, batch=2000)
    w = svd_precoder(_numpy([h])[0], -3.0, power)
    reception = channel.receive(x, h, 2 * 10**0.3, noise, ops.convert_to_tensor(w))
    x_hat, no_eff = _numpy(reception[:2])
    ratio = (np.abs(x_hat - x) ** 2 / no_eff).reshape(2000, 8, 2).mean(axis=1)
    error = ratio.std(axis=0) / np.sqrt(2000)
    assert np.all(np.abs(ratio.mean(axis=0) - 1) < 4 * error)


@pytest.mark.parametrize(
    "model", [TDL("A", SMALL, 2, 2), BlockRayleigh(2, 2, per_slot=True)], ids=str
)
def test_precoder_needs_one_fade_per_image(model):
    """Selective channels and a fade per slot are refused with the shape of h."""
    channel = EqualizedOFDMChannel(model, Framing(200, 2, SMALL))
    x, h, no, noise = _case(channel)
    w = ops.convert_to_tensor(_precoders(3, 2))
    with pytest.raises(ValueError, match=r"one fade per image, received h of .*\(3, "):
        channel.receive(x, h, no, noise, w)


def test_sounding_error_wants_a_flat_channel():
    """One variance of the error is refused on a selective channel, by name (exact)."""
    channel = EqualizedOFDMChannel(TDL("A", SMALL), Framing(24, grid=SMALL))
    with pytest.raises(ValueError, match="TDL is not flat"):
        channel.sounding_error(channel.sample(1), 0.1)
