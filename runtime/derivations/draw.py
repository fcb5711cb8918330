"""A forest and chance -> derivations, one by one or many at once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ldexp, prod
from random import Random
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from archc.runtime.derivations.alias import (
    WORD,
    AliasTables,
    Bits,
    Table,
    WordStream,
    alias_table,
    alias_tables,
    slots_of,
)
from archc.runtime.derivations.measure import counts
from archc.runtime.derivations.reals import BITS, Ranges, spread
from archc.runtime.derivations.weights import Weights, by_count, by_weight
from archc.spaces.forest import Derivation, Floats, Forest, Ints, Site

CHUNK = 256
"""Derivations of the first part of a batch."""

NODES, WIDTH = 1 << 17, 1 << 7
"""The parts after it have about so many nodes, or so many a level where derivations are deep."""

FRACTION = 62
"""Bits after the point of a probability."""

By = Literal["weights", "count"]
"""In proportion to the weights among what is well typed, or each derivation as likely."""


@dataclass(frozen=True, eq=False, slots=True)
class Batch(Sequence[Derivation]):
    """Derivations one after another in flat arrays; each becomes an object when it is asked for.

    Derivation i has the edges `edges[starts[i]:starts[i + 1]]`, in preorder, and the numbers
    `reals[real_starts[i]:real_starts[i + 1]]`.
    """

    edges: NDArray[np.int32]
    starts: Ints
    reals: Floats
    real_starts: Ints

    def __len__(self) -> int:
        return len(self.starts) - 1

    @overload
    def __getitem__(self, at: int) -> Derivation: ...
    @overload
    def __getitem__(self, at: slice) -> "tuple[Derivation, ...]": ...
    def __getitem__(self, at: int | slice) -> "Derivation | tuple[Derivation, ...]":
        if isinstance(at, slice):
            return tuple(self[number] for number in range(*at.indices(len(self))))
        number = range(len(self))[at]
        edges = self.edges[self.starts[number] : self.starts[number + 1]]
        reals = self.reals[self.real_starts[number] : self.real_starts[number + 1]]
        return Derivation(tuple(edges.tolist()), tuple(reals.tolist()))

    def __iter__(self) -> Iterator[Derivation]:
        starts, real_starts = self.starts.tolist(), self.real_starts.tolist()
        for at in range(0, len(self), CHUNK):
            upto = min(at + CHUNK, len(self))
            zero, real_zero = starts[at], real_starts[at]
            edges = tuple(self.edges[zero : starts[upto]].tolist())
            reals = tuple(self.reals[real_zero : real_starts[upto]].tolist())
            for number in range(at, upto):
                yield Derivation(
                    edges[starts[number] - zero : starts[number + 1] - zero],
                    reals[real_starts[number] - real_zero : real_starts[number + 1] - real_zero],
                )


@dataclass(frozen=True, eq=False)
class Sampler:
    """Draws derivations of a forest, each with its probability; none is ever drawn and thrown away.

    By "weights", the probability is the product of the shares of what is decided, conditioned on well-typedness: an
    edge is drawn in proportion to its share times the masses inside its children. By "count" every derivation has the
    same probability, exactly, from a batch as well: where the bits of a word leave a choice open, more bits settle it. By
    weights the same, but the probabilities of edges are floats (`weights.by_weight`) in units of 2**-62. `sites` takes
    the place of the forest's own, with other shares. Numbers of continuous ranges are drawn as `Ranges` says.

    The same `rng` gives the same derivations on every machine. `draw` and `batch` use it differently. Raises
    `ValueError` where every derivation has weight 0.
    """

    forest: Forest
    by: By = "weights"
    sites: Sequence[Site] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.by not in ("weights", "count"):
            raise ValueError(f"by: expected 'weights' or 'count', found {self.by!r}")
        if self.sites is not None and len(self.sites) != len(self.forest.sites):
            raise ValueError(f"sites: expected {len(self.forest.sites)}, as the forest has, found {len(self.sites)}")
        if self.by == "weights" and not self._masses.inside[self.forest.root][0]:
            raise ValueError("every derivation of this space has weight 0; give some alternative a weight")

    @cached_property
    def chances(self) -> Sequence[float]:
        """The probability of each edge among those of its state."""
        return by_count(self.forest) if self.by == "count" else self._masses.chances

    def draw(self, rng: Random) -> Derivation:
        """Return a derivation."""
        edges = self.complete(rng, [self.forest.root])
        return Derivation(tuple(edges), self.reals(rng, edges))

    def complete(self, rng: Bits, waiting: Sequence[int]) -> list[int]:
        """Return edges in preorder that derive all states of `waiting`, of which the last comes first."""
        calls, rows, tables = self.forest.calls, self.forest.rows, self._known
        waiting = list(waiting)
        edges: list[int] = []
        while waiting:
            state = waiting.pop()
            edge = rows[state].start
            if len(rows[state]) > 1:
                if state not in tables:
                    tables[state] = self._table(state)
                shift, bounds, pairs = tables[state]
                word = rng.getrandbits(WORD)
                slot = word >> shift
                bound = bounds[slot]
                edge = pairs[2 * slot + (word > bound)] if word != bound else self._settle(state, word, rng)
            edges.append(edge)
            waiting += calls[edge][::-1]
        return edges

    def reals(self, rng: Bits, edges: Sequence[int]) -> tuple[float, ...]:
        """Return the numbers that edges draw from continuous ranges, in their order."""
        if not self._ranges.any:
            return ()
        label, of_label = self.forest.label, self._ranges.of_label
        sites = [site for edge in edges for site in of_label[label[edge]]]
        words = np.array([rng.getrandbits(BITS) for _ in sites], dtype=np.uint64)
        return tuple(self._ranges.values(np.array(sites, dtype=np.int64), words).tolist())

    def batch(self, rng: Random, n: int) -> Batch:
        """Return n derivations, drawn together level by level from PCG64 with a seed of 128 bits from `rng`."""
        words = WordStream(rng.getrandbits(128))
        done, nodes, chunk = 0, 0, CHUNK
        edges, reals = [np.zeros(0, np.int32)], [np.zeros(0)]
        sizes, real_sizes = [np.zeros(1, np.int64)], [np.zeros(1, np.int64)]
        while done < n:
            levels = self._levels(words, min(chunk, n - done))
            drawn, starts = _preorder(levels)
            done, nodes = done + len(starts) - 1, nodes + len(drawn)
            chunk = max(1, max(NODES, WIDTH * len(levels)) * done // nodes)
            edges.append(drawn.astype(np.int32))
            sizes.append(np.diff(starts))
            numbers, before = self._numbers(words, drawn)
            reals.append(numbers)
            real_sizes.append(np.diff(before[starts]))
        return Batch(
            np.concatenate(edges),
            np.cumsum(np.concatenate(sizes)),
            np.concatenate(reals),
            np.cumsum(np.concatenate(real_sizes)),
        )

    @cached_property
    def _masses(self) -> Weights:
        return by_weight(self.forest, self.sites)

    @cached_property
    def _weights(self) -> Callable[[int], Sequence[int]]:
        return _count_weights(self.forest) if self.by == "count" else _chance_weights(self.forest, self._masses.chances)

    @cached_property
    def _known(self) -> dict[int, Table]:
        """The tables of the states that draws one by one have come by."""
        return {}

    def _table(self, state: int) -> Table:
        row = self.forest.rows[state]
        return alias_table(row, self._weights(state) if len(row) > 1 else ())

    @cached_property
    def _tables(self) -> AliasTables:
        return alias_tables(map(self._table, range(self.forest.states)))

    @cached_property
    def _ranges(self) -> Ranges:
        return Ranges(self.forest, self.forest.sites if self.sites is None else self.sites)

    def _settle(self, state: int, word: int, source: Bits) -> int:
        row = self.forest.rows[state]
        if len(row) == 1:
            return row[0]
        slots = slots_of(self._weights(state))
        return row[slots.settle(word >> slots.shift, source)]

    def _levels(self, words: WordStream, n: int) -> list[tuple[Ints, Ints]]:
        """Return for each level of n derivations its edges, and the number of children up to and with each edge."""
        forest, tables = self.forest, self._tables
        arity = np.diff(forest.first_child)
        states = np.full(n, forest.root)
        levels = []
        while states.size:
            drawn = words.words(states.size)
            edges, open_ = tables.pick(states, drawn)
            for at in open_.tolist():
                edges[at] = self._settle(int(states[at]), int(drawn[at]), words)
            many = arity[edges]
            levels.append((edges, np.cumsum(many)))
            states = forest.children[spread(forest.first_child[edges], many)]
        return levels

    def _numbers(self, words: WordStream, edges: Ints) -> tuple[Floats, Ints]:
        """Return the numbers that edges draw from continuous ranges, and how many come before each edge and in all."""
        if not self._ranges.any:
            return np.zeros(0), np.zeros(len(edges) + 1, dtype=np.int64)
        sites, before = self._ranges.met(edges)
        return self._ranges.values(sites, words.words(len(sites)) >> np.uint64(WORD - BITS)), before


def _count_weights(forest: Forest) -> Callable[[int], Sequence[int]]:
    """Return the function from a state to the number of derivations of each of its edges."""
    known, calls, rows = counts(forest), forest.calls, forest.rows
    return lambda state: [prod([known[child] for child in calls[edge]]) for edge in rows[state]]


def _chance_weights(forest: Forest, chances: Sequence[float]) -> Callable[[int], Sequence[int]]:
    """Return the function from a state to the probability of each of its edges, in units of 2**-`FRACTION`."""
    rows = forest.rows

    def integers(state: int) -> list[int]:
        row = rows[state]
        found = [int(ldexp(chance, FRACTION)) for chance in chances[row.start : row.stop]]
        return found if any(found) else [1] * len(row)  # a state of weight 0, which no draw comes by

    return integers


def _preorder(levels: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    """Return the edges of all derivations in preorder, and where each derivation begins and the last ends."""
    sums = [np.zeros(1, dtype=np.int64)]
    for _, ends in reversed(levels):
        upto = sums[-1][ends]
        upto[1:] -= upto[:-1].copy()
        sums.append(np.concatenate(([0], np.cumsum(upto + 1))))
    starts = sums.pop()
    found = np.empty(starts[-1], dtype=np.int64)
    places = starts[:-1]
    for edges, ends in levels:
        found[places] = edges
        inner = sums.pop()
        first = np.concatenate(([0], ends[:-1]))
        places = np.repeat(places + 1 - inner[first], ends - first) + inner[:-1]
    return found, starts
