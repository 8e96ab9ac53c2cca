"""python tools/dev/goldens/graphs.py: the hand-made ONNX graphs of vectorizer and of its tools' tests.

probe.onnx is shipped: `Open` runs it to prove that a device works. The others are
for tests.
"""

import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

DEV = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(DEV))

from benchgpu import peak  # noqa: E402  (found through DEV)

VECTORIZER = DEV.parents[1] / "vectorizer"

FLOAT = TensorProto.FLOAT


def main() -> None:
    ends = [value("x", FLOAT, [1])], [value("y", FLOAT, [1])]
    write(VECTORIZER / "ort" / "probe.onnx", [helper.make_node("Add", ["x", "x"], ["y"])], *ends)
    write(VECTORIZER / "ort" / "testdata" / "endless.onnx", endless(), *ends)
    for name, number in {"nan": float("nan"), "long": 2.0}.items():
        write(VECTORIZER / "testdata" / "broken" / f"text-{name}.onnx", *constant_embeddings(number))
    write(VECTORIZER / "testdata" / "broken" / "text-bfloat16.onnx", *bfloat16_embeddings())
    peak.write(DEV / "benchgpu" / "testdata" / "peak.onnx", 16)
    ids = value("input_ids", TensorProto.INT64, ["batch", "sequence"])
    mask = value("attention_mask", TensorProto.INT64, ["batch", "sequence"])
    pixels = value("pixel_values", FLOAT, ["batch", 3, 4, 4])
    embeddings = value("embeddings", FLOAT, ["batch", "sequence", 3])
    foreign = VECTORIZER / "testdata" / "foreign"
    tiles = value("pixel_values", FLOAT, ["batch", "tiles", 3, 4, 4])
    write(foreign / "model.onnx", whole_model([1, 2, 3]), [ids, pixels, mask], [embeddings])
    write(foreign / "half.onnx", in_half(whole_model([1, 2, 3])), [ids, pixels, mask], [value("embeddings", TensorProto.FLOAT16, ["batch", "sequence", 3])])
    write(foreign / "tiled.onnx", whole_model([1, 2, 3, 4]), [ids, tiles, mask], [embeddings])
    write(foreign / "text.onnx", whole_model([]), [ids, mask], [embeddings])


def whole_model(axes: list[int]) -> list[onnx.NodeProto]:
    """One graph from ids and pixels to vectors, as others export them: (id + 1, the page's mean, 1) at length 1.
    axes are those of a page's pixels, none of a graph that sees nothing."""
    one = helper.make_tensor("", FLOAT, [1], [1.0])
    nodes = [
        helper.make_node("Constant", [], ["one"], value=one),
        helper.make_node("Cast", ["input_ids"], ["ids"], to=FLOAT),
        helper.make_node("Add", ["ids", "one"], ["first"]),
        helper.make_node("Mul", ["ids", "zero"], ["nothing"]),
        helper.make_node("Constant", [], ["zero"], value=helper.make_tensor("", FLOAT, [1], [0.0])),
        helper.make_node("Add", ["nothing", "one"], ["third"]),
        helper.make_node("Constant", [], ["last"], value=helper.make_tensor("", TensorProto.INT64, [1], [2])),
    ]
    nodes.insert(0, nodes.pop(4))
    if axes:
        nodes += [
            helper.make_node("ReduceMean", ["pixel_values"], ["means"], axes=axes, keepdims=0),
            helper.make_node("Constant", [], ["second_axis"], value=helper.make_tensor("", TensorProto.INT64, [1], [1])),
            helper.make_node("Unsqueeze", ["means", "second_axis"], ["page"]),
            helper.make_node("Add", ["nothing", "page"], ["second"]),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["nothing"], ["second"]))
    for column in ("first", "second", "third"):
        nodes.append(helper.make_node("Unsqueeze", [column, "last"], [column + "_column"]))
    return [
        *nodes,
        helper.make_node("Concat", ["first_column", "second_column", "third_column"], ["vectors"], axis=-1),
        helper.make_node("LpNormalization", ["vectors"], ["unit"], axis=-1, p=2),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["kept"]),
        helper.make_node("Mul", ["unit", "kept"], ["embeddings"]),
    ]


def in_half(nodes: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """The same, answered in float16."""
    nodes[-1].output[0] = "wide"
    return [*nodes, helper.make_node("Cast", ["wide"], ["embeddings"], to=TensorProto.FLOAT16)]


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
            value("iteration", TensorProto.INT64, []),
            value("go", TensorProto.BOOL, []),
            value("value", FLOAT, [1]),
        ],
        [
            value("go_on", TensorProto.BOOL, []),
            value("next", FLOAT, [1]),
        ],
    )
    return [
        helper.make_node("Constant", [], ["times"], value=helper.make_tensor("", TensorProto.INT64, [], [1 << 60])),
        helper.make_node("Constant", [], ["true"], value=helper.make_tensor("", TensorProto.BOOL, [], [True])),
        helper.make_node("Loop", ["times", "true", "x"], ["y"], body=step),
    ]


def constant_embeddings(number: float) -> tuple[list[onnx.NodeProto], list, list]:
    """A text graph whose every value is the number."""
    nodes = [
        helper.make_node("Shape", ["input_ids"], ["rows"]),
        helper.make_node("Constant", [], ["dim"], value=helper.make_tensor("", TensorProto.INT64, [1], [128])),
        helper.make_node("Concat", ["rows", "dim"], ["shape"], axis=0),
        helper.make_node("Constant", [], ["number"], value=helper.make_tensor("", FLOAT, [1], [number])),
        helper.make_node("Expand", ["number", "shape"], ["embeddings"]),
    ]
    inputs = [
        value("input_ids", TensorProto.INT64, ["batch", "sequence"]),
        value("attention_mask", TensorProto.INT64, ["batch", "sequence"]),
        value("image_features", FLOAT, ["image_tokens", 64]),
    ]
    return nodes, inputs, [value("embeddings", FLOAT, ["batch", "sequence", 128])]


def bfloat16_embeddings() -> tuple[list[onnx.NodeProto], list, list]:
    """A text graph with a sum in bfloat16, which ONNX Runtime has no code for on CPUs."""
    nodes, inputs, outputs = constant_embeddings(0.5)
    nodes[-1].output[0] = "constant"
    nodes += [
        helper.make_node("Cast", ["constant"], ["half"], to=TensorProto.BFLOAT16),
        helper.make_node("Add", ["half", "half"], ["sum"]),
        helper.make_node("Cast", ["sum"], ["embeddings"], to=FLOAT),
    ]
    return nodes, inputs, outputs


def value(name: str, element: int, shape: list) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, element, shape)


def write(path: Path, nodes: list[onnx.NodeProto], inputs: list, outputs: list) -> None:
    graph = helper.make_graph(nodes, path.stem, inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
