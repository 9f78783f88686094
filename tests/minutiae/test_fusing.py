"""A rewritten graph computes the same, and what is only alike is left as it is."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.minutiae import fusing, leader, reordering
from engine.minutiae.graphs import EXTENSIONS, NORM, Graph, double, make

SPELLED_OUT = {
    "Tanh",
    "Pow",
    "ReduceMean",
    "Sqrt",
    "Reciprocal",
    "Tile",
    "SpaceToDepth",
    "Pad",
    NORM,
}


def session(network: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])


def run(network: bytes, pixels: np.ndarray) -> np.ndarray:
    return session(network).run(None, {"input": pixels})[0]


def kinds(network: bytes) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load_model_from_string(network).graph.node)


def build(nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray]) -> onnx.ModelProto:
    """A model from input (1, channels, height, width) to output."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, "c", "h", "w"])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(EXTENSIONS, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def gelu(cubic: float) -> onnx.ModelProto:
    """x / 2 (1 + tanh(0.798 (x + cubic x³))), as Keras converts it."""
    numbers = {"half": 0.5, "one": 1.0, "three": 3.0, "slope": 0.7978846, "cubic": cubic}
    nodes = [
        make("Mul", ["half", "input"], "halved"),
        make("Pow", ["input", "three"], "power"),
        make("Mul", ["cubic", "power"], "small"),
        make("Add", ["input", "small"], "sum"),
        make("Mul", ["slope", "sum"], "sloped"),
        make("Tanh", ["sloped"], "bent"),
        make("Add", ["one", "bent"], "raised"),
        make("Mul", ["halved", "raised"], "output"),
    ]
    return build(nodes, {name: np.float32(number) for name, number in numbers.items()})


@pytest.fixture(scope="module")
def networks():
    plain = leader._weights()
    return plain, fusing.fuse(plain)


def test_nothing_is_left_spelled_out(networks):
    plain, fused = map(kinds, networks)
    assert not SPELLED_OUT.intersection(fused)
    assert fused["LayerNormalization"] >= plain["Sqrt"] == 24
    assert fused["FastGelu"] >= plain["Tanh"] == 27
    assert sum(plain.values()) > 1300


@pytest.mark.parametrize("shape", [(32, 32), (64, 160), (224, 192)])
def test_leader_sees_the_same(networks, shape):
    rng = np.random.default_rng(3)
    y, x = np.indices(shape)
    ridges = 128 + 90 * np.sin(2 * np.pi * (x + 0.3 * y + 8 * np.sin(y / 17)) / 9)
    pixels = (ridges + rng.normal(0, 25, shape)).clip(0, 255).astype(np.float32)[None, :, :, None]
    plain, fused = (run(network, pixels) for network in networks)
    ridge = plain[..., 0] > 0.01
    apart = np.abs(plain - fused)
    assert apart[..., [0, 2, 3]].max() < 1e-3
    turn = np.abs(np.exp(1j * plain[..., 1]) - np.exp(1j * fused[..., 1]))
    assert ridge.any()
    assert turn[ridge].max() < 1e-3


def test_gelu_is_named_and_what_is_like_it_is_not():
    pixels = np.random.default_rng(1).normal(0, 2, (1, 2, 3, 4)).astype(np.float32)
    for cubic, expected in (
        (0.044715, {"FastGelu": 1}),
        (0.05, dict(kinds(gelu(0).SerializeToString()))),
    ):
        plain = gelu(cubic).SerializeToString()
        fused = fusing.fuse(plain)
        assert kinds(fused) == expected
        np.testing.assert_allclose(run(fused, pixels), run(plain, pixels), atol=1e-5)


@pytest.mark.parametrize("side", [1, 3, 5, 7])
@pytest.mark.parametrize("group", [1, 2])
def test_an_enlarged_picture_is_filtered_small(side, group):
    rng = np.random.default_rng(side)
    weight = rng.normal(size=(4, 4 // group, side, side)).astype(np.float32)
    constants = {
        "scales": np.float32([1, 1, 2, 2]),
        "weight": weight,
        "bias": rng.normal(size=4).astype(np.float32),
    }
    shape = {"kernel_shape": [side, side], "auto_pad": "SAME_UPPER", "group": group}
    filtered = make("Conv", ["large", "weight", "bias"], "output", **shape)
    model = build([double("input", "scales", "large"), filtered], constants)
    plain = model.SerializeToString()
    reordering.filter_small(Graph(model))
    small = model.SerializeToString()
    assert kinds(small)["DepthToSpace"] == (group == 1)
    pixels = rng.normal(size=(1, 4, 5, 6)).astype(np.float32)
    np.testing.assert_allclose(run(small, pixels), run(plain, pixels), atol=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 15, 16, 17, 33, 48])
@pytest.mark.parametrize("wide", [4, 12])
def test_runs_behind_a_norm_are_the_same_in_parts_and_whole(rows, wide):
    """Against the same worked out by hand: normalize, widen, bend, narrow, over each pixel."""
    rng = np.random.default_rng(rows)
    gain, offset, bias = (rng.normal(size=n).astype(np.float32) for n in (4, 4, wide))
    one = rng.normal(size=(wide, 4, 1, 1)).astype(np.float32)
    two = rng.normal(size=(3, wide, 1, 1)).astype(np.float32)
    pixel = {"kernel_shape": [1, 1]}
    nodes = [
        make(NORM, ["input", "gain", "offset"], "normal", epsilon=0.001),
        make("Conv", ["normal", "one", "bias"], "wide", **pixel),
        make("FastGelu", ["wide"], "bent", domain=EXTENSIONS),
        make("Conv", ["bent", "two"], "output", **pixel),
    ]
    constants = {"gain": gain, "offset": offset, "one": one, "two": two, "bias": bias}
    model = build(nodes, constants)
    reordering.lay_channels_last(Graph(model))
    fused = model.SerializeToString()
    assert kinds(fused)["MatMul"] == 2 * (reordering.PARTS if wide > 4 else 1)
    pixels = rng.normal(size=(1, 4, rows, 5)).astype(np.float32)
    mean, variance = pixels.mean(axis=1, keepdims=True), pixels.var(axis=1, keepdims=True)
    normal = (pixels - mean) / np.sqrt(variance + 0.001) * gain[:, None, None]
    x = np.einsum("oc,bcyx->boyx", one[..., 0, 0], normal + offset[:, None, None])
    x += bias[:, None, None]
    bent = x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    expected = np.einsum("oc,bcyx->boyx", two[..., 0, 0], bent)
    np.testing.assert_allclose(run(fused, pixels), expected, atol=1e-4)


def test_what_two_need_stays_where_it_is():
    """The array between an enlargement and a filter of one pixel is an output too."""
    nodes = [
        double("input", "scales", "large"),
        make("Conv", ["large", "weight"], "thin", kernel_shape=[1, 1]),
        make("Concat", ["large", "thin"], "output", axis=1),
    ]
    constants = {"scales": np.float32([1, 1, 2, 2]), "weight": np.ones((1, 2, 1, 1), np.float32)}
    model = build(nodes, constants)
    reordering.double_late(Graph(model))
    assert list(model.graph.node) == nodes
