"""Entropy coders of what codecs tell: lengths, features."""
