"""Belief propagation for binary codes that spends time only on unfinished words."""

import importlib.util

import numpy as np

from semcom_phy.channel_coding.decoding import message_passing
from semcom_phy.channel_coding.decoding.tanner_graph import TannerGraph

SCHEDULES = ("flooding", "layered")
_MESSAGES = 2**21  # at once, of several words: 8 MB
_LLR_MAX = 20.0


def numba_is_installed():
    """Whether messages can be compiled: the extra `compiled` brings Numba."""
    return importlib.util.find_spec("numba") is not None


class BeliefPropagationDecoder:
    r"""Sum-product decoder with early termination per code word.

    With the channel LLR :math:`\ell_v`, one iteration is

    .. math::
        t_{v \to c} = \tanh\Big(\tfrac12 \Big(\ell_v
            + \sum_{c' \ne c} m_{c' \to v}\Big)\Big), \qquad
        m_{c \to v} = 2 \tanh^{-1}\Big(\prod_{v' \ne v} t_{v' \to c}\Big)
        = \ln\frac{t_{v \to c} + P_c}{t_{v \to c} - P_c},
        \quad P_c = \prod_{v'} t_{v' \to c}

    These are the messages of ``sionna.phy.fec.ldpc.LDPCBPDecoder`` (`boxplus-phi`);
    its fixed number of iterations costs the same for a word that was right after
    three. Here a word leaves as soon as its hard decisions fulfil all parity checks.
    Continuing could only move it away from a code word, so the block error rate is
    that of ``num_iter`` iterations. Messages are held as the ratios :math:`e^m`, which
    takes divisions in the place of tanh and ln (`message_passing`).

    With "flooding" all checks of an iteration see the same bits. With "layered" a
    check sees what the checks above it have just found, in the order of the rows (that
    of Sionna's "layered"), which takes about half the iterations.

    Compiled or not, the numbers are the same, bit by bit.

    Parameters
    ----------
    pcm : sparse matrix, [num_checks, n], 0 | 1
        Parity-check matrix

    num_iter : `int`, >= 1, (default 20)
        Largest number of iterations

    schedule : `str`, "flooding" (default) | "layered"
        Order of the messages

    compiled : `None` (default) | `bool`
        Whether messages are compiled by Numba; `None`: where it is installed

    Input
    -----
    llr : [batch, n], `float32`
        Channel logits :math:`\ln p(1)/p(0)` (Sionna's sign), clipped to +-20

    Output
    ------
    bits : [batch, n], `uint8`, 0 | 1
        Hard decisions

    num_iterations : [batch], `int32`, 1 to ``num_iter``
        Iterations used by each word

    converged : [batch], `bool`
        Whether all parity checks hold

    Raises
    ------
    ValueError
        If ``num_iter`` < 1, ``schedule`` is unknown or ``llr`` is not [batch, n].

    ImportError
        If ``compiled`` is `True` and Numba is not installed.

    References
    ----------
    W. Ryan, "An introduction to LDPC codes", CRC Handbook for Coding and Signal
    Processing for Recording Systems, 2004; D. E. Hocevar, "A reduced complexity decoder
    architecture via layered decoding of LDPC codes", IEEE SiPS 2004.
    """

    def __init__(self, pcm, num_iter=20, schedule="flooding", compiled=None):
        if num_iter < 1:
            raise ValueError(f"num_iter must be at least 1. Received: {num_iter}")
        if schedule not in SCHEDULES:
            raise ValueError(
                f"schedule must be one of {SCHEDULES}. Received: {schedule!r}"
            )
        self.num_iter, self.schedule = num_iter, schedule
        if compiled is None:
            compiled = numba_is_installed()
        self._kernels = _compiled_kernels() if compiled else message_passing
        self.n = pcm.shape[1]
        self._lanes = int(np.clip(_MESSAGES // pcm.nnz, 16, 128))
        self.graph = TannerGraph(pcm, schedule == "layered", self._lanes)

    def __call__(self, llr):
        llr = np.asarray(llr, np.float32)
        if llr.ndim != 2 or llr.shape[1] != self.n:
            raise ValueError(
                f"llr must have shape [batch, {self.n}]. Received: {llr.shape}"
            )
        bits = np.empty(llr.shape, np.uint8)
        num_iterations = np.empty(len(llr), np.int32)
        converged = np.empty(len(llr), bool)
        if len(llr):
            self._decode(llr, bits, num_iterations, converged)
        return bits, num_iterations, converged

    def _decode(self, llr, bits, num_iterations, converged):
        """Words wait for one of the lanes, the columns of all arrays."""
        kernels, order = self._kernels, self.graph.order
        layered = self.schedule == "layered"
        num_lanes = min(len(llr), self._lanes)
        channel = np.empty((self.n, num_lanes), np.float32)
        total = np.empty(channel.shape, np.float64 if layered else np.float32)
        message = np.empty((self.graph.num_edges, num_lanes), np.float32)
        word = np.arange(num_lanes)
        iteration = np.zeros(num_lanes, np.int32)
        done = np.ones(num_lanes, bool)
        waiting = 0  # the first word that waits
        while True:
            # Copying pays off once an eighth of the lanes is done.
            if 8 * np.count_nonzero(done) >= len(done):
                free = np.flatnonzero(done)[: len(llr) - waiting]
                word[free] = waiting + np.arange(len(free))
                ratio = np.exp(-np.clip(llr[word[free]], -_LLR_MAX, _LLR_MAX))
                kernels.load(channel, free, ratio, order)  # p(0)/p(1)
                kernels.load(total, free, ratio, order)
                kernels.reset(message, free)
                iteration[free], done[free] = 0, False
                waiting += len(free)
                if done.all():
                    return
                if done.any():
                    rest = np.flatnonzero(~done)
                    word, iteration, done = word[rest], iteration[rest], done[rest]
                    channel, total, message = (
                        kernels.keep(a, rest) for a in (channel, total, message)
                    )
            if layered:
                kernels.layered(self.graph, total, message)
            else:
                kernels.flooding(self.graph, channel, total, message)
            iteration += 1
            hard = np.less(total, 1)
            valid = kernels.parity_holds(self.graph, hard)
            leaving = np.flatnonzero(~done & (valid | (iteration == self.num_iter)))
            kernels.store(hard, leaving, bits, word[leaving], order)
            num_iterations[word[leaving]] = iteration[leaving]
            converged[word[leaving]] = valid[leaving]
            done[leaving] = True


def _compiled_kernels():
    try:
        from semcom_phy.channel_coding.decoding import compiled_message_passing
    except ImportError as error:
        raise ImportError(
            "compiled messages need Numba: pip install 'semcom-phy[compiled]'"
        ) from error
    return compiled_message_passing
