"""Keras layers shared by at least two codecs."""
