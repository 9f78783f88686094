"""Prints drawn from a formula: arcs of known direction and period, with minutiae of known place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.types import F64, U8, Bool, FingerImage, RidgeMap

# x, y, sign: the phase of the ridges winds counter-clockwise (+1) or clockwise (-1) around them.
MINUTIAE = (
    (120, 90, 1),
    (190, 105, -1),
    (90, 150, -1),
    (150, 165, 1),
    (215, 180, 1),
    (110, 215, 1),
    (180, 230, -1),
    (140, 275, -1),
)


@dataclass(frozen=True)
class Arcs:
    """Ridges around a centre below the print, `period` px apart, in an ellipse on white."""

    period: float = 9.0
    height: int = 360
    width: int = 304
    minutiae: tuple[tuple[int, int, int], ...] = MINUTIAE

    @property
    def grid(self) -> tuple[F64, F64]:
        y, x = np.mgrid[: self.height, : self.width].astype(np.float64)
        return x, y

    def phase(self, x: F64, y: F64) -> F64:
        """The ridges' phase at any point: growing away from the centre, dark where cos < 0."""
        away = np.hypot(x - 0.4 * self.width, y - 1.25 * self.height)
        winding = sum(
            (sign * np.arctan2(py - y, x - px) for px, py, sign in self.minutiae), np.zeros(())
        )
        return 2 * np.pi * away / self.period + winding

    def across(self, x: F64, y: F64) -> F64:
        """Direction in which the phase grows, rad, y up (the bend around minutiae left out)."""
        return np.arctan2(1.25 * self.height - y, x - 0.4 * self.width)

    @property
    def inside(self) -> Bool:
        x, y = self.grid
        return ((x / self.width - 0.5) / 0.44) ** 2 + ((y / self.height - 0.5) / 0.44) ** 2 < 1

    def draw(self, noise: float = 0, dark: float = 40, light: float = 220) -> U8:
        """uint8 H×W, with Gaussian noise of `noise` gray levels."""
        middle, swing = (light + dark) / 2, (light - dark) / 2
        pixels = np.where(self.inside, middle + swing * np.cos(self.phase(*self.grid)), 245)
        pixels += noise * np.random.default_rng(5).standard_normal(pixels.shape)
        return np.clip(pixels, 0, 255).astype(np.uint8)

    def image(self, noise: float = 0, dark: float = 40, light: float = 220) -> FingerImage:
        return FingerImage(self.draw(noise, dark, light))

    @property
    def truth(self) -> F64:
        """x, y, angle and the line ahead (-1 a ridge that ends, 1 a valley), one minutia a row."""
        x, y, sign = np.array(self.minutiae, np.float64).T
        angle = self.across(x, y) - sign * np.pi / 2
        ahead = self.phase(x + 4 * np.cos(angle), y - 4 * np.sin(angle))
        return np.stack([x, y, angle, np.cos(ahead)], axis=1)


@dataclass(frozen=True)
class Plane:
    """Straight ridges along `along` rad, `period` px apart, known block for block."""

    along: float
    period: float
    height: int = 240
    width: int = 200

    def phase(self, x: F64, y: F64) -> F64:
        """At any point: growing a quarter turn counter-clockwise of the ridges, dark at π."""
        across = -x * np.sin(self.along) - y * np.cos(self.along)
        return 2 * np.pi / self.period * across + 0.7

    def ridges(self, contrast: float = 1.0) -> RidgeMap:
        """What preprocessing would give if it made no errors; the mask is everywhere."""
        y, x = np.mgrid[: self.height, : self.width].astype(np.float64)
        shape = (-(-self.height // 8), -(-self.width // 8))
        return RidgeMap(
            block=8,
            mask=np.ones(shape, np.bool_),
            orientation=np.full(shape, self.along, np.float32),
            frequency=np.full(shape, 1 / self.period, np.float32),
            quality=np.ones(shape, np.float32),
            enhanced=np.rint(128 + 64 * contrast * np.cos(self.phase(x, y))).astype(np.uint8),
        )


def turn(angle: F64) -> F64:
    """An angle in [-π, π)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi
