"""Networks on tokens as plain torch modules, their parts in the order in which the figures read."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head attention of tokens among themselves."""

    def __init__(self, d: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.q, self.k, self.v, self.out = (nn.Linear(d, d) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.q, self.k, self.v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out


class Layer(nn.Module):
    """A pre-norm transformer layer."""

    def __init__(self, d: int, heads: int, *, causal: bool = False, eps: float = 1e-5, tanh: bool = False) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(d, eps=eps)
        self.attention = Attention(d, heads, causal=causal)
        self.norm2 = nn.LayerNorm(d, eps=eps)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU("tanh" if tanh else "none"), nn.Linear(4 * d, d))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class ViT(nn.Module):
    """Dosovitskiy et al., 2020."""

    def __init__(self, classes: int = 1000, side: int = 14, d: int = 192, depth: int = 12, heads: int = 3) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, d, 16, 16)
        self.token = nn.Parameter(torch.zeros(1, 1, d))
        self.positions = nn.Parameter(0.02 * torch.randn(1, side * side + 1, d))
        self.layers = nn.Sequential(*(Layer(d, heads, eps=1e-6) for _ in range(depth)))
        self.norm = nn.LayerNorm(d, eps=1e-6)
        self.head = nn.Linear(d, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions
        out: Tensor = self.head(self.norm(self.layers(x))[:, 0])
        return out

    def in_order(self) -> Iterator[Tensor]:
        """Yield the weights as the program reads: patches before token and positions."""
        rest = {name: tensor for name, tensor in self.state_dict().items() if not name.startswith("patches")}
        yield from self.patches.state_dict().values()
        yield from rest.values()


class Gpt2(nn.Module):
    """Radford et al., 2019, without dropout."""

    def __init__(self, vocab: int = 50257, context: int = 1024, d: int = 768, depth: int = 12, heads: int = 12) -> None:
        super().__init__()
        self.words = nn.Embedding(vocab, d)
        self.positions = nn.Embedding(context, d)
        self.layers = nn.Sequential(*(Layer(d, heads, causal=True, tanh=True) for _ in range(depth)))
        self.norm = nn.LayerNorm(d)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.words(tokens) + self.positions.weight[: tokens.shape[1]]
        return F.linear(self.norm(self.layers(x)), self.words.weight)


class MixerLayer(nn.Module):
    """Mixes tokens, then channels."""

    def __init__(self, n: int, d: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(d, eps=1e-6)
        self.tokens = nn.Sequential(nn.Linear(n, d // 2), nn.GELU(), nn.Linear(d // 2, n))
        self.norm2 = nn.LayerNorm(d, eps=1e-6)
        self.channels = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.tokens(self.norm1(x).mT).mT
        out: Tensor = x + self.channels(self.norm2(x))
        return out


class MlpMixer(nn.Module):
    """Tolstikhin et al., 2021; the patches are cut by a convolution, as in the paper's code."""

    def __init__(self, classes: int = 1000, side: int = 14, d: int = 768, depth: int = 12) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, d, 16, 16)
        self.layers = nn.Sequential(*(MixerLayer(side * side, d) for _ in range(depth)))
        self.norm = nn.LayerNorm(d, eps=1e-6)
        self.head = nn.Linear(d, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(self.patches(x).flatten(2).transpose(1, 2))
        out: Tensor = self.head(self.norm(x).mean(1))
        return out

    def in_order(self) -> Iterator[Tensor]:
        """Yield the weights as the program reads; the convolution's kernel is the matrix of a linear layer."""
        for name, tensor in self.state_dict().items():
            yield tensor.flatten(1) if name == "patches.weight" else tensor


class Tagger(nn.Module):
    """Words in, tags out, read from both sides."""

    def __init__(self, vocab: int = 10000, tags: int = 17, d: int = 128, hidden: int = 128) -> None:
        super().__init__()
        self.words = nn.Embedding(vocab, d)
        self.lstm = nn.LSTM(d, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, tags)

    def forward(self, words: Tensor) -> Tensor:
        out: Tensor = self.head(self.lstm(self.words(words))[0])
        return out
