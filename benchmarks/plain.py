"""The networks of the benchmark as one would write them in torch by hand, with nothing left to gain in eager mode."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Basic(nn.Module):
    """Two convolutions around a shortcut."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut: nn.Sequential | None = None
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet18(nn.Module):
    """ResNet-18 (He et al., 2016)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn = nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, 2, 1)
        shapes = [(64, 64, 1), (64, 64, 1)]
        for before in (64, 128, 256):
            shapes += [(before, 2 * before, 2), (2 * before, 2 * before, 1)]
        self.blocks = nn.Sequential(*(Basic(*shape) for shape in shapes))
        self.head = nn.Linear(512, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        x = self.pool(F.relu(self.bn(self.conv(x))))
        scores: Tensor = self.head(self.blocks(x).mean((2, 3)))
        return scores


class Attention(nn.Module):
    """Self-attention, with a projection each for queries, keys and values."""

    def __init__(self, width: int, heads: int, *, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.q = nn.Linear(width, width)
        self.k = nn.Linear(width, width)
        self.v = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return what each token gathers."""
        batch, tokens, width = x.shape
        q, k, v = (f(x).view(batch, tokens, self.heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        gathered: Tensor = self.out(y.transpose(1, 2).reshape(batch, tokens, width))
        return gathered


class JoinedAttention(nn.Module):
    """Self-attention with one projection for queries, keys and values: another network by its weights, and a faster one."""

    def __init__(self, width: int, heads: int, *, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return what each token gathers."""
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        gathered: Tensor = self.out(y.transpose(1, 2).reshape(batch, tokens, width))
        return gathered


class Block(nn.Module):
    """A transformer block with its norms in front."""

    def __init__(
        self, width: int, heads: int, *, causal: bool, eps: float, dropout: float, gelu: str, joined: bool
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps)
        self.attention = (JoinedAttention if joined else Attention)(width, heads, causal=causal)
        self.norm2 = nn.LayerNorm(width, eps)
        self.up = nn.Linear(width, 4 * width)
        self.act = nn.GELU(gelu)
        self.down = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return the tokens after attention and MLP."""
        x = x + self.dropout(self.attention(self.norm1(x)))
        after: Tensor = x + self.dropout(self.down(self.act(self.up(self.norm2(x)))))
        return after


class Token(nn.Module):
    """One learned token in front of the others."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Return the tokens with one more."""
        return torch.cat((self.token.expand(x.shape[0], 1, -1), x), 1)


class Positions(nn.Module):
    """A learned vector for each place."""

    def __init__(self, places: int, width: int) -> None:
        super().__init__()
        self.table = nn.Parameter(0.02 * torch.randn(places, width))

    def forward(self, x: Tensor) -> Tensor:
        """Return the tokens with their places."""
        return x + self.table[: x.shape[1]]


class ViTTiny(nn.Module):
    """ViT-Ti/16 (Dosovitskiy et al., 2020; Touvron et al., 2020)."""

    def __init__(self, *, joined: bool = False) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 192, 16, 16)
        self.token = Token(192)
        self.positions = Positions(197, 192)
        made = (Block(192, 3, causal=False, eps=1e-6, dropout=0.0, gelu="none", joined=joined) for _ in range(12))
        self.blocks = nn.Sequential(*made)
        self.norm = nn.LayerNorm(192, 1e-6)
        self.head = nn.Linear(192, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of the classes."""
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = self.positions(self.token(x))
        scores: Tensor = self.head(self.norm(self.blocks(x))[:, 0])
        return scores


class Gpt2Small(nn.Module):
    """GPT-2 small (Radford et al., 2019), its head tied to the token table."""

    def __init__(self, *, joined: bool = False) -> None:
        super().__init__()
        self.tokens = nn.Embedding(50257, 768)
        self.positions = Positions(1024, 768)
        self.dropout = nn.Dropout(0.1)
        made = (Block(768, 12, causal=True, eps=1e-5, dropout=0.1, gelu="tanh", joined=joined) for _ in range(12))
        self.blocks = nn.Sequential(*made)
        self.norm = nn.LayerNorm(768)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the scores of the next token, at every place."""
        x = self.dropout(self.positions(self.tokens(tokens)))
        return F.linear(self.norm(self.blocks(x)), self.tokens.weight)


PLAIN: dict[str, Callable[[], nn.Module]] = {"ResNet18": ResNet18, "ViTTiny": ViTTiny, "Gpt2Small": Gpt2Small}
JOINED: dict[str, Callable[[], nn.Module]] = {
    "ViTTiny": lambda: ViTTiny(joined=True),
    "Gpt2Small": lambda: Gpt2Small(joined=True),
}


def adopt(plain: nn.Module, weights: dict[str, Tensor]) -> None:
    """Copy `weights` of the compiled twin into `plain`; both hold the same ones in one order, but for joined projections.

    Raises AssertionError when they do not.
    """
    left = list(weights.values())
    for name, tensor in plain.state_dict().items():
        if name.endswith("qkv.weight"):
            joined, biases, left = torch.cat(left[0:6:2]), torch.cat(left[1:6:2]), left[6:]
            left.insert(0, biases)
            tensor.copy_(joined)
        else:
            assert left[0].shape == tensor.shape, (name, tuple(tensor.shape), tuple(left[0].shape))
            tensor.copy_(left.pop(0))
    assert not left
