"""The turnstile: readers together, a change alone."""

from __future__ import annotations

import threading

from engine.service.turnstile import Turnstile

LONG = 30.0  # seconds: nobody waits so long but where something is wrong
SOON = 0.05  # seconds, in which who is not held up would have come


def start(work) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_readers_pass_together() -> None:
    lock, both = Turnstile(), threading.Barrier(2, timeout=LONG)

    def read() -> None:
        with lock.reading():
            both.wait()  # is left only when both are inside

    threads = [start(read), start(read)]
    for thread in threads:
        thread.join(LONG)
    assert not both.broken


def test_who_changes_is_alone_and_goes_before_readers_that_come_later() -> None:
    lock, order = Turnstile(), []
    inside, leave, changing = threading.Event(), threading.Event(), threading.Event()

    def read() -> None:
        with lock.reading():
            inside.set()
            leave.wait(LONG)
            order.append("reader out")

    def change() -> None:
        changing.set()
        with lock.alone():
            order.append("changed")

    def read_later() -> None:
        with lock.reading():
            order.append("later reader")

    threads = [start(read)]
    assert inside.wait(LONG)
    threads.append(start(change))
    assert changing.wait(LONG)
    while not lock._waiting:  # until it waits
        pass
    threads.append(start(read_later))
    threads[-1].join(SOON)
    assert order == []
    leave.set()
    for thread in threads:
        thread.join(LONG)
    assert order == ["reader out", "changed", "later reader"]


def test_who_is_alone_may_be_so_again_and_read_on_when_the_change_ends() -> None:
    lock, changed = Turnstile(), threading.Event()

    def change() -> None:
        with lock.alone():
            changed.set()

    with lock.alone():
        with lock.alone():
            pass
        reading = lock.reading()
        reading.__enter__()
        other = start(change)
        assert not changed.wait(SOON)
    assert not changed.wait(SOON)  # the reader is still inside
    reading.__exit__(None, None, None)
    assert changed.wait(LONG)
    other.join(LONG)


def test_an_error_lets_others_in() -> None:
    lock = Turnstile()
    for way in (lock.reading, lock.alone):
        try:
            with way():
                raise RuntimeError
        except RuntimeError:
            pass
    with lock.alone():
        pass
