"""Definitions that generated code may hold; archc copies their text and never imports them."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Scale(nn.Module):
    """One learned factor."""

    def __init__(self, init: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(init))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


class LayerScale(nn.Module):
    """One learned factor for each place of the last axis."""

    def __init__(self, d: int, init: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((d,), init))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


class DropPath(nn.Module):
    """While training, sets whole samples to zero with probability p and scales up the others."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        keep = x.new_ones((x.shape[0],) + (1,) * (x.ndim - 1))
        return x * F.dropout(keep, self.p)


class CausalConv(nn.Conv1d):
    """A convolution over time, tokens first: a token sees itself and the k - 1 before it."""

    def forward(self, x: Tensor) -> Tensor:
        before = self.dilation[0] * (self.kernel_size[0] - 1)
        return super().forward(F.pad(x.transpose(1, 2), (before, 0))).transpose(1, 2)


def avg_pool3d_inside(x: Tensor, k: int, stride: int, pad: int) -> Tensor:
    """Mean of those cells under each window that are not padding; x may be smaller than the window."""
    around = (pad,) * 6
    inside = F.avg_pool3d(F.pad(torch.ones_like(x[:1, :1]), around), k, stride)
    return F.avg_pool3d(F.pad(x, around), k, stride) / inside
