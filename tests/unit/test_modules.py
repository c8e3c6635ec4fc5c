"""Every module can be imported, those that no other test reaches as well."""

import importlib
import importlib.util
import pkgutil

import pytest

PACKAGES = ("semcom_phy", "link_models", "scenarios", "benchmarks")
NEEDS_TORCH = ("benchmarks.train_step.plain_torch",)


def modules():
    for name in PACKAGES:
        package = importlib.import_module(name)
        found = pkgutil.walk_packages(package.__path__, f"{name}.")
        yield from (module.name for module in found)


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_can_be_imported(name):
    """Without an error; scripts of plain torch where torch is installed."""
    if name in NEEDS_TORCH and importlib.util.find_spec("torch") is None:
        with pytest.raises(ModuleNotFoundError, match="torch"):
            importlib.import_module(name)
    else:
        importlib.import_module(name)
