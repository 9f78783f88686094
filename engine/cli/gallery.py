"""`tenprint gallery`: what galleries there are, what they hold, and removal."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli import documents, tables
from engine.cli.exits import Exit
from engine.cli.options import CaseOption, PurposeOption
from engine.cli.session import Session, make_parent, verb, write_file
from engine.errors import TenprintError

if TYPE_CHECKING:
    from engine.service.results import Use

app = typer.Typer(help="List, look at, remove and rebuild galleries.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]


def show_all(session: Session) -> None:
    """List the galleries."""
    with session.open() as tenprint:
        infos = tenprint.galleries()
    shown = tables.galleries(infos) if infos else "no gallery yet: tenprint enrol makes one"
    session.answer({"galleries": [documents.gallery(info) for info in infos]}, shown)


def show_one(session: Session, name: NameArgument) -> None:
    """Show what one gallery holds, and how far its index has read."""
    with session.open() as tenprint:
        info = tenprint.info(name)
    held = info.contents
    session.answer(
        documents.gallery(info),
        f"gallery      {info.name}, since {info.created_at:%Y-%m-%d %H:%M} UTC",
        f"holds        {held.templates} prints of {held.persons} persons, {held.images} images, "
        f"{held.records} offense records",
        f"made by      {info.maker or 'nobody yet'}",
        *(f"scores       {site}" for site in info.sites or ("by the shipped calibration",)),
        f"FPIR         {info.fpir or 'none chosen'}",
        f"last change  {info.sequence}",
        f"size         templates {held.template_bytes:,} bytes, images {held.image_bytes:,} bytes, "
        f"index {info.index_bytes:,} bytes",
        f"index        {info.index_path}",
    )


def remove(
    session: Session,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The gallery.", show_default=False)
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(help="Remove only this person; without NAME, from every gallery."),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(
            help="Look everywhere for what was removed of the --person, and write here what was "
            "found.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    purpose: PurposeOption = "",
    case_id: CaseOption = "",
) -> None:
    """Remove a person, or a whole gallery: templates, images, records, index.

    What another gallery uses too stays there. It cannot be undone.
    """
    if not name and not person:
        raise typer.BadParameter("name a gallery, a --person, or both")
    if proof and not person:
        raise typer.BadParameter("--proof goes with --person")
    where = f"gallery {name}" if name else "every gallery"
    what = f"person {person} from {where}" if person else f"the whole {where}"
    if not yes and not typer.confirm(f"Remove {what} for good?", err=True):
        raise typer.Exit
    use = session.use(purpose=purpose, case_id=case_id)
    if proof and person:
        _remove_with_proof(session, person, name, proof, use)
        return
    with session.open() as tenprint, session.progress(f"Removing {what}") as on_progress:
        if person:
            removed = tenprint.remove_person(person, gallery=name, use=use)
        else:
            removed = tenprint.remove_gallery(name or "", use=use, on_progress=on_progress)
    session.answer(
        {"gallery": name, "person": person, "removed": asdict(removed)},
        f"removed {what}: {removed.templates} prints, {removed.images} images, "
        f"{removed.records} offense records",
    )


def _remove_with_proof(
    session: Session, person: str, name: str | None, path: Path, use: Use
) -> None:
    _try_to_write(path)
    with session.open() as tenprint, session.progress(f"Removing {person}") as on_progress:
        proof = tenprint.remove_with_proof(person, gallery=name, use=use, on_progress=on_progress)
    write_file(path, proof.text)
    if not proof.clean:
        session.exit = Exit.FAILED
    removed, entry = proof.removed, proof.document["audit"]
    session.answer(
        proof.document,
        f"removed {person}: {removed.templates} prints, {removed.images} images, "
        f"{removed.records} offense records; entry {entry['sequence']} of the audit log",
        f"database: {proof.document['database']}",
        "nothing of it is left" if proof.clean else f"left: {', '.join(proof.document['faults'])}",
        f"proof: {path}",
    )


def _try_to_write(path: Path) -> None:
    """TenprintError where a file cannot be written: that is told before anything is removed."""
    make_parent(path)
    there = path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise TenprintError(f"{path} cannot be written: {error.strerror}") from error
    if not there:
        path.unlink()


def rebuild(session: Session, name: NameArgument) -> None:
    """Make a gallery's index again from the database."""
    with session.open() as tenprint, session.progress(f"Rebuilding {name}") as on_progress:
        info = tenprint.rebuild(name, on_progress, use=session.use())
    session.answer(
        documents.gallery(info),
        f"{name}: index of {info.contents.templates} prints made, {info.index_bytes:,} bytes",
    )


verb(app, "list", "tenprint gallery list")(show_all)
verb(app, "info", "tenprint gallery info criminal-history")(show_one)
verb(app, "remove", "tenprint gallery remove criminal-history --person P0001")(remove)
verb(app, "rebuild", "tenprint gallery rebuild criminal-history")(rebuild)
