"""Bit links over a scenario's radio link, and their command."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from link_models.links.bit_link import (
    BitLink,
    BitLinkBuilder,
    Coded,
    Regular,
    Uncoded,
    random_bits,
)
from scenarios import compare, mimo_2x2, runner, siso_awgn, siso_rayleigh
from scenarios.command.bits import bit_table
from semcom_phy.channel_coding.mcs import Mcs, mcs_from_table
from semcom_phy.metrics.link import qam_ber_awgn, qam_ber_rayleigh, qpsk_ber_rayleigh
from semcom_phy.seeding import image_seeds, sample_fades
from semcom_phy.simulation.bits.results import BitResultFile
from semcom_phy.simulation.bits.sweep import BitSettings, count_batch
from semcom_phy.simulation.sweep import built

SCENARIO = replace(mimo_2x2.SCENARIO, systems=("pixels",), num_images=2)


def run(*argv, scenario=SCENARIO):
    return runner.main([str(word) for word in argv], scenario, "tiny_systems")


def shares(scheme, scenario, snr_db, num_blocks):
    """Share of wrong bits in each of the first blocks."""
    link = built(BitLinkBuilder(scheme, scenario))
    wrong = count_batch(link, snr_db, 0, BitSettings(1, batch_size=num_blocks))
    return wrong / link.system.num_info_bits


@pytest.mark.parametrize("order, snr_db", [(2, 4.0), (4, 10.0), (6, 18.0), (8, 22.0)])
def test_uncoded_qam_on_awgn_meets_the_closed_form(order, snr_db):
    """Also over two antennas (4 standard errors of 200 blocks)."""
    siso = replace(siso_awgn.SCENARIO, csi="perfect")
    mimo = replace(siso, num_tx_ant=2, num_rx_ant=2)
    for scenario in (siso, mimo):
        wrong = shares(Uncoded(order), scenario, snr_db, 200)
        error = wrong.std() / np.sqrt(len(wrong))
        assert abs(wrong.mean() - qam_ber_awgn(snr_db, order)) < 4 * error


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_uncoded_qam_on_rayleigh_meets_the_closed_form(order):
    """With perfect CSI at 12 dB, every block with its own fade (4 standard errors of
    1,500 blocks); QPSK with estimated CSI as well, which its own form tells apart."""
    scenario = replace(siso_rayleigh.SCENARIO, csi="perfect")
    perfect = shares(Uncoded(order), scenario, 12.0, 1500)
    error = perfect.std() / np.sqrt(len(perfect))
    assert abs(perfect.mean() - qam_ber_rayleigh(12.0, order)) < 4 * error
    if order == 2:
        scenario = replace(scenario, csi="estimated", cbr=1, pilot_ofdm_symbols=(2,))
        pilots = scenario.framing().num_pilot_res
        expected = qpsk_ber_rayleigh(0.0, 1 / pilots)
        wrong = shares(Uncoded(2), scenario, 0.0, 600)
        error = wrong.std() / np.sqrt(len(wrong))
        assert abs(wrong.mean() - expected) < 4 * error


def test_every_kind_of_link_decodes_at_high_snr_and_fails_at_low():
    """No wrong bit of 16 blocks at 60 dB over AWGN, and at -10 dB 5 % or more in every
    block (half of them where nothing is known)."""
    scenario = siso_awgn.SCENARIO
    for scheme in (
        Coded(mcs_from_table(1, 11)),
        Coded(Mcs(4, 0.5)),
        Uncoded(6),
        Regular(300, 3, 6, 4),
    ):
        assert not shares(scheme, scenario, 60.0, 16).any()
        assert (shares(scheme, scenario, -10.0, 16) > 0.05).all()


def test_bits_fade_and_noise_follow_from_the_block():
    """Alone or in a batch, a block has the same errors; the bits of a shorter link are
    the first of a longer one's, and half of them are 1 (exact; 4 standard errors)."""
    link = built(BitLinkBuilder(Uncoded(4), SCENARIO))
    whole = count_batch(link, 8.0, 0, BitSettings(1, batch_size=12))
    parts = [count_batch(link, 8.0, f, BitSettings(1, batch_size=4)) for f in (0, 4, 8)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    seeds = image_seeds(1, 0, range(12))
    bits = random_bits(seeds, 3072)
    np.testing.assert_array_equal(random_bits(seeds[3:5], 446), bits[3:5, :446])
    assert abs(bits.mean() - 0.5) < 4 * 0.5 / np.sqrt(bits.size)


def test_links_see_the_fades_of_the_images():
    """Links of other codes draw the same fades and noise, those of the images of draw 0
    (exact)."""
    one, other = (
        built(BitLinkBuilder(scheme, SCENARIO))
        for scheme in (Uncoded(2), Coded(mcs_from_table(1, 4)))
    )
    seeds = image_seeds(1, 0, range(3))
    fades = [np.asarray(sample_fades(link.channel, seeds)) for link in (one, other)]
    np.testing.assert_array_equal(*fades)
    noise = [link.channel.draw_noise(seeds) for link in (one, other)]
    np.testing.assert_array_equal(*noise)


def test_ebno_counts_information_bits():
    """Below the SNR by streams times information bits per symbol, CRC not among them
    (1e-5)."""
    channel = built(BitLinkBuilder(Uncoded(4), SCENARIO)).channel
    link = BitLink(Coded(mcs_from_table(1, 4)), channel)
    assert link.num_info_bits == 446
    expected = 10 * np.log10(2 * 446 / 768)
    assert link.ebno_db(3.0) == pytest.approx(3.0 - expected, abs=1e-5)


COMMAND = "bits --mcs 4 --uncoded 2 --snr 0 30 --target-errors 5 --max-blocks 40"


def test_the_command_writes_and_prints_everything(tmp_path, capfd):
    """Card, table, a JSON per link and the figure (exact)."""
    assert run(*COMMAND.split(), "--regular", 96, 3, 6, "--out", tmp_path) == 0
    out, err = capfd.readouterr()
    for word in ("Es/N0", "Eb/N0", "Clopper", "5 of ", "none seen", "446"):
        assert word in out
    assert err == ""
    names = {path.name for path in tmp_path.iterdir() if path.name[0] != "."}
    links = {"bits_mcs_1_4.json", "bits_uncoded_2.json", "bits_regular_96_3_6_2.json"}
    assert names == links | {"ber_vs_snr.png"}
    document = json.loads((tmp_path / "bits_mcs_1_4.json").read_text())
    assert document["bler"]["status"] == ["target_reached", "done"]
    assert document["bler"]["num_errors"] == [5, 0]
    assert document["bler"]["num_blocks"][1] == 40
    assert document["ber"]["num_bits"][1] == 40 * 446
    assert document["code"]["modules"]["link_models/links/bit_link.py"]


def test_a_run_goes_on_where_it_was(tmp_path, monkeypatch, capfd):
    """Finished points are neither simulated again nor changed, those of other code are
    simulated again (exact)."""
    assert run(*COMMAND.split(), "--out", tmp_path) == 0
    path = tmp_path / "bits_uncoded_2.json"
    first = path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("semcom_phy.simulation.bits.sweep.count_batch", None)
        assert run(*COMMAND.split(), "--out", tmp_path) == 0
    assert path.read_bytes() == first
    older = re.sub(r'(bit_link.py": ")\w+', r"\g<1>other", first.decode())
    path.write_text(older)
    assert run(*COMMAND.split(), "--out", tmp_path) == 0
    assert "bit_link.py changed: 2 points" in capfd.readouterr().out
    assert path.read_bytes() == first


def test_batches_and_workers_leave_the_file_as_it_is(tmp_path):
    """Two processes and batches of 7 end with the same file as one (byte by byte)."""
    command = [*COMMAND.split(), "--csi", "perfect"]
    folders = [tmp_path / "one", tmp_path / "two"]
    assert run(*command, "--out", folders[0]) == 0
    assert run(*command, "--batch-size", 7, "--workers", 2, "--out", folders[1]) == 0
    for name in ("bits_mcs_1_4.json", "bits_uncoded_2.json"):
        one, two = ((folder / name).read_bytes() for folder in folders)
        assert one == two


@pytest.mark.parametrize(
    "options, words",
    [
        ("", "give --mcs, --uncoded, --regular"),
        ("--mcs 40", "--mcs is 40"),
        ("--mcs 4 --mcs-table 7", "--mcs-table: invalid choice: 7"),
        ("--uncoded 3", "--uncoded: invalid choice: 3"),
        ("--regular 96 3", "--regular takes n, d_v, d_c"),
        ("--regular 96 3 7", "check_degree"),
        ("--mcs 4 --target-errors 0", "--target-errors must be at least 1, got 0"),
        ("--mcs 4 --max-blocks 0", "--max-blocks must be at least 1, got 0"),
        ("--mcs 4 --dask host", "give bits --workers"),
    ],
)
def test_bad_options_are_one_line(options, words, tmp_path, capfd):
    """On stderr, with exit code 2, and nothing is written (exact)."""
    assert run("bits", *options.split(), "--out", tmp_path) == 2
    error = capfd.readouterr().err
    assert words in error and len(error.splitlines()) == 1
    assert not list(tmp_path.glob("*.json"))


def test_other_settings_and_scenarios_are_refused(tmp_path, capfd):
    """In the file of the link, and beside the links of the folder's figure (exact)."""
    assert (
        run(*"bits --uncoded 2 --snr 0 --max-blocks 8".split(), "--out", tmp_path) == 0
    )
    assert (
        run(*"bits --uncoded 2 --snr 0 --max-blocks 9".split(), "--out", tmp_path) == 2
    )
    assert "--max-blocks 8 then, 9 now" in capfd.readouterr().err
    other = "bits --uncoded 4 --snr 0 --max-blocks 8 --csi perfect"
    assert run(*other.split(), "--out", tmp_path) == 2
    assert "cannot share a figure: scenario.csi" in capfd.readouterr().err
    assert not (tmp_path / "bits_uncoded_4.json").exists()  # before anything was sent


def test_images_and_bits_share_a_folder(tmp_path, capfd):
    """Neither evaluate nor plot nor compare says a word of the files of bits; plot
    draws both figures, of bits alone as well (exact)."""
    bits = "bits --uncoded 2 --snr 0 --max-blocks 8".split()
    assert run(*bits, "--out", tmp_path) == 0
    figure = tmp_path / "ber_vs_snr.png"
    before = figure.read_bytes()
    figure.unlink()
    assert run("plot", "--out", tmp_path) == 0
    assert figure.read_bytes() == before
    images = "--snr 0 --systems pixels fragile".split()
    assert run(*images, "--out", tmp_path) == 0
    assert run("plot", "--out", tmp_path) == 0
    out, err = capfd.readouterr()
    assert "left out" not in out and err == ""
    assert "wrote" in out and str(figure) in out
    assert str(tmp_path / "psnr_vs_snr.png") in out.split(str(figure))[-2]
    assert compare.main([str(tmp_path)]) == 0
    assert "left out" not in capfd.readouterr().err


def test_points_that_were_not_run_are_named(tmp_path):
    """The table says so (exact)."""
    assert (
        run(*"bits --uncoded 2 --snr 0 --max-blocks 8".split(), "--out", tmp_path) == 0
    )
    file = BitResultFile.read(tmp_path / "bits_uncoded_2.json")
    assert bit_table([file], [0.0, 5.0]).count("not run") == 1
