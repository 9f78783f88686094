"""What a kernel reads, writes and works out, by formula, and how fast a device could do it at most.

Bytes are counted once, however often a kernel comes back to them: what lies in a cache costs
nothing. Operations are instructions of a thread as the CUDA text has them, a multiply-add one and a
root, division or exponential one; loops outside the innermost are left out. Both are less than what
a device does, so a ceiling is never too low.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

from engine.settings import ComparisonSettings, MasterSettings, RescoringSettings
from kernels.backend import Properties
from kernels.voting import FORMS

# Results a clock and multiprocessor: CUDA C++ Programming Guide, arithmetic instructions.
RATES = {"popc": 16, "int32": 64, "fp32": 128}
RATES_A100 = {"fp32": 64}  # capability 8.0
# 8-bit multiply-adds of tensor cores, from the vendor's rates without sparsity.
TENSOR = {(8, 0): 2048, (8, 6): 1024, (8, 9): 1024, (9, 0): 4096}
H100 = Properties("H100 SXM", 132, 1.98e9, 3.352e12, 50 * 2**20, (9, 0))
WORDS, PROBES = (1, 2, 4), (1, 8)  # of voting: words of a code, probes of a launch

CODE, PLACE, ANGLE = 32, 4, 1  # bytes of a minutia
ENTRY = 8  # bytes of `start`, and of a number in a list of candidates

_rescoring, _comparison, _master = RescoringSettings(), ComparisonSettings(), MasterSettings()


class Shape(NamedTuple):
    """What is compared, on average. probe, candidate: minutiae. pairs: that were found. met: after
    the deformation. seen: cells of the probe with ridges; shared: those of them that lie on a
    candidate's; at: places at which the deformation is worked out for them."""

    probe: float = 40
    candidate: float = 40
    pairs: float = _rescoring.pairs
    met: float = 2
    seen: float = 616
    shared: float = 250
    at: float = 64


class Cost(NamedTuple):
    """Of one comparison, vote or pixel. way: what the bytes pass, "memory" or "link" (from the
    processor's memory)."""

    bytes: float
    operations: Mapping[str, float]
    way: str = "memory"


class Ceilings(NamedTuple):
    """Of a device: operations a second by kind, bytes a second by way."""

    operations: Mapping[str, float]
    bytes: Mapping[str, float]

    def bound(self, cost: Cost) -> float:
        """How many a second there can be at most."""
        seconds = [cost.bytes / self.bytes[cost.way]]
        seconds += [count / self.operations[kind] for kind, count in cost.operations.items()]
        return 1 / max(seconds)


def ceilings(device: Properties, link: float = math.inf) -> Ceilings:
    """From what a device says of itself; link: bytes a second from the processor's memory."""
    rates = RATES | {"mac8": TENSOR.get(device.capability, max(TENSOR.values()))}
    if device.capability == (8, 0):
        rates |= RATES_A100
    clocks = device.multiprocessors * device.clock
    operations = {kind: rate * clocks for kind, rate in rates.items()}
    return Ceilings(operations, {"memory": device.bandwidth, "link": link})


def voting(shape: Shape, words: int, probes: int, form: str = FORMS[0]) -> Cost:
    """A print and a probe: the print is read once for all probes. Population counts are of 32
    bits; tensor cores multiply all bits of all pairs."""
    read = shape.candidate * (8 * words + ANGLE) + ENTRY
    pairs = shape.probe * shape.candidate * words
    work = {"mac8": 64 * pairs} if form == "tensor" else {"popc": 2 * pairs}
    return Cost(read / probes + 2, work)


def selection() -> Cost:
    """A vote: it is counted, then compared and counted twice."""
    return Cost(2, {"int32": 5})


def similarity(shape: Shape) -> Cost:
    """Every pair is compared from both sides, by eight population counts."""
    read = shape.candidate * (CODE + ANGLE) + 2 * ENTRY
    written = 2 * (shape.probe + shape.candidate)
    return Cost(read + written, {"popc": 16 * shape.probe * shape.candidate})


def pairing(shape: Shape) -> Cost:
    """The keys of the probe, and of the candidate those that they name."""
    return Cost(4 * shape.probe + 3 * _rescoring.pairs, {"int32": shape.probe * shape.pairs})


def relaxation(shape: Shape) -> Cost:
    """All pairs of pairs, once for their consistency and once a round."""
    read = shape.pairs * (3 + PLACE + ANGLE) + 2 * ENTRY
    written = 4 * _rescoring.pairs + 4
    return Cost(read + written, {"fp32": shape.pairs**2 * (32 + _rescoring.rounds)})


def full(shape: Shape) -> Cost:
    """Similarity, pairing and relaxation one after the other: the candidate in, a score out."""
    read = shape.candidate * (CODE + ANGLE) + 2 * ENTRY + shape.pairs * PLACE
    parts = similarity(shape), pairing(shape), relaxation(shape)
    return Cost(read + 4, {kind: n for part in parts for kind, n in part.operations.items()})


def deformation(shape: Shape) -> Cost:
    """In each round the probe's minutiae are laid by all of them, and held against all others."""
    rounds, most = len(_comparison.tolerance), _rescoring.pairs
    read = shape.candidate * (PLACE + ANGLE) + 2 * ENTRY + 7 * most
    written = 24 + 13 * shape.probe
    floats = rounds * (10 * shape.probe**2 + 30 * shape.probe) + 40 * most * (
        _comparison.rounds_rigid
    )
    integers = rounds * 10 * shape.probe * shape.candidate
    return Cost(read + written, {"fp32": floats, "int32": integers})


def agreement(shape: Shape) -> Cost:
    """The probe's minutiae laid by all of them; the codes of those that met."""
    read = 24 + 13 * shape.probe + PLACE * shape.candidate + CODE * shape.met + 2 * ENTRY
    floats = 10 * (shape.probe**2 + shape.candidate)
    return Cost(read + 16, {"fp32": floats, "popc": 8 * shape.met})


def ridges(shape: Shape) -> Cost:
    """Nodes laid by all minutiae, waves where both have ridges, windows around these."""
    read = 2 * shape.shared + 24 + 12 * shape.probe + 2 * ENTRY + 6
    windows = 3 * _comparison.window**2
    floats = 10 * shape.at * shape.probe + 25 * shape.seen + (30 + windows) * shape.shared
    return Cost(read + 16, {"fp32": floats})


def oriented(reach: int = _master.reach) -> Cost:
    """A pixel in a round: a quarter of a disc, four places at a time, and the four functions."""
    quarter = sum(math.isqrt(reach**2 - dy**2) + 1 for dy in range(reach + 1))
    return Cost(16, {"fp32": 6 * quarter + 16 * (reach + 1)})


def blocks(shape: Shape, words: int, probes: int, streamed: bool) -> Cost:
    """A print and a probe of a search, of which all but the votes is left out; a print that streams
    comes whole."""
    cost = voting(shape, words, probes)
    if not streamed:
        return cost
    whole = shape.candidate * (CODE + PLACE + ANGLE) + ENTRY
    return Cost(whole / probes, cost.operations, "link")


def plural(count: int, name: str) -> str:
    """1 word, 2 words."""
    return f"{count} {name}{'s' * (count > 1)}"


def voting_name(words: int, probes: int, form: str) -> str:
    """Of a figure."""
    return f"voting, {plural(words, 'word')}, {plural(probes, 'probe')}, {form}"


def costs(shape: Shape) -> dict[str, Cost]:
    """Of everything that only a device and the shape decide, by the name of the figure."""
    found = {}
    for words, probes, form in product(WORDS, PROBES, FORMS):
        found[voting_name(words, probes, form)] = voting(shape, words, probes, form)
    found["selection"] = selection()
    for work in (similarity, pairing, relaxation, full, deformation, agreement, ridges):
        found[work.__name__] = work(shape)
    return found | {"oriented": oriented()}
