"""Rolled impressions; and that plain ones stay what published figures and learned files rest on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import SettingsError
from engine.settings import RollSettings, SynthesisSettings
from engine.synthesis.distortion import Roll, carry, displace
from engine.synthesis.draw import Masters, draw_impressions, draw_masters
from engine.synthesis.impression import Impression, make_impression
from engine.synthesis.master import Master, make_master
from engine.synthesis.rolling import ImpressionType, draw_touches, nail_to_nail, settings_of
from tests.synthesis.ridges import orientation_errors
from tests.synthesis.test_distortion import press, row

NARROW = SynthesisSettings()
WIDE = nail_to_nail(NARROW)
ROLLED = ImpressionType.ROLLED
FINGERS = 300


@pytest.fixture(scope="module")
def master() -> Master:
    return make_master(21, WIDE)


@pytest.fixture(scope="module")
def rolled(master: Master) -> list[Impression]:
    return [make_impression(master, seed, WIDE, ROLLED) for seed in range(4)]


@pytest.fixture(scope="module")
def masters() -> Masters:
    return draw_masters(FINGERS, np.random.default_rng(1), WIDE)


def roll(**values: float) -> Roll:
    base = dict.fromkeys(Roll.__dataclass_fields__, 0.0) | values
    return Roll(**{name: np.full((1, 1), value, np.float32) for name, value in base.items()})


def test_seeds_draw_the_plain_minutiae_they_drew_before_there_were_rolled_ones() -> None:
    """Computed before rolled impressions came: one more number drawn changes all that follow."""
    fingers = draw_masters(FINGERS, np.random.default_rng(1), NARROW)
    assert np.bincount(fingers.pattern).tolist() == [14, 7, 108, 86, 85]
    assert fingers.valid.sum() == pytest.approx(43274, abs=3)
    assert fingers.x[0, :3] == pytest.approx([-159.10649, 16.288897, 136.4382], abs=0.01)
    assert fingers.angle[299, :3] == pytest.approx([1.861403, 0.824982, 1.507135], abs=1e-3)

    drawn = draw_impressions(fingers, np.arange(FINGERS), np.random.default_rng(2), NARROW)
    assert drawn.valid.sum() == pytest.approx(12094, abs=3)
    assert drawn.x[0, :4] == pytest.approx([297.0089, 328.5156, 360.7794, 271.5851], abs=0.01)
    assert drawn.y[0, :4] == pytest.approx([295.3297, 400.1049, 334.5702, 326.4279], abs=0.01)
    assert drawn.angle[299, :4] == pytest.approx([4.947175, 1.252357, 5.047547, 1.924234], abs=1e-3)
    assert drawn.identity[299, :4].tolist() == [30, 31, 51, 46]


def test_seeds_make_the_plain_prints_they_made_before_there_were_rolled_ones() -> None:
    finger = make_master(7, NARROW)
    assert len(finger.minutiae) == 101
    assert finger.pixels.mean() == pytest.approx(129.1723, abs=0.01)
    made = make_impression(finger, 1, NARROW)
    assert (made.sensor, made.pixels.shape) == ("capacitive", (448, 320))
    assert made.pixels.mean() == pytest.approx(160.1964, abs=0.01)
    expected = [209, 201, 186, 206, 205, 204, 205, 208]
    assert made.pixels[200, 150:158].astype(int) == pytest.approx(expected, abs=1)
    assert made.mask.sum() == pytest.approx(50497, abs=5)
    assert made.identity[:4].tolist() == [16, 18, 22, 24]
    assert made.minutiae.x[:4] == pytest.approx([186.9561, 154.4197, 146.3604, 189.8581], abs=0.01)
    assert made.impression_type == ImpressionType.PLAIN


def test_plain_settings_are_left_alone() -> None:
    assert settings_of(ImpressionType.PLAIN, NARROW) is NARROW


def test_narrow_fingers_cannot_be_rolled(master: Master) -> None:
    narrow = make_master(1, NARROW)
    for settings in (NARROW, WIDE):
        with pytest.raises(SettingsError, match="nail_to_nail"):
            make_impression(narrow, 1, settings, ROLLED)
    with pytest.raises(SettingsError, match="nail_to_nail"):
        settings_of(ROLLED, NARROW)
    assert make_impression(master, 1, WIDE).impression_type == ImpressionType.PLAIN


def test_a_roll_reaches_nearly_from_nail_to_nail(master: Master, rolled: list[Impression]) -> None:
    plain = [make_impression(master, seed, WIDE) for seed in range(4)]
    for each in rolled:
        assert each.impression_type == ROLLED and each.sensor == "optical"
        across = np.flatnonzero(each.mask.sum(axis=0) > 40)
        assert 280 < np.ptp(across) < 560  # px; 14 mm where a roll ended too early
        box = each.mask[:, across.min() : across.max()].any(axis=1).sum() * np.ptp(across)
        assert each.mask.sum() / box > 0.75  # an ellipse would fill 0.79 of its own box, upright
    assert np.mean([r.mask.sum() for r in rolled]) > 1.8 * np.mean([p.mask.sum() for p in plain])
    assert np.median([len(each.minutiae) for each in rolled]) > 70


def test_the_same_seed_rolls_the_same_print(master: Master, rolled: list[Impression]) -> None:
    again = make_impression(master, 2, WIDE, ROLLED)
    assert np.array_equal(again.pixels, rolled[2].pixels)
    assert not np.array_equal(rolled[1].pixels, rolled[2].pixels)


def test_rolled_ridges_run_as_the_truth_says(master: Master) -> None:
    touch = replace(WIDE.impression, rough=(0.0, 0.01), careless=0.0, moisture_sd=0.0)
    for seed in range(4):
        each = make_impression(master, seed, replace(WIDE, impression=touch), ROLLED)
        assert np.median(orientation_errors(each)) < np.deg2rad(5)


@pytest.mark.parametrize(
    ("how", "moved"),
    [
        ({"stretch": 0.1}, (110.0, 50.0)),
        ({"slant": 0.1}, (100.0, 60.0)),
        ({"arc": 1e-3}, (100.0, 60.0)),
        ({"shear": 0.1}, (105.0, 50.0)),
        ({"taper": 1e-3}, (105.0, 50.0)),
        ({"wave": 3.0, "phase": np.pi / 2}, (103.0, 50.0)),
    ],
)
def test_every_part_of_a_roll_does_what_its_name_says(
    how: dict[str, float], moved: tuple[float, float]
) -> None:
    gripping = press(width=1e4, height=1e4)
    x, y = displace(replace(gripping, roll=roll(**how)), row(100), row(50))
    assert (x[0, 0], y[0, 0]) == pytest.approx(moved, rel=1e-4)


def test_directions_follow_the_roll() -> None:
    gripping = press(width=1e4, height=1e4)
    *_, angle = carry(replace(gripping, roll=roll(slant=0.1)), row(50), row(0), row(0))
    # What points to the right points down a little where the roll runs off downwards.
    assert angle[0, 0] == pytest.approx(-np.arctan(0.1), abs=1e-3)


def test_rolled_skin_never_folds_and_the_way_back_is_found() -> None:
    touches = draw_touches(400, np.random.default_rng(2), settings_of(ROLLED, WIDE), ROLLED)
    grid = np.mgrid[-270:271:30, -270:271:30].reshape(2, 1, -1).astype(np.float32)
    x, y = (np.tile(each, (400, 1)) for each in grid)
    at, right, down = (displace(touches, x + dx, y + dy) for dx, dy in ((0, 0), (1, 0), (0, 1)))
    turn = (right[0] - at[0]) * (down[1] - at[1]) - (right[1] - at[1]) * (down[0] - at[0])
    assert turn.min() > 0.2
    back_x, back_y = at
    for _ in range(10):  # as in `impression`
        moved_x, moved_y = displace(touches, back_x, back_y)
        back_x, back_y = back_x + at[0] - moved_x, back_y + at[1] - moved_y
    assert np.hypot(back_x - x, back_y - y).max() < 0.5


def test_wide_fingers_are_as_dense_as_narrow_ones(masters: Masters) -> None:
    narrow = draw_masters(FINGERS, np.random.default_rng(1), NARROW)

    def density(fingers: Masters, width: float, height: float) -> float:
        return float(np.sum(fingers.valid & ~fingers.ghost, axis=1).mean() / (width * height))

    draw, own = NARROW.draw, RollSettings()
    wide = density(masters, own.finger_width, own.finger_height)
    assert wide == pytest.approx(density(narrow, draw.finger_width, draw.finger_height), rel=0.05)


def test_drawn_rolls_are_wider_than_drawn_touches(masters: Masters) -> None:
    which = np.arange(FINGERS)
    plain = draw_impressions(masters, which, np.random.default_rng(3), WIDE)
    rolled = draw_impressions(masters, which, np.random.default_rng(3), WIDE, ROLLED)
    again = draw_impressions(masters, which, np.random.default_rng(3), WIDE, ROLLED)
    assert np.array_equal(rolled.x, again.x)

    def reach(each: np.ndarray, used: np.ndarray) -> float:
        return float(np.median([np.ptp(a[u]) for a, u in zip(each, used, strict=True) if u.any()]))

    assert reach(plain.x, plain.valid) < 260
    assert reach(rolled.x, rolled.valid) > 400
    assert rolled.x.max() < RollSettings().sensor_width
    # A template keeps no more, and a roll has them nearly always.
    assert np.mean(rolled.valid.sum(axis=1) == rolled.valid.shape[1]) > 0.9
    with pytest.raises(SettingsError, match="nail_to_nail"):
        draw_impressions(masters, which, np.random.default_rng(3), NARROW, ROLLED)
