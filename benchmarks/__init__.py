"""Benchmarks: one table each, `python -m benchmarks.NAME`."""
