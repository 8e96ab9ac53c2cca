"""The two sizes of the benchmark's ColPali, and their arithmetic."""

import torch
from transformers import ColPaliConfig, ColPaliForRetrieval, PaliGemmaConfig

from goldens import random_model

DIM = 128


def config(rehearse: bool) -> PaliGemmaConfig:
    """PaliGemma-3B of 448 pixels, or the tests' tiny one. The tokenizer is the tests', so the image token lies
    among its few words; nothing is computed of the others."""
    if rehearse:
        return random_model.paligemma_config()
    vision = {
        "model_type": "siglip_vision_model",
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_hidden_layers": 27,
        "num_attention_heads": 16,
        "image_size": 448,
        "patch_size": 14,
        "vision_use_head": False,
        "projection_dim": 2048,
    }
    text = {
        "model_type": "gemma",
        "hidden_size": 2048,
        "intermediate_size": 16384,
        "num_hidden_layers": 18,
        "num_attention_heads": 8,
        "num_key_value_heads": 1,
        "head_dim": 256,
        "vocab_size": 257216,
        "num_image_tokens": 1024,
    }
    return PaliGemmaConfig(
        vision_config=vision, text_config=text, image_token_index=random_model.IMAGE_TOKEN_ID, projection_dim=2048, pad_token_id=0
    )


def part(rehearse: bool, vision: bool, text: bool) -> ColPaliForRetrieval:
    """The model, of which a part that is not wanted has no layers and few words: each graph is traced of its own
    part, so that only one is in memory."""
    made = config(rehearse)
    if not vision:
        made.vision_config.num_hidden_layers = 0
    if not text:
        made.text_config.num_hidden_layers = 0
        made.text_config.vocab_size = random_model.VOCABULARY
    torch.manual_seed(0)
    return ColPaliForRetrieval(ColPaliConfig(vlm_config=made, embedding_dim=DIM)).float().eval()


def operations(rehearse: bool, tokens: int, image_tokens: int) -> float:
    """Multiplications and additions of products and attention of a sequence of which so many are image tokens; none
    of them: of a query."""
    made = config(rehearse)
    vision, text = made.vision_config, made.text_config
    heads = text.num_attention_heads * text.head_dim
    keys = text.num_key_value_heads * text.head_dim
    layer = text.hidden_size * (2 * heads + 2 * keys + 3 * text.intermediate_size)
    total = text.num_hidden_layers * (2 * tokens * layer + 4 * tokens**2 * heads) + 2 * tokens * text.hidden_size * DIM
    if image_tokens:
        layer = 4 * vision.hidden_size**2 + 2 * vision.hidden_size * vision.intermediate_size
        total += vision.num_hidden_layers * (2 * image_tokens * layer + 4 * image_tokens**2 * vision.hidden_size)
        total += 2 * image_tokens * vision.hidden_size * (3 * vision.patch_size**2 + text.hidden_size)
    return float(total)
