"""Seals derived files with AES-256-GCM, chunk by chunk, and reads them from any place.

A sealed file is: magic 8 B | key id 8 B | salt 32 B | chunks. Each file has a key of its own, made
from the named one and the salt; a chunk is 1 MiB (the last one what is left) and a tag of 16 B, its
nonce its number and whether it is the last, so that none can be moved, lost or put at the end.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.errors import KeysError, StoreError
from engine.store.keyring import ID_BYTES, SECRET_BYTES, Key
from engine.store.sealing import TAG_BYTES, Vault

MAGIC = b"TPSEAL\0\1"
SALT_BYTES = 32
HEADER_BYTES = len(MAGIC) + ID_BYTES + SALT_BYTES
CHUNK = 1 << 20  # bytes


class Writer:
    """Seals what is written into a file, from front to end; `close` it for the last chunk."""

    def __init__(self, file: IO[bytes], key: Key, place: str) -> None:
        salt = os.urandom(SALT_BYTES)
        self._file, self._place = file, place
        self._header = MAGIC + bytes.fromhex(key.id) + salt
        self._cipher = _cipher(key, salt)
        self._waiting = bytearray()
        self._chunks = 0
        file.write(self._header)

    def write(self, data: Any) -> int:
        with memoryview(data).cast("B") as view:
            self._waiting += view
            size = len(view)
        while len(self._waiting) > CHUNK:  # one chunk is held back: it may be the last
            self._put(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return size

    def tell(self) -> int:
        return self._chunks * CHUNK + len(self._waiting)

    def seek(self, offset: int, whence: int = 0) -> int:
        raise io.UnsupportedOperation("a sealed file is written from front to end")

    def flush(self) -> None:
        """Nothing: what waits is sealed when its chunk is full."""

    def close(self) -> None:
        self._put(bytes(self._waiting), last=True)
        self._waiting.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()

    def _put(self, chunk: bytes, *, last: bool) -> None:
        about = self._header + self._place.encode()
        self._file.write(self._cipher.encrypt(_nonce(self._chunks, last), chunk, about))
        self._chunks += 1


class Reader(io.RawIOBase):
    """The plain bytes of a sealed file, from any place, one chunk in memory.

    KeysError without the key, StoreError where it is no sealed file of that place, whole to its
    last chunk; reading raises StoreError where a chunk is damaged.
    """

    def __init__(self, file: IO[bytes], vault: Vault, place: str) -> None:
        super().__init__()
        self._header = file.read(HEADER_BYTES)
        key_id = key_of(self._header)
        if key_id is None:
            raise StoreError(f"{place} is not sealed")
        salt = self._header[-SALT_BYTES:]
        self._file, self._place = file, place
        self._cipher = _cipher(vault.find(key_id), salt)
        sealed = file.seek(0, os.SEEK_END) - HEADER_BYTES
        self._count = max(1, -(-sealed // (CHUNK + TAG_BYTES)))
        self._size = sealed - self._count * TAG_BYTES
        self._at = 0
        self._held = -1
        self._chunk = b""
        self._open(self._count - 1)  # a file that lost its end is refused at once

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, begin + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        filled = 0
        with memoryview(buffer).cast("B") as view:
            while filled < len(view) and self._at < self._size:
                number, offset = divmod(self._at, CHUNK)
                if number != self._held:
                    self._open(number)
                some = self._chunk[offset : offset + len(view) - filled]
                view[filled : filled + len(some)] = some
                filled += len(some)
                self._at += len(some)
        return filled

    def _open(self, number: int) -> None:
        self._file.seek(HEADER_BYTES + number * (CHUNK + TAG_BYTES))
        sealed = self._file.read(CHUNK + TAG_BYTES)
        nonce = _nonce(number, number == self._count - 1)
        about = self._header + self._place.encode()
        try:
            self._chunk = self._cipher.decrypt(nonce, sealed, about)
        except InvalidTag:
            raise StoreError(f"{self._place} is damaged, or was put there from elsewhere") from None
        self._held = number


def key_of(header: bytes) -> str | None:
    """The id of the key that a file is sealed with, by its first bytes; None for another file."""
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        return None
    return header[len(MAGIC) : len(MAGIC) + ID_BYTES].hex()


def key_of_file(path: Path) -> str | None:
    """The id of the key that a file is sealed with; None for a plain one. OSError without one."""
    with path.open("rb") as file:
        return key_of(file.read(HEADER_BYTES))


def reseal(source: IO[bytes], target: IO[bytes], vault: Vault, place: str) -> None:
    """Copies a sealed file under the first key, a chunk at a time. Errors as of Reader."""
    key = vault.key
    if key is None:
        raise KeysError(f"{place}: there is no key to seal it with")
    with Reader(source, vault, place) as reader, Writer(target, key, place) as writer:
        while chunk := reader.read(CHUNK):
            writer.write(chunk)


def _cipher(key: Key, salt: bytes) -> AESGCM:
    derive = HKDF(SHA256(), SECRET_BYTES, salt, b"tenprint derived file")
    return AESGCM(derive.derive(key.secret))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
