"""What can go wrong, by name: every error says what was refused, why, and what to do."""

from __future__ import annotations


class TenprintError(Exception):
    """The base of every error that Tenprint raises on purpose."""


class InputError(TenprintError):
    """An input was refused; the rest of a batch goes on.

    `source` names the file (or record), `reason` says why in words a person can act on.
    """

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}" if source else reason)
        self.source = source
        self.reason = reason

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str]]:
        """So that it comes back from another process: there it would be made from its one text."""
        return type(self), (self.source, self.reason)


class ImageError(InputError):
    """The file is no readable image, or passes a limit on size, pixels or resolution."""


class FailureToExtractError(InputError):
    """The image was read, but holds too little of a fingerprint (ISO/IEC 19795-1: failure to
    extract, counted as a miss in every evaluation)."""


class TemplateError(InputError):
    """Bytes that are no valid template, or a template of an unknown version."""


class ManifestError(InputError):
    """A row or a column of a CSV of persons, images or offense records is not usable."""


class GalleryError(TenprintError):
    """A gallery does not exist, or cannot do what was asked."""


class MakerMismatchError(GalleryError):
    """Templates made by different extractors, versions or settings may not meet."""


class StoreError(TenprintError):
    """The database cannot be opened, is of an unknown version, or refuses a change."""


class UnavailableError(StoreError):
    """The database does not answer now, or not in time: what was asked for was not done, and may be
    asked for again."""


class NotFoundError(StoreError):
    """There is no such person, encounter, gallery or task."""


class ConflictError(StoreError):
    """What was to be made is there already."""


class SettingsError(TenprintError):
    """A setting is out of its range, or asks for a device that is not there."""


class PolicyError(TenprintError):
    """A severity policy or one of its tables is not valid."""


class KeysError(StoreError):
    """A key that templates or images are sealed with is missing, damaged, or open to others."""


class UseError(TenprintError):
    """The system may not be used for that here: the purpose is not among those allowed."""


class HoldError(StoreError):
    """A legal hold on a person stops what was asked for: nothing of the person is deleted."""
