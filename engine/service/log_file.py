"""The log as a file: JSON Lines, each entry with its hash and the one before."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import InputError, TenprintError
from engine.service.results import Progress
from engine.store.audit import READ_AT_ONCE, Entry
from engine.store.chain import BEGINNING, Checked, Head, Line, canonical, check


@dataclass(frozen=True, slots=True)
class Exported:
    """What went into a file: how many entries, from which to which, and the file's SHA-256."""

    entries: int
    first: int
    last: int
    sha256: str


def verify_file(
    path: Path,
    *,
    since: int = 0,
    head: Head | None = None,
    on_progress: Progress = lambda done, total: None,
) -> Checked:
    """Walks an exported log, without a database; it must begin after entry `since`. InputError
    where the file cannot be read or is no export."""
    total = path.stat().st_size if path.is_file() else 0
    before = Head(0, BEGINNING)
    if since:
        found = next((each for each in read(path) if each[0] > since), None)
        if found is not None:
            before = Head(since, found[3])
    lines = (Line(sequence, entry, hashed, {}) for sequence, entry, hashed, _ in read(path, since))
    return check(
        lines,
        before,
        expected=iter([head] if head else ()),
        on_progress=lambda done: on_progress(done, max(done, total)),
    )


def write(path: Path, entries: Iterator[Entry], total: int, on_progress: Progress) -> Exported:
    """Writes entries, whole or not at all. total: of the log, for on_progress. TenprintError where
    the file cannot be written."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    count = first = last = 0
    digest = hashlib.sha256()
    try:
        with partial.open("xb") as file:
            for each in entries:
                line = (
                    f'{{"entry":{each.entry},"hash":"{each.hash}","previous":"{each.previous}"}}\n'
                )
                file.write(line.encode())
                digest.update(line.encode())
                first, last, count = first or each.sequence, each.sequence, count + 1
                if count % READ_AT_ONCE == 0:
                    on_progress(each.sequence, total)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise TenprintError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    on_progress(total, total)
    return Exported(count, first, last, digest.hexdigest())


def read(path: Path, since: int = 0) -> Iterator[tuple[int, str, str, str]]:
    """(number, canonical entry, hash, hash before) of each line of an export."""
    number = 0
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                number += 1
                document: dict[str, Any] = json.loads(line)
                fields = document["entry"]
                if fields["sequence"] > since:
                    yield (
                        fields["sequence"],
                        canonical(fields),
                        document["hash"],
                        document["previous"],
                    )
    except OSError as error:
        raise InputError(str(path), str(error.strerror)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}:{number}", "no line of an exported audit log") from error
