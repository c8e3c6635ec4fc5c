"""Separate source and channel coding."""
