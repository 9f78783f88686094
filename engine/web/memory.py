"""Memory: of the worker processes, which Prometheus's own collector does not see."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path


def workers_bytes() -> int:
    """What the processes started by this one hold in memory; 0 where /proc does not say (macOS).
    What they share is counted once for each."""
    return sum(_resident(child.pid) for child in multiprocessing.active_children())


def _resident(process: int | None) -> int:
    try:
        pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    except (OSError, IndexError):  # it ended meanwhile
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
