"""Citations as records write them, and what kind of offense the statutes are."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.risk.statutes import (
    cites_attempt,
    cites_form,
    look_up,
    read_citation,
    read_place,
    statutes,
)
from engine.risk.tables import parse_table, shared_files
from tests.risk.records import code_of, coding


@pytest.mark.parametrize(
    ("text", "jurisdiction", "key"),
    [
        ("21 U.S.C. § 841(a)(1)", "US", "US 21-841(a)(1)"),
        ("18 USC 2119", "", "US 18-2119"),
        ("18 U.S.C. 2252A(a)(5)(B)", "TX", "US 18-2252A(a)(5)(b)"),
        ("18:2119", "federal", "US 18-2119"),
        ("18:2119", "", None),
        ("PC 187(a)", "CA", "CA PC 187(a)"),
        ("Penal Code § 211", "US-CA", "CA PC 211"),
        ("P.C. 211", "Los Angeles County, California", "CA PC 211"),
        ("664/187(a) PC", "CA", "CA PC 187(a)"),
        ("PC 484E", "CA", "CA PC 484E"),
        ("HS 11378", "CA", "CA HS 11378"),
        ("187(a)", "CA", None),  # of which code?
        ("18 § 3121 §§ A1", "PA", "PA 3121(a)(1)"),
        ("35 § 780-113 §§ A30", "PA", "PA-35 780-113(a)(30)"),
        ("75 § 3735", "PA", "PA-75 3735"),
        ("893.13(1)(a)1", "FL", "FL 893.13(1)(a)(1)"),
        ("316.193(3)(c)3", "FL", "FL 316.193(3)(c)(3)"),
        ("110.00/125.25", "NY", "NY PL 125.25"),
        ("PL 110.00/125.25", "NY", "NY PL 125.25"),
        ("750.316-C", "MI", "MI 750.316"),
        ("750.520b1A", "MI", "MI 750.520B(1)(a)"),
        ("18.2-374.1:1", "VA", "VA 18.2-374.1:1"),
        ("TX PC 29.03", "", "TX PC 29.03"),
        ("PENAL 19.02", "Harris County, TX", "TX PC 19.02"),
        ("PC 22.021(a)(1)(B)", "Texas", "TX PC 22.021(a)(1)(b)"),
        ("481.112", "TX", "TX HSC 481.112"),
        ("PC 29.03", "", None),  # of which state?
        ("FAMILY CODE 22.01", "TX", None),
        ("PL 160.15", "NY", "NY PL 160.15"),
        ("PL 160.15 04", "NY", "NY PL 160.15(4)"),
        ("Penal Law 110/125.25", "New York", "NY PL 125.25"),
        ("VTL 1192.3", "NY", "NY VTL 1192(3)"),
        ("720 ILCS 5/9-1", "", "IL 720-5/9-1"),
        ("720 ILCS 5/9-1(a)(1)", "Cook County, IL", "IL 720-5/9-1(a)(1)"),
        ("RCW 9A.32.030", "", "WA 9A.32.030"),
        ("9A.56.200(1)(a)", "Washington", "WA 9A.56.200(1)(a)"),
        ("22-16-4", "SD", "SD 22-16-4"),
        ("22-16-4(F1)", "South Dakota", "SD 22-16-4"),
        ("SDCL 22-30-1", "", "SD 22-30-1"),
        ("22-16-4", "", None),
        ("G.S. 14-17", "NC", "NC 14-17"),
        ("18.2-32", "VA", "VA 18.2-32"),
        ("Va. Code § 18.2-58", "", "VA 18.2-58"),
        ("F.S. 782.04(1)(a)", "", "FL 782.04(1)(a)"),
        ("812.13.2A", "Florida", "FL 812.13(2)(a)"),
        ("O.C.G.A. § 16-5-1", "", "GA 16-5-1"),
        ("13-1105.A.1", "AZ", "AZ 13-1105(a)(1)"),
        ("18 Pa.C.S. § 2502(a)", "", "PA 2502(a)"),
        ("18 2701", "PA", "PA 2701"),
        ("R.C. 2903.01", "OH", "OH 2903.01"),
        ("C.R.S. 18-3-102", "", "CO 18-3-102"),
        ("MCL 750.529", "", "MI 750.529"),
        ("N.J.S.A. 2C:15-1", "", "NJ 2C:15-1"),
        ("2C:12-1b(1)", "NJ", "NJ 2C:12-1(b)(1)"),
        ("M.G.L. c. 265 § 17", "", "MA 265/17"),
        ("265/17", "MA", "MA 265/17"),
        ("PC 187(a); PC 211", "CA", None),  # two
        ("see the report of officer 18 USC 2119", "US", None),
        ("18 USC", "US", None),
        ("", "US", None),
    ],
)
def test_citations(text: str, jurisdiction: str, key: str | None) -> None:
    assert read_citation(text, jurisdiction) == key


@pytest.mark.parametrize(
    ("jurisdiction", "place"),
    [
        ("TX", "TX"),
        ("US-TX", "TX"),
        ("Harris County, TX", "TX"),
        ("Washington County, OR", "OR"),
        ("Cook County, Illinois, USA", "IL"),
        ("State of West Virginia", "WV"),
        ("Washington, D.C.", "DC"),
        ("US", "US"),
        ("Federal", "US"),
        ("Texas City", ""),
        ("", ""),
    ],
)
def test_places(jurisdiction: str, place: str) -> None:
    assert read_place(jurisdiction) == place


@pytest.mark.parametrize(
    ("text", "jurisdiction", "category"),
    [
        ("18 USC 1111", "", "murder"),
        ("18 USC 1112", "", "homicide"),
        ("18 USC 1201(a)(1)", "", "kidnapping"),
        ("18 USC 1591", "", "human-trafficking"),
        ("18 USC 2113(a)", "", None),  # bank robbery, extortion or burglary
        ("18 USC 2113(d)", "", "robbery"),
        ("18 USC 2241", "", None),  # (c) is of a child
        ("18 USC 2241(c)", "", "child-sexual-abuse"),
        ("18 USC 2252A(a)(2)", "", "child-exploitation"),
        ("18 USC 922(g)(1)", "", "weapons"),
        ("18 USC 924(j)", "", None),  # murder or manslaughter
        ("18 USC 924(j)(1)", "", "murder"),
        ("21 USC 841(a)(1)", "", "drug-trafficking"),
        ("21 USC 841", "", None),  # (b)(4) is possession
        ("21 USC 846", "", "drug-trafficking"),
        ("21 USC 844(a)", "", "drug-possession"),
        ("21 USC 952", "", "drug-trafficking"),
        ("18 USC 371", "", None),
        ("18 USC 1029", "", "fraud"),
        ("PC 29.03", "TX", "robbery"),
        ("PC 22.021", "TX", None),  # of a child or not
        ("PC 22.021(a)(1)(B)(i)", "TX", "child-sexual-abuse"),
        ("PC 496(a)", "CA", "stolen-property"),
        ("PC 496", "CA", None),
        ("PC 243(d)", "CA", "aggravated-assault"),
        ("PC 242", "CA", "assault"),
        ("PL 125.25", "NY", "murder"),
        ("893.13(1)(a)", "FL", "drug-trafficking"),
        ("893.13(6)(a)", "FL", "drug-possession"),
        ("893.13(2)(a)", "FL", None),
        ("720 ILCS 5/18-2", "", "robbery"),
        ("22-42-5 (F5)", "SD", "drug-possession"),
        ("16-13-30(b)", "GA", "drug-trafficking"),
        ("22-99-9", "SD", None),
        ("18 USC 2260A", "", None),  # a register, exploitation or a kidnapping
        ("8 USC 1324(a)(1)(B)(iv)", "", None),  # someone died
        ("18 USC 2332a", "", "terrorism"),
        ("18 USC 351", "", None),
        ("PC 22.01(b)(2)(B)", "TX", "aggravated-assault"),
        ("265/13A(b)", "MA", None),
        ("2903.04", "OH", "manslaughter"),
        ("18-3-104", "CO", "manslaughter"),
        ("18-3-402", "CO", "sexual-assault"),
        ("PC 647.6", "CA", None),
        ("PC 206", "CA", "aggravated-assault"),
        ("720 ILCS 5/19-6", "", None),  # violent or not
        ("720 ILCS 5/12-14", "", "rape"),
        ("720 ILCS 550/5", "", "drug-trafficking"),
        ("35 § 780-113 §§ A30", "PA", "drug-trafficking"),
        ("18 § 2506", "PA", "homicide"),
        ("75 § 3735", "PA", "manslaughter"),
        ("316.193(3)(c)3", "FL", "manslaughter"),
        ("316.193(3)(c)1", "FL", None),
        ("750.83", "MI", "aggravated-assault"),
        ("750.520c", "MI", "sexual-assault"),
        ("750.462b", "MI", "human-trafficking"),
        ("2C:14-2a", "NJ", "sexual-assault"),
        ("2C:35-9", "NJ", "homicide"),
        ("90-95(a)(1)", "NC", "drug-trafficking"),
        ("90-95", "NC", None),
        ("14-27.2(a)(1)", "NC", "child-sexual-abuse"),
        ("13-3408.A.7", "AZ", "drug-trafficking"),
        ("13-3407", "AZ", None),
        ("9A.36.120", "WA", "aggravated-assault"),
    ],
)
def test_statutes_and_their_categories(text: str, jurisdiction: str, category: str | None) -> None:
    assert code_of(statute=text, jurisdiction=jurisdiction) == category


@pytest.mark.parametrize(
    ("text", "jurisdiction"),
    [
        ("8 USC 1324(a)(1)(A)", ""),
        ("8 USC 1325", ""),
        ("8 U.S.C. § 1326(b)(2)", ""),
        ("18 USC 1546(a)", ""),
        ("PC 20.05", "TX"),
        ("PC 21.06", "TX"),
        ("14-177", "NC"),
        ("c. 272 § 34", "MA"),
        ("14-45", "NC"),
        ("18 3124", "PA"),
        ("18 3204", "PA"),
        ("18.2-361", "VA"),
        ("18.2-71", "VA"),
        ("750.158", "MI"),
        ("750.14", "MI"),
        ("800.02", "FL"),
        ("PL 130.38", "NY"),
        ("PL 125.40", "NY"),
        ("13-1411", "AZ"),
        ("13-3603", "AZ"),
        ("13-1509", "AZ"),
        ("13-2319", "AZ"),
        ("16-12-140", "GA"),
        ("2919.12", "OH"),
        ("272/19", "MA"),
        ("18 USC 1531", ""),
        ("8 USC 1185", ""),
    ],
)
def test_statutes_of_status_or_conduct_never_rank_by_themselves(
    text: str, jurisdiction: str
) -> None:
    found = coding(statute=text, jurisdiction=jurisdiction)
    assert (found.category, found.ranks) == (None, False)
    assert "does not rank by itself" in found.why
    assert code_of(statute=text, jurisdiction=jurisdiction, charge="RAPE") == "rape"


def test_a_subsection_that_is_not_listed_stands_with_its_section() -> None:
    assert look_up("US 18-2119(3)", statutes()) == ("US 18-2119", "robbery", "")
    assert look_up("US 99-1(a)(b)", statutes()) is None


def test_what_a_statute_is_of_an_offense() -> None:
    table = statutes()
    assert cites_form("18 USC 1113", "", table) == "attempt"
    assert cites_form("18 USC 1117", "", table) == "conspiracy"
    assert cites_form("21 USC 846", "TX", table) == "conspiracy"
    assert cites_form("PC 664/187", "CA", table) == "attempt"
    assert cites_form("18 USC 1111", "", table) == cites_form("", "", table) == ""


def test_attempts() -> None:
    assert cites_attempt("PC 664/187(a)")
    assert cites_attempt("PL 110/125.25")
    assert not cites_attempt("PC 187(a)")


def test_every_law_reads_its_own_sections() -> None:
    """Each section of the table, written with its number alone, is found again where it counts."""
    table = statutes()
    laws = {row["id"]: row for row in parse_table(shared_files()["statutes.toml"], "")["law"]}
    prefix = {"TX PC": "PC ", "TX HSC": "HSC ", "CA PC": "PC ", "CA HS": "HS ", "CA VC": "VC "}
    prefix |= {"NY PL": "PL ", "NY VTL": "VTL ", "PA": "18 ", "MI": "MCL ", "AZ": "ARS "}
    prefix |= {"OH": "ORC ", "NC": "NCGS ", "CO": "CRS ", "PA-75": "75 "}
    for key in [*table.category, *table.unranked]:
        law = next(name for name in laws if key.startswith(f"{name} "))
        section = key.removeprefix(f"{law} ")
        if law in ("US", "IL"):
            title, _, section = section.partition("-")
            section = f"{title} {'USC' if law == 'US' else 'ILCS'} {section}"
        cited = prefix.get(law, "") + section
        assert read_citation(cited, laws[law].get("state", "US")) == key, cited


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet="0123456789.-:()/ abcPCUSILRW§", max_size=30), st.sampled_from(["", "CA"]))
def test_a_citation_is_never_a_guess(text: str, jurisdiction: str) -> None:
    """What is read names its law, or counts in the place: digits alone are no citation."""
    key = read_citation(text, jurisdiction)
    assert key is None or any(letter.isalpha() for letter in text)


def test_the_tables_of_public_lists_are_made_by_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = importlib.import_module("make_offense_tables")
    (tmp_path / script.NCIC).write_text(
        "code,description\n0911,HOMICIDE - WILLFUL KILL-GUN\n1203,ROBBERY - STGARM\n"
    )
    (tmp_path / script.NIBRS).write_text("code,description\n120,Robbery\n09A,Wrong\n")
    (tmp_path / script.INDEX).write_text(
        "title,statute,guidelines\n"
        '18,1111(a),"2A1.1,2A1.2"\n'
        '18,1114,"2A1.1,2A1.3, 2A2.1"\n'
        "18,922(a)–(c),2K2.1\n"
        '21,"841(c)(1),(2)",2D1.1\n'
        '18,111,"2A2.2,2A2.4"\n'
        "8,1326,2L1.2\n"
        '18,113(b),"2A2.2 (for offenses committed prior to 1994)"\n'
    )
    made = parse_table(script.make_federal(script.read(tmp_path / script.INDEX)).encode(), "made")
    assert made == {
        "category": {
            "drug-trafficking": ["21-841(c)(1)", "21-841(c)(2)"],
            "homicide": ["18-1114"],
            "murder": ["18-1111(a)"],
            "weapons": ["18-922(a)", "18-922(b)", "18-922(c)"],
        },
        "unranked": {"immigration status": ["8-1326"]},
    }
    assert '"0911"' in script.make_ncic(script.read(tmp_path / script.NCIC))
    assert '"1203"' not in script.make_ncic(script.read(tmp_path / script.NCIC))
    monkeypatch.setattr(sys, "argv", ["make_offense_tables.py", str(tmp_path), "--check"])
    before = dict(shared_files())
    assert script.main() == 1  # not what the committed tables were made of
    assert {name: (script.DATA / name).read_bytes() for name in before} == before
