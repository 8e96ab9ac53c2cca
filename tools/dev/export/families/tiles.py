"""What the manifest says of models whose pages are cut into tiles: Idefics3 and ModernVBERT."""

from tokenizers import Tokenizer

from .. import manifest

FAKE, IMAGE, VIEW = "<fake_token_around_image>", "<image>", "<global-img>"

# What surrounds the tiles of a page, by colpali-engine's version; queries since 0.3.11 have no words
# of the prompt's own.
PAGE_PROMPTS = {
    "idefics3-assistant": "<|im_start|>User:<image>Describe the image.<end_of_utterance>\nAssistant:",
    "modernvbert-assistant": "<|begin_of_text|>User:<image>Describe the image.<end_of_utterance>\nAssistant:",
    # 0.3.10 and older.
    "idefics3-user": "<|im_start|>user\n<image>Describe the image.<end_of_utterance>",
}
QUERY_SUFFIX = "<end_of_utterance>" * 10


def fields(
    words: Tokenizer, prompt: str, *, edge: int, longest_edge: int, tile_tokens: int, width: int, rows: str
) -> dict:
    """The manifest's graph, image, page and query. rows is "tokens", or "one" for bi-encoders."""

    def ids(text: str) -> list[int]:
        return words.encode(text, add_special_tokens=False).ids

    before, after = prompt.split(IMAGE)
    side = range(1, longest_edge // edge + 1)
    return {
        "graph": manifest.split_graph(width, rows=rows),
        "image": {
            "mode": "tiles",
            # The slow processor's, on which models were trained; the fast one takes bicubic.
            "resample": "lanczos",
            "pass_order": "pillow13",
            **manifest.VIEW,
            "rescale": 1 / 255,
            "mean": [0.5] * 3,
            "std": [0.5] * 3,
            "tiles": {
                "edge": edge,
                "longest_edge": longest_edge,
                "tile_tokens": tile_tokens,
                "tile_ids": [[ids(f"{FAKE}<row_{row}_col_{column}>") for column in side] for row in side],
                "row_end_ids": ids("\n"),
                # Not twice the above: tokenizers may join line feeds.
                "grid_end_ids": ids("\n\n"),
                "view_ids": ids(FAKE + VIEW),
                "end_ids": ids(FAKE),
            },
        },
        "page": {
            "prefix_ids": ids(before),
            "image_token_id": words.token_to_id(IMAGE),
            "suffix_ids": ids(after),
            "drop_non_image": False,
        },
        "query": {"prefix_ids": [], "prefix_text": "", "suffix_ids": ids(QUERY_SUFFIX), "max_tokens": 128},
    }
