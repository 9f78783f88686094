"""`tenprint keys`: the keys that templates and images are sealed with, and their rotation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.exits import Exit
from engine.cli.options import PurposeOption
from engine.cli.session import SHOWN_REJECTED, Session, verb

app = typer.Typer(
    help="Make, rotate and look at the keys that templates and images are sealed with.",
    no_args_is_help=True,
)


def new(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
) -> None:
    """Put a new key in front of those in FILE, which is made for its owner only if need be.

    From then on it seals what is new; what is there follows with `tenprint keys rotate`.
    """
    from engine.service.rotation import make_key

    key = make_key(file)
    session.answer({"file": str(file), "key": key}, f"key {key} is the first in {file}")
    session.note(
        "Keep a copy of the file where the database's backups are not: nobody can open anything "
        "without it."
    )


def rotate(session: Session, purpose: PurposeOption = "") -> None:
    """Seal everything with the first key: what is plain, and what older keys sealed.

    Enrolments and searches may go on. Interrupted, run it again: it goes on where it was.
    """
    use = session.use(purpose=purpose)
    with session.open() as tenprint, session.progress("Sealing") as on_progress:
        report = tenprint.rotate_keys(use=use, on_progress=on_progress)
        status = tenprint.key_status()
    shown = [
        f"{report.sealed} values sealed with key {report.key}, {report.files} index files renewed"
    ]
    unused = [key for key in status.keys if key not in {held.key for held in status.held}]
    unused = [key for key in unused if key != report.key]
    if unused:
        shown.append(
            f"no longer used here, but perhaps by backups: key {', '.join(unused)} in {status.path}"
        )
    session.answer(
        {
            "key": report.key,
            "sealed": report.sealed,
            "files": report.files,
            "damaged": list(report.damaged),
            "unused_keys": unused,
        },
        *shown,
    )
    if status.leaves_old_rows and report.sealed:
        session.note(
            "PostgreSQL keeps what the rows were before until it is told: VACUUM FULL templates, "
            "images, tasks; and its log until that is recycled."
        )
    for words in report.damaged[:SHOWN_REJECTED]:
        typer.echo(f"damaged  {words}", err=True)
    if report.damaged:
        session.exit = Exit.SOME_REJECTED if report.sealed else Exit.NOTHING_DONE


def status(session: Session) -> None:
    """Show which keys there are, and how much is sealed with which."""
    with session.open() as tenprint:
        found = tenprint.key_status()
    document: dict[str, Any] = {
        "file": str(found.path) if found.path else None,
        "keys": list(found.keys),
        "held": [{"what": item.table, "key": item.key, "count": item.count} for item in found.held],
        "index_files": [{"path": str(path), "key": key} for path, key in found.files],
    }
    lines = [f"keys       {found.path or 'none: nothing that is new is sealed'}"]
    lines += [
        f"           {key}{', seals what is new' * (number == 0)}"
        for number, key in enumerate(found.keys)
    ]
    lines += [
        f"{item.table:<10} {item.count:,} {f'sealed with {item.key}' if item.key else 'plain'}"
        for item in found.held
    ]
    lines += [
        f"index      {path} {f'sealed with {key}' if key else 'plain'}" for path, key in found.files
    ]
    session.answer(document, *lines)


verb(app, "new", "tenprint keys new tenprint.keys")(new)
verb(app, "rotate", "tenprint keys rotate")(rotate)
verb(app, "status", "tenprint keys status")(status)
