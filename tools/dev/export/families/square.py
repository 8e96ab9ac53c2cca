"""Checkpoints whose pages are made square, of colpali-engine: Gemma 3. Its prompts are its chat template."""

import functools

from tokenizers import Tokenizer
from torch import nn

from .. import exporter, manifest
from .tiled import rows, run, write_graphs

__all__ = ["PRESETS", "about", "describe", "rows", "run", "write_graphs"]

PRESETS: dict[str, str] = {}

MARK = "here"


def describe(processor, preset: str | None):
    """The prompt's name, and what the manifest says once it knows (words, width=, rows=)."""
    return "gemma3-chat", functools.partial(_fields, processor=processor)


def about(model: nn.Module, inputs: dict) -> dict:
    """What goldens say of a page beside its ids."""
    return {}


def _fields(words: Tokenizer, processor, *, width: int, rows: str) -> dict:
    images = processor.image_processor
    if getattr(images, "do_pan_and_scan", None):
        raise ValueError("the processor cuts pages into crops (do_pan_and_scan), which no published ColGemma3 does and this export lacks")
    image = manifest.ImageSpec(
        width=images.size["width"],
        height=images.size["height"],
        resample=manifest.RESAMPLE[int(images.resample)],
        rescale=images.rescale_factor,
        mean=tuple(images.image_mean),
        std=tuple(images.image_std),
    )
    page = _page_ids(processor)
    token = words.token_to_id(processor.image_token)
    first, count = page.index(token), page.count(token)
    return {
        "graph": manifest.split_graph(width, rows=rows),
        **exporter.image_fields(image, count),
        "page": {"prefix_ids": page[:first], "image_token_id": token, "suffix_ids": page[first + count :], "drop_non_image": False},
        "query": _query(words, processor),
    }


def _page_ids(processor) -> list[int]:
    from .folder import noise

    return processor.process_images([noise(30, 40)])["input_ids"][0].tolist()


def _query(words: Tokenizer, processor) -> dict:
    """What chat template and processor put around a query. Text behind the last special token belongs to the words,
    for a tokenizer may join them."""

    def ids(query: str) -> list[int]:
        return processor.process_queries(queries=[query])["input_ids"][0].tolist()

    whole = ids(MARK)
    before, after = words.decode(whole, skip_special_tokens=False).split(MARK)
    special = [token.content for token in words.get_added_tokens_decoder().values() if token.content in before]
    text = before[max(before.rfind(token) + len(token) for token in special) :]
    suffix = words.encode(after, add_special_tokens=False).ids
    own = words.encode(text + MARK, add_special_tokens=False).ids + suffix
    if whole[len(whole) - len(own) :] != own:
        raise ValueError("the processor's queries are not what its tokenizer makes of their text")
    return {
        "prefix_ids": whole[: len(whole) - len(own)],
        "prefix_text": text,
        # Gemma's template trims what a user says.
        "trim": ids(MARK + " ") == whole,
        "suffix_ids": suffix,
        "max_tokens": 128,
    }
