"""Turns a ColPali-shaped PyTorch model into the folder that `vectorizer` serves.

    <out>/colpali.json     everything behavioural: prompts, ids, sizes, names, sha256
          vision.onnx      pixel_values   -> image_features
          text.onnx        ids, mask, image_features -> embeddings
          tokenizer.json   copied unchanged

There is one code path. `python -m export CHECKPOINT OUT` (from tools/dev) runs it
on a checkpoint of transformers or colpali-engine; `export(model, ...)` runs it on a module in memory,
which is how the random test model and the small trained model are made. Nothing
is written to OUT before the graphs reproduced PyTorch.
"""

from .checkpoint import load_checkpoint
from .exporter import export
from .manifest import ImageSpec
from .precision import Precision
from .prompt import PRESETS, Prompt

__all__ = ["PRESETS", "ImageSpec", "Precision", "Prompt", "export", "load_checkpoint"]
