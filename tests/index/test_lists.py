"""Lists of minutiae: what a search finds, against a look at every minutia, and after changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.embedding import descriptors
from engine.index import lists
from engine.index.lists import Lists
from engine.index.packing import pack_templates
from engine.settings import DescriptorSettings, ListsSettings
from kernels.packed import Packed, alone, take
from tests.templates import draw_templates

USUAL = ListsSettings()
SMALL = replace(USUAL, bits=6, flips=10, least=600, share=0.0, likest=5, small=100, ratio=3)
DRAWN = draw_templates(60, 2, seed=21)
PRINTS = pack_templates(*(finger[0] for finger in DRAWN))
PROBES = pack_templates(*(finger[1] for finger in DRAWN))
MARGINS = np.concatenate(
    [descriptors.project(finger[1].minutiae, DescriptorSettings()) for finger in DRAWN]
)
EMPTY = take(PRINTS, np.zeros(0, np.int64))


def first(count):
    return take(PRINTS, np.arange(count))


def filed(prints, settings):
    made = Lists(settings)
    made.file(prints)
    return made


def probe_of(i):
    return alone(PROBES, i), MARGINS[PROBES.start[i] : PROBES.start[i + 1]]


def find(made, prints, i, most=1000):
    probe, margins = probe_of(i)
    return made.find(probe, prints, most, margins)


def bits_of(code, table, s):
    return [int(code) >> (table * s.bits + b) & 1 for b in range(s.bits)]


def asked(probe, margins, s):
    """Each key asked for, and how doubtful it is: {(table, minutia, bits, sector): doubt}."""
    doubts = {}
    for table in range(s.tables):
        for i, code in enumerate(probe.codes[0]):
            sure = [
                min(s.sure + s.surer * abs(m), s.surest)
                for m in margins[i, table * s.bits : (table + 1) * s.bits]
            ]
            order = sorted(range(s.bits), key=lambda b: sure[b])
            for row in lists._flips(s.bits, s.flips):
                bits, doubt = bits_of(code, table, s), sum(np.log1p(np.exp(-c)) for c in sure)
                for rank in np.flatnonzero(row):
                    bits[order[rank]] ^= 1
                    doubt += sure[order[rank]]
                for step in range(-s.near, s.near + 1):
                    sector = (int(probe.angle[i]) * s.sectors // 256 + step) % s.sectors
                    doubts[table, i, tuple(bits), int(sector)] = doubt
    return doubts


def brute(prints, i, s):
    """Votes by a loop over all pairs of minutiae; every list that is asked for is read."""
    probe, margins = probe_of(i)
    doubts = asked(probe, margins, s)
    owner = np.repeat(np.arange(len(prints)), np.diff(prints.start))
    met = []
    for i in range(len(probe.x)):
        for g in range(len(prints.x)):
            sector = int(prints.angle[g]) * s.sectors // 256
            keys = [
                (t, i, tuple(bits_of(prints.codes[0, g], t, s)), sector) for t in range(s.tables)
            ]
            apart = np.bitwise_count(probe.codes[:, i] ^ prints.codes[:, g])
            if apart[0] <= s.apart_first and apart.sum() <= s.apart:
                met += [(i, g, 256 - int(apart.sum()))] * sum(key in doubts for key in keys)
    votes = np.zeros(len(prints), np.int64)
    for i in range(len(probe.x)):
        mine = [(g, alike) for other, g, alike in met if other == i]
        floor = 256 - s.apart
        while sum(alike >= floor for _, alike in mine) > s.likest:
            floor += 1
        for g, alike in set(mine):
            votes[owner[g]] += max(alike - floor + 1, 0)
    return votes


@pytest.mark.parametrize("change", [{}, {"tables": 1}, {"near": 0, "sectors": 4}, {"likest": 500}])
def test_votes_are_those_of_a_look_at_every_pair(change):
    s = replace(SMALL, least=10**6, **change)
    prints = first(20)
    made = filed(prints, s)
    for i in (0, 7, 30):
        votes = brute(prints, i, s)
        found = find(made, prints, i)
        assert len(found.prints) > 3
        np.testing.assert_array_equal(found.prints, np.flatnonzero(votes))
        np.testing.assert_array_equal(found.votes, votes[votes > 0])


def test_the_lists_that_promise_most_for_their_length_are_read():
    s = replace(SMALL, apart_first=64, apart=256, likest=10**6, tables=1)
    (probe, margins), made = probe_of(4), filed(PRINTS, s)
    keys, doubt = lists._asked(probe, margins, s)
    asking, number = made._read(keys, doubt, len(PRINTS))
    doubts = asked(probe, margins, s)
    length = dict.fromkeys(doubts, 0)
    members = {key: [] for key in doubts}
    for g in range(len(PRINTS.x)):
        for i in range(len(probe.x)):
            bits = tuple(bits_of(PRINTS.codes[0, g], 0, s))
            key = (0, i, bits, int(PRINTS.angle[g]) * s.sectors // 256)
            if key in doubts:
                length[key] += 1
                members[key].append((i, g))
    worth = {key: doubts[key] + np.log1p(length[key]) for key in doubts if length[key]}
    pairs = set(zip(asking.tolist(), number.tolist(), strict=True))
    read = [worth[key] for key in worth if set(members[key]) <= pairs]
    left = [worth[key] for key in worth if not set(members[key]) & pairs]
    assert len(read) + len(left) == len(worth) and left and read
    assert max(read) <= min(left) + 2 / lists.FINE
    assert s.least - max(length.values()) <= len(asking) <= s.least


def test_a_search_reads_its_share_of_a_large_gallery():
    (probe, margins), counts = probe_of(4), {}
    for least, share in ((50, 0.0), (50, 10.0), (600, 10.0), (600, 0.0)):
        s = replace(SMALL, least=least, share=share)
        made = filed(PRINTS, s)
        counts[least, share] = len(made._read(*lists._asked(probe, margins, s), len(PRINTS))[0])
    assert counts[50, 0.0] <= 50 < counts[600, 0.0]
    assert counts[50, 10.0] == counts[600, 10.0] == counts[600, 0.0]


@pytest.mark.parametrize(("sure", "hits"), [(True, 60), (False, 59)])
def test_the_other_impression_of_a_finger_is_found(sure, hits):
    s = replace(USUAL, near=3)  # drawn impressions are turned by up to 60 degrees
    made, best = filed(PRINTS, s), []
    for i in range(len(PROBES)):
        probe, margins = probe_of(i)
        found = made.find(probe, PRINTS, 1, margins if sure else None)
        best += found.prints.tolist()
    assert np.count_nonzero(np.equal(best, np.arange(len(PROBES)))) >= hits


def test_a_turned_print_is_found_up_to_the_next_sector():
    made, same = filed(PRINTS, USUAL), alone(PRINTS, 5)
    votes = {}
    for turn in (0, 32, 224, 64, 128, 192):
        turned = replace(same, angle=same.angle + np.uint8(turn))
        found = made.find(turned, PRINTS, 60)
        votes[turn] = int(found.votes[found.prints == 5].sum())
    assert votes[0] == votes[32] == votes[224] > 20 * len(same.x)
    assert max(votes[64], votes[128], votes[192]) < votes[0] / 4


def test_surer_bits_are_turned_later():
    made = filed(PRINTS, replace(USUAL, tables=1, bits=14, flips=2, near=3))
    probe = alone(PRINTS, 8)
    wrong = replace(probe, codes=probe.codes ^ np.uint64(1 << 9))
    margins = np.ones((len(probe.x), 14), np.float32)
    found = {}
    for margin in (0.2, -0.2, 2.0):
        margins[:, 9] = margin
        result = made.find(wrong, PRINTS, 60, margins)
        found[margin] = int(result.votes[result.prints == 8].sum())
    assert found[0.2] == found[-0.2] > 4 * found[2.0]


def test_the_most_are_those_with_most_votes_and_then_the_lowest_numbers():
    twice = take(PRINTS, np.repeat(np.arange(20), 2))
    made = filed(twice, replace(USUAL, likest=1000))
    everything = find(made, twice, 3)
    np.testing.assert_array_equal(everything.votes[::2], everything.votes[1::2])
    for most in (1, 2, 3, 5):
        found = find(made, twice, 3, most)
        ranked = np.lexsort((everything.prints, -everything.votes))[:most]
        np.testing.assert_array_equal(found.prints, np.sort(everything.prints[ranked]))
    assert find(made, twice, 3, 1).prints.tolist() == [6]


@pytest.mark.parametrize("steps", [[60], [1, 2, 3, 4, 30, 31, 60], list(range(1, 61))])
def test_prints_filed_in_parts_are_found_as_if_filed_at_once(steps):
    made, whole = Lists(SMALL), filed(PRINTS, SMALL)
    for step in steps:
        made.file(first(step))
        made.file(first(step))
    assert len(made) == len(whole) == len(PRINTS.x)
    for i in range(0, 60, 7):
        for mine, theirs in zip(find(made, PRINTS, i), find(whole, PRINTS, i), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_few_parts_are_kept_and_the_large_ones_left_alone():
    made, sizes = Lists(SMALL), []
    for step in range(1, 61):
        made.file(first(step))
        sizes.append([part.last - part.first for part in made._parts])
        assert all(a > 3 * b for a, b in zip(sizes[-1], sizes[-1][1:], strict=False))
    assert max(map(len, sizes)) >= 2
    assert len({size[0] for size in sizes}) < 20


@pytest.mark.parametrize("gone", [[0], [59], [3, 4, 5, 40], list(range(59)), list(range(30))])
@pytest.mark.parametrize("steps", [[60], [10, 50, 55, 60]])
def test_removed_prints_are_gone_and_later_ones_move_up(gone, steps):
    made = Lists(SMALL)
    for step in steps:
        made.file(first(step))
    which = np.ones(60, np.bool_)
    which[gone] = False
    made.keep(which, PRINTS.start)
    left = take(PRINTS, np.flatnonzero(which))
    assert len(made) == len(left.x)
    again = filed(left, SMALL)
    for i in range(0, 60, 9):
        for mine, theirs in zip(find(made, left, i), find(again, left, i), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    more = take(PRINTS, np.concatenate([np.flatnonzero(which), gone]))
    made.file(more)
    again = filed(more, SMALL)
    for mine, theirs in zip(find(made, more, 5), find(again, more, 5), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("few", [0, 60])
@pytest.mark.parametrize("gone", [[0], [59], [3, 4, 5, 40], [20, 22, 59]])
def test_a_few_and_many_are_removed_in_two_ways_to_the_same_lists(gone, few, monkeypatch):
    monkeypatch.setattr(lists, "FEW", few)
    monkeypatch.setattr(lists, "PIECE", 500)
    apart = replace(SMALL, ratio=0, small=0)  # parts are never merged
    made, again, which = Lists(apart), Lists(apart), np.ones(60, np.bool_)
    which[gone] = False
    made.file(first(30))
    made.file(PRINTS)
    made.keep(which, PRINTS.start)
    left = take(PRINTS, np.flatnonzero(which))
    again.file(take(left, np.arange(np.count_nonzero(which[:30]))))
    again.file(left)
    assert len(made._parts) == len(again._parts) == 2
    for mine, own in zip(made._parts, again._parts, strict=True):
        assert (mine.first, mine.last) == (own.first, own.last)
        for one, other in zip(mine.numbers + mine.begin, own.numbers + own.begin, strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype == np.uint32


def test_prints_that_are_not_filed_yet_can_be_removed():
    made = filed(first(20), SMALL)
    which = np.arange(60) % 3 > 0
    made.keep(which, PRINTS.start)
    assert len(made) == len(take(PRINTS, np.flatnonzero(which[:20])).x)


def test_all_can_be_removed_and_others_filed():
    made = filed(PRINTS, SMALL)
    made.keep(np.zeros(60, np.bool_), PRINTS.start)
    assert (len(made), made.nbytes) == (0, 0)
    assert not len(find(made, EMPTY, 0).prints)
    made.file(PRINTS)
    np.testing.assert_array_equal(find(made, PRINTS, 0), find(filed(PRINTS, SMALL), PRINTS, 0))


def test_an_empty_gallery_and_a_probe_without_minutiae_find_nothing():
    made = filed(EMPTY, USUAL)
    assert [part.tolist() for part in find(made, EMPTY, 0)] == [[], []]
    blank = alone(Packed(PRINTS.codes, PRINTS.x, PRINTS.y, PRINTS.angle, np.zeros(2, np.int64)), 0)
    found = filed(PRINTS, USUAL).find(blank, PRINTS, 10)
    assert [part.tolist() for part in found] == [[], []]


def test_prints_without_minutiae_are_passed_over():
    start = np.concatenate([[0, 0, 0], PRINTS.start[1:], np.full(2, PRINTS.start[-1])])
    holed = Packed(PRINTS.codes, PRINTS.x, PRINTS.y, PRINTS.angle, start)
    holed.start[4:] = np.concatenate([PRINTS.start[1:2], holed.start[4:-1]])  # one in between
    made = filed(holed, USUAL)
    for i in (0, 1, 30, 59):
        found = find(made, holed, i, 1)
        mine = slice(*holed.start[[found.prints[0], found.prints[0] + 1]])
        assert mine == slice(*PRINTS.start[[i, i + 1]])


def test_what_does_not_fit_is_refused():
    made = filed(first(20), SMALL)
    with pytest.raises(ValueError, match="are filed"):
        made.file(first(19))
    with pytest.raises(ValueError, match="are filed"):
        find(made, PRINTS, 0)
    with pytest.raises(ValueError, match="are filed"):
        made.keep(np.ones(19, np.bool_), PRINTS.start[:20])
    with pytest.raises(ValueError, match="one print"):
        made.find(PROBES, first(20), 5)
