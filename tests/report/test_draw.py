"""What is drawn is where it was found, in the colour of its kind."""

from __future__ import annotations

import numpy as np
import pytest

from engine.report.canvas import Canvas, hue, ink, mix
from engine.report.draw import draw_figure, draw_flow, draw_print, draw_quality
from engine.report.framing import frame_print
from engine.report.marks import KINDS
from engine.report.pairs import draw_pairs
from engine.settings import PictureSettings
from engine.types import U8, MinutiaKind
from tests.report.prints import BLOCK, HEIGHT, WIDTH, minutiae_at, ridge_map, ridges_at

PLACES = [(40.0, 50.0), (80.0, 110.0), (60.0, 80.0)]
ZOOM = int(PictureSettings().zoom)


def colours_near(picture: U8, place: tuple[float, float], radius: int = 6) -> np.ndarray:
    x, y = (round(value * ZOOM) for value in place)
    reach = radius * ZOOM
    return picture[y - reach : y + reach, x - reach : x + reach].reshape(-1, 3).astype(int)


def distance_to(colours: np.ndarray, colour: tuple[float, float, float]) -> float:
    return float(np.abs(colours - np.array(colour)).max(axis=1).min())


def test_marks_are_at_their_places_in_the_colour_of_their_kind() -> None:
    picture = draw_print(ridges_at(0.4), None, minutiae_at(PLACES))
    assert picture.shape == (HEIGHT * ZOOM, WIDTH * ZOOM, 3)
    assert picture.dtype == np.uint8
    ending, fork = KINDS[MinutiaKind.ENDING], KINDS[MinutiaKind.BIFURCATION]
    assert distance_to(colours_near(picture, PLACES[0]), ending) < 12
    assert distance_to(colours_near(picture, PLACES[1]), fork) < 12
    assert distance_to(colours_near(picture, PLACES[0]), fork) > 60
    assert distance_to(colours_near(picture, (20.0, 140.0)), ending) > 60


def test_tails_point_along_the_angle() -> None:
    paper = np.full((HEIGHT, WIDTH), 255, np.uint8)
    one = minutiae_at([(60.0, 80.0)])
    up = one.take(np.array([0]))
    up.angle[:] = np.pi / 2  # counter-clockwise, y up: towards the top of the print
    for minutiae, ahead, behind in (
        (one, (69.0, 80.0), (51.0, 80.0)),
        (up, (60.0, 71.0), (60.0, 89.0)),
    ):
        picture = draw_print(paper, None, minutiae)
        assert colours_near(picture, ahead, 1).min() < 150
        assert colours_near(picture, behind, 1).min() > 240


def test_an_unsure_minutia_is_paler() -> None:
    def saturation(quality: int) -> int:
        near = colours_near(draw_print(None, None, minutiae_at(PLACES, quality)), PLACES[0])
        return int((near.max(axis=1) - near.min(axis=1)).max())

    assert saturation(100) > saturation(50) > saturation(5)


def test_the_outline_follows_the_mask() -> None:
    picture = draw_print(ridges_at(0.4), ridge_map(0.4))
    edge, inside = (WIDTH / 2, 2.0 * BLOCK), (WIDTH / 2, HEIGHT / 2)
    border = ink("#f59e0b")
    assert distance_to(colours_near(picture, edge, 4), border) < 25
    assert distance_to(colours_near(picture, inside, 4), border) > 60


@pytest.mark.parametrize("draw", [draw_flow, draw_quality])
def test_maps_have_the_size_of_the_print(draw) -> None:  # type: ignore[no-untyped-def]
    pixels = ridges_at(0.4)[: HEIGHT - 3, : WIDTH - 5]  # no multiple of the block
    assert draw(pixels, ridge_map(0.4)).shape == ((HEIGHT - 3) * ZOOM, (WIDTH - 5) * ZOOM, 3)


def test_strokes_lie_along_the_ridges() -> None:
    paper = np.full((HEIGHT, WIDTH), 255, np.uint8)
    level = draw_flow(paper, ridge_map(0.0))
    upright = draw_flow(paper, ridge_map(np.pi / 2))
    middle = slice(4 * BLOCK * ZOOM, 12 * BLOCK * ZOOM)

    def runs(picture: U8, axis: int) -> float:
        dark = (picture[middle, middle].min(axis=2) < 200).astype(int)
        return float(np.abs(np.diff(dark, axis=axis)).sum())

    assert runs(level, axis=0) > 1.5 * runs(level, axis=1)
    assert runs(upright, axis=1) > 1.5 * runs(upright, axis=0)


def test_good_quality_is_yellow_and_poor_is_violet() -> None:
    ridges = ridge_map(0.0)
    ridges.quality[:, : WIDTH // BLOCK // 2] = 0.05
    ridges.quality[:, WIDTH // BLOCK // 2 :] = 0.98
    picture = draw_quality(np.full((HEIGHT, WIDTH), 255, np.uint8), ridges)
    poor, good = picture[HEIGHT, 25 * ZOOM].astype(int), picture[HEIGHT, 95 * ZOOM].astype(int)
    assert poor[0] > poor[1]
    assert good[2] > 180
    assert good[0] < 120


def test_the_figure_has_three_panels() -> None:
    picture = draw_figure(ridges_at(0.4), ridge_map(0.4), minutiae_at(PLACES))
    assert picture.shape[1] > 3 * WIDTH * ZOOM
    assert picture.shape[0] > HEIGHT * ZOOM


def test_pairs_have_one_colour_on_both_sides() -> None:
    probe, candidate = minutiae_at(PLACES), minutiae_at([(70.0, 60.0), (30.0, 30.0)])
    pairs = np.array([[1, 0], [0, 1]], np.int32)
    settings = PictureSettings()
    picture = draw_pairs(ridges_at(0.2), probe, None, candidate, pairs)
    frame = frame_print(None, candidate, settings)
    shift = (WIDTH + settings.gap - frame.left, (HEIGHT - frame.height) / 2 - frame.top)
    for number, (one, other) in enumerate(pairs):
        place = (float(candidate.x[other]) + shift[0], float(candidate.y[other]) + shift[1])
        assert distance_to(colours_near(picture, PLACES[one]), hue(number)) < 20
        assert distance_to(colours_near(picture, place), hue(number)) < 20
    assert distance_to(colours_near(picture, PLACES[2]), hue(0)) > 40  # has no partner


def test_an_empty_border_is_not_shown() -> None:
    settings, margin = PictureSettings(), PictureSettings().margin
    pixels = np.full((400, 600), 250, np.uint8)
    pixels[100 : 100 + HEIGHT, 200 : 200 + WIDTH] = ridges_at(0.4)
    pixels[5:8, 5:8] = 0  # a speck
    nothing = minutiae_at(PLACES).take(np.array([], np.intp))
    frame = frame_print(pixels, nothing, settings)
    blur = settings.texture / 2
    for found, edge in ((frame.left, 200), (frame.top, 100)):
        assert edge - margin - blur - 1 <= found <= edge - margin + blur
    for found, edge in ((frame.right, 200 + WIDTH), (frame.bottom, 100 + HEIGHT)):
        assert edge + margin - blur <= found <= edge + margin + blur + 1
    outside = frame_print(pixels, minutiae_at([(590.0, 20.0)]), settings)
    assert (outside.right, outside.top) == (600, 6)
    blank = frame_print(np.full((40, 30), 255, np.uint8), nothing, settings)
    assert (blank.width, blank.height) == (30, 40)


def test_no_pairs_and_no_minutiae_are_drawn_too() -> None:
    nothing = minutiae_at(PLACES).take(np.array([], np.intp))
    none = np.empty((0, 2), np.int32)
    assert draw_pairs(ridges_at(0.1), nothing, None, nothing, none).ndim == 3
    assert draw_print(None, None, nothing).ndim == 3


def test_colours() -> None:
    assert ink("#ff8000") == (0.0, 128.0, 255.0)
    assert mix((0, 0, 0), (100, 100, 100), 0.25) == (75.0, 75.0, 75.0)
    assert len({hue(number) for number in range(16)}) == 16


def test_what_is_faded_lets_the_paper_through() -> None:
    canvas = Canvas(20, 20, PictureSettings())
    with canvas.faded(0.5):
        canvas.ring((10, 10), 5, (0, 0, 0), 0)
    assert abs(int(canvas.finish()[20, 20, 0]) - 128) <= 2
