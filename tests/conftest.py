"""What holds for all tests."""

import semcom_phy  # noqa: F401  (first: chooses the backend before Keras is imported)

# isort: split
import keras
import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

# Properties (tests/unit/properties) are held against few cases, the same ones in every
# run, and in the slow suite against 10,000 others each time.
settings.register_profile(
    "few",
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "many",
    settings.get_profile("few"),
    max_examples=10_000,
    derandomize=False,
    print_blob=True,
)


def pytest_configure(config):
    settings.load_profile("many" if config.option.markexpr == "slow" else "few")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """A property is in both suites: ``-m slow`` selects it as well."""
    if config.option.markexpr == "slow":
        for item in items:
            if isinstance(item, pytest.Function) and is_hypothesis_test(item.obj):
                item.add_marker("slow")


@pytest.fixture(autouse=True)
def same_weights_in_every_run():
    """Layers start from the same weights whatever ran before: by chance, all hidden
    units of a small perceptron may be silent, and its weights without a gradient."""
    keras.utils.set_random_seed(1)
