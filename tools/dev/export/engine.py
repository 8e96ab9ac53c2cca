"""colpali-engine's ColPali, with the attributes of transformers' ColPaliForRetrieval that the exporter uses."""

from pathlib import Path
from types import SimpleNamespace

from torch import nn

from .families import checkpoint

PROJECTION = "custom_text_proj.weight"


class Retrieval(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.vlm = model.model
        self.embedding_proj_layer = model.custom_text_proj
        self.config = SimpleNamespace(vlm_config=model.config)

    def forward(self, **inputs):
        return SimpleNamespace(embeddings=self.model(**inputs))


def load(folder: Path, base: Path | None) -> nn.Module:
    """The model in float32, an adapter merged into it."""
    from colpali_engine.models import ColPali

    found = checkpoint.model_type(folder, base)
    if found != "paligemma":
        raise ValueError(f"{base or folder}/config.json says model_type {found!r}, ColPali is a paligemma; other families: python -m export.families")
    return Retrieval(checkpoint.load(folder, base, ColPali, PROJECTION)).eval()
