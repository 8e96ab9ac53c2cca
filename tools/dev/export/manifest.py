"""colpali.json, version 2: what `vectorizer` must know beyond the two graphs."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

FILE = "colpali.json"
VERSION = 2

# What is seen of transparency and EXIF: as in the references, which convert pages to RGB and nothing else.
VIEW = {"alpha": "drop", "exif": False}

RESAMPLE = {1: "lanczos", 2: "bilinear", 3: "bicubic"}  # PIL.Image.Resampling


@dataclass(frozen=True)
class ImageSpec:
    """How a page becomes pixel_values: RGB, resize, rescale, normalise, channels first.

    pass_order is Pillow's order of the two resampling passes. Pillow 13 runs the
    vertical pass first when a page shrinks far more in height than in width; 12 and
    older never do. The results differ by up to 22 grey levels.
    """

    width: int
    height: int
    resample: str = "bicubic"
    pass_order: str = "pillow13"
    rescale: float = 1 / 255
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)


def split_graph(width: int, positions: str = "graph", rows: str = "tokens") -> dict:
    """The manifest's graph: vision.onnx and text.onnx of ours, in float32. width is that of image features."""
    return {
        "kind": "split",
        "vision": {"file": "vision.onnx", "inputs": {}, "output": "image_features"},
        "text": {"file": "text.onnx", "inputs": {}, "output": "embeddings"},
        "image_feature_width": int(width),
        "positions": positions,
        "rows": rows,
    }


def write(folder: Path, files: list[Path], fields: dict) -> None:
    sums = {file.name: {"sha256": _sha256(file), "bytes": file.stat().st_size} for file in files}
    text = json.dumps({"version": VERSION} | fields | {"files": sums}, indent=2, ensure_ascii=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
