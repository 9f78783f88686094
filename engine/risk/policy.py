"""Severity policies as readable files: which records count, and which of them make which level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from engine.errors import PolicyError
from engine.risk.coding import Offenses, read_offenses
from engine.risk.dispositions import Vocabulary, read_vocabulary
from engine.risk.scales import Scale, read_scales
from engine.risk.suggesting import model_version
from engine.risk.tables import POLICIES, parse_table, require, shared_files, stamp
from engine.types import Degree

MOST_LEVELS: Final = 9
MOST_RULES: Final = 1000
MOST_DAYS: Final = 3650  # until a case is overdue
MOST_ONE_IN: Final = 100
CLOSED: Final = ("expunged", "sealed")  # states whose records hold nothing that could count
LANES = ("conviction", "charge", "drop", "review")
ANSWERS = ("yes", "no", "review")
NAMES = {degree.name.lower(): degree for degree in Degree}
TRAITS = ("violent", "weapon", "harm")
POLICY_FILE: Final = "policy.toml"  # its name among the files of a rule set
MODEL: Final = "suggesting"  # likewise the version of the text model that orders what needs review
HEAD = {
    "name": str, "title": str, "version": str, "effective_from": date, "effective_to": date,
    "author": str, "source": str, "note": str,
    "felony_over_months": int, "scale": str, "aging": dict, "lanes": dict, "rule": list,
}  # fmt: skip
OPTIONAL = ("effective_to", "note")
AGING = {"one_in": int, "due_days": list}
RULE = {
    "id": str, "level": int, "title": str, "source": str, "records": int,
    "categories": list, "aggravated": bool, "traits": list, "degree": dict,
    "effective_from": date, "effective_to": date,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """`records` records that fit make `level`.

    categories: ids, or None for any. aggravated: only aggravated felonies whatever the sentence.
    traits: what the record must say of the act (names of Traits). degree: for each Degree the
    answer "yes", "no" or "review". effective_from, effective_to: when the rule was in force, those
    of its policy where it names none; told with every level. Which rules rank is the caller's
    choice, so that a case can be ranked by the rules of any day.
    """

    id: str
    level: int
    title: str
    source: str
    records: int
    categories: frozenset[str] | None
    aggravated: bool
    traits: tuple[str, ...]
    degree: dict[Degree, str]
    effective_from: date
    effective_to: date | None


@dataclass(frozen=True, slots=True)
class Aging:
    """When a case that waits becomes overdue, and what that gives it.

    due_days: for each tier of the policy, in their order, the days after which a case is overdue.
    one_in: one place in so many goes to overdue cases, the longest overdue first.
    """

    one_in: int
    due_days: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """One version of one policy; two are equal only if they are the same object.

    table: version and hash of all the rules it rests on. lanes: for each disposition state
    "conviction", "charge", "drop" or "review". felony_over_months: an offense that may be
    punished longer is a felony where the record states no degree. tiers: of the queue, first to
    last. scale: orders the cases inside a level; scales: all there are. files: everything above as
    text, so that the same rules can be read again on any later day. memo: of engine.risk.standing.
    """

    name: str
    title: str
    version: str
    effective_from: date
    effective_to: date | None
    author: str
    source: str
    note: str
    table: str
    felony_over_months: int
    lanes: dict[str, str]
    rules: tuple[Rule, ...]
    tiers: tuple[str, ...]
    aging: Aging
    scale: Scale
    scales: Mapping[str, Scale]
    offenses: Offenses
    vocabulary: Vocabulary
    files: Mapping[str, bytes]
    memo: list[Any] = field(default_factory=list, repr=False)

    def by(self, scale: str) -> Policy:
        """The same policy with another scale inside its levels. PolicyError where it has none."""
        if scale not in self.scales:
            raise PolicyError(f"no scale {scale!r}; there are {', '.join(self.scales)}")
        return replace(self, scale=self.scales[scale], memo=[])


def list_policies() -> list[str]:
    """The names of the policies that come with Tenprint."""
    return sorted(path.stem for path in POLICIES.glob("*.toml"))


def load_policy(name: str | Path) -> Policy:
    """A policy of the package by name, or a site's own by the path of its TOML file.

    Raises PolicyError with the reason where the policy is unknown or not valid.
    """
    if isinstance(name, str) and name in list_policies():
        return _load(POLICIES / f"{name}.toml")
    path = Path(name)
    if path.suffix.lower() != ".toml":
        known = ", ".join(list_policies())
        raise PolicyError(f"no policy {str(name)!r}; there are {known}, or give a .toml file")
    policy = _read(path)
    own = policy.files[POLICY_FILE]
    if (
        policy.name in list_policies()
        and own != _load(POLICIES / f"{policy.name}.toml").files[POLICY_FILE]
    ):
        raise PolicyError(
            f"{path.name}: {policy.name!r} is a policy that comes with Tenprint; give yours a name "
            "of its own"
        )
    return policy


def read_policy(files: Mapping[str, bytes], where: str = POLICY_FILE) -> Policy:
    """A policy from the contents of its files (see Policy.files), those of an older version too.

    where: names the policy's own file in errors. Raises PolicyError.
    """
    table = parse_table(files[POLICY_FILE], where)
    require(table, HEAD, where)
    for key in HEAD:
        if key not in table and key not in OPTIONAL:
            raise PolicyError(f"{where}: {key!r} is missing")
    _check_said(table, ("name", "title", "version", "author", "source"), where)
    if table["felony_over_months"] < 0:
        raise PolicyError(f"{where}: felony_over_months must be 0 or more")
    period = table["effective_from"], table.get("effective_to")
    _check_period(*period, where)
    offenses, words = read_offenses(files), read_vocabulary(files)
    rules = tuple(_rule(row, where, offenses, period) for row in table["rule"])
    if not 1 <= len(rules) <= MOST_RULES:
        raise PolicyError(f"{where}: there must be 1 to {MOST_RULES} rules, not {len(rules)}")
    if len({rule.id for rule in rules}) < len(rules):
        raise PolicyError(f"{where}: two rules have the same id")
    tiers = _tiers(rules, where)
    scales = read_scales(files, offenses.categories)
    if table["scale"] not in scales:
        raise PolicyError(f"{where}: scale must be one of {', '.join(scales)}")
    return Policy(
        table["name"],
        table["title"],
        table["version"],
        table["effective_from"],
        table.get("effective_to"),
        table["author"],
        table["source"],
        table.get("note", ""),
        stamp(table["version"], files),
        table["felony_over_months"],
        _lanes(table["lanes"], where, words),
        rules,
        tiers,
        _aging(table["aging"], where, tiers),
        scales[table["scale"]],
        scales,
        offenses,
        words,
        dict(files),
    )


@cache
def _load(path: Path) -> Policy:
    return _read(path)


def _read(path: Path) -> Policy:
    try:
        own = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: no name that a file can have
        why = getattr(error, "strerror", None) or error
        raise PolicyError(f"{path}: cannot be read ({why})") from error
    return read_policy(
        {**shared_files(), MODEL: model_version().encode(), POLICY_FILE: own}, path.name
    )


def _tiers(rules: tuple[Rule, ...], where: str) -> tuple[str, ...]:
    """Level 1, what someone has to read, the other levels, and what nothing on record ranks."""
    levels = sorted({rule.level for rule in rules})
    if levels != list(range(1, len(levels) + 1)):
        raise PolicyError(f"{where}: levels must be 1, 2, ... without a gap, not {levels}")
    first, *others = [f"Level {level}" for level in levels]
    return (first, "needs review", *others, "no counting record")


def _aging(table: dict[str, Any], where: str, tiers: tuple[str, ...]) -> Aging:
    where = f"{where}: [aging]"
    require(table, AGING, where)
    if set(table) != set(AGING):
        raise PolicyError(f"{where}: both {' and '.join(AGING)} are needed")
    days, one_in = table["due_days"], table["one_in"]
    if len(days) != len(tiers) or not all(
        type(each) in (int, float) and 0 < each <= MOST_DAYS for each in days
    ):
        raise PolicyError(
            f"{where}: due_days needs a number, over 0 and up to {MOST_DAYS}, for each of"
            f" {', '.join(tiers)}"
        )
    if not 2 <= one_in <= MOST_ONE_IN:
        raise PolicyError(f"{where}: one_in must be 2 to {MOST_ONE_IN}")
    return Aging(one_in, tuple(float(each) for each in days))


def _lanes(lanes: dict[str, Any], where: str, words: Vocabulary) -> dict[str, str]:
    """Every disposition state must have its lane: what is left out could vanish silently."""
    states = set(words.states)
    if states != set(lanes):
        wrong = ", ".join(sorted(states ^ set(lanes)))
        raise PolicyError(f"{where}: [lanes] must name every disposition state once: {wrong}")
    for state, lane in lanes.items():
        if lane not in LANES:
            raise PolicyError(f"{where}: lane of {state!r} must be one of {', '.join(LANES)}")
        if state in CLOSED and lane != "drop":
            raise PolicyError(f"{where}: what is {state} never counts; its lane must be 'drop'")
    return dict(lanes)


def _rule(row: Any, where: str, offenses: Offenses, period: tuple[date, date | None]) -> Rule:
    if not isinstance(row, dict):
        raise PolicyError(f"{where}: each rule must be a [[rule]] table")
    where = f"{where}: rule {row.get('id', '?')!r}"
    require(row, RULE, where)
    for key in ("id", "level", "title", "source"):
        if key not in row:
            raise PolicyError(f"{where}: {key!r} is missing")
    _check_said(row, ("id", "title", "source"), where)
    if not 1 <= row["level"] <= MOST_LEVELS:
        raise PolicyError(f"{where}: level must be 1 to {MOST_LEVELS}")
    if row.get("records", 1) < 1:
        raise PolicyError(f"{where}: records must be 1 or more")
    _check_names(row.get("categories"), offenses.categories, "categories", where)
    _check_names(row.get("traits"), TRAITS, "traits", where)
    start = row.get("effective_from", period[0])
    end = row.get("effective_to", period[1])
    _check_period(start, end, where)
    return Rule(
        row["id"],
        row["level"],
        row["title"],
        row["source"],
        row.get("records", 1),
        frozenset(row["categories"]) if "categories" in row else None,
        row.get("aggravated", False),
        tuple(row.get("traits", ())),
        _degrees(row.get("degree"), where),
        start,
        end,
    )


def _check_said(table: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in keys:
        if not table[key].strip():
            raise PolicyError(f"{where}: {key!r} is empty")


def _check_names(names: Any, known: Any, what: str, where: str) -> None:
    if names is not None and not names:
        raise PolicyError(f"{where}: {what} is empty; leave it out where it does not matter")
    if names is None:
        return
    unknown = {str(name) for name in names} - set(known)
    if unknown:
        raise PolicyError(f"{where}: unknown {what} {', '.join(sorted(unknown))}")


def _check_period(start: date, end: date | None, where: str) -> None:
    if end and end < start:
        raise PolicyError(f"{where}: 'effective_to' is before 'effective_from'")


def _degrees(answers: dict[str, Any] | None, where: str) -> dict[Degree, str]:
    """The answer for every degree: all "yes" without a condition; unnamed ones as documented."""
    if answers is None:
        return dict.fromkeys(Degree, "yes")
    if not answers:
        raise PolicyError(f"{where}: degree is empty; leave it out where it does not matter")
    full = {degree: "review" if degree is Degree.UNKNOWN else "no" for degree in Degree}
    for name, answer in answers.items():
        if name not in NAMES or answer not in ANSWERS:
            raise PolicyError(
                f"{where}: degree takes {', '.join(NAMES)}, each one of {', '.join(ANSWERS)};"
                f" not {name} = {answer!r}"
            )
        full[NAMES[name]] = answer
    return full
