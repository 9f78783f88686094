"""Issuing: tokens for the clients, of a key that outlives the service's processes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from engine.web.app import METRICS_SCOPE
from engine.web.operations import SCOPES

ISSUER, AUDIENCE, KEY_ID = "https://load.example", "tenprint", "load"
HOURS = 24


def issue(folder: Path) -> tuple[str, list[str]]:
    """A token that allows everything, and the options of `tenprint serve` that let it in."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps({"keys": [public | {"kid": KEY_ID, "alg": "ES256"}]}))
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "load",
        "exp": time.time() + 3600 * HOURS,
        "scope": " ".join((*SCOPES, METRICS_SCOPE)),
    }
    token = jwt.encode(claims, key, "ES256", {"kid": KEY_ID})
    return token, ["--issuer", ISSUER, "--audience", AUDIENCE, "--jwks", str(jwks)]
