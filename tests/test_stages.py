"""Stages: who listens is told, also of work done for several at once."""

from __future__ import annotations

import threading

import pytest

from engine import stages
from engine.stages import heard_by, stage


class Heard:
    """Listens."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def __call__(self, name: str, began: int, ended: int) -> None:
        assert began <= ended <= stages.clock()
        self.stages.append(name)


def test_all_who_listen_are_told_of_a_stage() -> None:
    one, other = Heard(), Heard()
    with heard_by([one, other]):
        with stage("compare"), stage("keep"):
            assert one.stages == []
        with heard_by([one]), stage("answer"):
            pass
    with stage("answer"):
        pass
    assert one.stages == ["keep", "compare", "answer"]
    assert other.stages == ["keep", "compare"]


def test_a_stage_that_fails_is_told_too() -> None:
    one = Heard()
    with heard_by([one]), pytest.raises(ZeroDivisionError), stage("compare"):
        _ = 1 / 0
    assert one.stages == ["compare"]


def test_another_thread_has_other_listeners() -> None:
    one = Heard()

    def work() -> None:
        with stage("compare"):
            assert stages.listeners() == ()

    with heard_by([one]):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert one.stages == []
