"""How severe are a person's records under one policy? Three-valued rules over the records.

A rule fits a record with "yes", "no" or "review" (Kleene's third value: the record does not say).
The level is that of the best rule met by certain answers. Where open facts could make it more
severe nobody guesses: the state is "needs-review".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from engine.risk.coding import Category
from engine.risk.counting import LANES, Counted, count_records
from engine.risk.policy import Policy, Rule, list_policies, load_policy
from engine.risk.reasons import explain, say_doubt, say_level, say_nothing
from engine.types import Assessment, Degree, OffenseRecord

__all__ = ["assess", "explain", "list_policies", "load_policy"]

REMEMBERED_ANSWERS = 4096  # policies × categories × degrees; two policies need 470


def assess(records: Sequence[OffenseRecord], policy: Policy) -> Assessment:
    """The level of one person's records under `policy`; the order of the records does not matter.

    state "level": `level` 1..3 by the rule named. "needs-review": an open fact could make it more
    severe than what is certain. "no-record": no record counts, or none that counts has a level.
    Inside a level a rule met by convictions goes before one that needs a charge.
    """
    counted, dropped = count_records(records, policy)
    fits: defaultdict[int, list[Counted]] = defaultdict(list)
    doubts: defaultdict[int, list[Counted]] = defaultdict(list)
    for one in counted:
        yes, review = _answers(policy, one.coding.category, one.degree, one.sure)
        for place in yes:
            fits[place].append(one)
        for place in review:
            doubts[place].append(one)
    met: list[tuple[int, int, Rule, list[Counted]]] = []
    open_: list[tuple[int, int, Rule, Counted]] = []
    for place in sorted({*fits, *doubts}):
        rule, fitting, doubtful = policy.rules[place], fits[place], doubts[place]
        if len(fitting) >= rule.records:
            used = fitting[: rule.records]
            lane = max(LANES.index(one.lane) for one in used)
            met.append((rule.level, lane, rule, used))
        elif len(fitting) + len(doubtful) >= rule.records:
            open_.append((rule.level, place, rule, doubtful[0]))
    best = min(met, key=lambda found: (found[0], found[1], found[3][0].order), default=None)
    worst = min(open_, key=lambda found: (found[0], found[3].order, found[1]), default=None)
    if worst and (best is None or worst[0] < best[0]):
        _, _, rule, one = worst
        reason = say_doubt(one, rule, best[0] if best else None)
        return _assessment(policy, "needs-review", None, one.lane, one, rule, reason, dropped)
    if best:
        level, index, rule, used = best
        lane_name = LANES[index]
        reason = say_level(used, lane_name, rule, policy)
        return _assessment(policy, "level", level, lane_name, used[0], rule, reason, dropped)
    table, reason = policy.table, say_nothing(counted)
    return Assessment(policy.name, "no-record", None, "", "", "", reason, table, dropped)


@lru_cache(maxsize=REMEMBERED_ANSWERS)
def _answers(
    policy: Policy, category: Category | None, degree: Degree, sure: bool
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The rules of the policy, by place, that fit such a record, and those that might."""
    said = [_answer(rule, category, degree, sure) for rule in policy.rules]
    yes = tuple(place for place, answer in enumerate(said) if answer == "yes")
    return yes, tuple(place for place, answer in enumerate(said) if answer == "review")


def _answer(rule: Rule, category: Category | None, degree: Degree, sure: bool) -> str:
    """Kleene's "and" of the rule's conditions: one "no" decides, else one "review"."""
    answers = {rule.degree[degree], "yes" if sure else "review"}
    if category is None:
        answers.add("review" if rule.categories is not None or rule.aggravated else "yes")
    elif (rule.categories is not None and category.id not in rule.categories) or (
        rule.aggravated and category.aggravated != "always"
    ):
        answers.add("no")
    return "no" if "no" in answers else "review" if "review" in answers else "yes"


def _assessment(
    policy: Policy,
    state: str,
    level: int | None,
    lane: str,
    one: Counted,
    rule: Rule,
    reason: str,
    dropped: dict[str, int],
) -> Assessment:
    category = one.coding.category.id if one.coding.category else ""
    record, table = one.record.record_id, policy.table
    return Assessment(
        policy.name, state, level, lane, record, rule.id, reason, table, dropped, category
    )
