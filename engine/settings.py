"""Every number that can be set: its name, its unit, its default, and where it comes from.

Frozen dataclasses, one for each stage; `Settings` holds them all. A number that was tuned or
learned says from which data.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class PolaritySettings:
    """When a print counts as inverted (light ridges on dark).

    Tuned on the FVC2002, FVC2004 and FCJ2020 prints (1,680): none of them may count as inverted.
    """

    block: int = 16  # px
    flat: float = 0.3  # contrast of background, of the 95th percentile of all blocks
    textured: float = 0.5  # contrast of print, likewise
    noise: float = 0.02  # added to the contrast of background before it becomes a weight, likewise
    min_blocks: int = 2  # of background, to judge at all
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


@dataclass(frozen=True, slots=True)
class FieldSettings:
    """Orientation fields of made fingers. Points are px from the middle of the finger, y up, as
    complex numbers; where singularities lie was set by hand so that prints look like real ones."""

    # Arch, tented arch, left loop, right loop, whorl: natural shares, as SFinGe has them.
    proportions: tuple[float, ...] = (0.037, 0.029, 0.338, 0.317, 0.279)
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
    bend_sd: float = 0.08  # rad, each harmonic of the angular correction
    arch_rise: tuple[float, float] = (0.5, 1.0)  # rad, the steepest ridge of a plain arch
    dome_rise: tuple[float, float] = (0.55, 0.9)  # rad, what arcs add to the other classes
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
    traction_sd: float = 5.0  # px on each axis
    torsion_sd: float = 0.05  # rad
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

    width: int = 416  # px at 500 ppi: 21 mm
    height: int = 560  # px: 28 mm
    period: float = 9.0  # px from ridge to ridge, mean over fingers
    period_sd: float = 0.45  # px, between fingers
    period_slow: float = 0.04  # share, changes over the finger
    period_down: float = 0.05  # share, wider at the foot of the picture than in its middle
    period_limits: tuple[float, float] = (7.5, 10.5)  # px
    reach: int = 9  # px, half size of the Gabor filters
    bandwidth: float = 0.45  # sigma of the filters, in periods: at most three ridges count
    gain: float = 3.0  # of the response before it saturates
    rounds: int = 22
    closest: float = 8.0  # px, opposed minutiae closer than this count as none


@dataclass(frozen=True, slots=True)
class SynthesisSettings:
    """Prints and templates that the project makes itself."""

    flow: FieldSettings = field(default_factory=FieldSettings)
    press: PressSettings = field(default_factory=PressSettings)
    draw: DrawSettings = field(default_factory=DrawSettings)
    master: MasterSettings = field(default_factory=MasterSettings)


@dataclass(frozen=True, slots=True)
class Settings:
    """All of Tenprint's settings."""

    extractor: str = "leader"  # or "gabor"
    device: str = "auto"  # or "cpu", "gpu": resolved once, at the edge
    images: ImageLimits = field(default_factory=ImageLimits)
    leader: LeaderSettings = field(default_factory=LeaderSettings)

    def digest(self) -> str:
        """8 hex digits over every setting that shapes a template of this extractor."""
        own = getattr(self, self.extractor)
        text = json.dumps({self.extractor: asdict(own)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]
