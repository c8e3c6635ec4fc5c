"""A system that delivers texts, through the command line."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from scenarios import compare, mimo_2x2, runner
from semcom_phy.metrics.text import bleu_counts, corpus_bleu
from semcom_phy.simulation.results import ResultFile
from semcom_phy.sources.images import load_samples

SCENARIO = replace(
    mimo_2x2.SCENARIO,
    systems=("words",),
    metrics=("bleu_4", "text_exact", "bleu_1"),
    num_images=8,
    snr_db=(7.0, 20.0),
)


@pytest.fixture
def pictures(tmp_path):
    """A folder of captioned pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    lines = ["image,caption"]
    for i in range(8):
        pixels = np.random.default_rng(i).integers(0, 256, (32, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
        lines.append(f'{i}.png,"A dog , not a cat , runs over the {i} th hill ."')
        lines.append(f"{i}.png,A hill and dog number {i}")
    (folder / "captions.txt").write_text("\n".join(lines))
    return folder


def run(pictures, out, *options):
    argv = ["--dataset", str(pictures), "--out", str(out), *options]
    return runner.main(argv, SCENARIO, "tiny_systems")


def test_captions_go_through_sweep_file_and_figures(pictures, tmp_path, capsys):
    """Table, rows and figures are those of the metrics of texts; the file holds what
    was sent and received in words, and no PSNR (exact)."""
    assert run(pictures, tmp_path / "out") == 0
    out = capsys.readouterr().out
    assert "captions of captions.txt" in out
    assert "BLEU-4 of the corpus (+- half of the 95 % interval)" in out
    assert "Texts received word for word" in out and "PSNR" not in out
    names = {path.name for path in (tmp_path / "out").iterdir() if path.name[0] != "."}
    figures = {"bleu_4_vs_snr.png", "outage_vs_snr.png", "captions.png"}
    figures |= {"words_symbols.png", "words_choices.png"}  # of what it sends
    assert names == {"words.json", "words.rows.npz"} | figures
    document = json.loads((tmp_path / "out" / "words.json").read_text())
    about = [metric["name"] for metric in document["metrics"]]
    assert about == ["bleu_4", "text_exact", "bleu_1"]
    shown = document["reconstructions"]
    samples = load_samples(pictures, 8)
    assert shown["original_texts"] == [list(own) for own in samples.texts[:6]]
    for point in shown["points"]:
        assert point["images"] is None and len(point["texts"]) == 6
        assert point["metric"] == "text_exact" and len(point["values"]) == 6
    assert document["extras"]["lost_head"] == document["outage"]
    assert document["data"]["texts_sha256"] == samples.provenance["texts_sha256"]
    file = ResultFile.read(tmp_path / "out" / "words.json")
    means = [file.estimate("bleu_4", snr).mean for snr in file.snr_db]
    assert 0 < means[0] < means[1] < 1
    rows = file.rows()[7.0]
    first = bleu_counts(samples.texts[:6], shown["points"][0]["texts"])
    np.testing.assert_array_equal(rows["bleu_match_2"][:6], first["bleu_match_2"])
    assert means[0] == pytest.approx(corpus_bleu(rows, 4), rel=1e-7)
    assert np.all(rows["cbr_total"] == 0.25) and np.all(rows["side_cbr"] == 0)


def test_results_of_texts_are_compared_by_their_first_metric(
    pictures, tmp_path, capsys
):
    """Without --metric the figure is the one that the results list first (exact)."""
    assert run(pictures, tmp_path / "a", "--seed", "1") == 0
    assert run(pictures, tmp_path / "b", "--seed", "1") == 0
    capsys.readouterr()
    paths = [str(tmp_path / name / "words.json") for name in "ab"]
    assert compare.main(paths) == 0
    table = capsys.readouterr().out
    assert table.startswith("bleu_4, mean") and "+0.0000 +- 0.0000" in table


@pytest.mark.parametrize(
    "options, told",
    [
        (["--metrics", "ssim"], "metric 'ssim' needs images, which system 'words' do"),
        (["--metrics", "bleu"], "unknown metric 'bleu'; did you mean 'bleu_4'?"),
        (["--systems", "pixels"], "'bleu_4' needs texts, which system 'pixels' does n"),
    ],
)
def test_metrics_that_do_not_fit_are_one_line(
    pictures, tmp_path, capsys, options, told
):
    """The metric, what is missing and the remedy, with exit code 2 (exact)."""
    assert run(pictures, tmp_path / "out", *options) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


def test_pictures_without_captions_are_one_line(tmp_path, capsys):
    """The same of data that lack what a metric needs (exact)."""
    assert run("sample", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "'bleu_4' needs captions as references, which the d" in error
    assert error.count("\n") == 1


def test_other_captions_and_metrics_are_another_simulation(pictures, tmp_path, capsys):
    """Points of the same pictures with other captions, or of other metrics, do not
    meet in one file; the line names the option (exact)."""
    assert run(pictures, tmp_path / "out") == 0
    capsys.readouterr()
    assert run(pictures, tmp_path / "out", "--metrics", "bleu_4") == 2
    error = capsys.readouterr().err
    assert '--metrics ["bleu_4", "text_exact", "bleu_1"] then, ["bleu_4"] now' in error
    path = pictures / "captions.txt"
    path.write_text(path.read_text().replace("dog", "horse"))
    assert run(pictures, tmp_path / "out") == 2
    assert "data texts_sha256" in capsys.readouterr().err
