"""python -m export CHECKPOINT OUT [options]   (run in tools/dev)"""

import argparse
import dataclasses
import sys
from pathlib import Path

from . import PRESETS, export, load_checkpoint, precision
from .checkpoint import from_engine


def main() -> None:
    parser = argparse.ArgumentParser(prog="export", description="Export a ColPali checkpoint folder for the vectorizer.")
    parser.add_argument("checkpoint", type=Path, help="folder of a ColPali: transformers' (-hf), colpali-engine's, or a LoRA adapter")
    parser.add_argument("out", type=Path, help="model folder to write")
    parser.add_argument("--name", help="shown in /v1/meta; default: the checkpoint folder's name")
    parser.add_argument("--base", type=Path, help="folder of the model that a LoRA adapter was trained on")
    parser.add_argument("--single", action="store_true", help="a BiPali: one vector a page")
    parser.add_argument(
        "--prompt", choices=sorted(PRESETS), help="default: colpali-question for transformers' checkpoints, colpali-bare for colpali-engine's"
    )
    parser.add_argument("--max-query-tokens", type=int, default=128, help="longer queries are cut (default: 128)")
    parser.add_argument("--pass-order", choices=("pillow12", "pillow13"), default="pillow13")
    precision.add_options(parser)
    options = parser.parse_args()
    try:
        print(_run(options))
    except ValueError as problem:
        sys.exit(f"export: {problem}")


def _run(options: argparse.Namespace) -> str:
    model, image = load_checkpoint(options.checkpoint, options.base, options.single)
    prompt = options.prompt or ("colpali-bare" if from_engine(options.checkpoint, options.base) else "colpali-question")
    return export(
        model,
        options.checkpoint / "tokenizer.json",
        dataclasses.replace(PRESETS[prompt], max_query_tokens=options.max_query_tokens),
        options.out,
        name=options.name or options.checkpoint.name,
        checkpoint=options.checkpoint.name,
        image=dataclasses.replace(image, pass_order=options.pass_order),
        precision=precision.from_options(options),
    )


if __name__ == "__main__":
    main()
