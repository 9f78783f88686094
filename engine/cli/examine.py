"""`tenprint verify` and `tenprint extract`: prints looked at one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli import documents
from engine.cli.exits import Exit
from engine.cli.options import CaseOption, Extractor, PpiOption, PurposeOption
from engine.cli.session import Session, verb, write_file

if TYPE_CHECKING:
    from engine.service.results import Extraction

ImageArgument = Annotated[Path, typer.Argument(metavar="IMAGE", show_default=False)]
ExtractorOption = Annotated[Extractor, typer.Option(help="Who finds the minutiae.")]


def add_to(app: typer.Typer) -> None:
    """Registers the verbs."""
    verb(app, "verify", "tenprint verify first.png second.png --fmr 1e-4")(verify)
    verb(app, "extract", "tenprint extract print.png --show minutiae.png")(extract)


def verify(
    session: Session,
    first: ImageArgument,
    second: ImageArgument,
    fmr: Annotated[
        float,
        typer.Option(
            min=1e-9, max=0.5,
            help="Share of comparisons of different fingers that may pass the threshold.",
        ),
    ] = 1e-3,
    extractor: ExtractorOption = Extractor.LEADER,
    ppi: PpiOption = None,
    purpose: PurposeOption = "",
    case_id: CaseOption = "",
) -> None:  # fmt: skip
    """Compare two prints, without any gallery."""
    from engine.service.inputs import one_print

    with session.open() as tenprint:
        result = tenprint.verify(
            one_print(first, ppi),
            one_print(second, ppi),
            fmr=fmr,
            extractor=extractor.value,
            use=session.use("", purpose, [first, second], case_id),
        )
    verdict = result.verdict
    if not verdict.over_threshold:
        session.exit = Exit.NO_CANDIDATE
    session.answer(
        documents.verified(result),
        f"{'over' if verdict.over_threshold else 'under'} the threshold: "
        f"score {verdict.score:.2f}, threshold {verdict.threshold:.2f} for FMR {verdict.fmr:g}, "
        f"log10 LR {verdict.llr:+.1f}; {verdict.evidence}",
        f"score: {verdict.calibration}",
    )


def extract(
    session: Session,
    image: ImageArgument,
    show: Annotated[
        Path | None,
        typer.Option(help="Draw minutiae, orientation, mask and quality on the print, as PNG."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the template here.")] = None,
    extractor: ExtractorOption = Extractor.LEADER,
    ppi: PpiOption = None,
) -> None:
    """Find the minutiae of one print, without enrolling it."""
    from engine.service.inputs import one_print

    with session.open() as tenprint:
        extraction = tenprint.extract(
            one_print(image, ppi), extractor=extractor.value, use=session.use(source=[image])
        )
    template = extraction.template
    if out:
        write_file(out, extraction.blob)
    if show:
        write_file(show, _drawn(extraction))
    session.answer(
        documents.template(template),
        f"{image}: {len(template.minutiae)} minutiae, quality {template.quality}, "
        f"{template.width}×{template.height} px at 500 ppi, made by {template.maker}",
    )


def _drawn(extraction: Extraction) -> bytes:
    """Minutiae, flow and quality drawn on the print: a PNG file."""
    import cv2

    from engine.report.draw import draw_figure

    figure = draw_figure(
        extraction.image.pixels, extraction.shown["ridges"], extraction.template.minutiae
    )
    return bytes(cv2.imencode(".png", figure)[1])
