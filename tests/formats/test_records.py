"""Offense records hold facts of offenses: nothing else comes in, and none goes missing untold."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from engine.errors import ManifestError
from engine.formats.manifest import read_records
from engine.types import Degree, OffenseRecord


def csv_file(folder: Path, text: str) -> Path:
    path = folder / "records.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_all_columns_are_read(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "person,record_id,ncic,charge,degree,disposition,offense_date,jurisdiction,"
        "max_sentence_months,nibrs,statute\n"
        'A-17,r1,0912,"Homicide, willful",F1,Convicted,2019-05-31,SD,600,09a,22-16-4\n'
        "A-17,r2,912,,felony,,,,,,\n",
    )
    records, errors = read_records(path)
    assert errors == []
    full = OffenseRecord(
        record_id="r1",
        ncic="0912",
        charge="Homicide, willful",
        degree=Degree.FELONY,
        disposition="Convicted",
        offense_date=date(2019, 5, 31),
        jurisdiction="SD",
        max_sentence_months=600,
        nibrs="09A",
        statute="22-16-4",
    )
    # A spreadsheet has taken the leading zero of the second code.
    short = OffenseRecord(record_id="r2", ncic="0912", degree=Degree.FELONY)
    assert records == [("A-17", full), ("A-17", short)]


@pytest.mark.parametrize("column", ["race", "sex", "age", "name", "address", "notes"])
def test_any_other_column_refuses_the_file(tmp_path: Path, column: str) -> None:
    path = csv_file(tmp_path, f"person,charge,{column}\nA,Theft,x\n")
    with pytest.raises(ManifestError, match=f"{column}; only offense facts are accepted: person,"):
        read_records(path)


def test_bad_rows_are_told_and_the_others_go_on(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "person,record_id,ncic,charge,degree,offense_date,max_sentence_months\n"
        "A,,,,F,,\n"
        "A,,12,,,,\n"
        "A,,murder,,,,\n"
        "A,,,Theft,capital,,\n"
        "A,,,Theft,,31.05.2019,\n"
        "A,,,Theft,,2019-02-30,\n"
        "A,,,Theft,,,life\n"
        ",,,Theft,,,\n"
        "A,r1,,Theft,,,\n"
        "A,r1,,Fraud,,,\n"
        "B,r1,,Theft,,,12\n",
    )
    records, errors = read_records(path)
    assert [(person, record.record_id) for person, record in records] == [("A", "r1"), ("B", "r1")]
    expected = {
        2: "none of ncic, nibrs, statute, charge",
        3: "ncic '12'",
        4: "ncic 'murder'",
        5: "degree 'capital'",
        6: "offense_date '31.05.2019'",
        7: "offense_date '2019-02-30'",
        8: "max_sentence_months 'life'",
        9: "empty: person",
        11: "record_id r1 stands twice for person A",
    }
    assert [error.source for error in errors] == [f"{path}:{line}" for line in expected]
    for error, words in zip(errors, expected.values(), strict=True):
        assert words in error.reason


def test_a_nibrs_code_or_a_statute_is_enough(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "person,nibrs,statute\nA,13a,\nA,220,\nA,,Penal Code 211\nA,2200,\nA,,\n",
    )
    records, errors = read_records(path)
    assert [(record.nibrs, record.statute) for _, record in records] == [
        ("13A", ""),
        ("220", ""),
        ("", "Penal Code 211"),
    ]
    assert ["nibrs '2200'" in errors[0].reason, "none of ncic" in errors[1].reason] == [True, True]


def test_a_record_without_id_gets_the_same_one_each_time(tmp_path: Path) -> None:
    text = "person,charge,degree\nA,Theft,M\nA,Theft,M\nB,Theft,M\nA,Fraud,F\n"
    first = [record.record_id for _, record in read_records(csv_file(tmp_path, text))[0]]
    assert len(set(first)) == 4  # two counts of one charge are two records
    lines = text.splitlines()
    shuffled = "\n".join([lines[0], lines[4], lines[3], lines[2], lines[1]])
    again = [record.record_id for _, record in read_records(csv_file(tmp_path, shuffled))[0]]
    assert set(again) == set(first)


@pytest.mark.parametrize(
    ("text", "degree"),
    [
        ("", Degree.UNKNOWN),
        ("unknown", Degree.UNKNOWN),
        ("F", Degree.FELONY),
        ("f5", Degree.FELONY),
        ("FA", Degree.FELONY),
        ("Felony", Degree.FELONY),
        ("felony class B", Degree.FELONY),
        ("M1", Degree.MISDEMEANOR),
        ("M-2", Degree.MISDEMEANOR),
        ("Misdemeanour", Degree.MISDEMEANOR),
        ("Class 1 misdemeanor", Degree.MISDEMEANOR),
        ("I", Degree.INFRACTION),
        ("infraction", Degree.INFRACTION),
    ],
)
def test_degrees_have_letters_and_words(tmp_path: Path, text: str, degree: Degree) -> None:
    path = csv_file(tmp_path, f"person,charge,degree\nA,Theft,{text}\n")
    records, errors = read_records(path)
    assert errors == []
    assert records[0][1].degree is degree
