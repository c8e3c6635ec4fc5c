"""Measured claims: ``python -m benchmarks.NAME`` prints one table each."""

from semcom_phy import backend  # noqa: F401  (first: loads TensorFlow quietly)
