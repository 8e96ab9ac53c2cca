"""python tools/dev/goldens/colpali.py: makes vectorizer/testdata/colpali-random, and colpali-float16-random,
which has the same weights and is to give the same vectors, computed in half precision.

The model folder comes from tools/dev/export, the path real checkpoints take. The
goldens beside it are what transformers' ColPaliForRetrieval makes of two pages and
a list of queries; colpali-engine's ColPali, with the same weights, is the second
opinion, and its score_multi_vector gives the scores.
"""

import hashlib
import json
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from colpali_engine.models import ColPali
from colpali_engine.utils.processing_utils import BaseVisualRetrieverProcessor
from PIL import Image, ImageDraw
from tokenizers import Tokenizer
from transformers import SiglipImageProcessor

DEV = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(DEV))

import export  # noqa: E402  (found through DEV)
from goldens import random_model  # noqa: E402

OUT = DEV.parents[1] / "vectorizer" / "testdata" / "colpali-random"
FLOAT16 = OUT.with_name("colpali-float16-random")
PROMPT = export.PRESETS["colpali-question"]

# The second page is scaled down more in height than in width by Pillow 13's rule,
# so it takes the other order of resampling passes. The third is scaled up in height.
PAGES = {"letter.png": (850, 1100), "points.png": (612, 792), "wide.png": (600, 400)}

QUERIES = [
    "hello world",
    "What is the total revenue of 2023?",
    "a",
    "  two  leading,   and inner   spaces",
    "naïve café — “quotes” … €5,00",
    "日本語のクエリ 🙂👩‍👩‍👧 العربية हिन्दी",
    "tab\there, newline\nthere, zero-width\u200b joiner",
    "e\u0301 decomposed, \u00e9 composed",
    "under_score-and/slash\\back {json: [1, 2.5e-3]}",
    "<image",
    "supercalifragilisticexpialidocious" * 2,
]

# Every row of the first page; of the others enough to see a wrong order or offset.
SAMPLED_ROWS = [*range(0, 1024, 64), *range(1023, 1030)]


def main() -> None:
    model, tokenizer = random_model.model(), random_model.tokenizer()
    with tempfile.TemporaryDirectory() as scratch:
        tokenizer_json = Path(scratch, "tokenizer.json")
        tokenizer.save(str(tokenizer_json))
        for out, precision in ((OUT, export.Precision()), (FLOAT16, export.Precision(compute="fp16"))):
            print(
                export.export(
                    model, tokenizer_json, PROMPT, out, name=out.name, checkpoint="random weights, seed 0", precision=precision
                )
            )
    golden = OUT / "golden"
    shutil.rmtree(golden, ignore_errors=True)
    golden.mkdir()
    pages = [draw_page(number, *size) for number, size in enumerate(PAGES.values())]
    for file, page in zip(PAGES, pages, strict=True):
        page.save(golden / file, optimize=True)
    write(golden, model, tokenizer, pages)


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


def write(golden: Path, model: torch.nn.Module, tokenizer: Tokenizer, pages: list[Image.Image]) -> None:
    pixels = reference_pixels(pages)
    page_ids = [random_model.IMAGE_TOKEN_ID] * 1024 + PROMPT.page_suffix_ids(tokenizer)
    query_ids = [PROMPT.query_ids(tokenizer, words) for words in QUERIES]
    engine = engine_model(model)
    page_rows, query_rows, difference = [], [], 0.0
    for page in pixels:
        inputs = {**one(page_ids), "pixel_values": page[None]}
        rows, opinion = transformers_rows(model, inputs), engine(**inputs)[0].detach()
        page_rows.append(rows)
        difference = max(difference, float((rows - opinion).abs().max()))
    for ids in query_ids:
        rows, opinion = transformers_rows(model, one(ids)), engine(**one(ids))[0].detach()
        query_rows.append(rows)
        difference = max(difference, float((rows - opinion).abs().max()))
    print(f"transformers and colpali-engine differ by {difference:.1e}")
    assert difference < 2e-5

    cases = {"versions": versions(), "engine_max_difference": difference, "pages": [], "queries": []}
    for number, file in enumerate(PAGES):
        rows = list(range(len(page_ids))) if number == 0 else SAMPLED_ROWS
        values = page_rows[number][rows].numpy().astype("<f4")
        values.tofile(golden / Path(file).with_suffix(".f32"))
        cases["pages"].append(
            {
                "file": file,
                "pixel_values_sha256": sha256(pixels[number].numpy().astype("<f4").tobytes()),
                "vectors": len(page_ids),
                "rows": rows,
                "embeddings": Path(file).with_suffix(".f32").name,
            }
        )
    for words, ids in zip(QUERIES, query_ids, strict=True):
        cases["queries"].append({"text": words, "ids": ids})
    torch.cat(query_rows).numpy().astype("<f4").tofile(golden / "queries.f32")
    cases["query_embeddings"] = "queries.f32"
    # Each document alone: padded beside a longer one, its zero rows would lift every
    # negative maximum to 0.
    score = BaseVisualRetrieverProcessor.score_multi_vector
    cases["scores"] = [
        [float(score([query], [page], device="cpu")) for page in page_rows] for query in query_rows
    ]
    text = json.dumps(cases, ensure_ascii=False, indent=1)
    (golden / "golden.json").write_text(text + "\n", encoding="utf-8")


def reference_pixels(pages: list[Image.Image]) -> torch.Tensor:
    # The slow processor: the fast one differs by a grey level here and there.
    processor = SiglipImageProcessor(size={"height": 448, "width": 448})
    return processor(pages, return_tensors="pt")["pixel_values"]


def engine_model(model: torch.nn.Module) -> torch.nn.Module:
    """colpali-engine's ColPali with the same weights under its own names."""
    engine = ColPali(random_model.paligemma_config()).float().eval()
    renamed = {
        name.replace("vlm.", "model.", 1) if name.startswith("vlm.") else name.replace("embedding_proj_layer", "custom_text_proj"): value
        for name, value in model.state_dict().items()
    }
    engine.load_state_dict(renamed)
    return engine


def transformers_rows(model: torch.nn.Module, inputs: dict) -> torch.Tensor:
    with torch.no_grad():
        return model(**inputs).embeddings[0]


def one(ids: list[int]) -> dict:
    batch = torch.tensor([ids])
    return {"input_ids": batch, "attention_mask": torch.ones_like(batch)}


def versions() -> dict:
    names = ("torch", "transformers", "colpali-engine", "tokenizers", "pillow", "onnx", "onnxruntime")
    return {name: version(name) for name in names}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
