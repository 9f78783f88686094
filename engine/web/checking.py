"""Checking: what must be right before a port is opened."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from engine.errors import SettingsError

if TYPE_CHECKING:
    from engine.web.server import Options

# TLS 1.2 only with forward secrecy and authenticated encryption (NIST SP 800-52r2, 3.3.1); TLS 1.3
# has nothing else.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


def check(options: Options) -> None:
    """SettingsError for what is missing or not safe, before anything is opened."""
    _check_callers(options)
    _check_sign_in(options)
    for proxy in options.trusted_proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            raise SettingsError(
                f"--trusted-proxy {proxy}: write an address, or a network such as 10.0.0.0/24"
            ) from error
    if (options.certificate is None) != (options.key is None):
        raise SettingsError("--certificate and --key go together")
    if options.certificate is None and not options.plain_http and not _is_local(options.host):
        raise SettingsError(
            "tokens and prints must not cross a network in clear: give --certificate and --key, "
            "or --plain-http where a proxy before the service does the TLS"
        )
    if options.certificate and options.key:
        try:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(options.certificate, options.key)
        except (OSError, ValueError) as error:
            raise SettingsError(f"--certificate and --key will not do: {error}") from error


def tls_context(_config: Any, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """TLS 1.2 or newer, with modern ciphers, and no renegotiation or compression."""
    context = make()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    return context


def _check_callers(options: Options) -> None:
    if options.development_key:
        if options.jwks or options.issuer:
            raise SettingsError("--insecure-development-key goes with neither --jwks nor --issuer")
        if options.sign_in_client:
            raise SettingsError(
                "--insecure-development-key has a sign-in of its own: leave out --sign-in-client"
            )
        if options.trusted_proxies:
            raise SettingsError(
                "--insecure-development-key serves this machine alone: leave out --trusted-proxy"
            )
        if not _is_local(options.host):
            raise SettingsError("--insecure-development-key serves this machine alone: 127.0.0.1")
    elif not (options.issuer and options.jwks):
        raise SettingsError(
            "who may call? Give --issuer, --audience and --jwks of your identity provider "
            "(or, to try it out on this machine, --insecure-development-key)"
        )


def _check_sign_in(options: Options) -> None:
    address = options.public_address
    if address:
        parts = urlsplit(address)
        is_origin = address == f"{parts.scheme}://{parts.netloc}" and bool(parts.hostname)
        is_safe = parts.scheme == "https" or (
            parts.scheme == "http" and _is_local(parts.hostname or "")
        )
        if not is_origin or not is_safe or "@" in parts.netloc:
            raise SettingsError(
                f"--public-address {address}: write what browsers have before the path, such as "
                "https://prints.example"
            )
    if options.sign_in_client and not address:
        raise SettingsError(
            "--sign-in-client needs --public-address: the issuer sends browsers back there"
        )
    if options.sign_in_client and not options.issuer.startswith("https://"):
        raise SettingsError("--sign-in-client needs an --issuer that begins with https://")
    if options.sign_in_secret and not options.sign_in_client:
        raise SettingsError("a secret is of a client: give --sign-in-client too")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
