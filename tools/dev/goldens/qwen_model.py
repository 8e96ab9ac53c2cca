"""ColQwen2, 2.5, 3 and 3.5 of the real architecture, tiny and with random weights.

Towers, text models and heads are transformers' and colpali-engine's own classes. Pages have at most 24
tokens instead of 768, so that they are cheap; of 3.5, whose text model cuts them into chunks of 64, 150.
"""

import json

import torch
from colpali_engine.models import ColQwen2, ColQwen2Processor
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import nn
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2VLConfig,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
    Qwen3_5Config,
    Qwen3VLConfig,
    Qwen3VLVideoProcessor,
)

from .random_model import _sentences

MERGE = 2
MAX_TOKENS = 24
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
# Of Qwen2's tokenizer.json.
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
}
VISION = {"depth": 2, "num_heads": 2, "spatial_merge_size": MERGE, "temporal_patch_size": 2, "in_channels": 3}
VISION_2 = VISION | {"embed_dim": 32, "hidden_size": 32, "mlp_ratio": 2, "patch_size": 14}
# Windows of 2 x 2 tokens. tokens_per_second: 1 gives images the time that they had in training
# (transformers 5.3 multiplies it, its issue 45325).
VISION_2_5 = VISION | {
    "hidden_size": 32,
    "intermediate_size": 64,
    "out_hidden_size": 32,
    "patch_size": 14,
    "window_size": 56,
    "fullatt_block_indexes": [1],
    "tokens_per_second": 1,
}
VISION_3 = VISION | {
    "depth": 3,
    "hidden_size": 32,
    "intermediate_size": 64,
    "out_hidden_size": 32,
    "patch_size": 16,
    "num_position_embeddings": 49,
    "deepstack_visual_indexes": [0, 1],
}
# Like 3, without deepstack; every frequency of the rotary embedding has an axis.
TEXT_3_5 = TEXT | {
    "head_dim": 32,
    "layer_types": ["linear_attention", "full_attention"],
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [3, 3, 2], "partial_rotary_factor": 0.5},
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
}
VISION_3_5 = {name: value for name, value in VISION_3.items() if name != "deepstack_visual_indexes"}


def tokenizer() -> Tokenizer:
    """Qwen2's schema: NFC, its words, bytes as letters; trained on generated sentences."""
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.NFC()
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(WORDS), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=640, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    trained.train_from_iterator([text + "\n\n" for text in _sentences()], trainer)
    trained.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in SPECIAL])
    return Tokenizer.from_str(json.dumps(json.loads(trained.to_str())))


def processor(words: Tokenizer, kind: type = ColQwen2Processor):
    """The processor with the slow image processor, whose pixels are Pillow's."""
    fast = PreTrainedTokenizerFast(
        tokenizer_object=words,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        padding_side="left",
        model_input_names=["input_ids", "attention_mask"],
    )
    for name in ("image", "video"):
        setattr(fast, name + "_token", f"<|{name}_pad|>")
        setattr(fast, name + "_token_id", words.token_to_id(f"<|{name}_pad|>"))
    for name in ("vision_start", "vision_end"):
        setattr(fast, name + "_token", f"<|{name}|>")
        setattr(fast, name + "_token_id", words.token_to_id(f"<|{name}|>"))
    newer = "Qwen3" in kind.__name__
    edge = (16 if newer else 14) * MERGE
    tokens = 150 if "Qwen3_5" in kind.__name__ else MAX_TOKENS
    images = Qwen2VLImageProcessor(
        min_pixels=4 * edge**2, max_pixels=tokens * edge**2, patch_size=edge // MERGE, merge_size=MERGE
    )
    videos = Qwen3VLVideoProcessor() if newer else Qwen2VLVideoProcessor()
    return kind(image_processor=images, tokenizer=fast, video_processor=videos)


def model(words: Tokenizer, kind: type = ColQwen2):
    torch.manual_seed(0)
    made = kind(config(words, kind))
    for parameter in made.parameters():
        if parameter.dim() >= 2:
            nn.init.normal_(parameter, 0, 0.08)
    made.set_attn_implementation("eager")
    return made.float().eval()


def config(words: Tokenizer, kind: type):
    name = kind.__name__.removeprefix("Col").removeprefix("Bi")
    config, vision = {
        "Qwen2": (Qwen2VLConfig, VISION_2),
        "Qwen2_5": (Qwen2_5_VLConfig, VISION_2_5),
        "Qwen3": (Qwen3VLConfig, VISION_3),
        "Qwen3_5": (Qwen3_5Config, VISION_3_5),
    }[name]
    ids = {
        "image_token_id": words.token_to_id("<|image_pad|>"),
        "video_token_id": words.token_to_id("<|video_pad|>"),
        "vision_start_token_id": words.token_to_id("<|vision_start|>"),
        "vision_end_token_id": words.token_to_id("<|vision_end|>"),
    }
    text = (TEXT_3_5 if name == "Qwen3_5" else TEXT) | {"vocab_size": words.get_vocab_size(), "pad_token_id": words.token_to_id("<|endoftext|>")}
    if name == "Qwen3":
        text |= {"head_dim": 16}
    return config(text_config=text, vision_config=vision, **ids)
