"""One run of a verb: where its words go, how its errors end it, and the service it calls."""

from __future__ import annotations

import functools
import inspect
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.exits import Exit
from engine.errors import InputError, TenprintError

if TYPE_CHECKING:  # the verbs load these when they run, so that --help is quick
    from rich.console import Console, RenderableType

    from engine.service.results import Progress, Rejected, Use
    from engine.service.tenprint import Tenprint

FILE_WIDTH = 160  # columns of a table that goes to a file
SHOWN_REJECTED = 20  # lines on the terminal; --json has them all

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        help="Folder of the database and its indexes.",
        show_default="TENPRINT_HOME, else ~/.local/share/tenprint",
        file_okay=False,
    ),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="PostgreSQL database, as postgresql://USER@HOST:PORT/NAME.",
        show_default="TENPRINT_DATABASE, else SQLite in the home folder",
    ),
]
KeysOption = Annotated[
    Path | None,
    typer.Option(
        "--keys",
        metavar="FILE",
        help="Keys that templates and images are sealed with (tenprint keys new).",
        show_default="TENPRINT_KEYS, else none: nothing is sealed",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else.")
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no notes on standard error.")
]


@dataclass
class Session:
    """What every verb needs. exit: the code that the run ends with."""

    home: Path | None = None
    database: str | None = field(default=None, repr=False)  # may have a password in it
    keys: Path | None = None
    json: bool = False
    quiet: bool = False
    exit: Exit = Exit.DONE
    _answered: bool = field(default=False, init=False)

    def open(self, searchers: int = 0) -> Tenprint:
        """The service on the home folder and the database. searchers: processes that compare."""
        from engine.service.tenprint import Tenprint

        return Tenprint(self.home, database=self.database, keys=self.keys, searchers=searchers)

    def use(
        self,
        jurisdiction: str = "",
        purpose: str = "",
        source: Sequence[Path] = (),
        case_id: str = "",
    ) -> Use:
        """Who asks and why, for the journal; the operator is who is logged in."""
        from engine.service.inputs import legible
        from engine.service.results import Use

        operator = os.environ.get("USER") or os.environ.get("LOGNAME") or ""
        files = " ".join(map(legible, source))
        return Use(jurisdiction, purpose, operator, files, case_id, origin="cli")

    def answer(self, document: Any, *shown: RenderableType) -> None:
        """The answer: as JSON, or as what people read."""
        self._answered = True
        if self.json:
            typer.echo(json.dumps(document, indent=2, default=str))
        else:
            self.show(*shown)

    def show(self, *shown: RenderableType) -> None:
        """Prints for people, on standard output."""
        for item in shown:
            _console().print(item, soft_wrap=isinstance(item, str))

    def note(self, text: str) -> None:
        """Tells something beside the answer, on standard error."""
        if not self.quiet:
            typer.echo(text, err=True)

    def reject(self, rejected: Sequence[Rejected], done: int) -> None:
        """Tells what was refused, and lets the exit code say so. done: inputs that were not."""
        for item in rejected[:SHOWN_REJECTED]:
            typer.echo(f"rejected  {item.source}: {item.reason}", err=True)
        if len(rejected) > SHOWN_REJECTED:
            more = len(rejected) - SHOWN_REJECTED
            typer.echo(f"rejected  {more} more; --json lists them all", err=True)
        if rejected:
            self.exit = Exit.SOME_REJECTED if done else Exit.NOTHING_DONE

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        """A bar on standard error, for long work: call it with (done, in all)."""
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=_console(stderr=True),
            disable=self.quiet,
            transient=True,
        )
        with bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def fail(self, error: TenprintError) -> None:
        """Tells an error in one line; in JSON the answer is the error."""
        self._answer_with_error(type(error).__name__, str(error))
        typer.secho(f"tenprint: {error}", err=True, fg=typer.colors.RED)
        self.exit = Exit.NOTHING_DONE if isinstance(error, InputError) else Exit.FAILED

    def interrupt(self) -> None:
        """Tells that the run was ended from outside."""
        words = "interrupted; what was done stays, run it again to go on"
        self._answer_with_error("Interrupted", words)
        typer.echo(words, err=True)
        self.exit = Exit.INTERRUPTED

    def crash(self, error: Exception) -> None:
        """Tells a defect of Tenprint itself, which must not look like the answer of a verb."""
        words = f"{type(error).__name__}: {error}"
        self._answer_with_error("Defect", words)
        typer.echo(traceback.format_exc(), err=True)
        typer.secho(f"tenprint: {words}; please report this", err=True, fg=typer.colors.RED)
        self.exit = Exit.FAILED

    def _answer_with_error(self, kind: str, message: str) -> None:
        if self.json and not self._answered:
            self.answer({"error": {"kind": kind, "message": message}})


def verb(app: typer.Typer, name: str, example: str) -> Callable[[Callable[..., None]], None]:
    """Registers `function(session, ...)` as a verb with --home, --database, --keys, --json and
    --quiet, its example in --help, and its errors told in a line and an exit code."""

    def register(function: Callable[..., None]) -> None:
        @functools.wraps(function)
        def run(
            context: typer.Context,
            home: Path | None,
            database: str | None,
            key_file: Path | None,
            as_json: bool,
            quiet: bool,
            **options: Any,
        ) -> None:
            common: Session = context.obj
            session = Session(
                home or common.home,
                database or common.database,
                key_file or common.keys,
                as_json or common.json,
                quiet or common.quiet,
            )
            level = logging.ERROR if session.quiet else logging.WARNING
            logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)
            try:
                function(session, **options)
            except TenprintError as error:
                session.fail(error)
            except (KeyboardInterrupt, typer.Abort):
                session.interrupt()
            except (typer.Exit, typer.BadParameter):
                raise
            except Exception as error:
                session.crash(error)
            raise typer.Exit(session.exit)

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        keyword = inspect.Parameter.KEYWORD_ONLY
        shared = [
            inspect.Parameter("context", keyword, annotation=typer.Context),
            inspect.Parameter("home", keyword, default=None, annotation=HomeOption),
            inspect.Parameter("database", keyword, default=None, annotation=DatabaseOption),
            inspect.Parameter("key_file", keyword, default=None, annotation=KeysOption),
            inspect.Parameter("as_json", keyword, default=False, annotation=JsonOption),
            inspect.Parameter("quiet", keyword, default=False, annotation=QuietOption),
        ]
        parameters = [parameter.replace(kind=keyword) for parameter in own] + shared
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {item.name: item.annotation for item in parameters}
        app.command(name, epilog=f"Example:  {example}")(run)

    return register


def make_parent(path: Path) -> None:
    """Makes the folder of an output file before the work begins; TenprintError where it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TenprintError(f"{path} cannot be written: {error.strerror}") from error


def write_file(path: Path, content: bytes) -> None:
    """Writes an output file; TenprintError where that is not possible."""
    make_parent(path)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise TenprintError(f"{path} cannot be written: {error.strerror}") from error


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else FILE_WIDTH
    return Console(stderr=stderr, highlight=False, markup=False, width=width)
