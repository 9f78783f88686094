"""Minutiae records of others: the samples are read as described, what is damaged is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import TemplateError
from engine.formats import fmr
from engine.formats.fmr import Edition, View
from engine.types import FingerPosition, Minutiae, MinutiaKind

SAMPLES = Path(__file__).resolve().parents[3] / "shared/data/standards/minutiae_records"
FILES = {
    Edition.ISO_2005: "iso19794p2v2005-sample",
    Edition.ANSI_2004: "ansi378v2004-sample",
}
TURN = {Edition.ISO_2005: 256, Edition.ANSI_2004: 180}


def made(count: int = 20) -> View:
    rng = np.random.default_rng(5)
    return View(
        FingerPosition.LEFT_RING,
        1,
        77,
        400,
        500,
        Minutiae(
            rng.uniform(0, 399, count).astype(np.float32),
            rng.uniform(0, 499, count).astype(np.float32),
            rng.uniform(0, 2 * np.pi, count).astype(np.float32),
            rng.integers(0, 3, count).astype(np.uint8),
            rng.integers(0, 101, count).astype(np.uint8),
        ),
    )


@pytest.mark.parametrize("edition", Edition)
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of the standards are not here")
def test_the_samples_are_read_as_described(edition: Edition) -> None:
    data = (SAMPLES / f"{FILES[edition]}.dat").read_bytes()
    told = json.loads((SAMPLES / f"{FILES[edition]}.json").read_text())
    views = fmr.read(data, edition)
    assert len(views) == len(told["fingerprints"])
    scale = 500 / 2.54 / 197
    for view, wanted in zip(views, told["fingerprints"], strict=True):
        assert view.position.name == wanted["position"]
        assert view.quality == wanted["quality"]
        names = [MinutiaKind(kind).name for kind in view.minutiae.kind]
        assert names == [item["type"] for item in wanted["minutiae"]]
        for name, values, unit in (
            ("positionX", view.minutiae.x, scale),
            ("positionY", view.minutiae.y, scale),
            ("angle", view.minutiae.angle, 2 * math.pi / TURN[edition]),
            ("quality", view.minutiae.quality, 1),
        ):
            expected = [item[name] * unit for item in wanted["minutiae"]]
            if name == "angle":
                expected = [value % (2 * math.pi) for value in expected]
            np.testing.assert_allclose(values, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["fmr.iso2005", "fmr.ansi2004"])
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of the standards are not here")
def test_records_whose_lengths_disagree_are_refused(name: str) -> None:
    edition = Edition.ISO_2005 if "iso" in name else Edition.ANSI_2004
    with pytest.raises(TemplateError):
        fmr.read((SAMPLES / name).read_bytes(), edition)


@pytest.mark.parametrize("edition", Edition)
def test_what_is_written_is_read_again(edition: Edition) -> None:
    wanted = made()
    (view,) = fmr.read(fmr.write([wanted], edition), edition)
    for name in ("position", "impression", "quality"):
        assert getattr(view, name) == getattr(wanted, name)
    np.testing.assert_allclose(view.minutiae.x, wanted.minutiae.x, atol=0.51)
    np.testing.assert_allclose(view.minutiae.y, wanted.minutiae.y, atol=0.51)
    off = np.abs(view.minutiae.angle - wanted.minutiae.angle)
    assert np.minimum(off, 2 * np.pi - off).max() <= math.pi / TURN[edition] + 1e-4
    np.testing.assert_array_equal(view.minutiae.kind, wanted.minutiae.kind)
    np.testing.assert_array_equal(view.minutiae.quality, wanted.minutiae.quality)
    assert fmr.write([view], edition) == fmr.write([wanted], edition)
    assert fmr.read(fmr.write([], edition), edition) == []


@pytest.mark.parametrize("edition", Edition)
def test_other_resolutions_are_brought_to_500_ppi(edition: Edition) -> None:
    data = bytearray(fmr.write([made()], edition))
    at = 18 if edition is Edition.ISO_2005 else 20
    data[at : at + 4] = bytes([0, 99, 1, 138])  # 99 and 394 px/cm
    (once,) = fmr.read(fmr.write([made()], edition), edition)
    (view,) = fmr.read(bytes(data), edition)
    np.testing.assert_allclose(view.minutiae.x, once.minutiae.x * (197 / 99), rtol=1e-5)
    np.testing.assert_allclose(view.minutiae.y, once.minutiae.y * (197 / 394), rtol=1e-5)


@pytest.mark.parametrize("edition", Edition)
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda data: data[:-1], "says"),
        (lambda data: data + b"\0", "says"),
        (lambda data: b"XMR" + data[3:], "begins otherwise"),
        (lambda data: data[:10], "begins otherwise"),
        (lambda data: b"FMR\x00030\x00" + data[8:], "begins otherwise"),
    ],
)
def test_damaged_records_are_refused(edition: Edition, spoil, why: str) -> None:
    data = fmr.write([made()], edition)
    with pytest.raises(TemplateError, match=why):
        fmr.read(spoil(data), edition, "probe")


def test_values_out_of_range_are_refused() -> None:
    data = fmr.write([made()], Edition.ISO_2005)
    wrong = {
        "resolution": {18: 0, 19: 10},
        "position": {24: 11},
        "ends in the middle": {22: 2},
        "after the last view": {22: 0},
        "outside the image": {14: 0, 15: 20},
        "a type": {28: 0xC0},
        "quality": {26: 101},
        "over 100": {33: 101},
    }
    for why, bytes_of in wrong.items():
        spoilt = bytearray(data)
        for at, value in bytes_of.items():
            spoilt[at] = value
        with pytest.raises(TemplateError, match=why):
            fmr.read(bytes(spoilt), Edition.ISO_2005)
    with pytest.raises(TemplateError, match="more than"):
        fmr.read(data + bytes(65536), Edition.ISO_2005)


def test_what_does_not_fit_is_not_written() -> None:
    with pytest.raises(TemplateError, match="255 minutiae"):
        fmr.write([made(256)], Edition.ISO_2005)
    with pytest.raises(TemplateError, match="does not fit"):
        fmr.write([replace(made(), width=70000)], Edition.ISO_2005)
    with pytest.raises(TemplateError, match="does not fit"):
        fmr.write([replace(made(), quality=300)], Edition.ANSI_2004)
    outside = replace(made(), minutiae=replace(made().minutiae, x=made().minutiae.x - 400))
    with pytest.raises(TemplateError, match="outside"):
        fmr.write([outside], Edition.ISO_2005)


@given(st.binary(max_size=200), st.sampled_from(Edition))
def test_no_bytes_do_anything_else(tail: bytes, edition: Edition) -> None:
    for data in (tail, b"FMR\0 20\0" + tail, fmr.write([made(5)], edition)[:40] + tail):
        try:
            fmr.read(data, edition)
        except TemplateError:
            continue
