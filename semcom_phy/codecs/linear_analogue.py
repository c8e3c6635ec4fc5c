"""Linear analogue coder: the line that a trained codec must beat.

K.-H. Lee, D. Petersen, "Optimal linear coding for vector channels", IEEE Trans.
Commun., 1976; as an image scheme cf. S. Jakubczak, D. Katabi, "SoftCast", 2011.

    image --> [ KLT of the whole image ] --> [ gain per coefficient ] --> z, scale
    image_hat <-- [ inverse KLT ] <-- [ L-MMSE per coefficient ] <-- x_hat, no_eff,
                                                                     scale

Chain            : an analogue segment, and a digital one with the scale
Bandwidth        : num_symbols complex symbols, two coefficients each; side information
                   8 bits per image, the scale that the power normalisation divided by
Known at encoder : average SNR [dB]
Known at decoder : no_eff per symbol, average SNR [dB], scale (sent, counted)
Trained with     : nothing; mean and covariance of training images

Differences from the paper
--------------------------
* The power constraint holds for every image, not for the ensemble: the scale of each
  image goes to the receiver as side information.
* Over fading channels without CSI at the transmitter the allocation for the average
  SNR is kept; it is optimal on AWGN only.
"""

import numpy as np

from semcom_phy.phy.power_allocation import power_allocation

SCALE_OCTAVES = 8.0  # the scale is coded from 2^-4 to 2^4
SCALE_LEVELS = 256


class LinearAnalogueCoder:
    """KLT, optimal power allocation, L-MMSE decoding.

    Parameters
    ----------
    mean : [size], `float`
        Mean image, flat

    basis : [size, num_coefficients], `float`
        KLT basis vectors, by decreasing variance

    variance : [num_coefficients], `float`
        Variances of the coefficients [pixel range 0 to 1, squared]

    image_shape : (`int`, `int`, `int`)
        Height, width, channels; size is their product

    Raises
    ------
    ValueError
        If the shapes do not fit each other.
    """

    def __init__(self, mean, basis, variance, image_shape):
        self.image_shape = tuple(int(n) for n in image_shape)
        self.mean = np.asarray(mean, np.float32)
        self.basis = np.asarray(basis, np.float32)
        # Fewer images than coefficients leave variances of 0, or below by rounding.
        self.variance = np.maximum(np.asarray(variance, np.float64), 1e-12)
        size = int(np.prod(self.image_shape))
        if self.mean.shape != (size,) or self.basis.shape != (size, len(variance)):
            raise ValueError(
                f"mean {self.mean.shape}, basis {self.basis.shape} and variance "
                f"{self.variance.shape} do not fit images of shape {image_shape}."
            )

    @classmethod
    def fit(cls, images, num_coefficients):
        """Mean and KLT of training images and their mirror images.

        Parameters
        ----------
        images : [n, H, W, C], `uint8`
            Training images

        num_coefficients : `int`
            Coefficients to keep

        Output
        ------
        : :class:`LinearAnalogueCoder`
        """
        both = np.concatenate([images, images[:, :, ::-1]]).astype(np.float32) / 255
        flat = both.reshape(len(both), -1)
        mean = flat.mean(0)
        covariance = np.zeros((flat.shape[1],) * 2)
        for part in np.array_split(flat - mean, len(flat) // 2048 + 1):
            covariance += part.T @ part
        variance, basis = np.linalg.eigh(covariance / (len(flat) - 1))
        kept = slice(None, -num_coefficients - 1, -1)
        return cls(mean, basis[:, kept], variance[kept], images.shape[1:])

    def encode(self, images, snr_db, num_symbols):
        """Symbols before power normalisation.

        Input
        -----
        images : [batch, H, W, C], `uint8`

        snr_db : `float`
            Average SNR that the powers are allocated for [dB]

        num_symbols : `int`
            Complex symbols per image

        Output
        ------
        z : [batch, num_symbols], `complex64`
            Unit average power over the ensemble of images, not per image

        Raises
        ------
        ValueError
            If more coefficients are asked for than there are, or on a wrong shape.
        """
        images = np.asarray(images)
        if images.shape[1:] != self.image_shape:
            raise ValueError(
                f"this coder was fitted to images of shape {self.image_shape}, "
                f"got {images.shape[1:]}"
            )
        gain = self._gain(snr_db, num_symbols)
        flat = images.reshape(len(images), -1).astype(np.float32) / 255 - self.mean
        values = (flat @ self.basis[:, : len(gain)]) * gain
        return (values[:, 0::2] + 1j * values[:, 1::2]).astype(np.complex64)

    def decode(self, z_hat, no_eff, snr_db):
        """L-MMSE estimate of the images.

        Input
        -----
        z_hat : [batch, num_symbols], `complex64`
            Symbol estimates times the scale of each image

        no_eff : [batch, num_symbols], `float32`
            Error variance of the symbol estimates, before the scale [linear]: an
            image with twice the scale has twice the noise and twice the signal,
            so the ratio that the estimator needs is this

        snr_db : `float`
            As in :meth:`encode` [dB]

        Output
        ------
        images_hat : [batch, H, W, C], `float32`
            In [0, 1] up to overshoot
        """
        gain = self._gain(snr_db, z_hat.shape[1])
        values = np.stack([z_hat.real, z_hat.imag], -1).reshape(len(z_hat), -1)
        # z has power 1 per complex symbol, 1/2 per coefficient; so has its noise.
        no = np.repeat(no_eff, 2, axis=1) / 2
        variance = self.variance[: len(gain)]
        weight = gain * variance / (gain**2 * variance + no)
        flat = (values * weight).astype(np.float32) @ self.basis[:, : len(gain)].T
        return (flat + self.mean).reshape(-1, *self.image_shape)

    def _gain(self, snr_db, num_symbols):
        count = 2 * num_symbols
        if count > len(self.variance):
            raise ValueError(
                f"{num_symbols} symbols need {count} coefficients, the coder has "
                f"{len(self.variance)}: lower the cbr or fit a larger one."
            )
        variance = self.variance[:count]
        no = 10 ** (-snr_db / 10) / 2
        powers = power_allocation(variance, no, count / 2)
        return np.sqrt(powers / variance)


def quantise_scale(scale):
    """Scale [batch] to one byte each, logarithmically: a list of `bytes`."""
    level = (np.log2(scale) / SCALE_OCTAVES + 0.5) * (SCALE_LEVELS - 1)
    level = np.clip(np.rint(level), 0, SCALE_LEVELS - 1).astype(np.uint8)
    return [bytes([value]) for value in level]


def dequantise_scale(data):
    """One byte to the scale, `float` [linear]."""
    return float(2 ** (SCALE_OCTAVES * (data[0] / (SCALE_LEVELS - 1) - 0.5)))
