"""A team of processes that compute over shared arrays.

Threads share the interpreter's lock, which the CPU's kernels need between NumPy's calls, as does
whoever answers meanwhile (docs/performance.md). Processes have a lock each. The arrays of a gallery
lie in memory that all of them map; what is sent to and fro is a probe, the numbers of some
candidates, and their scores.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from kernels import sharing
from kernels.sharing import Memory

Given = TypeVar("Given")
Made = TypeVar("Made")

AHEAD = 2  # pieces that a member has at a time: the next one is there when one is done
SHARES = 2  # that the pieces of one task make for each member
LIVES = 3  # times that a piece is tried whose member died
REST = 10.0  # seconds until one that died at once is tried again: memory may be there then
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

log = logging.getLogger(__name__)


class TeamError(RuntimeError):
    """No member of the team lived long enough to do a piece of work."""


@dataclass(eq=False)
class Task:
    """Work over several pieces, asked for by one thread, which waits for all."""

    work: Any
    pieces: Sequence[Any]
    results: list[Any] = field(default_factory=list)
    left: int = 0
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)


@dataclass
class Piece:
    """One piece of a task."""

    task: Task
    number: int
    lives: int = LIVES


class Team:
    """Processes that take pieces of work in the order in which they were asked for; for any number
    of threads. One that dies is replaced, and what it was at is done again."""

    def __init__(self, members: int) -> None:
        """members: processes, at least one. Where memory cannot be shared there are none."""
        self._lock = threading.RLock()
        self._waiting: deque[Piece] = deque()
        self._closed = False
        self._members: list[Member] = []
        for _ in range(members if sharing.can_share() else 0):
            self._members.append(Member(self))

    def __len__(self) -> int:
        return len(self._members)

    @property
    def processes(self) -> list[int]:
        """The members' process ids."""
        return [member.pid for member in self._members]

    def empty(self, shape: int | tuple[int, ...], dtype: npt.DTypeLike) -> Any:
        """A new array that all members can read. Made of ordinary memory where there are none."""
        return sharing.empty(shape, dtype, self) if self._members else np.empty(shape, dtype)

    def map(self, work: Callable[[Given], Made], pieces: Sequence[Given]) -> list[Made]:
        """`work` of each piece, in their order. work: pickled; its arrays in shared memory are not
        copied. The first error of a piece is raised. TeamError where members keep dying."""
        if not pieces:
            return []
        if not self._members:
            return [work(piece) for piece in pieces]
        # Few messages: this process may be busy when a member has nothing more to do. Pieces often
        # come in the order of their size: a share has some of each, and who gets the first share
        # of the first round gets the last one of the next.
        members = len(self._members)
        count = min(len(pieces), SHARES * members)
        shares = [pieces[first::count] for first in range(count)]
        order = [*range(min(members, count)), *reversed(range(members, count))]
        task = Task(partial(_each, work), shares, [None] * len(shares), len(shares))
        with self._lock:
            if self._closed:
                raise TeamError("the team was dismissed")
            self._waiting.extend(Piece(task, number) for number in order)
            self.hand_out()
        task.done.wait()
        if task.error is not None:
            raise task.error
        return [task.results[i % count][i // count] for i in range(len(pieces))]

    def hand_out(self) -> None:
        """Gives what waits to members that have room, the idlest first."""
        with self._lock:
            for each in self._members if not self._closed else ():
                each.revive()
            while self._waiting and not self._closed:
                living = [member for member in self._members if not member.dead]
                member = min(living, key=lambda each: len(each.at), default=None)
                if member is not None and len(member.at) >= AHEAD:
                    return
                piece = self._waiting.popleft()
                if member is None:
                    self.finish(piece, None, TeamError("no process of the search is left"))
                    continue
                if piece.task.error is None:
                    member.give(piece)
                else:
                    self.finish(piece, None)

    def finish(self, piece: Piece, result: Any, error: BaseException | None = None) -> None:
        """Takes the result of a piece."""
        with self._lock:
            task = piece.task
            task.error = task.error or error
            task.results[piece.number] = result
            task.left -= 1
            if not task.left:
                task.done.set()

    def again(self, pieces: Sequence[Piece]) -> None:
        """Takes back what a member was at that died."""
        with self._lock:
            for piece in reversed(pieces):
                piece.lives -= 1
                if piece.lives and not self._closed:
                    self._waiting.appendleft(piece)
                else:
                    self.finish(piece, None, TeamError("processes of the search keep dying"))

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Ends the members, once they have done what they are at; what waits is not done."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = list(self._waiting), deque()
            for piece in waiting:
                self.finish(piece, None, TeamError("the team was dismissed"))
        for member in self._members:
            member.end()


class Member:
    """One process of a team, and the thread that listens to it."""

    def __init__(self, team: Team) -> None:
        self._team = team
        self.dead = False
        self.at: deque[Piece] = deque()
        self._sent: dict[int, weakref.ref[Memory]] = {}
        self._died = 0.0
        self._start()
        self._listen_to_it()

    @property
    def pid(self) -> int:
        return self._process.pid

    def give(self, piece: Piece) -> None:
        """Sends a piece; the caller holds the team's lock, so that answers come in order."""
        self.at.append(piece)
        gone = [number for number, memory in self._sent.items() if memory() is None]
        new: list[Memory] = []
        try:
            task = piece.task
            packed = sharing.pack((task.work, task.pieces[piece.number]), new.append)
        except Exception as error:  # what cannot be pickled is the asker's fault
            self.at.pop()
            self._team.finish(piece, None, error)
            return
        fresh = {memory.number: memory for memory in new if memory.number not in self._sent}
        try:
            self._pipe.send((gone, list(fresh)))
            for memory in fresh.values():
                reduction.send_handle(self._pipe, memory.file, self.pid)
            self._pipe.send_bytes(packed)
        except OSError:
            return  # it died: the listener finds out, and takes back what it was at
        for number in gone:
            del self._sent[number]
        self._sent |= {number: weakref.ref(memory) for number, memory in fresh.items()}

    def revive(self) -> None:
        """Starts a process in the place of one that died at once, after a while; the caller holds
        the team's lock."""
        if self.dead and time.monotonic() - self._died >= REST:
            self._died = time.monotonic()
            if self._can_start():
                self.dead = False
                self._listen_to_it()

    def end(self) -> None:
        """Ends the process when it has done what it is at."""
        with suppress(OSError):
            self._pipe.send(None)
        self._listener.join()
        self._process.wait()

    def _can_start(self) -> bool:
        try:
            self._start()
        except OSError as error:  # no memory, too many processes
            log.critical("a process of the search cannot be started: %s", error)
            return False
        return True

    def _listen_to_it(self) -> None:
        self._listener = threading.Thread(target=self._listen, name="team", daemon=True)
        self._listener.start()

    def _start(self) -> None:
        # A fresh process, which knows nothing of this one's main module; a fork would copy locks
        # that other threads hold.
        mine, theirs = socket.socketpair()
        command = f"import sys; sys.path[:] = {sys.path!r}; import kernels.team as team; "
        command += f"team.serve({theirs.fileno()})"
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C is the parent's
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", command],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")},
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            theirs.close()
        self._pipe = Connection(mine.detach())
        self._young = True

    def _listen(self) -> None:
        while True:
            try:
                done, result = pickle.loads(self._pipe.recv_bytes())
            except (EOFError, OSError):
                if self._team.closed:
                    self._team.again(self.at)
                    return
                if self._replace():
                    continue
                return
            self._young = False
            with self._team._lock:
                piece = self.at.popleft()
                self._team.finish(piece, *((result, None) if done else (None, result)))
                self._team.hand_out()

    def _replace(self) -> bool:
        """Starts another process in the place of one that died, unless that was a new one too;
        whether it did."""
        with self._team._lock:
            lost, self.at = list(self.at), deque()
            self._sent.clear()
            status = self._process.wait()
            if self._young:
                log.critical("a process of the search died (%s) before it did anything", status)
            else:
                log.error("a process of the search died (%s): another takes its place", status)
            goes_on = not self._young and self._can_start()
            self.dead, self._died = not goes_on, time.monotonic()
            self._team.again(lost)
            self._team.hand_out()
        return goes_on


def _each(work: Callable[[Given], Made], pieces: Sequence[Given]) -> list[Made]:
    return [work(piece) for piece in pieces]


def serve(file: int) -> None:
    """What a member does, until its parent says so or is no more. file: its end of the pipe."""
    pipe = Connection(file)
    attached: dict[int, Memory] = {}
    while True:
        try:
            told = pipe.recv()
            if told is None:
                return
            gone, new = told
            for number in gone:
                attached.pop(number, None)
            for number in new:
                attached[number] = sharing.attach(number, reduction.recv_handle(pipe))
            packed = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        try:
            work, piece = pickle.loads(packed)
            answer = pickle.dumps((True, work(piece)), pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            answer = _told(error)
        try:
            pipe.send_bytes(answer)
        except OSError:
            return


def _told(error: Exception) -> bytes:
    try:
        return pickle.dumps((False, error), pickle.HIGHEST_PROTOCOL)
    except Exception:
        return pickle.dumps((False, TeamError(f"{type(error).__name__}: {error}")))
