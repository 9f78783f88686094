"""A team gives what one process gives, whatever becomes of its members."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernels import sharing
from kernels.team import LIVES, Team, TeamError

pytestmark = pytest.mark.skipif(not sharing.can_share(), reason="this system has no memfd")


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    made = Team(2)
    yield made
    made.close()


def total(array: np.ndarray, part: slice) -> int:
    return int(array[part].sum())


def process(_piece: int) -> int:
    time.sleep(0.02)
    return os.getpid()


def fail(piece: int) -> int:
    if piece == 3:
        raise ValueError(f"not {piece}")
    return piece


def die_once(folder: str, piece: int) -> int:
    """Kills its process the first time that piece 2 is tried."""
    if piece == 2:
        try:
            (Path(folder) / "tried").touch(exist_ok=False)
        except FileExistsError:
            return piece
        os.kill(os.getpid(), signal.SIGKILL)
    return piece


def die(folder: str, _piece: int) -> None:
    with (Path(folder) / "deaths").open("ab") as file:
        file.write(b".")
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_come_in_the_order_of_the_pieces(team: Team) -> None:
    assert team.map(abs, range(-40, 0)) == list(range(40, 0, -1))
    assert team.map(abs, []) == []


def test_all_members_work_and_not_this_process(team: Team) -> None:
    at_work = set(team.map(process, range(12)))
    assert at_work == set(team.processes)
    assert os.getpid() not in at_work


def test_members_see_what_is_written_later_and_new_memory(team: Team) -> None:
    for size in (10, 1000):
        made = team.empty(size, np.int64)
        for value in (1, 2):
            made[:] = value
            found = team.map(partial(total, made), [slice(0, size // 2), slice(size // 2, size)])
            assert found == [value * size // 2] * 2
        del made


def test_an_error_of_a_piece_is_raised_and_the_team_goes_on(team: Team) -> None:
    with pytest.raises(ValueError, match="not 3"):
        team.map(fail, range(8))
    with pytest.raises(Exception, match="pickle"):
        team.map(lambda piece: piece, [1])
    assert team.map(fail, [1, 2]) == [1, 2]


def test_many_threads_ask_at_once(team: Team) -> None:
    found: dict[int, list[int]] = {}

    def ask(number: int) -> None:
        found[number] = team.map(abs, [-number] * 30)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [number] * 30 for number in range(8)}


def test_what_a_member_was_at_that_died_is_done_by_others(team: Team, tmp_path: Path) -> None:
    made = team.empty(6, np.int64)
    made[:] = range(6)
    assert team.map(partial(total, made), [slice(0, 6)]) == [15]
    before = set(team.processes)
    assert team.map(partial(die_once, str(tmp_path)), range(6)) == list(range(6))
    assert len(before & set(team.processes)) == 1
    # the new one knows nothing of memory that the old one knew
    assert team.map(partial(total, made), [slice(n, n + 1) for n in range(6)]) == list(range(6))


def test_a_piece_that_kills_is_given_up(team: Team, tmp_path: Path) -> None:
    with pytest.raises(TeamError):
        team.map(partial(die, str(tmp_path)), [1])
    assert (tmp_path / "deaths").stat().st_size <= LIVES


def test_a_team_of_which_all_died_at_once_works_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Team(1)
    try:
        with pytest.raises(TeamError):
            made.map(partial(die, str(tmp_path)), [1])
        with pytest.raises(TeamError, match="is left"):
            made.map(abs, [-1])
        monkeypatch.setattr("kernels.team.REST", 0.0)
        assert made.map(abs, [-1]) == [1]
        assert made.map(process, [1]) == made.processes
    finally:
        made.close()


def test_a_member_that_cannot_be_replaced_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no memory")

    made = Team(1)
    try:
        assert made.map(abs, [-1]) == [1]
        with monkeypatch.context() as patched:
            patched.setattr("kernels.team.subprocess.Popen", refuse)
            with pytest.raises(TeamError, match="is left"):
                made.map(partial(die, str(tmp_path)), [1])
            patched.setattr("kernels.team.REST", 0.0)
            with pytest.raises(TeamError, match="is left"):
                made.map(abs, [-1])
        monkeypatch.setattr("kernels.team.REST", 0.0)
        assert made.map(abs, [-1]) == [1]
    finally:
        made.close()


def test_a_team_that_was_dismissed_says_so_and_leaves_no_process() -> None:
    made = Team(1)
    assert made.map(abs, [-1]) == [1]
    (member,) = made.processes
    made.close()
    with pytest.raises(ProcessLookupError):
        os.kill(member, 0)
    with pytest.raises(TeamError, match="dismissed"):
        made.map(abs, [-1])


def test_where_nothing_can_be_shared_this_process_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    made = Team(2)
    assert len(made) == 0
    assert sharing.owner_of(made.empty(3, np.int64)) is None
    assert made.map(lambda piece: piece + 1, [1, 2]) == [2, 3]
    made.close()
