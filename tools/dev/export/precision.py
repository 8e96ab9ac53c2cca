"""How a graph's weights are stored, and what it computes in."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import onnx

from . import half
from .weights import Tensor, stored_as_float16, whole, write

# The manifest's names.
NAMES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}


@dataclass(frozen=True)
class Precision:
    """compute: fp32, or fp16 or bf16 (half.py); weights, where it computes in fp32: fp32, or stored as fp16."""

    weights: str = "fp32"
    compute: str = "fp32"

    def __post_init__(self):
        if self.compute not in NAMES or self.weights not in ("fp32", "fp16"):
            raise ValueError(f"weights {self.weights!r} and computing in {self.compute!r}: known are fp32 and fp16, and fp32, fp16 and bf16")

    @property
    def is_exact(self) -> bool:
        return self == Precision()

    @property
    def fused(self) -> bool:
        return self.compute != "fp32"

    @property
    def least_cosine(self) -> float:
        """Worst cosine of a vector to PyTorch's in float32. Pages still rank alike well below it; a broken conversion
        lands far under it. Of tiny random models the worst was 0.9995 in bfloat16 (ColQwen3.5) and 0.999998 in float16."""
        return 0.999 if self.fused else 0.98

    def graph(self) -> dict:
        return {"precision": NAMES[self.compute]}

    def source(self) -> dict:
        return {"weights": self.compute if self.fused else self.weights, "compute": self.compute}

    def store(self, traced: Path, out: Path) -> list[Path]:
        """Writes a float32 graph anew; returns its files."""
        graph = onnx.load(str(traced), load_external_data=False)
        return write(graph, self._tensors(graph), traced.parent, out)

    def _tensors(self, graph: onnx.ModelProto) -> list[Tensor]:
        if self.fused:
            return half.lower(graph, self.compute)
        return stored_as_float16(graph) if self.weights == "fp16" else whole(graph)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--weights", choices=("fp32", "fp16"), default="fp32", help="how weights are stored where computing is in fp32")
    parser.add_argument(
        "--compute", choices=tuple(NAMES), default="fp32", help="what products and attention are computed in; fp16 and bf16 are for GPUs, and bf16 runs on nothing else"
    )


def from_options(options: argparse.Namespace) -> Precision:
    return Precision(options.weights, options.compute)
