"""Removals of the past are looked for by the ids that the audit log has, whoever made them."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from engine.service.auditing import Filter
from engine.service.encounters import Encounters, Facts, Given
from engine.service.extracting import Extractors
from engine.service.indexes import Indexes
from engine.service.journal import Entry
from engine.service.results import Probe, Use
from engine.service.tenprint import Tenprint
from engine.store import schema
from engine.store.database import Database
from engine.types import OffenseRecord
from tests.prints_at_no_cost import Row

CLIENT = Use(operator="client")


@pytest.fixture
def encounters(tenprint: Tenprint) -> Encounters:
    """What clients of a service call."""
    return tenprint.encounters(Extractors(0))


@pytest.fixture
def filled(tenprint: Tenprint, make_row: Row) -> Tenprint:
    """P1 .. P3 in one gallery, two encounters each, P1 in another one too; P1 has a record."""
    rows = [make_row(f"P{n}", n, n, encounter) for n in (1, 2, 3) for encounter in ("E1", "E2")]
    tenprint.enrol(rows, gallery="criminal")
    tenprint.enrol(rows[:1], gallery="border")
    tenprint.attach_records([("P1", OffenseRecord("R1", charge="ROBBERY"))], gallery="criminal")
    return tenprint


def removals(tenprint: Tenprint, event: str = "removed") -> list[dict[str, Any]]:
    shown = tenprint.audit.show(Filter(), 1000)
    return [each.fields for each in shown if each.fields["event"] == event]


def test_both_ways_to_remove_a_person_say_the_same(
    filled: Tenprint, encounters: Encounters
) -> None:
    filled.remove_person("P2")
    encounters.remove("P3", None, CLIENT)
    by_hand, by_client = removals(filled)
    assert by_client["changes"] == [by_hand["changes"][1] + 1, by_hand["changes"][1] + 2]
    for name in ("templates", "images", "records", "persons_gone", "galleries"):
        assert by_hand[name] == by_client[name], name
    assert (by_client["templates"], by_client["images"], by_client["persons_gone"]) == (2, 2, 1)
    assert set(by_hand["rows"]) == {"persons", "encounters", "prints", "images", "templates"}
    assert by_hand["rows"] != by_client["rows"]


def test_prints_that_are_not_searched_are_counted_and_change_nothing(
    filled: Tenprint, encounters: Encounters
) -> None:
    encounters.set_status("P2", "E1", "INACTIVE", CLIENT)
    filled.remove_person("P2")
    (said,) = removals(filled)
    assert said["templates"] == 2
    assert said["changes"][0] == said["changes"][1]  # of the one that was searched


def test_what_was_removed_is_proved_later(filled: Tenprint, encounters: Encounters) -> None:
    encounters.remove("P1", "E1", CLIENT)  # has the print that is in two galleries
    encounters.remove("P1", None, CLIENT)
    filled.remove_gallery("criminal")
    proof = filled.prove_removals(use=CLIENT)
    assert proof.clean
    said = proof.document
    assert json.loads(proof.text) == said
    assert said["rows"]["templates"] == 7
    assert (said["rows"]["persons"], said["rows"]["images"]) == (3, 6)
    assert [each["persons"] for each in said["removals"]] == [["P1"], ["P1"], ["P2", "P3"]]
    assert all(not any(each["left"].values()) for each in said["removals"])
    (told,) = removals(filled, "proved")
    assert told["sha256"] == hashlib.sha256(proof.text).hexdigest()
    assert (told["clean"], told["removals"]) == (True, 3)


def test_what_an_update_put_away_is_proved_too(filled: Tenprint, encounters: Encounters) -> None:
    given = Given(Facts("ACTIVE", "booking"), ("criminal",), ())
    encounters.replace("P1", "E1", given, CLIENT)
    encounters.set_galleries("P2", "E1", ["border"], CLIENT)
    said = filled.prove_removals().document
    assert [(each["event"], each["rows"]) for each in said["removals"]] == [
        ("updated", {"prints": 1, "images": 1, "templates": 2}),
        ("galleries", {"templates": 1}),
    ]
    assert said["clean"]


def test_the_saved_index_of_a_gallery_that_was_left_is_saved_anew(
    filled: Tenprint, encounters: Encounters
) -> None:
    filled.rebuild("border")
    encounters.set_galleries("P1", "E1", ["criminal"], CLIENT)
    ((first, last),) = removals(filled, "galleries")[0]["rows"]["templates"]
    counted = filled._indexes.count_saved(range(first, last + 1))
    assert list(counted.values()) == [0]


def test_only_what_is_asked_for_is_looked_for(filled: Tenprint) -> None:
    filled.remove_person("P2")
    filled.remove_person("P3")
    (only,) = filled.prove_removals(Filter(person="P3")).document["removals"]
    assert only["persons"] == ["P3"]
    later = schema.now() + timedelta(days=1)
    assert filled.prove_removals(Filter(later)).document["removals"] == []


def test_who_was_enrolled_anew_is_not_taken_for_left(filled: Tenprint, make_row: Row) -> None:
    filled.remove_person("P2")
    filled.enrol([make_row("P2", 2)], gallery="criminal")
    assert filled.prove_removals().clean


def test_what_is_left_is_found(filled: Tenprint) -> None:
    """A row that comes back under its id, as from a backup that was read in."""
    filled.remove_person("P2")
    (said,) = removals(filled)
    ((gone, _),) = said["rows"]["persons"]
    database = Database(filled.home.database)
    with database.write() as writer:
        row = {"id": gone, "reference": "somebody", "created_at": schema.now()}
        writer.execute(insert(schema.persons).values(row))
    database.close()
    proof = filled.prove_removals()
    assert not proof.clean
    assert proof.document["faults"] == [f"entry {said['sequence']}: 1 rows in persons"]


def test_what_a_probe_looked_like_is_looked_for_too(filled: Tenprint, make_row: Row) -> None:
    """It goes with the person that it hit, and may come back with an old backup."""
    filled.identify([Probe("probe", (make_row("probe", 2),))], gallery_names=["criminal"])
    filled.remove_person("P2")
    (said,) = removals(filled)
    ((first, last),) = said["rows"]["probe_prints"]
    assert last - first == 1  # template and image
    assert filled.prove_removals().clean
    database = Database(filled.home.database)
    with database.write() as writer:
        row = {"id": last, "search_id": 1, "number": 1, "kind": "image", "data": b"image"}
        writer.execute(insert(schema.probe_prints).values(row))
    database.close()
    assert filled.prove_removals().document["faults"] == [
        f"entry {said['sequence']}: 1 rows in probe_prints"
    ]


def test_a_client_deletes_what_a_probe_looked_like_too(
    filled: Tenprint, encounters: Encounters, make_row: Row
) -> None:
    filled.identify([Probe("probe", (make_row("probe", 2),))], gallery_names=["criminal"])
    encounters.remove("P2", "E1", CLIENT)
    (said,) = removals(filled)
    assert "probe_prints" not in said["rows"]  # the case can still be compared
    encounters.remove("P2", "E2", CLIENT)
    (_, said) = removals(filled)
    ((first, last),) = said["rows"]["probe_prints"]
    assert last - first == 1


def test_what_a_probe_looked_like_is_looked_for_under_a_former_name(
    filled: Tenprint, encounters: Encounters, make_row: Row
) -> None:
    rows = [make_row("Q", 8, 1, "X"), make_row("R", 9, 2, "Y"), make_row("R", 11, 3, "Y")]
    filled.enrol([*rows, make_row("TWIN", 11, 3)], gallery="criminal")
    probes = [Probe(str(finger), (make_row("probe", finger),)) for finger in (9, 11)]
    for searched in filled.identify(probes, gallery_names=["criminal"]).searches:
        for examiner in ("Ada", "Bob"):
            filled.decide(f"{searched.search_id}/R", "identification", examiner=examiner)
    encounters.merge("Q", "R", CLIENT)
    filled.remove_person("Q")
    (said,) = removals(filled)
    ((first, last),) = said["rows"]["probe_prints"]  # the other waits for who compares the twin
    assert last - first == 1
    assert filled.prove_removals().clean


def test_a_probe_that_somebody_else_has_yet_to_be_compared_with_is_not_said_to_be_gone(
    filled: Tenprint, make_row: Row
) -> None:
    filled.enrol([make_row("P9", 2)], gallery="criminal")  # hit by the same probe
    filled.identify([Probe("probe", (make_row("probe", 2),))], gallery_names=["criminal"])
    filled.remove_person("P2")
    (said,) = removals(filled)
    assert "probe_prints" not in said["rows"]
    assert filled.prove_removals().clean


def test_a_saved_index_that_still_has_it_is_found(
    filled: Tenprint, encounters: Encounters, make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index file that was put back beside the database."""
    filled.identify([Probe("probe", (make_row("probe", 2),))], gallery_names=["criminal"])
    filled.rebuild("criminal")
    saved = {
        path: path.read_bytes() for path in filled.home.folder.glob("index*/*") if path.is_file()
    }
    assert saved
    encounters.remove("P2", None, CLIENT)
    for path, content in saved.items():
        path.write_bytes(content)
    monkeypatch.setattr(Indexes, "refresh", lambda *_: None)  # which would mend it
    (fault,) = filled.prove_removals().document["faults"]
    assert fault.startswith("2 templates in ")


def test_an_entry_without_ids_is_not_called_clean(
    filled: Tenprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = Entry.tell

    def without_ids(self: Entry, connection: Any, event: str, **fields: Any) -> Any:
        fields.pop("rows", None)
        return tell(self, connection, event, **fields)

    with monkeypatch.context() as old:
        old.setattr(Entry, "tell", without_ids)
        filled.remove_person("P2")
    proof = filled.prove_removals()
    assert not proof.clean
    assert "without ids" in proof.document["faults"][0]
