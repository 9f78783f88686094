"""The WSQ header is read here, and a decoder that dies takes nobody with it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import ImageError
from engine.formats import wsq
from engine.settings import ImageLimits
from tests.formats.samples import HEIGHT, WIDTH, file, picture

DATA = file(picture(), "WSQ")
LIMITS = ImageLimits()
HEADER = wsq.Header(WIDTH, HEIGHT, 500)


def test_the_header_gives_size_and_resolution() -> None:
    assert wsq.read_header(DATA, "") == HEADER
    assert b"\nPPI 500\n" in DATA
    assert wsq.read_header(DATA.replace(b"\nPPI 500\n", b"\nPPI 512\n"), "").ppi == 512
    for unknown in (b"\nPPI -01\n", b"\nPPx 512\n", b"\nPPI 000\n"):
        assert wsq.read_header(DATA.replace(b"\nPPI 500\n", unknown), "").ppi == 500


@pytest.mark.parametrize(
    "child",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "import time; time.sleep(60)",
        "print('too few bytes')",
        "raise SystemExit(1)",
    ],
)
def test_a_decoder_that_dies_or_hangs_is_an_image_error(
    child: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "child.py"
    script.write_text(child)
    monkeypatch.setattr(wsq, "_CHILD", script)
    limits = replace(LIMITS, decoder_seconds=0.3 if "sleep" in child else 20)
    with pytest.raises(ImageError, match=r"probe\.wsq: .*(damaged|too long)"):
        wsq.decode(DATA, HEADER, "probe.wsq", limits)


def test_a_size_that_the_data_have_not_is_an_image_error() -> None:
    with pytest.raises(ImageError, match="damaged"):
        wsq.decode(DATA, wsq.Header(WIDTH, HEIGHT + 1, 500), "probe.wsq", LIMITS)


def test_a_missing_decoder_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImageError, match="pip install wsq"):
        wsq.decode(DATA, HEADER, "probe.wsq", LIMITS)


def test_a_python_that_cannot_be_started_is_an_image_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(ImageError, match="cannot be started"):
        wsq.decode(DATA, HEADER, "probe.wsq", LIMITS)


def test_the_decoder_is_held_to_its_memory() -> None:
    resource = pytest.importorskip("resource")
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != 2**20
    with pytest.raises(ImageError):
        wsq.decode(DATA, HEADER, "probe.wsq", replace(LIMITS, decoder_bytes=2**20))
    assert subprocess.run([sys.executable, "-c", ""], check=False).returncode == 0
