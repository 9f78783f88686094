"""An installation with cases to examine, on prints that cost nothing, and people who visit it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

import httpx
import pytest
from desk.server import COOKIE, CSRF, make_app
from fastapi.testclient import TestClient

from engine.service.results import Probe, Use
from engine.service.tenprint import Tenprint
from engine.types import Degree, OffenseRecord
from engine.web.sessions import EXAMINE, STATISTICS, SUPERVISE
from tests.prints_at_no_cost import Row

ADA, BOB, SUE, STU, NIL = "Ada", "Bob Ø", "Sue", "Stu", "Nil"
PEOPLE = {
    ADA: frozenset({EXAMINE}),
    BOB: frozenset({EXAMINE}),
    SUE: frozenset({SUPERVISE}),
    STU: frozenset({STATISTICS}),
    NIL: frozenset({"metrics"}),
}
PERSONS = ("KNOWN-ONE", "KNOWN-TWO", "KNOWN-THREE")
GALLERIES = ("criminal-gallery", "border-gallery")
RECORDS = (
    OffenseRecord("REC-7-1", ncic="0901", charge="MURDER <b>", degree=Degree.FELONY,
                  disposition="CONVICTED-THEN"),
    OffenseRecord("REC-7-2", ncic="2202", charge="BURGLARY", degree=Degree.FELONY,
                  disposition="CONVICTED-THEN"),
)  # fmt: skip
NOTES = "NOTE-OF-ONE about the core"
SECRETS = (
    *PERSONS, *GALLERIES, *(record.record_id for record in RECORDS),
    *("MURDER", "BURGLARY", "CONVICTED", "0901", "2202", "felony", "Level", "sc-2010", "severity"),
    NOTES,
)  # fmt: skip
PROBE = "latent <1>"  # of the case that stands first
Form = Mapping[str, str]


@pytest.fixture
def people() -> Mapping[str, frozenset[str]]:
    return PEOPLE


@pytest.fixture
def filled(tenprint: Tenprint, make_row: Row) -> Tenprint:
    """Three cases: the first of two fingers, for murder; the second against a print without an
    image, for burglary; the third of nobody with a record."""
    one, two, three = PERSONS
    for who, gallery, keep in (
        (one, GALLERIES[0], True),
        (three, GALLERIES[0], True),
        (two, GALLERIES[1], False),
    ):
        number = 10 * (1 + PERSONS.index(who))
        rows = [make_row(who, number + place, place) for place in (2, 7)]
        tenprint.enrol(rows, gallery=gallery, keep_images=keep)
    tenprint.attach_records([(one, RECORDS[0])], gallery=GALLERIES[0])
    tenprint.attach_records([(two, RECORDS[1])], gallery=GALLERIES[1])
    for number, name, places in (
        (30, "latent-3", (2,)),
        (20, "latent-2", (2,)),
        (10, PROBE, (2, 7)),
    ):
        probe = Probe(name, tuple(make_row("x", number + place, place) for place in places))
        tenprint.identify([probe], use=Use(jurisdiction="Harris"))
    return tenprint


class Visitor:
    """A browser without JavaScript where somebody is signed in."""

    def __init__(self, http: TestClient, name: str) -> None:
        self._http = http
        self._name = name

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.send("GET", path, headers)

    def post(
        self, path: str, csrf: str | None = CSRF, htmx: bool = False, **form: str
    ) -> httpx.Response:
        fields = form if csrf is None else {"csrf": csrf, **form}
        return self.send("POST", path, {"HX-Request": "true"} if htmx else {}, data=fields)

    def listed(self, path: str = "/desk") -> list[str]:
        """The cases that a page lets them open, in its order."""
        return re.findall(r'action="/desk/cases/([0-9a-f-]+)/open"', self.get(path).text)

    def open(self, key: str) -> httpx.Response:
        """Opens a case, and goes where that leads."""
        answer = self.post(f"/desk/cases/{key}/open")
        return self.get(answer.headers["location"]) if answer.is_redirect else answer

    def decide(
        self, key: str, conclusion: str, notes: str = "", then: str = "queue"
    ) -> httpx.Response:
        """Opens a case and decides it, as the forms do."""
        assert self.open(key).status_code == 200
        fields = {"conclusion": conclusion, "notes": notes}
        assert self.post(f"/desk/cases/{key}/confirm", **fields).status_code == 200
        return self.post(f"/desk/cases/{key}/decide", then=then, **fields)

    def send(
        self, method: str, path: str, headers: Form, data: Form | None = None
    ) -> httpx.Response:
        cookie = {"Cookie": f"{COOKIE}={quote(self._name)}"} if self._name else {}
        return self._http.request(
            method, path, headers={**cookie, **headers}, data=data, follow_redirects=False
        )


@pytest.fixture
def visitor(
    filled: Tenprint, people: Mapping[str, frozenset[str]]
) -> Iterator[Callable[[str], Visitor]]:
    """A function that gives the browser of somebody, of nobody for ""."""
    app = make_app(filled, people, purpose="casework")
    with TestClient(app, raise_server_exceptions=False) as http:
        yield lambda name: Visitor(http, name)
