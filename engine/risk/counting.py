"""What a record comes to under a policy: whether it counts, in which lane, and which rules it fits.

Records are weighed by their facts alone, and those that matter are few: what the offense is, what
came of the charge, and its degree. A `Book` gives each such combination a number, so that a queue
of many hits is ordered by numbers; words are made for a record when someone asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.risk.coding import Category, Coding, code, facts
from engine.risk.dispositions import read_disposition
from engine.risk.policy import Policy, Rule
from engine.risk.traits import Traits
from engine.types import Degree, OffenseRecord

LANES: Final = ("conviction", "charge")  # in this order inside a level
DUPLICATE: Final = "duplicate"
UNRANKED: Final = "code does not rank"
REMEMBERED: Final = 1 << 20  # different texts and codes kept by a book; then it begins anew

# The fields of a key, the most significant first, with their bits: see `make_key`.
BITS: Final = {"level": 4, "lane": 1, "value": 8, "category": 10, "inchoate": 1, "uncoded": 1,
               "rule": 12}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the facts of a record come to under a policy, whoever it is about.

    number: of these facts in the book. drop: why it does not count, "" where it does. lane: place
    in LANES. sure: False where its disposition leaves open whether it counts. yes, review: the
    places of the policy's rules that it fits, and that it might. met, open: keys of the best of
    those rules that need one record, NO_KEY for none. order: its key under no rule.
    """

    number: int
    drop: str
    category: Category | None
    lane: int
    sure: bool
    degree: Degree
    yes: tuple[int, ...]
    review: tuple[int, ...]
    met: int
    open: int
    order: int


def make_key(**values: int) -> int:
    """A number that orders as its fields do: by level, lane, severity on the policy's scale (0 the
    most severe), category, completed before attempted, coded before not, place of the rule."""
    key = 0
    for name, bits in BITS.items():
        key = key << bits | values.get(name, 0)
    return key


def read_key(key: int) -> dict[str, int]:
    """The fields of a key."""
    values = {}
    for name, bits in reversed(BITS.items()):
        values[name] = key & (1 << bits) - 1
        key >>= bits
    return values


NO_KEY: Final = 1 << sum(BITS.values())  # behind every key


class Book:
    """The records seen under one policy, by number. weighed: what each number comes to."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.weighed: list[Weighed] = []
        self._numbers: dict[int, int] = {}
        self._kinds: dict[tuple[str, ...], int] = {}
        self._known: dict[tuple[str, bool, Traits], int] = {}
        self._codings: list[Coding] = []
        self._states: dict[str, int] = {}
        self._degrees: dict[tuple[Degree, int | None], int] = {}
        severities = sorted(set(policy.scale.values.values()), reverse=True)
        self._value = {value: place for place, value in enumerate(severities)}

    def number(self, records: Iterable[OffenseRecord]) -> list[int]:
        """The numbers of the records, in their order."""
        kinds, states, degrees, numbers = self._kinds, self._states, self._degrees, self._numbers
        found = []
        for record in records:
            kind = kinds.get(facts(record))
            if kind is None:
                kind = self._kind(record)
            state = states.get(record.disposition)
            if state is None:
                state = self._state(record.disposition)
            degree = degrees.get((record.degree, record.max_sentence_months))
            if degree is None:
                degree = self._degree(record)
            packed = (kind << 4 | state) << 2 | degree
            number = numbers.get(packed)
            if number is None:
                number = self._weigh(packed, kind, state, Degree(degree))
            found.append(number)
        return found

    def severity(self, category_id: str) -> tuple[int, int]:
        """How severe a category is, (severity on the scale, order of the table), the smallest
        first; one that is unknown stands where the table puts what could not be coded."""
        table = self.policy.offenses
        category = table.categories.get(category_id)
        if category is None:
            category = list(table.categories.values())[table.uncoded_order]
        return self._value[self.policy.scale.values[category.id]], category.order

    def _kind(self, record: OffenseRecord) -> int:
        """The number of what the offense is, with its traits."""
        coding = code(record, self.policy.offenses)
        category = coding.category.id if coding.category else ""
        known = (category, coding.ranks, coding.traits)
        kind = self._known.setdefault(known, len(self._codings))
        if kind == len(self._codings):
            self._codings.append(coding)
        return _keep(self._kinds, facts(record), kind)

    def _state(self, text: str) -> int:
        words = self.policy.vocabulary
        state = read_disposition(text, words).state
        return _keep(self._states, text, words.states.index(state))

    def _degree(self, record: OffenseRecord) -> int:
        degree, _ = read_degree(record, self.policy.felony_over_months)
        return _keep(self._degrees, (record.degree, record.max_sentence_months), int(degree))

    def _weigh(self, packed: int, kind: int, state: int, degree: Degree) -> int:
        policy, coding = self.policy, self._codings[kind]
        name = policy.vocabulary.states[state]
        lane = policy.lanes[name]
        sure = lane != "review"
        drop = name if lane == "drop" else "" if coding.ranks else UNRANKED
        place = LANES.index(lane) if lane in LANES else LANES.index("charge")
        value, order = self.severity(coding.category.id if coding.category else "")
        key = make_key(
            lane=place,
            value=value,
            category=order,
            inchoate=bool(coding.traits.inchoate),
            uncoded=coding.category is None,
        )
        said = [] if drop else [_answer(rule, coding, degree, sure) for rule in policy.rules]
        yes = tuple(place for place, answer in enumerate(said) if answer == "yes")
        review = tuple(place for place, answer in enumerate(said) if answer == "review")
        number = len(self.weighed)
        self.weighed.append(
            Weighed(
                number,
                drop,
                coding.category,
                place,
                sure,
                degree,
                yes,
                review,
                self._best(yes, key),
                self._best(review, key),
                key,
            )
        )
        self._numbers[packed] = number
        return number

    def _best(self, places: Sequence[int], key: int) -> int:
        """The key of the best of these rules, of those that one record is enough for."""
        rules = self.policy.rules
        alone = [place for place in places if rules[place].records == 1]
        return min((rule_key(key, rules[place].level, place) for place in alone), default=NO_KEY)


def rule_key(order: Any, level: int, place: int) -> Any:
    """The key of a record under a rule; of an int, or of an int64 array (N,) of orders."""
    return order | make_key(level=level, rule=place)


def read_degree(record: OffenseRecord, felony_over_months: int) -> tuple[Degree, str]:
    """The degree as stated, else by the maximum sentence, and which it was, in words.

    Degree.UNKNOWN where the record has neither, or where the two disagree.
    """
    stated, months = record.degree, record.max_sentence_months
    if months is None or months < 0:
        if stated is Degree.UNKNOWN:
            return stated, "neither degree nor maximum sentence is recorded"
        return stated, f"{stated.name.lower()} as recorded"
    if months > felony_over_months:
        by_sentence = Degree.FELONY
    else:
        by_sentence = Degree.MISDEMEANOR if months else Degree.INFRACTION
    if stated in (Degree.UNKNOWN, by_sentence):
        return by_sentence, f"{by_sentence.name.lower()} by a maximum sentence of {months} months"
    return Degree.UNKNOWN, (
        f"recorded as {stated.name.lower()} but with a maximum sentence of {months} months,"
        " which disagree"
    )


def _keep(memo: dict[Any, int], key: object, value: int) -> int:
    if len(memo) >= REMEMBERED:
        memo.clear()  # numbers stay: only the way to them is found anew
    memo[key] = value
    return value


def _answer(rule: Rule, coding: Coding, degree: Degree, sure: bool) -> str:
    """Kleene's "and" of the rule's conditions: one "no" decides, else one "review"."""
    category = coding.category
    answers = {rule.degree[degree], "yes" if sure else "review"}
    if category is None:
        asks = rule.categories is not None or rule.aggravated or rule.traits
        answers.add("review" if asks else "yes")
    elif (
        (rule.categories is not None and category.id not in rule.categories)
        or (rule.aggravated and category.aggravated != "always")
        or not all(getattr(coding.traits, name) for name in rule.traits)
    ):
        answers.add("no")
    return "no" if "no" in answers else "review" if "review" in answers else "yes"
