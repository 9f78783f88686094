"""The server: what must be right before a port is opened, and the port."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.server import HANDLED_SIGNALS

from engine.errors import SettingsError
from engine.service.tenprint import DEFAULT_POLICY, Tenprint
from engine.web import logs, telemetry
from engine.web.app import METRICS_SCOPE, make_app
from engine.web.auth import TENANT_CLAIM, Guard
from engine.web.checking import check, tls_context
from engine.web.entrance import Entrance
from engine.web.keys import DEVELOPMENT_HOURS, DevelopmentKey, Keys, open_keys
from engine.web.limits import MIB, Limits
from engine.web.operations import SCOPES
from engine.web.protocol import HEADERS_BYTES, PatientProtocol
from engine.web.sessions import PAGE_SCOPES
from engine.web.tenants import Tenant

BACKLOG = 128  # connections that wait to be taken
CONNECTIONS = 512  # at once; more are answered 503
DEVELOPMENT_ISSUER = "tenprint-development"
ALL_SCOPES = (*SCOPES, METRICS_SCOPE, *PAGE_SCOPES)
WARNING = """\
****************************************************************************************
  INSECURE: this process made a key for development and prints a token that allows ALL.
  Whoever reads this reads, changes and deletes everything. Never use it with real data.
  The token ends with the process, and after {hours} hours:

{token}
****************************************************************************************"""


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve. jwks: a file or https URL. callbacks: origins that results may be posted to.
    plain_http: a proxy before the service does the TLS. workers: None is one a core.
    sign_in_client: the service's id at the issuer, for people to sign in. public_address: the
    origin that browsers know it by. trusted_proxies: addresses or networks whose X-Forwarded-For
    is believed. tenants: as they were opened."""

    host: str = "127.0.0.1"
    port: int = 8443
    issuer: str = ""
    audience: str = "tenprint"
    jwks: str = ""
    development_key: bool = False
    certificate: Path | None = None
    key: Path | None = None
    plain_http: bool = False
    callbacks: Sequence[str] = field(default=())
    policy: str = DEFAULT_POLICY
    workers: int | None = None
    body_mib: int = 16
    purpose: str = ""
    sign_in_client: str = ""
    sign_in_secret: str = field(default="", repr=False)
    public_address: str = ""
    trusted_proxies: Sequence[str] = field(default=())
    tenant_claim: str = TENANT_CLAIM
    tenants: Sequence[Tenant] = field(default=())

    @property
    def entrance(self) -> Entrance:
        """How people sign in."""
        over_tls = bool(self.certificate) or (self.plain_http and not self.development_key)
        return Entrance(
            self.sign_in_client,
            self.sign_in_secret,
            self.public_address,
            self.development_key,
            secure=over_tls or self.public_address.startswith("https://"),
        )


def make(tenprint: Tenprint | Mapping[str, Tenprint], options: Options) -> tuple[FastAPI, str]:
    """The application, and the token of a development key ("" without one; with tenants one for
    each, by its name)."""
    check(options)
    limits = Limits(body_bytes=options.body_mib * MIB)
    several = None if isinstance(tenprint, Tenprint) else list(tenprint)
    claim = options.tenant_claim if several is not None else ""
    keys: Keys
    issuer, token = options.issuer, ""
    if options.development_key:
        issuer = DEVELOPMENT_ISSUER
        keys = made = DevelopmentKey(issuer, options.audience, ALL_SCOPES)
        if several is None:
            token = made.token()
        else:
            token = "\n".join(f"{name}:\n{made.token(**{claim: name})}" for name in several)
    else:
        keys = open_keys(options.jwks, limits.key_seconds)
    own = {tenant.name: tenant.callbacks for tenant in options.tenants}
    app = make_app(
        tenprint,
        Guard(issuer, options.audience, keys, claim),
        workers=options.workers or cores(),
        policy=options.policy,
        callbacks=own if own else options.callbacks,
        limits=limits,
        purpose=options.purpose,
        entrance=options.entrance,
        telemetry=telemetry.from_environment(),
    )
    return app, token


def configure(app: FastAPI, options: Options, stop_seconds: int) -> uvicorn.Config:
    """How the application is put on a port."""
    return uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        http=PatientProtocol,
        ws="none",
        ssl_certfile=options.certificate,
        ssl_keyfile=options.key,
        ssl_context_factory=tls_context if options.certificate else None,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(options.trusted_proxies),
        forwarded_allow_ips=[*options.trusted_proxies],
        backlog=BACKLOG,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=stop_seconds,
        h11_max_incomplete_event_size=HEADERS_BYTES,
    )


def serve(tenprint: Tenprint | Mapping[str, Tenprint], options: Options) -> None:
    """Serves until the process is told to end, then answers what was taken in."""
    app, token = make(tenprint, options)
    limits: Limits = app.state.desk.limits
    config = configure(app, options, limits.stop_seconds)
    try:
        taken = socket.create_server(
            (options.host, options.port), family=_family(options.host), backlog=BACKLOG
        )
    except OSError as error:
        raise SettingsError(
            f"{options.host}:{options.port} cannot be served: {error.strerror}"
        ) from error
    # Those that are accepted have it too. asyncio sets it only where the protocol is named, and
    # without it the second half of an answer waits 40 ms for an acknowledgement of the first.
    taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    logs.set_up()
    if token:
        print(WARNING.format(hours=DEVELOPMENT_HOURS, token=token), flush=True)
    logs.event("listening", host=options.host, port=taken.getsockname()[1])
    _Server(config).run(sockets=[taken])


class _Server(uvicorn.Server):
    """Ends in order at a signal, and does not raise it again: who called has to close things."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {each: signal.signal(each, self.handle_exit) for each in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def cores() -> int:
    """How many processors this process may use."""
    known = hasattr(os, "sched_getaffinity")  # not on macOS
    return len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
