"""Directions and metrics as people read them; systems have their labels in ``lib.systems``."""

from __future__ import annotations

from lib.paths import DIRECTIONS

DIRECTION = dict(zip(DIRECTIONS, ("photo to sketch", "sketch to photo")))
TASK = dict(zip(DIRECTIONS, ("FP2S", "FS2P")))  # the paper's names of the directions
METRIC = {"ssim": "SSIM", "fsim": "FSIM", "fsimc": "FSIMc", "scoot": "Scoot", "fid": "FID",
          "frechet-vgg16-hed": "Fréchet (VGG16-HED)", "kid-vgg16-hed": "KID (VGG16-HED)"}
