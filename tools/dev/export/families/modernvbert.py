"""ColModernVBERT and BiModernVBERT: a SigLIP tower over tiles, pixel shuffle, ModernBERT.

ModernBERT looks both ways: some layers at the whole text, the others at a window around each token.
"""

import torch
from torch import nn

from .parts import Embed, MeanVector, TokenVectors, additive, existing, near


class VisionGraph(nn.Module):
    """pixel_values f32 [T,3,edge,edge] -> image_features f32 [T,tokens,width]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.vision_model, self.connector = model.model.vision_model, model.model.connector

    def forward(self, pixel_values):
        return self.connector(self.vision_model(pixel_values=pixel_values).last_hidden_state)


class TextGraph(nn.Module):
    """input_ids, attention_mask i64 [B,L], image_features f32 [F,width] -> f32 [B,L,dim], or [B,1,dim]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.text_model = model.model.text_model
        self.window = self.text_model.config.sliding_window
        self.embed = Embed(self.text_model.get_input_embeddings(), model.config.image_token_id)
        self.head = _head(model)

    def forward(self, input_ids, attention_mask, image_features):
        embedded = self.embed(input_ids, image_features)
        length = input_ids.shape[1]
        keys = existing(attention_mask)
        masks = {
            "full_attention": additive(keys, length, embedded.dtype),
            "sliding_attention": additive(keys & near(length, self.window), length, embedded.dtype),
        }
        places = torch.arange(length).unsqueeze(0)
        hidden = self.text_model(inputs_embeds=embedded, attention_mask=masks, position_ids=places).last_hidden_state
        return self.head(hidden, attention_mask)


def _head(model: nn.Module) -> nn.Module:
    if hasattr(model, "custom_text_proj"):
        return TokenVectors(model.custom_text_proj)
    if model.pooling_strategy != "mean":
        raise ValueError(f"the model pools by {model.pooling_strategy!r}; only mean, BiModernVBert's own default, is supported")
    return MeanVector()
