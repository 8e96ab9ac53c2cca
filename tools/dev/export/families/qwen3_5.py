"""ColQwen3.5 and BiQwen3.5: Qwen3's tower without DeepStack, and a text model most of whose layers are
gated delta networks (Yang et al., "Gated Delta Networks", 2024), with a state in place of attention.

The reference writes its rule in loops whose length would become the traced page's. Here a sequence is
cut into chunks: inside a chunk the rule is matrix products, and a scripted loop, which is exported as an
ONNX Loop, hands the state from chunk to chunk.
"""

import torch
from torch import nn

from . import qwen3
from .parts import additive, backward, existing

CHUNK = 64


class VisionGraph(qwen3.VisionGraph):
    """pixel_values f32 [B,P,values], patch_positions i64 [B,P,2] -> image_features f32 [B,P/4,width]."""

    def gather(self, number, hidden):
        return []


class TextGraph(qwen3.TextGraph):
    """Qwen2's inputs -> embeddings f32 [B,L,dim], or [B,1,dim] of a bi-encoder."""

    def forward(self, input_ids, attention_mask, position_ids, image_features):
        hidden = self.embed(input_ids, image_features)
        length = input_ids.shape[1]
        mask = additive(backward(length) & existing(attention_mask), length, hidden.dtype)
        turns = self.turns(position_ids)
        for layer in self.language_model.layers:
            if layer.layer_type == "linear_attention":
                # Without a mask: padding is at the right, where no token looks.
                hidden = _with_rule(layer, hidden, turns)
            else:
                hidden = layer(hidden, attention_mask=mask, position_embeddings=turns)
        return self.head(self.language_model.norm(hidden), attention_mask)


def _with_rule(layer: nn.Module, hidden, turns):
    net = layer.linear_attn
    own, net.chunk_gated_delta_rule = net.chunk_gated_delta_rule, delta_rule
    try:
        return layer(hidden, attention_mask=None, position_embeddings=turns)
    finally:
        net.chunk_gated_delta_rule = own


def delta_rule(query, key, value, g, beta, **_):
    """[B,L,heads,·] -> [B,L,heads,value], as torch_chunk_gated_delta_rule, and no state."""
    length = query.shape[1]
    query, key = _unit(query) * query.shape[-1] ** -0.5, _unit(key)
    query, key, value = _chunks(query, length), _chunks(key, length), _chunks(value, length)
    beta = _chunks(beta.unsqueeze(-1), length)
    gates = _chunks(g.unsqueeze(-1), length).squeeze(-1).cumsum(-1)
    places = torch.arange(CHUNK)
    before, upto = places[:, None] > places[None, :], places[:, None] >= places[None, :]
    # Above the diagonal the differences are positive, and their exponentials could overflow.
    decay = torch.where(upto, gates.unsqueeze(-1) - gates.unsqueeze(-2), torch.full((), -torch.inf)).exp()
    nothing = torch.zeros(())
    corrected = _inverse(torch.where(before, beta * (key @ key.transpose(-1, -2)) * decay, nothing))
    within = torch.where(upto, query @ key.transpose(-1, -2) * decay, nothing)
    carried = corrected @ (beta * key * gates.exp().unsqueeze(-1))
    rows = _carry(query, key, corrected @ (beta * value), carried, within, gates, torch.as_tensor(_count(length)))
    return rows.flatten(2, 3)[:, :, :length].transpose(1, 2), None


def _chunks(rows, length):
    """[B,L,heads,·] -> [B,heads,chunks,CHUNK,·], zeros behind the last token."""
    rows = rows.transpose(1, 2)
    behind = torch.zeros_like(rows[:, :, :1]).expand(-1, -1, CHUNK, -1)
    return torch.cat([rows, behind], 2)[:, :, : _count(length) * CHUNK].unflatten(2, (-1, CHUNK))


def _count(length):
    return (length + CHUNK - 1) // CHUNK


def _inverse(lower):
    """Inverse of 1 + lower, which is zero on and above the diagonal.

    By doubling blocks: of [[A, 0], [C, B]] it is [[1/A, 0], [-1/B C 1/A, 1/B]]. A series in powers of
    lower would be as short, but cancels badly on pages whose patches are all alike.
    """
    places = torch.arange(CHUNK)
    inverse = torch.eye(CHUNK).expand_as(lower)
    size = 1
    while size < CHUNK:
        block = places // size
        corner = (block[:, None] == block[None, :] + 1) & (block[:, None] % 2 == 1)
        inverse = inverse - inverse @ torch.where(corner, lower, torch.zeros(())) @ inverse
        size *= 2
    return inverse


@torch.jit.script
def _carry(query, key, value, carried, within, gates, count):
    # count, because the exporter would make a constant of a size that the loop asks for.
    # Nothing, but by arithmetic: the exporter would make a constant of zeros of the traced batch.
    state = key[:, :, 0].transpose(-1, -2) @ value[:, :, 0] * 0.0
    rows = []
    for chunk in range(int(count)):
        gate = gates[:, :, chunk].unsqueeze(-1)
        new = value[:, :, chunk] - carried[:, :, chunk] @ state
        rows.append((query[:, :, chunk] * gate.exp()) @ state + within[:, :, chunk] @ new)
        last = gate[:, :, -1:]
        state = state * last.exp() + (key[:, :, chunk] * (last - gate).exp()).transpose(-1, -2) @ new
    return torch.stack(rows, 2)


def _unit(rows):
    return rows * torch.rsqrt((rows * rows).sum(-1, keepdim=True) + 1e-6)
