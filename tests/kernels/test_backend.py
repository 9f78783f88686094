"""What a device says of itself, and times by its events, with CuPy played by a few functions."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from kernels import backend


class Event:
    """Records how much was done before it."""

    done = 0

    def record(self):
        self.at = Event.done

    def synchronize(self):
        assert self.at == Event.done


@pytest.fixture
def h100(monkeypatch):
    attributes = {13: 1_980_000, 16: 132, 36: 2_619_000, 37: 5120, 38: 50 * 2**20, 75: 9, 76: 0}
    runtime = SimpleNamespace(
        deviceGetAttribute=lambda each, number: attributes[each],
        getDeviceProperties=lambda number: {"name": b"NVIDIA H100"},
        driverGetVersion=lambda: 13010,
        runtimeGetVersion=lambda: 13000,
    )
    cuda = SimpleNamespace(
        runtime=runtime,
        nvrtc=SimpleNamespace(getVersion=lambda: (13, 0)),
        Event=Event,
        get_elapsed_time=lambda first, last: last.at - first.at,
    )
    monkeypatch.setattr(backend, "cupy", SimpleNamespace(__version__="14.0.0", cuda=cuda))


def test_a_device_says_what_it_can_do_at_most(h100):
    found = backend.properties()
    assert found == ("NVIDIA H100", 132, 1.98e9, 3.35232e12, 50 * 2**20, (9, 0))
    assert backend.versions() == {
        "CuPy": "14.0.0",
        "CUDA of the driver": "13.1",
        "CUDA runtime": "13.0",
        "NVRTC": "13.0",
    }


def test_times_lie_between_events(h100):
    def work(i):
        Event.done += 1000 * (i + 1)  # ms

    assert backend.time_on_device(work, 3) == [1, 2, 3]


def test_a_device_without_a_compiler_is_named_with_what_to_do(h100, monkeypatch):
    def get_version():
        raise RuntimeError('Failure finding "libnvrtc.so.13"')

    monkeypatch.setattr(backend, "gpu_name", lambda: "NVIDIA H100")
    assert backend.resolve("gpu") is backend.cupy
    backend._require_compiler.cache_clear()
    monkeypatch.setattr(backend.cupy.cuda.nvrtc, "getVersion", get_version)
    for device in ("gpu", "auto"):
        with pytest.raises(RuntimeError, match=r"NVIDIA H100 answers.*tenprint\[gpu\]"):
            backend.resolve(device)
    assert backend.resolve("cpu") is np
