"""Compiles CUDA text as CuPy does on a GPU machine: with NVRTC, without NVIDIA's headers."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
from pathlib import Path

import pytest

from kernels import backend


def compile_text(name: str, arch: str) -> None:
    """Compiles kernel `name` for `arch`, such as "sm_90". AssertionError with NVRTC's log where it
    does not; skips the test where NVRTC is not installed."""
    library = _library()
    program = ctypes.c_void_p()
    text = backend.source(name).encode()
    made = library.nvrtcCreateProgram(
        ctypes.byref(program), text, f"{name}.cu".encode(), 0, None, None
    )
    assert made == 0
    options = (ctypes.c_char_p * 2)(b"-std=c++17", f"-arch={arch}".encode())
    failed = library.nvrtcCompileProgram(program, len(options), options)
    size = ctypes.c_size_t()
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    library.nvrtcDestroyProgram(ctypes.byref(program))
    assert not failed, log.value.decode()


@functools.cache
def _library() -> ctypes.CDLL:
    """NVRTC of the package nvidia-cuda-nvrtc."""
    found = importlib.util.find_spec("nvidia")
    for folder in found.submodule_search_locations or [] if found else []:
        for part in sorted(Path(folder).glob("cu*/lib/libnvrtc-builtins.so.*")):
            ctypes.CDLL(str(part), ctypes.RTLD_GLOBAL)  # or NVRTC would not find it
        for library in sorted(Path(folder).glob("cu*/lib/libnvrtc.so.*")):
            return ctypes.CDLL(str(library))
    pytest.skip("NVRTC is not installed (nvidia-cuda-nvrtc)")
