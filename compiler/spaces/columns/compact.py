"""Columns of states -> Forest: those that are reached, children first."""

from dataclasses import dataclass, field

import numpy as np

from archc.spaces.columns.forms import NotPlain
from archc.spaces.columns.relate import Relations
from archc.spaces.columns.tables import NOBODY, Table, spread
from archc.spaces.forest import Cells, Forest, Ints, Use
from archc.spaces.groups import PLAIN
from archc.spaces.refiner import Refiner
from archc.spaces.statics import Plan


def in_columns(refiner: Refiner, plan: Plan, into: int) -> Forest | None:
    """Return the forest of a space at an input type; None where it has to be refined a type at a time, or is empty.

    Raises TooLarge, Refusal, Exhausted as that does.
    """
    relations = Relations.of(refiner)
    try:
        out, states = relations.outputs(plan, into)
    except NotPlain:
        return None
    return _compacted(relations, states, into) if len(out) else None


def _compacted(relations: Relations, roots: Ints, into: int) -> Forest:
    """Return the forest of some states, the outputs of its space at the type `into`."""
    table, refiner = relations.table, relations.refiner
    reached = _Reached(table)
    codes = reached.all(roots)
    origin, scale = codes % table.states, codes // table.states
    start, stop = table.start.all[origin], table.stop.all[origin]
    edges, owner = spread(start, stop - start)
    first, last = table.first_child.all[edges], table.last_child.all[edges]
    places, edge = spread(first, last - first)
    number = np.full(table.states * len(table.scales), NOBODY, dtype=np.int64)
    number[codes] = np.arange(len(codes))
    called = reached.codes(table.children.all[places], scale[owner[edge]])
    count = np.concatenate([last - first, np.ones(len(roots), dtype=np.int64)])
    first_child = np.concatenate([[0], np.cumsum(count)])
    inside = np.repeat(first_child[: len(edges)] + table.nested.all[edges], last - first)
    names = [*relations.forms.names, ""]
    return Forest(
        first_edge=np.concatenate([[0], np.cumsum(stop - start), [len(edges) + len(roots)]]),
        first_child=first_child,
        children=np.concatenate([number[called], number[reached.own(roots)]]),
        nested=np.concatenate([np.arange(len(called)) < inside, np.zeros(len(roots), dtype=np.bool_)]),
        label=np.concatenate([table.label.all[edges], np.full(len(roots), PLAIN)]),
        decisions=tuple(refiner.store.labels),
        sites=tuple(refiner.sites.all),
        cells=Cells(
            names=(*map(names.__getitem__, table.name.all[origin].tolist()), refiner.root.name),
            sources=np.append(table.source.all[origin], into),
            targets=np.append(table.out.all[origin], NOBODY),
            types=refiner.keys.types,
        ),
        uses=(*_uses(table, table.added.all[edges], scale[owner]), *[()] * len(roots)),
        root=len(codes),
    )


def _uses(table: Table, added: Ints, scale: Ints) -> list[tuple[Use, ...]]:
    """Return what each edge adds."""
    each, which = np.unique(scale * len(table.uses.all) + added, return_inverse=True)
    found: list[tuple[Use, ...]] = []
    for both in each.tolist():
        runs, copies = table.scales[both // len(table.uses.all)]
        entry = table.uses.all[both % len(table.uses.all)]
        found.append(tuple([Use(piece, times * runs, sets * copies) for piece, times, sets in entry]))
    return list(map(found.__getitem__, which.tolist()))


@dataclass(slots=True)
class _Reached:
    """States at a scale, as one number each."""

    table: Table
    _composed: dict[tuple[int, int], int] = field(default_factory=dict)

    def own(self, states: Ints) -> Ints:
        """Return some states as they are."""
        return self.table.origin.all[states] + self.table.states * self.table.scale.all[states]

    def codes(self, states: Ints, scale: Ints) -> Ints:
        """Return some states, each at one more scale."""
        table = self.table
        own = table.scale.all[states]
        most = len(table.scales)
        each, which = np.unique(own * most + scale, return_inverse=True)
        composed = np.array([self._compose(both // most, both % most) for both in each.tolist()], dtype=np.int64)
        return table.origin.all[states] + table.states * composed[which]

    def _compose(self, one: int, other: int) -> int:
        key = one, other
        if key not in self._composed:
            self._composed[key] = self.table.scale_of(one, self.table.scales[other])
        return self._composed[key]

    def all(self, roots: Ints) -> Ints:
        """Return all that some states reach, in an order in which children come first."""
        table = self.table
        frontier = np.unique(self.own(roots))
        seen = np.zeros(table.states * len(table.scales), dtype=np.bool_)
        seen[frontier] = True
        while len(frontier):
            origin, scale = frontier % table.states, frontier // table.states
            start = table.start.all[origin]
            edges, owner = spread(start, table.stop.all[origin] - start)
            first = table.first_child.all[edges]
            places, edge = spread(first, table.last_child.all[edges] - first)
            called = np.unique(self.codes(table.children.all[places], scale[owner[edge]]))
            missing = table.states * len(table.scales) - len(seen)
            if missing:
                seen = np.concatenate([seen, np.zeros(missing, dtype=np.bool_)])
            frontier = called[~seen[called]]
            seen[frontier] = True
        found = np.flatnonzero(seen)
        return found[np.lexsort((found // table.states, found % table.states))]
