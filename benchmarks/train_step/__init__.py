"""How fast a training step is, beside the same network written plainly in PyTorch."""
