"""The Dockerfile: what it copies is there, what it installs offered, what it runs understood."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
from image import dockerfile
from image.checking import PORT
from image.dockerfile import Instruction

pytest.importorskip("yaml", reason="pyyaml is not installed")

from tests.deploy.test_compose import ROOT, parse

ALL = dockerfile.read(ROOT / "Dockerfile")
BUILD, FINAL = dockerfile.stages(ALL)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()


def test_what_is_copied_is_there_and_not_ignored() -> None:
    for step in BUILD:
        if step.name == "COPY":
            for source in step.arguments[:-1]:
                assert (ROOT / source).exists()
                assert f"!{source}" in IGNORED
    assert "*" in IGNORED


def test_all_that_the_wheel_is_made_of_is_copied() -> None:
    copied = {name for step in BUILD if step.name == "COPY" for name in step.arguments[:-1]}
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    about = PROJECT["project"]
    assert {*wheel, about["readme"], *about["license-files"], "pyproject.toml"} <= copied


def test_the_extras_are_offered() -> None:
    (installed,) = [step.words for step in BUILD if "--only-binary" in step.words]
    extras = set(re.findall(r"\[([\w,]+)\]", installed)[0].split(","))
    assert {"service", "postgres"} <= extras <= set(PROJECT["project"]["optional-dependencies"])


def test_the_base_has_a_python_that_will_do() -> None:
    (argument,) = [each.words for each in ALL if each.name == "ARG"]
    version = re.fullmatch(r"PYTHON=3\.(\d+)-slim-\w+", argument)
    assert version
    least = re.fullmatch(r">=3\.(\d+)", PROJECT["project"]["requires-python"])
    assert least
    assert int(version[1]) >= int(least[1])
    assert [stage[0].arguments[0] for stage in (BUILD, FINAL)] == ["python:${PYTHON}"] * 2


def test_the_default_command_is_understood() -> None:
    assert dockerfile.last(FINAL, "ENTRYPOINT").arguments == ["tenprint"]
    given = parse(dockerfile.last(FINAL, "CMD").arguments)
    assert str(given["port"]) == dockerfile.last(FINAL, "EXPOSE").words == PORT
    assert given["plain_http"]
    assert not given["insecure_development_key"]


def test_it_runs_as_nobody_in_particular_and_has_no_secret() -> None:
    user = dockerfile.last(FINAL, "USER").words
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert f"--uid {user.split(':')[0]}" in next(e.words for e in FINAL if e.name == "RUN")
    assert [each.words for each in FINAL if each.name == "VOLUME"] == ["/var/lib/tenprint"]
    assert not re.search(r"password|secret|token", (ROOT / "Dockerfile").read_text(), re.IGNORECASE)


def test_the_healthcheck_is_a_program_that_asks_the_service() -> None:
    python, flag, program = dockerfile.healthcheck(FINAL)
    assert (python, flag) == ("python", "-c")
    ast.parse(program)
    assert f"127.0.0.1:{PORT}/health" in program


def test_a_dockerfile_is_read_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(
        'ARG A=1\nFROM a AS b\n# no\nRUN x \\\n  && y\nENV A="1 2" B=3\nFROM c\nCMD ["d"]\n'
    )
    first, second = dockerfile.stages(dockerfile.read(file))
    assert first[1] == Instruction("RUN", "x && y")
    assert dockerfile.environment(first) == {"A": "1 2", "B": "3"}
    assert dockerfile.last(second, "CMD").arguments == ["d"]
    with pytest.raises(LookupError, match="USER"):
        dockerfile.last(second, "USER")
    file.write_text("FROM a\nRUN x \\\n")
    with pytest.raises(ValueError, match="goes on"):
        dockerfile.read(file)
