"""The contract of a semantic codec: an encoder and a decoder, each a Keras layer.

    encoder.encode(source, known) -> Packet(data, side, details)
                                        |       '-- encoder.side_to_bytes(side) --.
                                        v                                         v
                                     [ analogue segment ]            [ digital segment ]
                                        |                                         |
    decoder.decode(received, known) <- Received(z_hat, ..., side) <- side_from_bytes

``encode`` and ``decode`` are traced and differentiated; the bytes are made outside,
where no gradient passes. Training hands the decoder the true side information. A codec
of fixed rate gives ``encode`` and ``decode`` alone; one that leaves symbols out
anywhere closes them up, and opens the gaps again (:mod:`semcom_phy.phy.sent_symbols`).
"""

from typing import Any, NamedTuple

import keras

from semcom_phy.phy.segments import Analogue


class Packet(NamedTuple):
    """What an encoder makes of a batch.

    Attributes
    ----------
    data : :class:`~semcom_phy.phy.segments.Analogue`
        Symbols of any power; the link normalises them per sample

    side : any structure of tensors [batch, ...], or `None`
        What the decoder must be told beside the symbols: it is sent and charged

    details : any
        What the codec's own loss and figures want to see
    """

    data: Analogue
    side: Any = None
    details: Any = None


class Received(NamedTuple):
    """What arrived of a packet.

    Attributes
    ----------
    z_hat : [batch, num_symbols], `complex64`
        Unbiased estimates of the symbols, of unit average power per sample; without
        meaning behind those that were sent

    no_eff : [batch, num_symbols], `float32`
        Their error variances, as networks are told them: no better than in training.
        They have no finite mean under fading: use z_hat / (1 + no_eff) as a feature
        [linear]

    detected_no_eff : [batch, num_symbols], `float32`
        The same as detected, for filters [linear]

    side : as of :class:`Packet`
        As it arrived
    """

    z_hat: Any
    no_eff: Any
    detected_no_eff: Any
    side: Any = None


class SemanticCodec(keras.layers.Layer):
    """What encoders and decoders have in common.

    A subclass keeps its constructor arguments under their names; an encoder of images
    has ``image_shape``, (height, width, colours) [pixels]. Layers inside that have a
    name can be taken over by a codec of other sizes (``--start-from``).
    """

    told_median_snr = False
    """`bool` : Is told the SNR after detection that half of all frames reach, which
    both ends know from the average SNR and the statistics of the channel."""

    def build(self, input_shape):
        """Builds the layers inside where their first call would not."""

    @classmethod
    def default_config(cls, image_shape, num_tx_ant, num_rx_ant, symbol_counts):
        """Constructor arguments for a scenario, a `dict` of plain values.

        Parameters
        ----------
        image_shape : (`int`, `int`, 3)
            [pixels]

        num_tx_ant, num_rx_ant : `int`
            Antennas

        symbol_counts : `list` of `int`
            Symbols per sample of the frames that it is to serve, upwards
        """
        return {"image_shape": image_shape, "num_symbols": symbol_counts[-1]}

    @classmethod
    def resized_config(cls, config, image_shape):
        """Constructor arguments with which the same weights serve images of any size.

        Parameters
        ----------
        config : `dict`
            Constructor arguments that the weights were made with

        image_shape : (`int`, `int`, 3)
            Of the images that they are to serve [pixels]

        Output
        ------
        : `dict`, or `None`
            `None`: the weights are for one size alone
        """
        return None

    def use_record(self, record):
        """Takes what it needs from the JSON of its weights beside its configuration."""

    def reduced_precision_layers(self):
        """Layers inside that bear 16 bits, for training in mixed precision."""
        return []


class SemanticEncoder(SemanticCodec):
    """Base of encoders.

    Example
    -------
    An encoder of fixed rate that sends the first pixels, two to a symbol:

    >>> import numpy as np
    >>> from keras import ops
    >>> class FirstPixels(SemanticEncoder):
    ...     def __init__(self, image_shape, num_symbols):
    ...         super().__init__()
    ...         self.image_shape, self.num_symbols = image_shape, num_symbols
    ...     def encode(self, source, known):
    ...         pixels = ops.reshape(source, (-1, np.prod(self.image_shape)))
    ...         first = pixels[:, : 2 * self.num_symbols]
    ...         pairs = ops.reshape(first, (-1, self.num_symbols, 2))
    ...         return Packet(Analogue(ops.view_as_complex(pairs)))
    >>> encoder = FirstPixels((2, 2, 3), num_symbols=5)
    >>> packet = encoder.encode(ops.ones((4, 2, 2, 3)), known=None)
    >>> tuple(packet.data.z.shape), packet.side, encoder.source_shape
    ((4, 5), None, (2, 2, 3))
    """

    title = ""
    """`str` : In tables and figures, of a codec that ``--codec`` names; empty: the name
    of its module."""

    sends_images = True
    """`bool` : The source is images; of others it is what ``source_shape`` says."""

    sends_text = False
    """`bool` : The source is tokens, [batch, room] `int32`, not images."""

    feedback: str | None = None
    """`str` or `None` : What it is fed back from pilots: "snr", "channel" (with the
    SNR), or nothing: it is told the average SNR."""

    side_values: int | None = None
    """`int` or `None` : Side information is one of so many messages, at most 2^20: sent
    as a number on a short message. `None`: it is none, or a byte string."""

    side_bytes: int | None = None
    """`int` or `None` : Longest byte string of side information, where it is one: sent
    under the scheme that the average SNR suggests. Where ``side_values`` will do, it is
    the better one: its length follows the channel."""

    side_error_rate = 1e-3
    """`float` : Error rate of that number that its length aims at."""

    side_checked = True
    """`bool` : A wrong number must be noticed, so that the sample is an outage: that
    takes a polar code and its CRC, which is as long as the number. Else numbers of at
    most 11 bits go by the code of small block lengths of 5G."""

    rate_steps: tuple[float, ...] | None = None
    """`tuple` of `float` or `None` : Budgets that it can be asked for, upwards [complex
    symbols], by systems that ask for a rate (``rate_of`` of an entry of the table)."""

    fills_frame = False
    """`bool` : Takes as many symbols as a frame has left beside its side information;
    see :class:`FrameFillingEncoder`."""

    num_uniform = 0
    """`int` : Random numbers per sample that training hands to :meth:`encode`."""

    num_levels = 0
    """`int` : Levels of importance that the encoder can be told."""

    cell = "a symbol of it"
    """`str` : What a cell of a feature map stands for in :meth:`symbol_maps`."""

    patch_size: int | None = None
    """`int` or `None` : Side of the patches of :meth:`symbol_maps`, which those of the
    padding follow; `None`: they divide the image [pixels]."""

    @property
    def source_shape(self):
        """Shape of a sample of the source, `tuple` of `int`."""
        return tuple(self.image_shape)

    @property
    def first_shape(self):
        """Shape of a sample whose run builds all layers, `tuple` of `int`: a small one
        where the encoder takes images of any size."""
        return self.source_shape

    def check_rate(self, num_symbols):
        """Refuses a frame that the codec is not made for.

        Parameters
        ----------
        num_symbols : `int`
            Room of its data [complex symbols]

        Raises
        ------
        ValueError
            With both numbers.
        """

    def encode(self, source, known, uniform=None):
        """Samples to symbols.

        Input
        -----
        source : [batch, H, W, 3], `float32`
            Images in [0, 1]; tokens of an encoder that ``sends_text``; else what
            ``source_shape`` says

        known : :class:`~semcom_phy.phy.knowledge.TxKnowledge`
            ``num_symbols`` is the room of the data

        uniform : [batch, num_uniform], `float32`, in (0, 1), optional
            In training, for codecs with ``num_uniform``; others need not take it

        Output
        ------
        : :class:`Packet`
        """
        raise NotImplementedError(f"{type(self).__name__} gives no encode()")

    def side_to_bytes(self, side):
        """Side information to a list of [batch] `bytes`; arrays are NumPy's.

        With ``side_values``: numbers below it, in as few bytes as the largest takes,
        the highest first.
        """
        raise NotImplementedError(f"{type(self).__name__} gives no side_to_bytes()")

    def check_side(self):
        """Refuses, with a `ValueError`, where something is missing to send it."""

    def extra_loss(self, packet, known):
        """What training adds to the loss of the images, e.g. the price of a rate.

        Input
        -----
        packet : :class:`Packet`

        known : :class:`~semcom_phy.phy.knowledge.TxKnowledge`
            With the SNR and ``num_symbols``

        Output
        ------
        : scalar or [batch], `float32`
            Its mean is added to that of the logarithm of the squared error [nat], or on
            AWGN of the squared error over that of the linear coder
        """
        return 0.0

    def figures(self, packet):
        """Figures for the result file, a `dict` of name -> [batch] array."""
        return {}

    def symbol_maps(self, packet):
        """Where the symbols go, for figures: [batch, rows, columns] symbols of every
        patch, or [batch, rows, columns, num_maps], 1 for cells that are sent and 0.25
        for those pruned from a kept map; `None` where all samples are alike."""
        return None

    def fit_statistics(self, images, levels=None):
        """Closed-form start, if it has one, before training.

        Parameters
        ----------
        images : [n, H, W, 3], `float32`
            Training images in [0, 1]

        levels : [n, rows, columns], `int32`, optional
            Importance of their patches
        """

    def train_choice(self, value):
        """Whether training moves what chooses the rate, or draws the rate at random."""


class FrameFillingEncoder(SemanticEncoder):
    """Base of encoders that fill a frame together with their side information.

    How long that is shows only when it is made, so that the budget of the data is found
    by trying; the networks run once. The segments of a frame are the side information,
    then the data.
    """

    fills_frame = True

    def analyse(self, source, known):
        """What does not depend on the budget: any structure of tensors."""
        raise NotImplementedError(f"{type(self).__name__} gives no analyse()")

    def allocate(self, analysed, budget):
        """Side information under a budget.

        Input
        -----
        analysed : of :meth:`analyse`

        budget : [batch], `float32`
            Most complex symbols of the data

        Output
        ------
        side : structure of tensors

        count : [batch], `int32`
            Symbols that the data take by it
        """
        raise NotImplementedError(f"{type(self).__name__} gives no allocate()")

    def modulate(self, analysed, side):
        """The :class:`Packet` with that side information."""
        raise NotImplementedError(f"{type(self).__name__} gives no modulate()")

    def encode(self, source, known, uniform=None):
        analysed = self.analyse(source, known)
        side, _ = self.allocate(analysed, known.budget)
        return self.modulate(analysed, side)


class SemanticDecoder(SemanticCodec):
    """Base of decoders.

    Example
    -------
    The decoder of an encoder that sends two pixels to a symbol:

    >>> from keras import ops
    >>> from semcom_phy.sources.samples import Delivered
    >>> class TwoToASymbol(SemanticDecoder):
    ...     def decode(self, received, known, training=False):
    ...         pairs = ops.view_as_real(received.z_hat)
    ...         return Delivered(ops.reshape(pairs, (len(pairs), 2, 2, -1)))
    >>> z_hat, no_eff = ops.ones((4, 6), "complex64"), 0.1 * ops.ones((4, 6))
    >>> received = Received(z_hat, no_eff, detected_no_eff=no_eff)
    >>> tuple(TwoToASymbol().decode(received, known=None).images.shape)
    (4, 2, 2, 3)
    """

    told_average_snr = False
    """`bool` : Is told the average SNR, which both ends know, not the one measured."""

    def side_from_bytes(self, payloads):
        """Inverse of :meth:`SemanticEncoder.side_to_bytes`.

        Input
        -----
        payloads : list of [batch] `bytes`

        Output
        ------
        side : structure of NumPy arrays
            Of the types that the encoder's has

        Raises
        ------
        ValueError
            If a byte string cannot be meant: the sample is lost.
        """
        raise NotImplementedError(f"{type(self).__name__} gives no side_from_bytes()")

    def count_symbols(self, side, known):
        """How many symbols were sent, as the receiver finds out by itself.

        Input
        -----
        side : as it arrived

        known : :class:`~semcom_phy.phy.knowledge.RxKnowledge`
            Of it what both ends know: ``fed_back``, and its SNR as ``snr_db``

        Output
        ------
        : [batch], `int32`, or `None`
            `None`: every symbol of the room
        """
        return None

    def decode(self, received, known, training=False):
        """Symbols to what is delivered.

        Input
        -----
        received : :class:`Received`

        known : :class:`~semcom_phy.phy.knowledge.RxKnowledge`

        training : `bool`, (default `False`)
            For layers that drop units

        Output
        ------
        : :class:`~semcom_phy.sources.samples.Delivered`
            Of images or features; texts come out of no graph: a system that delivers
            them has a coder of its own
        """
        raise NotImplementedError(f"{type(self).__name__} gives no decode()")

    def copy_statistics(self, encoder):
        """Takes over what :meth:`SemanticEncoder.fit_statistics` found."""
