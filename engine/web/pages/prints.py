"""Prints as the viewer draws them: sizes, minutiae and pairs, and nothing else of a case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.service.comparing import Compared, Side


def side_by_side(key: str, compared: Sequence[Compared], shown: int) -> dict[str, Any]:
    """What viewer.html.j2 shows of a case. shown: the finger to begin with, 1 the first."""
    return {
        "compared": compared,
        "shown": min(shown, len(compared)),
        "prints": _describe(key, compared),
    }


def _describe(key: str, compared: Sequence[Compared]) -> dict[str, Any]:
    """The document that viewer.js reads. Minutiae are [x, y, angle, kind, quality], as in
    engine.types; pairs [index of the probe's, index of the candidate's], best first."""
    return {
        "key": key,
        "fingers": [
            {
                "number": each.number,
                "probe": _side(each.probe),
                "candidate": _side(each.candidate),
                "pairs": np.asarray(each.pairs).reshape(-1, 2).tolist(),
            }
            for each in compared
        ],
    }


def _side(side: Side) -> dict[str, Any]:
    found = side.minutiae
    columns = (found.x, found.y, found.angle, found.kind, found.quality)
    return {
        "width": side.width,
        "height": side.height,
        "image": side.image,
        "minutiae": [
            [round(float(x), 1), round(float(y), 1), round(float(angle), 3), int(kind), int(sure)]
            for x, y, angle, kind, sure in zip(*columns, strict=True)
        ],
    }
