"""What is counted of searches and hits, and how a row of it reads: counts, never a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

KEYS = ("level", "jurisdiction", "month")
LEVEL = KEYS[0]
ENDS = ("identifications", "exclusions", "inconclusive", "waiting")  # what may become of a hit
NOTHING = "Nothing was submitted in this period, so there is nothing to count."


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted of some searches.

    hits_by_level: in the order of Statistics.levels. identifications, exclusions, inconclusive:
    hits by the conclusion that their case was closed with; waiting: those not closed yet.
    median_hours, p90_hours: from the search until its case was closed, None where none was.
    oldest_waiting: when the search of the hit that waits longest was kept.
    """

    submissions: int = 0
    searches: int = 0
    hits_by_level: tuple[int, ...] = ()
    identifications: int = 0
    exclusions: int = 0
    inconclusive: int = 0
    waiting: int = 0
    median_hours: float | None = None
    p90_hours: float | None = None
    oldest_waiting: datetime | None = None

    @property
    def hits(self) -> int:
        return sum(self.hits_by_level)

    @property
    def decided(self) -> int:
        return self.identifications + self.exclusions + self.inconclusive

    @property
    def share_decided(self) -> float | None:
        """0..1 of the hits, None where there are none."""
        return self.decided / self.hits if self.hits else None


@dataclass(frozen=True, slots=True)
class Row:
    """The counts of one combination of keys. keys: their values, in the order of the keys."""

    keys: tuple[str, ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was searched from `start` on and before `end`, None for no bound.

    policy, table: name of the severity rules, and version and hash of their table. levels: the
    policy's tiers, the most severe first. by: the keys of `rows`. by_level, by_jurisdiction,
    by_month: the same searches by one key alone.
    """

    made: datetime
    start: datetime | None
    end: datetime | None
    policy: str
    table: str
    by: tuple[str, ...]
    levels: tuple[str, ...]
    rows: tuple[Row, ...]
    total: Counts
    by_level: tuple[Row, ...]
    by_jurisdiction: tuple[Row, ...]
    by_month: tuple[Row, ...]

    @property
    def period(self) -> str:
        """In words; days are those of UTC."""
        start = f"from {self.start:%Y-%m-%d}" if self.start else ""
        end = f"to {self.end - timedelta(microseconds=1):%Y-%m-%d}" if self.end else ""
        return " ".join(filter(None, (start, end))) or "everything kept"

    def days_waiting(self, counts: Counts) -> float | None:
        """How long the oldest hit has waited, days; None where none waits."""
        since = counts.oldest_waiting
        return (self.made - since) / timedelta(days=1) if since else None


def head(statistics: Statistics) -> tuple[str, ...]:
    """What stands over each number of the table; the hits by level only where a row has several."""
    levels = () if LEVEL in statistics.by else statistics.levels
    return (
        "submissions", "searches", "hits", *levels, *ENDS, "decided",
        "decision, median h", "decision, 90 % h", "oldest waiting, days",
    )  # fmt: skip


def cells(counts: Counts, statistics: Statistics) -> tuple[str, ...]:
    """The numbers of a row, blank where there is nothing to say."""
    levels = () if LEVEL in statistics.by else counts.hits_by_level
    share, days = counts.share_decided, statistics.days_waiting(counts)
    return (
        *(f"{number:,}" for number in (counts.submissions, counts.searches, counts.hits, *levels)),
        *(f"{getattr(counts, name):,}" for name in ENDS),
        "" if share is None else f"{counts.decided:,} ({100 * share:.0f} %)",
        *(
            "" if it is None else f"{it:,.1f}"
            for it in (counts.median_hours, counts.p90_hours, days)
        ),
    )


def explain(statistics: Statistics) -> tuple[str, ...]:
    """How to read the numbers, a sentence each."""
    manifold = (
        (
            "A submission or search counts in each level in which it has a hit, and those of its "
            "searches without one count in no hit; in the total each counts once.",
        )
        if LEVEL in statistics.by
        else ()
    )
    return (
        "A hit is a search and one person over its threshold. Its level is that of the person's "
        f"records as they stand now, under {statistics.policy} ({statistics.table}).",
        *manifold,
        "Identifications, exclusions and inconclusive are what cases were closed with: by two "
        "examiners who agree, or by a supervisor; the other hits wait.",
        "Time to decision runs from the search until its case was closed, over the closed cases "
        "alone. Days and months are those of UTC.",
    )
