"""colpali.json, version 2: what `vectorizer` must know beyond the two graphs."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

FILE = "colpali.json"
VERSION = 2


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

    def pixel_values(self, image: Image.Image) -> np.ndarray:
        """float32 [1,3,H,W], to the bit what transformers' slow image processor gives.

        Only under the Pillow that pass_order names.
        """
        filters = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
        resized = image.convert("RGB").resize((self.width, self.height), filters[self.resample])
        scaled = (np.asarray(resized, np.float64) * self.rescale).astype(np.float32)
        normal = (scaled - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(normal.transpose(2, 0, 1)[None])


def write(folder: Path, files: list[Path], fields: dict) -> None:
    sums = {file.name: {"sha256": _sha256(file), "bytes": file.stat().st_size} for file in files}
    text = json.dumps({"version": VERSION} | fields | {"files": sums}, indent=2, ensure_ascii=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
