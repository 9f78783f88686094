"""Searches one gallery for one probe: who is worth a look, and what their fingers say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.index import shortlist
from engine.index.gallery import Gallery
from engine.index.packing import pack_template
from engine.matching import fusion, rescoring
from engine.matching.calibration import Calibration
from engine.settings import Settings
from engine.types import I64, Candidate, Evidence, Template
from kernels.packed import Packed


def find(
    probes: Sequence[Template], gallery: Gallery, settings: Settings, most: int
) -> tuple[I64, int]:
    """The persons whose prints compare best with any finger of the probe, and how many prints
    were compared: those whose embeddings are nearest.

    Returns int64 numbers of persons (`Gallery.person`): `fusion.finalists`, or `most` where that
    is more.
    """
    if not len(gallery):
        return np.zeros(0, np.int64), 0
    minutiae = gallery.minutiae_on(settings.device)
    prints, scores = [], []
    for probe in probes:
        near = gallery.nearest(probe.embedding, shortlist.size(len(gallery), settings.shortlist))
        prints.append(near)
        scores.append(rescoring.rescore(pack_template(probe), minutiae, near, settings.rescoring))
    owner = gallery.owner[np.concatenate(prints)]
    most = max(most, settings.fusion.finalists)
    return fusion.finalists(owner, np.concatenate(scores), most), len(owner)


def examine(
    probes: Sequence[Template],
    gallery: Gallery,
    persons: I64,
    meaning: Calibration,
    settings: Settings,
    most: int,
) -> list[Candidate]:
    """The best `most` of these persons as candidates, not yet ranked.

    Every finger of the probe is compared with all their prints, whatever position these claim.
    """
    if not len(persons):
        return []
    prints = gallery.prints_of(persons)
    people, owner = np.unique(gallery.owner[prints], return_inverse=True)
    packed = [pack_template(probe) for probe in probes]
    weight, ratio, chosen = [], [], []
    for probe, minutiae in zip(probes, packed, strict=True):
        scores = rescoring.rescore(minutiae, gallery.minutiae, prints, settings.rescoring)
        best = fusion.best_of(
            owner,
            meaning.significance(scores),
            gallery.position[prints],
            probe.position,
            settings.fusion.misplaced,
        )
        weight.append(best.significance)
        ratio.append(meaning.llr(scores[best.which]))
        chosen.append(prints[best.which])
    fingers, ratios = fusion.one_each(
        [probe.position for probe in probes], np.array(weight), np.array(ratio)
    )
    fused, total = fusion.fuse(fingers), ratios.sum(axis=0)
    leading = np.lexsort((-total, -fused))[:most]
    told = [
        _tell(probe, minutiae, gallery, mine[leading], settings)
        for probe, minutiae, mine in zip(probes, packed, chosen, strict=True)
    ]
    return [
        Candidate(
            person=gallery.person(int(people[k])),
            gallery=gallery.name,
            rank=0,
            score=float(fused[k]),
            llr=float(total[k]),
            gap=0.0,
            over_threshold=False,
            evidence=tuple(finger[i] for finger in told),
        )
        for i, k in enumerate(leading)
    ]


def rank(candidates: Sequence[Candidate], threshold: float) -> tuple[Candidate, ...]:
    """Candidates of one or several galleries in their order, with gap and threshold.

    Best score first; among equals the larger likelihood ratio, then the name, decide.
    """
    order = sorted(candidates, key=lambda c: (-c.score, -c.llr, c.person, c.gallery))
    ranked = []
    for place, candidate in enumerate(order):
        # the same person out of another gallery is no rival
        rivals = (other.score for other in order[place + 1 :] if other.person != candidate.person)
        ranked.append(
            replace(
                candidate,
                rank=place + 1,
                gap=candidate.score - next(rivals, 0.0),
                over_threshold=candidate.score >= threshold,
            )
        )
    return tuple(ranked)


def _tell(
    probe: Template,
    packed: Packed,
    gallery: Gallery,
    chosen: I64,
    settings: Settings,
) -> list[Evidence]:
    """The evidence of one finger of the probe with each of the prints `chosen`."""
    found = rescoring.evidence(packed, gallery.minutiae, chosen, settings.rescoring)
    return [
        Evidence(
            probe.position,
            *finger,
            probe_quality=probe.quality,
            candidate_quality=int(gallery.quality[i]),
            template_id=int(gallery.template_ids[i]),
        )
        for finger, i in zip(found, chosen, strict=True)
    ]
