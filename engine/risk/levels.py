"""How severe are a person's records under one policy? Three-valued rules over the records.

A rule fits a record with "yes", "no" or "review" (Kleene's third value: the record does not say).
The level is that of the best rule met by certain answers. Where open facts could make it more
severe nobody guesses: the state is "needs-review".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from engine.risk.coding import code
from engine.risk.counting import DUPLICATE, read_degree
from engine.risk.dispositions import read_disposition
from engine.risk.policy import Policy, list_policies, load_policy
from engine.risk.reasons import (
    Reading,
    explain,
    say_changes,
    say_doubt,
    say_level,
    say_nothing,
    say_source,
)
from engine.risk.standing import (
    LEVEL,
    NOTHING,
    REVIEW,
    Standing,
    book_of,
    drop_repeats,
    stand,
    stand_many,
)
from engine.types import Assessment, OffenseRecord

__all__ = [
    "LEVEL",
    "NOTHING",
    "REVIEW",
    "Standing",
    "assess",
    "explain",
    "list_policies",
    "load_policy",
    "read_records",
    "stand",
    "stand_many",
]


def assess(records: Sequence[OffenseRecord], policy: Policy) -> Assessment:
    """The level of one person's records under `policy`, with every reason in words.

    state "level": `level` by the rule named. "needs-review": an open fact could make it more severe
    than what is certain. "no-record": no record counts, or none that counts has a level. Inside a
    level a rule met by convictions goes before one that needs a charge. A record that repeats
    another with the same id is dropped; of a dropped record nothing but the reason is kept.
    """
    standing = stand(records, policy)
    different = drop_repeats(records)
    book = book_of(policy)
    weighed = [book.weighed[number] for number in book.number(different)]
    dropped = Counter(one.drop for one in weighed if one.drop)
    if len(different) < len(records):
        dropped[DUPLICATE] = len(records) - len(different)
    readings = read_records(records, policy)
    used = _used(standing, readings, policy)
    if standing.state == NOTHING:
        reason = say_nothing(readings)
    elif standing.state == REVIEW:
        reason = say_doubt(used[0], policy.rules[standing.rule], standing.certain)
    else:
        reason = say_level(used, standing.lane, policy.rules[standing.rule])
    rest = [reading.record for reading in readings if reading not in used]
    changes = say_changes(used, standing, stand(rest, policy), policy) if used else ()
    return Assessment(
        policy.name,
        standing.state,
        standing.level,
        standing.lane,
        used[0].record.record_id if used else "",
        policy.rules[standing.rule].id if used else "",
        reason,
        policy.table,
        dict(sorted(dropped.items())),
        standing.category,
        used[0].coding.field if used else "",
        changes,
        say_source(policy.rules[standing.rule]) if used else "",
    )


def read_records(records: Sequence[OffenseRecord], policy: Policy) -> list[Reading]:
    """The records that count, each once, the one that decides first; nothing of the others."""
    book, different = book_of(policy), drop_repeats(records)
    readings = [
        Reading(
            record,
            book.weighed[number],
            code(record, policy.offenses),
            read_disposition(record.disposition, policy.vocabulary),
            read_degree(record, policy.felony_over_months)[1],
        )
        for record, number in zip(different, book.number(different), strict=True)
        if not book.weighed[number].drop
    ]
    return sorted(readings, key=lambda reading: reading.order)


def _used(standing: Standing, readings: Sequence[Reading], policy: Policy) -> list[Reading]:
    """The records that the standing rests on, the one that decides first."""
    if standing.state == NOTHING:
        return []
    rule = policy.rules[standing.rule]
    if standing.state == REVIEW:
        return [each for each in readings if standing.rule in each.weighed.review][:1]
    return [each for each in readings if standing.rule in each.weighed.yes][: rule.records]
