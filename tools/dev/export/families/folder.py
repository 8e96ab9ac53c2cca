"""A model folder of a model and processor of colpali-engine in memory: graphs, manifest, goldens."""

from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image
from torch import nn

from .. import exporter, golden, manifest, verify
from ..precision import Precision


def write(
    out: Path,
    cut: ModuleType,
    graphs: ModuleType,
    model: nn.Module,
    processor,
    *,
    name: str,
    family: str,
    prompt: str | None = None,
    precision: Precision = Precision(),
    cases: golden.Cases = golden.Cases(),
    checkpoint: str,
) -> str:
    """Writes a model folder and returns one line saying how close it is to PyTorch.

    cut      how pages are cut: patched, tiled or square
    graphs   the family's VisionGraph and TextGraph
    family   as the manifest names it, bi... of bi-encoders
    """
    words = processor.tokenizer.backend_tokenizer
    with exporter.scratch(out) as (traced, folder):
        preset, about = cut.describe(processor, prompt)
        width = cut.write_graphs(traced, graphs, model, processor.process_images([noise(300, 400)]), precision.fused)
        items = verified(processor)
        files, check = exporter.store(traced, folder, precision, lambda graphs: compare(graphs, cut, model, items, width))
        words.save(str(folder / "tokenizer.json"))
        files.append(folder / "tokenizer.json")
        source = {"checkpoint": checkpoint, "preset": preset, **precision.source(), "check": check}
        source |= {package: version(package) for package in ("torch", "transformers", "colpali-engine", "onnxruntime")}
        head = {"name": name, "family": family, "dim": cut.rows(model, items[-1]).shape[-1]}
        fields = about(words, width=width, rows="one" if family.startswith("bi") else "tokens")
        fields["graph"] |= precision.graph()
        manifest.write(folder, files, head | fields | {"tokenizer": {"file": "tokenizer.json"}, "source": source})
        _write_golden(folder / "golden", cut, model, processor, cases)
        exporter.publish(folder, out)
    return check


def _write_golden(folder: Path, cut: ModuleType, model: nn.Module, processor, cases: golden.Cases) -> None:
    pages, queries = {}, []
    for file, image in cases.pages.items():
        inputs = processor.process_images([image])
        pixels = inputs["pixel_values"][0].numpy()
        pages[file] = golden.Page(image, inputs["input_ids"][0].tolist(), pixels, cut.rows(model, inputs), cut.about(model, inputs))
    for text in cases.queries:
        inputs = processor.process_queries(queries=[text])
        queries.append(golden.Query(text, inputs["input_ids"][0].tolist(), cut.rows(model, inputs)))
    golden.write(folder, pages, queries, cases.kept)


def verified(processor) -> list[dict]:
    """Pages and queries to compare with, each alone."""
    pages = [processor.process_images([noise(*size)]) for size in ((200, 300), (640, 200))]
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


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(width).integers(0, 255, (height, width, 3), np.uint8))
