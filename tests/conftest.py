"""What holds for all tests."""

import semcom_phy  # noqa: F401  (first: chooses the backend before Keras is imported)

# isort: split
import keras
import pytest


@pytest.fixture(autouse=True)
def same_weights_in_every_run():
    """Layers start from the same weights whatever ran before: by chance, all hidden
    units of a small perceptron may be silent, and its weights without a gradient."""
    keras.utils.set_random_seed(1)
