"""Seals prints and tasks with AES-256-GCM, each value bound to its row, and opens them again.

A sealed value is: version 1 B | key id 8 B | nonce 12 B | ciphertext | tag 16 B. The version, the
key id and the name of the row are authenticated with it (see docs/security.md).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, func, select

from engine.errors import KeysError, StoreError
from engine.store.keyring import ID_BYTES, Key, read_keyring
from engine.store.schema import images, probe_prints, tasks, templates

if TYPE_CHECKING:  # loaded with the first key: most installations have none
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = 1
NONCE_BYTES, TAG_BYTES = 12, 16
HEADER_BYTES = 1 + ID_BYTES
OVERHEAD = HEADER_BYTES + NONCE_BYTES + TAG_BYTES  # bytes that a sealed value is longer
OPTION = "tenprint_vault"  # under which a connection knows its vault
COLUMNS: tuple[Column[Any], ...] = tuple(
    table.c.sealed_with for table in (templates, images, probe_prints, tasks)
)


class Vault:
    """What seals and opens values; without a keyring it leaves them as they are."""

    def __init__(self, path: Path | None = None) -> None:
        """path: of a keyring. KeysError where it is no good."""
        self.path = path
        self._keys: dict[str, Key] = {}
        self._ciphers: dict[str, AESGCM] = {}
        self._seen: tuple[int, ...] | None = None
        self._read()

    @property
    def key(self) -> Key | None:
        """The key that seals what is new; None without a keyring."""
        self._read()
        return next(iter(self._keys.values()), None)

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys, the one that seals first."""
        self._read()
        return tuple(self._keys.values())

    @property
    def options(self) -> Mapping[str, Any]:
        """What a connection carries, so that whoever reads or writes through it finds the vault."""
        return {OPTION: self}

    def seal(self, value: bytes, place: str) -> tuple[bytes, str | None]:
        """The value as it is stored in the row that `place` names, and the id of its key."""
        key = self.key
        if key is None:
            return value, None
        header = VERSION.to_bytes(1, "big") + bytes.fromhex(key.id)
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher(key.id).encrypt(nonce, value, header + place.encode())
        return header + nonce + sealed, key.id

    def open(self, value: bytes, sealed_with: str | None, place: str) -> bytes:
        """What `seal` was given. KeysError without the key; StoreError where the value is damaged,
        of an unknown version, or was sealed for another row."""
        if sealed_with is None:
            return value
        header, rest = value[:HEADER_BYTES], value[HEADER_BYTES:]
        if len(value) < OVERHEAD or header[0] != VERSION or header[1:].hex() != sealed_with:
            raise StoreError(f"{place}: not a value that this version sealed with {sealed_with}")
        from cryptography.exceptions import InvalidTag

        cipher = self._cipher(sealed_with)
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], header + place.encode())
        except InvalidTag:
            raise StoreError(
                f"{place}: the sealed value is damaged, or was put there from another row: "
                "restore the database from a backup, or remove the person and enrol again"
            ) from None

    def find(self, key_id: str) -> Key:
        """The key of that id, after another look at the file if need be; KeysError without it."""
        if key_id not in self._keys:
            self._read()
        if key_id in self._keys:
            return self._keys[key_id]
        if self.path is None:
            raise KeysError(
                f"templates, images or tasks are sealed with key {key_id}: name the file of keys "
                "with --keys or TENPRINT_KEYS"
            )
        raise KeysError(
            f"key {key_id} is not in {self.path}, but something here is sealed with it: put "
            "its line back, or name the file that has it with --keys or TENPRINT_KEYS"
        )

    def require_keys(self, connection: Connection) -> None:
        """KeysError where anything in the database is sealed with a key that is not here."""
        for key_id in used_keys(connection):
            self.find(key_id)

    def _cipher(self, key_id: str) -> AESGCM:
        if key_id not in self._ciphers:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._ciphers[key_id] = AESGCM(self.find(key_id).secret)
        return self._ciphers[key_id]

    def _read(self) -> None:
        """Reads the keyring, once more where it has changed: processes that run for long seal with
        a new key as soon as it is there."""
        if self.path is None:
            return
        try:
            status = self.path.stat()
        except OSError:
            if self._keys:  # some secrets are there only while a process starts
                return
            status = None
        seen = status and (status.st_ino, status.st_mtime_ns, status.st_size)
        if not self._keys or seen != self._seen:
            self._keys = {key.id: key for key in read_keyring(self.path)}
            self._seen = seen


def vault_of(connection: Connection) -> Vault:
    """The vault of the database that the connection belongs to."""
    vault = connection.get_execution_options().get(OPTION)
    return vault if isinstance(vault, Vault) else Vault()


def used_keys(connection: Connection) -> list[str]:
    """The ids of all keys that values are sealed with, sorted."""
    found: set[str] = set()
    for column in COLUMNS:
        # From one to the next along the index: DISTINCT would go through all of it.
        last: str | None = ""
        while last is not None:
            query = select(func.min(column)).where(column > last)
            last = connection.execute(query).scalar()
            found |= {last} if last else set()
    return sorted(found)


def template_place(gallery_id: int, print_id: int) -> str:
    """The name of a template's row, known before the row is written."""
    return f"templates/{gallery_id}/{print_id}"


def image_place(print_id: int) -> str:
    """The name of an image's row."""
    return f"images/{print_id}"


def task_place(name: str, part: str) -> str:
    """The name of a task's request or result (part)."""
    return f"tasks/{name}/{part}"


def probe_place(search_id: int, number: int, kind: str) -> str:
    """The name of the row of what was kept of a probe's finger."""
    return f"probe_prints/{search_id}/{number}/{kind}"
