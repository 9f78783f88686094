"""Calls: one request as an operation sees it, whether it is answered at once or by a callback."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.service.items import check_reference
from engine.service.results import Pending, Use
from engine.web.faults import Fault
from engine.web.limits import DEFAULT_PRIORITY, PRIORITIES
from engine.web.reasons import UNSAID, Reason

WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
TRANSACTION_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in. query: as it came. operator: the subject of the token. table:
    whether the client wants CSV. origin: the client's address. reason: what it is for. task: where
    it is one that was kept."""

    operation: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    operator: str
    table: bool = False
    origin: str = ""
    reason: Reason = UNSAID
    task: Pending | None = None

    @property
    def transaction(self) -> str:
        """The client's id of the transaction, for the journal."""
        value = self.query.get("transactionId")
        if value is None:
            raise Fault(400, "transactionId: required: say in the query what this belongs to")
        if len(value) > TRANSACTION_LENGTH or any(ord(letter) < 32 for letter in value):
            raise Fault(400, f"transactionId: {TRANSACTION_LENGTH} printable characters at most")
        return value

    @property
    def priority(self) -> int:
        """0..9, 9 the highest."""
        value = self.whole("priority", DEFAULT_PRIORITY)
        if value not in PRIORITIES:
            raise Fault(400, "priority: must be 0 (lowest) to 9 (highest)")
        return value

    @property
    def use(self) -> Use:
        """Who asks, for the journal."""
        return Use(
            purpose=self.reason.purpose,
            case_id=self.reason.case_id,
            operator=self.operator,
            source=f"OSIA transaction {self.transaction}",
            origin=self.origin,
            task=self.task,
        )

    def answered(self, reply: Reply) -> Use:
        """Who asks, of a call that is answered so once it is done: a task keeps the answer then."""
        if self.task is None:
            return self.use
        return replace(self.use, task=replace(self.task, result=reply.for_callback()))

    def id(self, name: str) -> str:
        """A reference in the path."""
        check_reference(name, self.path[name])
        return self.path[name]

    def whole(self, name: str, default: int) -> int:
        """A whole number of the query."""
        text = self.query.get(name)
        if text is None:
            return default
        if not WHOLE.fullmatch(text):
            raise Fault(400, f"{name}: must be a whole number of at most 9 digits")
        return int(text)

    def number(self, name: str) -> float | None:
        """A number of the query, None where it is not there."""
        text = self.query.get(name)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise Fault(400, f"{name}: must be a number")
        return value

    def pack(self) -> bytes:
        """The call as bytes, to be done later."""
        about = {
            "path": dict(self.path),
            "query": dict(self.query),
            "table": self.table,
            "origin": self.origin,
            "purpose": self.reason.purpose,
            "case": self.reason.case_id,
        }
        return json.dumps(about).encode() + b"\n" + self.body


def unpack(operation: str, operator: str, data: bytes, task: Pending | None = None) -> Call:
    """The call that `Call.pack` wrote, of a task."""
    about, _, body = data.partition(b"\n")
    told = json.loads(about)
    return Call(
        operation,
        told["path"],
        told["query"],
        body,
        operator,
        told["table"],
        told["origin"],
        Reason(told["purpose"], told.get("case", "")),  # an earlier version kept no case
        task,
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """What an operation answers. content: of JSON; None for none. text: CSV instead."""

    status: int = 204
    content: Any = None
    text: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    def for_callback(self) -> bytes:
        """The content as it is posted: an operation that has none says OK."""
        return json.dumps("OK" if self.content is None else self.content).encode()
