"""Every number that can be set: its name, its unit, its default, and where it comes from.

Frozen dataclasses, one for each stage; `Settings` holds them all. A number that was tuned or
learned says from which data.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field


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


@dataclass(frozen=True, slots=True)
class LeaderSettings:
    """The LEADER network (Cappelli & Ferrara, arXiv 2602.15493)."""

    min_quality: float = 0.5  # the network's own confidence; 0.5 as published


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
