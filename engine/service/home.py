"""The home folder: the database and what is derived from it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engine.errors import StoreError

VARIABLE = "TENPRINT_HOME"
DEFAULT = Path("~/.local/share/tenprint")


@dataclass(frozen=True, slots=True)
class Home:
    """Where one installation keeps its data."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "tenprint.sqlite"

    @property
    def index(self) -> Path:
        return self.folder / "index"


def open_home(folder: Path | None = None) -> Home:
    """The folder, or that of TENPRINT_HOME, or the default; made if need be, for the owner only:
    templates are protected data. StoreError where it cannot be made."""
    chosen = (folder or Path(os.environ.get(VARIABLE) or DEFAULT)).expanduser().resolve()
    home = Home(chosen)
    try:
        chosen.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.index.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{chosen}: {error.strerror}: name a folder to write in with --home or {VARIABLE}"
        ) from error
    return home
