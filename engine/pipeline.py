"""The whole of Tenprint on one page: from an image to a template, from probes to candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine import search
from engine.embedding import descriptors, vector
from engine.errors import FailureToExtractError, GalleryError, MakerMismatchError, SettingsError
from engine.index import candidates
from engine.index.gallery import Gallery
from engine.matching import calibration, comparison, fusion, thresholds
from engine.minutiae import gabor, leader
from engine.preprocess import cells, wave
from engine.preprocess.analysis import analyse
from engine.preprocess.enhance import enhance
from engine.preprocess.quality import rate
from engine.settings import Settings
from engine.trace import SILENT, Trace
from engine.types import (
    F32,
    MAX_MINUTIAE,
    NO_CELLS,
    U8,
    Candidate,
    Evidence,
    FingerImage,
    FingerPosition,
    Maker,
    Minutiae,
    RidgeCells,
    Search,
    Site,
    Template,
    Verdict,
)

EXTRACTORS = {"leader": leader.VERSION, "gabor": gabor.VERSION}
DEFAULT = Settings()
NO_SITES: Mapping[str, Sequence[Site]] = {}


def maker(settings: Settings = DEFAULT) -> Maker:
    """What `extract` writes into the templates it makes."""
    if settings.extractor not in EXTRACTORS:
        raise SettingsError(
            f"there is no extractor {settings.extractor!r}: use one of {', '.join(EXTRACTORS)}"
        )
    return Maker(
        settings.extractor,
        EXTRACTORS[settings.extractor],
        descriptors.VERSION,
        vector.VERSION,
        cells.VERSION,
        settings.digest(),
    )


def extract(image: FingerImage, settings: Settings = DEFAULT, trace: Trace = SILENT) -> Template:
    """The template of a print. FailureToExtractError where there is too little of one."""
    maker(settings)  # an unknown extractor is told before any work
    ridges = analyse(image, settings.preprocess, trace)
    if ridges.area < settings.preprocess.min_area_mm2:
        raise FailureToExtractError(
            image.source, "no fingerprint found; is this one finger, and is its resolution right?"
        )
    ridges = enhance(image, ridges, settings.preprocess, trace)
    ridge_wave = wave.read(ridges, settings.preprocess)
    if settings.extractor == "leader":
        minutiae = leader.detect(image, ridges, settings.leader, trace)
    else:
        minutiae = gabor.detect(image, ridges, ridge_wave, settings.gabor, trace)
    best = np.argsort(-minutiae.quality.astype(np.int64), kind="stable")[:MAX_MINUTIAE]
    minutiae = minutiae.take(best)
    if len(minutiae) < settings.min_minutiae:
        raise FailureToExtractError(
            image.source, f"only {len(minutiae)} minutiae found; is this one finger at 500 ppi?"
        )
    trace.show("minutiae", minutiae)
    trace.show("ridges", ridges)
    sampled = cells.sample(ridges, ridge_wave, settings.cells)
    trace.show("cells", sampled)
    height, width = image.pixels.shape
    quality = rate(ridges, minutiae, settings.rating)
    return describe(minutiae, settings, quality, (width, height), image.position, sampled)


def redraw(image: FingerImage, settings: Settings = DEFAULT) -> U8:
    """The print with its ridges redrawn, for people to look at: uint8 H×W, ridges dark."""
    redrawn = enhance(image, analyse(image, settings.preprocess), settings.preprocess).enhanced
    assert redrawn is not None  # enhance makes it
    return redrawn


def describe(
    minutiae: Minutiae,
    settings: Settings = DEFAULT,
    quality: int = 0,
    size: tuple[int, int] = (0, 0),
    position: FingerPosition = FingerPosition.UNKNOWN,
    cells: RidgeCells = NO_CELLS,
) -> Template:
    """The template of these minutiae and ridges, found in a print of `size` (width, height px) or
    drawn: then without ridges."""
    made_by = maker(settings)
    projected = descriptors.project(minutiae, settings.descriptor)
    code, embedding = descriptors.code(projected), vector.embed(projected)
    return Template(minutiae, code, cells, embedding, quality, *size, position, made_by)


def identify(
    probes: Sequence[Template],
    galleries: Sequence[Gallery],
    settings: Settings = DEFAULT,
    *,
    sites: Mapping[str, Sequence[Site]] = NO_SITES,
    fpir: float = 1e-3,
    max_candidates: int = 20,
) -> Search:
    """The persons most like the probe, whose fingers are `probes`, over all `galleries`.

    Prints worth a look (`settings.search`), comparison of their minutiae, every finger of the few
    best persons, fusion, rank. sites: what was measured of scores in a gallery, by its name;
    without any they mean what the shipped calibration says. Raises GalleryError where there is
    nothing to search, MakerMismatchError where probes and galleries were made differently, and
    SettingsError for an unknown operating point.
    """
    meaning = calibration.load(_one_maker(probes, galleries).extractor)
    persons = sum(gallery.person_count for gallery in galleries)
    threshold = thresholds.threshold(fpir, persons)
    fingers = len(fusion.by_finger([probe.position for probe in probes]))
    chosen = {
        gallery.name: thresholds.choose(sites.get(gallery.name, ()), fingers)
        for gallery in galleries
    }
    found: list[Candidate] = []
    compared, sure = 0, margins(probes, galleries, settings)
    for gallery in galleries:
        finalists, count = search.find(probes, gallery, settings, max_candidates, sure)
        # one more than is listed: the last one's gap is to a person who is not
        most, site = max_candidates + 1, chosen[gallery.name]
        found += search.examine(probes, gallery, finalists, meaning, site, settings, most)
        compared += count
    return Search(
        search.rank(found, threshold)[:max_candidates],
        threshold,
        fpir,
        persons,
        {gallery.name: gallery.sequence for gallery in galleries},
        compared,
        {name: str(site or meaning) for name, site in chosen.items()},
        _interval(threshold, galleries, chosen),
        search.way(galleries, settings),
    )


def margins(
    probes: Sequence[Template], galleries: Sequence[Gallery], settings: Settings = DEFAULT
) -> list[F32] | None:
    """What lists of minutiae read of each probe beside its template; None where none are used."""
    if not any(candidates.uses_lists(gallery, settings) for gallery in galleries):
        return None
    return [descriptors.project(probe.minutiae, settings.descriptor) for probe in probes]


def compare(probe: Template, candidate: Template, settings: Settings = DEFAULT) -> Evidence:
    """The evidence of one print against one other. MakerMismatchError as in `identify`."""
    if probe.maker != candidate.maker:
        raise MakerMismatchError(f"prints made by {probe.maker} and {candidate.maker} cannot meet")
    only, meaning = np.zeros(1, np.int64), calibration.load(probe.maker.extractor)
    found = comparison.compare(
        search.pack(probe), search.pack(candidate), only, settings.rescoring, settings.comparison
    )
    llr = float(meaning.llr(found)[0])
    return search.evidence(probe, found, 0, llr, meaning, candidate.quality)


def verify(
    probe: Template, candidate: Template, settings: Settings = DEFAULT, *, fmr: float = 1e-3
) -> Verdict:
    """Whether two prints agree more than all but a share `fmr` of non-mated pairs do."""
    evidence, threshold = compare(probe, candidate, settings), thresholds.threshold(fmr, 1)
    return Verdict(
        evidence,
        evidence.score,
        evidence.llr,
        threshold,
        fmr,
        evidence.score >= threshold,
        str(calibration.load(probe.maker.extractor)),
    )


def scoring(extractor: str) -> str:
    """What makes the scores of this extractor's templates: other scores, another word."""
    return calibration.load(extractor).digest


def _interval(
    threshold: float, galleries: Sequence[Gallery], sites: Mapping[str, Site | None]
) -> tuple[float, float] | None:
    """The 95 % interval of the rate at which searches of these galleries pass the threshold without
    a mate; None where one of them has prints and no site."""
    known = []
    for gallery in galleries:
        site = sites[gallery.name]
        if site:
            known.append(thresholds.interval(threshold, gallery.person_count, site))
        elif len(gallery):
            return None
    return thresholds.joint(known)


def _one_maker(probes: Sequence[Template], galleries: Sequence[Gallery]) -> Maker:
    if not probes or not any(len(gallery) for gallery in galleries):
        raise GalleryError("there is nothing to search: give a probe and a gallery with prints")
    makers = {probe.maker for probe in probes} | {g.maker for g in galleries if g.maker}
    if len(makers) > 1:
        named = ", ".join(sorted(str(each) for each in makers))
        raise MakerMismatchError(
            f"templates of different makers cannot meet ({named}): extract the probe with the "
            "gallery's extractor, or enrol the gallery again"
        )
    return makers.pop()
