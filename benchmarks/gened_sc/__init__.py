"""Parts of :mod:`benchmarks.gened_sc_comparison`, a table of GenED-SC each."""
