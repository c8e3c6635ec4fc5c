"""Modulation and coding schemes (MCS), with the tables of 3GPP TS 38.214."""

from dataclasses import dataclass

MODULATION_ORDERS = (2, 4, 6, 8)


@dataclass(frozen=True)
class Mcs:
    r"""One modulation and coding scheme.

    Parameters
    ----------
    modulation_order : `int`, 2 | 4 | 6 | 8
        Number of bits per QAM symbol [bit]
    code_rate : `float`, (0, 0.95]
        Information bits (CRC included) per coded bit
    table : `int`, 1 | 2 | 3 | `None` (default)
        Number of the table 5.1.3.1-x, `None` for a free-form scheme
    index : `int` | `None` (default)
        Index within ``table``

    Raises
    ------
    ValueError
        If the modulation order or the code rate is outside its range.

    Example
    -------
    >>> Mcs(4, 0.5).spectral_efficiency
    2.0
    >>> str(mcs_from_table(1, 10))
    '16-QAM r=0.332'
    """

    modulation_order: int
    code_rate: float
    table: int | None = None
    index: int | None = None

    def __post_init__(self):
        if self.modulation_order not in MODULATION_ORDERS:
            raise ValueError(
                f"modulation_order must be one of {MODULATION_ORDERS} bits per "
                f"symbol. Received: modulation_order={self.modulation_order}"
            )
        if not 0 < self.code_rate <= 0.95:
            raise ValueError(
                "code_rate must lie in (0, 0.95], the range of the 5G LDPC codes. "
                f"Received: code_rate={self.code_rate}"
            )

    @property
    def spectral_efficiency(self):
        """Information bits per symbol [bit], CRC included."""
        return self.modulation_order * self.code_rate

    def __str__(self):
        return f"{2**self.modulation_order}-QAM r={self.code_rate:.3g}"


# 3GPP TS 38.214, (modulation order, code rate x 1024) per index.
# Table 5.1.3.1-1 (64-QAM), 5.1.3.1-2 (256-QAM), 5.1.3.1-3 (low spectral efficiency)
_TABLES = {
    1: (
        (2, (120, 157, 193, 251, 308, 379, 449, 526, 602, 679)),
        (4, (340, 378, 434, 490, 553, 616, 658)),
        (6, (438, 466, 517, 567, 616, 666, 719, 772, 822, 873, 910, 948)),
    ),
    2: (
        (2, (120, 193, 308, 449, 602)),
        (4, (378, 434, 490, 553, 616, 658)),
        (6, (466, 517, 567, 616, 666, 719, 772, 822, 873)),
        (8, (682.5, 711, 754, 797, 841, 885, 916.5, 948)),
    ),
    3: (
        (2, (30, 40, 50, 64, 78, 99, 120, 157, 193, 251, 308, 379, 449, 526, 602)),
        (4, (340, 378, 434, 490, 553, 616)),
        (6, (438, 466, 517, 567, 616, 666, 719, 772)),
    ),
}


def mcs_table(table):
    r"""All schemes of one table of TS 38.214, in the order of their index.

    Parameters
    ----------
    table : `int`, 1 | 2 | 3
        1: up to 64-QAM (table 5.1.3.1-1), 2: up to 256-QAM (5.1.3.1-2),
        3: low spectral efficiency (5.1.3.1-3)

    Output
    ------
    : tuple of `Mcs`
        29, 28 or 29 schemes; reserved indices are left out

    Raises
    ------
    ValueError
        If there is no such table.

    References
    ----------
    3GPP TS 38.214, "NR; Physical layer procedures for data", clause 5.1.3.1.
    """
    if table not in _TABLES:
        raise ValueError(
            f"There are the MCS tables {sorted(_TABLES)} of TS 38.214, clause "
            f"5.1.3.1. Received: table={table}"
        )
    entries = [(m, r) for m, rates in _TABLES[table] for r in rates]
    return tuple(Mcs(m, r / 1024, table, i) for i, (m, r) in enumerate(entries))


def all_schemes():
    """The schemes of tables 1 and 2 together, those of link adaptation.

    Table 2 alone has steps of up to 2.3 dB at QPSK; those of table 1 lie between them.
    A scheme of both is named as table 2 does.

    Output
    ------
    : tuple of `Mcs`
        37 schemes by rising spectral efficiency, then modulation order
    """
    schemes = {
        (m.modulation_order, m.code_rate): m for t in (1, 2) for m in mcs_table(t)
    }
    return tuple(
        sorted(
            schemes.values(), key=lambda m: (m.spectral_efficiency, m.modulation_order)
        )
    )


def mcs_from_table(table, index):
    """The `Mcs` of one index of one table (see `mcs_table`).

    Raises
    ------
    ValueError
        If the table or the index does not exist (reserved ones included).
    """
    schemes = mcs_table(table)
    if not 0 <= index < len(schemes):
        raise ValueError(
            f"MCS table {table} has the indices 0 to {len(schemes) - 1}. "
            f"Received: index={index}"
        )
    return schemes[index]
