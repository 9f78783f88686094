"""Paging: a long list in pages of a fixed length."""

from __future__ import annotations

from dataclasses import dataclass

LENGTH = 50  # rows of a page


@dataclass(frozen=True, slots=True)
class Paging:
    """One page of a list. number: 1 the first. count: rows of the whole list."""

    number: int
    count: int = 0

    @property
    def offset(self) -> int:
        return (self.number - 1) * LENGTH

    @property
    def last(self) -> int:
        """The number of the last page; an empty list has one."""
        return max(1, -(-self.count // LENGTH))

    @property
    def is_beyond(self) -> bool:
        """Whether the list became shorter than this page would need."""
        return self.number > self.last
