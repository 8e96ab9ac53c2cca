"""Checkpoints whose pages are cut into tiles: Idefics3 and ModernVBERT."""

import functools
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

from .. import graphs
from . import tiles

PRESETS = tiles.PAGE_PROMPTS


def describe(processor, preset: str | None):
    """The prompt's name, and what the manifest says once it knows (words, width=, rows=)."""
    if preset is not None:
        processor.visual_prompt_prefix = PRESETS[preset]
    prompt, images = processor.visual_prompt_prefix, processor.image_processor
    known = {text: name for name, text in PRESETS.items()}
    fields = functools.partial(
        tiles.fields,
        prompt=prompt,
        edge=images.max_image_size["longest_edge"],
        longest_edge=images.size["longest_edge"],
        tile_tokens=processor.image_seq_len,
    )
    return known.get(prompt, "the processor's own"), fields


def write_graphs(folder: Path, family, model: nn.Module, traced: dict, fused: bool = False) -> int:
    """Traces a batch of two of the page and returns the width of image features."""
    vision, text = family.VisionGraph(model).eval(), family.TextGraph(model).eval()
    pixels, ids = _items(traced), traced["input_ids"].repeat(2, 1)
    with torch.no_grad():
        features = vision(pixels).flatten(0, 1).repeat(2, 1)
    graphs._write(vision, (pixels,), folder / "vision.onnx", {"pixel_values": {0: "tiles"}}, {"image_features": {0: "tiles"}}, fused)
    axes = {0: "batch", 1: "sequence"}
    inputs = {"input_ids": axes, "attention_mask": axes, "image_features": {0: "image_tokens"}}
    graphs._write(text, (ids, torch.ones_like(ids), features), folder / "text.onnx", inputs, {"embeddings": axes}, fused)
    return features.shape[-1]


def run(vision: onnxruntime.InferenceSession, text: onnxruntime.InferenceSession, model: nn.Module, item: dict, width: int):
    features = np.zeros((1, width), np.float32)
    if "pixel_values" in item:
        features = vision.run(None, {"pixel_values": _items(item).numpy()})[0].reshape(-1, width)
    ids = item["input_ids"].numpy()
    return text.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids), "image_features": features})[0][0]


def about(model: nn.Module, inputs: dict) -> dict:
    """What goldens say of a page beside its ids."""
    return {"tiles": inputs["pixel_values"].shape[1]}


def _items(inputs: dict) -> torch.Tensor:
    """A page's tiles [T,3,H,W], or the page itself as one."""
    return inputs["pixel_values"].flatten(0, -4)


def rows(model: nn.Module, inputs: dict) -> torch.Tensor:
    """What colpali-engine makes of one page or query, [L,dim] or [1,dim]."""
    with torch.no_grad():
        made = model(**inputs)
    return made[0] if made.dim() == 3 else made
