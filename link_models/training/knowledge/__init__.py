"""Training of the frozen models that both ends hold."""
