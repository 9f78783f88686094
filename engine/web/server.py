"""The server: what must be right before a port is opened, and the port."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import ssl
from collections.abc import Iterator, Sequence
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
from engine.web.auth import Guard
from engine.web.keys import DEVELOPMENT_HOURS, DevelopmentKey, Keys, open_keys
from engine.web.limits import MIB, Limits
from engine.web.operations import SCOPES

BACKLOG = 128  # connections that wait to be taken
CONNECTIONS = 512  # at once; more are answered 503
DEVELOPMENT_ISSUER = "tenprint-development"
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
    plain_http: a proxy before the service does the TLS. workers: None is one a core."""

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


def check(options: Options) -> None:
    """SettingsError for what is missing or not safe, before anything is opened."""
    if options.development_key:
        if options.jwks or options.issuer:
            raise SettingsError("--insecure-development-key goes with neither --jwks nor --issuer")
        if not _is_local(options.host):
            raise SettingsError("--insecure-development-key serves this machine alone: 127.0.0.1")
    elif not (options.issuer and options.jwks):
        raise SettingsError(
            "who may call? Give --issuer, --audience and --jwks of your identity provider "
            "(or, to try it out on this machine, --insecure-development-key)"
        )
    if (options.certificate is None) != (options.key is None):
        raise SettingsError("--certificate and --key go together")
    if options.certificate is None and not options.plain_http and not _is_local(options.host):
        raise SettingsError(
            "tokens and prints must not cross a network in clear: give --certificate and --key, "
            "or --plain-http where a proxy before the service does the TLS"
        )
    if options.certificate and options.key:
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                options.certificate, options.key
            )
        except (OSError, ValueError) as error:
            raise SettingsError(f"--certificate and --key will not do: {error}") from error


def make(tenprint: Tenprint, options: Options) -> tuple[FastAPI, str]:
    """The application, and the token of a development key ("" without one)."""
    check(options)
    limits = Limits(body_bytes=options.body_mib * MIB)
    keys: Keys
    issuer, token = options.issuer, ""
    if options.development_key:
        issuer = DEVELOPMENT_ISSUER
        keys = made = DevelopmentKey(issuer, options.audience, (*SCOPES, METRICS_SCOPE))
        token = made.token
    else:
        keys = open_keys(options.jwks, limits.key_seconds)
    app = make_app(
        tenprint,
        Guard(issuer, options.audience, keys),
        workers=options.workers or _cores(),
        policy=options.policy,
        callbacks=options.callbacks,
        limits=limits,
        purpose=options.purpose,
        telemetry=telemetry.from_environment(),
    )
    return app, token


def serve(tenprint: Tenprint, options: Options) -> None:
    """Serves until the process is told to end, then answers what was taken in."""
    app, token = make(tenprint, options)
    limits: Limits = app.state.desk.limits
    config = uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        ssl_certfile=options.certificate,
        ssl_keyfile=options.key,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=limits.stop_seconds,
        h11_max_incomplete_event_size=16_384,
    )
    try:
        taken = socket.create_server(
            (options.host, options.port), family=_family(options.host), backlog=BACKLOG
        )
    except OSError as error:
        raise SettingsError(
            f"{options.host}:{options.port} cannot be served: {error.strerror}"
        ) from error
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


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _cores() -> int:
    known = hasattr(os, "sched_getaffinity")  # not on macOS
    return len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
