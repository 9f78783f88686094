"""The network that is trained: padding does not count, and what is exported answers alike."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")


@pytest.fixture
def network():
    from network import Network

    rng = np.random.default_rng(1)
    torch.manual_seed(1)
    start = {
        "scale": np.ones(8),
        "words": rng.normal(size=(4, 8)),
        "softness": np.float32(0.5),
        "mean": 0.1 * rng.normal(size=32),
        "matrix": rng.normal(size=(32, 16)),
    }
    made = Network(start)
    torch.nn.init.normal_(made.weigh[2].weight)
    return made


def test_what_is_not_used_does_not_count(network):
    described = torch.randn(3, 9, 256)
    used = (torch.arange(9) < torch.tensor([[9], [5], [1]])).float()
    with torch.no_grad():
        together = network(described, used)
        alone = torch.cat(
            [
                network(described[i : i + 1, : (9, 5, 1)[i]], torch.ones(1, (9, 5, 1)[i]))
                for i in range(3)
            ]
        )
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(3))


def test_what_is_exported_answers_alike(network, tmp_path):
    import onnxruntime
    from network import export

    export(network, tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession((tmp_path / "network.onnx").read_bytes())
    described, used = torch.randn(2, 7, 256), torch.ones(2, 7)
    (found,) = session.run(None, {"described": described.numpy(), "used": used.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(found, network(described, used).numpy(), atol=1e-5)


def test_one_bit_keeps_what_a_vector_says_of_itself():
    from network import one_bit

    vectors = torch.nn.functional.normalize(torch.randn(5, 16), dim=1)
    kept = one_bit(vectors)
    torch.testing.assert_close((kept * vectors).sum(1), torch.ones(5))
    assert kept.abs().std(dim=1).max() < 1e-6
