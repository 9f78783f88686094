"""Drawing ahead: fingers that nobody has, drawn by another process while those before are used.

Whoever sends requests at a set rate must not stop to draw: that would count as the service's time.
"""

from __future__ import annotations

import argparse
import atexit
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(SCRIPTS.parent), str(SCRIPTS)]

import make_gallery  # noqa: E402

from engine.types import Template  # noqa: E402

FINGERS = 100  # drawn at once: half a second of one core
GENTLE = 10  # niceness: the service goes first


def drawn_ahead(seed: int, chunk: int) -> Iterator[list[Template]]:
    """The templates of one chunk of fingers after the other, without end. The first next() waits
    until its chunk is drawn, later ones only where the process beside cannot keep up.

    RuntimeError where it fails."""
    with tempfile.TemporaryDirectory(prefix="tenprint-load-drawn-") as folder:
        drawing = _start(seed, chunk, Path(folder))

        def stop() -> None:
            drawing.kill()
            drawing.wait()

        atexit.register(stop)  # a generator is not sure to be closed when the process ends
        try:
            while True:
                if drawing.wait():
                    raise RuntimeError("fingers to enrol cannot be drawn: see the lines above")
                job = (seed, chunk, FINGERS)
                templates = list(make_gallery.read_chunk(job, Path(folder)))
                chunk += 1
                drawing = _start(seed, chunk, Path(folder))
                yield templates
        finally:
            atexit.unregister(stop)
            stop()


def _start(seed: int, chunk: int, folder: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, __file__, str(seed), str(chunk), str(folder)]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("chunk", type=int)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    os.nice(GENTLE)
    make_gallery.write_chunk((arguments.seed, arguments.chunk, FINGERS), arguments.folder)


if __name__ == "__main__":
    main()
