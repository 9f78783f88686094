"""Opens an image file of any accepted format: first its header only, then its pixels as gray.

Every fault of a file becomes an ImageError; nothing else escapes from the decoders.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps

from engine.errors import ImageError
from engine.formats import wsq
from engine.settings import ImageLimits
from engine.types import U8

FORMATS = ("PNG", "TIFF", "BMP", "JPEG", "JPEG2000", "PPM")  # beside WSQ

# Pillow warns about damaged metadata and large images, both of which are judged here. A filter once
# for its modules, because warnings.catch_warnings is not safe with threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0  # TIFF 6.0: PhotometricInterpretation
_SIDEWAYS = range(5, 9)  # EXIF orientations that swap width and height


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file of which only the header has been read.

    width, height: px, upright (by EXIF). stated: ppi along width and height as the file says, or
    None. gray: decodes, uint8 H×W.
    """

    width: int
    height: int
    stated: tuple[float, float] | None
    gray: Callable[[], U8]


def open_picture(data: bytes, source: str, limits: ImageLimits) -> Picture:
    """The header of the image file `data`, with the means to decode it.

    Raises ImageError when the format is not accepted, the header is damaged, the file holds more
    than one picture or more pixels than `limits.max_pixels`.
    """
    if data.startswith(wsq.MAGIC):
        picture = _open_wsq(data, source, limits)
    else:
        try:
            picture = _open_pillow(data, source)
        except ImageError:
            raise
        except Exception as error:  # a decoder may raise anything at a hostile file
            raise ImageError(source, _reason("the image cannot be opened", error)) from error
    if picture.width * picture.height > limits.max_pixels:
        raise ImageError(
            source,
            f"{picture.width}×{picture.height} px are more than the {limits.max_pixels:,} allowed",
        )
    return picture


def _open_wsq(data: bytes, source: str, limits: ImageLimits) -> Picture:
    header = wsq.read_header(data, source)
    return Picture(
        header.width,
        header.height,
        (header.ppi, header.ppi),
        gray=partial(wsq.decode, data, header, source, limits),
    )


def _open_pillow(data: bytes, source: str) -> Picture:
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.UnidentifiedImageError as error:
        accepted = "PNG, TIFF, BMP, JPEG, JPEG 2000, PGM or WSQ"
        raise ImageError(source, f"not an image in {accepted}, or its header is damaged") from error
    if getattr(image, "is_animated", False):
        raise ImageError(source, "holds more than one picture: give one print a file")
    width, height = image.size
    dpi = image.info.get("dpi")
    stated = None if dpi is None else (float(dpi[0]), float(dpi[1]))
    if _orientation(image) in _SIDEWAYS:
        stated = stated and stated[::-1]
        if image.format != "TIFF":  # of which Pillow gives the size upright already
            width, height = height, width
    return Picture(width, height, stated, gray=partial(_decode, image, source))


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1..8, without decoding: PNG keeps it in a chunk that Pillow parses on
    opening, TIFF among its tags, JPEG in its first segments."""
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    return int(image.getexif().get(ExifTags.Base.Orientation, 1))


def _decode(image: Image.Image, source: str) -> U8:
    try:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return _to_gray(image, source)
    except ImageError:
        raise
    except Exception as error:  # as above
        raise ImageError(source, _reason("the image is damaged", error)) from error


def _to_gray(image: Image.Image, source: str) -> U8:
    """Luma (ITU-R 601) of what the picture shows on white paper."""
    if image.mode.startswith("I"):
        gray = _scale_deep(np.asarray(image), source)
        return 255 - gray if _is_white_zero(image) else gray
    if image.mode == "F":
        raise ImageError(source, "floating-point samples: save it with 8 or 16 bits a pixel")
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image.convert("RGBA"))
        image = paper
    return np.asarray(image.convert("L"))


def _scale_deep(samples: npt.NDArray[np.integer], source: str) -> U8:
    """Samples of more than 8 bits to 8, by the bits in use: 10 and 12 bits come in words of 16."""
    if int(samples.min()) < 0:
        raise ImageError(source, "negative samples: save it with 8 or 16 bits a pixel")
    bits = max(int(samples.max()).bit_length(), 8)
    return (samples.astype(np.int64) >> (bits - 8)).astype(np.uint8)


def _is_white_zero(image: Image.Image) -> bool:
    """Pillow inverts such TIFF files itself up to 8 bits, not above."""
    tags = getattr(image, "tag_v2", {})
    return tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO


def _reason(what: str, error: Exception) -> str:
    detail = str(error) or type(error).__name__
    return f"{what} ({detail})"
