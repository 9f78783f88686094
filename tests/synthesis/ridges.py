"""Which way the ridges of a print's picture run, beside which way its truth says they do."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from engine.synthesis.impression import Impression


def orientation_errors(each: Impression) -> npt.NDArray[np.float64]:
    """rad, of the blocks of 8 px well inside the print: the truth's orientation against that of the
    picture's gradients."""
    gray = cv2.GaussianBlur(each.pixels.astype(np.float32), (0, 0), 1.5)
    dx, dy = cv2.Sobel(gray, cv2.CV_32F, 1, 0), -cv2.Sobel(gray, cv2.CV_32F, 0, 1)
    doubled = cv2.blur(dx * dx - dy * dy, (17, 17)) + 1j * cv2.blur(2 * dx * dy, (17, 17))
    inner = cv2.erode(each.mask.astype(np.uint8), np.ones((25, 25)))[4::8, 4::8] > 0
    off = np.angle(np.exp(2j * each.orientation) * -np.conj(doubled[4::8, 4::8])) / 2
    return np.abs(off[inner])
