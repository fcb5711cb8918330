"""A forest, an additive cost and its bounds -> the forest of the derivations within them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import gcd

import numpy as np

from archc.runtime.derivations.histogram import Histogram
from archc.runtime.derivations.measure import check, count, greatest, least
from archc.runtime.derivations.sums import ADVICE, Additive, Pair, Sums, TooManyStates, sums_of
from archc.spaces.forest import Cell, Decision, Derivation, Forest, Ints

LIMIT = 100_000
"""So many states a forest within bounds may have."""

BUCKETS = 256
"""So many distinct costs a part of a derivation has where costs are rounded."""

COARSE = 8
"""With so few buckets a forest is not tried again with fewer."""

EDGES = 10
"""So many edges it may have for each state of the limit, and so many distinct costs a part of a derivation."""

Window = tuple[int, int, int]
"""A sum of `Sums` by number, and the first and the end of the costs that it may have, by number."""


@dataclass(frozen=True, slots=True, eq=False)
class Restricted:
    """A forest of some of the derivations of another, and from which edge of the other each of its edges is.

    It is -1 for edges that decide and add nothing: they only say how the parts of an edge share the cost.
    """

    forest: Forest
    origin: Ints

    def whole(self, derivation: Derivation) -> Derivation:
        """Return a derivation of this forest as one of the other."""
        edges = self.origin[list(derivation.edges)]
        return Derivation(tuple(edges[edges >= 0].tolist()), derivation.reals)

    def costs(self, costs: Sequence[int]) -> list[int]:
        """Return the cost of each edge of this forest from the costs of the other's."""
        return [costs[edge] if edge >= 0 else 0 for edge in self.origin.tolist()]


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """How the edges of a forest that was restricted, perhaps again and again, come from those of the whole."""

    last: Restricted
    before: "Origin | None"

    def costs(self, costs: list[int]) -> list[int]:
        """Return the costs of the edges of the restricted forest from those of the whole."""
        return self.last.costs(costs if self.before is None else self.before.costs(costs))


def restrict(
    forest: Forest, costs: Sequence[int], *, low: int | None = None, high: int | None = None, limit: int = LIMIT
) -> Restricted:
    """Return the forest of exactly those derivations that cost from `low` to `high`; None is no bound.

    `costs` has an integer for each edge, and they add up. A state is split by what its part of the derivation may cost
    as far as the bounds tell costs apart. Raises `TooManyStates` where that takes more than `limit` states, or costs
    within the bounds reach 2**60, and
    ValueError if no derivation is within the bounds or `costs` has not a number for each edge.
    """
    return _restricted(forest, costs, (low, high), limit, None)


def bucketed(
    forest: Forest, costs: Sequence[int], *, high: int, buckets: int = BUCKETS, limit: int = LIMIT
) -> Restricted:
    """Return a forest of derivations that cost at most `high`, all but some that are near it.

    Where a state, or several parts of an edge, have more than `buckets` distinct costs, they are rounded up to multiples
    of a step; so no derivation is over the bound, and `acceptance` says how many of those within it are left. There are
    half as many buckets, and so on, until the forest is within the limit. Raises as `restrict`, and ValueError unless
    `buckets` is positive.
    """
    if buckets < 1:
        raise ValueError(f"expected a number of buckets of at least 1 and found {buckets}")
    while buckets > COARSE:
        try:
            return _restricted(forest, costs, (None, high), limit, buckets)
        except TooManyStates:
            buckets = max(COARSE, buckets // 2)
    return _restricted(forest, costs, (None, high), limit, buckets)


def _restricted(
    forest: Forest, costs: Sequence[int], bounds: tuple[int | None, int | None], limit: int, buckets: int | None
) -> Restricted:
    check(forest, costs)
    unit, (low, high) = gcd(*costs) or 1, bounds
    units = [cost // unit for cost in costs]
    cost = Additive(units, least(forest, units), greatest(forest, units))
    first, last = cost.lowest[forest.root], cost.highest[forest.root]
    bottom = first if low is None else max(first, -(-low // unit))
    top = last if high is None else min(last, high // unit)
    if bottom <= top:
        if min(units, default=0) >= 0:  # how far a cost is beyond the bound makes no difference
            cost = Additive(*([min(part, top + 1) for part in parts] for parts in (units, cost.lowest, cost.highest)))
        sums = sums_of(forest, cost, (bottom, top), limit=limit * EDGES, buckets=buckets)
        split = _split(forest, cost.edges, sums, limit)
        if split.first_edge[1]:
            return _assembled(forest, sums, split)
    raise ValueError(
        f"expected derivations that cost {_range(low, high)} and found none: they cost from {first * unit:,} to "
        f"{last * unit:,}"
    )


def _range(low: int | None, high: int | None) -> str:
    ends = [f"at least {low:,}" if low is not None else "", f"at most {high:,}" if high is not None else ""]
    return " and ".join(end for end in ends if end)


def acceptance(restricted: Restricted, exact: Histogram, *, high: int) -> tuple[Fraction, Fraction]:
    """Return the share of the derivations that cost at most `high` which a bucketed forest has, at least and at most.

    Both are the exact share if the histogram, which is of the whole forest and the same costs, is exact. Raises
    ValueError if the histogram knows of none.
    """
    kept = count(restricted.forest)
    fewest, most = exact.between(high=high)
    if not most:
        raise ValueError(f"expected derivations that cost at most {high:,} and found none in the histogram")
    return Fraction(kept, most), Fraction(kept, max(fewest, kept))


@dataclass(frozen=True, slots=True)
class _Split:
    """The windows that derivations come by, the root's first, and their edges in tables as those of a forest.

    `origin` is as in `Restricted`, and a child is a window by number.
    """

    windows: list[Window]
    first_edge: list[int]
    origin: list[int]
    first_child: list[int]
    children: list[int]
    nested: list[bool]


def _split(forest: Forest, costs: Sequence[int], sums: Sums, limit: int) -> _Split:
    split = _Split([(forest.root, 0, len(sums.costs[forest.root]))], [0], [], [0], [], [])
    numbers = {split.windows[0]: 0}
    marks, starts = forest.nested.tolist(), forest.first_child.tolist()
    for window in split.windows:
        for origin, called in _called(forest, costs, sums, window):
            for to in called:
                if to not in numbers:
                    numbers[to] = len(numbers)
                    split.windows.append(to)
                split.children.append(numbers[to])
            if len(called) == 2:
                split.nested.extend(sums.pair(window[0] if origin < 0 else sums.of_edge[origin]).nested)
            else:
                split.nested.extend(marks[starts[origin] : starts[origin + 1]])
            split.origin.append(origin)
            split.first_child.append(len(split.children))
        split.first_edge.append(len(split.origin))
        if len(numbers) > limit or len(split.origin) > limit * EDGES:
            raise TooManyStates(
                f"these bounds split the space into more than {limit:,} states or {limit * EDGES:,} edges; {ADVICE}"
            )
    return split


def _called(
    forest: Forest, costs: Sequence[int], sums: Sums, window: Window
) -> Iterator[tuple[int, tuple[Window, ...]]]:
    """Yield the edges of a window: the edge of the forest or -1, and the windows that it calls."""
    number = window[0]
    low, high = _extent(sums, window)
    if number >= sums.states:
        for pair in _shared(sums, sums.pair(number), low, high):
            yield -1, pair
        return
    for edge in forest.rows[number]:
        calls, below, above = forest.calls[edge], low - costs[edge], high - costs[edge]
        if not calls:
            if below <= 0 <= above:
                yield edge, ()
        elif (inner := _window(sums, calls[0] if len(calls) == 1 else sums.of_edge[edge], below, above)) is None:
            continue
        elif len(calls) == 1:
            yield edge, (inner,)
        else:
            for pair in _shared(sums, sums.pair(inner[0]), *_extent(sums, inner)):
                yield edge, pair


def _window(sums: Sums, number: int, low: int, high: int) -> Window | None:
    """Return the costs of a sum from `low` to `high`; None if there are none."""
    known = sums.costs[number]
    first, end = int(known.searchsorted(low)), int(known.searchsorted(high, side="right"))
    return (number, first, end) if first < end else None


def _extent(sums: Sums, window: Window) -> tuple[int, int]:
    """Return the lowest and highest cost of a window before they were rounded."""
    number, first, end = window
    return int(sums.costs[number][first]) - sums.steps[number] + 1, int(sums.costs[number][end - 1])


def _shared(sums: Sums, pair: Pair, low: int, high: int) -> Iterator[tuple[Window, Window]]:
    """Yield windows of both parts that cover every two costs with a sum from `low` to `high`, each two of them once."""
    first, rest = sums.costs[pair.first], sums.costs[pair.rest]
    if not len(first):
        return
    begins, ends = rest.searchsorted(low - first), rest.searchsorted(high - first, side="right")
    moves = np.flatnonzero((begins[1:] != begins[:-1]) | (ends[1:] != ends[:-1])) + 1
    for start, stop in pairwise([0, *moves.tolist(), len(first)]):
        begin, end = int(begins[start]), int(ends[start])
        if begin < end:
            yield (pair.first, start, stop), (pair.rest, begin, end)


def _assembled(forest: Forest, sums: Sums, split: _Split) -> Restricted:
    """Return the forest of the windows, parts before wholes."""
    order = sorted(range(len(split.windows)), key=lambda at: (sums.order(split.windows[at][0]), split.windows[at]))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    first_edge, edges = _gathered(np.array(split.first_edge), np.array(order, dtype=np.int64))
    first_child, children = _gathered(np.array(split.first_child), edges)
    origin = np.array(split.origin, dtype=np.int64)[edges]
    decisions: list[tuple[Decision, ...]] = [*forest.decisions, ()]
    nothing = decisions.index(())
    grown = Forest(
        first_edge=first_edge,
        first_child=first_child,
        children=place[np.array(split.children, dtype=np.int64)[children]],
        nested=np.array(split.nested, dtype=np.bool_)[children],
        label=np.where(origin >= 0, forest.label[origin], nothing),
        decisions=tuple(decisions[: max(nothing + 1, len(forest.decisions))]),
        sites=forest.sites,
        cells=tuple([_cell(forest, sums, split.windows[old][0]) for old in order]),
        uses=tuple([forest.uses[edge] if edge >= 0 else () for edge in origin.tolist()]),
        root=int(place[0]),
        lost=forest.lost,
    )
    return Restricted(grown, origin)


def _gathered(bounds: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Return the bounds of some rows of a table one after another, and where each of their entries stands in it."""
    lengths = bounds[rows + 1] - bounds[rows]
    first = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    return first, np.arange(first[-1]) + np.repeat(bounds[rows] - first[:-1], lengths)


def _cell(forest: Forest, sums: Sums, number: int) -> Cell:
    """Return the cell of a window; that of a pair is named after its first state, since a program has no name for it."""
    if number < sums.states:
        return forest.cells[number]
    return Cell(f"{forest.cells[sums.pair(number).first].name} and what follows", "", "")
