"""The radio link of several users of one transmitter, who share its frames.

    symbols of K users --> [ time sharing | Walsh codes ] --> one frame of power 1
         ,---------------------------------------------------------'
         '--> fade and noise of user k --> LS, L-MMSE --> his symbols, for every k

Every K samples of a batch that follow each other are the messages of K users.
"""

from keras import ops

from semcom_phy.bandwidth import shared_overhead
from semcom_phy.checks import check_integer
from semcom_phy.phy.equalized_channel import EqualizedOFDMChannel, Reception


class TimeSharing:
    """Users one after the other, each alone and at full power.

    What :class:`~semcom_phy.phy.walsh.WalshSpreading` is to be measured by: the same
    energy for every symbol, the same resource elements, and, in one frame, the same
    pilots.

    Parameters
    ----------
    num_users : `int`, at least 1
        Number of users, K

    Input of `spread`
    -----------------
    z : [batch, num_users, num_symbols], `complex64`
        Symbols of every user

    Output of `spread`
    ------------------
    x : [batch, num_users * num_symbols], `complex64`
        Symbols of the frame

    Input and output of `despread`
    ------------------------------
    x_hat, no_eff : [batch, num_users, num_users * num_symbols], `complex64`, `float32`
        The frame as each user received it

    z_hat, no_eff : [batch, num_users, num_symbols], `complex64`, `float32`
        What is his of it
    """

    def __init__(self, num_users):
        check_integer("num_users", num_users, 1)
        self.num_users = num_users

    def spread(self, z):
        return ops.reshape(z, (-1, z.shape[1] * z.shape[2]))

    def despread(self, x_hat, no_eff):
        return self._own(x_hat), self._own(no_eff)

    def _own(self, values):
        users = self.num_users
        num_symbols = values.shape[2] // users
        parts = ops.reshape(values, (-1, users, users, num_symbols))
        return ops.stack([parts[:, user, user] for user in range(users)], axis=1)


class SharedRadio:
    """What stands in the place of the channel of one user, where users share frames.

    **Energy.** A symbol of a user has the energy that it has in the frame of one user,
    whoever else sends: symbols that a user does not send leave their words, or their
    elements, empty, and lend their power to nobody. The frame has unit average power
    per stream where all users send, and less where some do not.

    **Pilots.** The frame has pilots of its own, for all users, and each estimates his
    channel from all of them. There are as many for each user as in a frame of his own,
    or fewer where the last slots of such frames would be part empty; and a user who
    does not move estimates over a longer frame, better than from his own alone.

    Parameters
    ----------
    channel : :class:`~semcom_phy.phy.equalized_channel.EqualizedOFDMChannel`
        Link of one user, with the framing of his symbols

    spreading : :class:`TimeSharing` or :class:`~semcom_phy.phy.walsh.WalshSpreading`
        How K users share the frame; code words of Walsh codes as many as users

    Raises
    ------
    ValueError
        If the channel is not flat.
    """

    def __init__(self, channel, spreading):
        self.channel_model, num_users = channel.channel_model, spreading.num_users
        if not self.channel_model.is_flat:
            raise ValueError(
                f"users = {num_users} share frames over flat channels alone (awgn, "
                "rayleigh, rician), whose fade is the same for all symbols: choose "
                "another --channel"
            )
        self.spreading = spreading
        self.overhead = shared_overhead(channel.framing, num_users)
        """`dict` : Pilots and slots per user."""
        framing = channel.framing.among(num_users)
        self._joint = EqualizedOFDMChannel(
            self.channel_model, framing, channel.csi, channel.detector
        )

    @property
    def num_tx_ant(self):
        """`int` : Number of transmit antennas, one stream each."""
        return self._joint.num_tx_ant

    def draw_noise(self, seeds):
        """Noise of every user over the whole frame, each from the seed of his sample:
        [len(seeds), ...], `complex64`, a NumPy array."""
        return self._joint.draw_noise(seeds)

    def receive(self, x, h, no, noise, precoder=None):
        """Sends the frames of a batch and gives every user what is his.

        Input
        -----
        x : [batch, num_symbols], `complex64`
            Symbols of every user, 0 where nothing is sent. Where users are missing to
            fill the last frame, the first samples are sent once more, to nobody

        h : [batch, 1, num_rx_ant, num_tx_ant, 1, 1], `complex64`
            Channel of every user

        no : [batch], `float32`
            Noise variance at every user [linear]

        noise : [batch, ...], `complex64`
            Of :meth:`draw_noise`

        precoder : `None`
            As of the link of one user, where there is one

        Output
        ------
        : :class:`~semcom_phy.phy.equalized_channel.Reception`
            Of every user, as from his own link

        Raises
        ------
        ValueError
            If there is a precoder, or a channel changes within the frame.
        """
        if precoder is not None:
            raise ValueError(
                "a precoder fits the channel of one user, and users share the frame: "
                "send over equal streams"
            )
        if h.shape[1] != 1:
            raise ValueError(
                "users who share frames need one fade per image, received h of shape "
                f"{tuple(h.shape)}"
            )
        batch, num_symbols = x.shape[0], x.shape[1]
        missing = -num_symbols % self.num_tx_ant
        frame = self.spreading.spread(self._groups(_padded(x, missing)))
        received = self._joint.receive(frame, *map(self._groups, (h, no, noise)))
        z_hat, no_eff = self.spreading.despread(received.x_hat, received.no_eff)
        parts = z_hat[..., :num_symbols], no_eff[..., :num_symbols], *received[2:]
        return Reception(*(_samples(part)[:batch] for part in parts))

    def _groups(self, values):
        """[batch, ...] -> [frames, num_users, ...]"""
        batch, users = values.shape[0], self.spreading.num_users
        filled = -(-batch // users) * users
        if filled != batch:
            index = ops.arange(filled, dtype="int32") % batch
            values = ops.take(values, index, axis=0)
        return ops.reshape(values, (-1, users, *values.shape[1:]))


def _samples(values):
    """[frames, num_users, ...] -> [samples, ...]"""
    return ops.reshape(values, (-1, *values.shape[2:]))


def _padded(x, missing):
    return ops.pad(x, ((0, 0), (0, missing))) if missing else x
