"""What is said of the pictures of a class whose name alone is known."""

# The first one is the prompt that a class is found and drawn by.
TEMPLATES = (
    "a photo of {}",
    "{}",
    "a close up of {}",
    "a picture that shows {}",
    "there is {} in the picture",
)


def class_prompt(name, template=TEMPLATES[0]):
    """A sentence on a class, in lower case.

    Parameters
    ----------
    name : `str`
        As a data set writes it: "Cat", "GOLDEN_EAGLE"

    template : `str`, (default "a photo of {}")
        Of :data:`TEMPLATES`

    Example
    -------
    >>> class_prompt("African elephant")
    'a photo of an african elephant'
    """
    words = " ".join(str(name).replace("_", " ").lower().split())
    article = "an" if words[:1] in tuple("aeiou") else "a"
    return template.format(f"{article} {words}")
