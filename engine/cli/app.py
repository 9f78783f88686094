"""The application: its verbs, its common options, its version."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from engine.cli import (
    access,
    audit,
    calibrate,
    enrol,
    examine,
    gallery,
    identify,
    keys,
    queue,
    records,
    retention,
    sample,
    serve,
    severity,
    stats,
)
from engine.cli.exits import HELP
from engine.cli.session import (
    DatabaseOption,
    HomeOption,
    JsonOption,
    KeysOption,
    QuietOption,
    Session,
)
from engine.settings import THREAD_VARIABLES

app = typer.Typer(
    name="tenprint",
    help="Fingerprint identification: enrol prints, search them, and see candidates in the order "
    "in which to examine them. Candidates are proposals: people decide.",
    epilog=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verbs in (enrol, identify, queue, stats, calibrate, examine, severity, sample, serve):
    verbs.add_to(app)
app.add_typer(gallery.app, name="gallery")
app.add_typer(records.app, name="records")
app.add_typer(keys.app, name="keys")
app.add_typer(severity.app, name="policy")
app.add_typer(access.app, name="access")
app.add_typer(audit.app, name="audit")
app.add_typer(retention.app, name="retention")


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        typer.echo(f"tenprint {version('tenprint')}")
    except PackageNotFoundError:
        typer.echo("tenprint, from a source tree that is not installed")
    raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    home: HomeOption = None,
    database: DatabaseOption = None,
    key_file: KeysOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Options that may stand before or after the verb."""
    context.obj = Session(home, database, key_file, as_json, quiet)


def main() -> None:
    """The entry point of `tenprint`."""
    for name in THREAD_VARIABLES:  # no verb has loaded NumPy yet
        os.environ.setdefault(name, "1")
    app()
