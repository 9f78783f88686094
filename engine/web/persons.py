"""Persons: the operations that keep, read, change and move encounters, and list galleries."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from pydantic import TypeAdapter

from engine.service.encounters import Encounters
from engine.service.items import OWN_FORMAT
from engine.stages import DECODE, stage
from engine.web import reading, writing
from engine.web.calls import Call, Reply
from engine.web.faults import Fault
from engine.web.limits import Limits
from engine.web.shapes import FINGERS, SUB_TYPES, TYPES, EncounterBody

NOT_KEPT = ("biographicData", "createdDate", "updatedDate")
NAMES = TypeAdapter(list[str])
DONE = Reply()


class Persons:
    """The operations under /v1/persons and /v1/galleries, each by its name."""

    def __init__(self, encounters: Encounters, limits: Limits) -> None:
        self._encounters = encounters
        self._limits = limits

    def create_encounter(self, call: Call) -> Reply:
        """createEncounterNoIds, createEncounterNoId, createEncounter: with ids made where the path
        has none. Nobody is searched for."""
        person = call.id("personId") if "personId" in call.path else str(uuid.uuid4())
        name = call.id("encounterId") if "encounterId" in call.path else None
        with stage(DECODE):
            body = reading.parse(EncounterBody, call.body)
            given = reading.encounter(body, name, self._limits)
        name = name or str(uuid.uuid4())
        reply = Reply(200, writing.ids(person, name, _not_kept(body)))
        self._encounters.create(person, name, given, call.answered(reply))
        return reply

    def read_encounters(self, call: Call) -> Reply:
        """readAllEncounters."""
        found = self._encounters.read(call.id("personId"), None, call.use)
        return Reply(200, [writing.encounter(each) for each in found])

    def read_encounter(self, call: Call) -> Reply:
        """readEncounter."""
        (found,) = self._encounters.read(call.id("personId"), call.id("encounterId"), call.use)
        return Reply(200, writing.encounter(found))

    def update_encounter(self, call: Call) -> Reply:
        """updateEncounter: all that there was is replaced."""
        person, name = call.id("personId"), call.id("encounterId")
        with stage(DECODE):
            body = reading.parse(EncounterBody, call.body)
            given = reading.encounter(body, name, self._limits)
        reply = Reply(200, writing.ids(person, name, _not_kept(body)))
        self._encounters.replace(person, name, given, call.answered(reply))
        return reply

    def delete_encounter(self, call: Call) -> Reply:
        """deleteEncounter; with the last one the person goes."""
        self._encounters.remove(call.id("personId"), call.id("encounterId"), call.answered(DONE))
        return DONE

    def delete_person(self, call: Call) -> Reply:
        """deleteAll."""
        self._encounters.remove(call.id("personId"), None, call.answered(DONE))
        return DONE

    def merge(self, call: Call) -> Reply:
        """mergeEncounter."""
        self._encounters.merge(
            call.id("personIdTarget"), call.id("personIdSource"), call.answered(DONE)
        )
        return DONE

    def move(self, call: Call) -> Reply:
        """moveEncounter."""
        self._encounters.move(
            call.id("personIdTarget"),
            call.id("personIdSource"),
            call.id("encounterId"),
            call.answered(DONE),
        )
        return DONE

    def update_status(self, call: Call) -> Reply:
        """updateEncounterStatus."""
        status = call.query.get("status")
        if status is None:
            raise Fault(400, "status: required: ACTIVE or INACTIVE")
        self._encounters.set_status(
            call.id("personId"), call.id("encounterId"), status, call.answered(DONE)
        )
        return DONE

    def update_galleries(self, call: Call) -> Reply:
        """updateEncounterGalleries."""
        names = reading.parse(NAMES, call.body)
        reading.check_galleries(names, self._limits)
        self._encounters.set_galleries(
            call.id("personId"), call.id("encounterId"), names, call.answered(DONE)
        )
        return DONE

    def read_templates(self, call: Call) -> Reply:
        """readTemplate: what was computed of an encounter's prints."""
        query = call.query
        sub_type = query.get("biometricSubType")
        _one_of("biometricType", query.get("biometricType"), TYPES)
        _one_of("biometricSubType", sub_type, SUB_TYPES)
        (found,) = self._encounters.read(call.id("personId"), call.id("encounterId"), call.use)
        asked_other = query.get("biometricType", writing.FINGER) != writing.FINGER
        made = writing.computed(
            found,
            sub_type=sub_type,
            instance=query.get("instance"),
            form=query.get("templateFormat", OWN_FORMAT),
            quality=query.get("qualityFormat"),
        )
        narrowed = sub_type is not None or "instance" in query
        if asked_other or (narrowed and not made) or (sub_type and sub_type not in FINGERS):
            raise Fault(404, "the encounter has no such biometrics")
        return Reply(200, made)

    def read_galleries(self, call: Call) -> Reply:
        """readGalleries."""
        _ = call.transaction
        return Reply(200, self._encounters.names())

    def read_gallery(self, call: Call) -> Reply:
        """readGalleryContent, as JSON or as a table."""
        _ = call.transaction
        offset, limit = call.whole("offset", 0), call.whole("limit", 1000)
        if offset < 0 or not 0 <= limit <= self._limits.listed:
            raise Fault(400, f"offset must be 0 or more, limit 0 to {self._limits.listed}")
        lines = self._encounters.content(call.id("galleryId"), offset, limit)
        if call.table:
            return Reply(200, writing.listed(lines), writing.as_csv(lines))
        return Reply(200, writing.listed(lines))


def _not_kept(body: EncounterBody) -> list[str]:
    """Which fields that came are not kept: no demographic attribute is, and dates are our own."""
    return [name for name in NOT_KEPT if getattr(body, name) is not None]


def _one_of(name: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise Fault(400, f"{name}: {value[:40]!r} is none of the interface's values")
