"""An image editor that a receiver asks once about each picture, and that may fail."""

import sys
from functools import cache

import numpy as np

from semcom_phy.knowledge_base.content_cache import ContentCache
from semcom_phy.knowledge_base.editor import find_editor
from semcom_phy.knowledge_base.endpoint import EndpointError

FAILURES = (EndpointError, ConnectionError, TimeoutError)
MOST_FAILURES = 3  # in a row, before an editor is asked no more


class Editing:
    """Edits pictures one by one, and keeps those that the editor fails on.

    What is drawn follows from picture, prompt and seed: it is computed once, whoever
    asks. A host that refuses or is late is one line on stderr, once; after three
    failures in a row it is asked no more, since each may take minutes.

    Parameters
    ----------
    editor : :class:`~semcom_phy.knowledge_base.interfaces.ImageEditor`
    """

    def __init__(self, editor):
        self.editor = editor
        self._cache = ContentCache()
        self._failures = []  # in a row
        self._told = []

    def edit(self, images, prompts, seeds):
        """Edited pictures, and which of them are.

        Input
        -----
        images : [batch, height, width, 3], `uint8`

        prompts : list of [batch] `str`

        seeds : [batch], `int`

        Output
        ------
        images : [batch, height, width, 3], `uint8`
            As they were where the editor failed

        edited : [batch], `bool`
        """
        found, edited = np.array(images), np.zeros(len(images), bool)
        for i, (image, prompt) in enumerate(zip(images, prompts, strict=True)):
            result = self._edited(image, prompt, int(seeds[i]))
            if result is not None:
                found[i], edited[i] = result, True
        return found, edited

    def _edited(self, image, prompt, seed):
        """The edited picture, `None` where the editor fails."""

        def ask(new):
            if len(self._failures) >= MOST_FAILURES:
                raise self._failures[-1]
            try:
                answer = self.editor.edit(np.stack(new), [prompt], seed)
            except FAILURES as error:
                self._failures.append(error)
                self._tell(error)
                raise
            self._failures.clear()
            return answer

        try:
            return self._cache.answers([image], ask, (prompt, seed))[0]
        except FAILURES:
            return None

    def _tell(self, error):
        if not self._told:
            why = " ".join(str(error).split())
            print(
                f"image editor: {why}; images stay as they arrived and are marked "
                "(edited = 0), --restart tries again",
                file=sys.stderr,
            )
            self._told.append(why)


@cache
def find_editing(name):
    """The editing by an editor's name, one for all systems of a process; see
    :func:`~semcom_phy.knowledge_base.editor.find_editor`."""
    return Editing(find_editor(name))
