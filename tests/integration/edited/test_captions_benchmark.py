"""The table of captions beside images."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tiny_edited import captioned_samples

from benchmarks import captions_beside_images
from benchmarks.captions_beside_images import LINKS, SNR_DB, main


def test_table_of_both_ways_and_links(tmp_path, monkeypatch, capsys):
    """Every row is there, coded captions take 112 symbols, UTF-8 more bits; over AWGN
    at 1 dB the paper's scheme loses all, and coded captions arrive (exact)."""
    samples = replace(captioned_samples(), provenance={"dataset": "tiny"})
    monkeypatch.setattr(
        captions_beside_images, "load_sent_captions", lambda *given, **more: samples
    )
    assert main(["--out", str(tmp_path)]) == 0
    assert "4 captions of tiny" in capsys.readouterr().out
    rows = json.loads((tmp_path / "captions_beside_images.json").read_text())["rows"]
    assert len(rows) == len(LINKS) * 2 * len(SNR_DB)
    coded, plain = ([r for r in rows if r["way"] == way] for way in ("coded", "utf8"))
    assert {row["symbols"] for row in coded} == {112.0}
    assert all(p["bits"] > c["bits"] for p, c in zip(plain, coded, strict=True))
    assert plain[0]["lost"] == 1 and plain[0]["words_arrived"] == 0
    assert coded[3]["lost"] == 0 and coded[3]["bleu_4"] == pytest.approx(1)
    assert np.all([row["lost_ci95"][0] <= row["lost"] for row in rows])


def test_without_the_data_one_line_says_so(monkeypatch, tmp_path, capsys):
    def missing(*given, **more):
        raise FileNotFoundError("there is no flickr8k: set SEMCOM_DATA")

    monkeypatch.setattr(captions_beside_images, "load_sent_captions", missing)
    assert main(["--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "error: there is no flickr8k: set SEMCOM_DATA\n"
