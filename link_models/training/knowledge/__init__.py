"""Training of the embedded models that both ends of a link hold (PyTorch)."""
