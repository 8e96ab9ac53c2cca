"""A ColPali of the real architecture, tiny and with random weights.

SigLIP, projector, Gemma and the 128-d head are transformers' own classes, so what
reproduces this model reproduces a real checkpoint; only sizes and weights differ.
"""

import json
import random

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import nn
from transformers import ColPaliConfig, ColPaliForRetrieval, PaliGemmaConfig

VOCABULARY = 1024
# Inside the table, far from its start, and not the first id after the words.
IMAGE_TOKEN_ID = 1016
SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>"]


def model(side: int = 448) -> ColPaliForRetrieval:
    torch.manual_seed(0)
    colpali = ColPaliForRetrieval(ColPaliConfig(vlm_config=paligemma_config(side), embedding_dim=128))
    # The stock initialisation is so small that every token would get nearly the same
    # vector; these make the output depend on the input.
    for name, parameter in colpali.named_parameters():
        if parameter.dim() >= 2:
            nn.init.normal_(parameter, 0, 0.08)
        elif "norm" in name and "language_model" in name:
            nn.init.normal_(parameter, 0, 0.05)
    nn.init.normal_(colpali.vlm.model.language_model.embed_tokens.weight, 0, 0.12)
    return colpali.float().eval()


def bipali(side: int):
    """colpali-engine's BiPali, with the attributes that the exporter uses."""
    # They take seconds to import.
    from colpali_engine.models import BiPali
    from export.engine import Retrieval

    torch.manual_seed(0)
    made = BiPali(paligemma_config(side))
    for parameter in made.parameters():
        if parameter.dim() >= 2:
            nn.init.normal_(parameter, 0, 0.08)
    return Retrieval(made.float().eval()).eval()


def paligemma_config(side: int = 448) -> PaliGemmaConfig:
    vision = {
        "model_type": "siglip_vision_model",
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": side,
        "patch_size": 14,
        "vision_use_head": False,
        "projection_dim": 64,
    }
    text = {
        "model_type": "gemma",
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "vocab_size": VOCABULARY,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 2,
        "num_image_tokens": (side // 14) ** 2,
    }
    return PaliGemmaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=IMAGE_TOKEN_ID,
        projection_dim=64,
        pad_token_id=0,
    )


def tokenizer() -> Tokenizer:
    """BPE with byte fallback and Gemma's schema, trained on generated sentences."""
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Replace(" ", "▁")
    # Only while training: without it, merges would run across words.
    trained.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    words = IMAGE_TOKEN_ID - len(SPECIAL) - 256
    trainer = trainers.BpeTrainer(vocab_size=words, initial_alphabet=["\n"], show_progress=False)
    trained.train_from_iterator(_sentences(), trainer)
    learnt = json.loads(trained.to_str())["model"]
    bytes_ = [f"<0x{value:02X}>" for value in range(256)]
    pieces = SPECIAL + bytes_ + sorted(learnt["vocab"], key=learnt["vocab"].get)
    assert len(pieces) == IMAGE_TOKEN_ID, f"{len(pieces)} pieces before the image token"
    gemma = Tokenizer(
        models.BPE(
            vocab={piece: number for number, piece in enumerate(pieces)},
            merges=[tuple(merge) for merge in learnt["merges"]],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    gemma.normalizer = normalizers.Replace(" ", "▁")
    gemma.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    gemma.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    gemma.add_special_tokens([*SPECIAL, "<image>"])
    assert gemma.token_to_id("<image>") == IMAGE_TOKEN_ID
    return gemma


def _sentences() -> list[str]:
    generator = random.Random(0)
    syllables = ["ba", "con", "de", "er", "fi", "gra", "in", "ko", "li", "me", "no", "port", "qu", "re", "st", "tion", "ven", "é"]
    lexicon = ["".join(generator.choices(syllables, k=generator.randint(1, 4))) for _ in range(400)]
    lexicon += "Question: Query: Describe the image. what is of revenue total page table chart in and 2023 10%".split()
    return [" ".join(generator.choices(lexicon, k=12)) + ".\n" for _ in range(3000)]
