"""The rule files of the package: their bytes, what they say, and a stamp that tells them apart."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.errors import PolicyError

DATA = Path(__file__).parent / "data"
POLICIES = DATA / "policies"


def parse_table(content: bytes, where: str) -> dict[str, Any]:
    """The contents of one TOML file. Raises PolicyError naming `where` if it is no TOML."""
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # also of TOML, UTF-8 and numbers without end
        raise PolicyError(f"{where}: is no valid TOML ({error})") from error


def table_of(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    """One of several TOML files, by name. Raises PolicyError where it is missing or is no TOML."""
    if name not in files:
        raise PolicyError(f"{name}: is not among the files of the tables")
    return parse_table(files[name], name)


def require(table: Mapping[str, Any], allowed: Mapping[str, type], where: str) -> None:
    """Refuses keys that are not in `allowed` and values of another type (PolicyError)."""
    for key, value in table.items():
        if key not in allowed:
            raise PolicyError(f"{where}: unknown key {key!r}; allowed are {', '.join(allowed)}")
        if type(value) is not allowed[key]:  # exact: a bool is no number, a time no date
            raise PolicyError(f"{where}: {key!r} must be of type {allowed[key].__name__}")


def pattern(text: str, where: str) -> re.Pattern[str]:
    """A compiled regular expression, or PolicyError naming the rule it is in."""
    try:
        return re.compile(text)
    except re.error as error:
        raise PolicyError(f"{where}: {text!r} is no regular expression ({error})") from error


@cache
def shared_files() -> Mapping[str, bytes]:
    """The tables that every policy rests on, by file name, as they are in the package."""
    return MappingProxyType({path.name: path.read_bytes() for path in sorted(DATA.glob("*.toml"))})


def stamp(version: str, files: Mapping[str, bytes]) -> str:
    """Version and first 12 hex digits of the SHA-256 over files, by name, a policy's own and all
    that it rests on."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return f"{version}+{digest.hexdigest()[:12]}"
