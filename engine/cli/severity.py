"""`tenprint code`, `tenprint policy`: what offense a charge names, and the rules that rank it."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli import severity_documents as documents
from engine.cli import severity_tables as tables
from engine.cli.session import Session, verb

app = typer.Typer(help="List, read and check severity policies.", no_args_is_help=True)


def add_to(main: typer.Typer) -> None:
    """Registers the verb."""
    verb(main, "code", 'tenprint code "AGG ASLT W/ DEADLY WPN" --degree felony')(code)


def code(
    session: Session,
    charge: Annotated[
        str, typer.Argument(metavar="[CHARGE]", help="Its words.", show_default=False)
    ] = "",
    ncic: Annotated[str, typer.Option(help="NCIC code, 4 digits.")] = "",
    nibrs: Annotated[str, typer.Option(help="NIBRS code, such as 13A.")] = "",
    statute: Annotated[str, typer.Option(help="Citation, such as 'PC 211'.")] = "",
    jurisdiction: Annotated[str, typer.Option(help="Whose law, such as CA or US.")] = "",
    degree: Annotated[str, typer.Option(help="felony, misdemeanor, infraction, F, M ...")] = "",
    disposition: Annotated[str, typer.Option(help="What came of it.")] = "Convicted",
) -> None:
    """Say what offense a charge is, by which rule, and what it comes to under each policy."""
    from engine.errors import InputError
    from engine.service.charges import code_charge
    from engine.service.inputs import one_record

    given = {
        "charge": charge,
        "ncic": ncic,
        "nibrs": nibrs,
        "statute": statute,
        "jurisdiction": jurisdiction,
        "degree": degree,
        "disposition": disposition,
    }
    try:
        record = one_record(given)
    except (ValueError, InputError) as error:
        raise typer.BadParameter(str(error)) from error
    coded = code_charge(record)
    session.answer(documents.coded(coded), *tables.coded(coded))


def show_all(session: Session) -> None:
    """List the policies that come with Tenprint."""
    from engine.service.policies import list_policies, load_policy

    found = [load_policy(name) for name in list_policies()]
    session.answer({"policies": [documents.policy(each) for each in found]}, tables.policies(found))


def show_one(
    session: Session,
    policy: Annotated[
        str,
        typer.Argument(metavar="POLICY", help="A name or a .toml file.", show_default=False),
    ],
) -> None:
    """Show a policy: its rules, their sources, what counts, and when a case is overdue."""
    from engine.service.policies import load_policy

    found = load_policy(policy)
    session.answer(documents.policy(found), *tables.policy(found))


def check(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", show_default=False)],
) -> None:
    """Check a site's own policy file as it is checked when it is used."""
    from engine.service.policies import load_policy

    found = load_policy(file)
    session.answer(
        documents.policy(found),
        f"{file}: policy {found.name} {found.table} holds: {len(found.rules)} rules, "
        f"tiers {', '.join(found.tiers)}",
    )


for name, function, example in (
    ("list", show_all, "tenprint policy list"),
    ("show", show_one, "tenprint policy show harm-tiers"),
    ("check", check, "tenprint policy check our-county.toml"),
):
    verb(app, name, example)(function)
