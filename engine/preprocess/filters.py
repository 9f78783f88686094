"""Log-Gabor filters in every ridge direction, made once for each size of picture."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft

from engine.settings import PreprocessSettings
from engine.types import F32

_MULTIPLE = 16  # sizes of pictures are rounded up to it: few factors, so fast transforms


def respond(contrast: F32, frequency: float, settings: PreprocessSettings) -> F32:
    """What every filter of one frequency answers: float32 d×H×W for d directions.

    contrast: float32 H×W at the working scale. frequency: ridges per px at 500 ppi. Filter i
    passes ridges at orientation π·i/d. A filter is a Gaussian in direction times a Gaussian in the
    logarithm of frequency (Field 1987), applied in the frequency domain as in Sherlock, Monro &
    Millard 1994.
    """
    height, width = contrast.shape
    margin = settings.window // settings.scale // 2  # keeps one edge from ringing into the other
    shape = _round_up(height + margin), _round_up(width + margin)
    logarithm, directions = _directions(shape, settings)
    distance = (logarithm - np.float32(np.log(frequency * settings.scale))) / settings.filter_width
    band = np.exp(np.float32(-0.5) * distance**2)
    spectrum = scipy.fft.rfft2(contrast, s=shape) * band
    answers = scipy.fft.irfft2(spectrum * directions, s=shape, axes=(1, 2))
    return np.asarray(answers[:, :height, :width], np.float32)


def choose(wide: F32, narrow: F32, share: F32, orientation: F32) -> F32:
    """The answer at each pixel of the filter along its ridge: float32 H×W.

    wide, narrow: float32 d×H×W, answers at two frequencies; share: float32 H×W, 0 takes the first,
    1 the second. orientation: float32 H×W rad in [0, π). In between it goes linearly.
    """
    count = len(wide)
    place = orientation * np.float32(count / np.pi)
    before = place.astype(np.int32)
    turn = place - before.astype(np.float32)
    before %= count
    after = (before + 1) % count

    def between(low: F32, high: F32, part: F32) -> F32:
        return low + (high - low) * part

    def pick(responses: F32) -> F32:
        first, second = (
            np.take_along_axis(responses, which[None], axis=0)[0] for which in (before, after)
        )
        return between(first, second, turn)

    return between(pick(wide), pick(narrow), share)


def _round_up(size: int) -> int:
    return -(-size // _MULTIPLE) * _MULTIPLE


@lru_cache(maxsize=4)
def _directions(shape: tuple[int, int], settings: PreprocessSettings) -> tuple[F32, F32]:
    """Logarithm of frequency, and the filters' gain by direction, over a half spectrum."""
    down = scipy.fft.fftfreq(shape[0])[:, None]
    right = scipy.fft.rfftfreq(shape[1])[None, :]
    frequency = np.hypot(down, right)
    frequency[0, 0] = np.finfo(np.float32).tiny
    count = settings.filter_directions
    across = np.arange(count)[:, None, None] * np.pi / count + np.pi / 2
    turn = np.mod(np.arctan2(-down, right) - across + np.pi / 2, np.pi) - np.pi / 2
    gain = np.exp(-0.5 * (turn / settings.filter_angle) ** 2)
    return np.log(frequency).astype(np.float32), gain.astype(np.float32)
