"""An error is the same in another process."""

from __future__ import annotations

import pickle

import pytest

from engine import errors

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.InputError)
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", ["print.png", ""])
def test_a_refused_input_comes_back_from_another_process(kind, source):
    error = kind(source, "it is no image")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert (str(back), back.source, back.reason) == (str(error), source, "it is no image")
