"""The exit codes, the same for every verb."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What the exit code of a verb says."""

    DONE = 0
    NO_CANDIDATE = 1
    USAGE = 2
    SOME_REJECTED = 3
    NOTHING_DONE = 4
    FAILED = 5
    INTERRUPTED = 130


HELP = "\n\n".join(
    (
        "Exit codes:",
        "0 done (identify, verify: over the threshold)",
        "1 nothing over the threshold",
        "2 wrong usage",
        "3 some inputs rejected, the rest done",
        "4 no input could be used",
        "5 gallery, database or settings refuse",
        "130 interrupted",
    )
)
