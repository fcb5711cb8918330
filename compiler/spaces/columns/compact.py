"""Columns of states -> Forest: those that are reached, children first."""

from dataclasses import dataclass

import numpy as np

from archc.spaces.columns.forms import NotPlain
from archc.spaces.columns.relate import Relations
from archc.spaces.columns.tables import NOBODY, Results, Table, spread
from archc.spaces.forest import Additions, Cells, Forest, Ints
from archc.spaces.groups import PLAIN
from archc.spaces.refiner import Refiner
from archc.spaces.statics import Plan


def in_columns(refiner: Refiner, plan: Plan, into: int, most_edges: int) -> Forest | None:
    """Return the forest of a space at an input type; None where it has to be refined a type at a time, or is empty.

    Raises TooLarge, Refusal, Exhausted as that does.
    """
    relations = Relations.of(refiner, most_edges)
    try:
        out, states = relations.outputs(plan, into)
    except NotPlain:
        return None
    relations.results = Results()  # what was answered is in the states
    return _compacted(relations, states, into) if len(out) else None


def _compacted(relations: Relations, roots: Ints, into: int) -> Forest:
    """Return the forest of some states, the outputs of its space at the type `into`."""
    table, refiner = relations.table, relations.refiner
    reached = _Reached(table, 1 << (2 * len(table.scales) - 1).bit_length())
    codes = reached.all(roots)
    origin, scale = codes // reached.most, codes % reached.most
    start, stop = table.start.all[origin], table.stop.all[origin]
    edges, owner = spread(start, stop - start)
    first, last = table.first_child.all[edges], table.last_child.all[edges]
    places, edge = spread(first, last - first)
    number = np.full(table.states * reached.most, NOBODY, dtype=np.int32)
    number[codes] = np.arange(len(codes))
    called = reached.codes(table.children.all[places], scale[owner[edge]])
    count = np.concatenate([last - first, np.ones(len(roots), dtype=np.int64)])
    first_child = np.concatenate([[0], np.cumsum(count)])
    nested = np.zeros(len(called) + len(roots), dtype=np.bool_)
    nested[spread(first_child[: len(edges)], table.nested.all[edges])[0]] = True
    names = [*relations.forms.names, ""]
    return Forest(
        first_edge=np.concatenate([[0], np.cumsum(stop - start), [len(edges) + len(roots)]]),
        first_child=first_child,
        children=np.concatenate([number[called], number[reached.own(roots)]], dtype=np.int64),
        nested=nested,
        label=np.concatenate([table.label.all[edges], np.full(len(roots), PLAIN)], dtype=np.int64),
        decisions=tuple(refiner.store.labels),
        sites=tuple(refiner.sites.all),
        cells=Cells(
            names=(*map(names.__getitem__, table.name.all[origin].tolist()), refiner.root.name),
            sources=np.append(table.source.all[origin], into).astype(np.int64),
            targets=np.append(table.out.all[origin], NOBODY).astype(np.int64),
            types=refiner.keys.types,
        ),
        uses=_added(
            table,
            np.append(table.added.all[edges], np.zeros_like(roots)),
            np.append(scale[owner], np.zeros_like(roots)),
        ),
        root=len(codes),
    )


def _added(table: Table, added: Ints, scale: Ints) -> Additions:
    """Return what each edge adds, each at a scale."""
    numbers = added.astype(np.int64)
    for number in np.flatnonzero(np.bincount(scale, minlength=1)[1:]).tolist():
        runs, copies = table.scales[number + 1]
        places = np.flatnonzero((scale == number + 1) & (added != 0))
        each, which = np.unique(added[places], return_inverse=True)
        scaled = [table.uses.scaled(entry, runs, copies) for entry in each.tolist()]
        numbers[places] = np.array(scaled, dtype=np.int64)[which]
    return Additions(numbers, table.uses.all)


@dataclass(slots=True)
class _Reached:
    """States at a scale, as one number each: `most` times the state, and the scale."""

    table: Table
    most: int

    @property
    def wide(self) -> type[np.int32] | type[np.int64]:
        """How wide the numbers are."""
        return np.int32 if self.table.states * self.most < 1 << 31 else np.int64

    def own(self, states: Ints) -> Ints:
        """Return some states as they are."""
        return self._code(states, self.table.scale.all[states])

    def codes(self, states: Ints, scale: Ints) -> Ints:
        """Return some states, each at one more scale."""
        table, most = self.table, self.most
        pairs = table.scale.all[states] * most + scale
        composed = np.zeros(most * most, dtype=np.int32)
        for pair in np.flatnonzero(np.bincount(pairs, minlength=most * most)).tolist():
            composed[pair] = table.scale_of(pair // most, table.scales[pair % most])
        return self._code(states, composed[pairs])

    def _code(self, states: Ints, scale: Ints) -> Ints:
        found: Ints = self.table.origin.all[states].astype(self.wide)
        found *= self.most
        found += scale
        return found

    def all(self, roots: Ints) -> Ints:
        """Return all that some states reach, in an order in which children come first."""
        while True:
            found = self._found(roots)
            if len(self.table.scales) <= self.most:
                return found
            self.most *= 2

    def _found(self, roots: Ints) -> Ints:
        """Return what is reached; of more than `most` scales, not all."""
        table, most = self.table, self.most
        frontier = np.unique(self.own(roots))
        seen, fresh = np.zeros((2, table.states * most), dtype=np.bool_)
        seen[frontier] = True
        while len(frontier) and len(table.scales) <= most:
            origin, scale = frontier // most, frontier % most
            start = table.start.all[origin]
            edges, owner = spread(start, table.stop.all[origin] - start)
            first = table.first_child.all[edges]
            places, edge = spread(first, table.last_child.all[edges] - first)
            called = self.codes(table.children.all[places], scale[owner[edge]])
            fresh[called] = True
            frontier = np.flatnonzero(fresh & ~seen).astype(self.wide)
            seen[frontier], fresh[called] = True, False
        found: Ints = np.flatnonzero(seen).astype(self.wide)
        return found
