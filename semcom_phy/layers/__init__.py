"""Keras layers that semantic codecs are made of."""
