"""`addnist:PATH`, `cifartile:PATH`, `language:PATH`: data sets of the Unseen NAS collection, composed of local files.

Geada, Towers, Forshaw, Atapour-Abarghouei and McGough, "Insights from the Use of Previously Unseen Neural Architecture Search
Datasets" (CVPR 2024). The recipes are those of the paper and the samples are archc's own, drawn by fixed seeds: results are like
those on the collection's files, not equal. What is kept of a sample are numbers; it is composed when a batch needs it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from archc.search.tasks.data import Data, Split
from archc.search.tasks.files import Images, cifar, mnist, words
from archc.search.tasks.recipe import Plan
from archc.search.tasks.trainer import Classification

if TYPE_CHECKING:
    import torch

    from archc.search.tasks.data import View

IMAGES = (45_000, 15_000, 10_000)
TEXTS = (50_000, 10_000, 10_000)
"""How many samples train, validate and test."""

PLAN = Plan(epochs=64, batch=128, lr=2e-3)
SEEDS = (1, 2, 3)
LETTERS = "abcdefghijklmnopqrstuvwx"
LONG, WORDS = 6, 4

Sample = tuple[list[int], int]
"""What is kept of a sample, and its class."""

Draw = Callable[[Random, Images, int], Sample]
"""Chance, images and the number of a sample -> the sample."""


class AddNist(Classification):
    """[3, 28, 28], 20 classes: a digit of MNIST in each channel, the class is their sum less 1.

    PATH is a folder with the four files of MNIST as they are published, gzipped or not. All classes come alike; train and
    validate are composed of MNIST's training images, test of its test images. Raises ValueError where a file is missing.
    """

    def __init__(self, path: str = "", sizes: Sequence[int] = IMAGES) -> None:
        folder = _folder("addnist", path)
        train, test = mnist(folder, "train"), mnist(folder, "t10k")
        splits = _splits((train, train, test.like(train)), _digits, sizes)
        super().__init__(Data("addnist", "[3, 28, 28]", "[20]", 20, *splits), PLAN)


class CifarTile(Classification):
    """[3, 64, 64], 4 classes: four images of CIFAR-10 as a square, the class is how many kinds they are, less 1.

    PATH is a folder with the six files of CIFAR-10's binary version. All classes come alike; train and validate are composed
    of its training images, test of its test images. Raises ValueError where a file is missing.
    """

    def __init__(self, path: str = "", sizes: Sequence[int] = IMAGES) -> None:
        folder = _folder("cifartile", path)
        train, test = cifar(folder, "train"), cifar(folder, "test")
        splits = _splits((train, train, test.like(train)), _tiles, sizes)
        super().__init__(Data("cifartile", "[3, 64, 64]", "[4]", 4, *splits), PLAN)


class Language(Classification):
    """[1, 24, 24], a class for each language: four words of six letters, a row for each letter a to x, a column for each place.

    PATH is a folder with a list of words, LANGUAGE.txt, for each language; classes are in the order of these names (the
    collection has ten). Words with other letters, y and z among these, or of another length are left out.
    """

    def __init__(self, path: str = "", sizes: Sequence[int] = TEXTS) -> None:
        lists = words(_folder("language", path), LETTERS, LONG)
        splits = [_texts(list(lists.values()), size, seed) for size, seed in zip(sizes, SEEDS, strict=True)]
        super().__init__(Data("language", "[1, 24, 24]", f"[{len(lists)}]", len(lists), *splits), PLAN)


def _folder(name: str, path: str) -> Path:
    if not path:
        raise ValueError(f"expected {name}:PATH with the folder of its files, found no path")
    if not Path(path).is_dir():
        raise ValueError(f"expected {name}:PATH with the folder of its files, and {path} is no folder")
    return Path(path)


def _splits(pools: Sequence[Images], draw: "Draw", sizes: Sequence[int]) -> list[Split]:
    return [_composed(pool, draw, size, seed) for pool, size, seed in zip(pools, sizes, SEEDS, strict=True)]


def _composed(pool: Images, draw: "Draw", size: int, seed: int) -> Split:
    """Return a split of composed images."""
    import torch

    rng = Random(seed)
    found = [draw(rng, pool, number) for number in range(size)]
    rng.shuffle(found)
    kept = torch.tensor([images for images, _ in found])
    return Split((kept,), torch.tensor([label for _, label in found]), _view(pool))


def _view(pool: Images) -> "View":
    def view(kept: "tuple[torch.Tensor, ...]") -> "tuple[torch.Tensor, ...]":
        import torch

        (numbers,) = kept
        parts = pool.normal(numbers)
        if parts.shape[2] == 1:
            return (parts[:, :, 0],)
        rows = [torch.cat((parts[:, at], parts[:, at + 1]), 3) for at in (0, 2)]
        return (torch.cat(rows, 2),)

    return view


def _digits(rng: Random, pool: Images, number: int) -> Sample:
    """Return three digits whose sum is that of the class in turn."""
    label = number % 20
    while True:
        digits = [rng.randrange(10), rng.randrange(10)]
        digits.append(label + 1 - sum(digits))
        if 0 <= digits[2] < 10:
            return [rng.choice(pool.of[digit]) for digit in digits], label


def _tiles(rng: Random, pool: Images, number: int) -> Sample:
    """Return four images of as many kinds as the class in turn says."""
    label = number % 4
    kinds = rng.sample(range(10), label + 1)
    kinds += [rng.choice(kinds) for _ in range(3 - label)]
    rng.shuffle(kinds)
    return [rng.choice(pool.of[kind]) for kind in kinds], label


def _texts(lists: Sequence[Sequence[str]], size: int, seed: int) -> Split:
    import torch

    rng = Random(seed)
    found: list[Sample] = []
    for number in range(size):
        label = number % len(lists)
        text = "".join(rng.choice(lists[label]) for _ in range(WORDS))
        found.append(([LETTERS.index(letter) for letter in text], label))
    rng.shuffle(found)
    return Split((torch.tensor([text for text, _ in found]),), torch.tensor([label for _, label in found]), _drawn)


def _drawn(kept: "tuple[torch.Tensor, ...]") -> "tuple[torch.Tensor, ...]":
    """Return texts as pictures."""
    from torch.nn.functional import one_hot

    (letters,) = kept
    return (one_hot(letters, len(LETTERS)).mT.unsqueeze(1).float(),)
