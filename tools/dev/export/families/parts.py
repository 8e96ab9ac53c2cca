"""What the families' text graphs share: image features in place, masks, and what becomes of hidden states."""

import torch
from torch import nn


class Embed(nn.Module):
    """input_ids, image_features -> embeddings, the features in place of the image tokens, in order.

    A batch without images may pass any number of rows; they are not read.
    """

    def __init__(self, embed_tokens: nn.Module, image_token_id: int):
        super().__init__()
        self.embed_tokens = embed_tokens
        self.image_token_id = image_token_id

    def forward(self, input_ids, image_features):
        is_image = input_ids == self.image_token_id
        # The image token may lie outside the embedding table, so look up 0 in its place.
        words = self.embed_tokens(torch.where(is_image, torch.zeros_like(input_ids), input_ids))
        # Row 0 stands for "not an image token"; it also makes zero features legal.
        nothing = torch.zeros(1, words.shape[-1], dtype=words.dtype)
        rows = torch.cat([nothing, image_features.to(words.dtype)], 0)
        flat = is_image.reshape(-1).to(torch.long)
        index = (torch.cumsum(flat, 0) * flat).reshape(input_ids.shape)
        return torch.where(is_image.unsqueeze(-1), rows[index], words)


class TokenVectors(nn.Module):
    """Each token projected and of length 1; padding is zero."""

    def __init__(self, projection: nn.Module):
        super().__init__()
        self.projection = projection

    def forward(self, hidden, attention_mask):
        return unit(self.projection(hidden)) * attention_mask.unsqueeze(-1).to(hidden.dtype)


class MeanVector(nn.Module):
    """One row: the mean of an item's tokens (BiModernVBert, BiPali), projected (BiPaliProj) or not."""

    def __init__(self, projection: nn.Module | None = None):
        super().__init__()
        self.projection = projection or nn.Identity()

    def forward(self, hidden, attention_mask):
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return unit(self.projection((hidden * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True)))


class LastVector(nn.Module):
    """One row: an item's last token (BiIdefics3), found by its length, for padding is at the right."""

    def forward(self, hidden, attention_mask):
        last = attention_mask.sum(1, keepdim=True) - 1
        return unit(torch.gather(hidden, 1, last.unsqueeze(-1).expand(-1, -1, hidden.shape[-1])))


def unit(rows):
    return rows / rows.norm(dim=-1, keepdim=True).clamp_min(1e-12)


def existing(attention_mask):
    """bool [B,1,1,L]: keys that are no padding."""
    return attention_mask.to(torch.bool)[:, None, None, :]


def backward(length: int):
    """bool [1,1,L,L]: keys up to the token itself."""
    places = torch.arange(length)
    return (places[None, :] <= places[:, None])[None, None]


def recent(length: int, window: int):
    """bool [1,1,L,L]: keys less than window tokens before the token itself."""
    places = torch.arange(length)
    return (places[None, :] > places[:, None] - window)[None, None]


def same_block(is_image):
    """bool [B,1,L,L]: both are image tokens of one unbroken run."""
    before = torch.cat([torch.zeros_like(is_image[:, :1]), is_image[:, :-1]], 1)
    block = torch.cumsum((is_image & ~before).to(torch.long), 1)
    both = is_image[:, None, :, None] & is_image[:, None, None, :]
    return both & (block[:, None, :, None] == block[:, None, None, :])


def near(length: int, window: int):
    """bool [1,1,L,L]: keys at most window tokens away, on both sides."""
    places = torch.arange(length)
    return ((places[None, :] - places[:, None]).abs() <= window)[None, None]


def additive(allowed, length: int, dtype):
    """[B,1,L,L]: 0 where attention is allowed, else the least number."""
    nothing, least = torch.zeros((), dtype=dtype), torch.full((), torch.finfo(dtype).min, dtype=dtype)
    return torch.where(allowed.expand(-1, 1, length, -1), nothing, least)
