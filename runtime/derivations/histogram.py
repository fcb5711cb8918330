"""A forest and an additive cost -> how many derivations cost how much."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import TypeVar

from archc.runtime.derivations.measure import check, counts, greatest, least
from archc.runtime.derivations.sums import Additive, Sums, TooManyStates, pairs_of, sums_of
from archc.spaces.forest import Forest

T = TypeVar("T")

LIMIT = 1_000
"""So many distinct costs are told apart."""

WORK = 3 * 10**7
"""So many products of two counts are worked out at most, where they do not fill the range of their costs."""

COARSE = 16
"""At least so many buckets are kept apart, however many states there are."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many derivations (`count`, an exact integer) cost from `low` to `high`, both included."""

    low: int
    high: int
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """All derivations by their cost, in order of `low`.

    If `exact`, every bucket is one cost. Otherwise the cost of a derivation is between the borders of its bucket, the
    borders of two buckets may overlap, and the counts are exact still.
    """

    buckets: tuple[Bucket, ...]
    exact: bool

    @property
    def counts(self) -> dict[int, int]:
        """How many derivations have each cost. Raises ValueError if the histogram is bucketed."""
        if not self.exact:
            raise ValueError(
                f"expected one cost a bucket and found {len(self.buckets)} buckets of several; raise the limit"
            )
        return {bucket.low: bucket.count for bucket in self.buckets}

    def between(self, low: int | None = None, high: int | None = None) -> tuple[int, int]:
        """Return how many derivations at least, and at most, cost from `low` to `high`; None is no bound.

        Both are the exact number if the histogram is exact.
        """
        inner = outer = 0
        for bucket in self.buckets:
            if (low is None or low <= bucket.low) and (high is None or bucket.high <= high):
                inner += bucket.count
            if (low is None or low <= bucket.high) and (high is None or bucket.low <= high):
                outer += bucket.count
        return inner, outer


def histogram(forest: Forest, costs: Sequence[int], *, limit: int = LIMIT) -> Histogram:
    """Return the histogram of a cost that adds up from an integer for each edge.

    It is exact if nothing has more than `limit` distinct costs, neither a state nor several parts of an edge, and if it
    does not take too long; otherwise of at most `limit` buckets. Raises ValueError unless there is a cost for each edge
    and `limit` is positive, or where costs reach 2**60.
    """
    check(forest, costs)
    if limit < 1:
        raise ValueError(f"expected a limit of at least 1 and found {limit}")
    unit = gcd(*costs) or 1
    units = [cost // unit for cost in costs]
    exact = _exact(forest, units, limit)
    if exact is not None:
        return Histogram(tuple(Bucket(cost * unit, cost * unit, exact[cost]) for cost in sorted(exact)), exact=True)
    found = _bucketed(forest, units, limit)
    return Histogram(tuple(Bucket(low * unit, high * unit, count) for low, high, count in sorted(found)), exact=False)


Counts = dict[int, int]
Ranges = list[tuple[int, int, int]]
"""The lowest cost, the highest, and how many derivations cost so much."""


def _folded(
    forest: Forest,
    costs: Sequence[int],
    sums: Sums,
    one: T,
    plus: Callable[[list[tuple[int, T]]], T],
    times: Callable[[T, T], T],
) -> T:
    """Return what the root has, from sums of what edges have (each with the edge's cost) and products of two parts."""
    found = [one] * (sums.states + len(sums.pairs))
    for number in sums.ordered():
        if number >= sums.states:
            pair = sums.pair(number)
            found[number] = times(found[pair.first], found[pair.rest])
            continue
        parts = []
        for edge in forest.rows[number]:
            calls = forest.calls[edge]
            part = found[calls[0]] if len(calls) == 1 else found[sums.of_edge[edge]] if calls else one
            parts.append((costs[edge], part))
        found[number] = plus(parts)
    return found[forest.root]


# ---------------------------------------------------------------- one cost a bucket
def _exact(forest: Forest, costs: Sequence[int], limit: int) -> Counts | None:
    """Return the counts by cost; None where there are too many costs or it takes too long."""
    cost = Additive(costs, least(forest, costs), greatest(forest, costs))
    bounds = cost.lowest[forest.root], cost.highest[forest.root]
    try:
        sums = sums_of(forest, cost, bounds, limit=limit)
    except TooManyStates:
        return None
    if sums.work > WORK:
        return None
    found = _folded(forest, costs, sums, {0: 1}, _added, _convolved)
    return found if len(found) <= limit else None


def _added(parts: list[tuple[int, Counts]]) -> Counts:
    total: Counts = {}
    for shift, part in parts:
        for cost, count in part.items():
            total[cost + shift] = total.get(cost + shift, 0) + count
    return total


def _convolved(one: Counts, other: Counts) -> Counts:
    few, many = (one, other) if len(one) <= len(other) else (other, one)
    if len(few) > 16 and max(many) - min(many) + max(few) - min(few) < 4 * len(many):
        return _packed(few, many)
    found: Counts = {}
    get, pairs = found.get, list(many.items())
    for shift, times in few.items():
        for cost, count in pairs:
            cost += shift
            found[cost] = get(cost, 0) + times * count
    return found


def _packed(one: Counts, other: Counts) -> Counts:
    """Return the product by one multiplication of integers, in which each cost has so many bytes (Kronecker 1882)."""
    bits = max(one.values()).bit_length() + max(other.values()).bit_length() + len(one).bit_length()
    size = bits // 8 + 1
    base = min(one) + min(other)
    product = _integer(one, size) * _integer(other, size)
    text = product.to_bytes((max(one) + max(other) - base + 1) * size, "little")
    found = (int.from_bytes(text[at : at + size], "little") for at in range(0, len(text), size))
    return {base + place: count for place, count in enumerate(found) if count}


def _integer(table: Counts, size: int) -> int:
    base = min(table)
    text = bytearray((max(table) - base + 1) * size)
    for cost, count in table.items():
        text[(cost - base) * size : (cost - base + 1) * size] = count.to_bytes(size, "little")
    return int.from_bytes(text, "little")


# ---------------------------------------------------------------- several costs a bucket
def _bucketed(forest: Forest, costs: Sequence[int], limit: int) -> Ranges:
    sums = pairs_of(forest)
    fine = _fineness(forest, sums, limit)

    def plus(parts: list[tuple[int, Ranges]]) -> Ranges:
        return _merged([(low + shift, high + shift, count) for shift, part in parts for low, high, count in part], fine)

    def times(one: Ranges, other: Ranges) -> Ranges:
        both = ((left, right) for left in one for right in other)
        return _merged([(a[0] + b[0], a[1] + b[1], a[2] * b[2]) for a, b in both], fine)

    return _folded(forest, costs, sums, [(0, 0, 1)], plus, times)


def _fineness(forest: Forest, sums: Sums, limit: int) -> int:
    """Return how many buckets of each part can be kept apart in reasonable time."""
    most = [min(many, limit) for many in counts(forest)]
    pairs = []
    for pair in sums.pairs:
        pairs.append((most[pair.first], most[pair.rest]))
        most.append(min(limit, most[pair.first] * most[pair.rest]))
    fine = limit
    while fine > COARSE and sum(min(one, fine) * min(other, fine) for one, other in pairs) > WORK // 4:
        fine = max(COARSE, fine * 3 // 4)
    return fine


def _merged(ranges: Ranges, fine: int) -> Ranges:
    """Return the ranges with those in one that begin close together, so that there are at most `fine`."""
    first = min(low for low, _, _ in ranges)
    step = 1 if len(ranges) <= fine else (max(low for low, _, _ in ranges) - first) // fine + 1
    found: dict[int, tuple[int, int, int]] = {}
    for low, high, count in ranges:
        at = (low - first) // step
        if known := found.get(at):
            low, high, count = min(known[0], low), max(known[1], high), known[2] + count
        found[at] = low, high, count
    return list(found.values())
