"""ColIdefics3 (ColSmol) and BiIdefics3: a SigLIP tower over tiles, pixel shuffle, Llama.

Left out on purpose: the reference's masks inside a tile. They are for pages padded to a common size;
a page cut into tiles fills every tile.
"""

import torch
from torch import nn

from .parts import Embed, LastVector, TokenVectors, additive, backward, existing


class VisionGraph(nn.Module):
    """pixel_values f32 [T,3,edge,edge] -> image_features f32 [T,tokens,width]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        tower = model.model.vision_model
        self.embeddings, self.encoder, self.norm = tower.embeddings, tower.encoder, tower.post_layernorm
        self.connector = model.model.connector
        self.register_buffer("positions", _positions(self.embeddings))

    def forward(self, pixel_values):
        patches = self.embeddings.patch_embedding(pixel_values).flatten(2).transpose(1, 2)
        patches = patches + self.embeddings.position_embedding(self.positions)
        return self.connector(self.norm(self.encoder(inputs_embeds=patches).last_hidden_state))


class TextGraph(nn.Module):
    """input_ids, attention_mask i64 [B,L], image_features f32 [F,width] -> f32 [B,L,dim], or [B,1,dim]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.text_model = model.model.text_model
        self.embed = Embed(self.text_model.get_input_embeddings(), model.config.image_token_id)
        self.head = TokenVectors(model.linear) if hasattr(model, "linear") else LastVector()

    def forward(self, input_ids, attention_mask, image_features):
        embedded = self.embed(input_ids, image_features)
        length = input_ids.shape[1]
        allowed = backward(length) & existing(attention_mask)
        hidden = self.text_model(
            inputs_embeds=embedded,
            attention_mask=additive(allowed, length, embedded.dtype),
            position_ids=torch.arange(length).unsqueeze(0),
            use_cache=False,
        ).last_hidden_state
        return self.head(hidden, attention_mask)


def _positions(embeddings: nn.Module) -> torch.Tensor:
    """The position of each patch of a full tile, as the reference finds it: by dividing floats, which
    need not give 0, 1, 2, ... for every number of patches."""
    seen = []
    hook = embeddings.position_embedding.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    side = embeddings.num_patches_per_side
    tile = torch.zeros(1, embeddings.patch_embedding.in_channels, embeddings.image_size, embeddings.image_size)
    with torch.no_grad():
        embeddings(tile, torch.ones(1, side, side, dtype=torch.bool))
    hook.remove()
    return seen[0].long()
