"""Reads a transformers ColPali checkpoint folder from disk; never from the network."""

import json
from pathlib import Path

import torch
from torch import nn

from .manifest import RESAMPLE, ImageSpec


ENGINE = ("ColPali", "BiPali", "BiPaliProj")


def load_checkpoint(folder: Path, base: Path | None = None, single: bool = False) -> tuple[nn.Module, ImageSpec]:
    """The model in float32, ready to export, and the checkpoint's image settings. base is the folder of the
    model that a LoRA adapter was trained on; single: the checkpoint is a BiPali."""
    if from_engine(folder, base):
        from .engine import load

        return load(folder, base, single), _image_spec(folder)
    # transformers takes seconds to import; in-memory exports never need it here.
    from transformers import ColPaliForRetrieval

    model, report = ColPaliForRetrieval.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
    )
    # A projection that is not in the file would be left random, and the model would
    # look healthy while it ranks by chance.
    if report["missing_keys"]:
        raise ValueError(f"{folder} lacks weights: {sorted(report['missing_keys'])[:8]}")
    return model.eval(), _image_spec(folder)


def from_engine(folder: Path, base: Path | None) -> bool:
    """Whether it is colpali-engine's ColPali or BiPali, whole or a LoRA adapter, and not transformers'."""
    if (folder / "adapter_config.json").exists() or base is not None:
        return True
    architectures = _json(folder / "config.json").get("architectures") or []
    if architectures not in ([name] for name in (*ENGINE, "ColPaliForRetrieval")):
        raise ValueError(
            f"{folder}/config.json says architectures {architectures}; this command exports transformers' ColPaliForRetrieval "
            "(checkpoints whose name ends in -hf) and colpali-engine's ColPali and BiPali; other families: python -m export.families"
        )
    return architectures != ["ColPaliForRetrieval"]


def _image_spec(folder: Path) -> ImageSpec:
    settings = _image_settings(folder)
    if settings.get("resample", 3) not in RESAMPLE:
        raise ValueError(f"{folder} resamples with PIL filter {settings['resample']}; known are {RESAMPLE}")
    return ImageSpec(
        width=settings["size"]["width"],
        height=settings["size"]["height"],
        resample=RESAMPLE[settings.get("resample", 3)],
        rescale=settings.get("rescale_factor", 1 / 255),
        mean=tuple(settings.get("image_mean", (0.5, 0.5, 0.5))),
        std=tuple(settings.get("image_std", (0.5, 0.5, 0.5))),
    )


def _image_settings(folder: Path) -> dict:
    # transformers 5 writes the image processor into processor_config.json, 4 into its own file.
    own = folder / "preprocessor_config.json"
    return _json(own) if own.exists() else _json(folder / "processor_config.json")["image_processor"]


def _json(path: Path) -> dict:
    if not path.exists():
        raise ValueError(f"{path} is missing")
    return json.loads(path.read_text(encoding="utf-8"))
