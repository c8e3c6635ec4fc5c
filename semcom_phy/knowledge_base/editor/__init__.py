"""Editors: models that repaint a picture as a prompt says, or repair it."""
