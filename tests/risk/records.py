"""Offense records for the tests of this folder: by hand, and any by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from engine.risk.coding import Coding, code, offenses
from engine.types import Degree, OffenseRecord

COUNTING = ("CONVICTED", "PENDING", "", "DEFERRED", "TRANSFERRED", "?!?")
DROPPED = (
    "DISMISSED", "NOT GUILTY", "NOLLE PROS", "EXPUNGED", "SEALED", "JUVENILE", "DIVERSION",
)  # fmt: skip
CODES = sorted([*offenses().by_code, *offenses().review, *offenses().unranked])
CHARGES = (
    "", "AGG ASLT W/ DEADLY WPN", "ATT MURDER", "THEFT <$100", "SODOMY", "ILLEGAL ENTRY", "ZZQX 12",
    "POSS CS PG 1 <1G", "BURG HAB W/INT SEX ASLT", "BURGLARY; MURDER", "THEFT / KIDNAPPING",
    "ASSAULT, VICTIM KILLED", "MURDER 1ST DEGREE", "FORCIBLE RAPE", "CONSENSUAL SODOMY",
)  # fmt: skip
STATUTES = ("", "18 USC 2119", "8 USC 1326", "PC 187(a)", "999-99")


def record(
    record_id: str = "r",
    ncic: str = "",
    degree: Degree = Degree.UNKNOWN,
    disposition: str = "CONVICTED",
    months: int | None = None,
    charge: str = "",
    nibrs: str = "",
    statute: str = "",
    jurisdiction: str = "",
) -> OffenseRecord:
    return OffenseRecord(
        record_id,
        ncic,
        charge,
        degree,
        disposition,
        jurisdiction=jurisdiction,
        max_sentence_months=months,
        nibrs=nibrs,
        statute=statute,
    )


def coding(
    ncic: str = "", charge: str = "", nibrs: str = "", statute: str = "", jurisdiction: str = ""
) -> Coding:
    """The coding of a record with these fields."""
    return code(
        record(ncic=ncic, charge=charge, nibrs=nibrs, statute=statute, jurisdiction=jurisdiction)
    )


def code_of(**fields: str) -> str | None:
    """The id of the category of a record with these fields, None where it has none."""
    found = coding(**fields)
    return found.category.id if found.category else None


def any_records(dispositions: tuple[str, ...] = COUNTING + DROPPED) -> st.SearchStrategy:
    return st.builds(
        record,
        record_id=st.integers(0, 30).map(str),
        ncic=st.sampled_from([*CODES, "", "9999"]),
        degree=st.sampled_from(Degree),
        disposition=st.sampled_from(dispositions),
        months=st.sampled_from([None, 0, 6, 12, 13, 120]),
        charge=st.sampled_from(CHARGES),
        nibrs=st.sampled_from([*offenses().nibrs, "", "90Z"]),
        statute=st.sampled_from(STATUTES),
        jurisdiction=st.sampled_from(["", "CA", "TX"]),
    )
