"""A lock that many may hold at once to read, and one alone to change."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turnstile:
    """Readers pass together; who changes something waits until they are out, and lets none in
    meanwhile. Who is alone may become so again, and may begin to read before the change ends: then
    nobody else changes anything in between."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._waiting = 0
        self._alone = 0  # the thread that changes
        self._depth = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Together with others who read. Not for who reads already and would wait for itself."""
        me = threading.get_ident()
        with self._changed:
            if self._alone != me:
                self._changed.wait_for(lambda: not self._alone and not self._waiting)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Alone."""
        me = threading.get_ident()
        with self._changed:
            if self._alone != me:
                self._waiting += 1
                try:
                    self._changed.wait_for(lambda: not self._alone and not self._readers)
                finally:
                    self._waiting -= 1
                    self._changed.notify_all()
                self._alone = me
            self._depth += 1
        try:
            yield
        finally:
            with self._changed:
                self._depth -= 1
                if not self._depth:
                    self._alone = 0
                    self._changed.notify_all()
