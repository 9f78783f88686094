"""Sealed files: read from any place, and no chunk changed, lost, moved or taken from another."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest

from engine.errors import KeysError, StoreError
from engine.index import saving
from engine.store import sealed_files
from engine.store.keyring import add_key
from engine.store.sealed_files import HEADER_BYTES, Reader, Writer, key_of, reseal
from engine.store.sealing import Vault

CHUNK = 64
SEALED = CHUNK + 16
PLACE = "index/1-default.npz"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_files, "CHUNK", CHUNK)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    add_key(tmp_path / "keys")
    return Vault(tmp_path / "keys")


def seal(data: bytes, vault: Vault, place: str = PLACE, step: int = 50) -> bytes:
    file = io.BytesIO()
    assert vault.key
    with Writer(file, vault.key, place) as writer:
        for start in range(0, len(data), step):
            writer.write(data[start : start + step])
        assert writer.tell() == len(data)
    return file.getvalue()


def unseal(sealed: bytes, vault: Vault, place: str = PLACE) -> bytes:
    return Reader(io.BytesIO(sealed), vault, place).read()


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 128, 129, 1000])
@pytest.mark.parametrize("step", [1, 50, 2000])
def test_what_was_written_is_read(vault: Vault, size: int, step: int) -> None:
    data = os.urandom(size)
    sealed = seal(data, vault, step=step)
    assert unseal(sealed, vault) == data
    assert len(sealed) == HEADER_BYTES + size + 16 * max(1, -(-size // CHUNK))
    assert size < 16 or data[:16] not in sealed


def test_any_part_can_be_read(vault: Vault) -> None:
    data = os.urandom(500)
    reader = io.BufferedReader(Reader(io.BytesIO(seal(data, vault)), vault, PLACE), 32)
    for at, count in ((490, 20), (0, 70), (63, 2), (128, 64), (200, 0), (600, 5)):
        reader.seek(at)
        assert reader.read(count) == data[at : at + count]
    assert reader.seek(-10, os.SEEK_END) == 490
    assert reader.read() == data[490:]


def test_arrays_are_saved_and_read(vault: Vault) -> None:
    arrays = {"a": np.arange(1000), "empty": np.zeros((0, 3)), "b": np.eye(7, dtype=np.float32)}
    file = io.BytesIO()
    assert vault.key
    with Writer(file, vault.key, PLACE) as writer:
        saving.write(writer, arrays)  # type: ignore[arg-type]
    read = saving.read(Reader(file, vault, PLACE) if not file.seek(0) else file)
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)


def test_no_chunk_is_changed_lost_moved_or_of_another_file(vault: Vault) -> None:
    data = bytes(3 * CHUNK + 10)
    sealed, other = seal(data, vault), seal(data, vault)
    head, body = sealed[:HEADER_BYTES], sealed[HEADER_BYTES:]
    chunks = [body[start : start + SEALED] for start in range(0, len(body), SEALED)]
    changed = bytearray(sealed)
    changed[-30] ^= 1
    wrong = {
        "changed": bytes(changed),
        "a lost end": head + b"".join(chunks[:3]),
        "a lost middle": head + chunks[0] + chunks[2] + chunks[3],
        "swapped": head + chunks[1] + chunks[0] + chunks[2] + chunks[3],
        "more": sealed + b"\0",
        "nothing": head,
        "half a header": head[:20],
        "of another file": head + other[HEADER_BYTES:],
        "another salt": other[:HEADER_BYTES] + body,
    }
    for what, bad in wrong.items():
        with pytest.raises(StoreError):
            unseal(bad, vault)
            pytest.fail(what)
    with pytest.raises(StoreError):
        unseal(sealed, vault, "index/2-other.npz")


def test_another_key_does_not_open_it(vault: Vault, tmp_path: Path) -> None:
    add_key(tmp_path / "other")
    with pytest.raises(KeysError, match="is not in"):
        unseal(seal(b"x", vault), Vault(tmp_path / "other"))


def test_it_comes_under_the_first_key(vault: Vault, tmp_path: Path) -> None:
    data = os.urandom(200)
    sealed, old = seal(data, vault), vault.key
    new = add_key(tmp_path / "keys")
    target = io.BytesIO()
    reseal(io.BytesIO(sealed), target, vault, PLACE)
    assert old and (key_of(sealed), key_of(target.getvalue())) == (old.id, new.id)
    assert unseal(target.getvalue(), vault) == data
    with pytest.raises(StoreError):
        reseal(io.BytesIO(sealed[:-1]), io.BytesIO(), vault, PLACE)


def test_a_write_that_fails_leaves_no_end(vault: Vault) -> None:
    file = io.BytesIO()
    assert vault.key
    with pytest.raises(RuntimeError), Writer(file, vault.key, PLACE) as writer:
        writer.write(bytes(200))
        raise RuntimeError
    with pytest.raises(StoreError):
        unseal(file.getvalue(), vault)
