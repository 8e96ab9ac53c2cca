"""python tools/dev/goldens/colpali.py: makes vectorizer/testdata/colpali-random, colpali-float16-random,
which has the same weights and is to give the same vectors, computed in half precision, colpali224-random, of pages of
224 pixels, and bipali-random.

The model folder comes from tools/dev/export, the path real checkpoints take. The
goldens beside it are what transformers' ColPaliForRetrieval makes of two pages and
a list of queries; colpali-engine's ColPali, with the same weights, is the second
opinion, and its score_multi_vector gives the scores.
"""

import sys
import tempfile
from pathlib import Path

import torch
from colpali_engine.models import ColPali

DEV = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(DEV))

import export  # noqa: E402  (found through DEV)
from export import golden, verify  # noqa: E402
from goldens import random_model  # noqa: E402

TESTDATA = DEV.parents[1] / "vectorizer" / "testdata"
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


def main() -> None:
    tokenizer = random_model.tokenizer()
    pages = {file: golden.draw_page(number, *size) for number, (file, size) in enumerate(PAGES.items())}
    cases = golden.Cases(pages, QUERIES, few)
    model = random_model.model()
    with tempfile.TemporaryDirectory() as scratch:
        tokenizer_json = Path(scratch, "tokenizer.json")
        tokenizer.save(str(tokenizer_json))

        def write(name: str, model: torch.nn.Module, precision=export.Precision(), cases=cases) -> None:
            named = {"name": name, "checkpoint": "random weights, seed 0"}
            print(name, export.export(model, tokenizer_json, PROMPT, TESTDATA / name, precision=precision, cases=cases, **named))

        write("colpali-random", model)
        write("colpali-float16-random", model, export.Precision(compute="fp16"), None)
        write("colpali224-random", random_model.model(224))
        write("bipali-random", random_model.bipali(224))
    print(f"transformers and colpali-engine differ by {second_opinion(model, tokenizer):.1e}")


def few(vectors: int, file: str) -> list[int]:
    """Every row of the first page; of the others enough to see a wrong order or offset."""
    rows = range(vectors)
    return list(rows) if file == "letter.png" else sorted({*rows[::64], *rows[-7:]})


def second_opinion(model: torch.nn.Module, tokenizer) -> float:
    """How far colpali-engine's ColPali is from transformers', of which the goldens are."""
    engine, pixels = engine_model(model), torch.from_numpy(verify.test_pages(448, 448))
    page_ids = [random_model.IMAGE_TOKEN_ID] * 1024 + PROMPT.page_suffix_ids(tokenizer)
    items = [(page_ids, {"pixel_values": page[None]}) for page in pixels]
    items += [(PROMPT.query_ids(tokenizer, words), {}) for words in QUERIES]
    difference = 0.0
    for ids, inputs in items:
        batch = torch.tensor([ids])
        opinion = engine(input_ids=batch, attention_mask=torch.ones_like(batch), **inputs)[0].detach()
        difference = max(difference, float((verify.rows(model, ids, **inputs) - opinion).abs().max()))
    assert difference < 2e-5
    return difference


def engine_model(model: torch.nn.Module) -> torch.nn.Module:
    """colpali-engine's ColPali with the same weights under its own names."""
    engine = ColPali(random_model.paligemma_config()).float().eval()
    renamed = {
        name.replace("vlm.", "model.", 1) if name.startswith("vlm.") else name.replace("embedding_proj_layer", "custom_text_proj"): value
        for name, value in model.state_dict().items()
    }
    engine.load_state_dict(renamed)
    return engine


if __name__ == "__main__":
    main()
