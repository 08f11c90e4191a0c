"""Image-quality scores as pure functions on arrays; one file per metric, each naming its source."""

from lib.metrics.feature_similarity import fsim, fsim_batch
from lib.metrics.structural_similarity import ssim, ssim_batch

__all__ = ["fsim", "fsim_batch", "ssim", "ssim_batch"]
