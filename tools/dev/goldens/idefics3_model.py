"""A ColIdefics3 of the real architecture, tiny and with random weights.

SigLIP-like tower, pixel shuffle, Llama and the 128-d head are transformers' and colpali-engine's own
classes. Tiles have 64 pixels instead of 512 and 16 tokens instead of 64, so that pages are cheap.
"""

import json

import torch
from colpali_engine.models import ColIdefics3, ColIdefics3Processor
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn
from transformers import Idefics3Config, Idefics3ImageProcessor, PreTrainedTokenizerFast

from .random_model import _sentences

EDGE, LONGEST_EDGE, PATCH, SHUFFLE, WIDTH = 64, 256, 8, 2, 32
TILE_TOKENS = (EDGE // PATCH // SHUFFLE) ** 2

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>"]
MARKS = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
IMAGE_TOKENS = ["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", *MARKS]


def tokenizer() -> Tokenizer:
    """SmolLM's schema: single digits, GPT-2's words, bytes as letters; trained on generated sentences."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=640,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    # Blank lines, too: real tokenizers join line feeds, and a page's prompt has two in a row.
    trained.train_from_iterator([text + "\n\n" for text in _sentences()], trainer)
    trained.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in IMAGE_TOKENS])
    return Tokenizer.from_str(json.dumps(json.loads(trained.to_str())))


def processor(words: Tokenizer, kind: type = ColIdefics3Processor):
    """The processor with the slow image processor, whose Lanczos models were trained on."""
    fast = PreTrainedTokenizerFast(
        tokenizer_object=words,
        bos_token="<|im_start|>",
        eos_token="<end_of_utterance>",
        pad_token="<|im_end|>",
        padding_side="left",
        model_input_names=["input_ids", "attention_mask"],
    )
    images = Idefics3ImageProcessor(size={"longest_edge": LONGEST_EDGE}, max_image_size={"longest_edge": EDGE})
    return kind(image_processor=images, tokenizer=fast, image_seq_len=TILE_TOKENS)


def model(words: Tokenizer, kind: type = ColIdefics3):
    torch.manual_seed(0)
    made = kind(config(words))
    for parameter in made.parameters():
        if parameter.dim() >= 2:
            nn.init.normal_(parameter, 0, 0.08)
    return made.float().eval()


def config(words: Tokenizer) -> Idefics3Config:
    pad = words.token_to_id("<|im_end|>")
    text = {
        "model_type": "llama",
        "hidden_size": WIDTH,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "vocab_size": words.get_vocab_size(),
        "pad_token_id": pad,
    }
    vision = {
        "hidden_size": WIDTH,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": EDGE,
        "patch_size": PATCH,
    }
    return Idefics3Config(
        text_config=text,
        vision_config=vision,
        scale_factor=SHUFFLE,
        image_token_id=words.token_to_id("<image>"),
        pad_token_id=pad,
    )
