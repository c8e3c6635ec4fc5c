"""What holds for all tests."""

import semcom_phy  # noqa: F401  (first: chooses the backend before Keras is imported)
