"""The two tasks of the paper, under the names that files, commands and tables use."""

from __future__ import annotations

PHOTO_TO_SKETCH = "photo-to-sketch"  # FP2S in the paper
SKETCH_TO_PHOTO = "sketch-to-photo"  # FS2P
DIRECTIONS = (PHOTO_TO_SKETCH, SKETCH_TO_PHOTO)
