"""Keyrings: for their owner only, whole, and never shown."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from engine.errors import KeysError
from engine.store.keyring import Key, add_key, make_key, read_keyring


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_a_new_key_comes_first_and_the_old_stay(file: Path) -> None:
    first = add_key(file)
    second = add_key(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_keyring(file) == (second, first)
    assert first.secret != second.secret
    assert [path.name for path in file.parent.iterdir()] == ["keys"]


def test_keys_have_256_bits_and_are_not_shown() -> None:
    key = make_key()
    assert len(key.secret) == 32
    assert len(key.id) == 16
    assert key.id not in key.secret.hex()
    assert "secret" not in repr(key)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_may_read_or_write_is_refused(file: Path, mode: int) -> None:
    add_key(file)
    file.chmod(mode)
    with pytest.raises(KeysError, match=r"others may read the keys .*: chmod 600"):
        read_keyring(file)
    with pytest.raises(KeysError, match="chmod 600"):
        add_key(file)


def _text(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def _line(key: Key) -> str:
    return f"{key.id} {base64.b64encode(key.secret).decode()}"


ONE, TWO = make_key(), make_key()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "there is no key"),
        (_text("# no key"), "there is no key"),
        (_text(_line(ONE), ONE.id), "line 2 of .* is no key"),
        (_text(_line(ONE), f"{ONE.id} not-base64"), "line 2 of .* is no key"),
        (_text(f"{ONE.id} {_line(TWO).split()[1]}"), "is damaged"),
        (_text(f"{ONE.id} {base64.b64encode(bytes(31)).decode()}"), "is damaged"),
        (b"\xff\xfe", "is no file of keys"),
    ],
    ids=["nothing", "remark", "id alone", "not base64", "another's", "short", "not text"],
)
def test_what_is_no_keyring_is_refused_without_its_words(
    file: Path, content: bytes, words: str
) -> None:
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(KeysError, match=words) as raised:
        read_keyring(file)
    for key in (ONE, TWO):
        assert _line(key).split()[1] not in str(raised.value)


def test_what_is_not_there_is_told_with_what_to_do(file: Path) -> None:
    with pytest.raises(KeysError, match=r"No such file.*tenprint keys new"):
        read_keyring(file)
    with pytest.raises(KeysError, match=r"is no file of keys|Is a directory"):
        read_keyring(file.parent)
    with pytest.raises(KeysError, match="cannot be written"):
        add_key(file.parent / "absent" / "keys")
