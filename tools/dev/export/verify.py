"""Runs the written graphs in ONNX Runtime beside the PyTorch model.

The reference is the model's own forward, not our wrappers, so a mistake in a
wrapper shows as much as one in the exporter.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from . import half

# Unlike in length, script and content; the empty one is the bare prompt.
QUERIES = ("", "hello world", "What is the total revenue of 2023, before tax?", "naïve café — 日本語 🙂 " * 3)

# float32 graphs agree to about 5e-7; this leaves room for other CPUs' kernels.
TOLERANCE = 2e-5


@dataclass(frozen=True)
class Reference:
    """Inputs, and what the PyTorch model makes of them."""

    pixels: np.ndarray
    page_ids: np.ndarray
    page_embeddings: np.ndarray
    query_ids: np.ndarray
    query_mask: np.ndarray
    query_embeddings: np.ndarray

    @property
    def single(self) -> bool:
        """One row for all of a page or query."""
        return self.page_embeddings.shape[1] == 1


def reference(model: nn.Module, page_ids: list[int], queries: list[list[int]], pixels: np.ndarray) -> Reference:
    pages = np.tile(np.array(page_ids, np.int64), (len(pixels), 1))
    ids, mask = _pad(queries)
    with torch.no_grad():
        page = model(
            input_ids=torch.from_numpy(pages),
            attention_mask=torch.ones(pages.shape, dtype=torch.long),
            pixel_values=torch.from_numpy(pixels),
        ).embeddings
        query = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).embeddings
    return Reference(pixels, pages, page.float().numpy(), ids, mask, query.float().numpy())


def compare(folder: Path, expected: Reference) -> tuple[float, float]:
    """Largest absolute difference and least cosine, over every vector."""
    pages, queries = _run(folder, expected)
    real = np.ones(queries.shape[:2], bool) if expected.single else expected.query_mask.astype(bool)
    got = np.concatenate([pages.reshape(-1, pages.shape[-1]), queries[real]])
    want = np.concatenate([expected.page_embeddings.reshape(-1, pages.shape[-1]), expected.query_embeddings[real]])
    if not np.isfinite(got).all():
        raise ValueError("the exported graphs give NaN or Inf")
    padding = float(np.abs(queries[~real]).max(initial=0))
    return max(float(np.abs(got - want).max()), padding), least_cosine(got, want)


def rows(model: nn.Module, ids: list[int], **inputs: torch.Tensor) -> torch.Tensor:
    """What the PyTorch model makes of one page or query, [L,dim]."""
    batch = torch.tensor([ids])
    with torch.no_grad():
        return model(input_ids=batch, attention_mask=torch.ones_like(batch), **inputs).embeddings[0]


def least_cosine(got: np.ndarray, want: np.ndarray) -> float:
    """Of unit vectors, row by row; a result that is not of length one is no cosine, and counts as far off."""
    return float(((got * want).sum(-1) - np.abs(np.linalg.norm(got, axis=-1) - 1)).min())


def test_pages(width: int, height: int) -> np.ndarray:
    """Noise, a gradient and blank white, as pixel_values [3,3,H,W]."""
    noise = np.random.default_rng(0).uniform(-1, 1, (3, height, width))
    gradient = np.broadcast_to(np.linspace(-1, 1, width), (3, height, width))
    return np.stack([noise, gradient, np.ones((3, height, width))]).astype(np.float32)


def _run(folder: Path, expected: Reference) -> tuple[np.ndarray, np.ndarray]:
    vision, text = session(folder / "vision.onnx"), session(folder / "text.onnx")
    features = vision.run(None, {"pixel_values": expected.pixels})[0]
    width = features.shape[-1]
    pages = text.run(
        None,
        {
            "input_ids": expected.page_ids,
            "attention_mask": np.ones_like(expected.page_ids),
            "image_features": features.reshape(-1, width),
        },
    )[0]
    feeds = {"input_ids": expected.query_ids, "attention_mask": expected.query_mask}
    one_row = text.run(None, feeds | {"image_features": np.zeros((1, width), np.float32)})[0]
    no_row = text.run(None, feeds | {"image_features": np.zeros((0, width), np.float32)})[0]
    if not np.array_equal(one_row, no_row):
        raise ValueError("text.onnx reads image features for a query that has no image token")
    return pages, one_row


def _pad(queries: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    ids = np.zeros((len(queries), max(map(len, queries))), np.int64)
    mask = np.zeros_like(ids)
    for row, query in enumerate(queries):
        ids[row, : len(query)] = query
        mask[row, : len(query)] = 1
    return ids, mask


def session(path: Path) -> onnxruntime.InferenceSession:
    """The graph on the CPU, in bfloat16 by its roundings."""
    graph = onnx.load(str(path), load_external_data=False)
    if not half.is_bfloat16(graph):
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    # Beside the original, whose tensors it shares.
    copy = path.with_suffix(".cpu.onnx")
    copy.write_bytes(half.for_cpu(graph).SerializeToString())
    try:
        return onnxruntime.InferenceSession(str(copy), providers=["CPUExecutionProvider"])
    finally:
        copy.unlink()
