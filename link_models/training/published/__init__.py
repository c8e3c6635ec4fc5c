"""Weights that authors publish, imported into the codecs that compute the same."""
