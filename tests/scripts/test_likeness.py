"""Figures of prints, how far sets lie apart, and what is written of them."""

from __future__ import annotations

import json

import compare_synthesis
import numpy as np
import pytest
from likeness.figures import MM, Figure, distance, measure
from likeness.tables import LABELS, classes_table, distances_table, figures_table, numbers

from engine.synthesis.rolling import ImpressionType
from engine.types import Minutiae


def minutiae(x, y, angle, kind=1, quality=80) -> Minutiae:
    n = len(x)
    return Minutiae(
        np.asarray(x, np.float32),
        np.asarray(y, np.float32),
        np.asarray(angle, np.float32),
        np.full(n, kind, np.uint8),
        np.full(n, quality, np.uint8),
    )


SQUARE = minutiae([0, 50, 0, 50], [0, 0, 20, 20], [0.0, 0.1, np.pi, np.pi + 0.2])


def test_figures_of_a_print_that_can_be_counted_by_hand():
    found = measure([SQUARE])
    assert found["count"].values == pytest.approx([4])
    assert found["nearest"].values == pytest.approx([20] * 4)
    assert found["neighbours"].values == pytest.approx([3] * 4)  # the diagonal has 54 px
    assert found["density"].values == pytest.approx([4 / (50 * 20 * MM * MM)])
    assert found["alike"].mean == pytest.approx(2 / 6)
    assert found["alike_near"].mean == 0
    # 0.1, 0.2 along the sides; upright 0, 0.1; across 0.2, 0.1: opposite ways count as the same
    assert found["bend"].mean == pytest.approx((0.1 + 0.2 + 0 + 0.1 + 0.2 + 0.1) / 6, abs=1e-6)
    assert found["down"].mean == pytest.approx(0.25)  # what points left does not
    assert found["endings"].mean == 1
    assert found["confidence"].mean == pytest.approx(0.8)


def test_a_mean_weighs_prints_by_their_pairs():
    pair = minutiae([0, 9, 300, 600], [0, 0, 0, 1], [0, 0, 0, 0])
    found = measure([SQUARE, pair])["alike"]
    assert found.values == pytest.approx([2 / 6, 1])
    assert found.mean == pytest.approx((2 + 1) / 7)


def test_prints_with_hardly_any_minutiae_are_left_out():
    found = measure([SQUARE, minutiae([1], [1], [1])])
    assert len(found["count"].values) == 1


def test_distances_are_those_of_kolmogorov_and_smirnov():
    def figure(*values):
        return Figure(np.array(values, float), np.ones(len(values)))

    assert distance(figure(1, 2, 3), figure(3, 1, 2)) == 0
    assert distance(figure(1, 2), figure(5, 6, 7)) == 1
    assert distance(figure(1, 2, 3, 4), figure(3, 4)) == pytest.approx(0.5)


def test_tables_have_a_column_for_each_set_and_compare_only_what_is_plain():
    figures = measure([SQUARE, SQUARE])
    columns = {"real": figures, "drawn": figures, "drawn rolled": figures}
    table = figures_table(columns)
    assert table.splitlines()[0] == "|  | real | drawn | drawn rolled |"
    assert "| minutiae a print | 4.0 ± 0.0 |" in table
    apart = distances_table(columns, {"a": figures, "b": figures})
    assert "rolled" not in apart
    assert "| minutiae a print | 0.00 | 0.00 (0.00-0.00) |" in apart
    assert "| 0.00 | - |" in distances_table(columns, {"a": figures})
    assert "| whorl | 27.9 |" in classes_table({"natural": [0.037, 0.029, 0.338, 0.317, 0.279]})


def test_nothing_of_a_single_print_is_written():
    figures = measure([SQUARE] * 3)
    found = numbers({"real": figures, "drawn": figures}, {"a": figures, "b": figures})
    assert found["figures"]["real"]["count"]["n"] == 3
    assert set(found["distance_from_real"]) == {"drawn"}
    assert len(json.dumps(found)) < 8000


def test_drawn_prints_are_as_templates_keep_them():
    for each in ImpressionType:
        drawn = compare_synthesis.draw(5, 1, each)
        assert all(np.array_equal(m.x, np.rint(m.x)) for m in drawn)
        assert len(np.unique(np.concatenate([m.quality for m in drawn]))) <= 8
    assert set(measure(drawn)) == set(LABELS)


def test_without_real_prints_the_others_are_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(compare_synthesis, "FIELDS", 500)
    words = ["--cache", tmp_path / "cache", "--made", 0, "--rolled", 0, "--drawn", 20]
    line = ["compare_synthesis.py", *words, "--json", tmp_path / "found.json"]
    monkeypatch.setattr("sys.argv", [str(word) for word in line])
    assert compare_synthesis.main() == 0
    assert "|  | drawn | drawn rolled |" in capsys.readouterr().out
    found = json.loads((tmp_path / "found.json").read_text())
    assert sum(found["classes"]["drawn"]) == pytest.approx(1)


def test_pictures_are_small(tmp_path):
    pytest.importorskip("matplotlib")
    from likeness import pictures

    figures = measure([SQUARE] * 3)
    pictures.draw_histograms({"real": figures, "drawn": figures}, tmp_path / "a.png")
    pictures.draw_sheet(5, tmp_path / "b.jpg")
    for each in tmp_path.iterdir():
        assert 5_000 < each.stat().st_size < pictures.MOST
