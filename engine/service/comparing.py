"""Comparing: the prints of a case side by side, as examiners look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from engine import pipeline
from engine.errors import ImageError, NotFoundError
from engine.formats import template as template_format
from engine.formats.images import read_image
from engine.index.gallery import Entry, Gallery
from engine.settings import Settings
from engine.store.prints import StoredPrint
from engine.store.probe_prints import HeldProbe
from engine.types import I32, FingerPosition, Minutiae, Template

ORIGINAL, ENHANCED = VIEWS = ("original", "enhanced")
PROBE, CANDIDATE = SIDES = ("probe", "candidate")


@dataclass(frozen=True, slots=True)
class Side:
    """One print. quality: 0..100. width, height: px at 500 ppi, of the picture and of the
    coordinates of minutiae. image: whether there is a picture."""

    position: FingerPosition
    quality: int
    width: int
    height: int
    minutiae: Minutiae
    image: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """One finger of a probe, beside the candidate's print that it fits best. number: of the
    finger, 1 the first. pairs: int32 k×2, (probe index, candidate index) of the minutiae that the
    matcher paired, best first. template_id: of the candidate's print."""

    number: int
    probe: Side
    candidate: Side
    pairs: I32
    template_id: int


def compare(
    probes: Sequence[HeldProbe], enrolled: Sequence[StoredPrint], settings: Settings
) -> tuple[Compared, ...]:
    """Each finger of a probe beside the print it fits best. settings: of the extractor that made
    the templates. NotFoundError where the prints of a side are not kept any more."""
    fingers = [(each, decode(each)) for each in probes if each.template is not None]
    if not fingers:
        raise NotFoundError("what the probe looked like is not kept any more")
    if not enrolled:
        raise NotFoundError("the candidate's prints were removed meanwhile")
    candidates = {
        # Not by the name of its file, which may say whose print it is: examiners read the error.
        each.template_id: (each, template_format.decode(each.template, "the candidate's print"))
        for each in enrolled
    }
    only = Gallery("case")
    only.add([Entry(number, "candidate", found[1]) for number, found in candidates.items()])
    found = pipeline.identify([template for _, template in fingers], [only], settings)
    compared = []
    for (held, template), evidence in zip(fingers, found.candidates[0].evidence, strict=True):
        stored, other = candidates[evidence.template_id]
        compared.append(
            Compared(
                held.number,
                _side(template, held.image),
                _side(other, stored.image),
                evidence.pairs,
                evidence.template_id,
            )
        )
    return tuple(compared)


def decode(held: HeldProbe) -> Template:
    """The template of a probe's finger that is kept."""
    assert held.template is not None
    return template_format.decode(held.template, f"finger {held.number} of the probe")


def draw(image: bytes | None, ppi: float | None, view: str, settings: Settings) -> bytes:
    """The picture of a print at 500 ppi, as the bytes of a PNG. NotFoundError where there is no
    image, or no such view."""
    if view not in VIEWS:
        raise NotFoundError(f"there is no view {view!r}: ask for {' or '.join(VIEWS)}")
    if image is None:
        raise NotFoundError("there is no image of this print")
    try:
        read = read_image(image, ppi=ppi, limits=settings.images)
    except ImageError as error:  # enrolled under wider limits
        raise NotFoundError(f"the image of this print cannot be shown: {error.reason}") from error
    pixels = read.pixels if view == ORIGINAL else pipeline.redraw(read, settings)
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(pixels))
    assert done  # gray pixels always can be
    return encoded.tobytes()


def _side(template: Template, image: bytes | None) -> Side:
    return Side(
        template.position,
        template.quality,
        template.width,
        template.height,
        template.minutiae,
        image is not None,
    )
