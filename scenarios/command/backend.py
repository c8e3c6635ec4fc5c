"""The tensor library, loaded quietly."""


def load_backend():
    """Before all other imports of the tensor library: this one loads it quietly."""
    from semcom_phy import backend  # noqa: F401
