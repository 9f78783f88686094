"""The marks that every drawing of a print is made of: pale ridges, and minutiae on top.

Endings are rings, bifurcations are diamonds; the tail shows the direction, from the minutia back
along the ridge. The surer a minutia, the more saturated its colour.
"""

from __future__ import annotations

import numpy as np

from engine.report.canvas import Canvas, Colour, Point, ink, mix
from engine.settings import PictureSettings
from engine.types import U8, Minutiae, MinutiaKind

DRAW = PictureSettings()
RIDGE = ink("#7b8794")
WHITE = ink("#ffffff")
WORDS = ink("#334155")
FAINT = ink("#94a3b8")
KINDS: dict[int, Colour] = {
    MinutiaKind.ENDING: ink("#0a66c2"),
    MinutiaKind.BIFURCATION: ink("#d6336c"),
    MinutiaKind.OTHER: ink("#6d5bd0"),
}


def print_size(pixels: U8 | None, minutiae: Minutiae | None) -> tuple[float, float]:
    """Width and height of a print in px; where there is no picture, room for the minutiae."""
    if pixels is not None:
        return float(pixels.shape[1]), float(pixels.shape[0])
    if minutiae is None or not len(minutiae):
        return 1.0, 1.0
    room = 2 * DRAW.tail
    return float(minutiae.x.max()) + room, float(minutiae.y.max()) + room


def put_print(canvas: Canvas, pixels: U8 | None, at: Point, strength: float = 1.0) -> None:
    """The ridges as a pale tint, so that what is drawn on them can be read."""
    if pixels is not None:
        canvas.paste(tint(pixels, strength), at)


def put_minutia(
    canvas: Canvas,
    minutiae: Minutiae,
    index: int,
    offset: Point,
    colour: Colour,
    settings: PictureSettings,
    scale: float = 1.0,
) -> None:
    """The mark of one minutia with its tail, on a white halo."""
    x, y = float(minutiae.x[index]) + offset[0], float(minutiae.y[index]) + offset[1]
    angle, radius = float(minutiae.angle[index]), settings.radius * scale
    towards = np.array([np.cos(angle), -np.sin(angle)])
    tail = np.array([x, y]) + np.outer([radius, settings.tail * scale], towards)
    diamond = np.array([x, y]) + 1.25 * radius * np.array([[0, -1], [1, 0], [0, 1], [-1, 0]])
    fork = int(minutiae.kind[index]) == MinutiaKind.BIFURCATION
    line = settings.line * scale
    for shade, width in ((WHITE, line + 2 * settings.halo), (colour, line)):
        canvas.lines([tail], shade, width)
        if fork:
            canvas.lines([diamond], shade, width, closed=True)
        else:
            canvas.ring((x, y), radius, shade, width)


def kind_colour(minutiae: Minutiae, index: int) -> Colour:
    """The colour of a minutia's kind, paler the less sure it is."""
    quality = float(minutiae.quality[index]) / 100
    return mix(KINDS[int(minutiae.kind[index])], FAINT, 0.15 + 0.85 * quality)


def tint(pixels: U8, strength: float) -> U8:
    """The picture with its ridges in pale ink, `strength` 0..1: uint8 H×W×3."""
    dark = (1 - pixels.astype(np.float32) / 255)[..., None] * strength
    return np.round(255 - dark * (255 - np.array(RIDGE, np.float32))).astype(np.uint8)
