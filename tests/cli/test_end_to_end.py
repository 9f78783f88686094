"""The whole path on real pictures: prints made, enrolled, searched, by the gabor extractor."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from engine.cli.app import app
from engine.cli.exits import Exit


def run(*words: object) -> dict[str, object]:
    result = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert result.exit_code == Exit.DONE, result.stderr
    return dict(json.loads(result.stdout))


def test_made_prints_find_their_persons(tmp_path: Path) -> None:
    home, prints, page = tmp_path / "home", tmp_path / "prints", tmp_path / "report.html"
    made = run("sample", prints, "--persons", 3, "--fingers", 1, "--seed", 3, "--workers", 1)
    people, records = made["people"], made["offenses"]
    enrolled = run(
        "--home", home, "enrol", "--manifest", people, "--records", records, "--extractor", "gabor"
    )
    assert enrolled["enrolled"] == 3
    found = run(
        "--home", home, "identify", "--manifest", made["probes"], "--report", page, "--workers", 1
    )
    first = [search["candidates"][0]["person"] for search in found["searches"]]  # type: ignore[attr-defined]
    assert first == ["P0001", "P0002", "P0003"]
    assert page.read_text().count("data:image/") >= 3
    probe = next((prints / "probes").iterdir())
    drawn = tmp_path / "drawn.png"
    run("--home", home, "extract", probe, "--extractor", "gabor", "--show", drawn)
    assert drawn.read_bytes().startswith(b"\x89PNG")
