"""`tenprint enrol`: images, and the offense records of their persons, into a gallery."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import (
    CaseOption,
    ExtractorOption,
    GalleryOption,
    JurisdictionOption,
    PathsArgument,
    PpiOption,
    PurposeOption,
    WorkersOption,
)
from engine.cli.session import Session, verb
from engine.errors import GalleryError

EXAMPLE = "tenprint enrol prints/ --manifest people.csv --records offenses.csv -g criminal-history"


def add_to(app: typer.Typer) -> None:
    """Registers the verb."""
    verb(app, "enrol", EXAMPLE)(enrol)


def enrol(
    session: Session,
    paths: PathsArgument = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            help="CSV: person, image, and optionally position, ppi, encounter. Without it a file "
            "<person>_<impression>.png names its person.",
        ),
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(
            help="CSV of offense records: person, and any of record_id, ncic, charge, degree, "
            "disposition, offense_date, jurisdiction, max_sentence_months.",
        ),
    ] = None,
    gallery: GalleryOption = "default",
    extractor: ExtractorOption = None,
    ppi: PpiOption = None,
    jurisdiction: JurisdictionOption = "",
    purpose: PurposeOption = "",
    case_id: CaseOption = "",
    images: Annotated[
        bool, typer.Option("--images/--no-images", help="Keep the image files in the database.")
    ] = True,
    workers: WorkersOption = None,
) -> None:
    """Enrol prints into a gallery, and attach offense records to their persons.

    What the gallery has already is skipped: run an interrupted enrolment again to finish it.
    """
    if not paths and manifest is None and records is None:
        raise typer.BadParameter("name images, folders, a --manifest or --records")
    from engine.service import inputs
    from engine.service.results import Attached

    rows, bad_rows = inputs.read_prints(paths or [], manifest)
    offenses, bad_records = inputs.read_records(records) if records else ([], [])
    source = [path for path in (*(paths or ()), manifest, records) if path]
    use = session.use(jurisdiction, purpose, source, case_id)
    with session.open() as tenprint:
        with session.progress(f"Enrolling into {gallery}") as on_progress:
            report = tenprint.enrol(
                [replace(row, ppi=row.ppi or ppi) for row in rows],
                gallery=gallery,
                extractor=extractor and extractor.value,
                use=use,
                keep_images=images,
                workers=workers,
                on_progress=on_progress,
            )
        try:
            attached = tenprint.attach_records(offenses, gallery=gallery, use=use)
        except GalleryError:
            if not report.rejected:
                raise
            # the prints that would have made the gallery were refused: so are the records
            attached = Attached(0, 0, 0, tuple(dict.fromkeys(person for person, _ in offenses)))
    unknown = [
        inputs.Rejected(str(records), f"person {person} is not in gallery {gallery}")
        for person in attached.unknown_persons
    ]
    closed = [
        inputs.Rejected(str(records), f"record {told}: it does not come back by being sent again")
        for told in attached.closed
    ]
    rejected = [*bad_rows, *report.rejected, *bad_records, *unknown, *closed]
    kept = attached.added + attached.updated + attached.unchanged
    session.reject(rejected, done=report.enrolled + report.already + kept)
    document = {
        "gallery": gallery,
        "submission": report.submission,
        "enrolled": report.enrolled,
        "already_enrolled": report.already,
        "rejected": [asdict(item) for item in rejected],
        "records": {
            "added": attached.added,
            "updated": attached.updated,
            "unchanged": attached.unchanged,
        },
        "seconds": round(report.seconds, 3),
    }
    lines = [
        f"{gallery}: {report.enrolled} enrolled, {report.already} already enrolled, "
        f"{len(bad_rows) + len(report.rejected)} rejected in {report.seconds:.1f} s"
    ]
    if records:
        lines.append(
            f"offense records: {attached.added} added, {attached.updated} updated, "
            f"{attached.unchanged} unchanged, "
            f"{len(bad_records) + len(unknown) + len(closed)} rejected"
        )
    session.answer(document, *lines)
