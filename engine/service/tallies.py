"""Tallies: searches and hits as tables of numbers, counted by any of the keys in one pass.

Each search and hit is a row of small numbers, so that a million of them are grouped at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from engine.report.counts import Counts, Row
from engine.store.decisions import CONCLUSIONS
from engine.store.searched import MonthSearched, month_of
from engine.store.statistics import CaseRow
from engine.types import F64, I64

NO_HIT = "no hit"  # the level of searches that returned nobody over the threshold
NOT_STATED = "(not stated)"  # for a jurisdiction
ENDS = (*CONCLUSIONS, None)  # what may have become of a case; None while it waits
SHARES = (0.5, 0.9)  # of the closed cases: the median, and what nine in ten are within
SUBMISSION, LEVEL, JURISDICTION, MONTH, SEARCHES = range(5)  # columns of tables of searches
END, COLUMNS = SEARCHES, 5  # tables of cases have in the last one a place in ENDS


@dataclass(frozen=True, slots=True)
class Tables:
    """All there is to count, as int64 n×COLUMNS: submissions by id, keys by number.

    names: what the numbers of each key stand for, in order. whole: searches by submission and
    month; split: the same once for each level in which they have a hit. cases: a row each; hours:
    until it was closed, NaN while it waits; received: seconds since 1970.
    """

    names: dict[int, tuple[str, ...]]
    whole: I64
    split: I64
    cases: I64
    hours: F64
    received: F64


def tabulate(
    months: Sequence[MonthSearched],
    cases: Sequence[CaseRow],
    tiers: dict[str, int],
    levels: tuple[str, ...],
) -> Tables:
    """The rows of the store as tables of numbers."""
    asked = sorted({name for month in months for name in month.jurisdiction})
    places = {name: n for n, name in enumerate(asked)}
    times = {month: n for n, month in enumerate(sorted({month.month for month in months}))}
    whole = [_table(())]
    for month in months:
        part = np.empty((len(month.submission), COLUMNS), np.int64)
        part[:, SUBMISSION], part[:, SEARCHES] = month.submission, month.searches
        part[:, LEVEL] = len(levels)  # "no hit", where there is one in `split`
        part[:, JURISDICTION] = [places[name] for name in month.jurisdiction]
        part[:, MONTH] = times[month.month]
        whole.append(part)
    placed = [
        (
            case.submission_id,
            tiers[case.person],
            places[case.jurisdiction],
            times[month_of(case.received)],
            ENDS.index(case.conclusion),
        )
        for case in cases
    ]
    pairs = list(zip(cases, placed, strict=True))
    # A search is of one month and submission, but may have hits in several levels.
    with_hit = _table({case.search_id: row for case, row in pairs}.values())
    at_level = _table({(case.search_id, row[LEVEL]): row for case, row in pairs}.values())
    at_level[:, SEARCHES] = 1
    all_searches = np.concatenate(whole)
    waits = [(case.closed_at - case.received if case.closed_at else None) for case in cases]
    return Tables(
        {
            LEVEL: (*levels, NO_HIT),
            JURISDICTION: tuple(name or NOT_STATED for name in places),
            MONTH: tuple(f"{month:%Y-%m}" for month in times),
        },
        all_searches,
        np.concatenate((at_level, _without_hit(all_searches, with_hit))),
        _table(placed),
        np.array([np.nan if it is None else it / timedelta(hours=1) for it in waits], np.float64),
        np.array([case.received.timestamp() for case in cases], np.float64),
    )


def _without_hit(whole: I64, with_hit: I64) -> I64:
    """The rows of `whole`, less the searches that had a hit (a row each); also a submission that
    searched nothing."""
    span = int(whole[:, SUBMISSION].max(initial=0)) + 1
    own = whole[:, MONTH] * span + whole[:, SUBMISSION]
    order = np.argsort(own)
    found = with_hit[:, MONTH] * span + with_hit[:, SUBMISSION]
    rest = whole.copy()
    np.subtract.at(rest[:, SEARCHES], order[np.searchsorted(own, found, sorter=order)], 1)
    return np.asarray(rest[(rest[:, SEARCHES] > 0) | (whole[:, SEARCHES] == 0)])


def count(tables: Tables, keys: tuple[int, ...]) -> tuple[Row, ...]:
    """A row for each combination of the keys that occurs, in the order of their values."""
    visits, cases = tables.split if LEVEL in keys else tables.whole, tables.cases
    sizes = tuple(len(tables.names[key]) for key in keys)
    if not len(visits):
        return ()
    groups, group = np.unique(_combine(visits, keys, sizes), return_inverse=True)
    case_group = np.searchsorted(groups, _combine(cases, keys, sizes))
    n = len(groups)
    submitted = np.bincount(_once(group, visits[:, SUBMISSION]), minlength=n)
    searches = np.bincount(group, visits[:, SEARCHES], minlength=n).astype(np.int64)
    levels = _spread(case_group, cases[:, LEVEL], n, len(tables.names[LEVEL]) - 1)
    ends = _spread(case_group, cases[:, END], n, len(ENDS))
    decided = ~np.isnan(tables.hours)
    oldest = np.full(n, np.inf)
    np.minimum.at(oldest, case_group[~decided], tables.received[~decided])
    order = np.argsort(case_group[decided], kind="stable")
    bounds = np.searchsorted(case_group[decided][order], np.arange(1, n))
    hours = np.split(tables.hours[decided][order], bounds)
    values = np.unravel_index(groups, sizes) if keys else ()
    rows = []
    for i in range(n):
        identifications, exclusions, inconclusive, waiting = map(int, ends[i])
        median, p90 = map(float, np.quantile(hours[i], SHARES)) if len(hours[i]) else (None, None)
        counts = Counts(
            int(submitted[i]),
            int(searches[i]),
            tuple(map(int, levels[i])),
            identifications,
            exclusions,
            inconclusive,
            waiting,
            median,
            p90,
            datetime.fromtimestamp(oldest[i], UTC) if np.isfinite(oldest[i]) else None,
        )
        names = (tables.names[key][value[i]] for key, value in zip(keys, values, strict=True))
        rows.append(Row(tuple(names), counts))
    return tuple(rows)


def _table(rows: Iterable[tuple[int, ...]]) -> I64:
    return np.array(list(rows), np.int64).reshape(-1, COLUMNS)


def _combine(rows: I64, keys: tuple[int, ...], sizes: tuple[int, ...]) -> I64:
    """One number for each row: equal where the keys are, and in their order."""
    number = np.zeros(len(rows), np.int64)
    for key, size in zip(keys, sizes, strict=True):
        number = number * size + rows[:, key]
    return number


def _once(group: I64, item: I64) -> I64:
    """The group of each different item in it; sorted, which is quicker than np.unique."""
    span = int(item.max(initial=0)) + 1
    ordered = np.sort(group * span + item)
    return np.asarray(ordered[np.diff(ordered, prepend=-1) > 0] // span)


def _spread(group: I64, kind: I64, groups: int, kinds: int) -> I64:
    """groups×kinds: how many rows are of each group and kind."""
    counted = np.bincount(group * kinds + kind, minlength=groups * kinds)
    return counted.reshape(groups, kinds)
