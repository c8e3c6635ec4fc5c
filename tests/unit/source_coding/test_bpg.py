"""BPG programs on PATH, played by scripts that copy a PNG."""

import sys

import numpy as np
import pytest

from semcom_phy.source_coding import DecodeError, MissingCodecError, shared_codec
from semcom_phy.source_coding.bpg import BpgCodec
from semcom_phy.sources.images import load_images

ENCODER = """#!{python}
import sys
arguments = sys.argv[1:]
options = dict(zip(arguments[:-1:2], arguments[1:-1:2]))
assert set(options) == {{"-q", "-f", "-o"}}, arguments
assert options["-f"] in ("444", "420"), arguments
content = open(arguments[-1], "rb").read()
padding = 10 * (51 - int(options["-q"])) + (5 if options["-f"] == "444" else 0)
open(options["-o"], "wb").write(b"BPG" + content + bytes(padding))
"""
DECODER = """#!{python}
import sys
arguments = sys.argv[1:]
content = open(arguments[-1], "rb").read()
open(arguments[arguments.index("-o") + 1], "wb").write(content[3:])
if content[:3] != b"BPG":
    sys.exit("not a BPG file")
"""


@pytest.fixture
def programs_on_path(tmp_path, monkeypatch):
    for name, script in (("bpgenc", ENCODER), ("bpgdec", DECODER)):
        path = tmp_path / name
        path.write_text(script.format(python=sys.executable))
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_programs_are_called(programs_on_path):
    """The programs get quality, chroma format and files, and the image comes back
    (exact: the scripts copy it)."""
    image = load_images("sample", 1)[0][0]
    codec = BpgCodec((32, 32))
    coarse = codec.encode_step(image, "4:2:0", 0)
    fine = codec.encode_step(image, "4:4:4", 20)
    assert len(fine) - len(coarse) == 205
    np.testing.assert_array_equal(codec.decode(fine), image)


def test_decoder_failure_is_a_decode_error(programs_on_path):
    """What bpgdec refuses is a DecodeError with its message."""
    with pytest.raises(DecodeError, match="not a BPG file"):
        BpgCodec((32, 32)).decode(b"nonsense")


def test_missing_program(tmp_path, monkeypatch):
    """Without the programs the error names them and the way out."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingCodecError, match="bpgenc on PATH.*hevc"):
        shared_codec("bpg", (32, 32))
