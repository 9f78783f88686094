"""Mixing: which request comes next, of a mix that is given as identify=90,enrol=10."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from loading.arrivals import Request
from loading.payloads import GALLERY, Newcomer, Probe

KINDS = ("identify", "image", "enrol", "delete")
WRONG_PERSON = "somebody else is first"


def read_mix(text: str) -> dict[str, float]:
    """The share of each kind, of 1 in all. ValueError for what is no mix."""
    shares: dict[str, float] = {}
    for part in text.split(","):
        kind, equals, share = part.partition("=")
        if kind not in KINDS or not equals or kind in shares:
            raise ValueError(f"{text!r}: write a mix as {KINDS[0]}=90,{KINDS[2]}=10")
        shares[kind] = float(share)
    total = sum(shares.values())
    if total <= 0 or min(shares.values()) < 0:
        raise ValueError(f"{text!r}: shares are numbers from 0, not all 0")
    return {kind: share / total for kind, share in shares.items()}


class Mix:
    """Makes the next request. What it enrols it deletes again, later, where the mix has that."""

    def __init__(
        self,
        shares: Mapping[str, float],
        probes: Sequence[Probe],
        pictures: Sequence[Probe],
        newcomers: Iterator[Newcomer],
        point: str,
    ) -> None:
        self._kinds = list(shares)
        self._shares = list(shares.values())
        self._rng = np.random.default_rng(1)
        self._given_probes, self._given_pictures = probes, pictures
        self._probes = itertools.cycle(probes)
        self._pictures = itertools.cycle(pictures)
        self._newcomers = newcomers
        self._point = point
        self.enrolled: deque[str] = deque()
        self.left: set[str] = set()  # asked to be enrolled, and not known to be removed again

    def of(self, shares: Mapping[str, float]) -> Mix:
        """Another mix of the same people and prints."""
        given = (self._given_probes, self._given_pictures, self._newcomers, self._point)
        return Mix(shares, *given)

    def __call__(self) -> Request:
        kind = self._kinds[int(self._rng.choice(len(self._kinds), p=self._shares))]
        if kind == "delete" and not self.enrolled:
            kind = "enrol"
        if kind == "enrol":
            return self._enrol(next(self._newcomers))
        if kind == "delete":
            return self._remove(self.enrolled.popleft())
        probe = next(self._pictures if kind == "image" else self._probes)
        return identify(probe, self._point, kind)

    def _enrol(self, newcomer: Newcomer) -> Request:
        def keep(status: int, _content: Any) -> str:
            if status == 200:
                self.enrolled.append(newcomer.person)
            return ""

        self.left.add(newcomer.person)
        return enrol(newcomer, keep)

    def _remove(self, person: str) -> Request:
        def forget(status: int, _content: Any) -> str:
            if status == 204:
                self.left.discard(person)
            return ""

        return replace(remove(person), check=forget)


def identify(probe: Probe, point: str = "", kind: str = "identify") -> Request:
    """A search; wrong where the person of the probe is not first."""

    def check(status: int, content: Any) -> str:
        if status != 200 or not probe.person:
            return ""
        found = content[0]["personId"] if content else ""
        return "" if found == probe.person else WRONG_PERSON

    # All candidates, whatever their score: who is first is what is looked at.
    path = f"/v1/identify/{GALLERY}?transactionId=load&threshold=0"
    path += f"&accuracyLevel={point}" if point else ""
    return Request(kind, "POST", path, probe.body, check)


def enrol(newcomer: Newcomer, check: Any = lambda status, content: "") -> Request:
    """An enrolment under ids of ours, so that it is known afterwards what became of it."""
    path = f"/v1/persons/{newcomer.person}/encounters/1?transactionId=load"
    return Request("enrol", "POST", path, newcomer.body, check)


def remove(person: str) -> Request:
    """The removal of all of a person."""
    return Request("delete", "DELETE", f"/v1/persons/{person}?transactionId=load")
