"""Pages of the documentation: one title each, anchors that exist, examples that run."""

import importlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from scenarios import runner
from scenarios.mimo_2x2 import SCENARIO
from semcom_phy.phy.channel_models.user_channel import user_channel
from semcom_phy.seeding import sample_fades
from semcom_phy.simulation import sweep
from semcom_phy.sources.samples import Delivered, Samples

ROOT = Path(__file__).resolve().parents[3]
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


def module_of(page, index, name, folder, monkeypatch):
    """A Python block of a page as a module of its own, in the current folder."""
    text = blocks(page, "python")[index]
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setitem(sys.modules, name, None)  # so that it is forgotten at the end
    del sys.modules[name]
    return importlib.import_module(name)


def test_own_matrices(tmp_path, monkeypatch):
    """Correlated fades have the covariance R_tx x R_rx (4 standard errors, n = 20,000),
    measured ones are those of the file, of mean power 1; both commands of the page run,
    and a file of another content is another channel."""
    made = np.random.default_rng(1).normal(size=(2, 30, 2, 2)).astype("float32")
    page = "how_to/own_channel.md"
    module = module_of(page, 1, "my_matrices", tmp_path, monkeypatch)
    np.save("measured.npy", made[0] + 1j * made[1])

    h = np.asarray(ops.convert_to_numpy(module.Correlated(2, 2, None).sample(20_000)))
    entries = h.reshape(-1, 4)
    receive = np.array([[1, 0.7], [0.7, 1]])
    covariance = entries.T @ entries.conj() / len(h)
    tolerance = 4 / np.sqrt(len(h))
    np.testing.assert_allclose(covariance, np.kron(receive, receive), atol=tolerance)

    model = module.Measured(2, 2, None)
    drawn = ops.convert_to_numpy(sample_fades(model, range(9)))[:, 0, :, :, 0, 0]
    scale = np.sqrt(np.mean(np.abs(made[0] + 1j * made[1]) ** 2))
    held = (made[0] + 1j * made[1]) / scale
    gaps = np.abs(drawn[:, None] - held[None]).max((2, 3)).min(1)
    assert gaps.max() < 1e-6

    few = ["--snr", "10", "--images", "4"]
    commands = blocks(page, "sh")[1].replace("adjscc hevc_ldpc", "linear")
    for command in commands.splitlines():
        assert runner.main([*command.split()[3:], *few], SCENARIO) == 0
    first = Path("results/measured/linear.json").read_text("utf-8")
    np.save("measured.npy", made[0] - 1j * made[1][::-1])
    for cached in (user_channel, sweep.built):
        cached.cache_clear()  # as in a process of its own
    assert runner.main([*command.split()[3:], *few], SCENARIO) == 0
    second = Path("results/measured/linear.json").read_text("utf-8")
    assert json.loads(first)["psnr_db"] != json.loads(second)["psnr_db"]


def test_own_scenario(tmp_path, monkeypatch):
    """Options and a scenario of that name say the same: results are equal (exact), with
    one pilot symbol in the account, and a codec made for 2x2 is refused."""
    page = "how_to/own_channel.md"
    module = module_of(page, 2, "my_link", tmp_path, monkeypatch)
    few = ["--systems", "linear", "--snr", "10", "--images", "4"]
    assert runner.main(few, module.SCENARIO) == 0
    (command,) = blocks(page, "sh")[2].splitlines()
    options = command.split("--systems")[0].split()[3:]
    assert runner.main([*options, *few, "--out", "options"], SCENARIO) == 0
    own, same = (
        json.loads(Path(folder, "linear.json").read_text("utf-8"))
        for folder in ("results/my_link", "options")
    )
    assert own["scenario"]["name"] == "my_link"
    assert own["psnr_db"] == same["psnr_db"]
    assert own["bandwidth"]["pilot_res"] == 72
    refused = ["--systems", "eca", "--snr", "10", "--images", "4", "--out", "eca"]
    assert runner.main([*options, *refused], SCENARIO) == 2


def test_own_metric_runs(tmp_path, monkeypatch, capsys):
    """The metric of the page gives a constant error its PSNR (exact), the command of
    the page measures it, in a process of its own too, and files the hash of its
    source."""
    luma = module_of("how_to/own_metric.md", 0, "luma", tmp_path, monkeypatch)

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


def test_peak_to_average_ratio(capsys):
    """The snippet prints the figures that stand above it (0.1 dB)."""
    (snippet,) = blocks("faq.md", "python")
    exec(snippet, {"__name__": "peaks"})
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith(("adj", "hevc"))]
    told = [[float(n) for n in re.findall(r"\d+\.\d+", line)] for line in lines]
    expected = [[2.02, 7.5, 9.7], [1.03, 7.3, 9.5]]
    np.testing.assert_allclose(told, expected, rtol=0, atol=0.11)
