"""The queue, what it rests on and how it is explained, as tables in plain language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from engine.cli.tables import Column, make_table, weight

SHOWN = 50  # cases whose staying among the first is measured: engine.risk.scales

if TYPE_CHECKING:
    from engine.service.results import (
        CodedCharge,
        Explanation,
        Place,
        Policy,
        Queued,
        QueueReport,
        Stability,
        Suggestion,
        Version,
    )

WAITS_FOR = {
    "first": "an examiner",
    "second": "a second one",
    "supervision": "a supervisor",
    "closed": "",
}


def queue(queued: Sequence[Queued]) -> Table:
    """The hits in the order of work, each with what decided its place."""
    table = make_table(
        "Hits in order of work (by severity of records; it says nothing about likeness)",
        (
            ("place", "right"),
            ("tier", "left"),
            ("by", "left"),
            ("offense", "left"),
            ("record", "left"),
            ("probe", "left"),
            ("candidate", "left"),
            ("gallery", "left"),
        ),
    )
    for item in queued:
        place, hit = item.place, item.hit
        table.add_row(
            str(place.place),
            place.tier,
            place.lane,
            place.standing.category,
            Text(place.assessment.record_id),
            Text(hit.probe),
            Text(hit.person),
            hit.gallery,
        )
    return table


def waiting(report: QueueReport, blind: bool, limit: int) -> Table:
    """The first cases of the queue. blind: without what is on record."""
    known: tuple[Column, ...] = (("tier", "left"), ("by", "left"), ("offense", "left"))
    late: tuple[Column, ...] = (("overdue", "left"),)
    asked = f"as of {report.at:%Y-%m-%d %H:%M} UTC" if report.past else "now"
    table = make_table(
        f"Cases to examine {asked}, by {report.policy.name} and {report.policy.scale.id}",
        (
            ("place", "right"),
            *(() if blind else known),
            ("case", "left"),
            ("probe", "left"),
            ("gallery", "left"),
            ("waiting since", "left"),
            ("waits for", "left"),
            *(() if blind else late),
        ),
    )
    next(each for each in table.columns if each.header == "case").no_wrap = True  # to be copied
    for item in report.queue[:limit]:
        place, hit = item.place, item.hit
        kind = place.standing.category or _likely(place)
        overdue = f"since {place.due:%Y-%m-%d}" if place.overdue else ""
        table.add_row(
            str(place.place),
            *(() if blind else (place.tier, place.lane, kind)),
            Text(place.case.case_id),
            Text(hit.probe),
            hit.gallery,
            f"{hit.received:%Y-%m-%d %H:%M}",
            WAITS_FOR[hit.stage],
            *(() if blind else (overdue,)),
        )
    return table


def _likely(place: Place) -> str:
    """What the text model suggests, marked as a question."""
    found = place.suggestion
    return f"{found.category}? ({found.probability:.0%})" if found else ""


def stability(report: QueueReport) -> Iterator[str]:
    """How far the order would be the same under another scale, a line a scale."""
    for scale, tiers in report.stability.items():
        told = [_stable(each) for each in tiers if each.tau is not None and each.moved]
        same = "; ".join(told) or "the same order"
        yield f"by {scale} in place of {report.policy.scale.id}: {same}"


def _stable(each: Stability) -> str:
    """Kendall's tau-b of one tier, and how much of its first page stays there."""
    page = f", {each.top:.0%} of the first {SHOWN} stay" if each.cases > SHOWN else ""
    moved = f"half of the cases move {each.moved:.0f} places or more"
    return f"{each.tier} tau {each.tau:+.2f}, {moved}{page}"


def explanation(told: Explanation) -> Iterator[Table | str]:
    """Why a case stands where it does."""
    place, assessment = told.item.place, told.assessment
    yield f"case      {place.case.case_id}: {told.item.hit.probe} beside {told.item.hit.person}"
    yield f"place     {place.place}: {place.reason}"
    yield f"why       {assessment.reason}"
    if assessment.source:
        yield f"source    {assessment.source}"
    yield from (f"change    {change}" for change in assessment.changes)
    if told.suggestion:
        yield f"suggested {_suggestion(told.suggestion)}"
    dropped = ", ".join(f"{count} {reason}" for reason, count in assessment.dropped.items())
    yield f"dropped   {dropped or 'nothing'}"
    yield f"rules     {assessment.policy} {assessment.table}, scale {place.policy.scale.id}"
    if told.records:
        table = make_table(
            "Records that count, the one that decides first",
            (
                ("record", "left"),
                ("counts as", "left"),
                ("offense", "left"),
                ("told by", "left"),
                ("rule", "left"),
                ("degree", "left"),
                ("charge", "left"),
                ("disposition", "left"),
            ),
        )
        for line in told.records:
            coding = line.coding
            table.add_row(
                Text(line.record.record_id),
                line.lane,
                coding.category.id if coding.category else "not coded",
                coding.field,
                coding.rule,
                line.degree,
                Text(line.record.charge),
                Text(line.record.disposition),
            )
        yield table


def _suggestion(found: Suggestion) -> str:
    return (
        f"{found.category} ({found.probability:.0%}), {found.degree.name.lower()} "
        f"({found.degree_probability:.0%}), by the text model {found.model}: a suggestion, it "
        "gives no level"
    )


def versions(found: Sequence[Version]) -> Table:
    """Every version of a person's records."""
    table = make_table(
        f"Offense records of {found[0].person}, every version",
        (
            ("record", "left"),
            ("gallery", "left"),
            ("change", "left"),
            ("recorded", "left"),
            ("until", "left"),
            ("offense", "left"),
            ("degree", "left"),
            ("disposition", "left"),
            ("by", "left"),
            ("reason", "left"),
        ),
    )
    for each in found:
        said, until = each.record, each.superseded_at
        day = said.offense_date.isoformat() if said.offense_date else ""
        most = said.max_sentence_months
        months = "" if most is None else f"up to {most} months"
        facts = (said.ncic, said.nibrs, said.statute, said.charge, said.jurisdiction, day, months)
        offense = ", ".join(filter(None, facts))
        table.add_row(
            Text(said.record_id),
            each.gallery,
            each.change,
            f"{each.recorded_at:%Y-%m-%d %H:%M:%S}",
            f"{until:%Y-%m-%d %H:%M:%S}" if until else "today",
            Text(offense),
            said.degree.name.lower() if said.degree else "",
            Text(said.disposition),
            Text(each.operator),
            Text(each.reason),
            style=weight(until is None),
        )
    return table


def coded(charge: CodedCharge) -> Iterator[Table | str]:
    """What offense a charge is, and what it comes to."""
    coding, traits = charge.coding, charge.coding.traits
    kind = coding.category.title if coding.category else "not coded"
    yield f"offense   {kind}{'' if coding.ranks else ' (does not rank by itself)'}"
    yield f"because   {coding.why}"
    if charge.words:
        yield f"words     {charge.words}"
    said = [name for name in ("violent", "weapon", "harm") if getattr(traits, name)]
    said += [text for text in (traits.drug, traits.inchoate) if text]
    yield f"traits    {', '.join(said) or 'none stated'}"
    if charge.suggestion:
        yield f"suggested {_suggestion(charge.suggestion)}"
    table = make_table("", (("policy", "left"), ("comes to", "left"), ("because", "left")))
    for name, found in charge.standings.items():
        level = f"Level {found.level}" if found.level else found.state.replace("-", " ")
        dropped = ", ".join(found.dropped)
        why = f"{found.reason} Not counted: {dropped}." if dropped else found.reason
        table.add_row(name, level, Text(why))
    yield table


def policies(found: Sequence[Policy]) -> Table:
    """The policies that there are, a line each."""
    table = make_table(
        "",
        (
            ("policy", "left"),
            ("title", "left"),
            ("table", "left"),
            ("in force", "left"),
            ("levels", "right"),
            ("rules", "right"),
        ),
    )
    for each in found:
        levels = len(each.tiers) - 2
        period = f"{each.effective_from} to {each.effective_to or 'today'}"
        table.add_row(each.name, each.title, each.table, period, str(levels), str(len(each.rules)))
    return table


def policy(found: Policy) -> Iterator[Table | str]:
    """A policy: what counts, its rules, and when a case is overdue."""
    yield f"policy    {found.name} {found.table}: {found.title}, by {found.author}"
    yield f"source    {found.source}"
    if found.note:
        yield f"note      {found.note}"
    yield f"in force  {found.effective_from} to {found.effective_to or 'today'}"
    lanes = ("conviction", "charge", "review", "drop")
    counts = {lane: [s for s, own in found.lanes.items() if own == lane] for lane in lanes}
    told = "; ".join(f"{lane}: {', '.join(s)}" for lane, s in counts.items() if s)
    yield f"counts    {told}"
    yield f"degree    a felony may be punished by more than {found.felony_over_months} months"
    yield f"scale     {found.scale.title} ({found.scale.id}), inside a level"
    days = zip(found.tiers, found.aging.due_days, strict=True)
    due = ", ".join(f"{tier} {day:g}" for tier, day in days)
    yield f"overdue   after days: {due}; one place in {found.aging.one_in} goes to overdue cases"
    table = make_table(
        "Rules",
        (
            ("level", "right"),
            ("rule", "left"),
            ("for", "left"),
            ("records", "right"),
            ("degree", "left"),
            ("source", "left"),
        ),
    )
    for rule in found.rules:
        answers = ", ".join(f"{d.name.lower()} {said}" for d, said in rule.degree.items())
        asked = "any" if set(rule.degree.values()) == {"yes"} else answers
        kinds = ", ".join(sorted(rule.categories)) if rule.categories else rule.title
        if rule.traits:
            kinds += f"; said to be {' and '.join(rule.traits)}"
        if rule.aggravated:
            kinds += "; on the list of 8 U.S.C. 1101(a)(43) whatever the sentence"
        if (rule.effective_from, rule.effective_to) != (found.effective_from, found.effective_to):
            kinds += f"; in force {rule.effective_from} to {rule.effective_to or 'today'}"
        table.add_row(str(rule.level), rule.id, kinds, str(rule.records), asked, rule.source)
    yield table
