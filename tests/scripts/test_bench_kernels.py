"""The figures of the kernels are whole, counted right, and of kernels that agree with their
reference: on the host, so not how fast anything is."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import bench_kernels
import pytest
from bench_kernels import cases_of_kernels, main
from devices import roofline
from devices.data import Data
from devices.lists import Lists
from devices.machines import Link, stand_in
from devices.roofline import H100, Cost, Shape, ceilings, costs
from devices.scores import of_pairing, of_similarity
from devices.sizes import HOST, Sizes
from devices.tables import ceiling_table, cells_of
from devices.timing import Row, measure, turns
from devices.votes import of_selection

from kernels import backend

ROOT = Path(__file__).parents[2]
PAGE = "above\n<!-- gpu -->\nold\n<!-- /gpu -->\nbelow\n"
WAYS = ("resident", "streamed")
SEARCHES = {f"blocks, {way}, {probes}" for way in WAYS for probes in ("1 probe", "8 probes")}
KERNELS = {  # the figure of each
    "voting": "voting, 1 word, 1 probe, popcount",
    "voting_tensor": "voting, 1 word, 1 probe, tensor",
    "selection": "selection",
    "similarity": "similarity",
    "pairing": "pairing",
    "relaxation": "relaxation",
    "deformation": "deformation",
    "agreement": "agreement",
    "ridges": "ridges",
    "oriented": "oriented",
}


@pytest.fixture(scope="module")
def machine():
    if shutil.which("g++") is None:
        pytest.skip("no g++ to compile the CUDA text for the host")
    return stand_in()


@pytest.fixture(scope="module")
def told(machine, tmp_path_factory):
    """What a run writes: figures and a page."""
    folder = tmp_path_factory.mktemp("bench")
    figures, page = folder / "out.json", folder / "page.md"
    page.write_text(PAGE)
    assert main(["--host", "--json", str(figures), "--write", str(page)], machine) == 0
    return json.loads(figures.read_text()), page.read_text()


def test_every_kernel_has_a_figure(told):
    figures, _ = told
    rows = {row["name"]: row for row in figures["kernels"]}
    assert set(rows) == set(costs(Shape())) | SEARCHES
    assert set(KERNELS.values()) < set(rows)
    for row in rows.values():
        assert row["fault"] == ""
        assert row["seconds"] > 0
        assert row["rate"] == pytest.approx(row["pieces"] / row["seconds"])
        assert row["turns"] > 1 or row["name"] in SEARCHES
    assert "not a figure" in figures["about"]["label"]


def test_only_the_section_of_the_page_is_written(told):
    _, page = told
    assert page.startswith("above\n<!-- gpu -->\n\n**host, one warp: not a figure**\n")
    assert page.endswith("\n<!-- /gpu -->\nbelow\n")
    assert "old" not in page
    assert page.count("\n| agreement |") == 1


def spoil(kernel, args):
    """Turns a bit of what a kernel has written, or moves where minutiae lie by 1 px."""
    out = args[-2 if kernel == "relaxation" else -1]
    if out.dtype.kind == "f":
        out += 1
    else:
        out.reshape(-1)[::3] ^= 1


def test_kernels_that_disagree_are_named_and_not_timed(machine, monkeypatch):
    made = cases_of_kernels(Lists(Data(machine, HOST)))
    sound, wrong = machine.device._launch, set()
    cases = {case.name: case for case in made if case.name in KERNELS.values()}

    def launch(kernel, count, *args):
        sound(kernel, count, *args)
        if kernel in wrong:
            spoil(kernel, args)

    monkeypatch.setattr(machine.device, "_launch", launch)
    for kernel, name in KERNELS.items():
        timed, said = [], []
        case = cases[name]._replace(work=timed.append)
        for wrong in (set(), {kernel}):
            (row,) = measure(machine, [case], ceilings(machine.properties), True, said.append)
            assert bool(row.fault) == bool(wrong), kernel
            assert math.isnan(row.seconds) == bool(wrong)
            assert timed == list(range(case.repeats))
        assert said[0] == f"{name}: agrees"
        assert said[1].startswith(f"{name}: DISAGREES, not timed: ")


def test_a_run_in_which_one_disagrees_says_so_in_the_table(machine, monkeypatch, tmp_path, capsys):
    page, sound = tmp_path / "page.md", machine.device._launch
    page.write_text(PAGE)

    def launch(kernel, count, *args):
        sound(kernel, count, *args)
        if kernel == "pairing":
            spoil(kernel, args)

    monkeypatch.setattr(machine.device, "_launch", launch)
    wanted = (of_pairing, of_similarity)
    monkeypatch.setattr(bench_kernels, "cases", lambda lists: (of(lists) for of in wanted))
    assert main(["--host", "--write", str(page)], machine) == 1
    said = capsys.readouterr()
    assert "disagree with their reference: pairing\n" in said.err
    assert "similarity: agrees" in said.out
    rows = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    assert rows[2].startswith("| pairing | disagrees | — |")
    assert re.match(r"\| similarity \| [\d.]+", rows[3])


def test_nothing_is_timed_where_only_agreement_is_wanted(machine, monkeypatch, capsys):
    def clock(work, repeats):
        raise AssertionError("timed")

    monkeypatch.setattr(bench_kernels, "cases", lambda lists: [of_selection(lists.data)])
    monkeypatch.setattr(bench_kernels, "measure_link", lambda machine, size: Link(1.0, True))
    arguments = ["--host", "--validate-only", "--prints", "9"]
    assert main(arguments, machine._replace(time=clock)) == 0
    assert "selection: agrees" in capsys.readouterr().out


@pytest.mark.parametrize("page", [None, "no marks"])
def test_a_page_without_marks_is_refused_before_anything_runs(tmp_path, page, capsys):
    path = tmp_path / "page.md"
    if page is not None:
        path.write_text(page)
    with pytest.raises(SystemExit):
        main(["--host", "--write", str(path)])
    assert str(path) in capsys.readouterr().err


@pytest.mark.skipif(backend.device_count() > 0, reason="there is a device")
def test_without_a_device_it_says_so():
    with pytest.raises(SystemExit, match="no CUDA device"):
        main([])


@pytest.mark.skipif(backend.device_count() > 0, reason="there is a device")
def test_the_check_says_in_a_line_that_it_needs_a_device():
    ran = subprocess.run([ROOT / "scripts" / "check-gpu"], capture_output=True, text=True)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith("check-gpu needs a CUDA device")
    assert ran.stderr.count("\n") == 1


def test_parity_on_a_device_needs_no_more_than_numpy_and_pytest():
    """As scripts/check-gpu runs it, where none of the project's other needs can be imported."""
    absent = [
        "cv2",
        "faiss",
        "onnx",
        "onnxruntime",
        "rich",
        "scipy",
        "sklearn",
        "sqlalchemy",
        "typer",
    ]
    collect = """
import sys
for name in sys.argv[1].split():
    sys.modules[name] = None
import pytest
sys.exit(pytest.main(sys.argv[2:]))
"""
    check = (ROOT / "scripts" / "check-gpu").read_text()
    options = ["--noconftest", "-k", "device"]
    assert all(each in check for each in options)
    options += ["tests/kernels", "--collect-only", "-o", "addopts=--import-mode=importlib"]
    ran = subprocess.run(
        [sys.executable, "-c", collect, " ".join(absent), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout
    assert "test_cuda_text_agrees_where_prints_lie_on_each_other[device]" in ran.stdout


def test_the_roofline_of_voting_is_the_lower_of_two_ceilings():
    most = ceilings(H100)
    one = roofline.voting(Shape(40, 40), 1, 1)
    assert one == Cost(40 * 9 + 8 + 2, {"popc": 3200})
    assert most.operations["popc"] == 132 * 1.98e9 * 16
    assert most.bound(one) == pytest.approx(132 * 1.98e9 * 16 / 3200)
    slow = ceilings(H100._replace(bandwidth=1e11))
    assert slow.bound(one) == pytest.approx(1e11 / 370)
    tensor = roofline.voting(Shape(40, 40), 1, 8, "tensor")
    assert tensor == Cost((40 * 9 + 8) / 8 + 2, {"mac8": 64 * 1600})
    row = Row("voting", 1000, 2, one, most.bound(one), seconds=2000 / most.bound(one))
    assert cells_of(row, 0)[-1] == "50%"
    assert cells_of(row, 2**30)[1].endswith("*")


def test_what_streams_is_bound_by_the_link():
    streamed = roofline.blocks(Shape(40, 40), 2, 1, streamed=True)
    assert streamed.bytes == 40 * 37 + 8
    assert ceilings(H100, link=5e10).bound(streamed) == pytest.approx(5e10 / 1488)
    resident = roofline.blocks(Shape(40, 40), 2, 1, streamed=False)
    assert resident == roofline.voting(Shape(40, 40), 2, 1)


def test_an_a100_has_half_the_floats_a_clock():
    a100 = ceilings(H100._replace(capability=(8, 0))).operations
    assert a100["fp32"] == ceilings(H100).operations["fp32"] / 2
    assert a100["mac8"] == ceilings(H100).operations["mac8"] / 2


@pytest.mark.parametrize(
    ("cache", "size", "most", "count"), [(0, 9, 5, 2), (50, 30, 9, 5), (50, 1, 9, 9)]
)
def test_inputs_take_turns_beyond_twice_the_cache(cache, size, most, count):
    assert turns(cache, size, most) == count


def test_a_smaller_gallery_has_smaller_launches():
    sizes = Sizes().cut(1000)
    assert (sizes.prints, sizes.batch, sizes.listed, sizes.short) == (1000, 500, 500, 500)


def test_the_page_has_the_ceilings_of_the_formulas():
    page = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
    assert ceiling_table(H100) in page
    assert re.search(r"<!-- gpu -->.*<!-- /gpu -->", page, re.DOTALL)
