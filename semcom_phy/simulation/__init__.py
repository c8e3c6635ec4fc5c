"""Sweeps over the SNR: simulation, result files, figures."""
