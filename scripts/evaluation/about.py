"""Says how an evaluation was made, without the paths of whoever made it."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from engine import pipeline
from engine.matching import calibration
from engine.settings import Settings
from evaluation.intervals import Bootstrap

PACKAGES = ("tenprint", "numpy", "scipy", "opencv-python-headless", "faiss-cpu", "onnxruntime")


def tell(arguments: argparse.Namespace, settings: Settings, bootstrap: Bootstrap) -> dict:
    """When, with what and how."""
    return {
        "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "command": command(sys.argv),
        "extractor": arguments.extractor,
        "search": settings.search,
        "per_person": arguments.per_person,
        "positions": arguments.positions,
        "calibration": calibration.load(arguments.extractor).fitted_on,
        **asdict(bootstrap),
        "versions": {
            "maker": str(pipeline.maker(settings)),
            "python": platform.python_version(),
            **{package: version(package) for package in PACKAGES},
            "processors": f"{os.cpu_count()} of {platform.machine()}",
        },
    }


def command(words: Sequence[str]) -> str:
    """The command line with the names of files and folders only, not where they lie."""
    return shlex.join(
        Path(word).name if Path(word).is_absolute() or Path(word).exists() else word
        for word in words
    )
