"""The figures of a load test: mixes, the knee, the trend of memory, and what was acknowledged."""

from __future__ import annotations

import itertools
import json
import os
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

os.environ.setdefault("LOCUST_SKIP_MONKEY_PATCH", "1")  # the other tests have real threads
pytest.importorskip("locust", reason="pip install 'tenprint[load]'")

import make_gallery
from loading import drawing, knee, ledger, mixing, payloads, soak
from loading.arrivals import Answer, Request
from loading.knee import Step, knee_of, summarise, verdicts
from loading.ledger import Ledger
from loading.mixing import WRONG_PERSON, Mix, read_mix
from loading.payloads import Newcomer, Probe

from engine import pipeline
from engine.formats import template as template_format
from engine.index.gallery import Entry, Gallery

IDLE = {"memory": 0, "processor": 0.0, "client": 0.0}


def newcomer(person: str) -> Newcomer:
    return Newcomer(person, b"{}", Probe(b"{}", person))


def answers(*told: tuple[int, float] | tuple[int, float, str]) -> list[Answer]:
    return [Answer("identify", 0.0, late, status, *(rest or [""])) for status, late, *rest in told]


def step(name: str, asked: float, *told: Any) -> Step:
    return summarise(name, asked, 10.0, answers(*told), **IDLE)


def test_errors_are_told_with_what_they_were() -> None:
    wrong = "429 without Retry-After"
    told = (200, 0.1), (429, 0.1), (429, 0.1, wrong), (500, 0.1), (500, 0.1), (0, 9.0)
    found = step("up", 9.0, *told, (200, 0.1, WRONG_PERSON))
    assert found.failures == {
        f"identify: {wrong}": 1,
        "identify: 500": 2,
        "identify: the connection broke": 1,
    }
    assert (found.errors, found.busy, found.wrong, found.sent) == (4, 2, 1, 7)


def test_a_mix_is_read_as_shares() -> None:
    assert read_mix("identify=90,enrol=10") == {"identify": 0.9, "enrol": 0.1}
    assert read_mix("identify=1,image=1,delete=2") == {
        "identify": 0.25,
        "image": 0.25,
        "delete": 0.5,
    }


@pytest.mark.parametrize(
    "text",
    ["", "identify", "identify=", "search=1", "identify=1,identify=2", "enrol=0", "enrol=-1"],
)
def test_what_is_no_mix_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_mix(text)


def mix(**shares: float) -> Mix:
    people = (newcomer(f"N{number}") for number in itertools.count())
    return Mix(shares, [Probe(b"mated", "P")], [Probe(b"picture", "")], people, "fast")


def test_a_mix_keeps_its_shares() -> None:
    made = mix(identify=0.7, image=0.2, enrol=0.1)
    kinds = [made().kind for _ in range(2000)]
    for kind, share in (("identify", 0.7), ("image", 0.2), ("enrol", 0.1)):
        assert abs(kinds.count(kind) / 2000 - share) < 0.05


def test_only_who_was_acknowledged_is_deleted_and_only_once() -> None:
    made = mix(delete=1.0)
    refused, taken = made(), made()
    assert {refused.kind, taken.kind} == {"enrol"}  # there is nobody to delete yet
    refused.check(429, None)
    taken.check(200, {})
    deleted = made()
    assert deleted.kind == "delete"
    assert "/N1?" in deleted.path
    assert made().kind == "enrol"


def test_whoever_may_be_there_is_left_until_removed() -> None:
    made = mix(delete=1.0)
    unanswered, taken = made(), made()
    assert made.left == {"N0", "N1"}
    unanswered.check(0, None)
    taken.check(200, {})
    deleted = made()
    assert made.left == {"N0", "N1"}
    deleted.check(204, None)
    assert made.left == {"N0"}  # nobody knows whether that one was kept


def test_clients_that_enrol_at_once_enrol_different_people() -> None:
    newcomers = payloads.Newcomers(1, "N")
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: next(newcomers), range(drawing.FINGERS + 20)))
    assert {each.person for each in got} == {f"N-{number}" for number in range(len(got))}
    assert len({each.body for each in got}) == len(got)
    assert all(each.probe.person == each.person for each in got)


def test_what_is_drawn_ahead_is_what_would_be_drawn_anyway() -> None:
    chunks = drawing.drawn_ahead(5, 3)
    first, second = next(chunks), next(chunks)
    chunks.close()
    for chunk, templates in ((3, first), (4, second)):
        expected = make_gallery.draw_chunk((5, chunk, drawing.FINGERS))
        assert [each.minutiae.x.tolist() for each in templates] == [
            each.minutiae.x.tolist() for each in expected
        ]


def test_probes_are_of_the_fingers_that_a_small_gallery_has() -> None:
    enrolled = make_gallery.draw_chunk((1, 0, 12))
    probes = payloads.probes(1, 20, 3, fingers=12)
    assert [each.person for each in probes] == [f"D{n:07d}" for n in range(12)] + [""] * 3
    gallery = Gallery("small")
    gallery.add([Entry(n, f"D{n:07d}", each) for n, each in enumerate(enrolled)])
    first = 0
    for each in probes[:12]:
        (item,) = json.loads(each.body)["biometricData"]
        probe = template_format.decode(b64decode(item["template"]))
        first += pipeline.identify([probe], [gallery]).candidates[0].person == each.person
    assert first >= 11  # of 12: an impression may be a bad one


def test_who_is_first_is_looked_at() -> None:
    check = mixing.identify(Probe(b"", "P")).check
    assert check(200, [{"personId": "P"}, {"personId": "Q"}]) == ""
    assert check(200, [{"personId": "Q"}, {"personId": "P"}]) == WRONG_PERSON
    assert check(200, []) == WRONG_PERSON
    assert check(429, None) == ""
    assert mixing.identify(Probe(b"", "")).check(200, [{"personId": "Q"}]) == ""  # nobody's


def test_a_step_counts_each_answer_as_what_it_is() -> None:
    got = step(
        "up", 5.0, (200, 0.1), (204, 0.2), (200, 0.3, WRONG_PERSON), (429, 0.0),
        (429, 0.0, "429 without Retry-After"), (500, 0.1), (0, 60.0),
    )  # fmt: skip
    assert (got.sent, got.busy, got.wrong) == (7, 2, 1)
    assert got.errors == 3  # 500, no connection, and a 429 that does not say when to come again
    assert got.answered == pytest.approx(0.3)
    assert got.p50 == pytest.approx(0.2)  # of what was answered well alone


def test_the_knee_is_the_highest_rate_that_was_kept_up_with() -> None:
    steps = [
        step("up", 4.0, (200, 0.1)),
        step("up", 8.0, (200, 0.9)),
        step("up", 16.0, (200, 1.1)),
        step("finer", 9.0, (200, 0.95)),
        step("finer", 10.0, (200, 0.5), (429, 0.0)),
        step("twice the knee", 18.0, (200, 0.2), (429, 0.0)),
        step("half the knee", 4.5, (200, 0.1)),
    ]
    best = knee_of(steps)
    assert best is not None
    assert best.asked == 9.0
    assert all(verdicts(steps).values())


def test_what_must_not_be_beyond_the_knee_is_told() -> None:
    held = step("up", 4.0, (200, 0.1))
    broken = [held, step("twice the knee", 8.0, (500, 0.1)), step("half the knee", 2.0, (429, 0.0))]
    told = verdicts(broken)
    assert told["there is a knee"]
    assert not told["beyond it nothing but 429"]
    assert not told["after it as before"]
    assert not verdicts([step("up", 2.0, (200, 1.5))])["there is a knee"]


def test_a_step_without_an_answer_does_not_hold() -> None:
    assert not step("up", 4.0).holds


@pytest.mark.parametrize("most", [7.0, 30.0])
def test_climbing_ends_near_what_the_service_bears(
    most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(*given: Any) -> Step:
        name, rate = given[3], given[4]
        return step(name, rate, (200, 0.1) if rate <= most else (200, 2.0))

    monkeypatch.setattr(knee, "measure", measure)
    told: list[Step] = []
    steps = knee.climb(None, [], None, 1.0, told.append)  # type: ignore[arg-type]
    best = knee_of(steps)
    assert told == steps
    assert best is not None
    assert most / knee.FINER < best.asked <= most
    assert [(each.name, each.asked / best.asked) for each in steps[-2:]] == [
        ("twice the knee", pytest.approx(2.0)),
        ("half the knee", pytest.approx(0.5)),
    ]


HOUR = 3600.0


def memory(gained_an_hour: float, *, spike: float = 0.0) -> list[tuple[float, float]]:
    """A sample every 5 s for half an hour, of 400 MB that jitter by 1 %."""
    times = [5.0 * number for number in range(360)]
    held = [4e8 * (1 + gained_an_hour * at / HOUR + 0.01 * ((7 * i) % 11 - 5) / 5)
            for i, at in enumerate(times)]  # fmt: skip
    held[200] += spike
    return list(zip(times, held, strict=True))


def test_memory_that_stays_is_flat_and_one_spike_changes_nothing() -> None:
    assert soak.trend_of(memory(0.0)).flat
    assert soak.trend_of(memory(0.0, spike=4e9)).flat


def test_memory_that_grows_is_not_flat() -> None:
    trend = soak.trend_of(memory(0.10))
    assert not trend.flat
    assert trend.low <= 0.10 * 4e8 / HOUR <= trend.high


def test_memory_that_grows_only_while_it_warms_up_is_flat() -> None:
    warming = [(at, held * min(1.0, 0.5 + at / 600)) for at, held in memory(0.0)]
    assert soak.trend_of(warming).flat


class Told:
    """A service that knows some people: those there, how often, and who is found first."""

    def __init__(self, there: dict[str, int], first: dict[str, str]) -> None:
        self.there, self.first = there, first

    def send(self, request: Request, due: float | None = None) -> tuple[int, Any]:
        if request.kind == "look":
            person = request.path.split("/")[3]
            count = self.there.get(person, 0)
            return (200, [{}] * count) if count else (404, None)
        # The stand-in's searches carry the person as their body.
        name = self.first.get(request.body.decode(), "")
        return 200, [{"personId": name}] if name else []

    def take(self) -> list[Answer]:
        return []


def named(person: str) -> Newcomer:
    return Newcomer(person, b"{}", Probe(person.encode(), person))


def test_the_ledger_holds_what_was_acknowledged_and_nothing_else() -> None:
    book = Ledger()
    assert book.note_enrolled(named("A"), 200, {}) == ""
    assert book.note_enrolled(named("B"), 202, {"taskId": "T"}) == ""
    assert book.note_enrolled(named("C"), 0, None) == ""  # not answered: either may be
    assert book.note_enrolled(named("D"), 429, None) == ""
    assert "500" in book.note_enrolled(named("E"), 500, None)
    assert book.note_removed(named("F"), 204, None) == ""
    assert book.note_removed(named("G"), 0, None) == ""
    assert "404" in book.note_removed(named("H"), 404, None)
    assert set(book.enrolled) == {"A", "B"}
    assert set(book.removed) == {"F"}
    assert (set(book.tasks), book.unanswered) == ({"T"}, 3)
    assert book.acknowledged == 3
    assert book.open == {"C", "D", "G"}


def test_the_ledger_finds_what_is_lost_double_back_and_hidden() -> None:
    book = Ledger()
    for person in ("good", "lost", "double", "hidden"):
        book.note_enrolled(named(person), 200, {})
    for person in ("gone", "back", "ghost"):
        book.note_removed(named(person), 204, None)
    service = Told(
        {"good": 1, "double": 2, "hidden": 1, "back": 1},
        {"good": "good", "double": "double", "hidden": "good", "ghost": "ghost"},
    )
    found = ledger.look(service, book)  # type: ignore[arg-type]
    assert (found.enrolled, found.removed) == (4, 3)
    assert found.lost == ("lost",)
    assert found.double == ("double",)
    assert found.hidden == ("hidden",)
    assert found.back == ("back", "ghost")
    assert not found.clean
