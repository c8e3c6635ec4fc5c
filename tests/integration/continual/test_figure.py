"""The continual-learning map."""

import numpy as np

from link_models.training.continual.figure import continual_map, plot_continual_map


def record(first):
    """Results of three domains; BLEU-1 of the first falls from ``first``."""
    values = first - 0.1 * np.arange(9).reshape(3, 3)
    cells = [[{"mean": float(v)} for v in row] for row in values]
    domains = [{"name": name} for name in ("cifar10", "birds525", "catsdogs")]
    return {
        "run": {"domains": domains, "snr_db": 10.0, "seed": 0},
        "bleu_1": cells,
        "bleu_2": cells,
    }


def test_map_has_a_panel_for_each_memory_and_metric(tmp_path):
    """Rows after which domain, columns of which one, with the values in them."""
    records = {"none": record(0.9), "text": record(0.95)}
    figure = continual_map(records)
    panels = figure.axes[:4]
    titles = [axis.get_title() for axis in panels]
    assert titles[0] == "BLEU-1, without MED"
    assert titles[3].startswith("BLEU-2, MED, what differs")
    assert [text.get_text() for text in panels[0].texts][:4] == [
        "0.900",
        "0.800",
        "0.700",
        "0.600",
    ]
    np.testing.assert_allclose(panels[0].images[0].get_array()[2, 0], 0.3)
    assert panels[0].get_yticklabels()[0].get_text() == "cifar10"
    plot_continual_map(records, tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 1000
