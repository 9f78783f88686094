"""Puts an assessment into words: the record, the field, the rule, and what would change it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.risk.counting import Counted
from engine.risk.policy import Policy, Rule
from engine.types import Assessment, Degree


def explain(assessment: Assessment) -> str:
    """The reason in full: with what was dropped, by reason and without content, and the rules."""
    dropped = ", ".join(f"{count} {reason}" for reason, count in assessment.dropped.items())
    left_out = f" Not counted: {dropped}." if dropped else ""
    return f"{assessment.reason}{left_out} Rules: {assessment.policy} {assessment.table}."


def say_level(used: Sequence[Counted], lane: str, rule: Rule, policy: Policy) -> str:
    """Why a level was given, and which fact that is not on the record would change it."""
    one = used[0]
    recorded = one.record.disposition.strip() or "(blank)"
    parts = [
        f"Level {rule.level}: {rule.title} (rule {rule.id}), from {one.name}:"
        f" {one.coding.why}; {one.degree_why}; disposition {recorded!r}: {one.disposition.state}."
    ]
    if len(used) > 1:
        parts.append(f"Together with {', '.join(other.name for other in used[1:])}.")
    if lane == "charge":
        parts.append("Rests on a charge, not on convictions alone.")
    return " ".join(parts + _would_change(one, rule, policy))


def say_doubt(one: Counted, rule: Rule, certain: int | None) -> str:
    """Which open fact keeps a person from being given a level."""
    gaps = [one.coding.why, one.degree_why]
    if not one.sure:
        recorded = one.record.disposition.strip()
        state = one.disposition.state
        gaps.append(f"disposition {recorded!r} ({state}) leaves open whether it counts")
    so_far = f"Level {certain}" if certain else "no level"
    rule_named = f", {rule.title} (rule {rule.id})" if one.coding.category else ""
    return (
        f"Needs review: {one.name} could make Level {rule.level}{rule_named}:"
        f" {'; '.join(gaps)}. Certain so far: {so_far}."
    )


def say_nothing(counted: Sequence[Counted]) -> str:
    """Why there is neither a level nor a doubt."""
    if not counted:
        return "No level: no record counts under this policy."
    one = counted[0]
    return (
        f"No level: no rule gives one to {one.name}, the most severe that counts:"
        f" {one.coding.why}; {one.degree_why}."
    )


def _would_change(one: Counted, rule: Rule, policy: Policy) -> list[str]:
    category = one.coding.category
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
