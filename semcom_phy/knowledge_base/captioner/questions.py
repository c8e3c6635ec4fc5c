"""What captioners are asked that take a question."""

from typing import NamedTuple


class Question(NamedTuple):
    """A question, and how long an answer may be.

    Attributes
    ----------
    text : `str`

    max_tokens : `int`
        Of the answer; a longer one is cut
    """

    text: str
    max_tokens: int


# Of "GenED-SC: Generative Editing Semantic Communication with Integrated Multi-Modal
# LLMs", section IV-D, word for word. It does not say how long answers may be.
DETAILED = Question(
    "Describe the image in precise detail to enable accurate text-to-image generation. "
    "First, summarize the overall scene and tone. Next, identify all main objects, "
    "including their quantities, colors, and appearances. Then, specify the absolute "
    "position (e.g., top, bottom, left, right) of each object and the relative spatial "
    "relationships between them (e.g., above, below, in front of, behind). Finally, "
    "describe how these objects are positioned within the background scene. Provide a "
    "comprehensive, detailed, and accurate description to ensure the generated image "
    "faithfully reconstructs the original.",
    max_tokens=300,
)
