"""Models of transformers and diffusers by folder or hub id: one clear line if missing.

Only safetensors are read and no code beside a model is run.
"""

import hashlib
import os
from pathlib import Path

INSTALL = "install semcom-phy[generative]"


def load_pretrained(loader, id_or_folder, what, **options):
    """What ``loader.from_pretrained`` gives, or one line that says what is missing.

    Parameters
    ----------
    loader : class of transformers or diffusers
        With ``from_pretrained``

    id_or_folder : `str` or path
        Local folder, or name on the Hugging Face hub

    what : `str`
        What is expected there, for messages: "an image-to-text model"

    options :
        Handed to ``from_pretrained``

    Raises
    ------
    FileNotFoundError
        If there is no such folder, and no such model in ``HF_HOME`` or on the hub.

    ValueError
        If what is there is not ``what``.
    """
    try:
        return loader.from_pretrained(str(id_or_folder), **options)
    except OSError as error:
        raise FileNotFoundError(_missing(id_or_folder, what, error)) from error
    except (ValueError, TypeError, KeyError, AttributeError, ImportError) as error:
        raise ValueError(
            f"{str(id_or_folder)!r} cannot be loaded as {what}: {_first_line(error)}"
        ) from error


def folder_identity(id_or_folder, **settings):
    """Plain values that tell a model of others from all others.

    Parameters
    ----------
    id_or_folder : `str` or path
        As of :func:`load_pretrained`, which has loaded it

    settings :
        Of the adapter

    Output
    ------
    : `dict`
        ``model``, the id or the folder's name, wherever it lies; ``sha256`` of what is
        in the folder, or ``revision`` on the hub; the settings
    """
    folder = Path(id_or_folder)
    if folder.is_dir():
        return {
            "model": folder.resolve().name,
            "sha256": _content_hash(folder),
            **settings,
        }
    from huggingface_hub import snapshot_download

    snapshot = snapshot_download(str(id_or_folder), local_files_only=True)
    return {
        "model": str(id_or_folder),
        "revision": Path(snapshot).name,  # the commit
        **settings,
    }


def _content_hash(folder):
    """SHA-256 of weights and settings in a folder, with their places."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".safetensors", ".json", ".txt"):
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            found.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return found.hexdigest()


def _missing(id_or_folder, what, error):
    home = os.environ.get("HF_HOME", "~/.cache/huggingface")
    folder = Path(id_or_folder)
    if folder.is_dir():
        where = f"the folder {folder.resolve()} holds no such model"
    else:
        where = f"there is no folder {folder.absolute()}"
    return (
        f"{what} {str(id_or_folder)!r} is missing: {where}, and neither HF_HOME "
        f"({home}) nor the hub gives it ({_first_line(error)}); download it there, or "
        "give the folder of a local copy"
    )


def _first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
