"""Keyrings: the file of the keys that templates and images are sealed with, for its owner only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import KeysError

SECRET_BYTES = 32  # AES-256
ID_BYTES = 8
OTHERS = stat.S_IRWXG | stat.S_IRWXO
HEAD = """\
# Keys of Tenprint. The first seals what is new, the others open what is old.
# Keep a copy where the database's backups are not: without these keys nothing can be opened.
"""


@dataclass(frozen=True, slots=True)
class Key:
    """One AES-256 key. id: 16 hex digits that follow from it and tell nothing about it."""

    id: str
    secret: bytes = field(repr=False)


def make_key() -> Key:
    """A new key, from the operating system's random numbers."""
    secret = secrets.token_bytes(SECRET_BYTES)
    return Key(id_of(secret), secret)


def id_of(secret: bytes) -> str:
    """The id of a key: a line of a keyring that was mistyped does not go with its id."""
    return hashlib.sha256(b"tenprint key id\0" + secret).hexdigest()[: 2 * ID_BYTES]


def read_keyring(path: Path) -> tuple[Key, ...]:
    """The keys of a file, in its order; KeysError where others may read it, it is no keyring, or
    a key in it is damaged. The message never shows a key."""
    try:
        with path.open("rb") as file:
            _require_private(path, os.fstat(file.fileno()))
            lines = file.read().decode("ascii").splitlines()
    except OSError as error:
        raise KeysError(
            f"the keys in {path} cannot be read: {error.strerror}; name a file made by `tenprint "
            "keys new` with --keys or TENPRINT_KEYS"
        ) from error
    except UnicodeDecodeError:
        raise KeysError(f"{path} is no file of keys: make one with `tenprint keys new`") from None
    keys = [
        _read_line(path, number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not keys:
        raise KeysError(f"there is no key in {path}: make one with `tenprint keys new {path}`")
    return tuple({key.id: key for key in keys}.values())


def add_key(path: Path) -> Key:
    """Puts a new key in front of those in a file, which is made if need be, for its owner only;
    KeysError where that cannot be."""
    path = path.resolve()  # a link stays one
    old = read_keyring(path) if path.exists() else ()
    key = make_key()
    lines = [f"{item.id} {base64.b64encode(item.secret).decode()}\n" for item in (key, *old)]
    try:
        # Another file in its place: nobody ever reads half a keyring. It is made as 0600.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            try:
                file.write(HEAD + "".join(lines))
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
                _sync(path.parent)  # before anything is sealed with it
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise KeysError(f"the keys cannot be written to {path}: {error.strerror}") from error
    return key


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _require_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeysError(f"{path} is no file of keys")
    if status.st_mode & OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise KeysError(f"others may read the keys in {path} (mode {mode:04o}): chmod 600 {path}")
    if status.st_uid not in (os.geteuid(), 0):
        raise KeysError(f"the keys in {path} belong to another user: make a copy of your own")


def _read_line(path: Path, number: int, line: str) -> Key:
    try:
        name, encoded = line.split()
        secret = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise KeysError(f"line {number} of {path} is no key: it must be ID KEY") from None
    if len(secret) != SECRET_BYTES or name != id_of(secret):
        raise KeysError(
            f"key {name[:20]} in line {number} of {path} is damaged: take the line from a copy"
        )
    return Key(name, secret)
