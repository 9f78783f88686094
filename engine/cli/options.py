"""Options that several verbs have in common."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Extractor(StrEnum):
    """The extractors by name."""

    LEADER = "leader"
    GABOR = "gabor"


class Point(StrEnum):
    """The operating points of a search by name, as settings have them."""

    FAST = "fast"
    THOROUGH = "thorough"


GalleryOption = Annotated[str, typer.Option("--gallery", "-g", help="Name of the gallery.")]
ExtractorOption = Annotated[
    Extractor | None,
    typer.Option(help="Who finds the minutiae.", show_default="the gallery's own, else leader"),
]
PpiOption = Annotated[
    float | None,
    typer.Option(
        min=100, max=4000, help="Resolution of the images, whatever the files say.",
        show_default="the file's, else 500",
    ),
]  # fmt: skip
JurisdictionOption = Annotated[str, typer.Option(help="Who asks, for the journal.")]
PurposeOption = Annotated[str, typer.Option(help="What for, for the journal.")]
CaseOption = Annotated[
    str, typer.Option("--case-id", help="The case that it serves, for the journal.")
]
PolicyOption = Annotated[
    str, typer.Option(help="Severity policy that orders the hits: a name or a .toml file.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option(min=1, help="Processes that extract.", show_default="one a core"),
]
SearchOption = Annotated[
    Point,
    typer.Option(help="Compare few prints, or more and miss fewer mates; on a GPU all have a say."),
]
PathsArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PATH...", help="Images and folders of images.", show_default=False),
]
