"""What all tests share: no settings from outside, and each database that a test may run on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import postgres

# Tests are small: threads of linear algebra cost them more than they gain, minutes where other
# programs are at work. Said before NumPy is loaded.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# What a developer has set must not be written to.
for name in ("TENPRINT_HOME", "TENPRINT_DATABASE", "TENPRINT_KEYS"):
    os.environ.pop(name, None)

SQLITE, POSTGRESQL = "sqlite", "postgresql"
REASON = pytest.StashKey[str]()
VERSION = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sqlite: about SQLite's file, not for PostgreSQL")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs whatever uses `backend`, by itself or by a fixture, on both databases."""
    if "backend" in metafunc.fixturenames:
        both = not metafunc.definition.get_closest_marker("sqlite") and not postgres.why_not()
        metafunc.parametrize("backend", [SQLITE, POSTGRESQL] if both else [SQLITE])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        named = "server" in getattr(item, "fixturenames", ())
        if named or parameters.get("backend") == POSTGRESQL:
            item.user_properties.append(("backend", POSTGRESQL))


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[postgres.Server]:
    """A throwaway PostgreSQL; what asks for it is skipped where there is none."""
    try:
        started = postgres.start()
    except postgres.UnavailableError as error:
        request.config.stash[REASON] = str(error)
        pytest.skip(str(error))
    try:
        request.config.stash[VERSION] = started.version()
        yield started
    finally:
        started.stop()


@pytest.fixture
def target(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path | str]:
    """What `Database` opens: nothing yet for SQLite, a database with this version's tables for
    PostgreSQL."""
    if backend == SQLITE:
        yield tmp_path / "tenprint.sqlite"
        return
    server: postgres.Server = request.getfixturevalue("server")
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture
def empty_target(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Path | str]:
    """What `Database` opens, without any tables."""
    if backend == SQLITE:
        yield tmp_path / "tenprint.sqlite"
        return
    server: postgres.Server = request.getfixturevalue("server")
    url = server.create(empty=True)
    yield url
    server.drop(url)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Of several processes that test, each tells the first what its PostgreSQL was."""
    told = getattr(session.config, "workeroutput", None)
    if told is not None:
        stash = session.config.stash
        told.update(reason=stash.get(REASON, ""), version=stash.get(VERSION, ""))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    told = getattr(node, "workeroutput", {})
    for key, name in ((REASON, "reason"), (VERSION, "version")):
        if told.get(name):
            node.config.stash[key] = told[name]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Says in one line whether PostgreSQL was tested on."""
    ran = sum(
        ("backend", POSTGRESQL) in report.user_properties
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
        if isinstance(report, pytest.TestReport) and report.when == "call"
    )
    reason = config.stash.get(REASON, "") or postgres.why_not()
    if ran:
        version = config.stash.get(VERSION, "")
        terminalreporter.write_line(f"PostgreSQL {version}: {ran} tests ran on it")
    else:
        terminalreporter.write_line(f"PostgreSQL: no test ran on it{reason and ': ' + reason}")
