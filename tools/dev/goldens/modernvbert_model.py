"""A ColModernVBERT of the real architecture, tiny and with random weights; pages as in idefics3_model."""

import torch
from colpali_engine.models import ColModernVBert
from tokenizers import Tokenizer
from torch import nn
from transformers import ModernVBertConfig

from .idefics3_model import EDGE, PATCH, SHUFFLE, WIDTH


def model(words: Tokenizer, kind: type = ColModernVBert):
    torch.manual_seed(0)
    made = kind(config(words))
    for parameter in made.parameters():
        if parameter.dim() >= 2:
            nn.init.normal_(parameter, 0, 0.08)
    return made.float().eval()


def config(words: Tokenizer) -> ModernVBertConfig:
    text = {
        "model_type": "modernbert",
        "hidden_size": WIDTH,
        "intermediate_size": 48,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "vocab_size": words.get_vocab_size(),
        "pad_token_id": words.token_to_id("<|im_end|>"),
        # Both kinds of layers, and a window that the pages of the goldens are longer than.
        "global_attn_every_n_layers": 3,
        "local_attention": 32,
        "attn_implementation": "sdpa",
    }
    vision = {
        "model_type": "siglip_vision_model",
        "hidden_size": WIDTH,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": EDGE,
        "patch_size": PATCH,
        "vision_use_head": False,
    }
    return ModernVBertConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=words.token_to_id("<image>"),
        pixel_shuffle_factor=SHUFFLE,
    )
