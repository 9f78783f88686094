"""Writes a template as at most 5.7 kB and reads it back, refusing every byte that is not right.

Layout (little-endian; docs/formats.md has it as a table): a header of 28 bytes, the embedding at
4 bits a component, n geometry words of 32 bits, n×4 code words of 64 bits, the ridge cells in 16
bits each, row by row, a CRC-32 of all that.
"""

from __future__ import annotations

import math
import struct
import zlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from engine.errors import TemplateError
from engine.types import (
    CODE_WORDS,
    EMBEDDING_SIZE,
    F32,
    MAX_CELLS,
    MAX_MINUTIAE,
    U8,
    FingerPosition,
    Maker,
    Minutiae,
    MinutiaKind,
    RidgeCells,
    Template,
)
from kernels.ridges import CELL

MAGIC = b"TPT"
VERSION = 3
EXTRACTORS = ("leader", "gabor")  # the number in a file is the place in this list: only append

_HEADER = struct.Struct("<3s B BBBB BBBB 4s HH HH BBBB")
_CHECKSUM = struct.Struct("<I")
_EMBEDDING_BYTES = EMBEDDING_SIZE // 2
_FIXED_BYTES = _HEADER.size + _EMBEDDING_BYTES + _CHECKSUM.size
_MINUTIA_BYTES = 4 + 8 * CODE_WORDS
_CELLS_ACROSS, _CELLS_DOWN = 26, 27  # offsets of the columns and rows of ridge cells
_CELL_BYTES = 2

MAX_BYTES = _FIXED_BYTES + MAX_MINUTIAE * _MINUTIA_BYTES + MAX_CELLS * _CELL_BYTES

# A geometry word from the lowest bit: x 10 | y 10 | angle 8 | bifurcation 1 | quality 3.
_SPAN = 1023  # px, 52 mm at 500 ppi: more than any finger
_Y_SHIFT, _ANGLE_SHIFT, _KIND_SHIFT, _QUALITY_SHIFT = 10, 20, 28, 29
_ANGLE_STEPS = 256
_RADIANS = (np.arange(_ANGLE_STEPS) * (2 * math.pi / _ANGLE_STEPS)).astype(np.float32)
_KINDS = np.array([MinutiaKind.ENDING, MinutiaKind.BIFURCATION], np.uint8)
_QUALITIES = np.rint(np.arange(8) * (100 / 7)).astype(np.uint8)

# An embedding is quantised to 16 equidistant levels of which the outermost is its largest component
# (plus or minus). It clips nothing, it makes reading and writing again exact, for the largest
# component says the scale, and it costs little: the cosine of what is read with what was written is
# 0.993 on average for Gaussian components, where the best fixed range would give 0.994.
_MIDDLE = 7.5
_NIBBLES: F32 = np.stack(
    [np.arange(256) % 16 - _MIDDLE, np.arange(256) // 16 - _MIDDLE], axis=1
).astype(np.float32)


def encode(template: Template) -> bytes:
    """The template as bytes, ≤ MAX_BYTES.

    Coordinates are rounded to 1 px, angles to 1/256 of a turn, minutia qualities to 8 levels, kinds
    to bifurcation or not, embedding components to 16 levels; codes and ridge cells are kept whole.
    What `decode` gives back encodes to the same bytes again.
    Raises TemplateError where a value does not fit: it drops nothing in silence.
    """
    minutiae, maker = template.minutiae, template.maker
    n = len(minutiae)
    if n > MAX_MINUTIAE:
        raise TemplateError("", f"{n} minutiae; at most {MAX_MINUTIAE} fit, keep the best")
    if template.codes.shape != (n, CODE_WORDS) or template.codes.dtype != np.uint64:
        raise TemplateError("", f"codes must be uint64 of shape ({n}, {CODE_WORDS})")
    geometry, origin_x, origin_y = _pack_geometry(minutiae)
    cells = template.cells
    if cells.values.ndim != 2 or cells.values.dtype != np.uint16:
        raise TemplateError("", "ridge cells must be uint16 of 2 dimensions")
    rows, columns = cells.values.shape
    try:
        header = _HEADER.pack(
            MAGIC,
            VERSION,
            n,
            template.quality,
            template.position,
            EXTRACTORS.index(maker.extractor),
            maker.extractor_version,
            maker.descriptor_version,
            maker.embedding_version,
            maker.cells_version,
            _pack_digest(maker.settings),
            template.width,
            template.height,
            origin_x,
            origin_y,
            cells.left,
            cells.top,
            columns,
            rows,
        )
    except (struct.error, ValueError) as error:
        raise TemplateError("", f"a value does not fit the header: {error}") from error
    if template.quality > 100:
        raise TemplateError("", f"quality {template.quality} is over 100")
    _check_cells(cells, template.width, template.height, "")
    codes = template.codes.astype("<u8").tobytes()
    ridges = cells.values.astype("<u2").tobytes()
    body = header + _pack_embedding(template.embedding) + geometry + codes + ridges
    return body + _CHECKSUM.pack(zlib.crc32(body))


def decode(blob: bytes, source: str = "") -> Template:
    """The template that `encode` wrote; the embedding is float32 of unit length.

    Raises TemplateError naming `source` for any bytes that are not exactly one template of a
    known version: wrong magic, version, length, checksum, count, quality, position, extractor or
    ridge cells.
    """
    n = _check(blob, source)
    fields = _HEADER.unpack_from(blob)
    quality, position, extractor, *versions, digest = fields[3:11]
    width, height, origin_x, origin_y, left, top, columns, rows = fields[11:]
    if quality > 100 or position >= len(FingerPosition) or extractor >= len(EXTRACTORS):
        raise TemplateError(
            source, f"quality {quality}, position {position} or extractor {extractor} is unknown"
        )
    start = _HEADER.size + _EMBEDDING_BYTES
    nibbles = np.frombuffer(blob, np.uint8, _EMBEDDING_BYTES, _HEADER.size)
    words = np.frombuffer(blob, "<u4", n, start)
    codes = np.frombuffer(blob, "<u8", n * CODE_WORDS, start + 4 * n)
    values = np.frombuffer(blob, "<u2", rows * columns, start + n * _MINUTIA_BYTES)
    cells = RidgeCells(values.reshape(rows, columns).astype(np.uint16), left, top)
    _check_cells(cells, width, height, source)
    return Template(
        minutiae=_unpack_geometry(words, origin_x, origin_y),
        codes=codes.reshape(n, CODE_WORDS).astype(np.uint64),
        cells=cells,
        embedding=_unpack_embedding(nibbles),
        quality=quality,
        width=width,
        height=height,
        position=FingerPosition(position),
        maker=_maker(extractor, *versions, digest),
    )


def _check(blob: bytes, source: str) -> int:
    """The number of minutiae of a blob whose frame is right: magic, version, length, checksum."""
    if len(blob) < _FIXED_BYTES:
        raise TemplateError(source, f"{len(blob)} bytes are too few for a template")
    if blob[:3] != MAGIC:
        raise TemplateError(source, "not a Tenprint template (it does not begin with TPT)")
    if blob[3] != VERSION:
        raise TemplateError(
            source, f"template version {blob[3]}; this release reads {VERSION}: enrol again"
        )
    n = blob[4]
    if n > MAX_MINUTIAE:
        raise TemplateError(source, f"{n} minutiae; a template holds at most {MAX_MINUTIAE}")
    cells = blob[_CELLS_ACROSS] * blob[_CELLS_DOWN]
    expected = _FIXED_BYTES + n * _MINUTIA_BYTES + cells * _CELL_BYTES
    if len(blob) != expected:
        raise TemplateError(
            source, f"{len(blob)} bytes, but {n} minutiae and {cells} ridge cells make {expected}"
        )
    if _CHECKSUM.unpack_from(blob, expected - _CHECKSUM.size)[0] != zlib.crc32(
        memoryview(blob)[: -_CHECKSUM.size]
    ):
        raise TemplateError(source, "the checksum is wrong: the template is damaged")
    return n


def _check_cells(cells: RidgeCells, width: int, height: int, source: str) -> None:
    """Refuses what no print has: too many ridge cells, none with a place or a side, one with its
    middle outside the image, and bits in one where nothing is seen."""
    values = cells.values
    (rows, columns), half = values.shape, CELL // 2
    if not values.size:
        if rows or columns or cells.left or cells.top:
            raise TemplateError(source, "there are no ridge cells, but they have a place or a side")
        return
    if values.size > MAX_CELLS:
        raise TemplateError(source, f"{values.size} ridge cells; at most {MAX_CELLS} fit")
    right, bottom = (cells.left + columns) * CELL - half, (cells.top + rows) * CELL - half
    if right > width or bottom > height:
        raise TemplateError(source, "a ridge cell lies outside the image")
    if values[values & 1 == 0].any():
        raise TemplateError(source, "a ridge cell says something where no ridges are seen")


@lru_cache(maxsize=64)
def _maker(
    extractor: int, made: int, described: int, embedded: int, sampled: int, digest: bytes
) -> Maker:
    """One Maker for all the templates it made: a gallery knows very few."""
    return Maker(EXTRACTORS[extractor], made, described, embedded, sampled, digest.hex())


def _pack_digest(settings: str) -> bytes:
    """The 4 bytes of the 8 lower-case hex digits of a settings digest."""
    digest = bytes.fromhex(settings)
    if len(digest) != 4 or digest.hex() != settings:
        raise ValueError(f"settings digest {settings!r} is not 8 hex digits")
    return digest


def _pack_geometry(minutiae: Minutiae) -> tuple[bytes, int, int]:
    """The geometry words, and the origin (px) that their coordinates count from."""
    n = len(minutiae)
    if n == 0:
        return b"", 0, 0
    if not all(np.isfinite(part).all() for part in (minutiae.x, minutiae.y, minutiae.angle)):
        raise TemplateError("", "a coordinate or an angle is not finite")
    x, y = np.rint(minutiae.x).astype(np.int64), np.rint(minutiae.y).astype(np.int64)
    origin_x, origin_y = int(x.min()), int(y.min())
    x -= origin_x
    y -= origin_y
    if max(x.max(), y.max()) > _SPAN:
        raise TemplateError("", f"the minutiae span more than {_SPAN} px: not one finger")
    if int(minutiae.quality.max()) > 100:
        raise TemplateError("", "a minutia quality is over 100")
    angle = np.rint(minutiae.angle * (_ANGLE_STEPS / (2 * math.pi))).astype(np.int64)
    kind = minutiae.kind == MinutiaKind.BIFURCATION
    quality = np.rint(minutiae.quality * (7 / 100)).astype(np.int64)
    words = (
        x
        | y << _Y_SHIFT
        | angle % _ANGLE_STEPS << _ANGLE_SHIFT
        | kind.astype(np.int64) << _KIND_SHIFT
        | quality << _QUALITY_SHIFT
    )
    return words.astype("<u4").tobytes(), origin_x, origin_y


def _unpack_geometry(words: npt.NDArray[np.uint32], origin_x: int, origin_y: int) -> Minutiae:
    x = (words & _SPAN).astype(np.float32)
    y = (words >> _Y_SHIFT & _SPAN).astype(np.float32)
    x += origin_x
    y += origin_y
    return Minutiae(
        x=x,
        y=y,
        angle=_RADIANS.take(words >> _ANGLE_SHIFT & (_ANGLE_STEPS - 1)),
        kind=_KINDS.take(words >> _KIND_SHIFT & 1),
        quality=_QUALITIES.take(words >> _QUALITY_SHIFT),
    )


def _pack_embedding(embedding: F32) -> bytes:
    """Two components a byte, the even one in the low half."""
    if embedding.shape != (EMBEDDING_SIZE,) or not np.isfinite(embedding).all():
        raise TemplateError("", f"the embedding must be {EMBEDDING_SIZE} finite numbers")
    peak = float(np.abs(embedding).max())
    if peak == 0:
        raise TemplateError("", "the embedding is zero, it must have unit length")
    levels = np.floor(embedding.astype(np.float64) * (_MIDDLE / peak)).astype(np.int64) + 8
    low, high = levels[0::2], levels[1::2]
    return (low | high << 4).astype(np.uint8).tobytes()


def _unpack_embedding(nibbles: U8) -> F32:
    levels = _NIBBLES.take(nibbles, axis=0).ravel()
    return levels * np.float32(1 / math.sqrt(float(levels @ levels)))
