"""The report of results as text: what it holds, what it refuses, what it never does."""

import base64
import html
import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from report_samples import (
    IMAGES,
    NASTY,
    SNR_DB,
    TITLES,
    file_result,
    file_results,
)

from scenarios import compare
from scenarios.command.result_text import result_table
from scenarios.report.__main__ import main
from semcom_phy.metrics.link import ErrorCount
from semcom_phy.simulation.bits.results import BitPoint, BitResultFile, ErrorRate
from semcom_phy.simulation.results import ResultFile

ADDRESSES = ("src", "href", "action", "data", "poster", "srcset", "background")


class Elements(HTMLParser):
    """Tags with their attributes, texts of table cells, and blocks of data."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.cells, self.blocks, self._in = [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        is_data = ("type", "application/json") in attributes
        self._in = "data" if is_data else tag
        if tag in ("td", "th"):
            self.cells.append("")
        if is_data:
            self.blocks.append("")

    def handle_endtag(self, tag):
        self._in = None

    def handle_data(self, text):
        if self._in in ("td", "th"):
            self.cells[-1] += text
        elif self._in == "data":
            self.blocks[-1] += text


@pytest.fixture
def folder(tmp_path):
    return file_results(tmp_path / "results")


def report(folder, *options):
    assert main([str(folder), *map(str, options)]) == 0
    return (folder / "report.html").read_text(encoding="utf-8")


def data_of(text, section=0):
    return json.loads(Elements(text).blocks[section])


def unsigned_zero(text):
    return re.sub(r"-(0\.0+)\b", r"+\1", text)


def test_tables_hold_the_numbers_of_the_command(folder):
    """Every cell that an evaluation prints stands in the page (exact)."""
    cells = Elements(report(folder)).cells
    files = [ResultFile.read(folder / f"{name}.json") for name in sorted(TITLES)]
    printed = result_table(files, SNR_DB).replace("+-", "±")
    found = 0
    for line in printed.splitlines():
        numbers = re.findall(r"  (\d\S*(?: ± \S+| \(\S+\))?|not run|none)", line)
        if len(numbers) == len(SNR_DB) and line[0] != " ":
            place = [i for i in range(len(cells)) if cells[i : i + 3] == numbers]
            assert place, line
            found += 1
    assert found == len(files) * 4  # PSNR, SSIM, outage, what was spent


def test_every_figure_has_a_title_and_a_unit(folder):
    """What a system spent and lost is called by words, beside the metrics; what only a
    user's system has by its name (exact)."""
    path = folder / "plain.json"
    document = json.loads(path.read_text())
    names = ("lost_data", "payload_bytes", "predicted_outage", "of_my_own")
    document["extras"] |= dict.fromkeys(names, document["extras"]["cbr_total"])
    path.write_text(json.dumps(document))
    figures = data_of(report(folder))["figures"]
    labels = {figure["name"]: figure["label"] for figure in figures}
    assert labels["lost_data"] == "Loss probability of the segment 'data'"
    assert labels["payload_bytes"] == "Payload [byte]"
    assert labels["predicted_outage"] == "Predicted outage probability"
    assert labels["of_my_own"] == "of_my_own"
    assert labels["cbr_total"] == "cbr with side information"


def test_differences_are_those_of_compare(folder, capsys):
    """Of each pair, means and intervals as scenarios.compare prints them, either way
    round (exact)."""
    data = data_of(report(folder))
    titles = [system["title"] for system in data["systems"]]
    assert titles == [NASTY, "Plain", "Richer"]
    names = ["nasty", "plain", "richer"]
    for metric in ("psnr_db", "ssim", "outage"):
        for pair in data["pairs"]:
            one, other = (names[pair[end]] for end in ("one", "other"))
            points = [p for p in pair["figures"][metric]["points"] if p]
            for a, b, turned in ((one, other, ""), (other, one, "turned_")):
                capsys.readouterr()
                assert compare.main([str(folder), a, b, "--metric", metric]) == 0
                table = capsys.readouterr().out.replace("+-", "±")
                for kind in ("paired", "unpaired"):
                    row = re.search(rf"^{a} - {b}, {kind}(.*)", table, re.M)[1]
                    for point in points:
                        assert unsigned_zero(point[turned + kind]) in unsigned_zero(row)
    richer = data["pairs"][1]["figures"]["psnr_db"]
    assert richer["mark"] == " *" and richer["points"][0]["paired"].endswith(" #")
    assert any("fed-back CSI" in note for note in richer["notes"])
    assert richer["points"][2] is None  # not run


def test_names_stay_text(folder):
    """A name that looks like markup makes no element, in markup and in data (exact)."""
    text = report(folder)
    assert "<img src=x" not in text and "<script>window" not in text
    page = Elements(text)
    scripts = [given for tag, given in page.tags if tag == "script"]
    assert scripts == [{"type": "application/json"}, {}]
    assert any(NASTY in cell for cell in page.cells)
    assert html.escape(f"photographs of {NASTY}") in text
    assert data_of(text)["systems"][0]["title"] == NASTY


def test_nothing_is_fetched(folder):
    """No element names an address outside of the file, the style imports nothing, and
    the policy allows the page's own script, its own style and pictures in it alone
    (exact)."""
    text = report(folder)
    for tag, given in Elements(text).tags:
        for name in ADDRESSES:
            assert given.get(name, "#").startswith(("#", "data:")), (tag, given)
        assert not [name for name in given if name.startswith("on")]
        assert "style" not in given
    style = re.search("<style>(.*?)</style>", text, re.S)[1]
    assert "url(" not in style and "@import" not in style
    policy = re.search('Security-Policy" content="(.*?)">', text)[1].split("; ")
    assert [p for p in policy if "sha256" not in p] == [
        "default-src 'none'", "img-src data:", "base-uri 'none'", "form-action 'none'",
    ]  # fmt: skip
    assert [p.split()[0] for p in policy if "sha256" in p] == [
        "script-src",
        "style-src",
    ]


def test_pictures_are_those_of_the_files(folder):
    """Originals and reconstructions to the last pixel, each once, with what stands
    below them; fewer, or none, when asked (exact)."""
    shown = data_of(report(folder))["pictures"]
    files = [ResultFile.read(folder / f"{name}.json") for name in sorted(TITLES)]
    assert len(shown["uris"]) == len(set(shown["uris"])) == 2 + 3 * 2

    def pixels(number):
        head, code = shown["uris"][number].split(",")
        assert head == "data:image/png;base64"
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(code))))

    for k in range(2):
        np.testing.assert_array_equal(pixels(shown["original"][k]), IMAGES[k])
        for file, received in zip(files, shown["received"], strict=True):
            seen = file.points[10.0].shown
            got = pixels(received[1]["images"][k])
            np.testing.assert_array_equal(got, seen.images[k])
            assert received[1]["outage"][k] == seen.outage[k]
    assert shown["received"][1][0]["values"] == ["25.0", "30.0"]
    assert shown["received"][2][2] is None
    assert data_of(report(folder, "--pictures", 1))["pictures"]["count"] == 1
    assert data_of(report(folder, "--pictures", 0))["pictures"] is None


def test_definitions_and_provenance_are_told(folder):
    """Definitions, seed, counts, versions and commit stand in the page (exact)."""
    text = html.unescape(re.sub("<[^>]+>", " ", report(folder)))
    for told in (
        "average received SNR per receive antenna",
        "cbr = symbols / (3HW)",
        "python -m scenarios.mimo_2x2",
        "40 images in 20 groups",
        "sionna 1.2.2, commit 0123456789ab",
        "ab12",
        "[b] knows: average SNR, fed-back CSI",
    ):
        assert told in text, told


def test_the_same_results_make_the_same_file(folder, tmp_path):
    """Written twice, and elsewhere, it is the same to the last byte; nothing else is
    left in the folder (exact)."""
    before = report(folder)
    names = {path.name for path in folder.iterdir()}
    assert report(folder) == before
    assert {path.name for path in folder.iterdir()} == names
    assert main([str(folder), "--out", str(tmp_path / "new" / "a.html")]) == 0
    assert (tmp_path / "new" / "a.html").read_text(encoding="utf-8") == before


def test_different_scenarios_are_sections(folder):
    """Results that share no figure, and bit links, are told in sections of their own,
    each with what it shares (exact)."""
    file_result(folder / "alone.json", "Alone", channel="awgn")
    point = BitPoint("done", *[ErrorRate(ErrorCount(3, 100), (0.01, 0.08))] * 2)
    scenario = {"name": "siso", "num_tx_ant": 1, "num_rx_ant": 1, "detector": None}
    header = {
        "system": "uncoded_2",
        "description": {"title": "QPSK", "code": "none", "modulation_order": 2},
        "scenario": scenario | {"channel": "awgn", "csi": "perfect"},
        "frame": {"num_symbols": 50},
        "ebno_minus_snr_db": -3.01,
        "seed": 1,
        "sweep": {},
        "definitions": {"SNR": "Es/N0"},
        "versions": {},
        "code": {},
    }
    bits = BitResultFile(folder / "bits_uncoded_2.json", header, [0, 4])
    for snr in (0.0, 4.0):
        bits.points[snr] = point
    bits._commit()
    text = report(folder)
    sections = [data_of(text, i)["systems"] for i in range(3)]
    assert [len(systems) for systems in sections] == [1, 3, 1]
    assert text.count("<section") == 3
    bits = data_of(text, 2)
    assert bits["figures"][0]["values"][0][0]["counted"] == "3 of 100 bits wrong"
    assert bits["figures"][0]["theory"][0][0][1] == pytest.approx(
        0.1587, abs=1e-4
    )  # Q(1)
    assert bits["pairs"] is None and bits["pictures"] is None


def test_folders_of_a_folder(folder):
    """A folder without results of its own stands for those in it, by their names."""
    file_results(folder.with_name("more"))
    text = report(folder.parent)
    assert text.count("<section") == 2
    assert "<small>more</small>" in text and "<small>results</small>" in text


def test_what_cannot_be_read_is_named(folder, capsys):
    """Damaged and unfinished files are left out, with a line and in the page; without
    their rows, curves have no differences (exact)."""
    (folder / "plain.rows.npz").unlink()
    whole = (folder / "richer.json").read_bytes()
    (folder / "richer.json").write_bytes(whole[: len(whole) // 2])
    (folder / "summary.json").write_text("{}")
    (folder / "bits_x.json").write_text("no")
    text = report(folder)
    error = capsys.readouterr().err
    for name in ("richer.json", "summary.json", "bits_x.json", "plain.rows.npz"):
        assert name in error and name in text
    data = data_of(text)
    assert [system["title"] for system in data["systems"]] == [NASTY, "Plain"]
    (pair,) = data["pairs"]
    assert "plain.json are lost" in pair["figures"]["psnr_db"]["refused"]


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("nowhere", (), "there is no folder"),
        ("empty", (), "holds no result"),
        ("damaged", (), "damaged/a.json is not a readable result file"),
        ("results", ("--out", "results"), "is a folder: give the name of a file"),
        ("results", ("--out", "a.json/b.html"), "choose another place with --out"),
        ("results", ("--pictures", "-1"), "--pictures must be at least 0, got -1"),
    ],
)
def test_bad_input_is_refused(folder, monkeypatch, capsys, name, options, message):
    """One line on stderr, exit code 2, and no file (exact)."""
    monkeypatch.chdir(folder.parent)
    for made in ("empty", "damaged"):
        (folder.parent / made).mkdir()
    (folder.parent / "damaged" / "a.json").write_text('{"format": 1')
    (folder.parent / "a.json").write_text("{}")
    assert main([name, *options]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not list(folder.parent.rglob("*.html"))


def test_help_loads_no_backend():
    """--help answers before NumPy, SciPy, Matplotlib or a tensor library is loaded."""
    script = (
        "import sys; from scenarios.report.__main__ import main; code = main(['-h']);"
        "slow = {'numpy', 'scipy', 'matplotlib', 'tensorflow', 'torch', 'keras'};"
        "sys.exit(str(slow & set(sys.modules)) if slow & set(sys.modules) else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "--pictures" in done.stdout
