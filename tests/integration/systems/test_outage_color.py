"""One outage colour per data set: every system of a scenario shows the same."""

from dataclasses import replace

import numpy as np
import pytest
from keras import ops

from link_models.systems.outage import DRIVING_SCENES, PHOTOGRAPHS, outage_color
from link_models.systems.table import build_system
from scenarios import adaptive_rate, driving_scene, driving_scene_2x2, mimo_2x2
from scenarios.scenario import Scenario
from semcom_phy.seeding import set_seed
from semcom_phy.sources.samples import Samples

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        adaptive_rate.SCENARIO,
        driving_scene.SCENARIO,
        driving_scene_2x2.SCENARIO,
        mimo_2x2.SCENARIO,
    )
}


@pytest.fixture(scope="module")
def scenes():
    """Pictures and label maps in the place of CamVid's."""
    coarse = np.random.default_rng(3).integers(0, 256, (2, 12, 16, 3)).astype("uint8")
    images = coarse.repeat(16, axis=1).repeat(16, axis=2)
    labels = np.zeros(images.shape[:3], "uint8")
    return Samples(images, None, {}, labels=labels)


def test_the_data_set_alone_decides(tmp_path):
    """Names, folders of photographs, a folder laid out as Cityscapes (exact)."""
    (tmp_path / "leftImg8bit").mkdir()
    for dataset in ("camvid", str(tmp_path)):
        assert outage_color(dataset).tolist() == list(DRIVING_SCENES)
    for dataset in ("sample", "cifar10", str(tmp_path / "photos"), "a/b.npz"):
        assert outage_color(dataset).tolist() == list(PHOTOGRAPHS)


@pytest.mark.parametrize("name", ["adaptive_rate", "driving_scene", "mimo_2x2"])
def test_all_systems_of_a_scenario_declare_one_colour(name):
    """That of the data set, those that lose nothing as well (exact)."""
    scenario = SCENARIOS[name]
    expected = outage_color(scenario.dataset).tolist()
    for system in scenario.systems:
        about = build_system(system, scenario).describe()
        assert about["outage_color"] == expected, system


@pytest.mark.parametrize("size", [(192, 256), (64, 96)])
@pytest.mark.parametrize("dataset", ["camvid", "sample"])
@pytest.mark.parametrize("system", ["webp_ldpc", "webp_capacity"])
def test_the_image_size_has_no_say(system, dataset, size):
    """Sizes with curves of their own and without (exact)."""
    scenario = Scenario(
        "test", channel="awgn", cbr="1/32", dataset=dataset, image_size=size
    )
    color = build_system(system, scenario).describe()["outage_color"]
    assert color == outage_color(dataset).tolist()


@pytest.mark.parametrize("system", ["sa_oosc", "ntscc", "webp_ldpc", "webp_capacity"])
def test_a_lost_scene_shows_it(system, scenes):
    """Fades 60 dB down lose every image of every system; what is shown is the mean
    colour of the data set's training images (exact)."""
    scenario = replace(SCENARIOS["driving_scene_2x2"], csi="perfect")
    system = build_system(system, scenario)
    set_seed(3)
    h = 1e-3 * ops.convert_to_numpy(system.channel.sample(2))
    sent = system.transmit(scenes, 0.0, h, (3, 4))
    assert sent.outage.all()
    assert np.all(sent.delivered.images == outage_color("camvid"))
