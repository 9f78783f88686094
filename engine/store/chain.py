"""The chain: every entry's hash covers the hash before it, so that no entry can be changed, taken
out or put in without the next ones telling."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

BEGINNING = "0" * 64  # what stands for the hash before the first entry
TOLD_EVERY = 10_000  # entries between two calls of on_progress


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a log, or of its part: its number, and its hash in hex digits."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as it is kept. entry: canonical JSON. beside: what is kept beside it and must say
    the same, by the name of the field."""

    sequence: int
    entry: str
    hash: str
    beside: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where a log is not what was written: the entry's number, and what differs."""

    sequence: int
    what: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a walk over a log came to. before: what it began after. head: the last entry that is
    right. broken: the first place that is not, None where there is none."""

    before: Head
    head: Head
    broken: Break | None

    @property
    def count(self) -> int:
        """How many entries are right."""
        return self.head.sequence - self.before.sequence


def canonical(fields: Mapping[str, Any]) -> str:
    """The one way in which these fields are written: JSON with sorted keys, without spaces, in
    ASCII. ValueError for numbers that JSON does not have."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)


def link(before: str, entry: str) -> str:
    """The hash of an entry: SHA-256 over the hash before, as its 64 hex digits, and the entry."""
    return hashlib.sha256((before + entry).encode()).hexdigest()


def check(
    lines: Iterable[Line],
    before: Head,
    *,
    expected: Iterable[Head] = (),
    on_progress: Callable[[int], None] = lambda done: None,
) -> Checked:
    """Walks lines in their order, which must go on after `before`.

    expected: entries after `before`, in their order, as they were written down elsewhere; the log
    must have them with these hashes. on_progress: told how many entries were walked.
    """
    head = before
    rest, noted = iter(lines), iter(expected)
    note = next(noted, None)
    for line in rest:
        fault = _fault(line, head)
        if fault:
            return Checked(before, head, Break(head.sequence + 1, fault + _which(line, head, rest)))
        while note is not None and note.sequence == line.sequence:
            if note.hash != line.hash:
                what = f"its hash is {line.hash}, {note.hash} was written down: it was rewritten"
                return Checked(before, head, Break(line.sequence, what))
            note = next(noted, None)
        head = Head(line.sequence, line.hash)
        if head.sequence % TOLD_EVERY == 0:
            on_progress(head.sequence - before.sequence)
    on_progress(head.sequence - before.sequence)
    if note is not None:
        what = f"missing: the log ends with entry {head.sequence}"
        return Checked(before, head, Break(head.sequence + 1, what))
    return Checked(before, head, None)


def _fault(line: Line, head: Head) -> str:
    """What is wrong with a line that must follow the head; "" where nothing is."""
    if line.sequence != head.sequence + 1:
        return "missing" if line.sequence > head.sequence else f"entry {line.sequence} stands here"
    if link(head.hash, line.entry) != line.hash:
        return "its hash is not that of its content after the entry before"
    if not line.beside:
        return ""
    try:
        fields = json.loads(line.entry)
        said = {name: fields[name] for name in line.beside}
    except (ValueError, KeyError, TypeError) as error:
        return f"it cannot be read ({type(error).__name__})"
    for name, value in line.beside.items():
        if said[name] != value:
            return f"{name} is kept as {value!r}, the entry says {said[name]!r}"
    return ""


def _which(line: Line, head: Head, rest: Iterator[Line]) -> str:
    """Whether the content or the hash was changed, as the next entry tells; "" where it cannot."""
    following = next(rest, None)
    right = link(head.hash, line.entry)
    if line.sequence != head.sequence + 1 or right == line.hash or following is None:
        return ""
    if link(line.hash, following.entry) == following.hash:
        # The hash is that of what stood here; what stands here now is not.
        return ": the content was changed, or what came before was, or an entry was put in or out"
    if link(right, following.entry) == following.hash:
        return ": the hash was changed"
    return ": the entry was rewritten, or the entry before was"
