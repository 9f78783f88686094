"""What the service takes and gives back: plain data for any face to show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.formats.manifest import PrintRow
from engine.risk.coding import Coding
from engine.risk.policy import Policy, Rule
from engine.risk.queue import Place
from engine.risk.scales import Stability
from engine.risk.suggesting import Suggestion
from engine.store.decisions import Decision
from engine.store.galleries import Contents
from engine.store.hits import WaitingHit
from engine.store.persons import Removed
from engine.store.prints import StoredPrint
from engine.store.records import Attached, Version
from engine.store.resealing import Held
from engine.trials import Measured, Suspects
from engine.types import Assessment, FingerImage, OffenseRecord, Search, Site, Template, Verdict

__all__ = [
    "Attached",
    "Coding",
    "Contents",
    "Decision",
    "Held",
    "Place",
    "Policy",
    "PrintRow",
    "Removed",
    "Rule",
    "Search",
    "Stability",
    "StoredPrint",
    "Suggestion",
    "Suspects",
    "Version",
]

Progress = Callable[[int, int], None]  # prints done, prints in all


@dataclass(frozen=True, slots=True)
class Pending:
    """A task that a use does: what it changes and what its client is told are kept together, or
    neither is. result: what that is, where it is known before the work."""

    id: int
    name: str
    result: bytes = b""


@dataclass(frozen=True, slots=True)
class Use:
    """Who uses the system and why: kept with the submission of every use, and in the audit log.

    source: the files it came from. case_id: of the case that it serves, as the asker calls it.
    origin: where the request came from, for the audit log: "cli", or a client's address. task:
    the task that it does, where it is one's.
    """

    jurisdiction: str = ""
    purpose: str = ""
    operator: str = ""
    source: str = ""
    case_id: str = ""
    origin: str = ""
    task: Pending | None = None


NOBODY = Use()


@dataclass(frozen=True, slots=True)
class Rejected:
    """An input that was refused, and why in words a person can act on."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class EnrolReport:
    """What became of an enrolment. already: prints that the gallery had before."""

    gallery: str
    submission: int
    enrolled: int
    already: int
    rejected: tuple[Rejected, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Probe:
    """One person to look for: the images of one or several fingers."""

    name: str
    prints: tuple[PrintRow, ...]


@dataclass(frozen=True, slots=True)
class ProbeFinger:
    """One finger of a probe as it was searched. sha256: hex, of the file's bytes. image: these
    bytes, where they are at hand; else they are still where the row says, or there are none."""

    row: PrintRow
    sha256: str
    template: Template
    image: bytes | None = None


@dataclass(frozen=True, slots=True)
class Searched:
    """One probe's search, ended `at` after `seconds`. search: None where no finger could be used
    (see rejected). search_id: of the search as the database keeps it."""

    probe: str
    fingers: tuple[ProbeFinger, ...]
    rejected: tuple[Rejected, ...]
    search: Search | None
    search_id: int | None
    at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Queued:
    """A hit at its place in the examiners' queue. hit: as the database has it."""

    place: Place
    hit: WaitingHit


@dataclass(frozen=True, slots=True)
class QueueReport:
    """All cases that wait, in the order of work.

    at: the moment of the ranking. past: whether it was asked for as of then. decided: cases that
    were done by then. stability: for each other scale, tier by tier, how far the order would be
    the same. notes: what to know about the rules used.
    """

    policy: Policy
    at: datetime
    past: bool
    queue: tuple[Queued, ...]
    decided: int
    stability: dict[str, list[Stability]]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordLine:
    """A record that counts, and how it was read. lane: "conviction" or "charge"."""

    record: OffenseRecord
    coding: Coding
    lane: str
    degree: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a case stands where it does. suggestion: of the text model, for an offense that nobody
    could code; it gave no level."""

    item: Queued
    assessment: Assessment
    records: tuple[RecordLine, ...]
    suggestion: Suggestion | None


@dataclass(frozen=True, slots=True)
class CodedCharge:
    """What a record's offense is, in the scheme of the project.

    words: the charge with its abbreviations written out. suggestion: where nobody could tell.
    standings: by policy, what a conviction for it would come to.
    """

    record: OffenseRecord
    words: str
    coding: Coding
    suggestion: Suggestion | None
    standings: dict[str, Assessment]


@dataclass(frozen=True, slots=True)
class IdentifyReport:
    """All searches of one submission, and their hits in the order in which to examine them.

    records: those of every person among the hits.
    """

    submission: int
    policy: Policy
    searches: tuple[Searched, ...]
    queue: tuple[Queued, ...]
    records: dict[str, tuple[OffenseRecord, ...]]


@dataclass(frozen=True, slots=True)
class Verification:
    """Two prints compared, and the templates that were made for it."""

    verdict: Verdict
    templates: tuple[Template, Template]


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """What was measured of scores in a gallery, with one finger and with several, and is kept
    with it from now on. fpir: that its searches are to keep. refused: why one kind of searches
    measured nothing."""

    gallery: str
    submission: int
    fpir: float
    measured: tuple[Measured, ...]
    refused: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class GalleryInfo:
    """A gallery, what it holds, and how far its derived index has read. fpir: that its searches
    are to keep, None where none was chosen. sites: what was measured of its scores."""

    name: str
    maker: str | None
    created_at: datetime
    fpir: float | None
    sites: tuple[Site, ...]
    contents: Contents
    sequence: int
    index_path: Path
    index_bytes: int


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """Which keys there are and what they seal.

    path: of the keyring, None without one. keys: their ids, that which seals what is new first.
    held: how much of the database is sealed with which. files: derived ones, with the id of their
    key, None for a plain one. leaves_old_rows: whether the database keeps what rows were before.
    """

    path: Path | None
    keys: tuple[str, ...]
    held: tuple[Held, ...]
    files: tuple[tuple[Path, str | None], ...]
    leaves_old_rows: bool


@dataclass(frozen=True, slots=True)
class RotationReport:
    """What came under a key. sealed: templates and images. files: derived ones. damaged: what
    could not be opened and stays as it was, in words."""

    key: str
    sealed: int
    files: int
    damaged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """What was removed, and what a search for remains found. text: the document as a file has it,
    whose SHA-256 the audit log has. clean: whether nothing was found."""

    removed: Removed
    document: dict[str, Any]
    text: bytes
    clean: bool


@dataclass(frozen=True, slots=True)
class PastProof:
    """What a search for what was removed in the past found. text, clean: as of a `Proof`."""

    document: dict[str, Any]
    text: bytes
    clean: bool


@dataclass(frozen=True, slots=True)
class Extraction:
    """One print and what was made of it. blob: the template in the form of
    formats.template. shown: what the steps showed, by key (see trace)."""

    image: FingerImage
    template: Template
    blob: bytes
    shown: dict[str, Any]
