"""The comparison of systems that send captions, with systems that need no weights."""

import numpy as np
import pytest

from benchmarks import vlm_csc_comparison
from link_models.systems.table import build_system
from scenarios.caption_awgn import SCENARIO
from scenarios.paired_results import Curve
from semcom_phy.metrics.text import bleu_counts, linearised_bleu


def test_bleu_and_mean_over_snrs(tmp_path, monkeypatch, capsys):
    """Both links; the mean of the paired difference is that of the two means, over all
    SNRs (1e-9)."""
    monkeypatch.setattr(vlm_csc_comparison, "VLM", "text_ldpc")
    few = "--dataset photographs --images 4 --captions-per-image 2 --snr 2 8"
    names = "--fixed text_utf8 --separate text_huffman --at-half"
    argv = ["--parts", "bleu", "nam", *few.split(), *names.split()]
    assert vlm_csc_comparison.main([*argv, "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "8 captions of 32x32 images in 4 groups (by image)" in out
    assert "BLEU-1, caption_awgn" in out and "BLEU-1, caption_2x2" in out
    assert "symbols, side information included" in out
    assert "text_ldpc - text_huffman, paired" in out
    folder = tmp_path / "caption_awgn"
    one, other = (Curve(folder / f"text_{n}.json", n) for n in ("ldpc", "utf8"))
    found = vlm_csc_comparison.mean_difference(one.rows, other.rows, "bleu_1")
    means = [
        [c.file.estimate("bleu_1", snr).mean for snr in (2.0, 8.0)]
        for c in (one, other)
    ]
    assert found.mean == pytest.approx(np.mean(means[0]) - np.mean(means[1]), abs=1e-9)
    assert f"text_ldpc - text_utf8: {found.mean:+.4f}" in out
    assert found.num_transmissions == 8


def test_other_captions_have_no_mean_difference():
    """Rows of other draws are refused (exact)."""
    counts = bleu_counts([["a b"]] * 2, ["a b", "a"])
    ids = {
        "image": np.arange(2),
        "draw": np.zeros(2, int),
        "group": np.array(["0", "1"]),
    }
    rows = {0.0: counts | ids | {"image_sha256": np.array(["x", "y"])}}
    found = vlm_csc_comparison.mean_difference(rows, rows, "bleu_1")
    assert found.mean == 0 and linearised_bleu(counts, 1).shape == (2,)
    other = {0.0: rows[0.0] | {"draw": np.ones(2, int)}}
    for pair in ((rows, other), (rows, {5.0: rows[0.0]})):
        with pytest.raises(ValueError, match="did not send the same"):
            vlm_csc_comparison.mean_difference(*pair, "bleu_1")


def test_trainable_parameters_are_those_of_networks():
    """None of separate coding; as many as the weights of ADJSCC hold (exact)."""
    count = vlm_csc_comparison.trainable_parameters
    assert count(build_system("text_ldpc", SCENARIO)) == 0
    system = build_system("adjscc", SCENARIO)
    link = system.coder.link
    expected = sum(int(np.prod(w.shape)) for w in link.trainable_weights)
    assert count(system) == expected > 10_000


def test_a_failed_sweep_ends_with_its_code(tmp_path, capsys):
    """And its line (exact)."""
    argv = ["--parts", "nam", "--dataset", "nowhere", "--out", str(tmp_path)]
    assert vlm_csc_comparison.main([*argv, "--fixed", "text_utf8"]) == 2
    assert "no such folder" in capsys.readouterr().err
