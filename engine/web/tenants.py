"""Tenants: installations that one process serves, each with its own home, database and keys."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import SettingsError
from engine.service.home import DATABASE_VARIABLE, FILE, KEYS_VARIABLE
from engine.service.tenprint import Tenprint

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")  # goes into cookies and metrics
FIELDS = {"home": str, "database": str, "keys": str, "callbacks": list}


@dataclass(frozen=True, slots=True)
class Tenant:
    """One installation. database: a URL, which may have a password in it; else SQLite in the home.
    callbacks: origins that its results may be posted to."""

    name: str
    home: Path
    database: str | None = field(default=None, repr=False)
    keys: Path | None = None
    callbacks: tuple[str, ...] = ()


def read_tenants(given: Sequence[str], callbacks: Sequence[str] = ()) -> tuple[Tenant, ...]:
    """The tenants that options name: NAME=HOME each, or a file of them (.toml). SettingsError for
    what is not right. callbacks: of each that has no own."""
    found: list[Tenant] = []
    for text in given:
        name, sign, home = text.partition("=")
        if sign:
            found.append(Tenant(_name(name), Path(home).expanduser(), callbacks=(*callbacks,)))
        else:
            found += _read_file(Path(text).expanduser(), callbacks)
    names = [each.name for each in found]
    if len(set(names)) != len(names):
        raise SettingsError("--tenant: each tenant needs a name of its own")
    for variable in (DATABASE_VARIABLE, KEYS_VARIABLE) if found else ():
        if os.environ.get(variable):
            raise SettingsError(
                f"{variable} would be every tenant's: unset it, and say in a .toml file what is "
                "each one's own"
            )
    return tuple(found)


@contextmanager
def open_tenants(tenants: Sequence[Tenant], searchers: int = 0) -> Iterator[Mapping[str, Tenprint]]:
    """Opens all of them for the block. searchers: processes of each that compare prints.
    SettingsError where two would share a home, a database or a key."""
    with ExitStack() as stack:
        opened: dict[str, Tenprint] = {}
        taken: dict[str, str] = {}
        for each in tenants:
            database = each.database or f"sqlite:///{each.home.resolve() / FILE}"
            made = stack.enter_context(
                Tenprint(each.home, database=database, keys=each.keys, searchers=searchers)
            )
            own = dict.fromkeys((str(made.home.folder), made.home.place), "home or database")
            # What is sealed is bound to its row, but not to its database.
            own |= dict.fromkeys(made.key_ids, "key")
            for place, what in own.items():
                if place in taken:
                    raise SettingsError(
                        f"tenants {taken[place]} and {each.name} have one {what}: give each its own"
                    )
                taken[place] = each.name
            opened[each.name] = made
        yield opened


def _read_file(path: Path, callbacks: Sequence[str]) -> list[Tenant]:
    try:
        told = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"--tenant {path}: write NAME=HOME, or name a .toml file of tenants ({error})"
        ) from error
    return [_tenant(path, name, fields, callbacks) for name, fields in told.items()]


def _tenant(path: Path, name: str, fields: Any, callbacks: Sequence[str]) -> Tenant:
    if not isinstance(fields, dict) or "home" not in fields:
        raise SettingsError(f'{path}: write [{name}], and under it home = "..."')
    for key, value in fields.items():
        if not isinstance(value, FIELDS.get(key, ())):
            raise SettingsError(f"{path}: {name}.{key}: there are {', '.join(FIELDS)}")
    own = fields.get("callbacks", callbacks)
    keys = fields.get("keys")
    return Tenant(
        _name(name),
        _beside(path, fields["home"]),
        fields.get("database"),
        _beside(path, keys) if keys else None,
        tuple(map(str, own)),
    )


def _beside(path: Path, named: str) -> Path:
    """A path of the file, from where the file is."""
    return path.parent / Path(named).expanduser()


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise SettingsError(f"--tenant {text!r}: a name has 1 to 40 letters, digits, . _ or -")
    return text
