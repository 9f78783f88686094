"""Tenants: what one has is to another as if it were not there."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from typer.testing import CliRunner

from engine.cli.app import app as cli
from engine.cli.exits import Exit
from engine.errors import SettingsError, StoreError
from engine.service.rotation import make_key
from engine.service.tenprint import Tenprint
from engine.store.schema import metadata
from engine.web.app import make_app
from engine.web.auth import Guard
from engine.web.desk import Desk
from engine.web.keys import FixedKeys
from engine.web.limits import Limits
from engine.web.operations import OPERATIONS, TASK_OPERATIONS, Operation
from engine.web.osia import SHAPES
from engine.web.server import Options, make
from engine.web.shapes import EncounterBody, IdentifyBody, VerifyBioBody, VerifyIdBody
from engine.web.tenants import Tenant, open_tenants, read_tenants
from tests.conftest import POSTGRESQL
from tests.web.serving import (
    AUDIENCE,
    ISSUER,
    QUICK,
    Client,
    Issuer,
    encounter,
    identify,
    item,
)

NORTH, SOUTH = "north", "south"
ALL = (*OPERATIONS, *TASK_OPERATIONS)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CALLBACKS = {NORTH: ["https://north.example"], SOUTH: ["https://south.example"]}
# What the south has, by the name of the path's parameter, and what nobody has.
THERE = {
    "personId": "P1",
    "personIdTarget": "P2",
    "personIdSource": "P1",
    "encounterId": "E1",
    "galleryId": "southern",
}
NOWHERE = {name: f"{value}-not" for name, value in THERE.items()}
BODIES: Mapping[Any, Any] = {
    EncounterBody: encounter(item(7)),
    IdentifyBody: identify(item(1)),
    VerifyIdBody: {"biometricData": [item(1)]},
    VerifyBioBody: {"biometricData1": [item(1)], "biometricData2": [item(1)]},
    list[str]: ["criminal"],
    None: None,
}
CONFLICTS = {"createEncounter"}  # what is to be made is there


@pytest.fixture
def tenants(
    tmp_path: Path, free_extraction: None, backend: str, request: pytest.FixtureRequest
) -> Iterator[Mapping[str, Tenprint]]:
    """Two installations."""
    urls: list[str | None] = [None, None]
    if backend == POSTGRESQL:
        server = request.getfixturevalue("server")
        urls = [server.create(), server.create()]
    wanted = [
        Tenant(name, tmp_path / name, url) for name, url in zip((NORTH, SOUTH), urls, strict=True)
    ]
    with open_tenants(wanted) as opened:
        yield opened
    for url in urls:
        if url:
            server.drop(url)


@contextmanager
def served(tenants: Mapping[str, Tenprint], issuer: Issuer) -> Iterator[dict[str, Client]]:
    """A client of each."""
    guard = Guard(ISSUER, AUDIENCE, FixedKeys(issuer.jwks, "test"), "tenant")
    app = make_app(tenants, guard, workers=0, callbacks=CALLBACKS, limits=QUICK)
    with TestClient(app, raise_server_exceptions=False) as http:
        yield {name: Client(http, issuer.token(tenant=name)) for name in tenants}


@pytest.fixture
def clients(
    tenants: Mapping[str, Tenprint], issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Client]]:
    """A client of each; the south has two persons, a gallery and a task that waits."""
    monkeypatch.setattr("engine.service.tasks.TaskList.next_to_do", lambda *_: None)
    with served(tenants, issuer) as made:
        for number in (1, 2):
            body = encounter(item(number), galleries=["southern"])
            path = f"/v1/persons/P{number}/encounters/E{number}"
            assert made[SOUTH]("POST", path, body).status_code == 200
        yield made


def address(operation: Operation, names: Mapping[str, str], task: str) -> str:
    return operation.path.format(**names, taskId=task)


def call(client: Client, operation: Operation, names: Mapping[str, str], task: str) -> Any:
    path, body = address(operation, names, task), BODIES[SHAPES.get(operation.name)]
    return client(operation.method.value, path, body, status="ACTIVE")


def wait_for_task(client: Client) -> str:
    answer = client("GET", "/v1/galleries", callback="https://south.example/cb")
    return str(answer.json()["taskId"])


def content(tenprint: Tenprint) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with tenprint.access._database.read() as connection:
        found = {}
        for table in metadata.sorted_tables:
            rows = connection.execute(select(table)).all()
            found[table.name] = sorted((tuple(row) for row in rows), key=repr)
        return found


def test_pages_are_told_to_their_tenant_by_route(
    tenants: Mapping[str, Tenprint], clients: dict[str, Client]
) -> None:
    http = clients[SOUTH].http
    secret = tenants[SOUTH].access.sign_in("e.ashby", ["tenprint.examine"], "testclient")
    cookie = {"Cookie": f"__Host-tenprint={SOUTH}:{secret}"}
    for path in ("/desk", "/desk/cases/7-deadbeef", "/desk/cases/8-deadbeef"):
        http.get(path, headers=cookie)
    http.get("/desk", follow_redirects=False)  # of nobody
    told = {
        name: dict(re.findall(r'seconds_count{operation="(.*? /.*?)",(?:.*?)} (.*)', text))
        for name, text in (
            (name, client("GET", "/metrics").text) for name, client in clients.items()
        )
    }
    assert told == {
        SOUTH: {"GET /desk": "1.0", "GET /desk/cases/{key}": "2.0"},
        NORTH: {"GET /desk": "1.0"},
    }


@pytest.mark.parametrize("operation", ALL, ids=lambda each: each.name)
def test_what_another_tenant_has_is_not_there(
    clients: dict[str, Client], tenants: Mapping[str, Tenprint], operation: Operation
) -> None:
    task = wait_for_task(clients[SOUTH])
    unknown = "00000000-0000-4000-8000-000000000000"
    before = content(tenants[SOUTH])
    theirs = call(clients[NORTH], operation, THERE, task)
    nobodys = call(clients[NORTH], operation, NOWHERE, unknown)
    assert content(tenants[SOUTH]) == before
    if operation.name in {"createEncounterNoIds", "verifyFromBio", "readGalleries"}:
        assert theirs.status_code == 200  # they name nothing: each has its own
    elif operation.name in {"createEncounter", "createEncounterNoId"}:
        assert theirs.status_code == 200  # a person of the north, of the same name
    else:
        assert theirs.status_code == operation.missing, theirs.text
    assert theirs.status_code == nobodys.status_code
    assert theirs.headers.keys() == nobodys.headers.keys()
    assert normal(theirs, THERE, task) == normal(nobodys, NOWHERE, unknown)
    # and all of it is there for whom it is
    own = call(clients[SOUTH], operation, THERE, task)
    wanted = 409 if operation.name in CONFLICTS else 200
    assert own.status_code in (wanted, 204), own.text


def normal(response: httpx.Response, names: Mapping[str, str], task: str) -> str:
    """An answer without the names that were asked for, or made."""
    text = response.text.replace(task, "TASK")
    for name in sorted(set(names.values()), key=len, reverse=True):
        text = text.replace(name, "NAME")
    return UUID.sub("ID", text)


def test_every_shape_of_a_body_is_tried() -> None:
    assert set(map(str, BODIES)) == {str(shape) for shape in SHAPES.values()} | {"None"}


@pytest.mark.parametrize(
    ("method", "path"),
    [(each.method.value, each.path) for each in ALL] + [("GET", "/metrics")],
)
def test_a_token_of_no_tenant_opens_nothing(
    clients: dict[str, Client], issuer: Issuer, method: str, path: str
) -> None:
    claims: list[dict[str, Any]] = [{}, {"tenant": "west"}, {"tenant": ""}, {"tenant": ["north"]},
              {"tenant": "North"}, {"tenant": None}]  # fmt: skip
    answers = {
        (answer.status_code, answer.text)
        for each in claims
        for answer in [clients[NORTH](method, re.sub("[{}]", "", path), token=issuer.token(**each))]
    }
    assert [status for status, _ in answers] == [403]


def test_a_tenant_finds_its_own_alone(clients: dict[str, Client]) -> None:
    clients[NORTH]("POST", "/v1/persons/P9/encounters/E", encounter(item(1)))
    for name, person, gallery in ((NORTH, "P9", "criminal"), (SOUTH, "P1", "southern")):
        found = clients[name]("POST", "/v1/identify/ALL", identify(item(1))).json()
        assert [each["personId"] for each in found] == [person]
        assert clients[name]("GET", "/v1/galleries").json() == [gallery]


def test_figures_are_of_the_callers_tenant(clients: dict[str, Client]) -> None:
    north, south = (clients[name]("GET", "/metrics").text for name in (NORTH, SOUTH))
    assert 'tenprint_gallery_templates{gallery="southern",tenant="south"} 2.0' in south
    assert "southern" not in north
    for text, name, other in ((north, NORTH, SOUTH), (south, SOUTH, NORTH)):
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        assert lines
        assert all(f'tenant="{name}"' in line for line in lines)
        assert other not in text or name in other


def test_callbacks_are_each_tenants_own(clients: dict[str, Client]) -> None:
    for name, other in ((NORTH, SOUTH), (SOUTH, NORTH)):
        own = clients[name]("GET", "/v1/galleries", callback=f"https://{name}.example/cb")
        assert own.status_code == 202
        foreign = clients[name]("GET", "/v1/galleries", callback=f"https://{other}.example/cb")
        assert foreign.status_code == 400


def test_a_lock_is_of_the_tenant_that_was_claimed(
    clients: dict[str, Client], tenants: Mapping[str, Tenprint], issuer: Issuer
) -> None:
    for _ in range(5):
        bad = issuer.token(tenant=SOUTH, aud="other")
        assert clients[SOUTH]("GET", "/v1/galleries", token=bad).status_code == 401
    assert clients[SOUTH]("GET", "/v1/galleries").status_code == 403
    assert clients[NORTH]("GET", "/v1/galleries").status_code == 200
    assert [each.subject for each in tenants[SOUTH].access.failing()] == ["client"]
    assert tenants[NORTH].access.failing() == []


def test_readiness_is_of_all(clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    http = clients[NORTH].http
    assert http.get("/ready").status_code == 200

    def fail() -> None:
        raise StoreError("away")

    house = http.app.state.house  # type: ignore[attr-defined]
    desk: Desk = house.desk_of(SOUTH)
    monkeypatch.setattr(desk.tasks, "load", fail)
    assert http.get("/ready").status_code == 503
    assert clients[NORTH]("GET", "/v1/galleries").status_code == 200
    with pytest.raises(KeyError):
        house.desk_of("west")


def test_threads_and_room_are_shared_out() -> None:
    limits = Limits()
    assert limits.share(1) == limits
    each = limits.share(4)
    assert each.work_threads * 4 <= limits.work_threads
    assert each.bodies_bytes * 4 <= limits.bodies_bytes
    assert limits.share(1000).bodies_bytes == limits.body_bytes  # one body fits anyway
    assert each.work_threads <= each.search_waiting


def test_each_tenant_gets_a_development_token_and_signs_in_at_its_own(
    tenants: Mapping[str, Tenprint], issuer: Issuer
) -> None:
    app, printed = make(tenants, Options(development_key=True, workers=1))
    lines = printed.splitlines()
    told = dict(zip(lines[::2], lines[1::2], strict=True))
    assert set(told) == {"north:", "south:"}
    with TestClient(app, "http://localhost", follow_redirects=False) as http:
        for name in (NORTH, SOUTH):
            form = {"token": told[f"{name}:"], "name": "Examiner"}
            assert http.post("/sign-in", data=form).status_code == 303
            signed = [[each.subject for each in tenants[each_name].access.sessions()]
                      for each_name in (NORTH, SOUTH)]  # fmt: skip
            assert signed == ([["Examiner"], []] if name == NORTH else [[], ["Examiner"]])
        headers = {"authorization": f"Bearer {told['south:']}"}
        answer = http.get("/v1/galleries?transactionId=T", headers=headers)
        assert answer.status_code == 200
        value = http.cookies["tenprint"]
        assert value.startswith("south:")
        http.cookies.clear()
        swapped = {"cookie": f"tenprint={value.replace(SOUTH, NORTH)}"}
        out = http.post("/sign-out", data={"csrf": "x"}, headers=swapped)
        assert out.status_code == 303  # nobody is signed in there
        assert len(tenants[SOUTH].access.sessions()) == 1


def test_tenants_are_read_from_options_and_files(tmp_path: Path) -> None:
    file = tmp_path / "tenants.toml"
    file.write_text(
        '[south]\nhome = "s"\ndatabase = "postgresql://me:pass@db/south"\nkeys = "/k"\n'
        'callbacks = ["https://a.example"]\n[west]\nhome = "/srv/west"\n'
    )
    found = read_tenants(["north=/srv/north", str(file)], ["https://b.example"])
    assert found == (
        Tenant("north", Path("/srv/north"), callbacks=("https://b.example",)),
        Tenant("south", tmp_path / "s", "postgresql://me:pass@db/south", Path("/k"),
               ("https://a.example",)),
        Tenant("west", Path("/srv/west"), callbacks=("https://b.example",)),
    )  # fmt: skip
    assert "pass" not in repr(found)
    assert read_tenants([]) == ()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["a=x", "a=y"], "a name of its own"),
        (["a b=x"], "1 to 40"),
        (["../up=x"], "1 to 40"),
        (["=x"], "1 to 40"),
        (["x" * 41 + "=x"], "1 to 40"),
        (["nothing.toml"], "NAME=HOME"),
    ],
)
def test_tenants_that_will_not_do(given: list[str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read_tenants(given)


@pytest.mark.parametrize(
    "text", ["x", "a = 1", "[a]", '[a]\nhome = 1', '[a]\nhome = "h"\nhomes = "x"',
             '[a]\nhome = "h"\nkeys = ["x"]', '["a b"]\nhome = "h"'],
)  # fmt: skip
def test_files_of_tenants_that_will_not_do(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tenants.toml"
    file.write_text(text)
    with pytest.raises(SettingsError):
        read_tenants([str(file)])


@pytest.mark.parametrize("variable", ["TENPRINT_DATABASE", "TENPRINT_KEYS"])
def test_the_environment_gives_tenants_nothing_in_common(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "anything")
    with pytest.raises(SettingsError, match=variable):
        read_tenants(["a=x"])
    assert read_tenants([]) == ()


def test_whoever_asks_for_readiness_takes_no_line(
    clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may ask, as often as they like."""
    http, asked, answer = clients[NORTH].http, list[int](), threading.Event()

    def load(_: object) -> tuple[int, int]:
        asked.append(1)
        answer.wait(20)
        return 0, 0

    while http.get("/ready").status_code != 200:
        time.sleep(0.01)
    monkeypatch.setattr("engine.service.tasks.TaskList.load", load)
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(http.get, "/ready") for _ in range(20)]
        while not asked:
            time.sleep(0.001)
        answer.set()
        assert {each.result().status_code for each in answers} == {200}
    assert len(asked) < 20  # each question of all asks both tenants


def test_two_tenants_share_no_home_and_no_database(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for second in (
        Tenant("b", tmp_path / "a"),
        Tenant("b", tmp_path / "link"),
        Tenant("b", tmp_path / "b", f"sqlite:///{tmp_path / 'a' / 'tenprint.sqlite'}"),
    ):
        with (
            pytest.raises(SettingsError, match="one home or database"),
            open_tenants([Tenant("a", tmp_path / "a"), second]),
        ):
            pass
    with open_tenants([Tenant("a", tmp_path / "a"), Tenant("b", tmp_path / "b")]) as opened:
        assert {name: each.home.folder.name for name, each in opened.items()} == {
            "a": "a", "b": "b"
        }  # fmt: skip


def test_two_tenants_share_no_key(tmp_path: Path) -> None:
    """What is sealed is bound to its row, but rows of two databases may have the same ids."""
    files = [tmp_path / name for name in ("a.keys", "b.keys")]
    make_key(files[0])
    shutil.copy(files[0], files[1])
    make_key(files[1])
    for keys in files:
        wanted = [
            Tenant("a", tmp_path / "a", keys=files[0]),
            Tenant("b", tmp_path / "b", keys=keys),
        ]
        with pytest.raises(SettingsError, match="a and b have one key"), open_tenants(wanted):
            pass


def test_the_verb_takes_one_installation_or_several(tmp_path: Path) -> None:
    words = ["serve", "--home", str(tmp_path), "--tenant", f"a={tmp_path}"]
    shown = CliRunner().invoke(cli, words, env={"COLUMNS": "200"})
    assert shown.exit_code == 2
    assert "each tenant's own" in shown.output
    words = ["serve", "--tenant", f"a={tmp_path / 'a'}", "--tenant", f"b={tmp_path / 'a'}",
             "--insecure-development-key"]  # fmt: skip
    shown = CliRunner().invoke(cli, words)
    assert shown.exit_code == Exit.FAILED
    assert "one home or database" in shown.output
