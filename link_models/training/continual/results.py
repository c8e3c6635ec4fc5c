"""What a run of domains came to: BLEU after each domain, what was forgotten."""

from typing import Any

import numpy as np

from link_models.training.continual.training import QUANTILES
from semcom_phy.metrics.text import bleu_counts, corpus_bleu, linearised_bleu
from semcom_phy.simulation.statistics.intervals import clustered_mean

ORDERS = (1, 2)  # of the n-grams


class Scores:
    """BLEU of the texts that arrived after each domain, of each domain.

    Parameters
    ----------
    domains : sequence of :class:`~.domains.Domain`

    tested : sequence of lists of `int`
        Numbers of the test captions that were sent, of each domain

    received : list of lists of lists of `str`
        After each domain, of each domain: what arrived
    """

    def __init__(self, domains, tested, received):
        self.groups, self._counts = [], []
        for number, (domain, own) in enumerate(zip(domains, tested, strict=True)):
            sent = [[domain.test[i]] for i in own]
            self.groups.append([domain.groups[i] for i in own])
            self._counts.append(
                [bleu_counts(sent, texts[number]) for texts in received]
            )

    def table(self, n):
        """BLEU-n, [after which domain, domain], `float64`."""
        found = [[corpus_bleu(counts, n) for counts in own] for own in self._counts]
        return np.array(found).T

    def describe(self):
        """Plain values: ``bleu_1`` and ``bleu_2`` with 95 % intervals, ``final_mean``
        over the domains and ``forgotten`` of the first (BLEU-1 right after it less that
        at the end, an interval of the paired difference)."""
        figures: dict[str, Any] = {}
        first = self._counts[0]
        for n in ORDERS:
            figures[f"bleu_{n}"] = [
                [self._estimate(domain, row, n) for domain in range(len(self._counts))]
                for row in range(len(first))
            ]
            figures[f"final_mean_bleu_{n}"] = float(self.table(n)[-1].mean())
        loss = linearised_bleu(first[0], 1) - linearised_bleu(first[-1], 1)
        figures["forgotten_bleu_1"] = _plain(loss, self.groups[0])
        return figures

    def _estimate(self, domain, after, n):
        values = linearised_bleu(self._counts[domain][after], n)
        return _plain(values, self.groups[domain])


def relevance_text(record):
    """How R is distributed in a run, a line for each domain that it was found in."""
    head = "  ".join(f"{100 * q:4.0f} %" for q in QUANTILES)
    lines = [f"{'quantiles of R (eq. 15)':30s}    {head}   above 0.05  moved"]
    for number, domain in enumerate(record["run"]["domains"]):
        rounds = [r for r in record["rounds"] if r["domain"] == number]
        told = [r["relevance"] for r in rounds if r["relevance"]]
        if not told:
            continue
        mean = np.mean([own["quantiles"] for own in told], axis=0)
        above = np.mean([own["above_printed"] for own in told])
        moved = sum(r["moved"] for r in rounds)
        values = "  ".join(f"{value:6.3f}" for value in mean)
        lines.append(
            f"{domain['name'][:30]:30s}    {values}   {100 * above:8.1f} %  {moved}"
        )
    return "\n".join(lines)


def summary_text(records):
    """Runs side by side: what was forgotten of the first domain, and the final mean.

    Parameters
    ----------
    records : `dict` of `str` -> `dict`
        By the reading of the memory
    """
    lines = ["memory      forgotten of the first domain (BLEU-1)   final mean BLEU-1"]
    for reading, record in records.items():
        lost = record["forgotten_bleu_1"]
        low, high = lost["ci95"] or (np.nan, np.nan)
        lines.append(
            f"{reading:10s}  {lost['mean']:8.3f} ({low:.3f} to {high:.3f})"
            f"{'':18s}{record['final_mean_bleu_1']:.3f}"
        )
    return "\n".join(lines)


def _plain(values, groups):
    found = clustered_mean(values, np.arange(len(values)), groups)
    return {
        "mean": found.mean,
        "ci95": found.ci95,
        "captions": found.num_images,
    }
