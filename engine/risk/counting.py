"""Which records count, in which lane and with which degree; the others become numbers by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.risk.coding import Coding, code, offenses
from engine.risk.dispositions import Disposition, read_disposition
from engine.risk.policy import Policy
from engine.types import Degree, OffenseRecord

LANES: Final = ("conviction", "charge")  # in this order inside a level
DUPLICATE: Final = "duplicate"
UNRANKED: Final = "code does not rank"


@dataclass(frozen=True, slots=True)
class Counted:
    """A record that counts.

    lane: "conviction" or "charge". sure: False where its disposition leaves open whether it counts.
    degree: as stated, else from the maximum sentence; degree_why: says which, in words.
    """

    record: OffenseRecord
    coding: Coding
    disposition: Disposition
    lane: str
    sure: bool
    degree: Degree
    degree_why: str

    @property
    def name(self) -> str:
        return f"record {self.record.record_id or '(no id)'}"

    @property
    def order(self) -> tuple[int, int, int, str, str, str, str]:
        """Which of several records decides: conviction, most severe, most recent, then by id."""
        record, category = self.record, self.coding.category
        return (
            LANES.index(self.lane),
            category.order if category else offenses().uncoded_order,
            -record.offense_date.toordinal() if record.offense_date else 0,
            record.record_id,
            record.ncic,
            record.charge,
            record.disposition,
        )


def count_records(
    records: Sequence[OffenseRecord], policy: Policy
) -> tuple[list[Counted], dict[str, int]]:
    """The records that count, the one that decides first, and how many were dropped for what.

    A record that repeats another with the same id is dropped. Of a dropped record nothing but
    the reason is kept.
    """
    counted: list[Counted] = []
    dropped: Counter[str] = Counter()
    seen: set[OffenseRecord] = set()
    for record in records:
        if record.record_id and record in seen:
            dropped[DUPLICATE] += 1
            continue
        seen.add(record)
        disposition = read_disposition(record.disposition)
        lane = policy.lanes[disposition.state]
        if lane == "drop":
            dropped[disposition.state] += 1
            continue
        coding = code(record)
        if not coding.ranks:
            dropped[UNRANKED] += 1
            continue
        sure = lane != "review"
        degree, why = read_degree(record, policy.felony_over_months)
        counted.append(
            Counted(record, coding, disposition, lane if sure else "charge", sure, degree, why)
        )
    counted.sort(key=lambda one: one.order)
    return counted, dict(sorted(dropped.items()))


def read_degree(record: OffenseRecord, felony_over_months: int) -> tuple[Degree, str]:
    """The degree as stated, else by the maximum sentence, and which it was, in words.

    Degree.UNKNOWN where the record has neither, or where the two disagree.
    """
    stated, months = record.degree, record.max_sentence_months
    if months is None or months < 0:
        if stated is Degree.UNKNOWN:
            return stated, "neither degree nor maximum sentence is recorded"
        return stated, f"{stated.name.lower()} as recorded"
    if months > felony_over_months:
        by_sentence = Degree.FELONY
    else:
        by_sentence = Degree.MISDEMEANOR if months else Degree.INFRACTION
    if stated in (Degree.UNKNOWN, by_sentence):
        return by_sentence, f"{by_sentence.name.lower()} by a maximum sentence of {months} months"
    return Degree.UNKNOWN, (
        f"recorded as {stated.name.lower()} but with a maximum sentence of {months} months,"
        " which disagree"
    )
