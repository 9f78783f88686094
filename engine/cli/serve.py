"""`tenprint serve`: the service over HTTP, for other systems to call."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import PolicyOption, WorkersOption
from engine.cli.session import Session, verb
from engine.errors import SettingsError

NEEDED = ("fastapi", "uvicorn", "jwt", "httpx", "prometheus_client", "cryptography")
SECRET_VARIABLE = "TENPRINT_SIGN_IN_SECRET"
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
    purpose: Annotated[str, typer.Option(help="What uses are for that say nothing.")] = "",
    sign_in_client: Annotated[
        str, typer.Option(metavar="ID", help="Its id at the issuer, for people to sign in.")
    ] = "",
    sign_in_secret: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="File with that client's secret.",
            show_default=f"{SECRET_VARIABLE}, else none: a public client",
        ),
    ] = None,
    public_address: Annotated[
        str, typer.Option(metavar="ORIGIN", help="How browsers know it, as https://prints.example.")
    ] = "",
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS", help="Proxy, or network of proxies, whose X-Forwarded-For is "
            "believed; may be repeated.",
        ),
    ] = None,
    tenant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=HOME", help="Installation of one tenant, or a .toml file of several; may "
            "be repeated.",
        ),
    ] = None,
    tenant_claim: Annotated[
        str, typer.Option(help="Claim of a token that names its tenant.")
    ] = "tenant",
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
    from engine.web import heap
    from engine.web.server import Options, cores
    from engine.web.server import serve as run
    from engine.web.tenants import open_tenants, read_tenants

    if tenant and (session.home or session.database or session.keys):
        raise typer.BadParameter(
            "--home, --database and --keys are of one installation: say each tenant's own"
        )
    tenants = read_tenants(tenant or (), callback or ())
    heap.settle()
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
        sign_in_client,
        _secret(sign_in_secret),
        public_address,
        tuple(trusted_proxy or ()),
        tenant_claim,
        tenants,
    )
    if tenants:
        with open_tenants(tenants, searchers or 0) as several:
            run(several, options)
        return
    with session.open(cores() if searchers is None else searchers) as tenprint:
        run(tenprint, options)


def _secret(file: Path | None) -> str:
    """The client's secret, out of a file or the environment: an option's value shows in the list of
    processes. SettingsError where the file cannot be read or is empty."""
    if file is None:
        return os.environ.get(SECRET_VARIABLE, "")
    try:
        secret = file.read_text().strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"--sign-in-secret {file}: it cannot be read ({error})") from error
    if not secret:
        raise SettingsError(f"--sign-in-secret {file}: it is empty")
    return secret
