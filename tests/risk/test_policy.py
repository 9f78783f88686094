"""Policies are checked when they are read, and say what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import PolicyError
from engine.risk.policy import list_policies, load_policy
from engine.risk.tables import POLICIES

SHIPPED = (POLICIES / "sc-2010-conviction.toml").read_text(encoding="utf-8")


def test_the_shipped_policies() -> None:
    assert list_policies() == ["sc-2009-list", "sc-2010-conviction"]
    for name in list_policies():
        policy = load_policy(name)
        assert policy.name == name
        assert all(rule.source for rule in policy.rules)


def test_a_policy_is_known_by_its_text(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(SHIPPED, encoding="utf-8")
    shipped = load_policy("sc-2010-conviction")
    assert load_policy(own).table == shipped.table
    own.write_text(SHIPPED.replace("felony_over_months = 12", "felony_over_months = 6"))
    assert load_policy(own).table != shipped.table


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("level = 3", "level = 4", "level must be 1, 2 or 3"),
        ('juvenile = "drop"', "", "juvenile"),
        ('juvenile = "drop"', 'juvenile = "count"', "lane of 'juvenile'"),
        ("records = 3", "records = 0", "records must be 1 or more"),
        ("records = 3", "victim_age = 3", "unknown key 'victim_age'"),
        ('{ misdemeanor = "yes" }', '{ misdemeanor = "perhaps" }', "misdemeanor = 'perhaps'"),
        ('{ misdemeanor = "yes" }', '{ petty = "yes" }', "petty"),
        ("aggravated = true", 'categories = ["nonsense"]', "unknown categories nonsense"),
        ("aggravated = true", 'aggravated = "true"', "must be of type bool"),
        ('id = "felony"', 'id = "two-felonies"', "same id"),
        ('author = "Tenprint"', "", "'author' is missing"),
        ("effective_to = 2014", "effective_to = 2004", "before 'effective_from'"),
        ("effective_to = 2014-11-20", "effective_to = 2014-11-20T10:00:00", "of type date"),
        ("aggravated = true", "categories = [7]", "unknown categories 7"),
        ("records = 3", "records = true", "of type int"),
        ("[lanes]", "[lanes", "no valid TOML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in SHIPPED
    own = tmp_path / "own.toml"
    own.write_text(SHIPPED.replace(old, new), encoding="utf-8")
    with pytest.raises(PolicyError, match=r"own\.toml") as caught:
        load_policy(own)
    assert says in str(caught.value)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(PolicyError, match="sc-2009-list"):
        load_policy("no-such-policy")
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policy(Path("missing.toml"))
