"""scripts/check: what it needs and does not find is told, not left out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

CHECK = Path(__file__).parents[2] / "scripts" / "check"


def test_without_a_compiler_nothing_is_checked_and_one_line_says_what_to_install(tmp_path):
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name))
    run = subprocess.run(
        [tmp_path / "bash", CHECK], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "install g++" in run.stderr
