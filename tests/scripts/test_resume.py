"""Work in parts: folders that are claimed, files that are whole."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import resume

from engine.errors import InputError


def test_the_same_work_goes_on_and_other_work_is_refused(tmp_path):
    folder = tmp_path / "work"
    resume.claim(folder, {"seed": 1})
    (folder / "part").write_text("x")
    resume.claim(folder, {"seed": 1})
    with pytest.raises(InputError, match="other work"):
        resume.claim(folder, {"seed": 2})


def test_folders_of_something_else_are_refused(tmp_path):
    (tmp_path / "photo.jpg").write_text("x")
    with pytest.raises(InputError, match="not an empty folder"):
        resume.claim(tmp_path, {"seed": 1})
    with pytest.raises(InputError, match="not an empty folder"):
        resume.claim(tmp_path / "photo.jpg", {"seed": 1})


def test_a_file_is_whole_or_not_there(tmp_path):
    path = tmp_path / "a.txt"

    def fail(part: Path) -> None:
        part.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        resume.write_whole(path, fail)
    assert list(tmp_path.iterdir()) == []
    resume.write_whole(path, lambda part: part.write_text("whole"))
    assert path.read_text() == "whole" and list(tmp_path.iterdir()) == [path]


def leave_a_child(path: Path) -> None:
    pool = resume.processes(1)
    path.write_text(str(pool.submit(os.getpid).result()))
    os._exit(9)  # as if it had been killed


def test_processes_end_with_their_parent(tmp_path):
    path = tmp_path / "pid"
    with resume.processes(1) as pool, pytest.raises(Exception, match="terminated"):
        pool.submit(leave_a_child, path).result(60)
    child = int(path.read_text())
    for _ in range(100):
        if not Path(f"/proc/{child}").exists():
            return
        time.sleep(0.1)
    pytest.fail("the child goes on")
