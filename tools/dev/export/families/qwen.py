"""python -m export.families.qwen CHECKPOINT OUT [options]   (run in tools/dev)

Exports a ColQwen2, 2.5, 3 or 3.5 of colpali-engine, or one of their bi-encoders. CHECKPOINT is a folder
on disk: a whole model, or a LoRA adapter, whose base model's folder --base names.
"""

import argparse
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from .. import exporter, graphs, manifest, verify
from . import patches, qwen2, qwen2_5, qwen3, qwen3_5

# By model_type of config.json: the family, and colpali-engine's name behind Col and Bi.
FAMILIES = {
    "qwen2_vl": (qwen2, "Qwen2"),
    "qwen2_5_vl": (qwen2_5, "Qwen2_5"),
    "qwen3_vl": (qwen3, "Qwen3"),
    "qwen3_5": (qwen3_5, "Qwen3_5"),
}

PROJECTION = "custom_text_proj.weight"


def main() -> None:
    parser = argparse.ArgumentParser(prog="export.families.qwen", description="Export a Qwen checkpoint folder for the vectorizer.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path, help="model folder to write")
    parser.add_argument("--base", type=Path, help="folder of the model that a LoRA adapter was trained on")
    parser.add_argument("--single", action="store_true", help="a bi-encoder: one vector a page")
    parser.add_argument("--prompt", choices=sorted(patches.QUERY_PREFIXES), default="qwen-bare")
    parser.add_argument("--weights", choices=("fp32", "fp16"), default="fp32", help="how weights are stored; computing stays float32")
    options = parser.parse_args()
    try:
        print(export(options.checkpoint, options.out, options.base, options.single, options.prompt, options.weights))
    except ValueError as problem:
        sys.exit(f"export: {problem}")


def export(checkpoint: Path, out: Path, base: Path | None, single: bool, preset: str, weight_type: str) -> str:
    """Writes a model folder and returns one line saying how close it is to PyTorch."""
    from colpali_engine import models

    whole = base or checkpoint
    model_type = json.loads((whole / "config.json").read_text(encoding="utf-8"))["model_type"]
    if model_type not in FAMILIES:
        raise ValueError(f"{whole}/config.json says model_type {model_type!r}; known are {sorted(FAMILIES)}")
    family, engine = FAMILIES[model_type]
    name = ("Bi" if single else "Col") + engine
    # colpali-engine writes both ColQwen3Processor and ColQwen2_5_Processor.
    processor_kind = getattr(models, name + ("_Processor" if engine == "Qwen2_5" else "Processor"))
    model = load(checkpoint, base, getattr(models, name))
    processor = processor_kind.from_pretrained(checkpoint, local_files_only=True)
    words = processor.tokenizer.backend_tokenizer
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=out.name + ".") as scratch:
        folder = Path(scratch)
        width = write_graphs(folder, family, model, processor.process_images([_page(300, 400)]))
        difference, _, dim = compare(folder, model, processor, width)
        if difference > verify.TOLERANCE:
            raise ValueError(f"the graphs differ from PyTorch by {difference:.1e}, more than {verify.TOLERANCE:.0e}; nothing was kept")
        check = f"graphs equal PyTorch within {difference:.1e}"
        files = exporter._store(folder, weight_type)
        if weight_type != "fp32":
            _, cosine, _ = compare(folder, model, processor, width)
            check += f"; with the stored weights every vector keeps cosine {cosine:.6f}"
        words.save(str(folder / "tokenizer.json"))
        files.append(folder / "tokenizer.json")
        about = patches.fields(words, preset, processor.image_processor, width=width, rows="one" if single else "tokens")
        source = {"checkpoint": checkpoint.name, "preset": preset, "weights": weight_type, "check": check}
        source |= {package: version(package) for package in ("torch", "transformers", "colpali-engine", "onnxruntime")}
        head = {"name": checkpoint.name, "family": name.lower(), "dim": dim}
        manifest.write(folder, files, head | about | {"tokenizer": {"file": "tokenizer.json"}, "source": source})
        exporter._publish(folder, out)
    return check


def load(checkpoint: Path, base: Path | None, kind: type) -> nn.Module:
    """The model in float32, an adapter merged into it."""
    adapter = (checkpoint / "adapter_config.json").exists()
    if adapter != (base is not None):
        raise ValueError(f"{checkpoint} is {'a LoRA adapter: name its base model with --base' if adapter else 'a whole model: leave --base out'}")
    model, report = kind.from_pretrained(base or checkpoint, dtype=torch.float32, local_files_only=True, output_loading_info=True)
    trained = load_file(checkpoint / "adapter_model.safetensors") if adapter else {}
    # A projection that is in no file would be left random, and the model would look healthy while it
    # ranks by chance.
    missing = {key for key in report["missing_keys"] if f"base_model.model.{key}" not in trained}
    if missing:
        raise ValueError(f"{base or checkpoint} lacks weights: {sorted(missing)[:8]}")
    if adapter:
        model = _merge(model, checkpoint, trained)
    model.set_attn_implementation("eager")
    return model.float().eval()


def _merge(model: nn.Module, checkpoint: Path, trained: dict[str, torch.Tensor]) -> nn.Module:
    from peft import PeftModel

    before = model.state_dict().get(PROJECTION)
    before = None if before is None else before.clone()
    wrapped = PeftModel.from_pretrained(model, checkpoint)
    scaling = wrapped.peft_config["default"].lora_alpha / wrapped.peft_config["default"].r
    merged = wrapped.merge_and_unload()
    if before is None:
        return merged
    # Some versions of transformers leave the projection of an adapter random, without a word.
    prefix = "base_model.model." + PROJECTION.removesuffix("weight")
    want = trained.get(prefix + "weight", before)
    if prefix + "lora_A.weight" in trained:
        want = want + scaling * trained[prefix + "lora_B.weight"].float() @ trained[prefix + "lora_A.weight"].float()
    if not torch.allclose(merged.state_dict()[PROJECTION], want.float(), atol=1e-5):
        raise ValueError(f"the projection is not the one in {checkpoint}: these versions of peft and transformers do not load it")
    return merged


def write_graphs(folder: Path, family, model: nn.Module, traced: dict) -> int:
    """Traces a batch of two of the page and returns the width of image features."""
    vision, text = family.VisionGraph(model).eval(), family.TextGraph(model).eval()
    pixels, ids = traced["pixel_values"].repeat(2, 1, 1), traced["input_ids"].repeat(2, 1)
    places = torch.tensor(patch_places(model, traced)).repeat(2, 1, 1)
    with torch.no_grad():
        features = vision(pixels, places).flatten(0, 1)
    batch, sequence = {0: "batch", 1: "patches"}, {0: "batch", 1: "sequence"}
    ends = {"pixel_values": batch, "patch_positions": batch}, {"image_features": {0: "batch", 1: "image_tokens"}}
    graphs._write(vision, (pixels, places), folder / "vision.onnx", *ends)
    inputs = {
        "input_ids": sequence,
        "attention_mask": sequence,
        "position_ids": {1: "batch", 2: "sequence"},
        "image_features": {0: "image_tokens"},
    }
    arguments = (ids, torch.ones_like(ids), positions(model, traced).repeat(1, 2, 1), features)
    graphs._write(text, arguments, folder / "text.onnx", inputs, {"embeddings": sequence})
    return features.shape[-1]


def compare(folder: Path, model: nn.Module, processor, width: int) -> tuple[float, float, int]:
    """Largest absolute difference to PyTorch, least cosine, and dim, over pages and queries each alone."""
    vision, text = verify._session(folder / "vision.onnx"), verify._session(folder / "text.onnx")
    items = [processor.process_images([_page(*size)]) for size in ((200, 300), (640, 200))]
    items += [processor.process_queries(queries=[words]) for words in verify.QUERIES if words]
    largest, least = 0.0, 1.0
    for item in items:
        got, want = _run(vision, text, model, item, width), rows(model, item).numpy()
        largest = max(largest, float(np.abs(got - want).max()))
        least = min(least, float((got * want).sum(-1).min()))
    return largest, least, want.shape[-1]


def _run(vision: onnxruntime.InferenceSession, text: onnxruntime.InferenceSession, model: nn.Module, item: dict, width: int):
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


def _page(width: int, height: int) -> Image.Image:
    noise = np.random.default_rng(width).integers(0, 255, (height, width, 3), np.uint8)
    return Image.fromarray(noise)


if __name__ == "__main__":
    main()
