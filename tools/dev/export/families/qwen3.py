"""ColQwen3 and BiQwen3: Qwen2's inputs; a learnt embedding of places, stretched over the page, and
features of several blocks of the tower ("DeepStack"), which the first layers of the text model add to
their image tokens. They lie side by side in image_features: width = (1 + those blocks) x hidden.
"""

import torch
from torch import nn

from . import qwen2
from .parts import Embed, additive, backward, existing


class VisionGraph(qwen2.VisionGraph):
    """pixel_values f32 [B,P,values], patch_positions i64 [B,P,2] -> image_features f32 [B,P/4,width]."""

    def embed(self, pixel_values, places):
        return super().embed(pixel_values, places) + self.stretched(places)

    def stretched(self, places):
        """Bilinear between the learnt embeddings, corners on corners (fast_pos_embed_interpolate)."""
        table, side = self.tower.pos_embed, self.tower.num_grid_per_side
        last = places.amax(1, keepdim=True)
        exact = places.to(table.weight.dtype) * (side - 1) / last.to(table.weight.dtype)
        low = exact.to(torch.long)
        high = (low + 1).clamp_max(side - 1)
        part = exact - low
        total = 0
        for row, row_weight in ((low[..., 0], 1 - part[..., 0]), (high[..., 0], part[..., 0])):
            for column, column_weight in ((low[..., 1], 1 - part[..., 1]), (high[..., 1], part[..., 1])):
                total = total + table(row * side + column) * (row_weight * column_weight).unsqueeze(-1)
        return total

    def gather(self, number, hidden):
        blocks = self.tower.deepstack_visual_indexes
        if number not in blocks:
            return []
        return [self.merge(self.tower.deepstack_merger_list[blocks.index(number)], hidden)]


class TextGraph(qwen2.TextGraph):
    """Qwen2's inputs -> embeddings f32 [B,L,dim], or [B,1,dim] of a bi-encoder."""

    def __init__(self, model: nn.Module):
        super().__init__(model)
        hidden = self.language_model.config.hidden_size
        self.place = Embed(_Nothing(hidden), model.config.image_token_id)
        self.register_buffer("axes", _axes(self.language_model.rotary_emb))

    def forward(self, input_ids, attention_mask, position_ids, image_features):
        first, *deeper = image_features.split(self.language_model.config.hidden_size, -1)
        hidden = self.embed(input_ids, first)
        length = input_ids.shape[1]
        mask = additive(backward(length) & existing(attention_mask), length, hidden.dtype)
        turns = self.turns(position_ids)
        for number, layer in enumerate(self.language_model.layers):
            hidden = layer(hidden, attention_mask=mask, position_embeddings=turns)
            if number < len(deeper):
                hidden = hidden + self.place(input_ids, deeper[number])
        return self.head(self.language_model.norm(hidden), attention_mask)

    def turns(self, position_ids):
        """cos and sin [B,L,head]: every frequency turns with the position on its own axis."""
        rotary = self.language_model.rotary_emb
        half = position_ids[self.axes].permute(1, 2, 0).to(rotary.inv_freq.dtype) * rotary.inv_freq
        angles = torch.cat([half, half], -1)
        return angles.cos() * rotary.attention_scaling, angles.sin() * rotary.attention_scaling


class _Nothing(nn.Module):
    """Word embeddings that are zero."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width

    def forward(self, input_ids):
        return torch.zeros(*input_ids.shape, self.width)


def _axes(rotary: nn.Module) -> torch.Tensor:
    """The axis of each frequency, as the reference interleaves them: it is asked with 0, 1 and 2."""
    asked = torch.arange(3.0)[:, None, None, None].repeat(1, 1, 1, len(rotary.inv_freq))
    return rotary.apply_interleaved_mrope(asked, rotary.mrope_section).flatten().long()
