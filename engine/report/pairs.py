"""Draws a probe beside a candidate, with the minutiae that the comparison paired."""

from __future__ import annotations

import numpy as np

from engine.report.canvas import Canvas, Point, hue, mix
from engine.report.framing import frame_print
from engine.report.marks import DRAW, FAINT, WHITE, WORDS, put_minutia, put_print
from engine.settings import PictureSettings
from engine.types import I32, U8, Minutiae

UNPAIRED = 0.6  # size of the mark of a minutia without a partner
PLAIN = 0.8  # size of the mark of a pair without a number


def draw_pairs(
    probe_pixels: U8 | None,
    probe_minutiae: Minutiae,
    candidate_pixels: U8 | None,
    candidate_minutiae: Minutiae,
    pairs: I32,
    settings: PictureSettings = DRAW,
    captions: tuple[str, str] = ("Probe", "Candidate"),
) -> U8:
    """Both prints side by side: uint8 BGR.

    pixels: uint8 H×W at 500 ppi, or None where only the template was kept; shown without their
    empty border. pairs: int32 k×2, (probe index, candidate index), best first. Paired minutiae
    have the same colour on both sides; the best of them also a number and a thin line that
    joins them.
    """
    frames = (
        frame_print(probe_pixels, probe_minutiae, settings),
        frame_print(candidate_pixels, candidate_minutiae, settings),
    )
    height = max(frame.height for frame in frames)
    width = frames[0].width + frames[1].width + settings.gap
    canvas = Canvas(width, height + settings.caption, settings)
    corners = [
        (start, (height - frame.height) / 2)
        for start, frame in zip((0.0, frames[0].width + settings.gap), frames, strict=True)
    ]
    for frame, corner, pixels, words in zip(
        frames, corners, (probe_pixels, candidate_pixels), captions, strict=True
    ):
        put_print(canvas, None if pixels is None else frame.cut(pixels), corner, strength=0.8)
        at = (corner[0] + settings.radius, height + 0.75 * settings.caption)
        canvas.text(words, at, settings.text, WORDS)
    left, right = (
        (corner[0] - frame.left, corner[1] - frame.top)
        for frame, corner in zip(frames, corners, strict=True)
    )

    sides = ((probe_minutiae, left, 0), (candidate_minutiae, right, 1))
    for minutiae, at, side in sides:
        for index in np.setdiff1d(np.arange(len(minutiae)), pairs[:, side]):
            put_minutia(canvas, minutiae, int(index), at, FAINT, settings, UNPAIRED)
    numbered = pairs[: settings.pairs_numbered]
    with canvas.faded(settings.join_opacity):
        for number, (one, other) in enumerate(numbered):
            ends = [_place(probe_minutiae, one, left), _place(candidate_minutiae, other, right)]
            canvas.lines([np.array(ends)], hue(number), settings.line * 0.7)
    for number in range(len(pairs) - 1, -1, -1):  # the best pairs on top
        labelled = number < len(numbered)
        colour = hue(number) if labelled else mix(hue(number), FAINT, 0.7)
        for minutiae, at, side in sides:
            index = int(pairs[number, side])
            put_minutia(canvas, minutiae, index, at, colour, settings, 1.0 if labelled else PLAIN)
            if labelled:
                _number(canvas, minutiae, index, at, number + 1, settings)
    return canvas.finish()


def _place(minutiae: Minutiae, index: int, offset: Point) -> Point:
    return float(minutiae.x[index]) + offset[0], float(minutiae.y[index]) + offset[1]


def _number(
    canvas: Canvas,
    minutiae: Minutiae,
    index: int,
    offset: Point,
    number: int,
    style: PictureSettings,
) -> None:
    """The number of a pair, on the side of the minutia that its tail leaves free."""
    x, y = _place(minutiae, index, offset)
    angle, words = float(minutiae.angle[index]), str(number)
    reach, size = 2.6 * style.radius, 0.8 * style.text
    x -= np.cos(angle) * reach + 0.3 * size * len(words)
    y += np.sin(angle) * reach + 0.35 * size
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        halo = (x + 0.6 * dx * style.halo, y + 0.6 * dy * style.halo)
        canvas.text(words, halo, size, WHITE, bold=True)
    canvas.text(words, (x, y), size, hue(number - 1), bold=True)
