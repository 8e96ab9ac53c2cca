"""The demo model: a ColPali in small.

A convolutional tower makes one feature per 16 x 16 pixel cell (28 x 28 = 784 of a
448 x 448 page), a linear projector takes them to the width of a small Gemma
language model, which reads [784 image tokens, prompt] at once; a linear head and
L2 normalisation give one 128-dimensional vector per token. Queries go through
the same language model. Parameter names of projector, language model and head
follow transformers' ColPaliForRetrieval, so weights load there one to one (only
the vision tower is another), see colpali_for_retrieval().
"""

import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
CHARACTER_INDEX = {c: i for i, c in enumerate(ALPHABET)}
CHARACTER_OTHER, CHARACTER_NONE = 36, 37  # punctuation; background
SPELLING = 7 * len(ALPHABET)              # first 3 and last 3 characters, bag of all


@dataclasses.dataclass
class Config:
    width: int = 192
    layers: int = 2
    heads: int = 4
    feed_forward: int = 512
    vocabulary: int = 6144
    dim: int = 128
    image: int = 448
    cell: int = 16
    channels: tuple = (16, 32, 96, 192)

    @property
    def grid(self):
        return self.image // self.cell


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width))

    def forward(self, x):
        h = x.float()
        h = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + 1e-6)
        return (h * (1 + self.weight.float())).to(x.dtype)


def rotary(length, head_width):
    frequency = 1 / 10000 ** (torch.arange(0, head_width, 2).float() / head_width)
    # Positions count from 1 as PaliGemma's do; rotary attention only sees differences.
    angle = torch.outer(torch.arange(1, length + 1).float(), frequency)
    angle = torch.cat([angle, angle], -1)
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos.to(x.dtype) + torch.cat([-b, a], -1) * sin.to(x.dtype)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.head_width = c.heads, c.width // c.heads
        self.q_proj = nn.Linear(c.width, c.width, bias=False)
        self.k_proj = nn.Linear(c.width, c.width, bias=False)
        self.v_proj = nn.Linear(c.width, c.width, bias=False)
        self.o_proj = nn.Linear(c.width, c.width, bias=False)

    def forward(self, x, cos, sin, mask):
        batch, length, width = x.shape
        q, k, v = (p(x).view(batch, length, self.heads, self.head_width).transpose(1, 2)
                   for p in (self.q_proj, self.k_proj, self.v_proj))
        y = functional.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, attn_mask=mask)
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, width))


class MLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gate_proj = nn.Linear(c.width, c.feed_forward, bias=False)
        self.up_proj = nn.Linear(c.width, c.feed_forward, bias=False)
        self.down_proj = nn.Linear(c.feed_forward, c.width, bias=False)

    def forward(self, x):
        return self.down_proj(functional.gelu(self.gate_proj(x), approximate="tanh") * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.self_attn, self.mlp = Attention(c), MLP(c)
        self.input_layernorm, self.post_attention_layernorm = RMSNorm(c.width), RMSNorm(c.width)

    def forward(self, x, cos, sin, mask):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Gemma(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.config = c
        self.embed_tokens = nn.Embedding(c.vocabulary, c.width, padding_idx=0)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.layers))
        self.norm = RMSNorm(c.width)

    def forward(self, embeddings, mask=None):
        x = embeddings * math.sqrt(self.config.width)
        cos, sin = rotary(x.shape[1], self.config.width // self.config.heads)
        for layer in self.layers:
            x = layer(x, cos, sin, mask)
        return self.norm(x)


def convolution(inputs, outputs, stride=1, kernel=(3, 3), relu=True):
    padding = (kernel[0] // 2, kernel[1] // 2)
    parts = [nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs, momentum=0.05)]
    return nn.Sequential(*parts, nn.ReLU(inplace=True)) if relu else nn.Sequential(*parts)


class Residual(nn.Module):
    def __init__(self, channels, kernel=(3, 3)):
        super().__init__()
        self.a = convolution(channels, channels, kernel=kernel)
        self.b = convolution(channels, channels, kernel=kernel, relu=False)

    def forward(self, x):
        return torch.relu(x + self.b(self.a(x)))


class Tower(nn.Module):
    """Pixels [B, 3, S, S] in [-1, 1] -> (cell features [B, cells, width], the 8-pixel map under them)."""

    def __init__(self, c):
        super().__init__()
        a, b, d, e = c.channels
        self.letters = nn.Sequential(convolution(3, a, 2), convolution(a, b, 2), Residual(b), convolution(b, d, 2), Residual(d))
        # The wide flat kernels let a cell see the whole word that it is part of.
        self.words = nn.Sequential(convolution(d, e, 2), Residual(e), Residual(e, kernel=(1, 5)))
        self.out = nn.Conv2d(e, c.width, 1)

    def forward(self, pixels):
        fine = self.letters(pixels.contiguous(memory_format=torch.channels_last))
        return self.out(self.words(fine)).flatten(2).transpose(1, 2), fine


class TinyColPali(nn.Module):
    """The model with its two training aids: heads that name characters and spellings."""

    def __init__(self, c):
        super().__init__()
        self.config = c
        self.tower = Tower(c)
        self.projector = nn.Linear(c.width, c.width)
        self.language_model = Gemma(c)
        self.head = nn.Linear(c.width, c.dim)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.character_head = nn.Conv2d(c.channels[2], len(ALPHABET) + 2, 1)
        self.spelling_head = nn.Linear(c.width, SPELLING)
        for m in self.language_model.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=c.width ** -0.5 * 0.7)
        for layer in self.language_model.layers:  # residual branches start quiet
            layer.self_attn.o_proj.weight.data *= 0.3
            layer.mlp.down_proj.weight.data *= 0.3

    def embed(self, hidden):
        z = self.head(hidden).float()
        return z / z.norm(dim=-1, keepdim=True)

    def pages(self, pixels, prompt, through_language_model):
        """-> (vectors [B, cells (+ prompt), dim], hidden states of the same, 8-pixel map).

        Without the language model a training step is three times cheaper and reading is
        learnt as well; the last part of training turns it on.
        """
        features, fine = self.tower(pixels)
        features = self.projector(features) / math.sqrt(self.config.width)
        if not through_language_model:
            hidden = self.language_model.norm(features * math.sqrt(self.config.width))
        else:
            tokens = self.language_model.embed_tokens(prompt)[None].expand(len(pixels), -1, -1).to(features.dtype)
            hidden = self.language_model(torch.cat([features, tokens], 1))
        return self.embed(hidden), hidden, fine

    def queries(self, ids, mask):
        """ids, mask [Q, L] -> (vectors [Q, L, dim], zero where mask is 0; hidden states)."""
        hidden = self.language_model(self.language_model.embed_tokens(ids), mask[:, None, None, :].bool())
        return self.embed(hidden) * mask[..., None], hidden

    def start_embeddings_from_spelling(self, pieces):
        """Token embeddings start as a random projection of the token's own letters.

        The text side then has little to memorise, and words that were never trained work at once.
        """
        generator = torch.Generator().manual_seed(5)
        projection = torch.randn(SPELLING + 1, self.config.width, generator=generator)
        with torch.no_grad():
            nn.init.normal_(self.language_model.embed_tokens.weight, std=self.config.width ** -0.5)
            for i, piece in enumerate(pieces):
                letters = "".join(c for c in piece if c in CHARACTER_INDEX)
                if letters and not piece.startswith("<"):
                    starts_word = torch.tensor([2.0 * piece.startswith("▁")])
                    v = torch.cat([spelling(letters).float(), starts_word]) @ projection
                    self.language_model.embed_tokens.weight[i] = v / v.norm()


def spelling(word):
    """First three and last three characters one-hot, and the bag of all."""
    n = len(ALPHABET)
    target = torch.zeros(SPELLING, dtype=torch.bool)
    for k, c in enumerate(word[:3]):
        target[k * n + CHARACTER_INDEX[c]] = True
    for k, c in enumerate(word[::-1][:3]):
        target[(3 + k) * n + CHARACTER_INDEX[c]] = True
    for c in word:
        target[6 * n + CHARACTER_INDEX[c]] = True
    return target


def load(path):
    """Reads the weights of a training checkpoint."""
    checkpoint = torch.load(path, weights_only=True)
    model = TinyColPali(Config(**checkpoint["config"]))
    model.load_state_dict(checkpoint["model"])
    return model.eval()
