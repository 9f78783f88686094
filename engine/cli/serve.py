"""`tenprint serve`: the service over HTTP, for other systems to call."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import PolicyOption, WorkersOption
from engine.cli.session import Session, verb

NEEDED = ("fastapi", "uvicorn", "jwt", "httpx", "prometheus_client", "cryptography")
EXAMPLE = "tenprint serve --issuer https://id.example --jwks https://id.example/keys"


def add_to(app: typer.Typer) -> None:
    """Registers the verb."""
    verb(app, "serve", EXAMPLE)(serve)


def serve(
    session: Session,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at.")] = 8443,
    issuer: Annotated[str, typer.Option(help="Who must have issued a token (iss).")] = "",
    audience: Annotated[str, typer.Option(help="For whom a token must be (aud).")] = "tenprint",
    jwks: Annotated[
        str, typer.Option(help="The issuer's keys (JSON Web Key Set): a file, or an https URL.")
    ] = "",
    insecure_development_key: Annotated[
        bool,
        typer.Option(
            "--insecure-development-key",
            help="Make a key for this process and print a token that allows everything: to try it "
            "out on this machine, never with real data.",
        ),
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option(help="TLS certificate with its chain, PEM.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Key of the certificate, PEM.")] = None,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="No TLS: a proxy before the service does it.")
    ] = False,
    callback: Annotated[
        list[str] | None,
        typer.Option(help="Origin that results may be posted to; may be repeated."),
    ] = None,
    policy: PolicyOption = "sc-2010-conviction",
    workers: WorkersOption = None,
    searchers: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Processes that compare prints; they share the galleries' memory. 0: threads.",
            show_default="one a core",
        ),
    ] = None,
    max_body: Annotated[
        int, typer.Option(min=1, max=1024, help="Largest request, in MiB.")
    ] = 16,
    purpose: Annotated[str, typer.Option(help="What every use is for, for the journal.")] = "",
) -> None:  # fmt: skip
    """Serve the OSIA ABIS interface until told to end (Ctrl-C, SIGTERM).

    Every request needs a token of the issuer with the scope of its operation. What was
    acknowledged is not lost, whatever happens to the process.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise typer.BadParameter(
            f"serving needs {', '.join(missing)}: pip install 'tenprint[service]'"
        )
    from engine.web.server import Options, cores
    from engine.web.server import serve as run

    options = Options(
        host,
        port,
        issuer,
        audience,
        jwks,
        insecure_development_key,
        certificate,
        key,
        plain_http,
        tuple(callback or ()),
        policy,
        workers,
        max_body,
        purpose,
    )
    with session.open(cores() if searchers is None else searchers) as tenprint:
        run(tenprint, options)
