"""Versions of everything installed that a result may depend on, for its file."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path

_PACKAGES = {
    "semcom_phy": ("semcom-phy",),
    "sionna": ("sionna-no-rt", "sionna"),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "torch": ("torch",),
    "keras": ("keras",),
    "numpy": ("numpy",),
    "pillow": ("pillow",),
    "av": ("av",),
}


def software_versions():
    """Versions of Python and the packages, and the git commit of a checkout.

    Output
    ------
    : `dict` of name -> `str`
        Without the packages that are not installed; ``commit`` only for a
        checkout, with ``-dirty`` where tracked files were changed
    """
    versions = {"python": platform.python_version()}
    for name, distributions in _PACKAGES.items():
        for distribution in distributions:
            try:
                versions[name] = importlib.metadata.version(distribution)
                break
            except importlib.metadata.PackageNotFoundError:
                continue
    root = Path(__file__).resolve().parents[2]
    if (root / ".git").exists():
        try:
            versions["commit"] = subprocess.run(
                ["git", "describe", "--always", "--dirty", "--abbrev=12"],
                cwd=root,
                capture_output=True,
                text=True,
                check=True,
                timeout=10,
            ).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            versions["commit"] = "unknown"
    return versions
