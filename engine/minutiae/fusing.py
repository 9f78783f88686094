"""Rewrites a network's graph so that onnxruntime computes the same in fewer passes over memory.

A graph converted from Keras spells out, one elementwise operation after the other, what onnxruntime
has one operation for, and most of its time goes into writing and reading arrays. Only the order of
roundings changes: LEADER's output differs by less than 1e-4 (directions by more where there is no
ridge), in half of the time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper

from engine.minutiae import reordering
from engine.minutiae.graphs import EXTENSIONS, GELU, NORM, Graph, attribute, chain, double, make

BATCH_BEHIND = (1, 0, 2, 3)
GELU_NUMBERS = (0.044715, 0.5, np.sqrt(2 / np.pi), 1, 3)


def fuse(network: bytes) -> bytes:
    """An ONNX file's bytes with its graph rewritten; what is not recognised stays as it is."""
    model = onnx.load_model_from_string(network)
    _widen_filters(Graph(model))
    _name_gelus(Graph(model))
    _name_norms(Graph(model))
    _name_doublings(Graph(model))
    reordering.double_late(Graph(model))
    reordering.filter_small(Graph(model))
    reordering.lay_channels_last(Graph(model))
    model.opset_import.append(helper.make_opsetid(EXTENSIONS, 1))
    return bytes(model.SerializeToString())


def _widen_filters(graph: Graph) -> None:
    """Space to batch, a filter, and back to space, is a filter with wide steps."""
    instead = {}
    for last in graph.nodes:
        narrow = graph.above(last, "DepthToSpace", "Transpose", "Conv")
        if last.op_type != "Slice" or narrow is None:
            continue
        depth: onnx.NodeProto | None = narrow
        while depth is not None and depth.op_type != "SpaceToDepth":
            depth = graph.maker.get(depth.input[0])
        turned = depth and graph.above(depth, "Transpose")
        padded = turned and graph.above(turned, "Pad")
        if not (depth and turned and padded):
            continue
        step, sides = attribute(depth, "blocksize"), attribute(narrow, "kernel_shape")
        order = [attribute(turned, "perm")[axis] for axis in BATCH_BEHIND]
        margins = 2 * [step * (side // 2) for side in sides]
        wide = {"dilations": [step, step], "kernel_shape": sides, "pads": margins}
        steps = [
            ("Transpose", [], {"perm": order}),
            ("Conv", narrow.input[1:], wide),
            ("Transpose", [], {"perm": BATCH_BEHIND}),
        ]
        instead[last.output[0]] = list(chain(graph, steps, padded.input[0], last.output[0]))
    graph.replace(instead)


def _name_gelus(graph: Graph) -> None:
    """x / 2 (1 + tanh(..)) in eight steps is GELU, by tanh (Hendrycks and Gimpel, arXiv 1606.08415,
    section 2)."""
    instead = {}
    for node in graph.nodes:
        inner = graph.above(node, "Mul", "Add")
        last = graph.below(node, "Add", "Mul")
        half = last and graph.above(last, "Mul")
        if node.op_type != "Tanh" or not (inner and last and half):
            continue
        shared = set(inner.input).intersection(half.input)
        if len(shared) == 1:
            x = shared.pop()
            numbers = sorted(_numbers_between(graph, x, last))
            if len(numbers) == len(GELU_NUMBERS) and np.allclose(numbers, GELU_NUMBERS, 1e-4):
                instead[last.output[0]] = [make(GELU, [x], last.output[0], domain=EXTENSIONS)]
    graph.replace(instead)


def _numbers_between(graph: Graph, x: str, node: onnx.NodeProto) -> Iterator[float]:
    """The numbers that make of the array `x` what a node makes, as often as they are met."""
    for name in node.input:
        number = graph.constant(name)
        if number.size == 1:
            yield float(number.item())
        elif name != x and name in graph.maker:
            yield from _numbers_between(graph, x, graph.maker[name])


def _name_norms(graph: Graph) -> None:
    """Mean, variance and scale over the channels in a dozen steps are a layer normalization (Ba,
    Kiros and Hinton, arXiv 1607.06450, section 3)."""
    instead = {}
    for node in graph.nodes:
        more = graph.above(node, "Add")
        apart = more and graph.above(more, "ReduceMean", "Mul", "Sub")
        scale = graph.below(node, "Reciprocal", "Mul")
        if node.op_type != "Sqrt" or not (more and apart and scale):
            continue
        x, gain = apart.input[0], graph.weight(scale)
        scaled = [user for user in graph.users[scale.output[0]] if x in user.input]
        last = graph.below(scaled[0], "Add") if scaled else None
        if last is None or gain.shape != (1, gain.size, 1, 1):
            continue
        moved = [graph.maker[name] for name in last.input if name != scaled[0].output[0]]
        weights = [graph.keep(each.ravel()) for each in (gain, graph.weight(moved[0]))]
        instead[last.output[0]] = [
            make(NORM, [x, *weights], last.output[0], epsilon=graph.weight(more).item())
        ]
    graph.replace(instead)


def _name_doublings(graph: Graph) -> None:
    """Both axes told out, tiled and laid together again are an enlargement by the nearest pixel."""
    instead = {}
    scales = graph.keep(np.array([1, 1, 2, 2], np.float32))
    along = "Reshape", "Tile", "Unsqueeze"  # of one axis
    for node in graph.nodes:
        first = graph.above(node, *along, "Reshape", "Transpose", "Tile", "Unsqueeze")
        if node.op_type != "Transpose" or first is None:
            continue
        tiles = graph.above(node, "Reshape", "Tile"), graph.below(first, "Tile")
        if all(each and graph.weight(each).prod() == 2 for each in tiles):
            instead[node.output[0]] = [double(first.input[0], scales, node.output[0])]
    graph.replace(instead)
