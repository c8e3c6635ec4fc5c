"""On torch, no computation of a link leaves the device that it runs on.

NumPy reads a torch tensor on a CPU without being asked to (``tensor * array``,
``np.abs(tensor)``); on a GPU the same line fails. These tests run in a process of
their own in which a device "far" stands for the GPU: it computes on the CPU, but its
tensors cannot be read by NumPy, do not mix with tensors of the CPU, and every reading
of a value (``float(tensor)``, ``if tensor``), which makes a GPU wait, is noted.
On TensorFlow, where an array is converted the same way on every device, there is
nothing to test.
"""

import contextlib
import functools
import json
import os
import subprocess
import sys
import traceback
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import ops

from link_models.codecs import CODECS, build_link, load_link
from link_models.links.radio import build_channel
from link_models.links.shared_radio import TimeSharing
from link_models.systems.entries import load_klt
from link_models.systems.frame_system import FrameSystem
from link_models.systems.linear_coder import LinearCoder
from link_models.systems.semantic_coder import SemanticCoder
from link_models.systems.separation.capacity_system import CapacitySystem
from link_models.systems.separation.coder import SeparationCoder
from link_models.systems.transmitter import Transmitter
from link_models.training import trainer as trainer_module
from link_models.training.data import split_data
from link_models.training.recipe import Recipe
from link_models.training.tasks.image import ImageTask
from link_models.training.trainer import Trainer
from scenarios import adaptive_rate
from semcom_phy.backend import gradients_fn, train_step_fn
from semcom_phy.channel_coding.mcs import all_schemes
from semcom_phy.codecs.eca import ChannelAwareLoss, EcaEncoder
from semcom_phy.phy.channel_models.path_loss import LogDistance, PathLoss
from semcom_phy.phy.channel_models.tr38901 import CDL, TDL, UMi
from semcom_phy.phy.channels import AWGN, BlockRayleigh, Rician
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel
from semcom_phy.phy.estimation.csi import INTERPOLATORS, LSEstimator, PerfectCSI
from semcom_phy.phy.framing import Framing, OFDMGrid
from semcom_phy.phy.walsh import WalshSpreading
from semcom_phy.seeding import set_seed
from semcom_phy.source_coding import shared_codec
from semcom_phy.sources.samples import Samples

GRID = OFDMGrid(16, 7, (1, 5), num_guard_carriers=(1, 2), dc_null=True)
SHAPE, NUM_SYMBOLS = (16, 16, 3), 64
CONFIGS = {
    "adjscc": {"symbol_counts": (32, 64), "filters": 8, "num_blocks": 1},
    "deepjscc": {
        "num_symbols": NUM_SYMBOLS,
        "filters": (4, 4, 4, 4),
        "snr_attention": True,
    },
    "swinjscc_official": {
        "dims": (8, 10),
        "depths": (1, 2),
        "heads": (2, 2),
        "num_features": None,
        "rate_adaptive": True,
    },
}
CSI = {"perfect": PerfectCSI} | {
    name: functools.partial(LSEstimator, name) for name in INTERPOLATORS
}
MODELS = {
    "flat": lambda: BlockRayleigh(2, 2),
    "per slot": lambda: BlockRayleigh(2, 2, per_slot=True),
    "selective": lambda: TDL("C", GRID, 2, 2, speed=10.0),
    "path loss": lambda: PathLoss(TDL("C", GRID, 2, 2), LogDistance(), (20.0, 60.0)),
}
LINKS = [
    *(("flat", csi, codec) for csi in ("perfect", "linear") for codec in CONFIGS),
    ("per slot", "linear", "adjscc"),
    *(("selective", csi, "adjscc") for csi in CSI),
    ("selective", "linear", "deepjscc"),
    ("path loss", "lmmse", "adjscc"),
]


def semantic_link(model, csi, codec):
    """Call, sounding, gradient and step of an optimiser; no value is read after the
    first call, in which Keras makes its seeds."""
    framing = Framing(NUM_SYMBOLS, 2, GRID)
    channel = EqualizedOFDMChannel(MODELS[model](), framing, CSI[csi]())
    config = {"image_shape": SHAPE, **CONFIGS[codec]}
    link = build_link(CODECS[codec], [config, config], channel)
    weights, rng = link.trainable_variables, np.random.default_rng(1)
    if codec == "adjscc":
        link.encoder.fit_statistics(rng.random((8, *SHAPE)))

    def loss(source, *inputs):
        return ops.mean(ops.square(link(source, *inputs) - source))

    step = train_step_fn(loss, weights, keras.optimizers.Adam(1e-3), jit=False)
    source = ops.convert_to_tensor(rng.random((2, *SHAPE), "float32"))
    snr_db = ops.convert_to_tensor(np.array([3.0, 10.0], "float32"))
    noise = ops.convert_to_tensor(channel.draw_noise(range(2)))
    h = channel.sample(2)
    FAR.read.clear()
    outputs = [link(source, snr_db, h, noise), link(source, snr_db, h)]
    outputs += [*channel.sound(h, 0.5), *channel.receive(ops.ones((2, 64)), h, 0.5)]
    outputs += gradients_fn(loss, weights)(source, snr_db, h, noise)
    outputs += [step(source, snr_db, h, noise) for _ in range(2)]
    assert all(isinstance(tensor, FAR.Tensor) for tensor in outputs)
    assert not FAR.read, FAR.read
    assert all(np.isfinite(ops.convert_to_numpy(v)).all() for v in outputs)


def adaptive_training():
    """Step and validation of a codec that chooses its rate; no value is read in the
    steps."""
    scenario = replace(adaptive_rate.SCENARIO, csi="perfect")
    config = {"sizes": {"filters": 8, "num_blocks": 1}}
    loss = ChannelAwareLoss(random_cutoffs=False)
    num_uniform = EcaEncoder(**config).num_uniform
    task = ImageTask("rayleigh", build_channel(scenario), loss, num_uniform, 0.5)
    images = np.random.default_rng(1).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    recipe = Recipe(steps=2, batch_size=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer_module, "train_step_fn", plain_step)
        data = split_data(images, images[:0], {})
        run = Trainer("eca", config, config, [task], data, recipe, "runs", "far")
    batches = [run.batches.at(step) for step in range(2)]
    FAR.read.clear()
    losses = [run.step_fns[0](*batch) for batch in batches]
    assert all(isinstance(loss, FAR.Tensor) for loss in losses)
    assert not FAR.read, FAR.read
    assert np.isfinite(run.validate()["rayleigh"]["psnr_db"]).all()


def plain_step(*args, jit, **more):
    """The step as it is, not traced."""
    return train_step_fn(*args, jit=False, **more)


def systems():
    """What a sweep calls, from 8-bit images to 8-bit images."""
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    samples = Samples(images, None, {})
    codec, color, shape = shared_codec("webp", (32, 32)), (9, 9, 9), (32, 32, 3)

    def channel(num_symbols, model=None):
        framing = Framing(num_symbols, 2)
        return EqualizedOFDMChannel(model or AWGN(2), framing, LSEstimator())

    link, _ = load_link("adjscc_32x32", channel(768), shape)
    linear, plain = channel(768 + 64), channel(768)
    coders = [
        ("adjscc", SemanticCoder(link, Transmitter(link.channel)), link.channel),
        ("linear", LinearCoder(load_klt(), linear, 64), linear),
    ]
    for knowledge in ("average", "csi"):
        options = all_schemes()[::4], knowledge, color, shape
        coders.append(("webp", SeparationCoder(codec, plain, *options), plain))
    chains = [FrameSystem(name, "", *parts, color) for name, *parts in coders]
    for spreading in (TimeSharing(2), WalshSpreading(2, 2)):
        chains.append(chains[1].shared(spreading, "2 users"))
    for rule in ("realisation", "outage", "lmmse"):
        fading = channel(768, BlockRayleigh(2, 2))
        chains.append(CapacitySystem("webp", "", codec, fading, rule, color, shape))
    for chain in chains:
        sent = chain.transmit(samples, 15.0, fading.sample(2), (3, 4))
        assert sent.delivered.images.shape == images.shape, chain.name


def fades():
    """Every channel model draws on the device."""
    two = {"num_rx_ant": 2, "num_tx_ant": 2}
    models = [Rician(3.0, 2, 2), CDL("D", GRID, **two, speed=3.0), UMi(GRID, **two)]
    for model in (*models, *(build() for build in MODELS.values())):
        set_seed(4)
        assert isinstance(model.sample(3), FAR.Tensor), model


def forbidden():
    """What fails on a GPU fails on the far device; reading a value is noted."""
    tensor, array = ops.ones((3,)), np.ones(3, "float32")
    near = tensor.cpu()
    for wrong in (
        lambda: tensor * array,
        lambda: array * tensor,
        lambda: np.abs(tensor),
        lambda: np.asarray(tensor),
        lambda: np.float32(2) * np.asarray([tensor]),
        lambda: tensor + near,
        lambda: tensor.numpy(),
    ):
        try:
            wrong()
        except (RuntimeError, TypeError):
            continue
        raise AssertionError("a wrong line passed")
    FAR.read.clear()
    assert float(tensor[0]) == 1 and len(FAR.read) == 1
    np.testing.assert_array_equal(ops.convert_to_numpy(tensor * 2.0), 2 * array)


CASES = {
    "forbidden": forbidden,
    "fades": fades,
    "systems": systems,
    "adaptive training": adaptive_training,
    **{" ".join(link): functools.partial(semantic_link, *link) for link in LINKS},
}
FAR = None  # set in the process that runs the cases


class FarDevice:
    """A device of torch's place for backends in Python, with tensors that wrap others.

    Attributes
    ----------
    Tensor : `type`
        Its tensors

    read : list of `str`
        Where values were read, "file:line" of the innermost frame of this project
    """

    name = "far:0"

    def __init__(self):
        import torch
        from sionna.phy import config
        from torch.overrides import TorchFunctionMode
        from torch.utils import _pytree, backend_registration
        from torch.utils._python_dispatch import TorchDispatchMode

        self.read = []
        read_value = torch.ops.aten._local_scalar_dense.default
        copy = torch.ops.aten.copy_.default

        def near(value):
            if isinstance(value, torch.device):
                return torch.device("cpu")
            return value.near if isinstance(value, FarTensor) else value

        def run(kernel, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            tensors = [
                value
                for value in _pytree.tree_leaves((args, kwargs))
                if isinstance(value, torch.Tensor)
            ]
            far = {id(t.near): t for t in tensors if isinstance(t, FarTensor)}
            others = [t for t in tensors if not isinstance(t, FarTensor) and t.ndim]
            if far and others and kernel is not copy:
                raise RuntimeError(f"{kernel} mixes tensors of two devices")
            if far and kernel is read_value:
                self.read.append(_place())
            near_args, near_kwargs = _pytree.tree_map(near, (args, kwargs))
            result = kernel(*near_args, **near_kwargs)
            device = kwargs.get("device")
            if torch.device(device).type == "cpu" if device else not far:
                return result

            def wrap(value):
                if not isinstance(value, torch.Tensor):
                    return value
                return far[id(value)] if id(value) in far else FarTensor(value)

            return _pytree.tree_map(wrap, result)

        class FarTensor(torch.Tensor):
            @staticmethod
            def __new__(cls, tensor):
                wrapper = torch.Tensor._make_wrapper_subclass(
                    cls,
                    tensor.shape,
                    strides=tensor.stride(),
                    storage_offset=tensor.storage_offset(),
                    dtype=tensor.dtype,
                    device=FarDevice.name,
                )
                wrapper.near = tensor
                return wrapper

            __torch_dispatch__ = staticmethod(run)

        class Kernels(TorchDispatchMode):
            def __torch_dispatch__(self, *arguments):
                return run(*arguments)

        class Constants(TorchFunctionMode):
            """Makes constants here and moves them: torch makes them beside dispatch."""

            def __torch_function__(self, function, types, args=(), kwargs=None):
                kwargs = dict(kwargs or {})
                device = kwargs.get("device")
                if function in (torch.tensor, torch.as_tensor) and device is not None:
                    del kwargs["device"]
                    return function(*args, **kwargs).to(device)
                return function(*args, **kwargs)

        backend_registration._setup_privateuseone_for_python_backend("far")
        generator = torch.Generator
        torch.Generator = lambda device=None: generator()
        type(config).available_devices = ["cpu", self.name]
        config.device = self.name
        config.seed = 1
        self.Tensor = FarTensor
        self.modes = [Kernels(), Constants(), keras.device(self.name)]


def _place():
    """Innermost frame of this project, else of any other."""
    frames = [f for f in traceback.extract_stack() if f.filename != __file__]
    ours = [f for f in frames if "/semcom_phy/" in f.filename]
    ours += [f for f in frames if "/link_models/" in f.filename]
    frame = (ours or frames)[-1]
    return f"{frame.filename}:{frame.lineno}"


def main():
    """Runs all cases; a line of JSON for each, with its traceback if it failed."""
    global FAR
    FAR = FarDevice()
    with contextlib.ExitStack() as stack:
        for mode in FAR.modes:
            stack.enter_context(mode)
        for name, case in CASES.items():
            try:
                case()
                error = None
            except Exception:
                error = traceback.format_exc()
            print(json.dumps([name, error]), flush=True)
    os._exit(0)  # without torch's clean-up, which does not know such a device


if keras.backend.backend() == "torch":

    @functools.cache
    def outcomes():
        done = subprocess.run(
            [sys.executable, __file__], capture_output=True, text=True, check=False
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
        return dict.fromkeys(CASES, done.stderr) | dict(map(json.loads, lines))

    @pytest.mark.parametrize("name", CASES)
    def test_stays_on_the_device(name):
        """Tensors of the far device come out of the chain, and nothing in it reads a
        value, takes a tensor for an array or mixes devices (exact)."""
        error = outcomes()[name]
        assert error is None, error


if __name__ == "__main__":
    main()
