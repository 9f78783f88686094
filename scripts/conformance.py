"""Holds the service to the description of OSIA ABIS 1.6.0 with schemathesis, over real HTTP.

The description is not part of the project (see docs/osia.md): --yaml says where it lies. Prints
cost nothing here: each picture names its finger, and an extractor believes it, so that what is
tested is the interface and not the extraction.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from engine import pipeline  # noqa: E402
from engine.service.tenprint import Tenprint  # noqa: E402
from engine.store.failures import RULES  # noqa: E402
from engine.web.server import Options, make  # noqa: E402
from tests import prints_at_no_cost  # noqa: E402

# Beside the checkout, where it is at hand.
YAML = Path(__file__).resolve().parents[2] / "shared/data/standards/osia-abis.yaml"
HERE = Path(__file__).parent / "osia"


@contextmanager
def served(home: Path) -> Iterator[tuple[str, str]]:
    """The service on an empty home at some port of this machine: its URL, and a token."""
    usual, pipeline.extract = pipeline.extract, prints_at_no_cost.extract
    with Tenprint(home) as tenprint:
        # It shows wrong tokens by the hundred, and is to be told 401 each time.
        tenprint.access._rules = replace(RULES, most=1_000_000)
        options = Options(development_key=True, workers=1, callbacks=["https://client.example"])
        app, token = make(tenprint, options)
        # No worker processes: they would know nothing of the extractor above.
        app.state.desk._extractors._workers = 0
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}", token
        finally:
            server.should_exit = True
            thread.join()
            pipeline.extract = usual


def run(yaml: Path, examples: int, seed: int, more: Sequence[str] = ()) -> tuple[int, str]:
    """(exit status of schemathesis, what it said); 0 where nothing failed."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "home") as (url, token):
        words = [
            "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"),
            "run", str(yaml), "--url", url, "-H", f"Authorization: Bearer {token}",
            "--max-examples", str(examples), "--seed", str(seed), "--continue-on-failure",
            "--generation-database", "none", "--suppress-health-check", "all", *more,
        ]  # fmt: skip
        environment = {
            **os.environ,
            "PYTHONPATH": f"{HERE}:{ROOT}",
            "SCHEMATHESIS_HOOKS": "hooks",
            "TENPRINT_CALLS": str(Path(folder) / "calls"),
        }
        done = subprocess.run(
            [sys.executable, *words], env=environment, cwd=folder, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        calls = Path(environment["TENPRINT_CALLS"])
        return done.returncode, done.stdout + (calls.read_text() if calls.exists() else "")


def main() -> int:
    """Runs it and prints what schemathesis says, with how often each status came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--yaml", type=Path, default=YAML, help="the description of the interface")
    parser.add_argument("--examples", type=int, default=100, help="for each operation")
    parser.add_argument("--seed", type=int, default=1)
    options, more = parser.parse_known_args()
    if not options.yaml.exists():
        parser.error(f"{options.yaml} is not here: get it as docs/osia.md says, and give --yaml")
    status, told = run(options.yaml, options.examples, options.seed, more)
    print(told)
    return status


if __name__ == "__main__":
    sys.exit(main())
