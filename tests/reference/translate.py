"""An encoder-decoder transformer made of torch's own layers."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Translate(nn.Module):
    """Vaswani et al., 2017, with the norm first and one token table."""

    def __init__(self, vocab: int = 32000, d: int = 512, depth: int = 6, heads: int = 8) -> None:
        super().__init__()
        self.table = nn.Embedding(vocab, d)
        size = (d, heads, 4 * d, 0.0, F.gelu)
        self.encoder = nn.ModuleList(
            nn.TransformerEncoderLayer(*size, batch_first=True, norm_first=True) for _ in range(depth)
        )
        self.encoder_norm = nn.LayerNorm(d)
        self.decoder = nn.ModuleList(
            nn.TransformerDecoderLayer(*size, batch_first=True, norm_first=True) for _ in range(depth)
        )
        self.decoder_norm = nn.LayerNorm(d)

    def forward(self, src: Tensor, tgt: Tensor) -> Tensor:
        memory, x = (self.table(words) + sinusoids(words.shape[1], self.table.embedding_dim) for words in (src, tgt))
        for layer in self.encoder:
            memory = layer(memory)
        memory = self.encoder_norm(memory)
        mask = torch.full((x.shape[1], x.shape[1]), -math.inf).triu(1)
        for layer in self.decoder:
            x = layer(x, memory, tgt_mask=mask, tgt_is_causal=True)
        return F.linear(self.decoder_norm(x), self.table.weight)

    def in_order(self) -> Iterator[Tensor]:
        """Yield the weights as the program reads, the three projections of an attention apart."""
        yield self.table.weight
        for layer in self.encoder:
            yield from _encoder_layer(layer)
        yield from self.encoder_norm.state_dict().values()
        for layer in self.decoder:
            yield from _decoder_layer(layer)
        yield from self.decoder_norm.state_dict().values()


def sinusoids(n: int, d: int) -> Tensor:
    """Return the positions of Vaswani et al., section 3.5: sines at even features, cosines at odd ones."""
    angles = torch.arange(n)[:, None] / 10000 ** (torch.arange(0, d, 2) / d)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)


def _encoder_layer(layer: nn.Module) -> Iterator[Tensor]:
    yield from _parts(layer, "norm1", "self_attn", "norm2", "linear1", "linear2")


def _decoder_layer(layer: nn.Module) -> Iterator[Tensor]:
    yield from _parts(layer, "norm1", "self_attn", "norm2", "multihead_attn", "norm3", "linear1", "linear2")


def _parts(layer: nn.Module, *names: str) -> Iterator[Tensor]:
    for name in names:
        part = layer.get_submodule(name)
        if not isinstance(part, nn.MultiheadAttention):
            yield from part.state_dict().values()
            continue
        for weight, bias in zip(part.in_proj_weight.chunk(3), part.in_proj_bias.chunk(3), strict=True):
            yield from (weight, bias)
        yield from part.out_proj.state_dict().values()
