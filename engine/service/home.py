"""The home folder: the database, unless that is a server's, and what is derived from it."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import StoreError
from engine.store.address import is_sqlite, place_of, read_address

VARIABLE = "TENPRINT_HOME"
DATABASE_VARIABLE = "TENPRINT_DATABASE"
KEYS_VARIABLE = "TENPRINT_KEYS"
DEFAULT = Path("~/.local/share/tenprint")
FILE = "tenprint.sqlite"


@dataclass(frozen=True, slots=True)
class Home:
    """Where one installation keeps its data. database: the SQLite file in the folder, or the URL
    of another, which may have a password in it. keys: the file of the keys that seal it."""

    folder: Path
    database: Path | str = field(repr=False)
    keys: Path | None = None

    @property
    def file(self) -> Path | None:
        """SQLite's file; None where the database is a server's."""
        if isinstance(self.database, Path):
            return self.database
        url = read_address(self.database)
        return Path(url.database) if is_sqlite(url) and url.database else None

    @property
    def place(self) -> str:
        """Where the database is, whoever asks for it and however it is written."""
        file = self.file
        return str(file.resolve()) if file else place_of(read_address(str(self.database)))

    @property
    def index(self) -> Path:
        """The folder of derived indexes: one for each database, for only its processes to share."""
        if isinstance(self.database, Path):
            return self.folder / "index"
        file = self.file
        if file and file.resolve() == (self.folder / FILE).resolve():
            return self.folder / "index"
        return self.folder / f"index-{hashlib.sha256(self.place.encode()).hexdigest()[:8]}"


def open_home(
    folder: Path | None = None, database: str | None = None, keys: Path | None = None
) -> Home:
    """The folder, or that of TENPRINT_HOME, or the default; made if need be, for the owner only:
    templates are protected data. Likewise the database's URL (else the folder's own file) and the
    file of keys (else none). StoreError where the folder cannot be made or the URL is none."""
    chosen = (folder or Path(os.environ.get(VARIABLE) or DEFAULT)).expanduser().resolve()
    url = database or os.environ.get(DATABASE_VARIABLE)
    named = keys or os.environ.get(KEYS_VARIABLE)
    home = Home(chosen, url or chosen / FILE, Path(named).expanduser() if named else None)
    index = home.index
    try:
        chosen.mkdir(mode=0o700, parents=True, exist_ok=True)
        index.mkdir(mode=0o700, exist_ok=True)
        if stat.S_IMODE(index.stat().st_mode) != 0o700:
            index.chmod(0o700)
        if home.file:
            _make_private(home.file)
    except OSError as error:
        raise StoreError(
            f"{chosen}: {error.strerror}: name a folder to write in with --home or {VARIABLE}"
        ) from error
    return home


def _make_private(path: Path) -> None:
    """An empty file for the owner only, where there is none: SQLite would let others read it."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
