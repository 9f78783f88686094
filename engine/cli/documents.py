"""Results as the JSON documents of `--json`; docs/cli.md describes their fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.cli.severity_documents import case

if TYPE_CHECKING:
    from engine.service.results import (
        CalibrationReport,
        GalleryInfo,
        IdentifyReport,
        Rejected,
        Searched,
        Verification,
    )
    from engine.types import Candidate, Evidence, Site, Template

Document = dict[str, Any]


def identified(report: IdentifyReport, rejected: Sequence[Rejected]) -> Document:
    """All searches, and the queue of their hits."""
    return {
        "submission": report.submission,
        "searches": [_searched(item) for item in report.searches],
        "policy": {"name": report.policy.name, "table": report.policy.table},
        "queue": [case(item) for item in report.queue],
        "rejected": [asdict(item) for item in rejected],
    }


def verified(result: Verification) -> Document:
    """Two prints compared."""
    return {
        "score": result.verdict.score,
        "llr": result.verdict.llr,
        "threshold": result.verdict.threshold,
        "fmr": result.verdict.fmr,
        "over_threshold": result.verdict.over_threshold,
        "calibration": result.verdict.calibration,
        "evidence": _evidence(result.verdict.evidence),
        "prints": [template(item) for item in result.templates],
    }


def template(item: Template) -> Document:
    """What a template says about itself."""
    return {
        "minutiae": len(item.minutiae),
        "quality": item.quality,
        "position": int(item.position),
        "width": item.width,
        "height": item.height,
        "maker": str(item.maker),
    }


def gallery(info: GalleryInfo) -> Document:
    """A gallery and what it holds."""
    return {
        "name": info.name,
        "maker": info.maker,
        "created_at": info.created_at.isoformat(),
        **asdict(info.contents),
        "fpir": info.fpir,
        "sites": [_site(item) for item in info.sites],
        "sequence": info.sequence,
        "index": {"path": str(info.index_path), "bytes": info.index_bytes},
    }


def calibrated(report: CalibrationReport) -> Document:
    """What a calibration measured, and what it kept."""
    return {
        "gallery": report.gallery,
        "submission": report.submission,
        "fpir": report.fpir,
        "measured": [
            {
                **_site(item.site),
                "checks": [asdict(check) for check in item.checks],
                "possible_duplicates": [asdict(pair) for pair in item.suspects],
            }
            for item in report.measured
        ],
        "not_measured": list(report.refused),
        "seconds": round(report.seconds, 3),
    }


def _site(item: Site) -> Document:
    return {**asdict(item), "made": item.made.isoformat()}


def _searched(item: Searched) -> Document:
    document: Document = {
        "probe": item.probe,
        "search": item.search_id,
        "fingers": [
            {
                "image": str(finger.row.path),
                "position": int(finger.row.position),
                "sha256": finger.sha256,
                "minutiae": len(finger.template.minutiae),
                "quality": finger.template.quality,
            }
            for finger in item.fingers
        ],
        "rejected": [asdict(one) for one in item.rejected],
    }
    if item.search:
        document |= {
            "fpir": item.search.fpir,
            "fpir_interval": item.search.fpir_interval,
            "threshold": item.search.threshold,
            "gallery_size": item.search.gallery_size,
            "point": item.search.point,
            "compared": item.search.compared,
            "sequences": dict(item.search.sequences),
            "calibrations": dict(item.search.calibrations),
            "seconds": round(item.seconds, 6),
            "candidates": [_candidate(one) for one in item.search.candidates],
        }
    return document


def _candidate(item: Candidate) -> Document:
    return {
        "rank": item.rank,
        "person": item.person,
        "gallery": item.gallery,
        "score": item.score,
        "llr": item.llr,
        "gap": item.gap,
        "over_threshold": item.over_threshold,
        "fingers": [_evidence(one) for one in item.evidence],
    }


def _evidence(one: Evidence) -> Document:
    """What one finger of the probe says of one of the candidate's."""
    return {
        "position": int(one.position),
        "score": one.score,
        "llr": one.llr,
        "pairing": one.pairing,
        "met": one.met,
        "expected_probe": one.expected_probe,
        "expected_candidate": one.expected_candidate,
        "likeness": one.likeness,
        "ridge_area_mm2": one.ridge_area,
        "ridge_coherence": one.ridge_coherence,
        "ridge_orientation": one.ridge_orientation,
        "ridge_period": one.ridge_period,
        "probe_quality": one.probe_quality,
        "candidate_quality": one.candidate_quality,
        "template_id": one.template_id,
    }
