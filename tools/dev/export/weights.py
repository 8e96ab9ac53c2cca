"""Smaller weights in an exported graph, without changing how it computes.

Activations stay float32, so a page gets the same vectors whatever it is batched with:
dynamic quantisation has scales that depend on the batch.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

# Below this a tensor's Cast node costs about what its halving saves.
SMALLEST_HALVED = 1024

# protobuf ends at 2 GiB; larger graphs keep their tensors in a file beside them.
EXTERNAL_DATA_OVER = 1_500_000_000


def store_as_float16(graph: onnx.ModelProto) -> None:
    """Stores large float32 initialisers as float16, with a Cast back to float32.

    ONNX Runtime folds the Cast while loading, so only the file shrinks.
    """
    casts = []
    for tensor in graph.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST_HALVED:
            continue
        name = tensor.name
        values = numpy_helper.to_array(tensor)
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ValueError(f"weight {name} reaches {np.abs(values).max():g}, beyond float16: export with --weights fp32")
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + "_f16"))
        casts.append(onnx.helper.make_node("Cast", [name + "_f16"], [name], to=onnx.TensorProto.FLOAT))
    # Nodes must come before their users; the casts use initialisers only.
    nodes = casts + list(graph.graph.node)
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)


def save(graph: onnx.ModelProto, path: Path) -> list[Path]:
    """Writes a graph, with its tensors beside it when they are large; returns the files."""
    if sum(len(tensor.raw_data) for tensor in graph.graph.initializer) <= EXTERNAL_DATA_OVER:
        onnx.save(graph, str(path))
        return [path]
    data = path.with_suffix(".onnx_data")
    onnx.save(graph, str(path), save_as_external_data=True, all_tensors_to_one_file=True, location=data.name)
    return [path, data]
