"""Making runs: plans, the one loop, checkpoints, run folders, translation, speed."""
