"""One outage colour per data set: every system of a scenario shows the same."""

from dataclasses import replace

import numpy as np
import pytest
from keras import ops

from link_models import scene_levels
from link_models.outage import DRIVING_SCENES, PHOTOGRAPHS, outage_color
from link_models.systems import SYSTEMS
from scenarios import adaptive_rate, driving_scene, driving_scene_2x2, mimo_2x2
from scenarios.scenario import Scenario
from semcom_phy.seeding import set_seed

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        adaptive_rate.SCENARIO,
        driving_scene.SCENARIO,
        driving_scene_2x2.SCENARIO,
        mimo_2x2.SCENARIO,
    )
}


@pytest.fixture(scope="module", autouse=True)
def scenes(tmp_path_factory):
    """A folder that stands for CamVid, in place of any other, and its test images."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "camvid").mkdir()
    coarse = np.random.default_rng(3).integers(0, 256, (2, 12, 16, 3)).astype("uint8")
    images = coarse.repeat(16, axis=1).repeat(16, axis=2)
    labels = np.zeros(images.shape[:3], "uint8")
    path = folder / "camvid" / "test.npz"
    np.savez(path, images=images, labels=labels, names=np.array(["a_0", "a_1"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEMCOM_DATA", str(folder))
        forget()
        yield images
    forget()


def forget():
    scene_levels._scenes.cache_clear()
    scene_levels._levels.cache_clear()


def build(name, scenario):
    """The system itself, without the scores by importance, which need the scenes."""
    return SYSTEMS[name](scenario)


def test_the_data_set_alone_decides(tmp_path):
    """Names, folders of photographs, a folder laid out as Cityscapes (exact)."""
    (tmp_path / "leftImg8bit").mkdir()
    for dataset in ("camvid", str(tmp_path)):
        assert outage_color(dataset).tolist() == list(DRIVING_SCENES)
    for dataset in ("sample", "cifar10", str(tmp_path / "photos"), "a/b.npz"):
        assert outage_color(dataset).tolist() == list(PHOTOGRAPHS)


@pytest.mark.parametrize("name", ["adaptive_rate", "driving_scene", "mimo_2x2"])
def test_all_systems_of_a_scenario_declare_one_colour(name):
    """That of the data set, or none where nothing is ever lost (exact)."""
    scenario = SCENARIOS[name]
    expected = outage_color(scenario.dataset).tolist()
    colors = [
        build(system, scenario).describe()["outage_color"]
        for system in scenario.systems
    ]
    assert expected in colors
    assert all(color in (None, expected) for color in colors)


@pytest.mark.parametrize("size", [(192, 256), (64, 96)])
@pytest.mark.parametrize("dataset", ["camvid", "sample"])
@pytest.mark.parametrize("system", ["webp_ldpc", "webp_capacity"])
def test_the_image_size_has_no_say(system, dataset, size):
    """Sizes with curves of their own and without (exact)."""
    scenario = Scenario(
        "test", channel="awgn", cbr="1/32", dataset=dataset, image_size=size
    )
    color = build(system, scenario).describe()["outage_color"]
    assert color == outage_color(dataset).tolist()


@pytest.mark.parametrize("system", ["sa_oosc", "ntscc", "webp_ldpc", "webp_capacity"])
def test_a_lost_scene_shows_it(system, scenes):
    """Fades 60 dB down lose every image of every system; what is shown is the mean
    colour of the data set's training images (exact)."""
    scenario = replace(SCENARIOS["driving_scene_2x2"], csi="perfect")
    system = build(system, scenario)
    set_seed(3)
    h = 1e-3 * ops.convert_to_numpy(system.channel.sample(2))
    sent = system.transmit(scenes, 0.0, h, (3, 4))
    assert sent.outage.all()
    assert np.all(sent.images == outage_color("camvid"))
