"""Derivations <-> integers, and all derivations in the order of these."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

from archc.runtime.derivations.measure import KNOWN, counts
from archc.spaces.forest import Derivation, Forest, Site

Pending = tuple[int, "Pending"] | None
"""States that are still to be derived, the next one first."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """How derivations are numbered: by the edge of their root, then by its first child, and so on.

    `before[e]` is how many derivations of its state come before those of edge e. Counts as in `measure.counts`.
    """

    counts: Sequence[int]
    before: Sequence[int]
    owner: Sequence[int]


@lru_cache(maxsize=KNOWN)
def ranks(forest: Forest) -> Ranks:
    """Return the numbering of a forest."""
    known, calls, before = counts(forest), forest.calls, []
    for row in forest.rows:
        total = 0
        for edge in row:
            before.append(total)
            many = 1
            for child in calls[edge]:
                many *= known[child]
            total += many
    owner: list[int] = forest.owner.tolist()
    return Ranks(known, before, owner)


def rank(forest: Forest, derivation: Derivation) -> int:
    """Return the number of a derivation, at least 0 and below `count(forest)`; what it draws from ranges is left aside.

    Raises ValueError if it is no derivation of the forest.
    """
    check_member(forest, derivation)
    table, calls = ranks(forest), forest.calls
    found: list[int] = []
    for edge in reversed(derivation.edges):
        number = 0
        for child in calls[edge]:
            number = number * table.counts[child] + found.pop()
        found.append(table.before[edge] + number)
    return found[0]


def check_member(forest: Forest, derivation: Derivation) -> None:
    """Raise ValueError unless the edges of `derivation` are a derivation of the forest's root."""
    owner = ranks(forest).owner
    waiting = [forest.root]
    for edge in derivation.edges:
        if not waiting or not 0 <= edge < forest.edges or owner[edge] != waiting.pop():
            raise ValueError("this derivation is of another forest: its edges do not follow each other in this one")
        waiting.extend(reversed(forest.calls[edge]))
    if waiting:
        raise ValueError(f"this derivation ends before {len(waiting)} of its parts are derived")


def unrank(forest: Forest, index: int) -> Derivation:
    """Return the derivation of that number, with the middle of each continuous range (see `middle`).

    Raises ValueError if `index` is negative or not below `count(forest)`.
    """
    table, calls, rows = ranks(forest), forest.calls, forest.rows
    total = table.counts[forest.root]
    if not 0 <= index < total:
        raise ValueError(f"expected a number from 0 to {_short(total - 1)} and found {_short(index)}")
    edges: list[int] = []
    waiting = [(forest.root, index)]
    while waiting:
        state, index = waiting.pop()
        row = rows[state]
        edge = bisect_right(table.before, index, row.start, row.stop) - 1
        index -= table.before[edge]
        edges.append(edge)
        for child in reversed(calls[edge]):
            index, below = divmod(index, table.counts[child])
            waiting.append((child, below))
    return centred(forest, edges)


def _short(number: int) -> str:
    return str(number) if abs(number) < 10**40 else f"{'-' * (number < 0)}a number of {number.bit_length()} bits"


def centred(forest: Forest, edges: Sequence[int]) -> Derivation:
    """Return the derivation of these edges (in preorder) with the middle of each continuous range."""
    middles = _middles(forest)
    return Derivation(tuple(edges), tuple([real for edge in edges for real in middles[edge]]))


@lru_cache(maxsize=KNOWN)
def _middles(forest: Forest) -> Sequence[tuple[float, ...]]:
    known = [None if site.low is None or site.high is None else middle(site) for site in forest.sites]
    entries = [tuple(real for site, _ in entry if (real := known[site]) is not None) for entry in forest.decisions]
    return [entries[label] for label in forest.label.tolist()]


def middle(site: Site) -> float:
    """Return the middle of a continuous range, of the logarithms of its ends if it is logarithmic.

    Raises ValueError if `site` is no continuous range.
    """
    if site.low is None or site.high is None:
        raise ValueError("expected a site with a continuous range and found one with options")
    if site.logarithmic:
        return sqrt(site.low) * sqrt(site.high)
    return site.low / 2 + site.high / 2


def enumerate_from(forest: Forest, start: int = 0) -> Iterator[Derivation]:
    """Yield the derivations in the order of their numbers, those of `start` and after, with the middle of each range.

    Raises ValueError if `start` is negative or not below `count(forest)`.
    """
    calls, rows, owner = forest.calls, forest.rows, ranks(forest).owner
    edges: list[int] = []
    after: list[Pending] = []
    pending: Pending = (forest.root, None)

    def take(edge: int, rest: Pending) -> Pending:
        for child in reversed(calls[edge]):
            rest = (child, rest)
        edges.append(edge)
        after.append(rest)
        return rest

    for edge in unrank(forest, start).edges:
        assert pending is not None
        pending = take(edge, pending[1])
    while True:
        yield centred(forest, edges)
        while edges and edges[-1] + 1 == rows[owner[edges[-1]]].stop:
            edges.pop()
            after.pop()
        if not edges:
            return
        edge = edges.pop() + 1
        after.pop()
        above = after[-1] if after else (forest.root, None)
        assert above is not None
        pending = take(edge, above[1])
        while pending is not None:
            pending = take(rows[pending[0]].start, pending[1])
