"""Bytes and numbers beside an image, each message as strong as it has to be."""
