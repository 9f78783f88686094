"""The ledger: what the service acknowledged, which it must not lose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from loading.arrivals import Client, Request
from loading.mixing import identify
from loading.payloads import Newcomer


@dataclass
class Ledger:
    """People by what was said of them. open: asked for and not answered, so either may be."""

    enrolled: dict[str, Newcomer] = field(default_factory=dict)
    removed: dict[str, Newcomer] = field(default_factory=dict)
    tasks: dict[str, Newcomer] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    unanswered: int = 0
    acknowledged: int = 0

    def note_enrolled(self, newcomer: Newcomer, status: int, content: Any) -> str:
        """What came of an enrolment; words where that was not to come."""
        self.acknowledged += status in (200, 202)
        if status == 200:
            self.enrolled[newcomer.person] = newcomer
        elif status == 202:
            self.tasks[content["taskId"]] = newcomer
            self.enrolled[newcomer.person] = newcomer
        elif status in (0, 429, 503):
            self.unanswered += 1
            self.open.add(newcomer.person)
        else:
            return f"an enrolment is answered {status}: {content}"
        return ""

    def note_removed(self, newcomer: Newcomer, status: int, content: Any) -> str:
        """What came of a removal, likewise; one that was not answered may have been done."""
        self.acknowledged += status == 204
        if status == 204:
            self.removed[newcomer.person] = newcomer
        elif status in (0, 429, 503):
            self.unanswered += 1
            self.open.add(newcomer.person)
        else:
            return f"a removal is answered {status}: {content}"
        return ""


@dataclass(frozen=True, slots=True)
class Found:
    """What became of what was acknowledged. lost: enrolled and not there. double: there more than
    once. back: removed and there. hidden: there and not found by a search."""

    enrolled: int
    removed: int
    lost: tuple[str, ...]
    double: tuple[str, ...]
    back: tuple[str, ...]
    hidden: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not (self.lost or self.double or self.back or self.hidden)


def look(client: Client, ledger: Ledger, tell: Any = lambda done, total: None) -> Found:
    """Asks the service for all of it."""
    lost, double, back, hidden = [], [], [], []
    total = len(ledger.enrolled) + len(ledger.removed)
    for done, (person, newcomer) in enumerate(ledger.enrolled.items(), start=1):
        status, content = client.send(_encounters(person))
        if status != 200:
            lost.append(person)
            continue
        if len(content) != 1:
            double.append(person)
        _, listed = client.send(identify(newcomer.probe))
        if not listed or listed[0]["personId"] != person:
            hidden.append(person)
        tell(done, total)
    for done, (person, newcomer) in enumerate(ledger.removed.items(), start=1):
        status, _ = client.send(_encounters(person))
        _, listed = client.send(identify(newcomer.probe))
        if status != 404 or any(each["personId"] == person for each in listed or ()):
            back.append(person)
        tell(len(ledger.enrolled) + done, total)
    client.take()
    named: Sequence[tuple[str, ...]] = [tuple(each) for each in (lost, double, back, hidden)]
    return Found(len(ledger.enrolled), len(ledger.removed), *named)


def _encounters(person: str) -> Request:
    return Request("look", "GET", f"/v1/persons/{person}/encounters?transactionId=look")
