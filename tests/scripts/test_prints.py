"""Names of sets and prints."""

from __future__ import annotations

from pathlib import Path

from evaluation.prints import Print, number, set_names


def test_sets_of_the_same_name_are_told_apart():
    folders = [Path("/a/db1"), Path("/b/db1"), Path("/b/db2")]
    assert set_names(folders) == ["a-db1", "b-db1", "db2"]


def test_a_print_is_called_by_finger_and_impression():
    assert Print("101_4", "2", None, 0.0).name == "101_4_2"


def test_names_are_numbered_in_their_order():
    assert number(["b", "a", "b", "c"]).tolist() == [1, 0, 1, 2]
