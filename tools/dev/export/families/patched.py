"""Checkpoints whose pages are cut into patches: the Qwen families."""

import functools
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

from .. import graphs
from . import patches

PRESETS = patches.QUERY_PREFIXES


def describe(processor, preset: str | None):
    """The prompt's name, and what the manifest says once it knows (words, width=, rows=)."""
    preset = preset or "qwen-bare"
    processor.query_prefix = PRESETS[preset]
    return preset, functools.partial(patches.fields, preset=preset, images=processor.image_processor)


def write_graphs(folder: Path, family, model: nn.Module, traced: dict, fused: bool = False) -> int:
    """Traces a batch of two of the page and returns the width of image features."""
    model.set_attn_implementation("sdpa")
    vision, text = family.VisionGraph(model).eval(), family.TextGraph(model).eval()
    pixels, ids = traced["pixel_values"].repeat(2, 1, 1), traced["input_ids"].repeat(2, 1)
    places = torch.tensor(patch_places(model, traced)).repeat(2, 1, 1)
    with torch.no_grad():
        features = vision(pixels, places).flatten(0, 1)
    batch, sequence = {0: "batch", 1: "patches"}, {0: "batch", 1: "sequence"}
    ends = {"pixel_values": batch, "patch_positions": batch}, {"image_features": {0: "batch", 1: "image_tokens"}}
    graphs._write(vision, (pixels, places), folder / "vision.onnx", *ends, fused)
    inputs = {
        "input_ids": sequence,
        "attention_mask": sequence,
        "position_ids": {1: "batch", 2: "sequence"},
        "image_features": {0: "image_tokens"},
    }
    arguments = (ids, torch.ones_like(ids), positions(model, traced).repeat(1, 2, 1), features)
    graphs._write(text, arguments, folder / "text.onnx", inputs, {"embeddings": sequence}, fused)
    return features.shape[-1]


def run(vision: onnxruntime.InferenceSession, text: onnxruntime.InferenceSession, model: nn.Module, item: dict, width: int):
    features = np.zeros((1, width), np.float32)
    if "pixel_values" in item:
        places = np.array([patch_places(model, item)], np.int64)
        features = vision.run(None, {"pixel_values": item["pixel_values"].numpy(), "patch_positions": places})[0][0]
    ids = item["input_ids"].numpy()
    feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "image_features": features}
    return text.run(None, feeds | {"position_ids": positions(model, item).numpy()})[0][0]


def rows(model: nn.Module, inputs: dict) -> torch.Tensor:
    """What colpali-engine makes of one page or query, [L,dim] or [1,dim], with images standing at the time
    that they had in training: transformers 5.3 multiplies it (its issue 45325)."""
    # The class keeps the last batch's, and a batch of another size then fails.
    model.rope_deltas = None
    with torch.no_grad():
        made = model(**inputs, position_ids=positions(model, inputs))
    return made[0] if made.dim() == 3 else made


def about(model: nn.Module, inputs: dict) -> dict:
    """What goldens say of a page beside its ids."""
    _, high, wide = map(int, inputs["image_grid_thw"][0])
    merge = model.config.vision_config.spatial_merge_size
    return {"grid": {"width": wide // merge, "height": high // merge}, "positions": positions(model, inputs)[:, 0].tolist()}


def patch_places(model: nn.Module, inputs: dict) -> list[list[int]]:
    """Row and column of each patch: those of a token together, tokens row by row."""
    _, high, wide = map(int, inputs["image_grid_thw"][0])
    merge = range(model.config.vision_config.spatial_merge_size)
    tokens = [(row, column) for row in range(0, high, len(merge)) for column in range(0, wide, len(merge))]
    return [[row + down, column + right] for row, column in tokens for down in merge for right in merge]


def positions(model: nn.Module, inputs: dict) -> torch.Tensor:
    """get_rope_index of a page or a query, [3,1,L]."""
    ids = inputs["input_ids"]
    kinds = (ids == model.config.image_token_id).int()
    vision = model.config.vision_config
    pace = getattr(vision, "tokens_per_second", None)
    if pace is not None:
        vision.tokens_per_second = 1
    try:
        return model.get_rope_index(ids, kinds, image_grid_thw=inputs.get("image_grid_thw"))[0]
    finally:
        if pace is not None:
            vision.tokens_per_second = pace
