"""That both ends imagine the same candidates, shown by a second process.

here:  Candidates ---------------------------> SHA-256 of the pixels --.
there: name, num, seed, texts --> generator --> SHA-256 of the pixels --+--> the same?
"""

import json
import subprocess
import sys

from semcom_phy.array_hash import array_sha256
from semcom_phy.knowledge_base.candidates import painted
from semcom_phy.knowledge_base.generator import find_generator


def same_in_another_process(candidates, name, texts):
    """Shows that another process, which is told names and numbers alone, imagines the
    very same candidates.

    Parameters
    ----------
    candidates : :class:`Candidates`

    name : `str`
        Of their generator, as of
        :func:`~semcom_phy.knowledge_base.generator.find_generator`

    texts : list of `str`
        What is compared

    Output
    ------
    : `dict` of `str` -> `str`
        SHA-256 of the candidates of each text

    Raises
    ------
    ValueError
        If the other process has another generator, other pixels, or none.
    """
    request = [name, candidates.num, candidates.seed, list(texts)]
    told = subprocess.run(
        [sys.executable, "-m", __name__, json.dumps(request)],
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        reason = (told.stderr.strip().splitlines() or [f"rc {told.returncode}"])[-1]
        raise ValueError(
            f"another process cannot make candidates by {name!r} ({reason}): install "
            "there what is installed here"
        )
    identity, there = json.loads(told.stdout.splitlines()[-1])
    here = json.loads(json.dumps(candidates.generator.identity))
    if identity != here:
        raise ValueError(
            f"generator {name!r} is {identity} in another process and {here} here: "
            "give the name that the candidates were made by"
        )
    for text, found in there.items():
        if found != candidates.sha256(text):
            raise ValueError(
                f"candidates of {text!r} are {candidates.sha256(text)[:12]} here and "
                f"{found[:12]} in another process: give both ends the same versions, "
                "processor and OMP_NUM_THREADS"
            )
    return there


def _tell(request):
    """What the other process says: its generator, and the hash of each text."""
    name, num, seed, texts = json.loads(request)
    generator = find_generator(name)
    hashes = {text: array_sha256(painted(generator, text, num, seed)) for text in texts}
    print(json.dumps([generator.identity, hashes]))


if __name__ == "__main__":
    _tell(sys.argv[1])
