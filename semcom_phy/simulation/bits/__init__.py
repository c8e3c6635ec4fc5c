"""Bit and block error rates: sweeps, result files, theory."""
