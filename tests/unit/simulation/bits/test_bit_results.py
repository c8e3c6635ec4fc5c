"""Files of bit links: what they hold, and what they refuse."""

import json

import pytest
from bit_samples import CODE, header, point

from semcom_phy.simulation.bits.results import (
    BitResultFile,
    bit_results,
    check_one_link,
    image_results,
)
from semcom_phy.simulation.results import ResultError
from semcom_phy.simulation.storage import replaced


@pytest.fixture
def path(tmp_path):
    return tmp_path / "bits_uncoded_2.json"


def filed(path, **changes):
    file = BitResultFile.open(path, header(**changes), [0.0, 5.0, 10.0])
    file.record(0.0, point(3, 12))
    file.record(10.0, point(0, 100))
    return file


def test_a_file_holds_rates_counts_and_nulls(path):
    """Points that were not run are null, Eb/N0 stands beside the SNR (exact)."""
    filed(path)
    document = json.loads(path.read_text())
    assert document["snr_db"] == [0.0, 5.0, 10.0]
    assert document["ebno_db"] == [-3.01, 1.99, 6.99]
    assert document["bler"]["mean"] == [0.25, None, 0.0]
    assert document["bler"]["num_blocks"] == [12, None, 100]
    assert document["ber"]["num_errors"] == [9, None, 0]
    assert document["ber"]["num_bits"] == [120, None, 1000]
    assert document["bler"]["ci95"][2][1] > 0.03
    for name in ("ber", "bler"):
        assert document[name]["status"] == ["done", "not_run", "done"]


def test_what_is_read_is_what_was_written(path):
    """Reading and filing again changes no byte."""
    file = filed(path)
    before = path.read_bytes()
    again = BitResultFile.open(path, header(), [0.0, 5.0, 10.0])
    assert path.read_bytes() == before
    assert again.points[0.0].bler.count == file.points[0.0].bler.count
    assert again.unfinished([0.0, 5.0]) == [5.0]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"seed": 2}, "--seed 1 then, 2 now"),
        (
            {"sweep": {"target_errors": 9, "max_blocks": 100}},
            "--target-errors 3 then, 9",
        ),
        ({"frame": {"num_symbols": 6, "pilot_res": 4}}, "num_symbols 5 then, 6 now"),
    ],
)
def test_another_simulation_is_refused(path, changes, words):
    """With the option that makes the difference (exact)."""
    filed(path)
    options = {"seed": "--seed", "target_errors": "--target-errors"}
    with pytest.raises(ResultError, match=words):
        BitResultFile.open(path, header(**changes), [0.0], options=options)
    BitResultFile.open(path, header(**changes), [0.0], restart=True)
    assert not BitResultFile.read(path).points


def test_points_of_other_code_are_simulated_again_or_marked(path):
    """Dropped with a line, or kept on demand and told apart for good (exact)."""
    filed(path)
    new = header(code=CODE | {"modules": {"a.py": "2"}})
    kept = BitResultFile.open(path, new, [0.0, 10.0], keep=True)
    assert "kept" in kept.notes[0] and kept.is_old(0.0)
    assert BitResultFile.read(path).points[0.0].code == "old: a.py changed"
    dropped = BitResultFile.open(path, new, [0.0, 10.0])
    assert not dropped.points and "2 points are simulated again" in dropped.notes[0]


def test_points_of_two_runs_meet_in_one_file(path):
    """A run files on top of what another one filed; other code stops it (exact)."""
    one = BitResultFile.open(path, header(), [0.0])
    two = BitResultFile.open(path, header(), [5.0])
    one.record(0.0, point(3, 12))
    two.record(5.0, point(2, 50))
    assert sorted(BitResultFile.read(path).points) == [0.0, 5.0]
    other = header(code=CODE | {"modules": {"a.py": "2"}})
    BitResultFile.open(path, other, [0.0])
    with pytest.raises(ResultError, match="other code"):
        one.record(0.0, point(3, 12))


@pytest.mark.parametrize("content", ["{", "[]", '{"format": "semcom-phy result 2"}'])
def test_what_is_no_such_file_is_refused(path, content):
    """Damaged or foreign JSON, with the remedy (exact)."""
    path.write_text(content)
    with pytest.raises(ResultError, match="--restart"):
        BitResultFile.read(path)


def test_results_of_bits_and_of_images_are_told_apart(tmp_path):
    """By the names of the files (exact)."""
    for name in ("bits_a.json", "adjscc.json", "b.png"):
        (tmp_path / name).touch()
    assert [path.name for path in bit_results(tmp_path)] == ["bits_a.json"]
    assert [path.name for path in image_results(tmp_path)] == ["adjscc.json"]


def test_links_of_two_scenarios_share_no_figure(tmp_path):
    """The first difference is named (exact)."""
    one = BitResultFile(tmp_path / "bits_a.json", header(), [])
    two = BitResultFile(tmp_path / "bits_b.json", header("b"), [])
    check_one_link([one, two])
    other = BitResultFile(tmp_path / "bits_c.json", header(seed=5), [])
    with pytest.raises(ValueError, match="bits_a.json and bits_c.json .* seed is 1"):
        check_one_link([one, two, other])


def test_what_another_run_is_writing_is_no_result(tmp_path):
    """Files that are not in their place yet are passed over (exact)."""
    (tmp_path / "adjscc.json").write_text("{}")
    with replaced(tmp_path / "hevc_ldpc.json") as temporary:
        temporary.write_text("{")
        assert image_results(tmp_path) == [tmp_path / "adjscc.json"]
