"""End-to-end chains: from an image to its reconstruction over the radio link."""

import semcom_phy  # noqa: F401  (first: chooses the backend before Keras is imported)
