"""`tenprint queue`, `tenprint decide`: the hits that wait, in the order of work, each explained."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli import severity_documents as documents
from engine.cli import severity_tables as tables
from engine.cli.options import CaseOption, JurisdictionOption, PolicyOption, PurposeOption
from engine.cli.session import Session, verb

if TYPE_CHECKING:
    from rich.console import RenderableType

    from engine.service.results import QueueReport

SHOWN = 20
EARLIEST = 1970


class Conclusion(StrEnum):
    """What an examiner can conclude."""

    IDENTIFICATION = "identification"
    EXCLUSION = "exclusion"
    INCONCLUSIVE = "inconclusive"


def add_to(app: typer.Typer) -> None:
    """Registers the verbs."""
    verb(app, "queue", "tenprint queue --policy sc-2010-conviction --explain 1")(queue)
    verb(app, "decide", "tenprint decide 12/P0004 identification --examiner R.Ortiz")(decide)


def queue(
    session: Session,
    policy: PolicyOption = "sc-2010-conviction",
    scale: Annotated[
        str | None,
        typer.Option(
            help="Published scale that orders the cases inside a level.",
            show_default="the policy's own",
        ),
    ] = None,
    gallery: Annotated[
        str | None,
        typer.Option("--gallery", "-g", help="Only hits in this gallery.", show_default="all"),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="The queue as it was, by the records, decisions and rules of then: a date (its "
            "end) or a time such as 2026-03-01T08:00, UTC unless it names a zone.",
            show_default="now",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Cases to show.", show_default="20; --json: all")
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(metavar="CASE", help="Explain one case in full: its place, or its name."),
    ] = None,
    blind: Annotated[
        bool,
        typer.Option("--blind", help="Without what is on record: for who has yet to compare."),
    ] = False,
    jurisdiction: JurisdictionOption = "",
    purpose: PurposeOption = "",
    case_id: CaseOption = "",
) -> None:
    """Show the hits that wait for an examiner, the most severe first.

    Each has its place from rules that can be read (tenprint policy show), and --explain says from
    which. Severity orders the work; it changes no score and no candidate.
    """
    if blind and explain:
        raise typer.BadParameter("--explain tells what is on record; --blind is not to")
    at = _moment(as_of) if as_of is not None else None
    use = session.use(jurisdiction, purpose, case_id=case_id)
    with session.open() as tenprint, session.progress("Reading records") as on_progress:
        report = tenprint.queue(
            policy=policy,
            scale=scale,
            gallery=gallery,
            at=at,
            compare_scales=not (explain or blind),
            use=use,
            on_progress=on_progress,
        )
    if explain:
        from engine.service.queueing import explain_case, find_case

        explanation = explain_case(find_case(report, explain))
        session.answer(documents.explained(explanation), *tables.explanation(explanation))
        return
    document = documents.queued(report, blind=blind, limit=limit)
    session.answer(document, *_shown(report, blind, limit or SHOWN))


def decide(
    session: Session,
    case: Annotated[
        str, typer.Argument(metavar="CASE", help="As tenprint queue names it: SEARCH/PERSON.")
    ],
    conclusion: Annotated[Conclusion, typer.Argument(help="What the comparison came to.")],
    examiner: Annotated[
        str | None,
        typer.Option(help="Who compared.", show_default="the user who is logged in"),
    ] = None,
    notes: Annotated[str, typer.Option(help="Words to keep with the decision.")] = "",
    supervisor: Annotated[
        bool,
        typer.Option("--supervisor", help="Decide as a supervisor, where two examiners differ."),
    ] = False,
    jurisdiction: JurisdictionOption = "",
    purpose: PurposeOption = "",
    case_id: CaseOption = "",
) -> None:
    """Record what an examiner concluded about a hit; two decide, each without the other.

    Where they agree the case is closed and leaves the queue; where they differ a supervisor, who
    was neither, closes it. The system proposes, people decide: nothing is an identification before.
    """
    use = session.use(jurisdiction, purpose, case_id=case_id)
    with session.open() as tenprint:
        made = tenprint.decide(
            case,
            conclusion,
            examiner=examiner or use.operator,
            notes=notes,
            supervisor=supervisor,
            use=use,
        )
    session.answer(
        documents.decided(made),
        f"search {made.search_id}, {made.person}: {made.conclusion}, by {made.examiner} "
        f"at {made.at:%Y-%m-%d %H:%M} UTC; "
        + ("the case is closed" if made.closes else "the case waits for somebody else"),
    )


def _moment(text: str) -> datetime:
    """The moment that a date (its end) or a time names."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no date or time such as 2026-03-01T08:00") from error
    if len(text) <= len("2026-03-01"):  # a date alone; today's has no end yet
        found = min(datetime.combine(found, time.max, UTC), datetime.now(UTC))
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if found.year < EARLIEST:
        raise typer.BadParameter(f"{text!r} lies before anything that could be recorded")
    return found


def _shown(report: QueueReport, blind: bool, limit: int) -> Iterator[RenderableType]:
    yield from (f"note: {note}" for note in report.notes)
    if not report.queue:
        yield f"no case waits; {report.decided} were decided"
        return
    yield tables.waiting(report, blind, limit)
    if blind:
        yield f"{len(report.queue)} cases wait, {report.decided} were decided"
        return
    counts = documents.count_tiers(report)
    tiers = ", ".join(f"{count} {tier}" for tier, count in counts.items())
    yield (
        f"{len(report.queue)} cases wait ({tiers}), {report.decided} were decided; "
        f"{report.policy.name} {report.policy.table}"
    )
    yield from tables.stability(report)
