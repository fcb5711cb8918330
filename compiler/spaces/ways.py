"""The ways in which the mentions of a space make a network, packed: every result once, with all ways to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

from archc.rules.scripts import Script
from archc.spaces.membership import ANY
from archc.values import Flow

Token = tuple[int, int]
"""A name that decides something: the mention whose walk comes by it, and which of its names it is."""


@dataclass(slots=True, eq=False)
class Result:
    """One thing that comes out of a mention, and all ways to it: each is its own decisions and the results in it.

    In the order of a text, `position` is how many of its ops are made then. `drawn` counts the ops that have weights or
    draw, each as often as it is made; `shares` tells whether some of them may have weights of others. `demands` are what
    the names around the mention have to decide: all that lead to each of these results.
    """

    flow: Flow
    mention: int
    position: int
    drawn: int
    shares: bool
    demands: "frozenset[tuple[Token, Result]]" = frozenset()
    ways: "list[tuple[Entry, ...]]" = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Met:
    """The decisions that lead to all of some results; those of a name (`named`) are any where it is not used."""

    results: frozenset[Result]
    named: bool = True


Entry = int | float | Result | Met
Way = tuple[Entry, ...]


@dataclass(slots=True)
class Ways:
    """How many derivations there are of each entry, and each of them by number."""

    _known: dict[Entry, int] = field(default_factory=dict)
    _fewest: dict[Entry, int] = field(default_factory=dict)
    _sorted: dict[Entry, Sequence[Way]] = field(default_factory=dict)
    _met: dict[frozenset[Result], Sequence[Way]] = field(default_factory=dict)

    def count(self, entry: Entry) -> int:
        """Return how many derivations an entry stands for."""
        if not isinstance(entry, (Result, Met)):
            return 1
        known = self._known.get(entry)
        if known is None:
            ways = self._ways(entry)
            known = self._known[entry] = sum(map(self._count_all, ways)) if ways is not None else 1
        return known

    def are_met(self, results: frozenset[Result]) -> bool:
        """Return whether some decisions lead to all of these results."""
        if len(results) < 2:
            return True
        return len({result.mention for result in results}) == len(results) and bool(self._together(results))

    def script(self, entry: Entry, index: int) -> Script:
        """Return the decisions of derivation number `index` of an entry."""
        return tuple(self._spelled(entry, index))

    def _spelled(self, entry: Entry, index: int) -> list[int | float | str]:
        if not isinstance(entry, (Result, Met)):
            return [entry]
        found: list[int | float | str] = []
        ways = self._ways(entry)
        if ways is None:
            return ["(", ANY, ")"]
        for way in ways:
            count = self._count_all(way)
            if index < count:
                for part in way:
                    index, inner = divmod(index, self.count(part))
                    found += self._spelled(part, inner)
                return ["(", *found, ")"] if isinstance(entry, Met) and entry.named else found
            index -= count
        raise IndexError(index)

    def _count_all(self, way: Way) -> int:
        return prod(map(self.count, way))

    def _ways(self, entry: Result | Met) -> Sequence[Way] | None:
        """Return the ways to an entry, those with few decisions first; None where anything may be decided."""
        if isinstance(entry, Met) and not entry.results:
            return None
        if entry not in self._sorted:
            ways = entry.ways if isinstance(entry, Result) else self._together(entry.results)
            self._sorted[entry] = sorted(ways, key=lambda way: sum(map(self._least, way)))
        return self._sorted[entry]

    def _least(self, entry: Entry) -> int:
        """Return how many decisions an entry has at least."""
        if not isinstance(entry, (Result, Met)):
            return 1
        if entry not in self._fewest:
            ways = self._ways(entry)
            self._fewest[entry] = sum(map(self._least, ways[0])) if ways else 1
        return self._fewest[entry]

    # ---------------------------------------------------------------- what leads to several results
    def _together(self, results: frozenset[Result]) -> Sequence[Way]:
        """Return the ways to all of some results, of mentions of one architecture at several inputs."""
        known = self._met.get(results)
        if known is None:
            first, *others = sorted(results, key=lambda result: result.mention)
            found: Sequence[Way] = first.ways
            for other in others:
                pairs = product(found, other.ways)
                found = [way for one, more in pairs if (way := self._both(one, more)) is not None]
            known = self._met[results] = found
        return known

    def _both(self, one: Way, other: Way) -> Way | None:
        if len(one) != len(other):
            return None
        found: list[Entry] = []
        for left, right in zip(one, other, strict=True):
            both = self._entry(left, right)
            if both is None:
                return None
            found.append(both)
        return tuple(found)

    def _entry(self, one: Entry, other: Entry) -> Entry | None:
        """Return what is decided where two walks of one architecture decide both; None where that is nothing."""
        if not isinstance(one, (Result, Met)) or not isinstance(other, (Result, Met)):
            return one if one == other else None
        named = isinstance(one, Met) and one.named
        if named != (isinstance(other, Met) and other.named):
            return None
        results = _results(one) | _results(other)
        return Met(results, named) if self.are_met(results) else None


def _results(entry: Result | Met) -> frozenset[Result]:
    return frozenset((entry,)) if isinstance(entry, Result) else entry.results
