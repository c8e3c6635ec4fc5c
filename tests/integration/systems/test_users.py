"""Scenarios with several users: both ways to share frames stand in one table."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from link_models.links.shared_radio import TimeSharing
from link_models.systems import frame_system, table
from link_models.systems.captions.painted_texts import PaintedTexts
from link_models.systems.separation.matched_system import MatchedSystem
from link_models.systems.table import build_channel, build_system, shared_forms
from scenarios import caption_awgn, compare, mimo_2x2, siso_awgn
from scenarios.scenario import Scenario
from semcom_phy.seeding import image_seeds, sample_fades


@pytest.fixture(scope="module", autouse=True)
def uncompiled():
    """The same functions without a compiler, which takes longer than they do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame_system, "compile_fn", lambda fn, jit=True: fn)
        yield


FEW = ["--images", "3", "--snr", "10", "--metrics", "psnr_db"]
LINEAR = ["--systems", "linear"]


def test_both_forms_of_a_system_in_one_table(tmp_path, capsys):
    """``--users 2`` on 3 images, which do not fill the second frame: both forms have
    all three of them, are charged what one user alone is (exact), and are paired; the
    card says what is shared, and how many pilots a user pays for."""
    shared, alone = tmp_path / "shared", tmp_path / "alone"
    argv = [*LINEAR, *FEW, "--cbr", "1/16", "--out"]
    assert siso_awgn.main([*argv, str(shared), "--users", "2"]) == 0
    printed = capsys.readouterr().out
    assert "2 users of one transmitter share a frame" in " ".join(printed.split())
    assert siso_awgn.main([*argv, str(alone)]) == 0
    files = {
        name: json.loads((folder / f"{name}.json").read_text())
        for folder, name in ((shared, "linear"), (shared, "linear_walsh"))
    }
    own = json.loads((alone / "linear.json").read_text())
    titles = [file["description"]["title"] for file in files.values()]
    assert titles == [
        "Linear analogue (scale sent), 2 users by time sharing",
        "Linear analogue (scale sent), 2 users by Walsh codes",
    ]
    for title in titles:
        assert f"{title}: cbr 0.0625" in printed and "+ 72 pilots" in printed
    for file in files.values():
        assert file["scenario"]["users"] == 2 and "users" not in own["scenario"]
        # 256 symbols each, side information among them: one slot for both.
        assert (file["bandwidth"]["pilot_res"], own["bandwidth"]["pilot_res"]) == (
            72,
            144,
        )
        assert file["bandwidth"]["data_res"] == own["bandwidth"]["data_res"] == 192
        assert file["extras"]["cbr_total"] == own["extras"]["cbr_total"]
        assert file["psnr_db"]["num_images"] == [3]
    assert compare.main([str(shared), "linear_walsh", "linear"]) == 0


def test_one_user_is_a_system_as_ever():
    """Without ``--users`` nothing is shared: the system is over the plain link, and
    results say nothing of users (exact)."""
    scenario = replace(siso_awgn.SCENARIO, users=1)
    system = build_system("linear", scenario)
    assert type(system.channel) is type(build_channel(scenario))
    assert system.title == "Linear analogue (scale sent)"
    assert "users" not in system.describe() and "users" not in scenario.to_dict()
    for users in (1, 4):
        scenario = replace(scenario, users=users)
        assert Scenario.from_dict(scenario.to_dict()) == scenario
    assert Scenario("long", image_size=512, cbr=1).images_at_once == 1


@pytest.mark.parametrize("name, users", [("linear", 2), ("webp_ldpc", 4)])
def test_analogue_and_digital_segments_are_shared(name, users):
    """Over 2x2 fading with estimated CSI both forms of analogue and of separate coding
    deliver 11 images alike, the last of which fill no frame: their mean squared errors
    in dB differ by less than 4 standard errors and by less than 1.5 dB; what is spent
    is what one alone spends (exact)."""
    scenario = replace(mimo_2x2.SCENARIO, num_images=11, users=users)
    samples, seeds = scenario.load_samples(), image_seeds(5, 0, range(11))
    h = sample_fades(build_channel(scenario), seeds)
    one = build_system(name, replace(scenario, users=1))
    expected, errors = one.transmit(samples, 15.0, h, seeds), []
    for form in (name, f"{name}_walsh"):
        sent = build_system(form, scenario).transmit(samples, 15.0, h, seeds)
        np.testing.assert_array_equal(sent.spent, expected.spent)
        images = sent.delivered.images.astype(float)
        error = np.mean((images - samples.images) ** 2, axis=(1, 2, 3))
        errors.append(10 * np.log10(error + 0.1))
    off = errors[1] - errors[0]
    assert abs(off.mean()) < min(1.5, 4 * off.std(ddof=1) / np.sqrt(len(off)) + 1e-9)


def test_captions_are_shared():
    """Four users of a link without much noise receive the captions that were sent, in
    both forms (exact)."""
    scenario = replace(caption_awgn.SCENARIO, users=4, num_images=6)
    samples = scenario.load_samples()
    seeds = image_seeds(1, 0, range(len(samples)))
    h = sample_fades(build_channel(scenario), seeds)
    told = []
    for name in ("text_polar", "text_polar_walsh"):
        system = build_system(name, scenario)
        assert "4 users by" in system.title
        sent = system.transmit(samples, 20.0, h, seeds)
        assert not sent.outage.any()
        told.append(sent.delivered.texts)
    assert told[0] == told[1]


def test_systems_made_of_systems_share_too():
    """What paints texts, or matches a rate, hands on how users share (exact)."""

    class Inner:
        name, title = "inner", "Inner"

        def __init__(self, log):
            self.log = log

        def describe(self):
            return {"log": self.log}

        def shared(self, spreading, how):
            return Inner([*self.log, (spreading.num_users, how)])

    painter = SimpleNamespace(generator=SimpleNamespace(identity={}))
    painted = PaintedTexts(Inner([]), painter, (1, 2, 3))
    matched = MatchedSystem("m", "M", lambda rate: Inner([rate]), lambda snr_db: 0.5)
    for system, log in ((painted, []), (matched.shared(TimeSharing(2), "x"), [0.5])):
        inner = system.shared(TimeSharing(4), "so")
        inner = getattr(inner, "system", None) or inner.at_lowest_snr
        assert inner.log[-1] == (4, "so") and inner.log[: len(log)] == log


def test_forms_of_systems():
    """Every system that sends frames has two forms, named or not; a bound has one, and
    a codec of the user's two (exact)."""
    scenario = replace(
        mimo_2x2.SCENARIO,
        users=2,
        systems=("adjscc", "hevc_capacity", "linear_walsh", "cells"),
        codec="cells:A,B",
    )
    assert shared_forms(scenario) == (
        *("adjscc", "adjscc_walsh", "hevc_capacity"),
        *("linear_walsh", "cells", "cells_walsh"),
    )
    bound = build_system("hevc_capacity", scenario)
    assert bound.title == table.SYSTEMS["hevc_capacity"].title
    with pytest.raises(ValueError, match="'hevc_capacity' is a bound without frames"):
        build_system("hevc_capacity_walsh", scenario)


@pytest.mark.parametrize(
    "words, said",
    [
        (["--users", "3"], "--users must be a power of two"),
        (["--users", "128"], "--users must be from 1 to 64, got 128"),
        (["train", "--users", "2"], "--users = 2: 'train' is of the link of one user"),
        (["bits", "--users", "2"], "--users = 2: 'bits' is of the link of one user"),
        (["--users", "2", "--channel", "tdl"], "--users = 2 share frames over flat"),
        (["--systems", "linear_walsh"], "unknown system 'linear_walsh'"),
        (
            ["--users", "2", "--systems", "eca_svd_equal"],
            "'eca_svd_equal' precodes for the channel of one user, users = 2",
        ),
    ],
)
def test_what_users_cannot_do_is_one_line(words, said, tmp_path, capsys):
    """Exit code 2, and one line with the option (exact)."""
    given = [*LINEAR, *FEW]
    if words[0] in ("train", "bits"):  # which read neither
        given = []
    elif "--systems" in words:
        given = FEW
    argv = [*words, *given, "--out", str(tmp_path)]
    assert mimo_2x2.main(argv) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
