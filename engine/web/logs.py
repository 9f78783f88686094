"""Logs: one JSON object a line. No ids of persons, no content of requests: who, what, how long."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

FIELDS = "tenprint"  # the attribute of a record that holds its own fields

log = logging.getLogger("tenprint.service")


class JsonLines(logging.Formatter):
    """A record as a line of JSON. An error is told by its kind and place, and of an event only the
    first line: what libraries and databases say after that may quote what a client sent."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage().partition("\n")[0],
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info and record.exc_info[1]:
            error = record.exc_info[1]
            line["error"] = type(error).__name__
            places = traceback.extract_tb(error.__traceback__)
            line["where"] = [f"{place.filename}:{place.lineno}" for place in places]
        return json.dumps(line)


def event(name: str, **fields: object) -> None:
    """Logs that something happened."""
    log.info(name, extra={FIELDS: fields})


def set_up(level: int = logging.INFO) -> None:
    """Sends every log of the process to standard error, as lines of JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    log.setLevel(level)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.access").disabled = True  # its lines hold ids of persons
    logging.getLogger("httpx").setLevel(logging.WARNING)
