"""Belief propagation, in NumPy and compiled."""
