"""Image, text and link quality measures."""
