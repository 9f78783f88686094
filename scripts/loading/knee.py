"""The knee: the highest rate that the service keeps up with, what it does beyond, and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from loading.arrivals import BUSY, Answer, Client, Request
from loading.mixing import WRONG_PERSON
from loading.serving import Service

BOUND = 1.0  # seconds that 95 % of the answers may take
FIRST, FASTER, FINER = 2.0, 1.6, 1.12  # a second; between steps on the way up, and near the knee
MOST = 500.0  # a second: more, and this measures the client
WORSE = 0.15  # more of the answers that may have somebody else first than at the first rate
AT_REST = 60  # searches one after the other
UP = "up"


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one rate. asked, answered: a second; p50 ... p99: seconds, of what was
    answered 200 or 204; memory: bytes; processor: cores' worth that the service had, and client:
    that whoever asked had; failures: what the errors were, each with how often."""

    name: str
    asked: float
    answered: float
    p50: float
    p95: float
    p99: float
    busy: int
    errors: int
    wrong: int
    sent: int
    memory: int
    processor: float
    client: float
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the service kept up."""
        return not self.errors and not self.busy and self.p95 <= BOUND


def at_rest(client: Client, make: Callable[[], Request], count: int = AT_REST) -> dict[str, Any]:
    """One request after the other: their times, after some that warm up."""
    for _ in range(5):
        client.send(make())
    client.take()
    for _ in range(count):
        client.send(make())
    answers = client.take()
    good = [each.late for each in answers if each.status == 200]
    return {"count": count, "errors": count - len(good), **_quantiles(good)}


def climb(
    client: Client,
    services: Sequence[Service],
    make: Callable[[], Request],
    seconds: float,
    tell: Callable[[Step], None],
    first: float = FIRST,
) -> list[Step]:
    """Steps of rising rate until the service does not keep up, then finer ones from the last that
    it kept up with, then one of twice the knee and one of half of it."""
    steps: list[Step] = []

    def take(name: str, rate: float) -> Step:
        steps.append(measure(client, services, make, name, rate, seconds, len(steps)))
        tell(steps[-1])
        return steps[-1]

    rate, kept = first, 0.0
    while rate <= MOST and take(UP, rate).holds:
        kept, rate = rate, rate * FASTER
    failed, rate = rate, kept * FINER
    while kept and rate < failed and take("finer", rate).holds:
        kept, rate = rate, rate * FINER
    if kept:
        take("twice the knee", 2 * kept)
        take("half the knee", kept / 2)
    return steps


def measure(
    client: Client,
    services: Sequence[Service],
    make: Callable[[], Request],
    name: str,
    rate: float,
    seconds: float,
    seed: int,
) -> Step:
    """One rate for some seconds."""
    before, own = sum(each.processor() for each in services), _own_processor()
    took = client.arrive(make, rate, seconds, seed)
    spent = sum(each.processor() for each in services) - before
    return summarise(
        name,
        rate,
        took,
        client.take(),
        memory=sum(each.memory() for each in services),
        processor=spent / took,
        client=(_own_processor() - own) / took,
    )


def summarise(name: str, rate: float, took: float, answers: Sequence[Answer], **told: Any) -> Step:
    """The answers of one rate as a step."""
    statuses = Counter(each.status for each in answers)
    good = [each.late for each in answers if each.status in (200, 204)]
    busy = statuses[BUSY]
    failures = Counter(filter(None, map(_failure, answers)))
    return Step(
        name=name,
        asked=rate,
        answered=len(good) / took,
        **_quantiles(good),
        busy=busy,
        errors=failures.total(),
        wrong=sum(each.wrong == WRONG_PERSON for each in answers),
        sent=len(answers),
        failures=dict(failures),
        **told,
    )


def _failure(answer: Answer) -> str:
    """What was wrong with an answer, "" where nothing was: another person first is no error."""
    if answer.wrong and answer.wrong != WRONG_PERSON:
        return f"{answer.kind}: {answer.wrong}"
    if answer.status in (200, 204, BUSY):
        return ""
    return f"{answer.kind}: {answer.status or 'the connection broke'}"


def knee_of(steps: Sequence[Step]) -> Step | None:
    """The highest rate that the service kept up with on the way up; None where there is none."""
    return max(
        (step for step in steps if step.holds and step.name in (UP, "finer")),
        key=lambda step: step.asked,
        default=None,
    )


def verdicts(steps: Sequence[Step]) -> dict[str, bool]:
    """What must hold, and whether it did."""
    beyond = [step for step in steps if step.name == "twice the knee"]
    after = [step for step in steps if step.name == "half the knee"]
    return {
        "there is a knee": knee_of(steps) is not None,
        "beyond it nothing but 429": all(not step.errors for step in beyond),
        "after it as before": all(step.holds for step in after),
        "the right person is first as often at every rate": all(
            _share_wrong(step) <= _share_wrong(steps[0]) + WORSE for step in steps
        ),
    }


def document(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The steps as JSON."""
    return [asdict(step) for step in steps]


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {"p50": float("inf"), "p95": float("inf"), "p99": float("inf")}
    return {f"p{q}": float(np.percentile(seconds, q)) for q in (50, 95, 99)}


def _own_processor() -> float:
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _share_wrong(step: Step) -> float:
    """Of what was answered: drawn impressions can be poor, so it is some at any rate."""
    answered = step.sent - step.busy - step.errors
    return step.wrong / answered if answered else 0.0
