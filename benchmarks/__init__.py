"""Measured claims: ``python -m benchmarks.NAME`` prints one table each."""

# First: it chooses Keras' backend and loads the library quietly.
from semcom_phy import backend  # noqa: F401
