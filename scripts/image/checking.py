"""Checking: the Dockerfile's steps in a folder instead of an image, and what they made at work.

What no folder can show is left out and said: users, a read-only root, and the base image itself.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from image import dockerfile
from image.dockerfile import Instruction

PATIENCE = 120.0  # seconds for the service to begin
LIMIT = 1800  # seconds for one step
PORT = "8080"


class CheckError(Exception):
    """What is wrong with the image."""


@dataclass(frozen=True, slots=True)
class Image:
    """The image in a folder. places: absolute paths of the Dockerfile, and where they are here."""

    stage: list[Instruction]
    places: Mapping[str, Path]

    def here(self, text: str) -> str:
        """A text of the Dockerfile with the paths of this machine."""
        for path, place in self.places.items():
            text = text.replace(path, str(place))
        return text

    def environment(self, home: Path) -> dict[str, str]:
        """The image's own environment and nothing of ours; HOME is nowhere."""
        made = {
            name: self.here(value) for name, value in dockerfile.environment(self.stage).items()
        }
        return made | {"TENPRINT_HOME": str(home), "HOME": "/nonexistent", "TMPDIR": str(home)}

    def run(self, *words: str, home: Path) -> subprocess.CompletedProcess[str]:
        """Runs the entry point."""
        return subprocess.run(
            [*self._entry, *words], cwd="/", env=self.environment(home), text=True,
            capture_output=True, timeout=LIMIT, check=False,
        )  # fmt: skip

    def start(self, *words: str, home: Path, log: Path) -> subprocess.Popen[str]:
        """Starts the entry point, with its logs in a file."""
        with log.open("w") as errors:
            return subprocess.Popen(
                [*self._entry, *words], cwd="/", env=self.environment(home), text=True,
                stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip

    @property
    def _entry(self) -> list[str]:
        name, *others = dockerfile.last(self.stage, "ENTRYPOINT").arguments
        path = self.here(dockerfile.environment(self.stage)["PATH"])
        found = shutil.which(name, path=path)
        if found is None:
            raise CheckError(f"the entry point {name} is nowhere in {path}")
        return [found, *others]


def build(root: Path, folder: Path, python: str) -> Image:
    """Runs the COPY and RUN steps of the first stage. python: the interpreter in the place of the
    base image's. CheckError where a step fails."""
    first, final = dockerfile.stages(dockerfile.read(root / "Dockerfile"))
    tools = folder / "tools"
    tools.mkdir()
    (tools / "python").symlink_to(shutil.which(python) or python)
    places = {path: folder / path[1:] for path in ("/src", "/wheels", "/opt/tenprint")}
    image = Image(final, places)
    places["/src"].mkdir()
    for step in first:
        if step.name == "COPY":
            *sources, target = step.arguments
            for source in sources:
                _copy(root / source, places["/src"] / target)
        elif step.name == "RUN":
            print(f"RUN {step.words}", flush=True)
            environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
            ran = subprocess.run(
                ["/bin/sh", "-c", image.here(step.words)], cwd=places["/src"], env=environment,
                stdout=subprocess.DEVNULL, timeout=LIMIT, check=False,
            )  # fmt: skip
            if ran.returncode:
                raise CheckError(f"RUN {step.words}: exit code {ran.returncode}")
    return image


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


@contextmanager
def serving(image: Image, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The service with the development key, at a free port: the process and its address."""
    home, log = folder / "home", folder / "log"
    home.mkdir()
    process = image.start(
        "serve", "--insecure-development-key", "--port", "0", "--workers", "1", home=home, log=log
    )
    try:
        yield process, f"http://127.0.0.1:{_port(process, log)}"
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _port(process: subprocess.Popen[str], log: Path) -> int:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text().splitlines():
            if '"listening"' in line:
                return int(json.loads(line)["port"])
        time.sleep(0.1)
    raise CheckError(f"the service does not listen; its last words: {log.read_text()[-2000:]}")


def status(url: str) -> int:
    """The status of an answer."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def end(process: subprocess.Popen[str], seconds: float) -> float:
    """Ends a service as the engine would. Gives the seconds it took; CheckError where it takes more
    than allowed, or does not end well."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise CheckError(f"the service did not end {seconds:g} s after SIGTERM") from None
    if code:
        raise CheckError(f"the service ended with exit code {code} after SIGTERM")
    return time.monotonic() - began
