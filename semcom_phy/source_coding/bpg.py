"""BPG through its own programs, `bpgenc` and `bpgdec`, when they are on PATH.

Whole files are sent, as the published baselines do: 23 bytes or so are headers.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from semcom_phy.source_coding.codec import SourceCodec
from semcom_phy.source_coding.errors import DecodeError, MissingCodecError
from semcom_phy.source_coding.pillow_image import load_image

_MAX_QP = 51
_TIMEOUT = 600  # [s]


class BpgCodec(SourceCodec):
    """BPG (F. Bellard, https://bellard.org/bpg), QP step 1, 4:4:4 and 4:2:0.

    Raises
    ------
    MissingCodecError
        If `bpgenc` or `bpgdec` is not on PATH.
    """

    name = "bpg"
    branches = ("4:4:4", "4:2:0")
    num_steps = _MAX_QP + 1

    def __init__(self, image_shape):
        super().__init__(image_shape)
        self._encoder = _program("bpgenc")
        self._decoder = _program("bpgdec")

    def encode_step(self, image, branch, step):
        image = self.check_image(image)
        with tempfile.TemporaryDirectory() as folder:
            source, stream = Path(folder, "image.png"), Path(folder, "image.bpg")
            Image.fromarray(image).save(source)
            options = ["-q", str(_MAX_QP - step), "-f", branch.replace(":", "")]
            result = _run([self._encoder, *options, "-o", stream, source])
            if result.returncode != 0 or not stream.is_file():
                raise RuntimeError(
                    f"bpgenc ended with code {result.returncode}: {result.stderr}"
                )
            return stream.read_bytes()

    def decode(self, data):
        with tempfile.TemporaryDirectory() as folder:
            stream, target = Path(folder, "image.bpg"), Path(folder, "image.png")
            stream.write_bytes(data)
            try:
                result = _run([self._decoder, "-o", target, stream])
            except subprocess.TimeoutExpired as error:
                raise DecodeError(f"bpgdec did not end: {error}") from error
            if result.returncode != 0 or not target.is_file():
                raise DecodeError(
                    f"bpgdec ended with code {result.returncode}: {result.stderr}"
                )
            return np.array(load_image(target.read_bytes(), "PNG", self.image_shape))


def _program(name):
    path = shutil.which(name)
    if path is None:
        raise MissingCodecError(
            f"the bpg codec needs the program {name} on PATH: build libbpg from "
            "https://bellard.org/bpg, or use the codec 'hevc' (the same intra coding)"
        )
    return path


def _run(command):
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TIMEOUT,
        check=False,
    )
