"""Shapes: what requests of the interface may look like. Field names are those of OSIA ABIS 1.6.0,
Copyright © Secure Identity Alliance (2022); see docs/osia.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

RFC3339 = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"
)
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]*")


def _check_time(value: str) -> str:
    if not RFC3339.fullmatch(value):
        raise ValueError("must be a date and time as in 2024-11-18T14:21:00+01:00")
    return value


def _check_uri(value: str) -> str:
    if not URI.fullmatch(value):
        raise ValueError("must be a URI")
    return value


def _one_of(values: Sequence[str]) -> Callable[[str], str]:
    """A check for one of many values, which an error need not list."""
    known = frozenset(values)

    def check(value: str) -> str:
        if value not in known:
            raise ValueError("must be one of the interface's values")
        return value

    return check


Time = Annotated[str, AfterValidator(_check_time)]
Uri = Annotated[str, AfterValidator(_check_uri)]


class Shape(BaseModel):
    """Strict: no other field, no other type."""

    model_config = ConfigDict(extra="forbid", strict=True)


TYPES = ("FACE", "FINGER", "IRIS", "SIGNATURE", "UNKNOWN")
Status = Literal["ACTIVE", "INACTIVE"]
BiometricType = Literal["FACE", "FINGER", "IRIS", "SIGNATURE", "UNKNOWN"]

# The sub-types that are one finger, in the order of their positions (ANSI/NIST-ITL), and all
# others, of which this engine reads none.
FINGERS = (
    "UNKNOWN", "RIGHT_THUMB", "RIGHT_INDEX", "RIGHT_MIDDLE", "RIGHT_RING", "RIGHT_LITTLE",
    "LEFT_THUMB", "LEFT_INDEX", "LEFT_MIDDLE", "LEFT_RING", "LEFT_LITTLE",
)  # fmt: skip
_OTHERS = (
    "PLAIN_RIGHT_FOUR_FINGERS PLAIN_LEFT_FOUR_FINGERS PLAIN_THUMBS UNKNOWN_PALM RIGHT_FULL_PALM "
    "RIGHT_WRITERS_PALM LEFT_FULL_PALM LEFT_WRITERS_PALM RIGHT_LOWER_PALM RIGHT_UPPER_PALM "
    "LEFT_LOWER_PALM LEFT_UPPER_PALM RIGHT_OTHER LEFT_OTHER RIGHT_INTERDIGITAL RIGHT_THENAR "
    "RIGHT_HYPOTHENAR LEFT_INTERDIGITAL LEFT_THENAR LEFT_HYPOTHENAR RIGHT_INDEX_AND_MIDDLE "
    "RIGHT_MIDDLE_AND_RING RIGHT_RING_AND_LITTLE LEFT_INDEX_AND_MIDDLE LEFT_MIDDLE_AND_RING "
    "LEFT_RING_AND_LITTLE RIGHT_INDEX_AND_LEFT_INDEX RIGHT_INDEX_AND_MIDDLE_AND_RING "
    "RIGHT_MIDDLE_AND_RING_AND_LITTLE LEFT_INDEX_AND_MIDDLE_AND_RING "
    "LEFT_MIDDLE_AND_RING_AND_LITTLE EYE_UNDEF EYE_RIGHT EYE_LEFT EYE_BOTH PORTRAIT LEFT_PROFILE "
    "RIGHT_PROFILE"
)
_IMPRESSIONS = (
    "LIVE_SCAN_PLAIN LIVE_SCAN_ROLLED NONLIVE_SCAN_PLAIN NONLIVE_SCAN_ROLLED LATENT_IMPRESSION "
    "LATENT_TRACING LATENT_PHOTO LATENT_LIFT LIVE_SCAN_SWIPE LIVE_SCAN_VERTICAL_ROLL "
    "LIVE_SCAN_PALM NONLIVE_SCAN_PALM LATENT_PALM_IMPRESSION LATENT_PALM_TRACING "
    "LATENT_PALM_PHOTO LATENT_PALM_LIFT LIVE_SCAN_OPTICAL_CONTACTLESS_PLAIN OTHER UNKNOWN"
)

SUB_TYPES = (*FINGERS, *_OTHERS.split())
BiometricSubType = Annotated[str, AfterValidator(_one_of(SUB_TYPES))]
ImpressionType = Annotated[str, AfterValidator(_one_of(_IMPRESSIONS.split()))]
Compression = Literal["NONE", "WSQ", "JPEG", "JPEG2000", "PNG"]
Presence = Literal["BANDAGED", "AMPUTATED", "DAMAGED"]


class Encryption(Shape):
    type: Literal["JWE", "PKCS7"]
    scope: str


class Integrity(Shape):
    id: str | None = None
    type: Literal["NONE", "JWS", "PKCS7"] = "NONE"
    scope: str
    alg: str
    encrypted: bool = False
    followRef: bool = False  # noqa: N815 (the interface's name, as all below)
    hash: str
    signature: str | None = None
    signatureRef: Uri | None = None  # noqa: N815


class Missing(Shape):
    biometricSubType: BiometricSubType | None = None  # noqa: N815
    presence: Presence | None = None


class BiometricData(Shape):
    biometricType: BiometricType  # noqa: N815
    biometricSubType: BiometricSubType | None = None  # noqa: N815
    instance: str | None = None
    encounterId: str | None = None  # noqa: N815
    image: str | None = None
    imageRef: Uri | None = None  # noqa: N815
    captureDate: Time | None = None  # noqa: N815
    captureDevice: str | None = None  # noqa: N815
    impressionType: ImpressionType | None = None  # noqa: N815
    width: int | None = None
    height: int | None = None
    bitdepth: int | None = None
    mimeType: str | None = None  # noqa: N815
    resolution: int | None = None
    compression: Compression | None = None
    missing: list[Missing] | None = None
    metadata: str | None = None
    comment: str | None = None
    template: str | None = None
    templateRef: Uri | None = None  # noqa: N815
    templateFormat: str | None = None  # noqa: N815
    quality: int | None = None
    qualityFormat: str | None = None  # noqa: N815
    algorithm: str | None = None
    vendor: str | None = None
    encryption: Encryption | None = None
    integrity: list[Integrity] | None = None


class Sealed(Shape):
    """What may be said of any request's encryption and integrity."""

    encryption: Encryption | None = None
    integrity: list[Integrity] | None = None


class EncounterBody(Sealed):
    encounterId: str | None = None  # noqa: N815
    status: Status
    encounterType: str  # noqa: N815
    createdDate: Time | None = None  # noqa: N815
    updatedDate: Time | None = None  # noqa: N815
    galleries: Annotated[list[str], Field(min_length=1)]
    clientData: str | None = None  # noqa: N815
    contextualData: Any = None  # noqa: N815
    biographicData: Any = None  # noqa: N815
    biometricData: list[BiometricData]  # noqa: N815


class IdentifyBody(Sealed):
    filter: dict[str, Any]
    biometricData: list[BiometricData]  # noqa: N815


class VerifyIdBody(Sealed):
    biometricData: list[BiometricData]  # noqa: N815


class VerifyBioBody(Sealed):
    biometricData1: list[BiometricData]  # noqa: N815
    biometricData2: list[BiometricData]  # noqa: N815
