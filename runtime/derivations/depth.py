"""A forest -> how many derivations nest the mentions of a space how deep."""

from collections.abc import Sequence
from itertools import pairwise

from archc.spaces.forest import Forest


def nested(forest: Forest) -> tuple[str, ...]:
    """Return the names of the spaces that some derivation mentions inside themselves, in order."""
    names = sorted({cell.name for cell in forest.cells if cell.name})
    return tuple(name for name in names if deepest(forest, name) > 1)


def deepest(forest: Forest, name: str) -> int:
    """Return how deep mentions of a space are nested at most: 0 where there is none, 1 where none is in another."""
    most: list[int] = []
    for state, row in enumerate(forest.rows):
        inner = max((most[child] for edge in row for child in forest.calls[edge]), default=0)
        most.append(inner + _is_mention(forest, state, name))
    return most[forest.root]


def by_depth(forest: Forest, name: str) -> dict[int, int]:
    """Return how many derivations nest mentions of the space `name` to each depth, exactly; of depths that there are."""
    upto: list[Sequence[int]] = []
    most = deepest(forest, name)
    for state, row in enumerate(forest.rows):
        counts = [0] * (most + 1)
        for edge in row:
            for depth, ways in enumerate(_product([upto[child] for child in forest.calls[edge]], most)):
                counts[depth] += ways
        upto.append((0, *counts[:-1]) if _is_mention(forest, state, name) else counts)
    found = upto[forest.root]
    return {depth: more - less for depth, (less, more) in enumerate(pairwise((0, *found))) if more > less}


def _is_mention(forest: Forest, state: int, name: str) -> bool:
    """Whether a state is a mention of a space; the root is there for the types that the outermost mention has."""
    return state != forest.root and forest.cells[state].name == name


def _product(parts: Sequence[Sequence[int]], most: int) -> Sequence[int]:
    """Return how many ways there are to derive all parts to each depth at most."""
    total: Sequence[int] = (1,) * (most + 1)
    for part in parts:
        total = [one * other for one, other in zip(total, part, strict=True)]
    return total
