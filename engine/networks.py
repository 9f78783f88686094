"""Runs networks that ship as ONNX: the one place that says how."""

from __future__ import annotations

from typing import Any


def load(network: bytes) -> Any:
    """A session of an ONNX file's bytes, on one thread: several prints at a time go to several
    processes, each with its own."""
    import onnxruntime  # half a second: not before it is needed

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
