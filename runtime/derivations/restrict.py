"""A forest, an additive cost and its bounds -> the forest of the derivations within them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import gcd

import numpy as np

from archc.runtime.derivations.histogram import Histogram
from archc.runtime.derivations.measure import check, count, greatest, least
from archc.runtime.derivations.sums import Pair, Sums, TooManyStates, sums_of
from archc.spaces.forest import Cell, Decision, Derivation, Forest, Ints

LIMIT = 100_000
"""So many states a forest within bounds may have, and so many distinct costs one of them."""

EDGES = 20
"""So many edges it may have for each state of the limit."""

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


def restrict(
    forest: Forest, costs: Sequence[int], *, low: int | None = None, high: int | None = None, limit: int = LIMIT
) -> Restricted:
    """Return the forest of exactly those derivations that cost from `low` to `high`; None is no bound.

    `costs` has an integer for each edge, and they add up. A state is split by what its part of the derivation may cost
    as far as the bounds tell costs apart. Raises `TooManyStates` where that takes more than `limit` states, and
    ValueError if no derivation is within the bounds or `costs` has not a number for each edge.
    """
    check(forest, costs)
    unit = gcd(*costs) or 1
    units = [cost // unit for cost in costs]
    lowest, highest = least(forest, units), greatest(forest, units)
    first, last = lowest[forest.root], highest[forest.root]
    bottom = first if low is None else max(first, -(-low // unit))
    top = last if high is None else min(last, high // unit)
    if bottom <= top:
        sums = sums_of(forest, units, lowest, highest, (bottom, top), limit)
        split = _split(forest, units, sums, limit)
        if split.rows[0]:
            return _assembled(forest, sums, split)
    raise ValueError(
        f"expected derivations that cost {_range(low, high)} and found none: they cost from {first * unit:,} to "
        f"{last * unit:,}"
    )


def _range(low: int | None, high: int | None) -> str:
    ends = [f"at least {low:,}" if low is not None else "", f"at most {high:,}" if high is not None else ""]
    return " and ".join(end for end in ends if end)


def bucketed(forest: Forest, costs: Sequence[int], *, high: int, step: int, limit: int = LIMIT) -> Restricted:
    """Return a forest of derivations that cost at most `high`: of those that do when each edge's cost is rounded up.

    Costs are rounded up to multiples of `step`, so that none is over the bound and some that are near it are left out
    (`acceptance` says how many). Raises as `restrict`, and ValueError unless `step` is positive.
    """
    if step < 1:
        raise ValueError(f"expected a step of at least 1 and found {step}")
    return restrict(forest, [-(-cost // step) for cost in costs], high=high // step, limit=limit)


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
class _Edge:
    """An edge of a window: the edge of the forest that it is of (or -1), the windows that it calls, by number."""

    origin: int
    calls: tuple[int, ...]
    nested: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class _Split:
    """The windows that derivations come by, the root's first, and the edges of each."""

    windows: list[Window]
    rows: list[list[_Edge]]


def _split(forest: Forest, costs: Sequence[int], sums: Sums, limit: int) -> _Split:
    windows = [(forest.root, 0, len(sums.costs[forest.root]))]
    numbers = {windows[0]: 0}
    rows: list[list[_Edge]] = []
    marks, starts = forest.nested.tolist(), forest.first_child.tolist()
    edges = 0
    for window in windows:
        row = []
        for origin, called in _called(forest, costs, sums, window):
            for to in called:
                if to not in numbers:
                    numbers[to] = len(windows)
                    windows.append(to)
            if len(called) == 2:
                pair = sums.pair(window[0] if origin < 0 else sums.of_edge[origin])
                nested = pair.nested
            else:
                nested = tuple(marks[starts[origin] : starts[origin + 1]])
            row.append(_Edge(origin, tuple([numbers[to] for to in called]), nested))
        rows.append(row)
        edges += len(row)
        if len(windows) > limit or edges > limit * EDGES:
            raise TooManyStates(
                f"these bounds split the space into more than {limit:,} states or {limit * EDGES:,} edges; round costs "
                "up to multiples of a step, or raise the limit"
            )
    return _Split(windows, rows)


def _called(
    forest: Forest, costs: Sequence[int], sums: Sums, window: Window
) -> Iterator[tuple[int, tuple[Window, ...]]]:
    """Yield the edges of a window: the edge of the forest or -1, and the windows that it calls."""
    number, first, end = window
    low, high = int(sums.costs[number][first]), int(sums.costs[number][end - 1])
    if number >= sums.states:
        for pair in _shared(sums, sums.pair(number), low, high):
            yield -1, pair
        return
    for edge in forest.rows[number]:
        calls, below, above = forest.calls[edge], low - costs[edge], high - costs[edge]
        if len(calls) > 1:
            for pair in _shared(sums, sums.pair(sums.of_edge[edge]), below, above):
                yield edge, pair
        elif calls:
            known = sums.costs[calls[0]]
            begin, stop = int(known.searchsorted(below)), int(known.searchsorted(above, side="right"))
            if begin < stop:
                yield edge, ((calls[0], begin, stop),)
        elif below <= 0 <= above:
            yield edge, ()


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
    place = [0] * len(order)
    for new, old in enumerate(order):
        place[old] = new
    edges = [edge for old in order for edge in split.rows[old]]
    decisions: list[tuple[Decision, ...]] = [*forest.decisions, ()]
    nothing = decisions.index(())
    labels = forest.label.tolist()
    grown = Forest(
        first_edge=np.cumsum([0, *(len(split.rows[old]) for old in order)]),
        first_child=np.cumsum([0, *(len(edge.calls) for edge in edges)]),
        children=np.array([place[to] for edge in edges for to in edge.calls], dtype=np.int64),
        nested=np.array([mark for edge in edges for mark in edge.nested], dtype=np.bool_),
        label=np.array([labels[edge.origin] if edge.origin >= 0 else nothing for edge in edges], dtype=np.int64),
        decisions=tuple(decisions[: max(nothing + 1, len(forest.decisions))]),
        sites=forest.sites,
        cells=tuple(_cell(forest, sums, split.windows[old][0]) for old in order),
        uses=tuple(forest.uses[edge.origin] if edge.origin >= 0 else () for edge in edges),
        root=place[0],
        lost=forest.lost,
    )
    return Restricted(grown, np.array([edge.origin for edge in edges], dtype=np.int64))


def _cell(forest: Forest, sums: Sums, number: int) -> Cell:
    """Return the cell of a window; that of a pair is named after its first state, since a program has no name for it."""
    if number < sums.states:
        return forest.cells[number]
    return Cell(f"{forest.cells[sums.pair(number).first].name} and what follows", "", "")
