"""Dual encoders: how well a text says what a picture shows."""


def _embedded():
    from semcom_phy.knowledge_base.dual_encoder.embedded import EmbeddedDualEncoder

    return EmbeddedDualEncoder()


DUAL_ENCODERS = {"embedded": _embedded}


def find_dual_encoder(name):
    """A dual encoder by its name.

    Parameters
    ----------
    name : `str` or path
        "embedded" (shipped), or a hub id or folder of a CLIP of transformers

    Output
    ------
    : :class:`~semcom_phy.knowledge_base.interfaces.DualEncoder`

    Raises
    ------
    FileNotFoundError
        If there is no such model.

    ValueError
        If what is there is no dual encoder.

    ImportError
        If the extra is not installed.
    """
    name = str(name)
    if name in DUAL_ENCODERS:
        return DUAL_ENCODERS[name]()
    from semcom_phy.knowledge_base.dual_encoder.transformers_dual_encoder import (
        TransformersDualEncoder,
    )

    return TransformersDualEncoder.load(name)
