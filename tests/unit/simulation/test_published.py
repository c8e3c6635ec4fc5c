"""Published curves: conversions, the file of figures, and which lie under a figure."""

from fractions import Fraction
from types import SimpleNamespace

import pytest

from semcom_phy.simulation.axis import SNR_AXIS, CbrAxis, axis_of
from semcom_phy.simulation.published import conventions
from semcom_phy.simulation.published.curves import CURVES_FILE, read_published
from semcom_phy.simulation.published.matching import laid_under, told
from semcom_phy.simulation.statistics.intervals import Estimate

ENTRY = {
    "scheme": '"A"',
    "source": '"a paper"',
    "grade": '"digitised"',
    "dataset": '"cifar10"',
    "channel": '"rayleigh"',
    "antennas": "2",
    "average": '"mse"',
    "snr_convention": '"power of a real dimension"',
    "rate_convention": '"channel uses"',
    "points": '[[7, "1/8", 30.0], [10, 0.125, 31.5]]',
}


def write(path, **changes):
    """A file of one curve; `None` takes a key away."""
    entry = {k: v for k, v in (ENTRY | changes).items() if v is not None}
    text = "[[curve]]\n" + "".join(f"{key} = {value}\n" for key, value in entry.items())
    file = path / "curves.toml"
    file.write_text(text)
    return file


def result(axis=SNR_AXIS, cbr=1 / 6, metric="psnr_db", spent=(), **scenario):
    """As much of a result as matching asks for."""
    link = {"num_tx_ant": 1, "num_rx_ant": 1, "channel": "awgn", "dataset": "cifar10"}
    header = {
        "scenario": link | {"image_size": 32} | scenario,
        "bandwidth": {"cbr": cbr},
    }
    return SimpleNamespace(
        header=header,
        axis=axis,
        metrics=[metric],
        keys=range(len(spent)),
        estimate=lambda name, key: Estimate(spent[key], None, 1, 1),
    )


def under(curve):
    return laid_under(read_published(), [curve])


@pytest.mark.parametrize(
    "converted, by_hand",
    [
        (conventions.snr_of_code(10.0), 10.0),
        (conventions.snr_of_code(10.0, symbol_power=10.0), 20.0),
        (conventions.snr_of_code(10.0, 2.0, 2.0), 10.0),
        (conventions.snr_of_real_dimension(1.0), 4.0103),  # 10 log10(2) = 3.0103
        (conventions.snr_of_doubled_noise(1.0), -2.0103),
        (conventions.cbr_of_real_symbols(0.2615), 0.13075),
        (conventions.cbr_of_uses(Fraction(1, 8), 2), 0.25),
        (conventions.cbr_of_symbols_per_pixel(0.5), 1 / 6),
        # 0.5 bpp by 16-QAM at rate 1/2, 2 bits a symbol: 0.25 symbols a pixel
        (conventions.cbr_of_bits_per_pixel(0.5, 2.0), 1 / 12),
        (conventions.cbr_of_bits_per_pixel(0.5, 2.0, num_colors=1), 0.25),
    ],
)
def test_conversions(converted, by_hand):
    """Numbers computed by hand (to the fifth decimal)."""
    assert float(converted) == pytest.approx(by_hand, abs=1e-5)


def test_conversions_refuse_what_is_no_quantity():
    """Powers, streams, bits and colours are positive (exact)."""
    for call in (
        lambda: conventions.snr_of_code(1.0, symbol_power=0.0),
        lambda: conventions.snr_of_code(1.0, noise_power=float("nan")),
        lambda: conventions.cbr_of_uses(0.1, 0),
        lambda: conventions.cbr_of_symbols_per_pixel(0.1, 0),
        lambda: conventions.cbr_of_bits_per_pixel(0.1, -1.0),
    ):
        with pytest.raises(ValueError, match="must be positive"):
            call()


def test_every_shipped_curve_converts():
    """SNRs, rates and PSNRs within what the literature has; no scheme of one source
    stands twice on the same pictures (exact)."""
    curves = read_published()
    for curve in curves:
        for snr_db, cbr, psnr_db in curve.converted():
            assert 0 <= snr_db <= 25 and 0.01 < cbr <= 0.5 and 20 < psnr_db < 45
    names = {(curve.scheme, curve.source, curve.dataset) for curve in curves}
    assert len(names) == len(curves)


def test_shipped_figures_that_were_converted():
    """Those of the small CNN, known 3.01 dB higher, and of ECA (hand-computed)."""
    curves = {curve.scheme: curve.converted() for curve in read_published()}
    snr_db, cbr, psnr_db = zip(*curves["Small CNN of 16/32 filters"], strict=True)
    assert snr_db == pytest.approx((4.01, 7.01, 10.01, 16.01, 22.01), abs=0.001)
    assert set(cbr) == {1 / 6} and psnr_db == (26.10, 28.09, 29.73, 32.45, 34.22)
    assert curves["ECA"][0] == pytest.approx((0.0, 0.13075, 23.81))
    assert curves["Alamouti DeepJSCC"][-1] == (17.0, 0.25, 34.75)


def test_a_file_is_read_and_converted(tmp_path):
    """Fractions and numbers, by both conventions (hand-computed)."""
    (curve,) = read_published(write(tmp_path))
    assert curve.converted()[0] == pytest.approx((10.0103, 0.25, 30.0), abs=1e-4)
    assert curve.label("cifar10", "psnr_db") == (
        "A on CIFAR-10: a paper (converted from SNR by the power of a real dimension "
        "and channel uses per dimension; digitised; PSNR of the mean MSE, which does "
        "not convert)"
    )
    label = curve.label("a folder", "psnr_of_mean_mse_db")
    assert label.startswith("A on CIFAR-10, not the pictures of this figure: ")
    assert "convert)" not in label


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"cbr": "0.25"}, "curve 1: unknown key 'cbr'; there are: scheme"),
        ({"grade": None, "points": None}, "curve 1: lacks grade, points"),
        ({"grade": '"A"'}, "curve 1: grade must be one of exact, .*got 'A'"),
        ({"dataset": '"mnist"'}, "dataset must be one of cifar10, kodak, got 'mnist'"),
        ({"channel": "[1]"}, r"channel must be one of awgn, rayleigh, got \[1\]"),
        ({"average": '""'}, "average must be one of"),
        ({"snr_convention": '"Eb/N0"'}, "snr_convention must be .*got 'Eb/N0'"),
        ({"rate_convention": '"bpp"'}, "rate_convention must be .*got 'bpp'"),
        ({"scheme": '" "'}, "scheme must be a text"),
        ({"source": "3"}, "source must be a text, got 3"),
        ({"note": "3"}, "note must be a text, got 3"),
        ({"adaptive": "1"}, "adaptive must be true or false, got 1"),
        ({"antennas": "0"}, "antennas must be at least 1"),
        ({"points": "[]"}, "points must be a list"),
        (
            {"points": "[[1, 0.5]]"},
            r"a point must be \[SNR, .*got \[1, 0.5",
        ),
        ({"points": "[[nan, 0.5, 30]]"}, "SNR of a point must be a number"),
        ({"points": '[[1, "1/0", 30]]'}, "rate of a point .*got '1/0'"),
        ({"points": "[[1, -0.5, 30]]"}, "rate of a point .*got -0.5"),
        ({"points": "[[1, 0.5, inf]]"}, "PSNR of a point must be a number"),
    ],
)
def test_what_is_not_allowed_is_named(tmp_path, changes, message):
    """Keys, values and points, with the file and the number of the curve (exact)."""
    file = write(tmp_path, **changes)
    with pytest.raises(ValueError, match=message) as refused:
        read_published(file)
    assert str(refused.value).startswith(str(file))


@pytest.mark.parametrize(
    "text", ["", "a = 1", "curve = [1]", "[curve]\na = 1", "[[", "\0"]
)
def test_other_files_are_refused(tmp_path, text):
    """No TOML, no curves, or other tables beside them (exact)."""
    file = tmp_path / "c.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match="c.toml"):
        read_published(file)
    with pytest.raises(FileNotFoundError):
        read_published(tmp_path / "none.toml")


def test_the_file_is_shipped():
    """It is package data beside the module (exact)."""
    text = (CURVES_FILE.parents[3] / "pyproject.toml").read_text()
    assert CURVES_FILE.suffix == ".toml" and '"**/*.toml"' in text


def test_curves_over_the_snr_are_of_the_rate():
    """At cbr 1/6 those with points at 1/6, and these points alone (exact)."""
    found = {curve.label.split(":")[0]: curve.points for curve in under(result())}
    assert found["WITT on CIFAR-10"] == ((10.0, 32.7),)
    assert len(found) == 6
    ldpc = found["BPG + 5G LDPC on CIFAR-10"]
    assert len(ldpc) == 7 and ldpc[0] == (0.0, 22.3) and ldpc[-1] == (15.0, 32.83)
    assert not under(result(cbr=1 / 5))


def test_curves_over_the_cbr_are_of_the_snr():
    """At 10 dB over Kodak: seven curves, the rates increasing (exact)."""
    axis = CbrAxis({1 / 16: Fraction(1, 16)}, 10.0)
    kodak = {"dataset": "kodak", "image_size": [512, 768]}
    found = under(result(axis, **kodak))
    assert len(found) == 7 and all("Kodak" in curve.label for curve in found)
    (ntscc,) = (c for c in found if c.label.startswith("NTSCC without z"))
    assert ntscc.points[0] == (0.0255, 29.79) and len(ntscc.points) == 4
    assert not under(result(CbrAxis({}, 9.0), **kodak))
    (own,) = under(result(CbrAxis({}, 4.0), **kodak))
    assert own.points == tuple(sorted(own.points)) and own.points[0][1] == 27.65
    # 10 dB of code that runs 3.01 dB higher are the 13 dB of a figure
    (shifted,) = (c for c in under(result(CbrAxis({}, 13.0))) if "ADJSCC" in c.label)
    assert shifted.points == ((1 / 6, 33.13),)
    assert "converted from SNR by the power of a real dimension" in shifted.label


def test_other_pictures_of_the_size_are_told():
    """BSDS500 in place of Kodak, photographs in place of CIFAR-10; pictures of another
    size have none (exact)."""
    at = CbrAxis({}, 10.0)
    found = under(result(at, dataset="bsds500/val", image_size=[321, 481]))
    assert len(found) == 7
    for curve in found:
        assert "on Kodak, not the pictures of this figure" in curve.label
    assert len(under(result(dataset="sample"))) == 6
    assert not under(result(at, dataset="camvid", image_size=[192, 256]))
    assert not under(result(at, dataset="kodak", channel="rayleigh"))


def test_link_metric_and_axis_have_to_match():
    """Other antennas, metrics and sweeps over distances have none (exact)."""
    assert not under(result(num_rx_ant=2))
    assert not under(result(channel="rician"))
    assert not under(result(metric="ssim"))
    assert not under(result(axis_of({10.0: 50.0})))
    assert under(result(metric="psnr_of_mean_mse_db"))


def test_adaptive_curves_lie_under_adaptive_results():
    """ECA's rate follows the SNR: under such a figure alone, with its rates (exact)."""
    fading = {"channel": "rayleigh", "num_tx_ant": 2, "num_rx_ant": 2}
    found = under(result(cbr=0.17, spent=(0.13, 0.10), **fading))
    assert [curve.label.split(" on ")[0] for curve in found] == [
        "ECA",
        "ECA at lower rates",
        "SwinJSCC SA&RA at ECA's rates",
    ]
    assert found[0].points[0] == (0.0, 23.81) and "cbr 0.096 to 0.131" in found[0].label
    assert not under(result(cbr=0.17, spent=(0.17, 0.17), **fading))
    assert len(under(result(cbr=0.25, **fading))) == 3


def test_where_none_lies_there_is_a_line():
    """It names what was asked and what there is (exact)."""
    line = told(read_published(), [result(cbr=0.2)])
    assert line.startswith(
        "no published curve is of psnr_db on cifar10 over 1x1 awgn, cbr 0.2, over "
        "the SNR point; there is PSNR of CIFAR-10 over 1x1 awgn (SNR 0, 2, 4.01, 5, "
    )
    assert "Kodak over 1x1 awgn (SNR 1, 4, 7, 10, 13 dB; cbr 0.0157, " in line
    assert "\n" not in line
