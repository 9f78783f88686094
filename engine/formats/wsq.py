"""Reads WSQ, the compression of fingerprints at 500 ppi (FBI IAFIS-IC-0110, version 3.1).

The decoder is NIST's C code (PyPI `wsq`), which a damaged file can make crash: so the header is
checked here, and the picture is decoded in a process of its own with a limit on memory and time.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import ImageError
from engine.settings import ImageLimits
from engine.types import PPI, U8

MAGIC = b"\xff\xa0\xff"  # start of image, and the first byte of the next marker

_FRAME, _BLOCK, _COMMENT = b"\xff\xa2", b"\xff\xa3", b"\xff\xa8"
_TABLES = (b"\xff\xa4", b"\xff\xa5", b"\xff\xa6", b"\xff\xa7")
_CHILD = Path(__file__).with_name("wsq_child.py")


@dataclass(frozen=True, slots=True)
class Header:
    """Width and height in px, resolution in ppi (500 where no NISTCOM comment says another)."""

    width: int
    height: int
    ppi: float


def read_header(data: bytes, source: str) -> Header:
    """The header of a WSQ file. Raises ImageError when there is none."""
    ppi = float(PPI)
    at = 2
    while True:
        marker, length = data[at : at + 2], int.from_bytes(data[at + 2 : at + 4], "big")
        segment = data[at + 4 : at + 2 + length]
        if length < 2 or len(segment) != length - 2:
            raise ImageError(source, "the WSQ header is truncated or damaged")
        if marker == _FRAME and len(segment) >= 6:
            height = int.from_bytes(segment[2:4], "big")
            width = int.from_bytes(segment[4:6], "big")
            return Header(width, height, ppi)
        if marker == _COMMENT:
            stated = re.search(rb"^PPI ([1-9]\d{1,4})$", segment, re.MULTILINE)
            ppi = float(stated[1]) if stated else ppi
        elif marker not in _TABLES:
            raise ImageError(source, "the WSQ file has no frame header")
        at += 2 + length


def decode(data: bytes, header: Header, source: str, limits: ImageLimits) -> U8:
    """The pixels, uint8 H×W. Raises ImageError when the decoder refuses, crashes or hangs."""
    found = importlib.util.find_spec("_wsq")
    if found is None or found.origin is None:
        raise ImageError(source, "WSQ files need the package `wsq`: pip install wsq")
    command = [
        *(sys.executable, "-I", "-S", str(_CHILD), str(Path(found.origin).parent)),
        *(str(limits.decoder_bytes), str(limits.decoder_seconds)),
    ]
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=limits.decoder_seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ImageError(source, "decoding the WSQ data takes too long") from error
    except OSError as error:
        raise ImageError(source, f"the WSQ decoder cannot be started: {error}") from error
    if done.returncode != 0 or len(done.stdout) != header.width * header.height:
        raise ImageError(source, "the WSQ data are truncated or damaged")
    return np.frombuffer(done.stdout, np.uint8).reshape(header.height, header.width)
