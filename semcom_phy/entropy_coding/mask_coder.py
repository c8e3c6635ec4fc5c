"""Code of a coarse mask: which patches of a picture are its foreground.

mask, raster order --> context of six neighbours --> probability of a table --> bytes
"""

import numpy as np

from semcom_phy.entropy_coding.range_coder import Decoder, encode_symbols

# Neighbours that both ends know already, from the lowest bit of a context on:
# west, north, north-west, north-east, west of west, north of north.
_NEIGHBOURS = ((0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0))
_NUM_CONTEXTS = 2 ** len(_NEIGHBOURS)
_REACH = 2  # rows and columns outside the mask, which are background
_SEEN_BEFORE = 0.4  # added to each count: nothing is impossible

# Of 16x16 patches of 8x8 pixels of the 700 training masks of ECSSD and their mirror
# images; a patch is foreground where half of it or more is:
#     masks = load_images("ecssd", size=128, split="train").masks
#     masks = masks.reshape(-1, 16, 8, 16, 8).mean(axis=(2, 4)) >= 0.5
#     fit_table(np.concatenate([masks, masks[:, :, ::-1]])).round(4)
ECSSD_TABLE = (
    (0.0112, 0.6033, 0.6494, 0.9154, 0.0644, 0.3149, 0.4461, 0.9198)
    + (0.2034, 0.9232, 0.8233, 0.9847, 0.1948, 0.4023, 0.5637, 0.9789)
    + (0.0141, 0.4073, 0.5394, 0.8772, 0.0252, 0.3080, 0.3150, 0.9217)
    + (0.2400, 0.8312, 0.8406, 0.9737, 0.1429, 0.5526, 0.6031, 0.9862)
    + (0.0064, 0.2701, 0.4563, 0.7778, 0.0101, 0.0866, 0.2330, 0.7612)
    + (0.0572, 0.6101, 0.6520, 0.9686, 0.1335, 0.1543, 0.4734, 0.9564)
    + (0.0115, 0.4163, 0.6457, 0.8232, 0.0069, 0.1561, 0.2544, 0.7983)
    + (0.0827, 0.6736, 0.7352, 0.9426, 0.0844, 0.3638, 0.3970, 0.9784)
)

# Of the 24 patches with the steepest brightness of the same images:
#     images = load_samples("ecssd", size=128, split="train").images
#     edges = np.asarray(edge_map(images.astype("float32") / 255, 8, 24), "uint8")
#     fit_table(np.concatenate([edges, edges[:, :, ::-1]])).round(4)
ECSSD_EDGES = (
    (0.0360, 0.2580, 0.2746, 0.4277, 0.1387, 0.2109, 0.2533, 0.5322)
    + (0.1382, 0.3963, 0.3253, 0.4956, 0.2140, 0.4251, 0.2040, 0.5746)
    + (0.0818, 0.3600, 0.3120, 0.5275, 0.1444, 0.2556, 0.2804, 0.5642)
    + (0.1785, 0.5021, 0.3661, 0.5139, 0.2639, 0.4776, 0.2669, 0.6692)
    + (0.0712, 0.2832, 0.3586, 0.4183, 0.1100, 0.1974, 0.2508, 0.4965)
    + (0.1220, 0.3501, 0.3363, 0.5332, 0.2262, 0.3632, 0.2836, 0.6865)
    + (0.1127, 0.2983, 0.4044, 0.4799, 0.1210, 0.2787, 0.3439, 0.5654)
    + (0.1230, 0.3772, 0.3533, 0.6076, 0.2222, 0.3774, 0.3620, 0.7172)
)


class MaskCoder:
    """Lossless code of a mask, in which objects are few, whole and connected.

    Parameters
    ----------
    table : [64], `float`, (default: :data:`ECSSD_TABLE`)
        Probability of foreground in each context, between 0 and 1, of
        :func:`fit_table`

    Raises
    ------
    ValueError
        If the table does not hold 64 probabilities, or a mask other numbers than 0
        and 1.

    Example
    -------
    >>> mask = np.zeros((16, 16), int)
    >>> mask[4:12, 5:11] = 1
    >>> data = MaskCoder().encode(mask)
    >>> len(data)
    5
    >>> np.array_equal(MaskCoder().decode(data, mask.shape), mask)
    True

    References
    ----------
    ITU-T T.82 (JBIG), whose templates of causal neighbours these are a small one of.
    """

    def __init__(self, table=ECSSD_TABLE):
        table = np.asarray(table, np.float64)
        if table.shape != (_NUM_CONTEXTS,) or not ((0 < table) & (table < 1)).all():
            raise ValueError(
                f"table must hold {_NUM_CONTEXTS} probabilities between 0 and 1, "
                f"received {table.shape} from {table.min()} to {table.max()}."
            )
        self._distributions = np.stack([1 - table, table], axis=1)

    def encode(self, mask):
        """Bytes of a mask, [rows, cols], 0 or 1: the shortest that tell it."""
        mask = _checked(mask)
        contexts = _contexts(mask[None])[0]
        return encode_symbols(mask.ravel(), self._distributions[contexts.ravel()])

    def decode(self, data, shape):
        """The mask of a ``shape`` (rows, cols), `uint8`.

        Damaged data give another mask, or ValueError.
        """
        rows, cols = shape
        if rows < 1 or cols < 1:
            raise ValueError(f"shape must be at least (1, 1), received {shape}.")
        decoder = Decoder(data)
        known = np.zeros((rows + _REACH, cols + 2 * _REACH), np.uint8)
        for i, j in np.ndindex(rows, cols):
            here = i + _REACH, j + _REACH
            context = sum(
                int(known[here[0] + down, here[1] + right]) << bit
                for bit, (down, right) in enumerate(_NEIGHBOURS)
            )
            known[here] = decoder.symbol(self._distributions[context])
        return known[_REACH:, _REACH:-_REACH].copy()

    def cost_bits(self, mask):
        """Ideal length of the code of a mask, `float` [bit]."""
        mask = _checked(mask)
        contexts = _contexts(mask[None])[0]
        return float(-np.log2(self._distributions[contexts, mask]).sum())


def fit_table(masks):
    """Probabilities of foreground in each context, with 0.4 added to each count.

    Input
    -----
    masks : [num_masks, rows, cols]
        0 or 1

    Output
    ------
    table : [64], `float64`
        Between 0 and 1; 0.5 where a context was not met

    Raises
    ------
    ValueError
        If there is no mask, or one holds other numbers.
    """
    masks = _checked(masks, ndim=3)
    contexts = _contexts(masks).ravel()
    met = np.bincount(contexts, minlength=_NUM_CONTEXTS)
    foreground = np.bincount(contexts, masks.ravel(), _NUM_CONTEXTS)
    return (foreground + _SEEN_BEFORE) / (met + 2 * _SEEN_BEFORE)


def _contexts(masks):
    """Number of the context of each position, [num_masks, rows, cols], `int64`."""
    _, rows, cols = masks.shape
    around = np.pad(masks, ((0, 0), (_REACH, 0), (_REACH, _REACH)))
    return sum(
        around[:, _REACH + down :, _REACH + right :][:, :rows, :cols] << bit
        for bit, (down, right) in enumerate(_NEIGHBOURS)
    )


def _checked(mask, ndim=2):
    mask = np.asarray(mask)
    if mask.ndim != ndim or not mask.size or not np.isin(mask, (0, 1)).all():
        raise ValueError(
            f"a mask must have {ndim} dimensions and hold 0 and 1 alone, received "
            f"{mask.dtype} of shape {mask.shape}: round it first."
        )
    return mask.astype(np.int64)
