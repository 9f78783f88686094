"""Searches: the operations that identify and verify."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from engine.service.answering import Answer, Answering, Asked
from engine.service.encounters import Encounters
from engine.service.results import ProbeFinger
from engine.settings import POINTS
from engine.stages import DECODE, stage
from engine.web import reading, writing
from engine.web.calls import Call, Reply
from engine.web.faults import Fault
from engine.web.limits import Limits
from engine.web.shapes import IdentifyBody, VerifyBioBody, VerifyIdBody

DEFAULT_CANDIDATES = 20
Ask = Callable[[Asked, int], "Future[Any]"]


class Searches:
    """The operations under /v1/identify and /v1/verify, each by its name."""

    def __init__(
        self, encounters: Encounters, answering: Answering, ask: Ask, limits: Limits
    ) -> None:
        """ask: puts a search, with its priority, in the line of those that wait."""
        self._encounters = encounters
        self._answering = answering
        self._ask = ask
        self._limits = limits

    def identify(self, call: Call) -> Reply:
        """identify: prints of a request in one gallery, or in ALL."""
        with stage(DECODE):
            body = reading.parse(IdentifyBody, call.body)
            reading.refuse_sealed(body)
            reading.check_filter(body.filter)
            items = reading.fingers(body.biometricData, "biometricData", self._limits)
        settings = self._answering.settings_of(call.id("galleryId"))
        return self._search(call, tuple(self._encounters.extract(items, settings)))

    def identify_person(self, call: Call) -> Reply:
        """identifyFromId, identifyFromEncounterId: prints that are enrolled. The person whose they
        are is left out of the candidates."""
        if call.body.strip():
            reading.check_filter(reading.parse(dict[str, Any], call.body))
        person = call.id("personId")
        encounter = call.id("encounterId") if "encounterId" in call.path else None
        settings = self._answering.settings_of(call.id("galleryId"))
        return self._search(call, self._answering.probe_of(person, encounter, settings), person)

    def verify_person(self, call: Call) -> Reply:
        """verifyFromId: prints of a request with a person of a gallery."""
        with stage(DECODE):
            body = reading.parse(VerifyIdBody, call.body)
            reading.refuse_sealed(body)
            items = reading.fingers(body.biometricData, "biometricData", self._limits)
        threshold = _search_options(call)[0]
        gallery, person = call.id("galleryId"), call.id("personId")
        settings = self._answering.settings_of(gallery)
        fingers = self._encounters.extract(items, settings)
        found, origins = self._answering.verify(fingers, gallery, person, call.use)
        return Reply(200, writing.verdict(found, threshold, origins))

    def verify_prints(self, call: Call) -> Reply:
        """verifyFromBio: two sets of prints."""
        threshold = _search_options(call)[0]
        with stage(DECODE):
            body = reading.parse(VerifyBioBody, call.body)
            reading.refuse_sealed(body)
            both = [
                reading.fingers(data, name, self._limits)
                for name, data in (
                    ("biometricData1", body.biometricData1),
                    ("biometricData2", body.biometricData2),
                )
            ]
        settings = self._answering.own_settings()
        first, second = (self._encounters.extract(items, settings) for items in both)
        found = self._answering.compare(first, second, call.use)
        return Reply(200, writing.verdict(found, threshold, {}))

    def _search(self, call: Call, fingers: tuple[ProbeFinger, ...], leave_out: str = "") -> Reply:
        threshold, most, point = _search_options(call, self._limits.candidates)
        gallery = call.id("galleryId")

        def reply(answer: Answer) -> Reply:
            names = list(answer.search.sequences) if answer.search else [gallery]
            over = answer.search.candidates if answer.search else ()
            counts = {"searches": 1, "hits": sum(each.over_threshold for each in over)}
            return Reply(200, writing.candidates(answer, threshold, names), counts=counts)

        asked = Asked(
            fingers,
            gallery,
            most,
            call.use,
            point,
            leave_out,
            call.transaction or "probe",
            lambda answer: reply(answer).for_callback(),
        )
        return reply(self._ask(asked, call.priority).result())


def _search_options(call: Call, most: int = 1) -> tuple[float | None, int, str]:
    """(threshold, number of candidates, operating point) that a call asks for. The level of service
    is taken note of and changes nothing."""
    wanted = call.whole("maxNbCand", min(DEFAULT_CANDIDATES, most))
    if not 1 <= wanted <= max(most, 1):
        raise Fault(400, f"maxNbCand: must be 1 to {most}")
    point = call.query.get("accuracyLevel", "")
    if point and point not in POINTS:
        raise Fault(400, f"accuracyLevel: must be {' or '.join(POINTS)}")
    call.whole("serviceLevel", 0)
    return call.number("threshold"), wanted, point
