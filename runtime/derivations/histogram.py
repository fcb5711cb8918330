"""A forest and an additive cost -> how many derivations cost how much."""

from collections.abc import Sequence
from dataclasses import dataclass

from archc.runtime.derivations.measure import check, greatest, least
from archc.spaces.forest import Forest

LIMIT = 1_000
"""So many distinct costs are told apart."""


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

    It is exact if no state has more than `limit` distinct costs, otherwise of at most about `limit` buckets. Raises
    ValueError unless there is a cost for each edge and `limit` is positive.
    """
    check(forest, costs)
    if limit < 1:
        raise ValueError(f"expected a limit of at least 1 and found {limit}")
    found = _exact(forest, costs, limit)
    if found is not None:
        return Histogram(tuple(Bucket(cost, cost, found[cost]) for cost in sorted(found)), exact=True)
    span = greatest(forest, costs)[forest.root] - least(forest, costs)[forest.root]
    buckets = _bucketed(forest, costs, span // limit + 1)
    return Histogram(tuple(sorted(buckets, key=lambda bucket: (bucket.low, bucket.high))), exact=False)


Counts = dict[int, int]


def _exact(forest: Forest, costs: Sequence[int], limit: int) -> Counts | None:
    """Return the counts by cost; None if a state has more than `limit` costs."""
    states: list[Counts] = []
    known: dict[tuple[int, ...], Counts] = {(): {0: 1}}
    for row in forest.rows:
        total: Counts = {}
        for edge in row:
            parts = _product(forest.calls[edge], states, known, limit)
            if parts is None:
                return None
            shift = costs[edge]
            for cost, count in parts.items():
                total[cost + shift] = total.get(cost + shift, 0) + count
        if len(total) > limit:
            return None
        states.append(total)
    return states[forest.root]


def _product(
    calls: tuple[int, ...], states: Sequence[Counts], known: dict[tuple[int, ...], Counts], limit: int
) -> Counts | None:
    """Return the counts of states one after another, from those that are `known`, in which they are kept."""
    if len(calls) == 1:
        return states[calls[0]]
    found = known[()]
    for place in range(len(calls) - 1, -1, -1):
        part = known.get(calls[place:])
        if part is None:
            part = states[calls[place]] if place == len(calls) - 1 else _convolved(states[calls[place]], found)
            known[calls[place:]] = part
        if len(part) > limit:
            return None
        found = part
    return found


def _convolved(one: Counts, other: Counts) -> Counts:
    if len(one) > len(other):
        one, other = other, one
    found: Counts = {}
    get, pairs = found.get, list(other.items())
    for shift, many in one.items():
        for cost, count in pairs:
            cost += shift
            found[cost] = get(cost, 0) + many * count
    return found


def _bucketed(forest: Forest, costs: Sequence[int], step: int) -> list[Bucket]:
    """Return buckets of which no two begin in the same multiple of `step`."""
    states: list[list[Bucket]] = []
    known: dict[tuple[int, ...], list[Bucket]] = {(): [Bucket(0, 0, 1)]}
    for row in forest.rows:
        gathered: list[Bucket] = []
        for edge in row:
            calls, shift = forest.calls[edge], costs[edge]
            found = known[()]
            for place in range(len(calls) - 1, -1, -1):
                part = known.get(calls[place:])
                if part is None:
                    part = known[calls[place:]] = _merged(_pairs(states[calls[place]], found), step)
                found = part
            gathered.extend(Bucket(part.low + shift, part.high + shift, part.count) for part in found)
        states.append(_merged(gathered, step))
    return states[forest.root]


def _pairs(one: Sequence[Bucket], other: Sequence[Bucket]) -> list[Bucket]:
    return [
        Bucket(left.low + right.low, left.high + right.high, left.count * right.count)
        for left in one
        for right in other
    ]


def _merged(buckets: Sequence[Bucket], step: int) -> list[Bucket]:
    found: dict[int, Bucket] = {}
    for bucket in buckets:
        at = bucket.low // step
        known = found.get(at)
        if known is not None:
            low, high = min(known.low, bucket.low), max(known.high, bucket.high)
            bucket = Bucket(low, high, known.count + bucket.count)
        found[at] = bucket
    return list(found.values())
