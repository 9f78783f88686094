"""Faults: every error as the status and the object {code, message} that clients get."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from engine.errors import (
    ConflictError,
    GalleryError,
    HoldError,
    InputError,
    NotFoundError,
    SettingsError,
    TenprintError,
    UnavailableError,
    UseError,
)

AGAIN = 2  # seconds, until the database may answer

log = logging.getLogger(__name__)


class Fault(Exception):  # noqa: N818 (an answer, more than an error)
    """An answer that is an error. message: what is wrong and what to do, for the client."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})

    @property
    def content(self) -> dict[str, Any]:
        """The error object of the interface."""
        return {"code": self.status, "message": self.message}

    def response(self) -> JSONResponse:
        return JSONResponse(self.content, self.status, self.headers)


def busy(what: str, seconds: float) -> Fault:
    """Too much at once: the client is to come again after some time."""
    again = max(1, round(seconds))
    message = f"{what}: send the request again in {again} s"
    return Fault(429, message, {"Retry-After": str(again)})


def of(error: Exception) -> Fault:
    """The fault that an error is to a client. What is no fault of the client's is logged, and not
    told in detail."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, NotFoundError):
        return Fault(404, str(error))
    if isinstance(error, UseError):
        return Fault(403, str(error))
    if isinstance(error, (ConflictError, HoldError)):
        return Fault(409, str(error))
    if isinstance(error, (InputError, GalleryError, SettingsError)):
        return Fault(400, str(error))
    if isinstance(error, UnavailableError):
        log.error("request failed: the database does not answer")
        message = "the database does not answer now; nothing was acknowledged: send it again"
        return Fault(503, message, {"Retry-After": str(AGAIN)})
    log.error("request failed: %s", type(error).__name__, exc_info=error)
    kind = "the database refuses" if isinstance(error, TenprintError) else "unexpected error"
    return Fault(500, f"{kind}; nothing was acknowledged: send the request again, or tell us when")
