"""Serving: `tenprint serve` as processes of their own, started, watched, killed and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from engine.settings import THREAD_VARIABLES

READY_SECONDS = 300.0
GRACE_SECONDS = 90.0  # to end in order
WORKERS = ("spawn_main", "team.serve")  # in their commands: extraction first, then search
TICKS = os.sysconf("SC_CLK_TCK")  # of processor time a second


@dataclass
class Service:
    """One process of the service, on a port of this machine. log: where its words go."""

    home: Path
    log: Path
    more: Sequence[str] = ()
    database: str = ""
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    ready_seconds: float = field(default=0.0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, and waits until it is ready. RuntimeError where it does not become so."""
        if not self.port:
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.port = free.getsockname()[1]
        where = ["--database", self.database] if self.database else []
        # The threads that this process allows itself are not the service's, which sets its own.
        env = {key: value for key, value in os.environ.items() if key not in THREAD_VARIABLES}
        began = time.perf_counter()
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "engine", "--home", str(self.home), *where, "serve"),
                    *("--port", str(self.port), *self.more),
                ],
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
                env=env,
            )
        while not self._is_ready():
            if self.process.poll() is not None or time.perf_counter() - began > READY_SECONDS:
                self.kill()
                raise RuntimeError(f"the service does not become ready: see {self.log}")
            time.sleep(0.05)
        self.ready_seconds = time.perf_counter() - began

    def stop(self) -> None:
        """Ends it in order; what it does not end by itself is killed."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """kill -9, of the service and of all that it started."""
        if self.process is None:
            return
        for pid in reversed(family(self.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def kill_itself(self) -> None:
        """kill -9 of the service alone: what it started has to see to its own end."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def kill_worker(self) -> bool:
        """kill -9 of one process that extracts or searches for it; whether there was one."""
        if self.process is None:
            return False
        for words in WORKERS:
            for pid in family(self.process.pid)[1:]:
                if words in _command(pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        return True
        return False

    def memory(self) -> int:
        """Bytes of the service and its processes; pages that they share are counted once."""
        return sum(map(_held, family(self.process.pid))) if self.process else 0

    def processor(self) -> float:
        """Seconds of processor time that they have had."""
        return sum(map(_spent, family(self.process.pid))) if self.process else 0.0

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/ready", trust_env=False, timeout=5.0).status_code == 200
        except httpx.HTTPError:
            return False


def family(pid: int) -> list[int]:
    """A process and all that it started, as far as they live."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = [each for one in threads for each in (one / "children").read_text().split()]
    except OSError:
        return [pid]
    return [pid, *(each for child in children for each in family(int(child)))]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _held(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _spent(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS
