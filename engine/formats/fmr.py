"""Finger minutiae records of others: ISO/IEC 19794-2:2005 and ANSI INCITS 378-2004.

Both begin alike; what is read must be said to be the one or the other. All numbers are big-endian.
Reading is strict: every length must agree with every other, every field lie in its range.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from engine.errors import TemplateError
from engine.types import F32, PPI, FingerPosition, Minutiae

CM = 2.54  # cm in an inch


class Edition(StrEnum):
    """The formats by the names that OSIA gives them."""

    ISO_2005 = "ISO_19794_2"
    ANSI_2004 = "ANSI_378"


@dataclass(frozen=True, slots=True)
class View:
    """One print of a record. minutiae: in px at 500 ppi, angles in rad. impression: 0..15, quality:
    0..100, of the finger. width, height: of its image, px at 500 ppi."""

    position: FingerPosition
    impression: int
    quality: int
    width: int
    height: int
    minutiae: Minutiae


_MAGIC = b"FMR\0 20\0"
_MAGICS = (_MAGIC, b"FMR\x00020\0")  # writers differ in the blank
_LEAST_PX_CM = 99  # the standards' lowest resolution
_MOST_PX_CM = 1575  # 4000 ppi, as of images
_MOST_BYTES = 65536  # far over the largest record that scanners make
_MINUTIA = np.dtype([("x", ">u2"), ("y", ">u2"), ("angle", "u1"), ("quality", "u1")])
_VIEW = struct.Struct(">BBBB")  # position, view << 4 | impression, quality, minutiae
_EXTENSION = struct.Struct(">H")
_PLACE = (1 << 14) - 1  # of 16 bits of a coordinate; the type of a minutia stands above x
_KIND_SHIFT = 14
_NO_KIND = 3  # of the 2 bits, reserved
_MOST_MINUTIAE = 255

_ISO_HEADER = struct.Struct(">8sI HHHHH BB")
_ANSI_HEADER = struct.Struct(">8sH HHH HHHH BB")
_ANGLES = {Edition.ISO_2005: 256, Edition.ANSI_2004: 180}  # units of a whole turn


def read(data: bytes, edition: Edition, source: str = "") -> list[View]:
    """The prints of a record. TemplateError, which names `source`, for anything that is not
    exactly one record of that edition."""
    if len(data) > _MOST_BYTES:
        raise TemplateError(source, f"a minutiae record of more than {_MOST_BYTES:,} bytes")
    header = _ISO_HEADER if edition is Edition.ISO_2005 else _ANSI_HEADER
    if len(data) < header.size or not data.startswith(_MAGICS):
        raise TemplateError(source, f"no minutiae record of {edition}: it begins otherwise")
    fields = header.unpack_from(data)
    length, (width, height, across, down, views, _) = fields[1], fields[-6:]
    # The field of ANSI 378 is of 2 bytes, and some of its writers leave them out of the count.
    uncounted = 2 if edition is Edition.ANSI_2004 else 0
    if length not in (len(data), len(data) - uncounted):
        raise TemplateError(source, f"the record says {length} bytes and has {len(data)}")
    for resolution in (across, down):
        if not _LEAST_PX_CM <= resolution <= _MOST_PX_CM:
            raise TemplateError(source, f"a resolution of {resolution} px/cm is none of a scanner")
    scale = (PPI / CM / across, PPI / CM / down)
    found, at = [], header.size
    for _view in range(views):
        view, at = _read_view(data, at, (width, height), scale, _ANGLES[edition], source)
        found.append(view)
    if at != len(data):
        raise TemplateError(source, f"{len(data) - at} bytes stand after the last view")
    return found


def write(views: Sequence[View], edition: Edition) -> bytes:
    """A record of these prints at 197 px/cm, which is nearest to 500 ppi. TemplateError where a
    number does not fit; coordinates and angles are rounded, nothing is dropped."""
    resolution = round(PPI / CM)
    body = b"".join(_write_view(view, number, edition) for number, view in enumerate(views))
    width = max((view.width for view in views), default=0)
    height = max((view.height for view in views), default=0)
    sizes = (width, height, resolution, resolution, len(views), 0)
    try:
        if edition is Edition.ISO_2005:
            return _ISO_HEADER.pack(_MAGIC, _ISO_HEADER.size + len(body), 0, *sizes) + body
        return _ANSI_HEADER.pack(_MAGIC, _ANSI_HEADER.size + len(body), 0, 0, 0, *sizes) + body
    except struct.error as error:
        raise TemplateError("", f"a value does not fit the record: {error}") from error


def _read_view(
    data: bytes,
    at: int,
    size: tuple[int, int],
    scale: tuple[float, float],
    turn: int,
    source: str,
) -> tuple[View, int]:
    """The view that begins at a byte, and where it ends."""
    _need(data, at, _VIEW.size, source)
    position, impression, quality, count = _VIEW.unpack_from(data, at)
    at += _VIEW.size
    _need(data, at, count * _MINUTIA.itemsize + _EXTENSION.size, source)
    rows = np.frombuffer(data, _MINUTIA, count, at)
    at += count * _MINUTIA.itemsize
    (extension,) = _EXTENSION.unpack_from(data, at)
    at += _EXTENSION.size
    _need(data, at, extension, source)
    if position > max(FingerPosition) or quality > 100:
        raise TemplateError(source, f"finger position {position} or quality {quality} is unknown")
    kind = (rows["x"] >> _KIND_SHIFT).astype(np.uint8)
    x, y = rows["x"] & _PLACE, rows["y"] & _PLACE
    if count and kind.max() >= _NO_KIND:
        raise TemplateError(source, "a minutia has a type that there is not")
    if count and (x.max() >= size[0] or y.max() >= size[1] or rows["quality"].max() > 100):
        raise TemplateError(source, "a minutia lies outside the image, or its quality is over 100")
    across, down = scale
    minutiae = Minutiae(
        (x * across).astype(np.float32),
        (y * down).astype(np.float32),
        # A sample of ANSI 378 has angles of more than a turn; as angles they are what is left.
        (rows["angle"].astype(np.int64) % turn * (2 * math.pi / turn)).astype(np.float32),
        kind,
        rows["quality"].astype(np.uint8),
    )
    width, height = math.ceil(size[0] * across), math.ceil(size[1] * down)
    view = View(FingerPosition(position), impression & 15, quality, width, height, minutiae)
    return view, at + extension


def _write_view(view: View, number: int, edition: Edition) -> bytes:
    minutiae = view.minutiae
    if len(minutiae) > _MOST_MINUTIAE or number > 15:
        raise TemplateError("", "a record holds at most 16 views of 255 minutiae each")
    rows = np.zeros(len(minutiae), _MINUTIA)
    x, y = _placed(minutiae.x), _placed(minutiae.y)
    rows["x"] = x | minutiae.kind.astype(np.int64) << _KIND_SHIFT
    rows["y"] = y
    turn = _ANGLES[edition]
    rows["angle"] = np.rint(minutiae.angle * (turn / (2 * math.pi))).astype(np.int64) % turn
    rows["quality"] = minutiae.quality
    try:
        head = _VIEW.pack(view.position, number << 4 | view.impression, view.quality, len(rows))
    except struct.error as error:
        raise TemplateError("", f"a value does not fit the record: {error}") from error
    return head + rows.tobytes() + _EXTENSION.pack(0)


def _placed(coordinate: F32) -> np.ndarray:
    """Whole px at 197 px/cm of px at 500 ppi."""
    placed = np.rint(coordinate * (round(PPI / CM) / (PPI / CM))).astype(np.int64)
    if len(placed) and (placed.min() < 0 or placed.max() > _PLACE):
        raise TemplateError("", "a minutia lies outside what a record can say")
    return placed


def _need(data: bytes, at: int, count: int, source: str) -> None:
    if at + count > len(data):
        raise TemplateError(source, "the record ends in the middle of a view")
