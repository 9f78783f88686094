"""What matchers achieved, as tables on the terminal and as a section of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

Figures = dict[str, float]  # of one matcher: rates in percent, times in ms and µs, counts
Found = dict[str, dict[str, Figures]]  # by set and matcher

COLUMNS = {
    "eer": "EER",
    "fmr100": "FMR100",
    "fmr1000": "FMR1000",
    "zero_fmr": "ZeroFMR",
    "rank1": "rank-1",
    "fte": "FTE",
    "extract_ms": "extract ms",
    "compare_us": "compare µs",
}
TIMES = ("extract_ms", "compare_us")  # without decimals
MEAN = "mean"  # stands among the sets
NOTE = """\
{versions}

```console
$ {command}
```

Every row has the same pixels (what Tenprint's reader makes of the files, at 500 ppi) and the same
comparisons in the same order: all mated and at most {nonmated:,} cross-finger pairs of a set, and
for rank-1 at most {probes} of its prints against the first impressions of all its fingers, drawn
by chance, once for all. mindtct and Bozorth3 are NBIS, by the package `nbis-py`; MCC, SAFIS (the
published idea of SourceAFIS, not its code) and geometric are of the package `afis`; LEADER's
minutiae are those of `tenprint leader`. The packages run with their own settings; only MCC is not
told the image's height, with which `afis` mirrors positions and leaves the angles as they are.
Tenprint's weights of the evidence are {weights}; what had these sets in view is
said at the top.

Rates in %. CPU times on one core, of an extraction (the median) and of a comparison with templates
made ready (the mean): Tenprint compares one print with many in a call, the others one with one.
"""


def gather(judged: Iterable[tuple[str, str, Figures]]) -> Found:
    """Figures of set and matcher, and their mean over the sets."""
    found: Found = {}
    for name, matcher, figures in judged:
        found.setdefault(name, {})[matcher] = figures
    sets = list(found.values())
    found[MEAN] = {
        matcher: {key: float(np.mean([rows[matcher][key] for rows in sets])) for key in COLUMNS}
        for matcher in sets[0]
    }
    return found


def show(found: Found) -> None:
    """Prints a table of each set and of their mean."""
    for name, rows in found.items():
        table = Table("matcher", title=f"{name}: rates in %, CPU times on one core")
        for column in COLUMNS.values():
            table.add_column(column, justify="right")
        for row in _cells(rows):
            table.add_row(*row)
        Console(width=120).print(table)


def describe(found: Found, note: str) -> str:
    """The section of a page: the note, all columns of the mean, and two rates by set."""
    sets = [name for name in found if name != MEAN]
    tables = [_markdown([f"mean of {len(sets)} sets", *COLUMNS.values()], _cells(found[MEAN]))]
    for key in ("eer", "fmr1000"):
        rows = [[row, *[f"{found[name][row][key]:.2f}" for name in sets]] for row in found[MEAN]]
        tables.append(_markdown([COLUMNS[key], *sets], rows))
    return "\n".join([note, *tables])


def _cells(rows: dict[str, Figures]) -> list[list[str]]:
    forms = [",.0f" if key in TIMES else ".2f" for key in COLUMNS]
    return [
        [row, *[f"{figures[key]:{form}}" for key, form in zip(COLUMNS, forms, strict=True)]]
        for row, figures in rows.items()
    ]


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(line)} |\n" for line in [head, *rows]]
    return "".join([lines[0], "|---" * len(head), "|\n", *lines[1:]])
