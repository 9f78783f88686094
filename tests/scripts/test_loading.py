"""Load tests: what they conclude from what they measured, and one of each against a service."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

if importlib.util.find_spec("locust") is None:  # to import it would change this process
    pytest.skip("locust is not installed", allow_module_level=True)

ROOT = Path(__file__).parents[2]
# In a process of their own: locust's gevent changes the sockets and threads of all that runs there.
ALONE = """
import json, sys
sys.path[:0] = [{root!r}, {root!r} + "/scripts"]
import gevent.monkey
gevent.monkey.patch_all()
{body}
"""


def alone(body: str) -> object:
    """What the code prints as JSON, run by itself."""
    code = ALONE.format(root=str(ROOT), body=body)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def loadtest(*words: object) -> subprocess.CompletedProcess[str]:
    """Runs `scripts/loadtest` without making an environment first."""
    script = ROOT / "scripts/loadtest.py"
    return subprocess.run(
        [sys.executable, str(script), *map(str, words)], capture_output=True, text=True, check=False
    )


def test_the_knee_is_the_highest_rate_that_was_kept_up_with() -> None:
    found = alone(
        """
from loading.knee import Step, knee_of, verdicts
def step(name, asked, p95=0.1, busy=0, errors=0):
    return Step(name, asked, asked, 0.05, p95, p95, busy, errors, 0, 10, 0, 0.0, 0.0)
steps = [step("up", 2), step("up", 4), step("up", 8, p95=3.0), step("finer", 5),
         step("finer", 6, busy=1), step("twice the knee", 10, busy=9, p95=9.0),
         step("half the knee", 2.5)]
bad = [*steps[:-2], step("twice the knee", 10, errors=1), step("half the knee", 2, p95=2.0)]
print(json.dumps([knee_of(steps).asked, list(verdicts(steps).values()),
                  list(verdicts(bad).values()), knee_of(steps[2:3])]))
"""
    )
    assert found == [5, [True, True, True], [True, False, False], None]


def test_answers_are_counted_by_what_became_of_them() -> None:
    found = alone(
        """
from loading.arrivals import Answer
from loading.knee import summarise
from loading.mixing import WRONG_PERSON
some = [Answer("x", 0, 0.1 * n, 200, "") for n in range(1, 6)]
some += [Answer("x", 0, 9, 429, ""), Answer("x", 0, 9, 429, "429 without Retry-After")]
some += [Answer("x", 0, 9, 500, ""), Answer("x", 0, 9, 0, "")]
some += [Answer("x", 0, 0.3, 200, WRONG_PERSON)]
s = summarise("up", 5.0, 2.0, some, memory=1, processor=0.5, client=0.1)
print(json.dumps([s.answered, round(s.p50, 3), s.busy, s.errors, s.wrong, s.sent, s.holds]))
"""
    )
    # Of ten: six good (one of them somebody else), two busy of which one says no time, two failed.
    assert found == [3.0, 0.3, 2, 3, 1, 10, False]


@pytest.mark.parametrize(("grown", "flat"), [(0.0, True), (0.01, True), (0.5, False), (-0.5, True)])
def test_memory_is_flat_or_it_is_not(grown: float, flat: bool) -> None:
    found = alone(
        f"""
import random
from loading.soak import trend_of
rng = random.Random(1)
warm = [(at, 1e9 * (at / 360)) for at in range(0, 360, 5)]
then = [(at, 1e9 * (1 + {grown} * (at - 360) / 3600 + 0.01 * rng.gauss(0, 1)))
        for at in range(360, 1800, 5)]
print(json.dumps(trend_of(warm + then).flat))
"""
    )
    assert found is flat


def test_a_mix_is_read_or_refused() -> None:
    found = alone(
        """
from loading.mixing import read_mix
try:
    read_mix("identify=1,identify=2")
except ValueError as error:
    print(json.dumps([read_mix("identify=3,enrol=1"), str(error)]))
"""
    )
    assert found == [
        {"identify": 0.75, "enrol": 0.25},
        "'identify=1,identify=2': write a mix as identify=90,enrol=10",
    ]


def test_kills_under_load_lose_nothing(tmp_path: Path) -> None:
    told = tmp_path / "chaos.json"
    done = loadtest(
        "chaos", "--fingers", 200, "--kills", 1, "--between", 1, "--clients", 3, "--json", told
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(told.read_text())
    assert found["killed"] == {"service": 1}
    assert found["acknowledged"] > 0
    assert all(found["verdicts"].values())


def test_the_knee_of_a_small_gallery_is_found(tmp_path: Path) -> None:
    told, page = tmp_path / "knee.json", tmp_path / "knee.html"
    loadtest(
        "knee", "--fingers", 200, "--seconds", 1, "--first", 30, "--json", told, "--html", page,
        "--mix", "identify=80,enrol=15,delete=5",
    )  # fmt: skip
    found = json.loads(told.read_text())
    first = found["steps"][0]
    assert (first["name"], first["asked"]) == ("up", 30.0)
    assert first["sent"] > 0
    assert not first["errors"]
    assert first["p50"] > 0
    assert found["at_rest"]["errors"] == 0
    assert "<polyline" in page.read_text()
