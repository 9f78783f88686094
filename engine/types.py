"""The nouns of Tenprint: what flows from an image to a hit. Data only, no algorithms.

Coordinates everywhere: pixels at 500 ppi, origin at the top left, x to the right, y down.
Angles everywhere: radians, counter-clockwise as seen on the print (so y up), from +x.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum

import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
U64 = npt.NDArray[np.uint64]
I16 = npt.NDArray[np.int16]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

PPI = 500  # the resolution that every stage after reading works at
MAX_MINUTIAE = 64  # kept in a template, the best by quality
MAX_CELLS = 1600  # of ridges, kept in a template, where the print is fullest
CODE_WORDS = 4  # 64-bit words of one minutia's sign code: 256 bits
EMBEDDING_SIZE = 384
ENHANCED_MIDDLE = 128  # gray of an enhanced image where there is no ridge
ENHANCED_SWING = 64  # gray levels of an enhanced image for contrast 1; ridges are darker


class FingerPosition(IntEnum):
    """ANSI/NIST-ITL FGP and ISO/IEC 19794-2 finger positions."""

    UNKNOWN = 0
    RIGHT_THUMB = 1
    RIGHT_INDEX = 2
    RIGHT_MIDDLE = 3
    RIGHT_RING = 4
    RIGHT_LITTLE = 5
    LEFT_THUMB = 6
    LEFT_INDEX = 7
    LEFT_MIDDLE = 8
    LEFT_RING = 9
    LEFT_LITTLE = 10


class MinutiaKind(IntEnum):
    """ISO/IEC 19794-2 minutia types."""

    OTHER = 0
    ENDING = 1
    BIFURCATION = 2


@dataclass(frozen=True, slots=True)
class FingerImage:
    """One print at 500 ppi: ridges dark on light.

    pixels: uint8 H×W. ppi: of the file before resampling. source: file name, for messages.
    """

    pixels: U8
    ppi: float = PPI
    position: FingerPosition = FingerPosition.UNKNOWN
    source: str = ""


@dataclass(frozen=True, slots=True)
class RidgeMap:
    """What the ridges say, in square blocks of `block` px: arrays of h×w blocks, and the
    enhanced image (H×W) where an extractor made one.

    mask: bool, the finger. orientation: float32 rad in [0, π), along the ridges.
    frequency: float32 ridges per px (0 where unknown). quality: float32 0..1.
    enhanced: uint8 H×W, ridges dark, or None.
    """

    block: int
    mask: Bool
    orientation: F32
    frequency: F32
    quality: F32
    enhanced: U8 | None = None

    @property
    def area(self) -> float:
        """mm² of the mask."""
        return float(self.mask.sum()) * (self.block / PPI * 25.4) ** 2


@dataclass(frozen=True, slots=True)
class Wave:
    """The enhanced print as a wave: amplitude·cos(phase), below 0 on ridges; all float32 H×W.

    real, imaginary: the wave. orientation: rad in [0, π), along the ridges, y up; the phase grows
    a quarter turn counter-clockwise from it. frequency: ridges per px at 500 ppi. step: px at 500
    ppi from pixel to pixel.
    """

    real: F32
    imaginary: F32
    amplitude: F32
    orientation: F32
    frequency: F32
    step: int


@dataclass(frozen=True, slots=True)
class RidgeCells:
    """The ridges of a print on a coarse grid, one plane wave in each cell: what is compared where
    two prints lie on each other.

    values: uint16 h×w, at most MAX_CELLS, the words of kernels.ridges.encode; 0 where no ridges
    are seen. left, top: how many columns and rows of cells the grid lies from the image's corner.
    """

    values: U16
    left: int
    top: int


NO_CELLS = RidgeCells(np.zeros((0, 0), np.uint16), 0, 0)  # of a print that there is no image of


@dataclass(frozen=True, slots=True)
class Minutiae:
    """n minutiae as a struct of arrays.

    x, y: float32 px. angle: float32 rad in [0, 2π), the direction of ISO/IEC 19794-2 (from the
    minutia back along the ridge that ends, or along the valley between the branches).
    kind: uint8 MinutiaKind. quality: uint8 0..100.
    """

    x: F32
    y: F32
    angle: F32
    kind: U8
    quality: U8

    def __len__(self) -> int:
        return len(self.x)

    def take(self, which: npt.NDArray[np.intp] | Bool) -> Minutiae:
        """The minutiae at the indices (or under the mask) `which`, in that order."""
        return Minutiae(
            self.x[which],
            self.y[which],
            self.angle[which],
            self.kind[which],
            self.quality[which],
        )


@dataclass(frozen=True, slots=True)
class Maker:
    """What made a template; templates of different makers never meet in one gallery.

    extractor: "leader" or "gabor". cells_version: of its ridge cells. settings: digest of every
    setting that shapes a template.
    """

    extractor: str
    extractor_version: int
    descriptor_version: int
    embedding_version: int
    cells_version: int
    settings: str

    def __str__(self) -> str:
        return (
            f"{self.extractor}-{self.extractor_version}"
            f".d{self.descriptor_version}.e{self.embedding_version}.c{self.cells_version}"
            f".{self.settings}"
        )


@dataclass(frozen=True, slots=True)
class Template:
    """All that is kept of one print to compare it: what formats.template writes in ≤ 5.7 kB.

    minutiae: n ≤ 64, best quality first. codes: uint64 n×4, one 256-bit sign code each.
    cells: its ridges, NO_CELLS where it was drawn without an image. embedding: float32
    (EMBEDDING_SIZE,), unit length. quality: 0..100. width, height: px at 500 ppi of the image it
    was made from.
    """

    minutiae: Minutiae
    codes: U64
    cells: RidgeCells
    embedding: F32
    quality: int
    width: int
    height: int
    position: FingerPosition
    maker: Maker


@dataclass(frozen=True, slots=True)
class Evidence:
    """Every sub-score of one probe finger against one candidate finger.

    position: of the probe's finger. template_id: the candidate's print in the database, 0 where
    there is none. score: -log10 of the share of non-mated comparisons that agree as well. llr:
    log10 likelihood ratio, mated over non-mated, of all that follows (matching.weighing).
    pairing: likeness that the best pairs of minutiae keep when held against each other, 0..1.
    met: minutiae that lie on each other; expected_probe, expected_candidate: those of either print
    that lie where the other has minutiae, met or not. likeness: sum over the met minutiae of how
    alike their neighbourhoods are, 0..1 each. ridge_area: mm² of ridges that both prints show;
    ridge_coherence: of their phases, 0..1; ridge_orientation: mean cosine of twice the angle
    between them, -1..1; ridge_period: mean difference of the logarithms of their periods, 0..0.5
    (0 without shared ridges all four). pairs: int32 k×2, the minutiae that met (probe index,
    candidate index), the closest first. probe_quality, candidate_quality: 0..100.
    """

    position: FingerPosition
    score: float
    llr: float
    pairing: float
    met: int
    expected_probe: int
    expected_candidate: int
    likeness: float
    ridge_area: float
    ridge_coherence: float
    ridge_orientation: float
    ridge_period: float
    pairs: I32
    probe_quality: int
    candidate_quality: int
    template_id: int = 0

    def __str__(self) -> str:
        met = f"{self.met} of {self.expected_probe} and {self.expected_candidate} minutiae meet"
        if not self.ridge_area:
            return f"{met}, no ridges to compare"
        return f"{met}, ridge coherence {self.ridge_coherence:.2f} over {self.ridge_area:.0f} mm²"


@dataclass(frozen=True, slots=True)
class Site:
    """What scores mean in one gallery: what its own non-mated searches scored.

    location, scale: of the Gumbel distribution of ln(10)·score - ln(persons), for the best score
    of a search (matching.thresholds); 0 and 1 where the shipped calibration is exact. location_sd,
    scale_sd, correlation: standard errors of the two, and their correlation. fingers, searches:
    so many searches with so many fingers each. persons: whom each was searched among. made: day.
    """

    location: float
    scale: float
    location_sd: float
    scale_sd: float
    correlation: float
    fingers: int
    searches: int
    persons: int
    made: date

    def __str__(self) -> str:
        fingers = "1 finger" if self.fingers == 1 else f"{self.fingers} fingers"
        return (
            f"{self.searches:,} non-mated searches with {fingers} among {self.persons:,} persons, "
            f"{self.made}"
        )


@dataclass(frozen=True, slots=True)
class Curve:
    """How often non-mated searches reach a score, in one gallery.

    measured: float64 (n,), the best scores of n searches, the highest first. score: float64 (m,);
    site, low, high, shipped: float64 (m,), FPIR there: as measured, with its 95 % interval, and
    as the shipped calibration has it.
    """

    measured: F64
    score: F64
    site: F64
    low: F64
    high: F64
    shipped: F64


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person on a candidate list: a proposal for an examiner, never an identification.

    score: -log10 of the share of non-mated persons whose fingers would agree as well, fused over
    fingers (matching.fusion). llr: log10 likelihood ratio, mated over non-mated. gap: score minus
    that of the next other person. over_threshold: score at or over the threshold of the search.
    """

    person: str
    gallery: str
    rank: int
    score: float
    llr: float
    gap: float
    over_threshold: bool
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """What a search gives: a proposal for examiners, with all that qualifies it.

    candidates: best first. threshold: the score that a probe without a mate passes with
    probability fpir, among gallery_size persons. sequences: up to which change of the database
    each gallery was read. compared: prints whose minutiae were compared. calibrations: what the
    scores of each gallery rest on, in words. fpir_interval: 95 %, of the rate that fpir really is,
    None where that was not measured in every gallery. point: the operating point that chose what
    is compared, "whole" where every print of the galleries was looked at on a GPU.
    """

    candidates: tuple[Candidate, ...]
    threshold: float
    fpir: float
    gallery_size: int
    sequences: dict[str, int]
    compared: int
    calibrations: dict[str, str]
    fpir_interval: tuple[float, float] | None
    point: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Two prints compared. score, threshold: as in a search of one person, for the rate fmr.
    calibration: what the score rests on, in words."""

    evidence: Evidence
    score: float
    llr: float
    threshold: float
    fmr: float
    over_threshold: bool
    calibration: str


class Degree(IntEnum):
    """The grade of an offense as the record states it."""

    UNKNOWN = 0
    INFRACTION = 1
    MISDEMEANOR = 2
    FELONY = 3


@dataclass(frozen=True, slots=True)
class OffenseRecord:
    """One line of a criminal history: a closed list of offense facts, nothing about the person.

    ncic: 4-digit NCIC uniform offense code or "". nibrs: NIBRS offense code such as "13A" or "".
    statute: citation as recorded, of the law of `jurisdiction` where it names no other.
    disposition: text as recorded. max_sentence_months: the longest the statute allows, None if
    unknown.
    """

    record_id: str
    ncic: str = ""
    charge: str = ""
    degree: Degree = Degree.UNKNOWN
    disposition: str = ""
    offense_date: date | None = None
    jurisdiction: str = ""
    max_sentence_months: int | None = None
    nibrs: str = ""
    statute: str = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """How severe a person's records are under one policy, and why.

    level: 1 (most severe) .. 9; None where `state` says why there is none.
    state: "level", "needs-review" (an open fact, of the offense, its degree or its disposition,
    could make it more severe) or "no-record" (nothing counts). lane: "conviction" or "charge", of
    the record that decided. dropped: counts by reason.
    table: version and SHA-256 (first 12 hex digits) of the rules. category: of the offense that
    decided, "" where it could not be coded. told_by: the field of the record that said so.
    changes: which facts would change it, in words. source: of the rule, and when it was in force.
    """

    policy: str
    state: str
    level: int | None
    lane: str
    record_id: str
    rule: str
    reason: str
    table: str
    dropped: Mapping[str, int] = field(default_factory=dict)
    category: str = ""
    told_by: str = ""
    changes: tuple[str, ...] = ()
    source: str = ""
