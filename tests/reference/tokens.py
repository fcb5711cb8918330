"""Networks on tokens as plain torch modules, their parts in the order in which the figures read."""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F


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


class GraphLayer(nn.Module):
    """A map of each vertex, and one of the sum of those whose edges reach it, by a matrix of edge counts."""

    def __init__(self, d: int, out: int) -> None:
        super().__init__()
        self.root = nn.Linear(d, out, bias=False)
        self.neighbours = nn.Linear(d, out)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        counts = F.one_hot(edges, x.shape[1]).to(x.dtype)
        reach = counts[:, 1].mT @ counts[:, 0]
        out: Tensor = self.root(x) + self.neighbours(reach @ x)
        return out


class GraphNet(nn.Module):
    """Morris et al., 2018: two layers."""

    def __init__(self, d: int, classes: int = 7, hidden: int = 64) -> None:
        super().__init__()
        self.first = GraphLayer(d, hidden)
        self.second = GraphLayer(hidden, classes)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        out: Tensor = self.second(self.first(x, edges).relu(), edges)
        return out
