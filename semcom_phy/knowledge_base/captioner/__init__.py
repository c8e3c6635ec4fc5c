"""Captioners: what a picture shows, in words.

===========================  ==========================================================
name                         what it is
===========================  ==========================================================
``embedded``                 :class:`.embedded.EmbeddedCaptioner`: shipped
``tags``                     :class:`.tags.TagsCaptioner`: words in the place of a
                             sentence
``nearest:DATASET``          :class:`.nearest.NearestCaptioner`: what is said of the
                             picture of its split train that looks most alike;
                             ``nearest`` of the photographs that packages ship
URL of a server              :class:`~semcom_phy.knowledge_base.endpoint.
                             EndpointCaptioner`
folder, or name on the hub   :class:`.transformers_captioner.TransformersCaptioner`
===========================  ==========================================================
"""

NEAREST = "nearest"


def _embedded():
    from semcom_phy.knowledge_base.captioner.embedded import EmbeddedCaptioner

    return EmbeddedCaptioner()


def _tags():
    from semcom_phy.knowledge_base.captioner.tags import TagsCaptioner
    from semcom_phy.knowledge_base.dual_encoder import find_dual_encoder

    return TagsCaptioner(find_dual_encoder("embedded"))


def _nearest(dataset):
    from semcom_phy.knowledge_base.captioner.nearest import NearestCaptioner
    from semcom_phy.knowledge_base.dual_encoder import find_dual_encoder
    from semcom_phy.knowledge_base.held_pictures import held_pictures

    return NearestCaptioner(held_pictures(dataset), find_dual_encoder("embedded"))


CAPTIONERS = {"embedded": _embedded, "tags": _tags}


def find_captioner(name, question=None):
    """A captioner by its name.

    Parameters
    ----------
    name : `str` or path
        Of the table above; a data set is "cifar10", "flickr8k", ..., a folder, or its
        name in ``$SEMCOM_DATA``

    question : :class:`~.questions.Question` or `None`, (default `None`)
        What a server, or a model with a chat template, is asked; `None`: for one short
        sentence. All others take no question, and say what they say

    Output
    ------
    : :class:`~semcom_phy.knowledge_base.interfaces.Captioner`

    Raises
    ------
    FileNotFoundError
        If there is no such model or data set.

    ValueError
        If what is there is no captioner.

    ImportError
        If the extra is not installed.
    """
    name = str(name)
    if name in CAPTIONERS:
        return CAPTIONERS[name]()
    kind, _, dataset = name.partition(":")
    if kind == NEAREST:
        return _nearest(dataset)
    if name.startswith(("http://", "https://")):
        from semcom_phy.knowledge_base.endpoint import EndpointCaptioner

        if question is None:
            return EndpointCaptioner(name)
        return EndpointCaptioner(name, question.text, question.max_tokens)
    from semcom_phy.knowledge_base.captioner.transformers_captioner import (
        TransformersCaptioner,
    )

    model = TransformersCaptioner.load(name)
    return model if question is None else model.asked(question)
