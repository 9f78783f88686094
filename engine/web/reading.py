"""Reading: requests to what the service takes. Everything that is wrong is a Fault 400."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from engine.service.encounters import Facts, Given
from engine.service.items import Item
from engine.settings import Settings
from engine.types import FingerPosition
from engine.web import strict_json
from engine.web.faults import Fault
from engine.web.limits import Limits
from engine.web.shapes import FINGERS, BiometricData, EncounterBody, Sealed

Wanted = TypeVar("Wanted")

# Kept with a print as they came, and given back; the others are read, made anew or refused.
KEPT = (
    "instance", "captureDate", "captureDevice", "impressionType", "width", "height", "bitdepth",
    "mimeType", "resolution", "compression", "missing", "metadata", "comment", "quality",
    "qualityFormat", "algorithm", "vendor",
)  # fmt: skip
_IMAGES = Settings().images
PPI = range(round(_IMAGES.min_ppi), round(_IMAGES.max_ppi) + 1)


def parse(kind: type[Wanted] | TypeAdapter[Wanted], body: bytes) -> Wanted:
    """A body of JSON in the shape that the interface says."""
    adapter = kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)
    try:
        return adapter.validate_python(strict_json.read(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise Fault(400, f"{where}: {first['msg']}") from None
    except ValueError as error:
        raise Fault(400, f"body: {error}") from error


def encounter(body: EncounterBody, encounter_id: str | None, limits: Limits) -> Given:
    """An encounter as it is to be kept. encounter_id: of the path, where it has one."""
    _refuse_sealed(body)
    check_galleries(body.galleries, limits)
    if body.encounterId and encounter_id and body.encounterId != encounter_id:
        raise Fault(400, "encounterId: another one than in the path: leave it out")
    for name, text in (("encounterType", body.encounterType), ("clientData", body.clientData)):
        _check_text(name, text, limits.kept_json if name == "clientData" else 200)
    if body.clientData is not None:
        decode(body.clientData, "clientData")
    contextual = None
    if body.contextualData is not None:
        contextual = json.dumps(body.contextualData)
        _check_text("contextualData", contextual, limits.kept_json)
    return Given(
        Facts(body.status, body.encounterType, body.clientData, contextual),
        tuple(body.galleries),
        items(body.biometricData, "biometricData", limits),
    )


def check_galleries(names: Sequence[str], limits: Limits) -> None:
    """Refuses more galleries than an encounter may be in."""
    if len(names) > limits.galleries:
        raise Fault(400, f"galleries: {limits.galleries} at most, not {len(names)}")


def items(data: Sequence[BiometricData], name: str, limits: Limits) -> tuple[Item, ...]:
    """The prints of a request."""
    if len(data) > limits.items:
        raise Fault(400, f"{name}: {limits.items} items at most, not {len(data)}")
    return tuple(_item(each, f"{name}[{n}]", limits) for n, each in enumerate(data))


def fingers(data: Sequence[BiometricData], name: str, limits: Limits) -> tuple[Item, ...]:
    """The prints of a probe: one at least."""
    if not data:
        raise Fault(400, f"{name}: nothing to compare: send one finger at least")
    return items(data, name, limits)


def check_filter(given: Any) -> None:
    """A filter may name biometric types, among them fingers; what else would be filtered by is not
    kept here, and must not be passed over in silence."""
    if given is None:
        return
    if not isinstance(given, dict):
        raise Fault(400, "filter: must be an object")
    unknown = sorted(set(given) - {"biometricType"})
    if unknown:
        raise Fault(
            400,
            f"filter: {str(unknown[0])[:40]!r} is not kept by this engine, so nothing is filtered "
            "by it: leave it out",
        )
    types = given.get("biometricType", ["FINGER"])
    if not isinstance(types, list) or "FINGER" not in types:
        raise Fault(400, "filter: biometricType must be a list with FINGER: only they are compared")


def refuse_sealed(body: Sealed) -> None:
    """Refuses what cannot be opened or checked here."""
    _refuse_sealed(body)


def _refuse_sealed(body: Sealed | BiometricData) -> None:
    if body.encryption is not None:
        raise Fault(400, "encryption: not supported: send the data in clear over TLS")
    if body.integrity is not None:
        raise Fault(400, "integrity: not checked by this engine: leave it out")


def _item(data: BiometricData, name: str, limits: Limits) -> Item:
    _refuse_sealed(data)
    if data.biometricType != "FINGER":
        raise Fault(400, f"{name}.biometricType: this engine knows FINGER alone")
    kind = data.biometricSubType or "UNKNOWN"
    if kind not in FINGERS:
        raise Fault(400, f"{name}.biometricSubType: send single fingers, one an item, not {kind}")
    if data.imageRef is not None or data.templateRef is not None:
        raise Fault(400, f"{name}: references are not followed: send image or template itself")
    if data.image is None and data.template is None:
        raise Fault(400, f"{name}: send an image or a template")
    if data.image is None and data.templateFormat is None:
        raise Fault(400, f"{name}.templateFormat: say of which format the template is")
    told = data.model_dump(mode="json", exclude_none=True)
    for field in (*KEPT, "templateFormat"):
        _check_text(f"{name}.{field}", told.get(field), limits.text)
    kept = {field: told[field] for field in KEPT if field in told}
    if data.image is None:
        kept["templateFormat"] = data.templateFormat
    resolution = data.resolution
    return Item(
        name,
        FingerPosition(FINGERS.index(kind)),
        None if data.image is None else decode(data.image, f"{name}.image"),
        None if data.template is None else decode(data.template, f"{name}.template"),
        data.templateFormat or "",
        float(resolution) if resolution is not None and resolution in PPI else None,
        json.dumps(kept),
    )


def decode(text: str, name: str) -> bytes:
    """The bytes that base64 says; line breaks are passed over."""
    try:
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Fault(400, f"{name}: must be base64") from error


def _check_text(name: str, value: Any, most: int) -> None:
    if not isinstance(value, str):
        return
    if len(value) > most:
        raise Fault(400, f"{name}: {most} characters at most, not {len(value)}")
    if "\0" in value:
        raise Fault(400, f"{name}: a NUL character cannot be kept")
