"""Tanner graph of a binary code in the order in which messages are computed."""

import numpy as np

_BLOCK = 65536  # messages handled at once: 256 kB, which stays in the L2 cache


class TannerGraph:
    """Edges between the checks and the bits of a code, in blocks of equal degree.

    Bits are sorted by their degree. Checks come in blocks: the edges of a block of
    ``num`` checks of one ``degree`` are [degree, num], numbered from ``first`` on.
    The checks of a layered graph keep their order, and no two checks of a block share
    a bit, so that a block may be computed at once.

    Parameters
    ----------
    pcm : sparse matrix, [num_checks, n], 0 | 1
        Parity-check matrix

    layered : `bool`, (default `False`)
        Whether checks of a block must not share a bit

    num_words : `int`, >= 1
        Words that are decoded at once; sets the size of blocks [words]

    Attributes
    ----------
    order : [n], `int`
        Bits of ``pcm`` in the order of the graph

    blocks : [num_blocks, 3], `int64`
        First edge, degree and number of checks of each block

    edge_bit : [num_edges], `int64`
        Bit of each edge, in the order of the graph

    bit_edges : [num_edges], `int64`
        Edges of the first bit, then of the second, ...

    bit_first : [n + 1], `int64`
        Where the edges of each bit begin in ``bit_edges``

    bit_blocks : list of (first bit, number of bits, edges [degree, num])
        Bits of equal degree
    """

    def __init__(self, pcm, layered=False, num_words=1):
        pcm = pcm.tocsr().sorted_indices()
        self.num_checks, self.n = pcm.shape
        self.num_edges = pcm.nnz
        degree = np.asarray(pcm.getnnz(axis=0)).ravel()
        self.order = np.argsort(degree, kind="stable")
        degree = degree[self.order]
        layers = _disjoint_rows(pcm) if layered else [np.arange(self.num_checks)]
        self.blocks, self.edge_bit = self._group_checks(pcm, layers, num_words)
        self.bit_edges = np.argsort(self.edge_bit, kind="stable").astype(np.int64)
        self.bit_first = np.concatenate([[0], np.cumsum(degree)]).astype(np.int64)
        self.bit_blocks = self._group_bits(degree, num_words)

    def _group_checks(self, pcm, layers, num_words):
        position = np.empty(self.n, np.int64)
        position[self.order] = np.arange(self.n)
        degree = np.diff(pcm.indptr)
        blocks, edge_bit, first = [], [], 0
        for layer in layers:
            for d in np.unique(degree[layer]):
                rows = layer[degree[layer] == d]
                bits = position[pcm.indices[pcm.indptr[rows] + np.arange(d)[:, None]]]
                step = max(1, _BLOCK // (max(d, 1) * num_words))
                for start in range(0, len(rows) if d else 0, step):
                    edges = bits[:, start : start + step]
                    blocks.append((first, d, edges.shape[1]))
                    edge_bit.append(edges.ravel())
                    first += edges.size
        return np.array(blocks, np.int64), np.concatenate(edge_bit)

    def _group_bits(self, degree, num_words):
        blocks = []
        for d in np.unique(degree[degree > 0]):
            first, last = np.searchsorted(degree, [d, d + 1])
            step = max(1, _BLOCK // (d * num_words))
            for start in range(first, last, step):
                num = min(step, last - start)
                edges = self.bit_edges[
                    self.bit_first[start] : self.bit_first[start + num]
                ]
                edges = np.ascontiguousarray(edges.reshape(num, d).T)
                blocks.append((start, num, edges))
        return blocks


def _disjoint_rows(pcm):
    """Runs of consecutive rows without a common column."""
    runs, start = [], 0
    run_of = np.full(pcm.shape[1], -1)
    for row in range(pcm.shape[0]):
        columns = pcm.indices[pcm.indptr[row] : pcm.indptr[row + 1]]
        if (run_of[columns] == len(runs)).any():
            runs.append(np.arange(start, row))
            start = row
        run_of[columns] = len(runs)
    return [*runs, np.arange(start, pcm.shape[0])]
