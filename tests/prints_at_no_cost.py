"""Prints that cost nothing: each image names its finger, and an extractor that believes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import pipeline
from engine.errors import FailureToExtractError
from engine.formats.manifest import PrintRow
from engine.service import tenprint as service
from engine.service.tenprint import Tenprint
from engine.settings import Settings
from engine.trace import SILENT, Trace
from engine.types import (
    CODE_WORDS,
    EMBEDDING_SIZE,
    NO_CELLS,
    FingerImage,
    FingerPosition,
    Minutiae,
    Template,
)

MINUTIAE = 30
Row = Callable[..., PrintRow]


def extract(image: FingerImage, settings: Settings, trace: Trace = SILENT) -> Template:
    """A template drawn for the finger that the image names; 255 is a print without a finger."""
    finger = int(image.pixels[0, 0])
    if finger == 255:
        raise FailureToExtractError(image.source, "too little of a fingerprint")
    rng = np.random.default_rng(finger)
    x, y, angle = rng.uniform(size=(3, MINUTIAE)) * [[280], [380], [2 * np.pi]]
    embedding = rng.normal(size=EMBEDDING_SIZE)
    return Template(
        Minutiae(
            x.astype(np.float32),
            y.astype(np.float32),
            angle.astype(np.float32),
            np.ones(MINUTIAE, np.uint8),
            np.full(MINUTIAE, 80, np.uint8),
        ),
        rng.integers(0, 2**64, (MINUTIAE, CODE_WORDS), np.uint64),
        NO_CELLS,
        (embedding / np.linalg.norm(embedding)).astype(np.float32),
        80,
        300,
        400,
        image.position,
        pipeline.maker(settings),
    )


@pytest.fixture
def make_row(tmp_path: Path) -> Row:
    """A function that writes the image of a finger, and gives its row."""
    folder = tmp_path / "prints"
    folder.mkdir()
    rng = np.random.default_rng(1)

    def make(person: str, finger: int, position: int = 0, encounter: str = "") -> PrintRow:
        pixels = rng.integers(0, 256, (120, 100), np.uint8)
        pixels[0, 0] = finger
        path = folder / f"{person}_{len(list(folder.iterdir()))}.png"
        Image.fromarray(pixels).save(path, dpi=(500, 500))
        return PrintRow(person, FingerPosition(position), path, 500.0, encounter)

    return make


@pytest.fixture
def free_extraction(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extractor above in the place of all others, in this process."""
    monkeypatch.setattr(pipeline, "extract", extract)
    monkeypatch.setattr(service, "PRINTS_PER_WORKER", 10**9)


@pytest.fixture
def tenprint(
    tmp_path: Path, free_extraction: None, target: Path | str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Tenprint]:
    """The service on an empty home, with the extractor above. Its database is SQLite's file there
    or PostgreSQL's, for whoever else opens that home too."""
    if isinstance(target, str):
        monkeypatch.setenv("TENPRINT_DATABASE", target)
    with Tenprint(tmp_path / "home") as opened:
        yield opened
