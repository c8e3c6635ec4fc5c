"""Which parts of a picture matter, and to whom."""
