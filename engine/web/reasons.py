"""Reasons: what a client says a request is for, kept with each use.

The interface has no field for it. Headers carry it, because addresses are written in the logs of
proxies, and a case is nobody's business there.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import Headers

from engine.web.faults import Fault

PURPOSE, CASE = "X-Purpose", "X-Case-Id"
LONGEST = 200  # letters


@dataclass(frozen=True, slots=True)
class Reason:
    """What a request is for, and the case that it serves, as the client calls it; "" for what is
    not said."""

    purpose: str = ""
    case_id: str = ""


UNSAID = Reason()


def reason_of(headers: Headers, usual: str = "") -> Reason:
    """What a client says. usual: the purpose of who says none. A Fault 400 for what cannot be
    kept."""
    return Reason(_read(headers, PURPOSE) or usual, _read(headers, CASE))


def _read(headers: Headers, name: str) -> str:
    given = headers.getlist(name)
    if len(given) > 1:
        raise Fault(400, f"{name}: is there twice")
    try:
        text = "".join(given).strip().encode("latin-1").decode()
    except UnicodeDecodeError as error:
        raise Fault(400, f"{name}: write it in UTF-8") from error
    if len(text) > LONGEST or not text.isprintable():
        raise Fault(400, f"{name}: {LONGEST} printable characters at most")
    return text
