"""Two derivations -> how far they are apart, and the edits that lead from one to the other."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from archc.runtime.derivations.nodes import Nodes, drawn, nodes_of
from archc.spaces.forest import Decision, Derivation, Forest, script

Ints = NDArray[np.int32]
Label = tuple[str, str, str, tuple[Decision, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Edit:
    """One step: change what node `one` says to what node `other` says, remove node `one`, or add node `other`.

    `one` and `other` are nodes, in preorder, of the derivation from which and of that to which the path leads.
    The children of a node that is removed take its place.
    """

    kind: Literal["change", "remove", "add"]
    one: int | None
    other: int | None


@dataclass(frozen=True, slots=True)
class _Tree:
    """A derivation in postorder: labels by number, the first node of each subtree, and preorder numbers.

    Equal subtrees have one number in `shapes`. A keyroot is the last node that has some first leaf (Zhang and Shasha,
    section 3); of keyroots with equal subtrees `keyroots` has the first alone.
    """

    labels: Ints
    firsts: Ints
    shapes: Ints
    keyroots: tuple[int, ...]
    names: tuple[int, ...]


def distance(forest: Forest, one: Derivation, other: Derivation) -> tuple[int, tuple[Edit, ...]]:
    """Return the tree edit distance of two derivations of `forest`, and so many edits that turn `one` into `other`.

    Nodes are labelled with the cell of their state, their decisions and their reals; a change, a removal and an addition
    count 1 each, and the order of children stays (Zhang and Shasha, Simple fast algorithms for the editing distance
    between trees and related problems, SIAM Journal on Computing 18, 1989). It is a metric, and 0 for equal derivations
    only. With n and m nodes it takes n * m steps for each pair of different keyroots at most, a row of them at once, and
    memory for n * m numbers.
    """
    numbers: dict[Label, int] = {}
    left, right = _tree(forest, one, numbers), _tree(forest, other, numbers)
    apart = np.zeros((int(left.shapes.max()) + 1, int(right.shapes.max()) + 1), dtype=np.int32)
    for at in left.keyroots:
        for to in right.keyroots:
            _between(left, right, at, to, apart, keep=True)
    return int(apart[left.shapes[-1], right.shapes[-1]]), _path(left, right, apart)


def _tree(forest: Forest, derivation: Derivation, numbers: dict[Label, int]) -> _Tree:
    nodes, ranges = nodes_of(forest, derivation), drawn(forest)
    decided = forest.label[list(derivation.edges)].tolist()
    labels: list[int] = []
    firsts: list[int] = []
    shapes: list[int] = []
    known: dict[tuple[int, ...], int] = {}
    names = _postorder(nodes)
    for at in names:
        edge, start = derivation.edges[at], nodes.reals[at]
        cell, reals = forest.cells[nodes.states[at]], derivation.reals[start : start + len(ranges[edge])]
        label = (cell.name, cell.source, cell.target, forest.decisions[decided[at]], reals)
        labels.append(numbers.setdefault(label, len(numbers)))
        children: list[int] = []
        first = len(firsts)
        for _ in forest.calls[edge]:
            children.append(shapes[first - 1])
            first = firsts[first - 1]
        firsts.append(first)
        shapes.append(known.setdefault((labels[-1], *children), len(known)))
    last = {first: place for place, first in enumerate(firsts)}
    different = {shapes[place]: place for place in sorted(last.values(), reverse=True)}
    label_row, first_row, shape_row = (np.array(each, dtype=np.int32) for each in (labels, firsts, shapes))
    return _Tree(label_row, first_row, shape_row, tuple(sorted(different.values())), tuple(names))


def _postorder(nodes: Nodes) -> list[int]:
    """Return the nodes, in preorder numbers, in the order of the ends of their subtrees."""
    found: list[int] = []
    open_: list[int] = []
    for at in range(len(nodes.ends)):
        while open_ and nodes.ends[open_[-1]] <= at:
            found.append(open_.pop())
        open_.append(at)
    return found + open_[::-1]


def _between(left: _Tree, right: _Tree, at: int, to: int, apart: Ints, *, keep: bool) -> Ints:
    """Return the distances between what the subtrees of `at` and `to` begin with, up to each of their nodes.

    Row i and column j are for the first i and j nodes in postorder. All subtrees inside must be in `apart` but those
    that begin where `at` and `to` begin, which are written there if `keep` is set.
    """
    low, start = int(left.firsts[at]), int(right.firsts[to])
    width = to - start + 1
    steps = np.arange(width + 1, dtype=np.int32)
    table = np.zeros((at - low + 2, width + 1), dtype=np.int32)
    table[0] = steps
    firsts, labels = right.firsts[start : to + 1] - start, right.labels[start : to + 1]
    shapes = right.shapes[start : to + 1]
    is_whole = firsts == 0
    for row in range(1, at - low + 2):
        node = low + row - 1
        first = int(left.firsts[node]) - low
        matched = table[first, firsts] + apart[left.shapes[node], shapes]
        if first == 0:
            changed = table[row - 1, :-1] + (labels != left.labels[node])
            matched = np.where(is_whole, changed, matched)
        best = np.empty(width + 1, dtype=np.int32)
        best[0] = row
        np.minimum(table[row - 1, 1:] + 1, matched, out=best[1:])
        table[row] = np.minimum.accumulate(best - steps) + steps
        if keep and first == 0:
            apart[left.shapes[node], shapes[is_whole]] = table[row, 1:][is_whole]
    return table


def _path(left: _Tree, right: _Tree, apart: Ints) -> tuple[Edit, ...]:
    found: list[Edit] = []
    waiting = [(len(left.labels) - 1, len(right.labels) - 1)]
    while waiting:
        at, to = waiting.pop()
        table = _between(left, right, at, to, apart, keep=False)
        low, start = int(left.firsts[at]), int(right.firsts[to])
        row, column = table.shape[0] - 1, table.shape[1] - 1
        while row or column:
            node, place = low + row - 1, start + column - 1
            if row and table[row, column] == table[row - 1, column] + 1:
                found.append(Edit("remove", left.names[node], None))
                row -= 1
            elif column and table[row, column] == table[row, column - 1] + 1:
                found.append(Edit("add", None, right.names[place]))
                column -= 1
            elif left.firsts[node] == low and right.firsts[place] == start:
                if left.labels[node] != right.labels[place]:
                    found.append(Edit("change", left.names[node], right.names[place]))
                row, column = row - 1, column - 1
            else:
                waiting.append((node, place))
                row, column = int(left.firsts[node]) - low, int(right.firsts[place]) - start
    return tuple(sorted(found, key=_order))


def _order(edit: Edit) -> tuple[int, int]:
    """Return the place of an edit in the path: removals from the end on, changes, additions from the begin on."""
    match edit.kind:
        case "remove":
            return (0, -(edit.one or 0))
        case "change":
            return (1, edit.one or 0)
        case "add":
            return (2, edit.other or 0)


def hamming(forest: Forest, one: Derivation, other: Derivation) -> int | None:
    """Return in how many decisions two derivations differ, reals included; None if they do not make the same ones.

    That is where their nodes decide the same sites in the same order. Time is linear in the number of nodes.
    """
    if _sites(forest, one) != _sites(forest, other):
        return None
    decided = zip(script(forest, one), script(forest, other), strict=True)
    return sum(left != right for left, right in decided)


def _sites(forest: Forest, derivation: Derivation) -> list[tuple[int, tuple[int, ...]]]:
    """Return for each node how many children it has, and the sites that it decides."""
    labels = forest.label[list(derivation.edges)].tolist()
    return [
        (len(forest.calls[edge]), tuple(site for site, _ in forest.decisions[label]))
        for edge, label in zip(derivation.edges, labels, strict=True)
    ]
