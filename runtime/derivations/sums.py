"""A forest and an additive cost -> the costs that its states, and the parts of its edges, can have."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from archc.runtime.derivations.best import cheapest_around
from archc.spaces.forest import Forest, Ints

LARGEST = 1 << 60
"""Costs are below, so that their sums are integers of 64 bits."""

PAIRS = 1 << 20
"""So many sums are worked out at once."""


class TooManyStates(ValueError):
    """To keep costs apart would take more states than the limit."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The last children of an edge, of which there are two or more: the first of these, and all after it.

    Both are sums by number, with whether a name decides them. `order` is the highest state, and how many there are.
    """

    first: int
    rest: int
    nested: tuple[bool, bool]
    order: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sums:
    """What can cost what: the states of the forest by their numbers, then the pairs.

    `costs[n]` are the costs of sum n that a derivation within the bounds can have, in order.
    `of_edge[e]` is the pair of the children of edge e, by number; -1 if they are fewer than two.
    """

    states: int
    pairs: list[Pair] = field(default_factory=list)
    of_edge: list[int] = field(default_factory=list)
    costs: list[Ints] = field(default_factory=list)

    def pair(self, number: int) -> Pair:
        """Return the pair that a sum is."""
        return self.pairs[number - self.states]

    def order(self, number: int) -> tuple[int, int]:
        """Return a key in the order of which all parts come before their wholes."""
        return (number, 0) if number < self.states else self.pair(number).order


def sums_of(
    forest: Forest,
    costs: Sequence[int],
    lowest: Sequence[int],
    highest: Sequence[int],
    bounds: tuple[int, int],
    limit: int,
) -> Sums:
    """Return the sums that derivations with a cost within `bounds` have; `lowest` and `highest` are of each state.

    Raises TooManyStates where one has more than `limit` costs, ValueError where costs are above 2**60.
    """
    if max(map(abs, [*lowest, *highest, *costs]), default=0) >= LARGEST:
        raise ValueError("expected costs below 2**60 to keep apart, and found greater ones; count in larger units")
    found = Sums(forest.states)
    _pair_up(forest, found)
    ends = _ends(forest, costs, (lowest, highest), bounds, found)
    found.costs.extend([np.empty(0, dtype=np.int64)] * (forest.states + len(found.pairs)))
    for number in sorted(range(len(found.costs)), key=found.order):
        if number == forest.root:
            found.costs[number] = np.unique(np.array(bounds, dtype=np.int64))
            continue
        parts = (
            [_of_edge(forest, costs, found, edge) for edge in forest.rows[number]]
            if number < forest.states
            else [_of_pair(found, found.pair(number))]
        )
        each = np.unique(np.concatenate(parts)) if len(parts) > 1 else parts[0]
        low, high = ends[number]
        each = each[np.searchsorted(each, low) : np.searchsorted(each, high, side="right")]
        if len(each) > limit:
            raise TooManyStates(
                f"a part of this space has {len(each):,} distinct costs and the limit is {limit:,}; round costs up to "
                "multiples of a step, or raise the limit"
            )
        found.costs[number] = each
    return found


def _pair_up(forest: Forest, found: Sums) -> None:
    """Add the pairs of all edges, one for the children that several edges end with."""
    known: dict[tuple[tuple[int, ...], tuple[bool, ...]], int] = {}
    nested, starts = forest.nested.tolist(), forest.first_child.tolist()
    for edge, calls in enumerate(forest.calls):
        number = -1
        marks = tuple(nested[starts[edge] : starts[edge + 1]])
        for place in range(len(calls) - 2, -1, -1):
            key = (calls[place:], marks[place:])
            rest = calls[-1] if place == len(calls) - 2 else number
            number = known.setdefault(key, forest.states + len(found.pairs))
            if number == forest.states + len(found.pairs):
                inner = (marks[place], place == len(calls) - 2 and marks[-1])
                found.pairs.append(Pair(calls[place], rest, inner, (max(calls[place:]), len(calls) - place)))
        found.of_edge.append(number)


def _ends(
    forest: Forest,
    costs: Sequence[int],
    extremes: tuple[Sequence[int], Sequence[int]],
    bounds: tuple[int, int],
    found: Sums,
) -> list[tuple[int, int]]:
    """Return the lowest and highest cost of each sum that a derivation within the bounds can have."""
    lowest, highest = extremes
    least = cheapest_around(forest, costs, lowest)
    most = [-cost for cost in cheapest_around(forest, [-cost for cost in costs], [-cost for cost in highest])]
    ends: list[tuple[int, int] | None] = [
        (bounds[0] - above, bounds[1] - below) for above, below in zip(most, least, strict=True)
    ]
    ends.extend([None] * len(found.pairs))
    owner = forest.owner.tolist()
    for edge, number in enumerate(found.of_edge):
        if number < 0:
            continue
        low = bounds[0] - most[owner[edge]] - costs[edge]
        high = bounds[1] - least[owner[edge]] - costs[edge]
        while number >= forest.states:
            known, pair = ends[number], found.pair(number)
            ends[number] = (low, high) if known is None else (min(low, known[0]), max(high, known[1]))
            low, high, number = low - highest[pair.first], high - lowest[pair.first], pair.rest
    return [end or (0, 0) for end in ends]


def _of_edge(forest: Forest, costs: Sequence[int], found: Sums, edge: int) -> Ints:
    calls = forest.calls[edge]
    if not calls:
        return np.array([costs[edge]], dtype=np.int64)
    return found.costs[calls[0] if len(calls) == 1 else found.of_edge[edge]] + costs[edge]


def _of_pair(found: Sums, pair: Pair) -> Ints:
    """Return all sums of a cost of one and a cost of the other."""
    few, many = sorted((found.costs[pair.first], found.costs[pair.rest]), key=len)
    total: Ints = np.empty(0, dtype=np.int64)
    if not len(few) or not len(many):
        return total
    step = max(1, PAIRS // len(many))
    for start in range(0, len(few), step):
        total = np.union1d(total, np.add.outer(few[start : start + step], many))
    return total
