"""What this machine says of itself: cores that may be used, the processor's name, memory taken."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path


def available_cores() -> int:
    """Cores this process may use: fewer than the machine has under ``taskset``, in a container or in a Slurm job."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("SLURM_CPUS_PER_TASK", "")  # not every cluster keeps a job to the cores that it asked for
    return max(1, min(cores, int(_quota() or cores), int(asked) if asked.isdigit() else cores))


def _quota() -> float | None:
    """Cores' worth of time that a container (a Linux control group) may use; None without such a limit."""
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # versions 2 and 1
        try:
            text = " ".join(Path("/sys/fs/cgroup", name).read_text(encoding="ascii") for name in names)
            quota, period = map(int, text.split())
        except (OSError, ValueError):  # no such group, or its limit is "max"
            continue
        return quota / period if quota > 0 else None
    return None


def processor() -> str:
    """The processor's own name, as far as the system tells it; never empty."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine() or "unknown processor"


class PeakMemory:
    """Peak resident memory of this process since creation, where the system can reset it; else since its start."""

    def __init__(self):
        try:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # Linux: reset the high-water mark
        except OSError:
            pass

    def megabytes(self) -> float | None:
        """The peak so far; None where the system does not tell (Windows)."""
        try:
            status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
            return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
        except (OSError, TypeError):
            pass
        try:
            import resource
        except ImportError:
            return None
        # Macs count bytes, others kilobytes.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
