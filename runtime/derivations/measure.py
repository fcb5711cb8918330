"""A forest of a space and a semiring -> the measure of what each of its states derives."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from operator import add, mul
from typing import TypeVar

from archc.runtime.semiring import MAXIMUM, MINIMUM, Semiring, combined
from archc.spaces.forest import Forest

V = TypeVar("V")

COUNT: Semiring[int] = Semiring(0, 1, add, mul)
"""How many derivations there are, exactly; a real number out of a continuous range counts once."""

KNOWN = 8
"""Tables of so many forests are kept."""


def inside(forest: Forest, semiring: Semiring[V], edges: Sequence[V] | None = None) -> list[V]:
    """Return the measure of every state: the sum over its derivations of the product of `edges`, each one if None.

    The inside algorithm of Goodman (Semiring parsing, 1999, section 2), in order of state numbers. Raises ValueError
    unless there is one value for each edge.
    """
    if edges is not None:
        check(forest, edges)
    fixed: Iterable[V] = repeat(semiring.one) if edges is None else edges
    rows = zip(fixed, forest.calls, strict=False)
    values: list[V] = []
    for row in forest.rows:
        values.append(combined([next(rows) for _ in row], values, semiring))
    return values


def check(forest: Forest, edges: Sequence[object]) -> None:
    """Raise ValueError unless there is one value for each edge."""
    if len(edges) != forest.edges:
        raise ValueError(f"expected a value for each of {forest.edges} edges and found {len(edges)}")


MOST_BITS = 3_321_928
"""Numbers of derivations stay below 10**1,000,000, as those of documents do."""


class TooManyDerivations(ValueError):
    """A space has so many derivations that their number is too long to work with."""


@lru_cache(maxsize=KNOWN)
def counts(forest: Forest) -> Sequence[int]:
    """Return how many derivations each state has, exactly. Raises TooManyDerivations from 10**1,000,000 on."""
    return counted(forest, repeat(1))


def counted(forest: Forest, edges: Iterable[int]) -> list[int]:
    """Return how many derivations each state has of those edges that are 1 of 0 and 1. Raises as `counts`."""
    rows = zip(edges, forest.calls, strict=False)
    values: list[int] = []
    for row in forest.rows:
        found = combined([next(rows) for _ in row], values, COUNT)
        if found.bit_length() > MOST_BITS:
            raise TooManyDerivations(
                "this space has more than 10^1,000,000 derivations, too many to count, to number and to draw alike; "
                "bound its depth more tightly, or draw by weight, which needs no number"
            )
        values.append(found)
    return values


def count(forest: Forest) -> int:
    """Return how many derivations the forest has, exactly. Raises TooManyDerivations as `counts`."""
    return counts(forest)[forest.root]


def least(forest: Forest, costs: Sequence[int]) -> list[int]:
    """Return for each state the lowest cost of its derivations; `costs` has an integer for each edge, and they add up.

    Raises ValueError as `inside` does.
    """
    return [int(value) for value in inside(forest, MINIMUM, costs)]


def greatest(forest: Forest, costs: Sequence[int]) -> list[int]:
    """Return for each state the highest cost of its derivations. Raises ValueError as `inside` does."""
    return [int(value) for value in inside(forest, MAXIMUM, costs)]
