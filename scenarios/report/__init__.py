"""One HTML file of results, to open and to send on: ``python -m scenarios.report``."""
