"""The graph of an ONNX file, read by who makes and who uses what, and rewritten in place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

EXTENSIONS = "com.microsoft"  # onnxruntime's own operations
GELU = "FastGelu"  # one of them
NORM = "ChannelNorm"  # over the second axis: of these files alone, until `lay_channels_last`


class Graph:
    """The nodes of a model's graph. It stands still: `replace` changes the model, not what this
    says of it."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = model.graph
        self.nodes = list(model.graph.node)
        self.maker = {name: node for node in self.nodes for name in node.output}
        self.users: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in self.nodes:
            for name in node.input:
                self.users[name].append(node)
        self._constants = {each.name: each for each in model.graph.initializer}
        self._numbers = count()

    def constant(self, name: str) -> np.ndarray[Any, Any]:
        """The array of this name, if it never changes; else an empty one."""
        found = self._constants.get(name)
        return np.zeros(0) if found is None else numpy_helper.to_array(found)

    def weight(self, node: onnx.NodeProto) -> np.ndarray[Any, Any]:
        """The first input of a node that never changes; an empty array where each does."""
        found = (self.constant(name) for name in node.input if name in self._constants)
        return next(found, np.zeros(0))

    def above(self, node: onnx.NodeProto, *kinds: str) -> onnx.NodeProto | None:
        """The node at the end of a way up from `node`, each made by the next, of these kinds."""
        if not kinds:
            return node
        for name in node.input:
            maker = self.maker.get(name)
            if maker is not None and maker.op_type == kinds[0]:
                found = self.above(maker, *kinds[1:])
                if found is not None:
                    return found
        return None

    def below(self, node: onnx.NodeProto, *kinds: str) -> onnx.NodeProto | None:
        """The node at the end of a way down from `node`, each using the one before."""
        if not kinds:
            return node
        for user in self.users[node.output[0]]:
            if user.op_type == kinds[0]:
                found = self.below(user, *kinds[1:])
                if found is not None:
                    return found
        return None

    def only_user(self, node: onnx.NodeProto) -> onnx.NodeProto | None:
        """Who alone uses what a node makes."""
        users = self.users[node.output[0]]
        return users[0] if len(users) == 1 else None

    def name(self) -> str:
        """A name for a new array, that nothing has yet."""
        names = (f"fused_{number}" for number in self._numbers)
        return next(name for name in names if not (name in self._constants or name in self.maker))

    def keep(self, array: np.ndarray) -> str:
        """The name of a new array that never changes."""
        name = self.name()
        self._graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        self._constants[name] = self._graph.initializer[-1]
        return name

    def replace(self, instead: Mapping[str, Sequence[onnx.NodeProto]]) -> None:
        """Puts nodes in the places of those that make these arrays, the last of them making it, and
        drops what nobody needs any more."""
        nodes = [new for node in self.nodes for new in instead.get(node.output[0], [node])]
        needed = {each.name for each in self._graph.output}
        kept = []
        for node in reversed(nodes):
            if needed.intersection(node.output):
                needed.update(node.input)
                kept.append(node)
        constants = [each for each in self._graph.initializer if each.name in needed]
        del self._graph.node[:], self._graph.initializer[:]
        self._graph.node.extend(reversed(kept))
        self._graph.initializer.extend(constants)


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """An attribute of a node, `default` where it has none."""
    found = (helper.get_attribute_value(each) for each in node.attribute if each.name == name)
    return next(found, default)


Step = tuple[str, Sequence[str], dict[str, Any]]  # kind, further inputs, attributes


def make(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
    """A node of one output."""
    return helper.make_node(kind, inputs, [output], **attributes)


def chain(graph: Graph, steps: Sequence[Step], first: str, last: str) -> Iterator[onnx.NodeProto]:
    """Nodes one after the other, from the array `first` to `last`."""
    names = [first, *(graph.name() for _ in steps[1:]), last]
    for (kind, more, attributes), source, target in zip(steps, names, names[1:], strict=False):
        yield make(kind, [source, *more], target, **attributes)


def double(source: str, scales: str, target: str) -> onnx.NodeProto:
    """An enlargement by the nearest pixel. scales: the array 1, 1, 2, 2."""
    nearest = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return make("Resize", [source, "", scales], target, mode="nearest", **nearest)
