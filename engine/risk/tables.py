"""Reads the rule files of the package, and says exactly which rules were read."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import PolicyError

DATA = Path(__file__).parent / "data"
POLICIES = DATA / "policies"
SHARED = ("offenses.toml", "dispositions.toml", "charges.toml")  # the tables of every policy


def read_table(path: Path) -> dict[str, Any]:
    """One TOML file. Raises PolicyError naming the file where it is missing or is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path}: is no valid TOML ({error})") from error


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
def _shared_bytes() -> bytes:
    return b"\0".join((DATA / name).read_bytes() for name in SHARED)


def stamp(version: str, policy: bytes) -> str:
    """Version and first 12 hex digits of the SHA-256 over a policy and the tables it rests on."""
    digest = hashlib.sha256(policy + b"\0" + _shared_bytes()).hexdigest()
    return f"{version}+{digest[:12]}"
