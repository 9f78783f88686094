"""Lets any step show its intermediate result under a key; off costs nothing and needs no `if`.

The null object of SourceAFIS's transparency: a step always calls `trace.show`, and the default
trace forgets at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Trace:
    """Forgets everything. Give `lambda: value` where making the value costs time."""

    def show(self, key: str, value: Any | Callable[[], Any]) -> None:
        """Offer `value` (or the function that makes it) under `key`, e.g. "preprocess.mask"."""


class Recorder(Trace):
    """Keeps what the steps show, in `shown`, a dict of key to value."""

    def __init__(self) -> None:
        self.shown: dict[str, Any] = {}

    def show(self, key: str, value: Any | Callable[[], Any]) -> None:
        self.shown[key] = value() if callable(value) else value


SILENT = Trace()
