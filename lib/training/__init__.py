"""Making runs: the interface of what trains, the loop, checkpoints, run folders, translation, grids, speed."""
