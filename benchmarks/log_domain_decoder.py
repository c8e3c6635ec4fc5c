"""Belief propagation with tanh and ln in NumPy: the baseline of `ldpc_decoders`."""

import numpy as np

_BLOCK = 65536  # messages handled at once: 256 kB, which stays in the L2 cache
_CHUNK = 2**20  # messages per chunk of code words
_LLR_MAX = 20.0
_NON_ZERO = np.float32(1.1754e-12)  # keeps erased messages off 0/0
_BELOW_ONE = np.float32(1 - 2**-20)  # |tanh product| < 1 despite rounding


class LogDomainDecoder:
    r"""Flooding sum-product decoder whose messages are half LLRs.

    .. math::
        t_{v \to c} = \tanh\Big(\tfrac{\ell_v}{2}
            + \sum_{c' \ne c} m_{c' \to v}\Big), \qquad
        m_{c \to v} = \frac12 \ln\frac{t_{v \to c} + P_c}{t_{v \to c} - P_c}

    Systems decoded by it before `BeliefPropagationDecoder` held messages as ratios.
    Parameters, input and output are those of the latter.
    """

    def __init__(self, pcm, num_iter=20):
        if num_iter < 1:
            raise ValueError(f"num_iter must be at least 1. Received: {num_iter}")
        self.num_iter = num_iter
        pcm = pcm.tocsr()
        self.num_checks, self.n = pcm.shape
        self.num_edges = pcm.nnz
        self._chunk = int(np.clip(_CHUNK // self.num_edges, 16, 128))

        degree = np.asarray(pcm.getnnz(axis=0)).ravel()
        self._order = np.argsort(degree, kind="stable")  # bits sorted by degree
        self._check_blocks, edge_bit = self._group_checks(pcm)
        self._bit_blocks = self._group_bits(degree[self._order], edge_bit)
        self._buffer = np.empty(
            max(i.size for *_, i in self._check_blocks + self._bit_blocks)
            * self._chunk,
            np.float32,
        )

    def _group_checks(self, pcm):
        """Blocks (first edge, degree, checks, bit of each edge) of equal degree."""
        position = np.empty(self.n, np.intp)
        position[self._order] = np.arange(self.n)
        degree = np.diff(pcm.indptr)
        blocks, first = [], 0
        for d in np.unique(degree[degree > 0]):
            rows = np.flatnonzero(degree == d)
            bits = position[pcm.indices[pcm.indptr[rows] + np.arange(d)[:, None]]]
            step = max(1, _BLOCK // (d * self._chunk))
            for start in range(0, len(rows), step):
                edges = bits[:, start : start + step]
                blocks.append((first, d, edges.shape[1], edges.ravel()))
                first += edges.size
        return blocks, np.concatenate([block[-1] for block in blocks])

    def _group_bits(self, degree, edge_bit):
        """Blocks (first bit, degree, bits, edges of each bit) of equal degree."""
        edges = np.argsort(edge_bit, kind="stable")
        first_edge = np.concatenate([[0], np.cumsum(degree)])
        blocks = []
        for d in np.unique(degree[degree > 0]):
            first, last = np.searchsorted(degree, [d, d + 1])
            step = max(1, _BLOCK // (d * self._chunk))
            for start in range(first, last, step):
                num = min(step, last - start)
                index = edges[first_edge[start] : first_edge[start + num]]
                blocks.append((start, d, num, index.reshape(num, d).T.ravel()))
        return blocks

    def __call__(self, llr):
        llr = np.asarray(llr, np.float32)
        if llr.ndim != 2 or llr.shape[1] != self.n:
            raise ValueError(
                f"llr must have shape [batch, {self.n}]. Received: {llr.shape}"
            )
        bits = np.empty(llr.shape, np.uint8)
        num_iterations = np.empty(len(llr), np.int32)
        converged = np.empty(len(llr), bool)
        for start in range(0, len(llr), self._chunk):
            words = slice(start, start + self._chunk)
            self._decode(
                llr[words], bits[words], num_iterations[words], converged[words]
            )
        return bits, num_iterations, converged

    def _decode(self, llr, bits, num_iterations, converged):
        channel = np.ascontiguousarray(llr.T[self._order])
        np.clip(channel, -_LLR_MAX, _LLR_MAX, out=channel)
        channel *= -0.5  # half LLR, positive for bit 0
        total = channel.copy()
        message = np.zeros((self.num_edges, len(llr)), np.float32)
        words = np.arange(len(llr))
        done = np.zeros(len(llr), bool)
        for iteration in range(1, self.num_iter + 1):
            self._update_checks(total, message)
            self._update_bits(channel, message, total)
            hard = total < 0
            valid = self._parity_holds(hard)
            leaving = ~done & (valid | (iteration == self.num_iter))
            bits[np.ix_(words[leaving], self._order)] = hard[:, leaving].T
            num_iterations[words[leaving]] = iteration
            converged[words[leaving]] = valid[leaving]
            done |= leaving
            if done.all():
                return
            # Copying the rest pays off once a quarter of the words is done.
            if 4 * np.count_nonzero(done) >= len(words):
                rest = np.flatnonzero(~done)
                words, done = words[rest], done[rest]
                channel, total, message = (
                    a.take(rest, axis=1) for a in (channel, total, message)
                )

    def _update_checks(self, total, message):
        num_words = total.shape[1]
        for first, degree, num, bit in self._check_blocks:
            out = message[first : first + degree * num]
            t = self._buffer[: out.size].reshape(out.shape)
            np.take(total, bit, axis=0, out=t, mode="clip")
            t -= out
            t += _NON_ZERO
            np.tanh(t, out=t)
            t = t.reshape(degree, num, num_words)
            product = np.multiply.reduce(t, axis=0)
            product *= _BELOW_ONE
            out = out.reshape(t.shape)
            np.add(t, product, out=out)
            t -= product
            out /= t
            np.log(out, out=out)
            out *= 0.5

    def _update_bits(self, channel, message, total):
        num_words = total.shape[1]
        for first, degree, num, edge in self._bit_blocks:
            m = self._buffer[: edge.size * num_words].reshape(edge.size, num_words)
            np.take(message, edge, axis=0, out=m, mode="clip")
            out = total[first : first + num]
            np.add.reduce(m.reshape(degree, num, num_words), axis=0, out=out)
            out += channel[first : first + num]

    def _parity_holds(self, hard):
        valid = np.ones(hard.shape[1], bool)
        for _, degree, num, bit in self._check_blocks:
            ones = hard.take(bit, axis=0).reshape(degree, num, -1)
            valid &= ~np.logical_xor.reduce(ones, axis=0).any(axis=0)
            if not valid.any():
                break
        return valid
