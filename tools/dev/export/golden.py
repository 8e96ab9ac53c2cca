"""golden/ of a model folder: a few pages and queries, and what the reference in PyTorch makes of them. tools/dev/doctor
and the tests of vectorizer compare with it.

    golden.json   for each page its file, ids, sum of pixel values, number of vectors, and which rows of them are kept;
                  for each query its text and ids; the scores of each query with each page; versions
    NAME.png      a page, NAME.f32 the kept rows of its vectors, queries.f32 all vectors of the queries, in order:
                  float32, little-endian
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from . import verify

PACKAGES = ("torch", "transformers", "colpali-engine", "tokenizers", "pillow", "onnx", "onnxruntime")


@dataclass(frozen=True)
class Page:
    """pixels is what the vision graph reads, rows are the page's vectors [L,dim]."""

    image: Image.Image
    ids: list[int]
    pixels: np.ndarray
    rows: torch.Tensor
    about: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Query:
    text: str
    ids: list[int]
    rows: torch.Tensor


@dataclass(frozen=True)
class Cases:
    """What a folder's goldens are made of. kept chooses, of so many rows of a file's page, those to compare: tests
    keep few, to be small."""

    pages: Mapping[str, Image.Image] = field(default_factory=lambda: usual_pages())
    queries: Sequence[str] = tuple(text for text in verify.QUERIES if text)
    kept: Callable[[int, str], list[int]] = lambda vectors, file: list(range(vectors))


def write(folder: Path, pages: Mapping[str, Page], queries: Sequence[Query], kept: Callable[[int, str], list[int]]) -> None:
    # It takes seconds to import.
    from colpali_engine.utils.processing_utils import BaseVisualRetrieverProcessor

    folder.mkdir()
    cases = {"versions": {name: version(name) for name in PACKAGES}, "pages": [], "queries": []}
    for file, page in pages.items():
        page.image.save(folder / file, optimize=True)
        values = Path(file).with_suffix(".f32").name
        rows = kept(len(page.rows), file)
        _floats(page.rows[rows]).tofile(folder / values)
        digest = hashlib.sha256(_floats(torch.as_tensor(page.pixels)).tobytes()).hexdigest()
        case = {"file": file, "pixel_values_sha256": digest, "ids": page.ids, **page.about}
        cases["pages"].append(case | {"vectors": len(page.rows), "rows": rows, "embeddings": values})
    _floats(torch.cat([query.rows for query in queries])).tofile(folder / "queries.f32")
    cases["queries"] = [{"text": query.text, "ids": query.ids} for query in queries]
    cases["query_embeddings"] = "queries.f32"
    # Each document alone: padded beside a longer one, its zero rows would lift every negative maximum to 0.
    score = BaseVisualRetrieverProcessor.score_multi_vector
    cases["scores"] = [[float(score([query.rows], [page.rows], device="cpu")) for page in pages.values()] for query in queries]
    text = json.dumps(cases, ensure_ascii=False, separators=(",", ":"))
    (folder / "golden.json").write_text(text + "\n", encoding="utf-8")


def _floats(values: torch.Tensor) -> np.ndarray:
    return values.detach().float().numpy().astype("<f4")


def draw_page(seed: int, width: int, height: int) -> Image.Image:
    """Text, boxes, and a smooth patch whose resampling shows a wrong last digit."""
    generator = np.random.default_rng(seed)
    page = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(page)
    for number in range(6):
        left, right = sorted(map(int, generator.integers(0, width, 2)))
        top, bottom = sorted(map(int, generator.integers(0, height, 2)))
        colour = tuple(map(int, generator.integers(0, 255, 3)))
        draw.rectangle((left, top, right, bottom), outline=colour, fill=colour if number % 2 else None)
    for _ in range(40):
        at = (int(generator.integers(0, width)), int(generator.integers(0, height)))
        text = "".join(map(chr, generator.integers(33, 120, 20)))
        draw.text(at, text, fill=tuple(map(int, generator.integers(0, 200, 3))))
    ramp = np.add.outer(np.arange(64), np.arange(64) * 2)
    patch = np.stack([ramp, 255 - ramp, ramp * 3 % 256], -1).astype(np.uint8)
    page.paste(Image.fromarray(patch), (width // 3, height // 3))
    return page


def usual_pages() -> dict[str, Image.Image]:
    """A letter page at 100 dpi and one across: resampled alike by every version of Pillow."""
    return {"letter.png": draw_page(0, 850, 1100), "wide.png": draw_page(2, 600, 400)}
