"""What a captioner says of pictures, asked once and kept in a file."""

import hashlib
import json
from pathlib import Path

from tqdm import tqdm

from semcom_phy.array_hash import array_sha256
from semcom_phy.knowledge_base.captioner import find_captioner
from semcom_phy.metrics.text import words
from semcom_phy.simulation.storage import replaced

_BLOCK = 64


def captions_of(images, captioner, folder, name):
    """Captions of pictures, kept on disk by content and by what identifies the model.

    The embedded captioner describes some 17 pictures a second on a CPU core.

    Parameters
    ----------
    images : [num_images, height, width, 3], `uint8`

    captioner : `str`
        As of :func:`~semcom_phy.knowledge_base.captioner.find_captioner`

    folder : path
        Where they are kept

    name : `str`
        Of the file, and shown while they are made

    Output
    ------
    captions : `tuple` of [num_images] `str`
        In lower case and with single blanks

    identity : `dict`
        Plain values that tell the captioner from others

    Raises
    ------
    FileNotFoundError, ValueError, ImportError
        If there is no such captioner.
    """
    model = find_captioner(captioner)
    key = {"captioner": model.identity, "images_sha256": array_sha256(images)}
    content = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    path = Path(folder) / f"captions_{name}_{content[:16]}.json"
    if path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
        return tuple(kept["captions"]), model.identity
    captions = []
    with tqdm(total=len(images), desc=name, unit="image", disable=None) as bar:
        for start in range(0, len(images), _BLOCK):
            block = images[start : start + _BLOCK]
            captions += [" ".join(words(text)) for text in model.caption(block)]
            bar.update(len(block))
    with replaced(path) as trial:
        kept = json.dumps({"of": key, "captions": captions}, indent=0)
        trial.write_text(kept + "\n", encoding="utf-8")
    return tuple(captions), model.identity
