"""Where do a person's records stand under a policy? One person, or a whole queue at once.

Both come to the same: `_settle` for one says what is meant, `_settle_many` does it with arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.risk.counting import LANES, NO_KEY, Book, make_key, read_key, rule_key
from engine.risk.policy import Policy
from engine.types import OffenseRecord

LEVEL, REVIEW, NOTHING = "level", "needs-review", "no-record"
LANE_BIT: Final = make_key(lane=1)
FEW: Final = 64  # persons; more are settled with arrays

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person's records stand, by their facts alone; of those alike there is one object.

    state, level, lane: as in Assessment. tier: place among the policy's tiers. rule: place among
    its rules, -1 for none. category: of the offense that decided, "" where it could not be coded.
    certain: the level that is certain, None for none. key: the order inside the tier.
    """

    state: str
    level: int | None
    lane: str
    tier: int
    rule: int
    category: str
    certain: int | None
    key: int

    @property
    def uncoded(self) -> bool:
        """Whether someone has to read it because nobody could say what the offense is."""
        return self.state == REVIEW and not self.category


class Desk:
    """A policy at work: its book, and every standing that came up."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.book = Book(policy)
        self.several = [place for place, rule in enumerate(policy.rules) if rule.records > 1]
        self.standings: dict[tuple[int, int], Standing] = {}

    @cached_property
    def categories(self) -> list[str]:
        return list(self.policy.offenses.categories)

    def standing(self, met: int, open_: int) -> Standing:
        """The standing by the keys of the best rule that is met and the best that might be."""
        found = self.standings.get((met, open_))
        if found is None:
            found = self.standings[met, open_] = self._stand(met, open_)
        return found

    def _stand(self, met: int, open_: int) -> Standing:
        certain = read_key(met)["level"] if met != NO_KEY else None
        if met == open_ == NO_KEY:
            return Standing(NOTHING, None, "", len(self.policy.tiers) - 1, -1, "", None, 0)
        doubt = open_ != NO_KEY and (certain is None or read_key(open_)["level"] < certain)
        key = open_ if doubt else met
        said = read_key(key)
        category = "" if said["uncoded"] else self.categories[said["category"]]
        lane, rule = LANES[said["lane"]], said["rule"]
        if doubt:
            return Standing(REVIEW, None, lane, 1, rule, category, certain, key)
        tier = self.policy.tiers.index(f"Level {certain}")
        return Standing(LEVEL, certain, lane, tier, rule, category, certain, key)


def book_of(policy: Policy) -> Book:
    """The book of a policy, opened once."""
    return _desk(policy).book


def stand(records: Sequence[OffenseRecord], policy: Policy) -> Standing:
    """Where one person's records stand; neither their order nor anything but facts matters."""
    return stand_many([records], policy)[0]


def stand_many(people: Sequence[Sequence[OffenseRecord]], policy: Policy) -> list[Standing]:
    """Where each person's records stand, in their order."""
    desk = _desk(policy)
    number = desk.book.number
    numbers = []
    for records in people:
        if len({record.record_id for record in records}) < len(records):
            records = drop_repeats(records)
        numbers.append(number(records))
    if len(people) <= FEW:
        pairs = [_settle(each, desk) for each in numbers]
    else:
        pairs = _settle_many(numbers, desk)
    known, made = desk.standings.get, desk.standing
    return [known(pair) or made(*pair) for pair in pairs]


def drop_repeats(records: Sequence[OffenseRecord]) -> list[OffenseRecord]:
    """Each record once; without an id nobody knows whether two alike are one."""
    once: dict[Any, OffenseRecord] = {}
    for place, record in enumerate(records):
        once.setdefault(record if record.record_id else place, record)
    return list(once.values())


def _desk(policy: Policy) -> Desk:
    if not policy.memo:
        policy.memo.append(Desk(policy))
    desk: Desk = policy.memo[0]
    return desk


def _settle(numbers: Sequence[int], desk: Desk) -> tuple[int, int]:
    """The keys of the best rule that is met, and of the best that might be; NO_KEY for none.

    A rule of several records is met in the lane of the last of them, the most severe first.
    """
    weighed = [desk.book.weighed[number] for number in numbers]
    met = min((one.met for one in weighed), default=NO_KEY)
    open_ = min((one.open for one in weighed), default=NO_KEY)
    for place in desk.several:
        rule = desk.policy.rules[place]
        fitting = sorted(one.order for one in weighed if place in one.yes)
        doubts = [one.order for one in weighed if place in one.review]
        if len(fitting) >= rule.records:
            last = read_key(fitting[rule.records - 1])["lane"]
            key = rule_key(_in_lane(fitting[0], last), rule.level, place)
            met = min(met, key)
        elif doubts and len(fitting) + len(doubts) >= rule.records:
            open_ = min(open_, rule_key(min(doubts), rule.level, place))
    return met, open_


def _settle_many(people: Sequence[Sequence[int]], desk: Desk) -> list[tuple[int, int]]:
    """`_settle` of each person. people: the numbers of their records."""
    weighed = desk.book.weighed
    sizes = np.fromiter(map(len, people), np.int64, len(people))
    numbers = np.fromiter((number for each in people for number in each), np.int64, sizes.sum())
    first = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    some = sizes > 0

    def least(keys: Numbers) -> Numbers:
        return _reduce(np.minimum, keys, first, some, NO_KEY)

    def count(fits: npt.NDArray[np.bool_]) -> Numbers:
        return _reduce(np.add, fits[numbers].astype(np.int64), first, some, 0)

    met = least(np.array([one.met for one in weighed], np.int64)[numbers])
    open_ = least(np.array([one.open for one in weighed], np.int64)[numbers])
    order = np.array([one.order for one in weighed], np.int64)
    convicted = np.array([one.lane == 0 for one in weighed], np.bool_)
    for place in desk.several:
        rule = desk.policy.rules[place]
        fits = np.array([place in one.yes for one in weighed], np.bool_)
        doubts = np.array([place in one.review for one in weighed], np.bool_)
        fitting, doubtful = count(fits), count(doubts)
        lane = (count(fits & convicted) < rule.records).astype(np.int64)
        best = least(np.where(fits, order, NO_KEY)[numbers])
        key = rule_key(_in_lane(best, lane), rule.level, place)
        enough = fitting >= rule.records
        met = np.where(enough, np.minimum(met, key), met)
        worst = rule_key(least(np.where(doubts, order, NO_KEY)[numbers]), rule.level, place)
        might = ~enough & (doubtful > 0) & (fitting + doubtful >= rule.records)
        open_ = np.where(might, np.minimum(open_, worst), open_)
    return list(zip(met.tolist(), open_.tolist(), strict=True))


def _reduce(
    work: np.ufunc, values: Numbers, first: Numbers, some: npt.NDArray[np.bool_], nothing: int
) -> Numbers:
    """`work` over the values of each person; `nothing` for who has none."""
    found = np.full(len(first), nothing, np.int64)
    if some.any():  # starts of those who have values are ascending, so each ends at the next
        found[some] = work.reduceat(values, first[some])
    return found


def _in_lane(key: Any, lane: Any) -> Any:
    """The key with another lane; of numbers and of arrays."""
    return key & ~LANE_BIT | lane * LANE_BIT
