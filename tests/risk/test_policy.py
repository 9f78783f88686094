"""Policies are checked when they are read, and say what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import PolicyError
from engine.risk.levels import assess
from engine.risk.policy import MOST_RULES, list_policies, load_policy, read_policy
from engine.risk.tables import POLICIES
from engine.types import OffenseRecord

SHIPPED = (POLICIES / "sc-2010-conviction.toml").read_text(encoding="utf-8")
OWN = SHIPPED.replace('name = "sc-2010-conviction"', 'name = "own"')


def test_the_shipped_policies() -> None:
    assert list_policies() == ["harm-tiers", "sc-2009-list", "sc-2010-conviction"]
    for name in list_policies():
        policy = load_policy(name)
        assert policy.name == name
        assert all(rule.source for rule in policy.rules)
        for rule in policy.rules:  # the dates of a rule lie within those of its policy
            assert rule.effective_from >= policy.effective_from
            ends = (rule.effective_to, policy.effective_to)
            assert ends[1] is None or (ends[0] is not None and ends[0] <= ends[1])


def test_every_category_has_a_level_by_harm() -> None:
    policy = load_policy("harm-tiers")
    named = [name for rule in policy.rules for name in rule.categories or ()]
    assert set(named) == set(policy.offenses.categories)


def test_the_grave_offenses_have_the_first_levels_by_harm() -> None:
    policy = load_policy("harm-tiers")
    levels: dict[str, set[int]] = {}
    for rule in policy.rules:
        for name in rule.categories or ():
            levels.setdefault(name, set()).add(rule.level)
    grave = {each.id for each in policy.offenses.categories.values() if each.grave}
    assert {name for name, found in levels.items() if 1 in found} - {"burglary"} <= grave
    assert {min(levels[name]) for name in grave} == {1, 2}


def test_a_policy_is_read_again_from_its_files() -> None:
    policy = load_policy("harm-tiers")
    again = read_policy(policy.files)
    assert (again.table, again.rules, again.tiers) == (policy.table, policy.rules, policy.tiers)
    older = dict(policy.files)
    older["dispositions.toml"] = older["dispositions.toml"].replace(b"exonerat", b"exonerax")
    assert read_policy(older).table != policy.table


def test_an_older_table_of_offenses_ranks_as_it_did() -> None:
    """A code that was moved to another category since is read by the table of then."""
    now = load_policy("sc-2009-list")
    files = dict(now.files)
    files["offenses.toml"] = files["offenses.toml"].replace(b'"1201-1212", "1299"', b'"1299"')
    files["offenses.toml"] = files["offenses.toml"].replace(b'"5499"', b'"1201-1212", "5499"')
    then = read_policy(files)
    robbery = [OffenseRecord("r", "1201", disposition="CONVICTED")]
    assert (assess(robbery, now).level, assess(robbery, then).level) == (1, 3)


def test_a_policy_is_known_by_its_text(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(SHIPPED, encoding="utf-8")
    shipped = load_policy("sc-2010-conviction")
    assert load_policy(own).table == shipped.table
    own.write_text(OWN.replace("felony_over_months = 12", "felony_over_months = 6"))
    assert load_policy(own).table != shipped.table
    own.write_bytes(b"\xef\xbb\xbf" + OWN.encode())  # as some editors save
    assert load_policy(own).name == "own"


def test_a_name_of_tenprint_stays_its_own(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(SHIPPED.replace("records = 3", "records = 4"), encoding="utf-8")
    with pytest.raises(PolicyError, match="give yours a name of its own"):
        load_policy(own)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("level = 3", "level = 4", "levels must be 1, 2, ... without a gap"),
        ("level = 3", "level = 10", "level must be 1 to 9"),
        ('scale = "ussg-2016"', 'scale = "mine"', "scale must be one of ussg-2016"),
        ("one_in = 5", "one_in = 1", "one_in must be 2 to 100"),
        ("one_in = 5", "one_in = 101", "one_in must be 2 to 100"),
        ("[3, 5, 14, 30, 60]", "[3, 5, 14, 30, inf]", "due_days needs a number"),
        ("[3, 5, 14, 30, 60]", f"[3, 5, 14, 30, {'9' * 400}]", "due_days needs a number"),
        ("[3, 5, 14, 30, 60]", f"[3, 5, 14, 30, {'9' * 5000}]", "no valid TOML"),
        ("[3, 5, 14, 30, 60]", "[" * 5000, "no valid TOML"),
        ("felony_over_months = 12", "felony_over_months = -5", "felony_over_months must be 0"),
        ('name = "own"', 'name = " "', "'name' is empty"),
        ('id = "felony"', 'id = ""', "'id' is empty"),
        ("aggravated = true", "categories = []", "categories is empty"),
        ('{ misdemeanor = "yes" }', "{}", "degree is empty"),
        ('{ felony = "yes" }', '{ FELONY = "yes" }', "degree takes unknown, infraction"),
        ('sealed = "drop"', 'sealed = "charge"', "what is sealed never counts"),
        ("[3, 5, 14, 30, 60]", "[3, 5, 14, 30]", "up to 3650, for each of Level 1, needs"),
        ("[3, 5, 14, 30, 60]", "[3, 5, 14, 30, 0]", "due_days needs a number"),
        ("one_in = 5", "", "both one_in and due_days are needed"),
        ("aggravated = true", 'traits = ["sex"]', "unknown traits sex"),
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
        ("records = 2", "effective_from = 2015-01-01", "rule 'two-felonies': 'effective_to'"),
        ("effective_to = 2014", "effective_to = 2004", "before 'effective_from'"),
        ("effective_to = 2014-11-20", "effective_to = 2014-11-20T10:00:00", "of type date"),
        ("aggravated = true", "categories = [7]", "unknown categories 7"),
        ("records = 3", "records = true", "of type int"),
        ("[lanes]", "[lanes", "no valid TOML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in OWN
    own = tmp_path / "own.toml"
    own.write_text(OWN.replace(old, new), encoding="utf-8")
    with pytest.raises(PolicyError, match=r"own\.toml") as caught:
        load_policy(own)
    assert says in str(caught.value)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(PolicyError, match="sc-2009-list"):
        load_policy("no-such-policy")
    for name in ("missing.toml", "a\0b.toml"):
        with pytest.raises(PolicyError, match="cannot be read"):
            load_policy(Path(name))


def test_there_may_be_many_rules_and_not_too_many(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    rule = '\n[[rule]]\nid = "{}"\nlevel = 3\ntitle = "x"\nsource = "x"\ncategories = ["robbery"]\n'
    most = MOST_RULES - len(load_policy("sc-2010-conviction").rules)
    own.write_text(OWN + "".join(rule.format(number) for number in range(most)))
    found = assess([OffenseRecord("r", "1201", disposition="CONVICTED")], load_policy(own))
    assert found.level is None  # needs review: its degree is open
    own.write_text(own.read_text() + rule.format("one more"))
    with pytest.raises(PolicyError, match="there must be 1 to 1000 rules"):
        load_policy(own)


def test_the_last_of_many_rules_is_named(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    rule = '\n[[rule]]\nid = "{}"\nlevel = 3\ntitle = "x"\nsource = "x"\ncategories = ["{}"]\n'
    text = (POLICIES / "sc-2009-list.toml").read_text().replace("sc-2009-list", "own")
    text = text.replace('"public-order", "traffic",', '"public-order",')
    text += "".join(rule.format(number, "gambling") for number in range(900))
    own.write_text(text + rule.format("last", "traffic"))
    found = assess([OffenseRecord("r", "5499", disposition="CONVICTED")], load_policy(own))
    assert (found.level, found.rule) == (3, "last")
