"""A figure that older code computed is never shown as one of the code that is there."""

import importlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from link_models.codecs import build_link, find_codec
from link_models.systems import table as systems
from link_models.systems.frame_system import FrameSystem
from link_models.systems.semantic_coder import SemanticCoder
from link_models.systems.transmitter import Transmitter
from scenarios import adaptive_rate, mimo_2x2, runner
from scenarios.command.link_builder import LinkBuilder
from semcom_phy.simulation import sweep
from semcom_phy.simulation.identity.code_identity import code_identity
from semcom_phy.simulation.identity.stale_points import code_changes
from semcom_phy.simulation.metric_table import metrics_of
from semcom_phy.sources.images import load_samples

TABLE = """
import tiny_systems
from semcom_phy.sources.samples import Delivered
from tiny_systems import build_channel
from own_decoder import decode
import own_other

class Own(tiny_systems.PixelsOverAWGN):
    def transmit(self, samples, snr_db, h, seed):
        sent = super().transmit(samples, snr_db, h, seed)
        images = decode(sent.delivered.images)
        return type(sent)(Delivered(images=images), sent.outage, sent.spent)

class Other(tiny_systems.PixelsOverAWGN):
    def transmit(self, samples, snr_db, h, seed):
        own_other.count()
        return super().transmit(samples, snr_db, h, seed)

SYSTEMS = {"own": lambda scenario: Own("own"), "other": lambda scenario: Other("other")}

def build_system(name, scenario):
    return SYSTEMS[name](scenario)
"""
DECODER = '''
def decode(images):
    """As they are."""
    return images  # unchanged
'''
BROKEN = DECODER.replace("return images", "return images * 0")
SCENARIO = replace(
    mimo_2x2.SCENARIO, systems=("own",), num_images=4, snr_db=(0.0, 10.0)
)


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Gives the same command, to a fresh import of a user's modules; returns what it
    printed and the file of the system ``own``."""
    folder, out = tmp_path / "own", tmp_path / "out"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)

    def run(decoder=DECODER, *options, other="def count(): pass\n", figures=False):
        (folder / "own_table.py").write_text(TABLE)
        (folder / "own_decoder.py").write_text(decoder)
        (folder / "own_other.py").write_text(other)
        for name in ("own_table", "own_decoder", "own_other"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        sweep.built.cache_clear()
        assert runner.main(["--out", str(out), *options], SCENARIO, "own_table") == 0
        return capsys.readouterr().out, json.loads((out / "own.json").read_text())

    yield run
    sweep.built.cache_clear()


def mean(document):
    return document["psnr_db"]["mean"]


def test_a_changed_decoder_is_simulated_again(command):
    """A decoder multiplied by 0, and the same command: one line names the module, both
    points are new and are those of a fresh folder (exact)."""
    first = command()[1]
    out, second = command(BROKEN)
    assert "\nown: own_decoder.py changed: 2 points are simulated again\n" in out
    assert mean(second)[1] < mean(first)[1] - 5
    assert second == command(BROKEN, "--restart")[1]
    assert second["code_of_points"] == ["current", "current"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"decoder": DECODER.replace("As they are", "As received")},
        {"decoder": DECODER.replace("unchanged", "the same").replace("\n", "\n\n")},
        {"other": "def count(): return 1\n"},
    ],
)
def test_nothing_is_simulated_again_for_nothing(command, monkeypatch, options):
    """The same code, another docstring, comment or layout, and a change of what only
    another system uses (exact)."""
    first = command()[1]
    monkeypatch.setattr(sweep, "simulate_chunk", None)
    out, second = command(**options)
    assert second == first and "changed" not in out


def test_old_points_are_kept_on_purpose_and_marked(command):
    """--keep: the old figures stay, marked in file and table, new points are current;
    without it they are simulated again (exact)."""
    first = command()[1]
    out, kept = command(BROKEN, "--keep", "--snr", "0", "10", "20")
    assert "own: own_decoder.py changed: 2 points are kept, marked" in out
    assert mean(kept)[:2] == mean(first) and mean(kept)[2] < 10
    old = "old: own_decoder.py changed"
    assert kept["code_of_points"] == [old, old, "current"]
    assert f"{mean(first)[1]:.2f} +- " in out
    assert "* Own, 10 dB: kept, code is old: own_decoder.py changed" in out
    assert "* Own, 20 dB" not in out
    again = command(BROKEN, "--keep", "--snr", "0", "10", "20")[1]
    assert again == kept
    out, final = command(BROKEN)
    assert "own: own_decoder.py changed: 2 points are simulated again" in out
    assert final["code_of_points"] == ["current"] * 3
    assert mean(final)[2] == mean(kept)[2] and mean(final)[1] < 10


def test_a_file_without_a_note_of_its_code_is_not_trusted(command, tmp_path):
    """Points of unknown code are simulated again (exact)."""
    first = command()[1]
    path = tmp_path / "out" / "own.json"
    path.write_text(json.dumps({k: v for k, v in first.items() if k != "code"}))
    out, second = command()
    assert "own: its code was not noted: 2 points are simulated again" in out
    assert second == first


def identity(name, scenario=mimo_2x2.SCENARIO):
    system = systems.build_system(name, scenario)
    system.describe()
    return code_identity(system, systems.build_channel(scenario))


def test_a_system_rests_on_its_own_codec_alone():
    """Source, tables and packages of what each uses, and nothing of the others
    (exact)."""
    adjscc, hevc, webp = map(identity, ("adjscc", "hevc_ldpc", "webp_ldpc"))
    eca = identity("eca_free", adaptive_rate.SCENARIO)
    codecs = "semcom_phy/source_coding/{}.py".format
    for one in (adjscc, hevc, webp):
        assert {"keras", "sionna-no-rt", "numpy"} <= set(one["versions"])
        for module in ("phy/equalized_channel", "simulation/sweep", "metrics/image"):
            assert f"semcom_phy/{module}.py" in one["modules"]
        assert not any("figures" in name for name in one["modules"])
    assert "semcom_phy/codecs/adjscc.py" in adjscc["modules"]
    assert "semcom_phy/codecs/adjscc.py" not in hevc["modules"]
    learned = {f"semcom_phy/codecs/{name}.py" for name in ("adjscc", "eca", "ntscc")}
    assert learned & set(adjscc["modules"]) == {"semcom_phy/codecs/adjscc.py"}
    assert learned & set(eca["modules"]) == {"semcom_phy/codecs/eca.py"}
    semantic, separate = "semantic_coder.py", "separation/coder.py"
    coders = {f"link_models/systems/{coder}" for coder in (semantic, separate)}
    for one, coder in ((adjscc, semantic), (eca, semantic), (hevc, separate)):
        assert "link_models/systems/frame_system.py" in one["modules"]
        assert coders & set(one["modules"]) == {f"link_models/systems/{coder}"}
    assert codecs("hevc") in hevc["modules"] and codecs("webp") not in hevc["modules"]
    assert codecs("webp") in webp["modules"] and codecs("hevc") not in webp["modules"]
    assert ("av" in hevc["versions"], "av" in webp["versions"]) == (True, False)
    assert ("pillow" in hevc["versions"], "pillow" in webp["versions"]) == (False, True)
    assert "semcom_phy/channel_coding/bler_curves.json" in hevc["data"]
    assert adjscc["weights"] and hevc["weights"] is None


def test_metrics_that_are_listed_count_and_no_others():
    """Code of texts and of importance is among what a curve rests on where its metrics
    are listed, and nowhere else (exact)."""
    link = LinkBuilder(SCENARIO, "pixels", "tiny_systems")()
    text, rule = (
        "semcom_phy/metrics/text.py",
        "semcom_phy/knowledge_base/importance/driving_rule.py",
    )
    for names, found in (
        (["ssim"], set()),
        (["ssim", "bleu_2"], {text}),
        (["psnr_high"], {rule}),
    ):
        modules = set(code_identity(*link, metrics_of(names))["modules"])
        assert modules & {text, rule} == found
        assert "semcom_phy/metrics/image.py" in modules


def test_a_rate_that_follows_the_snr_names_its_systems_too():
    """A matched system builds one per rate; their code counts (exact)."""
    modules = identity("hevc_ldpc_matched", adaptive_rate.SCENARIO)["modules"]
    assert "link_models/systems/separation/coder.py" in modules
    assert "semcom_phy/source_coding/hevc.py" in modules


@pytest.mark.parametrize(
    "name", ["adjscc", "eca", "linear", "webp_ldpc", "hevc_capacity"]
)
def test_use_does_not_change_an_identity(name):
    """The same before and after a transmission (exact)."""
    scenario = adaptive_rate.SCENARIO if name == "eca" else mimo_2x2.SCENARIO
    scenario = replace(scenario, num_images=2, snr_db=(5.0,))
    link = LinkBuilder(scenario, name, "link_models.systems.table")()
    before = code_identity(*link)
    samples = load_samples(scenario.dataset, 2)
    sweep.simulate_point(link, samples, 5.0, sweep.SweepSettings(num_shown=1))
    assert code_changes(before, code_identity(*link)) == []


CODEC = """
import keras
from keras import ops
from semcom_phy.codecs.contract import Packet, SemanticDecoder, SemanticEncoder
from semcom_phy.phy.segments import Analogue
from semcom_phy.sources.samples import Delivered

class Sender(SemanticEncoder):
    def __init__(self, image_shape, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)

    def encode(self, source, known, uniform=None):
        flat = ops.reshape(source, (-1, 2 * known.num_symbols, 2))[:, ::2]
        return Packet(Analogue(ops.view_as_complex(flat)))

class Receiver(SemanticDecoder):
    def __init__(self, image_shape, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)

    def decode(self, received, known, training=False):
        pairs = ops.repeat(ops.view_as_real(received.z_hat), 2, axis=1)
        return Delivered(shaped(pairs, self.image_shape))

def shaped(pairs, shape):
    return ops.reshape(pairs, (-1, *shape))

def unused():
    return 0
"""


def test_a_codec_of_a_user_counts_by_what_it_is_made_of(tmp_path, monkeypatch):
    """Another line of a function that its decoder calls is another code, one of a
    function that nobody calls is not (exact)."""
    monkeypatch.syspath_prepend(tmp_path)
    scenario = replace(mimo_2x2.SCENARIO, image_size=16)

    def of(text):
        (tmp_path / "codec_of_test.py").write_text(text)
        monkeypatch.delitem(sys.modules, "codec_of_test", raising=False)
        importlib.invalidate_caches()
        codec = find_codec("codec_of_test:Sender,Receiver")
        channel = systems.build_channel(scenario)
        link = build_link(codec, 2 * [{"image_shape": (16, 16, 3)}], channel)
        coder = SemanticCoder(link, Transmitter(channel))
        system = FrameSystem("own", "Own", coder, channel, (0, 0, 0))
        return code_identity(system, channel)

    first = of(CODEC)
    assert "codec_of_test.py" in first["modules"]
    assert code_changes(first, of(CODEC.replace("return 0", "return 1"))) == []
    changed = of(CODEC.replace("(pairs, (-1", "(0 * pairs, (-1"))
    assert code_changes(first, changed) == ["codec_of_test.py"]


def test_an_identity_is_the_same_in_every_process():
    """Other names of layers and another order of hashing make no difference (exact)."""
    script = (
        "import json, semcom_phy, keras; [keras.Model() for _ in range(3)]\n"
        "from test_stale_results import identity\n"
        "print(json.dumps(identity('linear')))"
    )
    here = Path(__file__).resolve()
    paths = [str(here.parents[n]) for n in (3, 1, 0)]
    paths.append(os.environ.get("PYTHONPATH", ""))
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == identity("linear")
