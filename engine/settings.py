"""Every number that can be set: its name, its unit, its default, and where it comes from.

Frozen dataclasses, one for each stage; `Settings` holds them all. A number that was tuned or
learned says from which data.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, fields
from datetime import date

from engine.errors import SettingsError

# How many threads NumPy's and FAISS's own products may have, read when these are loaded. Such
# threads gain nothing on the small matrices of prints, but wait for the next one by spinning, for
# milliseconds after each: with one instead of two a search took 57 ms instead of 89.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class PolaritySettings:
    """When a print counts as inverted (light ridges on dark).

    Tuned on the FVC2002, FVC2004 and FCJ2020 prints (1,680), also with black frames and cropped
    into the print: as they are, none may count as inverted.
    """

    block: int = 16  # px
    frame: int = 48  # gray level that a dark frame does not pass
    even: float = 0.3  # contrast of blocks without ridges, of the 95th percentile of all blocks
    textured: float = 0.5  # contrast of print, likewise
    noise: float = 0.02  # added to the contrast of background before it becomes a weight, likewise
    min_border: float = 0.2  # of the border, that is background
    max_light: float = 0.3  # of the even blocks, lighter than the print's mid-gray
    margin: float = 0.25  # background below the print's mid-gray, of its range; prints reach 0.18


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What the reader accepts. Checked on the header, before anything is decompressed."""

    max_file_bytes: int = 32 * 2**20
    max_pixels: int = 40_000_000
    min_side: int = 80  # px at 500 ppi: 4 mm
    max_side: int = 2000  # px at 500 ppi: 100 mm, more than any single finger
    min_ppi: float = 100.0
    max_ppi: float = 4000.0
    default_ppi: float = 500.0  # where neither the file nor the caller says
    placeholder_ppi: tuple[float, ...] = (0.0, 1.0, 72.0, 96.0)  # what programs write for "unknown"
    placeholder_tolerance: float = 0.5  # ppi
    same_ppi: float = 0.01  # a resolution this close to 500 is not resampled
    min_contrast: int = 16  # gray levels between the darkest and the lightest pixel
    decoder_bytes: int = 2**30  # of memory, for the process that decodes a WSQ file
    decoder_seconds: int = 20  # likewise
    polarity: PolaritySettings = field(default_factory=PolaritySettings)


@dataclass(frozen=True, slots=True)
class LeaderSettings:
    """The LEADER network (Cappelli & Ferrara, arXiv 2602.15493)."""

    min_quality: float = 0.5  # the network's own confidence; 0.5 as published
    margin: int = 40  # px around the finger's mask that the network reads too


@dataclass(frozen=True, slots=True)
class FieldSettings:
    """Orientation fields of made fingers. Points are px from the middle of the finger, y up, as
    complex numbers; where singularities lie was set by hand so that prints look like real ones."""

    # Arch, tented arch, left loop, right loop, whorl: natural shares, as SFinGe has them.
    proportions: tuple[float, ...] = (0.037, 0.029, 0.338, 0.317, 0.279)
    radial_share: float = 0.06  # of the loops, where the hand is known: they open to the thumb
    core: complex = 25j
    core_sd: complex = 12 + 20j
    loop_delta: complex = 85 - 85j  # of a left loop; mirrored for a right loop
    whorl_delta: complex = 95 - 85j  # the right one
    delta_sd: complex = 22 + 28j
    tented_delta: complex = -70j  # sideways from the core, up and down from the middle
    tented_sd: complex = 10 + 25j
    whorl_gap: float = 16.0  # px from the middle of the whorl to each core, at least
    double_gap: float = 38.0  # the same for double loops
    double_share: float = 0.35  # of the whorls
    gap_sd: float = 0.4  # of the gap
    whorl_tilt_sd: float = 0.44  # rad
    hook: tuple[float, float] = (0.25, 0.5)  # rad; more makes the legs of a loop more parallel
    bend_sd: float = 0.08  # rad, each harmonic of the angular correction
    arch_rise: tuple[float, float] = (0.5, 1.0)  # rad, the steepest ridge of a plain arch
    dome_rise: tuple[float, float] = (0.55, 0.9)  # rad, what arcs add to loops and tented arches
    whorl_rise: tuple[float, float] = (0.1, 0.3)  # rad, to whorls, steep by themselves
    dome_width: tuple[float, float] = (60.0, 95.0)  # px
    dome_foot: float = -105.0  # px, where arcs fade out: at the height of the deltas
    dome_foot_sd: float = 15.0  # px
    dome_fade: tuple[float, float] = (18.0, 35.0)  # px
    waves: int = 6
    wave_length: tuple[float, float] = (170.0, 480.0)  # px
    wave_sd: float = 0.06  # rad, each wave


@dataclass(frozen=True, slots=True)
class PressSettings:
    """How skin gives way under a finger that is pressed on a sensor (Cappelli, Maio & Maltoni
    2001): displacements of some 5 to 15 px, as the authors show them."""

    grip_width: tuple[float, float] = (35.0, 65.0)  # px, half axis of the part that does not slip
    grip_height: tuple[float, float] = (45.0, 85.0)  # px
    grip_sd: tuple[float, float] = (14.0, 20.0)  # px, its middle, across and along the finger
    traction_sd: float = 6.0  # px on each axis
    torsion_sd: float = 0.06  # rad
    elasticity: tuple[float, float] = (1.0, 2.5)  # grip radii over which the skin gives way
    stretch_sd: float = 0.015  # of the size: pressure flattens more or less of the fingertip


@dataclass(frozen=True, slots=True)
class DrawSettings:
    """Templates drawn without pictures. Set so that the statistics in docs/synthesis.md come near
    those of the LEADER network's minutiae on 1,600 real prints of six sensors."""

    finger_width: float = 165.0  # px, half axis of the ellipse that holds minutiae
    finger_height: float = 235.0  # px
    darts: int = 480  # places tried on each finger
    minutiae: int = 128  # the most a finger can have
    ghosts: int = 64  # places on each finger where false minutiae may be detected
    density: tuple[float, float] = (0.0004, 0.00085)  # per px², where ridges run parallel
    max_density: float = 0.0026  # per px², where they spread the most
    dart_gain: float = 1.6  # makes up for darts lost to their neighbours
    period: tuple[float, float] = (8.0, 10.5)  # px from ridge to ridge
    spreading: float = 0.6  # part of the ridges' spreading that new ridges make up for
    turn_step: float = 6.0  # px over which spreading is measured
    distance: tuple[float, float] = (11.0, 41.0)  # px kept free around a minutia, mostly little
    endings: float = 0.72  # share; with `other_kind`, 0.67 are seen as endings, as on real prints
    contact_width: tuple[float, float] = (80.0, 140.0)  # px, half axis of the part that touches
    contact_height: tuple[float, float] = (110.0, 235.0)  # px
    contact_power: tuple[float, float] = (2.0, 4.0)  # 2 an ellipse, more a rounded rectangle
    contact_sd: tuple[float, float] = (26.0, 34.0)  # px, its middle
    missing: tuple[float, float] = (0.12, 0.28)  # share of the minutiae in contact
    spurious: tuple[float, float] = (0.08, 0.22)  # of the genuine minutiae in contact
    position_sd: float = 2.1  # px on each axis, 3 px together
    angle_sd: float = 0.12  # rad, 7 degrees
    flipped: float = 0.01  # share of the minutiae whose direction is read backwards
    other_kind: float = 0.12  # share of endings read as bifurcations and the other way round
    max_rotation: float = 0.52  # rad, 30 degrees
    shift_sd: float = 15.0  # px on each axis
    width: int = 500  # px, the sensor
    height: int = 560  # px
    chunk: int = 2048  # fingers or impressions in memory at one time


@dataclass(frozen=True, slots=True)
class MasterSettings:
    """The ridges of a made finger, grown as in SFinGe."""

    device: str = "cpu"  # or "auto", "gpu": where ridges grow; the same seed differs by rounding
    width: int = 416  # px at 500 ppi: 21 mm
    height: int = 560  # px: 28 mm
    period: float = 9.0  # px from ridge to ridge, mean over fingers
    period_sd: float = 0.45  # px, between fingers
    period_slow: float = 0.04  # share, changes over the finger
    period_patch: int = 80  # px, between these changes
    period_down: float = 0.05  # share, wider at the foot of the picture than in its middle
    period_limits: tuple[float, float] = (7.5, 10.5)  # px
    reach: int = 10  # px, half size of the Gabor filters
    bandwidth: float = 0.48  # sigma of the filters, in periods: at most three ridges count
    gain: float = 3.0  # of the response before it saturates
    rounds: int = 25
    closest: float = 8.0  # px, opposed minutiae closer than this count as none
    pores: float = 0.0035  # per px², sweat pores on the crests
    pore_depth: tuple[float, float] = (0.3, 1.3)  # of the relief
    creases: tuple[int, int] = (0, 4)  # white lines of the skin: at least, fewer than
    crease_width: tuple[float, float] = (1.5, 3.5)  # px
    crease_length: tuple[float, float] = (40.0, 160.0)  # px


@dataclass(frozen=True, slots=True)
class SensorSettings:
    """How a kind of sensor shows a print, in gray levels 0..255. Ranges are drawn from."""

    width: int  # px at 500 ppi, a multiple of 8
    height: int
    ground: tuple[float, float]  # gray where nothing touches
    valley: tuple[float, float]  # gray between the ridges of a dry finger
    ridge: tuple[float, float]  # gray of the ridges
    glow: float  # gray levels, standard deviation of slow changes of the ground
    lines: float  # gray levels, standard deviation from column to column
    grain: tuple[float, float]  # gray levels, standard deviation from pixel to pixel


@dataclass(frozen=True, slots=True)
class ImpressionSettings:
    """One touch of a sensor. Set by eye beside real prints of optical and capacitive sensors."""

    optical: SensorSettings = SensorSettings(
        400, 512, (236.0, 252.0), (225.0, 245.0), (20.0, 75.0), 2.5, 0.0, (1.5, 4.0)
    )
    capacitive: SensorSettings = SensorSettings(
        320, 448, (150.0, 185.0), (175.0, 215.0), (40.0, 85.0), 6.0, 3.5, (4.0, 8.0)
    )
    optical_share: float = 0.65
    max_rotation: float = 0.35  # rad, 20 degrees
    shift_sd: float = 12.0  # px on each axis
    contact_width: tuple[float, float] = (90.0, 142.0)  # px, half axis
    contact_height: tuple[float, float] = (125.0, 220.0)  # px
    careless: float = 0.12  # share of touches with the part and the roughness of the next three
    careless_width: tuple[float, float] = (75.0, 110.0)  # px
    careless_height: tuple[float, float] = (95.0, 150.0)  # px
    careless_rough: tuple[float, float] = (0.5, 0.85)  # of the relief
    contact_power: tuple[float, float] = (2.0, 3.0)  # 2 an ellipse, more a rounded rectangle
    contact_sd: tuple[float, float] = (16.0, 25.0)  # px, its middle
    contact_edge: float = 0.10  # of the radius, over which contact fades
    contact_rough: float = 0.035  # of the radius, how ragged the edge is
    moisture: float = -0.10  # of the relief, mean: dry fingers show thin ridges, wet ones thick
    moisture_sd: float = 0.26  # the same, between impressions
    moisture_patch: float = 0.20  # the same, between parts of one finger
    moisture_limits: tuple[float, float] = (-0.6, 0.5)
    edge_dryness: float = 0.7  # of the relief, thinner towards the edge of the contact
    sharpness: tuple[float, float] = (2.5, 4.5)  # of the step from valley to ridge
    rough: tuple[float, float] = (0.10, 0.60)  # of the relief, noise on the skin
    rough_patch: float = 0.35  # share, how unevenly that noise lies on the finger
    rough_grain: tuple[float, float] = (0.8, 1.7)  # px, its size
    smear: float = 0.35  # how far valleys fill in a wet finger
    scratches: tuple[int, int] = (0, 4)  # at least, fewer than
    scratch_width: tuple[float, float] = (1.0, 2.0)  # px
    scratch_length: tuple[float, float] = (30.0, 140.0)  # px
    blur: tuple[float, float] = (0.5, 0.8)  # px, sigma


@dataclass(frozen=True, slots=True)
class RollSettings:
    """Rolled impressions: a finger turned from nail to nail, upright on a large optical sensor.
    Set by eye after the 1.6 by 1.5 inches that ANSI/NIST-ITL gives a rolled print; no real rolled
    prints were at hand to compare with."""

    master_width: int = 560  # px, of the picture of a finger that can be rolled: 28 mm
    finger_width: float = 258.0  # px, half axis of the ellipse that holds its drawn minutiae
    finger_height: float = 262.0  # px
    sensor_width: int = 640  # px at 500 ppi, a multiple of 8
    sensor_height: int = 640  # px
    contact_width: tuple[float, float] = (205.0, 250.0)  # px, half axis: nearly nail to nail
    contact_height: tuple[float, float] = (185.0, 245.0)  # px
    careless_width: tuple[float, float] = (150.0, 215.0)  # px, where a roll ended too early
    careless_height: tuple[float, float] = (150.0, 200.0)  # px
    contact_power: tuple[float, float] = (3.0, 6.0)  # 2 an ellipse, more a rounded rectangle
    contact_sd: tuple[float, float] = (7.0, 14.0)  # px, its middle
    contact_rough: float = 0.02  # of the radius, how ragged the edge is
    max_rotation: float = 0.17  # rad, 10 degrees: a hand guides the finger
    shift_sd: float = 10.0  # px on each axis
    press: PressSettings = PressSettings(
        grip_width=(90.0, 150.0), grip_height=(60.0, 110.0), traction_sd=4.0, torsion_sd=0.03
    )
    stretch: float = 0.03  # of the width, mean: flesh is pushed ahead of the roll
    stretch_sd: float = 0.03  # likewise, between impressions
    wave_sd: float = 3.0  # px, how far columns slip where the roll is slower or faster
    wave_length: tuple[float, float] = (200.0, 400.0)  # px, from slip to slip
    slant_sd: float = 0.04  # px up or down for each px rolled: the roll runs off at an angle
    arc_sd: float = 1.5e-4  # 1/px, curvature of its path: fingers are cones, not cylinders
    shear_sd: float = 0.04  # px sideways for each px along the finger: rows roll one after another
    taper_sd: float = 1.5e-4  # 1/px, how much wider rows become towards the joint


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """Invented criminal histories."""

    without: float = 0.3  # share of the persons without any record
    further: float = 1.5  # records after the first, mean
    most: int = 6
    first: date = date(2008, 1, 1)
    last: date = date(2025, 12, 31)
    jurisdictions: int = 12


@dataclass(frozen=True, slots=True)
class SynthesisSettings:
    """Prints and templates that the project makes itself."""

    flow: FieldSettings = field(default_factory=FieldSettings)
    press: PressSettings = field(default_factory=PressSettings)
    draw: DrawSettings = field(default_factory=DrawSettings)
    master: MasterSettings = field(default_factory=MasterSettings)
    impression: ImpressionSettings = field(default_factory=ImpressionSettings)
    roll: RollSettings = field(default_factory=RollSettings)
    records: RecordSettings = field(default_factory=RecordSettings)


@dataclass(frozen=True, slots=True)
class DescriptorSettings:
    """The neighbourhood of a minutia that its sign code describes. Lengths and widths are those of
    Minutia Cylinder-Code (TPAMI 2010, table 1); 8 to 12 cells and radii of 70 to 85 px gave the
    same error rates within noise on FVC2002, FVC2004 and FCJ2020. The projection in
    engine/embedding/codes.npz was learned for exactly these numbers."""

    radius: float = 70.0  # px
    cells: int = 10  # across the diameter
    sectors: int = 6  # of the turn
    spread: float = 28 / 3  # px, standard deviation of a neighbour's place
    turn: float = 2 * math.pi / 9  # rad, standard deviation of a neighbour's direction
    saturation: float = 0.02  # contribution at which a cell is 63 % full


@dataclass(frozen=True, slots=True)
class PointSettings:
    """Sizes of the stages of a search on the CPU, from all N prints of a gallery to the few persons
    whose fingers are compared by all the evidence. No stage keeps more than there are.

    `nearest`, `voted` and `shared` are sizes in a gallery of `large` prints or fewer; in a larger
    one they grow with a power of N. The pairs of minutiae are compared of prints that votes leave
    of the nearest, and of all that share.
    """

    nearest: int  # prints, by embedding; 0: none
    voted: int  # of these, by votes
    shared: int  # prints, by lists of minutiae; 0: none, and no lists are made
    finalists: int  # persons, by that: every finger is compared with every finger of the probe
    everyone: int = 4000  # prints up to which all of a gallery are compared
    large: int = 1_000_000  # prints
    growth: float = 0.4  # power of N: 2.5 times as many in a gallery ten times as large


@dataclass(frozen=True, slots=True)
class PointsSettings:
    """The operating points of a search by name: what it may miss for how long it takes.

    Chosen with the prints of FVC2002, FVC2004 and FCJ2020, by either extractor, among 100,000 and a
    million drawn fingers (scripts/frontier.py, docs/performance.md): larger numbers than those of
    `thorough` find hardly a mate more that its comparison would put over a threshold.
    """

    fast: PointSettings = PointSettings(nearest=4000, voted=500, shared=1000, finalists=100)
    thorough: PointSettings = PointSettings(
        nearest=10_000, voted=2000, shared=2000, finalists=200, everyone=10_000
    )


POINTS = tuple(each.name for each in fields(PointsSettings))  # by name


@dataclass(frozen=True, slots=True)
class ListsSettings:
    """Lists of minutiae by key, to find the prints that share some with a probe.

    Chosen with the prints of FVC2002, FVC2004 and FCJ2020, by either extractor, among 100,000 drawn
    fingers and the same ten times with 6 % of the bits turned: docs/experiments.md. `sure` to
    `surest` are near the rates at which bits differ between 77,000 minutiae of these prints and the
    same ones of another impression.
    """

    tables: int = 2  # keys of each minutia, of as many bits of its code one after the other
    bits: int = 18  # of the code, in a key; tables * bits at most 64, sectors << bits 2**24
    sectors: int = 8  # of the turn, a power of 2: the direction, in a key
    near: int = 1  # sectors on both sides of its own that a minutia asks for: 45 degrees
    flips: int = 128  # keys of a table that it asks for, by bits turned
    sure: float = 0.25  # log odds of a bit to be the same, at zero
    surer: float = 1.0  # the same, for each standard deviation from there; 0.8 to 2 are alike
    surest: float = 4.0  # the same, at most
    share: float = 0.5  # entries that a search reads, for each print of the gallery
    least: int = 200_000  # of them, where a gallery is small
    apart_first: int = 22  # bits of 64 by which two minutiae may differ; 24 and 26 are alike
    apart: int = 112  # of 256, likewise; 108 to 120 are alike
    likest: int = 400  # entries of each of a probe's minutiae that count; 100 to 1,000 are alike
    ratio: int = 16  # between sizes of parts, from which on they are not merged
    small: int = 65_536  # minutiae of a part that is always merged


@dataclass(frozen=True, slots=True)
class VotingSettings:
    """Votes of minutiae, which choose the prints whose minutiae are paired.

    `chance`, and that one word is enough for a shortlist, were chosen with 250 prints of FVC2002,
    FVC2004 and FCJ2020, by either extractor, among 20,000 drawn fingers: docs/experiments.md.
    """

    words: int = 1  # of 64 bits, of each code, for the prints of a shortlist
    words_whole: int = 2  # the same where a whole gallery votes
    gate: int = 64  # largest difference of direction, 1/256 turn
    chance: float = 2.5  # standard deviations of strangers' likeness up to which it counts nothing
    kept_whole: int = 10_000  # prints of a whole gallery
    form: str = "popcount"  # or "tensor": how a GPU compares codes, with the same votes
    chunk: int = 0  # candidates at a time, as in RescoringSettings


@dataclass(frozen=True, slots=True)
class RescoringSettings:
    """Comparison of minutiae. Values of MCC's LGS-R (TPAMI 2010, section 4; the reach and stretch
    of pairs after the project's measured integer form); 12 to 16 pairs gave the same error rates
    on FVC2002, FVC2004 and FCJ2020, 24 and more gave higher ones."""

    gate: int = 64  # largest difference of direction of two minutiae paired, 1/256 turn
    pairs: int = 12
    keep: float = 0.5  # of its own similarity, what a pair keeps in a round
    rounds: int = 5
    reach: float = 8.0  # px
    stretch: float = 0.06  # of the distance between two minutiae
    turn: float = 16.0  # 1/256 turn
    scored_least: int = 4  # pairs that the score is the mean of: a sigmoid of the minutiae count
    scored_most: int = 12
    scored_middle: float = 20.0  # minutiae
    scored_slope: float = 0.4  # 1/minutia
    chunk: int = 0  # candidates at a time; 0: one for each KiB of the second-level cache
    threads: int = 0  # 0: one for each processor


@dataclass(frozen=True, slots=True)
class ComparisonSettings:
    """Comparison by all the evidence. On FVC2002, FVC2004 and FCJ2020 each number lies on a plateau
    of the error rates: 2 to 4 rounds, tolerances of 10 to 20 px, reaches of 35 to 70 px, windows
    of 50 px (30 and 70 are worse)."""

    outlier: float = 14.0  # px off the rotation, where a pair loses three quarters of its weight
    rounds_rigid: int = 3  # of that reweighting
    tolerance: tuple[float, ...] = (18.0, 14.0, 12.0)  # px, within which minutiae meet, each round
    turn: int = 24  # 1/256 turn, the same for their directions
    stiffness: float = 1e4  # px², spread of minutiae that holds an affine map to a rotation
    softening: float = 0.7  # of the stiffness, left after each round
    reach: float = 50.0  # px, standard deviation of the neighbourhood that carries a point along
    held: float = 0.05  # weight that holds a point back
    margin: int = 16  # px around the box of a print's minutiae within which others are expected
    window: int = 5  # cells on a side of the square within which phases should differ alike
    nodes: int = 4  # cells from place to place at which the deformation is worked out
    chunk: int = 200  # candidates at a time: fewer calls, while p×200 numbers fit a cache of 1 MB


@dataclass(frozen=True, slots=True)
class FusionSettings:
    """Fingers of one person together."""

    finalists: int = 200  # persons, where a whole gallery votes; else those of PointSettings
    misplaced: float = 1.0  # log10, taken off where both positions are known and differ


@dataclass(frozen=True, slots=True)
class ThresholdSettings:
    """What is fitted to the best scores of non-mated searches."""

    quantiles: tuple[float, float] = (0.5, 0.75)  # up to the first a score counts as no more
    # than that: several drawn fingers together have scores there that fit no Gumbel distribution;
    # both tell outliers, of which there may be a quarter
    improbable: float = 1e-3  # expected number, in all searches, of scores too high for non-mates


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """Non-mated searches within a gallery, and the check of what is fitted to them."""

    min_persons: int = 200  # searched for: the scale's standard error is then 8 %
    listed: int = 60  # candidates: one of a random third is among them but once in 10^10 searches
    fewer: int = 3  # the check is repeated among one in so many persons
    stated: tuple[float, ...] = (0.1, 0.01, 0.001)  # rates to check
    rare: float = 0.01  # lower rates are checked only where `errors` of them can be expected:
    errors: int = 30  # the measured rate is then within 30 % (rule of 30, ISO/IEC 19795-1)
    seed: int = 1  # of the persons, fingers and halves drawn


@dataclass(frozen=True, slots=True)
class PlausibilitySettings:
    """What looks like skin. Set between 480 FVC2002 and FVC2004 prints, 1,700 crops of 6.5 mm from
    them, every second print of FCJ2020, and noise, text, rulings, chequerboards and photographs."""

    clear: float = 0.3  # strength of a clear block; noise stays below 0.33
    min_clear: float = 0.12  # share of clear blocks; prints have 0.37, crops 0.2
    constancy_sd: float = 3.0  # blocks
    min_constancy: float = 0.55  # prints have 0.67, crops 0.58, noise at most 0.52
    max_straightness: float = 0.988  # crops have at most 0.986
    large: int = 600  # blocks, 100 mm²
    max_straightness_large: float = 0.86  # prints have at most 0.77, fine text 0.87 and more


@dataclass(frozen=True, slots=True)
class PreprocessSettings:
    """From pixels to a ridge map. Lengths in px at 500 ppi, frequencies in ridges per px.

    Chosen on plateaus of the equal error rate over FVC2002 DB1..4_B and FVC2004 DB1_B and DB3_B.
    """

    block: int = 8  # px, the blocks of a ridge map
    scale: int = 2  # px: ridges are analysed at half the resolution, the finest at 2.1 px a period
    contrast_sd: float = 16.0  # px, neighbourhood whose mean and contrast become 0 and 1
    contrast_floor: float = 4.0  # gray levels added to the contrast, so that noise stays small
    contrast_share: float = 0.2  # likewise, of the print's strong contrast (90th percentile)
    contrast_limit: float = 1.5  # standard deviations: spots of dirt count no more than ridges
    window: int = 64  # px, of the local spectra
    hop: int = 16  # px from window to window
    band: tuple[float, float] = (1 / 18, 1 / 4.2)  # ridges per px: all that may be a ridge
    periods: tuple[float, float] = (5.0, 15.0)  # px, centres of the first and last ridge bin
    period_bins: int = 6
    period_width: float = 0.16  # sigma of a bin, of the logarithm
    angle_width: float = 0.26  # rad, sigma of the ridges' direction within a window
    energy_floor: float = 0.05  # added to the energy of a window, so that blanks count as nothing
    pure_peak: float = 0.5  # share of a window's energy at its ridges, where quality is 1
    quality_blur: float = 0.8  # windows, before a threshold cuts
    min_quality: float = 0.15  # of a block in the mask
    min_energy: float = 0.2  # mean squared contrast of a block in the mask
    mask_radius: int = 2  # blocks, gaps that close and tongues that fall
    max_hole: int = 40  # blocks
    min_part: float = 0.2  # of the largest part of the mask, to stay in it
    min_area_mm2: float = 20.0  # of a print; less is a failure to extract
    plausibility: PlausibilitySettings = field(default_factory=PlausibilitySettings)
    filter_directions: int = 16
    filter_angle: float = 0.21  # rad, sigma of a filter
    filter_width: float = 0.35  # sigma of a filter, of the logarithm of frequency
    filter_ratio: float = 1.6  # between the two filters' frequencies, around the print's own
    frequency_blur: float = 1.5  # blocks
    refine_sd: float = 6.0  # px, neighbourhood of the second look at the orientation
    refinements: int = 1


@dataclass(frozen=True, slots=True)
class RidgeCellSettings:
    """The ridges that a template keeps."""

    min_amplitude: float = 0.05  # contrast of the enhanced ridges; less has no phase to speak of


@dataclass(frozen=True, slots=True)
class RatingSettings:
    """Quality of a whole print. Of 40 forms compared on 1,680 mated FVC2002 and FVC2004 pairs and
    581 of FCJ2020, among the best at telling which pairs would not be hit."""

    worse: float = 0.25  # quantile of the blocks' quality
    area_mm2: float = 30.0  # of clear ridges, for 63 % of what area can do
    minutiae: float = 10.0  # likewise


@dataclass(frozen=True, slots=True)
class GaborSettings:
    """Minutiae from the enhanced image. Lengths in px at 500 ppi."""

    edge: float = 8.0  # from the mask's edge; nearer ones are ends of the print, not of a ridge
    dipole: float = 5.0  # two opposite minutiae nearer than this are one disturbed ridge
    around: float = 6.0  # sigma of the neighbourhood whose ridges' strength counts
    ahead: float = 7.0  # where the line that begins is looked at
    kind: float = 4.0  # the same, ahead and behind, to tell a ridge that ends from a valley
    setback: float = 2.3  # from the phase's own point to where the LEADER network marks a minutia
    behind: float = 12.0  # where its neighbours have closed ranks
    flow: float = 10.0  # sigma of the neighbourhood in which ridges should run straight
    far: float = 100.0  # distances of neighbours beyond this count as this
    # Logistic model of what the LEADER network confirms (quality 0.5 or more, within 10 px and 25
    # degrees) on half of the FVC2002 and FVC2004 B sets named above and a tenth of FCJ2020, each
    # set with the same weight, over: strength around, ahead and behind, constancy of the flow, and
    # the logarithms of the distances in px to the nearest alike and opposite. Area under the ROC
    # curve on a set left out: 0.94 to 0.98.
    weights: tuple[float, ...] = (12.8, 5.5, 7.9, 4.8, 0.66, 0.47)
    bias: float = -13.0
    min_probability: float = 0.1  # less is noise: EER is flat from 0.05 to 0.2


@dataclass(frozen=True, slots=True)
class PictureSettings:
    """How prints are drawn for people to look at. Lengths in px of the print, at 500 ppi."""

    zoom: float = 2.0  # px of the picture for one px of the print
    supersampling: int = 2  # drawn this much larger, then averaged down
    radius: float = 3.6  # of a minutia's mark
    tail: float = 10.0  # of its direction, from the centre
    line: float = 1.3  # width
    halo: float = 1.1  # white, on both sides of a line
    margin: float = 14.0  # around a print
    gap: float = 26.0  # between two prints side by side
    caption: float = 20.0  # height of the line of words under a print
    text: float = 9.0  # height of letters
    texture: int = 16  # side of the neighbourhood that is tested for ridges
    texture_contrast: float = 18.0  # gray levels, the least standard deviation of ridges
    pairs_numbered: int = 16  # the best pairs; the others are only coloured
    join_opacity: float = 0.45  # of the lines that join the pairs
    width: int = 1000  # px, the most that a picture on a page has
    quality: int = 80  # of WebP, 0..100


@dataclass(frozen=True, slots=True)
class Settings:
    """All of Tenprint's settings."""

    extractor: str = "leader"  # or "gabor"
    device: str = "auto"  # or "cpu", "gpu": resolved once, at the edge
    search: str = "thorough"  # at which of `points`, where a search runs on the CPU
    min_minutiae: int = 4  # in a template; fewer are a failure to extract
    images: ImageLimits = field(default_factory=ImageLimits)
    leader: LeaderSettings = field(default_factory=LeaderSettings)
    preprocess: PreprocessSettings = field(default_factory=PreprocessSettings)
    gabor: GaborSettings = field(default_factory=GaborSettings)
    cells: RidgeCellSettings = field(default_factory=RidgeCellSettings)
    rating: RatingSettings = field(default_factory=RatingSettings)
    descriptor: DescriptorSettings = field(default_factory=DescriptorSettings)
    points: PointsSettings = field(default_factory=PointsSettings)
    lists: ListsSettings = field(default_factory=ListsSettings)
    voting: VotingSettings = field(default_factory=VotingSettings)
    rescoring: RescoringSettings = field(default_factory=RescoringSettings)
    comparison: ComparisonSettings = field(default_factory=ComparisonSettings)
    fusion: FusionSettings = field(default_factory=FusionSettings)
    thresholds: ThresholdSettings = field(default_factory=ThresholdSettings)
    trials: TrialSettings = field(default_factory=TrialSettings)

    @property
    def point(self) -> PointSettings:
        """The operating point of searches. SettingsError where `search` names none."""
        if self.search not in POINTS:
            raise SettingsError(
                f"there is no operating point {self.search!r}: use one of {', '.join(POINTS)}"
            )
        point: PointSettings = getattr(self.points, self.search)
        return point

    def digest(self) -> str:
        """8 hex digits over every setting that shapes a template of this extractor."""
        own = self.leader if self.extractor == "leader" else self.gabor
        shared = (self.images.polarity, self.preprocess, self.cells, self.rating, self.descriptor)
        shapes = [asdict(each) for each in (own, *shared)]
        text = json.dumps([self.extractor, *shapes], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]
