"""What is written is read back as told, once and for ever; other bytes are refused."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import TemplateError
from engine.formats.template import MAX_BYTES, decode, encode
from engine.types import (
    EMBEDDING_SIZE,
    MAX_CELLS,
    MAX_MINUTIAE,
    NO_CELLS,
    FingerPosition,
    Maker,
    Minutiae,
    MinutiaKind,
    RidgeCells,
    Template,
)


def ridges(rows: int, columns: int, seed: int = 1) -> RidgeCells:
    """A grid of cells a tenth of which show nothing."""
    chance = np.random.default_rng(seed)
    values = chance.integers(0, 2**16, (rows, columns), np.uint16) | 1
    values[chance.uniform(size=values.shape) < 0.1] = 0
    return RidgeCells(values, left=1, top=2)


def template(n: int = MAX_MINUTIAE, seed: int = 1, cells: RidgeCells = NO_CELLS) -> Template:
    chance = np.random.default_rng(seed)
    embedding = chance.standard_normal(EMBEDDING_SIZE).astype(np.float32)
    return Template(
        minutiae=Minutiae(
            x=chance.uniform(30, 400, n).astype(np.float32),
            y=chance.uniform(50, 500, n).astype(np.float32),
            angle=chance.uniform(0, 2 * np.pi, n).astype(np.float32),
            kind=chance.integers(0, 3, n).astype(np.uint8),
            quality=np.sort(chance.integers(0, 101, n))[::-1].astype(np.uint8),
        ),
        codes=chance.integers(0, 2**64, (n, 4), dtype=np.uint64),
        cells=cells,
        embedding=embedding / np.linalg.norm(embedding),
        quality=63,
        width=416,
        height=560,
        position=FingerPosition.LEFT_RING,
        maker=Maker("gabor", 1, 2, 3, 4, "00ff12ab"),
    )


GRIDS = (NO_CELLS, ridges(1, 1), ridges(4, 7), ridges(50, 32), ridges(40, 40))


def seal(body: bytes) -> bytes:
    """The body with its checksum: a forged template."""
    return body + zlib.crc32(body).to_bytes(4, "little")


@pytest.mark.parametrize("n", [0, 1, 2, 33, MAX_MINUTIAE])
@pytest.mark.parametrize("seed", range(5))
def test_a_template_comes_back_as_told(n: int, seed: int) -> None:
    written = template(n, seed, GRIDS[seed])
    read = decode(encode(written))
    here, there = written.minutiae, read.minutiae
    assert np.array_equal(there.x, np.rint(here.x))
    assert np.array_equal(there.y, np.rint(here.y))
    turn = np.abs(there.angle - here.angle)
    assert np.all(np.minimum(turn, 2 * np.pi - turn) <= np.pi / 256 + 1e-6)
    assert np.all((there.angle >= 0) & (there.angle < 2 * np.pi))
    bifurcation = here.kind == MinutiaKind.BIFURCATION
    assert np.array_equal(there.kind == MinutiaKind.BIFURCATION, bifurcation)
    assert np.all(there.kind[~bifurcation] == MinutiaKind.ENDING)
    assert np.all(np.abs(there.quality.astype(int) - here.quality) <= 8)
    assert np.all(np.diff(there.quality.astype(int)) <= 0)
    assert np.array_equal(read.codes, written.codes)
    assert np.array_equal(read.cells.values, written.cells.values)
    assert (read.cells.left, read.cells.top) == (written.cells.left, written.cells.top)
    assert np.linalg.norm(read.embedding) == pytest.approx(1, abs=1e-6)
    assert written.embedding @ read.embedding > 0.975
    whole = {"codes": read.codes, "cells": read.cells, "embedding": read.embedding}
    assert read == replace(written, minutiae=there, **whole)


def test_types_and_size_are_as_promised() -> None:
    blob = encode(template(cells=ridges(MAX_CELLS // 40, 40)))
    assert len(blob) == MAX_BYTES <= 6000
    read = decode(blob)
    assert read.cells.values.dtype == np.uint16
    assert read.cells.values.flags.c_contiguous
    assert read.codes.dtype == np.uint64
    assert read.codes.flags.c_contiguous
    assert read.embedding.dtype == np.float32
    assert {part.dtype.name for part in (read.minutiae.x, read.minutiae.y)} == {"float32"}
    assert read.minutiae.angle.dtype == np.float32
    assert read.minutiae.kind.dtype == read.minutiae.quality.dtype == np.uint8


def test_the_layout_is_the_documented_one() -> None:
    cells = ridges(3, 5)
    blob = encode(template(2, cells=cells))
    assert blob[:16].hex() == "54505403" + "02" + "3f" + "09" + "01" + "01020304" + "00ff12ab"
    assert int.from_bytes(blob[16:18], "little") == 416
    assert int.from_bytes(blob[18:20], "little") == 560
    word = int.from_bytes(blob[220:224], "little")
    minutiae = template(2).minutiae
    left, top = np.rint(minutiae.x).min(), np.rint(minutiae.y).min()
    assert int.from_bytes(blob[20:22], "little") == left
    assert int.from_bytes(blob[22:24], "little") == top
    assert word & 1023 == round(float(minutiae.x[0])) - left
    assert word >> 10 & 1023 == round(float(minutiae.y[0])) - top
    assert word >> 20 & 255 == round(float(minutiae.angle[0]) * 128 / np.pi) % 256
    assert word >> 28 & 1 == (minutiae.kind[0] == MinutiaKind.BIFURCATION)
    assert word >> 29 == round(int(minutiae.quality[0]) * 0.07)
    assert blob[24:28] == bytes([cells.left, cells.top, 5, 3])
    assert blob[228:260] == template(2).codes[0].astype("<u8").tobytes()
    assert blob[292:322] == cells.values.astype("<u2").tobytes()
    assert seal(blob[:-4]) == blob


@given(
    n=st.integers(0, MAX_MINUTIAE),
    seed=st.integers(0, 2**32),
    peak=st.floats(0, 50),
    quality=st.integers(0, 100),
    position=st.sampled_from(FingerPosition),
)
@settings(max_examples=200, deadline=None)
def test_reading_and_writing_again_changes_nothing(
    n: int, seed: int, peak: float, quality: int, position: FingerPosition
) -> None:
    written = template(n, seed, GRIDS[seed % len(GRIDS)])
    embedding = written.embedding.copy()
    embedding[seed % EMBEDDING_SIZE] += np.float32(peak)  # far from Gaussian, too
    blob = encode(replace(written, embedding=embedding, quality=quality, position=position))
    assert encode(decode(blob)) == blob


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: b"TPT\x03" + tail))
def test_arbitrary_bytes_are_refused(blob: bytes) -> None:
    with pytest.raises(TemplateError):
        decode(blob)


@given(at=st.integers(0, MAX_BYTES - 5), value=st.integers(1, 255), n=st.integers(0, 64))
@settings(max_examples=300, deadline=None)
def test_forged_bytes_are_a_template_or_refused(at: int, value: int, n: int) -> None:
    whole = encode(template(n, cells=ridges(n % 7 + 1, 4)))
    body = bytearray(whole[:-4])
    body[at % len(body)] ^= value
    with pytest.raises(TemplateError, match="gallery 7"):
        decode(bytes(body) + whole[-4:], source="gallery 7")
    try:
        read = decode(seal(bytes(body)))
    except TemplateError:
        return
    assert np.linalg.norm(read.embedding) == pytest.approx(1, abs=1e-5)
    encode(read)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda blob: b"", "too few"),
        (lambda blob: blob[:-1], "bytes, but 3 minutiae and 20 ridge cells make"),
        (lambda blob: blob + b"\0", "bytes, but 3 minutiae and 20 ridge cells make"),
        (lambda blob: b"FMR" + blob[3:], "begin with TPT"),
        (lambda blob: blob[:3] + b"\x01" + blob[4:], "version 1.*enrol again"),
        (lambda blob: blob[:4] + b"\x41" + blob[5:], "65 minutiae"),
        (lambda blob: blob[:60] + bytes([blob[60] ^ 1]) + blob[61:], "checksum"),
        (lambda blob: seal(blob[:5] + b"\x65" + blob[6:-4]), "quality 101"),
        (lambda blob: seal(blob[:6] + b"\x0b" + blob[7:-4]), "position 11"),
        (lambda blob: seal(blob[:7] + b"\x02" + blob[8:-4]), "extractor 2"),
        (lambda blob: blob[:26] + b"\x06" + blob[27:], "24 ridge cells make"),
        (lambda blob: seal(blob[:24] + b"\x26" + blob[25:-4]), "outside the image"),
        (lambda blob: seal(blob[:25] + b"\x35" + blob[26:-4]), "outside the image"),
        (lambda blob: seal(blob[:26] + bytes(2) + blob[28:-44]), "a place or a side"),
        (lambda blob: seal(blob[:-6] + b"\x02\0"), "where no ridges are seen"),
        (lambda blob: seal(blob[:26] + b"\x29\x28" + blob[28:-4] + bytes(3240)), "1640 ridge"),
    ],
)
def test_each_fault_has_its_reason(damage: object, reason: str) -> None:
    assert callable(damage)
    with pytest.raises(TemplateError, match=reason) as refused:
        decode(damage(encode(template(3, cells=ridges(4, 5)))), source="row 9")
    assert refused.value.source == "row 9"


def with_minutiae(**parts: list[float]) -> Template:
    whole = template(2)
    changed = {
        name: np.array(values, getattr(whole.minutiae, name).dtype)
        for name, values in parts.items()
    }
    return replace(whole, minutiae=replace(whole.minutiae, **changed))


MAKER = template(0).maker


@pytest.mark.parametrize(
    ("unfit", "reason"),
    [
        (template(65), "65 minutiae"),
        (replace(template(3), codes=template(4).codes), "codes"),
        (replace(template(3), codes=template(3).codes.astype(np.int64)), "codes"),
        (with_minutiae(x=[0, 1024]), "span"),
        (with_minutiae(y=[5, 2000]), "span"),
        (with_minutiae(x=[-3, 10]), "header"),
        (with_minutiae(x=[float("nan"), 10]), "finite"),
        (with_minutiae(angle=[float("inf"), 1]), "finite"),
        (with_minutiae(quality=[101, 4]), "quality"),
        (template(3, cells=ridges(41, 40)), "1640 ridge cells"),
        (template(3, cells=ridges(1, 256)), "header"),
        (template(3, cells=ridges(3, 42)), "outside the image"),
        (template(3, cells=ridges(55, 3)), "outside the image"),
        (template(3, cells=replace(NO_CELLS, left=1)), "a place or a side"),
        (template(3, cells=replace(ridges(3, 4), top=-1)), "header"),
        (template(3, cells=replace(NO_CELLS, values=np.zeros((0, 4), np.uint16))), "a side"),
        (template(3, cells=RidgeCells(np.full((2, 2), 6, np.uint16), 0, 0)), "no ridges"),
        (template(3, cells=RidgeCells(np.ones((2, 2), np.int32), 0, 0)), "uint16"),
        (template(3, cells=RidgeCells(np.ones(4, np.uint16), 0, 0)), "2 dimensions"),
        (replace(template(3), embedding=np.zeros(EMBEDDING_SIZE, np.float32)), "zero"),
        (replace(template(3), embedding=np.full(EMBEDDING_SIZE, np.nan, np.float32)), "finite"),
        (replace(template(3), embedding=np.ones(128, np.float32)), str(EMBEDDING_SIZE)),
        (replace(template(3), quality=101), "101"),
        (replace(template(3), quality=-1), "header"),
        (replace(template(3), width=65_536), "header"),
        (replace(template(3), maker=replace(MAKER, extractor="other")), "header"),
        (replace(template(3), maker=replace(MAKER, extractor_version=256)), "header"),
        (replace(template(3), maker=replace(MAKER, settings="xyz")), "header"),
        (replace(template(3), maker=replace(MAKER, settings="00FF12AB")), "8 hex digits"),
    ],
)
def test_what_does_not_fit_is_refused_not_dropped(unfit: Template, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason):
        encode(unfit)
