"""Reads one print from an image file into gray pixels at 500 ppi, ridges dark on light."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.errors import ImageError
from engine.formats.pictures import open_picture
from engine.formats.polarity import is_inverted
from engine.formats.resolution import resample, settle, size_at_500
from engine.settings import ImageLimits
from engine.types import FingerImage, FingerPosition


def read_image(
    source: Path | bytes,
    *,
    ppi: float | None = None,
    position: FingerPosition = FingerPosition.UNKNOWN,
    name: str = "",
    limits: ImageLimits = ImageLimits(),  # noqa: B008 (frozen)
) -> FingerImage:
    """The print in `source`, a path or the bytes of a file.

    Formats: PNG, TIFF, BMP, JPEG, JPEG 2000, WSQ, PGM/PPM/PBM; any depth, colour, palette or alpha
    becomes 8-bit gray on white, upright by EXIF. ppi: of the scanner, where the file does not say
    it or is wrong. name: for messages, the path unless given.
    Raises ImageError, and nothing else, for whatever is wrong with the file.
    """
    name = name or (str(source) if isinstance(source, Path) else "image")
    data = _read_bytes(source, name, limits)
    picture = open_picture(data, name, limits)
    resolution = settle(picture.stated, ppi, limits, name)
    size = size_at_500(picture.width, picture.height, resolution, limits, name)
    gray = picture.gray()
    if gray.shape != (picture.height, picture.width):
        raise ImageError(name, "the data have another size than the header says")
    if int(gray.max()) - int(gray.min()) < limits.min_contrast:
        raise ImageError(name, "the picture is blank")
    gray = resample(gray, size)
    if is_inverted(gray, limits.polarity):
        gray = 255 - gray
    return FingerImage(
        pixels=np.ascontiguousarray(gray), ppi=resolution[0], position=position, source=name
    )


def _read_bytes(source: Path | bytes, name: str, limits: ImageLimits) -> bytes:
    """The bytes of the file, refused by their number before they are read."""
    if isinstance(source, Path):
        try:
            if not source.is_file():
                there = "not a regular file" if source.exists() else "there is no such file"
                raise ImageError(name, there)
            with source.open("rb") as file:
                source = file.read(limits.max_file_bytes + 1)
        except (OSError, ValueError) as error:
            raise ImageError(name, f"the file cannot be read ({error})") from error
    if len(source) > limits.max_file_bytes:
        raise ImageError(name, f"the file is larger than {limits.max_file_bytes:,} bytes")
    if not source:
        raise ImageError(name, "the file is empty")
    return source
