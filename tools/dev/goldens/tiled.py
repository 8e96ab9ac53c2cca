"""python tools/dev/goldens/tiled.py [NAME...]: tiny random models whose pages are cut into tiles.

Writes vectorizer/testdata/NAME for ColIdefics3, ColModernVBert and their bi-encoders: the two graphs
of export/families, the tokenizer, and what colpali-engine's model and processor make of a few pages
and queries, each alone.
"""

import hashlib
import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from colpali_engine import models
from colpali_engine.utils.processing_utils import BaseVisualRetrieverProcessor

DEV = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(DEV))

from export import manifest  # noqa: E402  (found through DEV)
from export.families import idefics3, modernvbert, tiled, tiles  # noqa: E402
from goldens import idefics3_model, modernvbert_model  # noqa: E402
from goldens.colpali import QUERIES, draw_page  # noqa: E402

TESTDATA = DEV.parents[1] / "vectorizer" / "testdata"

# Family, maker of the model, classes of the model and of its processor, and what engine calls them.
KINDS = {
    "colidefics3": (idefics3, idefics3_model, models.ColIdefics3, models.ColIdefics3Processor),
    "colmodernvbert": (modernvbert, modernvbert_model, models.ColModernVBert, models.ColModernVBertProcessor),
    "biidefics3": (idefics3, idefics3_model, models.BiIdefics3, models.BiIdefics3Processor),
    "bimodernvbert": (modernvbert, modernvbert_model, models.BiModernVBert, models.BiModernVBertProcessor),
}

# Enough for every script, length and literal; more would only be bytes.
TEXTS = [QUERIES[number] for number in (0, 1, 2, 3, 5, 9)]

# 17, 13, 5 and 17 tiles; the first is resized by Pillow 13's other order of passes.
PAGES = {"letter.png": (306, 396), "wide.png": (300, 200), "strip.png": (40, 400), "square.png": (97, 97)}


def main() -> None:
    for name in sys.argv[1:] or KINDS:
        write(name, *KINDS[name])


def write(name: str, family, maker, kind: type, processor_kind: type) -> None:
    out = TESTDATA / f"{name}-random"
    words = idefics3_model.tokenizer()
    processor = idefics3_model.processor(words, processor_kind)
    model = maker.model(words, kind)
    golden = out / "golden"
    shutil.rmtree(out, ignore_errors=True)
    golden.mkdir(parents=True)
    words.save(str(out / "tokenizer.json"))
    pages = [draw_page(number, *size) for number, size in enumerate(PAGES.values())]
    inputs = [processor.process_images([page]) for page in pages]
    tiled.write_graphs(out, family, model, inputs[-2])
    cases = {"versions": versions(), "pages": [], "queries": []}
    page_rows = [tiled.rows(model, one) for one in inputs]
    write_manifest(out, name, words, processor, page_rows[0].shape[-1], "one" if name.startswith("bi") else "tokens")
    for (file, page), one, got in zip(zip(PAGES, pages, strict=True), inputs, page_rows, strict=True):
        page.save(golden / file, optimize=True)
        cases["pages"].append(page_case(golden, file, one, got))
    queries = [processor.process_queries(queries=[text]) for text in TEXTS]
    query_rows = [tiled.rows(model, one) for one in queries]
    for text, one in zip(TEXTS, queries, strict=True):
        cases["queries"].append({"text": text, "ids": one["input_ids"][0].tolist()})
    torch.cat(query_rows).numpy().astype("<f4").tofile(golden / "queries.f32")
    cases["query_embeddings"] = "queries.f32"
    # Each document alone: padding lifts negative maxima to 0.
    score = BaseVisualRetrieverProcessor.score_multi_vector
    cases["scores"] = [[float(score([query], [page], device="cpu")) for page in page_rows] for query in query_rows]
    text = json.dumps(cases, ensure_ascii=False, separators=(",", ":"))
    (golden / "golden.json").write_text(text + "\n", encoding="utf-8")
    print(out.name, sum(file.stat().st_size for file in out.rglob("*") if file.is_file()), "bytes")


def write_manifest(out: Path, name: str, words, processor, dim: int, rows: str) -> None:
    prompts = {prompt: preset for preset, prompt in tiles.PAGE_PROMPTS.items()}
    fields = tiles.fields(
        words,
        processor.visual_prompt_prefix,
        edge=idefics3_model.EDGE,
        longest_edge=idefics3_model.LONGEST_EDGE,
        tile_tokens=idefics3_model.TILE_TOKENS,
        width=idefics3_model.WIDTH,
        rows=rows,
    )
    files = [out / file for file in ("vision.onnx", "text.onnx", "tokenizer.json")]
    source = {"checkpoint": "random weights, seed 0", "preset": prompts[processor.visual_prompt_prefix], **versions()}
    head = {"name": out.name, "family": name, "dim": dim}
    manifest.write(out, files, {**head, **fields, "tokenizer": {"file": "tokenizer.json"}, "source": source})


def page_case(golden: Path, file: str, inputs: dict, got: torch.Tensor) -> dict:
    every = list(range(len(got)))
    kept = every if file.startswith("strip") else sorted({*every[::16], *every[-9:]})
    got[kept].numpy().astype("<f4").tofile(golden / Path(file).with_suffix(".f32"))
    pixels = inputs["pixel_values"][0].numpy().astype("<f4")
    return {
        "file": file,
        "tiles": len(pixels),
        "pixel_values_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "ids": inputs["input_ids"][0].tolist(),
        "vectors": len(got),
        "rows": kept,
        "embeddings": Path(file).with_suffix(".f32").name,
    }


def versions() -> dict:
    names = ("torch", "transformers", "colpali-engine", "tokenizers", "pillow", "onnx", "onnxruntime")
    return {name: version(name) for name in names}


if __name__ == "__main__":
    main()
