"""Captioners: what a picture shows, in words."""


def _embedded():
    from semcom_phy.knowledge_base.captioner.embedded import EmbeddedCaptioner

    return EmbeddedCaptioner()


def _tags():
    from semcom_phy.knowledge_base.captioner.tags import TagsCaptioner
    from semcom_phy.knowledge_base.dual_encoder import find_dual_encoder

    return TagsCaptioner(find_dual_encoder("embedded"))


CAPTIONERS = {"embedded": _embedded, "tags": _tags}


def find_captioner(name):
    """A captioner by its name.

    Parameters
    ----------
    name : `str` or path
        "embedded" (shipped), "tags" (words in the place of a sentence), the URL of a
        server, or a hub id or folder of an image-to-text model of transformers

    Output
    ------
    : :class:`~semcom_phy.knowledge_base.interfaces.Captioner`

    Raises
    ------
    FileNotFoundError
        If there is no such model.

    ValueError
        If what is there is no captioner.

    ImportError
        If the extra is not installed.
    """
    name = str(name)
    if name in CAPTIONERS:
        return CAPTIONERS[name]()
    if name.startswith(("http://", "https://")):
        from semcom_phy.knowledge_base.endpoint import EndpointCaptioner

        return EndpointCaptioner(name)
    from semcom_phy.knowledge_base.captioner.transformers_captioner import (
        TransformersCaptioner,
    )

    return TransformersCaptioner.load(name)
