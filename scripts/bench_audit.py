"""How fast the audit log is written and verified: a made log of many entries in a new SQLite file.

`python scripts/bench_audit.py --entries 1000000`
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert

from engine.service.auditing import verify_file
from engine.service.tenprint import Tenprint
from engine.store import audit
from engine.store.chain import BEGINNING, canonical, link
from engine.store.database import Database
from engine.store.schema import audit as table

AT_ONCE = 20_000  # made entries in one transaction
APPENDED = 500  # entries written one a transaction, as in use


def fields(number: int) -> dict[str, object]:
    """What the entry of a search says, as long as in use."""
    return {
        "event": "searched", "verb": "identify", "operator": f"operator-{number % 50}",
        "origin": "10.0.0.7", "host": "abis-1", "process": 4711, "outcome": "done",
        "galleries": ["criminal-history"], "sequences": {"criminal-history": number},
        "probes": [f"{number:064x}", f"{number + 1:064x}"], "persons": [f"P{number % 9973:07}"],
        "candidates": 20, "search": number,
    }  # fmt: skip


def fill(database: Database, count: int) -> None:
    """Writes `count` entries as `audit.append` would, many in a transaction."""
    moment, before = datetime(2026, 1, 1, tzinfo=UTC), BEGINNING
    for start in range(1, count + 1, AT_ONCE):
        rows = []
        for number in range(start, min(start + AT_ONCE, count + 1)):
            own = {"at": audit.stamp(moment), "sequence": number, "submission": number}
            entry = canonical(fields(number) | own)
            before = link(before, entry)
            rows.append(
                {"sequence": number, "at": moment, "submission_id": number, "entry": entry,
                 "hash": before}
            )  # fmt: skip
        with database.write() as writer:
            writer.execute(insert(table), rows)


def timed(what: str, begun: float, count: int) -> None:
    seconds = time.perf_counter() - begun
    print(f"{what:34} {seconds:8.1f} s  {count / seconds:10,.0f} entries/s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    count = parser.parse_args().entries
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        database = Database(home / "tenprint.sqlite")
        fill(database, count)
        size = sum(path.stat().st_size for path in home.iterdir())
        print(f"{count:,} entries, {size / 1e6:,.0f} MB")
        begun = time.perf_counter()
        for number in range(APPENDED):
            with database.write() as writer:
                audit.append(writer, fields(number), number)
        timed("append, one a transaction", begun, APPENDED)
        database.close()
        with Tenprint(home) as tenprint:
            begun = time.perf_counter()
            checked = tenprint.audit.verify()
            timed("verify", begun, checked.count)
            assert checked.broken is None and checked.count == count + APPENDED
            begun = time.perf_counter()
            made = tenprint.audit.export(home / "log.jsonl")
            timed("export", begun, made.entries)
            begun = time.perf_counter()
            checked = verify_file(home / "log.jsonl")
            timed("verify the exported file", begun, checked.count)
            assert checked.broken is None and checked.count == made.entries
            begun = time.perf_counter()
            found = tenprint.audit.show(audit.Filter(person="P0000042"), 1_000_000)
            timed(f"show {len(found)} entries of one person", begun, count)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory {peak / 1024:,.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
