"""Reads offense records from a CSV file: facts of offenses, nothing about the person."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from engine.errors import InputError
from engine.formats.table import read_table
from engine.types import Degree, OffenseRecord

COLUMNS = (
    "record_id",
    "ncic",
    "charge",
    "degree",
    "disposition",
    "offense_date",
    "jurisdiction",
    "max_sentence_months",
    "nibrs",
    "statute",
)
_LATER = ("nibrs", "statute")  # empty, they leave the ids that were made before they came
_OFFENSE = ("ncic", "nibrs", "statute", "charge")  # one of them must say what the offense is
_ADVICE = f"only offense facts are accepted: person, {', '.join(COLUMNS)}"

# "F", "F5", "felony", "felony 3", "misdemeanor class b", "class 1 misdemeanor"
_DEGREE = re.compile(
    r"(?:class [0-9a-h] )?(felony|misdemeanou?r|infraction|[fmi])(?:[ -]?(?:class )?[0-9a-h])?"
)
_DEGREES = {"f": Degree.FELONY, "m": Degree.MISDEMEANOR, "i": Degree.INFRACTION}


def read_records(path: Path) -> tuple[list[tuple[str, OffenseRecord]], list[InputError]]:
    """(person, record) of every good row, and an error for each other row.

    Columns: `person`, and any of COLUMNS. A row without `record_id` gets one made from its content
    (and from how often that content came before), the same on every reading.
    Raises ManifestError when the file cannot be read, or has any other column: then nothing of it
    is accepted.
    """
    made: Counter[tuple[str, ...]] = Counter()
    used: set[tuple[str, str]] = set()

    def parse(fields: dict[str, str]) -> tuple[str, OffenseRecord]:
        person, record_id = fields["person"], fields["record_id"]
        if not record_id:
            content = tuple(v for name, v in fields.items() if v or name not in _LATER)
            made[content] += 1
            record_id = _make_id(content, made[content])
        if (person, record_id) in used:
            raise ValueError(f"record_id {record_id} stands twice for person {person}")
        record = parse_record(record_id, {name: fields[name] for name in COLUMNS})
        used.add((person, record_id))
        return person, record

    return read_table(path, ("person",), COLUMNS, parse, _ADVICE)


def _make_id(content: tuple[str, ...], occurrence: int) -> str:
    """Two counts of one charge on one day are two records, so the occurrence counts too."""
    text = "\x1f".join((*content, str(occurrence)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse_record(record_id: str, fields: Mapping[str, str]) -> OffenseRecord:
    """The record that these fields (of COLUMNS, as text) make. ValueError where one will not do,
    is not an offense fact, or nothing says what the offense is."""
    if not any(fields.get(column) for column in _OFFENSE):
        raise ValueError(f"none of {', '.join(_OFFENSE)}: nothing says what the offense is")
    values = {name: parse_field(name, text) for name, text in fields.items() if name != "record_id"}
    return OffenseRecord(record_id, **values)


def parse_field(name: str, text: str) -> Any:
    """The value of one field of a record. ValueError where it will not do, or there is no such."""
    if name not in COLUMNS:
        raise ValueError(f"unknown field {name!r}: a record has {', '.join(COLUMNS)}")
    return _PARSERS.get(name, str.strip)(text)


def _parse_ncic(text: str) -> str:
    """A spreadsheet takes 0912 for a number and writes 912: the zero comes back."""
    if text and not re.fullmatch(r"[0-9]{3,4}", text):
        raise ValueError(f"ncic {text!r} is not a code of 4 digits")
    return text.zfill(4) if text else ""


def _parse_nibrs(text: str) -> str:
    if text and not re.fullmatch(r"[0-9]{2}[0-9A-Za-z]", text):
        raise ValueError(f"nibrs {text!r} is not a code such as 13A or 220")
    return text.upper()


def _parse_degree(text: str) -> Degree:
    if text.lower() in ("", "unknown"):
        return Degree.UNKNOWN
    found = _DEGREE.fullmatch(text.lower())
    if found is None:
        raise ValueError(f"degree {text!r} is none of felony, misdemeanor, infraction, F, M, I")
    return _DEGREES[found[1][0]]


def _parse_date(text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise ValueError(f"offense_date {text!r} is not a date such as 2019-05-31") from error


def _parse_months(text: str) -> int | None:
    if text and not re.fullmatch(r"[0-9]{1,5}", text):
        raise ValueError(f"max_sentence_months {text!r} is not a whole number of months")
    return int(text) if text else None


_PARSERS: dict[str, Callable[[str], Any]] = {
    "ncic": _parse_ncic,
    "degree": _parse_degree,
    "offense_date": _parse_date,
    "max_sentence_months": _parse_months,
    "nibrs": _parse_nibrs,
}
