"""Classifiers: which class a picture shows, for data sets whose classes are known.

Those named after a data set are networks of their own, trained on that set alone.
"probe:NAME" is a linear probe on EfficientNet-Lite0, which the embedded captioner sees
through as well: as a judge of what that captioner lost or kept, it is NOT independent.
"""

EMBEDDED = ("cifar10", "tinyimagenet24", "catsdogs")
PROBE = "probe:"


def find_classifier(name):
    """A classifier by its name.

    Parameters
    ----------
    name : `str`
        "cifar10", "tinyimagenet24" or "catsdogs" for a convolutional network of its
        own; with "probe:" before it for a linear probe on EfficientNet-Lite0

    Output
    ------
    : :class:`~semcom_phy.knowledge_base.interfaces.Classifier`

    Raises
    ------
    ValueError
        If there is no such classifier.

    FileNotFoundError
        If its weights are missing.

    ImportError
        If the extra is not installed.
    """
    name = str(name)
    if name.removeprefix(PROBE) not in EMBEDDED:
        known = [prefix + each for prefix in ("", PROBE) for each in EMBEDDED]
        raise ValueError(f"no classifier {name!r}; there are: {', '.join(known)}")
    if name.startswith(PROBE):
        from semcom_phy.knowledge_base.classifier.probe import ProbeClassifier

        return ProbeClassifier(name.removeprefix(PROBE))
    from semcom_phy.knowledge_base.classifier.convolutional import ConvClassifier

    return ConvClassifier(name)
