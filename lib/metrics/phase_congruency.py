"""Phase congruency of a grey image: where the Fourier components agree in phase, features are seen.

Source: P. Kovesi, "Image features from phase congruency", Videre 1(3), 1999, with the constants that
Zhang et al. (FSIM, IEEE TIP 2011) use in their FeatureSIM program; equal to that program to the last
digits of single precision.

Two deviations, neither of which moves a score by 1e-6 (tests/test_metrics_ssim_fsim.py):

- single precision after the mean is removed (the filters are blind to the mean, and without it the
  spectrum's range fits);
- the energy term is written with one complex product per scale.  With z_s the response at scale s,
  S their sum and u = S / (|S| + ε), Σ_s Re(z_s ū) is |S|²/(|S| + ε), so only Im(z_s ū) is formed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.fft

SCALES = 4
ORIENTATIONS = 4
MIN_WAVELENGTH = 6.0  # pixels, at the finest scale
SCALE_FACTOR = 2.0  # wavelength ratio of successive scales
SIGMA_ON_F = 0.55  # bandwidth of a log-Gabor filter relative to its centre frequency
SPREAD = np.pi / ORIENTATIONS / 1.2  # radians: standard deviation of the angular Gaussian
NOISE_DEVIATIONS = 2.0  # energy below mean + this many deviations of the estimated noise is noise
NOISE_DIVISOR = 1.7  # empirical, from the original program
CUTOFF, SHARPNESS = 0.45, 15  # Butterworth low-pass: cycles per pixel, order
EPSILON = 1e-4


class _Bank(NamedTuple):
    """Filters of one image size and the noise threshold's factors.

    filters: (orientation, scale, H, 2W) float32, every value twice in a row, to multiply a complex
    spectrum viewed as floats: twice as fast as a complex product.
    """

    filters: np.ndarray
    noise: tuple[float, ...]  # threshold of an orientation / median amplitude at its finest scale


@lru_cache(maxsize=8)
def _filter_bank(height: int, width: int) -> _Bank:
    """Build the log-Gabor filters for one image size; 16 · H · W · 8 bytes, made once."""
    v, u = np.meshgrid(_frequencies(height), _frequencies(width), indexing="ij")
    radius, angle = np.hypot(u, v), np.arctan2(-v, u)
    low_pass = 1 / (1 + (radius / CUTOFF) ** (2 * SHARPNESS))
    radius[0, 0] = 1  # any value: the filters are set to zero there

    radial = []
    for scale in range(SCALES):
        centre = 1 / (MIN_WAVELENGTH * SCALE_FACTOR**scale)
        gabor = np.exp(-np.log(radius / centre) ** 2 / (2 * np.log(SIGMA_ON_F) ** 2)) * low_pass
        gabor[0, 0] = 0
        radial.append(gabor)

    filters = np.empty((ORIENTATIONS, SCALES, height, width))
    for orientation in range(ORIENTATIONS):
        turned = angle - orientation * np.pi / ORIENTATIONS
        distance = np.arctan2(np.sin(turned), np.cos(turned))  # wrapped to (-π, π]
        filters[orientation] = radial * np.exp(-distance**2 / (2 * SPREAD**2))
    return _Bank(filters.astype(np.float32).repeat(2, axis=-1), tuple(_noise_factor(bank) for bank in filters))


def _frequencies(n: int) -> np.ndarray:
    """Frequencies of an axis in FFT order; an odd axis is scaled to end at ±0.5, as Kovesi's code does."""
    if n % 2:
        return np.fft.ifftshift(np.arange(-(n - 1) / 2, (n + 1) / 2) / max(n - 1, 1))
    return np.fft.fftfreq(n)


def _noise_factor(filters: np.ndarray) -> float:
    """Return T / median amplitude of the finest scale for one orientation's filters (SCALES, H, W).

    The noise power is estimated from the median of |z_0|² (Rayleigh statistics); the energy it
    causes summed over scales is 2 · power · Σ_x (Σ_s a_s(x))², a_s being the filters in space.
    """
    in_space = scipy.fft.ifft2(filters).real * np.sqrt(filters[0].size)
    power = 1 / np.log(2) / np.sum(filters[0] ** 2)
    tau = np.sqrt(power * np.sum(in_space.sum(axis=0) ** 2))
    return tau * (np.sqrt(np.pi / 2) + NOISE_DEVIATIONS * np.sqrt(2 - np.pi / 2)) / NOISE_DIVISOR


def phase_congruency(image: np.ndarray) -> np.ndarray:
    """Return the phase congruency map (H, W) float32 in [0, 1] of a grey image (H, W) of any real dtype.

    0 where there is no structure above the estimated noise (the original divides 0 by 0 on a constant image).
    """
    filters, noise = _filter_bank(*image.shape)
    centred = np.subtract(image, image.mean(dtype=np.float64), dtype=np.float64).astype(np.float32)
    spectrum = scipy.fft.fft2(centred).view(np.float32)

    energy_sum = np.zeros(image.shape, np.float32)
    amplitude_sum = np.zeros(image.shape, np.float32)
    response = np.empty((SCALES, *image.shape), np.complex64)
    amplitude = np.empty(response.shape, np.float32)
    for bank, factor in zip(filters, noise, strict=True):
        np.multiply(spectrum, bank, out=response.view(np.float32))
        response = scipy.fft.ifft2(response, overwrite_x=True)  # z_s, (SCALES, H, W)
        np.abs(response, out=amplitude)
        total = response.sum(axis=0)  # S
        magnitude = np.abs(total)
        inverse = 1 / (magnitude + np.float32(EPSILON))
        energy = magnitude * magnitude * inverse
        response *= np.conj(total, out=total) * inverse  # z_s ū
        for turned in response:
            energy -= np.abs(turned.imag)
        energy -= np.float32(factor * _median(amplitude[0].ravel()))
        energy_sum += np.maximum(energy, 0, out=energy)
        for plane in amplitude:
            amplitude_sum += plane
    return np.divide(energy_sum, amplitude_sum, out=energy_sum, where=amplitude_sum > 0)


def _median(values: np.ndarray) -> float:
    """Return the root of the median of ``values``² (n,), values ≥ 0; exact, much faster than np.median.

    A sample brackets the median, so that only the few values inside the bracket are sorted.
    """
    n = values.size
    low, high = (n - 1) // 2, n // 2
    sample = np.sort(values[::61])
    middle, margin = sample.size // 2, 1 + int(1.5 * sample.size**0.5)  # three standard deviations of its median
    floor, ceiling = sample[max(middle - margin, 0)], sample[min(middle + margin, sample.size - 1)]
    below = np.count_nonzero(values < floor)
    inside = values.compress((values >= floor) & (values <= ceiling))
    if not below <= low <= high < below + inside.size:
        below, inside = 0, values
    inside = np.partition(inside, (low - below, high - below))
    a, b = float(inside[low - below]), float(inside[high - below])
    return ((a * a + b * b) / 2) ** 0.5
