"""What schemathesis cannot know: pictures, names that are enrolled, and where callbacks may go.

Only calls that are to be good are changed, and only values that were good by the description, so
that bad calls stay as bad as they were made. Counts what came back.
"""

from __future__ import annotations

import atexit
import base64
import io
import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import schemathesis
from PIL import Image

PERSONS, ENCOUNTERS, GALLERIES = ("P1", "P2", "P3", "P4"), ("E1", "E2"), ("criminal", "vip")
KEPT_AS_MADE = 0.2  # share of calls that are not changed
CALLBACKS = 0.1  # share of calls that are answered by a callback
FINGERS = ("RIGHT_THUMB", "RIGHT_INDEX", "LEFT_INDEX", "LEFT_THUMB")
rng = Random(1)
seen: Counter[tuple[str, int]] = Counter()


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Makes most good calls ones that can succeed."""
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or rng.random() < KEPT_AS_MADE:
        return
    places = {"personId": PERSONS, "personIdTarget": PERSONS, "personIdSource": PERSONS,
              "encounterId": ENCOUNTERS, "galleryId": (*GALLERIES, "ALL")}  # fmt: skip
    for name in case.path_parameters or {}:
        if name in places:
            case.path_parameters[name] = rng.choice(places[name])
    query = case.query or {}
    query.pop("callback", None)
    if rng.random() < CALLBACKS:
        query["callback"] = "https://client.example/cb"
    good = {"priority": 3, "maxNbCand": 5, "threshold": 0.5, "accuracyLevel": "fast",
            "serviceLevel": 1, "offset": 0, "limit": 10, "status": "ACTIVE",
            "templateFormat": "ISO_19794_2", "biometricType": "FINGER",
            "biometricSubType": "RIGHT_INDEX", "transactionId": "T"}  # fmt: skip
    for name in query:
        query[name] = good.get(name, query[name])
    case.query = query
    if isinstance(case.body, (dict, list)):  # not where there is none
        case.body = _better(case.body)


@schemathesis.hook
def before_load_schema(_context: Any, raw: dict[str, Any]) -> None:
    """Adds what the description leaves out: a token that is missing or no good is answered as RFC
    6750 says, by 401."""
    for methods in raw["paths"].values():
        for operation in methods.values():
            operation["responses"].setdefault("401", {"description": "No good token (RFC 6750)"})


@schemathesis.hook
def after_call(_context: Any, case: Any, response: Any) -> None:
    """Counts what came back."""
    seen[case.operation.definition.raw.get("operationId", "?"), response.status_code] += 1


def _better(body: Any) -> Any:
    if isinstance(body, list) and body and all(isinstance(each, str) for each in body):
        return list(rng.sample(GALLERIES, rng.randint(1, 2)))
    if not isinstance(body, dict):
        return body
    body = {name: value for name, value in body.items() if name not in ("encryption", "integrity")}
    for name in ("biometricData", "biometricData1", "biometricData2"):
        if name in body:
            body[name] = [_print(each) for each in body[name][:2] or [{}]]
    if "galleries" in body:
        body["galleries"] = list(rng.sample(GALLERIES, rng.randint(1, 2)))
        body["clientData"] = "YQ=="
        body["encounterType"] = "booking"
        body.pop("encounterId", None)
    if "filter" in body:
        body["filter"] = {"biometricType": ["FINGER"]}
    elif not {"biometricData", "biometricData1"} & set(body):
        return {"biometricType": ["FINGER"]}
    return body


def _print(item: dict[str, Any]) -> dict[str, Any]:
    left_out = ("encryption", "integrity", "imageRef", "templateRef", "template", "templateFormat")
    kept = {name: value for name, value in item.items() if name not in left_out}
    return kept | {
        "biometricType": "FINGER",
        "biometricSubType": rng.choice(FINGERS),
        "image": _picture(rng.randrange(20)),
    }


def _picture(finger: int) -> str:
    pixels = np.random.default_rng(rng.randrange(2**32)).integers(0, 256, (90, 90), np.uint8)
    pixels[0, 0] = finger
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG", dpi=(500, 500))
    return base64.b64encode(data.getvalue()).decode()


@atexit.register
def _tell() -> None:
    place = os.environ.get("TENPRINT_CALLS")
    if not place or not seen:
        return
    lines = ["\nStatus of each call, by operation:"]
    for name in sorted({name for name, _ in seen}):
        counts = [f"{status}: {n}" for (own, status), n in sorted(seen.items()) if own == name]
        lines.append(f"  {name:26} {'  '.join(counts)}")
    Path(place).write_text("\n".join(lines) + "\n")
