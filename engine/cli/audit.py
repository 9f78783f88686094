"""`tenprint audit`: the log of every use, shown, exported, and proved to be what was written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli import audit_tables as tables
from engine.cli.exits import Exit
from engine.cli.options import CaseOption, PurposeOption
from engine.cli.session import Session, make_parent, verb, write_file

if TYPE_CHECKING:
    from engine.service.auditing import Checked, Filter

app = typer.Typer(
    help="Look at the log of every use, export it, prove that nobody changed it; say which "
    "purposes are allowed.",
    no_args_is_help=True,
)

FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="From this day or time on.", show_default="all"),
]
ToOption = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="To this day (its end) or time.", show_default="all"),
]
PersonOption = Annotated[
    str, typer.Option(help="Only what tells of this person, by reference.", show_default="all")
]
OperatorOption = Annotated[str, typer.Option(help="Only uses by this one.", show_default="all")]
VerbOption = Annotated[
    str, typer.Option("--verb", help="Only uses of this verb.", show_default="all")
]


def show(
    session: Session,
    start: FromOption = None,
    end: ToOption = None,
    person: PersonOption = "",
    operator: OperatorOption = "",
    of_verb: VerbOption = "",
    limit: Annotated[int, typer.Option(min=1, help="Entries to show: the last.")] = 50,
    purpose: PurposeOption = "",
    case_id: CaseOption = "",
) -> None:
    """Show the last entries of the log; looking at it is on record too."""
    wanted = _filter(start, end, person, operator, of_verb)
    with session.open() as tenprint:
        found = tenprint.audit.show(
            wanted, limit, use=session.use(purpose=purpose, case_id=case_id)
        )
    shown = tables.entries(found) if found else "no such entry"
    session.answer({"entries": [{**each.fields, "hash": each.hash} for each in found]}, shown)


def head(session: Session) -> None:
    """Print the last entry's number and hash: write them down where nobody here can change them.

    tenprint audit verify --head proves later that the log still goes on from there.
    """
    with session.open() as tenprint:
        last = tenprint.audit.head()
    session.answer({"sequence": last.sequence, "hash": last.hash, "head": str(last)}, str(last))


def verify(
    session: Session,
    since: Annotated[int, typer.Option(min=0, help="Begin after this entry.")] = 0,
    head_noted: Annotated[
        str | None,
        typer.Option(
            "--head",
            metavar="N:HASH",
            help="As tenprint audit head printed it: the log must go on from there.",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="An export: the log must still have each of its entries as it is there."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Verify this exported log, without the database.")
    ] = None,
) -> None:
    """Walk the log and tell the first place where it is not what was written, if there is one."""
    from engine.service.auditing import read_head, verify_file

    if file and against:
        raise typer.BadParameter("--against compares the database's log; --file reads another")
    try:
        noted = read_head(head_noted) if head_noted else None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with session.progress("Verifying the audit log") as on_progress:
        if file:
            checked = verify_file(file, since=since, head=noted, on_progress=on_progress)
        else:
            with session.open() as tenprint:
                checked = tenprint.audit.verify(
                    since=since, head=noted, against=against, on_progress=on_progress
                )
    if checked.broken:
        session.exit = Exit.FAILED
    session.answer(tables.checked(checked), _told(checked))


def export(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    start: FromOption = None,
    end: ToOption = None,
    person: PersonOption = "",
    operator: OperatorOption = "",
    of_verb: VerbOption = "",
    purpose: PurposeOption = "",
    case_id: CaseOption = "",
) -> None:
    """Write entries as JSON Lines with their hashes; a whole log is verified from the file."""
    wanted = _filter(start, end, person, operator, of_verb)
    make_parent(file)
    use = session.use(purpose=purpose, case_id=case_id)
    with session.open() as tenprint, session.progress("Exporting the audit log") as on_progress:
        made = tenprint.audit.export(file, wanted, use=use, on_progress=on_progress)
    session.answer(
        {
            "file": str(file),
            "entries": made.entries,
            "first": made.first,
            "last": made.last,
            "sha256": made.sha256,
        },
        f"{file}: {made.entries} entries, {made.first} to {made.last}, SHA-256 {made.sha256}",
    )


def prove(
    session: Session,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", show_default="not written")
    ] = None,
    start: FromOption = None,
    end: ToOption = None,
    person: PersonOption = "",
    purpose: PurposeOption = "",
    case_id: CaseOption = "",
) -> None:
    """Look for all that past removals deleted, by command or over the service: nothing is left."""
    wanted = _filter(start, end, person, "", "")
    if file:
        make_parent(file)
    with session.open() as tenprint:
        use = session.use(purpose=purpose, case_id=case_id)
        proof = tenprint.prove_removals(wanted, use=use)
    if file:
        write_file(file, proof.text)
    if not proof.clean:
        session.exit = Exit.FAILED
    document = proof.document
    rows = ", ".join(f"{count} {name}" for name, count in document["rows"].items()) or "no row"
    session.answer(
        document,
        f"{len(document['removals'])} removals deleted {rows}",
        f"database: {document['database']}",
        "nothing of it is left" if proof.clean else f"left: {'; '.join(document['faults'])}",
        *([f"proof: {file}"] if file else []),
    )


def purposes(
    session: Session,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="Allow this purpose, and no others that are not named; repeatable."),
    ] = None,
    whatever: Annotated[bool, typer.Option("--any", help="Allow any purpose, and none.")] = False,
) -> None:
    """Say, or set, for which purposes the system may be used."""
    if allow and whatever:
        raise typer.BadParameter("--allow names the only purposes; --any allows all")
    with session.open() as tenprint:
        known = (
            tenprint.audit.allow(allow or (), session.use())
            if allow or whatever
            else tenprint.audit.purposes()
        )
    session.answer({"purposes": list(known)}, ", ".join(known) or "any purpose is allowed")


def _told(checked: Checked) -> str:
    right = f"entries {checked.before.sequence + 1} to {checked.head.sequence}"
    if checked.broken:
        before = f"{right} are right; " if checked.count else ""
        return f"{before}entry {checked.broken.sequence}: {checked.broken.what}"
    return f"{right} are as they were written: {checked.head}" if checked.count else "no entry"


def _filter(start: str | None, end: str | None, person: str, operator: str, of_verb: str) -> Filter:
    from engine.service.auditing import Filter

    return Filter(
        _moment(start) if start else None,
        _moment(end, whole_day=True) if end else None,
        person,
        operator,
        of_verb,
    )


def _moment(text: str, *, whole_day: bool = False) -> datetime:
    """The moment that a time names, or a date: its beginning, or its end."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no date or time such as 2026-03-01T08:00") from error
    if whole_day and "T" not in text and " " not in text:
        found += timedelta(days=1)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


for name, function, example in (
    ("show", show, "tenprint audit show --person P0001 --from 2026-03-01"),
    ("head", head, "tenprint audit head"),
    ("verify", verify, "tenprint audit verify --head 1042:9f2c..."),
    ("export", export, "tenprint audit export log.jsonl"),
    ("prove", prove, "tenprint audit prove proof.json --person P0001"),
    ("purposes", purposes, "tenprint audit purposes --allow investigation --allow training"),
):
    verb(app, name, example)(function)
