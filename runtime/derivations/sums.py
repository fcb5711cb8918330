"""A forest and an additive cost -> the costs that its states, and the parts of its edges, can have."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from archc.runtime.derivations.best import cheapest_around
from archc.spaces.forest import Forest, Ints

LARGEST = 1 << 60
"""Costs are below, so that their sums are integers of 64 bits."""

PAIRS = 1 << 20
"""So many sums are sorted at once."""

TABLE = 1 << 24
"""Sums that lie closer together than so many are marked in a table."""

WORK = 1 << 26
"""So many sums of two costs are worked out at most."""


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

    `costs[n]` are the costs that sum n can have in a derivation within the bounds, in order; each stands for itself and
    the `steps[n]` - 1 costs below it. `of_edge[e]` is the pair of the children of edge e, by number; -1 if they are
    fewer than two.
    """

    states: int
    pairs: list[Pair] = field(default_factory=list)
    of_edge: list[int] = field(default_factory=list)
    costs: list[Ints] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

    def pair(self, number: int) -> Pair:
        """Return the pair that a sum is. The parts of a pair stand before it."""
        return self.pairs[number - self.states]

    def ordered(self) -> list[int]:
        """Return all sums, parts before wholes."""
        return sorted(range(self.states + len(self.pairs)), key=self.order)

    def order(self, number: int) -> tuple[int, int]:
        """Return a key of a sum; in the order of keys all parts come before their wholes."""
        return (number, 0) if number < self.states else self.pair(number).order

    @property
    def work(self) -> int:
        """How many sums of two costs there are."""
        return sum(len(self.costs[pair.first]) * len(self.costs[pair.rest]) for pair in self.pairs)


@dataclass(frozen=True, slots=True)
class Additive:
    """A cost that adds up from an integer for each edge, the least and the greatest that each state has of it."""

    edges: Sequence[int]
    lowest: Sequence[int]
    highest: Sequence[int]


def sums_of(forest: Forest, cost: Additive, bounds: tuple[int, int], *, limit: int, buckets: int | None = None) -> Sums:
    """Return the sums of derivations that cost from the first of `bounds` to the second.

    Where one has more than `buckets` costs they are rounded up to multiples of a step, counted from the highest. Raises
    TooManyStates where one has more than `limit` costs, or all take too long, or where costs reach 2**60.
    """
    if max(map(abs, [*cost.lowest, *cost.highest, *cost.edges]), default=0) >= LARGEST:
        raise TooManyStates("expected costs below 2**60 to keep apart, and found greater ones; count in larger units")
    found = pairs_of(forest)
    ends = _ends(forest, cost, bounds, found)
    found.costs.extend([np.empty(0, dtype=np.int64)] * len(ends))
    found.steps.extend([1] * len(ends))
    work = 0
    for number in found.ordered():
        if number >= forest.states:
            pair = found.pair(number)
            work += len(found.costs[pair.first]) * len(found.costs[pair.rest])
            if work > WORK:
                raise TooManyStates(f"the costs of this space have more than {WORK:,} sums; {ADVICE}")
            each = _of_pair(found.costs[pair.first], found.costs[pair.rest])
        elif number != forest.root:
            each = _of_state(forest, cost.edges, found, number)
        else:
            each = np.unique(np.array(bounds, dtype=np.int64))
        low, high = ends[number]
        each = each[np.searchsorted(each, low) : np.searchsorted(each, high, side="right")]
        if buckets is not None and len(each) > buckets:
            found.steps[number] = step = -(-(high - int(each[0]) + 1) // buckets)
            each = np.unique(high - (high - each) // step * step)
        if len(each) > limit:
            raise TooManyStates(f"a part has {len(each):,} distinct costs and the limit is {limit:,}; {ADVICE}")
        found.costs[number] = each
    return found


ADVICE = "round costs up in buckets, or raise the limit"


def pairs_of(forest: Forest) -> Sums:
    """Return the states and pairs of all edges, without costs: one pair for the children that several edges end with."""
    found = Sums(forest.states)
    known: dict[tuple[tuple[int, ...], tuple[bool, ...]], int] = {}
    nested, starts = forest.nested.tolist(), forest.first_child.tolist()
    for edge, calls in enumerate(forest.calls):
        number = -1
        marks = tuple(nested[starts[edge] : starts[edge + 1]])
        for place in range(len(calls) - 2, -1, -1):
            is_last = place == len(calls) - 2
            rest = calls[-1] if is_last else number
            number = known.setdefault((calls[place:], marks[place:]), forest.states + len(found.pairs))
            if number == forest.states + len(found.pairs):
                inner = (marks[place], is_last and marks[-1])
                found.pairs.append(Pair(calls[place], rest, inner, (max(calls[place:]), len(calls) - place)))
        found.of_edge.append(number)
    return found


def _ends(forest: Forest, cost: Additive, bounds: tuple[int, int], found: Sums) -> list[tuple[int, int]]:
    """Return the lowest and highest cost of each sum that a derivation within the bounds can have."""
    costs, lowest, highest = cost.edges, cost.lowest, cost.highest
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
    return [(0, 0) if end is None else end for end in ends]


def _of_state(forest: Forest, costs: Sequence[int], found: Sums, state: int) -> Ints:
    """Return all costs of the edges of a state."""
    parts: list[Ints] = []
    ends = []
    for edge in forest.rows[state]:
        if calls := forest.calls[edge]:
            parts.append(found.costs[calls[0] if len(calls) == 1 else found.of_edge[edge]] + costs[edge])
        else:
            ends.append(costs[edge])
    if not ends and len(parts) == 1:
        return parts[0]
    return np.unique(np.concatenate([*parts, np.array(ends, dtype=np.int64)]))


def _of_pair(one: Ints, other: Ints) -> Ints:
    """Return all sums of a cost of one and a cost of the other."""
    few, many = sorted((one, other), key=len)
    if not len(few):
        return few
    base, span = int(few[0] + many[0]), int(few[-1] + many[-1] - few[0] - many[0]) + 1
    if span <= min(TABLE, 16 * len(few) * len(many)):
        marks = np.zeros(span, dtype=np.bool_)
        offsets = many - many[0]
        for shift in (few - few[0]).tolist():
            marks[offsets + shift] = True
        return np.flatnonzero(marks) + base
    total: Ints = np.empty(0, dtype=np.int64)
    step = max(1, PAIRS // len(many))
    for start in range(0, len(few), step):
        total = np.union1d(total, np.add.outer(few[start : start + step], many))
    return total
