"""Puts an assessment into words: the record, the field, the rule, and what would change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.risk.coding import Coding
from engine.risk.counting import Weighed
from engine.risk.dispositions import Disposition
from engine.risk.policy import Policy, Rule
from engine.risk.standing import Standing
from engine.types import Assessment, Degree, OffenseRecord


@dataclass(frozen=True, slots=True)
class Reading:
    """A record that counts, and what its facts come to."""

    record: OffenseRecord
    weighed: Weighed
    coding: Coding
    disposition: Disposition
    degree_why: str

    @property
    def name(self) -> str:
        return f"record {self.record.record_id or '(no id)'}"

    @property
    def order(self) -> tuple[object, ...]:
        """Which of several decides: conviction, most severe, most recent, then by id."""
        record = self.record
        newest = -record.offense_date.toordinal() if record.offense_date else 0
        said = (record.record_id, record.ncic, record.charge, record.disposition)
        return (self.weighed.order, newest, *said, self.weighed.number)


def explain(assessment: Assessment) -> str:
    """The reason in full: with what would change it, what was dropped, by reason and without
    content, and the rules."""
    dropped = ", ".join(f"{count} {reason}" for reason, count in assessment.dropped.items())
    parts = [assessment.reason, *assessment.changes]
    if assessment.source:
        parts.append(f"Source of the rule: {assessment.source}.")
    if dropped:
        parts.append(f"Not counted: {dropped}.")
    return " ".join([*parts, f"Rules: {assessment.policy} {assessment.table}."])


def say_level(used: Sequence[Reading], lane: str, rule: Rule) -> str:
    """Why a level was given."""
    one = used[0]
    recorded = one.record.disposition.strip() or "(blank)"
    parts = [
        f"Level {rule.level}: {rule.title} (rule {rule.id}), from {one.name}: {one.coding.why};"
        f" {one.degree_why}; disposition {recorded!r}: {one.disposition.state}."
    ]
    if len(used) > 1:
        parts.append(f"Together with {', '.join(other.name for other in used[1:])}.")
    if lane == "charge":
        parts.append("Rests on a charge, not on convictions alone.")
    return " ".join(parts)


def say_doubt(one: Reading, rule: Rule, certain: int | None) -> str:
    """Which open fact keeps a person from being given a level."""
    gaps = [one.coding.why, one.degree_why]
    if not one.weighed.sure:
        recorded = one.record.disposition.strip()
        state = one.disposition.state
        gaps.append(f"disposition {recorded!r} ({state}) leaves open whether it counts")
    so_far = f"Level {certain}" if certain else "no level"
    rule_named = f", {rule.title} (rule {rule.id})" if one.coding.category else ""
    return (
        f"Needs review: {one.name} could make Level {rule.level}{rule_named}:"
        f" {'; '.join(gaps)}. Certain so far: {so_far}."
    )


def say_source(rule: Rule) -> str:
    """What a rule rests on, and when it was in force."""
    return f"{rule.source}; in force {rule.effective_from} to {rule.effective_to or 'today'}"


def say_nothing(readings: Sequence[Reading]) -> str:
    """Why there is neither a level nor a doubt."""
    if not readings:
        return "No level: no record counts under this policy."
    one = readings[0]
    return (
        f"No level: no rule gives one to {one.name}, the most severe that counts:"
        f" {one.coding.why}; {one.degree_why}."
    )


def say_changes(
    used: Sequence[Reading], standing: Standing, without: Standing, policy: Policy
) -> tuple[str, ...]:
    """Which facts would change it: those not on the record, and the loss of what it rests on.

    without: the standing of the records that are left when those used are dropped.
    """
    one, rule = used[0], policy.rules[standing.rule]
    weighed = one.weighed
    said = _if_worse(weighed, rule, policy) if standing.level else [_if_known(weighed, rule)]
    if standing.level and standing.lane == "charge":
        said.append("Would go before the charges of its level if it led to a conviction.")
    names = " and ".join(each.name for each in used)
    left = policy.tiers[without.tier]
    if without.tier != standing.tier:
        said.append(f"Without {names} (dismissed, sealed, expunged): {left}.")
    else:
        said.append(f"Without {names}: still {left}, by what else is on record.")
    return tuple(said)


def _if_known(one: Weighed, rule: Rule) -> str:
    """What would settle a doubt."""
    needed = []
    if one.category is None:
        needed.append("what the offense was")
    if one.degree is Degree.UNKNOWN and rule.degree[one.degree] == "review":
        needed.append("its degree or maximum sentence")
    if not one.sure:
        needed.append("its disposition")
    found = " and ".join(needed) or "whether the record is right"
    return f"A person settles it by finding {found}."


def _if_worse(one: Weighed, rule: Rule, policy: Policy) -> list[str]:
    """Facts that the record does not hold, and that would make a more severe level."""
    category = one.category
    if category is None:
        return []
    said = []
    for better in policy.rules:
        if better.level >= rule.level or better.records > 1:
            continue
        if better.aggravated and category.aggravated == "depends" and one.degree is Degree.FELONY:
            said.append(
                f"Would be Level {better.level} if {category.condition}: then an aggravated felony"
                f" under 8 U.S.C. 1101(a)(43){category.paragraph}."
            )
        named = better.categories is not None and category.id in better.categories
        if named and one.degree is Degree.UNKNOWN and better.degree[Degree.FELONY] == "yes":
            said.append(f"Would be Level {better.level} if shown to be a felony: {better.title}.")
    return said
