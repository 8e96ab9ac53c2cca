"""What the manifest says of models whose pages are cut into patches: the Qwen families."""

from tokenizers import Tokenizer

from .. import manifest

IMAGE = "<|image_pad|>"
PAGE_PROMPT = f"<|im_start|>user\n<|vision_start|>{IMAGE}<|vision_end|>Describe the image.<|im_end|><|endoftext|>"

# Words before a query's own, by colpali-engine's version: since 0.3.11, and 0.3.10 and older.
QUERY_PREFIXES = {"qwen-bare": "", "qwen-query": "Query: "}
QUERY_SUFFIX = "<|endoftext|>" * 10


def fields(words: Tokenizer, preset: str, images, *, width: int, rows: str) -> dict:
    """The manifest's graph, image, page and query. images is the image processor, rows is "tokens", or
    "one" for bi-encoders."""

    def ids(text: str) -> list[int]:
        return words.encode(text, add_special_tokens=False).ids

    before, after = PAGE_PROMPT.split(IMAGE)
    return {
        "graph": manifest.split_graph(width, positions="rotary", rows=rows),
        "image": {
            "mode": "patches",
            "resample": "bicubic",
            "pass_order": "pillow13",
            **manifest.VIEW,
            "rescale": 1 / 255,
            "mean": list(images.image_mean),
            "std": list(images.image_std),
            "patches": {
                "edge": images.patch_size,
                "merge": images.merge_size,
                "frames": images.temporal_patch_size,
                "min_pixels": images.size["shortest_edge"],
                "max_pixels": images.size["longest_edge"],
            },
        },
        "page": {
            "prefix_ids": ids(before),
            "image_token_id": words.token_to_id(IMAGE),
            "suffix_ids": ids(after),
            "drop_non_image": False,
        },
        "query": {
            "prefix_ids": [],
            "prefix_text": QUERY_PREFIXES[preset],
            "suffix_ids": ids(QUERY_SUFFIX),
            "max_tokens": 128,
        },
    }
