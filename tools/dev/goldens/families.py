"""python tools/dev/goldens/families.py [NAME...]: vectorizer/testdata/NAME-random, tiny random models of every family
but ColPali.

Folders come from tools/dev/export/families, the path that real checkpoints take, and so do their goldens: what
colpali-engine's model and processor make of a few pages and queries, each alone.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from colpali_engine import models

DEV = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(DEV))

from export import golden  # noqa: E402  (found through DEV)
from export.families import folder, gemma3, idefics3, modernvbert, patched, qwen2, qwen2_5, qwen3, qwen3_5, square, tiled  # noqa: E402
from goldens import gemma3_model, idefics3_model, modernvbert_model, qwen_model  # noqa: E402
from goldens.colpali import QUERIES  # noqa: E402

TESTDATA = DEV.parents[1] / "vectorizer" / "testdata"


@dataclass(frozen=True)
class Kind:
    """A family: how its pages are cut, its graphs, what makes its models and processors, the classes of
    colpali-engine, and the sizes of its pages."""

    cut: ModuleType
    graphs: ModuleType
    models: ModuleType
    processors: ModuleType
    model: type
    processor: type
    pages: tuple[tuple[int, int], ...]


# Upright (in Pillow 13's other order of passes), across, a sliver, and smaller than the least size.
PATCHED = ((153, 198), (150, 100), (12, 200), (20, 17))
# Of ColQwen3.5 two chunks of tokens, and the traced page one.
CHUNKED = tuple((2 * width, 2 * height) for width, height in PATCHED)
# 17, 13, 5 and 17 tiles; the first is resized by Pillow 13's other order of passes.
TILED = ((306, 396), (300, 200), (40, 400), (97, 97))
# Made smaller both ways, and larger; the first in Pillow 13's other order of passes.
SQUARE = ((153, 198), (150, 100), (40, 400), (20, 17))
FILES = ("letter.png", "wide.png", "strip.png", "small.png")


def _qwen(graphs: ModuleType, name: str, processor: str, pages=PATCHED) -> Kind:
    return Kind(patched, graphs, qwen_model, qwen_model, getattr(models, name), getattr(models, processor), pages)


def _tiled(graphs: ModuleType, maker: ModuleType, name: str) -> Kind:
    return Kind(tiled, graphs, maker, idefics3_model, getattr(models, name), getattr(models, name + "Processor"), TILED)


KINDS = {
    "colqwen2": _qwen(qwen2, "ColQwen2", "ColQwen2Processor"),
    "biqwen2": _qwen(qwen2, "BiQwen2", "BiQwen2Processor"),
    "colqwen2_5": _qwen(qwen2_5, "ColQwen2_5", "ColQwen2_5_Processor"),
    "biqwen2_5": _qwen(qwen2_5, "BiQwen2_5", "BiQwen2_5_Processor"),
    "colqwen3": _qwen(qwen3, "ColQwen3", "ColQwen3Processor"),
    "biqwen3": _qwen(qwen3, "BiQwen3", "BiQwen3Processor"),
    "colqwen3_5": _qwen(qwen3_5, "ColQwen3_5", "ColQwen3_5Processor", CHUNKED),
    "biqwen3_5": _qwen(qwen3_5, "BiQwen3_5", "BiQwen3_5Processor", CHUNKED),
    "colgemma3": Kind(square, gemma3, gemma3_model, gemma3_model, models.ColGemma3, models.ColGemmaProcessor3, SQUARE),
    "bigemma3": Kind(square, gemma3, gemma3_model, gemma3_model, models.BiGemma3, models.BiGemmaProcessor3, SQUARE),
    "colidefics3": _tiled(idefics3, idefics3_model, "ColIdefics3"),
    "colmodernvbert": _tiled(modernvbert, modernvbert_model, "ColModernVBert"),
    "biidefics3": _tiled(idefics3, idefics3_model, "BiIdefics3"),
    "bimodernvbert": _tiled(modernvbert, modernvbert_model, "BiModernVBert"),
}

# Enough for every script, length and literal; more would only be bytes.
TEXTS = [QUERIES[number] for number in (0, 1, 2, 3, 5, 9)]
# White space at the end, which a chat template trims, Python's own of it too.
TRIMMED = [*TEXTS, "at its end \t\x1c\x85\n"]


def main() -> None:
    for name in sys.argv[1:] or KINDS:
        write(name, KINDS[name])


def write(name: str, kind: Kind) -> None:
    out = TESTDATA / f"{name}-random"
    words = kind.processors.tokenizer()
    processor, model = kind.processors.processor(words, kind.processor), kind.models.model(words, kind.model)
    pages = {file: golden.draw_page(number, *size) for number, (file, size) in enumerate(zip(FILES, kind.pages, strict=True))}
    shutil.rmtree(out, ignore_errors=True)
    check = folder.write(
        out,
        kind.cut,
        kind.graphs,
        model,
        processor,
        name=out.name,
        family=name,
        cases=golden.Cases(pages, TRIMMED if kind.cut is square else TEXTS, few),
        checkpoint="random weights, seed 0",
    )
    print(out.name, sum(file.stat().st_size for file in out.rglob("*") if file.is_file()), "bytes;", check)


def few(vectors: int, file: str) -> list[int]:
    """All rows of short pages and of one long one; of others enough to see a wrong order or offset."""
    rows = range(vectors)
    return list(rows) if vectors < 150 or file == "strip.png" else sorted({*rows[::16], *rows[-9:]})


if __name__ == "__main__":
    main()
