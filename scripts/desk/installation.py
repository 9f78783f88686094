"""Invented people, their prints and records, and searches that find them: a queue to show."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from engine.service.inputs import group_probes, read_prints, read_records
from engine.service.results import Probe, Use
from engine.service.tenprint import Tenprint
from engine.store.database import Database
from engine.store.schema import now, searches
from engine.store.sealing import Vault
from engine.synthesis.people import make_prints

PERSONS, FINGERS, SEED = 9, 2, 3
COUNTIES = ("Harris", "Travis", "El Paso", "Bexar")
WAITED = (5, 26, 51, 3, 9, 30, 74, 1, 120)  # hours, of one search after the other
IMAGELESS = 3  # this many persons, the last ones, are enrolled without their images


def make_installation(folder: Path) -> Path:
    """The home of an installation with cases of each person; made unless it is there."""
    home, prints = folder / "home", folder / "prints"
    if home.exists():
        return home
    if not prints.exists():
        make_prints(prints, persons=PERSONS, fingers=FINGERS, impressions=2, seed=SEED)
    rows, _ = read_prints([], prints / "people.csv")
    offenses, _ = read_records(prints / "offenses.csv")
    persons = sorted({row.person for row in rows})
    bare = set(persons[-IMAGELESS:])
    with Tenprint(home) as tenprint:
        tenprint.enrol([row for row in rows if row.person not in bare], gallery="criminal")
        tenprint.enrol(
            [row for row in rows if row.person in bare], gallery="border", keep_images=False
        )
        for gallery, held in (("criminal", set(persons) - bare), ("border", bare)):
            own = [(person, record) for person, record in offenses if person in held]
            tenprint.attach_records(own, gallery=gallery)
        probes = group_probes(read_prints([], prints / "probes.csv")[0])
        for number, probe in enumerate(probes):
            named = Probe(f"scene-{2041 + 37 * number}", probe.prints)
            tenprint.identify([named], use=Use(jurisdiction=COUNTIES[number % len(COUNTIES)]))
    _age(home)
    return home


def _age(home: Path) -> None:
    """Has the searches come in at different times before now."""
    database = Database(home / "tenprint.sqlite", Vault(None))
    try:
        with database.write() as writer:
            ids = writer.execute(select(searches.c.id).order_by(searches.c.id)).scalars().all()
            for number, hours in zip(ids, WAITED, strict=False):
                at = now() - timedelta(hours=hours, minutes=7 * number)
                writer.execute(update(searches).where(searches.c.id == number).values(at=at))
    finally:
        database.close()
