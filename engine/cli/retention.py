"""`tenprint retention`: how long what is kept, legal holds, and deletion when the time is over."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated

import typer

from engine.cli import audit_tables as tables
from engine.cli.exits import Exit
from engine.cli.options import CaseOption, PurposeOption
from engine.cli.session import Session, verb

app = typer.Typer(
    help="Say how long images, searches, decisions, closed records and exports are kept; hold "
    "persons; delete what is past its time.",
    no_args_is_help=True,
)

UNITS = {"d": 1, "w": 7, "y": 365}  # days
NEVER = "never"
TIME = re.compile(rf"(\d+)([{''.join(UNITS)}])")
AS_IT_IS = "as it is"

PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", show_default=False)]
ImagesOption = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="Image files, from enrolment; templates stay.", show_default=AS_IT_IS
    ),
]
SearchesOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Searches with their candidates.", show_default=AS_IT_IS),
]
ProbesOption = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="What probes with a hit looked like, once their cases are closed.",
        show_default=AS_IT_IS,
    ),
]
DecisionsOption = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Decisions: they keep their search, and go with it.",
        show_default=AS_IT_IS,
    ),
]
ClosedOption = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="What records said that are sealed or expunged, from then on.",
        show_default=AS_IT_IS,
    ),
]
ExportsOption = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="Reports and exported logs on this machine.", show_default=AS_IT_IS
    ),
]
EmptyOption = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Encounters without a print, from their last change.",
        show_default=AS_IT_IS,
    ),
]
TasksOption = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Tasks of the service, from the end of their delivery.",
        show_default=AS_IT_IS,
    ),
]


def set_timers(
    session: Session,
    images: ImagesOption = None,
    probes: ProbesOption = None,
    searches: SearchesOption = None,
    decisions: DecisionsOption = None,
    closed_records: ClosedOption = None,
    exports: ExportsOption = None,
    empty_encounters: EmptyOption = None,
    tasks: TasksOption = None,
    purpose: PurposeOption = "",
) -> None:
    """Set how long what is kept: 90d, 8w, 5y (of 365 days), or never to delete it.

    Nothing is deleted before tenprint retention apply.
    """
    given = {
        "images": images,
        "probes": probes,
        "searches": searches,
        "decisions": decisions,
        "closed-records": closed_records,
        "exports": exports,
        "empty-encounters": empty_encounters,
        "tasks": tasks,
    }
    wanted = {kind: _days(text) for kind, text in given.items() if text is not None}
    if not wanted:
        raise typer.BadParameter("name what to keep and for how long, such as --searches 365d")
    with session.open() as tenprint:
        timers = tenprint.retention.set_timers(wanted, session.use(purpose=purpose))
    session.answer({"days": timers}, tables.timers(timers))


def show(session: Session) -> None:
    """Show how long what is kept, and who is on hold."""
    with session.open() as tenprint:
        timers, holds = tenprint.retention.timers(), tenprint.retention.holds()
    session.answer(
        {"days": timers, "holds": [asdict(hold) for hold in holds]},
        tables.timers(timers),
        *(f"on hold since {hold.placed_at:%Y-%m-%d}: {hold.person}" for hold in holds),
    )


def apply(
    session: Session,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    purpose: PurposeOption = "",
) -> None:
    """Delete what is past its time, but for persons on hold and work that waits."""
    use = session.use(purpose=purpose)
    with session.open() as tenprint, session.progress("Deleting") as on_progress:
        made = tenprint.retention.apply(dry_run=dry_run, use=use, on_progress=on_progress)
    if made.proof.get("pieces_found"):
        session.exit = Exit.FAILED
    words = [f"{name.replace('_', ' ')}: {value}" for name, value in made.proof.items()]
    shown = [tables.applied(made), *words] if made.deleted else ["no timer is set"]
    session.answer(asdict(made), *shown)


def hold(
    session: Session,
    person: PersonArgument,
    reason: Annotated[str, typer.Option(help="Why; kept with the hold.")],
    purpose: PurposeOption = "",
    case_id: CaseOption = "",
) -> None:
    """Place a legal hold: nothing of this person is deleted, by hand or by time."""
    with session.open() as tenprint:
        made = tenprint.retention.hold(
            person, reason, session.use(purpose=purpose, case_id=case_id)
        )
    session.answer(
        asdict(made), f"{made.person} is on hold since {made.placed_at:%Y-%m-%d %H:%M} UTC"
    )


def release(
    session: Session, person: PersonArgument, purpose: PurposeOption = "", case_id: CaseOption = ""
) -> None:
    """End a legal hold."""
    with session.open() as tenprint:
        ended = tenprint.retention.release(person, session.use(purpose=purpose, case_id=case_id))
    session.answer(asdict(ended), f"{ended.person} is no longer on hold")


def _days(text: str) -> int | None:
    """The days that a time comes to; None for never."""
    if text == NEVER:
        return None
    found = TIME.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no time to keep something: use 90d, 8w, 5y or never")
    return int(found[1]) * UNITS[found[2]]


for name, function, example in (
    ("set", set_timers, "tenprint retention set --searches 365d --decisions 5y --images 5y"),
    ("show", show, "tenprint retention show"),
    ("apply", apply, "tenprint retention apply --dry-run"),
    ("hold", hold, 'tenprint retention hold P0004 --reason "case 17-221"'),
    ("release", release, "tenprint retention release P0004"),
):
    verb(app, name, example)(function)
