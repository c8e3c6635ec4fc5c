"""Trained weights, as they are shipped, and how they are stored and loaded."""
