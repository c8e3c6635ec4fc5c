"""Arrays in HDF5 files: they come back, take few bytes, and are rounded as told."""

import time

import h5py
import numpy as np
import pytest

from semcom_phy.stored_arrays import H5_FORMAT, half_precision, new_file, write_array

RNG = np.random.default_rng(1)
WEIGHTS = (0.05 * RNG.standard_normal((300, 200))).astype("float32")
ARRAYS = {
    "number": np.float32(3.5),
    "empty": np.zeros((0, 4), "float32"),
    "vector": RNG.standard_normal(200).astype("float32"),
    "long": RNG.standard_normal(5000).astype("float32"),
    "kernel": RNG.standard_normal((3, 3, 16, 24)).astype("float16"),
    "turned": RNG.standard_normal((40, 50)).astype("float16").T,
    "indices": np.add.outer(np.arange(64), np.arange(128)).astype("int32"),
    "counts": RNG.integers(-(2**40), 2**40, (30, 30)),
    "switches": RNG.random(5000) < 0.5,
}


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "arrays.h5", "w", libver=H5_FORMAT) as opened:
        yield opened


def test_all_arrays_come_back(tmp_path):
    """Without loss, of their kind and shape, from a file that was closed (exact)."""
    path = tmp_path / "arrays.h5"
    with h5py.File(path, "w", libver=H5_FORMAT) as file:
        for name, values in ARRAYS.items():
            write_array(file, f"inner/{name}", values).attrs["name"] = name
    with h5py.File(path) as file:
        for name, values in ARRAYS.items():
            found = file["inner"][name]
            assert found.dtype == values.dtype and found.shape == values.shape
            assert found.attrs["name"] == name
            np.testing.assert_array_equal(found[()], values)


def test_files_are_the_same_bytes_each_time(tmp_path):
    """So that a SHA-256 tells arrays apart, and nothing else (exact)."""
    files = []
    for path in (tmp_path / "one.h5", tmp_path / "two.h5"):
        time.sleep(1.1)  # HDF5 counts seconds
        with new_file(path) as file:
            for name, values in ARRAYS.items():
                write_array(file, name, values)
        files.append(path.read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize("bits, most", [(10, 13.9), (7, 10.9), (4, 8.0)])
def test_weights_take_few_bits(file, bits, most):
    """Sign, mantissa and some 2.5 bits of exponent each, and less than by the gzip of
    HDF5 itself (at least 3 %)."""
    values = half_precision("weights", WEIGHTS, bits)
    size = write_array(file, "packed", values).id.get_storage_size()
    plain = file.create_dataset("gzip", data=values, compression=9, shuffle=True)
    assert 8 * size / values.size < most
    assert size < 0.97 * plain.id.get_storage_size()


def test_what_repeats_takes_nearly_nothing(file):
    """Tables of places, which are sequences, are coded as such."""
    size = write_array(file, "indices", ARRAYS["indices"]).id.get_storage_size()
    assert size < 0.05 * ARRAYS["indices"].nbytes


@pytest.mark.parametrize("bits", [10, 7, 1])
def test_the_rest_of_a_mantissa_is_zero(bits):
    """Wrong by half of the last bit that is kept, and no more (exact)."""
    values = half_precision("weights", WEIGHTS, bits)
    assert values.dtype == np.float16
    assert not (values.view(np.uint16) & (2 ** (10 - bits) - 1)).any()
    normal = np.abs(WEIGHTS) > 1e-4
    error = np.abs(values[normal] / WEIGHTS[normal] - 1)
    # To 16 bits first, then to fewer: two roundings.
    assert 0.2 * 2.0**-bits < error.max() <= 2.0 ** -(bits + 1) + 2.0**-11


def test_what_does_not_fit_is_refused():
    """Numbers beyond 65504 and those that are none, by the name of their array; bits
    out of range."""
    for wrong, told in ((7e4, "7e.04|70000"), (np.nan, "nan"), (-np.inf, "inf")):
        with pytest.raises(ValueError, match=f"kernel holds ({told}), which does not"):
            half_precision("kernel", np.array([[1, wrong]], "float32"))
    for bits in (0, 11, 2.5):
        with pytest.raises(ValueError, match=f"from 1 to 10, got {bits}"):
            half_precision("kernel", WEIGHTS, bits)
