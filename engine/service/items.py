"""Items: prints as a client sends them, an image or a template each, on their way to a template."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import pipeline
from engine.errors import FailureToExtractError, InputError, TemplateError
from engine.formats import fmr
from engine.formats import template as template_format
from engine.formats.fmr import Edition, View
from engine.formats.manifest import PrintRow
from engine.service.inputs import BREAKS
from engine.service.results import ProbeFinger
from engine.service.workers import Job
from engine.settings import Settings
from engine.store.schema import REFERENCE_LENGTH
from engine.types import MAX_MINUTIAE, FingerPosition, Template

OWN_FORMAT = "TENPRINT"  # of templates in the project's own form
FORMATS = (OWN_FORMAT, *Edition)
SURROGATE = "Cs"


@dataclass(frozen=True, slots=True)
class Item:
    """A print that a client sent. source: what to call it in messages. image: a file of any
    accepted format; where there is none, template: bytes of the format named. details: JSON, kept
    with the print and given back."""

    source: str
    position: FingerPosition
    image: bytes | None
    template: bytes | None
    template_format: str
    ppi: float | None = None
    details: str = "{}"

    @property
    def data(self) -> bytes:
        """What came: the image, or else the template."""
        return self.image if self.image is not None else self.template or b""

    @property
    def sha256(self) -> str:
        """Hex, of what came."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def row(self) -> PrintRow:
        """The item as the rest of the service names prints."""
        return PrintRow("probe", self.position, Path(self.source), self.ppi)

    def job(self, number: int) -> Job:
        """The extraction that an image needs."""
        return Job(number, self.row, self.data, self.sha256)

    def finger(self, template: Template) -> ProbeFinger:
        """The item as a finger of a probe."""
        return ProbeFinger(self.row, self.sha256, template, self.image)


def read_template(item: Item, settings: Settings) -> Template:
    """The template of an item that came as one. TemplateError where it is none, or one that these
    settings would not have made; FailureToExtractError where it has too few minutiae."""
    assert item.template is not None
    if item.template_format == OWN_FORMAT:
        template = template_format.decode(item.template, item.source)
        if template.maker != pipeline.maker(settings):
            raise TemplateError(
                item.source, f"made by {template.maker}, but the gallery's maker is "
                f"{pipeline.maker(settings)}: send the image"
            )  # fmt: skip
        return template
    if item.template_format not in FORMATS:
        raise TemplateError(
            item.source,
            f"template format {item.template_format!r} is not read: use {', '.join(FORMATS)}, "
            "or send the image",
        )
    views = fmr.read(item.template, Edition(item.template_format), item.source)
    if len(views) != 1:
        raise TemplateError(item.source, f"{len(views)} views in one record: send one an item")
    return _describe(views[0], item, settings)


def _describe(view: View, item: Item, settings: Settings) -> Template:
    """A template of the minutiae of others, described as our own are. It has no ridges, and its
    minutiae were found otherwise: it compares less well than one of an image."""
    minutiae = view.minutiae
    if len(minutiae) < settings.min_minutiae:
        raise FailureToExtractError(item.source, f"only {len(minutiae)} minutiae in the record")
    best = np.argsort(-minutiae.quality.astype(np.int64), kind="stable")[:MAX_MINUTIAE]
    size = (view.width, view.height)
    return pipeline.describe(
        minutiae.take(best), settings, view.quality, size, item.position or view.position
    )


def write_template(data: bytes, name: str) -> bytes:
    """A stored template in a format of others, or in our own. InputError for another format."""
    if name == OWN_FORMAT:
        return data
    if name not in FORMATS:
        raise InputError("templateFormat", f"{name!r} is not written: ask for {', '.join(FORMATS)}")
    template = template_format.decode(data)
    size = (template.width, template.height)
    view = View(template.position, 0, template.quality, *size, template.minutiae)
    return fmr.write([view], Edition(name))


def check_reference(what: str, value: str) -> None:
    """InputError unless the name of a person, an encounter or the like can be kept."""
    if not value or len(value) > REFERENCE_LENGTH:
        raise InputError(what, f"must have 1 to {REFERENCE_LENGTH} characters")
    if any(unicodedata.category(letter) in (*BREAKS, SURROGATE) for letter in value):
        raise InputError(what, "holds a line break or a control character")
