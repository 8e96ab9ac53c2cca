"""peak.onnx: what a device does at most, in the runtime that the model has."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PRODUCTS = 16


def operations(side: int) -> float:
    return 2.0 * side**3 * PRODUCTS


def write(path: Path, side: int) -> None:
    """scale f32 [1] -> mean f32 [1,1]: float16 products of square matrices, each of the one before."""
    weights = np.random.default_rng(0).normal(0, side**-0.5, (side, side)).astype(np.float16)
    nodes = [
        helper.make_node("Cast", ["scale"], ["half"], to=TensorProto.FLOAT16),
        # Not constant, or it would be computed while loading.
        helper.make_node("Mul", ["weights", "half"], ["row.0"]),
        *(helper.make_node("MatMul", [f"row.{number}", "weights"], [f"row.{number + 1}"]) for number in range(PRODUCTS)),
        helper.make_node("ReduceMean", [f"row.{PRODUCTS}"], ["mean.half"], keepdims=1),
        helper.make_node("Cast", ["mean.half"], ["mean"], to=TensorProto.FLOAT),
    ]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)] for name, shape in (("scale", [1]), ("mean", [1, 1]))]
    graph = helper.make_graph(nodes, "peak", *ends, [numpy_helper.from_array(weights, "weights")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
