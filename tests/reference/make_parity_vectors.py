"""Makes `parity_vectors.npz`; run it from the repository root:

    python tests/reference/make_parity_vectors.py

The two Sionna generations cannot be installed together, so what the first one
computes is stored, and the running one is compared with it (`test_parity.py`). Every
case is a function that returns named arrays. Images, fades, noise and weights are
drawn by NumPy generators with the seeds stated in it, so that the library alone
computes. The file was made with the versions that it records as `versions`, on a CPU.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
from keras import ops

from link_models.codecs import CODECS, build_link, load_link
from link_models.systems.entries import load_klt
from link_models.systems.frame_system import FrameSystem
from link_models.systems.images import to_uint8
from link_models.systems.linear_coder import LinearCoder
from semcom_phy.backend import gradients_fn, train_step_fn
from semcom_phy.channel_coding.ldpc import LDPC5GCode
from semcom_phy.channel_coding.mcs import Mcs, mcs_from_table
from semcom_phy.channel_coding.qam import qam_demap, qam_modulate
from semcom_phy.channel_coding.transport import Transport
from semcom_phy.phy.channel_models.path_loss import (
    LogDistance,
    PathLoss,
    UMiStreetCanyon,
)
from semcom_phy.phy.channel_models.tr38901 import TDL
from semcom_phy.phy.channels import AWGN, BlockRayleigh
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import INTERPOLATORS, LSEstimator, PerfectCSI
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.phy.power import PowerNormalization
from semcom_phy.phy.transform_precoding import TransformPrecoding
from semcom_phy.sources.samples import Samples

FILE = Path(__file__).with_name("parity_vectors.npz")
GRID = OFDMGrid(16, 7, (1, 5), num_guard_carriers=(1, 2), dc_null=True)
CASES = {}


def case(name, **arguments):
    """Registers a function, with arguments, as a case."""

    def register(function):
        CASES[name] = lambda: function(**arguments)
        return function

    return register


def cn(rng, *shape):
    """CN(0, 1) entries, `complex64`."""
    return (rng.standard_normal((*shape, 2)) @ [1, 1j] / np.sqrt(2)).astype("complex64")


def unit_noise(rng, shape):
    """CN(0, 1) entries drawn in single precision."""
    parts = rng.standard_normal((*shape, 2), dtype=np.float32)
    return np.sqrt(np.float32(0.5)) * parts.view(np.complex64)[..., 0]


def pictures(rng, count):
    """Smooth random pictures in [0, 1], nearly grey, [count, 32, 32, 3], `float32`."""
    y, x = np.mgrid[:32, :32][..., None] / 32
    waves = np.zeros((count, 32, 32, 3))
    for octave in (1, 2, 4):
        for _ in range(4):
            fy, fx = rng.normal(scale=octave, size=(2, count, 1, 1, 1))
            phase = rng.random((count, 1, 1, 1)) + rng.normal(0, 0.05, (count, 1, 1, 3))
            waves += np.cos(2 * np.pi * (fy * y + fx * x + phase)) / octave**2
    return (0.5 + 0.13 * waves).clip(0, 1).astype("float32")


def tensors(*arrays):
    return [ops.convert_to_tensor(array) for array in arrays]


def outputs_of(channel, rng, h, no):
    """All that a channel hands out for symbols and noise of ``rng``."""
    x = cn(rng, len(h), channel.framing.num_symbols)
    noise = unit_noise(rng, channel.noise_shape(len(h)))
    x_hat, no_eff = channel(x, h, no, noise)
    reception = channel.receive(x, h, no, noise)
    noise = unit_noise(rng, channel.noise_shape(len(h), sounding=True))
    sounded_h, sounded_snr_db = channel.sound(h, no, noise)
    return {
        "x_hat": x_hat,
        "no_eff": no_eff,
        "h_hat": reception.h_hat,
        "snr_db": reception.snr_db,
        "sounded_h": sounded_h,
        "sounded_snr_db": sounded_snr_db,
    }


# The radio link


@case("flat_1x1_perfect", model=BlockRayleigh(1, 1), csi=PerfectCSI())
@case("flat_1x1_estimated", model=BlockRayleigh(1, 1), csi=LSEstimator())
@case("flat_2x2_perfect", model=BlockRayleigh(2, 2), csi=PerfectCSI())
@case("flat_2x2_estimated", model=BlockRayleigh(2, 2), csi=LSEstimator())
@case("flat_4x4_perfect", model=BlockRayleigh(4, 4), csi=PerfectCSI())
@case("flat_4x4_estimated", model=BlockRayleigh(4, 4), csi=LSEstimator())
@case("per_slot_4x2", model=BlockRayleigh(4, 2, per_slot=True), csi=LSEstimator())
@case(
    "path_loss_2x2",
    model=PathLoss(BlockRayleigh(2, 2), LogDistance(), 30.0),
    csi=LSEstimator(),
)
def flat(model, csi):
    """Flat fades, CN(0, 1) and 40 dB below behind a path loss; 10 dB and 3 dB; two
    slots, of which the second is not full; seed 10."""
    rng, nt = np.random.default_rng(10), model.num_tx_ant
    channel = EqualizedOFDMChannel(model, Framing(70 * nt + 1, nt, GRID), csi)
    gain = np.float32(1 if model.normalized else 1e-2)
    slots = 2 if getattr(model, "per_slot", False) else 1
    h = gain * cn(rng, 2, slots, model.num_rx_ant, nt, 1, 1)
    no = gain**2 * nt * np.array([0.1, 0.5], "float32")
    return outputs_of(channel, rng, h, no)


def taps(rng, grid, slots):
    """A 2x2 channel with four taps up to 0.9 us that turn by up to 100 Hz, of mean
    power 1, [2, slots, 2, 2, T, F]."""
    delay, doppler = np.linspace(0, 0.9e-6, 4), np.linspace(-100, 100, 4)
    time = np.arange(slots * grid.num_ofdm_symbols) * grid.ofdm_symbol_duration
    frequency = grid.effective_subcarriers * grid.subcarrier_spacing
    phase = doppler[:, None, None] * time[:, None] - delay[:, None, None] * frequency
    h = np.tensordot(cn(rng, 2, 2, 2, 4) / 2, np.exp(2j * np.pi * phase), 1)
    h = h.reshape(2, 2, 2, slots, grid.num_ofdm_symbols, -1).astype("complex64")
    return h.transpose(0, 3, 1, 2, 4, 5)


def selective_cases(function):
    for name in INTERPOLATORS:
        case(f"selective_{name}", csi=LSEstimator(name))(function)
    case("selective_perfect", csi=PerfectCSI())(function)
    return case("selective_path_loss", csi=LSEstimator("lmmse"), gain=1e-2)(function)


@selective_cases
def selective(csi, gain=1.0):
    """2x2, 13 dB and 6 dB, two slots; ``lmmse`` assumes TDL-C with 300 ns at 20 m/s;
    seed 11."""
    rng = np.random.default_rng(11)
    model = TDL("C", GRID, 2, 2, delay_spread=300e-9, speed=20.0)
    if gain != 1:
        model = PathLoss(model, LogDistance(), 30.0)
    channel = EqualizedOFDMChannel(model, Framing(141, 2, GRID), csi)
    h = np.float32(gain) * taps(rng, GRID, channel.framing.num_slots)
    no = np.float32(gain) ** 2 * np.array([0.1, 0.5], "float32")
    return outputs_of(channel, rng, h, no)


@case("framing")
def framing():
    """Resource grids of 2 streams, 1 and 2 slots; used elements; seed 12."""
    rng = np.random.default_rng(12)
    frame = Framing(131, 2, GRID)
    x = cn(rng, 2, 131)
    mask = (rng.random((2, 131)) < 0.3).astype("float32")
    return {
        "streams": frame.to_streams(ops.convert_to_tensor(x)),
        "grid": frame.resource_grid(ops.convert_to_tensor(x)),
        "used": frame.count_used(ops.convert_to_tensor(mask)),
        "pilots": frame.pilots,
    }


@case("power_and_precoding")
def power_and_precoding():
    """Normalisation with and without a mask; DFT spreading over 1 and 2 streams and
    its inverse, symbols of very unequal power; seed 13."""
    rng = np.random.default_rng(13)
    z = cn(rng, 2, 48) * np.geomspace(10, 0.01, 48, dtype="float32")
    mask = (rng.random((2, 48)) < 0.7).astype("float32")
    no_eff = rng.uniform(0.01, 2, (2, 48)).astype("float32")
    z, mask, no_eff = tensors(z, mask, no_eff)
    x = PowerNormalization()(z)
    out = {"x": x, "x_masked": PowerNormalization()(z, mask)}
    for streams in (1, 2):
        precoding = TransformPrecoding(streams)
        out[f"spread_{streams}"] = precoding.spread(x)
        z_hat, no = precoding.despread(x, no_eff)
        out |= {f"z_hat_{streams}": z_hat, f"no_{streams}": no}
    return out


@case("path_losses")
def path_losses():
    """Losses from 10 m to 3 km [dB]."""
    (distance,) = tensors(np.geomspace(10, 3000, 24, dtype="float32"))
    laws = LogDistance(3.5), UMiStreetCanyon(), UMiStreetCanyon(line_of_sight=True)
    return {f"law_{i}": law.loss_db(distance) for i, law in enumerate(laws)}


# Channel coding


@case("qam_4", order=2)
@case("qam_16", order=4)
@case("qam_64", order=6)
@case("qam_256", order=8)
def qam(order):
    """Symbols of random bits, and LLRs at error variances 0.003 to 0.3; seed 14."""
    rng = np.random.default_rng(14)
    x = qam_modulate(rng.integers(0, 2, (1, 32 * order)), order)
    no_eff = np.geomspace(0.003, 0.3, 32, dtype="float32")[None]
    return {
        "x": x,
        "llr": qam_demap(x + np.sqrt(no_eff) * cn(rng, 1, 32), no_eff, order),
    }


@case("ldpc_bg1", k=500, n=1000, variance=0.75)
@case("ldpc_bg2", k=100, n=400, variance=2.1)
@case("ldpc_repeated", k=40, n=400, variance=5.0)
def ldpc(k, n, variance):
    """Code words, and decisions from BPSK of 12 words near the waterfall; those that
    do not converge are chaotic and set to 0; seed 15."""
    rng = np.random.default_rng(15)
    code = LDPC5GCode(k, n)
    code_bits = code.encode(rng.integers(0, 2, (12, k), dtype="uint8"))
    y = 2.0 * code_bits - 1 + rng.normal(scale=variance**0.5, size=code_bits.shape)
    bits, num_iterations = code.decode((2 * y / variance).astype("float32"))
    bits = bits * (num_iterations < code.num_iter)[:, None]
    packed = {"code_bits": code_bits, "decided": bits}
    out = {name: np.packbits(array, axis=1) for name, array in packed.items()}
    return {**out, "num_iterations": num_iterations}


@case("transport_qpsk", mcs=Mcs(2, 0.5), num_symbols=160, no=0.79)
@case("transport_repeated", mcs=Mcs(2, 0.1), num_symbols=128, no=4.5)
@case("transport_64qam", mcs=mcs_from_table(2, 13), num_symbols=192, no=0.071)
@case("transport_two_blocks", mcs=Mcs(8, 0.8), num_symbols=1600, no=0.0071)
def transport(mcs, num_symbols, no):
    """Bytes to symbols, and back from AWGN that some of 8 payloads do not survive;
    seed 16."""
    rng = np.random.default_rng(16)
    chain = Transport(mcs, num_symbols)
    sizes = rng.integers(1, chain.max_bytes + 1, 8)
    x = chain.encode([rng.bytes(size) for size in sizes])
    payloads, crc_ok = chain.decode(x + np.float32(no**0.5) * cn(rng, *x.shape), no)
    received = b"".join(payload or b"" for payload in payloads)
    return {
        "x": x[:, ::7],
        "sum_of_x": x.sum(axis=1),
        "received": np.frombuffer(received, "uint8"),
        "crc_ok": crc_ok,
    }


# Codecs over the link


def awgn_512():
    return EqualizedOFDMChannel(AWGN(), Framing(512), LSEstimator())


def mimo_768(csi=None):
    csi = LSEstimator() if csi is None else csi
    return EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(768, 2), csi)


def inputs_of(channel, seed):
    """Two pictures at 4 and 13 dB with fades and noise, as tensors."""
    rng = np.random.default_rng(seed)
    source, snr_db = pictures(rng, 2), np.array([4.0, 13.0], "float32")
    nt = channel.num_tx_ant
    h = cn(rng, 2, 1, nt, nt, 1, 1) if nt > 1 else np.ones((2,) + (1,) * 5, "complex64")
    return tensors(source, snr_db, h, unit_noise(rng, channel.noise_shape(2)))


def reconstructions(link, seed):
    source, *rest = inputs_of(link.channel, seed)
    images = link(source, *rest)
    error = to_uint8(images) - np.rint(255.0 * ops.convert_to_numpy(source))
    psnr_db = 10 * np.log10(255**2 / np.mean(error**2, axis=(1, 2, 3)))
    return {"images": images, "psnr_db": psnr_db}


@case("adjscc_awgn", channel=awgn_512)
@case("adjscc_2x2", channel=mimo_768)
@case("adjscc_2x2_perfect", channel=lambda: mimo_768(PerfectCSI()))
def adjscc(channel):
    """The shipped weights; seed 20."""
    return reconstructions(load_link("adjscc_32x32", channel(), (32, 32, 3))[0], 20)


@case("deepjscc_2x2")
def deepjscc():
    """DeepJSCC with SNR attention and random weights of constant gain; seed 21."""
    config = {"num_symbols": 768, "snr_attention": True}
    link = build_link(CODECS["deepjscc"], (config, config), mimo_768())
    rng = np.random.default_rng(21)
    for weight in link.weights:
        fan_in = max(1, np.prod(weight.shape) // max(weight.shape))
        weight.assign(rng.standard_normal(weight.shape) * np.sqrt(1 / fan_in))
    return reconstructions(link, 22)


@case("linear_2x2")
def linear():
    """The linear analogue coder with its scale sent; 8-bit images; seeds 23, 24, 25."""
    channel = EqualizedOFDMChannel(BlockRayleigh(2, 2), Framing(768 + 128, 2))
    coder = LinearCoder(load_klt(), channel, 128)
    system = FrameSystem("linear", "Linear", coder, channel, (0, 0, 0))
    source, _, h, _ = inputs_of(channel, 23)
    sent = system.transmit(Samples(to_uint8(source), None, {}), 12.0, h, (24, 25))
    return {
        "images_8bit": sent.delivered.images,
        "side_info_error": sent.lost["scale"],
        **sent.figures,
    }


# Training


def training():
    """Shipped ADJSCC over 2x2 with estimated CSI: link, loss, inputs; seed 25."""
    link, _ = load_link("adjscc_32x32", mimo_768(), (32, 32, 3))

    def loss(source, snr_db, h, noise):
        return ops.mean(ops.square(link(source, snr_db, h, noise) - source))

    return link, loss, inputs_of(link.channel, 25)


@case("gradient")
def gradient():
    """Norms of all gradients, and every entry of the five smallest of both ends."""
    link, loss, inputs = training()
    gradients = gradients_fn(loss, link.trainable_variables, compiled=False)(*inputs)
    gradients = [ops.convert_to_numpy(g) for g in gradients]
    out = {"norms": np.array([np.linalg.norm(g) for g in gradients])}
    small = sorted(range(len(gradients)), key=lambda i: gradients[i].size)[:10]
    return out | {f"of_variable_{i}": gradients[i] for i in small}


@case("optimiser_steps")
def optimiser_steps():
    """Losses before, and after each of three steps of Adam from the same weights."""
    link, loss, inputs = training()
    adam = keras.optimizers.Adam(1e-4)
    # XLA would compile for longer than the test takes; torch's trace is quick.
    jit = keras.backend.backend() == "torch"
    step = train_step_fn(loss, link.trainable_variables, adam, jit=jit)
    return {"loss": np.array([float(step(*inputs)) for _ in range(4)])}


def compute(name):
    """The arrays of a case, computed by the running generation."""
    return {key: ops.convert_to_numpy(v) for key, v in CASES[name]().items()}


def main():
    if keras.backend.backend() != "tensorflow":
        sys.exit("The reference is the first generation: run this on TensorFlow.")
    packages = ("sionna-no-rt", "tensorflow", "keras", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    arrays = {"versions": np.array(versions)}
    for name in CASES:
        for key, array in compute(name).items():
            arrays[f"{name}.{key}"] = array
            print(f"{name}.{key}", array.dtype, array.shape)
    np.savez_compressed(FILE, **arrays)
    print(FILE.stat().st_size, "bytes;", versions)


if __name__ == "__main__":
    main()
