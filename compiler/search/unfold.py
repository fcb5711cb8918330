"""A forest -> one with the same derivations whose states know their place, so that what is additive by place is by edge."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from archc.runtime.derivations.draw import Sampler
from archc.runtime.derivations.nodes import labels
from archc.search.places import CONTEXT, Feature, Place, below
from archc.spaces.forest import Decision, Derivation, Forest, forest_of

MOST = 20_000
"""How many edges there are at most; with less context there are fewer."""


@dataclass(frozen=True, eq=False)
class Unfolded:
    """The forest, and for each of its edges the edge of the whole that it stands for, and what it decides where."""

    forest: Forest
    origins: Sequence[int]
    made: Sequence[Feature | None]
    context: int

    def costs(self, costs: Sequence[int]) -> list[int]:
        """Return the costs of the edges from those of the whole."""
        return [costs[edge] for edge in self.origins]

    def original(self, edges: Sequence[int]) -> list[int]:
        """Return the edges of the whole."""
        return [self.origins[edge] for edge in edges]


def unfold(forest: Forest) -> Unfolded:
    """Return the forest with as much context as fits; with none it is the forest itself with other numbers."""
    for context in range(CONTEXT, 0, -1):
        found = _reached(forest, context, MOST)
        if found is not None:
            return _unfolded(forest, found, context)
    found = _reached(forest, 0, None)
    assert found is not None
    return _unfolded(forest, found, 0)


def _reached(forest: Forest, context: int, most: int | None) -> list[tuple[int, Place]] | None:
    """Return the states with their places that the root leads to, children first; None where they have too many edges."""
    known: set[tuple[int, Place]] = {(forest.root, ())}
    waiting: list[tuple[int, Place]] = [(forest.root, ())]
    edges = 0
    while waiting:
        state, place = waiting.pop()
        edges += len(forest.rows[state])
        if most is not None and edges > most:
            return None
        for edge in forest.rows[state]:
            for child in zip(forest.calls[edge], below(forest, place, edge, context), strict=True):
                if child not in known:
                    known.add(child)
                    waiting.append(child)
    return sorted(known)


def _unfolded(forest: Forest, reached: Sequence[tuple[int, Place]], context: int) -> Unfolded:
    numbers = {entry: number for number, entry in enumerate(reached)}
    known = labels(forest)
    rows: list[list[tuple[tuple[Decision, ...], list[int]]]] = []
    origins: list[int] = []
    made: list[Feature | None] = []
    for state, place in reached:
        row = []
        for edge in forest.rows[state]:
            places = below(forest, place, edge, context)
            children = [numbers[child] for child in zip(forest.calls[edge], places, strict=True)]
            decisions = forest.decisions[known[edge]]
            row.append((decisions, children))
            origins.append(edge)
            made.append((place, known[edge]) if decisions else None)
        rows.append(row)
    return Unfolded(forest_of(rows, forest.sites, numbers[forest.root, ()]), origins, made, context)


class Through:
    """Draws derivations that come by a given edge."""

    def __init__(self, forest: Forest) -> None:
        self._forest, self._sampler = forest, Sampler(forest, "weights")
        self._owner: list[int] = forest.owner.tolist()
        self._callers: list[list[tuple[int, int]]] = [[] for _ in range(forest.states)]
        for edge, children in enumerate(forest.calls):
            for slot, child in enumerate(children):
                self._callers[child].append((edge, slot))

    def draw(self, edge: int, rng: Random) -> Derivation:
        """Return a derivation with this edge: the way up to the root by chance, all else by the weights."""
        path = [(edge, len(self._forest.calls[edge]))]
        while (state := self._owner[path[-1][0]]) != self._forest.root:
            path.append(rng.choice(self._callers[state]))
        edges: list[int] = []
        behind: list[int] = []
        for taken, slot in reversed(path):
            edges.append(taken)
            children = self._forest.calls[taken]
            edges.extend(self._sampler.complete(rng, children[:slot][::-1]))
            behind.extend(children[slot + 1 :][::-1])
        edges.extend(self._sampler.complete(rng, behind))
        return Derivation(tuple(edges), self._sampler.reals(rng, edges))
