"""`tenprint identify`: probes against galleries, candidates, and the hits in the order of work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli import documents, severity_tables, tables
from engine.cli.exits import Exit
from engine.cli.options import (
    CaseOption,
    JurisdictionOption,
    Point,
    PolicyOption,
    PpiOption,
    PurposeOption,
    SearchOption,
    WorkersOption,
)
from engine.cli.session import Session, make_parent, verb

if TYPE_CHECKING:
    from rich.console import RenderableType

    from engine.service.results import Probe, Queued, Rejected, Searched

EXPLAINED = 3  # hits whose reason is spelled out on the terminal
EXAMPLE = "tenprint identify right_index.png left_index.png --positions 2,7 -g criminal-history"


def add_to(app: typer.Typer) -> None:
    """Registers the verb."""
    verb(app, "identify", EXAMPLE)(identify)


def identify(
    session: Session,
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="IMAGE...",
            help="Images of ONE person, one a finger; their scores are fused.",
            show_default=False,
        ),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(help="CSV of many probe persons: person, image, position, ppi, encounter."),
    ] = None,
    positions: Annotated[
        str | None,
        typer.Option(
            help="Finger positions of the images, e.g. 2,7 (1 right thumb .. 5 right little, "
            "6 left thumb .. 10 left little, 0 unknown).",
        ),
    ] = None,
    gallery: Annotated[
        list[str] | None,
        typer.Option("--gallery", "-g", help="Gallery to search; repeatable.", show_default="all"),
    ] = None,
    fpir: Annotated[
        float | None,
        typer.Option(
            min=1e-9, max=0.5,
            help="Share of searches for persons not enrolled that may show one over the threshold.",
            show_default="what tenprint calibrate chose for the gallery, else 0.001",
        ),
    ] = None,
    max_candidates: Annotated[int, typer.Option(min=1, help="Length of the candidate list.")] = 20,
    search: SearchOption = Point.THOROUGH,
    policy: PolicyOption = "sc-2010-conviction",
    report: Annotated[
        Path | None, typer.Option(help="Write a page with prints, pairs and the queue here.")
    ] = None,
    ppi: PpiOption = None,
    jurisdiction: JurisdictionOption = "",
    purpose: PurposeOption = "",
    case_id: CaseOption = "",
    workers: WorkersOption = None,
) -> None:  # fmt: skip
    """Search for the person of one or several prints, or for many persons.

    Lists candidates, marks those over the threshold, and orders them by the severity of their
    records. Severity orders the work; it never changes a score or a candidate.
    """
    if report:
        make_parent(report)
    probes, rejected = _probes(images or [], manifest, positions, ppi)
    source = [*(images or ()), *([manifest] if manifest else ())]
    use = session.use(jurisdiction, purpose, source, case_id)
    with session.open() as tenprint:
        with session.progress("Extracting probes") as on_progress:
            result = tenprint.identify(
                probes,
                gallery_names=gallery or (),
                fpir=fpir,
                max_candidates=max_candidates,
                search=search,
                policy=policy,
                use=use,
                workers=workers,
                on_progress=on_progress,
            )
        for searched in result.searches:
            rejected += searched.rejected
        found = [searched for searched in result.searches if searched.search]
        session.reject(rejected, done=len(found))
        if not rejected and not result.queue:
            session.exit = Exit.NO_CANDIDATE
        document = documents.identified(result, rejected)
        session.answer(document, *_shown(result.searches, result.queue))
        if report:
            with session.progress("Drawing the report"):
                tenprint.write_report(result, report, use)
            session.note(f"report: {report}")


def _probes(
    images: list[Path], manifest: Path | None, positions: str | None, ppi: float | None
) -> tuple[list[Probe], list[Rejected]]:
    """The one probe of the images, or the many of the manifest."""
    from engine.service import inputs

    if bool(images) == bool(manifest):
        raise typer.BadParameter("name the images of one person, or a --manifest of many")
    if manifest is None:
        try:
            return [inputs.one_probe(images, positions or "", ppi)], []
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    if positions:
        raise typer.BadParameter("--positions goes with images; a manifest has its own column")
    rows, rejected = inputs.read_prints([], manifest)
    return inputs.group_probes([replace(row, ppi=row.ppi or ppi) for row in rows]), rejected


def _shown(searches: Sequence[Searched], queue: Sequence[Queued]) -> Iterator[RenderableType]:
    """Candidates first: who they are is decided by prints alone. Then the order of work."""
    searched = [item.search for item in searches if item.search]
    if len(searches) == 1:
        yield from map(tables.candidates, searches)
    elif searches:
        yield tables.best_candidates(searches)
    if searched:
        yield tables.conditions(searched[0])
        yield from tables.calibrations(searched)
    if queue:
        yield severity_tables.queue(queue)
        if len(queue) <= EXPLAINED:
            yield from (f"{item.place.place}  {item.place.assessment.reason}" for item in queue)
        else:
            yield "--json and --report say for each what decided its place."
    elif searched:
        yield "No candidate over the threshold."
