"""Long work in small parts kept in a folder: a run that was stopped goes on where it was."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from engine.errors import InputError

ABOUT = "about.json"


class Rate(ProgressColumn):
    """How many are done in an hour, of those of this run."""

    def render(self, task: Task) -> Text:
        return Text(f"{3600 * task.speed:,.0f}/h" if task.speed else "")


def claim(folder: Path, about: Mapping[str, object]) -> None:
    """Takes a folder for the work that `about` describes, or goes on with the same work there.

    InputError where the folder holds anything else: parts of two kinds of work never mix.
    """
    note, said = folder / ABOUT, json.dumps(about, sort_keys=True)
    if note.exists():
        if note.read_text(encoding="utf-8") != said:
            raise InputError(
                str(folder),
                "holds parts of other work (another seed, other settings or another version): "
                "name another folder, or delete this one",
            )
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(str(folder), "not an empty folder: name a new one")
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(note, lambda path: path.write_text(said, encoding="utf-8"))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` write the file, whole or not at all: it gets another name until it is done."""
    part = path.with_name(f"{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def progress(console: Console) -> Progress:
    """A bar with count, rate, time gone and time left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        speed_estimate_period=300,
    )


def processes(workers: int | None) -> ProcessPoolExecutor:
    """Processes to work in, that end when this one does, however it ends."""
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=spawn, initializer=_end_with_parent)


def _end_with_parent() -> None:
    # A pool's processes wait for work for ever where theirs was killed.
    parent = multiprocessing.parent_process()

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
