"""Pages of the documentation: one title each, anchors that exist, examples that run."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from scenarios import runner
from scenarios.mimo_2x2 import SCENARIO
from semcom_phy.sources.samples import Delivered, Samples

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *(DOCS / f"{name}.md" for name in ("first_hour", "link", "faq")),
    *sorted((DOCS / "systems").glob("*.md")),
    *sorted((DOCS / "how_to").glob("*.md")),
    ROOT / "CONTRIBUTING.md",
]


def without_code(path):
    return re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.M | re.S)


def blocks(page, language):
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def anchors(path):
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", without_code(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_pages_have_one_title(path):
    """A page starts with its title, and has no other (exact)."""
    titles = re.findall(r"^# .*$", without_code(path), re.MULTILINE)
    assert len(titles) == 1
    assert path.read_text(encoding="utf-8").startswith(titles[0])


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_anchors_exist(path):
    """Every link to a heading finds it, on its own page or another one (exact)."""
    for page, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", without_code(path)):
        target = (path.parent / page) if page else path
        assert anchor in anchors(target), f"{page}#{anchor}"


def test_first_codec_is_that_of_the_page_on_codecs():
    """Both pages hold the same file ``cells.py`` (exact)."""
    (first,) = (b for b in blocks("first_hour.md", "python") if "CellEncoder" in b)
    assert first == blocks("how_to/own_codec.md", "python")[0]


def test_own_metric_runs(tmp_path, monkeypatch, capsys):
    """The metric of the page gives a constant error its PSNR (exact), the command of
    the page measures it, in a process of its own too, and files the hash of its
    source."""
    module = blocks("how_to/own_metric.md", "python")[0]
    (tmp_path / "luma.py").write_text(module, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "luma", None)  # so that it is forgotten at the end
    del sys.modules["luma"]
    import luma

    images = np.full((2, 16, 16, 3), 100, "uint8")
    received = Delivered(np.stack([images[0], images[1] + 5]))
    sent = Samples(images, groups=np.arange(2), provenance={})
    values = luma.psnr_y(sent, received)
    np.testing.assert_allclose(values, [60.0, 20 * np.log10(255 / 5)])

    (command, compare) = blocks("how_to/own_metric.md", "sh")[0].splitlines()
    words = command.replace("adjscc hevc_ldpc", "linear").split()[3:]
    assert runner.main([*words, "--workers", "2"], SCENARIO) == 0
    assert "PSNR of the luma" in capsys.readouterr().out
    assert "psnr_y_db" in np.load(tmp_path / "results/luma/linear.rows.npz").files
    result = json.loads((tmp_path / "results/luma/linear.json").read_text("utf-8"))
    assert any("luma" in name for name in result["code"]["modules"])
    assert compare.split()[-1] == luma.PSNR_Y.name
