"""Exporting: files with personal data that leave the database are on record until deleted."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from engine.errors import TenprintError
from engine.formats.manifest import PrintRow
from engine.service.journal import Entry, host
from engine.store import exports


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex digits; TenprintError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TenprintError(f"{path} cannot be read: {error.strerror}") from error


def digest_of(row: PrintRow) -> str:
    """SHA-256 of an image file, as the log tells what went in."""
    return digest(row.path)


def keep_export(connection: Connection, entry: Entry, kind: str, path: Path, **told: Any) -> None:
    """Keeps where a file was written, so that retention reaches it; the log gets its digest, since
    a path may say whom it is about. kind: "report" or "audit". told: more for the log."""
    sha256 = digest(path)
    exports.put(
        connection,
        exports.Export(kind, host(), str(path.resolve()), sha256),
        entry.submission,
    )
    entry.tell(connection, "exported", kind=kind, sha256=sha256, **told)
