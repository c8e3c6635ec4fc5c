"""SHA-256 of arrays, with their shapes and types."""

import hashlib

import numpy as np


def array_sha256(*arrays):
    """One hash for several arrays, in their order.

    Input
    -----
    arrays : NumPy arrays
        Any shapes and types; arrays of other shape or type have another hash

    Output
    ------
    : `str`
        64 hexadecimal digits
    """
    found = hashlib.sha256()
    for array in arrays:
        array = np.asarray(array, order="C")
        found.update(repr((array.shape, array.dtype.str)).encode())
        found.update(array.data.cast("B") if array.size else b"")
    return found.hexdigest()
