"""Convolutional networks as plain torch modules, their parts in the order in which the figures read."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvBn(nn.Module):
    """A convolution without bias, batch norm, and perhaps a nonlinearity."""

    def __init__(self, width: int, out: int, k: int, *, stride: int = 1, groups: int = 1, eps: float = 1e-5) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, out, k, stride, k // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(out, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x))
        return out


class SqueezeExcite(nn.Module):
    """Hu et al., 2017."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(width, hidden, 1)
        self.up = nn.Conv2d(hidden, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.up(F.silu(self.down(F.adaptive_avg_pool2d(x, 1)))))


class MbConv(nn.Module):
    """An inverted bottleneck with squeeze and excitation."""

    def __init__(self, width: int, out: int, k: int, expand: int, stride: int) -> None:
        super().__init__()
        inner = expand * width
        parts: list[nn.Module] = [] if expand == 1 else [ConvBn(width, inner, 1, eps=1e-3), nn.SiLU()]
        parts += [ConvBn(inner, inner, k, stride=stride, groups=inner, eps=1e-3), nn.SiLU()]
        parts += [SqueezeExcite(inner, max(1, width // 4)), ConvBn(inner, out, 1, eps=1e-3)]
        self.body = nn.Sequential(*parts)
        self.around = width == out and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        return x + out if self.around else out


class EfficientNetB0(nn.Module):
    """Tan and Le, 2019, with symmetric padding."""

    STAGES = (
        (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3),
        (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
    )  # fmt: skip

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        parts: list[nn.Module] = [ConvBn(3, 32, 3, stride=2, eps=1e-3), nn.SiLU()]
        width = 32
        for expand, out, layers, stride, k in self.STAGES:
            parts.append(MbConv(width, out, k, expand, stride))
            parts += [MbConv(out, out, k, expand, 1) for _ in range(layers - 1)]
            width = out
        parts += [ConvBn(width, 1280, 1, eps=1e-3), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        self.layers = nn.Sequential(*parts, nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x)
        return out


class DenseLayer(nn.Module):
    """One layer of a dense block: what came in, and `growth` channels more."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, 4 * growth, 1, bias=False),
            nn.BatchNorm2d(4 * growth), nn.ReLU(), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.body(x)], 1)


class DenseNet121(nn.Module):
    """Huang et al., 2016."""

    def __init__(self, classes: int = 1000, growth: int = 32) -> None:
        super().__init__()
        parts: list[nn.Module] = [ConvBn(3, 64, 7, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        width = 64
        for layers in (6, 12, 24, 16):
            parts += [DenseLayer(width + i * growth, growth) for i in range(layers)]
            width += layers * growth
            parts += [nn.BatchNorm2d(width), nn.ReLU()]
            if layers != 16:
                parts += [nn.Conv2d(width, width // 2, 1, bias=False), nn.AvgPool2d(2)]
                width //= 2
        self.layers = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x)
        return out


def double(width: int, out: int) -> nn.Sequential:
    """Return the two convolutions of one level of a U-Net."""
    return nn.Sequential(ConvBn(width, out, 3), nn.ReLU(), ConvBn(out, out, 3), nn.ReLU())


class Level(nn.Module):
    """One level of a U-Net around the next one."""

    def __init__(self, width: int, c: int, depth: int) -> None:
        super().__init__()
        self.down = double(width, c)
        self.inner = Level(c, 2 * c, depth - 1) if depth > 1 else double(c, 2 * c)
        self.up = nn.ConvTranspose2d(2 * c, c, 2, 2)
        self.join = double(2 * c, c)

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        out: Tensor = self.join(torch.cat([x, self.up(self.inner(F.max_pool2d(x, 2)))], 1))
        return out


class UNet(nn.Module):
    """Ronneberger et al., 2015, padded and with batch norm."""

    def __init__(self, classes: int = 2, c: int = 64) -> None:
        super().__init__()
        self.levels = Level(3, c, 4)
        self.head = nn.Conv2d(c, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.levels(x))
        return out
