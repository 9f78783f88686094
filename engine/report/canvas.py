"""A drawing surface in the coordinates of a print: antialiased, larger than the print, BGR."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from engine.settings import PictureSettings
from engine.types import F64, I32, U8

Colour = tuple[float, float, float]  # blue, green, red in 0..255, as OpenCV has them
Point = tuple[float, float]  # x, y in px of the print

FRACTION_BITS = 4  # OpenCV's fixed-point coordinates: sixteenths of a pixel
FONT = cv2.FontFace("sans")  # comes with OpenCV
REGULAR, BOLD = 400, 600  # weights of the font
GOLDEN_ANGLE = 0.381966  # of a turn: neighbours in a row of hues differ as much as can be


def ink(web: str) -> Colour:
    """A colour from its web notation, "#rrggbb"."""
    red, green, blue = (int(web[at : at + 2], 16) for at in (1, 3, 5))
    return float(blue), float(green), float(red)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`share` (0..1) of `one`, the rest of `other`."""
    blue, green, red = (a * share + b * (1 - share) for a, b in zip(one, other, strict=True))
    return blue, green, red


def hue(number: int) -> Colour:
    """The colour of the pair of this number: dark enough to be read on white."""
    turn = (0.58 + number * GOLDEN_ANGLE) % 1.0
    red, green, blue = colorsys.hls_to_rgb(turn, 0.38, 0.78)
    return blue * 255, green * 255, red * 255


class Canvas:
    """White paper of width × height (px of the print), to draw on in those coordinates."""

    def __init__(self, width: float, height: float, settings: PictureSettings) -> None:
        self.width, self.height = width, height
        self.zoom = settings.zoom
        self._factor = settings.zoom * settings.supersampling
        self._supersampling = settings.supersampling
        size = (round(height * self._factor), round(width * self._factor), 3)
        self.image: U8 = np.full(size, 255, np.uint8)

    def finish(self) -> U8:
        """The drawing as uint8 BGR, `zoom` px for each px of the print."""
        height, width = (side // self._supersampling for side in self.image.shape[:2])
        return np.asarray(
            cv2.resize(self.image, (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )

    def paste(self, pixels: U8, at: Point) -> None:
        """A picture (H×W×3, one px for one px of the print) with its corner at `at`."""
        height, width = pixels.shape[:2]
        left, top = (round(value * self._factor) for value in at)
        size = (round(width * self._factor), round(height * self._factor))
        large = cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC)
        room = self.image[top : top + size[1], left : left + size[0]]
        room[:] = large[: room.shape[0], : room.shape[1]]

    def place(self, drawing: U8, at: Point) -> None:
        """A finished drawing of the same zoom with its corner at `at`."""
        height, width = (side * self._supersampling for side in drawing.shape[:2])
        left, top = (round(value * self._factor) for value in at)
        large = cv2.resize(drawing, (width, height), interpolation=cv2.INTER_NEAREST)
        room = self.image[top : top + height, left : left + width]
        room[:] = large[: room.shape[0], : room.shape[1]]

    @contextmanager
    def faded(self, opacity: float) -> Iterator[None]:
        """What is drawn inside lets the paper through: opacity 0..1."""
        before = self.image.copy()
        yield
        cv2.addWeighted(self.image, opacity, before, 1 - opacity, 0, dst=self.image)

    def lines(self, paths: list[F64], colour: Colour, width: float, closed: bool = False) -> None:
        """Polylines, each an array of n×2 points."""
        points = [self._fixed(path) for path in paths]
        cv2.polylines(
            self.image, points, closed, colour, self._thick(width), cv2.LINE_AA, FRACTION_BITS
        )

    def ring(self, centre: Point, radius: float, colour: Colour, width: float) -> None:
        """A circle; filled where `width` is 0."""
        at = self._fixed(np.array([centre]))[0]
        size = round(radius * self._factor * 2**FRACTION_BITS)
        thick = self._thick(width) if width else cv2.FILLED
        cv2.circle(
            self.image, (int(at[0]), int(at[1])), size, colour, thick, cv2.LINE_AA, FRACTION_BITS
        )

    def area(self, path: F64, colour: Colour) -> None:
        """A filled polygon of n×2 points."""
        cv2.fillPoly(self.image, [self._fixed(path)], colour, cv2.LINE_AA, FRACTION_BITS)

    def text(self, words: str, at: Point, size: float, colour: Colour, bold: bool = False) -> float:
        """A line of words whose baseline starts at `at`; `size` is the height of the letters.

        Returns the x where the words end.
        """
        start = (round(at[0] * self._factor), round(at[1] * self._factor))
        height, weight = round(size * self._factor), BOLD if bold else REGULAR
        end, _ = cv2.putText(self.image, words, start, colour, FONT, height, weight)
        return float(end[0]) / self._factor

    def _fixed(self, points: F64) -> I32:
        return np.round(points * self._factor * 2**FRACTION_BITS).astype(np.int32)

    def _thick(self, width: float) -> int:
        return max(1, round(width * self._factor))
