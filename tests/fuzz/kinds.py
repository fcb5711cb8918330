"""Types of inputs, as the fuzzers draw them: tensors, ids and tuples."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

import torch

REFUSALS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What torch and plain Python raise at shapes, numbers and names that they do not take."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The shape of one tensor; `bound` is the vocabulary where it holds ids."""

    dims: tuple[int, ...]
    bound: int | None = None

    def __str__(self) -> str:
        return f"{'' if self.bound is None else f'Id({self.bound})'}[{', '.join(map(str, self.dims))}]"


@dataclass(frozen=True, slots=True)
class Both:
    """A tuple of inputs."""

    items: tuple["Kinds", ...]

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.items))})"


Kinds = Kind | Both
Tensors = torch.Tensor | tuple["Tensors", ...]


def leaves(kinds: Kinds) -> Iterator[Kind]:
    """Return the tensors of `kinds` from left to right."""
    if isinstance(kinds, Kind):
        yield kinds
    else:
        for item in kinds.items:
            yield from leaves(item)


def map_leaves(change: Callable[[Kind], Kinds], kinds: Kinds) -> Kinds:
    """Return `kinds` with every tensor changed."""
    return change(kinds) if isinstance(kinds, Kind) else Both(tuple(map_leaves(change, item) for item in kinds.items))


def tensors(kinds: Kinds, batch: tuple[int, ...] = ()) -> Tensors:
    """Return random tensors of `kinds`; among ids the largest always is."""
    if isinstance(kinds, Both):
        return tuple(tensors(item, batch) for item in kinds.items)
    if kinds.bound is None:
        return torch.randn((*batch, *kinds.dims))
    ids = torch.randint(kinds.bound, (*batch, *kinds.dims))
    return ids.flatten().index_fill(0, torch.tensor([0]), kinds.bound - 1).reshape(ids.shape) if ids.numel() else ids


def kinds_of(value: object) -> Kinds:
    """Return the shapes of tensors or tuples of them; whole numbers are ids up to the largest of them."""
    if isinstance(value, torch.Tensor):
        return Kind(
            tuple(value.shape), None if value.is_floating_point() else int(value.max()) + 1 if value.numel() else 1
        )
    assert isinstance(value, (tuple, list)), value
    return Both(tuple(kinds_of(item) for item in value))


def shapes(kinds: Kinds) -> object:
    """Return the bare sizes of `kinds`, for comparing."""
    return list(kinds.dims) if isinstance(kinds, Kind) else tupled([shapes(item) for item in kinds.items])


def tupled(items: Sequence[object]) -> object:
    """Return the tuple of `items`; (T) is T."""
    return items[0] if len(items) == 1 else tuple(items)


def size(random: Random, most: int = 9) -> int:
    """Return a size up to `most`, the smaller ones oftener."""
    return min(random.randint(1, most), random.randint(1, most))


def kind(random: Random, low: int, high: int, most: int = 7) -> Kind:
    """Return a tensor of `low` to `high` axes."""
    return Kind(tuple(size(random, most) for _ in range(random.randint(low, high))))


def damaged(random: Random, kinds: Kinds) -> Kinds:
    """Return `kinds` with one thing about it changed: rank, a size, ids for numbers, arity."""
    if isinstance(kinds, Both) and random.random() < 0.7:
        items = list(kinds.items)
        place = random.randrange(len(items))
        match random.randrange(5):
            case 0:
                del items[place]
            case 1:
                items.insert(place, items[place])
            case _:
                items[place] = damaged(random, items[place])
        return Both(tuple(items)) if len(items) > 1 else items[0] if items else Kind((1,))
    match random.randrange(6):
        case 0:
            return map_leaves(lambda entry: Kind(entry.dims[1:], entry.bound), kinds)
        case 1:
            more = size(random, 4)
            return map_leaves(lambda entry: Kind((more, *entry.dims)[:5], entry.bound), kinds)
        case 2:
            return map_leaves(lambda entry: Kind(entry.dims, 5 if entry.bound is None else None), kinds)
        case 3:
            return Both((kinds, kinds))
        case _:
            return map_leaves(lambda entry: _resized(random, entry), kinds)


def _resized(random: Random, kind: Kind) -> Kind:
    dims = list(kind.dims)
    if dims:
        dims[random.randrange(len(dims))] = size(random)
    return Kind(tuple(dims), kind.bound)
