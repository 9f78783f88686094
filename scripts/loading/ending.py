"""Ending: whatever tells a load test to stop, it first ends what it started."""

from __future__ import annotations

import signal
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP)  # Ctrl-C raises by itself


def end_in_order() -> None:
    """Lets these signals raise SystemExit, so that every block that has to close something does."""
    for each in SIGNALS:
        signal.signal(each, _raise)


def _raise(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
