"""ColQwen2 and BiQwen2: a tower over patches of pages of any size, Qwen2 with positions on three axes.

Pages come as patches and their places, not as planes, and text with positions, because the reference's
loops over image sizes would be written into the graph as the sizes of the traced page:

    vision: pixel_values f32 [B,P,values], patch_positions i64 [B,P,2]          -> f32 [B,P/4,width]
    text:   input_ids, attention_mask i64 [B,L], position_ids i64 [3,B,L], image_features f32 [F,width]

patch_positions are row and column in the order of the patches, -1 behind the last patch of a page that
is shorter than the batch. position_ids are get_rope_index's, anything where there is padding.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .parts import Embed, LastVector, TokenVectors, additive, backward, existing


class VisionGraph(nn.Module):
    """pixel_values f32 [B,P,values], patch_positions i64 [B,P,2] -> image_features f32 [B,P/4,width]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.tower = model.visual

    def forward(self, pixel_values, patch_positions):
        here = patch_positions[..., 0] >= 0
        places = patch_positions.clamp_min(0)
        hidden = self.embed(pixel_values, places)
        turns = self.turns(places, hidden.dtype)
        gathered = []
        for number, block in enumerate(self.tower.blocks):
            allowed = self.allowed(number, here, places)
            hidden = hidden + attend(block.attn, block.norm1(hidden), turns, additive(allowed, hidden.shape[1], hidden.dtype))
            hidden = hidden + block.mlp(block.norm2(hidden))
            gathered += self.gather(number, hidden)
        return torch.cat([self.merge(self.tower.merger, hidden), *gathered], -1)

    def embed(self, pixel_values, places):
        # A convolution whose kernel is the whole patch is a matrix product.
        projection = self.tower.patch_embed.proj
        return F.linear(pixel_values, projection.weight.flatten(1), projection.bias)

    def turns(self, places, dtype):
        """cos and sin [B,1,P,head] of the rotary embedding: rows turn one half of a head, columns the other."""
        half = places.to(dtype).unsqueeze(-1) * self.tower.rotary_pos_emb.inv_freq
        angles = half.flatten(2).repeat(1, 1, 2).unsqueeze(1)
        return angles.cos(), angles.sin()

    def allowed(self, number: int, here, places):
        """bool [B,1,1 or P,P]: the patches that a patch attends to in this block."""
        return here[:, None, None, :]

    def gather(self, number: int, hidden) -> list:
        """What a block adds to the features beside the last one's."""
        return []

    def merge(self, merger, hidden):
        """[B,P,·] -> [B,P/4,width]: four patches become one token."""
        batch = hidden.shape[0]
        return merger(hidden.flatten(0, 1)).unflatten(0, (batch, -1))


class TextGraph(nn.Module):
    """Inputs as above -> embeddings f32 [B,L,dim], or [B,1,dim] of a bi-encoder."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.language_model = model.language_model
        if getattr(self.language_model, "has_sliding_layers", False):
            raise ValueError("the model attends in a sliding window, which no published ColQwen2 does and this export lacks")
        self.embed = Embed(self.language_model.embed_tokens, model.config.image_token_id)
        self.head = TokenVectors(model.custom_text_proj) if hasattr(model, "custom_text_proj") else LastVector()

    def forward(self, input_ids, attention_mask, position_ids, image_features):
        embedded = self.embed(input_ids, image_features)
        length = input_ids.shape[1]
        hidden = self.language_model(
            inputs_embeds=embedded,
            attention_mask=additive(backward(length) & existing(attention_mask), length, embedded.dtype),
            position_ids=position_ids,
            use_cache=False,
        ).last_hidden_state
        return self.head(hidden, attention_mask)


def attend(attention: nn.Module, hidden, turns, mask):
    """A vision block's attention over [B,P,·]; the reference cuts one long sequence into pages instead."""
    heads = attention.qkv(hidden).unflatten(-1, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
    query, key, value = turn(heads[0], turns), turn(heads[1], turns), heads[2]
    rows = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=attention.scaling)
    return attention.proj(rows.transpose(1, 2).flatten(2))


def turn(heads, turns):
    first, second = heads.chunk(2, -1)
    return heads * turns[0] + torch.cat([-second, first], -1) * turns[1]
