"""BiPali and BiPaliProj: ColPali's backbone under colpali-engine's names, a page in one row."""

import torch
from torch import nn

from .parts import Embed, MeanVector, additive, existing


class VisionGraph(nn.Module):
    """pixel_values f32 [B,3,H,W] -> image_features f32 [B,image_tokens,width]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.paligemma = model.model.model

    def forward(self, pixel_values):
        return self.paligemma.get_image_features(pixel_values, return_dict=True).pooler_output


class TextGraph(nn.Module):
    """input_ids, attention_mask i64 [B,L], image_features f32 [F,width] -> f32 [B,1,dim]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.language_model = model.model.model.language_model
        self.embed = Embed(self.language_model.get_input_embeddings(), model.config.image_token_id)
        self.head = MeanVector(getattr(model, "custom_text_proj", None))

    def forward(self, input_ids, attention_mask, image_features):
        embedded = self.embed(input_ids, image_features)
        length = input_ids.shape[1]
        hidden = self.language_model(
            inputs_embeds=embedded,
            # Bidirectional over the keys that exist, as ColPali.
            attention_mask=additive(existing(attention_mask), length, embedded.dtype),
            # PaliGemma counts positions from 1.
            position_ids=(torch.arange(length) + 1).unsqueeze(0),
            use_cache=False,
        ).last_hidden_state
        return self.head(hidden, attention_mask)
