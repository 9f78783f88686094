"""Draws what was found in a print: its minutiae, the flow of its ridges, its quality."""

from __future__ import annotations

import cv2
import numpy as np

from engine.report.canvas import Canvas, ink, mix
from engine.report.marks import (
    DRAW,
    FAINT,
    KINDS,
    WORDS,
    kind_colour,
    print_size,
    put_minutia,
    put_print,
    tint,
)
from engine.report.pairs import draw_pairs
from engine.settings import PictureSettings
from engine.types import F64, U8, Minutiae, MinutiaKind, RidgeMap

__all__ = ["draw_figure", "draw_flow", "draw_pairs", "draw_print", "draw_quality"]

BORDER = ink("#f59e0b")
FLOW = ink("#1d4ed8")
HEAT_BLUR = 0.7  # blocks: only what makes the heat continuous


def draw_print(
    pixels: U8 | None,
    ridges: RidgeMap | None = None,
    minutiae: Minutiae | None = None,
    settings: PictureSettings = DRAW,
) -> U8:
    """One print with its minutiae and the outline of the finger: uint8 BGR.

    pixels: uint8 H×W at 500 ppi, or None where only the template was kept. ridges and minutiae
    are drawn where given.
    """
    canvas = Canvas(*print_size(pixels, minutiae), settings)
    put_print(canvas, pixels, (0, 0))
    if ridges is not None:
        _outline(canvas, ridges)
    if minutiae is not None:
        for index in range(len(minutiae)):
            put_minutia(canvas, minutiae, index, (0, 0), kind_colour(minutiae, index), settings)
    return canvas.finish()


def draw_flow(pixels: U8, ridges: RidgeMap, settings: PictureSettings = DRAW) -> U8:
    """The orientation of the ridges as one stroke a block, inside the outline of the finger."""
    canvas = Canvas(pixels.shape[1], pixels.shape[0], settings)
    put_print(canvas, pixels, (0, 0), strength=0.45)
    rows, columns = np.nonzero(ridges.mask)
    centre = np.stack([columns + 0.5, rows + 0.5], axis=1) * ridges.block
    angle = ridges.orientation[rows, columns].astype(float)
    length = 0.38 * max(ridges.block, 8)
    half = length * np.stack([np.cos(angle), -np.sin(angle)], axis=1)
    sure = np.clip(ridges.quality[rows, columns], 0.15, 1.0)
    step = max(1, round(8 / ridges.block))  # strokes at least 8 px apart, whatever the block
    for index in np.flatnonzero((rows % step == 0) & (columns % step == 0)):
        stroke = np.stack([centre[index] - half[index], centre[index] + half[index]])
        canvas.lines([stroke], mix(FLOW, FAINT, float(sure[index])), settings.line)
    _outline(canvas, ridges)
    return canvas.finish()


def draw_quality(pixels: U8, ridges: RidgeMap, settings: PictureSettings = DRAW) -> U8:
    """The quality of each block as heat, from violet (poor) over green to yellow (good)."""
    height, width = pixels.shape
    mask = ridges.mask.astype(np.float32)
    spread = cv2.GaussianBlur(ridges.quality * mask, (0, 0), HEAT_BLUR)
    heat = spread / np.maximum(cv2.GaussianBlur(mask, (0, 0), HEAT_BLUR), 1e-3)
    scaled = np.clip(heat * 255, 0, 255).astype(np.uint8)
    size = (heat.shape[1] * ridges.block, heat.shape[0] * ridges.block)
    large = np.asarray(cv2.resize(scaled, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    colours = cv2.applyColorMap(_fit(large, height, width), cv2.COLORMAP_VIRIDIS)
    inside = np.zeros((height, width), np.uint8)
    contours = [np.round(contour).astype(np.int32) for contour in _contours(ridges)]
    cv2.drawContours(inside, contours, -1, 1, cv2.FILLED)
    shade = 0.55 + 0.45 * pixels[..., None].astype(np.float32) / 255
    painted = np.where(inside[..., None] > 0, colours * shade, tint(pixels, 0.3)).astype(np.uint8)
    canvas = Canvas(width, height, settings)
    canvas.paste(painted, (0, 0))
    _outline(canvas, ridges)
    return canvas.finish()


def draw_figure(
    pixels: U8, ridges: RidgeMap, minutiae: Minutiae, settings: PictureSettings = DRAW
) -> U8:
    """Three panels in a row, each with its caption: minutiae, flow of the ridges, quality."""
    ends = int(np.count_nonzero(minutiae.kind == MinutiaKind.ENDING))
    forks = int(np.count_nonzero(minutiae.kind == MinutiaKind.BIFURCATION))
    inside = ridges.quality[ridges.mask]
    mean = float(inside.mean()) if inside.size else 0.0
    found = [
        (f"{ends} endings", KINDS[MinutiaKind.ENDING]),
        (f"{forks} bifurcations", KINDS[MinutiaKind.BIFURCATION]),
    ]
    panels = [
        (draw_print(pixels, ridges, minutiae, settings), found),
        (draw_flow(pixels, ridges, settings), [("flow and outline", WORDS)]),
        (draw_quality(pixels, ridges, settings), [(f"mean quality {mean:.2f}", WORDS)]),
    ]
    height, width = pixels.shape
    margin = settings.margin
    sheet = Canvas(3 * width + 4 * margin, height + settings.caption + 2 * margin, settings)
    for number, (panel, words) in enumerate(panels):
        left = margin + number * (width + margin)
        sheet.place(panel, (left, margin))
        for said, colour in words:
            at = (left, margin + height + 0.75 * settings.caption)
            left = sheet.text(said, at, settings.text, colour) + settings.text
    return sheet.finish()


def _outline(canvas: Canvas, ridges: RidgeMap) -> None:
    """The border of the finger, smoothed over the corners of its blocks."""
    for contour in _contours(ridges):
        canvas.lines([contour], BORDER, DRAW.line, closed=True)


def _contours(ridges: RidgeMap) -> list[F64]:
    mask = np.pad(ridges.mask.astype(np.float32), 1)
    fine = cv2.resize(mask, None, fx=8, fy=8, interpolation=cv2.INTER_LINEAR)
    smooth = cv2.GaussianBlur(fine, (0, 0), 5) > 0.5
    found, _ = cv2.findContours(smooth.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    step = ridges.block / 8
    return [(contour[:, 0, :].astype(np.float64) + 0.5) * step - ridges.block for contour in found]


def _fit(image: U8, height: int, width: int) -> U8:
    """Cut, or continued at its right and lower edge, to the size of the print."""
    down, right = max(0, height - image.shape[0]), max(0, width - image.shape[1])
    padded = np.pad(image, ((0, down), (0, right)), mode="edge")
    return np.asarray(padded[:height, :width], np.uint8)
