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

from lib.metrics.workspace import Workspaces

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
_SAMPLED = 61  # every 61st value estimates a median: prime to the widths in use, so that all columns are met


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


class _Arrays:
    """Intermediate results at one image size, 4 MB at 200×250."""

    def __init__(self, shape: tuple[int, ...]):
        self.response = np.empty((SCALES, *shape), np.complex64)  # z_s
        self.total = np.empty(shape, np.complex64)  # S
        self.amplitudes, self.amplitude, self.inverse, self.energy = np.empty((4, *shape), np.float32)


_workspace = Workspaces(_Arrays)


def phase_congruency(image: np.ndarray) -> np.ndarray:
    """Return the phase congruency map (H, W) float32 in [0, 1] of a grey image (H, W) of any real dtype.

    0 where there is no structure above the estimated noise (the original divides 0 by 0 on a constant image).
    """
    filters, noise = _filter_bank(*image.shape)
    centred = np.subtract(image, image.mean(dtype=np.float64), dtype=np.float64).astype(np.float32)
    spectrum = scipy.fft.fft2(centred).view(np.float32)

    work = _workspace(image.shape)
    response = work.response
    work.amplitudes.fill(0)
    energy_sum = np.zeros(image.shape, np.float32)
    for bank, factor in zip(filters, noise, strict=True):
        np.multiply(spectrum, bank, out=response.view(np.float32))
        response = scipy.fft.ifft2(response, overwrite_x=True)
        threshold = factor * _add_amplitudes(response, work)
        energy = _energy(response, work)
        energy -= np.float32(threshold)
        energy_sum += np.maximum(energy, 0, out=energy)
    return np.divide(energy_sum, work.amplitudes, out=energy_sum, where=work.amplitudes > 0)


def _add_amplitudes(response: np.ndarray, work: _Arrays) -> float:
    """Add |z_s| of all scales to ``work.amplitudes``; return the median at the finest scale."""
    for scale, plane in enumerate(response):
        np.abs(plane, out=work.amplitude)
        work.amplitudes += work.amplitude
        if scale == 0:
            median = _median(work.amplitude.ravel())
    return median


def _energy(response: np.ndarray, work: _Arrays) -> np.ndarray:
    """Return Σ_s Re(z_s ū) - |Im(z_s ū)|, (H, W); overwrites ``response`` (SCALES, H, W)."""
    total, inverse, energy, sideways = work.total, work.inverse, work.energy, work.amplitude
    np.add(response[0], response[1], out=total)
    for plane in response[2:]:
        total += plane  # in the end S
    magnitude = np.abs(total, out=sideways)
    np.divide(1, np.add(magnitude, np.float32(EPSILON), out=inverse), out=inverse)
    np.multiply(magnitude, magnitude, out=energy)
    energy *= inverse
    total.real *= inverse
    total.imag *= np.negative(inverse, out=inverse)  # now ū
    for plane in response:
        plane *= total  # z_s ū
        energy -= np.abs(plane.imag, out=sideways)
    return energy


def _median(values: np.ndarray) -> float:
    """Return the root of the median of ``values``² (n,), values ≥ 0; exact, much faster than np.median.

    The middle of a sorted sample is moved by what it is off among all values, which brackets the median so tightly
    that a few per cent of the values are left to sort.
    """
    n = values.size
    low, high = (n - 1) // 2, n // 2
    sample = np.sort(values[::_SAMPLED])
    middle, last = sample.size // 2, sample.size - 1
    shift = (low - np.count_nonzero(values < sample[middle])) // _SAMPLED
    margin = 2 + int(3 * abs(shift) ** 0.5)  # three standard deviations of the values that fall between
    floor = sample[min(max(middle + shift - margin, 0), last)]
    ceiling = sample[max(min(middle + shift + margin, last), 0)]
    inside = values >= floor
    below = n - np.count_nonzero(inside)
    inside &= values <= ceiling
    middle_values = values.compress(inside)
    if not below <= low <= high < below + middle_values.size:
        below, middle_values = 0, values
    middle_values = np.sort(middle_values)
    a, b = float(middle_values[low - below]), float(middle_values[high - below])
    return ((a * a + b * b) / 2) ** 0.5
