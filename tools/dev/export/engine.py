"""colpali-engine's ColPali and BiPali, with the attributes of transformers' ColPaliForRetrieval that the exporter uses."""

from pathlib import Path
from types import SimpleNamespace

from safetensors import safe_open
from torch import nn

from .families import checkpoint
from .families.parts import MeanVector, TokenVectors

PROJECTION = "custom_text_proj.weight"


class Retrieval(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.single = type(model).__name__.startswith("Bi")
        projection = getattr(model, "custom_text_proj", None)
        self.vlm = model.model
        self.head = MeanVector(projection) if self.single else TokenVectors(projection)
        self.config = SimpleNamespace(vlm_config=model.config)

    def forward(self, **inputs):
        made = self.model(**inputs)
        return SimpleNamespace(embeddings=made[:, None] if self.single else made)


def load(folder: Path, base: Path | None, single: bool = False) -> nn.Module:
    """The model in float32, an adapter merged into it; single: a BiPali, or a BiPaliProj if it has a projection."""
    from colpali_engine.models import BiPali, BiPaliProj, ColPali

    found = checkpoint.model_type(folder, base)
    if found != "paligemma":
        raise ValueError(f"{base or folder}/config.json says model_type {found!r}, ColPali is a paligemma; other families: python -m export.families")
    kind = (BiPaliProj if _has_projection(folder) else BiPali) if single else ColPali
    return Retrieval(checkpoint.load(folder, base, kind, PROJECTION)).eval()


def _has_projection(folder: Path) -> bool:
    """Whether some file of the checkpoint has weights of it."""
    for file in folder.glob("*.safetensors"):
        with safe_open(file, "pt") as weights:
            if any("custom_text_proj" in name for name in weights.keys()):
                return True
    return False
