"""`tenprint stats`: how much came in, what was found, what was decided, and how soon."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.session import Session, make_parent, verb, write_file

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from engine.service.statistics import Counts, Statistics

KEYS = ("level", "jurisdiction", "month")  # as engine.service.statistics, which loads slowly
DAY = ["%Y-%m-%d"]
SHORT = {  # for a terminal
    "submissions": "subm.", "identifications": "ident.", "exclusions": "excl.",
    "inconclusive": "inconcl.", "decision, median h": "median h",
    "decision, 90 % h": "90 % h",
    "needs review": "review", "no counting record": "none",
}  # fmt: skip
EXAMPLE = "tenprint stats --by level,jurisdiction,month --from 2026-01-01 --html statistics.html"


def add_to(app: typer.Typer) -> None:
    """Registers the verb."""
    verb(app, "stats", EXAMPLE)(stats)


def stats(
    session: Session,
    by: Annotated[
        str, typer.Option(help="Keys to count by, in the order to sort by: some of the default.")
    ] = ",".join(KEYS),
    start: Annotated[
        datetime | None,
        typer.Option("--from", formats=DAY, help="First day of the searches, UTC."),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option("--to", formats=DAY, help="Last day of the searches, UTC."),
    ] = None,
    policy: Annotated[
        str, typer.Option(help="Severity policy that gives the levels: a name or a .toml file.")
    ] = "sc-2010-conviction",
    html: Annotated[
        Path | None, typer.Option(help="Write a page with figures, charts and the table here.")
    ] = None,
) -> None:
    """Count submissions, searches, hits, decisions and the time they took.

    Levels are those of the records as they stand now. Counts only: nothing is about one person.
    """
    keys = _keys(by)
    first, after = _period(start, end)
    if html:
        make_parent(html)
    with session.open() as tenprint:
        statistics = tenprint.statistics(
            by=keys, policy=policy, start=first, end=after, use=session.use()
        )
    session.answer(document(statistics), *_shown(statistics))
    if html:
        from engine.report.statistics import draw_statistics

        write_file(html, draw_statistics(statistics).encode())
        session.note(f"page: {html}")


def document(statistics: Statistics) -> dict[str, Any]:
    """The JSON document of `--json`."""
    end = statistics.end
    return {
        "made": statistics.made.isoformat(),
        "policy": {"name": statistics.policy, "table": statistics.table},
        "from": statistics.start and statistics.start.isoformat(),
        "before": end and end.isoformat(),
        "by": list(statistics.by),
        "rows": [
            dict(zip(statistics.by, row.keys, strict=True)) | _counted(row.counts, statistics)
            for row in statistics.rows
        ],
        "total": _counted(statistics.total, statistics),
    }


def _counted(counts: Counts, statistics: Statistics) -> dict[str, Any]:
    return {
        "submissions": counts.submissions,
        "searches": counts.searches,
        "hits": counts.hits,
        "hits_by_level": dict(zip(statistics.levels, counts.hits_by_level, strict=True)),
        "identifications": counts.identifications,
        "exclusions": counts.exclusions,
        "inconclusive": counts.inconclusive,
        "waiting": counts.waiting,
        "share_decided": _round(counts.share_decided),
        "oldest_waiting_days": _round(statistics.days_waiting(counts)),
        "time_to_decision": {
            "decided": counts.decided,
            "median_hours": _round(counts.median_hours),
            "p90_hours": _round(counts.p90_hours),
        },
    }


def _shown(statistics: Statistics) -> Iterator[RenderableType]:
    from engine.report.counts import NOTHING, explain

    if not statistics.rows:
        yield NOTHING
        return
    yield _table(statistics)
    hits = zip(statistics.levels, statistics.total.hits_by_level, strict=True)
    yield "Hits by level: " + ", ".join(f"{name} {count:,}" for name, count in hits)
    yield from explain(statistics)


def _table(statistics: Statistics) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from engine.report.counts import cells, head

    table = Table(
        title=f"Statistics, {statistics.period}",
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=0,
        show_footer=True,
    )
    total = cells(statistics.total, statistics)
    for place, key in enumerate(statistics.by):
        footer = "" if place else "total"
        table.add_column(key, footer=footer, overflow="fold", no_wrap=key != "jurisdiction")
    # The oldest that waits is in the JSON and on the page: a terminal is narrow.
    for name, cell in zip(head(statistics)[:-1], total[:-1], strict=True):
        short = SHORT.get(name, name).replace("Level ", "L")
        whole = name == "decided"
        table.add_column(short, footer=cell, justify="right", overflow="fold", no_wrap=whole)
    for row in statistics.rows:
        table.add_row(*map(Text, row.keys), *cells(row.counts, statistics)[:-1])
    return table


def _keys(by: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in by.split(","))
    unknown = [key for key in keys if key not in KEYS]
    if unknown or len(set(keys)) < len(keys):
        wrong = f", not {', '.join(unknown)}" if unknown else ", each once"
        raise typer.BadParameter(f"--by takes some of {', '.join(KEYS)}{wrong}")
    return keys


def _period(
    start: datetime | None, end: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """The first moment, and the first after the last day; both of UTC."""
    if start and end and end < start:
        raise typer.BadParameter("--to is before --from")
    first = start and start.replace(tzinfo=UTC)
    try:
        return first, end and end.replace(tzinfo=UTC) + timedelta(days=1)
    except OverflowError as error:
        raise typer.BadParameter("--to is the last day of the calendar") from error


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
