"""The scenario adaptive_rate, its systems at equal rate, and the comparison."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from keras import ops

from benchmarks import eca_comparison, measure_rate
from link_models.systems.entries import describe_compensation
from link_models.systems.semantic_coder import SemanticCoder
from link_models.systems.separation.matched_system import MatchedSystem
from link_models.systems.separation.rate_profile import rate_profile
from link_models.systems.table import build_channel, build_system
from link_models.weights import store
from scenarios import adaptive_rate, adaptive_rate_4x4
from scenarios.paired_results import Curve
from semcom_phy.channel_coding.messages.small_block import SmallBlockMessage
from semcom_phy.simulation.results import ResultFile
from semcom_phy.simulation.sweep import Link, SweepSettings, simulate_point
from semcom_phy.simulation.system import Spent, Transmission
from semcom_phy.sources.images import load_images, load_samples
from semcom_phy.sources.samples import Delivered, Samples

PERFECT = replace(adaptive_rate.SCENARIO, csi="perfect")


def test_command_writes_curves_and_pictures(tmp_path):
    """The command runs with estimated CSI and writes results and all five figures."""
    argv = ["--systems", "eca", "swinjscc", "--images", "16", "--snr", "0", "20"]
    assert adaptive_rate.main([*argv, "--out", str(tmp_path)]) == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert {"eca.json", "swinjscc.json", "rate_vs_snr.png"} <= names
    assert {"rate_distortion.png", "eca_choices.png"} <= names
    file = ResultFile.read(tmp_path / "eca.json")
    rates = [file.estimate("cbr", snr).mean for snr in (0.0, 20.0)]
    charged = [file.estimate("cbr_total", snr).mean for snr in (0.0, 20.0)]
    assert rates[0] > rates[1] and np.all(np.array(charged) > rates)
    assert "small ViT" in file.header["description"]["compensation"]


def test_shipped_weights_adapt():
    """On the sample photographs the rate falls and PSNR rises from 0 to 20 dB by more
    than 4 standard errors; the larger rate weight spends less at every SNR."""
    samples = replace(load_samples("sample", 64), groups=None)
    points = {}
    for name in ("eca_free", "eca_low_free"):
        link = Link(build_system(name, PERFECT), build_channel(PERFECT))
        points[name] = [
            simulate_point(link, samples, snr, SweepSettings()) for snr in (0.0, 20.0)
        ]
    for low, high in points.values():
        rate = [p.extras["cbr"] for p in (low, high)]
        assert rate[0].mean - rate[1].mean > 2 * (
            rate[0].half_width + rate[1].half_width
        )
        quality = [p.metrics["psnr_db"] for p in (low, high)]
        assert quality[1].mean - quality[0].mean > 2 * (
            quality[0].half_width + quality[1].half_width
        )
    for one, two in zip(points["eca_free"], points["eca_low_free"], strict=True):
        assert one.extras["cbr"].mean > two.extras["cbr"].mean


def test_antennas_choose_the_weights():
    """Over 4x4 antennas a system takes the weights made for them, and its matched
    baseline their rate; where there are none, those that there are are told."""
    four = replace(adaptive_rate_4x4.SCENARIO, csi="perfect")
    assert build_system("eca", four).describe()["weights"] == "eca_4x4_c16"
    assert build_system("eca", PERFECT).describe()["weights"] == "eca_2x2_c16"
    rates = build_system("hevc_ldpc_matched", four).rates
    assert rates(10.0) == rate_profile("eca_4x4_c16", True)(10.0)
    with pytest.raises(ValueError, match="shipped for 4x4 antennas, but for 2x2: "):
        build_system("eca_no_csi", four)


def test_rate_profile_of_the_weights():
    """The profile falls with the SNR, and is larger with side information; over
    eigenmodes, which promise more, a little more is sent."""
    data, charged = (rate_profile("eca_2x2_c16", c) for c in (False, True))
    values = [data(snr) for snr in (0.0, 5.0, 10.0, 15.0, 20.0)]
    assert np.all(np.diff(values) < 0) and data(-20.0) == data(0.0)
    assert all(charged(snr) > data(snr) for snr in (0.0, 7.0, 20.0))
    with pytest.raises(ValueError, match="run python -m benchmarks.measure_rate"):
        rate_profile("adjscc_32x32", False)
    over_modes = rate_profile("eca_2x2_c16", True, precoded=True)
    assert 1 < over_modes(10.0) / charged(10.0) < 1.2
    with pytest.raises(ValueError, match="with fresh feedback alone: leave out --feed"):
        rate_profile("eca_2x2_c16", True, 0.9, precoded=True)


def test_measured_rate_is_what_is_spent(monkeypatch):
    """`measure` tells what is on the air over the same fades: the mean number of
    symbols that the channel is given, two real ones each (1e-5: five digits), and with
    side information the symbols of one of its formats on top."""
    images, _ = load_images("sample", 6)
    on_air, side = [], []
    spent = SemanticCoder.spent

    def spy(coder, samples, snr_db, h, seeds):
        link, receive = coder.link, coder.link.channel.receive

        def count(x, *args):
            x = ops.convert_to_numpy(x)
            on_air.append(np.count_nonzero(x, axis=1).mean())
            return receive(x, *args)

        with monkeypatch.context() as patch:
            patch.setattr(link.channel, "receive", count)
            snr = ops.full((len(samples),), snr_db)
            source = ops.convert_to_tensor(samples.images.astype("float32") / 255)
            noise = link.channel.draw_noise(seeds)
            link.run(source, snr, *map(ops.convert_to_tensor, (h, noise)))
        found = spent(coder, samples, snr_db, h, seeds)
        side.append(found[1])
        return found

    monkeypatch.setattr(SemanticCoder, "spent", spy)
    figures = measure_rate.measure("eca_2x2_c16", images, (10.0,), draws=2)
    assert figures["num_images"] == 6 and figures["draws"] == len(on_air) == 2
    assert abs(figures["cr_real"][0] - 2 * np.mean(on_air) / 3072) < 1e-5
    assert np.all(np.isin(side, SmallBlockMessage(1024).num_symbols))
    extra = figures["cr_real_charged"][0] - figures["cr_real"][0]
    assert abs(extra - 2 * np.mean(side) / 3072) < 2e-5


@pytest.fixture
def copied_weights(tmp_path):
    """ECA's weights in a folder of their own."""
    for path in store.SHIPPED.glob("eca_2x2_c16.*"):
        shutil.copy(path, tmp_path)
    return tmp_path / "eca_2x2_c16.json"


def test_price_is_chosen_below_the_limits(copied_weights, monkeypatch):
    """Rates that fall with the price come within 5 % of their limits in the mean, none
    above; what the weights were trained with stays in the JSON. Limits that no price
    keeps are refused, and change nothing."""
    before = json.loads(copied_weights.read_text())
    before.pop("trained_with")
    copied_weights.write_text(json.dumps(before))
    exponent = np.array([-0.3, -0.4, -0.45, -0.5, -0.55])
    root = np.sqrt([0, 0.25, 0.5, 0.75, 1])

    def spent(price):
        return np.array([0.35, 0.33, 0.32, 0.31, 0.3]) * np.asarray(price) ** exponent

    def measure(label, images, snr_db, draws, price):
        return {"cr_real": list(spent(price[0] * (1 + price[1] * root)))}

    monkeypatch.setattr(measure_rate, "measure", measure)
    limits = (0.26, 0.22, 0.2, 0.19, 0.18)
    measure_rate.choose_price(copied_weights, None, limits)
    after = json.loads(copied_weights.read_text())
    weight, slope = (after["config"]["encoder"][n] for n in ("rate_weight", "slope"))
    share = spent(weight * (1 + slope * root)) / limits
    assert np.all(share <= 1) and share.mean() > 0.95
    told = before["config"]["encoder"]
    assert after["trained_with"]["rate_weight"] == told["rate_weight"]
    assert after["trained_with"]["validation"] == before["validation"]

    with pytest.raises(ValueError, match=r"none is below \[0\.01, 0\.2189"):
        measure_rate.choose_price(copied_weights, None, (0.01, *limits[1:]))
    assert json.loads(copied_weights.read_text()) == after


def test_validation_alone_leaves_the_profile_out(copied_weights, monkeypatch):
    """PSNR and rate are measured and written, and no rate profile (exact)."""
    figures = {"cr_real": [0.2], "psnr_db": [25.0]}
    record = json.loads(copied_weights.read_text())
    del record["rate_profile"]
    copied_weights.write_text(json.dumps(record))
    monkeypatch.setattr(measure_rate, "validate", lambda label, images: figures)
    assert measure_rate.main([str(copied_weights), "--validation-only"]) == 0
    after = json.loads(copied_weights.read_text())
    assert after == record | {"validation": {"adaptive_rate": figures}}


def test_matched_system_takes_the_rate_of_the_snr():
    """A system per rate, the one that the SNR asks for, built once (1e-3: whole
    symbols)."""
    built = []

    class Fixed:
        def __init__(self, rate):
            self.num_symbols = round(rate * 3072 / 2)
            built.append(rate)

        def describe(self):
            return {"title": "t", "bandwidth": {"data_symbols": self.num_symbols}}

        def transmit(self, samples, snr_db, h, seeds):
            count, lost = len(samples), np.zeros(len(samples), bool)
            data = np.full(count, float(self.num_symbols))
            spent = Spent(data, np.zeros(count))
            return Transmission(Delivered(samples.images), lost, spent)

    rates = {0.0: 0.25, 20.0: 0.125, -100.0: 0.25}
    system = MatchedSystem("m", "M", Fixed, rates.get)
    samples = Samples(np.zeros((2, 32, 32, 3), np.uint8), None, {})
    for snr in (0.0, 20.0, 20.0):
        sent = system.transmit(samples, snr, None, 0)
        rate = 2 * sent.spent.data / 3072
        np.testing.assert_allclose(rate, rates[snr], rtol=1e-3)
    assert built == [0.25, 0.125]
    about = system.describe()
    assert about["bandwidth"] == {"data_symbols": 384} and "bandwidth_note" in about


def test_matched_systems_spend_what_the_profile_says():
    """The rate of the SNR, side information of the codec that is matched included, is
    what the channel carries, in whole symbols (exact)."""
    charged = rate_profile("eca_2x2_c16", True)
    system = build_system("hevc_ldpc_matched", PERFECT)
    link = Link(system, build_channel(PERFECT))
    samples = load_samples("sample", 4)
    for snr in (0.0, 20.0):
        point = simulate_point(link, samples, snr, SweepSettings())
        expected = np.ceil(charged(snr) * 3072 / 2) / 3072
        assert point.extras["cbr"].mean == pytest.approx(expected, rel=1e-12)
        assert point.extras["side_cbr"].mean == 0
    assert system.describe()["bandwidth"]["cbr"] == pytest.approx(
        np.ceil(charged(-100.0) * 3072 / 2) / 3072, rel=1e-6
    )


def test_compensation_is_named():
    """Results say what completes the maps: InternViT, its stand-in, or nothing."""

    small = {"num_layers": 3, "hidden_size": 96}
    assert describe_compensation(None) == "none"
    assert describe_compensation(small).startswith("small ViT from scratch")
    frozen = {**small, "frozen": True}
    assert describe_compensation(frozen).startswith("InternViT, LoRA")
    for name, words in (("eca_free", "small ViT"), ("eca_no_compensation", "none")):
        about = build_system(name, PERFECT).describe()
        assert about["compensation"].startswith(words)
    assert "compensation" not in build_system("swinjscc_free", PERFECT).describe()


def test_comparison_shows_rates_and_pairs_and_is_kept(capsys, monkeypatch, tmp_path):
    """The benchmark prints ECA beside its paper and the paired difference at one rate,
    over fades of one power; finished points are not run again, and a folder of another
    comparison is refused."""
    argv = ["--dataset", "sample", "--images", "6", "--snr", "10", "--fade-power"]
    argv += ["fixed", "--systems", "eca_free", "swinjscc_free", "--out", str(tmp_path)]
    assert eca_comparison.main([*argv, "--draws", "2"]) == 0
    table = capsys.readouterr().out
    assert "cr_real, paper" in table and "0.2008" in table
    assert "correlation_entropy" in table
    assert "eca_free - swinjscc_free, paired" in table and "12 transmissions" in table
    curve = Curve(tmp_path / "eca_free.json", "eca_free")
    assert curve.file.header["description"]["fade_power"].startswith("every fade")
    np.testing.assert_allclose(curve.rows[10.0]["fade_power"], 1, rtol=1e-5)
    monkeypatch.setattr("semcom_phy.simulation.sweep.simulate_chunk", None)
    assert eca_comparison.main([*argv, "--draws", "2"]) == 0
    again = capsys.readouterr().out
    assert again[again.index("eca_free   ") :] == table[table.index("eca_free   ") :]
    assert eca_comparison.main([*argv, "--draws", "3"]) == 2
    assert "--draws 2 then, 3 now" in capsys.readouterr().err


def test_rate_statistics_of_a_known_rule():
    """A rate that is a + b entropy - c quality has these spreads and correlations of 1
    and -1 (1e-6)."""
    rng = np.random.default_rng(1)
    image = np.tile(np.arange(50), 8)
    entropy = rng.random(50)[image]
    effective = rng.standard_normal(400)
    order = np.argsort(image, kind="stable")
    inside = effective[order].reshape(50, 8)
    inside = inside - inside.mean(1, keepdims=True)
    effective = np.empty(400)
    effective[order] = inside.ravel()
    rows = {
        "image": image,
        "entropy": entropy,
        "effective_snr_db": effective,
        "cbr": (0.1 + 0.02 * entropy - 0.01 * effective) / 2,
    }
    found = eca_comparison.rate_statistics(rows)
    np.testing.assert_allclose(
        found["std_images"], 0.02 * entropy[:50].std(), rtol=1e-6
    )
    np.testing.assert_allclose(found["std_fades"], 0.01 * effective.std(), rtol=1e-6)
    np.testing.assert_allclose(found["correlation_entropy"], 1, atol=1e-6)
    np.testing.assert_allclose(found["correlation_channel"], -1, atol=1e-6)


def test_bad_commands_are_one_line(capsys, tmp_path):
    """Options that do not go with a codec, and weights that do not fit, exit with 2."""
    out = ["--out", str(tmp_path)]
    train = ["train", "--data", "sample", "--steps", "1", *out]
    for argv, words in (
        ([*train, "--system", "swinjscc", "--rate-weight", "2"], "is for eca, not for"),
        ([*train, "--system", "eca", "--cbr", "1/8"], "use a cbr of 520/3072"),
        (["--systems", "eca", "--channel", "tdl", *out], "needs a flat channel"),
        (
            ["--systems", "eca", "--weights", "adjscc_32x32", *out],
            "'adjscc', not 'eca'",
        ),
    ):
        assert adaptive_rate.main(argv) == 2
        error = capsys.readouterr().err.strip().splitlines()
        assert len(error) == 1 and words in error[0], error


@pytest.mark.parametrize(
    "system, instead",
    [("eca", "name others with --weights"), ("hevc_ldpc_matched", "leave the system")],
)
def test_antennas_without_weights_are_told_from_those_with(
    system, instead, tmp_path, capsys
):
    """By their options, not by a label that nobody gave (exact)."""
    words = f"--systems {system} --tx-antennas 3 --rx-antennas 3 --out {tmp_path}"
    assert adaptive_rate.main(words.split()) == 2
    error = capsys.readouterr().err
    assert "no weights are shipped for 3x3 antennas, but for 2x2 and 4x4: " in error
    assert f"give --tx-antennas and --rx-antennas of these, or {instead}" in error
    assert error.endswith(f"(system {system!r})\n")
