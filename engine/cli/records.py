"""`tenprint records`: what is recorded about a person's offenses, its history, and corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli import severity_documents as documents
from engine.cli import severity_tables as tables
from engine.cli.options import PurposeOption
from engine.cli.session import Session, verb

if TYPE_CHECKING:
    from engine.service.results import Version

app = typer.Typer(
    help="Look at, amend, seal, expunge and restore offense records.", no_args_is_help=True
)

PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", show_default=False)]
RecordArgument = Annotated[str, typer.Argument(metavar="RECORD", show_default=False)]
ReasonOption = Annotated[str, typer.Option(help="Why, for the record's history.")]
FromOption = Annotated[
    str | None,
    typer.Option("--gallery", "-g", help="Only as this gallery has it.", show_default="all"),
]


def show(session: Session, person: PersonArgument, gallery: FromOption = None) -> None:
    """Show every version of a person's records: what was recorded when, by whom and why."""
    with session.open() as tenprint:
        versions = tenprint.history(person, gallery=gallery, use=session.use())
    shown = tables.versions(versions) if versions else f"no offense record of {person}"
    session.answer({"versions": [documents.version(each) for each in versions]}, shown)


def amend(
    session: Session,
    person: PersonArgument,
    record: RecordArgument,
    fields: Annotated[
        list[str],
        typer.Argument(
            metavar="FIELD=VALUE...",
            help='What changes, e.g. disposition="Dismissed" degree=misdemeanor.',
            show_default=False,
        ),
    ],
    reason: ReasonOption = "",
    gallery: FromOption = None,
    purpose: PurposeOption = "",
) -> None:
    """Correct fields of a record; the version before stays in its history."""
    from engine.service.inputs import read_fields

    try:
        changed = read_fields(fields)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    _correct(session, person, record, "amended", changed, reason, gallery, purpose)


def seal(
    session: Session,
    person: PersonArgument,
    record: RecordArgument,
    reason: ReasonOption = "",
    gallery: FromOption = None,
    purpose: PurposeOption = "",
) -> None:
    """Seal a record: from now on it counts for nothing, and shows nothing but that it is sealed."""
    _correct(session, person, record, "sealed", None, reason, gallery, purpose)


def expunge(
    session: Session,
    person: PersonArgument,
    record: RecordArgument,
    reason: ReasonOption = "",
    gallery: FromOption = None,
    purpose: PurposeOption = "",
) -> None:
    """Expunge a record: from now on it counts for nothing, and shows nothing of what it said."""
    _correct(session, person, record, "expunged", None, reason, gallery, purpose)


def restore(
    session: Session,
    person: PersonArgument,
    record: RecordArgument,
    reason: ReasonOption = "",
    gallery: FromOption = None,
    purpose: PurposeOption = "",
) -> None:
    """Take back a sealing or expungement that was made in error."""
    _correct(session, person, record, "restored", None, reason, gallery, purpose)


def _correct(
    session: Session,
    person: str,
    record: str,
    change: str,
    fields: dict[str, Any] | None,
    reason: str,
    gallery: str | None,
    purpose: str,
) -> None:
    use = session.use(purpose=purpose)
    with session.open() as tenprint:
        made: Version = tenprint.correct(
            person, record, change, fields=fields, reason=reason, gallery=gallery, use=use
        )
    session.answer(
        documents.version(made),
        f"record {record} of {person} {change} at {made.recorded_at:%Y-%m-%d %H:%M:%S} UTC; "
        "the queue goes by it from now on",
    )


for name, function, example in (
    ("show", show, "tenprint records show P0004"),
    (
        "amend",
        amend,
        'tenprint records amend P0004 P0004-2 disposition="Dismissed" --reason appeal',
    ),
    ("seal", seal, 'tenprint records seal P0004 P0004-2 --reason "court order 17-221"'),
    ("expunge", expunge, 'tenprint records expunge P0004 P0004-2 --reason "court order 17-221"'),
    ("restore", restore, "tenprint records restore P0004 P0004-2 --reason mistaken"),
):
    verb(app, name, example)(function)
