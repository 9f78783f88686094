"""Stages: tells whoever listens how long each step of a request took; nobody listening costs
nothing and needs no `if`.

Who listens belongs to the thread or task (a context variable), so that steps need not know for
whom they work. One step may work for many requests at once: all their listeners are told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

RECEIVE, DECODE, EXTRACT, CATCH_UP, COMPARE, KEEP, PLACE, ANSWER = (
    "receive",  # the body, from the client
    "decode",  # the request's fields and images out of what came
    "extract",  # templates out of images, in worker processes
    "catch_up",  # what others changed, into the galleries
    "compare",  # probes with the galleries
    "keep",  # to the database, before anybody is told
    "place",  # candidates in the order of work
    "answer",  # the answer, as bytes
)
WAIT = "wait_"  # before the name of a line: until the work was taken out of it

Listener = Callable[[str, int, int], None]  # stage, began, ended: nanoseconds of `clock`
clock = time.perf_counter_ns

_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("listeners", default=())


def listeners() -> tuple[Listener, ...]:
    """Who listens here."""
    return _listeners.get()


@contextmanager
def heard_by(some: Iterable[Listener]) -> Iterator[None]:
    """Makes these the listeners inside the block."""
    before = _listeners.set(tuple(some))
    try:
        yield
    finally:
        _listeners.reset(before)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Tells how long the block took, however it ends."""
    began = clock()
    try:
        yield
    finally:
        tell(_listeners.get(), name, began)


def tell(some: Iterable[Listener], name: str, began: int) -> None:
    """Tells these that a stage that began then has ended now."""
    ended = clock()
    for listener in some:
        listener(name, began, ended)
