"""The sweeps on a handful of comparisons of our own: that they are whole, not how fast they are."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import race
from contest.matchers import MATCHERS, Matcher
from evaluation.comparisons import pack

from engine.matching.rescoring import rescore
from engine.settings import RescoringSettings

TINY = race.Course(
    prints=80,
    minutiae=(10, 20),
    distinct=4,
    candidates=12,
    galleries=(5, 100),
    chunks=(4, 8),
    chunked=16,
    seconds=0,
)


@pytest.fixture(scope="module")
def prints():
    return race.draw(TINY.prints)


@pytest.fixture
def counted(monkeypatch):
    """A peer of no cost: the numbers of minutiae that it was given to compare."""
    compared = []

    def compare(a: int, b: int) -> float:
        compared.append((a, b))
        return 0.0

    monkeypatch.setitem(MATCHERS, "counted", Matcher(("numpy",), len, compare))
    return compared


@pytest.fixture
def alone(monkeypatch):
    """No peer is installed."""
    for name in list(MATCHERS):
        monkeypatch.delitem(MATCHERS, name)
    monkeypatch.setitem(MATCHERS, "absent", Matcher(("no-such-package",), len, max))


def check(cells: list[race.Cell], expected: set[tuple[str, int, int]]) -> None:
    assert {cell[:3] for cell in cells} == expected
    assert len(cells) == len(expected)
    rates = np.array([cell[3:] for cell in cells])
    assert np.isfinite(rates).all()
    assert (rates > 0).all()


def test_cut_prints_have_their_best_minutiae_and_codes_of_their_own(prints):
    whole = next(made for made in prints if race.size_of(made) > 20)
    (made,) = race.cut_all([whole], 20, 1)
    kept, before = made.template.minutiae, whole.template.minutiae
    assert len(kept) == len(made.template.codes) == 20
    assert kept.quality.min() >= np.sort(before.quality)[-20]
    assert set(zip(kept.x, kept.y, strict=True)) <= set(zip(before.x, before.y, strict=True))
    assert race.size_of(race.cut(whole, race.size_of(whole))) == len(before)
    again = race.cut(whole, race.size_of(whole)).template
    assert (again.codes == whole.template.codes).mean() > 0.9  # rounding may turn a bit over


def test_every_cut_print_has_the_wanted_number(prints):
    for size in TINY.minutiae:
        assert {race.size_of(made) for made in race.cut_all(prints, size, 20)} == {size}


def test_too_few_prints_are_told(prints):
    with pytest.raises(ValueError, match="prints have 64 minutiae, 80 are needed"):
        race.cut_all(prints, 64, 80)


def test_copies_score_as_what_they_are_copies_of(prints):
    few, settings = pack(prints[1:5]).minutiae, RescoringSettings(threads=1)
    many, probe = race.repeat(few, 11), pack(prints[:1]).minutiae
    assert len(many) == 11
    once = rescore(probe, few, np.arange(4), settings)
    assert (rescore(probe, many, np.arange(11), settings) == np.resize(once, 11)).all()


def test_every_matcher_has_a_rate_at_every_number_of_minutiae(prints, counted):
    cells = race.sweep_minutiae(prints, ["counted"], TINY)
    check(cells, {(name, k, 1) for name in (*race.OURS, "counted") for k in TINY.minutiae})
    assert set(counted) == {(k, k) for k in TINY.minutiae}


def test_all_pairs_of_a_peer_take_their_turn(prints, monkeypatch):
    made, compared = prints[:7], set()
    peer = Matcher(("numpy",), lambda minutiae: minutiae[0, 0], lambda a, b: compared.add((a, b)))
    monkeypatch.setattr(race, "time_rate", lambda work, _: [work(i) for i in range(2)])
    done = race.time_peer(peer, made[:3], made[3:], 0)
    assert len(compared) == sum(done) == 12


def test_our_forms_have_a_rate_at_every_size_and_number_of_threads(prints):
    probes, held = race.split(prints)
    assert len(held) == TINY.prints - race.PROBES
    both = [(name, threads) for name in race.OURS for threads in race.THREADS]
    cells = race.sweep_galleries(probes, held, TINY)
    check(cells, {(name, size, threads) for name, threads in both for size in TINY.galleries})
    cells = race.sweep_chunks(probes, held, TINY)
    check(cells, {(name, chunk, threads) for name, threads in both for chunk in TINY.chunks})


def test_forms_get_the_chunk_and_the_threads_they_are_measured_with(prints, monkeypatch):
    seen = set()

    def look(probe, gallery, candidates, settings):
        assert len(candidates) == len(gallery) == TINY.chunked
        seen.add((settings.chunk, settings.threads))
        return rescore(probe, gallery, candidates, settings)

    monkeypatch.setitem(race.OURS, "looking", look)
    race.sweep_chunks(*race.split(prints), TINY)
    assert seen == {(chunk, threads) for chunk in TINY.chunks for threads in (1, 2)}


def test_a_rate_is_the_median_of_its_parts():
    done = iter(range(100))
    per_s, per_cpu_s = race.time_rate(lambda _: next(done), 0)
    assert next(done) == 1 + race.PARTS  # one that does not count, then one for each part
    assert per_s > 0
    assert per_cpu_s > 0


def test_ratios_are_to_the_yardstick():
    cells = [race.Cell("us", 10, 1, 1.0, 60.0), race.Cell(race.YARDSTICK, 10, 1, 1.0, 20.0)]
    assert race.to_yardstick(cells) == {("us", 10): 3, (race.YARDSTICK, 10): 1}
    assert race.to_yardstick(cells[:1]) == {}


def test_caches_are_read_where_the_system_tells_them(tmp_path):
    kept = [("1", "Data", "48K"), ("1", "Instruction", "32K"), ("2", "Unified", "2048K")]
    for i, about in enumerate(kept):
        folder = tmp_path / f"index{i}"
        folder.mkdir()
        for name, text in zip(("level", "type", "size"), about, strict=True):
            (folder / name).write_text(f"{text}\n")
    caches = race.read_caches(tmp_path)
    assert caches == {"L1d": 48 * 1024, "L2": 2048 * 1024}
    assert [race.place(size, caches) for size in (48 * 1024, 49 * 1024, 2**22)] == [
        "L1d",
        "L2",
        "none",
    ]
    assert race.read_caches(tmp_path / "nowhere") == {}


def test_labels_keep_their_order_and_their_distance():
    moved = race.spread_labels([0.5, 0.1, 0.52, 0.9], 0.1)
    assert moved == pytest.approx([0.5, 0.1, 0.6, 0.9])


def test_a_quick_run_without_peers_writes_figures_and_plots(alone, tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(race, "QUICK", replace(TINY, seconds=0.001))
    path, plots = tmp_path / "out.json", tmp_path / "plots"
    asked = ["race.py", "--quick", "--json", str(path), "--plots", str(plots)]
    monkeypatch.setattr("sys.argv", asked)
    assert race.main() == 0
    said = capsys.readouterr()
    assert "without absent" in said.err
    assert "absent" not in said.out
    told = json.loads(path.read_text())
    assert told["about"]["probe_minutiae"] > 10
    assert {cell["matcher"] for cell in told["minutiae"]} == set(race.OURS)
    for name, sizes in (("gallery", TINY.galleries), ("chunk", TINY.chunks)):
        assert {(cell["at"], cell["threads"]) for cell in told[name]} == {
            (size, threads) for size in sizes for threads in (1, 2)
        }
    pictures = {each.name: each.read_bytes() for each in plots.iterdir()}
    assert set(pictures) == {"race-minutiae.png", "race-gallery.png"}
    assert all(picture.startswith(b"\x89PNG") for picture in pictures.values())
    assert all(len(picture) < 60_000 for picture in pictures.values())
