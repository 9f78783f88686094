"""Charges: what offense a code, a citation or the words name, and what it would come to."""

from __future__ import annotations

from engine.risk.coding import code
from engine.risk.levels import assess, list_policies, load_policy
from engine.risk.suggesting import suggest
from engine.risk.wording import normalise
from engine.service.results import CodedCharge
from engine.types import OffenseRecord

CONVICTED = "CONVICTED"  # of a record that names no disposition: what it would come to at most


def code_charge(record: OffenseRecord) -> CodedCharge:
    """Codes one record, and assesses it under every policy of the package."""
    coding = code(record)
    unknown = coding.category is None and coding.ranks
    return CodedCharge(
        record,
        normalise(record.charge),
        coding,
        suggest(record.charge) if unknown else None,
        {name: assess([record], load_policy(name)) for name in list_policies()},
    )
