"""What the words of a charge name, as many states write them; the charges here are invented."""

from __future__ import annotations

import pytest

from engine.risk.coding import offenses
from tests.risk.records import code_of, coding


@pytest.mark.parametrize(
    ("charge", "category"),
    [
        # killing
        ("MURDER 1ST DEG", "murder"),
        ("ATT MUDER", "murder"),
        ("CRIMINAL SOLIC TO COMMIT MURDER", "murder"),
        ("SECOND DEGREE HOMICIDE", "murder"),
        ("VOL MANSL", "homicide"),
        ("AGG VEH HOMICIDE", "manslaughter"),
        ("CRIM NEG HOM", "manslaughter"),
        ("DUI MANSLAUGHTER", "manslaughter"),
        ("INVOL MANSLGHTR", "manslaughter"),
        ("DEATH BY VEHICLE", "manslaughter"),
        # sexual violence
        ("RAPE 1", "rape"),
        ("AGG CRIM SEX ASSAULT - WEAPON", "rape"),
        ("FORCIBLE SODOMY", "rape"),
        ("CSC 1ST DEGREE", "sexual-assault"),
        ("CRIM SEX ACT 3RD DEG", "sexual-assault"),
        ("GSI BY FORCE", "sexual-assault"),
        ("SEX BATT", "sexual-assault"),
        ("LEWD/LASC BATT VICT 12-15", "child-sexual-abuse"),
        ("CHILD MOLEST 1ST", "child-sexual-abuse"),
        ("LEWD ACTS W/CHLD U/14", "child-sexual-abuse"),
        ("INDEC LIB W/MINOR", "child-sexual-abuse"),
        ("INDECENT LIBERTIES W/ CHILD", "child-sexual-abuse"),
        ("SODOMY OF A CHILD", "child-sexual-abuse"),
        ("POSS CHILD PORN", "child-exploitation"),
        ("SEXUAL EXPLOITATION OF MINOR", "child-exploitation"),
        ("PHOTOGRAPHING CHILD IN OBSCENE ACT", "child-exploitation"),
        ("UNLAW SEX W/MINOR", "statutory-rape"),
        ("STAT RAPE", "statutory-rape"),
        ("HUMAN TRAFFICKING - FORCED LABOR", "human-trafficking"),
        ("SEX TRAFF OF ADULT", "human-trafficking"),
        # liberty, robbery, assault
        ("KIDNAPING - AGG", "kidnapping"),
        ("FALSE IMPRISONMENT", "kidnapping"),
        ("UNL RESTRAINT", "kidnapping"),
        ("KIDNAP FOR RANSOM", "ransom-kidnapping"),
        ("PARENTAL KIDNAPPING", "custodial-interference"),
        ("ROB 1ST: FORCIBLE THEFT-ARMED", "robbery"),
        ("ARMED ROBERRY", "robbery"),
        ("AGG ROBB W/DEADLY WPN", "robbery"),
        ("CARJACKING", "robbery"),
        ("ASSAULT W/INT TO ROB", "robbery"),
        ("ADW NOT FIREARM", "aggravated-assault"),
        ("AWDWIKISI", "aggravated-assault"),
        ("FELONIOUS ASLT", "aggravated-assault"),
        ("AGG BATT GBH", "aggravated-assault"),
        ("ASLT 2ND W/INT CAUSE PHYS INJ W/WEAPON", "aggravated-assault"),
        ("ASLT BY STRANG", "aggravated-assault"),
        ("MALICIOUS WOUNDING", "aggravated-assault"),
        ("SIMPLE BATT - FAM VIOL", "assault"),
        ("ASLT 4 DV", "assault"),
        ("INFLICT CORPORAL INJ SPOUSE/COHAB", "assault"),
        ("CHILD ABUSE W/O GBH", "cruelty"),
        # drugs
        ("PWID COC", "drug-trafficking"),
        ("PWIMSD SCH II CS", "drug-trafficking"),
        ("CSCS 3RD: NARC DRUG", "drug-trafficking"),
        ("TRANSP/SELL NARC/CNTL SUB", "drug-trafficking"),
        ("VGCSA - TRAFF METH", "drug-trafficking"),
        ("MANF MARIJ", "drug-trafficking"),
        ("CULT MARIJ", "drug-trafficking"),
        ("POSS CNTL SUB W/O PRESCRIPTION", "drug-possession"),
        ("CPCS 7TH", "drug-possession"),
        ("POSS DRUG PARA", "drug-possession"),
        ("VUCSA", "drugs-unspecified"),
        # weapons, threats, property
        ("UPF BY FELON", "weapons"),
        ("CPW 2ND: LOADED FIREARM", "weapons"),
        ("FELON IN POSS OF FA", "weapons"),
        ("CCW", "weapons"),
        ("TERR THREATS", "threat"),
        ("CRIMINAL THREATS", "threat"),
        ("AGG STALKING", "stalking"),
        ("BOMB THREAT", "bomb-threat"),
        ("BURG 2 DEG-DWELLING", "burglary"),
        ("FELONY B&E", "burglary"),
        ("BURGL OF CONVEYANCE", "larceny"),
        ("GRAND THEFT AUTO", "vehicle-theft"),
        ("UUMV", "vehicle-theft"),
        ("THEFT BY RECEIVING STOLEN PROP", "stolen-property"),
        ("PETIT LARC", "larceny"),
        ("GRAPE THEFT", "larceny"),
        ("SHOPLIFT", "larceny"),
        ("FORG 2ND", "forgery"),
        ("ID THEFT", "fraud"),
        ("CC ABUSE", "fraud"),
        ("THEFT BY CHECK", "bad-check"),
        ("CRIM MISCH 4TH", "property"),
        ("ARSON 2", "arson"),
        # the rest
        ("DUII", "impaired-driving"),
        ("OVI REFUSAL W/PRIOR", None),
        ("OWI 2ND OFFENSE", "impaired-driving"),
        ("DWLS 3", "traffic"),
        ("HIT & RUN W/INJ", "hit-and-run"),
        ("ACCIDENT INVOLVING INJ OR DEATH", "hit-and-run"),
        ("RESIST PEACE OFCR", "obstruction"),
        ("EVAD ARST DET W/VEH", "obstruction"),
        ("TAMPERING W/WITNESS", "obstruction"),
        ("FTA", "court-order"),
        ("VOP", "court-order"),
        ("FTR AS SEX OFFENDER", "registration"),
        ("SEX OFF FAIL TO REGISTER", "registration"),
        ("ESCAPE 2", "escape"),
        ("DISORD COND", "public-order"),
        ("CRIM TRESP", "public-order"),
        ("PROSTITUTION", "public-order"),
        ("OPEN CONTAINER", "regulatory"),
        # the degree, the instrument and the place tell
        ("IND ASSLT PERS LESS 13 YRS AGE", "child-sexual-abuse"),
        ("IND ASSLT FORCIBLE COMPULSION", "sexual-assault"),
        ("IND ASSLT W/O CONS OF OTHER", "sexual-assault"),
        ("ASSAULT 1", "aggravated-assault"),
        ("ASSAULT-1", "aggravated-assault"),
        ("ASSLT 2ND", "aggravated-assault"),
        ("ASLT 2D", "aggravated-assault"),
        ("ASSAULT OF A CHILD 1", "aggravated-assault"),
        ("ASSAULT 3", "assault"),
        ("ASSAULT 4TH DEGREE", "assault"),
        ("ASSAULT 2 COUNTS", "assault"),
        ("DOMESTIC ASSAULT 2ND OFFENSE", "assault"),
        ("DOMESTIC ASSAULT 2ND", None),  # the degree, or the second time
        ("DEL CONTR SUBST TO INMATE/CORR", None),
        ("DELIVERY OF CONTROLLED SUBSTANCE IN CORRECTIONAL FACILITY", None),
        ("POSS WID CDS", "drug-trafficking"),
        ("DRUG DELIVERY RESULTING IN DEATH", None),
        ("KIDNAP CUSTODIAN OF CHILD", "kidnapping"),
        ("KIDNAPPING - REMOVAL OF CHILD BY PARENT", "custodial-interference"),
        ("CUSTODIAL INTERFERENCE W/ KIDNAPPING", None),
        ("STATUTORY RAPE BY FORCE", None),
        ("STATUTORY RAPE - NO FORCE", "statutory-rape"),
        ("HOME INVASION", None),
        ("HOME INVASION ROBBERY", "robbery"),
        ("NON-NEG MANSLAUGHTER", "homicide"),
        ("NEG MANSLAUGHTER", "manslaughter"),
        ("1ST DEG INT HOMICIDE", "murder"),
        ("DELIBERATE HOMICIDE", "murder"),
        ("MITIGATED DELIBERATE HOMICIDE", "homicide"),
        ("AGG HOMICIDE", "murder"),
        ("VEHICULAR HOMICIDE / MURDER", "murder"),
        ("POSS ASSAULT WEAPON", "weapons"),
        ("ASSAULT RIFLE POSSESSION", "weapons"),
        ("AGG ASSAULT W/ ASSAULT RIFLE", "aggravated-assault"),
        ("AGG ASLT W/DEAD WEAP", "aggravated-assault"),
        ("POSS FIREARM BY FELON CONV OF ROBBERY", None),
        ("PETTY THEFT W/PRIOR ROBBERY CONV", None),
        ("FAIL TO REPORT ROBBERY", None),
        ("PURSE SNATCHING NO FORCE", "larceny"),
        ("FORCIBLE PURSE SNATCHING", "robbery"),
        ("ABDUCTION OF PET", None),
        ("STATUTORY RAPE; CHILD MOLESTATION", None),
        ("STATUTORY RAPE / RAPE", None),
        ("ROBBERY, VICTIM KILLED", None),
        ("RECEIVING STOLEN PROPERTY; VICTIM KILLED", None),
        ("FETICIDE", None),  # an attack, or an abortion
        ("ＭＵＲＤＥＲ", "murder"),
        # words that name two, or none: a person reads
        ("ROBBERY / MURDER", None),
        ("BURG HAB W/INT TO COMMIT SEX ASLT", None),
        ("FALSE REPORT OF KIDNAPPING", None),
        ("FAILURE TO APPEAR - BURGLARY", None),
        ("TAMPERING W/ WITNESS - MURDER", None),
        ("POSS FA DURING DRUG TRAFF", None),
        ("ORGANIZED CRIMINAL ACTIVITY", None),
        ("EVADING ARREST CAUSING DEATH", None),
        ("DISORDERLY CONDUCT - KILLING", None),
        ("INDECENCY W/CHILD BY EXPOSURE", None),
        ("ZZQX 12", None),
        ("", None),
    ],
)
def test_words_of_a_charge(charge: str, category: str | None) -> None:
    assert code_of(charge=charge) == category


GRAVE = (
    "MURDER", "HOMICIDE", "MANSLAUGHTER", "KILLING", "RAPE", "SEXUAL ASSAULT", "SODOMY",
    "MOLESTATION", "KIDNAPPING", "ABDUCTION", "HOSTAGE", "UNLAWFUL RESTRAINT", "ROBBERY",
    "CARJACKING", "TRAFFICKING", "TERRORISM", "SALE OF HEROIN", "INTENT TO DISTRIBUTE",
)  # fmt: skip
LESSER = (
    "DISORDERLY CONDUCT", "THEFT", "TRESPASS", "SHOPLIFTING", "FAILURE TO APPEAR", "PERJURY",
    "RECKLESS DRIVING", "HARASSMENT", "CRIMINAL MISCHIEF", "FORGERY", "OPEN CONTAINER", "DWI",
    "BURGLARY", "POSS OF FIREARM", "PROBATION VIOLATION", "ESCAPE", "GAMBLING", "INDECENT EXPOSURE",
)  # fmt: skip


@pytest.mark.parametrize("grave", GRAVE)
def test_the_worst_never_hides_behind_lesser_words(grave: str) -> None:
    table = offenses()
    for lesser in LESSER:
        for charge in (f"{lesser} {grave}", f"{grave} / {lesser}", f"{lesser} - {grave} ZZQX"):
            found = coding(charge=charge)
            assert found.ranks, charge
            assert found.category is None or table.categories[found.category.id].grave, charge


@pytest.mark.parametrize("form", ["ATT ", "CONSP TO COMMIT ", "SOLIC TO COMMIT ", "ACCESSORY TO "])
@pytest.mark.parametrize("charge", ["MURDER", "AGG ROBBERY", "KIDNAPPING", "RAPE", "ARSON"])
def test_an_attempt_keeps_the_category(form: str, charge: str) -> None:
    found = coding(charge=form + charge)
    assert found.category == coding(charge=charge).category
    assert found.traits.inchoate


@pytest.mark.parametrize(
    "charge",
    [
        "SODOMY", "CONSENSUAL SODOMY", "HOMOSEXUAL CONDUCT", "CRIME AGAINST NATURE",
        "UNNATURAL ACT", "SODOMY BETWEEN ADULTS", "ABORTION", "CRIM ABORTION", "ILLEGAL ENTRY",
        "ILLEGAL RE-ENTRY", "REENTRY AFTER DEPORTATION", "REENTRY OF REMOVED ALIEN",
        "UNLAWFUL PRESENCE", "IMMIGRATION DETAINER", "ALIEN SMUGGLING",
        "HARBORING ILLEGAL ALIENS", "DEVIATE SEXUAL INTERCOURSE", "DEVIATE SEXUAL CONDUCT",
        "DEVIATE SEXUAL INTERCOURSE WITH SAME SEX", "VOLUNTARY DEVIATE SEXUAL INTERCOURSE",
        "CONSENSUAL DEVIATE SEXUAL CONDUCT", "LOITERING FOR HOMOSEXUAL PURPOSES",
        "LEWDNESS HOMOSEXUAL", "SODOMY BETWEEN MEN", "GROSS INDECENCY BETWEEN MALES",
        "GROSS INDECENCY BETWEEN MALE AND FEMALE", "HOMOSEXUAL ACT WITH MAN",
        "DISTRIBUTION OF ABORTION DRUGS", "MANUFACTURE ABORTION DRUG", "POSSESSION ABORTION DRUGS",
        "ABORTION BY UNLICENSED", "PROCURE MISCARRIAGE", "SELF-INDUCED ABORTION",
        "ENTRY WITHOUT INSPECTION", "FALSE STATEMENT IMMIGRATION", "VISA FRAUD",
        "MARRIAGE FRAUD IMMIGRATION", "ICE HOLD", "ICE DETAINER", "INS HOLD", "HOLD FOR INS/ICE",
        "UNDOCUMENTED ALIEN", "HARBOR ALIEN", "CONSPIRACY TO HARBOR ALIENS",
        "REENTRY DEPORTED ALIEN", "ALIEN REGISTRATION",
    ],
)  # fmt: skip
def test_words_of_status_or_conduct_never_rank_by_themselves(charge: str) -> None:
    found = coding(charge=charge)
    assert (found.category, found.ranks) == (None, False)
    assert "do not rank by themselves" in found.why


@pytest.mark.parametrize(
    "charge",
    [
        "SODOMY BY FORCE", "SODOMY W/CHILD UNDER 12", "SODOMY FIRST DEGREE", "SODOMY - KNIFE",
        "ILLEGAL ENTRY OF A DWELLING", "ILLEGAL REENTRY / MURDER", "ABORTION DEATH OF PATIENT",
        "ALIEN SMUGGLING CAUSING DEATH", "UNLAWFUL ENTRY", "SMUGGLING OF PERSONS",
        "INVOLUNTARY DEVIATE SEXUAL INTERCOURSE", "DEVIATE SEXUAL INTERCOURSE BY FORCE",
        "DEVIATE SEXUAL CONDUCT WITH A CHILD", "SODOMY WITH MALE 12 YEARS OLD",
        "SODOMY WITH FEMALE AGE 15", "HOMOSEXUAL ACT WITH BOY", "ABORTION BY FORCE",
        "ABORTION WITHOUT CONSENT", "HARBOR ALIEN AT GUNPOINT", "VISA FRAUD / ROBBERY",
        "POSS FIREARM BY ILLEGAL ALIEN", "ICE HOLD; THEFT",
    ],
)  # fmt: skip
def test_more_than_status_or_conduct_is_never_dropped(charge: str) -> None:
    assert coding(charge=charge).ranks


ADULTS = ("MAN", "WOMAN", "MEN", "WOMEN", "MALE", "FEMALE", "MALES", "FEMALES")
SPOUSES = ("WIFE", "HUSBAND", "SPOUSE")
MINORS = ("BOY", "GIRL", "BOYS", "GIRLS", "CHILD", "CHILDREN", "SON", "DAUGHTER")
ACTS = (
    "ASSAULT ON", "AGG ASSAULT ON", "ASSAULT AND BATTERY OF", "RAPE OF", "FORCIBLE RAPE OF",
    "SEXUAL ASSAULT OF", "SODOMY WITH", "SODOMY BY FORCE ON", "DEVIATE SEXUAL INTERCOURSE WITH",
    "HOMOSEXUAL ACT WITH", "TRAFFICKING OF", "SMUGGLING OF", "KIDNAPPING OF", "ABDUCTION OF",
    "FALSE IMPRISONMENT OF", "ROBBERY OF", "MURDER OF", "MANSLAUGHTER OF", "CRUELTY TOWARD",
    "CRUELTY TO", "STALKING OF", "HARASSMENT OF", "TERRORISTIC THREAT TO", "THREAT TO KILL",
    "SEX OFFENSE AGAINST", "INDECENT EXPOSURE TO", "INDECENT ASSAULT ON", "LEWD ACTS WITH",
    "FONDLING OF", "SALE OF HEROIN TO", "MOLESTATION OF", "SEDUCTION OF", "INJURY TO", "NEGLECT OF",
    "ASSAULT 1 ON", "STRANGULATION OF", "ENDANGERING", "GROSS INDECENCY WITH", "ABORTION ON",
)  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("alike", [ADULTS, SPOUSES, MINORS])
def test_the_sex_of_the_victim_changes_nothing(act: str, alike: tuple[str, ...]) -> None:
    for form in (f"{act} {{}}", f"{act} A {{}}", f"{{}} - {act}"):
        found = [coding(charge=form.format(victim)) for victim in alike]
        assert len({(one.category, one.ranks, one.traits) for one in found}) == 1, form


@pytest.mark.parametrize("act", [act for act in ACTS if not act.startswith("ABORTION")])
def test_nor_does_the_age_of_an_adult(act: str) -> None:
    found = {
        (one.category, one.ranks, one.traits)
        for victim in ("MAN", "MAN 25 YEARS OLD", "WOMAN AGE 40", "FEMALE, AGE 70", "MALE 33 YOA")
        for one in [coding(charge=f"{act} {victim}")]
    }
    assert len(found) == 1
