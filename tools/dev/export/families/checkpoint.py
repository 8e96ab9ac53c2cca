"""Reads checkpoints of colpali-engine from disk, whole models and LoRA adapters; never from the network."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from safetensors.torch import load_file
from torch import nn

from ..precision import Precision
from . import folder


@dataclass(frozen=True)
class Family:
    """How a family's checkpoints become a model folder."""

    cut: ModuleType  # patched, tiled or square: how its pages are cut
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
    # colpali-engine has ColQwen3Processor, ColQwen2_5_Processor and ColGemmaProcessor3.
    names = (name + "Processor", name + "_Processor", name.replace("Gemma3", "GemmaProcessor3"))
    kind = next(getattr(models, one) for one in names if hasattr(models, one))
    model = load(checkpoint, base, getattr(models, name), family.projection)
    # Fast image processors resample with other arithmetic, and Idefics3's with another filter.
    processor = kind.from_pretrained(checkpoint, local_files_only=True, use_fast=False)
    return folder.write(
        out,
        family.cut,
        family.graphs,
        model,
        processor,
        name=checkpoint.name,
        family=name.lower(),
        prompt=prompt,
        precision=precision,
        checkpoint=checkpoint.name,
    )


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
    # ranks by chance. What writes words, lm_head, is the embedding table again or in no file, and makes no vector.
    missing = {key for key in report["missing_keys"] if f"base_model.model.{key}" not in trained and "lm_head" not in key}
    if missing:
        raise ValueError(f"{base or checkpoint} lacks weights: {sorted(missing)[:8]}")
    if adapter:
        model = _merge(model, checkpoint, trained, projection)
    return model.float().eval()


def _merge(model: nn.Module, checkpoint: Path, trained: dict[str, torch.Tensor], projection: str | None) -> nn.Module:
    from peft import PeftModel

    kind = json.loads((checkpoint / "adapter_config.json").read_text(encoding="utf-8")).get("peft_type")
    if kind != "LORA":
        raise ValueError(f"{checkpoint}/adapter_config.json says peft_type {kind!r}; only LORA is merged and checked")
    before = model.state_dict().get(projection)
    before = None if before is None else before.clone()
    wrapped = PeftModel.from_pretrained(model, checkpoint)
    config = wrapped.peft_config["default"]
    merged = wrapped.merge_and_unload()
    if before is None:
        return merged
    # Some versions of transformers leave the projection of an adapter random, without a word.
    want = _adapted(before, trained, projection.removesuffix(".weight"), config)
    if not torch.allclose(merged.state_dict()[projection], want, atol=1e-5):
        raise ValueError(f"the projection is not the one in {checkpoint}: these versions of peft and transformers do not load it")
    return merged


def _adapted(before: torch.Tensor, trained: dict[str, torch.Tensor], module: str, config) -> torch.Tensor:
    """A weight [out,in] as the adapter's file says that it is: saved whole, or before + scaling B A (LoRA), where
    rank-stabilised LoRA scales by the root of the rank (Kalajdzievski 2023), and DoRA sets the length of each row
    (Liu et al. 2024)."""
    prefix = f"base_model.model.{module}."
    if prefix + "weight" in trained:
        return trained[prefix + "weight"].float()
    if prefix + "lora_A.weight" not in trained:
        return before
    low, high = trained[prefix + "lora_A.weight"].float(), trained[prefix + "lora_B.weight"].float()
    own = [alpha for pattern, alpha in config.alpha_pattern.items() if re.match(rf"(.*\.)?({pattern})$", module)]
    alpha, rank = (own or [config.lora_alpha])[0], low.shape[0]
    want = before + alpha / (rank**0.5 if config.use_rslora else rank) * high @ low
    if config.use_dora:
        want = want * (trained[prefix + "lora_magnitude_vector"].float() / want.norm(dim=1)).unsqueeze(1)
    return want
