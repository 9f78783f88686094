"""Payloads: requests made of fingers that nobody has, before the clock runs."""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import make_gallery
import numpy as np

from engine.formats import template as template_format
from engine.synthesis.draw import draw_impressions
from engine.types import Template
from loading.drawing import drawn_ahead

GALLERY = "drawn"  # of scripts/make_home.py
OTHERS = 1_000  # added to the gallery's seed: fingers that it has not
IMPRESSION = 7  # seed of the probes' impressions, beside the gallery's
PICTURES = 16  # prints with a picture, which take a second each to grow


@dataclass(frozen=True, slots=True)
class Probe:
    """A search, and who is to be found first; "" where nobody is."""

    body: bytes
    person: str


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody to enrol, and a search that finds them."""

    person: str
    body: bytes
    probe: Probe


def probes(seed: int, mated: int, strangers: int, fingers: int) -> list[Probe]:
    """Searches by template: other impressions of the gallery's first fingers, and of fingers that
    it has not. fingers: that the gallery was made with, since fewer than a chunk are others."""
    first = min(fingers, make_gallery.CHUNK)
    own = [
        Probe(search_body(item_of(each)), f"D{number:07d}")
        for number, each in enumerate(_impressions((seed, 0, first), min(mated, first)))
    ]
    others = _impressions((seed + OTHERS, 0, strangers), strangers)
    return own + [Probe(search_body(item_of(each)), "") for each in others]


class Newcomers:
    """People to enrol by template, each a new finger, found by that same print; without end, and
    for several clients at once. The first are drawn when this is made, the others while those
    before are used."""

    def __init__(self, seed: int, prefix: str, chunk: int = 1) -> None:
        chunks = drawn_ahead(seed + OTHERS, chunk)
        first = next(chunks)
        self._templates = itertools.chain(first, itertools.chain.from_iterable(chunks))
        self._prefix = prefix
        self._numbers = itertools.count()
        self._lock = threading.Lock()  # who is next waits while fingers are drawn

    def __iter__(self) -> Iterator[Newcomer]:
        return self

    def __next__(self) -> Newcomer:
        with self._lock:
            template, number = next(self._templates), next(self._numbers)
        name, item = f"{self._prefix}-{number}", item_of(template)
        return Newcomer(name, enrol_body(item), Probe(search_body(item), name))


def pictures(folder: Path) -> list[Probe]:
    """Searches by image, of prints grown ridge by ridge, which are kept in the folder; nobody in
    the gallery has them."""
    if not (folder / "probes").is_dir():
        words = ["sample", str(folder), "--persons", str(PICTURES), "--fingers", "1"]
        subprocess.run([sys.executable, "-m", "engine", *words], check=True)
    return [
        Probe(search_body({"biometricType": "FINGER", "image": _base64(path.read_bytes())}), "")
        for path in sorted((folder / "probes").glob("*.png"))[:PICTURES]
    ]


def item_of(template: Template) -> dict[str, Any]:
    """A template as the interface takes it."""
    return {
        "biometricType": "FINGER",
        "biometricSubType": "UNKNOWN",
        "template": _base64(template_format.encode(template)),
        "templateFormat": "TENPRINT",
    }


def search_body(item: dict[str, Any]) -> bytes:
    """The body of an identification."""
    return json.dumps({"filter": {}, "biometricData": [item]}).encode()


def enrol_body(item: dict[str, Any], gallery: str = GALLERY) -> bytes:
    """The body of an enrolment."""
    encounter = {
        "status": "ACTIVE",
        "encounterType": "load",
        "galleries": [gallery],
        "biometricData": [item],
    }
    return json.dumps(encounter).encode()


def _impressions(job: make_gallery.Job, count: int) -> list[Template]:
    """Other impressions of the first fingers of a chunk."""
    if not count:
        return []
    masters, _ = make_gallery.draw_fingers(*job)
    rng = np.random.default_rng([*job[:2], IMPRESSION])
    drawn = draw_impressions(masters, np.arange(count), rng, make_gallery.DRAWING)
    return [make_gallery.describe(drawn, number) for number in range(count)]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
