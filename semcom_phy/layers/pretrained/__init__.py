"""Architectures of networks whose weights others have trained."""
