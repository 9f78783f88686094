"""Open extractors and matchers behind one seam, for scripts/peers.py.

Minutiae pass between them as float64 (n, 5): x, y px (y down), angle rad (y up), 1 for a
bifurcation and else 0, quality 0..1. A matcher prepares a print's minutiae once and compares what
it made of them; every package runs with the settings it comes with.
"""

from __future__ import annotations

import functools
import importlib
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from afis.algorithms import matcher as afis_matcher
from afis.algorithms import mcc, safis

from engine.errors import InputError
from engine.formats.images import read_image
from engine.types import PPI

F64 = npt.NDArray[np.float64]

MODULES = {"nbis-py": "nbis"}  # where a package has another name than its module


@dataclass(frozen=True, slots=True)
class Matcher:
    """How minutiae are compared. packages: what it needs. compare: more is more alike."""

    packages: tuple[str, ...]
    prepare: Callable[[F64], Any]
    compare: Callable[[Any, Any], float]


def find_missing(packages: Sequence[str]) -> str:
    """Why one of the packages cannot be used; empty where all can."""
    for name in packages:
        try:
            version(name)
            importlib.import_module(MODULES.get(name, name))
        except (ImportError, OSError) as error:  # OSError: made for another system
            return f"{name}: {error}; pip install 'tenprint[peers]'"
    return ""


@functools.cache
def _nbis() -> Any:
    """NBIS without what its package puts around it: quality measured, minutiae left out."""
    import nbis

    off = dict.fromkeys(("get_center", "check_fingerprint", "compute_nfiq2"), False)
    return nbis.new_nbis_extractor(nbis.NbisExtractorSettings(min_quality=0.0, ppi=PPI, **off))


def extract_mindtct(path: Path) -> tuple[F64, float]:
    """Minutiae by NBIS mindtct (none on failure), and the CPU seconds they took."""
    import nbis

    found, begin = [], time.process_time()
    try:
        image = cv2.imencode(".bmp", read_image(path).pixels)[1].tobytes()
        begin = time.process_time()
        found = _nbis().extract_minutiae(image).get()
    except (InputError, nbis.NbisError):
        pass
    took, forked = time.process_time() - begin, nbis.MinutiaKind.BIFURCATION
    rows = [
        (m.x(), m.y(), np.radians(m.angle()), m.kind() == forked, m.reliability()) for m in found
    ]
    return np.array(rows, np.float64).reshape(-1, 5), took


def _load_into_nbis(minutiae: F64) -> Any:
    """Minutiae from elsewhere, in the record that nbis-py reads: ISO/IEC 19794-2:2005, but for a
    view header of two bytes instead of four and qualities of 0..63. Angles become 1/256 turn."""
    x, y = np.clip(np.round(minutiae[:, :2]), 0, 2**14 - 1).astype(int).T
    kind = 1 + minutiae[:, 3].astype(int)
    angle = np.round(minutiae[:, 2] * 128 / np.pi).astype(int) % 256
    quality = np.round(63 * minutiae[:, 4]).astype(int)
    size, side = 26 + 6 * len(minutiae), 2**14 - 1
    record = struct.pack(
        ">8sIHHHIHBB", b"FMR\0 20\0", size, 0, side, side, 0, 0, 0, len(minutiae)
    ) + b"".join(map(struct.Struct(">HHBB").pack, kind << 14 | x, y, angle, quality))
    loaded = _nbis().load_iso_19794_2_2005(record)
    if len(loaded.get()) != len(minutiae):
        raise RuntimeError("this release reads records otherwise: pip install nbis-py==0.1.3")
    return loaded


MATCHERS = {
    "Bozorth3": Matcher(("nbis-py",), _load_into_nbis, lambda a, b: a.compare(b)),
    # Given the height, afis turns minutiae over, and its cylinders' cells come to lie mirrored to
    # the angles. Without numba a comparison takes some 0.3 s.
    "MCC": Matcher(
        ("afis", "numba"), mcc.build_cylinders, lambda a, b: mcc.match_cylinder_sets(a, b).score
    ),
    "SAFIS": Matcher(("afis",), np.copy, lambda a, b: safis.match_minutiae(a, b)[1]),
    "geometric": Matcher(("afis",), np.copy, lambda a, b: afis_matcher.geometric_match(a, b)[0]),
}
