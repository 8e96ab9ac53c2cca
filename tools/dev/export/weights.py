"""The tensors of a written graph: as float32, or fewer bytes each. One at a time is in memory."""

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper

# Below this a tensor's Cast node costs about what its halving saves.
SMALLEST_HALVED = 1024

# protobuf ends at 2 GiB; larger graphs keep their tensors in a file beside them.
EXTERNAL_DATA_OVER = 1_500_000_000

# Smaller tensors stay in the graph, where shapes are read from them.
SMALLEST_EXTERNAL = 1024

# Tensors begin at whole pages of memory, so that they can be mapped.
ALIGNMENT = 4096

BYTES = {TensorProto.FLOAT16: 2, TensorProto.BFLOAT16: 2, TensorProto.FLOAT: 4, TensorProto.INT64: 8}


@dataclass(frozen=True)
class Tensor:
    """A tensor to write: the source's values times the factor, in the type."""

    name: str
    source: TensorProto
    type: int
    factor: float = 1.0

    @property
    def bytes(self) -> int:
        return math.prod(self.source.dims) * BYTES[self.type]

    def content(self, folder: Path) -> bytes:
        """folder is where the source's file lies, if it has one."""
        values = np.asarray(numpy_helper.to_array(self.source, str(folder)))
        if self.type == self.source.data_type and self.factor == 1:
            return values.tobytes()
        halved = torch.from_numpy(np.asarray(values * np.float32(self.factor))).to({TensorProto.FLOAT16: torch.float16, TensorProto.BFLOAT16: torch.bfloat16}[self.type])
        if not halved.isfinite().all():
            raise ValueError(f"weight {self.name} reaches {np.abs(values).max():g}, beyond float16: export it as float32")
        return halved.view(torch.int16).numpy().tobytes()


def whole(graph: onnx.ModelProto) -> list[Tensor]:
    return [Tensor(tensor.name, tensor, tensor.data_type) for tensor in graph.graph.initializer]


def stored_as_float16(graph: onnx.ModelProto) -> list[Tensor]:
    """Large float32 tensors as float16, with a Cast back to float32, which ONNX Runtime folds while loading:
    only the file shrinks. Activations stay float32, so a page gets the same vectors whatever it is batched
    with: dynamic quantisation has scales that depend on the batch."""
    tensors, casts = [], []
    for tensor in whole(graph):
        if tensor.type == TensorProto.FLOAT and math.prod(tensor.source.dims) >= SMALLEST_HALVED:
            casts.append(onnx.helper.make_node("Cast", [tensor.name + "_f16"], [tensor.name], to=TensorProto.FLOAT))
            tensor = Tensor(tensor.name + "_f16", tensor.source, TensorProto.FLOAT16)
        tensors.append(tensor)
    # Nodes must come before their users; the casts use initialisers only.
    nodes = casts + list(graph.graph.node)
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    return tensors


def write(graph: onnx.ModelProto, tensors: list[Tensor], sources: Path, path: Path) -> list[Path]:
    """Writes a graph with these tensors, beside it when they are large; returns the files. sources is the folder
    that the graph was read from."""
    outside = sum(tensor.bytes for tensor in tensors) > EXTERNAL_DATA_OVER
    data = path.with_suffix(".onnx_data")
    written = []
    with data.open("wb") if outside else contextlib.nullcontext() as file:
        for tensor in tensors:
            made = TensorProto(name=tensor.name, data_type=tensor.type, dims=tensor.source.dims)
            content = tensor.content(sources)
            if outside and len(content) >= SMALLEST_EXTERNAL:
                file.write(bytes(-file.tell() % ALIGNMENT))
                made.data_location = TensorProto.EXTERNAL
                for key, value in (("location", data.name), ("offset", file.tell()), ("length", len(content))):
                    made.external_data.add(key=key, value=str(value))
                file.write(content)
            else:
                made.raw_data = content
            written.append(made)
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(written)
    path.write_bytes(graph.SerializeToString())
    return [path, data] if outside else [path]
