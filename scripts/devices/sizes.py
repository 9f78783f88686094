"""How much is measured: for figures, for sanitizers, on the processor."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.settings import MasterSettings

_master = MasterSettings()


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of what is measured. prints: of the gallery. batch: that vote in a launch. votes: probes of
    a selection. listed: candidates of a launch; short: of one as a search has it. celled: prints
    with ridge cells. pictures, height, width: of growing. block, stream: prints of a block that
    stays and of one that streams. sample: comparisons that are validated."""

    prints: int = 2**21
    batch: int = 2**20
    votes: int = 64
    listed: int = 2**17
    short: int = 10_000
    celled: int = 2**18
    pictures: int = 48
    height: int = _master.height
    width: int = _master.width
    block: int = 2**20
    stream: int = 2**17
    sample: int = 512
    repeats: int = 30
    searches: int = 9

    def cut(self, prints: int) -> Sizes:
        """The same for another gallery: no launch has more of it than a half."""
        most = max(1, prints // 2)
        names = ("batch", "listed", "short", "block", "stream")
        return replace(self, prints=prints, **{n: min(getattr(self, n), most) for n in names})


QUICK = Sizes(2**13, 2**11, 4, 2**10, 500, 2**10, 2, 96, 80, 2**11, 2**11, 128, 5, 3)
HOST = Sizes(16, 4, 2, 6, 4, 8, 1, 20, 24, 8, 4, 2, 1, 1)  # validates every third
