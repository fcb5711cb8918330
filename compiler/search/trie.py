"""The choices that trials made, as a tree in which each node counts the trials below it and what they gained."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, prod

from archc.runtime.derivations.measure import counts
from archc.runtime.derivations.nodes import owners
from archc.spaces.forest import Forest


@dataclass(slots=True)
class Tally:
    """How many trials were asked, how many of them have ended, and what these gained, in whole numbers."""

    asked: int = 0
    told: int = 0
    gain: int = 0


@dataclass(slots=True)
class Node:
    """Where trials came by. A node with one trial is not divided: `rest` are the choices that this trial made from here.

    `most` is how many members begin with the choices that lead here.
    """

    most: float
    tally: Tally = field(default_factory=Tally)
    rest: Sequence[int] = ()
    below: dict[int, "Node"] = field(default_factory=dict)

    @property
    def is_closed(self) -> bool:
        """Whether all members that begin so were asked."""
        return self.tally.asked >= self.most


class Trie:
    """What was asked and told. Sums are of whole numbers: the same trials make the same tree in whatever order they come."""

    def __init__(self, forest: Forest) -> None:
        self._forest = forest
        self._counts, self._owners = counts(forest), owners(forest)
        self._endless = any(site.is_continuous for site in forest.sites)
        self.root = Node(self._size(self._counts[forest.root]))
        self._exact: dict[int, int] = {}

    def choices(self, edges: Sequence[int]) -> list[int]:
        """Return the edges of a derivation at which there was a choice."""
        rows, owned = self._forest.rows, self._owners
        return [edge for edge in edges if len(rows[owned[edge]]) > 1]

    def enter(self, edges: Sequence[int]) -> None:
        """Count a member that was asked."""
        path = self.choices(edges)
        node, at, many = self.root, 0, self._counts[self._forest.root]
        while True:
            if not node.tally.asked:
                node.rest = path[at:]
            else:
                self.divide(node, many)
            node.tally.asked += 1
            if node.tally.asked == 1 or at == len(path):
                return
            node, many, at = *self._child(node, path[at], many), at + 1

    def tell(self, edges: Sequence[int], gain: int) -> None:
        """Count what a member gained that was entered before."""
        node, path = self.root, iter(self.choices(edges))
        while True:
            node.tally.told += 1
            node.tally.gain += gain
            if node.rest or not node.below:
                return
            node = node.below[next(path)]

    def divide(self, node: Node, many: int) -> None:
        """Move the only trial of a node one choice further down; `many` members begin as the node does."""
        if not node.rest:
            return
        (edge, *rest), node.rest = node.rest, ()
        child, _ = self._child(node, edge, many)
        child.rest = rest
        child.tally = Tally(node.tally.asked, node.tally.told, node.tally.gain)

    def within(self, many: int, edge: int) -> int:
        """Return how many members begin with a choice behind the choices with which `many` begin."""
        return many // self._counts[self._owners[edge]] * prod([self._counts[c] for c in self._forest.calls[edge]])

    def forget(self) -> None:
        """Forget what was told and gained, not what was asked."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            node.tally.told = node.tally.gain = 0
            waiting.extend(node.below.values())

    def _child(self, node: Node, edge: int, many: int) -> tuple[Node, int]:
        inner = self.within(many, edge)
        if edge not in node.below:
            node.below[edge] = Node(self._size(inner))
        return node.below[edge], inner

    def _size(self, many: int) -> float:
        return inf if self._endless or many.bit_length() > 1000 else float(many)
