"""A PostgreSQL of the tests' own: started where its programs are installed, gone when they end."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from engine.store.database import Database

VARIABLE = "TENPRINT_TEST_DATABASE"  # the URL of a server that runs, to make databases on
FOLDERS = ("/usr/lib/postgresql", "/usr/local/opt", "/opt/homebrew/opt", "/usr")
USERS = ("postgres", "nobody")  # PostgreSQL refuses to run as root
PATIENCE = 60.0  # seconds, to start
# The server ends when the tests do, however they end: then nobody holds the other end of its input.
RUN = """
"$1" -D "$2/data" -k "$2" -c listen_addresses= -c shared_buffers=64MB $3 >>"$2/log" 2>&1 &
server=$!
cat >/dev/null
kill -INT $server
wait $server
rm -rf "$2"
"""


QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"  # what tests may lose


class UnavailableError(Exception):
    """Why there is no PostgreSQL to test on, in a few words."""


@dataclass
class Server:
    """A running server. url: of a database to connect to, as a role that may make others."""

    url: str
    folder: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    durable: bool = False
    _number: Any = field(default_factory=lambda: count(1))
    _made: str = ""

    def create(self, *, empty: bool = False) -> str:
        """The URL of a new database, with the tables of this version unless it is to be empty."""
        if not empty and not self._made:
            made = self._create("")
            Database(made).close()
            self._made = make_url(made).database or ""
        return self._create("" if empty else self._made)

    def drop(self, url: str) -> None:
        """Deletes a database, whoever is still connected to it."""
        self._run(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def stop(self) -> None:
        """Ends the server, if it is the tests' own, and waits until nothing of it is left."""
        if self._made:
            self.drop(make_url(self.url).set(database=self._made).render_as_string(False))
        if self.process and self.process.stdin:
            self.process.stdin.close()
            self.process.wait()

    def kill(self) -> None:
        """kill -9 of the server and all it started, and another start; what was committed must be
        there if the server is a durable one."""
        assert self.process and self.folder
        server = int((self.folder / "data/postmaster.pid").read_text().split()[0])
        backends = _children(server)  # each in a process group of its own
        os.killpg(self.process.pid, signal.SIGKILL)
        for pid in backends:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        _wait_for_end([server, *backends])  # it does not start while one of them is known
        self.process = _run(self.folder, self.durable)
        _wait_for(self)

    def version(self) -> str:
        with create_engine(self.url).connect() as connection:
            return str(connection.execute(text("SHOW server_version")).scalar())

    def _create(self, template: str) -> str:
        name = f"tenprint_test_{os.getpid()}_{next(self._number)}"
        self._run(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def _run(self, command: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(command))
        engine.dispose()


def why_not() -> str:
    """Why no server can be started here; "" where it may be tried."""
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg is not installed"
    if os.environ.get(VARIABLE):
        return ""
    if programs() is None:
        return "initdb and postgres are not installed"
    if os.geteuid() == 0 and _other_user() is None:
        return f"it does not run as root, and there is no user {' or '.join(USERS)}"
    return ""


@lru_cache
def programs() -> Path | None:
    """The folder of initdb and postgres, of the newest version."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).parent] if on_path else []
    for folder in map(Path, FOLDERS):
        found += sorted(path.parent for path in folder.glob("*/bin/initdb"))
        found += sorted(path.parent for path in folder.glob("pgsql-*/bin/initdb"))
    return next((path for path in reversed(found) if (path / "postgres").exists()), None)


def start(*, durable: bool = False) -> Server:
    """A server that only this run uses; UnavailableError where none can be had. durable: one that
    keeps what was committed, whatever happens."""
    reason = why_not()
    if reason:
        raise UnavailableError(reason)
    given = os.environ.get(VARIABLE)
    if given:
        return Server(make_url(given).set(drivername="postgresql+psycopg").render_as_string(False))
    folder = Path(tempfile.mkdtemp(prefix="tenprint-postgres-", dir="/tmp"))  # a short path
    try:
        return _start(folder, durable)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _start(folder: Path, durable: bool) -> Server:
    binaries, options = programs(), _options(folder)
    assert binaries is not None
    if "user" in options:
        os.chown(folder, options["user"], options["group"])
    initdb = [binaries / "initdb", "-D", folder / "data", "-U", "tenprint", "-A", "trust"]
    made = subprocess.run(
        [*initdb, "--no-sync", "-E", "UTF8", "--locale=C"],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    if made.returncode:
        words = " ".join(made.stderr.split())[-200:]
        raise UnavailableError(f"initdb failed: {words}")
    url = f"postgresql+psycopg://tenprint@/postgres?host={folder}"
    server = Server(url, folder, _run(folder, durable), durable)
    _wait_for(server)
    return server


def _options(folder: Path) -> dict[str, Any]:
    """How its programs are run, as another user where need be."""
    options: dict[str, Any] = {
        "cwd": folder,
        "start_new_session": True,
        "env": {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(folder)},
    }
    if os.geteuid() == 0:
        user = _other_user()
        assert user is not None
        options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return options


def _run(folder: Path, durable: bool) -> subprocess.Popen[bytes]:
    binaries = programs()
    assert binaries is not None
    how = "" if durable else QUICK
    return subprocess.Popen(
        ["sh", "-c", RUN, "sh", str(binaries / "postgres"), str(folder), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **_options(folder),
    )


def _children(parent: int) -> list[int]:
    told = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
    pairs = [tuple(map(int, line.split())) for line in told.stdout.splitlines()]
    return [pid for pid, its_parent in pairs if its_parent == parent]


def _wait_for_end(pids: Iterable[int]) -> None:
    deadline = time.monotonic() + PATIENCE
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            while time.monotonic() < deadline:
                os.kill(pid, 0)
                time.sleep(0.02)


def _wait_for(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(Exception):
            server.version()
            return
        if time.monotonic() > deadline:
            assert server.folder
            log = server.folder / "log"
            words = log.read_text()[-200:] if log.exists() else "it wrote no log"
            server.stop()
            raise UnavailableError(f"postgres does not start: {' '.join(words.split())}")
        time.sleep(0.1)


def _other_user() -> pwd.struct_passwd | None:
    for name in USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None
