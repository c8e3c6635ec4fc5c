"""Selection among candidates: equations 14 to 19 of the MMSemCom paper."""

import numpy as np

from link_models.systems.selection.choice import Closest, TextThenImage, distances


def test_distance_is_the_mean_of_cosine_and_euclidean():
    found = distances([3.0, 4.0], [[4.0, 3.0], [-3.0, -4.0], [3.0, 4.0]])
    np.testing.assert_allclose(
        found, [(1 - 24 / 25 + np.sqrt(2)) / 2, (2 + 10) / 2, 0], atol=1e-12
    )


def test_of_prompts_the_mean_distance_counts():
    value = {"prompts": np.array([[1.0, 0.0], [0.0, 1.0]])}
    candidates = {
        "prompts": np.array(
            [
                [[0.0, 1.0], [1.0, 0.0]],  # both wrong
                [[1.0, 0.0], [-1.0, 0.0]],  # one right
                [[0.8, 0.6], [0.6, 0.8]],  # both nearly
            ]
        )
    }
    assert Closest("prompts").choose(value, candidates) == 2


def test_sequential_selection_looks_at_images_among_the_best_texts():
    value = {"prompts": np.array([[1.0, 0.0]]), "image": np.array([1.0, 1.0])}
    candidates = {
        "prompts": np.array([[[1.0, 0.0]], [[0.9, 0.1]], [[0.0, 1.0]]]),
        "image": np.array([[-1.0, 1.0], [1.0, 0.5], [1.0, 1.0]]),
    }
    assert TextThenImage(1).choose(value, candidates) == 0
    assert TextThenImage(2).choose(value, candidates) == 1
    assert TextThenImage(3).choose(value, candidates) == 2
    assert TextThenImage(50).choose(value, candidates) == 2


def test_of_equal_candidates_the_first_is_taken():
    candidates = {"image": np.ones((4, 2))}
    assert Closest("image").choose({"image": np.ones(2)}, candidates) == 0
