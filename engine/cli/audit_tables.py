"""The audit log, retention and proofs as tables and documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from engine.service.auditing import Checked, Entry
    from engine.service.retaining import Applied

# Fields that have a column; whatever else an entry says stands in the last.
OWN = {"sequence", "at", "verb", "event", "operator", "outcome", "persons", "submission"}
PLACE = {"host", "process", "origin"}
SHOWN_PERSONS = 5


def entries(found: Sequence[Entry]) -> Table:
    """Entries of the log, a line each."""
    from rich.text import Text

    from engine.cli.tables import make_table

    columns = (
        "entry",
        "time (UTC)",
        "use",
        "verb",
        "event",
        "outcome",
        "operator",
        "persons",
        "more",
    )
    table = make_table("Audit log", [(name, "left") for name in columns])
    for each in found:
        said = each.fields
        persons = said.get("persons", [])
        more = f" and {len(persons) - SHOWN_PERSONS} more" if len(persons) > SHOWN_PERSONS else ""
        cells = (
            each.sequence,
            str(said["at"]).rstrip("Z").replace("T", " "),
            said["submission"] or "",
            said.get("verb", ""),
            said.get("event", ""),
            said.get("outcome", ""),
            said.get("operator", ""),
            ", ".join(map(str, persons[:SHOWN_PERSONS])) + more,
            _rest(said),
        )
        table.add_row(*(Text(str(cell)) for cell in cells))
    return table


def checked(found: Checked) -> dict[str, Any]:
    """The JSON document of a walk over the log."""
    return {
        "after": found.before.sequence,
        "entries": found.count,
        "head": asdict(found.head),
        "broken": asdict(found.broken) if found.broken else None,
    }


def timers(kept: Mapping[str, int | None]) -> Table:
    """How long each kind is kept."""
    from engine.cli.tables import make_table

    table = make_table("Retention", (("kind", "left"), ("kept for", "right")))
    for kind, days in kept.items():
        table.add_row(kind, f"{days:,} days" if days else "ever")
    return table


def applied(made: Applied) -> Table:
    """What was deleted, or would be."""
    from engine.cli.tables import make_table

    table = make_table(
        "Past their time",
        (
            ("kind", "left"),
            ("before", "left"),
            ("would be deleted" if made.dry_run else "deleted", "right"),
            ("must stay", "right"),
        ),
    )
    for kind, count in made.deleted.items():
        table.add_row(kind, made.before[kind], f"{count:,}", f"{made.kept.get(kind, 0):,}")
    return table


def _rest(said: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in said.items() if name not in OWN | PLACE}
    return ", ".join(f"{name} {_short(value)}" for name, value in sorted(rest.items()) if value)


def _short(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_short, value))
    if isinstance(value, Mapping):
        return " ".join(f"{name}:{_short(item)}" for name, item in value.items())
    text = str(value)
    return f"{text[:8]}…" if len(text) == 64 and text.isalnum() else text
