"""`tenprint access`: who is locked out of the service, and who is signed in at its pages."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from engine.cli.session import Session, verb

app = typer.Typer(
    help="Show who is locked out of the service or signed in at its pages; unlock, sign out.",
    no_args_is_help=True,
)

SubjectArgument = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="As tokens name it (sub).", show_default=False)
]


def show(session: Session) -> None:
    """Show who failed to show who they are of late, who is locked for it, and who is signed in."""
    with session.open() as tenprint:
        failing, sessions = tenprint.access.failing(), tenprint.access.sessions()
    document: dict[str, Any] = {
        "failing": [
            {
                "address": each.client,
                "subject": each.subject,
                "failures": len(each.times),
                "last": each.times[-1],
                "locked_until": each.locked_until,
            }
            for each in failing
        ],
        "signed_in": [
            {"subject": each.subject, "scopes": each.scopes.split(), "since": each.began_at,
             "used": each.used_at}
            for each in sessions
        ],
    }  # fmt: skip
    locked = Table("address", "subject", "failures", "locked until")
    for each in failing:
        until = f"{each.locked_until:%H:%M:%S} UTC" if each.locked_until else "not locked"
        locked.add_row(each.client, each.subject or "all", str(len(each.times)), until)
    people = Table("signed in", "since", "last used", "scopes")
    for one in sessions:
        people.add_row(
            one.subject, f"{one.began_at:%H:%M:%S} UTC", f"{one.used_at:%H:%M:%S} UTC", one.scopes
        )
    session.answer(document, locked, people)


def unlock(
    session: Session,
    subject: Annotated[
        str | None,
        typer.Argument(metavar="SUBJECT", help="As tokens name it (sub).", show_default="any"),
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Only from this address.", show_default="any")
    ] = None,
) -> None:
    """Unlock a subject, an address, or a subject from an address, and forget its failures.

    Processes that serve notice within about a second.
    """
    if subject is None and address is None:
        raise typer.BadParameter("name a subject, an --address, or both")
    with session.open() as tenprint:
        found = tenprint.access.unlock(subject, address, session.use())
    freed = [each for each in found if each.locked_until]
    session.answer(
        {"unlocked": len(freed), "forgotten": len(found)},
        f"{len(freed)} unlocked, failures of {len(found)} forgotten",
    )


def sign_out(session: Session, subject: SubjectArgument) -> None:
    """End all sessions of a subject at the pages.

    Who may sign in is the issuer's to say: lock the account there first.
    """
    with session.open() as tenprint:
        count = tenprint.access.sign_out_all(subject, session.use())
    session.answer({"ended": count}, f"{count} sessions of {subject} ended")


verb(app, "show", "tenprint access show")(show)
verb(app, "unlock", "tenprint access unlock booking --address 192.0.2.7")(unlock)
verb(app, "sign-out", "tenprint access sign-out e.ashby")(sign_out)
