"""The same graph with less to move: fewer pixels, channels side by side, parts that stay in cache.

It goes on from what `fusing` has recognised.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper

from engine.minutiae.graphs import (
    EXTENSIONS,
    GELU,
    NORM,
    Graph,
    Step,
    attribute,
    chain,
    double,
    make,
)

PARTS = 16  # of the rows, for what would leave the processor's cache
CHANNELS_LAST, CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


def double_late(graph: Graph) -> None:
    """What looks at each pixel by itself comes before an enlargement, on a quarter of them."""
    instead = {}
    for node in graph.nodes:
        run = list(_pixelwise(graph, node)) if node.op_type == "Resize" else []
        if not run:
            continue
        source = node.input[0]
        for each in run:
            early = onnx.NodeProto()
            early.CopyFrom(each)
            early.input[0], early.output[0] = source, graph.name()
            instead[each.output[0]], source = [early], early.output[0]
        last = run[-1].output[0]
        instead[last].append(double(source, node.input[2], last))
    graph.replace(instead)


def _pixelwise(graph: Graph, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    """The nodes behind a node that look at each pixel by itself, over all channels, as long as
    nobody else needs what is in between."""
    user = graph.only_user(node)
    while user is not None and (user.op_type in (NORM, GELU) or _is_matrix(user)):
        yield user
        user = graph.only_user(user)


def _is_matrix(node: onnx.NodeProto) -> bool:
    """Whether a node is a filter of one pixel."""
    if node.op_type != "Conv":
        return False
    sides, steps = attribute(node, "kernel_shape"), attribute(node, "strides", [1])
    return {*sides, *steps, attribute(node, "group", 1)} == {1}


def filter_small(graph: Graph) -> None:
    """A filter of an enlarged picture is four filters of the small one, for each of the four pixels
    that one became: half as wide, as many of their weights fall on the same pixel."""
    instead = {}
    for node in graph.nodes:
        user = graph.only_user(node) if node.op_type == "Resize" else None
        if user is None or user.op_type != "Conv" or attribute(user, "group", 1) != 1:
            continue
        weight = graph.weight(user)
        side = weight.shape[-1]
        square = weight.shape[2:] == (side, side) and side % 2 == 1
        if not square or attribute(user, "auto_pad") != b"SAME_UPPER":
            continue
        onto = _steps_onto(side)
        small = np.einsum("ocyx,ayi,bxj->abocij", weight, onto, onto).astype(np.float32)
        sides = list(small.shape[4:])
        filters = [graph.keep(small.reshape(-1, weight.shape[1], *sides))]
        filters += [graph.keep(np.tile(graph.constant(name), 4)) for name in user.input[2:]]
        shape = {"kernel_shape": sides, "pads": 2 * [side // 2 for side in sides]}
        steps: list[Step] = [("Conv", filters, shape), ("DepthToSpace", [], {"blocksize": 2})]
        instead[user.output[0]] = list(chain(graph, steps, node.input[0], user.output[0]))
    graph.replace(instead)


def _steps_onto(side: int) -> np.ndarray:
    """Which pixel of a small picture each step of a filter leads to, from the first or the second
    of the two pixels that one became: 0 or 1, (2, side, pixels of the small one)."""
    reach = side // 2
    far = (reach + 1) // 2
    onto = np.zeros((2, side, 2 * far + 1))
    for which in (0, 1):
        for step in range(-reach, reach + 1):
            onto[which, step + reach, (which + step) // 2 + far] = 1
    return onto


def lay_channels_last(graph: Graph) -> None:
    """A run of such nodes that begins with a normalization works on arrays whose channels lie side
    by side: onnxruntime normalizes those, and filters of one pixel are products of matrices."""
    instead = {}
    for node in graph.nodes:
        if node.op_type != NORM:
            continue
        run = [node, *_pixelwise(graph, node)]
        steps: list[Step] = [step for each in run for step in _beside(graph, each)]
        for i in range(len(steps) - 1, 0, -1):
            if (steps[i - 1][0], steps[i][0]) == ("Add", GELU):  # it adds to its input by itself
                steps[i - 1 : i + 1] = [(GELU, steps[i - 1][1], steps[i][2])]
        first, last = graph.name(), graph.name()
        instead[run[-1].output[0]] = [
            make("Transpose", node.input[:1], first, perm=CHANNELS_LAST),
            *(_in_parts if _widens(graph, run) else chain)(graph, steps, first, last),
            make("Transpose", [last], run[-1].output[0], perm=CHANNELS_FIRST),
        ]
    graph.replace(instead)


def _beside(graph: Graph, node: onnx.NodeProto) -> Iterator[Step]:
    """What a node does where channels lie side by side, as `chain` takes it."""
    if node.op_type == NORM:
        epsilon = {"epsilon": attribute(node, "epsilon")}
        yield "LayerNormalization", list(node.input[1:]), epsilon
    elif node.op_type == GELU:
        yield GELU, [], {"domain": EXTENSIONS}
    else:
        yield "MatMul", [graph.keep(graph.weight(node)[:, :, 0, 0].T)], {}
        yield from (("Add", [bias], {}) for bias in node.input[2:])


def _widens(graph: Graph, run: list[onnx.NodeProto]) -> bool:
    """Whether there are more channels in between than at the ends."""
    shapes = [graph.weight(each).shape for each in run if each.op_type == "Conv"]
    return any(shape[0] > shape[1] for shape in shapes)


def _in_parts(graph: Graph, steps: list[Step], first: str, last: str) -> Iterator[onnx.NodeProto]:
    """The same as `chain` for one part of the rows after the other, as even as rows allow: what is
    in between stays in the processor's cache."""
    before, behind = ([graph.name() for _ in range(PARTS)] for _ in range(2))
    shape, rows, raised, most, left, some, sizes = (graph.name() for _ in range(7))
    number = {each: graph.keep(np.array([each])) for each in (0, 1, PARTS - 1, PARTS)}
    yield make("Shape", [first], shape)
    yield make("Gather", [shape, number[1]], rows)
    yield make("Add", [rows, number[PARTS - 1]], raised)
    yield make("Div", [raised, number[PARTS]], most)
    starts = graph.name()
    yield make("Mul", [graph.keep(np.arange(PARTS)), most], starts)
    yield make("Sub", [rows, starts], left)
    yield make("Min", [left, most], some)
    yield make("Max", [some, number[0]], sizes)
    yield helper.make_node("Split", [first, sizes], before, axis=1)
    for source, target in zip(before, behind, strict=True):
        yield from chain(graph, steps, source, target)
    yield make("Concat", behind, last, axis=1)
