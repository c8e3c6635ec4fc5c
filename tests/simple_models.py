"""Frozen models so simple that their answers are worked out by hand."""

import numpy as np


class ColourEncoder:
    """Dual encoder: mean colour of a picture, and the colour that a text ends in."""

    identity = {"model": "colours"}

    def image_features(self, images):
        mean = images.mean((1, 2)).astype("float32")
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def text_features(self, texts):
        colours = ["red", "green", "blue"]
        return np.eye(3, dtype="float32")[[colours.index(t.split()[-1]) for t in texts]]


class BrightnessClassifier:
    """Three classes by the mean of a picture."""

    identity = {"model": "brightness"}
    class_names = "dark", "grey", "bright"

    def probabilities(self, images):
        mean = images.mean((1, 2, 3))
        near = np.exp(-np.abs(mean[:, None] - [0, 128, 255]) / 99)
        return (near / near.sum(1, keepdims=True)).astype("float32")


class MeanDistance:
    """Distance of the mean values of two pictures."""

    identity = {"model": "means"}

    def distance(self, images, images_hat):
        return np.abs(images.mean((1, 2, 3)) - images_hat.mean((1, 2, 3)))
