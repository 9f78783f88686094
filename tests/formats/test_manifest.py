"""Lists of people and names of files say whose prints are meant; what they cannot say is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import ManifestError
from engine.formats.manifest import PrintRow, find_prints, parse_position, read_people
from engine.types import FingerPosition

RIGHT_INDEX, UNKNOWN = FingerPosition.RIGHT_INDEX, FingerPosition.UNKNOWN


def csv_file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "people.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_all_columns_are_read(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "person,image,position,ppi,encounter\n"
        "A-17,scans/a.png,right index,1000,2019-3\n"
        "B-18,/cards/b.wsq,,,\n",
    )
    rows, errors = read_people(path)
    assert errors == []
    assert rows == [
        PrintRow("A-17", RIGHT_INDEX, tmp_path / "scans/a.png", 1000.0, "2019-3"),
        PrintRow("B-18", UNKNOWN, Path("/cards/b.wsq"), None, ""),
    ]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("person;image;position\r\nÅsa;a,b.png;2\r\n", "utf-8-sig"),
        ("PERSON\timage\tPosition\nÅsa\ta,b.png\t2\n", "utf-8"),
        ('image, person ,position\n"a,b.png", Åsa ,2\n\n,,\n', "utf-8"),
    ],
)
def test_what_spreadsheets_make_of_csv_is_read(tmp_path: Path, text: str, encoding: str) -> None:
    rows, errors = read_people(csv_file(tmp_path, text, encoding))
    assert (rows, errors) == ([PrintRow("Åsa", RIGHT_INDEX, tmp_path / "a,b.png")], [])


def test_a_bad_row_is_told_with_its_line_and_the_others_go_on(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "person,image,position,ppi\n"
        "A,a.png,2,500\n"
        "B,b.png,11,\n"
        "C,c.png,pinky,\n"
        ",d.png,,\n"
        "E,,,\n"
        "F,f.png,,high\n"
        "G,g.png\n"
        '"H\nI",h.png,,\n'
        "J,x/../a.png,,\n"
        "K,k.png,10,569.5\n",
    )
    rows, errors = read_people(path)
    assert [row.person for row in rows] == ["A", "K"]
    assert rows[1].ppi == 569.5
    told = {error.source: error.reason for error in errors}
    assert all(isinstance(error, ManifestError) for error in errors)
    for line, words in {
        3: "position '11'",
        4: "position 'pinky'",
        5: "empty: person",
        6: "empty: image",
        7: "ppi 'high'",
        8: "2 fields where the header has 4",
        10: "line break",  # where the row ends
        11: "listed twice",
    }.items():
        assert words in told.pop(f"{path}:{line}")
    assert told == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "missing columns: person, image"),
        ("person\nA\n", "missing columns: image"),
        ("person,image,race,height\n", "unknown columns: race, height; a list of people has"),
        ("person,image,\nA,a.png,\n", r"unknown columns: \(no name\)"),
        ("person,image,image\n", "twice"),
        ('person,image\n"A,a.png\n', "not valid CSV"),
        ("person,image\nA," + "a" * 200_000, "not valid CSV"),
    ],
)
def test_a_header_that_is_not_usable_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ManifestError, match=reason) as refused:
        read_people(csv_file(tmp_path, text))
    assert refused.value.source.startswith(f"{tmp_path / 'people.csv'}:")


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        read_people(tmp_path / "none.csv")
    with pytest.raises(ManifestError, match="cannot be read"):
        read_people(tmp_path)
    with pytest.raises(ManifestError, match="save it as CSV UTF-8"):
        read_people(csv_file(tmp_path, "person,image\nÅsa,a.png\n", "utf-16"))


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", UNKNOWN),
        ("0", UNKNOWN),
        ("2", RIGHT_INDEX),
        ("10", FingerPosition.LEFT_LITTLE),
        ("Right Index", RIGHT_INDEX),
        ("right-index", RIGHT_INDEX),
        ("RIGHT_INDEX", RIGHT_INDEX),
        ("left  thumb", FingerPosition.LEFT_THUMB),
    ],
)
def test_positions_have_numbers_and_names(text: str, position: FingerPosition) -> None:
    assert parse_position(text) is position


@pytest.mark.parametrize("text", ["11", "-1", "1.0", "02", "index", "right index finger", "²"])
def test_other_positions_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither 0 to 10 nor a name"):
        parse_position(text)


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_names_of_files_say_person_and_encounter(tmp_path: Path) -> None:
    make(tmp_path, "101_3.png", "101_4_2.tif", "102.WSQ", "_5.bmp", "7_.jp2")
    assert find_prints([tmp_path])[0] == [
        PrintRow("101", UNKNOWN, tmp_path / "101_3.png", None, "3"),
        PrintRow("101_4", UNKNOWN, tmp_path / "101_4_2.tif", None, "2"),
        PrintRow("102", UNKNOWN, tmp_path / "102.WSQ", None, ""),
        PrintRow("7", UNKNOWN, tmp_path / "7_.jp2", None, ""),
        PrintRow("_5", UNKNOWN, tmp_path / "_5.bmp", None, ""),
    ]


def test_folders_inside_keep_their_fingers_apart(tmp_path: Path) -> None:
    make(tmp_path, "2_1.png", "db1/1_1.png", "db2/1_1.png", "db2/more/1_1.png")
    make(tmp_path, "db1/notes.txt", "db1/._1_1.png", "db1/folder.png/readme")
    found, _ = find_prints([tmp_path])
    assert [row.person for row in found] == ["2", "db1.1", "db2.1", "db2.more.1"]
    assert [row.path for row in found] == sorted(row.path for row in found)


def test_a_file_is_taken_once_and_whatever_its_extension(tmp_path: Path) -> None:
    make(tmp_path, "a_1.png", "b_1.raw")
    again = tmp_path / "." / "a_1.png"
    found, _ = find_prints([tmp_path / "b_1.raw", again, tmp_path])
    assert [row.person for row in found] == ["b", "a"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("empty", "no image in this folder"),
        ("none", "no such file or folder"),
        ("long" * 1000, "cannot be read"),
    ],
)
def test_a_path_that_is_no_good_is_named_and_the_others_are_taken(
    tmp_path: Path, name: str, reason: str
) -> None:
    make(tmp_path, "empty/notes.txt", "a_1.png")
    found, (error,) = find_prints([tmp_path / name, tmp_path / "a_1.png"])
    assert [row.person for row in found] == ["a"]
    assert reason in error.reason
    assert error.source.startswith(str(tmp_path))
    assert find_prints([]) == ([], [])


def test_a_folder_that_cannot_be_read_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "1_1.png", "closed/2_1.png")
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    _, (error,) = find_prints([tmp_path])
    assert str(error).endswith("closed: it cannot be read (Permission denied)")
