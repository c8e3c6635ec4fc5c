"""What is said of pictures that both ends hold."""

from semcom_phy.knowledge_base.class_prompts import class_prompt


def said_of(samples):
    """A text of every picture: its first caption, or a prompt of its class.

    Parameters
    ----------
    samples : :class:`~semcom_phy.sources.samples.Samples`
        What both ends hold must not be what is sent: those of a split "test" are
        refused

    Output
    ------
    : list of `str`

    Raises
    ------
    ValueError
        If the samples are test images, or nothing can be said of them.
    """
    source = samples.provenance
    if source.get("split") == "test":
        raise ValueError(
            f"a gallery of test images of {source['dataset']!r} would hold what is "
            "sent: give its split train"
        )
    if samples.texts is not None:
        return [own[0] for own in samples.texts]
    if samples.labels is not None and samples.class_names is not None:
        prompts = [class_prompt(name) for name in samples.class_names]
        return [prompts[int(label)] for label in samples.labels]
    raise ValueError(
        f"{source['dataset']!r} has neither captions nor classes with names, by which "
        "its pictures could be found"
    )
