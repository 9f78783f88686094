"""JSON read strictly: what two readers could understand differently, or cannot write again, is
refused."""

from __future__ import annotations

import json
import math
from typing import Any

DEEPEST = 64  # levels of objects and lists
# A value takes 64 bytes and more in memory, and two or three in a body: what is short there could
# be long here. Before each but the first stands one of these marks, of which base64 has none.
MOST, MARKS = 200_000, b",[{"


def read(data: bytes) -> Any:
    """The value that JSON in UTF-8 says. ValueError, in words, for what is none, has a name twice
    in an object, a number that is none (NaN) or too large, half a character, too many levels or
    values."""
    if sum(data.count(mark) for mark in MARKS) > MOST:
        raise ValueError(f"more than {MOST:,} values are not read")
    try:
        value = json.loads(
            data.decode(), object_pairs_hook=_object, parse_float=_float, parse_constant=_no_number
        )
    except json.JSONDecodeError as error:
        raise ValueError("this is no JSON in UTF-8") from error
    except UnicodeDecodeError as error:
        raise ValueError("this is no JSON in UTF-8") from error
    except RecursionError as error:
        raise _too_deep() from error
    _check(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("an object has a name twice")
    return made


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _check(value: Any) -> None:
    """ValueError for too many levels, or characters that UTF-8 does not have."""
    level, depth = [value], 0
    while level:
        if depth > DEEPEST:
            raise _too_deep()
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below += each
                below += each.values()
            elif isinstance(each, list):
                below += each
            elif isinstance(each, str) and not each.isascii():
                try:
                    each.encode()
                except UnicodeEncodeError as error:
                    raise ValueError("half a character stands alone") from error
        level, depth = below, depth + 1


def _too_deep() -> ValueError:
    return ValueError(f"objects and lists may be {DEEPEST} deep")
