"""ColGemma3 and BiGemma3: a SigLIP tower of 896 pixels, pooled to 256 tokens, Gemma 3.

Text looks back, in most layers over a window; the tokens of an image also see each other.
"""

import torch
from torch import nn

from .parts import Embed, LastVector, TokenVectors, additive, backward, existing, recent, same_block


class VisionGraph(nn.Module):
    """pixel_values f32 [B,3,H,W] -> image_features f32 [B,image_tokens,width]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.vision_tower, self.projector = model.vision_tower, model.multi_modal_projector

    def forward(self, pixel_values):
        return self.projector(self.vision_tower(pixel_values=pixel_values).last_hidden_state)


class TextGraph(nn.Module):
    """input_ids, attention_mask i64 [B,L], image_features f32 [F,width] -> f32 [B,L,dim], or [B,1,dim]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.language_model = model.language_model
        self.window = model.config.text_config.sliding_window
        self.image_token_id = model.config.image_token_id
        self.embed = Embed(self.language_model.get_input_embeddings(), self.image_token_id)
        self.head = TokenVectors(model.custom_text_proj) if hasattr(model, "custom_text_proj") else LastVector()

    def forward(self, input_ids, attention_mask, image_features):
        embedded = self.embed(input_ids, image_features)
        length = input_ids.shape[1]
        keys, block = existing(attention_mask), same_block(input_ids == self.image_token_id)
        back = backward(length)
        masks = {
            "full_attention": additive(keys & (back | block), length, embedded.dtype),
            "sliding_attention": additive(keys & (back & recent(length, self.window) | block), length, embedded.dtype),
        }
        hidden = self.language_model(
            inputs_embeds=embedded,
            attention_mask=masks,
            position_ids=torch.arange(length).unsqueeze(0),
            use_cache=False,
        ).last_hidden_state
        return self.head(hidden, attention_mask)
