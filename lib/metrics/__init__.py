"""Image-quality scores as pure functions on arrays; one file per metric, each naming its source."""

from lib.metrics.feature_similarity import fsim, fsim_batch
from lib.metrics.fine_detail import fine_detail, residue
from lib.metrics.frechet_distance import frechet_distance
from lib.metrics.jackknife import jackknife_interval, jackknife_of_two
from lib.metrics.kernel_distance import kernel_distance
from lib.metrics.pixel_difference import mae, psnr
from lib.metrics.sketch_texture import scoot
from lib.metrics.structural_similarity import ssim, ssim_batch, ssim_map

__all__ = ["fine_detail", "frechet_distance", "fsim", "fsim_batch", "jackknife_interval", "jackknife_of_two",
           "kernel_distance", "mae", "psnr", "residue", "scoot", "ssim", "ssim_batch", "ssim_map"]
