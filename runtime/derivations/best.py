"""A forest -> its derivations, the cheapest or the most probable first, worked out as they are asked for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import frexp

from archc.runtime.derivations.measure import check, least
from archc.runtime.derivations.ranks import centred
from archc.runtime.derivations.scaled import logarithm
from archc.runtime.derivations.weights import by_weight
from archc.spaces.forest import Derivation, Forest, Site

Value = tuple[int, float]
"""A cost and 0, or what stands for the probability m * 2**-x: x and -m. The least comes first."""

Order = tuple[Value, int, tuple[int, ...], int]
"""A derivation of a state: its value, its edge, which derivation of each child it takes, and the last of these numbers
that was raised. Values are least first, and grow with those of the children."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Derivations whose `costs`, an integer for each edge, add up to at most `high`."""

    costs: Sequence[int]
    high: int


def cheapest(forest: Forest, costs: Sequence[int], *, within: Bound | None = None) -> Iterator[tuple[int, Derivation]]:
    """Yield each derivation with its cost, in increasing order, those of one cost in an order that is always the same.

    `costs` has an integer for each edge, and they add up. With `within`, those over the bound are left out, and so is
    any part that no derivation within the bound has; where many cheap derivations are over the bound, take the forest
    of `restrict` instead. Ranges are at their middles. Raises ValueError unless there is a cost for each edge.
    """
    check(forest, costs)
    values = [(cost, 0.0) for cost in costs]
    for (cost, _), edges in _Lazy(forest, values, _added, _slack(forest, within)).members():
        yield cost, centred(forest, edges)


def dearest(forest: Forest, costs: Sequence[int], *, within: Bound | None = None) -> Iterator[tuple[int, Derivation]]:
    """Yield each derivation with its cost, in decreasing order; otherwise as `cheapest`."""
    for value, derivation in cheapest(forest, [-cost for cost in costs], within=within):
        yield -value, derivation


def likeliest(forest: Forest, sites: Sequence[Site] | None = None) -> Iterator[tuple[float, Derivation]]:
    """Yield each derivation of positive weight with the natural logarithm of its probability, in decreasing order.

    The probability is that of `logprob`; `sites` take the place of the forest's own.
    """
    total = logarithm(by_weight(forest, sites).inside[forest.root])
    values: list[Value] = []
    for share in forest.shares(sites).tolist():
        part, exponent = frexp(share)
        values.append((-exponent, -part) if part else (IMPOSSIBLE, 0.0))
    for value, edges in _Lazy(forest, values, _multiplied, None).members():
        if value[1] == 0.0:
            return
        yield logarithm((-value[1], -value[0])) - total, centred(forest, edges)


IMPOSSIBLE = 1 << 62
"""In the place of an exponent, above that of any product that is not 0."""


def _added(one: Value, other: Value) -> Value:
    return one[0] + other[0], 0.0


def _multiplied(one: Value, other: Value) -> Value:
    part, shift = frexp(-one[1] * -other[1])
    return (-shift + one[0] + other[0], -part) if part else (IMPOSSIBLE, 0.0)


@dataclass(frozen=True, slots=True)
class _Slack:
    """What is allowed: the cost of each edge, and the most that the part of a derivation below each state may cost."""

    costs: Sequence[int]
    most: Sequence[int]
    least: Sequence[int]


def _slack(forest: Forest, within: Bound | None) -> _Slack | None:
    if within is None:
        return None
    lowest = least(forest, within.costs)
    around = cheapest_around(forest, within.costs, lowest)
    return _Slack(within.costs, [within.high - cost for cost in around], lowest)


def cheapest_around(forest: Forest, costs: Sequence[int], lowest: Sequence[int]) -> list[int]:
    """Return the least cost around one mention of each state, from the least cost of each state itself."""
    calls = forest.calls
    found: list[int | None] = [None] * forest.states
    found[forest.root] = 0
    for state in range(forest.states - 1, -1, -1):
        here = found[state] or 0
        for edge in forest.rows[state]:
            whole = here + costs[edge] + sum([lowest[child] for child in calls[edge]])
            for child in calls[edge]:
                known, new = found[child], whole - lowest[child]
                if known is None or new < known:
                    found[child] = new
    return [cost or 0 for cost in found]


class _Lazy:
    """Algorithm 3 of Huang & Chiang (Better k-best Parsing, 2005), with a list in the place of its recursion."""

    __slots__ = ("_costs", "_done", "_edges", "_forest", "_found", "_heaps", "_last", "_slack", "_times")

    def __init__(
        self, forest: Forest, edges: Sequence[Value], times: Callable[[Value, Value], Value], slack: _Slack | None
    ) -> None:
        self._forest, self._edges, self._times, self._slack = forest, edges, times, slack
        self._found: list[list[Order]] = [[] for _ in range(forest.states)]
        self._costs: list[list[int]] = [[] for _ in range(forest.states)]
        self._heaps: list[list[Order] | None] = [None] * forest.states
        self._last: list[Order | None] = [None] * forest.states
        self._done = [False] * forest.states

    def members(self) -> Iterator[tuple[Value, list[int]]]:
        """Yield the value and the edges of each derivation."""
        root, number = self._forest.root, 0
        for state in range(self._forest.states):
            if self._slack is None:
                self._found[state].append(self._first(state))
            else:
                self._demand(state, 0)
        while self._demand(root, number):
            yield self._found[root][number][0], self._written(root, number)
            number += 1

    def _demand(self, state: int, number: int) -> bool:
        """Find the derivations of a state up to a number; whether there are so many."""
        waiting = [(state, number)]
        while waiting:
            at, wanted = waiting[-1]
            if self._done[at] or len(self._found[at]) > wanted:
                waiting.pop()
            elif missing := self._advance(at):
                waiting.extend(missing)
        return len(self._found[state]) > number

    def _advance(self, state: int) -> list[tuple[int, int]]:
        """Go on to the next derivation of a state, or return what has to be known of its children before."""
        heap, last = self._heaps[state], self._last[state]
        if heap is None:
            firsts = [(child, 0) for edge in self._forest.rows[state] for child in self._forest.calls[edge]]
            if missing := self._missing(firsts):
                return missing
            heap = self._heaps[state] = self._firsts(state)
            if self._found[state]:
                self._last[state] = heappop(heap)
                return []
        elif last is not None:
            _, edge, ranks, raised = last
            calls = self._forest.calls[edge]
            places = range(raised, len(calls))
            if missing := self._missing([(calls[place], ranks[place] + 1) for place in places]):
                return missing
            for place in places:
                if ranks[place] + 1 < len(self._found[calls[place]]):
                    above = (*ranks[:place], ranks[place] + 1, *ranks[place + 1 :])
                    heappush(heap, (self._value(edge, above), edge, above, place))
        if not heap:
            self._done[state] = True
            return []
        self._last[state] = taken = heappop(heap)
        self._keep(state, taken)
        return []

    def _first(self, state: int) -> Order:
        """Return the first derivation of a state from those of its children, without a heap."""
        found, calls, times = self._found, self._forest.calls, self._times
        best: tuple[Value, int] | None = None
        for edge in self._forest.rows[state]:
            value = self._edges[edge]
            for child in calls[edge]:
                value = times(value, found[child][0][0])
            if best is None or value < best[0]:
                best = value, edge
        assert best is not None, state
        return *best, (0,) * len(calls[best[1]]), 0

    def _missing(self, wanted: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        return [
            (child, number) for child, number in wanted if len(self._found[child]) <= number and not self._done[child]
        ]

    def _firsts(self, state: int) -> list[Order]:
        heap: list[Order] = []
        slack = self._slack
        for edge in self._forest.rows[state]:
            calls = self._forest.calls[edge]
            if slack is not None:
                if slack.costs[edge] + sum([slack.least[child] for child in calls]) > slack.most[state]:
                    continue
                if not all(self._found[child] for child in calls):
                    continue
            zeros = (0,) * len(calls)
            heap.append((self._value(edge, zeros), edge, zeros, 0))
        heapify(heap)
        return heap

    def _value(self, edge: int, ranks: tuple[int, ...]) -> Value:
        value, times = self._edges[edge], self._times
        for child, number in zip(self._forest.calls[edge], ranks, strict=True):
            value = times(value, self._found[child][number][0])
        return value

    def _keep(self, state: int, taken: Order) -> None:
        if (slack := self._slack) is not None:
            _, edge, ranks, _ = taken
            pairs = zip(self._forest.calls[edge], ranks, strict=True)
            cost = slack.costs[edge] + sum([self._costs[child][number] for child, number in pairs])
            if cost > slack.most[state]:
                return
            self._costs[state].append(cost)
        self._found[state].append(taken)

    def _written(self, state: int, number: int) -> list[int]:
        edges: list[int] = []
        waiting = [(state, number)]
        while waiting:
            at, wanted = waiting.pop()
            _, edge, ranks, _ = self._found[at][wanted]
            edges.append(edge)
            waiting.extend(reversed(list(zip(self._forest.calls[edge], ranks, strict=True))))
        return edges
