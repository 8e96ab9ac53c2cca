"""Graphs that compute in half precision where GPUs have tensor cores for it, and in float32 elsewhere.

In half: products with weights, attention, and what lies between two of them (biases, gates, shapes). In float32:
the residual stream, norms, rotary embeddings, convolutions, the last projection and its norm, inputs and outputs.
Gemma's residual stream comes near the end of float16, 65504, and softmax inside attention is float32 anyway.

Inputs and outputs stay float32, so that a host need not know: image features, the only large ones, are 8 MB a
page of ColPali instead of 4, half a millisecond of a PCIe bus each way at most.

Pixels and weights of a first convolution are float32, because CUDA has no bfloat16 convolution in ONNX Runtime.
All that is made half here has kernels for both types there (its docs/OperatorKernels.md): MatMul, Gemm, Add, Mul,
Gelu, Sigmoid, Tanh, Neg, MultiHeadAttention, Cast, Gather, and what moves data. CPUs have none in bfloat16 for
the arithmetic among them, and for Expand: for_cpu writes the same roundings in float32.
"""

from collections import Counter

import onnx
from onnx import TensorProto, helper

from .weights import Tensor

TYPES = {"fp16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}

# Products with weights. Others have attention around them, or positions, which half precision would blur.
PRODUCTS = ("MatMul", "Gemm")

# Inputs of these that are values and not shapes; all of them must be half or constant.
VALUES = {
    **dict.fromkeys(("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Split", "Expand", "Flatten", "Identity"), 1),
    **dict.fromkeys(("Gelu", "Sigmoid", "Tanh", "Neg"), 1),
    **dict.fromkeys(("Concat", "Mul"), None),
}

# A float16 product that is added to the residual stream is 32 times too small in half, and enlarged in float32:
# it may reach 2 million then, and rounds no worse, but for weights below 0.002, by a millionth.
HEADROOM = 32.0

# What moves data does it in bfloat16 on CPUs as well.
CPU_MOVES = ("Cast", "Shape", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Split", "Flatten", "Identity", "Concat", "Gather")


def lower(graph: onnx.ModelProto, kind: str) -> list[Tensor]:
    """Rewrites a float32 graph of ours in place; returns its tensors."""
    return _Lowering(graph.graph, TYPES[kind]).run()


class _Lowering:
    def __init__(self, graph: onnx.GraphProto, type_: int):
        self.graph, self.type = graph, type_
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        self.constants = {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"}
        self.makers = {name: node for node in graph.node for name in node.output}
        self.uses = Counter(name for node in graph.node for name in _reads(node))
        self.uses.update(output.name for output in graph.output)
        self.half: set[str] = set()
        for node in graph.node:
            if self._is_half(node):
                self.half.update(node.output)
        self.factors: dict[str, float] = {}
        if type_ == TensorProto.FLOAT16:
            self._make_headroom()
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: dict[str, Tensor] = {}
        self.made: set[str] = set()

    def run(self) -> list[Tensor]:
        for node in self.graph.node:
            if self._is_half(node):
                self._emit_half(node)
            elif self._looks_up(node):
                self._emit_lookup(node)
            else:
                self._emit_whole(node)
        for output in self.graph.output:
            self._whole(output.name)
        del self.graph.node[:]
        self.graph.node.extend(self.nodes)
        return list(self.tensors.values())

    # What is half.

    def _is_half(self, node: onnx.NodeProto) -> bool:
        if node.op_type in PRODUCTS:
            return self._is_weight(node.input[1]) and not node.name.startswith("/head/")
        if node.op_type == "MultiHeadAttention":
            return True
        if node.op_type == "Add":
            return self._is_bias(node)
        values = self._values(node)
        return any(name in self.half for name in values) and all(name in self.half or self._is_constant(name) for name in values)

    def _is_weight(self, name: str) -> bool:
        """A matrix of float32. Positions are multiplied by one that is a row."""
        tensor = self.weights.get(name)
        return tensor is not None and tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2 and min(tensor.dims) > 1

    def _is_bias(self, node: onnx.NodeProto) -> bool:
        """Two sums are of the residual stream."""
        return sum(name in self.half for name in node.input) == 1 and any(map(self._is_constant, node.input))

    def _is_constant(self, name: str) -> bool:
        return name in self.weights or name in self.constants

    def _looks_up(self, node: onnx.NodeProto) -> bool:
        return node.op_type == "Gather" and self._is_weight(node.input[0])

    def _values(self, node: onnx.NodeProto) -> list[str]:
        if node.op_type == "MultiHeadAttention":
            return [node.input[place] for place in (0, 1, 2, 5) if place < len(node.input)]
        if node.op_type in (*PRODUCTS, "Add"):
            return list(node.input)
        return list(node.input)[: VALUES[node.op_type]] if node.op_type in VALUES else []

    # Room above the largest float16.

    def _make_headroom(self) -> None:
        for node in self.graph.node:
            linear = self._linear(node.output[0]) if node.output else []
            if not linear or not self._leaves(node.output[0]):
                continue
            # A gate's product may be as large as what it becomes: there its own factor is made small.
            source = self.makers.get(linear[0].input[0])
            gated = source is not None and source.op_type == "Mul" and source.output[0] in self.half and self.uses[source.output[0]] == 1
            factor = self._linear(source.input[1]) if gated and self.uses[source.input[1]] == 1 else []
            for one in factor or linear[:1]:
                self.factors.update({name: 1 / HEADROOM for name in self._own(one)})
            for one in linear[1:]:
                self.factors.update({name: 1 / HEADROOM for name in self._own(one)})
            self.factors[node.output[0]] = HEADROOM

    def _linear(self, name: str) -> list[onnx.NodeProto]:
        """The product, and the sum with its bias, that make a tensor; nothing where something else does."""
        node = self.makers.get(name)
        if node is None or name not in self.half:
            return []
        if node.op_type in PRODUCTS:
            return [node]
        if node.op_type != "Add":
            return []
        (value,) = [one for one in node.input if one in self.half]
        maker = self.makers[value]
        return [maker, node] if maker.op_type in PRODUCTS and self.uses[value] == 1 else []

    def _leaves(self, name: str) -> bool:
        """All that read it do it in float32."""
        readers = [node for node in self.graph.node if name in _reads(node)]
        return not any(self._is_half(node) or node.op_type == "Shape" for node in readers)

    def _own(self, node: onnx.NodeProto) -> list[str]:
        return [f"{node.name}:{name}" for name in node.input if self._is_constant(name)]

    # Nodes.

    def _emit_half(self, node: onnx.NodeProto) -> None:
        values = set(self._values(node))
        made = onnx.NodeProto()
        made.CopyFrom(node)
        for place, name in enumerate(node.input):
            if name in values:
                made.input[place] = self._halved(name, self.factors.get(f"{node.name}:{name}", 1.0))
            else:
                self._whole(name)
        for place, name in enumerate(node.output):
            made.output[place] = _half(name)
        self.nodes.append(made)

    def _emit_lookup(self, node: onnx.NodeProto) -> None:
        """A table in half; what is read of it goes on in float32."""
        made = onnx.NodeProto()
        made.CopyFrom(node)
        made.input[0] = self._halved(node.input[0])
        self._whole(node.input[1])
        made.output[0] = _half(node.output[0])
        self.nodes += [made, helper.make_node("Cast", [made.output[0]], [node.output[0]], to=TensorProto.FLOAT)]

    def _emit_whole(self, node: onnx.NodeProto) -> None:
        if node.op_type == "Shape" and node.input[0] in self.half:
            made = onnx.NodeProto()
            made.CopyFrom(node)
            made.input[0] = _half(node.input[0])
            self.nodes.append(made)
            return
        for name in _reads(node):
            self._whole(name)
        self.nodes.append(node)

    def _whole(self, name: str) -> None:
        """Sees to it that the tensor exists in float32, or as what it is."""
        if name in self.weights:
            self.tensors.setdefault(name, Tensor(name, self.weights[name], self.weights[name].data_type))
        if name not in self.half or name in self.made:
            return
        self.made.add(name)
        factor = self.factors.get(name, 1.0)
        small = name if factor == 1 else name + ".small"
        self.nodes.append(helper.make_node("Cast", [_half(name)], [small], to=TensorProto.FLOAT))
        if factor != 1:
            scalar = helper.make_tensor("", TensorProto.FLOAT, [], [factor])
            self.nodes.append(helper.make_node("Constant", [], [name + ".factor"], value=scalar))
            self.nodes.append(helper.make_node("Mul", [small, name + ".factor"], [name]))

    def _halved(self, name: str, factor: float = 1.0) -> str:
        if name in self.half:
            return _half(name)
        made = _half(name) if factor == 1 else _half(name) + ".small"
        if self._is_constant(name):
            source = self.weights.get(name, self.constants.get(name))
            self.tensors.setdefault(made, Tensor(made, source, self.type, factor))
        elif made not in self.made:
            self.made.add(made)
            self.nodes.append(helper.make_node("Cast", [name], [made], to=self.type))
        return made


def _half(name: str) -> str:
    return name + ".half"


def _is_halved(name: str) -> bool:
    return name.endswith((".half", ".half.small"))


def _reads(node: onnx.NodeProto) -> list[str]:
    """What a node reads, those inside of it too."""
    inside = [attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH]
    return [name for name in node.input if name] + [name for body in inside for one in body.node for name in _reads(one)]


def is_bfloat16(graph: onnx.ModelProto) -> bool:
    return any(tensor.data_type == TensorProto.BFLOAT16 for tensor in graph.graph.initializer)


def for_cpu(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A bfloat16 graph as CPUs can run it: the same values in bfloat16, arithmetic in float32 between them."""
    nodes: list[onnx.NodeProto] = []
    for node in graph.graph.node:
        if node.op_type in CPU_MOVES or not any(map(_is_halved, [*node.input, *node.output])):
            nodes.append(node)
            continue
        wide = onnx.NodeProto()
        wide.CopyFrom(node)
        for place, name in enumerate(node.input):
            if _is_halved(name):
                wide.input[place] = f"{name}.{len(nodes)}.wide"
                nodes.append(helper.make_node("Cast", [name], [wide.input[place]], to=TensorProto.FLOAT))
        nodes.append(wide)
        for place, name in enumerate(node.output):
            wide.output[place] = name + ".wide"
            nodes.append(helper.make_node("Cast", [name + ".wide"], [name], to=TensorProto.BFLOAT16))
    made = onnx.ModelProto()
    made.CopyFrom(graph)
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    return made
