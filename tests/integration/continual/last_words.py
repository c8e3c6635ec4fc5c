"""Three domains of one animal each, and a learner that knows the last ones it saw."""

import keras
import numpy as np

from link_models.training.continual.domains import Domain

WORDS = ("cat", "dog", "owl")


class LastWords:
    """Knows the second word of the texts of its last step, and counts its steps."""

    def __init__(self):
        self.count = keras.Variable(0.0, trainable=False)
        self.known = keras.Variable(np.zeros(len(WORDS)), trainable=False)
        self.variables = [self.count, self.known]
        self.seen = []

    def describe(self):
        return {"words": list(WORDS)}

    def learn(self, texts, seed):
        self.seen.append((texts, seed))
        self.count.assign(self.count + 1.0)
        told = {text.split()[1] for text in texts}
        self.known.assign(np.array([word in told for word in WORDS], "float32"))
        return {"semantic": float(self.count)}

    def features(self, texts):
        return np.array([[10.0 * WORDS.index(t.split()[1])] for t in texts])

    def receive(self, texts, snr_db, seed):
        known = dict(zip(WORDS, keras.ops.convert_to_numpy(self.known), strict=True))
        return [t if known[t.split()[1]] else "a thing on it" for t in texts]


def three_domains():
    return [
        Domain(
            word,
            tuple(f"a {word} number {i}" for i in range(25)),
            tuple(f"a {word} number {i}" for i in range(25, 35)),
            tuple(range(10)),
        )
        for word in WORDS
    ]
