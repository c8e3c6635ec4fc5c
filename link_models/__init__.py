"""End-to-end chains: from an image to its reconstruction over the radio link."""
