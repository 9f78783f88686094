"""`tenprint calibrate`: what scores mean in a gallery, measured by searching it for its own."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli import documents, tables
from engine.cli.options import GalleryOption, PurposeOption
from engine.cli.session import Session, make_parent, verb, write_file

if TYPE_CHECKING:
    from engine.service.results import CalibrationReport

FORMS = (".svg", ".png", ".pdf")
EXAMPLE = "tenprint calibrate -g criminal-history --fpir 1e-3 --plot calibration.svg"


def add_to(app: typer.Typer) -> None:
    """Registers the verb."""
    verb(app, "calibrate", EXAMPLE)(calibrate)


def calibrate(
    session: Session,
    gallery: GalleryOption = "default",
    fpir: Annotated[
        float,
        typer.Option(
            min=1e-9, max=0.5,
            help="Share of searches for persons not enrolled that may show one over the threshold, "
            "in this gallery from now on.",
        ),
    ] = 1e-3,
    searches: Annotated[
        int, typer.Option(min=1, help="Persons of the gallery to search for, at most.")
    ] = 2000,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw what was measured here, as .svg, .png or .pdf (tenprint[plots])."),
    ] = None,
    purpose: PurposeOption = "",
) -> None:  # fmt: skip
    """Measure what scores mean in a gallery, and keep that with it.

    Searches the gallery for its own persons, each taken off the list: their best scores are those
    of non-mates. From then on its thresholds rest on what was measured.
    """
    if plot:
        _check_plot(plot)
    with (
        session.open() as tenprint,
        session.progress(f"Searching {gallery} for its own persons") as on_progress,
    ):
        report = tenprint.calibrate(
            gallery,
            fpir=fpir,
            searches=searches,
            use=session.use(purpose=purpose),
            on_progress=on_progress,
        )
    if plot:
        write_file(plot, _drawn(report, plot.suffix[1:]))
    for reason in report.refused:
        session.note(reason)
    session.answer(documents.calibrated(report), *tables.calibrated(report))


def _check_plot(path: Path) -> None:
    """Refuses, before the work begins, what cannot be drawn after it."""
    if path.suffix not in FORMS:
        raise typer.BadParameter(f"--plot writes {', '.join(FORMS)}, not {path.name}")
    if importlib.util.find_spec("matplotlib") is None:
        raise typer.BadParameter("--plot draws with matplotlib: pip install 'tenprint[plots]'")
    make_parent(path)


def _drawn(report: CalibrationReport, form: str) -> bytes:
    from engine.report.tail import draw_tails

    curves = {str(item.site): item.curve for item in report.measured}
    return draw_tails(curves, report.fpir, form)
