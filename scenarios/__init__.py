"""Ready experiments: one frozen scenario per file, one command line for all."""

from contextlib import suppress

# First: it chooses the backend before Keras is imported. The module that needs the
# backend meets the same error again, where the command line can report it.
with suppress(ImportError):
    import semcom_phy  # noqa: F401
