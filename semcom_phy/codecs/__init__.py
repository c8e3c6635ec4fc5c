"""Semantic (joint source-channel) codecs, one file per system."""
