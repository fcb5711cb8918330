"""The four seed networks of einspace as plain torch modules, from the facts of the paper."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv_norm(width: int, out: int, stride: int = 1) -> list[nn.Module]:
    """Return a 3x3 convolution with bias, and batch norm."""
    return [nn.Conv2d(width, out, 3, stride, 1), nn.BatchNorm2d(out)]


class Sum(nn.Module):
    """The sum of what two parts make of the same input."""

    def __init__(self, left: nn.Module, right: nn.Module) -> None:
        super().__init__()
        self.left, self.right = left, right

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.left(x) + self.right(x)
        return out


def basic(width: int, out: int, stride: int = 1) -> list[nn.Module]:
    """Return a basic block: the shortcut has a norm."""
    body = nn.Sequential(*conv_norm(width, out, stride), nn.LeakyReLU(), *conv_norm(out, out))
    project = nn.Sequential(nn.Conv2d(width, out, 1, stride), nn.BatchNorm2d(out))
    return [Sum(body, nn.Identity() if (width, stride) == (out, 1) else project), nn.LeakyReLU()]


def wide(width: int, out: int, stride: int = 1) -> list[nn.Module]:
    """Return a block of a wide ResNet: the norm follows the sum."""
    body = nn.Sequential(*conv_norm(width, out, stride), nn.LeakyReLU(), nn.Conv2d(out, out, 3, 1, 1))
    project = nn.Identity() if (width, stride) == (out, 1) else nn.Conv2d(width, out, 1, stride)
    return [Sum(body, project), nn.BatchNorm2d(out), nn.LeakyReLU()]


def resnet18_no_maxpool() -> nn.Module:
    """Return the residual seed."""
    parts = [*conv_norm(3, 64), nn.LeakyReLU(), nn.Conv2d(64, 64, 3, 2, 1), *basic(64, 64), *basic(64, 64)]
    for width, out in ((64, 128), (128, 256), (256, 512)):
        parts += [*basic(width, out, 2), *basic(out, out)]
    return nn.Sequential(*parts)


def wideresnet16_4() -> nn.Module:
    """Return the wide residual seed."""
    parts = [*conv_norm(3, 16), nn.LeakyReLU()]
    for width, out, stride in ((16, 64, 1), (64, 128, 2), (128, 256, 2)):
        parts += [*wide(width, out, stride), *wide(out, out)]
    return nn.Sequential(*parts)


class Stem(nn.Module):
    """Patches of 4 by 4 as tokens of 512 features, with learned positions."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(48, 512)
        self.positions = nn.Parameter(torch.zeros(256, 512))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.linear(F.unfold(x, 4, stride=4).mT) + self.positions
        return out

    def weights(self) -> list[Tensor]:
        """Return its weights as the program reads."""
        return [self.linear.weight, self.linear.bias, self.positions]


class Head(nn.Module):
    """One head of attention of width 64."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(512, 64) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        scores = (self.q(x) @ self.k(x).mT / math.sqrt(64)).softmax(-1)
        out: Tensor = scores @ self.v(x)
        return out


class Attention(nn.Module):
    """Four heads side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(Head() for _ in range(4))
        self.out = nn.Linear(256, 512)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(torch.cat([head(x) for head in self.heads], -1))
        return out


class Transposed(nn.Module):
    """A part applied along the other axis."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.part(x.mT).mT
        return out


class Tokens(nn.Module):
    """A stem and layers."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.stem = Stem()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(self.stem(x))
        return out

    def in_order(self) -> list[Tensor]:
        """Return the weights as the program reads."""
        return [*self.stem.weights(), *self.layers.state_dict().values()]


def transformer() -> Tokens:
    """Return the transformer seed: four layers, the norm after each sum."""
    layers: list[nn.Module] = []
    for _ in range(4):
        feed_forward = nn.Sequential(nn.Linear(512, 512), nn.LeakyReLU(), nn.Linear(512, 512))
        layers += [Sum(nn.Identity(), Attention()), nn.LayerNorm(512)]
        layers += [Sum(nn.Identity(), feed_forward), nn.LayerNorm(512)]
    return Tokens(layers)


def mlp_mixer() -> Tokens:
    """Return the mixer seed: eight layers with one shortcut each."""
    layers: list[nn.Module] = []
    for _ in range(8):
        tokens = nn.Sequential(nn.Linear(256, 1024), nn.LeakyReLU(), nn.Linear(1024, 256))
        channels = [nn.Linear(512, 256), nn.LeakyReLU(), nn.Linear(256, 512)]
        layers.append(Sum(nn.Identity(), nn.Sequential(nn.LayerNorm(512), Transposed(tokens), *channels)))
    return Tokens(layers)
