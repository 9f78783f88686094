"""Every form of the comparison is held against the reference, and one that differs is told."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import compare_forms
import numpy as np
import pytest
from compare_forms import REFERENCE, SECTION, Told, hold, main, tell
from evaluation.prints import Print

from engine.index.gallery import Entry, Gallery
from engine.settings import Settings
from tests.templates import draw_templates

PAGE = f"above\n<!-- {SECTION} -->\nold\n<!-- /{SECTION} -->\nbelow\n"


@pytest.fixture(scope="module")
def prints():
    return [
        Print(f"{finger}", f"{i}", template, 0.0, Path("none"))
        for finger, made in enumerate(draw_templates(6, 3, seed=5))
        for i, template in enumerate(made)
    ]


def test_all_forms_give_the_same_scores(prints):
    rows = hold("made", prints, 20, Settings(device="cpu"))
    forms = [told.form for told in rows]
    assert forms[:4] == [REFERENCE, "in chunks", "two threads", "two processes"]
    assert len(forms) == 4 + (shutil.which("g++") is not None)
    for told in rows:
        assert told.compared == 18 + 20
        assert told.other == 0
        assert told.eer == pytest.approx(rows[0].eer, abs=0.05)


def test_another_score_is_told():
    reference = np.array([3.0, 4.0, -1.0, -2.0])
    mated = np.array([True, True, False, False])
    assert tell("same", reference + 0.001, reference, mated)[2:4] == (4, 0)
    told = tell("other", np.array([-3.0, 4.0, -1.0, -2.0]), reference, mated)
    assert told == Told("other", 50.0, 4, 1, 6.0)


@pytest.fixture
def folder(tmp_path, monkeypatch, prints):
    """What the command line takes: a folder of prints, and a gallery of others."""
    monkeypatch.setattr(compare_forms, "read_set", lambda *args: prints)
    gallery = Gallery("others")
    gallery.add([Entry(i, f"X{i}", made[0]) for i, made in enumerate(draw_templates(9, 1, seed=8))])
    gallery.save(tmp_path / "others.npz")
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    return tmp_path


def test_the_tables_are_written_into_the_page(folder):
    page, others = folder / "page.md", folder / "others.npz"
    arguments = [folder, "--nonmated", "9", "--gallery", others, "--every", "3", "--write", page]
    assert main([str(each) for each in arguments]) == 0
    told = page.read_text()
    assert told.startswith("above\n")
    assert told.endswith("\nbelow\n")
    assert f"| set | comparisons | {REFERENCE}: EER % | in chunks | two threads |" in told
    assert re.search(rf"\| {folder.name} \| 27 \| [\d.]+ \| [\d.]+; 0; ", told)
    assert "Of 4 probes among 15 prints" in told
    assert "lack the mates of 0. Of the 20 best prints of all they have 100%." in told


def test_a_form_with_another_rate_is_an_error(folder, monkeypatch, capsys):
    rows = [Told(REFERENCE, 1.0, 9, 0, 0.0), Told("in chunks", 1.1, 9, 1, 3.0)]
    monkeypatch.setattr(compare_forms, "hold", lambda *args: rows)
    assert main([str(folder)]) == 1
    assert f"| {folder.name} | 9 | 1.00 | 1.10; 1; 3 |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "told"), [(["absent"], "no such folder"), (["--every", "0", "."], "at least 1")]
)
def test_what_cannot_be_measured_is_refused(wrong, told, capsys):
    with pytest.raises(SystemExit):
        main(wrong)
    assert told in capsys.readouterr().err
