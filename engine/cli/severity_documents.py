"""The queue, records and policies as the JSON documents of `--json`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.service.results import (
        CodedCharge,
        Coding,
        Decision,
        Explanation,
        Policy,
        Queued,
        QueueReport,
        Rule,
        Suggestion,
        Version,
    )
    from engine.types import OffenseRecord

Document = dict[str, Any]


def queued(report: QueueReport, *, blind: bool = False, limit: int | None = None) -> Document:
    """The queue. blind: without what is on record. limit: of the cases shown."""
    return {
        "policy": {
            "name": report.policy.name,
            "table": report.policy.table,
            "scale": report.policy.scale.id,
        },
        "at": report.at.isoformat(),
        "as_of_the_past": report.past,
        "waiting": len(report.queue),
        "decided": report.decided,
        "tiers": {} if blind else count_tiers(report),
        "stability": {
            scale: [asdict(tier) for tier in tiers] for scale, tiers in report.stability.items()
        },
        "notes": list(report.notes),
        "queue": [blind_case(item) if blind else case(item) for item in report.queue[:limit]],
    }


def count_tiers(report: QueueReport) -> dict[str, int]:
    """How many cases wait in each tier."""
    counts = Counter(item.place.tier for item in report.queue)
    return {tier: counts[tier] for tier in report.policy.tiers if counts[tier]}


def explained(explanation: Explanation) -> Document:
    """One case of the queue with every record that counts."""
    return {
        **case(explanation.item),
        "records": [
            {
                **record(line.record),
                "counts_as": line.lane,
                "degree_why": line.degree,
                "coding": coding(line.coding),
            }
            for line in explanation.records
        ],
    }


def decided(decision: Decision) -> Document:
    """A decision as it was kept."""
    return {**asdict(decision), "at": decision.at.isoformat()}


def version(item: Version) -> Document:
    """What a record said from when to when."""
    until = item.superseded_at
    return {
        **asdict(item),
        "record": record(item.record),
        "recorded_at": item.recorded_at.isoformat(),
        "superseded_at": until.isoformat() if until else None,
    }


def record(item: OffenseRecord) -> Document:
    """An offense record, its degree in words."""
    when = item.offense_date.isoformat() if item.offense_date else None
    return {**asdict(item), "degree": item.degree.name.lower(), "offense_date": when}


def coded(charge: CodedCharge) -> Document:
    """What offense a charge is, and what it comes to."""
    return {
        "record": record(charge.record),
        "words": charge.words,
        "coding": coding(charge.coding),
        "suggestion": suggestion(charge.suggestion),
        "assessments": {name: asdict(each) for name, each in charge.standings.items()},
    }


def coding(item: Coding) -> Document:
    """What offense a record is, and how that was found."""
    category = item.category
    return {
        "category": category.id if category else None,
        "title": category.title if category else None,
        "ranks": item.ranks,
        "field": item.field,
        "rule": item.rule,
        "why": item.why,
        "traits": asdict(item.traits),
    }


def suggestion(item: Suggestion | None) -> Document | None:
    """What the text model takes an offense for; it gives no level."""
    return {**asdict(item), "degree": item.degree.name.lower()} if item else None


def policy(item: Policy) -> Document:
    """A policy as it was read."""
    end = item.effective_to
    return {
        "name": item.name,
        "title": item.title,
        "version": item.version,
        "table": item.table,
        "effective_from": item.effective_from.isoformat(),
        "effective_to": end.isoformat() if end else None,
        "author": item.author,
        "source": item.source,
        "note": item.note,
        "felony_over_months": item.felony_over_months,
        "scale": item.scale.id,
        "scales": {
            name: [each.title, each.source, each.licence] for name, each in item.scales.items()
        },
        "tiers": list(item.tiers),
        "aging": {"one_in": item.aging.one_in, "due_days": list(item.aging.due_days)},
        "lanes": item.lanes,
        "rules": [_rule(each) for each in item.rules],
    }


def _rule(item: Rule) -> Document:
    end = item.effective_to
    return {
        **asdict(item),
        "categories": sorted(item.categories) if item.categories is not None else None,
        "degree": {degree.name.lower(): answer for degree, answer in item.degree.items()},
        "effective_from": item.effective_from.isoformat(),
        "effective_to": end.isoformat() if end else None,
    }


def case(item: Queued) -> Document:
    """A case at its place, with all that decided it."""
    place = item.place
    return {
        **blind_case(item),
        "tier": place.tier,
        "due": place.due.isoformat(),
        "overdue": place.overdue,
        "by_severity": place.by_severity,
        "as_severe": place.tied,
        "lane": place.standing.lane,
        "category": place.standing.category,
        "reason": place.reason,
        "assessment": asdict(place.assessment),
        "suggestion": suggestion(place.suggestion),
    }


def blind_case(item: Queued) -> Document:
    """A case without anything that comes from the candidate's record; the place is all it tells."""
    place, hit = item.place, item.hit
    return {
        "place": place.place,
        "case": place.case.case_id,
        "probe": hit.probe,
        "person": hit.person,
        "gallery": hit.gallery,
        "jurisdiction": hit.jurisdiction,
        "received": hit.received.isoformat(),
        "stage": hit.stage,
    }
