"""A ColGemma3 of the real architecture, tiny and with random weights: pages of 112 pixels, 16 tokens."""

import torch
from colpali_engine.models import ColGemma3
from colpali_engine.models.gemma3 import ColGemmaProcessor3
from tokenizers import Tokenizer
from torch import nn
from transformers import Gemma3Config, Gemma3ImageProcessor, PreTrainedTokenizerFast

from . import random_model

EDGE, PATCH, IMAGE_TOKENS = 112, 14, 16
SPECIAL = ["<start_of_image>", "<end_of_image>", "<start_of_turn>", "<end_of_turn>"]

# What Gemma 3's own template gives of one user message.
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<start_of_turn>{{ message.role }}\n"
    "{% for part in message.content %}{% if part.type == 'image' %}<start_of_image>"
    "{% else %}{{ part.text | trim }}{% endif %}{% endfor %}<end_of_turn>\n{% endfor %}"
)


def tokenizer() -> Tokenizer:
    made = random_model.tokenizer()
    made.add_special_tokens(SPECIAL)
    return made


def processor(words: Tokenizer, kind: type = ColGemmaProcessor3):
    fast = PreTrainedTokenizerFast(
        tokenizer_object=words,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        padding_side="left",
        chat_template=TEMPLATE,
        extra_special_tokens={"image_token": "<image>", "boi_token": SPECIAL[0], "eoi_token": SPECIAL[1]},
    )
    images = Gemma3ImageProcessor(size={"height": EDGE, "width": EDGE})
    return kind(image_processor=images, tokenizer=fast, image_seq_length=IMAGE_TOKENS)


def model(words: Tokenizer, kind: type = ColGemma3):
    torch.manual_seed(0)
    made = kind(config(words))
    for parameter in made.parameters():
        if parameter.dim() >= 2:
            nn.init.normal_(parameter, 0, 0.08)
    return made.float().eval()


def config(words: Tokenizer) -> Gemma3Config:
    text = {
        "model_type": "gemma3_text",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "vocab_size": words.get_vocab_size(),
        "pad_token_id": 0,
        # Shorter than an image, so that its tokens see each other across it; every other layer is full.
        "sliding_window": 8,
        "sliding_window_pattern": 2,
        "query_pre_attn_scalar": 16,
    }
    vision = {
        "model_type": "siglip_vision_model",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": EDGE,
        "patch_size": PATCH,
        "vision_use_head": False,
    }
    return Gemma3Config(
        text_config=text,
        vision_config=vision,
        mm_tokens_per_image=IMAGE_TOKENS,
        image_token_index=words.token_to_id("<image>"),
        boi_token_index=words.token_to_id(SPECIAL[0]),
        eoi_token_index=words.token_to_id(SPECIAL[1]),
    )
