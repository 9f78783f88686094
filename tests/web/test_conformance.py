"""The service and the description of the interface agree, where the description is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from engine.web.operations import OPERATIONS, TASK_OPERATIONS
from engine.web.shapes import SUB_TYPES, TYPES

YAML = Path(__file__).resolve().parents[3] / "shared/data/standards/osia-abis.yaml"

pytestmark = pytest.mark.skipif(not YAML.exists(), reason="the description is not here")


def test_paths_names_and_scopes_are_those_of_the_description() -> None:
    described = yaml.safe_load(YAML.read_text())
    wanted = {
        (each["operationId"], method.upper(), path, tuple(each["security"][0]["BearerAuth"]))
        for path, methods in described["paths"].items()
        for method, each in methods.items()
    }
    ours = {
        (each.name, each.method.value, each.path, (each.scope,))
        for each in (*OPERATIONS, *TASK_OPERATIONS)
    }
    assert ours == wanted
    schemas = described["components"]["schemas"]
    assert set(schemas["BiometricSubType"]["enum"]) == set(SUB_TYPES)
    assert set(schemas["BiometricType"]["enum"]) == set(TYPES)


def test_schemathesis_finds_nothing() -> None:
    import conformance

    status, told = conformance.run(YAML, 1, 1, ["--phases", "examples,fuzzing"])
    assert status == 0, told
