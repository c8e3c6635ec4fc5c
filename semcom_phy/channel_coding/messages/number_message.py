"""What messages that are numbers have in common."""

import numpy as np


class NumberMessage:
    """Base of messages that are numbers below a limit.

    Parameters
    ----------
    num_values : `int`
        Messages are the numbers from 0 to ``num_values - 1``; at most 2 to the power of
        ``most_bits`` of the class

    target_error_rate : `float`, in (0, 1), (default 1e-3)
        What ``choose_format`` aims at

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """

    most_bits: int

    def __init__(self, num_values, target_error_rate=1e-3):
        if not 2 <= num_values <= 2**self.most_bits:
            raise ValueError(
                f"num_values must be from 2 to 2^{self.most_bits}, got {num_values}."
            )
        if not 0 < target_error_rate < 1:
            raise ValueError(
                f"target_error_rate must be in (0, 1), got {target_error_rate}."
            )
        self.num_values = num_values
        self.target_error_rate = target_error_rate
        self.needed_bits = int(num_values - 1).bit_length()

    def bits(self, values, num_bits):
        """Bits of numbers, the highest first.

        Input
        -----
        values : [batch], `int`

        num_bits : `int`

        Output
        ------
        : [batch, num_bits], `int64`

        Raises
        ------
        ValueError
            If a number is out of its range.
        """
        values = [int(value) for value in values]  # of any size, until checked
        if values and not (0 <= min(values) and max(values) < self.num_values):
            raise ValueError(
                f"values must be from 0 to {self.num_values - 1}, got "
                f"{min(values)} to {max(values)}."
            )
        values = np.array(values, np.int64)
        return (values[:, None] >> np.arange(num_bits)[::-1]) & 1
