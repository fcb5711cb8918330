"""Files as data sets are published in: MNIST, the binary version of CIFAR-10, lists of words."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

KINDS = 10


@dataclass(frozen=True, slots=True)
class Images:
    """Bytes [n, channels, height, width], the numbers of the images of each kind, and mean and deviation by channel."""

    pixels: "torch.Tensor"
    of: Sequence[Sequence[int]]
    mean: "torch.Tensor"
    deviation: "torch.Tensor"

    def normal(self, numbers: "torch.Tensor") -> "torch.Tensor":
        """Return images by number, standardised, behind the axes of the numbers."""
        mean, deviation = self.mean.view(-1, 1, 1), self.deviation.view(-1, 1, 1)
        return (self.pixels[numbers].float() / 255.0 - mean) / deviation

    def like(self, other: "Images") -> "Images":
        """Return these images, standardised as others are."""
        return replace(self, mean=other.mean, deviation=other.deviation)


def mnist(folder: Path, part: str) -> Images:
    """Return the images of a part, `train` or `t10k`. Raises ValueError on files that are missing or no such files."""
    pixels = _idx(folder / f"{part}-images-idx3-ubyte", 3)
    labels = _idx(folder / f"{part}-labels-idx1-ubyte", 1)
    if pixels[0][1:] != [28, 28] or pixels[0][0] != labels[0][0]:
        raise ValueError(f"{folder}: expected images of 28 by 28 and a label for each, found {pixels[0]}, {labels[0]}")
    return _images(pixels[1], list(labels[1]), (1, 28, 28))


def _idx(path: Path, axes: int) -> tuple[list[int], bytes]:
    """Return the sizes and the bytes of a file in the format of MNIST."""
    data = _read(path if path.exists() else path.with_name(f"{path.name}.gz"))
    start = 4 + 4 * axes
    sizes = [int.from_bytes(data[at : at + 4]) for at in range(4, start, 4)]
    many = 1
    for size in sizes:
        many *= size
    if data[:4] != bytes([0, 0, 8, axes]) or len(data) != start + many:
        raise ValueError(f"{path} is no file of MNIST: expected {axes} axes of bytes")
    return sizes, data[start:]


def cifar(folder: Path, part: str) -> Images:
    """Return the images of a part, `train` or `test`. Raises ValueError on files that are missing or no such files."""
    inner = folder / "cifar-10-batches-bin"
    names = [f"data_batch_{number}" for number in range(1, 6)] if part == "train" else ["test_batch"]
    labels: list[int] = []
    pixels = bytearray()
    for name in names:
        path = (inner if inner.is_dir() else folder) / f"{name}.bin"
        data = _read(path)
        if not data or len(data) % 3073 or max(data[::3073]) >= KINDS:
            raise ValueError(f"{path} is no file of CIFAR-10's binary version: expected rows of a label and 3072 bytes")
        labels += data[::3073]
        for at in range(1, len(data), 3073):
            pixels += data[at : at + 3072]
    return _images(bytes(pixels), labels, (3, 32, 32))


def words(folder: Path, letters: str, length: int) -> Mapping[str, Sequence[str]]:
    """Return the words of each language that have these letters and this length, sorted. Raises ValueError without two."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.txt")):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
        kept = {word.lower() for word in text.split() if len(word) == length and set(word.lower()) <= set(letters)}
        if not kept:
            raise ValueError(f"{path} has no word of {length} letters from {letters[0]} to {letters[-1]}")
        found[path.stem] = sorted(kept)
    if len(found) < 2:
        raise ValueError(f"{folder}: expected LANGUAGE.txt for at least two languages, found {list(found) or 'none'}")
    return found


def _images(pixels: bytes, labels: list[int], shape: tuple[int, int, int]) -> Images:
    """Return images with their mean and deviation, by numpy: it begins no thread, since workers fork from here."""
    import numpy as np
    import torch

    of = [[number for number, label in enumerate(labels) if label == kind] for kind in range(KINDS)]
    missing = [kind for kind in range(KINDS) if not of[kind]]
    if missing:
        raise ValueError(f"expected images of {KINDS} kinds, found none of {missing}")
    found = np.frombuffer(bytearray(pixels), np.uint8).reshape(-1, *shape)
    counts = np.stack([np.bincount(found[:, channel].reshape(-1), minlength=256) for channel in range(shape[0])])
    values = np.arange(256) / 255.0
    mean = (counts * values).sum(1) / counts.sum(1)
    deviation = np.sqrt((counts * (values - mean[:, None]) ** 2).sum(1) / counts.sum(1))
    return Images(torch.from_numpy(found), of, torch.tensor(mean.tolist()), torch.tensor(deviation.tolist()))


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError) as error:
        raise ValueError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
