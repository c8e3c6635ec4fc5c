"""Texts as numbers that both ends of a link know."""
