"""Reads checkpoints of colpali-engine from disk, whole models and LoRA adapters; never from the network."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from .. import exporter, manifest, verify
from ..precision import Precision


@dataclass(frozen=True)
class Family:
    """How a family's checkpoints become a model folder."""

    cut: ModuleType  # patched or tiled: how its pages are cut
    graphs: ModuleType  # its VisionGraph and TextGraph
    engine: str  # colpali-engine's name behind Col and Bi
    projection: str  # the weight that makes vectors of its Col


def export(
    families: Mapping[str, Family],
    checkpoint: Path,
    out: Path,
    base: Path | None = None,
    single: bool = False,
    prompt: str | None = None,
    precision: Precision = Precision(),
) -> str:
    """Writes a model folder and returns one line saying how close it is to PyTorch."""
    from colpali_engine import models

    found = model_type(checkpoint, base)
    if found not in families:
        raise ValueError(f"{base or checkpoint}/config.json says model_type {found!r}; known are {sorted(families)}")
    family = families[found]
    if prompt is not None and prompt not in family.cut.PRESETS:
        raise ValueError(f"{prompt} is no prompt of {found}; its prompts are {sorted(family.cut.PRESETS)}")
    name = ("Bi" if single else "Col") + family.engine
    # colpali-engine writes both ColQwen3Processor and ColQwen2_5_Processor.
    kind = getattr(models, name + "Processor", None) or getattr(models, name + "_Processor")
    model = load(checkpoint, base, getattr(models, name), family.projection)
    processor = kind.from_pretrained(checkpoint, local_files_only=True)
    words = processor.tokenizer.backend_tokenizer
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=out.name + ".") as scratch:
        folder = Path(scratch)
        preset, about = family.cut.describe(processor, prompt)
        width = family.cut.write_graphs(folder, family.graphs, model, processor.process_images([_page(300, 400)]), precision.fused)
        items = _items(processor)
        files, check = exporter.checked(folder, precision, lambda: compare(folder, family.cut, model, items, width))
        words.save(str(folder / "tokenizer.json"))
        files.append(folder / "tokenizer.json")
        source = {"checkpoint": checkpoint.name, "preset": preset, **precision.source(), "check": check}
        source |= {package: version(package) for package in ("torch", "transformers", "colpali-engine", "onnxruntime")}
        dim = family.cut.rows(model, items[-1]).shape[-1]
        head = {"name": checkpoint.name, "family": name.lower(), "dim": dim}
        fields = about(words, width=width, rows="one" if single else "tokens")
        fields["graph"] |= precision.graph()
        manifest.write(folder, files, head | fields | {"tokenizer": {"file": "tokenizer.json"}, "source": source})
        exporter.publish(folder, out)
    return check


def _items(processor) -> list[dict]:
    """Pages and queries, each alone."""
    pages = [processor.process_images([_page(*size)]) for size in ((200, 300), (640, 200))]
    return pages + [processor.process_queries(queries=[words]) for words in verify.QUERIES if words]


def compare(folder: Path, cut: ModuleType, model: nn.Module, items: list[dict], width: int) -> tuple[float, float]:
    """Largest absolute difference to PyTorch and least cosine."""
    vision, text = verify.session(folder / "vision.onnx"), verify.session(folder / "text.onnx")
    largest, least = 0.0, 1.0
    for item in items:
        got, want = cut.run(vision, text, model, item, width), cut.rows(model, item).numpy()
        # Not max and min, for which NaN is nothing.
        largest = np.maximum(largest, np.abs(got - want).max())
        least = np.minimum(least, verify.least_cosine(got, want))
    return float(largest), float(least)


def _page(width: int, height: int) -> Image.Image:
    noise = np.random.default_rng(width).integers(0, 255, (height, width, 3), np.uint8)
    return Image.fromarray(noise)


def model_type(checkpoint: Path, base: Path | None) -> str:
    """What config.json says that the model is."""
    adapter = (checkpoint / "adapter_config.json").exists()
    if adapter != (base is not None):
        raise ValueError(f"{checkpoint} is {'a LoRA adapter: name its base model with --base' if adapter else 'a whole model: leave --base out'}")
    config = (base or checkpoint) / "config.json"
    if not config.exists():
        raise ValueError(f"{config} is missing")
    return json.loads(config.read_text(encoding="utf-8"))["model_type"]


def load(checkpoint: Path, base: Path | None, kind: type, projection: str | None) -> nn.Module:
    """The model in float32, an adapter merged into it. projection is the weight that makes vectors, None for
    bi-encoders without one."""
    adapter = base is not None
    model, report = kind.from_pretrained(base or checkpoint, dtype=torch.float32, local_files_only=True, output_loading_info=True)
    trained = load_file(checkpoint / "adapter_model.safetensors") if adapter else {}
    # A projection that is in no file would be left random, and the model would look healthy while it
    # ranks by chance.
    missing = {key for key in report["missing_keys"] if f"base_model.model.{key}" not in trained}
    if missing:
        raise ValueError(f"{base or checkpoint} lacks weights: {sorted(missing)[:8]}")
    if adapter:
        model = _merge(model, checkpoint, trained, projection)
    return model.float().eval()


def _merge(model: nn.Module, checkpoint: Path, trained: dict[str, torch.Tensor], projection: str | None) -> nn.Module:
    from peft import PeftModel

    before = model.state_dict().get(projection)
    before = None if before is None else before.clone()
    wrapped = PeftModel.from_pretrained(model, checkpoint)
    scaling = wrapped.peft_config["default"].lora_alpha / wrapped.peft_config["default"].r
    merged = wrapped.merge_and_unload()
    if before is None:
        return merged
    # Some versions of transformers leave the projection of an adapter random, without a word.
    prefix = "base_model.model." + projection.removesuffix("weight")
    want = trained.get(prefix + "weight", before)
    if prefix + "lora_A.weight" in trained:
        want = want + scaling * trained[prefix + "lora_B.weight"].float() @ trained[prefix + "lora_A.weight"].float()
    if not torch.allclose(merged.state_dict()[projection], want.float(), atol=1e-5):
        raise ValueError(f"the projection is not the one in {checkpoint}: these versions of peft and transformers do not load it")
    return merged
