"""Statistics: what was submitted, found and decided, counted by level, jurisdiction and month.

Records are read to place hits in levels; only counts come out, nothing of a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.errors import SettingsError
from engine.report.counts import KEYS, Counts, Row, Statistics
from engine.risk.levels import stand
from engine.risk.policy import Policy
from engine.service.tallies import JURISDICTION, LEVEL, MONTH, count, tabulate
from engine.store import records, searched, statistics
from engine.store.database import Database
from engine.store.schema import now

__all__ = ["KEYS", "Counts", "Row", "Statistics", "gather"]

COLUMN = {"level": LEVEL, "jurisdiction": JURISDICTION, "month": MONTH}


def gather(
    database: Database,
    policy: Policy,
    *,
    by: Sequence[str] = KEYS,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Statistics:
    """Counts what was searched from `start` on and before `end`, for each combination of the keys
    `by` (some of KEYS; rows are sorted by the first, then the next).

    The level of a hit is the tier of its person by the records as they stand now. SettingsError
    where a key is unknown or named twice, or the period ends before it starts.
    """
    keys = tuple(by)
    if not set(keys) <= set(KEYS) or len(set(keys)) < len(keys):
        raise SettingsError(f"statistics are by some of {', '.join(KEYS)}, not {', '.join(keys)}")
    if start and end and end <= start:
        raise SettingsError(f"the period starts at {start} and ends before it, at {end}")
    with database.read() as connection:
        made = now()
        months = searched.by_month(connection, start, end)
        cases = statistics.cases(connection, start, end)
        facts = records.of_persons(connection, list({case.person for case in cases}))
    tiers = {person: stand(known, policy).tier for person, known in facts.items()}
    tables = tabulate(months, cases, tiers, policy.tiers)
    total = count(tables, ())
    return Statistics(
        made=made,
        start=start,
        end=end,
        policy=policy.name,
        table=policy.table,
        by=keys,
        levels=policy.tiers,
        rows=count(tables, tuple(COLUMN[key] for key in keys)),
        total=total[0].counts if total else Counts(hits_by_level=(0,) * len(policy.tiers)),
        by_level=count(tables, (LEVEL,)),
        by_jurisdiction=count(tables, (JURISDICTION,)),
        by_month=count(tables, (MONTH,)),
    )
