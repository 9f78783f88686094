"""Operations: the 23 of the interface, by their names, with path, scope and what does them.

Paths, names and scopes are those of OSIA ABIS 1.6.0, Copyright © Secure Identity Alliance (2022);
see docs/osia.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPMethod

from engine.web.calls import Call, Reply
from engine.web.persons import Persons
from engine.web.searches import Searches

WRITE, READ = "abis.encounter.write", "abis.encounter.read"
IDENTIFY, VERIFY = "abis.identify", "abis.verify"
GALLERIES = "abis.gallery.read"
TASK_READ, TASK_UPDATE = "abis.task.read", "abis.task.update"
SCOPES = (WRITE, READ, IDENTIFY, VERIFY, GALLERIES, TASK_READ, TASK_UPDATE)


class Kind(Enum):
    """In which line a call waits."""

    WORK = auto()
    READ = auto()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. missing: the status where what it is about is not there."""

    name: str
    method: HTTPMethod
    path: str
    scope: str
    kind: Kind = Kind.WORK
    missing: int = 404
    conflict: int = 400

    @property
    def has_body(self) -> bool:
        """Whether a body is read."""
        return self.method in (HTTPMethod.POST, HTTPMethod.PUT)


_PERSON = "/v1/persons/{personId}"
_ENCOUNTER = f"{_PERSON}/encounters/{{encounterId}}"
_TARGET = "/v1/persons/{personIdTarget}"
_GET, _POST, _PUT, _DELETE = HTTPMethod.GET, HTTPMethod.POST, HTTPMethod.PUT, HTTPMethod.DELETE
_IDENTIFY = "/v1/identify/{galleryId}"
# The interface has no 404 for two operations: what is missing there is a bad request.
OPERATIONS = (
    Operation("createEncounterNoIds", _POST, "/v1/persons", WRITE),
    Operation("createEncounterNoId", _POST, f"{_PERSON}/encounters", WRITE),
    Operation("readAllEncounters", _GET, f"{_PERSON}/encounters", READ, Kind.READ),
    Operation("createEncounter", _POST, _ENCOUNTER, WRITE, conflict=409),
    Operation("readEncounter", _GET, _ENCOUNTER, READ, Kind.READ),
    Operation("updateEncounter", _PUT, _ENCOUNTER, WRITE),
    Operation("deleteEncounter", _DELETE, _ENCOUNTER, WRITE),
    Operation("mergeEncounter", _POST, f"{_TARGET}/merge/{{personIdSource}}", WRITE, conflict=409),
    Operation(
        "moveEncounter",
        _POST,
        f"{_TARGET}/move/{{personIdSource}}/encounters/{{encounterId}}",
        WRITE,
        conflict=409,
    ),
    Operation("updateEncounterStatus", _PUT, f"{_ENCOUNTER}/status", WRITE, missing=400),
    Operation("updateEncounterGalleries", _PUT, f"{_ENCOUNTER}/galleries", WRITE, missing=400),
    Operation("readTemplate", _GET, f"{_ENCOUNTER}/templates", READ, Kind.READ),
    Operation("deleteAll", _DELETE, _PERSON, WRITE),
    Operation("identify", _POST, _IDENTIFY, IDENTIFY),
    Operation("identifyFromId", _POST, f"{_IDENTIFY}/{{personId}}", IDENTIFY),
    Operation(
        "identifyFromEncounterId",
        _POST,
        f"{_IDENTIFY}/{{personId}}/encounters/{{encounterId}}",
        IDENTIFY,
    ),
    Operation("verifyFromId", _POST, "/v1/verify/{galleryId}/{personId}", VERIFY),
    Operation("verifyFromBio", _POST, "/v1/verify", VERIFY),
    Operation("readGalleries", _GET, "/v1/galleries", GALLERIES, Kind.READ),
    Operation("readGalleryContent", _GET, "/v1/galleries/{galleryId}", GALLERIES, Kind.READ),
)
TASK_OPERATIONS = (
    Operation("readTaskStatus", _GET, "/v1/tasks/{taskId}/status", TASK_READ, Kind.READ),
    Operation("redeliverTaskResult", _POST, "/v1/tasks/{taskId}/redeliver", TASK_UPDATE, Kind.READ),
)
BY_NAME = {operation.name: operation for operation in OPERATIONS}


def methods_at(path: str) -> list[str]:
    """The methods that a path has, sorted; GET where it is none of the interface's."""
    found = {
        operation.method.value
        for operation in (*OPERATIONS, *TASK_OPERATIONS)
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", operation.path), path)
    }
    return sorted(found or {"GET"})


def methods(persons: Persons, searches: Searches) -> Mapping[str, Callable[[Call], Reply]]:
    """What does each operation, by its name."""
    return {
        "createEncounterNoIds": persons.create_encounter,
        "createEncounterNoId": persons.create_encounter,
        "readAllEncounters": persons.read_encounters,
        "createEncounter": persons.create_encounter,
        "readEncounter": persons.read_encounter,
        "updateEncounter": persons.update_encounter,
        "deleteEncounter": persons.delete_encounter,
        "mergeEncounter": persons.merge,
        "moveEncounter": persons.move,
        "updateEncounterStatus": persons.update_status,
        "updateEncounterGalleries": persons.update_galleries,
        "readTemplate": persons.read_templates,
        "deleteAll": persons.delete_person,
        "identify": searches.identify,
        "identifyFromId": searches.identify_person,
        "identifyFromEncounterId": searches.identify_person,
        "verifyFromId": searches.verify_person,
        "verifyFromBio": searches.verify_prints,
        "readGalleries": persons.read_galleries,
        "readGalleryContent": persons.read_gallery,
    }
