"""What is sent to do harm costs the service little, and tells nothing."""

from __future__ import annotations

import base64
import io
import json
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi import FastAPI
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from engine.service.tenprint import Tenprint
from engine.web import strict_json
from engine.web.app import HEADERS
from engine.web.protocol import HEADERS_BYTES, HEADERS_COUNT, PatientProtocol
from engine.web.server import Options, configure, make
from tests.web.serving import Client, encounter, item

PATIENCE = 20.0  # seconds


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1, "a": 2}', "a name twice"),
        ('{"a": {"b": 1, "b": 1}}', "a name twice"),
        ("NaN", "no number"),
        ('{"a": [-Infinity]}', "no number"),
        ("1e999", "too large"),
        ("-1e999", "too large"),
        (deep(66), "64 deep"),
        (deep(100_000), "64 deep"),
        (f"[{'[],' * 200_000}0]", "200,000 values"),
        (f"[{'{},' * 200_000}0]", "200,000 values"),
        (f"[{'1,' * 200_000}0]", "200,000 values"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "64 deep"),
        (r'"\ud800"', "half a character"),
        (r'{"\udc00x": 1}', "half a character"),
        ("{", "no JSON"),
        ("", "no JSON"),
        ("{} x", "no JSON"),
        ("'a'", "no JSON"),
    ],
)
def test_json_that_may_be_understood_in_two_ways_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        strict_json.read(text.encode())


@pytest.mark.parametrize("data", [b"\xff", '{"a": 1}'.encode("utf-16"), b'\xef\xbb\xbf{"a": 1}'])
def test_json_is_in_utf_8(data: bytes) -> None:
    with pytest.raises(ValueError, match="UTF-8"):
        strict_json.read(data)


def test_json_is_read() -> None:
    value = {"many": [1] * 60_000, "a": [1, 2.5, -3e5, None, True, "ü𝄞"], "ü": json.loads(deep(60))}
    assert strict_json.read(json.dumps(value, ensure_ascii=False).encode()) == value
    assert strict_json.read(json.dumps(value).encode()) == value
    with pytest.raises(ValueError, match="digits"):
        strict_json.read(b"9" * 5000)


@pytest.mark.parametrize(
    "context",
    ['{"a": NaN}', '{"a": 1e999}', deep(500), r'"\ud800"', '{"a": 1, "a": 2}', "9" * 5000],
)
def test_bodies_are_read_strictly(client: Client, context: str) -> None:
    body = json.dumps(encounter(item(1), contextualData="?")).replace('"?"', context)
    headers = {"authorization": f"Bearer {client.token}"}
    path = "/v1/persons/P1/encounters/E1?transactionId=T"
    refused = client.http.post(path, content=body, headers=headers)
    assert refused.status_code == 400, refused.text
    assert set(refused.json()) == {"code", "message"}
    assert client("GET", "/v1/persons/P1/encounters").status_code == 404


def test_what_is_kept_is_given_back_whatever_it_says(client: Client) -> None:
    told = {"text": "ü𝄞 \u2028", "deep": json.loads(deep(50)), "number": 1e300, "ints": [2**70]}
    body = encounter(item(1), contextualData=told)
    assert client("POST", "/v1/persons/P1/encounters/E1", body).status_code == 200
    (found,) = client("GET", "/v1/persons/P1/encounters").json()
    assert found["contextualData"] == told


def chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def png(width: int, height: int, rows: bytes, *more: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", zlib.compress(rows, 9))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def jpeg2000(width: int, height: int) -> bytes:
    """A file whose outer header says 100×100, and its inner one another size."""
    data = io.BytesIO()
    Image.effect_noise((100, 100), 50).save(data, "JPEG2000")
    found = bytearray(data.getvalue())
    sizes = found.index(b"\xff\x51") + 6  # SIZ: after marker, length and capabilities
    found[sizes : sizes + 8] = struct.pack(">II", width, height)
    return bytes(found)


def tiff(width: int, height: int) -> bytes:
    data = io.BytesIO()
    Image.new("L", (100, 100), 7).save(data, "TIFF", compression="tiff_adobe_deflate")
    with Image.open(io.BytesIO(data.getvalue())) as image:
        assert image.size == (100, 100)
    found = bytearray(data.getvalue())
    for tag, value in ((256, width), (257, height)):
        for kind, size in ((3, 2), (4, 4)):
            entry = struct.pack("<HHI", tag, kind, 1)
            at = found.find(entry)
            if at >= 0:
                found[at + 2 : at + 4] = struct.pack("<H", 4)
                found[at + 8 : at + 12] = struct.pack("<I", value)
                assert size
    return bytes(found)


def wsq(width: int, height: int) -> bytes:
    data = io.BytesIO()
    Image.effect_noise((100, 100), 50).save(data, "WSQ")
    found = bytearray(data.getvalue())
    frame = found.index(b"\xff\xa2") + 6  # SOF: after marker, length, black and white
    found[frame : frame + 4] = struct.pack(">HH", height, width)
    return bytes(found)


BOMBS = {
    "PNG of many pixels": png(60_000, 60_000, b"\0" * 60_001),
    "PNG of text": png(100, 100, b"\0" * 10_100, chunk(
        b"zTXt", b"a\0\0" + zlib.compress(b"x" * 2**27, 9))),
    "PNG of a profile": png(100, 100, b"\0" * 10_100, chunk(
        b"iCCP", b"a\0\0" + zlib.compress(b"x" * 2**27, 9))),
    "JPEG 2000 of many pixels inside": jpeg2000(60_000, 60_000),
    "TIFF of many pixels": tiff(60_000, 60_000),
    "WSQ of many pixels": wsq(60_000, 60_000),
}  # fmt: skip


@pytest.mark.parametrize("what", BOMBS)
def test_images_that_unfold_are_refused(client: Client, what: str) -> None:
    """A small file that says, or holds, very much; the memory that it may take is bounded here."""
    import resource

    assert len(BOMBS[what]) < 2**20
    limit = resource.getrlimit(resource.RLIMIT_AS)
    with Path("/proc/self/statm").open() as statm:
        pages = int(statm.read().split()[0])
    taken = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + 600 * 2**20, limit[1]))
    try:
        body = encounter(item(1, image=base64.b64encode(BOMBS[what]).decode()))
        response = client("POST", "/v1/persons", body)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
    assert response.status_code == 400, response.text
    assert "Traceback" not in response.text
    assert "emory" not in response.text
    assert client("GET", "/v1/galleries").json() == []


def test_a_defect_of_the_extraction_is_told_without_its_words(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise FileNotFoundError("/opt/tenprint/model.onnx")

    monkeypatch.setattr("engine.pipeline.extract", fail)
    answer = client("POST", "/v1/persons/P1/encounters/E1", encounter(item(1)))
    assert answer.status_code == 400
    assert "extraction failed (FileNotFoundError)" in answer.text
    assert "/opt" not in answer.text


@pytest.mark.parametrize("path", ["/v1/persons/", "/v1/galleries/", "/health/", "/sign-in/"])
def test_no_address_is_corrected(client: Client, path: str) -> None:
    """A redirect would be made of the Host header, and of http behind a proxy: clients that follow
    it would send their token there."""
    answer = client.http.get(path, headers={"Host": "evil.example"}, follow_redirects=False)
    assert answer.status_code == 404
    assert "evil" not in repr(answer.headers)


def test_every_answer_has_the_headers(client: Client) -> None:
    app: FastAPI = client.http.app  # type: ignore[assignment]

    @app.get("/breaks")
    def breaks(request: Request) -> None:
        raise RuntimeError("its words")

    for method, path in (
        ("GET", "/health"), ("GET", "/metrics"), ("GET", "/nothing"), ("DELETE", "/v1/persons"),
        ("POST", "/v1/persons"), ("GET", "/breaks"),
    ):  # fmt: skip
        answer = client(method, path)
        for name, value in HEADERS.items():
            assert answer.headers.get(name) == value, path
        assert "server" not in answer.headers
    broken = client("GET", "/breaks")
    assert broken.status_code == 500
    assert set(broken.json()) == {"code", "message"}
    assert "its words" not in broken.text


@contextmanager
def listening(tenprint: Tenprint, **options: Any) -> Iterator[int]:
    """The service on a real port of this machine."""
    chosen = Options(development_key=True, workers=1, port=0, **options)
    app, _ = make(tenprint, chosen)
    with serving(app, chosen) as server:
        yield server.servers[0].sockets[0].getsockname()[1]


@contextmanager
def serving(app: FastAPI, options: Options = Options(port=0)) -> Iterator[uvicorn.Server]:  # noqa: B008
    """Any application, as the service is put on a port."""
    server = uvicorn.Server(configure(app, options, 5))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield server
    finally:
        server.should_exit = True
        thread.join()


def answer(port: int, sent: bytes) -> bytes:
    """All that comes back until the service closes the connection."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(sent)
        found = b""
        while part := connection.recv(65_536):
            found += part
    return found


HEAD = b"GET /health HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.sqlite
def test_who_never_finishes_a_request_is_let_go(
    tenprint: Tenprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientProtocol, "patience", 0.3)
    with listening(tenprint) as port:
        assert answer(port, b"") == b""
        assert answer(port, HEAD) == b""
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as slow:
            slow.sendall(HEAD)
            ended = False
            deadline = time.monotonic() + PATIENCE
            while not ended and time.monotonic() < deadline:  # a letter now and then
                time.sleep(0.02)
                try:
                    slow.sendall(b"x")
                    slow.settimeout(0.01)
                    ended = slow.recv(1) == b""
                except TimeoutError:
                    continue
                except OSError:
                    ended = True
            assert ended
        # the second request of a connection, too
        found = answer(port, HEAD + b"\r\n" + b"GET /hea")
        assert found.startswith(b"HTTP/1.1 200")
        # and who waits for the answer to a body that nobody reads
        found = answer(port, b"POST /v1/persons HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        assert found.startswith(b"HTTP/1.1 401")
        assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200


def test_who_never_reads_an_answer_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PatientProtocol, "patience", 1.0)
    app, body = FastAPI(), b"x" * 2**24  # more than the system holds between the two
    app.add_api_route("/large", lambda: Response(body))
    ask = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving(app) as server, connected(server) as dead, connected(server) as slow:
        dead.sendall(ask + ask)
        slow.sendall(ask)
        found = slow.recv(2**16)
        while len(found) < len(body) and (part := slow.recv(2**20)):
            found += part
            time.sleep(0.1)  # longer than the patience in all
        assert found.endswith(b"x") and len(found) > len(body)
        deadline = time.monotonic() + PATIENCE
        while server.server_state.connections and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not server.server_state.connections


def connected(server: uvicorn.Server) -> socket.socket:
    return socket.create_connection(server.servers[0].sockets[0].getsockname(), PATIENCE)


@pytest.mark.sqlite
def test_heads_that_are_too_large_or_wrong_are_refused(tenprint: Tenprint) -> None:
    long = b"a: " + b"x" * HEADERS_BYTES + b"\r\n"
    many = b"".join(b"h%d: x\r\n" % number for number in range(HEADERS_COUNT + 1))
    with listening(tenprint) as port:
        for head in (long, many):
            found = answer(port, HEAD + head + b"Connection: close\r\n\r\n")
            assert found.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")), found[:80]
        path = (
            b"GET /" + b"x" * HEADERS_BYTES + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        assert answer(port, path).startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
        for wrong in (
            b"GET / HTTP/1.1\r\n\r\n",  # no host
            HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
            HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        ):
            found = answer(port, wrong)
            assert found.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501")), wrong
            assert b"Traceback" not in found
        good = answer(port, HEAD + b"Connection: close\r\n\r\n")
        assert good.startswith(b"HTTP/1.1 200")
        assert b"server:" not in good.lower()


@pytest.mark.sqlite
def test_forwarded_addresses_are_believed_of_trusted_proxies_alone(tenprint: Tenprint) -> None:
    seen: list[str] = []

    def ask(port: int, forwarded: str) -> str:
        token = "abc"
        headers = {"x-forwarded-for": forwarded, "authorization": f"Bearer {token}"}
        url = f"http://127.0.0.1:{port}/v1/galleries?transactionId=T"
        assert httpx.get(url, headers=headers).status_code == 401
        new = [each.client for each in tenprint.access.failing() if each.client not in seen]
        seen.extend(new)
        return new[0] if new else seen[-1]

    with listening(tenprint) as port:
        assert ask(port, "192.0.2.1") == "127.0.0.1"
    app, _ = make(tenprint, Options(development_key=True, workers=1))
    for proxies, forwarded, counted in (
        (["10.0.0.1"], "192.0.2.1", "127.0.0.1"),
        (["127.0.0.0/8"], "192.0.2.2", "192.0.2.2"),
        (["127.0.0.1", "10.0.0.0/8"], "192.0.2.66, 192.0.2.3, 10.1.2.3", "192.0.2.3"),
    ):
        options = Options(trusted_proxies=proxies, port=0)
        server = uvicorn.Server(configure(app, options, 5))
        thread = threading.Thread(target=server.run)
        server.config.lifespan = "off"
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            port = server.servers[0].sockets[0].getsockname()[1]
            assert ask(port, forwarded) == counted
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = tmp_path / "tls.pem", tmp_path / "tls.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.mark.sqlite
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_is_modern(tenprint: Tenprint, certificate: tuple[Path, Path]) -> None:
    def shake(port: int, **settings: Any) -> tuple[str | None, str]:
        context = ssl.create_default_context(cafile=certificate[0])
        for name, value in settings.items():
            if name == "ciphers":
                context.set_ciphers(value)
            else:
                setattr(context, name, value)
        with (
            socket.create_connection(("127.0.0.1", port), PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as wrapped,
        ):
            cipher = wrapped.cipher()
            return wrapped.version(), cipher[0] if cipher else ""

    twelve = {"maximum_version": ssl.TLSVersion.TLSv1_2}
    with listening(tenprint, certificate=certificate[0], key=certificate[1]) as port:
        assert shake(port)[0] == "TLSv1.3"
        version, cipher = shake(port, **twelve)
        assert version == "TLSv1.2"
        assert cipher.startswith("ECDHE-ECDSA-")
        assert "GCM" in cipher or "CHACHA20" in cipher
        for ciphers in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA"):
            with pytest.raises((ssl.SSLError, OSError)):
                shake(port, ciphers=ciphers, **twelve)
        old = {"minimum_version": ssl.TLSVersion.TLSv1, "maximum_version": ssl.TLSVersion.TLSv1_1}
        with pytest.raises((ssl.SSLError, OSError)):
            shake(port, ciphers="ALL:@SECLEVEL=0", **old)
