"""python -m benchgpu.model OUT [--rehearse]   (run in tools/dev)

Writes what `tools/dev/benchgpu` measures: OUT/float16 and OUT/bfloat16, model folders of a ColPali of full size with
random weights, OUT/peak.onnx, large products in a row, and OUT/bench.json, how much arithmetic is in each. What is
there is kept. The text part takes some 25 GB of memory while it is traced, OUT takes 13 GB.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch

from export import PRESETS, Precision, exporter, graphs, manifest
from export.precision import NAMES
from goldens import random_model

from . import peak, sizes

PROMPT = PRESETS["colpali-bare"]
# The question that is measured, which the Go part asks: its tokens are counted for the arithmetic.
QUESTION = "What is the total revenue of 2023?"
PRECISIONS = (Precision(compute="fp16"), Precision(compute="bf16"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchgpu.model")
    parser.add_argument("out", type=Path)
    parser.add_argument("--rehearse", action="store_true", help="a tiny model, for machines without a GPU")
    options = parser.parse_args()
    if not (options.out / "bench.json").exists():
        write(options.out, options.rehearse)
    print(options.out / "bench.json")


def write(out: Path, rehearse: bool) -> None:
    shutil.rmtree(out, ignore_errors=True)
    tokenizer = random_model.tokenizer()
    with exporter.scratch(out) as (traced, folder):
        made = [folder / NAMES[precision.compute] for precision in PRECISIONS]
        for one in made:
            one.mkdir()
            tokenizer.save(str(one / "tokenizer.json"))
        features = _write_vision(rehearse, traced / "vision.onnx", made)
        page_ids = [random_model.IMAGE_TOKEN_ID] * features.shape[1] + PROMPT.page_suffix_ids(tokenizer)
        _write_text(rehearse, traced / "text.onnx", made, page_ids, features)
        for precision, one in zip(PRECISIONS, made, strict=True):
            _write_manifest(one, precision, tokenizer, page_ids, features)
        side = 256 if rehearse else 8192
        peak.write(folder / "peak.onnx", side)
        figures = {
            "rehearsal": rehearse,
            "question": QUESTION,
            "page_operations": sizes.operations(rehearse, len(page_ids), features.shape[1]),
            "query_operations": sizes.operations(rehearse, len(PROMPT.query_ids(tokenizer, QUESTION)), 0),
            "peak_operations": peak.operations(side),
        }
        (folder / "bench.json").write_text(json.dumps(figures, indent=1) + "\n")
        folder.replace(out)


def _write_vision(rehearse: bool, traced: Path, out: list[Path]) -> torch.Tensor:
    model = sizes.part(rehearse, vision=True, text=False)
    side = model.config.vlm_config.vision_config.image_size
    graphs.write_vision(model, traced, side, side, fused=True)
    with torch.no_grad():
        features = graphs.VisionGraph(model)(torch.ones(2, 3, side, side))
    del model
    _store(traced, out)
    return features


def _write_text(rehearse: bool, traced: Path, out: list[Path], page_ids: list[int], features: torch.Tensor) -> None:
    model = sizes.part(rehearse, vision=False, text=True)
    graphs.write_text(model, traced, page_ids, features, fused=True)
    del model
    _store(traced, out)


def _store(traced: Path, out: list[Path]) -> None:
    for precision, folder in zip(PRECISIONS, out, strict=True):
        precision.store(traced, folder / traced.name)
    for file in traced.parent.iterdir():
        file.unlink()


def _write_manifest(folder: Path, precision: Precision, tokenizer, page_ids: list[int], features: torch.Tensor) -> None:
    tokens = features.shape[1]
    side = sizes.config(rehearse=True).vision_config.image_size
    fields = {
        "name": f"random ColPali in {NAMES[precision.compute]}",
        "family": "colpali",
        "dim": sizes.DIM,
        "graph": manifest.split_graph(features.shape[-1]) | precision.graph(),
        **exporter.image_fields(manifest.ImageSpec(width=side, height=side), tokens),
        **exporter.prompt_fields(PROMPT, tokenizer, page_ids, tokens),
        "tokenizer": {"file": "tokenizer.json"},
        "source": {"checkpoint": "random weights, seed 0", "preset": PROMPT.name, **precision.source()},
    }
    manifest.write(folder, sorted(folder.iterdir()), fields)


if __name__ == "__main__":
    main()
