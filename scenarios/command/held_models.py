"""Models that hold the pictures of a data set, which are then no pictures to send."""

_HELD = {"gallery": ("photographs", "sample"), "nearest": ("photographs", "sample")}


def check_not_held(dataset, **models):
    """Refuses models that hold what is sent.

    Parameters
    ----------
    dataset : `str`

    models : `str` or `None`
        By what they are: ``captioner``, ``generator``

    Raises
    ------
    ValueError
        With the model and the remedy.
    """
    for name, model in models.items():
        if dataset in _HELD.get(model, ()):
            raise ValueError(
                f"{name} {model!r} holds the pictures of {dataset!r}, which "
                f"are sent: choose another one, such as {model}:cifar10"
            )
