"""What systems know stands beside them, and marks those that do not know the same."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import tiny_systems

from link_models.systems.knowledge import KNOWLEDGE, knows
from link_models.systems.levels import LabelLevels, StudentLevels
from link_models.systems.table import SYSTEMS, build_system
from scenarios import adaptive_rate, driving_scene, kodak_2x2, mimo_2x2, runner
from scenarios.command.knowledge_marks import knowledge_marks

SNR, CSI, LABELS = "average SNR", "fed-back CSI", "label maps"
TAUGHT = "network taught what is important"
CUTOFFS, PERFECT = "cut-offs (free)", "perfect CSI"
FEATURES = replace(driving_scene.SCENARIO, dataset="sample")
PHOTOGRAPHS = replace(kodak_2x2.SCENARIO, image_size=(96, 144))
FED_BACK = replace(mimo_2x2.SCENARIO, link_adaptation="csi")


@pytest.mark.parametrize(
    "scenario, name, expected",
    [
        (mimo_2x2.SCENARIO, "adjscc", [SNR]),
        (mimo_2x2.SCENARIO, "linear", [SNR]),
        (mimo_2x2.SCENARIO, "linear_free_scale", [SNR, "image's scale (free)"]),
        (mimo_2x2.SCENARIO, "webp_ldpc", [SNR]),
        (FED_BACK, "webp_ldpc", [SNR, CSI]),
        (
            mimo_2x2.SCENARIO,
            "webp_capacity",
            [SNR, PERFECT, "capacity of each fade (genie)"],
        ),
        (mimo_2x2.SCENARIO, "webp_outage_capacity", [SNR, PERFECT]),
        (
            mimo_2x2.SCENARIO,
            "webp_lmmse_capacity",
            [SNR, PERFECT, "L-MMSE rate of each fade (genie)"],
        ),
        (adaptive_rate.SCENARIO, "eca", [SNR, CSI]),
        (adaptive_rate.SCENARIO, "eca_free", [SNR, CSI, CUTOFFS]),
        (adaptive_rate.SCENARIO, "eca_no_csi", [SNR, CUTOFFS]),
        (adaptive_rate.SCENARIO, "eca_no_csi_sent", [SNR]),
        (adaptive_rate.SCENARIO, "eca_svd", [SNR, CSI]),
        (adaptive_rate.SCENARIO, "hevc_ldpc_svd_matched", [SNR, CSI]),
        (adaptive_rate.SCENARIO, "swinjscc", [SNR]),
        (FEATURES, "ntscc", [SNR]),
        (FEATURES, "ntscc_free", [SNR, "lengths (free)"]),
        (FEATURES, "sa_oosc_student", [SNR, TAUGHT]),
        (FEATURES, "hevc_ldpc_student", [SNR, TAUGHT]),
        (FEATURES, "hevc_ldpc_student_layered", [SNR, TAUGHT]),
        (PHOTOGRAPHS, "ntscc_photo", [SNR]),
    ],
)
def test_systems_state_what_they_know(scenario, name, expected):
    """Everything beyond the scenario is in one list of `describe()` (exact)."""
    assert build_system(name, scenario).describe()["knows"] == expected


def test_annotators_say_whether_they_need_labels():
    """A student sees pixels alone, but was taught; a rule, the ground truth (exact)."""
    assert LabelLevels.knows == (LABELS,) and StudentLevels.knows == (TAUGHT,)


@pytest.mark.parametrize("adaptation", ("average", "csi"))
@pytest.mark.parametrize("code", ("ldpc", "half"))
@pytest.mark.parametrize("rate", ("", "_low"))
def test_one_run_holds_both_kinds_of_feedback(adaptation, code, rate):
    """The name decides what a matched system knows, whatever the scenario's link
    adaptation is for the others (exact)."""
    scenario = replace(adaptive_rate.SCENARIO, link_adaptation=adaptation)
    name = f"hevc_{code}{rate}_matched"
    assert build_system(name, scenario).describe()["knows"] == [SNR, CSI]
    average = build_system(f"{name}_average", scenario)
    assert average.describe()["knows"] == [SNR]


def test_fed_back_scenarios_feed_separate_systems_back():
    """Where codecs are fed back, so are the separate systems that stand beside them by
    default (exact)."""
    scenario = adaptive_rate.SCENARIO
    assert scenario.link_adaptation == "csi"
    assert {"eca", "hevc_ldpc_matched"} <= set(scenario.systems) <= set(SYSTEMS)
    plain = build_system("hevc_ldpc", scenario)
    assert (
        plain.describe()["knows"] == build_system("eca", scenario).describe()["knows"]
    )


def test_knowledge_comes_from_the_table():
    """Words outside of the table are refused; the order is the table's (exact)."""
    assert knows(LABELS, SNR) == [SNR, LABELS]
    assert all(text for text in KNOWLEDGE.values())
    with pytest.raises(ValueError, match="unknown knowledge 'the future'"):
        knows(SNR, "the future")


def files(*lists):
    return [SimpleNamespace(header={"description": {"knows": k}}) for k in lists]


def test_marks_tell_who_knows_the_same():
    """One letter for every kind of knowledge, none where all know the same (exact)."""
    assert knowledge_marks(files([SNR], [SNR])) == (["", ""], [])
    marks, notes = knowledge_marks(files([SNR, CSI], [SNR], [SNR, CSI]))
    assert marks == [" [a]", " [b]", " [a]"]
    assert notes[:2] == [f"[a] knows: {SNR}, {CSI}", f"[b] knows: {SNR}"]


def test_command_shows_and_stores_knowledge(tmp_path, capsys, monkeypatch):
    """The command prints what every system knows, marks the table, and stores it in
    card and description (exact)."""
    scenario = replace(
        mimo_2x2.SCENARIO, systems=("pixels", "fragile"), num_images=2, snr_db=(0.0,)
    )

    def told(system):
        plain = tiny_systems.PixelsOverAWGN(system)
        about = plain.describe() | {"knows": knows(SNR, LABELS)}
        monkeypatch.setattr(plain, "describe", lambda: about)
        return plain

    monkeypatch.setitem(tiny_systems.SYSTEMS, "fragile", lambda s: told("fragile"))
    argv = ["--out", str(tmp_path)]
    assert runner.main(argv, scenario, "tiny_systems") == 0
    out = capsys.readouterr().out
    assert "knows: average SNR\n" in out and "knows: average SNR, label maps" in out
    assert "Pixels [a]" in out and "Fragile [b]" in out
    assert "do not know the same" in out
    stored = (tmp_path / "fragile.json").read_text()
    assert '"Knowledge": "average SNR, label maps"' in stored
