"""What a system knows beyond its scenario: plain words, out of one table.

Every system states it in ``describe()["knows"]``. Systems of a comparison that do not
know the same are marked in its tables: a lead of one over another is then not that of
its code alone.
"""

AVERAGE_SNR = "average SNR"
FED_BACK_CSI = "fed-back CSI"
FEEDBACK_AGE = "age of the fed-back CSI"
LABEL_MAPS = "label maps"
TAUGHT_LEVELS = "network taught what is important"
DUAL_ENCODER = "dual encoder that finds the foreground"
FREE_CUTOFFS = "cut-offs (free)"
FREE_MAPS = "which feature maps (free)"
FREE_LENGTHS = "lengths (free)"
IDEAL_LENGTHS = "lengths (ideal code)"
FREE_SCALE = "image's scale (free)"
BATCH_POWER = "power over the batch"
FREE_MASK = "mask (free)"
PERFECT_CSI = "perfect CSI"
IMAGE_GENERATOR = "captioner and image generator"
IMAGE_EDITOR = "captioner and image editor"
TEXT_ENCODER = "captioner and text encoder"
MASK_FINDER = "network that finds the foreground"
CANDIDATES = "candidates of an image generator, and the class"
TARGET = "the picture itself (genie)"
CAPACITY = "capacity of each fade (genie)"
LMMSE_RATE = "L-MMSE rate of each fade (genie)"

KNOWLEDGE = {
    AVERAGE_SNR: "both ends know the average SNR and how fades are distributed",
    FED_BACK_CSI: "the transmitter is fed back an estimate of every image's channel",
    FEEDBACK_AGE: "the transmitter knows how old what it is fed back is, and the speed",
    LABEL_MAPS: "the transmitter has the ground-truth label map of every test picture",
    TAUGHT_LEVELS: "the transmitter holds a network on pretrained features that was "
    "taught the rule which the score weighs patches by",
    DUAL_ENCODER: "the transmitter holds a frozen dual encoder, by which it sees what "
    "is foreground",
    FREE_CUTOFFS: "the receiver knows how much was sent, without errors or charge",
    FREE_MAPS: "the receiver knows which maps were sent, without errors or charge",
    FREE_LENGTHS: "the receiver knows all lengths of patches, without errors or charge",
    IDEAL_LENGTHS: "the receiver knows all lengths of patches, and hyper-latents where "
    "it uses them, without errors, at the charge of an ideal code",
    FREE_SCALE: "the receiver knows the scale of the image, without errors or charge",
    BATCH_POWER: "the transmitter spreads its power over all pictures of a batch",
    FREE_MASK: "the receiver knows the foreground's mask, without errors or charge",
    PERFECT_CSI: "the receiver knows the channel, whatever the scenario's CSI",
    IMAGE_GENERATOR: "the transmitter holds a frozen captioner or has captions, the "
    "receiver a frozen image generator",
    IMAGE_EDITOR: "the transmitter holds a frozen captioner or has captions, the "
    "receiver a frozen image editor",
    TEXT_ENCODER: "the transmitter holds a frozen captioner or has captions, the "
    "receiver a frozen encoder of texts",
    MASK_FINDER: "both ends hold the same frozen network that finds the foreground of "
    "a picture",
    CANDIDATES: "both ends hold a frozen image generator and its seed, and so the same "
    "candidates; the transmitter knows the class of every picture, and sends it",
    TARGET: "the receiver selects by the picture that was sent",
    CAPACITY: "the transmitter knows the capacity of every fade, and reaches it",
    LMMSE_RATE: "the transmitter knows the L-MMSE rate of every fade, and reaches it",
}


def knows(*names):
    """The list for ``describe()["knows"]``, in the order of the table.

    Parameters
    ----------
    names : `str`
        Keys of ``KNOWLEDGE``

    Output
    ------
    : `list` of `str`

    Raises
    ------
    ValueError
        If a name is not in the table.
    """
    for name in names:
        if name not in KNOWLEDGE:
            raise ValueError(
                f"unknown knowledge {name!r}; there is: {', '.join(KNOWLEDGE)}"
            )
    return [name for name in KNOWLEDGE if name in names]
