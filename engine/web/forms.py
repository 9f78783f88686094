"""Forms: what a browser sends, read with bounds."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from engine.web.faults import Fault

MOST_BYTES, MOST_FIELDS = 65_536, 50
SECONDS = 30.0  # for a form to come in whole
KIND = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, each once. A Fault where it is none, or too much."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != KIND:
        raise Fault(415, f"send a form: {KIND}")
    data = b""
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                data += chunk
                if len(data) > MOST_BYTES:
                    raise Fault(413, f"a form has {MOST_BYTES:,} bytes at most")
    except TimeoutError as error:
        raise Fault(408, "the form did not come in time: send it again") from error
    except ClientDisconnect as error:
        raise Fault(400, "the request was given up") from error
    try:
        pairs = parse_qsl(
            data.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise Fault(400, "this is no form") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Fault(400, "a field is there twice")
    return fields
