"""Models of transformers as they are asked here: whole, frozen, from safetensors."""

from semcom_phy.knowledge_base.loading import load_pretrained


def load_frozen(loader, id_or_folder, what, **options):
    """A model of transformers whose every weight comes from its files.

    transformers fills what a file lacks with random numbers and says so in a warning;
    a frozen model with random weights is none.

    Parameters
    ----------
    loader, id_or_folder, what
        As of :func:`~semcom_phy.knowledge_base.loading.load_pretrained`

    options :
        Handed to ``from_pretrained``

    Output
    ------
    : `torch.nn.Module`
        In evaluation mode, without gradients

    Raises
    ------
    FileNotFoundError, ValueError
        As of :func:`~semcom_phy.knowledge_base.loading.load_pretrained`, and if weights
        are missing or a file of them is cut off.
    """
    from safetensors import SafetensorError

    try:
        model, found = load_pretrained(
            loader,
            id_or_folder,
            what,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **options,
        )
    except SafetensorError as error:
        raise ValueError(
            f"{str(id_or_folder)!r} is not whole: {error}; download it again"
        ) from error
    missing = sorted(found["missing_keys"])
    if missing:
        raise ValueError(
            f"{str(id_or_folder)!r} is not whole: {len(missing)} weights are missing, "
            f"the first is {missing[0]}; download it again"
        )
    return model.eval().requires_grad_(False)
