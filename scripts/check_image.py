"""Runs the Dockerfile's steps without an engine, and what they made: scripts/check-image."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from image import checking, dockerfile
from image.checking import PORT, CheckError, Image

ROOT = Path(__file__).resolve().parent.parent
GRACE = 75.0  # seconds: under stop_grace_period of compose.yaml


def check(image: Image, folder: Path) -> None:
    """Asks of the image all that it must do. CheckError where it does not."""
    home = folder / "scratch"
    home.mkdir()
    version = image.run("--version", home=home)
    if version.returncode or not version.stdout.startswith("tenprint "):
        raise CheckError(f"--version: {version.stdout}{version.stderr}")
    print(version.stdout.strip())
    refused = image.run(*dockerfile.last(image.stage, "CMD").arguments, home=home)
    if "--issuer" not in refused.stderr:
        raise CheckError(f"without an issuer it should not serve: {refused.stderr}")
    print("without an issuer: refused, and says what to give")
    with checking.serving(image, folder) as (process, address):
        for path, wanted in (("/health", 200), ("/ready", 200), ("/metrics", 401)):
            found = checking.status(address + path)
            if found != wanted:
                raise CheckError(f"{path}: {found}, not {wanted}")
            print(f"{path}: {found}")
        command = dockerfile.healthcheck(image.stage)
        here = [
            word.replace(f"127.0.0.1:{PORT}", address.removeprefix("http://")) for word in command
        ]
        if here == command:
            raise CheckError(f"HEALTHCHECK does not ask port {PORT}")
        python = image.places["/opt/tenprint"] / "bin" / here[0]
        subprocess.run([str(python), *here[1:]], check=True, timeout=30)
        print("HEALTHCHECK: healthy")
        print(f"SIGTERM: ended in {checking.end(process, GRACE):.1f} s")
    if subprocess.run([str(python), *here[1:]], capture_output=True, check=False).returncode == 0:
        raise CheckError("HEALTHCHECK finds a service healthy that is not there")
    print("HEALTHCHECK: unhealthy once it has ended")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="in the place of the base image's")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tenprint-image-") as name:
        try:
            check(checking.build(ROOT, Path(name), chosen.python), Path(name))
        except CheckError as error:
            sys.exit(f"check-image: {error}")
    print("not checked here: the base image, the user, a read-only root (see docs/operations.md)")


if __name__ == "__main__":
    main()
