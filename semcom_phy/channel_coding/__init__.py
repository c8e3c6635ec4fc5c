"""Channel coding: bytes to QAM symbols and back, and the choice of the MCS."""
