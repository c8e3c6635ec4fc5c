"""Result files: complete, atomic, resumable, and clear about what is wrong."""

import copy
import dataclasses
import json
import math
import os

import keras
import numpy as np
import pytest
from result_samples import FIGURES, HEADER, IMAGES, SHOWN, contents, point

from semcom_phy.simulation import results
from semcom_phy.simulation.metric_table import metrics_of
from semcom_phy.simulation.results import ResultError, ResultFile, describe_metrics
from semcom_phy.simulation.shown import Shown, encode_strip
from semcom_phy.simulation.statistics.intervals import Estimate
from semcom_phy.simulation.versions import software_versions


def changed(*keys, value):
    header = copy.deepcopy(HEADER)
    place = header
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return header


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "pixels.json"


def test_a_point_that_was_not_run_is_null(path):
    """Mean, interval and count of an open point are null, never 0 (exact)."""
    file = ResultFile.open(path, HEADER, [0, 10])
    file.record(10, point(extras=["block_error"]))
    document = json.loads(path.read_text())
    assert document["snr_db"] == [0, 10]
    for column in (document["psnr_db"], document["extras"]["block_error"]):
        assert column["status"] == ["not_run", "done"]
        assert column["mean"] == [None, 30.0]
        assert column["ci95"][0] is None and len(column["ci95"][1]) == 2
        assert column["num_images"] == [None, 3]
        assert column["num_transmissions"] == [None, 6]
    assert document["reconstructions"]["points"][0] is None


def test_reading_gives_back_what_was_written(path):
    """Writing, reading and writing again changes no byte, and no pixel (exact)."""
    file = ResultFile.open(path, HEADER, [0, 5])
    file.record(5, point(100 / 3, "target_reached", ["bit_error", "block_error"]))
    before = contents(path)
    read = ResultFile.open(path, HEADER, [0, 5])
    assert contents(path) == before
    assert read.points[5.0].status == "target_reached"
    assert read.unfinished() == [0.0]
    np.testing.assert_array_equal(read.points[5.0].shown.images, IMAGES)
    assert read.points[5.0].shown[1:] == SHOWN[1:]
    np.testing.assert_array_equal(read.original, IMAGES)


def test_texts_and_wide_images_are_kept(path):
    """Captions sent and received, images of any shape, and values that a sample does
    not have come back as they were; so does what was received without images (exact).
    """
    wide = np.random.default_rng(2).integers(0, 256, (3, 12, 40, 3), "uint8")
    header = HEADER | {"original_texts": [["A dog.", "Ein Hündchen"], ["b"], ["c"]]}
    header |= {"original": encode_strip(wide)}
    texts, outage = ("a dog", "", "Hündchen"), (False, True, False)
    shown = {
        0.0: Shown(wide, texts, ("ssim", (0.5, math.nan, 1.0)), outage),
        5.0: Shown(None, texts, (None, ()), outage),
    }
    file = ResultFile.open(path, header, [0, 5])
    for snr, seen in shown.items():
        file.record(snr, dataclasses.replace(point(), shown=seen))
    read = ResultFile.read(path)
    assert read.header == header
    np.testing.assert_array_equal(read.original, wide)
    np.testing.assert_array_equal(read.points[0.0].shown.images, wide)
    assert read.points[5.0].shown == shown[5.0]
    assert read.points[0.0].shown.texts == texts
    assert repr(read.points[0.0].shown.values) == "('ssim', (0.5, nan, 1.0))"


def test_the_metrics_of_a_file_are_those_of_its_header(path):
    """Their columns stand in its order, other metrics are another simulation, and none
    may be called as another entry of the file (exact)."""
    header = HEADER | {"metrics": describe_metrics(metrics_of(["bleu_4", "ssim"]))}
    file = ResultFile.open(path, header, [0])
    metrics = dict.fromkeys(("bleu_4", "ssim", "outage"), Estimate(0.5, None, 3, 6))
    file.record(0, dataclasses.replace(point(), metrics=metrics))
    names = list(json.loads(path.read_text()))
    assert names[names.index("bleu_4") :][:3] == ["bleu_4", "ssim", "outage"]
    assert not set(FIGURES[:2]) & set(names)
    read = ResultFile.read(path)
    assert (read.metrics, read.points[0.0].metrics) == (["bleu_4", "ssim"], metrics)
    assert read.label("bleu_4") == "BLEU-4 of the corpus"
    assert ResultFile(path, HEADER, [0]).label("psnr_db").endswith("[dB]")
    told = r'metrics \["bleu_4", "ssim"\] then, \["psnr_db", .* now'
    with pytest.raises(ResultError, match=told):
        ResultFile.open(path, HEADER, [0])
    for names in ([], [{"name": "seed", "title": "", "unit": ""}]):
        with pytest.raises(ValueError, match="list at least one, and none that"):
            ResultFile(path, HEADER | {"metrics": names}, [0])


def test_a_file_of_an_older_format_is_refused_with_the_remedy(path):
    """The line names both formats and what can be done (exact)."""
    ResultFile.open(path, HEADER, [0])
    old = path.read_text().replace(results.FORMAT, "semcom-phy result 2")
    path.write_text(old)
    told = (
        "format 'semcom-phy result 2', this version reads '.*3'.*choose another --out"
    )
    with pytest.raises(ResultError, match=told):
        ResultFile.read(path)
    ResultFile.open(path, HEADER, [0], restart=True)
    assert ResultFile.read(path).metrics == list(FIGURES[:-1])


def test_a_figure_that_applies_to_no_image_is_null(path):
    """An extra without an estimate is null in the file and `None` when read (exact)."""
    file = ResultFile.open(path, HEADER, [0])
    figures = point(extras=["psnr_low"])
    figures.extras["psnr_high"] = None
    file.record(0, figures)
    column = json.loads(path.read_text())["extras"]["psnr_high"]
    assert column["mean"] == column["ci95"] == column["num_images"] == [None]
    read = ResultFile.read(path)
    assert read.estimate("psnr_high", 0) is None
    assert read.estimate("psnr_low", 0).mean == 30.0


def test_intervals_of_other_groups_are_another_simulation(path):
    """Points by image and points by group do not meet in one file (exact)."""
    ResultFile.open(path, HEADER, [0]).record(0, point())
    groups = {"count": 2, "rule": "segments of 10 frames"}
    grouped = changed("data", "groups", value=groups)
    with pytest.raises(ResultError, match="data groups absent then, .*segments of 10"):
        ResultFile.open(path, grouped, [0])
    ResultFile.open(path, grouped, [0], restart=True)
    assert ResultFile.open(path, grouped, [0]).header["data"]["groups"] == groups


def test_the_file_holds_no_time(path):
    """Files that are written in another order at another time are equal (exact)."""
    for name, order, extras in (("a", [0, 5], "zay"), ("b", [5, 0], "yaz")):
        file = ResultFile.open(path.with_name(name), HEADER, [0, 5])
        for snr in order:
            file.record(snr, point(30.0 + snr, extras=extras))
    assert contents(path.with_name("a")) == contents(path.with_name("b"))


def test_a_crash_while_writing_keeps_the_old_file(path, monkeypatch):
    """The file is whole whatever happens before the replacement (exact)."""
    file = ResultFile.open(path, HEADER, [0, 5])
    file.record(0, point())
    before = contents(path)

    def crash(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(KeyboardInterrupt):
        file.record(5, point())
    assert contents(path) == before


def test_a_reader_never_sees_half_a_file(path):
    """A reader that opened the file before a point still reads it whole (exact)."""
    file = ResultFile.open(path, HEADER, [0, 5])
    before = path.read_bytes()
    with path.open("rb") as reader:
        file.record(0, point())
        assert reader.read() == before
    assert path.read_bytes() != before
    shown = [p.name for p in path.parent.iterdir() if not p.name.startswith(".")]
    assert sorted(shown) == [path.name, "pixels.rows.npz"]


def test_resuming_keeps_points_and_takes_new_ones(path):
    """Finished points survive, also those that are not asked for now (exact)."""
    ResultFile.open(path, HEADER, [0, 5]).record(5, point())
    resumed = ResultFile.open(path, HEADER, [0, 20])
    assert resumed.snr_db == [0.0, 5.0, 20.0]
    assert resumed.unfinished([0, 5, 20]) == [0.0, 20.0]
    fresh = ResultFile.open(path, HEADER, [0, 5], restart=True)
    assert fresh.unfinished() == [0.0, 5.0]


@pytest.mark.parametrize(
    "keys, value",
    [
        (("scenario", "csi"), "estimated"),
        (("system",), "other"),
        (("description", "config", "filters"), 32),
        (("bandwidth", "cbr"), 0.5),
        (("seed",), 2),
        (("sweep", "draws"), 3),
        (("data", "sha256"), "0b"),
        (("data", "texts_sha256"), "0b"),
        (("data", "labels_sha256"), "0b"),
    ],
)
def test_another_simulation_is_refused(path, keys, value):
    """A file of another simulation is named with the difference, not mixed (exact)."""
    ResultFile.open(path, HEADER, [0]).record(0, point())
    before = path.read_bytes()
    with pytest.raises(ResultError, match=keys[-1]) as error:
        ResultFile.open(path, changed(*keys, value=value), [0])
    message = str(error.value)
    assert str(value) in message and "--out" in message and "--restart" in message
    assert path.read_bytes() == before


def test_other_versions_are_noted(path):
    """Points computed with newer software leave a note, finished files none (exact)."""
    newer = changed("versions", value={"semcom_phy": "0.2.0"})
    ResultFile.open(path, HEADER, [0, 5]).record(0, point())
    ResultFile.open(path, newer, [0])
    assert "resumed_with" not in json.loads(path.read_text())
    for _ in range(2):
        ResultFile.open(path, newer, [0, 5])
    document = json.loads(path.read_text())
    assert document["versions"] == {"semcom_phy": "0.1.0"}
    assert document["resumed_with"] == [{"semcom_phy": "0.2.0"}]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 3],
        lambda content: content[:-3],
        lambda content: b"",
        lambda content: b"\xff\x00" + content,
        lambda content: b"[]",
        lambda content: content.replace(results.FORMAT.encode(), b"other 7"),
        lambda content: content.replace(b'"versions"', b'"visions"'),
        lambda content: content.replace(b"iVBORw0KGgo", b"AAAAAAAAAAA"),
    ],
)
def test_a_damaged_file_is_a_clear_error(path, damage):
    """Cut, emptied, foreign or corrupt files are named with the remedy (exact)."""
    ResultFile.open(path, HEADER, [0]).record(0, point())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ResultError, match="not a readable result file") as error:
        ResultFile.open(path, HEADER, [0])
    assert str(path) in str(error.value) and "--restart" in str(error.value)


def test_numbers_that_are_none_are_refused(path):
    """NaN and infinity never enter a file (exact)."""
    file = ResultFile.open(path, HEADER, [0])
    with pytest.raises(ValueError, match="nan"):
        file.record(0, point(float("nan")))
    assert json.loads(path.read_text())["psnr_db"]["mean"] == [None]


def test_versions_name_the_packages_that_compute():
    """The versions of the file are those that are installed (exact)."""
    versions = software_versions()
    assert versions["numpy"] == np.__version__
    assert {"python", "sionna", "keras", keras.backend.backend()} <= set(versions)


CODE = {
    "modules": {"semcom_phy/phy/estimation/csi.py": "0a", "semcom_phy/snr.py": "1a"},
    "data": {},
    "settings": {"Framing": "2a"},
    "weights": "3a",
    "versions": {"keras": "3.15.0"},
}


@pytest.mark.parametrize(
    "change, words",
    [
        (
            {"modules": {"semcom_phy/snr.py": "1a"}},
            "semcom_phy/phy/estimation/csi.py changed",
        ),
        ({"data": {"semcom_phy/a.json": "4a"}}, "semcom_phy/a.json changed"),
        ({"settings": {"Framing": "2b"}}, "settings of Framing changed"),
        ({"weights": "3b"}, "weights changed"),
        ({"versions": {"keras": "3.15.1"}}, "keras 3.15.0 -> 3.15.1 changed"),
    ],
)
def test_points_of_other_code_are_dropped(path, change, words):
    """Points and rows go, with a line that says why and how many; the header is that of
    the new code, other weights in the description included (exact)."""
    file = ResultFile.open(path, HEADER | {"code": CODE}, [0, 5, 10])
    for snr in (0, 5):
        file.record(snr, point())
    same = ResultFile.open(path, HEADER | {"code": CODE}, [0, 5])
    assert same.notes == [] and set(same.points) == {0.0, 5.0}
    about = HEADER["description"] | {"weights_sha256": "3b"}
    header = HEADER | {"code": CODE | change, "description": about}
    changed = ResultFile.open(path, header, [0, 10])
    again = "1 point is simulated again, 1 point is dropped at other SNRs"
    assert changed.notes == [f"pixels: {words}: {again}"]
    assert not changed.points and not changed.rows()
    assert ResultFile.read(path).header == header | {"original": HEADER["original"]}


def test_points_that_are_kept_stay_marked(path):
    """With ``keep`` they say what changed, also when read back, and go when it is not
    given again; their rows stay with them (exact)."""
    ResultFile.open(path, HEADER | {"code": CODE}, [0]).record(0, point())
    header = HEADER | {"code": CODE | {"weights": "3b"}}
    file = ResultFile.open(path, header, [0, 5], keep=True)
    assert file.notes == [
        "pixels: weights changed: 1 point is kept, marked as of older code"
    ]
    file.record(5, point())
    read = ResultFile.read(path)
    assert [read.points[snr].code for snr in (0, 5)] == [
        "old: weights changed",
        "current",
    ]
    assert (read.is_old(0), read.is_old(5), read.is_old(9)) == (True, False, False)
    assert set(read.rows()) == {0.0, 5.0}
    file = ResultFile.open(path, header, [0, 5])
    assert file.notes == ["pixels: weights changed: 1 point is simulated again"]
    assert set(file.points) == set(file.rows()) == {5.0}


def test_two_runs_of_other_code_do_not_share_a_file(path):
    """A run that finds its file resumed by other code stops, the file stays (exact)."""
    first = ResultFile.open(path, HEADER | {"code": CODE}, [0])
    ResultFile.open(path, HEADER | {"code": CODE | {"weights": "3b"}}, [0])
    before = path.read_bytes()
    with pytest.raises(ResultError, match=r"other code \(weights changed\).*--out"):
        first.record(0, point())
    assert path.read_bytes() == before
