"""Load tests of a few seconds on a tiny gallery, with the real service: they say what they found,
and leave nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="pip install 'tenprint[service]'")
if not Path("/proc/self/smaps_rollup").exists():
    pytest.skip("memory is read as Linux tells it", allow_module_level=True)
os.environ.setdefault("LOCUST_SKIP_MONKEY_PATCH", "1")  # the other tests have real threads
pytest.importorskip("locust", reason="pip install 'tenprint[load]'")

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0  # seconds


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """scripts/loadtest with its temporary files in the folder."""
    environment = {name: value for name, value in os.environ.items() if "LOCUST" not in name}
    environment |= {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "scripts/loadtest.py"), *words],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(folder: Path, *words: str) -> tuple[int, str, dict[str, Any]]:
    """(exit code, what it said, what it found)."""
    found = folder / "found.json"
    process = start(folder, *words, "--json", str(found), "--html", str(folder / "page.html"))
    try:
        said, _ = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.terminate()
        raise
    assert found.exists(), said
    return process.returncode, said, json.loads(found.read_text())


def left(folder: Path) -> list[str]:
    """The commands that still run and know of the folder, after some time to end."""
    for _ in range(100):
        commands: Sequence[str] = [_command(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
        running = [each for each in commands if str(folder) in each]
        if not running:
            break
        time.sleep(0.1)
    return running


def _command(path: Path) -> str:
    try:
        return path.read_text().replace("\0", " ")
    except OSError:  # it has ended
        return ""


def test_knee(tmp_path: Path) -> None:
    mix = "identify=70,enrol=20,delete=10"
    code, said, found = run(
        tmp_path, "knee", "--fingers", "40", "--seconds", "0.5", "--first", "16", "--mix", mix
    )
    steps = found["steps"]
    assert sum(each["sent"] for each in steps) > 0
    assert not any(each["errors"] for each in steps), said
    right = [holds for words, holds in found["verdicts"].items() if "right person" in words]
    assert right == [True], said
    assert found["at_rest"]["errors"] == 0
    assert all(each["memory"] > 1e7 and each["processor"] > 0 for each in steps)
    assert (code == 0) == all(found["verdicts"].values())
    page = (tmp_path / "page.html").read_text()
    assert page.count("<svg") == 2
    assert not re.search(r"(src|href)=|https?://(?!load)", page.split("All figures")[0])
    assert left(tmp_path) == []


def test_chaos(tmp_path: Path) -> None:
    words = "chaos --fingers 20 --kills 2 --between 0.5 --clients 4 --tasks 0"
    code, said, found = run(tmp_path, *words.split())
    assert (code, found["verdicts"]) == (0, dict.fromkeys(found["verdicts"], True)), said
    assert found["killed"] == {"service": 2}
    assert found["acknowledged"] > 0
    assert left(tmp_path) == []


def test_told_to_end_it_ends_what_it_started(tmp_path: Path) -> None:
    process = start(tmp_path, "soak", "--fingers", "20", "--minutes", "10", "--rate", "2",
                    "--samples", str(tmp_path / "samples.json"))  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE
        while not (tmp_path / "samples.json").exists() and time.monotonic() < deadline:
            assert process.poll() is None, process.stdout and process.stdout.read()
            time.sleep(0.1)
        assert any("serve" in _command(path) and str(tmp_path) in _command(path)
                   for path in Path("/proc").glob("[0-9]*/cmdline"))  # fmt: skip
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 128 + signal.SIGTERM
    assert left(tmp_path) == []
