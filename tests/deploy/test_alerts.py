"""The alert rules ask for metrics that the service has, with labels that they have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from engine.service.drift import Drift
from engine.web.lookups import Sources
from engine.web.metrics import Metrics

yaml = pytest.importorskip("yaml", reason="pyyaml is not installed")

ROOT = Path(__file__).parents[2]
RULES = ROOT / "docs/deploy/alerts.yaml"
METRIC = re.compile(r"\b((?:tenprint|process)_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)\s*=~?")
ADDED = {"job", "instance", "le"}  # by Prometheus, or by the histogram


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


def known() -> dict[str, set[str]]:
    """The names of the labels of each sample of a service that did one of everything."""
    metrics = Metrics()
    metrics.requests.labels("identify", "200").observe(1)
    metrics.tasks.labels("identify", "done").observe(1)
    metrics.took("keep", 0, 1)
    metrics.deliveries.labels("failed").inc()
    drift = [Drift("criminal", 1, 0, 0, 1e-3, 0.0, 0.0, 1.0)]
    sizes = {"criminal": 1}
    metrics.watch(Sources(lambda: {"work": 0}, lambda: 0, lambda: sizes, lambda: drift))
    found: dict[str, set[str]] = {}
    for family in metrics.registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_asks_for_what_there_is(rule: dict[str, Any]) -> None:
    samples = known()
    if "process_resident_memory_bytes" not in samples:  # not Linux
        samples["process_resident_memory_bytes"] = set()
    asked = METRIC.findall(rule["expr"])
    assert asked or rule["expr"].startswith("up{")
    for name, labels in asked:
        assert name in samples
        assert set(LABEL.findall(labels)) <= samples[name] | ADDED
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]


def test_every_alert_is_explained() -> None:
    told = (ROOT / "docs/operations.md").read_text()
    for rule in rules():
        assert f"`{rule['alert']}`" in told
