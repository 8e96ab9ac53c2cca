"""python tools/dev/goldens/patched.py [NAME...]: tiny random models whose pages are cut into patches.

Writes vectorizer/testdata/NAME-random for ColQwen2, 2.5, 3, 3.5 and their bi-encoders: the two graphs of
export/families, the tokenizer, the manifest, and what colpali-engine's model and processor make of a
few pages and queries, each alone.
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
from torch import nn

DEV = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(DEV))

from export import manifest  # noqa: E402  (found through DEV)
from export.families import patched, patches, qwen2, qwen2_5, qwen3, qwen3_5  # noqa: E402
from goldens import qwen_model  # noqa: E402
from goldens.colpali import QUERIES, draw_page  # noqa: E402

TESTDATA = DEV.parents[1] / "vectorizer" / "testdata"

# Family, classes of the model and of its processor, and what engine calls them.
KINDS = {
    "colqwen2": (qwen2, models.ColQwen2, models.ColQwen2Processor),
    "biqwen2": (qwen2, models.BiQwen2, models.BiQwen2Processor),
    "colqwen2_5": (qwen2_5, models.ColQwen2_5, models.ColQwen2_5_Processor),
    "biqwen2_5": (qwen2_5, models.BiQwen2_5, models.BiQwen2_5_Processor),
    "colqwen3": (qwen3, models.ColQwen3, models.ColQwen3Processor),
    "biqwen3": (qwen3, models.BiQwen3, models.BiQwen3Processor),
    "colqwen3_5": (qwen3_5, models.ColQwen3_5, models.ColQwen3_5Processor),
    "biqwen3_5": (qwen3_5, models.BiQwen3_5, models.BiQwen3_5Processor),
}

# Enough for every script, length and literal; more would only be bytes.
TEXTS = [QUERIES[number] for number in (0, 1, 2, 3, 5, 9)]

# Upright (in Pillow 13's other order of passes), across, a sliver, and smaller than the least size.
PAGES = {"letter.png": (153, 198), "wide.png": (150, 100), "strip.png": (12, 200), "small.png": (20, 17)}


def main() -> None:
    for name in sys.argv[1:] or KINDS:
        write(TESTDATA / f"{name}-random", name, *KINDS[name])


def write(out: Path, name: str, family, kind: type, processor_kind: type) -> None:
    words = qwen_model.tokenizer()
    processor, model = qwen_model.processor(words, processor_kind), qwen_model.model(words, kind)
    golden = out / "golden"
    shutil.rmtree(out, ignore_errors=True)
    golden.mkdir(parents=True)
    words.save(str(out / "tokenizer.json"), pretty=False)
    # Of 3.5 two chunks of tokens, and the traced page one.
    scale = 2 if family is qwen3_5 else 1
    pages = [draw_page(number, scale * width, scale * height) for number, (width, height) in enumerate(PAGES.values())]
    inputs = [processor.process_images([page]) for page in pages]
    width = patched.write_graphs(out, family, model, inputs[1])
    page_rows = [patched.rows(model, one) for one in inputs]
    cases = {"versions": versions(), "pages": [], "queries": []}
    for (file, page), one, got in zip(zip(PAGES, pages, strict=True), inputs, page_rows, strict=True):
        page.save(golden / file, optimize=True)
        cases["pages"].append(page_case(golden, file, model, one, got))
    queries = [processor.process_queries(queries=[text]) for text in TEXTS]
    query_rows = [patched.rows(model, one) for one in queries]
    for text, one in zip(TEXTS, queries, strict=True):
        cases["queries"].append({"text": text, "ids": one["input_ids"][0].tolist()})
    torch.cat(query_rows).numpy().astype("<f4").tofile(golden / "queries.f32")
    cases["query_embeddings"] = "queries.f32"
    # Each document alone: padding lifts negative maxima to 0.
    score = BaseVisualRetrieverProcessor.score_multi_vector
    cases["scores"] = [[float(score([query], [page], device="cpu")) for page in page_rows] for query in query_rows]
    text = json.dumps(cases, ensure_ascii=False, separators=(",", ":"))
    (golden / "golden.json").write_text(text + "\n", encoding="utf-8")
    files = [out / "vision.onnx", out / "text.onnx", out / "tokenizer.json"]
    single = name.startswith("bi")
    about = patches.fields(words, "qwen-bare", processor.image_processor, width=width, rows="one" if single else "tokens")
    head = {"name": f"{name}-random", "family": name, "dim": int(query_rows[0].shape[-1])}
    source = {"checkpoint": "random weights, seed 0"} | versions()
    manifest.write(out, files, head | about | {"tokenizer": {"file": "tokenizer.json"}, "source": source})
    print(out.name, sum(file.stat().st_size for file in out.rglob("*") if file.is_file()), "bytes")


def page_case(golden: Path, file: str, model: nn.Module, inputs: dict, got: torch.Tensor) -> dict:
    got.numpy().astype("<f4").tofile(golden / Path(file).with_suffix(".f32"))
    pixels = inputs["pixel_values"][0].numpy().astype("<f4")
    _, high, wide = map(int, inputs["image_grid_thw"][0])
    return {
        "file": file,
        "pixel_values_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "ids": inputs["input_ids"][0].tolist(),
        "grid": {"width": wide // qwen_model.MERGE, "height": high // qwen_model.MERGE},
        "positions": patched.positions(model, inputs)[:, 0].tolist(),
        "vectors": len(got),
        "rows": list(range(len(got))),
        "embeddings": Path(file).with_suffix(".f32").name,
    }


def versions() -> dict:
    names = ("torch", "transformers", "colpali-engine", "tokenizers", "pillow", "onnx", "onnxruntime")
    return {name: version(name) for name in names}


if __name__ == "__main__":
    main()
