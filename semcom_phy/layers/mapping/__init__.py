"""Features to symbols: what is sent, in which order, on how many, how strongly."""
