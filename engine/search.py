"""Searches one gallery for one probe: who is worth a look, and what their fingers say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.index import candidates
from engine.index.gallery import Gallery
from engine.index.packing import pack_cells, pack_templates
from engine.matching import comparison, fusion, rescoring, thresholds, voting
from engine.matching.calibration import Calibration
from engine.matching.comparison import Comparison, Prints
from engine.settings import Settings
from engine.types import F32, I64, PPI, Candidate, Evidence, Site, Template
from kernels.ridges import CELL

CELL_MM2 = (CELL / PPI * 25.4) ** 2


def find(
    probes: Sequence[Template],
    gallery: Gallery,
    settings: Settings,
    most: int,
    margins: Sequence[F32] | None = None,
) -> tuple[I64, int]:
    """The persons whose prints compare best with any finger of the probe, and how many prints
    were compared.

    On the CPU those prints are compared that `settings.point` chooses; on a GPU all prints vote,
    and those with the most votes are compared. margins: of each probe, float32 (p, bits), for lists
    of minutiae (`Lists.find`), which find more with them. Returns int64 numbers of persons
    (`Gallery.person`): as many finalists as the settings have, or `most` where that is more.
    """
    finalists = settings.point.finalists
    if not len(gallery):
        return np.zeros(0, np.int64), 0
    blocks = gallery.blocks_on(settings.device)
    if blocks is not None:
        packed = pack_templates(*probes)
        prints, scores = voting.search(packed, blocks, settings.voting, settings.rescoring)
        finalists = settings.fusion.finalists
    else:
        sure: Sequence[F32 | None] = margins or [None] * len(probes)
        found = [
            _compare_chosen(probe, own, gallery, settings)
            for probe, own in zip(probes, sure, strict=True)
        ]
        prints, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    owner = gallery.owner[prints.ravel()]
    return fusion.finalists(owner, scores.ravel(), max(most, finalists)), len(owner)


def _compare_chosen(
    probe: Template, margins: F32 | None, gallery: Gallery, settings: Settings
) -> tuple[I64, F32]:
    """The prints that the stages before leave, and their comparison scores."""
    packed, threads = pack_templates(probe), settings.rescoring.threads

    def thin(prints: I64, most: int) -> I64:
        return voting.thin(packed, gallery.minutiae, prints, most, settings.voting, threads)

    chosen = candidates.choose(packed, probe.embedding, margins, gallery, settings, thin)
    return chosen, rescoring.rescore(packed, gallery.minutiae, chosen, settings.rescoring)


def way(galleries: Sequence[Gallery], settings: Settings) -> str:
    """How galleries are gone through: the point's name, or "whole" where a GPU looks at all."""
    on_cpu = any(gallery.on_cpu(settings.device) for gallery in galleries)
    return settings.search if on_cpu else "whole"


def examine(
    probes: Sequence[Template],
    gallery: Gallery,
    persons: I64,
    meaning: Calibration,
    site: Site | None,
    settings: Settings,
    most: int,
) -> list[Candidate]:
    """The best `most` of these persons as candidates, not yet ranked.

    Every finger of the probe is compared, by all the evidence, with all their prints, whatever
    position these claim. Scores mean what they mean at the site, where there is one.
    """
    if not len(persons):
        return []
    prints = gallery.prints_of(persons)
    people, owner = np.unique(gallery.owner[prints], return_inverse=True)
    minutiae, cells, there = gallery.prints_on(settings.device, prints)
    position = gallery.position[prints]
    told, ratio, chosen = [], [], []
    for probe in probes:
        found = comparison.compare(
            pack(probe), Prints(minutiae, cells), there, settings.rescoring, settings.comparison
        )
        llr = meaning.llr(found)
        best = fusion.best_of(owner, llr, position, probe.position, settings.fusion.misplaced)
        told.append((found, llr))
        ratio.append(best.llr)
        chosen.append(best.which)
    fingers = fusion.one_each([probe.position for probe in probes], np.array(ratio))
    total, counted = fusion.fuse(fingers)
    score = np.zeros(len(total))
    for count in np.unique(counted[counted > 0]):
        score[counted == count] = meaning.significance(total[counted == count], int(count))
    if site:
        score = thresholds.adjust(score, site)
    leading = np.lexsort((-total, -score))[:most]
    return [
        Candidate(
            person=gallery.person(int(people[k])),
            gallery=gallery.name,
            rank=0,
            score=float(score[k]),
            llr=float(total[k]),
            gap=0.0,
            over_threshold=False,
            evidence=tuple(
                evidence(
                    probe,
                    found,
                    int(which[k]),
                    float(llr[which[k]]),
                    meaning,
                    int(gallery.quality[prints[which[k]]]),
                    int(gallery.template_ids[prints[which[k]]]),
                )
                for probe, (found, llr), which in zip(probes, told, chosen, strict=True)
            ),
        )
        for k in leading
    ]


def rank(found: Sequence[Candidate], threshold: float) -> tuple[Candidate, ...]:
    """Candidates of one or several galleries in their order, with gap and threshold.

    Best score first; among equals the larger likelihood ratio, then the name, decide.
    """
    order = sorted(found, key=lambda c: (-c.score, -c.llr, c.person, c.gallery))
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


def evidence(
    probe: Template,
    found: Comparison,
    b: int,
    llr: float,
    meaning: Calibration,
    quality: int,
    template_id: int = 0,
) -> Evidence:
    """What comparison b of `found` says, in words of the field. quality: the candidate's."""
    return Evidence(
        position=probe.position,
        score=float(meaning.significance(llr)),
        llr=llr,
        pairing=float(found.pairing[b]),
        met=int(found.met[b]),
        expected_probe=int(found.expected_probe[b]),
        expected_candidate=int(found.expected_candidate[b]),
        likeness=float(found.likeness[b]),
        ridge_area=float(found.cells[b]) * CELL_MM2,
        ridge_coherence=float(found.coherence[b]),
        ridge_orientation=float(found.orientation[b]),
        ridge_period=float(found.period[b]),
        pairs=found.pairs(b),
        probe_quality=probe.quality,
        candidate_quality=quality,
        template_id=template_id,
    )


def pack(template: Template) -> Prints:
    """One print as the kernels read it."""
    return Prints(pack_templates(template), pack_cells(template))
