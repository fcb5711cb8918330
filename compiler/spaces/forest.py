"""The forest of a space: states, weighted hyperedges and decisions, as plain tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray

from archc.grammar.source import NOWHERE, Span
from archc.rules.scripts import Script
from archc.tensor import Type

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

Decision = tuple[int, int]
"""A site of the forest by number, and which of its options."""


@dataclass(frozen=True, slots=True)
class Site:
    """One choice in the text of a space: its options as text, and the share of the weight that each has (sum 1).

    A continuous range has one option; `low` and `high` are its bounds, and `logarithmic` tells how it is drawn.
    """

    options: tuple[str, ...]
    shares: tuple[float, ...]
    span: Span = field(default=NOWHERE, compare=False)
    low: float | None = None
    high: float | None = None
    logarithmic: bool = False

    @property
    def is_continuous(self) -> bool:
        """Whether it draws a real number, which counts as one option."""
        return self.low is not None


@dataclass(frozen=True, slots=True)
class Cell:
    """What a state derives: the place in the program (a space with its arguments), and its type from input to output."""

    name: str
    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.name} : {self.source} -> {self.target}" if self.source else self.name


@dataclass(frozen=True, slots=True)
class Cells(Sequence[Cell]):
    """The cells of the states; the texts of their types are made when asked for.

    `sources` and `targets` are numbers of `types`, -1 where there is none.
    """

    names: tuple[str, ...]
    sources: Ints
    targets: Ints
    types: Sequence[Type]
    _texts: dict[int, str] = field(default_factory=lambda: {-1: ""}, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, at: int) -> Cell: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[Cell, ...]: ...

    def __getitem__(self, at: int | slice) -> Cell | tuple[Cell, ...]:
        if isinstance(at, slice):
            return tuple(map(self.__getitem__, range(*at.indices(len(self)))))
        return Cell(self.names[at], self._text(int(self.sources[at])), self._text(int(self.targets[at])))

    def _text(self, kind: int) -> str:
        if kind not in self._texts:
            self._texts[kind] = str(self.types[kind])
        return self._texts[kind]


@dataclass(frozen=True, slots=True)
class Use:
    """A part of a network without choices that an edge adds: piece `piece` of the forest.

    It runs `runs` times (multiply-accumulates, activations, ops) and has `copies` sets of weights.
    """

    piece: int
    runs: int = 1
    copies: int = 1


@dataclass(frozen=True, slots=True)
class Additions(Sequence[tuple[Use, ...]]):
    """What each edge adds, by number of `table`: rows of a piece, its runs and its copies. It is made when asked for."""

    numbers: Ints
    table: Sequence[Sequence[tuple[int, int, int]]]
    _made: dict[int, tuple[Use, ...]] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[tuple[Use, ...]]:
        return map(self._use, self.numbers.tolist())

    @overload
    def __getitem__(self, at: int) -> tuple[Use, ...]: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[tuple[Use, ...], ...]: ...

    def __getitem__(self, at: int | slice) -> tuple[Use, ...] | tuple[tuple[Use, ...], ...]:
        if isinstance(at, slice):
            return tuple(map(self._use, self.numbers[at].tolist()))
        return self._use(int(self.numbers[at]))

    def _use(self, number: int) -> tuple[Use, ...]:
        known = self._made.get(number)
        if known is None:
            known = self._made[number] = tuple([Use(*row) for row in self.table[number]])
        return known


@dataclass(frozen=True, eq=False)
class Forest:
    """States 0..S-1 with their edges 0..E-1, of which every one can be part of a whole derivation.

    The edges of state s are `first_edge[s]` to `first_edge[s + 1] - 1`; edge e makes the decisions
    `decisions[label[e]]`, then derives the states `children[first_child[e]:first_child[e + 1]]` in order. A child has a
    lower number than its parent, so there are no cycles. `nested` marks children that are decided by a name (`choose`,
    a shared `let`, an argument) and used any number of times. `uses[e]` is what the edge adds to the network.
    A state and what it decides determine the derivation: no two edges of a state derive the same decisions.
    `lost` is the share of the derivations' weight that was dropped where a state had too many output types (0 if exact).
    """

    first_edge: Ints
    first_child: Ints
    children: Ints
    nested: NDArray[np.bool_]
    label: Ints
    decisions: tuple[tuple[Decision, ...], ...]
    sites: tuple[Site, ...]
    cells: Sequence[Cell]
    uses: Sequence[tuple[Use, ...]]
    root: int
    lost: float = 0.0

    @property
    def exact(self) -> bool:
        """Whether it derives every well-typed member."""
        return self.lost == 0.0

    @property
    def states(self) -> int:
        """How many states there are."""
        return len(self.first_edge) - 1

    @property
    def edges(self) -> int:
        """How many edges there are."""
        return len(self.label)

    @cached_property
    def rows(self) -> tuple[range, ...]:
        """The edges of each state."""
        bounds = self.first_edge.tolist()
        return tuple(map(range, bounds[:-1], bounds[1:]))

    @cached_property
    def calls(self) -> tuple[tuple[int, ...], ...]:
        """The children of each edge."""
        bounds, children = self.first_child.tolist(), self.children.tolist()
        return tuple(tuple(children[low:high]) for low, high in pairwise(bounds))

    @cached_property
    def spoken(self) -> tuple[tuple[tuple[int | None, ...], tuple[str, ...]], ...]:
        """For each edge the options that it decides, None for a number of a range, and what stands before each child."""
        options = [
            tuple(None if self.sites[site].is_continuous else option for site, option in entry)
            for entry in self.decisions
        ]
        nested, bounds = self.nested.tolist(), self.first_child.tolist()
        marks = [
            tuple("(" if nested[place] else "" for place in range(high - 1, low - 1, -1))
            for low, high in pairwise(bounds)
        ]
        return tuple((options[label], mark) for label, mark in zip(self.label.tolist(), marks, strict=True))

    @cached_property
    def owner(self) -> Ints:
        """The state of each edge."""
        return np.repeat(np.arange(self.states), np.diff(self.first_edge))

    def shares(self, sites: Sequence[Site] | None = None) -> Floats:
        """Return for each edge the product of the shares of its decisions; `sites` takes the place of the forest's own."""
        known = self.sites if sites is None else sites
        each = []
        for entry in self.decisions:
            share = 1.0
            for site, option in entry:
                share *= known[site].shares[option]
            each.append(share)
        return np.array(each, dtype=np.float64)[self.label]


@dataclass(frozen=True, slots=True)
class Derivation:
    """One member of a forest: its edges in preorder, and the numbers drawn from continuous ranges in the same order."""

    edges: tuple[int, ...]
    reals: tuple[float, ...] = ()


def script(forest: Forest, derivation: Derivation) -> Script:
    """Return the decisions of a derivation."""
    found: list[int | float | str] = []
    reals = iter(derivation.reals)
    edges = iter(derivation.edges)
    waiting = [""]
    spoken = forest.spoken
    while waiting:
        mark = waiting.pop()
        if mark:
            found.append(mark)
            if mark == ")":
                continue
            waiting.append(")")
        options, marks = spoken[next(edges)]
        for option in options:
            found.append(next(reals) if option is None else option)
        waiting += marks
    return tuple(found)


def subtree(forest: Forest, edges: Sequence[int], at: int) -> int:
    """Return where the part of a derivation that begins at `at` ends."""
    missing = 1
    while missing:
        missing += len(forest.calls[edges[at]]) - 1
        at += 1
    return at


def forest_of(
    rows: Sequence[Sequence[tuple[Sequence[Decision], Sequence[int]]]], sites: Sequence[Site], root: int
) -> Forest:
    """Return a forest from the edges of each state, each with its decisions and children."""
    labels: dict[tuple[Decision, ...], int] = {}
    edges = [edge for row in rows for edge in row]
    label = [labels.setdefault(tuple(decisions), len(labels)) for decisions, _ in edges]
    children = [child for _, called in edges for child in called]
    return Forest(
        first_edge=np.cumsum([0, *map(len, rows)]),
        first_child=np.cumsum([0, *(len(called) for _, called in edges)]),
        children=np.array(children, dtype=np.int64),
        nested=np.zeros(len(children), dtype=np.bool_),
        label=np.array(label, dtype=np.int64),
        decisions=tuple(labels),
        sites=tuple(sites),
        cells=tuple(Cell(f"state {number}", "", "") for number in range(len(rows))),
        uses=((),) * len(edges),
        root=root,
    )
