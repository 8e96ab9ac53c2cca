"""python -m export.families CHECKPOINT OUT [options]   (run in tools/dev)

Exports a checkpoint of colpali-engine: ColQwen2, 2.5, 3, 3.5, ColGemma3, ColIdefics3 (ColSmol), ColModernVBERT, or one of
their bi-encoders. CHECKPOINT is a folder on disk: a whole model, or a LoRA adapter, whose base model's
folder --base names.
"""

import argparse
import sys
from pathlib import Path

from .. import precision
from . import gemma3, idefics3, modernvbert, patched, patches, qwen2, qwen2_5, qwen3, qwen3_5, square, tiled, tiles
from .checkpoint import Family, export

# By model_type of config.json.
FAMILIES = {
    "qwen2_vl": Family(patched, qwen2, "Qwen2", "custom_text_proj.weight"),
    "qwen2_5_vl": Family(patched, qwen2_5, "Qwen2_5", "custom_text_proj.weight"),
    "qwen3_vl": Family(patched, qwen3, "Qwen3", "custom_text_proj.weight"),
    "qwen3_5": Family(patched, qwen3_5, "Qwen3_5", "custom_text_proj.weight"),
    "gemma3": Family(square, gemma3, "Gemma3", "custom_text_proj.weight"),
    "idefics3": Family(tiled, idefics3, "Idefics3", "linear.weight"),
    "modernvbert": Family(tiled, modernvbert, "ModernVBert", "custom_text_proj.weight"),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="export.families", description="Export a checkpoint folder of colpali-engine for the vectorizer.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path, help="model folder to write")
    parser.add_argument("--base", type=Path, help="folder of the model that a LoRA adapter was trained on")
    parser.add_argument("--single", action="store_true", help="a bi-encoder: one vector a page")
    parser.add_argument(
        "--prompt", choices=sorted([*patches.QUERY_PREFIXES, *tiles.PAGE_PROMPTS]), help="default: that of the newest colpali-engine"
    )
    precision.add_options(parser)
    options = parser.parse_args()
    try:
        print(export(FAMILIES, options.checkpoint, options.out, options.base, options.single, options.prompt, precision.from_options(options)))
    except ValueError as problem:
        sys.exit(f"export: {problem}")


if __name__ == "__main__":
    main()
