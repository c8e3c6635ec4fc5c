"""Scenarios that send captions or whole photographs, or generate, or edit."""
