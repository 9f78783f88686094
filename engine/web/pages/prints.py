"""Prints as the viewer draws them: sizes, minutiae and pairs, and nothing else of a case."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.service.cases import OpenCase
from engine.service.comparing import Side


def describe(opened: OpenCase) -> dict[str, Any]:
    """The document that viewer.js reads. Minutiae are [x, y, angle, kind, quality], as in
    engine.types; pairs [index of the probe's, index of the candidate's], best first."""
    return {
        "key": opened.case.key,
        "fingers": [
            {
                "number": each.number,
                "probe": _side(each.probe),
                "candidate": _side(each.candidate),
                "pairs": np.asarray(each.pairs).reshape(-1, 2).tolist(),
            }
            for each in opened.compared
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
