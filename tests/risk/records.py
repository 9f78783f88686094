"""Offense records for the tests of this folder: by hand, and any by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from engine.risk.coding import offenses
from engine.types import Degree, OffenseRecord

COUNTING = ("CONVICTED", "PENDING", "", "DEFERRED", "TRANSFERRED", "?!?")
DROPPED = (
    "DISMISSED", "NOT GUILTY", "NOLLE PROS", "EXPUNGED", "SEALED", "JUVENILE", "DIVERSION",
)  # fmt: skip
CODES = sorted([*offenses().by_code, *offenses().review, *offenses().unranked])


def record(
    record_id: str = "r",
    ncic: str = "",
    degree: Degree = Degree.UNKNOWN,
    disposition: str = "CONVICTED",
    months: int | None = None,
    charge: str = "",
) -> OffenseRecord:
    return OffenseRecord(
        record_id,
        ncic,
        charge,
        degree,
        disposition,
        max_sentence_months=months,
    )


def any_records(dispositions: tuple[str, ...] = COUNTING + DROPPED) -> st.SearchStrategy:
    return st.builds(
        record,
        record_id=st.integers(0, 30).map(str),
        ncic=st.sampled_from([*CODES, "", "9999"]),
        degree=st.sampled_from(Degree),
        disposition=st.sampled_from(dispositions),
        months=st.sampled_from([None, 0, 6, 12, 13, 120]),
    )
