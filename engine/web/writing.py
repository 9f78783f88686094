"""Writing: what the service gives back as the interface says it."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.service.answering import Answer, Origin, Place
from engine.service.encounters import Encounter, KeptPrint
from engine.service.items import OWN_FORMAT, write_template
from engine.service.results import Search
from engine.types import Candidate, Evidence
from engine.web.shapes import FINGERS

Json = dict[str, Any]
FINGER = "FINGER"


def encounter(found: Encounter) -> Json:
    """An encounter with its prints."""
    row = found.row
    made: Json = {
        "status": row.facts.status,
        "encounterId": row.reference,
        "encounterType": row.facts.kind,
        "galleries": list(row.galleries),
        "createdDate": _time(row.created_at),
        "updatedDate": _time(row.updated_at or row.created_at),
        "biometricData": [_item(kept, row.reference) for kept in found.prints],
    }
    if row.facts.client_data is not None:
        made["clientData"] = row.facts.client_data
    if row.facts.contextual_data is not None:
        made["contextualData"] = json.loads(row.facts.contextual_data)
    return made


def ids(person: str, encounter_id: str, not_kept: Sequence[str]) -> Json:
    """The ids of what was kept, and which fields of the request were not."""
    made: Json = {"personId": person, "encounterId": encounter_id}
    if not_kept:
        made["others"] = {"notKept": list(not_kept)}
    return made


def computed(
    found: Encounter, *, sub_type: str | None, instance: str | None, form: str, quality: str | None
) -> list[Json]:
    """The templates of an encounter in a format, those of one sub-type or instance where asked."""
    made = []
    for kept in found.prints:
        told = json.loads(kept.details or "{}")
        kind = FINGERS[kept.position]
        if sub_type not in (None, kind) or instance not in (None, told.get("instance")):
            continue
        if kept.template is None:
            continue
        line: Json = {"biometricType": FINGER, "biometricSubType": kind}
        if "instance" in told:
            line["instance"] = told["instance"]
        line |= {
            "template": _base64(write_template(kept.template, form)),
            "templateFormat": form,
            "vendor": "tenprint",
        }
        if quality in (None, OWN_FORMAT):
            line |= {"quality": kept.quality, "qualityFormat": OWN_FORMAT}
        made.append(line)
    return made


def candidates(answer: Answer, threshold: float | None, names: Sequence[str]) -> list[Json]:
    """The candidates at or over a threshold, by default that of the search; best first, by score
    alone. names: the galleries searched."""
    if answer.search is None:
        return []
    least = answer.search.threshold if threshold is None else threshold
    return [
        _candidate(each, answer, answer.search, names)
        for each in answer.search.candidates
        if each.score >= least
    ]


def verdict(found: Search | None, threshold: float | None, origins: Mapping[int, Origin]) -> Json:
    """Whether two sets of prints agree, and every finger's score."""
    if found is None or not found.candidates:
        return {"decision": False, "scores": []}
    best = found.candidates[0]
    least = found.threshold if threshold is None else threshold
    total = {"score": best.score, "others": {"fused": True, "llr": best.llr, "threshold": least}}
    scores = [_score(each, origins.get(each.template_id)) for each in best.evidence]
    return {"decision": best.score >= least, "scores": [total, *scores]}


def listed(lines: Iterable[tuple[str, str]]) -> list[Json]:
    """Persons and encounters as objects."""
    return [{"personId": person, "encounterId": encounter_id} for person, encounter_id in lines]


def as_csv(lines: Iterable[tuple[str, str]]) -> str:
    """Persons and encounters as a table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["PersonId", "encounterId"])
    writer.writerows(lines)
    return text.getvalue()


def _candidate(each: Candidate, answer: Answer, search: Search, names: Sequence[str]) -> Json:
    others: Json = {
        "gallery": each.gallery,
        "llr": each.llr,
        "gap": each.gap,
        "threshold": search.threshold,
        "overThreshold": each.over_threshold,
        "gallerySize": search.gallery_size,
        "sequences": search.sequences,
        "galleries": list(names),
    }
    if each.over_threshold:
        others["case"] = f"{answer.search_id}/{each.person}"
    if each.person in answer.places:
        others["severity"] = _severity(answer.places[each.person])
    return {
        "personId": each.person,
        "rank": each.rank,
        "score": each.score,
        "scores": [_score(item, answer.origins.get(item.template_id)) for item in each.evidence],
        "others": others,
    }


def _severity(place: Place) -> Json:
    """How severe what is on record is: it orders work, and says nothing about likeness."""
    assessed = place.assessment
    return {
        "policy": assessed.policy,
        "table": assessed.table,
        "tier": place.tier,
        "state": assessed.state,
        "level": assessed.level,
        "lane": assessed.lane,
        "rule": assessed.rule,
        "reason": assessed.reason,
        "recordId": assessed.record_id,
        "place": place.place,
    }


def _score(evidence: Evidence, origin: Origin | None) -> Json:
    made: Json = {"score": evidence.score}
    if origin is not None:
        told = json.loads(origin.details or "{}")
        made |= {
            "encounterId": origin.encounter,
            "galleries": [origin.gallery],
            "biometricType": FINGER,
            "biometricSubType": FINGERS[origin.position],
        }
        if "instance" in told:
            made["instance"] = told["instance"]
    made["others"] = {
        "llr": evidence.llr,
        "probeSubType": FINGERS[evidence.position],
        "met": evidence.met,
        "expectedProbe": evidence.expected_probe,
        "expectedCandidate": evidence.expected_candidate,
        "ridgeCoherence": evidence.ridge_coherence,
        "ridgeArea": evidence.ridge_area,
        "probeQuality": evidence.probe_quality,
        "candidateQuality": evidence.candidate_quality,
    }
    return made


def _item(kept: KeptPrint, encounter_id: str) -> Json:
    told = json.loads(kept.details or "{}")
    form = told.pop("templateFormat", None)
    made: Json = {
        "biometricType": FINGER,
        "biometricSubType": FINGERS[kept.position],
        "encounterId": encounter_id,
        **told,
    }
    if kept.ppi is not None and "resolution" not in made:
        made["resolution"] = round(kept.ppi)
    if kept.image is not None:
        made["image"] = _base64(kept.image)
    elif form is not None and kept.template is not None:
        made |= {"template": _base64(write_template(kept.template, form)), "templateFormat": form}
    return made


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
