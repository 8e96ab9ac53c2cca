"""python tools/dev/goldens/graphs.py: the hand-made ONNX graphs of vectorizer/ort.

probe.onnx is shipped: `Open` runs it to prove that a device works. The others are
for tests.
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

ORT = Path(__file__).resolve().parents[3] / "vectorizer" / "ort"

FLOAT = TensorProto.FLOAT


def main() -> None:
    write(ORT / "probe.onnx", [helper.make_node("Add", ["x", "x"], ["y"])])
    write(ORT / "testdata" / "endless.onnx", endless())


def endless() -> list[onnx.NodeProto]:
    """y = x + 0 + 0 + ..., so often that only a cancellation ends it."""
    step = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Constant", [], ["zero"], value=helper.make_tensor("", FLOAT, [1], [0.0])),
            helper.make_node("Add", ["value", "zero"], ["next"]),
        ],
        "step",
        [
            helper.make_tensor_value_info("iteration", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", FLOAT, [1]),
        ],
    )
    return [
        helper.make_node("Constant", [], ["times"], value=helper.make_tensor("", TensorProto.INT64, [], [1 << 60])),
        helper.make_node("Constant", [], ["true"], value=helper.make_tensor("", TensorProto.BOOL, [], [True])),
        helper.make_node("Loop", ["times", "true", "x"], ["y"], body=step),
    ]


def write(path: Path, nodes: list[onnx.NodeProto]) -> None:
    """A graph from float32 x [1] to float32 y [1]."""
    ends = [helper.make_tensor_value_info(name, FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph(nodes, path.stem, ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
