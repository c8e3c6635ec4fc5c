"""Words in the place of a sentence: those of a list that fit a picture best.

picture --> DualEncoder --.
words ----> DualEncoder --+--> similarity --> best k --> "dog, grass, ball"

In the place of a tagging network such as RAM, which has one output for each of its
words; here any list of words will do.

References
----------
Y. Zhang et al., "Recognize Anything: a strong image tagging model", arXiv:2306.03514.
"""

from pathlib import Path

import numpy as np

from semcom_phy.array_hash import array_sha256
from semcom_phy.knowledge_base.class_prompts import class_prompt
from semcom_phy.knowledge_base.dual_encoder.prompt_list import read_prompts

WORDS_FILE = Path(__file__).parent / "words.txt"


class TagsCaptioner:
    """The best words, the best one first, with commas between them.

    Parameters
    ----------
    encoder : :class:`~semcom_phy.knowledge_base.interfaces.DualEncoder`

    words : sequence of `str` or `None`, (default `None`)
        What there is to choose from; `None` for the list that is shipped

    num : `int`, (default 5)
        Words of a caption

    Raises
    ------
    ValueError
        If there are not that many words.
    """

    def __init__(self, encoder, words=None, num=5):
        words = read_prompts(WORDS_FILE) if words is None else list(words)
        if int(num) != num or not 1 <= num <= len(words):
            raise ValueError(f"num is {num!r}; give 1 to {len(words)}, as many words")
        self.encoder, self.words, self.num = encoder, words, int(num)
        self.identity = {
            "model": "tags",
            "encoder": encoder.identity,
            "words_sha256": array_sha256(np.array(words)),
            "num": self.num,
        }

    def caption(self, images):
        """The words of each image.

        Input
        -----
        images : [num_images, height, width, 3], `uint8`

        Output
        ------
        : list of [num_images] `str`
        """
        texts = self.encoder.text_features([class_prompt(word) for word in self.words])
        similar = self.encoder.image_features(images) @ texts.T
        best = np.argsort(-similar, axis=-1, kind="stable")[:, : self.num]
        return [", ".join(self.words[i] for i in row) for row in best]
