"""The picture of how often non-mated searches reach a score."""

from __future__ import annotations

import numpy as np
import pytest

from engine.report.tail import draw_tails
from engine.types import Curve

SCORE = np.linspace(1, 5, 20)
FPIR = 10**-SCORE
CURVE = Curve(np.array([3.0, 2.0, 1.0]), SCORE, FPIR, FPIR / 2, np.minimum(2 * FPIR, 1), FPIR / 9)


def test_every_curve_has_its_title_and_the_chosen_rate_its_line() -> None:
    drawn = draw_tails({"one finger": CURVE, "ten fingers": CURVE}, 2e-3, "svg").decode()
    for words in ("one finger", "ten fingers", "FPIR 0.002", "shipped calibration"):
        assert words in drawn


@pytest.mark.parametrize(("form", "begin"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_it_is_drawn_in_the_form_asked_for(form: str, begin: bytes) -> None:
    assert draw_tails({"one": CURVE}, 1e-3, form).startswith(begin)
