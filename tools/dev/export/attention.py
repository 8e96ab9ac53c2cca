"""Attention as one operator of ONNX Runtime, which GPUs compute without writing the scores to memory.

Written out, the scores of a ColPali page in float32 are read and written five times in each of 45 layers: 13 GB,
4 ms of an H100's memory, where all its products take 5 ms. MultiHeadAttention has kernels for float32, float16
and bfloat16 on CUDA, for float32 and float16 on WebGPU and CPUs. Its softmax is in float32.
"""

import contextlib
from collections.abc import Iterator
from unittest import mock

import torch
import torch.nn.functional as F

_plain = F.scaled_dot_product_attention


@contextlib.contextmanager
def fused() -> Iterator[None]:
    """While it lasts, scaled_dot_product_attention is exported as that operator."""
    with mock.patch.object(F, "scaled_dot_product_attention", _attend):
        yield


def _attend(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    """[B,heads,L,·] -> [B,heads,L,·]; attn_mask is what is added to the scores [1 or B, 1 or heads, L, L]."""
    assert not is_causal and dropout_p == 0.0, "masks are written out by the wrappers"
    heads = int(query.shape[1])
    if enable_gqa:
        times = heads // int(key.shape[1])
        key, value = key.repeat_interleave(times, 1), value.repeat_interleave(times, 1)
    if scale is None:
        scale = int(query.shape[-1]) ** -0.5
    rows = [one.transpose(1, 2).flatten(2) for one in (query, key, value)]
    return _MultiHeadAttention.apply(*rows, attn_mask, heads, float(scale)).unflatten(-1, (heads, -1)).transpose(1, 2)


class _MultiHeadAttention(torch.autograd.Function):
    """[B,L,heads x ·] -> [B,L,heads x ·]."""

    @staticmethod
    def forward(ctx, query, key, value, bias, heads, scale):
        split = [one.unflatten(-1, (heads, -1)).transpose(1, 2) for one in (query, key, value)]
        return _plain(*split, attn_mask=bias, scale=scale).transpose(1, 2).flatten(2)

    @staticmethod
    def symbolic(g, query, key, value, bias, heads, scale):
        inputs = [query, key, value]
        if bias is not None:
            nothing = g.op("prim::Constant")
            nothing.setType(torch._C.OptionalType.ofTensor())
            inputs += [nothing, nothing, bias]
        out = g.op("com.microsoft::MultiHeadAttention", *inputs, num_heads_i=heads, scale_f=scale)
        out.setType(query.type())
        return out
