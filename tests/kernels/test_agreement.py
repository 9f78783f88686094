"""Agreement: what met, what should have, and how alike it is, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from kernels import agreement
from tests.kernels import test_parity
from tests.kernels.prints import IDENTITY, NOTHING, affine_of, lie, minutiae

cuda = test_parity.cuda
MARGIN = 16
X, Y = np.array([10.0, 110.0, 10.0, 110.0]), np.array([20.0, 20.0, 220.0, 220.0])
SQUARE = X, Y, np.zeros(4)
ALL = np.arange(4)[:, None]
NONE = np.full((4, 1), 255)


def count(found, *candidates, probe=SQUARE, codes=(None, None), margin=MARGIN):
    gallery = minutiae(*candidates, codes=codes[1])
    which = np.arange(len(candidates))
    one = minutiae(probe, codes=codes[0])
    return agreement.count(one, gallery, which, found, margin).T.tolist()


def beside(x, y):
    """The square and one minutia more."""
    return np.append(X, x), np.append(Y, y), np.zeros(5)


def test_all_of_a_print_meet_on_itself():
    assert count(lie(IDENTITY, x=X, y=Y, partner=ALL), SQUARE) == [[4, 4, 4, 4 * 128]]


def test_what_lies_on_the_other_print_without_a_partner_counts_against_it():
    found = lie(IDENTITY, x=X, y=Y, partner=[[0], [255], [255], [3]])
    assert count(found, beside(60, 120)) == [[2, 4, 5, 2 * 128]]


def test_what_lies_beside_the_other_print_is_not_expected_there():
    half = X[:2], Y[:2], np.zeros(2)
    found = lie(IDENTITY, x=X, y=Y, partner=[[0], [1], [255], [255]])
    assert count(found, half) == [[2, 2, 2, 256]]
    found = lie((*IDENTITY[:4], 500, 0), x=X, y=Y)
    assert count(found, SQUARE) == [[0, 0, 0, 0]]


# on each edge of the square's box with its margin, and a pixel beyond
EDGES = [(126, 20, 1), (127, 20, 0), (-6, 20, 1), (-7, 20, 0)]
EDGES += [(10, 236, 1), (10, 237, 0), (10, 4, 1), (10, 3, 0)]


@pytest.mark.parametrize(("x", "y", "seen"), EDGES)
def test_the_margin_counts_as_seen(x, y, seen):
    found = lie(IDENTITY, x=X, y=Y, partner=ALL)
    assert count(found, beside(x, y))[0][2] == 4 + seen
    more = beside(x, y)
    found = lie(IDENTITY, x=more[0], y=more[1], partner=[*ALL, [255]])
    assert count(found, SQUARE, probe=more)[0][1] == 4 + seen


@pytest.mark.parametrize(("x", "y", "seen"), EDGES)
def test_cuda_text_has_the_edges_of_a_box_where_the_reference_has_them(cuda, x, y, seen):
    # whole places that nothing moves: no float is rounded
    square, more, one = minutiae(SQUARE), minutiae(beside(x, y)), np.arange(1)
    found = lie(IDENTITY, x=X, y=Y)
    assert cuda(agreement.count, square, more, one, found, MARGIN)[2, 0] == 4 + seen
    found = lie(IDENTITY, x=beside(x, y)[0], y=beside(x, y)[1])
    assert cuda(agreement.count, more, square, one, found, MARGIN)[1, 0] == 4 + seen


def test_what_met_is_expected_even_beyond_the_margin():
    far = X + 400, Y, np.zeros(4)
    assert count(lie(IDENTITY, x=X, y=Y, partner=ALL), far) == [[4, 4, 4, 4 * 128]]


def test_a_point_carried_along_lies_where_it_is_carried():
    rest = np.zeros((2, 4, 1))
    rest[0] = 300
    still = lie(IDENTITY, x=X, y=Y, weight=np.ones((4, 1)))
    carried = lie(IDENTITY, x=X, y=Y, weight=np.ones((4, 1)), rest=rest)
    assert count(still, SQUARE)[0][1] == 4
    assert count(carried, SQUARE)[0][1] == 0


def test_the_way_back_is_the_inverse_map():
    turned = lie(affine_of(0.9, 1.2, 0.8, 35, -60), x=X, y=Y)
    inside = affine_of(0.9, 1.2, 0.8, 35, -60)
    x = inside[0] * 60 + inside[1] * 100 + inside[4]
    y = inside[2] * 60 + inside[3] * 100 + inside[5]
    assert count(turned, ([x], [y], [0.0]))[0][2] == 1
    assert count(turned, ([x + 400], [y], [0.0]))[0][2] == 0


@pytest.mark.parametrize(("flipped", "alike"), [(0, 128), (1, 127), (100, 28), (128, 0), (200, 0)])
def test_likeness_falls_with_the_distance_of_codes_and_never_below_zero(flipped, alike):
    words = [(2**flipped - 1) >> (64 * w) & (2**64 - 1) for w in range(4)]
    mine = np.zeros((4, 4), np.uint64)
    theirs = np.zeros((4, 4), np.uint64)
    theirs[:, 2] = words
    found = lie(IDENTITY, x=X, y=Y, partner=[[255], [2], [255], [255]])
    assert count(found, SQUARE, codes=(mine, theirs))[0][3] == alike


def test_each_candidate_is_counted_by_itself():
    partner = np.array([[0, 255, 1], [1, 255, 255], [2, 255, 255], [3, 255, 255]])
    found = lie(IDENTITY, IDENTITY, IDENTITY, x=X, y=Y, partner=partner)
    half = X[:2], Y[:2], np.zeros(2)
    assert count(found, SQUARE, NOTHING, half) == [[4, 4, 4, 512], [0, 0, 0, 0], [1, 2, 2, 128]]


def test_prints_without_minutiae_have_nothing_to_count():
    assert count(lie(IDENTITY), SQUARE, probe=NOTHING) == [[0, 0, 0, 0]]
    assert count(lie(IDENTITY, x=X, y=Y), NOTHING) == [[0, 0, 0, 0]]
    one = minutiae(SQUARE)
    nobody = agreement.count(one, one, np.zeros(0, np.int64), lie(x=X, y=Y), MARGIN)
    assert nobody.shape == (4, 0)


def test_arrays_that_do_not_fit_are_refused():
    one = minutiae(SQUARE)
    with pytest.raises(ValueError, match="does not fit"):
        agreement.count(one, one, np.arange(1), lie(IDENTITY, x=X[:2], y=Y[:2]), MARGIN)
    with pytest.raises(ValueError, match="does not fit"):
        agreement.count(one, one, np.zeros(2, np.int64), lie(IDENTITY, x=X, y=Y), MARGIN)
    with pytest.raises(ValueError, match="candidates"):
        agreement.count(one, one, np.zeros(1, np.int32), lie(IDENTITY, x=X, y=Y), MARGIN)
