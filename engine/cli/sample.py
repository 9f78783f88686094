"""`tenprint sample`: invented people with prints and records, to try everything on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import WorkersOption
from engine.cli.session import Session, verb

EXAMPLE = "tenprint sample demo/prints --persons 50 --fingers 2 --impressions 2 --seed 1"


def add_to(app: typer.Typer) -> None:
    """Registers the verb."""
    verb(app, "sample", EXAMPLE)(sample)


def sample(
    session: Session,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="An empty or new folder.", show_default=False)
    ],
    persons: Annotated[int, typer.Option(min=1, max=9999, help="Persons in all.")] = 50,
    fingers: Annotated[int, typer.Option(min=1, max=10, help="Fingers of each.")] = 2,
    impressions: Annotated[
        int,
        typer.Option(min=1, max=99, help="Prints of each finger: the first for the gallery."),
    ] = 2,
    strangers: Annotated[
        int, typer.Option(min=0, help="Persons, of these, who are not in the gallery.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same prints.")] = 1,
    workers: WorkersOption = None,
) -> None:
    """Make sample prints with their truth: people.csv, probes.csv, offenses.csv, truth.json.

    Everything is invented: no print of a real finger is used.
    """
    from engine.synthesis.people import make_prints

    with session.progress("Making prints") as on_progress:
        made = make_prints(
            folder,
            persons=persons,
            fingers=fingers,
            impressions=impressions,
            seed=seed,
            strangers=strangers,
            workers=workers,
            on_progress=on_progress,
        )
    session.answer(
        {
            "folder": str(made.folder),
            "people": str(made.people),
            "probes": str(made.probes),
            "offenses": str(made.offenses),
            "truth": str(made.truth),
            "persons": made.persons,
            "strangers": made.strangers,
            "gallery_prints": made.gallery_prints,
            "probe_prints": made.probe_prints,
        },
        f"{made.gallery_prints} prints of {made.persons - made.strangers} persons to enrol: "
        f"{made.people}, records {made.offenses}",
        f"{made.probe_prints} probes, {made.strangers} persons not in the gallery: {made.probes}",
    )
