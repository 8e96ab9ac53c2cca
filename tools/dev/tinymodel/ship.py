"""Exports a training checkpoint as the demo model's folder, through tools/dev/export.

    python ship.py WORK CHECKPOINT OUT [--weights fp16]

The checkpoint's weights are put into transformers' ColPaliForRetrieval, with our
tower in the place of SigLIP, so the same code exports this model and the real ones,
and checks the graphs against the same reference forward.
"""

import argparse
import pathlib
import sys

import torch
from transformers import ColPaliConfig, ColPaliForRetrieval, GemmaConfig, PaliGemmaConfig, SiglipVisionConfig
from transformers.modeling_outputs import BaseModelOutputWithPooling

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))  # tools/dev, for the export package

import model as tiny
import tokenizer
from export import Precision, Prompt, export

NAME = "tiny-reader"
MAX_QUERY_TOKENS = 64


class HFTower(torch.nn.Module):
    """The convolutional tower behind the interface of transformers' vision models."""

    def __init__(self, tower):
        super().__init__()
        self.tower = tower

    def forward(self, pixel_values, **_):
        return BaseModelOutputWithPooling(last_hidden_state=self.tower(pixel_values)[0])


def colpali_for_retrieval(trained):
    """transformers' ColPaliForRetrieval with the weights of a TinyColPali."""
    c = trained.config
    # SigLIP is built only to be replaced, so it is as small as its configuration allows.
    vision = SiglipVisionConfig(hidden_size=c.width, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
                                image_size=c.image, patch_size=c.cell, vision_use_head=False, projection_dim=c.width)
    text = GemmaConfig(vocab_size=c.vocabulary, hidden_size=c.width, intermediate_size=c.feed_forward, num_hidden_layers=c.layers,
                       num_attention_heads=c.heads, num_key_value_heads=c.heads, head_dim=c.width // c.heads,
                       max_position_embeddings=2048, pad_token_id=tokenizer.PAD, bos_token_id=tokenizer.BOS,
                       eos_token_id=tokenizer.EOS, rope_theta=10000.0, num_image_tokens=c.grid ** 2)
    paligemma = PaliGemmaConfig(vision_config=vision, text_config=text, image_token_index=tokenizer.IMAGE, projection_dim=c.width,
                                pad_token_id=tokenizer.PAD)
    colpali = ColPaliForRetrieval(ColPaliConfig(vlm_config=paligemma, embedding_dim=c.dim)).eval()
    inner = colpali.vlm.model
    inner.vision_tower = HFTower(trained.tower)
    inner.multi_modal_projector.linear.load_state_dict(trained.projector.state_dict())
    inner.language_model.load_state_dict(trained.language_model.state_dict())
    colpali.embedding_proj_layer.load_state_dict(trained.head.state_dict())
    return colpali


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--weights", choices=("fp32", "fp16"), default="fp32")
    options = parser.parse_args()
    prompt = Prompt("tiny-reader", "<bos>" + tokenizer.PROMPT_TEXT, " ", "", MAX_QUERY_TOKENS)
    print(export(colpali_for_retrieval(tiny.load(options.checkpoint)), options.work / "tokenizer.json", prompt, options.out,
                 name=NAME, checkpoint=NAME, precision=Precision(options.weights), cases=None))


if __name__ == "__main__":
    main()
