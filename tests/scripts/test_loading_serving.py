"""The processes of a service that is loaded: found, measured and killed with all they started."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("httpx", reason="pip install 'tenprint[service]'")
if not Path("/proc/self/smaps_rollup").exists():
    pytest.skip("processes are looked at as Linux tells of them", allow_module_level=True)

from loading.serving import Service, family

CHILD = "import time; time.sleep(600)  # {words}"
PARENT = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {child!r}])
print("started", flush=True)
import time; time.sleep(600)
"""


def started(words: str) -> subprocess.Popen[bytes]:
    """A process, and another that it started, whose command has the words."""
    code = PARENT.format(child=CHILD.format(words=words))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    return process


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path, tmp_path / "log")
    try:
        yield made
    finally:
        made.kill()


def lives(pid: int) -> bool:
    """Whether it runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("words", ["spawn_main", "team.serve"])
def test_a_worker_is_killed_and_the_service_is_not(service: Service, words: str) -> None:
    service.process = started(words)
    _, worker = family(service.process.pid)
    for _ in range(100):  # a process that begins has its parent's command for a moment
        if service.kill_worker():
            break
        time.sleep(0.05)
    for _ in range(100):
        if not lives(worker):
            break
        time.sleep(0.05)
    assert not lives(worker)
    assert service.process.poll() is None


def test_where_there_is_no_worker_none_was_killed(service: Service) -> None:
    assert not service.kill_worker()
    service.process = started("something else")
    assert not service.kill_worker()
    assert len(family(service.process.pid)) == 2


def test_killing_it_kills_what_it_started(service: Service) -> None:
    service.process = started("anything")
    everybody = family(service.process.pid)
    assert len(everybody) == 2
    service.kill()
    for _ in range(100):
        if not any(map(lives, everybody)):
            break
        time.sleep(0.05)
    assert not any(map(lives, everybody))


def test_memory_and_processor_are_of_all_of_them(service: Service) -> None:
    service.process = started("anything")
    alone = Service(service.home, service.log, process=subprocess.Popen(["sleep", "600"]))
    try:
        assert service.memory() > alone.memory() > 0
        assert service.processor() >= alone.processor() >= 0.0
    finally:
        alone.kill()
