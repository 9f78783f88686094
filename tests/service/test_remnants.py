"""Pieces of deleted content are found wherever they lie in a file, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.service import remnants
from engine.service.remnants import PIECE, SPAN

CONTENT = np.random.default_rng(5).bytes(6000)


@pytest.mark.parametrize("before", [0, 1, 2, 3, 4095, SPAN - PIECE, SPAN - 5, SPAN, SPAN + 7])
def test_a_piece_is_found_wherever_it_begins(tmp_path: Path, before: int) -> None:
    piece = min(remnants.pieces(CONTENT))
    file = tmp_path / "file"
    file.write_bytes(bytes(before) + piece + b"more")
    (tmp_path / "other").write_bytes(bytes(before) + piece[:-1] + b"?")
    moved: list[tuple[int, int]] = []
    found = remnants.look_through(
        remnants.files_of(tmp_path), {piece}, lambda *step: moved.append(step)
    )
    assert found == {file: {piece}, tmp_path / "other": set()}
    assert moved[-1][0] == moved[-1][1] == 2 * before + 2 * PIECE + 4


def test_every_stretch_of_twice_a_piece_holds_one() -> None:
    wanted = remnants.pieces(CONTENT)
    table = remnants.make_table(wanted)
    for start in range(remnants.SKIPPED, len(CONTENT) - 2 * PIECE, 97):
        assert remnants.find(CONTENT[start : start + 2 * PIECE - 1], wanted, table)


def test_other_content_has_none() -> None:
    wanted = remnants.pieces(CONTENT)
    other = np.random.default_rng(6).bytes(100_000)
    assert remnants.find(other, wanted, remnants.make_table(wanted)) == set()


def test_what_is_short_or_uniform_is_not_looked_for(tmp_path: Path) -> None:
    assert remnants.pieces(b"short") == set()
    assert remnants.pieces(bytes(5000)) == set()
    (tmp_path / "file").write_bytes(b"x" * 99)
    assert remnants.look_through(remnants.files_of(tmp_path), set()) == {tmp_path / "file": set()}


def test_a_file_that_went_meanwhile_holds_nothing(tmp_path: Path) -> None:
    gone = {tmp_path / "gone": 50}
    assert remnants.look_through(gone, remnants.pieces(CONTENT)) == {tmp_path / "gone": set()}
