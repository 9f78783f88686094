"""compose.yaml: whatever it names exists, and what it starts is understood by who is started."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import PurePosixPath
from typing import Any

import pytest
import typer

pytest.importorskip("yaml", reason="pyyaml is not installed")

import yaml
from image import dockerfile

from engine.cli.app import app
from engine.web.limits import Limits
from engine.web.server import Options, check
from tests.deploy import compose
from tests.deploy.compose import ROOT

FILE = compose.read(compose.example())
SERVICES: dict[str, Any] = FILE["services"]
OURS = {name: each for name, each in SERVICES.items() if each.get("build")}
SERVING = {name: each for name, each in OURS.items() if each["command"][0] == "serve"}
STAGE = dockerfile.stages(dockerfile.read(ROOT / "Dockerfile"))[-1]
CADDY = (ROOT / "docs/deploy/Caddyfile").read_text()
COMMON = {"home", "database", "key_file", "as_json", "quiet"}  # of every verb
SECRET_WORDS = re.compile(r"password|passwd|secret|token|key", re.IGNORECASE)


def parse(words: list[str]) -> dict[str, Any]:
    """What the command line's own parser makes of the words: the options of the last verb. A
    UsageError where they are wrong."""
    command, context = typer.main.get_command(app), None
    words = [str(word) for word in words]
    while True:
        name = context.info_name if context else "tenprint"
        context = command.make_context(name, words, parent=context)
        if not hasattr(command, "resolve_command"):
            return {name: value for name, value in context.params.items() if name not in COMMON}
        left = [*context._protected_args, *context.args]
        _, command, words = command.resolve_command(context, left)
        context.info_name = command.name


def seconds(text: str) -> int:
    number, unit = int(text[:-1]), text[-1]
    return number * {"s": 1, "m": 60, "h": 3600}[unit]


def test_the_example_sets_what_is_asked_for_and_nothing_else() -> None:
    assert set(compose.example()) == set(compose.asked())
    for name, needed in compose.asked().items():
        if needed:
            without = {key: value for key, value in compose.example().items() if key != name}
            with pytest.raises(LookupError, match=name):
                compose.read(without)


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_names_is_there(name: str) -> None:
    service = SERVICES[name]
    for secret in service.get("secrets", ()):
        assert secret in FILE["secrets"]
    for network in service["networks"]:
        assert network in FILE["networks"]
    for other in service.get("depends_on", ()):
        assert other in SERVICES
    for volume in service.get("volumes", ()):
        source, target, *_ = volume.split(":")
        assert target.startswith("/")
        if source.startswith("."):
            assert (ROOT / source).is_file()
        else:
            assert source in FILE["volumes"]


def test_nothing_is_declared_in_vain() -> None:
    for kind in ("secrets", "networks"):
        used = {each for service in SERVICES.values() for each in service.get(kind, ())}
        assert used == set(FILE[kind])
    volumes = [each for service in SERVICES.values() for each in service.get("volumes", ())]
    used = {each.split(":")[0] for each in volumes if not each.startswith(".")}
    assert used == set(FILE["volumes"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_bounded_and_has_no_rights_to_spare(name: str) -> None:
    service = SERVICES[name]
    assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"])
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert service["logging"]["options"]["max-size"]
    if name != "database":
        assert service["read_only"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_are_files(name: str) -> None:
    """No value that is a secret: what names one points to its file."""
    service = SERVICES[name]
    mounted = [f"/run/secrets/{each}" for each in service.get("secrets", ())]
    for variable, value in service.get("environment", {}).items():
        if variable.startswith(("TENPRINT_KEYS", "PG")) or SECRET_WORDS.search(variable):
            assert value in mounted, variable
        assert "@" not in str(value) or not re.search(r"://[^/@]*:[^/@]*@", str(value)), variable
        if str(value).startswith("/run/secrets/"):
            assert value in mounted
    for word in service.get("command", ()):
        assert not re.search(r"--(password|secret|token)", word)


def test_every_command_is_one_of_the_program() -> None:
    assert len(OURS) == 4
    for service in OURS.values():
        parse(service["command"])


@pytest.mark.parametrize("words", [["serve", "--prot=1"], ["retention", "aply"], ["serve", "x"]])
def test_a_command_that_is_none_would_be_noticed(words: list[str]) -> None:
    with pytest.raises(Exception, match=r"[Nn]o such|unexpected extra"):
        parse(words)


def test_two_processes_serve_alike_and_as_is_safe() -> None:
    assert len(SERVING) == 2
    for service in SERVING.values():
        given = parse(service["command"])
        given["development_key"] = given.pop("insecure_development_key")
        given["body_mib"], given["callbacks"] = given.pop("max_body"), given.pop("callback")
        known = {each.name for each in fields(Options)}
        options = Options(**{name: value for name, value in given.items() if name in known})
        check(options)
        assert not options.development_key
        assert options.jwks.startswith("https://")
        assert all(origin.startswith("https://") for origin in options.callbacks)
        assert str(options.port) in service["expose"]
        assert service["command"] == next(iter(SERVING.values()))["command"]


def test_a_service_has_the_time_to_answer_what_it_has() -> None:
    for service in SERVING.values():
        assert seconds(service["stop_grace_period"]) > Limits().stop_seconds
    grace = re.search(r"grace_period (\d+)s", CADDY)
    assert grace
    assert Limits().stop_seconds < int(grace[1]) < seconds(SERVICES["proxy"]["stop_grace_period"])


def test_the_database_is_first_then_its_tables_then_those_who_serve() -> None:
    assert SERVICES["database"]["healthcheck"]["test"][1] == "pg_isready"
    order = {name: each.get("depends_on", {}) for name, each in SERVICES.items()}
    assert order["migrate"] == {"database": {"condition": "service_healthy"}}
    for name in SERVING:
        assert order[name] == {"migrate": {"condition": "service_completed_successfully"}}
        assert order["proxy"][name] == {"condition": "service_healthy"}
    assert SERVICES["migrate"]["restart"] == "no"
    assert dockerfile.healthcheck(STAGE)


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, each in SERVICES.items() if each.get("ports")] == ["proxy"]
    assert SERVICES["database"]["networks"] == ["back"]
    assert FILE["networks"]["back"]["internal"] is True
    (published,) = SERVICES["proxy"]["ports"]
    assert f":{published.split(':')[1]} {{" in CADDY


def test_the_proxy_asks_those_who_serve() -> None:
    (line,) = [line.split() for line in CADDY.splitlines() if "reverse_proxy" in line]
    asked = set(line[1:-1])
    assert asked == {f"{name}:{SERVING[name]['expose'][0]}" for name in SERVING}
    for path in re.findall(r"/run/secrets/(\w+)", CADDY):
        assert path in SERVICES["proxy"]["secrets"]
    for variable in re.findall(r"\{\$(\w+)\}", CADDY):
        assert variable in SERVICES["proxy"]["environment"]
    alive = SERVICES["proxy"]["healthcheck"]["test"][-1]
    assert f"{alive.rsplit('/', 1)[0]} {{" in CADDY
    size = re.search(r"max_size (\d+)MiB", CADDY)
    assert size
    assert f"--max-body={size[1]}" in next(iter(SERVING.values()))["command"]


def test_the_home_is_where_the_image_has_it() -> None:
    home = dockerfile.environment(STAGE)["TENPRINT_HOME"]
    for service in OURS.values():
        assert [each.split(":")[1] for each in service["volumes"]] == [home]


def test_prometheus_asks_those_who_serve() -> None:
    told = yaml.safe_load((ROOT / "docs/deploy/prometheus.yaml").read_text())
    (job,) = told["scrape_configs"]
    (static,) = job["static_configs"]
    assert set(static["targets"]) == {f"{name}:8080" for name in SERVING}
    for file in told["rule_files"]:
        assert (ROOT / "docs/deploy" / file).is_file()


def test_the_timer_starts_a_service_that_there_is() -> None:
    unit = (ROOT / "docs/deploy/tenprint-retention.service").read_text()
    (started,) = re.findall(r"^ExecStart=.*compose run --rm (\S+)$", unit, re.MULTILINE)
    assert SERVICES[started]["command"][:2] == ["retention", "apply"]
    assert SERVICES[started]["profiles"]
    (other,) = re.findall(r"^# ExecStart=(\S+) (.*)$", unit, re.MULTILINE)
    assert PurePosixPath(other[0]).name == "tenprint"
    parse(other[1].split())
    assert (ROOT / "docs/deploy/tenprint-retention.timer").is_file()
