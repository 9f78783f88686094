"""Every code has one explicit outcome, and nothing ranks by what it says about a person."""

from __future__ import annotations

import tomllib

import pytest

from engine.errors import PolicyError
from engine.risk.coding import Coding, code, offenses, read_offenses
from engine.risk.tables import DATA, shared_files
from engine.risk.traits import Traits
from tests.risk.records import code_of, coding, record

TITLES = sorted(offenses().titles.items())

NCIC_CODES = 464  # NIEM 5.0, OFFCodeSimpleType
NIBRS_CODES = 62  # NIEM 4.1
STATUS = ("0301", "0302", "0303", "0399", "8003", "8004", "8005")
ABORTION = ("1401", "1402", "1403", "1404", "1499")
SAME_SEX = ("3602", "3603", "3609", "3610", "4003")
VICTIM = tuple(str(number) for number in range(1104, 1116))


def test_every_ncic_code_has_one_outcome() -> None:
    table = offenses()
    outcomes = [*table.by_code, *table.review, *table.unranked]
    assert len(outcomes) == len(set(outcomes)) == NCIC_CODES


def test_every_nibrs_code_has_one_outcome() -> None:
    table = offenses()
    outcomes = [*table.nibrs, *table.nibrs_review, *table.nibrs_unranked]
    assert len(outcomes) == len(set(outcomes)) == NIBRS_CODES


@pytest.mark.parametrize("number", STATUS + ABORTION + SAME_SEX)
def test_codes_that_name_status_or_conduct_never_rank_by_themselves(number: str) -> None:
    found = coding(ncic=number)
    assert found.category is None
    assert not found.ranks
    assert "does not rank by itself" in found.why


@pytest.mark.parametrize("number", STATUS + ABORTION + SAME_SEX)
def test_such_a_record_still_ranks_by_what_else_it_says(number: str) -> None:
    assert code_of(ncic=number, charge="AGGRAVATED ROBBERY") == "robbery"
    assert code_of(ncic=number, nibrs="13B") == "assault"
    assert code_of(ncic=number, statute="18 USC 2119") == "robbery"


@pytest.mark.parametrize("number", STATUS + ABORTION + SAME_SEX)
def test_such_a_record_is_not_dropped_where_the_words_may_mean_the_worst(number: str) -> None:
    assert coding(ncic=number, charge="ROBBERY / MURDER").ranks
    assert coding(ncic=number, charge="DEATH OF A PASSENGER").ranks


@pytest.mark.parametrize("number", VICTIM)
def test_codes_of_the_victims_sex_and_age_are_left_to_a_person(number: str) -> None:
    found = coding(ncic=number)
    assert found.category is None
    assert found.ranks
    assert "sex and age; it does not rank by itself" in found.why
    assert code_of(ncic=number, charge="RAPE") == "rape"
    assert code_of(ncic=number, nibrs="11B") == "rape"
    assert code_of(ncic=number, statute="18 USC 2241(a)") == "rape"


@pytest.mark.parametrize(
    "alike",
    [
        VICTIM,
        ("1118", "1119", "1198"),
        ("1120", "1121", "1199"),
        ("1001", "1002"),
        ("1003", "1004"),
        ("1005", "1006"),
        ("3614", "3615", "3605"),
        ("3620", "3621", "3699"),
        ("3802", "3803", "3809", "3810"),
        ("3806", "3811", "3812"),
        ("0901", "0903", "0905", "0907", "0911"),
        ("1301", "1304", "1307", "1310", "1314"),
        ("1302", "1305", "1308", "1311", "1315"),
    ],
)
def test_who_the_victim_is_changes_nothing(alike: tuple[str, ...]) -> None:
    found = [coding(ncic=number) for number in alike]
    assert len({one.category for one in found}) == 1
    weapons = {one.traits for one, number in zip(found, alike, strict=True) if number not in VICTIM}
    assert len(weapons) <= 1


@pytest.mark.parametrize(
    ("number", "category"),
    [
        ("0911", "murder"),
        ("0909", "manslaughter"),
        ("1201", "robbery"),
        ("1313", "assault"),
        ("1314", "aggravated-assault"),
        ("2606", "bad-check"),
        ("3510", "drug-trafficking"),
        ("3512", "drug-possession"),
        ("3513", "drugs-unspecified"),
        ("3605", "indecency"),
        ("5499", "traffic"),
    ],
)
def test_codes_and_their_categories(number: str, category: str) -> None:
    assert code_of(ncic=number) == category


@pytest.mark.parametrize(
    ("number", "category", "ranks"),
    [
        ("09A", "murder", True),
        ("11B", "rape", True),
        ("11d", "sexual-assault", True),
        ("35A", "drugs-unspecified", True),
        ("36A", None, True),  # says not whether the other was a minor
        ("370", None, True),
        ("90Z", None, True),
        ("09C", None, False),
    ],
)
def test_nibrs_codes(number: str, category: str | None, ranks: bool) -> None:
    found = coding(nibrs=number)
    assert (found.category.id if found.category else None, found.ranks) == (category, ranks)


@pytest.mark.parametrize(
    ("fields", "category", "field"),
    [
        ({"ncic": "1201", "nibrs": "13A", "charge": "THEFT"}, "robbery", "ncic"),
        ({"nibrs": "120", "statute": "18 USC 1343", "charge": "THEFT"}, "robbery", "nibrs"),
        ({"ncic": "9999", "statute": "18 USC 1343", "charge": "THEFT"}, "fraud", "statute"),
        ({"ncic": "9999", "statute": "18 USC 99999", "charge": "THEFT"}, "larceny", "charge"),
        ({"ncic": "7099", "charge": "THEFT"}, "larceny", "charge"),
        ({"ncic": "2303", "charge": "VANDALISM"}, "larceny", "ncic"),
    ],
)
def test_the_first_field_that_tells_decides(
    fields: dict[str, str], category: str, field: str
) -> None:
    found = coding(**fields)
    assert found.category is not None
    assert (found.category.id, found.field) == (category, field)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"ncic": "5499", "charge": "MURDER"}, ("NCIC 5499: traffic offense", "killing")),
        ({"ncic": "2303", "charge": "ROBBERY / MURDER"}, ("NCIC 2303", "robbery")),
        ({"nibrs": "90C", "charge": "FORCIBLE RAPE"}, ("NIBRS 90C", "rape")),
        ({"statute": "18 USC 1343", "charge": "KIDNAPPING"}, ("US 18-1343", "kidnapping")),
        ({"ncic": "5499", "nibrs": "09A"}, ("NCIC 5499", "NIBRS 09A")),
        ({"ncic": "1313", "charge": "AGG ASLT W/ DEADLY WPN"}, ("NCIC 1313", "aggravated")),
        ({"ncic": "1315", "charge": "ATTEMPTED MURDER"}, ("NCIC 1315", "killing")),
    ],
)
def test_where_the_words_name_something_graver_nobody_guesses(
    fields: dict[str, str], says: tuple[str, str]
) -> None:
    found = coding(**fields)
    assert found.category is None
    assert found.ranks
    assert "disagree" in found.why
    assert all(words in found.why for words in says)


@pytest.mark.parametrize(
    ("fields", "category"),
    [
        ({"ncic": "0999", "charge": "MURDER"}, "murder"),
        ({"nibrs": "35A", "charge": "DELIVERY OF COCAINE"}, "drug-trafficking"),
        ({"nibrs": "35A", "charge": "POSS COCAINE"}, "drug-possession"),
        ({"ncic": "1399", "charge": "AGG ASSAULT"}, "aggravated-assault"),
        ({"ncic": "3699", "charge": "SEXUAL ASSAULT OF A CHILD"}, "child-sexual-abuse"),
        ({"ncic": "0911", "charge": "HOMICIDE"}, "murder"),
    ],
)
def test_another_field_says_what_a_code_leaves_open(fields: dict[str, str], category: str) -> None:
    assert code_of(**fields) == category


@pytest.mark.parametrize(
    "fields",
    [
        # the words name the code's own offense and a graver one
        {"ncic": "2202", "charge": "BURGLARY; MURDER"},
        {"ncic": "1313", "charge": "ASSAULT/MURDER"},
        {"ncic": "5404", "charge": "DUI / MURDER"},
        {"ncic": "4801", "charge": "RESISTING OFFICER; MURDER"},
        {"ncic": "2399", "charge": "LARCENY / KIDNAPPING"},
        {"ncic": "2001", "charge": "ARSON AND MURDER"},
        {"ncic": "2202", "charge": "HOME INVASION ROBBERY"},
        {"ncic": "2202", "charge": "BURGLARY W/INT TO COMMIT SEXUAL ASSAULT"},
        {"statute": "PC 484", "jurisdiction": "CA", "charge": "THEFT; RAPE"},
        {"ncic": "1316", "charge": "RECEIVING STOLEN PROPERTY; VICTIM KILLED"},
        # words of the worst that no rule reads
        {"ncic": "3806", "charge": "CHILD ABUSE RESULTING IN DEATH"},
        {"ncic": "1313", "charge": "ASSAULT, VICTIM KILLED"},
        {"ncic": "5401", "charge": "HIT AND RUN FATAL"},
        {"ncic": "5309", "charge": "ASSASSINATION"},
        {"ncic": "2399", "charge": "LARCENY, VICTIM KILLED"},
        {"ncic": "1299", "charge": "ROBBERY, VICTIM KILLED"},
        {"ncic": "2202", "charge": "HOME INVASION"},
        # the same kind, but graver
        {"ncic": "0909", "charge": "MURDER 1ST DEGREE"},
        {"nibrs": "09B", "charge": "MURDER 1ST DEGREE"},
        {"statute": "PL 125.10", "jurisdiction": "NY", "charge": "MURDER 1ST DEGREE"},
        {"ncic": "1116", "charge": "FORCIBLE RAPE"},
        {"nibrs": "36B", "charge": "RAPE"},
        {"ncic": "3699", "charge": "HUMAN TRAFFICKING"},
        {"ncic": "1099", "charge": "KIDNAPPING FOR RANSOM"},
        # the code of a rape, and words that name no force
        {"nibrs": "11B", "charge": "CONSENSUAL SODOMY"},
        {"ncic": "1198", "statute": "PC 21.06", "jurisdiction": "TX"},
        {"ncic": "0999", "charge": "ABORTION"},
    ],
)
def test_where_anything_graver_is_said_a_person_reads(fields: dict[str, str]) -> None:
    found = coding(**fields)
    assert (found.category, found.ranks) == (None, True)


# A charge for each of these categories; for the codes and statutes, the tables have one.
CHARGES = {
    "murder": "MURDER", "terrorism": "ACT OF TERRORISM", "national-security": "TREASON",
    "homicide": "HOMICIDE", "rape": "RAPE", "child-sexual-abuse": "CHILD MOLESTATION",
    "child-exploitation": "CHILD PORNOGRAPHY", "ransom-kidnapping": "KIDNAPPING FOR RANSOM",
    "kidnapping": "KIDNAPPING", "human-trafficking": "HUMAN TRAFFICKING",
    "sexual-assault": "SEXUAL ASSAULT", "statutory-rape": "STATUTORY RAPE", "robbery": "ROBBERY",
    "aggravated-assault": "AGG ASSAULT", "manslaughter": "VEHICULAR HOMICIDE",
    "sex-offense": "SEX OFFENSE", "drug-trafficking": "SALE OF HEROIN", "larceny": "THEFT",
    "traffic": "RECKLESS DRIVING", "assault": "SIMPLE ASSAULT", "burglary": "BURGLARY",
    "public-order": "DISORDERLY CONDUCT", "weapons": "CCW", "drug-possession": "POSS OF HEROIN",
    "indecency": "INDECENT EXPOSURE", "impaired-driving": "DUI", "hit-and-run": "HIT AND RUN",
    "cruelty": "CRUELTY TO CHILD", "neglect": "CHILD NEGLECT", "obstruction": "RESISTING ARREST",
    "threat": "CRIMINAL THREATS",
}  # fmt: skip


def one_of_each() -> dict[str, dict[str, str]]:
    """By field and category: a value that alone is coded as that."""
    table = offenses()
    federal = {
        name: f"{key[3:].replace('-', ' USC ', 1)}"
        for key, name in table.statutes.category.items()
        if name and key.startswith("US ")
    }
    return {
        "ncic": {one.id: number for number, one in table.by_code.items()},
        "nibrs": {one.id: number for number, one in table.nibrs.items()},
        "statute": federal,
        "charge": CHARGES,
    }


def is_less(found: Coding, said: str) -> bool:
    """Was the offense coded as less than the grave one that was said of it?"""
    grave, out = offenses().categories[said], found.category
    if out is None:
        return not found.ranks
    lesser = not out.grave or out.order > grave.order
    return grave.grave and lesser and out.id not in grave.narrower


def test_no_two_fields_are_coded_as_the_lesser_of_both() -> None:
    fields = one_of_each()
    names = list(fields)
    for place, first in enumerate(names):
        for one, value in fields[first].items():
            assert code_of(**{first: value}) == one
            for second in names[place + 1 :]:
                for two, other in fields[second].items():
                    found = coding(**{first: value, second: other})
                    assert not is_less(found, one), (value, other)
                    assert not is_less(found, two), (value, other)


def test_no_lesser_code_hides_the_graver_of_two_offenses_in_words() -> None:
    table = offenses()
    grave = [name for name in CHARGES if table.categories[name].grave]
    lesser = [name for name in CHARGES if not table.categories[name].grave]
    for one, number in one_of_each()["ncic"].items():
        if table.categories[one].grave:
            continue
        for worst in grave:
            for other in {*lesser, one} & {*CHARGES}:
                charge = f"{CHARGES[other]} / {CHARGES[worst]}"
                assert not is_less(coding(ncic=number, charge=charge), worst), (number, charge)


@pytest.mark.parametrize(("code_", "title"), TITLES)
def test_a_codes_own_title_adds_nothing(code_: tuple[str, str], title: str) -> None:
    field, number = code_
    alone, titled = coding(**{field: number}), coding(**{field: number}, charge=title)
    assert (titled.category, titled.ranks) == (alone.category, alone.ranks)
    assert titled.traits == alone.traits


@pytest.mark.parametrize("number", STATUS + ABORTION + SAME_SEX + VICTIM)
def test_nor_does_a_part_of_the_title_of_a_code_that_ranks_nothing(number: str) -> None:
    alone, words = coding(ncic=number), offenses().titles["ncic", number].split()
    for length in range(1, len(words)):
        for part in (words[:length], words[length:]):
            found = coding(ncic=number, charge=" ".join(part))
            assert (found.category, found.ranks) == (alone.category, alone.ranks), part


def test_the_titles_are_those_of_all_ncic_codes() -> None:
    table = offenses()
    assert {number for field, number in table.titles if field == "ncic"} == {
        *table.by_code, *table.review, *table.unranked,
    }  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"ncic": "0301", "nibrs": "90Z"},
        {"ncic": "1401", "nibrs": "90Z"},
        {"ncic": "3610", "nibrs": "90Z"},
        {"nibrs": "90Z", "charge": "ABORTION"},
        {"nibrs": "90Z", "charge": "ILLEGAL ENTRY"},
        {"nibrs": "90Z", "charge": "HOMOSEXUAL CONDUCT"},
        {"ncic": "7099", "charge": "HOMOSEXUAL CONDUCT"},
        {"ncic": "7299", "charge": "HOMOSEXUAL CONDUCT"},
        {"nibrs": "90Z", "statute": "8 USC 1326"},
    ],
)
def test_a_code_for_anything_else_ranks_nothing_that_never_ranks(fields: dict[str, str]) -> None:
    found = coding(**fields)
    assert (found.category, found.ranks) == (None, False)
    assert coding(**{**fields, "charge": "DEATH OF A PASSENGER"}).ranks


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"statute": "PC 211"}, "names no law, and the record no jurisdiction"),
        ({"statute": "PC 999", "jurisdiction": "CA"}, "(CA PC 999) is not in the table"),
        ({"statute": "18 USC 113"}, "(US 18-113) can be several offenses"),
        ({"statute": "blah", "jurisdiction": "CA"}, "'blah' is unknown"),
        (
            {"ncic": "9999", "nibrs": "XX", "charge": "ZZ"},
            "NCIC '9999' is unknown; NIBRS 'XX' is unknown; the charge names no single offense",
        ),
        (
            {"ncic": "5499", "nibrs": "09A", "statute": "18 USC 2119", "charge": "RAPE"},
            "NCIC 5499: traffic offense, but NIBRS 09A: murder and other willful killing; "
            "US 18-2119: robbery; the words of the charge: rape and forcible sexual assault: "
            "they disagree",
        ),
    ],
)
def test_why_in_words(fields: dict[str, str], says: str) -> None:
    assert says in coding(**fields).why


def test_the_exact_code_goes_before_the_words() -> None:
    assert code_of(ncic="2303", charge="FORGERY") == "larceny"


def test_an_unknown_code_is_left_to_a_person() -> None:
    found = coding(ncic="3903")
    assert found.category is None
    assert found.ranks
    assert "unknown" in found.why


def test_a_code_that_says_too_little_is_left_to_a_person() -> None:
    assert coding(ncic="7099").ranks
    assert code_of(ncic="7099") is None


@pytest.mark.parametrize(
    ("fields", "traits"),
    [
        ({"ncic": "1204"}, Traits(violent=True, weapon=True)),
        ({"ncic": "1206"}, Traits(violent=True)),
        ({"ncic": "0911"}, Traits(violent=True, weapon=True, harm=True)),
        ({"charge": "ATT MURDER W/ KNIFE"}, Traits(True, True, inchoate="attempt")),
        ({"charge": "CONSP TO COMMIT ROBBERY"}, Traits(True, inchoate="conspiracy")),
        ({"charge": "ACCESSORY AFTER FACT - MURDER"}, Traits(True, False, True, "", "accessory")),
        ({"charge": "AIDING AND ABETTING ROBBERY"}, Traits(True, inchoate="accessory")),
        ({"charge": "UNARMED ROBBERY"}, Traits(violent=True)),
        ({"charge": "ASSAULT CAUSES BODILY INJ"}, Traits(violent=True, harm=True)),
        ({"charge": "ASSAULT, NO INJURY"}, Traits(violent=True)),
        ({"charge": "THEFT OF FIREARM"}, Traits()),
        ({"charge": "SALE OF HEROIN"}, Traits(drug="trafficking")),
        ({"charge": "POSS OF HEROIN"}, Traits(drug="possession")),
        ({"statute": "PC 664/187(a)", "jurisdiction": "CA"}, Traits(True, inchoate="attempt")),
        ({"statute": "18 USC 1113"}, Traits(True, inchoate="attempt")),
        ({"statute": "21 USC 846"}, Traits(drug="trafficking", inchoate="conspiracy")),
        ({"statute": "18 USC 1117"}, Traits(True, inchoate="conspiracy")),
        ({"charge": "ZZQX"}, Traits()),
    ],
)
def test_traits(fields: dict[str, str], traits: Traits) -> None:
    assert coding(**fields).traits == traits


def test_a_coding_is_remembered_and_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    table = read_offenses(shared_files())
    first = code(record(charge="ROBBERY"), table)
    assert code(record(record_id="another", charge="ROBBERY"), table) is first
    monkeypatch.setattr("engine.risk.coding.REMEMBERED_CODINGS", 3)
    for number in range(10):
        code(record(ncic=str(number)), table)
    assert len(table.memo) <= 3


def test_tables_of_then_code_as_they_did() -> None:
    files = dict(shared_files())
    files["offenses.toml"] = files["offenses.toml"].replace(b'"1201-1212", "1299"', b'"1299"')
    then = read_offenses(files)
    assert code(record(ncic="1201"), then).category is None
    assert code_of(ncic="1201") == "robbery"


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("offenses.toml", b'"1201-1212"', b'"0901", "1201-1212"', "two categories"),
        ("offenses.toml", b'code = "7099"', b'code = "1201"', "listed twice"),
        ("offenses.toml", b'narrower = ["murder"', b'narrower = ["nonsense"', "nonsense"),
        ("offenses.toml", b'kind = "robbery"', b'kin = "robbery"', "unknown key 'kin'"),
        ("charges.toml", b'category = "robbery"', b'category = "nonsense"', "nonsense"),
        ("charges.toml", b"%SELL%", b"%SELLS%", "no term %SELLS%"),
        ("charges.toml", b"'STALK", b"'(STALK", "no regular expression"),
        ("nibrs.toml", b'category = "murder"', b'category = "nonsense"', "nonsense"),
        ("nibrs.toml", b'category = "murder"', b"", "needs one of"),
        ("statutes.toml", b'murder = "19.02', b'murder = "19.05 19.02', "listed twice"),
        ("statutes.toml", b'murder = "19.02', b'nonsense = "19.02', "nonsense"),
        ("traits.toml", b"[words]", b"[words", "no valid TOML"),
    ],
)
def test_tables_that_do_not_hold_are_refused(name: str, old: bytes, new: bytes, says: str) -> None:
    files = dict(shared_files())
    assert old in files[name]
    files[name] = files[name].replace(old, new, 1)
    with pytest.raises(PolicyError) as caught:
        read_offenses(files)
    assert says in str(caught.value)


def test_a_missing_table_is_named() -> None:
    files = {name: text for name, text in shared_files().items() if name != "nibrs.toml"}
    with pytest.raises(PolicyError, match=r"nibrs\.toml"):
        read_offenses(files)


@pytest.mark.parametrize("name", ["ncic.toml", "federal.toml", "nibrs.toml"])
def test_tables_of_public_lists_name_source_and_licence(name: str) -> None:
    head = (DATA / name).read_text(encoding="utf-8").split("\n\n")[0]
    assert "CC BY 4.0" in head or "public domain" in head


def test_codes_with_a_weapon_are_ncic_codes() -> None:
    armed = tomllib.loads((DATA / "ncic.toml").read_text(encoding="utf-8"))["weapon"]
    table = offenses()
    assert len(armed) == len(set(armed)) > 40
    assert set(armed) <= {*table.by_code, *table.review, *table.unranked}
