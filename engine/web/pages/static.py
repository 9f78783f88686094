"""Files of the pages: styles, scripts, the icon; and htmx, from its package where that is there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from engine.web.faults import Fault

FOLDER = Path(__file__).parent / "static"
HTMX = "htmx.js"
HTMX_PACKAGE, HTMX_FILE = "django_htmx", "static/django_htmx/htmx-2.min.js"
STATISTICS = "statistics.css"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent. tag: changes with its content."""

    content: bytes
    kind: str
    tag: str


def send(request: Request, name: str) -> Response:
    """A file, or that the browser's copy is still good. A Fault 404 where there is none."""
    file = files().get(name)
    if file is None:
        raise Fault(404, "there is no such file")
    headers = {
        "Cache-Control": "no-cache",  # ask each time: scripts name each other without a version
        "ETag": file.tag,
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers=headers, media_type=file.kind)


@cache
def files() -> dict[str, File]:
    """All files by name; there are no others."""
    from engine.report.statistics import style

    found = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in KINDS}
    found[STATISTICS] = style().encode()
    htmx = _htmx()
    if htmx:
        found[HTMX] = htmx.read_bytes()
    return {name: _file(name, content) for name, content in found.items()}


@cache
def has_htmx() -> bool:
    """Whether pages can be refreshed in part."""
    return _htmx() is not None


def _htmx() -> Path | None:
    """The file, found without importing its package, which would want Django."""
    spec = find_spec(HTMX_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / HTMX_FILE
        if path.is_file():
            return path
    return None


def _file(name: str, content: bytes) -> File:
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    return File(content, KINDS[Path(name).suffix], tag)
